//! Opening a database: as its owner, beside one, or to be read and nothing else.

use std::{
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use rusqlite::Connection;
use store::audit::Head;

use super::Sqlite;
use crate::{
    FILE_NAME, OpenError, Options, Tuning, connection,
    custody::{self, Custody},
    directory::{self, Owned, OwnerLock, Reading},
    fault::{Fault, Result},
    generation::Generation,
    known::Known,
    proof,
    readers::Readers,
    register, schema,
    shared::Shared,
    tail::Tail,
    writer::Writer,
};

impl Sqlite {
    /// Opens the database of this directory; the owner makes and migrates it if need be.
    pub fn open(data_dir: &Path, options: Options<'_>) -> Result<Self, OpenError> {
        Self::open_tuned(data_dir, options, Tuning::default())
    }

    /// Opens it with other settings than the usual ones.
    pub fn open_tuned(data_dir: &Path, options: Options<'_>, tuning: Tuning) -> Result<Self, OpenError> {
        let path = data_dir.join(FILE_NAME);
        let owned = if options.owner {
            Some(directory::own(data_dir)?)
        } else {
            directory::beside(data_dir)?;
            None
        };
        let mut conn = connection::writer(&path, tuning.writer_cache_mib)?;
        // All that can be refused is refused before anything is written.
        prove(&conn, &path, owned.as_ref(), &options)?;
        schema::prepare(&mut conn, &path, options.owner)?;
        let connections = (0..tuning.readers.max(1)).map(|_| connection::reader(&path, tuning.reader_cache_mib));
        let connections = connections.collect::<Result<Vec<_>, _>>()?;
        let generation = Generation::open(data_dir, options.owner)?;

        let failed = |fault: Fault| fault.opening(path.clone());
        let log = data_dir.join(directory::WAL_NAME);
        let register::Opened { head, epoch } = register::open(&mut conn, &options, &log).map_err(failed)?;
        let mut tail = Tail::default();
        let (owner_lock, custody) = match owned {
            Some(Owned { file, lock }) => {
                tail.catch_up(&conn).map_err(failed)?;
                (Some(lock), Some(Custody::of(data_dir, file, &conn, epoch)?))
            }
            None => (None, None),
        };
        let shared = Arc::new(Shared::of(
            tail,
            head,
            Some(generation),
            Known::of(tuning.known_users, seed_of(&head)),
            options.owner,
        ));
        let writer = Writer::new(conn, shared.clone(), tuning, custody, log).map_err(failed)?;
        // It reads no page of the database, so that it needs no cache.
        let copier = options.owner.then(|| connection::writer(&path, 1)).transpose()?;
        Self::start(shared, (writer, copier), connections, owner_lock, &path)
    }

    /// Starts the threads that write and read.
    fn start(
        shared: Arc<Shared>,
        (mut writer, copier): (Writer, Option<Connection>),
        connections: Vec<Connection>,
        owner_lock: Option<OwnerLock>,
        path: &Path,
    ) -> Result<Self, OpenError> {
        let (messages, queue) = mpsc::channel();
        if let Some(copier) = copier {
            let copying = writer.copies_beside(copier, messages.clone());
            copying.map_err(directory::files(path))?;
        }
        let writer = thread::Builder::new()
            .name("sqlite-write".into())
            .spawn(move || writer.run(&queue));
        let writer = writer.map_err(directory::files(path))?;
        let readers = Readers::start(connections, shared.damage.clone()).map_err(directory::files(path))?;
        Ok(Self {
            shared,
            messages,
            writer: Mutex::new(Some(writer)),
            readers,
            owner_lock: Mutex::new(owner_lock),
        })
    }

    /// Opens the database to be read and nothing else: it works where nothing can be written, leaves nothing behind,
    /// and keeps owners out meanwhile where there is none. What would write is answered with
    /// [`StoreError::Closed`](store::StoreError::Closed).
    pub fn open_to_read(data_dir: &Path) -> Result<Self, OpenError> {
        let (owned, owner_lock) = match directory::read(data_dir)? {
            Reading::Beside => (true, None),
            Reading::Alone(lock) => (false, lock),
        };
        let conn = connection::read_only(data_dir, Tuning::default().reader_cache_mib, owned)?;
        let path = data_dir.join(FILE_NAME);
        schema::known(&conn, &path)?;
        let (messages, _nobody_writes) = mpsc::channel();
        let head = Head {
            chain: 0,
            position: 0,
            hash: [0; 32],
        };
        let shared = Arc::new(Shared::of(Tail::default(), head, None, Known::of(0, 0), false));
        let readers = Readers::start(vec![conn], shared.damage.clone()).map_err(directory::files(&path))?;
        Ok(Self {
            shared,
            messages,
            writer: Mutex::new(None),
            readers,
            owner_lock: Mutex::new(owner_lock),
        })
    }
}

/// A number that outsiders do not know: in the hash of a chain's opening are the times and the processes of all starts so far.
fn seed_of(head: &Head) -> u64 {
    let (first, _) = head.hash.split_first_chunk().expect("32 bytes have eight");
    u64::from_le_bytes(*first)
}

/// Refuses a database that is not whole, not the keyring's, or older than what is known of it outside.
fn prove(conn: &Connection, path: &Path, owned: Option<&Owned>, options: &Options<'_>) -> Result<(), OpenError> {
    if let Some(owned) = owned {
        custody::belong_together(conn, &owned.file, path)?;
    }
    match schema::schema(conn).map_err(|error| Fault::from(error).opening(path.into()))? {
        0 => match options.heads.and_then(<[Head]>::first) {
            Some(head) => Err(OpenError::Behind { head: *head }),
            None => Ok(()),
        },
        _ => proof::prove(conn, path, options),
    }
}
