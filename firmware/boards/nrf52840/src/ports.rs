use board::{Board, Event, Journal};
use cortex_m::{peripheral::NVIC, singleton};
use nrf52840_hal::{
    Clocks, Rng, Twim,
    clocks::LfOscConfiguration,
    gpio::p0,
    gpiote::Gpiote,
    nvmc::Nvmc,
    pac::{Interrupt, NVMC, Peripherals, TWIM0},
    twim::{Frequency, Pins},
};
use token::{Battery, Clock, Display, Entropy, Line as LinePort, Picture, PortError, Storage};
use usb_device::bus::UsbBusAllocator;

use crate::{
    button::Button,
    line::{Bus, Line, RunningClocks},
    ssd1306,
    uptime::Uptime,
};

/// Behind the program, as memory.x has it.
const STORAGE_AT: usize = 0x000f_c000;
const STORAGE_LEN: usize = 0x4000;
/// The time that the processor sleeps while something may happen that does not wake it.
const SHORT_NAP_MS: u64 = 2;

/// The board, its peripherals started.
pub struct Nrf52840 {
    uptime: Uptime,
    button: Button,
    line: Line,
    i2c: Twim<TWIM0>,
    storage: Journal<Nvmc<NVMC>>,
    rng: Rng,
    /// What the time was when it was set, less the uptime.
    began_at_unix_ms: Option<u64>,
}

impl Nrf52840 {
    /// Starts the peripherals, once.
    pub fn start() -> Option<Self> {
        let mut core = cortex_m::Peripherals::take()?;
        let chip = Peripherals::take()?;
        let clocks = Clocks::new(chip.CLOCK)
            .enable_ext_hfosc()
            .set_lfclk_src_external(LfOscConfiguration::NoExternalNoBypass)
            .start_lfclk();
        core.SCB.set_sevonpend();
        let pins = p0::Parts::new(chip.P0);
        let i2c_pins = Pins {
            scl: pins.p0_27.into_floating_input().degrade(),
            sda: pins.p0_26.into_floating_input().degrade(),
        };
        // SAFETY: memory.x ends the program below this address, so nobody else has a reference to these four pages, and
        // `chip`, which exists once, makes this the only time that it is made.
        let storage = unsafe { core::slice::from_raw_parts_mut(STORAGE_AT as *mut u8, STORAGE_LEN) };
        let clocks: &'static RunningClocks = singleton!(: RunningClocks = clocks)?;
        let bus = Line::bus(chip.USBD, clocks);
        let bus: &'static UsbBusAllocator<Bus> = singleton!(: UsbBusAllocator<Bus> = bus)?;
        Some(Self {
            uptime: Uptime::start(chip.RTC0)?,
            button: Button::start(pins.p0_11.into_pullup_input().degrade(), Gpiote::new(chip.GPIOTE)),
            line: Line::start(bus)?,
            i2c: Twim::new(chip.TWIM0, i2c_pins, Frequency::K400),
            storage: Journal::open(Nvmc::new(chip.NVMC, storage)).ok()?,
            rng: Rng::new(chip.RNG),
            began_at_unix_ms: None,
        })
    }

    /// The milliseconds in which nothing happens that is not looked for.
    fn nap_ms(&mut self, until_ms: Option<u64>) -> u64 {
        if self.button.is_busy() || self.line.is_connected() {
            return SHORT_NAP_MS;
        }
        until_ms.map_or(u64::MAX, |until_ms| until_ms.saturating_sub(self.uptime.ms()))
    }
}

impl Board for Nrf52840 {
    fn wait<'a>(&mut self, until_ms: Option<u64>, received: &'a mut [u8]) -> Event<'a> {
        loop {
            self.button.arm();
            NVIC::unpend(Interrupt::USBD);
            let now_ms = self.uptime.ms();
            if let Some(edge) = self.button.edge(now_ms) {
                return edge;
            }
            let taken = self.line.receive(received);
            if taken > 0 {
                return Event::Received(received.get(..taken).unwrap_or_default());
            }
            if until_ms.is_some_and(|until_ms| now_ms >= until_ms) {
                return Event::Tick;
            }
            let nap_ms = self.nap_ms(until_ms);
            self.uptime.arm(nap_ms);
            cortex_m::asm::wfe(); // an interrupt that became pending since it was unpended ends it at once
        }
    }
}

/// There is no clock that outlives the power: the host sets it anew.
impl Clock for Nrf52840 {
    fn unix_s(&mut self) -> Result<Option<u64>, PortError> {
        let uptime_ms = self.uptime.ms();
        Ok(self.began_at_unix_ms.map(|began| (began + uptime_ms) / 1_000))
    }

    fn set_unix_s(&mut self, unix_s: u64) -> Result<(), PortError> {
        let unix_ms = unix_s.checked_mul(1_000).ok_or(PortError)?;
        self.began_at_unix_ms = Some(unix_ms.checked_sub(self.uptime.ms()).ok_or(PortError)?);
        Ok(())
    }

    fn uptime_ms(&mut self) -> u64 {
        self.uptime.ms()
    }
}

impl Storage for Nrf52840 {
    fn read(&mut self, address: u16, into: &mut [u8]) -> Result<(), PortError> {
        self.storage.read(address, into)
    }

    fn write(&mut self, address: u16, bytes: &[u8]) -> Result<(), PortError> {
        self.storage.write(address, bytes)
    }
}

impl Display for Nrf52840 {
    fn show(&mut self, picture: &Picture) -> Result<(), PortError> {
        ssd1306::show(&mut self.i2c, picture)
    }

    fn sleep(&mut self) -> Result<(), PortError> {
        ssd1306::sleep(&mut self.i2c)
    }
}

impl LinePort for Nrf52840 {
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.line.send(bytes)
    }
}

/// Not measured yet: see the README.
impl Battery for Nrf52840 {
    fn percent(&mut self) -> u8 {
        100
    }
}

/// The chip's own generator, with the correction of its bias on.
impl Entropy for Nrf52840 {
    fn fill(&mut self, into: &mut [u8]) -> bool {
        self.rng.random(into);
        true
    }
}
