//! Who calls: API keys, the caller that one proves, and how often somebody may ask.

pub(crate) mod allowance;
pub(crate) mod api_keys;
pub(crate) mod caller;
pub(crate) mod hourly_limit;
pub(crate) mod idempotency;

pub use api_keys::NewKey;
pub use caller::{Actor, ActorKind, Caller, Client};
pub use idempotency::IdempotencyKey;
