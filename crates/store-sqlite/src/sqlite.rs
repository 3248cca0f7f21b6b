use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use futures_channel::oneshot;
use rusqlite::Connection;
use store::{
    Checked, Commit, Damage, Document, Documents, Health, Id, Key, List, Named, Outcome, Owner, Pending, Sealed,
    Secrets, StoreError, User, Users,
    audit::{Chain, Closing, Cursor, Head, Newest, Place, Row, Trail},
    codec,
    history::{EventCursor, History, Subject},
};

use crate::{
    FILE_NAME, OpenError, Options, Tuning, connection,
    custody::{self, Custody},
    directory::{self, Owned, OwnerLock, Reading},
    error::{Fault, Result},
    generation::Generation,
    readers::Readers,
    register, schema,
    tables::{audit, document, history, secret, user},
    tail::{Kept, Tail},
    trust::Trust,
    writer::{Call, Message, Reply, Shared, Writer, lock},
};

/// The open database.
///
/// Its threads end with [`close`](Self::close). Dropping it without that is what a kill would be: the groups
/// that were answered are on disk, what waits is not done.
pub struct Sqlite {
    shared: Arc<Shared>,
    messages: mpsc::Sender<Message>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Readers,
    owner_lock: Mutex<Option<OwnerLock>>,
}

impl Sqlite {
    /// Opens the database of this directory; the owner makes and migrates it if need be.
    pub fn open(data_dir: &Path, options: Options<'_>) -> Result<Self, OpenError> {
        Self::open_tuned(data_dir, options, Tuning::default())
    }

    /// The same with other settings than the usual ones.
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
        let failed = |fault: Fault| fault.opening(path.clone());
        if let Some(owned) = &owned {
            custody::belong_together(&conn, &owned.file, &path)?;
        }
        match schema::schema(&conn).map_err(|error| failed(error.into()))? {
            0 => {
                if let Some(head) = options.heads.and_then(<[Head]>::first) {
                    return Err(OpenError::Behind { head: *head });
                }
            }
            _ => register::prove(&conn, &path, &options)?,
        }
        schema::prepare(&mut conn, &path, options.owner)?;
        let connections = (0..tuning.readers.max(1)).map(|_| connection::reader(&path, tuning.reader_cache_mib));
        let connections = connections.collect::<Result<Vec<_>, _>>()?;
        let generation = Generation::open(data_dir, options.owner)?;

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
        let shared = Arc::new(Shared {
            tail: RwLock::new(tail),
            head: Mutex::new(head),
            generation: Some(generation),
            owner: options.owner,
            dropped: AtomicBool::new(false),
            trust: Trust::default(),
            damage: Arc::default(),
        });
        let writer = Writer::new(conn, shared.clone(), tuning, custody, log).map_err(failed)?;
        let (messages, queue) = mpsc::channel();
        let writer = thread::Builder::new()
            .name("sqlite-write".into())
            .spawn(move || writer.run(&queue));
        let writer = writer.map_err(directory::files(&path))?;
        let readers = Readers::start(connections, shared.damage.clone()).map_err(directory::files(&path))?;
        Ok(Self {
            shared,
            messages,
            writer: Mutex::new(Some(writer)),
            readers,
            owner_lock: Mutex::new(owner_lock),
        })
    }

    /// Opens the database to be read and nothing else: it works where nothing can be written, leaves nothing behind, and
    /// keeps owners out meanwhile where there is none. What would write is answered with [`StoreError::Closed`].
    pub fn open_to_read(data_dir: &Path) -> Result<Self, OpenError> {
        let (owned, owner_lock) = match directory::read(data_dir)? {
            Reading::Beside => (true, None),
            Reading::Alone(lock) => (false, lock),
        };
        let conn = connection::read_only(data_dir, Tuning::default().reader_cache_mib, owned)?;
        let path = data_dir.join(FILE_NAME);
        schema::known(&conn, &path)?;
        let (messages, _nobody_writes) = mpsc::channel();
        let shared = Arc::new(Shared {
            tail: RwLock::default(),
            head: Mutex::new(Head {
                chain: 0,
                position: 0,
                hash: [0; 32],
            }),
            generation: None,
            owner: false,
            dropped: AtomicBool::new(false),
            trust: Trust::default(),
            damage: Arc::default(),
        });
        let readers = Readers::start(vec![conn], shared.damage.clone()).map_err(directory::files(&path))?;
        Ok(Self {
            shared,
            messages,
            writer: Mutex::new(None),
            readers,
            owner_lock: Mutex::new(owner_lock),
        })
    }

    /// Looks whether the files are still the ones that were opened, and says so in [`Health::trusted`]. For the owner,
    /// once a second: between two commits nobody else would.
    pub fn look(&self) -> Pending<'_, ()> {
        self.ask(Message::Look)
    }

    /// As long as there is a reason, nothing is decided: for files that the engine knows nothing of, the keyring's above
    /// all.
    pub fn doubt(&self, why: Option<String>) {
        self.shared.trust.doubt_others(why);
    }

    /// Does what waits, folds as far as that is quick, copies the log into the database, and lets go of the data
    /// directory. Blocks for a few seconds at most. Everything asked afterwards is answered with
    /// [`StoreError::Closed`]. Closing the audit chain is the caller's, before.
    pub fn close(&self) -> Result<(), StoreError> {
        self.readers.stop();
        let Some(writer) = lock(&self.writer).take() else {
            drop(lock(&self.owner_lock).take());
            return Ok(());
        };
        let (reply, mut answer) = oneshot::channel();
        let asked = self.messages.send(Message::Close(reply));
        let joined = writer.join();
        drop(lock(&self.owner_lock).take());
        match answer.try_recv() {
            Ok(Some(closed)) if asked.is_ok() && joined.is_ok() => closed,
            _ => Err(StoreError::Unavailable("the writer had failed before".into())),
        }
    }

    fn ask<T: Send + 'static>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Pending<'_, T> {
        let (reply, answer) = oneshot::channel();
        // Sent now, awaited later; when the writer is gone the answer's other end goes with the message.
        let _ = self.messages.send(message(reply));
        Box::pin(async { answer.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.shared.dropped.store(true, Ordering::Release);
        self.readers.stop();
        if let Some(writer) = lock(&self.writer).take() {
            // It may sleep: any message wakes it, and it looks at the flag first.
            let (reply, _) = oneshot::channel();
            let _ = self.messages.send(Message::Close(reply));
            let _ = writer.join();
        }
    }
}

impl Commit for Sqlite {
    fn apply(&self, changes: Vec<Checked>) -> Pending<'_, Vec<Outcome>> {
        if !self.shared.owner && !changes.iter().all(Checked::changes_only_api_keys) {
            let why = "a change was refused: a command beside the server may only change API keys";
            return Box::pin(std::future::ready(Err(StoreError::Unavailable(why.into()))));
        }
        self.ask(|reply| Message::Commit(Call { changes, reply }))
    }
}

