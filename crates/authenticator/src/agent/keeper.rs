//! The agent's side.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    stdio,
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_gettime,
        timerfd_settime,
    },
};
use vault::DataKey;
use zeroize::{Zeroize as _, Zeroizing};

use super::{GIVE_KEY, LOCK, READY, private_directory};
use crate::secrecy::keep_memory_private;

/// An asker that says nothing is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The data key on a page that is never written to a disk's swap space; wiped before the page is let go.
struct Kept {
    key: Box<Zeroizing<[u8; DataKey::LEN_BYTES]>>,
    _resident: region::LockGuard,
}

impl Kept {
    /// Reads the key from the pipe to where it stays: no buffer sees it.
    fn from_stdin() -> io::Result<Self> {
        let mut key = Box::new(Zeroizing::new([0; DataKey::LEN_BYTES]));
        let resident = region::lock(key.as_ptr(), key.len())
            .map_err(|error| io::Error::other(format!("its memory cannot be locked ({error}): raise `ulimit -l`")))?;
        let mut filled = 0;
        while filled < key.len() {
            match rustix::io::read(stdio::stdin(), &mut key[filled..]) {
                Ok(0) => return Err(io::Error::other("no key came")),
                Ok(len) => filled += len,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self {
            key,
            _resident: resident,
        })
    }
}

/// Is the agent: takes the key from stdin, says on stdout that it listens, or why not, and returns when the time is over or
/// it was told to lock.
pub(crate) fn keep(socket: &Path, lasts: Duration) {
    let begun = keep_memory_private()
        .and_then(|()| Kept::from_stdin())
        .and_then(|kept| Ok((kept, listen(socket)?, timer(lasts)?)));
    let mut out = io::stdout();
    match begun {
        Ok((kept, listener, timer)) => {
            let detached = detach(&mut out);
            if detached.is_ok() {
                serve(kept, &listener, &timer, socket);
            }
            let _gone = fs::remove_file(socket);
        }
        Err(error) => {
            let _unheard = write!(out, "{error}");
        }
    }
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    private_directory(socket)?;
    // Nobody answered here, or the asker would have told that agent to lock.
    let _left = fs::remove_file(socket);
    UnixListener::bind(socket)
}

/// Counts while the machine sleeps, too.
fn timer(lasts: Duration) -> io::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC)?;
    let once = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let setting = Itimerspec {
        it_interval: once(0, 0),
        it_value: once(lasts.as_secs().max(1).cast_signed(), 0),
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &setting)?;
    Ok(timer)
}

/// Says that all is well, and leaves the terminal and the pipes.
fn detach(out: &mut io::Stdout) -> io::Result<()> {
    rustix::process::setsid()?;
    let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    out.write_all(READY)?;
    out.flush()?;
    stdio::dup2_stdin(&null)?;
    stdio::dup2_stdout(&null)?;
    stdio::dup2_stderr(&null)?;
    Ok(())
}

fn serve(mut kept: Kept, listener: &UnixListener, timer: &OwnedFd, socket: &Path) {
    loop {
        let mut ready = [PollFd::new(timer, PollFlags::IN), PollFd::new(listener, PollFlags::IN)];
        match poll(&mut ready, None) {
            Err(Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) if !ready[0].revents().is_empty() => return,
            Ok(_) => {}
        }
        let Ok((mut asker, _)) = listener.accept() else { return };
        match request(&mut asker) {
            Some(GIVE_KEY) => {
                let left = timerfd_gettime(timer).map_or(0, |left| left.it_value.tv_sec);
                let left = u32::try_from(left).unwrap_or(0).to_le_bytes();
                let _hung_up = asker.write_all(&left).and_then(|()| asker.write_all(&**kept.key));
            }
            Some(LOCK) => {
                kept.key.zeroize();
                let _gone = fs::remove_file(socket);
                let _hung_up = asker.write_all(&[LOCK]).and_then(|()| asker.read(&mut [0]));
                return;
            }
            _ => {}
        }
    }
}

/// What is asked, if it is one of the same user who asks.
fn request(asker: &mut UnixStream) -> Option<u8> {
    let peer = rustix::net::sockopt::socket_peercred(&*asker).ok()?;
    if peer.uid != rustix::process::geteuid() {
        return None;
    }
    asker.set_read_timeout(Some(PATIENCE)).ok()?;
    asker.set_write_timeout(Some(PATIENCE)).ok()?;
    let mut request = [0];
    asker.read_exact(&mut request).ok()?;
    Some(request[0])
}
