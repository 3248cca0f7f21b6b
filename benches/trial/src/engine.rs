//! One database in one of the layouts.
//!
//! Where states are folded, the tail holds the newest state of every key whose row is behind. A hand sweeps over it in key
//! order and writes back a few states in the transaction of a commit; when it has gone round, every row of the trail from
//! before that round is folded.

use crate::layout::{Change, Key, Keyed, Layout, version};
use crate::workload::User;
use rusqlite::{Connection, Result, Statement, TransactionBehavior::Immediate};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::path::Path;

#[derive(Clone, Copy)]
pub struct Options {
    pub cache_mib: u64,
    /// Pages in the write-ahead log that start a checkpoint, on the writer.
    pub checkpoint_pages: u64,
    /// Events after which every touched state has been written back once.
    pub fold_events: u64,
    /// States written back by one commit, at least.
    pub fold_chunk: u64,
    /// The memo of the last request in a device's state, in bytes.
    pub device_memo: usize,
}

pub struct Engine {
    pub layout: Layout,
    db: Connection,
    options: Options,
    tail: BTreeMap<Key, Box<[u8]>>,
    read: usize,
    newest: i64,
    /// The last key that was passed in this round.
    hand: Option<Key>,
    /// The newest row of the trail when this round began.
    round: i64,
    /// Write-backs owed, in units of 1 / `fold_events`.
    owed: u64,
}

impl Engine {
    pub fn open(path: &Path, layout: Layout, options: Options) -> Result<Self> {
        let db = Connection::open(path)?;
        db.execute_batch(&format!(
            "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
             PRAGMA cache_size = -{}; PRAGMA wal_autocheckpoint = {};
             CREATE TABLE IF NOT EXISTS fold (only INTEGER PRIMARY KEY CHECK (only = 0), through INTEGER NOT NULL);
             INSERT OR IGNORE INTO fold VALUES (0, 0);",
            options.cache_mib * 1024,
            options.checkpoint_pages,
        ))?;
        layout.create(&db)?;
        let newest = db.query_row("SELECT ifnull(max(sequence), 0) FROM audit", [], |row| row.get(0))?;
        let mut engine = Self {
            layout,
            db,
            options,
            tail: BTreeMap::new(),
            read: 0,
            newest,
            hand: None,
            round: newest,
            owed: 0,
        };
        if layout.folds {
            let (mut tail, mut read) = (BTreeMap::new(), 0);
            let through = engine.db.query_row("SELECT through FROM fold", [], |row| row.get(0))?;
            engine.trail(through, |key, state| {
                tail.insert(key, state.into());
                read += 1;
            })?;
            (engine.tail, engine.read) = (tail, read);
        }
        Ok(engine)
    }

