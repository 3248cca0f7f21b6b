//! Countersign: a virtual and hardware MFA authenticator, and the service that checks both.
//!
//! This package is the binary: [`commands`] holds one subcommand a file, [`real`] the real clock, entropy
//! and environment, [`manual`] the reasons.

pub mod commands;
pub mod manual;
pub mod real;

mod client;
mod failure;
mod heads;
mod home;
mod opened;
mod settings;

pub use commands::main;
pub use failure::Failure;
