//! The factory desk: the real program, simulated tokens on real pseudo-terminals, plugs that are pulled.
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes has real time and an environment"
)]

mod support;

#[path = "desk/hall.rs"]
mod hall;
#[path = "desk/in_a_row.rs"]
mod in_a_row;
#[path = "desk/one.rs"]
mod one;
