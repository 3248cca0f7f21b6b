//! The traits of a board, and the one hinge between a board and the token's application.
//!
//! A board is a type with the [ports](token::Ports) and [`Board::wait`]; its `main` makes it and calls [`run`]. To try the
//! ports of a new board one by one, its other binary calls [`self_test`].

#![no_std]

mod calendar;
mod journal;
mod ring;
mod self_test;

pub use calendar::{Calendar, OutOfRange};
pub use journal::Journal;
pub use ring::Ring;
pub use self_test::self_test;
pub use token::Event;

use token::{Application, Ports};

/// The token's hardware: the ports, and how it passes the time.
pub trait Board: Ports {
    /// Sleeps until something happens or until this [uptime](token::Clock::uptime_ms), and says what it was.
    ///
    /// - `None` sleeps until the button or the line wakes it; waking earlier, as a [`Tick`](Event::Tick), is allowed.
    /// - A moment that has passed is a `Tick` at once, after whatever happened before it.
    /// - The button's edges are debounced and alternate, beginning with [`Pressed`](Event::Pressed); none is lost while
    ///   the application works.
    /// - Bytes from the line arrive in order and without loss while the application works, up to what the host may send
    ///   before it has to wait for an answer; they are handed on in `received`, which is not empty.
    fn wait<'a>(&mut self, until_ms: Option<u64>, received: &'a mut [u8]) -> Event<'a>;
}

/// Bytes from the line that the application gets at once.
const PORTION_LEN: usize = 64;

/// Runs the application on this board for as long as there is power.
pub fn run(mut board: impl Board) -> ! {
    let mut application = Application::start(&mut board);
    let mut wait = application.step(Event::Tick, &mut board);
    let mut received = [0; PORTION_LEN];
    loop {
        let event = board.wait(wait.until_ms, &mut received);
        wait = application.step(event, &mut board);
    }
}
