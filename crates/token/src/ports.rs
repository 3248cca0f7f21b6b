use crate::Picture;

/// Something outside did not do what it was asked. The application says so on its screen and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortError;

/// The time of day, and the time since the power came.
pub trait Clock {
    /// Seconds since 1970, UTC; `None` when the clock stopped since it was set.
    fn unix_s(&mut self) -> Result<Option<u64>, PortError>;

    /// Sets it; it runs from the beginning of that second.
    fn set_unix_s(&mut self, unix_s: u64) -> Result<(), PortError>;

    /// Milliseconds since the power came; never runs backwards.
    fn uptime_ms(&mut self) -> u64;
}

/// Memory that keeps its content without power: [`STORAGE_LEN_BYTES`] of it.
///
/// When the power goes while [`write`](Self::write) runs, any bytes of the [`PAGE_LEN_BYTES`] pages that it touches may
/// be anything afterwards; other pages keep what they hold.
pub trait Storage {
    /// Reads from this address on.
    fn read(&mut self, address: u16, into: &mut [u8]) -> Result<(), PortError>;

    /// Returns when it is kept.
    fn write(&mut self, address: u16, bytes: &[u8]) -> Result<(), PortError>;
}

/// The least length of a board's storage.
pub const STORAGE_LEN_BYTES: u16 = 2_048;
/// The length of a page: what a torn write may spoil beside its own bytes.
pub const PAGE_LEN_BYTES: u16 = 32;

/// The display.
pub trait Display {
    /// Shows this picture until the next one.
    fn show(&mut self, picture: &Picture) -> Result<(), PortError>;

    /// Switches the display off, so that it draws as little power as it can.
    fn sleep(&mut self) -> Result<(), PortError>;
}

/// The serial line towards the host; what comes from there is [`Event::Received`](crate::Event::Received).
pub trait Line {
    /// Sends all of it.
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortError>;
}

/// The battery.
pub trait Battery {
    /// The charge of the battery, in per cent.
    fn percent(&mut self) -> u8;
}

/// True randomness, where the board has a source of it.
pub trait Entropy {
    /// Fills all of it and says `true`; or there is no source: `false`, and nothing is filled.
    fn fill(&mut self, into: &mut [u8]) -> bool;
}

/// Everything that the application asks of a board.
pub trait Ports: Clock + Storage + Display + Line + Battery + Entropy {}

impl<P: Clock + Storage + Display + Line + Battery + Entropy> Ports for P {}
