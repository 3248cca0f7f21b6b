//! Where the agent of one vault listens: a socket, and beside it a lock that one process at a time can have.
//!
//! The lock tells whether there is an agent, whatever that one does or leaves undone: the kernel gives it back when its
//! process has ended, and not before. Nobody makes or removes a socket without it.

use std::{
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

#[derive(Clone)]
pub(super) struct Seat {
    socket: PathBuf,
}

/// A seat with this process on it, until this is dropped.
pub(super) struct Taken {
    seat: Seat,
    lock: File,
    pub(super) listener: UnixListener,
    socket: Metadata,
}

/// The process on a seat, as far as it said who it is.
pub(super) struct Holder(pub(super) Option<u32>);

impl Seat {
    /// Of a vault by its id, which stays the same when its file is moved or called by another path.
    pub(super) fn of(directory: &Path, vault_id: &[u8; VAULT_ID_LEN_BYTES]) -> Self {
        Self::at(directory.join(data_encoding::HEXLOWER.encode(vault_id)))
    }

    pub(super) fn at(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// All seats of a directory that were ever taken and not left in good order, or are taken now.
    pub(super) fn all(directory: &Path) -> impl Iterator<Item = Self> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let locks = entries.map(|entry| entry.path());
        locks
            .filter(|path| path.extension().is_some_and(|suffix| suffix == LOCK_SUFFIX))
            .map(|path| Self::at(path.with_extension("")))
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn directory(&self) -> &Path {
        self.socket.parent().unwrap_or(Path::new("/"))
    }

    fn lock(&self) -> PathBuf {
        self.socket.with_extension(LOCK_SUFFIX)
    }

    /// Whose it is now, if anybody's.
    pub(super) fn holder(&self) -> Option<Holder> {
        // What others may write to says nothing of us.
        is_private(self.directory()).ok()?;
        let lock = File::open(self.lock()).ok()?;
        // Shared, so that two who look do not take each other for an agent.
        let Err(TryLockError::WouldBlock) = lock.try_lock_shared() else {
            return None;
        };
        let mut id = String::new();
        let _unsaid = lock.take(16).read_to_string(&mut id);
        Some(Holder(id.trim().parse().ok()))
    }

    /// Asks whoever listens there, and waits for as long an answer as this.
    pub(super) fn ask(&self, request: u8, answer: &mut [u8], patience: Duration) -> io::Result<()> {
        // A stopped process listens on, but its queue gets full; that is not waited for.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(&self.socket)?)?;
        let mut agent = UnixStream::from(socket);
        if !is_of_our_user(&agent)? {
            return Err(ErrorKind::PermissionDenied.into());
        }
        agent.set_nonblocking(false)?;
        agent.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
        agent.write_all(&[request])?;
        agent.read_exact(answer)
    }

    /// Sits down, in a directory that is private; `None` while somebody else has the lock.
    pub(super) fn take(&self) -> io::Result<Option<Taken>> {
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
        let _left = fs::remove_file(&self.socket);
        let listener = UnixListener::bind(&self.socket)?;
        listener.set_nonblocking(true)?;
        Ok(Some(Taken {
            seat: self.clone(),
            lock,
            listener,
            socket: fs::symlink_metadata(&self.socket)?,
        }))
    }
}

impl Taken {
    /// Whether others still find us: a directory may be removed when its user logs out.
    pub(super) fn is_reachable(&self) -> bool {
        is_at(&self.socket, &self.seat.socket)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.is_reachable() {
            let _gone = fs::remove_file(&self.seat.socket);
        }
        let path = self.seat.lock();
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

fn is_private(directory: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(directory)?;
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
    fn a_seat_has_room_for_one_and_knows_its_own_socket() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("sockets");
        make_private(&directory).unwrap();
        let seat = Seat::of(&directory, &[7; VAULT_ID_LEN_BYTES]);
        assert!(seat.holder().is_none());
        let taken = seat.take().unwrap().unwrap();
        assert!(seat.take().unwrap().is_none(), "two cannot have it");
        assert_eq!(seat.holder().unwrap().0, Some(std::process::id()));
        assert!(taken.is_reachable());
        assert_eq!(Seat::all(&directory).count(), 1);

        // Somebody takes both files away, and somebody else sits down.
        fs::remove_file(seat.socket()).unwrap();
        assert!(!taken.is_reachable());
        fs::remove_file(seat.lock()).unwrap();
        let successor = seat.take().unwrap().unwrap();
        drop(taken);
        assert!(
            successor.is_reachable(),
            "its socket is not its predecessor's to remove"
        );
        assert!(seat.holder().is_some(), "nor its lock");

        drop(successor);
        assert!(seat.holder().is_none());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }
}
