use board::{Board, Event};
use token::{Battery, Clock, Display, Entropy, Line, Picture, PortError, Storage};

use crate::{at24c64, button::Button, chip, ds1338, i2c::I2c, interrupts, line, ssd0323, uptime::Uptime};

/// The board, its peripherals started.
pub struct Lm3s6965 {
    uptime: Uptime,
    button: Button,
    i2c: I2c,
}

impl Lm3s6965 {
    /// Starts the peripherals: once, and before anything else.
    pub fn start() -> Self {
        chip::start();
        let board = Self {
            uptime: Uptime::start(),
            button: Button::start(),
            i2c: I2c::start(),
        };
        line::start();
        ssd0323::start();
        interrupts::enable();
        board
    }

    /// The event that happened and was not told yet.
    fn happened<'a>(&mut self, received: &'a mut [u8]) -> Option<Event<'a>> {
        if let Some(edge) = self.button.edge() {
            return Some(edge);
        }
        let taken = line::receive(received);
        let received = received.get(..taken)?;
        (!received.is_empty()).then_some(Event::Received(received))
    }
}

impl Board for Lm3s6965 {
    fn wait<'a>(&mut self, until_ms: Option<u64>, received: &'a mut [u8]) -> Event<'a> {
        while crate::button::no_edge() && line::nothing_received() {
            if until_ms.is_some_and(|until_ms| self.uptime.ms() >= until_ms) {
                return Event::Tick;
            }
            cortex_m::asm::wfi(); // what came since the last look waits for the next tick
        }
        self.happened(received).unwrap_or(Event::Tick)
    }
}

impl Clock for Lm3s6965 {
    fn unix_s(&mut self) -> Result<Option<u64>, PortError> {
        ds1338::unix_s(&mut self.i2c)
    }

    fn set_unix_s(&mut self, unix_s: u64) -> Result<(), PortError> {
        ds1338::set_unix_s(&mut self.i2c, unix_s)
    }

    fn uptime_ms(&mut self) -> u64 {
        self.uptime.ms()
    }
}

impl Storage for Lm3s6965 {
    fn read(&mut self, address: u16, into: &mut [u8]) -> Result<(), PortError> {
        at24c64::read(&mut self.i2c, address, into)
    }

    fn write(&mut self, address: u16, bytes: &[u8]) -> Result<(), PortError> {
        at24c64::write(&mut self.i2c, address, bytes)
    }
}

impl Display for Lm3s6965 {
    fn show(&mut self, picture: &Picture) -> Result<(), PortError> {
        ssd0323::show(picture);
        Ok(())
    }

    fn sleep(&mut self) -> Result<(), PortError> {
        ssd0323::sleep();
        Ok(())
    }
}

impl Line for Lm3s6965 {
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        line::send(bytes);
        Ok(())
    }
}

/// The board hangs on its cable.
impl Battery for Lm3s6965 {
    fn percent(&mut self) -> u8 {
        100
    }
}

/// The chip has no source of it.
impl Entropy for Lm3s6965 {
    fn fill(&mut self, _: &mut [u8]) -> bool {
        false
    }
}
