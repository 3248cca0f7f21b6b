//! What both engines share: the trait, the records, the file's settings, the audit table.

use rusqlite::hooks::Wal;
use rusqlite::{CachedStatement, Connection, Result, Row};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};

pub type Batch = [(u64, u64, State, Audit)];

pub trait Trial {
    /// States in the order asked for.
    fn load(&self, devices: &[u64]) -> Result<Vec<State>>;
    /// Durable when it returns. Each item is (device, expected version, new state, audit record).
    fn commit(&mut self, batch: &Batch) -> Result<Vec<bool>>;
    fn tail(&self) -> usize {
        0
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct State {
    pub version: u64,
    pub last_step: u64,
    pub drift_steps: i16,
    pub failures: u16,
    pub first_failure_at: i64,
    pub lock_count: u16,
    pub locked_until: i64,
    pub last_success_at: i64,
    pub request_mac: [u8; 32],
    pub request_at: i64,
}

pub const STATE_LEN: usize = 86;

impl State {
    pub fn encode(&self) -> [u8; STATE_LEN] {
        let mut out = [0; STATE_LEN];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&self.version.to_le_bytes());
        put(&self.last_step.to_le_bytes());
        put(&self.drift_steps.to_le_bytes());
        put(&self.failures.to_le_bytes());
        put(&self.first_failure_at.to_le_bytes());
        put(&self.lock_count.to_le_bytes());
        put(&self.locked_until.to_le_bytes());
        put(&self.last_success_at.to_le_bytes());
        put(&self.request_mac);
        put(&self.request_at.to_le_bytes());
        out
    }

    pub fn decode(bytes: &[u8]) -> Self {
        fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
            let (head, tail) = rest.split_first_chunk().expect("a whole state");
            *rest = tail;
            *head
        }
        let rest = &mut &bytes[..];
        Self {
            version: u64::from_le_bytes(take(rest)),
            last_step: u64::from_le_bytes(take(rest)),
            drift_steps: i16::from_le_bytes(take(rest)),
            failures: u16::from_le_bytes(take(rest)),
            first_failure_at: i64::from_le_bytes(take(rest)),
            lock_count: u16::from_le_bytes(take(rest)),
            locked_until: i64::from_le_bytes(take(rest)),
            last_success_at: i64::from_le_bytes(take(rest)),
            request_mac: take(rest),
            request_at: i64::from_le_bytes(take(rest)),
        }
    }
}

pub struct Audit {
    pub time: i64,
    pub commitment: [u8; 32],
    pub hash: [u8; 32],
    pub payload: [u8; 180],
}

#[derive(Clone)]
pub struct Options {
    pub page_size: u32,
    pub cache_mib: u32,
    pub mmap_mib: u32,
    /// Pages in the WAL that start a checkpoint.
    pub checkpoint_pages: u32,
    /// Checkpoint beside the writer instead of inside a commit.
    pub checkpointer: bool,
    /// Load through a connection of its own instead of the writer's.
    pub reader: bool,
    pub without_rowid: bool,
    /// An index on the audit's device, as a support page would like.
    pub audit_index: bool,
    /// Rows of one audit INSERT.
    pub insert_rows: usize,
    /// Rows after which every touched device has been written back once.
    pub fold_rows: u64,
    /// Rows written back by one commit, at least.
    pub fold_chunk: u64,
}

/// One file: the writer's connection, and perhaps one that loads.
pub struct File {
    pub writer: Connection,
    reader: Option<Connection>,
    pub options: Options,
}

