//! How the second of two codes comes, in words and for the countdown beside its field.

use service::{DeviceView, Moving};

use crate::pages::frame::Frame;

/// How the second of two codes comes.
#[derive(Clone, Copy)]
pub(crate) enum NextCode {
    /// By itself, within so many seconds.
    WithinS(u32),
    /// By itself.
    ByItself,
    /// By a press of the token's button.
    Pressed,
    /// By either, for the user has devices of both kinds.
    Either,
}

impl NextCode {
    /// Of these devices, of which one is meant. An app's period is known: 30 s (D2).
    pub(crate) fn of(devices: &[DeviceView]) -> Self {
        let counts = |device: &DeviceView| device.moving == Moving::Counter;
        if devices.iter().all(counts) {
            Self::Pressed
        } else if devices.iter().any(counts) {
            Self::Either
        } else if devices.iter().all(|device| device.serial_number.is_none()) {
            Self::WithinS(30)
        } else {
            Self::ByItself
        }
    }

    /// The seconds to count down, where they are known.
    pub(crate) fn within_s(&self) -> Option<u32> {
        match self {
            Self::WithinS(seconds) => Some(*seconds),
            Self::ByItself | Self::Pressed | Self::Either => None,
        }
    }

    /// What to do for it.
    pub(crate) fn words(&self, frame: &Frame) -> String {
        match self {
            Self::WithinS(seconds) => frame.t1("device.wait_s", "seconds", seconds),
            Self::ByItself => frame.t("device.wait"),
            Self::Pressed => frame.t("device.press"),
            Self::Either => frame.t("device.wait_or_press"),
        }
    }
}
