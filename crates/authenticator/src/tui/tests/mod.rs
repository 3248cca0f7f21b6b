//! The interface without a terminal: what it does, and what it looks like.

mod screens;
mod stage;
mod stories;
