//! The terminal that a person is asked at, and how it stays quiet while secrets are typed.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
    process::{getppid, getsid},
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr},
};
use signal_hook::{
    consts::{SIGCONT, SIGTSTP},
    low_level::emulate_default_handler,
};
use zeroize::Zeroizing;

use crate::signals::{ENDING, Signals, Woken};

/// The terminal at which a person is asked and answers.
pub(crate) struct Terminal {
    keyboard: File,
    screen: File,
}

impl Terminal {
    /// The one that controls this process, as `ssh` and `gpg` ask there: stdin may be what is worked on, and stderr a file.
    pub(crate) fn of_person() -> Option<Self> {
        let controlling = OpenOptions::new().read(true).write(true).open("/dev/tty");
        if let Ok(keyboard) = controlling {
            let screen = keyboard.try_clone().ok()?;
            return Some(Self { keyboard, screen });
        }
        // In a container stdin may be a terminal that controls nothing.
        let stdin = io::stdin().is_terminal().then(io::stdin)?;
        Some(Self {
            keyboard: stdin.as_fd().try_clone_to_owned().ok()?.into(),
            screen: io::stderr().as_fd().try_clone_to_owned().ok()?.into(),
        })
    }

    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        (&self.screen).write_all(text.as_bytes())
    }

    pub(crate) fn line(&self) -> io::Result<Zeroizing<String>> {
        /// The longest line that a terminal takes.
        const MAX_LINE_LEN_BYTES: usize = 4_096;
        let mut line = Zeroizing::new([0; MAX_LINE_LEN_BYTES]);
        // Without a buffer, which would keep a copy.
        let len = retry_on_intr(|| rustix::io::read(&self.keyboard, &mut line[..]))?;
        let text = str::from_utf8(&line[..len]).map_err(|_| io::Error::other("what was typed is not UTF-8"))?;
        match text.strip_suffix('\n') {
            Some(text) => Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned())),
            None if len == 0 => Err(ErrorKind::UnexpectedEof.into()),
            None => Err(io::Error::other("it was too long, or its line did not end")),
        }
    }

    /// True if there is one more line of what was pasted: these come at once.
    fn has_line(&self) -> io::Result<bool> {
        let mut keyboard = [PollFd::new(&self.keyboard, PollFlags::IN)];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 50_000_000,
        };
        Ok(retry_on_intr(|| poll(&mut keyboard, Some(&at_once)))? > 0)
    }
}

/// There is one terminal. It stays quiet between the questions: people type the next answer while one is checked.
static QUIET: Mutex<Option<Quiet>> = Mutex::new(None);

/// A terminal without echo, and who watches it.
struct Quiet {
    hushed: Arc<Hushed>,
    /// Closed, it ends the watch.
    goes_on: Option<UnixStream>,
    watch: Option<JoinHandle<()>>,
}

struct Hushed {
    terminal: Terminal,
    before: Termios,
    /// What waits for an answer.
    question: Mutex<Option<String>>,
}

impl Quiet {
    fn begin(terminal: Terminal) -> io::Result<Self> {
        let before = tcgetattr(&terminal.keyboard)?;
        let hushed = Arc::new(Hushed {
            terminal,
            before,
            question: Mutex::new(None),
        });
        let signals = Signals::listen(ENDING.into_iter().chain([SIGTSTP, SIGCONT]))?;
        let (goes_on, over) = UnixStream::pair()?;
        let watched = Arc::clone(&hushed);
        Ok(Self {
            hushed,
            goes_on: Some(goes_on),
            watch: Some(thread::spawn(move || {
                let _until_over = watched.watch(&signals, &over);
            })),
        })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        self.goes_on = None;
        let _watched = self.watch.take().map(JoinHandle::join);
        self.hushed.echo();
    }
}

impl Hushed {
    // Whatever is unread goes, each time: it was typed for something else, and may be a secret that a shell would run.

    fn hush(&self) -> io::Result<()> {
        let mut quiet = self.before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        // But for the line's end, which is the answer to Enter.
        quiet.local_modes.insert(LocalModes::ECHONL);
        Ok(tcsetattr(&self.terminal.keyboard, OptionalActions::Flush, &quiet)?)
    }

    fn echo(&self) {
        let _as_it_was = tcsetattr(&self.terminal.keyboard, OptionalActions::Flush, &self.before);
    }

    fn question(&self) -> MutexGuard<'_, Option<String>> {
        self.question.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The echo ends before the question comes: who answers at once is not shown either.
    fn ask(&self, question: &str) -> io::Result<Zeroizing<String>> {
        self.hush()?;
        *self.question() = Some(format!("{question}: "));
        self.terminal.say(&format!("{question}: "))?;
        let answer = self.terminal.line();
        *self.question() = None;
        let answer = answer?;
        if self.terminal.has_line()? {
            while self.terminal.has_line()? && self.terminal.line().is_ok() {}
            eprintln!("more than one line was typed: only the first was taken");
        }
        Ok(answer)
    }

    /// The echo is back before a signal ends or stops this process.
    fn watch(&self, signals: &Signals, over: &UnixStream) -> io::Result<()> {
        loop {
            let woken = signals.wait(over, None)?;
            if let Some(signal) = signals.ending() {
                self.echo();
                let _unseen = self.terminal.say("\n");
                emulate_default_handler(signal)?;
            }
            if woken == Woken::HungUp {
                return Ok(());
            }
            if signals.came(SIGTSTP) && somebody_continues_us() {
                self.echo();
                emulate_default_handler(SIGTSTP)?;
            }
            if signals.came(SIGCONT) {
                self.hush()?;
                if let Some(question) = &*self.question() {
                    self.terminal.say(question)?;
                }
            }
        }
    }
}

fn quiet() -> MutexGuard<'static, Option<Quiet>> {
    QUIET.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line that nobody sees; nothing that is typed is seen from here to [`end_quiet`].
pub(crate) fn ask_quietly(terminal: Terminal, question: &str) -> io::Result<Zeroizing<String>> {
    let mut quiet = quiet();
    let quiet = match &mut *quiet {
        Some(quiet) => quiet,
        none => none.insert(Quiet::begin(terminal)?),
    };
    quiet.hushed.ask(question)
}

/// The terminal echoes again: a question is asked aloud, something is printed (for a pager it may be), or the work is done.
pub(crate) fn end_quiet() {
    *quiet() = None;
}

/// Ends the quiet when it goes, however the work ended.
pub(crate) struct QuietUntilDone;

impl Drop for QuietUntilDone {
    fn drop(&mut self) {
        end_quiet();
    }
}

/// True if a shell may have stopped us: the kernel, too, stops nobody by the keyboard whose parent is of another session.
fn somebody_continues_us() -> bool {
    getppid().is_some_and(|parent| getsid(Some(parent)).ok() == getsid(None).ok())
}
