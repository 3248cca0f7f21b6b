//! The proof of a user's identity that goes before a way in (B1): the caller's word, or an identity grant.

use store::{IdentityProof, User};
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{
    Core, Grant, Input, ServiceError,
    attempt::Attempt,
    protection::identity_grant::{identity_grant, used_up},
};

/// How a user's identity was proved.
pub enum ProofOfIdentity {
    /// By the caller, as it says.
    Word(IdentityProof),
    /// By an identity grant for the change at hand, as its bearer has it.
    Grant(Zeroizing<String>),
}

impl From<IdentityProof> for ProofOfIdentity {
    fn from(word: IdentityProof) -> Self {
        Self::Word(word)
    }
}

/// A proof that holds.
pub(crate) struct Proven {
    /// As it is kept.
    pub(crate) proof: IdentityProof,
    grant: Option<Grant>,
}

impl ProofOfIdentity {
    /// Whether the caller's word is of now; a grant is looked at with the user's row.
    pub(crate) fn check(&self, core: &Core, now: UnixMs) -> Result<(), ServiceError> {
        match self {
            Self::Word(word) => check_word(core, word, now),
            Self::Grant(_) => Ok(()),
        }
    }

    /// The proof, if it holds for what this action does to this user.
    pub(crate) async fn proven(
        &self,
        attempt: &Attempt<'_>,
        user: &User,
        action: &'static str,
    ) -> Result<Proven, ServiceError> {
        let core = attempt.core;
        match self {
            Self::Word(word) => {
                check_word(core, word, attempt.now)?;
                Ok(Proven {
                    proof: word.clone(),
                    grant: None,
                })
            }
            Self::Grant(text) => {
                let grant = identity_grant(attempt, user, text, action).await?;
                Ok(Proven {
                    proof: core.proof_by(&grant),
                    grant: Some(grant),
                })
            }
        }
    }
}

impl Proven {
    /// The row in which it is used up, where it is a grant.
    pub(crate) fn used_up(&self, user: User, action: &str, now: UnixMs) -> Result<User, ServiceError> {
        match &self.grant {
            Some(grant) => used_up(user, grant, action, now),
            None => Ok(user),
        }
    }
}

/// Whether the caller's word about who asks is of now.
fn check_word(core: &Core, proof: &IdentityProof, now: UnixMs) -> Result<(), ServiceError> {
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

/// The proof, for the trail.
pub(crate) fn evidence(proof: Option<&IdentityProof>) -> serde_json::Value {
    proof.map_or(
        serde_json::Value::Null,
        |proof| serde_json::json!({"method": proof.method, "at": proof.at.get(), "by": proof.by}),
    )
}
