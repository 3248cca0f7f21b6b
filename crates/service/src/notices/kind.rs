//! The types of notices, and which of them an event of the trail is.

use crate::notices::reading::Said;

/// The type of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// A device was bound beside others, or as the first.
    DeviceBound,
    /// A device was bound in place of another.
    DeviceReplaced,
    /// A device was ended.
    DeviceUnbound,
    /// Too many wrong codes: for a while none is judged.
    DeviceLocked,
    /// Far too many: somebody has to lift it.
    DeviceSuspended,
    /// Settings of protection were changed.
    ProtectionChanged,
    /// New recovery codes were made.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodesUsed,
    /// Support issued a temporary passcode.
    PasscodeIssued,
    /// A browser is trusted from now on.
    TrustedDeviceAdded,
    /// A browser's trust was copied, and has ended.
    TrustedDeviceTheft,
    /// A login from elsewhere, or one that the caller called risky.
    LoginSuspicious,
    /// The first login after a long time.
    LoginAfterAbsence,
    /// All sessions were ended.
    SessionsEnded,
    /// The user, or somebody in their name, applied to support for the end of their devices.
    UnbindRequestApplied,
    /// Somebody of support asked for the end of a device.
    UnbindRequestOpened,
    /// Another person approved of that.
    UnbindRequestApproved,
    /// It took effect.
    UnbindRequestInForce,
}

impl NoticeKind {
    /// Every type, in the order people are told them.
    pub const ALL: [Self; 18] = [
        Self::DeviceBound,
        Self::DeviceUnbound,
        Self::DeviceReplaced,
        Self::DeviceLocked,
        Self::DeviceSuspended,
        Self::ProtectionChanged,
        Self::RecoveryCodesMade,
        Self::RecoveryCodesUsed,
        Self::PasscodeIssued,
        Self::TrustedDeviceAdded,
        Self::TrustedDeviceTheft,
        Self::LoginSuspicious,
        Self::LoginAfterAbsence,
        Self::SessionsEnded,
        Self::UnbindRequestApplied,
        Self::UnbindRequestOpened,
        Self::UnbindRequestApproved,
        Self::UnbindRequestInForce,
    ];

    /// The name on the wire and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeviceBound => "device.bound",
            Self::DeviceReplaced => "device.replaced",
            Self::DeviceUnbound => "device.unbound",
            Self::DeviceLocked => "device.locked",
            Self::DeviceSuspended => "device.suspended",
            Self::ProtectionChanged => "protection.changed",
            Self::RecoveryCodesMade => "recovery_codes.made",
            Self::RecoveryCodesUsed => "recovery_codes.used",
            Self::PasscodeIssued => "passcode.issued",
            Self::TrustedDeviceAdded => "trusted_device.added",
            Self::TrustedDeviceTheft => "trusted_device.theft",
            Self::LoginSuspicious => "login.suspicious",
            Self::LoginAfterAbsence => "login.after_absence",
            Self::SessionsEnded => "sessions.ended",
            Self::UnbindRequestApplied => "unbind_request.applied",
            Self::UnbindRequestOpened => "unbind_request.opened",
            Self::UnbindRequestApproved => "unbind_request.approved",
            Self::UnbindRequestInForce => "unbind_request.in_force",
        }
    }

    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The notices that an event is, in the order in which they are told; most are none.
    pub(crate) fn of(said: &Said) -> Vec<Self> {
        let mut kinds = Vec::new();
        match said.outcome.as_str() {
            "refused" => {
                kinds.extend(said.detail("locked_until_ms").map(|_| Self::DeviceLocked));
                kinds.extend(said.detail("suspended").map(|_| Self::DeviceSuspended));
            }
            "done" | "accepted" => done(said, &mut kinds),
            // A login is suspicious whatever was decided of it.
            _ => kinds.extend((said.action == "login.suspicious").then_some(Self::LoginSuspicious)),
        }
        kinds
    }
}

/// The factor with which whatever was done was paid.
const RECOVERY_CODE: &str = "recovery_code";

fn done(said: &Said, kinds: &mut Vec<NoticeKind>) {
    let by_recovery_code = said.cause.as_deref() == Some(RECOVERY_CODE)
        || said.detail("factor").and_then(|factor| factor.as_str()) == Some(RECOVERY_CODE);
    kinds.extend(by_recovery_code.then_some(NoticeKind::RecoveryCodesUsed));
    kinds.extend(said.detail("absent_days").map(|_| NoticeKind::LoginAfterAbsence));
    match said.action.as_str() {
        "enrollment.confirm" => {
            kinds.push(match said.detail("replaces") {
                Some(_) => NoticeKind::DeviceReplaced,
                None => NoticeKind::DeviceBound,
            });
            kinds.extend(said.protects().then_some(NoticeKind::ProtectionChanged));
            kinds.extend(said.is_true("recovery_codes").then_some(NoticeKind::RecoveryCodesMade));
        }
        // What was replaced is told with what replaces it.
        "device.unbind" if said.cause.as_deref() != Some("replaced") => kinds.push(NoticeKind::DeviceUnbound),
        "protection.change" => kinds.push(NoticeKind::ProtectionChanged),
        "recovery_codes.renew" => kinds.push(NoticeKind::RecoveryCodesMade),
        "passcode.issue" => kinds.push(NoticeKind::PasscodeIssued),
        "trusted_device.add" => kinds.push(NoticeKind::TrustedDeviceAdded),
        "trusted_device.theft" => kinds.push(NoticeKind::TrustedDeviceTheft),
        "session.end_all" | "user.handover" | "user.closing" => kinds.push(NoticeKind::SessionsEnded),
        "unbind_request.apply" => kinds.push(NoticeKind::UnbindRequestApplied),
        "unbind_request.open" => kinds.push(NoticeKind::UnbindRequestOpened),
        "unbind_request.approve" => kinds.push(NoticeKind::UnbindRequestApproved),
        "unbind_request.in_force" => kinds.push(NoticeKind::UnbindRequestInForce),
        _ => {}
    }
}
