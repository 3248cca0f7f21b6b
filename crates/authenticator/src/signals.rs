//! Signals, heard at a moment that suits: whoever changed the terminal puts it right before it obeys.

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use signal_hook::{
    SigId,
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    flag::register_conditional_default,
    low_level::{pipe, unregister},
};

/// Signals that end a program.
pub(crate) const ENDING: [i32; 4] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT];

/// The signals that were ever listened to, and whether it does now what it does by default: a handler stays for ever, and a
/// signal that nobody listens to any more would be lost in it.
static BY_DEFAULT: Mutex<BTreeMap<i32, Arc<AtomicBool>>> = Mutex::new(BTreeMap::new());

/// Why a wait ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    ByTime,
    /// The keyboard or a signal.
    BySomething,
    /// There is no terminal any more.
    HungUp,
}

/// Signals, each as a byte in a pipe of its own.
pub(crate) struct Signals {
    pipes: Vec<(i32, UnixStream)>,
    ids: Vec<SigId>,
}

impl Signals {
    pub(crate) fn listen(to: impl IntoIterator<Item = i32>) -> io::Result<Self> {
        let mut signals = Self {
            pipes: Vec::new(),
            ids: Vec::new(),
        };
        for signal in to {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            signals.ids.push(pipe::register(signal, write)?);
            signals.pipes.push((signal, read));
            by_default(signal, false)?;
        }
        Ok(signals)
    }

    /// Waits for the keyboard or a signal.
    pub(crate) fn wait(&self, keyboard: impl AsFd, longest: Option<Duration>) -> io::Result<Woken> {
        let keyboard: BorrowedFd<'_> = keyboard.as_fd();
        let mut waiting = vec![PollFd::from_borrowed_fd(keyboard, PollFlags::IN)];
        let pipes = self.pipes.iter().map(|(_, pipe)| PollFd::new(pipe, PollFlags::IN));
        waiting.extend(pipes);
        let longest = longest.and_then(|longest| Timespec::try_from(longest).ok());
        match poll(&mut waiting, longest.as_ref()) {
            Ok(_) if waiting[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) => Ok(Woken::HungUp),
            Ok(0) => Ok(Woken::ByTime),
            Ok(_) | Err(Errno::INTR) => Ok(Woken::BySomething),
            Err(error) => Err(error.into()),
        }
    }

    /// While `work` lasts, this signal does at once what it does by default.
    pub(crate) fn obeying<T>(&self, signal: i32, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        by_default(signal, true)?;
        let done = work();
        by_default(signal, false)?;
        done
    }

    pub(crate) fn ending(&self) -> Option<i32> {
        ENDING.into_iter().find(|signal| self.came(*signal))
    }

    /// True if it came since it was asked last.
    pub(crate) fn came(&self, signal: i32) -> bool {
        let mut bytes = [0; 64];
        let pipe = self.pipes.iter().find(|(of, _)| *of == signal);
        pipe.is_some_and(|(_, pipe)| (&*pipe).read(&mut bytes).is_ok_and(|read| read > 0))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for (signal, _) in &self.pipes {
            let _known = by_default(*signal, true);
        }
        for id in self.ids.drain(..) {
            unregister(id);
        }
    }
}

fn by_default(signal: i32, is_default: bool) -> io::Result<()> {
    let mut all = BY_DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(flag) = all.get(&signal) {
        flag.store(is_default, Ordering::SeqCst);
        return Ok(());
    }
    let flag = Arc::new(AtomicBool::new(is_default));
    register_conditional_default(signal, Arc::clone(&flag))?;
    all.insert(signal, flag);
    Ok(())
}
