//! The socket at which the agent of one vault listens, and beside it a lock that one process at a time can have.
//!
//! The lock tells whether there is an agent, whatever that one does or leaves undone: the kernel gives it back when its
//! process has ended, and not before. Nobody makes or removes a socket without it.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::{
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt::socket_peercred,
};
use vault::VAULT_ID_LEN_BYTES;

const LOCK_SUFFIX: &str = "lock";

/// The socket of one vault's agent, by its path; the lock is beside it.
#[derive(Clone)]
pub(super) struct AgentSocket {
    path: PathBuf,
}

/// The socket with this process listening on it, until this is dropped.
pub(super) struct ListeningSocket {
    socket: AgentSocket,
    lock: File,
    pub(super) listener: UnixListener,
    bound: Metadata,
}

/// The process behind a socket, as far as it said who it is.
pub(super) struct Holder(pub(super) Option<u32>);

impl AgentSocket {
    /// The socket of a vault, named by its id, which stays the same when its file is moved or called by another path.
    pub(super) fn of(directory: &Path, vault_id: &[u8; VAULT_ID_LEN_BYTES]) -> Self {
        Self::at(directory.join(data_encoding::HEXLOWER.encode(vault_id)))
    }

    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// All sockets of a directory that were ever taken and not left in good order, or are taken now; none where nobody made it.
    ///
    /// # Errors
    /// What is in it cannot be known.
    pub(super) fn all(directory: &Path) -> io::Result<Vec<Self>> {
        if !is_there_and_private(directory)? {
            return Ok(Vec::new());
        }
        let mut sockets = BTreeSet::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let is_socket = path.extension().is_none_or(|suffix| suffix == LOCK_SUFFIX);
            sockets.extend(is_socket.then(|| path.with_extension("")));
        }
        Ok(sockets.into_iter().map(Self::at).collect())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    fn lock(&self) -> PathBuf {
        self.path.with_extension(LOCK_SUFFIX)
    }

    /// The process that has it now; `None` when it is proven that none has.
    ///
    /// # Errors
    /// Whether an agent is there cannot be known: what others may write to says nothing of us, and neither does what we cannot
    /// look at.
    pub(super) fn holder(&self) -> io::Result<Option<Holder>> {
        if !is_there_and_private(self.directory())? {
            return Ok(None);
        }
        let lock = match File::open(self.lock()) {
            Ok(lock) => lock,
            Err(error) if error.kind() == ErrorKind::NotFound => return self.holder_without_lock(),
            Err(error) => return Err(at(&self.lock(), &error)),
        };
        // Shared, so that two who look do not take each other for an agent.
        match lock.try_lock_shared() {
            Ok(()) => self.holder_without_lock(),
            Err(TryLockError::WouldBlock) => {
                let mut id = String::new();
                let _unsaid = lock.take(16).read_to_string(&mut id);
                Ok(Some(Holder(id.trim().parse().ok())))
            }
            Err(TryLockError::Error(error)) => Err(at(&self.lock(), &error)),
        }
    }

    /// A listener without the lock: an agent whose lock's file was taken away, or exchanged. A socket that a killed
    /// process left refuses.
    fn holder_without_lock(&self) -> io::Result<Option<Holder>> {
        match self.connect() {
            Ok(agent) => {
                let id = socket_peercred(&agent)?.pid.as_raw_nonzero().get();
                Ok(Some(Holder(u32::try_from(id).ok())))
            }
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => Ok(None),
                ErrorKind::WouldBlock => Ok(Some(Holder(None))),
                _ => Err(at(&self.path, &error)),
            },
        }
    }

    /// A stopped process listens on, but its queue gets full; that is not waited for.
    fn connect(&self) -> io::Result<UnixStream> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(&self.path)?)?;
        Ok(UnixStream::from(socket))
    }

    /// Asks whoever listens there, and waits for as long an answer as this.
    pub(super) fn ask(&self, request: u8, answer: &mut [u8], patience: Duration) -> io::Result<()> {
        let mut agent = self.connect()?;
        if !is_of_our_user(&agent)? {
            return Err(ErrorKind::PermissionDenied.into());
        }
        agent.set_nonblocking(false)?;
        agent.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
        agent.write_all(&[request])?;
        agent.read_exact(answer)
    }

    /// Sits down, in a directory that is private; `None` while somebody else has the lock.
    pub(super) fn take(&self) -> io::Result<Option<ListeningSocket>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut lock = options.open(self.lock())?;
        match lock.try_lock() {
            // Whoever had it may have taken the file away with it.
            Ok(()) if is_at(&lock.metadata()?, &self.lock()) => {}
            Ok(()) | Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())?;
        // What is there was left by a process that was killed.
        let _left = fs::remove_file(&self.path);
        let listener = UnixListener::bind(&self.path)?;
        listener.set_nonblocking(true)?;
        Ok(Some(ListeningSocket {
            socket: self.clone(),
            lock,
            listener,
            bound: fs::symlink_metadata(&self.path)?,
        }))
    }
}

impl ListeningSocket {
    /// Whether others still find us: a directory may be removed when its user logs out.
    pub(super) fn is_reachable(&self) -> bool {
        let lock = self.lock.metadata();
        self.has_socket() && lock.is_ok_and(|lock| is_at(&lock, &self.socket.lock()))
    }

