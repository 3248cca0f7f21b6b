//! The commands' side.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use vault::DataKey;
use zeroize::Zeroizing;

use super::{GIVE_KEY, LOCK, READY, private_directory, socket_of};
use crate::{Machine, Refusal};

const PATIENCE: Duration = Duration::from_secs(5);

/// A vault's agent, which may or may not be there.
pub(crate) struct Agent {
    socket: PathBuf,
}

impl Agent {
    pub(crate) fn of(machine: &Machine, vault: &Path) -> Self {
        Self {
            socket: socket_of(machine, vault),
        }
    }

    /// The key, and how many seconds it will still be kept; `None` when nobody keeps it. The vault says whether it is right.
    pub(crate) fn key(&self) -> Option<(DataKey, u32)> {
        let mut agent = self.ask(GIVE_KEY)?;
        let mut seconds_left = [0; 4];
        agent.read_exact(&mut seconds_left).ok()?;
        let mut key = Zeroizing::new([0; DataKey::LEN_BYTES]);
        agent.read_exact(&mut *key).ok()?;
        Some((DataKey::from_bytes(&key), u32::from_le_bytes(seconds_left)))
    }

    /// Has the key wiped; false when nobody kept it.
    pub(crate) fn lock(&self) -> bool {
        let wiped = self.ask(LOCK).and_then(|mut agent| agent.read_exact(&mut [0]).ok());
        wiped.is_some()
    }

    fn ask(&self, request: u8) -> Option<UnixStream> {
        let mut agent = UnixStream::connect(&self.socket).ok()?;
        let peer = rustix::net::sockopt::socket_peercred(&agent).ok()?;
        if peer.uid != rustix::process::geteuid() {
            return None;
        }
        agent.set_read_timeout(Some(PATIENCE)).ok()?;
        agent.write_all(&[request]).ok()?;
        Some(agent)
    }
}

/// Starts an agent in the place of the one that may be there. The key goes through a pipe.
pub(crate) fn start(machine: &Machine, vault: &Path, key: &DataKey, lasts: Duration) -> Result<(), Refusal> {
    let agent = Agent::of(machine, vault);
    agent.lock();
    let refused = |what: &str| {
        Refusal::new(format!("the vault stays locked, because its agent cannot run: {what}"))
            .help("set XDG_RUNTIME_DIR to a directory of your own, or go on with --passphrase-file")
    };
    private_directory(&agent.socket).map_err(|error| refused(&error.to_string()))?;
    let mut child = Command::new(&machine.executable)
        .args(["authenticator", "agent", "--seconds"])
        .arg(lasts.as_secs().to_string())
        .arg("--socket")
        .arg(&agent.socket)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| refused(&error.to_string()))?;
    let (mut pipe, mut said) = (child.stdin.take(), Vec::new());
    // A child that ends early says why on its stdout.
    let _unread = pipe.as_mut().map(|pipe| pipe.write_all(key.expose_secret()));
    drop(pipe);
    let _cut = child.stdout.take().map(|mut out| out.read_to_end(&mut said));
    match said == READY {
        true => Ok(()),
        false => {
            let _reaped = child.wait();
            Err(refused(String::from_utf8_lossy(&said).trim()))
        }
    }
}
