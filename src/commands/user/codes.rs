//! Where a command has its codes from: a file, stdin, or a person who is asked.

use std::{
    fs,
    io::{self, BufRead as _, Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use api::CodeText;
use clap::Args;
use otp::typed::trimmed;
use zeroize::Zeroizing;

use crate::{Failure, commands::output::Output};

#[derive(Args)]
pub(in crate::commands) struct Codes {
    /// Reads the code(s) from a file, one a line; - for stdin
    #[arg(long, value_name = "FILE")]
    pub(super) code_file: Option<PathBuf>,
    /// Where people type them first.
    #[arg(hide = true)]
    on_the_command_line: Vec<String>,
}

impl Codes {
    /// Others can read a command line, and a shell keeps it.
    pub(super) fn are_elsewhere(&self) -> Result<(), Failure> {
        if self.on_the_command_line.is_empty() {
            return Ok(());
        }
        Err(
            Failure::usage("codes are not given on the command line, where others can read them")
                .help("leave it out and it is asked for; or pipe it into stdin, or name a file with --code-file FILE"),
        )
    }
}

/// Codes, from wherever they come, in order; never from the command line, where others could read them.
pub(in crate::commands) struct CodeSource<'a> {
    lines: Option<std::vec::IntoIter<Zeroizing<String>>>,
    /// Whether stdin may be read, where there is no file.
    may_read: bool,
    output: &'a Output,
}

impl<'a> CodeSource<'a> {
    pub(in crate::commands) fn open(codes: &Codes, output: &'a Output) -> Result<Self, Failure> {
        codes.are_elsewhere()?;
        let lines = match &codes.code_file {
            // Line by line, when each is needed: a script may know its code only once it has read the key.
            Some(path) if path == Path::new("-") => None,
            Some(path) => Some(lines_of(path)?.into_iter()),
            None => None,
        };
        Ok(Self {
            lines,
            may_read: output.may_read_stdin() && !stdin_is_null(),
            output,
        })
    }

    /// Fails where no further code can come, before anything is done that only a code completes.
    pub(in crate::commands) fn has_more(&self, question: &str) -> Result<(), Failure> {
        let can_come = match &self.lines {
            Some(lines) => !lines.as_slice().is_empty(),
            None => self.may_read,
        };
        if can_come { Ok(()) } else { Err(missing(question)) }
    }

    pub(in crate::commands) fn next(&mut self, question: &str) -> Result<CodeText, Failure> {
        let line = match &mut self.lines {
            Some(lines) => lines.next(),
            None if self.may_read => self.ask(question).map_err(Failure::new)?,
            None => None,
        };
        let line = line.ok_or_else(|| missing(question))?;
        CodeText::new(line).map_err(|error| Failure::usage(format!("the code {error}: no code is")))
    }

    /// The next line of stdin that is not empty; none at its end.
    fn ask(&self, question: &str) -> io::Result<Option<Zeroizing<String>>> {
        loop {
            if self.output.may_ask {
                eprint!("{question}: ");
                io::stderr().flush()?;
            }
            let mut line = Zeroizing::new(String::with_capacity(256));
            if io::stdin().lock().take(256).read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let code = trimmed(&line);
            if !code.is_empty() {
                return Ok(Some(Zeroizing::new(code.to_owned())));
            }
        }
    }
}

fn missing(question: &str) -> Failure {
    Failure::usage(format!("no code was given, and one is needed: {question}"))
        .help("pipe it into stdin, or name a file with --code-file FILE")
}

fn lines_of(path: &Path) -> Result<Vec<Zeroizing<String>>, Failure> {
    let text = fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))?;
    let lines = text.lines().map(trimmed).filter(|line| !line.is_empty());
    Ok(lines.map(|line| Zeroizing::new(line.to_owned())).collect())
}

/// Whether stdin is `/dev/null`, as jobs of timers and of build servers have it: nothing ever comes from there.
fn stdin_is_null() -> bool {
    let null = fs::metadata("/dev/null").map(|null| null.rdev());
    let stdin = rustix::fs::fstat(io::stdin()).map(|stdin| stdin.st_rdev);
    matches!((null, stdin), (Ok(null), Ok(stdin)) if null == stdin && stdin != 0)
}
