//! The commands' side.

use std::{
    io::{self, Read as _, Write as _},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use vault::{DataKey, VAULT_ID_LEN_BYTES};
use zeroize::Zeroizing;

use super::{
    GIVE_KEY, LOCK, READY, SECONDS_LEFT,
    socket::{AgentSocket, Holder, make_private},
};
use crate::{Machine, Refusal, background::background};

const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A vault's agent, which may or may not be there.
pub(crate) struct Agent {
    /// Where it may be, the best place first.
    sockets: Vec<AgentSocket>,
}

impl Agent {
    pub(crate) fn of(machine: &Machine, vault_id: &[u8; VAULT_ID_LEN_BYTES]) -> Self {
        let directories = machine.runtime_dirs.iter();
        Self {
            sockets: directories
                .map(|directory| AgentSocket::of(directory, vault_id))
                .collect(),
        }
    }

    /// Locks the agents of all vaults that are there.
    ///
    /// # Errors
    /// A place of theirs cannot be looked at, after all others were locked.
    pub(crate) fn lock_all(machine: &Machine) -> Result<bool, Refusal> {
        let mut found = Self { sockets: Vec::new() };
        let mut unseen = Vec::new();
        for directory in &machine.runtime_dirs {
            match AgentSocket::all(directory) {
                Ok(sockets) => found.sockets.extend(sockets),
                Err(error) => unseen.push(Unsure::Unseen(error)),
            }
        }
        let locked = found.lock();
        match unseen.into_iter().next() {
            Some(unsure) => locked.and(Err(unsure.into())),
            None => locked,
        }
    }

    /// `None` when nobody keeps it. The vault says whether it is right.
    ///
    /// # Errors
    /// As in all of these: an agent is there, and does not answer.
    pub(crate) fn key(&self) -> Result<Option<DataKey>, Refusal> {
        let mut key = Zeroizing::new([0; DataKey::LEN_BYTES]);
        let is_kept = self.any(GIVE_KEY, &mut *key)?;
        Ok(is_kept.then(|| DataKey::from_bytes(&key)))
    }

    /// Seconds for which the key is still kept; `None` when nobody keeps it.
    pub(crate) fn seconds_left(&self) -> Result<Option<u32>, Refusal> {
        let mut left = [0; 4];
        let is_kept = self.any(SECONDS_LEFT, &mut left)?;
        Ok(is_kept.then(|| u32::from_le_bytes(left)))
    }

    /// Has the key wiped; false when it is proven that nobody kept it.
    pub(crate) fn lock(&self) -> Result<bool, Refusal> {
        // One that does not answer is no reason to spare the others.
        let asked: Vec<_> = self.sockets.iter().map(|socket| ask(socket, LOCK, &mut [0])).collect();
        let locked: Vec<bool> = asked.into_iter().collect::<Result<_, _>>()?;
        Ok(locked.contains(&true))
    }

    /// Whether one is there and has answered. What cannot be looked at matters only when no other place has one.
    fn any(&self, request: u8, answer: &mut [u8]) -> Result<bool, Refusal> {
        let mut unseen = None;
        for socket in &self.sockets {
            match ask(socket, request, answer) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(silent @ Unsure::Silent(_)) => return Err(silent.into()),
                Err(error) => unseen = unseen.or(Some(error)),
            }
        }
        unseen.map_or(Ok(false), |unsure| Err(unsure.into()))
    }

    /// Has predecessors lock that can be reached. One that cannot be would keep its key for its own time; `lock` will not be
    /// quiet about it.
    fn lock_reachable(&self) -> Result<(), Refusal> {
        for socket in &self.sockets {
            if let Err(silent @ Unsure::Silent(_)) = ask(socket, LOCK, &mut [0]) {
                return Err(silent.into());
            }
        }
        Ok(())
    }

    /// Starts one in the place of the one that may be there. The key goes through a pipe.
    pub(crate) fn start(&self, machine: &Machine, key: &DataKey, lasts: Duration) -> Result<(), Refusal> {
        self.lock_reachable()?;
        let refused = |what: &str| {
            Refusal::new(format!(
                "the vault was not unlocked, because its agent cannot run: {what}"
            ))
            .help("or go on with --passphrase-file, without an agent")
        };
        let mut child = background(machine, "agent", lasts)
            .arg("--socket")
            .arg(self.private_socket().map_err(|error| refused(&error))?.path())
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

    /// The first place that can be had; else why not the last.
    fn private_socket(&self) -> Result<&AgentSocket, String> {
        let mut why_not = String::new();
        for socket in &self.sockets {
            match make_private(socket.directory()) {
                Ok(()) => return Ok(socket),
                Err(error) => why_not = error.to_string(),
            }
        }
        Err(why_not)
    }
}

/// Why it is not known whether a key is kept.
enum Unsure {
    /// An agent is there, this process as far as that is known, and does not answer.
    Silent(Option<u32>),
    /// The place where one would be cannot be looked at.
    Unseen(io::Error),
}

/// Asks the agent on this socket; false when it is proven that there is none. Neither silence nor a closed door is taken for
/// absence.
fn ask(socket: &AgentSocket, request: u8, answer: &mut [u8]) -> Result<bool, Unsure> {
    let until = Instant::now() + PATIENCE;
    while let Some(Holder(id)) = socket.holder().map_err(Unsure::Unseen)? {
        // One that begins does not listen yet, and one that ends not any more.
        let left = until.saturating_duration_since(Instant::now());
        match socket.ask(request, answer, left) {
            Ok(()) => return Ok(true),
            Err(_) if left.is_zero() => return Err(Unsure::Silent(id)),
            Err(_) => thread::sleep(AGAIN_AFTER),
        }
    }
    Ok(false)
}

impl From<Unsure> for Refusal {
    fn from(unsure: Unsure) -> Self {
        match unsure {
            Unsure::Silent(id) => {
                let named = id.map_or(String::new(), |id| format!(", process {id},"));
                Self::new(format!(
                    "an agent{named} does not answer, and may still have the vault's key"
                ))
                .help(match id {
                    Some(id) => format!("end it with `kill -9 {id}`"),
                    None => "look for `countersign authenticator agent` among the processes, and end it with `kill -9`".into(),
                })
            }
            Unsure::Unseen(error) => Self::new(format!(
                "an agent that cannot be reached may still have the vault's key: {error}"
            ))
            .help("then say `countersign authenticator lock` again; or end `countersign authenticator agent` with `kill -9`"),
        }
    }
}
