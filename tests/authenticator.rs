//! `countersign authenticator` as its user meets it: the real program, its vault on disk, its agent in the background.
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes has real time and an environment"
)]

mod support;

#[path = "authenticator/agent.rs"]
mod agent;
#[cfg(feature = "clipboard")]
#[path = "authenticator/clipboard.rs"]
mod clipboard;
#[path = "authenticator/codes.rs"]
mod codes;
#[path = "authenticator/crash.rs"]
mod crash;
#[path = "authenticator/exchange.rs"]
mod exchange;
#[path = "authenticator/finding.rs"]
mod finding;
#[cfg(feature = "keyring")]
#[path = "authenticator/keyring.rs"]
mod keyring;
#[path = "authenticator/place.rs"]
mod place;
#[path = "authenticator/pocket.rs"]
mod pocket;
#[path = "authenticator/prompt.rs"]
mod prompt;
#[path = "authenticator/secrecy.rs"]
mod secrecy;
#[path = "authenticator/slots.rs"]
mod slots;
#[path = "authenticator/story.rs"]
mod story;
#[path = "authenticator/tui.rs"]
mod tui;