impl Users for Sqlite {
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>> {
        let shared = self.shared.clone();
        if !shared.owner {
            return self.readers.read(move |conn| users(conn, &shared, &owners));
        }
        // A reader's page cache is void after every commit of the writer, the writer's own is not. And the lane
        // that asks has nothing to commit until it knows the answer.
        self.ask(|reply| {
            Message::Read(Box::new(move |conn| {
                let found = users(conn, &shared, &owners).map_err(StoreError::from);
                let _nobody_may_wait = reply.send(shared.damage.note(found));
            }))
        })
    }

    fn named(&self, users: Vec<Id>) -> Pending<'_, Vec<Option<Named>>> {
        if !self.shared.owner {
            return self.readers.read(move |conn| user::named(conn, &users));
        }
        // By the writer, as `users` are.
        let damage = self.shared.damage.clone();
        self.ask(|reply| {
            Message::Read(Box::new(move |conn| {
                let found = user::named(conn, &users).map_err(StoreError::from);
                let _nobody_may_wait = reply.send(damage.note(found));
            }))
        })
    }

    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>> {
        let shared = self.shared.clone();
        self.readers
            .read(move |conn| page_of_users(conn, &shared, after.as_ref(), limit))
    }
}

impl Documents for Sqlite {
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>> {
        // A document and its secrets are of one moment.
        self.readers
            .read(move |conn| document::each(&*conn.transaction()?, &keys))
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.readers
            .read(move |conn| document::list(&*conn.transaction()?, noun, &list, limit))
    }
}

impl Secrets for Sqlite {
    fn sealed_under(&self, key_id: u32, after: i64, limit: u32) -> Pending<'_, Vec<(i64, Sealed)>> {
        self.readers.read(move |conn| secret::under(conn, key_id, after, limit))
    }
}

impl Health for Sqlite {
    fn trusted(&self) -> Result<(), StoreError> {
        self.shared.trust.ask()
    }

    fn api_key_generation(&self) -> Result<u64, StoreError> {
        self.shared.trust.ask()?;
        let generation = self.shared.generation.as_ref().ok_or(StoreError::Closed)?;
        generation.read()
    }

    fn damage(&self) -> Damage {
        self.shared.damage.so_far()
    }
}

impl Trail for Sqlite {
    fn rows(&self, after: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.readers.read(move |conn| audit::rows(conn, after, limit))
    }

    fn rows_before(&self, before: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.readers.read(move |conn| audit::rows_before(conn, before, limit))
    }

