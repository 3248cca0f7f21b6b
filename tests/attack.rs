//! A standing attack: what broke once, and its siblings, tried again on every run against the real process. A short
//! run is part of `cargo xtask test`, the long one of `cargo xtask soak`. One kind of door, one file under
//! `tests/attack`; each test's name is a promise, and the manual's threat model names the test behind each of its own.
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes has real time and an environment"
)]

mod support;

#[path = "attack/custody.rs"]
mod custody;
#[path = "attack/owners.rs"]
mod owners;
#[path = "attack/restore.rs"]
mod restore;
#[path = "attack/vanishing.rs"]
mod vanishing;
