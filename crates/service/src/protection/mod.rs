//! Login and operation protection: must this be checked, by which method, and may it go on? The settings, challenges, their
//! answers, and the grants that these give.

pub(crate) mod answer;
pub(crate) mod catalogue;
pub(crate) mod challenge;
pub(crate) mod decision;
pub(crate) mod end_method;
pub(crate) mod grant;
pub(crate) mod identity_grant;
pub(crate) mod in_force;
pub(crate) mod introspect;
pub(crate) mod login_facts;
pub(crate) mod memory;
pub(crate) mod method_uses;
pub(crate) mod operations;
pub(crate) mod prove_method;
pub(crate) mod purpose;
pub(crate) mod register;
pub(crate) mod report;
pub(crate) mod requirements;
pub(crate) mod revoke;
pub(crate) mod settings;
pub(crate) mod token;
pub(crate) mod trust;
pub(crate) mod trust_use;
pub(crate) mod trusted_devices;
pub(crate) mod users;
pub(crate) mod usual_cities;

pub use answer::{AnsweredChallenge, ChallengeAnswer};
pub use catalogue::{CatalogueOperation, NewOperation, OWN_OPERATIONS_MAX, OperationSource};
pub use challenge::{Challenge, ChallengeState, NewChallenge, SignedGrant};
pub use decision::{Decision, Ground, OfferedMethod};
pub use end_method::EndedMethod;
pub use grant::Grant;
pub use in_force::{InForceGround, InForceProtection, ProtectionView};
pub use introspect::GrantUse;
pub use method_uses::{MethodUses, ProtectionName};
pub use operations::{Bilingual, Operation, shipped_operation, shipped_operations};
pub use prove_method::NewProvenMethod;
pub use purpose::ChallengePurpose;
pub use register::MethodView;
pub use report::MethodReport;
pub use requirements::NewRequirements;
pub use revoke::Revocation;
pub use settings::ProtectionChange;
pub use trusted_devices::TrustedDeviceView;
pub use users::{UserPage, UserSummary};
