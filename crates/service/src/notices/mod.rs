//! Notices (P8): what happened to users, told to the webhooks of those who reach them. They are read from the trail, each
//! webhook with a cursor of its own: there is no outbox.

pub(crate) mod courier;
pub(crate) mod deliver;
pub(crate) mod deliveries;
pub(crate) mod facts;
pub(crate) mod kind;
pub(crate) mod pending;
pub(crate) mod reading;
pub(crate) mod secrets;
pub(crate) mod webhooks;

pub use courier::{Courier, Posted, Posting};
pub use facts::{Facts, Notice, SettingChange};
pub use kind::NoticeKind;
pub use webhooks::{NewWebhook, WEBHOOKS_MAX};
