//! The layouts that are compared: what a state stands under, and what a row of the trail holds.

use rusqlite::{CachedStatement, Connection, Result, Statement};

#[derive(Clone, Copy)]
pub struct Layout {
    pub name: &'static str,
    /// One row a user, with the states of all his devices and the memo of his last request; else one row a device.
    pub by_user: bool,
    /// One row of the trail a commit, with all its events; else one row an event.
    pub grouped: bool,
    /// New states wait in the trail and are written back later; else they are updated in place.
    pub folds: bool,
}

/// The first is the one that the others are measured against.
pub const LAYOUTS: [Layout; 4] = [
    Layout {
        name: "device",
        by_user: false,
        grouped: false,
        folds: true,
    },
    Layout {
        name: "user",
        by_user: true,
        grouped: false,
        folds: true,
    },
    Layout {
        name: "group",
        by_user: true,
        grouped: true,
        folds: true,
    },
    Layout {
        name: "update",
        by_user: true,
        grouped: true,
        folds: false,
    },
];

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    Device([u8; 16]),
    /// Account and user, with a NUL between.
    User(Box<str>),
}

impl Key {
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Device(id) => id,
            Self::User(name) => name.as_bytes(),
        }
    }

    /// Binds it as the parameters from this one on.
    pub fn bind(&self, statement: &mut Statement<'_>, from: usize) -> Result<()> {
        match self {
            Self::Device(id) => statement.raw_bind_parameter(from, &id[..]),
            Self::User(name) => {
                let (account, user) = name.split_once('\0').expect("account and user");
                statement.raw_bind_parameter(from, account)?;
                statement.raw_bind_parameter(from + 1, user)
            }
        }
    }
}

/// A key with its state, of which no layout knows more than the version.
pub type Keyed = (Key, Box<[u8]>);

/// What a state begins with.
pub fn version(state: &[u8]) -> u64 {
    u64::from_be_bytes(*state.first_chunk().expect("a state begins with its version"))
}

/// An audit event with what is made for its row.
pub struct Event {
    pub at: i64,
    pub payload: String,
    pub salt: [u8; 16],
    pub commitment: [u8; 32],
    pub hash: [u8; 32],
}

/// All or nothing: each of its states is (key, expected version, new state).
pub struct Change {
    pub states: Vec<(Key, u64, Box<[u8]>)>,
    pub event: Event,
}

impl Layout {
    pub fn create(&self, db: &Connection) -> Result<()> {
        db.execute_batch(if self.by_user {
            "CREATE TABLE IF NOT EXISTS state (account TEXT NOT NULL, user TEXT NOT NULL, state BLOB NOT NULL,
                PRIMARY KEY (account, user)) STRICT, WITHOUT ROWID;"
        } else {
            "CREATE TABLE IF NOT EXISTS state (device BLOB NOT NULL PRIMARY KEY, state BLOB NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS device (account TEXT NOT NULL, user TEXT NOT NULL, id BLOB NOT NULL,
                label TEXT NOT NULL, secret INTEGER NOT NULL, PRIMARY KEY (account, user, id)) STRICT, WITHOUT ROWID;"
        })?;
        db.execute_batch(if self.grouped {
            "CREATE TABLE IF NOT EXISTS audit (sequence INTEGER PRIMARY KEY, chain INTEGER NOT NULL,
                position INTEGER NOT NULL, at INTEGER NOT NULL, states BLOB NOT NULL, events BLOB NOT NULL,
                hash BLOB NOT NULL) STRICT;"
        } else {
            "CREATE TABLE IF NOT EXISTS audit (sequence INTEGER PRIMARY KEY, chain INTEGER NOT NULL,
                position INTEGER NOT NULL, at INTEGER NOT NULL, states BLOB NOT NULL, payload TEXT NOT NULL,
                salt BLOB NOT NULL, hash BLOB NOT NULL) STRICT;"
        })
    }

    pub fn select<'a>(&self, db: &'a Connection) -> Result<CachedStatement<'a>> {
        db.prepare_cached(if self.by_user {
            "SELECT state FROM state WHERE account = ? AND user = ?"
        } else {
            "SELECT state FROM state WHERE device = ?"
        })
    }

    /// The state is the first parameter.
    pub fn update<'a>(&self, db: &'a Connection) -> Result<CachedStatement<'a>> {
        db.prepare_cached(if self.by_user {
            "UPDATE state SET state = ?1 WHERE account = ?2 AND user = ?3"
        } else {
            "UPDATE state SET state = ?1 WHERE device = ?2"
        })
    }

    /// Appends these changes to the trail; the result is the last row's sequence number.
    pub fn append(&self, db: &Connection, changes: &[&Change], newest: i64) -> Result<i64> {
        let mut insert = db.prepare_cached(if self.grouped {
            "INSERT INTO audit VALUES (?, 1, ?1, ?, ?, ?, ?)"
        } else {
            "INSERT INTO audit VALUES (?, 1, ?1, ?, ?, ?, ?, ?)"
        })?;
        let (mut states, mut sequence) = (Vec::new(), newest);
        if !self.grouped {
            for change in changes {
                sequence += 1;
                let event = &change.event;
                states.clear();
                write_states(&mut states, change);
                insert.execute((sequence, event.at, &states, &event.payload, event.salt, event.hash))?;
            }
        } else if let Some(last) = changes.last() {
            sequence += 1;
            let mut events = Vec::new();
            for change in changes {
                write_states(&mut states, change);
                write_counted(&mut events, change.event.payload.as_bytes());
                events.extend(change.event.salt);
                events.extend(change.event.commitment);
            }
            insert.execute((sequence, last.event.at, &states, &events, last.event.hash))?;
        }
        Ok(sequence)
    }

    /// Reads the states of a row of the trail.
    pub fn read_states(&self, mut bytes: &[u8], mut each: impl FnMut(Key, &[u8])) {
        while !bytes.is_empty() {
            let key = read_counted(&mut bytes);
            let key = if self.by_user {
                Key::User(std::str::from_utf8(key).expect("a name").into())
            } else {
                Key::Device(key.try_into().expect("an id"))
            };
            each(key, read_counted(&mut bytes));
        }
    }
}

fn write_states(out: &mut Vec<u8>, change: &Change) {
    for (key, _, state) in &change.states {
        write_counted(out, key.as_bytes());
        write_counted(out, state);
    }
}

fn write_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u16).to_be_bytes());
    out.extend(bytes);
}

fn read_counted<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let (length, rest) = bytes.split_first_chunk().expect("a length");
    let (counted, rest) = rest.split_at(u16::from_be_bytes(*length).into());
    *bytes = rest;
    counted
}
