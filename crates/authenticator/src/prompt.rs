//! Questions to the person at the terminal, and what comes from files in their place.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, IsTerminal as _, Read as _, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
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

use crate::{
    Refusal,
    signals::{ENDING, Signals, Woken},
};

/// No passphrase, key or list is longer.
const MAX_FILE_LEN_BYTES: usize = 16 << 20;

/// How often what was typed wrong may be typed anew.
pub(crate) const TRIES: usize = 3;
/// No new passphrase is shorter, in characters (NIST SP 800-63B). One that is in use goes on opening its vault.
pub(crate) const MIN_NEW_LEN: usize = 8;

/// Whether questions may be asked.
#[derive(Clone, Copy)]
pub(crate) struct Prompt {
    pub(crate) no_input: bool,
}

impl Prompt {
    /// A question to be answered by yes; `remedy` is for whoever cannot be asked.
    pub(crate) fn confirm(self, question: &str, remedy: &str) -> Result<bool, Refusal> {
        end_quiet();
        let Some(terminal) = self.terminal() else {
            return Err(Refusal::usage("this has to be confirmed, and nobody can be asked").help(remedy));
        };
        terminal.say(&format!("{question} [y/N] ")).map_err(Refusal::new)?;
        match terminal.line() {
            Ok(answer) => Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(Refusal::new(error)),
        }
    }

    /// A line that everybody may see; `None` where nobody can be asked.
    pub(crate) fn line(self, question: &str) -> Result<Option<String>, Refusal> {
        end_quiet();
        let Some(terminal) = self.terminal() else {
            return Ok(None);
        };
        terminal.say(&format!("{question}: ")).map_err(Refusal::new)?;
        match terminal.line() {
            Ok(line) => Ok(Some(line.trim().to_owned())),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(Refusal::new("nothing was typed")),
            Err(error) => Err(Refusal::new(error)),
        }
    }

    /// What is typed without being shown; nothing that is typed is, from here to [`end_quiet`].
    pub(crate) fn secret(self, question: &str, remedy: &str) -> Result<Zeroizing<String>, Refusal> {
        let Some(terminal) = self.terminal() else {
            return Err(Refusal::usage(format!("nobody can be asked for this: {question}")).help(remedy));
        };
        ask_quietly(terminal, question)
            .map_err(|error| Refusal::new(format!("nothing was read from the terminal: {error}")))
    }

    /// A new one: a file's, or typed twice; and anew, because what was typed before it would be lost, too.
    pub(crate) fn new_passphrase(
        self,
        file: Option<&Path>,
        question: &str,
        remedy: &str,
    ) -> Result<Zeroizing<String>, Refusal> {
        if let Some(path) = file {
            let passphrase = read_line(path)?;
            long_enough(&passphrase)?;
            return Ok(passphrase);
        }
        for _ in 0..TRIES {
            let first = self.secret(question, remedy)?;
            if let Err(short) = long_enough(&first) {
                eprintln!("{short}");
            } else if *first == *self.secret("The same again", remedy)? {
                return Ok(first);
            } else {
                eprintln!("the two are not the same");
            }
        }
        Err(Refusal::new("nothing was changed: no passphrase was chosen"))
    }

    fn terminal(self) -> Option<Terminal> {
        if self.no_input { None } else { Terminal::of_person() }
    }
}

/// Whether it may be a new passphrase.
pub(crate) fn long_enough(passphrase: &str) -> Result<(), Refusal> {
    if passphrase.chars().count() >= MIN_NEW_LEN {
        return Ok(());
    }
    Err(Refusal::usage(format!(
        "a new passphrase takes at least {MIN_NEW_LEN} characters, better some words"
    )))
}

/// Where a person is asked and answers.
struct Terminal {
    keyboard: File,
    screen: File,
}

impl Terminal {
    /// The one that controls this process, as `ssh` and `gpg` ask there: stdin may be what is worked on, and stderr a file.
    fn of_person() -> Option<Self> {
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

    fn say(&self, text: &str) -> io::Result<()> {
        (&self.screen).write_all(text.as_bytes())
    }

    fn line(&self) -> io::Result<Zeroizing<String>> {
        /// What a terminal takes as one line.
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

    /// Whether there is one more line of what was pasted: these come at once.
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

fn ask_quietly(terminal: Terminal, question: &str) -> io::Result<Zeroizing<String>> {
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

/// Set by the first who reads all of stdin: a second one would find it empty, and take that for what it wants.
static STDIN_IS_READ: AtomicBool = AtomicBool::new(false);
/// Whether a shell may have stopped us: the kernel, too, stops nobody by the keyboard whose parent is of another session.
fn somebody_continues_us() -> bool {
    getppid().is_some_and(|parent| getsid(Some(parent)).ok() == getsid(None).ok())
}

/// A whole file, or stdin as `-`, in a buffer that leaves no copy behind.
pub(crate) fn read_whole(path: &Path) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let failed = |error| Refusal::usage(format!("{} cannot be read: {error}", path.display()));
    if path == Path::new("-") {
        if STDIN_IS_READ.swap(true, Relaxed) {
            return Err(
                Refusal::usage("stdin cannot be read twice").help("say - for one file only, and name the others")
            );
        }
        return grown(io::stdin().lock()).map_err(failed);
    }
    File::open(path).and_then(grown).map_err(failed)
}

/// A file's first line, as `gpg` and `openssl` take it: a passphrase is what one can also type.
pub(crate) fn read_line(path: &Path) -> Result<Zeroizing<String>, Refusal> {
    let bytes = read_whole(path)?;
    let text = str::from_utf8(&bytes).map_err(|_| Refusal::usage(format!("{} is not UTF-8 text", path.display())))?;
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or("").trim_end_matches('\r').to_owned(),
    ))
}

/// All of it, in a buffer that leaves no copy behind.
pub(crate) fn grown(mut from: impl io::Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
    loop {
        if bytes.len() == bytes.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(4 * bytes.capacity()));
            larger.extend_from_slice(&bytes);
            bytes = larger;
        }
        let room = (bytes.capacity() - bytes.len()) as u64;
        if from.by_ref().take(room).read_to_end(&mut bytes)? == 0 {
            return Ok(bytes);
        }
        if bytes.len() > MAX_FILE_LEN_BYTES {
            return Err(io::Error::other("it is larger than 16 MiB"));
        }
    }
}
