//! The hardware token's application, over the [ports](Ports) that it declares.
//!
//! No heap, no chip: a board makes the ports, feeds [`Application::step`] with what happens, and sleeps until the
//! moment it is told. The same application runs in the firmware and on the desk.
//!
//! The button wakes the display: the code with what is left of its time, then the serial number, then darkness. Held
//! for ten seconds it erases the secret. What the serial line may ask is the crate `wire`'s `Request`; what the token
//! keeps, and where, stands in the module `record` of the source.

#![no_std]
#![forbid(unsafe_code)]

mod application;
mod draw;
mod name;
mod picture;
mod ports;
#[cfg(feature = "session")]
mod random;
mod record;
mod screen;
#[cfg(feature = "session")]
mod session;
mod slots;
mod timekeeping;

pub use application::{Application, Event, Wait};
pub use picture::Picture;
pub use ports::{Battery, Clock, Display, Entropy, Line, PAGE_LEN_BYTES, PortError, Ports, STORAGE_LEN_BYTES, Storage};
pub use record::{FACTORY_SEED_ADDRESS, FACTORY_SEED_LEN_BYTES};

/// The model that this application makes of a board.
pub const MODEL: &str = "CS-1";
/// The firmware's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