    fn has_socket(&self) -> bool {
        is_at(&self.bound, &self.socket.path)
    }
}

impl Drop for ListeningSocket {
    fn drop(&mut self) {
        if self.has_socket() {
            let _gone = fs::remove_file(&self.socket.path);
        }
        let path = self.socket.lock();
        if self.lock.metadata().is_ok_and(|lock| is_at(&lock, &path)) {
            let _gone = fs::remove_file(path);
        }
    }
}

fn is_at(file: &Metadata, path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (file.dev(), file.ino()))
}

pub(super) fn is_of_our_user(peer: &UnixStream) -> io::Result<bool> {
    Ok(socket_peercred(peer)?.uid == rustix::process::geteuid())
}

/// Makes a directory for sockets, or sees to it that nobody else may enter the one that is there.
pub(super) fn make_private(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let shown = directory.display();
            Err(io::Error::new(error.kind(), format!("{shown} cannot be made: {error}")))
        }
        _ => is_private(directory),
    }
}

/// `false` where nobody made it, so that nobody listens in it.
fn is_there_and_private(directory: &Path) -> io::Result<bool> {
    match is_private(directory) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} cannot be looked at: {error}", path.display()))
}

fn is_private(directory: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(directory).map_err(|error| at(directory, &error))?;
    let wrong = if !found.is_dir() {
        "is not a directory: move it away"
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user: have that one or root remove it"
    } else if found.mode() & 0o077 != 0 {
        "may be entered by others: `chmod 700` it"
    } else {
        return Ok(());
    };
    Err(io::Error::other(format!("{} {wrong}", directory.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let says = |name: &str| make_private(&home.path().join(name)).map_err(|error| error.to_string());
        assert_eq!(says("new"), Ok(()));
        assert_eq!(fs::metadata(home.path().join("new")).unwrap().mode() & 0o777, 0o700);
        assert_eq!(says("new"), Ok(()));

        fs::set_permissions(home.path().join("new"), fs::Permissions::from_mode(0o750)).unwrap();
        assert!(
            says("new")
                .unwrap_err()
                .ends_with("may be entered by others: `chmod 700` it")
        );
        symlink(home.path(), home.path().join("link")).unwrap();
        assert!(says("link").unwrap_err().ends_with("is not a directory: move it away"));
        assert!(says("no/parent").unwrap_err().contains("no/parent cannot be made"));
        assert!(says("/proc").unwrap_err().contains("/proc "));
    }

    #[test]
    fn what_cannot_be_looked_at_is_not_taken_for_empty() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("sockets");
        make_private(&directory).unwrap();
        let socket = AgentSocket::of(&directory, &[7; VAULT_ID_LEN_BYTES]);
        let taken = socket.take().unwrap().unwrap();
        let unknown = |socket: &AgentSocket| socket.holder().is_err() && AgentSocket::all(socket.directory()).is_err();
        for mode in [0o750, 0o701, 0o777] {
            fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
            assert!(unknown(&socket), "{mode:o}");
        }
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&directory, home.path().join("link")).unwrap();
        fs::write(home.path().join("file"), "").unwrap();
        for name in ["link", "file", "file/below"] {
            let socket = AgentSocket::of(&home.path().join(name), &[7; VAULT_ID_LEN_BYTES]);
            assert!(unknown(&socket), "{name}");
        }
        let none = AgentSocket::of(&home.path().join("no/parent"), &[7; VAULT_ID_LEN_BYTES]);
        assert!(none.holder().unwrap().is_none() && AgentSocket::all(none.directory()).unwrap().is_empty());
        drop(taken);
    }

    #[test]
    fn a_socket_has_room_for_one_and_knows_its_own_socket() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("sockets");
        make_private(&directory).unwrap();
        let socket = AgentSocket::of(&directory, &[7; VAULT_ID_LEN_BYTES]);
        assert!(socket.holder().unwrap().is_none());
        let taken = socket.take().unwrap().unwrap();
        assert!(socket.take().unwrap().is_none(), "two cannot have it");
        assert_eq!(socket.holder().unwrap().unwrap().0, Some(std::process::id()));
        assert!(taken.is_reachable());
        assert_eq!(AgentSocket::all(&directory).unwrap().len(), 1);
        assert!(AgentSocket::all(&home.path().join("none")).unwrap().is_empty());

        // Somebody takes both files away, and somebody else sits down.
        fs::remove_file(socket.path()).unwrap();
        assert!(!taken.is_reachable());
        fs::remove_file(socket.lock()).unwrap();
        let successor = socket.take().unwrap().unwrap();
        drop(taken);
        assert!(
            successor.is_reachable(),
            "its socket is not its predecessor's to remove"
        );
        assert!(socket.holder().unwrap().is_some(), "nor its lock");

        // A lock that is taken away, or exchanged, hides nobody who listens.
        fs::remove_file(socket.lock()).unwrap();
        assert_eq!(socket.holder().unwrap().unwrap().0, Some(std::process::id()));
        fs::write(socket.lock(), "").unwrap();
        assert_eq!(socket.holder().unwrap().unwrap().0, Some(std::process::id()));
        assert!(!successor.is_reachable(), "and who lost it ends");
        fs::remove_file(socket.lock()).unwrap();

        drop(successor);
        assert!(socket.holder().unwrap().is_none());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }
}
