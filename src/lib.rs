//! Countersign: a virtual and hardware MFA authenticator, and the service that checks both.
//!
//! This package is the binary: [`commands`] holds one subcommand a file, [`cities`] the operator's database of cities, [`courier`] what posts notices, [`real`] the real clock, entropy
//! and environment, [`manual`] the reasons.
#![warn(
    clippy::print_stdout,
    reason = "it panics where stdout is full or closed: `tell` says so"
)]

/// A line on stdout, or why there is none.
macro_rules! tell {
    ($($words:tt)*) => {
        $crate::commands::print_line(format_args!($($words)*))
    };
}
/// In the place of the standard one, which panics where stderr is full or closed: words that nobody hears end no work. What
/// others wrote is shown escaped.
macro_rules! eprintln {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let mut stderr = std::io::stderr().lock();
        let heard = vault::write_shown(&mut stderr, format_args!($($words)*));
        let _nobody_hears = heard.and_then(|()| stderr.write_all(b"\n"));
    }};
}
/// The same as it is: a question of ours, a picture.
macro_rules! eprint {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _nobody_hears = write!(std::io::stderr(), $($words)*);
    }};
}

/// A request is read on one thread, judged on another and committed on a third: the allocator is one for that.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

pub mod cities;
pub mod commands;
pub mod courier;
pub mod manual;
pub mod real;

mod client;
mod failure;
mod heads;
mod home;
mod limits;
mod methods;
mod opened;
mod pages;
mod settings;
mod support;

pub use commands::main;
pub use failure::Failure;
