use std::{fmt, path::Path};

/// A command's error: what happened, and what to do now. It never repeats a secret.
#[derive(Debug)]
pub struct Refusal {
    /// What happened.
    pub what: String,
    /// What to do now, where `what` does not say so.
    pub remedy: Option<String>,
    /// Whether it was asked for what cannot be meant.
    pub is_usage: bool,
}

impl Refusal {
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self {
            what: what.to_string(),
            remedy: None,
            is_usage: false,
        }
    }

    pub(crate) fn usage(what: impl fmt::Display) -> Self {
        Self {
            is_usage: true,
            ..Self::new(what)
        }
    }

    #[must_use]
    pub(crate) fn help(self, remedy: impl fmt::Display) -> Self {
        Self {
            remedy: Some(remedy.to_string()),
            ..self
        }
    }
}

/// A file as a message names it: what cannot be seen of its name is shown escaped.
pub(crate) fn named(path: &Path) -> String {
    vault::shown(&path.display().to_string()).into_owned()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// An error of a library, which says what to do itself.
macro_rules! refused_as_it_says {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::new(error)
            }
        })+
    };
}

refused_as_it_says!(
    crate::VaultFileError,
    vault::AddError,
    vault::CounterError,
    vault::SaveError<String>,
    vault::SlotError<String>,
    vault::SlotError<std::convert::Infallible>,
    vault::TextError,
    vault::import::ApplyError,
);
