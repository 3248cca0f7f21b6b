//! What a notice says: facts that the user or the console needs, and no other.

use serde_json::Value;
use store::{Id, Owner};
use verify::UnixMs;

use crate::{
    access::caller::Client,
    notices::{kind::NoticeKind, reading::Said},
};

/// A notice to one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The same at every try.
    pub id: Id,
    /// Its type.
    pub kind: NoticeKind,
    /// When it happened.
    pub at: UnixMs,
    /// To whom.
    pub owner: Owner,
    /// The rest.
    pub facts: Facts,
}

/// What a notice says beside its type, its time and its user. Each is there where the type has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The device that it is about.
    pub device: Option<Id>,
    /// The device that was there before.
    pub replaced_device: Option<Id>,
    /// The serial number of a token.
    pub serial_number: Option<String>,
    /// Why a device was ended, or a login is suspicious.
    pub ground: Option<String>,
    /// The end of a lock.
    pub locked_until: Option<UnixMs>,
    /// The road that is locked, or suspended until somebody acts.
    pub road: Option<String>,
    /// Settings of protection.
    pub changes: Vec<SettingChange>,
    /// A trusted browser.
    pub trusted_device: Option<Id>,
    /// How long it is trusted.
    pub until: Option<UnixMs>,
    /// What was decided of a suspicious login.
    pub decision: Option<String>,
    /// Days since the login before.
    pub absent_days: Option<i64>,
    /// Sessions that were ended.
    pub sessions: Option<u64>,
    /// An unbind request.
    pub unbind_request: Option<Id>,
    /// When it takes effect.
    pub in_force_at: Option<UnixMs>,
    /// What whoever acted is: `user`, `admin`, `support` or `service`.
    pub by: Option<String>,
    /// Where they acted.
    pub client: Option<Client>,
}

/// One setting of protection that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Its name.
    pub setting: String,
    /// What it was; `None` where that is not known.
    pub before: Option<String>,
    /// What it is.
    pub after: String,
}

impl Facts {
    /// The facts of a notice of this type, of the event that it is made of.
    pub(crate) fn of(kind: NoticeKind, said: &Said) -> Self {
        let time = |name| said.number(name).map(UnixMs::new);
        let common = Self {
            by: said.actor_kind(),
            client: said.client.clone(),
            ..Self::default()
        };
        let about_device = || Self {
            device: said.device,
            serial_number: said.text("serial_number"),
            ..common.clone()
        };
        match kind {
            NoticeKind::DeviceBound => about_device(),
            NoticeKind::DeviceReplaced => Self {
                replaced_device: said.id("replaces"),
                ..about_device()
            },
            NoticeKind::DeviceUnbound => Self {
                ground: said.cause.clone(),
                ..about_device()
            },
            NoticeKind::DeviceLocked => Self {
                locked_until: time("locked_until_ms"),
                road: said.text("road"),
                ..about_device()
            },
            NoticeKind::DeviceSuspended => Self {
                road: said.text("suspended"),
                ..about_device()
            },
            NoticeKind::ProtectionChanged => Self {
                changes: changes(said),
                ..common
            },
            NoticeKind::TrustedDeviceAdded | NoticeKind::TrustedDeviceTheft => Self {
                trusted_device: said.id("trusted_device"),
                until: time("until"),
                ..common
            },
            NoticeKind::LoginSuspicious => Self {
                ground: said.cause.clone(),
                decision: Some(said.outcome.clone()),
                ..common
            },
            NoticeKind::LoginAfterAbsence => Self {
                absent_days: said.number("absent_days"),
                ..common
            },
            NoticeKind::SessionsEnded => Self {
                sessions: said.count,
                ..common
            },
            NoticeKind::UnbindRequestApplied
            | NoticeKind::UnbindRequestOpened
            | NoticeKind::UnbindRequestApproved
            | NoticeKind::UnbindRequestInForce => Self {
                unbind_request: said.id("unbind_request"),
                in_force_at: time("in_force_at_ms"),
                ..about_device()
            },
            NoticeKind::RecoveryCodesMade | NoticeKind::RecoveryCodesUsed | NoticeKind::PasscodeIssued => common,
        }
    }
}

/// The settings that an event changed.
fn changes(said: &Said) -> Vec<SettingChange> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some(after) = said.detail("after").and_then(Value::as_object) else {
        // A binding that switched protection on.
        let switched = ["login_protection", "operation_protection"].into_iter();
        return switched
            .filter(|name| said.scope(name))
            .map(|name| SettingChange {
                setting: name.to_owned(),
                before: None,
                after: "mfa".to_owned(),
            })
            .collect();
    };
    let before = said.detail("before");
    let old = |name: &str| before.and_then(|before| before.get(name));
    let changed = after.iter().filter(|(name, value)| old(name) != Some(value));
    changed
        .map(|(name, value)| SettingChange {
            setting: name.clone(),
            before: old(name).map(text),
            after: text(value),
        })
        .collect()
}
