//! Which service a command asks, and with which key.

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use clap::Args;
use zeroize::Zeroizing;

use super::output::Output;
use crate::{
    Failure,
    client::{Client, make_key},
    home::{ADMIN_KEY, DATABASE, Home, not_for_others, read_named},
};

/// Which service, and with which key.
#[derive(Args)]
pub(super) struct Server {
    /// The service
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "COUNTERSIGN_SERVER",
        default_value = "http://127.0.0.1:8700"
    )]
    server: String,
    /// The file of an API key [default: admin.key in the data directory]
    #[arg(long, global = true, value_name = "FILE", env = "COUNTERSIGN_API_KEY_FILE")]
    api_key_file: Option<PathBuf>,
    /// The service's data directory, for its admin.key
    #[arg(long, global = true, value_name = "DIR", env = "COUNTERSIGN_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Prints data as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Never asks: codes come from stdin or a file, or the command fails
    #[arg(long, global = true)]
    no_input: bool,
}

impl Server {
    /// Whether nobody is there who could do something.
    pub(super) fn no_input(&self) -> bool {
        self.no_input
    }

    /// How results are to be printed.
    pub(super) fn output(&self) -> Output {
        Output {
            json: self.json,
            may_ask: !self.no_input && io::stdin().is_terminal(),
        }
    }

    pub(super) fn client(&self) -> Result<Client, Failure> {
        client(&self.server, self.api_key_file.clone(), self.data_dir.clone())
    }
}

/// The client of a service, with the key of this file, or else of the service's data directory.
pub(super) fn client(
    server: &str,
    api_key_file: Option<PathBuf>,
    data_dir: Option<PathBuf>,
) -> Result<Client, Failure> {
    let (path, is_made) = match api_key_file {
        Some(path) => (path, false),
        None => admin_key(data_dir)?,
    };
    if path.to_str().is_some_and(|path| path.starts_with("cs_")) {
        return Err(
            Failure::usage("this is an API key, where the name of a file with one is asked for")
                .help("write the key into a file that only you can read, and name that with --api-key-file"),
        );
    }
    let key = read_key(&path, is_made)?;
    let key = otp::typed::trimmed(str::from_utf8(&key).unwrap_or_default());
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            Failure::new(format!("{} holds no API key, which is one word", path.display()))
                .help(format!("{} and name it with --api-key-file FILE", key_made())),
        );
    }
    Client::new(server, key)
}

/// The key that the service made in its data directory, and whether its first start is still to make it.
fn admin_key(data_dir: Option<PathBuf>) -> Result<(PathBuf, bool), Failure> {
    let dir = Home { data_dir }.dir()?;
    let path = dir.join(ADMIN_KEY);
    not_for_others(&path)?;
    Ok((path, !dir.join(DATABASE).exists()))
}

fn read_key(path: &Path, is_made: bool) -> Result<Zeroizing<Vec<u8>>, Failure> {
    authenticator::kept_private(path)?;
    read_named(path).map_err(|error| {
        let first = if is_made {
            "start `countersign serve` once, which makes it, or "
        } else {
            ""
        };
        Failure::new(format!("there is no API key at {}: {error}", path.display()))
            .help(format!("{first}{} and name it with --api-key-file FILE", key_made()))
    })
}

fn key_made() -> String {
    make_key("verify,enroll")
}
