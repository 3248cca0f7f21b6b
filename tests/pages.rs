//! The pages that people see, in a real Chromium: looked at, clicked and typed into as people do, by keyboard alone, with
//! JavaScript and without. One page, one file below `tests/pages`; the time of the service is the test's.
//!
//! The QR code is read from the **screenshot** by zbarimg, its codes come from oathtool, accessibility is axe's to judge.
//! Every state that is walked leaves its pictures in `target/tmp/pages`, for a person to look at.
#![allow(clippy::disallowed_methods, reason = "a test asks its own machine")]

#[path = "journeys/board.rs"]
#[allow(dead_code, reason = "the journeys use the rest")]
mod board;
#[path = "pages/browser/mod.rs"]
#[allow(dead_code, reason = "each journey uses its part")]
mod browser;
#[path = "../crates/token/tests/support/digits.rs"]
mod digits;
#[path = "support/emulator.rs"]
#[allow(dead_code, reason = "the emulator's own tests use the rest")]
mod emulator;
#[path = "journeys/judges.rs"]
#[allow(dead_code, reason = "the journeys use the rest")]
mod judges;
#[path = "journeys/lingering.rs"]
mod lingering;
#[path = "journeys/world.rs"]
#[allow(dead_code, reason = "the journeys use the rest")]
mod world;

#[path = "pages/attacks.rs"]
mod attacks;
#[path = "pages/binding.rs"]
mod binding;
#[path = "pages/cloud.rs"]
mod cloud;
#[path = "pages/console.rs"]
#[allow(dead_code, reason = "each journey uses its part")]
mod console;
#[path = "pages/desk.rs"]
mod desk;
#[path = "pages/devices.rs"]
mod devices;
#[path = "pages/exhibits.rs"]
mod exhibits;
#[path = "pages/harness.rs"]
mod harness;
#[path = "journeys/login_service.rs"]
#[allow(dead_code, reason = "the attacks use the rest")]
mod login_service;
#[path = "pages/lost.rs"]
mod lost;
#[path = "pages/prompt.rs"]
mod prompt;
#[path = "pages/proofs.rs"]
mod proofs;
#[path = "pages/replacing.rs"]
mod replacing;
#[path = "pages/sessions.rs"]
mod sessions;
#[path = "pages/settings.rs"]
mod settings;
#[path = "pages/staff.rs"]
mod staff;
#[path = "pages/staff_tokens.rs"]
mod staff_tokens;
#[path = "pages/staff_trail.rs"]
mod staff_trail;
#[path = "pages/tokens.rs"]
mod tokens;
#[path = "pages/unbinding.rs"]
mod unbinding;
#[path = "pages/visits.rs"]
mod visits;
