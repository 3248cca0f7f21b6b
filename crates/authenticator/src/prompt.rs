//! Questions to the person at the terminal, and what comes from files in their place.

use std::{
    fs::File,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use rustix::{
    io::retry_on_intr,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr},
};
use zeroize::Zeroizing;

use crate::Refusal;

/// No passphrase, key or list is longer.
const MAX_FILE_LEN_BYTES: usize = 16 << 20;

/// How often what was typed wrong may be typed anew.
pub(crate) const TRIES: usize = 3;

/// Whether questions may be asked.
#[derive(Clone, Copy)]
pub(crate) struct Prompt {
    pub(crate) no_input: bool,
}

impl Prompt {
    pub(crate) fn can_ask(self) -> bool {
        !self.no_input && io::stdin().is_terminal()
    }

    /// A question to be answered by yes; `remedy` is for whoever cannot be asked.
    pub(crate) fn confirm(self, question: &str, remedy: &str) -> Result<bool, Refusal> {
        if !self.can_ask() {
            return Err(Refusal::usage("this has to be confirmed, and nobody can be asked").help(remedy));
        }
        eprint!("{question} [y/N] ");
        let _shown = io::stderr().flush();
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(Refusal::new)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// A line that everybody may see; `None` where nobody can be asked.
    pub(crate) fn line(self, question: &str) -> Result<Option<String>, Refusal> {
        if !self.can_ask() {
            return Ok(None);
        }
        eprint!("{question}: ");
        let _shown = io::stderr().flush();
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line).map_err(Refusal::new)? {
            0 => Err(Refusal::new("nothing was typed")),
            _ => Ok(Some(line.trim().to_owned())),
        }
    }

    /// What is typed without being shown.
    pub(crate) fn secret(self, question: &str, remedy: &str) -> Result<Zeroizing<String>, Refusal> {
        if !self.can_ask() {
            return Err(Refusal::usage(format!("nobody can be asked for this: {question}")).help(remedy));
        }
        ask_quietly(question).map_err(|error| Refusal::new(format!("nothing was read from the terminal: {error}")))
    }

    /// A new one, typed twice; and anew, because what was typed before it would be lost, too.
    pub(crate) fn new_secret(self, question: &str, remedy: &str) -> Result<Zeroizing<String>, Refusal> {
        for _ in 0..TRIES {
            let first = self.secret(question, remedy)?;
            if first.is_empty() {
                eprintln!("an empty one protects nothing");
                continue;
            }
            if *first == *self.secret("The same again", remedy)? {
                return Ok(first);
            }
            eprintln!("the two are not the same");
        }
        Err(Refusal::new("nothing was changed: no passphrase was chosen"))
    }
}

/// The terminal on stdin without echo, until this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        // But for the line's end, which is the answer to Enter.
        quiet.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _as_it_was = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// A line that nobody sees. The echo ends before the question comes: who answers at once is not shown either.
fn ask_quietly(question: &str) -> io::Result<Zeroizing<String>> {
    /// What a terminal takes as one line.
    const MAX_LINE_LEN_BYTES: usize = 4_096;
    let _quiet = Quiet::begin()?;
    eprint!("{question}: ");
    io::stderr().flush()?;
    let mut line = Zeroizing::new([0; MAX_LINE_LEN_BYTES]);
    // Without stdin's own buffer, which would keep a copy.
    let len = retry_on_intr(|| rustix::io::read(io::stdin(), &mut line[..]))?;
    let text = str::from_utf8(&line[..len]).map_err(|_| io::Error::other("what was typed is not UTF-8"))?;
    match text.strip_suffix('\n') {
        Some(text) => Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned())),
        None if len == 0 => Err(io::ErrorKind::UnexpectedEof.into()),
        None => Err(io::Error::other("it was too long, or its line did not end")),
    }
}

/// Set by the first who reads all of stdin: a second one would find it empty, and take that for what it wants.
static STDIN_IS_READ: AtomicBool = AtomicBool::new(false);

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

/// One line of text of a file: a passphrase.
pub(crate) fn read_line(path: &Path) -> Result<Zeroizing<String>, Refusal> {
    let bytes = read_whole(path)?;
    let text = str::from_utf8(&bytes)
        .map_err(|_| Refusal::usage(format!("{} is not UTF-8 text", path.display())))?
        .trim_end_matches(['\r', '\n']);
    Ok(Zeroizing::new(text.to_owned()))
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
