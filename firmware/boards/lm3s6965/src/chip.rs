use crate::register::Register;

/// The processor's clock, and that of all its peripherals.
pub(crate) const CLOCK_HZ: u32 = 12_500_000;

const RAW_INTERRUPTS: Register = Register::at(0x400f_e050);
const RUN_MODE_CLOCK: Register = Register::at(0x400f_e060);
const CLOCK_GATE_1: Register = Register::at(0x400f_e104);
const CLOCK_GATE_2: Register = Register::at(0x400f_e108);

/// Runs from the 8 MHz crystal through the PLL, and wakes the peripherals that this board uses.
pub(crate) fn start() {
    const BYPASS: u32 = 1 << 11;
    const POWER_DOWN: u32 = 1 << 13;
    const USE_DIVIDER: u32 = 1 << 22;
    const CRYSTAL_8_MHZ: u32 = 0xe << 6;
    const DIVIDE_BY_16: u32 = 0xf << 23;
    const INTERNAL_OSCILLATOR_OFF: u32 = 1 << 1;
    const PLL_LOCKED: u32 = 1 << 6;

    let through_pll = DIVIDE_BY_16 | USE_DIVIDER | CRYSTAL_8_MHZ | INTERNAL_OSCILLATOR_OFF;
    RUN_MODE_CLOCK.write(through_pll | BYPASS | POWER_DOWN);
    RUN_MODE_CLOCK.write(through_pll | BYPASS);
    while RAW_INTERRUPTS.read() & PLL_LOCKED == 0 {}
    RUN_MODE_CLOCK.write(through_pll);

    const UART0: u32 = 1 << 0;
    const SSI0: u32 = 1 << 4;
    const I2C0: u32 = 1 << 12;
    const TIMER_0: u32 = 1 << 16;
    const PORTS_A_TO_F: u32 = 0x3f;
    CLOCK_GATE_1.set_bits(UART0 | SSI0 | I2C0 | TIMER_0);
    CLOCK_GATE_2.set_bits(PORTS_A_TO_F);
    let _ = CLOCK_GATE_2.read(); // the clocks run three cycles after the write
    let _ = CLOCK_GATE_2.read();
}

/// A port of eight pins.
#[derive(Clone, Copy)]
pub(crate) struct Port(usize);

pub(crate) const PORT_A: Port = Port(0x4000_4000);
pub(crate) const PORT_B: Port = Port(0x4000_5000);
pub(crate) const PORT_C: Port = Port(0x4000_6000);
pub(crate) const PORT_D: Port = Port(0x4000_7000);
pub(crate) const PORT_F: Port = Port(0x4002_5000);

impl Port {
    /// The levels of these pins alone: the address masks the others out.
    pub(crate) const fn levels(self, pins: u8) -> Register {
        Register::at(self.0 + ((pins as usize) << 2))
    }

    /// One of the port's settings, by its offset.
    pub(crate) const fn setting(self, offset: usize) -> Register {
        Register::at(self.0 + offset)
    }

    pub(crate) fn make_outputs(self, pins: u8) {
        self.setting(DIRECTION).set_bits(pins.into());
        self.setting(DIGITAL).set_bits(pins.into());
    }

    /// Hands the pins to the peripheral that they are wired to.
    pub(crate) fn hand_over(self, pins: u8) {
        self.setting(ALTERNATE_FUNCTION).set_bits(pins.into());
        self.setting(DIGITAL).set_bits(pins.into());
    }

    pub(crate) fn make_open_drain(self, pins: u8) {
        self.setting(OPEN_DRAIN).set_bits(pins.into());
    }
}

const DIRECTION: usize = 0x400;
const ALTERNATE_FUNCTION: usize = 0x420;
const OPEN_DRAIN: usize = 0x50c;
pub(crate) const PULL_UP: usize = 0x510;
pub(crate) const DIGITAL: usize = 0x51c;
