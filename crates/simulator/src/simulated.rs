use token::{Application, Clock as _, Event, Wait};

use crate::{Board, Kept, Screen};

/// A token on the desk that has power: bytes in, bytes out.
pub struct Simulated<S> {
    application: Application,
    board: Board<S>,
    wait: Wait,
}

impl<S: Kept> Simulated<S> {
    /// The power comes.
    pub fn power_on(mut board: Board<S>) -> Self {
        let application = Application::start(&mut board);
        let mut token = Self {
            application,
            board,
            wait: Wait { until_ms: None },
        };
        token.step(Event::Tick);
        token
    }

    /// The power goes; what stays is what its storage keeps.
    pub fn power_off(self) -> S {
        self.board.into_storage()
    }

    /// The button goes down.
    pub fn press(&mut self) {
        self.step(Event::Pressed);
    }

    /// The button goes up.
    pub fn release(&mut self) {
        self.step(Event::Released);
    }

    /// The host sends this; what the token answers is [taken](Self::take_said) afterwards.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.step(Event::Received(bytes));
    }

    /// Time went by.
    pub fn tick(&mut self) {
        self.step(Event::Tick);
    }

    /// Gives the application the tick it waits for, if the moment has come.
    pub fn tick_if_due(&mut self) {
        if self
            .wait
            .until_ms
            .is_some_and(|until_ms| self.board.uptime_ms() >= until_ms)
        {
            self.tick();
        }
    }

    /// Milliseconds until the application wants its next tick; `None` when it sleeps until something happens.
    pub fn due_in_ms(&mut self) -> Option<u64> {
        let until_ms = self.wait.until_ms?;
        Some(until_ms.saturating_sub(self.board.uptime_ms()))
    }

    /// The bytes that the token said since this was asked last.
    pub fn take_said(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.board.said)
    }

    /// Its display.
    pub fn screen(&self) -> &Screen {
        &self.board.screen
    }

    /// Its storage, for a test that spoils it.
    pub fn storage(&mut self) -> &mut S {
        &mut self.board.storage
    }

    fn step(&mut self, event: Event<'_>) {
        self.wait = self.application.step(event, &mut self.board);
    }
}
