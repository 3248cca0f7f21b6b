//! What support does: why a code was refused, what happened to a user.

mod history;

pub use history::HistoryView;
