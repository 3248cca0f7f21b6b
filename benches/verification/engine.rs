//! The engine alone: the change that an accepted code is, beside the same as two bare rows.

use std::path::Path;

use otp::Step;
use service::Owner;
use store::{Change, Commit as _, Outcome, User, Users as _, audit::Event};
use store_sqlite::Sqlite;
use verify::{DeviceParts, DeviceState};

use crate::{
    Any,
    bare::Bare,
    filled::{fill, opened},
    population::{BEGINNING, account, user},
    world::World,
};

/// They take turns.
const USERS: u32 = 64;

pub(crate) struct Engine {
    engine: Sqlite,
    bare: Bare,
    turn: u32,
}

impl Engine {
    /// Both in this directory.
    pub(crate) fn new(dir: &Path, world: &World) -> Any<Self> {
        let data = dir.join("engine");
        let engine = opened(&data, world.keyring())?;
        world.wait(fill(&engine, world.keyring(), USERS, 0..USERS))?;
        let (bare, turn) = (Bare::new(&data, USERS)?, 0);
        Ok(Self { engine, bare, turn })
    }

    /// The next user's row as it was read, and what it becomes: a device has shown its next code.
    pub(crate) fn change(&mut self, world: &World) -> Change {
        let number = self.turn % USERS;
        self.turn += 1;
        let owner = Owner::new(account(number), user(number));
        let row = world
            .wait(self.engine.users(vec![owner]))
            .expect("a read")
            .pop()
            .flatten();
        let row: User = row.expect("it was filled");
        let parts = row.devices[0].state.parts();
        let last_step = parts.last_step.map(|step: Step| step.offset(1));
        let state = DeviceState::restored(DeviceParts {
            last_step,
            ..parts.clone()
        });
        let id = row.devices[0].device.id;
        let event = Event {
            at: BEGINNING,
            salt: [7; 16],
            payload: format!(
                r#"{{"action":"verify","outcome":"accepted","user":"{}","device":"{id}"}}"#,
                row.id
            ),
        };
        Change::of(event).with([row.with_state(id, state).used()])
    }

    /// It is on disk.
    pub(crate) fn commit(&self, world: &World, change: Change) {
        let outcomes = world.wait(self.engine.commit(vec![change]));
        assert_eq!(outcomes, Ok(vec![Outcome::Done]));
    }

    pub(crate) fn bare(&mut self) {
        self.bare.transaction(1).expect("the database takes it");
    }

    pub(crate) fn close(self) -> Any<()> {
        Ok(self.engine.close()?)
    }
}
