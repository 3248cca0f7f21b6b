//! Exports to other apps, one format a file. What a format cannot say is refused entry by entry, with the reason; nothing is
//! bent to fit.

mod google;

pub use google::{GoogleMigration, Refusal, Refused, google};
