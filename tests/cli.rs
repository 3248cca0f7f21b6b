//! The command line as people and scripts meet it: cases as files under `tests/cli`, and stories with a running
//! service.
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes has real time and an environment"
)]

mod support;

#[path = "cli/bind.rs"]
mod bind;
#[path = "cli/cases.rs"]
mod cases;
#[path = "cli/configuration.rs"]
mod configuration;
#[path = "cli/first_start.rs"]
mod first_start;
#[path = "cli/judges.rs"]
mod judges;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/people.rs"]
mod people;
#[path = "cli/scripts.rs"]
mod scripts;
#[path = "cli/shutdown.rs"]
mod shutdown;
#[path = "cli/support_desk.rs"]
mod support_desk;
#[path = "cli/tokens.rs"]
mod tokens;
#[path = "cli/trail.rs"]
mod trail;
#[path = "cli/user_names.rs"]
mod user_names;
#[path = "cli/webhooks.rs"]
mod webhooks;
#[path = "cli/why.rs"]
mod why;
