//! Devices of a user: seen, unbound, resynchronised, unlocked; the factor that a change of them takes; the end of a user.

pub(crate) mod erase;
pub(crate) mod factor;
pub(crate) mod unbind;
pub(crate) mod view;

pub use factor::{Factor, Method};
pub use view::{DeviceView, UserView};
