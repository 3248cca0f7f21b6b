//! Why a call did not do what it was asked, in a sentence, with what to do.

use std::fmt;

use api::{Hint, Problem, ProblemCode};

use super::Answer;
use crate::Failure;

/// Why a call did not do what it was asked.
pub(crate) struct CallFailure {
    /// Where the service said so itself.
    problem: Option<Box<Problem>>,
    words: String,
    help: Option<String>,
}

impl CallFailure {
    /// The service did not do it.
    pub(super) fn answered(status: u16, problem: Option<Answer<Problem>>) -> Self {
        let problem = problem.as_deref().cloned().map(Box::new);
        Self {
            words: problem.as_ref().map_or_else(
                || format!("the service answered {status}"),
                |problem| in_a_sentence(problem),
            ),
            problem,
            help: None,
        }
    }

    /// Nobody knows whether the service did it.
    pub(super) fn unheard(words: String) -> Self {
        Self {
            problem: None,
            words,
            help: None,
        }
    }

    /// The same with what to do now.
    #[must_use]
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// Whether a wrong code may be followed by another.
    pub(crate) fn leaves_a_try(&self) -> bool {
        let problem = self.problem.as_ref();
        problem.is_some_and(|problem| problem.code == ProblemCode::CodeRefused && problem.attempts_left != Some(0))
    }

    /// Whether the service said no, and means it: a fault of its own says nothing of what was done.
    pub(crate) fn is_no(&self) -> bool {
        let problem = self.problem.as_ref();
        problem.is_some_and(|problem| (400..500).contains(&problem.status) && problem.status != 408)
    }

    /// The same in the words of whoever asked: what the service calls by its name on the wire, called as it was typed.
    #[must_use]
    pub(crate) fn in_words(mut self, names: &[(&str, &str)]) -> Self {
        for (wire, typed) in names {
            self.words = self.words.replace(wire, typed);
        }
        self
    }

    /// Whether the service said this code.
    pub(crate) fn is(&self, code: ProblemCode) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.code == code)
    }

    /// The roles that a key needs to be let in, where it was not.
    fn lacking(&self) -> Option<&str> {
        if self.is(ProblemCode::Unauthorized) {
            return Some("verify,enroll");
        }
        // The first, where one of several would do.
        let (_, roles) = self.words.split_once("lacks the role ")?;
        let role = roles.split(' ').next()?;
        (self.is(ProblemCode::Forbidden) && role.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(role)
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<CallFailure> for Failure {
    fn from(failure: CallFailure) -> Self {
        let told = Self::new(&failure.words);
        if let Some(roles) = failure.lacking() {
            return told.help(format!(
                "{} and name its file with --api-key-file FILE",
                make_key(roles)
            ));
        }
        match failure.help {
            Some(help) => told.help(help),
            None => told,
        }
    }
}

/// How a key is made of which nobody else reads anything.
pub(crate) fn make_key(roles: &str) -> String {
    format!("make a key with `(umask 077; countersign key create --role {roles} > FILE)`")
}

fn in_a_sentence(problem: &Problem) -> String {
    let mut words = problem.detail.to_string();
    if let Some(hint) = problem.hint {
        words += &format!(" ({})", hint_in_words(hint));
    }
    match problem.attempts_left {
        Some(0) => words += "; that was the last try: start a new one",
        Some(1) => words += "; 1 try left",
        Some(left) => words += &format!("; {left} tries left"),
        None => {}
    }
    if let Some(wait) = problem.retry_after_s {
        words += &format!("; try again in {wait} s");
    }
    words
}

fn hint_in_words(hint: Hint) -> String {
    match hint {
        Hint::ClockOff { seconds } => {
            let way = if seconds > 0 { "ahead" } else { "behind" };
            let seconds = seconds.unsigned_abs();
            format!("the app's clock is {seconds} s {way}: set it by the network")
        }
        Hint::OtherAlgorithm { algorithm } => format!("the app computes with {}", algorithm.name()),
        Hint::OtherPeriod { period_s } => format!("the app renews its code every {period_s} s"),
        Hint::OtherEntry => "it is the code of an older entry in the app: delete that one".into(),
    }
}