impl File {
    pub fn open(path: &Path, audit_state: bool, options: &Options) -> Result<Self> {
        let mut writer = connect(path, options)?;
        let rowid = if options.without_rowid { "WITHOUT ROWID" } else { "" };
        let state = if audit_state { ", state BLOB NOT NULL" } else { "" };
        writer.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS device_state (
                device INTEGER PRIMARY KEY, id BLOB NOT NULL, account_key INTEGER NOT NULL,
                version INTEGER NOT NULL, last_step INTEGER NOT NULL, drift_steps INTEGER NOT NULL,
                failures INTEGER NOT NULL, first_failure_at INTEGER NOT NULL, lock_count INTEGER NOT NULL,
                locked_until INTEGER NOT NULL, last_success_at INTEGER NOT NULL,
                request_mac BLOB NOT NULL, request_at INTEGER NOT NULL) {rowid};
             CREATE TABLE IF NOT EXISTS audit (
                seq INTEGER PRIMARY KEY, chain INTEGER NOT NULL, time INTEGER NOT NULL, device INTEGER NOT NULL,
                commitment BLOB NOT NULL, hash BLOB NOT NULL, payload BLOB NOT NULL{state});"
        ))?;
        if options.audit_index {
            writer.execute_batch("CREATE INDEX IF NOT EXISTS audit_device ON audit (device, seq)")?;
        }
        let reader = options.reader.then(|| connect(path, options)).transpose()?;
        if options.checkpointer {
            checkpoint_beside(&mut writer, path, options)?;
        }
        Ok(Self {
            writer,
            reader,
            options: options.clone(),
        })
    }

    pub fn reader(&self) -> &Connection {
        self.reader.as_ref().unwrap_or(&self.writer)
    }

    pub fn last_seq(&self) -> Result<i64> {
        self.writer
            .query_row("SELECT ifnull(max(seq), 0) FROM audit", [], |row| row.get(0))
    }

    pub fn devices(&self) -> Result<u64> {
        self.writer
            .query_row("SELECT count(*) FROM device_state", [], |row| row.get(0))
    }

    pub fn seed(&mut self, devices: u64) -> Result<()> {
        let tx = self.writer.transaction()?;
        {
            let mut insert = tx.prepare("INSERT INTO device_state VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, 0, ?, ?, ?)")?;
            for device in 0..devices {
                let (id, key, version) = (
                    [device as u8; 16],
                    device.wrapping_mul(0x9E37_79B9_7F4A_7C15) as i64,
                    1000,
                );
                insert.execute((
                    device,
                    id,
                    key,
                    version,
                    58_000_000,
                    1_750_000_000_000_i64,
                    [7_u8; 32],
                    1_750_000_000_000_i64,
                ))?;
            }
        }
        tx.commit()?;
        self.writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

fn connect(path: &Path, options: &Options) -> Result<Connection> {
    let db = Connection::open(path)?;
    db.execute_batch(&format!(
        "PRAGMA page_size = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
         PRAGMA cache_size = -{}; PRAGMA mmap_size = {}; PRAGMA wal_autocheckpoint = {}; PRAGMA busy_timeout = 5000;",
        options.page_size,
        options.cache_mib * 1024,
        u64::from(options.mmap_mib) << 20,
        if options.checkpointer {
            0
        } else {
            options.checkpoint_pages
        },
    ))?;
    Ok(db)
}

/// Copies the WAL back while the writer goes on; the writer then copies the few frames that came meanwhile, because a WAL
/// starts over only when nothing in it is left to copy, which never happens by itself under a busy writer.
fn checkpoint_beside(writer: &mut Connection, path: &Path, options: &Options) -> Result<()> {
    let (wake, woken) = mpsc::sync_channel(0);
    let (db, limit) = (connect(path, options)?, options.checkpoint_pages as i32);
    let copied = Arc::new(AtomicBool::new(false));
    let done = copied.clone();
    std::thread::spawn(move || {
        while woken.recv().is_ok() {
            // Each pass has only what came during the one before.
            let (mut before, mut passes) = (0, 0);
            loop {
                let pages: i32 = db
                    .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
                    .expect("a checkpoint");
                passes += 1;
                if pages - before < 512 || passes == 6 {
                    break;
                }
                before = pages;
            }
            done.store(true, SeqCst);
        }
    });
    writer.wal_hook(Some(move |wal: &mut Wal, pages| {
        if copied.swap(false, SeqCst) {
            wal.checkpoint()?;
        } else if pages > limit {
            // Fails while the thread is at work, which is as well.
            let _ = wake.try_send(());
        }
        Ok(())
    }))
}

const STATE_COLUMNS: &str = "version, last_step, drift_steps, failures, first_failure_at, lock_count, locked_until, \
                             last_success_at, request_mac, request_at";

pub fn select(db: &Connection) -> Result<CachedStatement<'_>> {
    db.prepare_cached(&format!("SELECT {STATE_COLUMNS} FROM device_state WHERE device = ?"))
}

