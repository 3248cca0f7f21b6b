//! What the service does by itself or for its operator: the clock, housekeeping, the keyring's witnesses and its rotation.

pub(crate) mod clock;
pub(crate) mod grant_keys;
pub(crate) mod housekeeping;
pub(crate) mod rotation;
pub(crate) mod user_names;
pub(crate) mod vouch;
pub(crate) mod witness;

pub use rotation::{end_witness, reseal};
pub use user_names::{NameCollision, RenamedUsers, UserNamesSet, set_user_names};
pub use vouch::{ClockStatus, DeviceAhead, look_at_clock};
pub use witness::prove_keyring;
