use token::{Battery, Clock, Display, Entropy, Line, Picture, PortError, Storage};

use crate::{ClockSetting, Kept, Screen, World};

/// A board on the desk: what a token's application asks of one.
pub struct Board<S> {
    pub(crate) storage: S,
    world: Box<dyn World>,
    /// When the power came.
    started_ms: u64,
    drift_ppm: i32,
    battery_percent: u8,
    pub(crate) screen: Screen,
    /// What the token said and nobody has taken yet.
    pub(crate) said: Vec<u8>,
}

impl<S: Kept> Board<S> {
    /// A board with a full battery and a perfect quartz.
    pub fn new(storage: S, world: Box<dyn World>) -> Self {
        Self {
            storage,
            started_ms: world.monotonic_ms(),
            world,
            drift_ppm: 0,
            battery_percent: 100,
            screen: Screen::DARK,
            said: Vec::new(),
        }
    }

    /// With a quartz that is so much too fast (too slow: negative).
    #[must_use]
    pub fn with_drift_ppm(self, drift_ppm: i32) -> Self {
        Self { drift_ppm, ..self }
    }

    /// With so much left of its battery.
    #[must_use]
    pub fn with_battery_percent(self, battery_percent: u8) -> Self {
        Self {
            battery_percent,
            ..self
        }
    }

    /// Its storage, once it is off.
    pub fn into_storage(self) -> S {
        self.storage
    }
}

impl<S: Kept> Clock for Board<S> {
    fn unix_s(&mut self) -> Result<Option<u64>, PortError> {
        let setting = self.storage.clock_setting()?;
        Ok(setting.map(|setting| setting.now_unix_s(self.world.unix_ms(), self.drift_ppm)))
    }

    fn set_unix_s(&mut self, unix_s: u64) -> Result<(), PortError> {
        let at_unix_ms = self.world.unix_ms();
        self.storage.keep_clock_setting(ClockSetting { unix_s, at_unix_ms })
    }

    fn uptime_ms(&mut self) -> u64 {
        self.world.monotonic_ms().saturating_sub(self.started_ms)
    }
}

impl<S: Kept> Storage for Board<S> {
    fn read(&mut self, address: u16, into: &mut [u8]) -> Result<(), PortError> {
        self.storage.read(address, into)
    }

    fn write(&mut self, address: u16, bytes: &[u8]) -> Result<(), PortError> {
        self.storage.write(address, bytes)
    }
}

impl<S> Display for Board<S> {
    fn show(&mut self, picture: &Picture) -> Result<(), PortError> {
        self.screen = Screen::lit(picture);
        Ok(())
    }

    fn sleep(&mut self) -> Result<(), PortError> {
        self.screen = Screen::DARK;
        Ok(())
    }
}

impl<S> Line for Board<S> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.said.extend_from_slice(bytes);
        Ok(())
    }
}

impl<S> Battery for Board<S> {
    fn percent(&mut self) -> u8 {
        self.battery_percent
    }
}

/// There is no source of randomness on it: the application has the seed of its storage.
impl<S> Entropy for Board<S> {
    fn fill(&mut self, _into: &mut [u8]) -> bool {
        false
    }
}
