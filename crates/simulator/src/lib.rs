//! The hardware token on the desk: the same [`token::Application`] as in the firmware, over a file, a pseudo-terminal
//! and a framebuffer.
//!
//! Time comes from a [`World`] that the caller hands in, button presses from calls. A [`Simulated`] token takes bytes
//! and gives bytes; a [`Pty`] puts it where a host opens it as a serial port.

#![forbid(unsafe_code)]

mod board;
mod clock;
mod file;
mod pty;
mod screen;
mod simulated;
mod torn;

pub use board::Board;
pub use clock::{ClockSetting, VirtualTime, World};
pub use file::FileStorage;
pub use pty::Pty;
pub use screen::Screen;
pub use simulated::Simulated;
pub use torn::{Damage, TornStorage};

use token::{FACTORY_SEED_ADDRESS, FACTORY_SEED_LEN_BYTES, PortError, STORAGE_LEN_BYTES, Storage};

/// Memory that keeps its content without the token's power: its storage, and the register of a clock chip that has a battery
/// of its own.
pub trait Kept: Storage {
    /// When the clock was set, and to what; `None` for a clock that never was.
    fn clock_setting(&mut self) -> Result<Option<ClockSetting>, PortError>;

    /// Keeps this instead.
    fn keep_clock_setting(&mut self, setting: ClockSetting) -> Result<(), PortError>;
}

/// A storage as it leaves the factory: erased, but for the seed of its own.
fn blank_image(factory_seed: &[u8; FACTORY_SEED_LEN_BYTES]) -> Vec<u8> {
    let mut image = vec![0xFF; usize::from(STORAGE_LEN_BYTES)];
    let seed = usize::from(FACTORY_SEED_ADDRESS);
    image[seed..seed + FACTORY_SEED_LEN_BYTES].copy_from_slice(factory_seed);
    image
}
