//! The terminal interface: a model, what changes it, what is seen of it; only the runner touches the outside.
//!
//! ```text
//! keys, time, files -> Message -> update(model) -> Effects -> runner -> Message …
//!                                     model -> view -> the cells that changed
//! ```
//! The model's vault is never written: a change is a value that the runner applies, under the file's lock, to what is on disk
//! at that moment; what is there then comes back as the model's vault. So nothing is overwritten unseen, and what could not be
//! saved did not happen.

mod change;
mod form;
mod input;
mod model;
mod runner;
mod screen;
mod source;
#[cfg(test)]
mod tests;
mod trouble;
mod update;
mod view;
mod words;

use std::{io, io::IsTerminal as _, process::ExitCode};

use vault::Order;

use self::model::Settings;
pub(crate) use self::words::Language;
use crate::{Refusal, vault_session::VaultSession};

/// The options of the command line.
pub(crate) struct Options {
    pub(crate) language: Language,
    pub(crate) hides_codes: bool,
    pub(crate) order: Order,
    pub(crate) lock_after_min: u64,
    pub(crate) clear_after_s: u64,
}

/// Runs the interface on stdin and stdout, until the user quits.
pub(crate) fn run(session: &VaultSession<'_>, options: Options) -> Result<ExitCode, Refusal> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(
            Refusal::usage("the terminal interface needs a terminal on stdin and stdout")
                .help("`countersign authenticator code NAME` prints a code anywhere"),
        );
    }
    let Options {
        language,
        hides_codes,
        order,
        lock_after_min,
        clear_after_s,
    } = options;
    let settings = Settings {
        language,
        has_colours: !session.machine.no_color,
        hides_codes,
        order,
        lock_after_min,
        clear_after_s,
        place: session.file.path().display().to_string(),
    };
    runner::run(session, settings)
}
