//! Access: API keys, the caller that one proves, rate limits and idempotency keys.

pub(crate) mod allowance;
pub(crate) mod api_keys;
pub(crate) mod caller;
pub(crate) mod four_eyes;
pub(crate) mod hourly_limit;
pub(crate) mod idempotency;

pub use api_keys::NewKey;
pub use caller::{Actor, ActorKind, Caller, Client, DEFAULT_AUDIENCE};
pub use idempotency::IdempotencyKey;
