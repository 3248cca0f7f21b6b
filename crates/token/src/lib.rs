//! The hardware token's application, over the [`ports`](Ports) that it declares.
//!
//! No heap, no clock, no chip: a board makes the ports, feeds [`Application::step`] with what happens, and sleeps
//! until the moment it is told. The same application runs in the firmware and on the desk.

#![no_std]

mod picture;
mod ports;

pub use picture::Picture;
pub use ports::{Battery, Clock, Display, Entropy, Line, PAGE_LEN_BYTES, PortError, Ports, STORAGE_LEN_BYTES, Storage};

/// What happens to a token.
#[derive(Clone, Copy)]
pub enum Event<'a> {
    /// Time went by.
    Tick,
    /// The button went down.
    Pressed,
    /// The button went up.
    Released,
    /// The host sent these bytes; in any portions.
    Received(&'a [u8]),
}

/// The token between two events.
pub struct Application {}

/// How long a board may sleep, unless something happens before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Until this [`Clock::uptime_ms`]; `None` until the button or the line wakes it.
    pub until_ms: Option<u64>,
}

impl Application {
    /// The power came.
    pub fn start(ports: &mut impl Ports) -> Self {
        let _ = ports;
        Self {}
    }

    /// Does what there is to do about this.
    pub fn step(&mut self, event: Event<'_>, ports: &mut impl Ports) -> Wait {
        let _ = (event, ports);
        Wait { until_ms: None }
    }
}
