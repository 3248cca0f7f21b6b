//! Exports of token seeds on the wire: asked for, approved by another person, fetched once.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Actor, Base64, Name, Timestamp};

/// Where an export is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ExportPath {
    /// Its id.
    pub id: Uuid,
}

/// Seeds that shall leave: one person asks, another approves, the first fetches the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Export {
    /// To be told to whoever approves.
    pub id: Uuid,
    /// Where it stands.
    pub state: ExportState,
    /// Whose seeds.
    #[schema(example = json!(["CS-000042"]))]
    pub serial_numbers: Vec<String>,
    /// What people call the key that the file is encrypted with.
    #[schema(example = "Branch office, 2026")]
    pub recipient: String,
    /// Who asked for it.
    #[schema(example = "desk-3")]
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// Who approved of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "desk-7")]
    pub approved_by: Option<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Waiting for another's approval.
    Requested,
    /// The file may be fetched, once.
    Approved,
    /// The file was fetched.
    HandedOut,
    /// Somebody thought better of it.
    Withdrawn,
}

/// Asks that seeds leave: those of `serial_numbers`, or all of `batch` that nobody has bound.
// No `Debug`: it carries a key.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// Whose seeds: 1 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_numbers: Option<Vec<Name>>,
    /// Instead: of whatever is unbound in this batch, up to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11")]
    pub batch: Option<Name>,
    /// What people call the recipient's key; stands in the file.
    #[schema(example = "Branch office, 2026")]
    pub recipient: Name,
    /// The recipient's AES key, of 16, 24 or 32 bytes. Only its keyed hash is kept.
    pub key_base64: Base64,
    /// On whose behalf.
    pub actor: Actor,
}

/// Acts on an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportActRequest {
    /// On whose behalf.
    pub actor: Actor,
}

/// Fetches the file of an approved export.
// No `Debug`: it carries a key.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportFileRequest {
    /// The key that it was asked for with.
    pub key_base64: Base64,
    /// Who asked for it.
    pub actor: Actor,
}
