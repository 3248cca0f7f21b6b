//! A standing attack: what broke once, and its siblings, tried again on every run against the real process. A short
//! run is part of `cargo xtask test`, the long one of `cargo xtask soak`. One kind of door, one file under
//! `tests/attack`; each test's name is a promise, and the manual's threat model names the test behind each of its own.
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes has real time and an environment"
)]

#[path = "attack/clocks.rs"]
mod clocks;
#[path = "attack/enrollments.rs"]
mod enrollments;
mod support;

#[path = "journeys/judges.rs"]
#[allow(dead_code, reason = "the journeys use the rest")]
mod judges;
#[path = "journeys/lingering.rs"]
mod lingering;
#[path = "journeys/world.rs"]
#[allow(dead_code, reason = "the journeys use the rest")]
mod world;

#[path = "attack/desk.rs"]
mod desk;
#[path = "attack/files.rs"]
mod files;
#[path = "attack/guesses.rs"]
mod guesses;
#[path = "attack/racing.rs"]
mod racing;
#[path = "attack/request_ids.rs"]
mod request_ids;
#[path = "attack/trail.rs"]
mod trail;