    fn rows_at(&self, cursors: Vec<Cursor>) -> Pending<'_, Vec<Option<Row>>> {
        self.readers.read(move |conn| audit::rows_at(conn, &cursors))
    }

    fn row(&self, place: Place) -> Pending<'_, Option<Row>> {
        self.readers.read(move |conn| audit::row(&*conn.transaction()?, place))
    }

    fn chains(&self) -> Pending<'_, Vec<Chain>> {
        self.readers.read(|conn| register::all(conn))
    }

    fn head(&self) -> Head {
        *lock(&self.shared.head)
    }

    fn newest(&self) -> Pending<'_, Option<Newest>> {
        self.readers.read(|conn| audit::newest_row(conn))
    }

    fn last_of(&self, chain: i64) -> Pending<'_, Option<Head>> {
        self.readers
            .read(move |conn| register::last_of(&*conn.transaction()?, chain))
    }

    fn close_chain(&self, closing: Closing) -> Pending<'_, ()> {
        self.ask(|reply| Message::CloseChain(closing, reply))
    }
}

impl History for Sqlite {
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.readers
            .read(move |conn| history::events_of(conn, &subject, before, limit))
    }
}

/// What changes by binding first, then the tail, then (in a new transaction) the folded states of those that were not in
/// it: a state that is folded in between is then found in the table, at least as new as when this began.
fn users(conn: &mut Connection, shared: &Shared, owners: &[Owner]) -> Result<Vec<Option<User>>> {
    let tx = conn.transaction()?;
    let mut all = user::Users::of(&tx)?;
    let found = owners.iter().map(|owner| all.get(owner)).collect::<Result<Vec<_>>>()?;
    drop(all);
    tx.commit()?;
    let strangers = owners.iter().zip(&found).filter(|(_, found)| found.is_none());
    let strangers = strangers.map(|(owner, _)| nobody(owner)).collect::<Vec<_>>();
    let ids: Vec<Id> = found.iter().flatten().map(|bound| bound.id).collect();
    let mut states = states(conn, shared, &ids, &strangers)?.into_iter();
    let mut users = Vec::with_capacity(owners.len());
    for bound in found {
        users.push(match bound {
            Some(bound) => with_state(conn, shared, bound, states.next().flatten())?,
            None => None,
        });
    }
    Ok(users)
}

/// One page of all users. A page of which everybody was erased meanwhile would look like the last one.
fn page_of_users(conn: &mut Connection, shared: &Shared, after: Option<&Owner>, limit: u32) -> Result<Vec<User>> {
    let mut after = after.cloned();
    loop {
        let page = user::page(conn, after.as_ref(), limit)?;
        let Some(last) = page.last() else {
            return Ok(Vec::new());
        };
        after = Some(last.owner.clone());
        let ids: Vec<Id> = page.iter().map(|bound| bound.id).collect();
        let mut states = states(conn, shared, &ids, &[])?.into_iter();
        let mut users = Vec::with_capacity(page.len());
        for bound in page {
            users.extend(with_state(conn, shared, bound, states.next().flatten())?);
        }
        if !users.is_empty() {
            return Ok(users);
        }
    }
}

/// The two parts of a user. Whoever bound or unbound a device between their readings makes them read anew.
fn with_state(
    conn: &mut Connection,
    shared: &Shared,
    mut bound: user::Bound,
    mut kept: Option<Kept>,
) -> Result<Option<User>> {
    const TRIES: usize = 8;
    for _ in 0..TRIES {
        let damaged = || Fault::damaged("user_state", bound.id);
        if let Some(kept) = &kept {
            let (states, memo) = codec::decode_user(&kept.state).map_err(|_| damaged())?;
            if let Some(devices) = codec::joined(bound.devices, states) {
                return Ok(Some(User {
                    owner: bound.owner,
                    id: bound.id,
                    names_key: None,
                    revision: Some(kept.revision),
                    devices,
                    memo,
                }));
            }
        }
        let Some(again) = user::Users::of(conn)?.get(&bound.owner)? else {
            return Ok(None);
        };
        kept = states(conn, shared, &[again.id], &[])?.pop().flatten();
        bound = again;
    }
    Err(Fault::damaged("user_state", bound.id))
}

/// The newest states of these users. For each of the strangers as much work is done as for a user.
fn states(conn: &mut Connection, shared: &Shared, ids: &[Id], strangers: &[Id]) -> Result<Vec<Option<Kept>>> {
    if !shared.owner {
        // The tail is the owner's; beside it, the trail says what is in it.
        shared
            .tail
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .catch_up(conn)?;
    }
    let tail = shared.tail.read().unwrap_or_else(PoisonError::into_inner);
    let mut states: Vec<Option<Kept>> = ids.iter().map(|id| tail.get(id).cloned()).collect();
    drop(tail);
    let tx = conn.transaction()?;
    let mut folded = user::FoldedStates::of(&tx)?;
    for (id, state) in ids.iter().zip(&mut states) {
        if state.is_none() {
            *state = folded.get(id)?;
        }
    }
    drop(folded);
    for id in strangers {
        user::no_state(&tx, id)?;
    }
    tx.commit()?;
    Ok(states)
}

/// An id that this owner might have had.
fn nobody(owner: &Owner) -> Id {
    let half = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        (seed, owner).hash(&mut hasher);
        hasher.finish()
    };
    Id::from_u64_pair(half(0), half(1))
}
