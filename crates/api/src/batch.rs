//! Lots of tokens on the wire (`/v1/batches`), and who may bind a token of one.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Actor, Name, PageSize, Text, Timestamp};

/// Where a batch is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct BatchPath {
    /// Its name.
    #[param(example = "2026-11")]
    pub name: Name,
}

/// Tokens that came together, and who may bind them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// The desk's own name for it.
    #[schema(example = "2026-11")]
    pub name: String,
    /// Who may bind a token of it.
    #[serde(deserialize_with = "answered")]
    pub open_to: OpenTo,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Who may bind a token of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, try_from = "Fields")]
pub struct OpenTo {
    /// Who, by kind.
    pub kind: OpenToKind,
    /// With `accounts`: which; up to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["acme"]))]
    pub accounts: Option<Vec<String>>,
    /// With `users`: which; up to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<BetaUser>>,
}

/// Who may bind a token of a batch, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenToKind {
    /// Not yet, or no more.
    Nobody,
    /// Every user of some accounts.
    Accounts,
    /// Some users: a beta.
    Users,
    /// Every user.
    Everybody,
}

/// A user who may bind before others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BetaUser {
    /// The account.
    #[schema(example = "acme")]
    pub account: String,
    /// The user under it.
    #[schema(example = "alice")]
    pub user: String,
}

/// As it is read; names are checked, and what goes together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    kind: OpenToKind,
    accounts: Option<Vec<Name>>,
    users: Option<Vec<BetaName>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BetaName {
    account: Name,
    user: Name,
}

impl TryFrom<Fields> for OpenTo {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let Fields { kind, accounts, users } = fields;
        match (kind, accounts.is_some(), users.is_some()) {
            (OpenToKind::Accounts, true, false)
            | (OpenToKind::Users, false, true)
            | (OpenToKind::Nobody | OpenToKind::Everybody, false, false) => {}
            _ => return Err("has a list that its kind does not name, or lacks the one that it names"),
        }
        let name = |name: Name| name.as_str().to_owned();
        let user = |BetaName { account, user }| BetaUser {
            account: name(account),
            user: name(user),
        };
        Ok(Self {
            kind,
            accounts: accounts.map(|accounts| accounts.into_iter().map(name).collect()),
            users: users.map(|users| users.into_iter().map(user).collect()),
        })
    }
}

/// As a caller reads it, who ignores fields that it does not know, and checks no names: the service has.
#[derive(Deserialize)]
struct AnsweredFields {
    kind: OpenToKind,
    accounts: Option<Vec<String>>,
    users: Option<Vec<AnsweredUser>>,
}

#[derive(Deserialize)]
struct AnsweredUser {
    account: String,
    user: String,
}

fn answered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OpenTo, D::Error> {
    let AnsweredFields { kind, accounts, users } = AnsweredFields::deserialize(deserializer)?;
    let user = |AnsweredUser { account, user }| BetaUser { account, user };
    Ok(OpenTo {
        kind,
        accounts,
        users: users.map(|users| users.into_iter().map(user).collect()),
    })
}

/// Which batches a list is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BatchQuery {
    /// How many at most: 1 to 1,000; 100 when absent.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: PageSize,
    /// `next_cursor` of the page before; from the first name when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A part of the batches, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchPage {
    /// The batches.
    pub items: Vec<Batch>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11")]
    pub next_cursor: Option<String>,
}

/// Makes a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// The desk's own name for it.
    #[schema(example = "2026-11")]
    pub name: Name,
    /// Who may bind a token of it; nobody yet when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_to: Option<OpenTo>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Text<512>>,
    /// On whose behalf.
    pub actor: Actor,
}

/// Opens a batch to others, or closes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchChangeRequest {
    /// Who may bind a token of it; as it was when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_to: Option<OpenTo>,
    /// For people; as it was when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Text<512>>,
    /// On whose behalf.
    pub actor: Actor,
}
