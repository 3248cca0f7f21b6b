//! The caller's word that the user's identity was proved.

use store::IdentityProof;
use verify::UnixMs;

use crate::{Core, Input, ServiceError};

/// Whether the caller's word about who asks is of now.
pub(crate) fn check_proof(core: &Core, proof: &IdentityProof, now: UnixMs) -> Result<(), ServiceError> {
    let age_ms = now.since(proof.at);
    let minutes = core.settings.identity_proof_ms / UnixMs::MINUTE;
    let why = if age_ms > core.settings.identity_proof_ms {
        format!("the proof is older than {minutes} minutes: prove the user's identity again")
    } else if age_ms < -UnixMs::MINUTE {
        "the proof is of the future: check the caller's clock".into()
    } else {
        return Ok(());
    };
    Err(ServiceError::Invalid {
        input: Input::IdentityProofAt,
        why,
    })
}

/// The caller's word, for the trail.
pub(crate) fn evidence(proof: Option<&IdentityProof>) -> serde_json::Value {
    proof.map_or(
        serde_json::Value::Null,
        |proof| serde_json::json!({"method": proof.method, "at": proof.at.get(), "by": proof.by}),
    )
}
