use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read as _, Write as _},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_setfl},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use crate::{Kept, Simulated};

/// A pseudo-terminal: what the token's cable would be. The host opens [`path`](Self::path) like any serial port.
pub struct Pty {
    controller: File,
    path: PathBuf,
}

impl Pty {
    /// Opens one; it is there until this is dropped.
    ///
    /// # Errors
    /// What the system says, when it has no more of them.
    pub fn open() -> io::Result<Self> {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&controller)?;
        unlockpt(&controller)?;
        let path = ptsname(&controller, Vec::new())?;
        // A host that does not read is not waited for.
        fcntl_setfl(&controller, OFlags::RDWR | OFlags::NONBLOCK)?;
        Ok(Self {
            controller: controller.into(),
            path: PathBuf::from(OsStr::from_bytes(path.as_bytes())),
        })
    }

    /// The path by which the host finds it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits at most so long for the host to say something, hands it to the token, sends what the token answers, and
    /// gives the token its tick when that is due. To be called again and again.
    ///
    /// # Errors
    /// What the system says of the pseudo-terminal itself; a host that comes and goes is none.
    pub fn serve<S: Kept>(&mut self, token: &mut Simulated<S>, patience: Duration) -> io::Result<()> {
        let due = token.due_in_ms().map_or(patience, Duration::from_millis);
        let mut bytes = [0; 512];
        let heard = self.hear(&mut bytes, due.min(patience))?;
        if !heard.is_empty() {
            token.receive(heard);
        }
        token.tick_if_due();
        self.say(&token.take_said())
    }

    fn hear<'b>(&mut self, into: &'b mut [u8], patience: Duration) -> io::Result<&'b [u8]> {
        /// While no host has it open there is nothing to wait for.
        const NOBODY: Duration = Duration::from_millis(10);
        let mut line = [PollFd::new(&self.controller, PollFlags::IN)];
        let timeout = Timespec::try_from(patience).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut line, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(&[]),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        if !line[0].revents().contains(PollFlags::IN) {
            std::thread::sleep(patience.min(NOBODY));
            return Ok(&[]);
        }
        match self.controller.read(into) {
            Ok(len) => Ok(&into[..len]),
            Err(error) if passes(&error) => Ok(&[]),
            Err(error) => Err(error),
        }
    }

    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.controller.write_all(bytes) {
            Err(error) if !passes(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

/// The host went, or does not read, or a signal came.
fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    matches!(error.kind(), Interrupted | WouldBlock)
        || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}
