use clap::Args;

use super::{Done, list::Sorting};
use crate::{
    tui::{self, Language},
    vault_session::VaultSession,
};

/// A day: longer than that is never.
const MAX_LOCK_AFTER_MIN: u64 = 1_440;
const MAX_CLEAR_AFTER_S: u64 = 3_600;

#[derive(Args)]
pub(super) struct Tui {
    /// Shows a code only when Space asks for it
    #[arg(long, env = "COUNTERSIGN_TUI_HIDE_CODES")]
    hide_codes: bool,
    /// In which order; favourites always come first
    #[arg(long, value_enum, default_value = "use", env = "COUNTERSIGN_TUI_ORDER")]
    order: Sorting,
    /// Locks after so many minutes without a key; 0 for never
    #[arg(long, value_name = "MINUTES", default_value_t = 5, env = "COUNTERSIGN_TUI_LOCK_AFTER",
          value_parser = clap::value_parser!(u64).range(0..=MAX_LOCK_AFTER_MIN))]
    lock_after: u64,
    /// Empties the clipboard so many seconds after a code was copied
    #[arg(long, value_name = "SECONDS", default_value_t = 30, env = "COUNTERSIGN_TUI_CLEAR_AFTER",
          value_parser = clap::value_parser!(u64).range(1..=MAX_CLEAR_AFTER_S))]
    clear_after: u64,
    /// The language [default: that of the locale, where it is one of these]
    #[arg(long, value_enum, env = "COUNTERSIGN_TUI_LANG")]
    lang: Option<Language>,
}

impl Tui {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let of_locale = || Language::of_locale(&session.machine.locale);
        let options = tui::Options {
            language: self.lang.unwrap_or_else(of_locale),
            hides_codes: self.hide_codes,
            order: self.order.into(),
            lock_after_min: self.lock_after,
            clear_after_s: self.clear_after,
        };
        tui::run(session, options)
    }
}
