use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{inventory::actor, seed_key::SeedKey};
use crate::{
    Failure,
    client::Client,
    commands::{Done, user::Said},
};

#[derive(Args)]
pub(in crate::commands) struct Import {
    /// The seed file: PSKC, or a vendor's table; - for stdin. At most 10,000 tokens
    file: PathBuf,
    /// The batch they come in; made, and open to nobody, where there is none
    #[arg(long)]
    batch: String,
    /// Only judges: nothing comes in
    #[arg(long)]
    dry_run: bool,
    /// A file with the password of an encrypted file
    #[arg(long, value_name = "FILE", conflicts_with = "key_file")]
    password_file: Option<PathBuf>,
    /// A file with the key of an encrypted file: 16, 24 or 32 bytes, or as many in hexadecimal
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// How a table's secrets are written, where that is not plain from them all
    #[arg(long, value_parser = ["hex", "base32"])]
    encoding: Option<String>,
    /// Takes secrets of 80 to 127 bits, too, where no better token can be had; shorter ones never come in
    #[arg(long)]
    allow_short_secrets: bool,
}

impl Import {
    pub(super) fn run(self, client: &Client, said: &Said) -> Done {
        let stdin = Path::new("-");
        if !said.may_read_stdin() && (self.file == stdin || self.password_file.as_deref() == Some(stdin)) {
            return Err(Failure::usage("nothing is piped into stdin, and nobody may be asked")
                .help("name a file, or pipe one into stdin"));
        }
        let file = bytes_of(&self.file)?;
        let mut body = json!({"batch": self.batch, "file_base64": base64(&file), "actor": actor()});
        if let Some(path) = &self.password_file {
            authenticator::kept_private(path)?;
            let password = bytes_of(path)?;
            let password = str::from_utf8(&password)
                .map_err(|_| Failure::usage(format!("{} holds no password in UTF-8", path.display())))?;
            body["password"] = password.trim_end_matches(['\r', '\n']).into();
        }
        if let Some(path) = &self.key_file {
            open_by(&mut body, &SeedKey::read(path)?);
        }
        if let Some(encoding) = &self.encoding {
            body["encoding"] = encoding.as_str().into();
        }
        if self.allow_short_secrets {
            body["allow_short_secrets"] = true.into();
        }
        let path = if self.dry_run {
            "/v1/tokens/import?dry_run=true"
        } else {
            "/v1/tokens/import"
        };
        let receipt = client.post(path, &body);
        let receipt = receipt.map_err(|failure| failure.in_words(&flags(&self.file.display().to_string())))?;
        said.say(&receipt, || words(&receipt))?;
        let clean = listed(&receipt["duplicates"]) + listed(&receipt["refusals"]) == 0;
        Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

/// Takes the tokens of an encrypted file into the inventory, or finds all of them there. The words say which.
pub(in crate::commands) fn take_in(
    client: &Client,
    file: &[u8],
    batch: &str,
    key: &SeedKey,
) -> Result<String, Failure> {
    let mut body = json!({"batch": batch, "file_base64": base64(file), "actor": actor()});
    open_by(&mut body, key);
    let receipt = client.post("/v1/tokens/import", &body)?;
    let (count, duplicates) = (receipt["count"].as_u64(), listed(&receipt["duplicates"]));
    match (listed(&receipt["refusals"]), duplicates) {
        (0, 0) => Ok(words(&receipt)),
        (0, _) if count == Some(duplicates as u64) => {
            Ok(format!("all {duplicates} token(s) are in the inventory already"))
        }
        _ => Err(Failure::lines(&words(&receipt))),
    }
}

fn open_by(body: &mut Value, key: &SeedKey) {
    body["key_base64"] = base64(key.expose_secret()).into();
}

fn listed(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

fn base64(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}

fn bytes_of(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = if path == Path::new("-") {
        let mut bytes = Zeroizing::new(Vec::new());
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path).map(Zeroizing::new)
    };
    read.map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))
}

fn words(receipt: &Value) -> String {
    let (count, imported) = (&receipt["count"], &receipt["imported"]);
    let format = receipt["format"].as_str().unwrap_or_default();
    let is_whole = listed(&receipt["duplicates"]) + listed(&receipt["refusals"]) == 0;
    let mut words = if receipt["dry_run"] == true && is_whole {
        format!("{format}: {count} token(s), nothing was imported yet")
    } else if receipt["dry_run"] == true {
        format!("{format}: none of {count} token(s) would be imported")
    } else {
        format!("{format}: {imported} of {count} token(s) imported")
    };
    let texts = |field: &str| receipt[field].as_array().cloned().unwrap_or_default();
    for duplicate in texts("duplicates") {
        words += &format!("\n  {}: there already", duplicate.as_str().unwrap_or_default());
    }
    for refusal in texts("refusals") {
        let name = refusal["serial_number"].as_str().unwrap_or("?");
        words += &format!("\n  {name}: {}", refusal["why"].as_str().unwrap_or_default());
    }
    for remark in texts("remarks") {
        words += &format!("\n  note: {}", remark.as_str().unwrap_or_default());
    }
    words.replace("allow_short_secrets", "--allow-short-secrets")
}

/// What the service calls by its names on the wire, as it was typed; the file last, whose name may be any of them.
fn flags(file: &str) -> [(&'static str, &str); 5] {
    [
        ("key_base64", "--key-file"),
        ("give the key", "give the key (--key-file FILE)"),
        ("give the password", "give the password (--password-file FILE)"),
        ("allow_short_secrets", "--allow-short-secrets"),
        ("file_base64", file),
    ]
}
