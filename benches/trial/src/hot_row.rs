//! A: the device's row is updated where it lies, beside an audit record.

use crate::trial::{Batch, File, Options, State, Trial, append, bind, read, select, update};
use rusqlite::{Result, TransactionBehavior::Immediate};
use std::path::Path;

pub struct HotRow {
    pub file: File,
    seq: i64,
}

impl HotRow {
    pub fn open(path: &Path, options: &Options) -> Result<Self> {
        let file = File::open(path, false, options)?;
        Ok(Self {
            seq: file.last_seq()?,
            file,
        })
    }
}

impl Trial for HotRow {
    fn load(&self, devices: &[u64]) -> Result<Vec<State>> {
        let tx = self.file.reader().unchecked_transaction()?;
        let mut select = select(&tx)?;
        devices.iter().map(|device| select.query_row([device], read)).collect()
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<bool>> {
        let tx = self.file.writer.transaction_with_behavior(Immediate)?;
        let (mut held, mut rows) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        {
            let mut update = update(&tx, "device = ? AND version = ?")?;
            for (device, expected, state, audit) in batch {
                bind(&mut update, state)?;
                update.raw_bind_parameter(11, device)?;
                update.raw_bind_parameter(12, expected)?;
                let hit = update.raw_execute()? == 1;
                held.push(hit);
                if hit {
                    rows.push((*device, audit, None));
                }
            }
            append(&tx, &rows, &mut self.seq, self.file.options.insert_rows)?;
        }
        tx.commit()?;
        Ok(held)
    }
}
