//! Questions to the person at the terminal, and what comes from files in their place.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use zeroize::Zeroizing;

use crate::{
    Refusal,
    quiet::{Terminal, ask_quietly, end_quiet},
    refusal::named,
};

/// No passphrase, key or list is longer.
const MAX_FILE_LEN_BYTES: usize = 16 << 20;

/// Tries at a secret that is typed.
pub(crate) const TRIES: usize = 3;
/// No new passphrase is shorter, in characters (NIST SP 800-63B). One that is in use goes on opening its vault.
pub(crate) const MIN_NEW_LEN: usize = 8;

/// Asks questions at the terminal, unless none may be asked.
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

    /// Asks for a secret, which is typed without being shown; nothing that is typed is, from here to [`end_quiet`].
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
            let passphrase = read_passphrase(path)?;
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

/// Checks that it is long enough for a new passphrase.
pub(crate) fn long_enough(passphrase: &str) -> Result<(), Refusal> {
    if passphrase.chars().count() >= MIN_NEW_LEN {
        return Ok(());
    }
    Err(Refusal::usage(format!(
        "a new passphrase takes at least {MIN_NEW_LEN} characters, better some words"
    )))
}

/// Set by the first who reads all of stdin: a second one would find it empty, and take that for what it wants.
static STDIN_IS_READ: AtomicBool = AtomicBool::new(false);

/// A whole file, or stdin as `-`, in a buffer that leaves no copy behind.
pub(crate) fn read_whole(path: &Path) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let failed = |error| Refusal::usage(format!("{} cannot be read: {error}", named(path)));
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

/// Refuses a file with a key, a passphrase or a password that others may read: it protects nothing then. What is no file, such
/// as a pipe that a shell makes, has no others; and what is not there is for its reader to say.
///
/// # Errors
/// With the command that mends it.
pub fn kept_private(path: &Path) -> Result<(), Refusal> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() && found.mode() & 0o077 != 0 => {
            let (shown, mode) = (path.display(), found.mode() & 0o777);
            Err(
                Refusal::new(format!("{shown} has a secret, and others may read it (mode {mode:o})")).help(format!(
                    "`chmod 600 {shown}`, and have the secret replaced if somebody did read it"
                )),
            )
        }
        _ => Ok(()),
    }
}

/// A file with a key or a password that nobody else may read, or stdin as `-`.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    if path != Path::new("-") {
        kept_private(path)?;
    }
    read_whole(path)
}

/// The first line of a file with a passphrase, as `gpg` and `openssl` take it: a passphrase is what one can also type.
pub(crate) fn read_passphrase(path: &Path) -> Result<Zeroizing<String>, Refusal> {
    first_line(path, &read_secret(path)?)
}

/// A file's first line.
pub(crate) fn read_line(path: &Path) -> Result<Zeroizing<String>, Refusal> {
    first_line(path, &read_whole(path)?)
}

fn first_line(path: &Path, bytes: &[u8]) -> Result<Zeroizing<String>, Refusal> {
    let text = str::from_utf8(bytes).map_err(|_| Refusal::usage(format!("{} is not UTF-8 text", named(path))))?;
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or("").trim_end_matches('\r').to_owned(),
    ))
}

/// Reads to the end, into a buffer that leaves no copy behind.
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
