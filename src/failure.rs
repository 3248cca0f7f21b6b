use std::{fmt, process::ExitCode};

use authenticator::Refusal;

/// Why a command did not do what it was asked: what happened, and what to do now.
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
            what: what.to_string(),
            remedy: None,
            code: 1,
        }
    }

    /// Asked for what cannot be meant: exit code 2.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self {
            code: 2,
            ..Self::new(what)
        }
    }

    /// The same with what to do now.
    #[must_use]
    pub fn help(self, remedy: impl fmt::Display) -> Self {
        Self {
            remedy: Some(remedy.to_string()),
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
            what: refusal.what,
            remedy: refusal.remedy,
            code: if refusal.is_usage { 2 } else { 1 },
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
