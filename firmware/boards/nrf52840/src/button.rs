//! The button, low while it is down, freed of its bounces.

use board::Event;
use cortex_m::peripheral::NVIC;
use nrf52840_hal::{
    gpio::{Input, Pin, PullUp},
    gpiote::Gpiote,
    pac::Interrupt,
};

/// A level counts once it has lasted so long.
const SETTLED_MS: u64 = 10;

pub(crate) struct Button {
    pin: Pin<Input<PullUp>>,
    gpiote: Gpiote,
    down: bool,
    /// Since when the level has been the other one.
    changed_at_ms: Option<u64>,
}

impl Button {
    pub(crate) fn start(pin: Pin<Input<PullUp>>, gpiote: Gpiote) -> Self {
        gpiote.port().input_pin(&pin).low();
        gpiote.port().enable_interrupt(); // not in the NVIC: its being pending wakes, nobody is called
        Self {
            pin,
            gpiote,
            down: false,
            changed_at_ms: None,
        }
    }

    /// The next edge, if there was one.
    pub(crate) fn edge(&mut self, now_ms: u64) -> Option<Event<'static>> {
        let down = self.pin_is_low();
        if down == self.down {
            self.changed_at_ms = None;
            return None;
        }
        let since_ms = *self.changed_at_ms.get_or_insert(now_ms);
        if now_ms < since_ms + SETTLED_MS {
            return None;
        }
        self.down = down;
        self.changed_at_ms = None;
        Some(if down { Event::Pressed } else { Event::Released })
    }

    /// Whether it must be looked at again soon: only its going down wakes the processor.
    pub(crate) fn is_busy(&self) -> bool {
        self.down || self.changed_at_ms.is_some()
    }

    /// Ready for the next time that it goes down.
    pub(crate) fn arm(&self) {
        self.gpiote.port().reset_events();
        NVIC::unpend(Interrupt::GPIOTE);
    }

    fn pin_is_low(&mut self) -> bool {
        use embedded_hal::digital::InputPin as _;
        self.pin.is_low().unwrap_or(false)
    }
}