pub fn read(row: &Row<'_>) -> Result<State> {
    Ok(State {
        version: row.get(0)?,
        last_step: row.get(1)?,
        drift_steps: row.get(2)?,
        failures: row.get(3)?,
        first_failure_at: row.get(4)?,
        lock_count: row.get(5)?,
        locked_until: row.get(6)?,
        last_success_at: row.get(7)?,
        request_mac: row.get(8)?,
        request_at: row.get(9)?,
    })
}

pub fn update<'a>(db: &'a Connection, condition: &str) -> Result<CachedStatement<'a>> {
    let columns = STATE_COLUMNS
        .split(", ")
        .map(|column| format!("{column} = ?"))
        .collect::<Vec<_>>()
        .join(", ");
    db.prepare_cached(&format!("UPDATE device_state SET {columns} WHERE {condition}"))
}

/// Binds the columns of `update`; 11 and 12 are the condition's.
pub fn bind(update: &mut CachedStatement<'_>, state: &State) -> Result<()> {
    update.raw_bind_parameter(1, state.version)?;
    update.raw_bind_parameter(2, state.last_step)?;
    update.raw_bind_parameter(3, state.drift_steps)?;
    update.raw_bind_parameter(4, state.failures)?;
    update.raw_bind_parameter(5, state.first_failure_at)?;
    update.raw_bind_parameter(6, state.lock_count)?;
    update.raw_bind_parameter(7, state.locked_until)?;
    update.raw_bind_parameter(8, state.last_success_at)?;
    update.raw_bind_parameter(9, &state.request_mac[..])?;
    update.raw_bind_parameter(10, state.request_at)
}

/// Appends after `seq`; B's rows bring the state along.
pub fn append(
    db: &Connection,
    rows: &[(u64, &Audit, Option<[u8; STATE_LEN]>)],
    seq: &mut i64,
    at_once: usize,
) -> Result<()> {
    let width = if rows.first().is_some_and(|row| row.2.is_some()) {
        8
    } else {
        7
    };
    let tuple = format!("({})", ["?"].repeat(width).join(","));
    let insert = |count| {
        db.prepare_cached(&format!(
            "INSERT INTO audit VALUES {}",
            [&*tuple].repeat(count).join(",")
        ))
    };
    let (mut one, mut many) = (insert(1)?, insert(at_once)?);
    for rows in rows.chunks(at_once) {
        let whole = rows.len() == at_once;
        let statement = if whole { &mut many } else { &mut one };
        for (index, (device, audit, state)) in rows.iter().enumerate() {
            let base = if whole { index * width } else { 0 };
            *seq += 1;
            statement.raw_bind_parameter(base + 1, *seq)?;
            statement.raw_bind_parameter(base + 2, 1)?;
            statement.raw_bind_parameter(base + 3, audit.time)?;
            statement.raw_bind_parameter(base + 4, *device)?;
            statement.raw_bind_parameter(base + 5, &audit.commitment[..])?;
            statement.raw_bind_parameter(base + 6, &audit.hash[..])?;
            statement.raw_bind_parameter(base + 7, &audit.payload[..])?;
            if let Some(state) = state {
                statement.raw_bind_parameter(base + 8, &state[..])?;
            }
            if !whole || index + 1 == at_once {
                statement.raw_execute()?;
            }
        }
    }
    Ok(())
}
