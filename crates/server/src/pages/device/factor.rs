//! The fresh factor on a page: a code of a device, or a recovery code; and of which device, where there are several.

use service::{DeviceView, Id, ServiceError, UserView};

use crate::pages::{frame::Frame, fresh::FreshFields, said, words::Lang};

/// What a form asks a user with devices for.
pub(crate) struct Asking<'a> {
    pub(crate) devices: &'a [DeviceView],
    /// The device that was chosen.
    chosen: Option<Id>,
    pub(crate) fresh: FreshFields,
}

impl<'a> Asking<'a> {
    pub(crate) fn of(user: &'a UserView) -> Self {
        let apps_only = user.devices.iter().all(|device| device.serial_number.is_none());
        Self {
            devices: &user.devices,
            chosen: None,
            fresh: FreshFields {
                digits: apps_only.then_some(6),
                has_paper: user.recovery_codes_left > 0,
                by_recovery_code: false,
            },
        }
    }

    /// With what was typed before.
    pub(crate) fn after(self, chosen: Option<Id>, by_recovery_code: bool) -> Self {
        let fresh = FreshFields {
            by_recovery_code,
            ..self.fresh
        };
        Self { chosen, fresh, ..self }
    }

    /// Whether this one is chosen.
    pub(crate) fn is_chosen(&self, device: &DeviceView) -> bool {
        self.chosen == Some(device.id)
    }

    /// Without sending itself: what it does is not to be done by the last digit.
    pub(crate) fn by_button(self) -> Self {
        let fresh = FreshFields {
            digits: None,
            ..self.fresh
        };
        Self { fresh, ..self }
    }

    /// A device in words: its name, and its kind or number.
    pub(crate) fn named(&self, frame: &Frame, device: &DeviceView) -> String {
        match &device.serial_number {
            Some(number) if *number != device.label => format!("{} ({number})", device.label),
            Some(_) => device.label.clone(),
            None => format!("{} ({})", device.label, frame.t("security.kind_is_app")),
        }
    }
}

/// Why a factor, or what it was for, was refused. Of a code that is all that is told, and what may have been the matter.
pub(crate) fn refused(lang: Lang, error: &ServiceError) -> String {
    let told = said::refused(lang, error);
    let more = match error {
        ServiceError::CodeRefused {
            hint: None,
            attempts_left: None,
        } => "device.tips",
        _ => return told,
    };
    lang.joined(&told, &lang.say(more, &[]))
}
