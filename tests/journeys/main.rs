//! Journeys: the real service over the real database, keyring and sockets, in a time that the tests move.
//!
//! One story, one file; each test's name is a promise and its messages name the rule (D4, A1, …) that makes it.
//! Codes come from `oathtool` and pictures are read by `zbarimg`, so that nothing of ours judges itself.
#![allow(clippy::disallowed_methods, reason = "a test asks its own machine")]

mod board;
#[path = "../../crates/token/tests/support/digits.rs"]
mod digits;
#[path = "../support/emulator.rs"]
#[allow(dead_code, reason = "the emulator's own tests use the rest")]
mod emulator;
#[path = "../support/faketime.rs"]
mod faketime;
mod judges;
mod lingering;
mod raw;
mod world;

mod audit;
mod binding;
mod client;
mod clock;
mod counters;
mod damage;
mod diagnosis;
mod enrollments;
mod erasing;
mod example_grants;
mod examples;
mod exports;
mod fobs;
mod grant_keys;
mod hardware;
mod history;
mod hostile;
mod inventory;
mod keyboards;
mod keys;
mod lockout;
mod logs;
mod methods;
mod operations;
mod people;
mod phones;
mod protection;
mod protection_settings;
mod racing;
mod repeats;
mod rotation;
mod sessions;
mod silence;
mod support_reads;
mod tenants;
mod tokens;
mod trust;
mod ways_back;
