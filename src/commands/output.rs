//! How a command's results are printed, and whether it may ask questions.

use std::io::{self, IsTerminal as _};

use serde::Serialize;

use super::print_json;
use crate::Failure;

/// How results are printed, and whether questions may be asked.
pub(in crate::commands) struct Output {
    /// As JSON, for a script.
    pub(in crate::commands) json: bool,
    /// Whether somebody is there who could answer.
    pub(in crate::commands) may_ask: bool,
}

impl Output {
    /// Whether stdin has something for us: a pipe, or a person who may be asked.
    pub(in crate::commands) fn may_read_stdin(&self) -> bool {
        self.may_ask || !io::stdin().is_terminal()
    }

    /// Data on stdout: the object, or its words.
    pub(in crate::commands) fn print(
        &self,
        object: &impl Serialize,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            return print_json(object);
        }
        tell!("{}", words())
    }
}
