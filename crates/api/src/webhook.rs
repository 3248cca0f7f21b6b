//! Webhooks and their deliveries on the wire (`/v1/webhooks`), and what a delivery says.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Actor, ActorKind, Name, PageSize, SessionClient, Text, Timestamp};

/// Where a webhook is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WebhookPath {
    /// The webhook's id.
    pub id: Uuid,
}

/// Where a delivery is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct DeliveryPath {
    /// The webhook's id.
    pub id: Uuid,
    /// The delivery's id.
    pub delivery: Uuid,
}

/// The type of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum NoticeType {
    /// A device was bound.
    #[serde(rename = "device.bound")]
    DeviceBound,
    /// A device was ended.
    #[serde(rename = "device.unbound")]
    DeviceUnbound,
    /// A device was bound in place of another.
    #[serde(rename = "device.replaced")]
    DeviceReplaced,
    /// Too many wrong codes: for a while none is judged.
    #[serde(rename = "device.locked")]
    DeviceLocked,
    /// Far too many wrong codes: somebody seems to have the password. Support lifts it.
    #[serde(rename = "device.suspended")]
    DeviceSuspended,
    /// Settings of protection were changed.
    #[serde(rename = "protection.changed")]
    ProtectionChanged,
    /// New recovery codes were made.
    #[serde(rename = "recovery_codes.made")]
    RecoveryCodesMade,
    /// A recovery code was used.
    #[serde(rename = "recovery_codes.used")]
    RecoveryCodesUsed,
    /// Support issued a temporary passcode.
    #[serde(rename = "passcode.issued")]
    PasscodeIssued,
    /// A browser is trusted from now on.
    #[serde(rename = "trusted_device.added")]
    TrustedDeviceAdded,
    /// A browser's trust was copied, and has ended.
    #[serde(rename = "trusted_device.theft")]
    TrustedDeviceTheft,
    /// A login from elsewhere, or one that the caller called risky.
    #[serde(rename = "login.suspicious")]
    LoginSuspicious,
    /// The first login with a code after 30 days.
    #[serde(rename = "login.after_absence")]
    LoginAfterAbsence,
    /// All sessions were ended.
    #[serde(rename = "sessions.ended")]
    SessionsEnded,
    /// The user, or somebody in their name, applied to support for the end of their devices.
    #[serde(rename = "unbind_request.applied")]
    UnbindRequestApplied,
    /// Somebody of support asked for the end of a device.
    #[serde(rename = "unbind_request.opened")]
    UnbindRequestOpened,
    /// Another person approved of that.
    #[serde(rename = "unbind_request.approved")]
    UnbindRequestApproved,
    /// It took effect.
    #[serde(rename = "unbind_request.in_force")]
    UnbindRequestInForce,
}

/// Makes a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// Where notices are posted: `https`, without user and password.
    #[schema(example = "https://console.example.org/mfa-notices")]
    pub url: Text<2048>,
    /// Which types of notices.
    #[schema(min_items = 1)]
    pub events: Vec<NoticeType>,
    /// Of these accounts' users; of all that the key reaches when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 100)]
    pub accounts: Option<Vec<Name>>,
    /// On whose behalf.
    pub actor: Actor,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Where notices are posted.
    #[schema(example = "https://console.example.org/mfa-notices")]
    pub url: String,
    /// Which types of notices.
    pub events: Vec<NoticeType>,
    /// Of these accounts' users; of all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
    /// When it was made: what happened before is not told.
    pub created_at: Timestamp,
}

/// A webhook that was made, with its secret.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct NewWebhook {
    /// Its id.
    pub id: Uuid,
    /// Where notices are posted.
    #[schema(example = "https://console.example.org/mfa-notices")]
    pub url: String,
    /// Which types of notices.
    pub events: Vec<NoticeType>,
    /// Of these accounts' users; of all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
    /// When it was made: what happened before is not told.
    pub created_at: Timestamp,
    /// Deliveries are signed with it (Standard Webhooks). Shown once.
    #[schema(value_type = String, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    pub secret: Zeroizing<String>,
}

/// Webhooks, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookPage {
    /// The webhooks: all that the key reaches.
    pub items: Vec<Webhook>,
}

/// On whose behalf a webhook is ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteWebhookQuery {
    /// On whose behalf: the caller's own name for them.
    #[param(example = "ops-1")]
    pub actor_id: Name,
    /// What they are.
    pub actor_kind: ActorKind,
    /// Where they came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "203.0.113.7")]
    pub actor_ip: Option<IpAddr>,
}

impl DeleteWebhookQuery {
    /// On whose behalf.
    pub fn into_actor(self) -> Actor {
        Actor {
            id: self.actor_id,
            kind: self.actor_kind,
            ip: self.actor_ip,
        }
    }
}

/// Gives a webhook a new secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateWebhookRequest {
    /// So long deliveries are signed with the secret before, too: 0 to 168.
    #[schema(minimum = 0, maximum = 168, example = 24)]
    pub overlap_hours: u16,
    /// On whose behalf.
    pub actor: Actor,
}

/// A webhook's new secret.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct WebhookSecret {
    /// Shown once.
    #[schema(value_type = String, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    pub secret: Zeroizing<String>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is tried again, or waits behind another of its user.
    Pending,
    /// The receiver took it: it answered 2xx.
    Delivered,
    /// It was given up: after three days, or for being older than a week.
    Dead,
}

/// A notice to one webhook, once it was tried. What was never tried is in the trail alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// `webhook-id` of every try.
    pub id: Uuid,
    /// What it tells.
    #[serde(rename = "type")]
    pub kind: NoticeType,
    /// When that happened.
    pub timestamp: Timestamp,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The next try; absent where it waits behind another of its user, or for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// The status of the last answer; absent where there was none, or the address may not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 503)]
    pub last_status: Option<u16>,
}

/// Which deliveries a list is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// In this state alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<DeliveryState>,
    /// How many at most: 1 to 1,000; 100 when absent.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: PageSize,
    /// `next_cursor` of the page before; from the first when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Uuid>,
}

/// Deliveries, in the order in which what they tell happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryPage {
    /// The deliveries.
    pub items: Vec<Delivery>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<Uuid>,
}

/// Has a notice sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// On whose behalf.
    pub actor: Actor,
}

/// The body of a delivery, as it is posted to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    /// What it tells.
    #[serde(rename = "type")]
    pub kind: NoticeType,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Of whom, and what else is to be known.
    pub data: NoticeData,
}

/// What a notice says; each field is there where the type has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeData {
    /// The account.
    pub account: String,
    /// The user.
    pub user: String,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<Uuid>,
    /// The device that was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_device_id: Option<Uuid>,
    /// The serial number of a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Why a device was ended, or a login is suspicious.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// The end of a lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// The road that is locked, or suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub road: Option<String>,
    /// Settings that were changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<SettingChange>,
    /// A trusted browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_device_id: Option<Uuid>,
    /// How long it is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_until: Option<Timestamp>,
    /// What was decided of a login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Days since the login before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent_days: Option<i64>,
    /// Sessions that were ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<u64>,
    /// An unbind request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unbind_request_id: Option<Uuid>,
    /// When that takes effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force_at: Option<Timestamp>,
    /// What whoever acted is: `user`, `admin`, `support` or `service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where they acted, as the caller said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<SessionClient>,
}

/// One setting of protection that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingChange {
    /// Its name.
    #[schema(example = "login_protection")]
    pub setting: String,
    /// What it was; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is.
    #[schema(example = "mfa")]
    pub after: String,
}
