//! The database alone: what a service would do at the least, with nothing around it.

use std::path::Path;

use rusqlite::Connection;

use crate::{Any, population::mixed};

/// A table of hot rows, one a device, and a trail.
pub(crate) struct Bare {
    conn: Connection,
    devices: u32,
    turn: u64,
}

/// About what a record of a verification takes: who, what, the chain.
const AUDIT_BYTES: usize = 300;

impl Bare {
    /// The settings are those of the engine.
    pub(crate) fn new(dir: &Path, devices: u32) -> Any<Self> {
        let mut conn = Connection::open(dir.join("bare.sqlite"))?;
        for (name, value) in [
            ("journal_mode", "wal"),
            ("synchronous", "full"),
            ("wal_autocheckpoint", "16384"),
            ("cache_size", "-65536"),
        ] {
            conn.pragma(None, name, value, |_| Ok(()))?;
        }
        conn.execute_batch(
            "CREATE TABLE device_state (device INTEGER PRIMARY KEY, version INTEGER NOT NULL, state BLOB NOT NULL) STRICT;
             CREATE TABLE audit (sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT;",
        )?;
        let filling = conn.transaction()?;
        {
            let mut insert = filling.prepare("INSERT INTO device_state VALUES (?, 1, zeroblob(32))")?;
            for device in 0..devices {
                insert.execute([device])?;
            }
        }
        filling.commit()?;
        Ok(Self { conn, devices, turn: 0 })
    }

    /// So many rows updated, and as many appended.
    pub(crate) fn transaction(&mut self, batch: u64) -> Any<()> {
        let tx = self
            .conn
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut update =
                tx.prepare_cached("UPDATE device_state SET version = version + 1, state = ? WHERE device = ?")?;
            let mut insert = tx.prepare_cached("INSERT INTO audit (payload) VALUES (?)")?;
            let mut payload = [0_u8; AUDIT_BYTES];
            for _ in 0..batch {
                self.turn += 1;
                let random = mixed(self.turn);
                payload[..8].copy_from_slice(&random.to_le_bytes());
                update.execute((&payload[..32], (random % u64::from(self.devices)) as i64))?;
                insert.execute([&payload[..]])?;
            }
        }
        tx.commit()?;
        Ok(())
    }
}
