//! The interface without a terminal: what it does, and what it looks like.

mod harness;
mod screens;
mod stories;