    pub fn seed(&mut self, users: impl Iterator<Item = User>) -> Result<()> {
        let tx = self.db.transaction()?;
        for user in users {
            for (key, state) in user.states(self.layout.by_user, self.options.device_memo) {
                let mut insert = tx.prepare_cached(if self.layout.by_user {
                    "INSERT INTO state VALUES (?2, ?3, ?1)"
                } else {
                    "INSERT INTO state VALUES (?2, ?1)"
                })?;
                insert.raw_bind_parameter(1, &state[..])?;
                key.bind(&mut insert, 2)?;
                insert.raw_execute()?;
                if let Key::Device(id) = key {
                    tx.prepare_cached("INSERT INTO device VALUES (?, ?, ?, 'a label of a device', 1000000)")?
                        .execute((&user.account, &user.name, id))?;
                }
            }
        }
        tx.commit()?;
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// The states of each of these users.
    pub fn load(&self, users: &[User]) -> Result<Vec<Vec<Keyed>>> {
        let tx = self.db.unchecked_transaction()?;
        let mut select = self.layout.select(&tx)?;
        let mut one = |key: Key| {
            let state = match self.tail.get(&key) {
                Some(state) => state.clone(),
                None => stored(&mut select, &key)?.expect("nothing is deleted"),
            };
            Ok((key, state))
        };
        if self.layout.by_user {
            return users.iter().map(|user| Ok(vec![one(user.key())?])).collect();
        }
        let mut devices = tx.prepare_cached("SELECT id FROM device WHERE account = ? AND user = ? ORDER BY id")?;
        users
            .iter()
            .map(|user| {
                let ids = devices.query_map((&user.account, &user.name), |row| row.get(0))?;
                ids.map(|id| one(Key::Device(id?))).collect()
            })
            .collect()
    }

    /// Durable when it returns; tells of each change whether its conditions held. After an error the tail is ahead of the
    /// file: drop the engine and open it again.
    pub fn commit(&mut self, changes: &[Change]) -> Result<Vec<bool>> {
        let layout = self.layout;
        let (mut held, mut appended, mut folded) = (Vec::with_capacity(changes.len()), Vec::new(), Vec::new());
        let tx = self.db.transaction_with_behavior(Immediate)?;
        {
            let (mut select, mut update) = (layout.select(&tx)?, layout.update(&tx)?);
            let mut write = |key: &Key, state: &[u8]| {
                update.raw_bind_parameter(1, state)?;
                key.bind(&mut update, 2)?;
                update.raw_execute()
            };
            for change in changes {
                let mut holds = true;
                for (key, expected, _) in &change.states {
                    let current = match self.tail.get(key) {
                        Some(state) => Some(version(state)),
                        None => stored(&mut select, key)?.map(|state| version(&state)),
                    };
                    holds &= current == Some(*expected);
                }
                held.push(holds);
                if !holds {
                    continue;
                }
                appended.push(change);
                for (key, _, state) in &change.states {
                    if layout.folds {
                        self.tail.insert(key.clone(), state.clone());
                    } else {
                        write(key, state)?;
                    }
                }
            }
            self.newest = layout.append(&tx, &appended, self.newest)?;

            // Twice the share of the tail: on average a state waits half a round.
            let Options {
                fold_events,
                fold_chunk,
                ..
            } = self.options;
            self.owed += 2 * appended.len() as u64 * self.tail.len() as u64;
            let chunk = self.owed / fold_events;
            if chunk >= fold_chunk {
                self.owed -= chunk * fold_events;
                let from = self.hand.as_ref().map_or(Unbounded, Excluded);
                for (key, state) in self.tail.range((from, Unbounded)).take(chunk as usize) {
                    write(key, state)?;
                    folded.push(key.clone());
                }
                if (folded.len() as u64) < chunk {
                    tx.execute("UPDATE fold SET through = ?", [self.round])?;
                    (self.hand, self.round) = (None, self.newest);
                } else {
                    self.hand = folded.last().cloned();
                }
            }
        }
        tx.commit()?;
        for key in folded {
            self.tail.remove(&key);
        }
        Ok(held)
    }

    /// Reads the states in the trail after this row, oldest first.
    pub fn trail(&self, after: i64, mut each: impl FnMut(Key, &[u8])) -> Result<()> {
        let mut rows = self
            .db
            .prepare("SELECT states FROM audit WHERE sequence > ? ORDER BY sequence")?;
        let mut rows = rows.query([after])?;
        while let Some(row) = rows.next()? {
            self.layout.read_states(row.get_ref(0)?.as_blob()?, &mut each);
        }
        Ok(())
    }

    /// Whether SQLite finds the file sound.
    pub fn is_sound(&self) -> Result<bool> {
        self.db.query_row(
            "PRAGMA integrity_check",
            [],
            |row| Ok(row.get_ref(0)?.as_str()? == "ok"),
        )
    }

    /// How long the database is, in bytes, whatever of it is still in the log.
    pub fn length(&self) -> Result<f64> {
        self.db
            .query_row("PRAGMA page_count", [], |row| Ok(row.get::<_, f64>(0)? * 4096.0))
    }

    /// How many states opening has read from the trail.
    pub fn read(&self) -> usize {
        self.read
    }

    /// How many states the tail has.
    pub fn tail(&self) -> usize {
        self.tail.len()
    }
}

fn stored(select: &mut Statement<'_>, key: &Key) -> Result<Option<Box<[u8]>>> {
    key.bind(select, 1)?;
    let mut rows = select.raw_query();
    rows.next()?
        .map(|row| Ok(row.get_ref(0)?.as_blob()?.into()))
        .transpose()
}
