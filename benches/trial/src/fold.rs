//! B: the audit record is the acceptance; the rows are folded behind it.
//!
//! The tail holds the newest state of every device whose row is behind. A hand sweeps over it in key order and writes back a few
//! states in the transaction of a commit; when it has gone round, every record from before that round is folded.

use crate::trial::{Batch, File, Options, State, Trial, append, bind, read, select, update};
use rusqlite::{OptionalExtension, Result, TransactionBehavior::Immediate};
use std::{collections::BTreeMap, path::Path};

pub struct Fold {
    pub file: File,
    seq: i64,
    tail: BTreeMap<u64, State>,
    hand: u64,
    /// The newest record when this round began.
    round: i64,
    /// Write-backs owed, in units of 1 / `fold_rows`.
    owed: u64,
}

impl Fold {
    pub fn open(path: &Path, options: &Options) -> Result<Self> {
        let file = File::open(path, true, options)?;
        file.writer.execute_batch(
            "CREATE TABLE IF NOT EXISTS fold (only INTEGER PRIMARY KEY CHECK (only = 0), through INTEGER NOT NULL);
             INSERT OR IGNORE INTO fold VALUES (0, 0);",
        )?;
        let mut tail = BTreeMap::new();
        {
            let mut behind = file
                .writer
                .prepare("SELECT device, state FROM audit WHERE seq > (SELECT through FROM fold) ORDER BY seq")?;
            let mut rows = behind.query([])?;
            while let Some(row) = rows.next()? {
                tail.insert(row.get(0)?, State::decode(row.get_ref(1)?.as_blob()?));
            }
        }
        let seq = file.last_seq()?;
        Ok(Self {
            file,
            seq,
            tail,
            hand: 0,
            round: seq,
            owed: 0,
        })
    }
}

impl Trial for Fold {
    fn load(&self, devices: &[u64]) -> Result<Vec<State>> {
        let tx = self.file.reader().unchecked_transaction()?;
        let mut select = select(&tx)?;
        devices
            .iter()
            .map(|device| {
                self.tail
                    .get(device)
                    .map_or_else(|| select.query_row([device], read), |state| Ok(*state))
            })
            .collect()
    }

    /// After an error the tail is ahead of the file: drop the engine and open it again.
    fn commit(&mut self, batch: &Batch) -> Result<Vec<bool>> {
        let tx = self.file.writer.transaction_with_behavior(Immediate)?;
        let (mut held, mut rows) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        let mut folded = Vec::new();
        {
            let mut version = tx.prepare_cached("SELECT version FROM device_state WHERE device = ?")?;
            for (device, expected, state, audit) in batch {
                let current = match self.tail.get(device) {
                    Some(state) => Some(state.version),
                    None => version.query_row([device], |row| row.get(0)).optional()?,
                };
                let hit = current == Some(*expected);
                held.push(hit);
                if hit {
                    self.tail.insert(*device, *state);
                    rows.push((*device, audit, Some(state.encode())));
                }
            }
            append(&tx, &rows, &mut self.seq, self.file.options.insert_rows)?;

            // Twice the share of the tail: on average a state waits half a round.
            let Options {
                fold_rows, fold_chunk, ..
            } = self.file.options;
            self.owed += 2 * rows.len() as u64 * self.tail.len() as u64;
            let chunk = self.owed / fold_rows;
            if chunk >= fold_chunk {
                self.owed -= chunk * fold_rows;
                let mut update = update(&tx, "device = ?")?;
                for (device, state) in self.tail.range(self.hand..).take(chunk as usize) {
                    bind(&mut update, state)?;
                    update.raw_bind_parameter(11, device)?;
                    update.raw_execute()?;
                    folded.push(*device);
                }
                if (folded.len() as u64) < chunk {
                    tx.execute("UPDATE fold SET through = ?", [self.round])?;
                    (self.hand, self.round) = (0, self.seq);
                } else {
                    self.hand = folded.last().map_or(0, |device| device + 1);
                }
            }
        }
        tx.commit()?;
        for device in folded {
            self.tail.remove(&device);
        }
        Ok(held)
    }

    fn tail(&self) -> usize {
        self.tail.len()
    }
}
