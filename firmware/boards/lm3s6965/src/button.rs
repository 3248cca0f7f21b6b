//! The button: the board's "select" key on PF1, low while it is down.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use board::{Event, Ring};

use crate::{
    chip::{DIGITAL, PORT_F, PULL_UP},
    register::Register,
};

const PIN: u8 = 1 << 1;
const LEVEL: Register = PORT_F.levels(PIN);
const BOTH_EDGES: Register = PORT_F.setting(0x408);
const INTERRUPT_MASK: Register = PORT_F.setting(0x410);
const INTERRUPT_CLEAR: Register = PORT_F.setting(0x41c);

/// The levels after each edge.
static LEVELS: Ring<16> = Ring::new();
/// What the interrupt saw last.
static LEVEL_BEFORE: AtomicU8 = AtomicU8::new(0);

/// The button between two edges.
pub(crate) struct Button {
    down: bool,
}

impl Button {
    /// Until the first edge it counts as up, whatever its level: QEMU's keys read as pressed until they are first used.
    pub(crate) fn start() -> Self {
        PORT_F.setting(PULL_UP).set_bits(PIN.into());
        PORT_F.setting(DIGITAL).set_bits(PIN.into());
        BOTH_EDGES.set_bits(PIN.into());
        INTERRUPT_CLEAR.write(PIN.into());
        LEVEL_BEFORE.store(LEVEL.read() as u8, Relaxed);
        INTERRUPT_MASK.set_bits(PIN.into());
        Self { down: false }
    }

    /// The next edge, if there was one.
    pub(crate) fn edge(&mut self) -> Option<Event<'static>> {
        while let Some(level) = LEVELS.pop() {
            let down = level == 0;
            if down != self.down {
                self.down = down;
                return Some(if down { Event::Pressed } else { Event::Released });
            }
        }
        None
    }
}

pub(crate) fn no_edge() -> bool {
    LEVELS.is_empty()
}

/// The level changed; when it is what it was, it changed twice. What a full ring drops is a bounce, and they come in
/// pairs; QEMU's keys have none.
pub(crate) fn on_interrupt() {
    INTERRUPT_CLEAR.write(PIN.into());
    let level = LEVEL.read() as u8;
    if LEVEL_BEFORE.swap(level, Relaxed) == level {
        LEVELS.push(level ^ PIN);
    }
    LEVELS.push(level);
}
