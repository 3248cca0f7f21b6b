//! Login and operation protection: must this be checked, by which method, and may it go on? The settings, challenges, their
//! answers, and the grants that these give.

pub(crate) mod administrators;
pub(crate) mod answer;
pub(crate) mod catalogue;
pub(crate) mod challenge;
pub(crate) mod closing;
pub(crate) mod decision;
pub(crate) mod departure;
pub(crate) mod grant;
pub(crate) mod handover;
pub(crate) mod identity_grant;
pub(crate) mod in_force;
pub(crate) mod introspect;
pub(crate) mod memory;
pub(crate) mod operations;
pub(crate) mod purpose;
pub(crate) mod requirements;
pub(crate) mod revoke;
pub(crate) mod settings;
pub(crate) mod token;
pub(crate) mod user_limit;
pub(crate) mod users;

pub use administrators::{ADMINISTRATORS_MAX, NewAdministrators};
pub use answer::{AnsweredChallenge, ChallengeAnswer};
pub use catalogue::{CatalogueOperation, NewOperation, OWN_OPERATIONS_MAX, OperationSource};
pub use challenge::{Challenge, ChallengeState, NewChallenge, SignedGrant};
pub use decision::{Decision, Ground, OfferedMethod};
pub use grant::Grant;
pub use in_force::{InForceGround, InForceProtection, ProtectionView};
pub use introspect::GrantUse;
pub use operations::{Bilingual, Operation, shipped_operation, shipped_operations};
pub use purpose::ChallengePurpose;
pub use requirements::NewRequirements;
pub use revoke::Revocation;
pub use settings::ProtectionChange;
pub use users::{UserPage, UserSummary};
