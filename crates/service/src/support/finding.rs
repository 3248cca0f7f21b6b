//! What an examination finds out.

use store::{Bound, Id};
use verify::{Cause, Kind, Moving, UnixMs};

/// What was found out about a code, with what words need.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The code is of this device, and of a step that is over.
    OfDevice(DeviceName, Fate),
    /// It is of an entry that was scanned, and whose binding was not completed.
    UnfinishedEntry,
    /// It is of a QR code in whose place a newer one was shown.
    OlderEntry,
    /// It is none that may be told.
    Nothing {
        /// The numbers of digits that the user's devices show, where the code has another.
        digits: Vec<u8>,
        /// When a device of theirs last ended, whose codes nobody can know again.
        unbound_at: Option<UnixMs>,
        /// A device of theirs counts, and may be ahead.
        counters: bool,
        /// A device of theirs goes by the time, which brings codes that may not be told yet.
        clocks: bool,
        /// When the first device is judged again, if all are locked; `None` within: when somebody acts.
        locked: Option<Option<UnixMs>>,
    },
    /// There is no device whose code it could be.
    NoDevice {
        /// When the last one ended.
        unbound_at: Option<UnixMs>,
    },
}

/// A device in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeviceName {
    pub(super) id: Id,
    pub(super) kind: Kind,
    pub(super) moving: Moving,
    pub(super) label: String,
    pub(super) serial_number: Option<String>,
}

impl DeviceName {
    pub(super) fn of(bound: &Bound) -> Self {
        Self {
            id: bound.device.id,
            kind: bound.device.kind,
            moving: bound.state.parts().moving,
            label: bound.device.label.clone(),
            serial_number: bound.device.serial_number.clone(),
        }
    }
}

/// What became of a code of a device.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was accepted.
    Used { at: UnixMs, from: Option<String> },
    /// It is of a counter before the last accepted one: used, or passed over.
    Passed,
    /// The device's clock is so far ahead (behind: negative), going by a refused code or by now.
    ClockOff { s: i64, refused_at: Option<UnixMs> },
    /// It was right for this device, where a code of another one was asked for.
    OtherEntry { asked_at: UnixMs },
    /// It was right, and the device was not judged.
    Locked { until: Option<UnixMs>, lost: bool },
    /// It is computed otherwise.
    Misconfigured(Cause),
}
