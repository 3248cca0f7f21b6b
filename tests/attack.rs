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

#[path = "attack/challenges.rs"]
mod challenges;
#[path = "attack/connections.rs"]
mod connections;
#[path = "attack/custody.rs"]
mod custody;
#[path = "attack/diagnosis.rs"]
mod diagnosis;
#[path = "attack/erasing.rs"]
mod erasing;
#[path = "attack/files.rs"]
mod files;
#[path = "attack/guesses.rs"]
mod guesses;
#[path = "attack/known_users.rs"]
mod known_users;
#[path = "journeys/login_service.rs"]
#[allow(dead_code, reason = "the pages use the rest")]
mod login_service;
#[path = "attack/methods.rs"]
mod methods;
#[path = "attack/owners.rs"]
mod owners;
#[path = "attack/pages.rs"]
mod pages;
#[path = "attack/peers.rs"]
mod peers;
#[path = "attack/racing.rs"]
mod racing;
#[path = "journeys/raw.rs"]
#[allow(dead_code, reason = "the journeys use all of it")]
mod raw;
#[path = "attack/request_ids.rs"]
mod request_ids;
#[path = "attack/requests.rs"]
mod requests;
#[path = "attack/restore.rs"]
mod restore;
#[path = "attack/service.rs"]
mod service;
#[path = "attack/sessions.rs"]
mod sessions;
#[path = "attack/spellings.rs"]
mod spellings;
#[path = "attack/tab.rs"]
mod tab;
#[path = "attack/terminal.rs"]
mod terminal;
#[path = "attack/trail.rs"]
mod trail;
#[path = "attack/trust.rs"]
mod trust;
#[path = "attack/typed.rs"]
mod typed;
#[path = "attack/vanishing.rs"]
mod vanishing;
#[path = "attack/visits.rs"]
mod visits;
#[path = "attack/ways_back.rs"]
mod ways_back;
#[path = "attack/webhooks.rs"]
mod webhooks;
