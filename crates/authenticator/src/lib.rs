//! The virtual device on the session: its vault on disk, its command line, its terminal interface, pictures of QR codes.
//!
//! Clock, randomness and environment are arguments; nothing here knows the service, a store or the network.

/// In the place of the standard one, which panics where stderr is full or closed: words that nobody hears end no work. What
/// others wrote is shown escaped.
macro_rules! eprintln {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let mut stderr = std::io::stderr().lock();
        let heard = vault::write_shown(&mut stderr, format_args!($($words)*));
        let _nobody_hears = heard.and_then(|()| stderr.write_all(b"\n"));
    }};
}

mod age_file;
mod agent;
mod background;
mod clipboard;
mod command;
mod desktop_keyring;
mod found;
mod machine;
mod otpauth;
pub mod picture;
mod prompt;
mod quiet;
mod refusal;
mod secrecy;
mod signals;
mod tui;
mod vault_file;
mod vault_session;

pub use command::{Authenticator, Bind, Binding, Unconfirmed};
pub use machine::{Connect, Machine};
pub use prompt::kept_private;
pub use refusal::Refusal;
pub use secrecy::keep_memory_private;
pub use vault_file::{Doing, LOCK_WAIT, VaultFile, VaultFileError, VaultLock};
