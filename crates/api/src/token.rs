//! Hardware tokens of the inventory on the wire: listed, changed, found by a code.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Actor, EnrollmentCodes, HintAlgorithm, Name, OtpType, PageSize, Timestamp};

/// Where a token is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TokenPath {
    /// What stands on its back.
    #[param(example = "CS-000042")]
    pub serial_number: Name,
}

/// A hardware token in the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// What stands on its back.
    #[schema(example = "CS-000042")]
    pub serial_number: String,
    /// Where it stands in its life.
    pub state: TokenState,
    /// The batch it came in.
    #[schema(example = "2026-11")]
    pub batch: String,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What its user will call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What its codes are made with.
    pub algorithm: HintAlgorithm,
    /// How many digits it shows.
    #[schema(example = 6)]
    pub digits: u8,
    /// What its codes follow from.
    #[serde(default)]
    pub otp_type: OtpType,
    /// How long it shows them; of `totp` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 30)]
    pub period_s: Option<u32>,
    /// The counter of its next code; of `hotp` alone. As the seed file said, then as found when it was bound. Read alone, or
    /// found by its codes, a bound one says where it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter: Option<u64>,
    /// The account of whom it is meant for, or whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The user under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The device that it is, while it is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<Uuid>,
    /// How many time steps its clock is ahead (behind: negative): as the seed file said, then as measured when it was
    /// bound. Read alone, listed as drifting, or found by its codes, a bound one says how it went since.
    #[schema(example = 0)]
    pub drift_steps: i32,
    /// When a code of it was last accepted; of a bound one that is read alone, drifts, or was found by its codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// Not to be bound before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// Not to be bound afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it came in with its present secret.
    pub imported_at: Timestamp,
    /// The last change.
    pub changed_at: Timestamp,
    /// When its present secret left in an export, last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exported_at: Option<Timestamp>,
}

/// Where a token stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// Free for whom its batch is open to.
    Imported,
    /// Meant for one user.
    Assigned,
    /// A user's device.
    Bound,
    /// Nobody knows where it is; a device that it was is judged no more.
    Lost,
    /// Without a secret until it is imported with a new one.
    Returned,
    /// The end.
    Retired,
}

/// Which tokens a list is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TokenQuery {
    /// Those in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<TokenState>,
    /// Those of this batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(example = "2026-11")]
    pub batch: Option<String>,
    /// Those that are bound and whose clock is about to leave the window; not with `state` or `batch`.
    #[serde(default)]
    #[param(value_type = Option<bool>, default = false)]
    pub drifting: bool,
    /// How many at most: 1 to 1,000; 100 when absent.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: PageSize,
    /// `next_cursor` of the page before; from the first serial number when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A part of the inventory, by serial number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenPage {
    /// The tokens.
    pub items: Vec<Token>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "CS-000042")]
    pub next_cursor: Option<String>,
}

/// Moves a token on in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, try_from = "Fields")]
pub struct TokenChangeRequest {
    /// What becomes of it.
    pub state: TokenGoal,
    /// With `assigned`: the account of whom it is meant for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,
    /// With `assigned`: the user under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// On whose behalf.
    pub actor: Actor,
}

/// What the desk, or support, makes of a token. Only its user's codes bind or unbind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenGoal {
    /// Nobody's again, after it was assigned.
    Imported,
    /// Meant for one user.
    Assigned,
    /// Nobody knows where it is: its codes are refused at once, and for good. Support may say so too.
    Lost,
    /// Here, to be provisioned anew. Its secret is erased.
    Returned,
    /// Not to be used again. All its secrets are erased.
    Retired,
}

/// As it is read; [`TokenChangeRequest`] then looks at what goes together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    state: TokenGoal,
    account: Option<Name>,
    user: Option<Name>,
    actor: Actor,
}

impl TryFrom<Fields> for TokenChangeRequest {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let Fields {
            state,
            account,
            user,
            actor,
        } = fields;
        match (state, account.is_some(), user.is_some()) {
            (TokenGoal::Assigned, true, true) => {}
            (TokenGoal::Assigned, ..) => return Err("says assigned and not to whom: give account and user"),
            (_, false, false) => {}
            _ => return Err("has account or user, which go with assigned only"),
        }
        Ok(Self {
            state,
            account,
            user,
            actor,
        })
    }
}

/// Asks whose token this is.
// No `Debug`: it carries codes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindByCodeRequest {
    /// One code, for tokens that nobody has bound; two consecutive ones, which are burned, for bound and lost ones.
    pub codes: EnrollmentCodes,
    /// On whose behalf; each may ask ten times an hour.
    pub actor: Actor,
}

/// The tokens that show a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundTokens {
    /// Often one; of very many unbound tokens a few have a code in common.
    pub items: Vec<Token>,
}
