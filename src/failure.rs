use std::{fmt, process::ExitCode};

use authenticator::Refusal;
use vault::shown;

/// Why a command did not do what it was asked: what happened, and what to do now. Names of files and users in it are
/// shown escaped, so that none is a line or a colour of its own.
#[derive(Debug)]
pub struct Failure {
    what: String,
    remedy: Option<String>,
    code: u8,
}

impl Failure {
    /// Refused or failed: exit code 1.
    pub fn new(what: impl fmt::Display) -> Self {
        Self {
            what: shown(&what.to_string()).into_owned(),
            remedy: None,
            code: 1,
        }
    }

    /// A failure in several lines.
    pub fn lines(lines: &str) -> Self {
        let lines: Vec<_> = lines.lines().map(shown).collect();
        Self {
            what: lines.join("\n"),
            ..Self::new("")
        }
    }

    /// Asked for what cannot be meant: exit code 2.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self {
            code: 2,
            ..Self::new(what)
        }
    }

    /// This failure with a remedy: what to do now.
    #[must_use]
    pub fn help(self, remedy: impl fmt::Display) -> Self {
        Self {
            remedy: Some(shown(&remedy.to_string()).into_owned()),
            ..self
        }
    }

    /// Says it on stderr.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.what);
        if let Some(remedy) = &self.remedy {
            eprintln!(" help: {remedy}");
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self {
            remedy: refusal.remedy.map(|remedy| shown(&remedy).into_owned()),
            code: if refusal.is_usage { 2 } else { 1 },
            // A choice of entries is a list.
            ..Self::lines(&refusal.what)
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            what: failure.what,
            remedy: failure.remedy,
            is_usage: failure.code == 2,
        }
    }
}
