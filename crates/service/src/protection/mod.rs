//! Login and operation protection: must this be checked, by which method, and may it go on? Challenges, their answers, and
//! the grants that these give.

pub(crate) mod answer;
pub(crate) mod catalogue;
pub(crate) mod challenge;
pub(crate) mod decision;
pub(crate) mod grant;
pub(crate) mod introspect;
pub(crate) mod memory;
pub(crate) mod operations;
pub(crate) mod purpose;
pub(crate) mod revoke;
pub(crate) mod token;

pub use answer::{AnsweredChallenge, ChallengeAnswer};
pub use catalogue::{CatalogueOperation, NewOperation, OWN_OPERATIONS_MAX, OperationSource};
pub use challenge::{Challenge, ChallengeState, NewChallenge, SignedGrant};
pub use decision::{Decision, Ground, OfferedMethod};
pub use grant::Grant;
pub use introspect::GrantUse;
pub use operations::{Bilingual, Operation, shipped_operation, shipped_operations};
pub use purpose::ChallengePurpose;
pub use revoke::Revocation;
