//! The agent's side.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    thread,
    time::{Duration, Instant},
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
use zeroize::Zeroizing;

use super::{
    GIVE_KEY, LOCK, READY, SECONDS_LEFT,
    socket::{AgentSocket, Holder, ListeningSocket, is_of_our_user},
};
use crate::secrecy::keep_memory_private;

/// The time that a predecessor has to leave.
const PREDECESSORS_TIME: Duration = Duration::from_secs(5);
/// The time that whoever had the key wiped has to hang up.
const FAREWELL: Duration = Duration::from_secs(1);
/// The pause between two looks whether it can still be reached.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// Connections at once; one that says nothing goes when as many others have come.
const MOST_ASKERS: usize = 32;

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

/// Runs the agent: takes the key from stdin, says on stdout that it listens, or why not, and returns when the time is over,
/// when it was told to lock, or when nobody can reach it any more.
pub(crate) fn keep(socket: &Path, lasts: Duration) {
    let begun = keep_memory_private()
        .and_then(|()| Kept::from_stdin())
        .and_then(|kept| Ok((kept, listen_on(&AgentSocket::at(socket.into()))?, timer(lasts)?)));
    let mut out = io::stdout();
    match begun {
        Ok((kept, taken, timer)) => {
            let detached = detach(&mut out);
            let told_by = detached.ok().and_then(|()| serve(&kept, &taken, &timer));
            drop(kept);
            // From here on whoever looks sees that there is no agent, and that is true.
            drop(taken);
            if let Some(asker) = told_by {
                let _hung_up = acknowledge(asker);
            }
        }
        Err(error) => {
            let _unheard = write!(out, "{error}");
        }
    }
}

/// Has a predecessor lock, and waits until it has left.
fn listen_on(socket: &AgentSocket) -> io::Result<ListeningSocket> {
    let until = Instant::now() + PREDECESSORS_TIME;
    loop {
        if let Some(taken) = socket.take()? {
            return Ok(taken);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let Some(Holder(Some(id))) = socket.holder()? else {
                return Err(io::Error::other("another one does not leave: try again"));
            };
            return Err(io::Error::other(format!(
                "another one, process {id}, does not leave: end it with `kill -9 {id}`"
            )));
        }
        if socket.ask(LOCK, &mut [0], left).is_err() {
            thread::sleep(Duration::from_millis(20));
        }
    }
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

/// Answers until it has to end; whoever told it to is still there. Nobody is waited for: not one asker keeps another from
/// being heard.
fn serve(kept: &Kept, taken: &ListeningSocket, timer: &OwnedFd) -> Option<UnixStream> {
    let mut askers: Vec<UnixStream> = Vec::new();
    while taken.is_reachable() {
        let mut ready = vec![
            PollFd::new(timer, PollFlags::IN),
            PollFd::new(&taken.listener, PollFlags::IN),
        ];
        ready.extend(askers.iter().map(|asker| PollFd::new(asker, PollFlags::IN)));
        match poll(&mut ready, Some(&LOOK_EVERY)) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return None,
        }
        let mut came = ready.iter().map(|one| !one.revents().is_empty());
        let (Some(is_over), Some(is_asked)) = (came.next(), came.next()) else {
            return None;
        };
        if is_over {
            return None;
        }
        let have_spoken: Vec<bool> = came.collect();
        let (spoke, silent): (Vec<_>, Vec<_>) = askers.into_iter().zip(have_spoken).partition(|(_, spoke)| *spoke);
        askers = silent.into_iter().map(|(asker, _)| asker).collect();
        for (mut asker, _) in spoke {
            let mut request = [0];
            let _hung_up = asker.read(&mut request);
            let _hung_up = match request[0] {
                GIVE_KEY => asker.write_all(&**kept.key),
                SECONDS_LEFT => asker.write_all(&seconds_left(timer).to_le_bytes()),
                LOCK => return Some(asker),
                _ => continue,
            };
        }
        if is_asked && let Some(asker) = accept(taken).ok()? {
            if askers.len() == MOST_ASKERS {
                askers.remove(0);
            }
            askers.push(asker);
        }
    }
    None
}

/// Somebody of the same user.
fn accept(taken: &ListeningSocket) -> io::Result<Option<UnixStream>> {
    let asker = match taken.listener.accept() {
        Ok((asker, _)) => asker,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        Err(error) => return Err(error),
    };
    asker.set_nonblocking(true)?;
    Ok(is_of_our_user(&asker)?.then_some(asker))
}

fn seconds_left(timer: &OwnedFd) -> u32 {
    let left = timerfd_gettime(timer).map_or(0, |left| left.it_value.tv_sec);
    u32::try_from(left).unwrap_or(0)
}

/// Says that the key is wiped. Until the asker hangs up it may look whether that is so.
fn acknowledge(mut asker: UnixStream) -> io::Result<()> {
    asker.set_nonblocking(false)?;
    asker.set_read_timeout(Some(FAREWELL))?;
    asker.write_all(&[LOCK])?;
    let _hung_up = asker.read(&mut [0])?;
    Ok(())
}
