//! The thread that writes: it takes everything that waits, commits it in one transaction, and answers.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use futures_channel::oneshot;
use rusqlite::{Connection, TransactionBehavior::Immediate, hooks::Wal};
use store::{
    Checked, Outcome, StoreError,
    audit::{Closing, Head},
};

use crate::{
    Tuning,
    custody::Custody,
    damage::DamageLog,
    error::{Fault, Result},
    fold::Fold,
    generation::Generation,
    group::Group,
    register,
    tables::owner,
    tail::Tail,
    traces::{self, Found, Search},
    trust::Trust,
};

/// Where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
pub(crate) enum Message {
    Commit(Call),
    /// A read that profits from the writer's cache.
    Read(Box<dyn FnOnce(&mut Connection) + Send>),
    CloseChain(Closing, Reply<()>),
    /// Whether the files are still the ones that were opened.
    Look(Reply<()>),
    Close(Reply<()>),
}

/// One call of `commit`.
pub(crate) struct Call {
    pub(crate) changes: Vec<Checked>,
    pub(crate) reply: Reply<Vec<Outcome>>,
}

/// What the writer shares with the readers and the callers.
pub(crate) struct Shared {
    pub(crate) tail: RwLock<Tail>,
    /// Durable rows only.
    pub(crate) head: Mutex<Head>,
    /// Nobody who only reads has one.
    pub(crate) generation: Option<Generation>,
    pub(crate) owner: bool,
    /// The engine was dropped without `close`: stop as if killed.
    pub(crate) dropped: AtomicBool,
    pub(crate) trust: Trust,
    pub(crate) damage: Arc<DamageLog>,
}

/// The writer's own.
pub(crate) struct Writer {
    conn: Connection,
    shared: Arc<Shared>,
    tuning: Tuning,
    fold: Fold,
    /// Since when an erasure is not yet driven out of the log, and when to try.
    erasing: Option<Instant>,
    /// The names of users who were erased and whose erasure is not yet driven out of the log.
    erased: Vec<Arc<str>>,
    /// Copies of such names are looked for in the file.
    search: Option<Search>,
    /// A search that nobody can make up for failed or was never made: when to write the tables anew instead.
    rewrite_at: Option<Instant>,
    /// Folding an idle engine's tail has begun.
    folding: bool,
    /// The own chain was closed: nothing can be written any more.
    chain_closed: bool,
    /// The log's length in pages after the newest commit, and at which length to copy it into the database.
    log_pages: Arc<AtomicUsize>,
    copy_at: usize,
    log: PathBuf,
    /// The owner's. Behind the connection, so that the file is closed after it.
    custody: Option<Custody>,
}

/// Pages that are looked at between two messages, and when nothing else is to do.
const SEARCHED_AT_WORK: usize = 16;
const SEARCHED_AT_REST: usize = 64;
/// After tables could not be written anew.
const REWRITE_AGAIN: Duration = Duration::from_secs(60);

/// States written back in one transaction when nothing else is to do.
const IDLE_CHUNK: usize = 4_096;

impl Writer {
    pub(crate) fn new(
        mut conn: Connection,
        shared: Arc<Shared>,
        tuning: Tuning,
        custody: Option<Custody>,
        log: PathBuf,
    ) -> Result<Self> {
        let fold = Fold::load(&conn)?;
        // Whoever ended before the search was over has left nobody's name to search for.
        let rewrite_at = (shared.owner && owner::is_erasing(&conn)?).then(Instant::now);
        let log_pages = Arc::<AtomicUsize>::default();
        let length = log_pages.clone();
        conn.wal_hook(Some(move |_: &mut Wal, pages| {
            length.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            log_pages,
            copy_at: tuning.checkpoint_pages,
            log,
            custody,
            conn,
            shared,
            tuning,
            fold,
            erasing: None,
            erased: Vec::new(),
            search: None,
            rewrite_at,
            folding: false,
            chain_closed: false,
        })
    }

    /// Until it is told to close, or nobody is left who could tell it anything.
    pub(crate) fn run(mut self, queue: &mpsc::Receiver<Message>) {
        let mut next = None;
        loop {
            let message = match next.take() {
                Some(message) => message,
                None => match self.wait(queue) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => {
                        self.idle();
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                },
            };
            if self.shared.dropped.load(Ordering::Acquire) {
                return;
            }
            if self
                .erasing
                .is_some_and(|since| since.elapsed() >= self.tuning.erase_latest)
            {
                self.drive_out();
            }
            self.search_on(SEARCHED_AT_WORK);
            match message {
                Message::Commit(call) => {
                    let (calls, other) = self.gather(call, queue);
                    next = other;
                    self.commit(calls);
                    self.copy_long_log();
                }
                Message::Read(read) => {
                    // Its caller learns it from the answer that never comes.
                    if catch_unwind(AssertUnwindSafe(|| read(&mut self.conn))).is_err() {
                        tracing::error!("a read panicked");
                    }
                }
                Message::CloseChain(closing, reply) => answer(reply, self.close_chain(&closing)),
                Message::Look(reply) => {
                    let looked = self.look();
                    answer(reply, looked);
                }
                Message::Close(reply) => {
                    let closed = self.close();
                    // The connection is gone before the caller goes on.
                    drop(self);
                    answer(reply, closed);
                    return;
                }
            }
        }
    }

    fn wait(&self, queue: &mpsc::Receiver<Message>) -> Result<Message, RecvTimeoutError> {
        let worth_folding =
            self.shared.owner && !self.shared.trust.is_lost() && self.fold.behind() >= (self.tuning.fold_at / 8).max(1);
        let rewrite_in = self.rewrite_at.map(|at| at.saturating_duration_since(Instant::now()));
        let patience = match (self.erasing, worth_folding) {
            _ if self.search.is_some() => Duration::ZERO,
            (None, false) if rewrite_in.is_some() => rewrite_in.unwrap_or_default().max(self.tuning.erase_idle),
            (Some(_), _) => self.tuning.erase_idle,
            (None, true) if self.folding => Duration::ZERO,
            (None, true) => self.tuning.fold_idle,
            (None, false) => return queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        queue.recv_timeout(patience)
    }

    /// Everything that waits, as far as one transaction takes it; and the message that is something else.
    fn gather(&mut self, first: Call, queue: &mpsc::Receiver<Message>) -> (Vec<Call>, Option<Message>) {
        self.folding = false;
        let mut changes = first.changes.len();
        let mut calls = vec![first];
        while changes < self.tuning.group_changes {
            match queue.try_recv() {
                Ok(Message::Commit(call)) => {
                    changes += call.changes.len();
                    calls.push(call);
                }
                Ok(other) => return (calls, Some(other)),
                Err(_) => break,
            }
        }
        (calls, None)
    }

    fn look(&mut self) -> Result<(), StoreError> {
        let trust = &self.shared.trust;
        if let Some(custody) = &mut self.custody {
            let files = custody.look(trust);
            if !trust.is_lost() {
                custody.owns(&self.conn, trust)?;
            }
            files?;
        }
        self.shared.generation.as_ref().map_or(Ok(()), Generation::look)
    }

    /// Nobody has asked for anything for a while.
    fn idle(&mut self) {
        if self.shared.trust.is_lost() {
            // Somebody else's database by now, for all that is known.
            (self.erasing, self.folding, self.search, self.rewrite_at) = (None, false, None, None);
            return;
        }
        if self.search.is_some() {
            self.search_on(SEARCHED_AT_REST);
            return;
        }
        if self.rewrite_at.is_some_and(|at| at <= Instant::now()) {
            self.rewrite();
            return;
        }
        if self.erasing.is_some() {
            self.drive_out();
            return;
        }
        self.folding = true;
        if let Err(fault) = self.fold_some(IDLE_CHUNK) {
            tracing::warn!(error = %StoreError::from(fault), "folding failed; it is tried again later");
            self.folding = false;
        }
    }

    fn commit(&mut self, mut calls: Vec<Call>) {
        let done = match self.transact(&calls) {
            // One call met a damaged row: it must not take the others down with it.
            Err(Fault::Store(StoreError::Damaged(_))) if calls.len() > 1 => {
                for call in calls {
                    self.commit(vec![call]);
                }
                return;
            }
            done => done.map_err(StoreError::from),
        };
        match done {
            Ok(outcomes) => {
                for (call, outcomes) in calls.drain(..).zip(outcomes) {
                    answer(call.reply, Ok(outcomes));
                }
            }
            Err(error) => {
                tracing::error!(%error, "a group was not committed");
                let _noted = self.shared.damage.note::<()>(Err(error.clone()));
                for call in calls {
                    answer(call.reply, Err(error.clone()));
                }
            }
        }
    }

    /// One transaction for these calls. Nothing in memory changes before COMMIT has returned.
    fn transact(&mut self, calls: &[Call]) -> Result<Vec<Vec<Outcome>>> {
        if self.chain_closed {
            return Err(StoreError::Closed.into());
        }
        let shared = self.shared.clone();
        shared.trust.ask()?;
        let changes_keys = calls
            .iter()
            .flat_map(|call| &call.changes)
            .any(Checked::changes_api_keys);
        let generation = shared.generation.as_ref().filter(|_| changes_keys);
        let mut raising = generation.map(Generation::raise).transpose()?;
        let head = *lock(&shared.head);

        let tx = self.conn.transaction_with_behavior(Immediate)?;
        let log_length = match &mut self.custody {
            Some(custody) => {
                custody.owns(&tx, &shared.trust)?;
                custody.check(&shared.trust)?;
                custody.log_length(&shared.trust)?
            }
            None => self.log.metadata().map_or(0, |log| log.len()),
        };
        if log_length == 0 {
            owner::begin_log(&tx)?;
        }
        // Only this thread changes the tail; the readers read beside.
        let tail = shared.tail.read().unwrap_or_else(PoisonError::into_inner);
        let mut group = Group::new(&tx, &tail, head)?;
        let outcomes = calls
            .iter()
            .map(|call| call.changes.iter().map(|change| group.apply(change)).collect())
            .collect::<Result<Vec<_>>>()?;
        let finished = group.finish()?;
        if let (false, Some(newest)) = (shared.owner, finished.row) {
            register::note_last(&tx, head.chain, newest)?;
        }
        if finished.row.is_some_and(|row| row <= self.fold.newest()) {
            let why =
                "the trail ends before rows that were answered: the database was put back under this service; stop it";
            return Err(shared.trust.lose(why.into()).into());
        }
        let owed = self.fold.owed(self.tuning.fold_at);
        let folded = (shared.owner && owed >= self.tuning.fold_chunk.max(1))
            .then(|| {
                self.fold
                    .step(&tx, &tail, &finished.touched(), owed, self.tuning.fold_at)
            })
            .transpose()?;
        drop(tail);
        tx.commit()?;

        if finished.erases && self.erasing.is_none() {
            self.erasing = Some(Instant::now());
        }
        self.erased.extend(finished.erased.iter().cloned());
        if let Some(folded) = &folded {
            self.fold.done(folded);
        }
        *lock(&shared.head) = finished.head;
        let (events, newest) = (finished.events, finished.row);
        if let (Some(raising), Some(newest)) = (&mut raising, newest) {
            raising.committed(newest);
        }
        let mut tail = shared.tail.write().unwrap_or_else(PoisonError::into_inner);
        finished.publish(&mut tail, folded.as_ref().map_or(&[], |folded| &folded.users));
        self.fold.appended(events, newest, tail.len());
        drop(tail);
        drop(raising);
        // Once more: had somebody put another database in the place of this one just now, it would not know of this.
        if let Some(custody) = &self.custody {
            custody.check(&shared.trust)?;
        }
        Ok(outcomes)
    }

    /// The owner's next transaction, which is nobody's if it is not the owner any more.
    fn owned(&mut self, work: impl FnOnce(&Connection) -> Result<()>) -> Result<()> {
        let tx = self.conn.transaction_with_behavior(Immediate)?;
        if let Some(custody) = &self.custody {
            custody.owns(&tx, &self.shared.trust)?;
        }
        work(&tx)?;
        Ok(tx.commit()?)
    }

    /// Writes back up to `count` states in a transaction of its own.
    fn fold_some(&mut self, count: usize) -> Result<()> {
        let tx = self.conn.transaction_with_behavior(Immediate)?;
        if let Some(custody) = &self.custody {
            custody.owns(&tx, &self.shared.trust)?;
        }
        let tail = self.shared.tail.read().unwrap_or_else(PoisonError::into_inner);
        let folded = self
            .fold
            .step(&tx, &tail, &HashSet::new(), count, self.tuning.fold_at)?;
        drop(tail);
        tx.commit()?;
        self.fold.done(&folded);
        let mut tail = self.shared.tail.write().unwrap_or_else(PoisonError::into_inner);
        for user in &folded.users {
            tail.remove(user);
        }
        Ok(())
    }

    fn close_chain(&mut self, closing: &Closing) -> Result<(), StoreError> {
        let head = *lock(&self.shared.head);
        let own = closing.head.chain == head.chain;
        if own && closing.head != head && !self.chain_closed {
            return Err(StoreError::Unavailable(
                "the chain has grown since its head was signed; sign it again".into(),
            ));
        }
        if self.shared.trust.is_lost() {
            return self.shared.trust.ask();
        }
        self.owned(|tx| register::close(tx, closing))?;
        self.chain_closed |= own;
        Ok(())
    }

    /// After a commit was answered: copies the log into the database, when it is long enough to be worth it.
    fn copy_long_log(&mut self) {
        let pages = self.log_pages.load(Ordering::Relaxed);
        if !self.shared.owner || pages < self.copy_at {
            return;
        }
        // Where a reader is in the way it is tried again somewhat later, not with every commit.
        self.copy_at = pages + self.tuning.checkpoint_pages / 16 + 1;
        match self.copy_log("PASSIVE") {
            Ok(true) => self.copy_at = self.tuning.checkpoint_pages,
            Ok(false) => {}
            Err(fault) => tracing::warn!(error = %StoreError::from(fault), "a checkpoint failed; it is tried again"),
        }
    }

    /// Copies the log into the database and cuts it to nothing, so that what was erased is in neither.
    fn drive_out(&mut self) {
        match self.copy_log("TRUNCATE") {
            Ok(true) => {
                self.erasing = None;
                self.begin_search();
            }
            // Somebody reads an old state of the file; a read is short.
            Ok(false) => self.erasing = Some(Instant::now()),
            Err(fault) => {
                tracing::warn!(error = %StoreError::from(fault), "a checkpoint failed; it is tried again");
                self.erasing = Some(Instant::now());
            }
        }
    }

    /// The log is in the file now, and so is what was erased in it.
    fn begin_search(&mut self) {
        if !self.erased.is_empty() {
            let mut names = std::mem::take(&mut self.erased);
            names.extend(self.search.take().map_or(Vec::new(), Search::into_names));
            self.search = Some(Search::of(names));
        }
    }

    /// Looks at some more pages for names of users who were erased; writes the tables anew where one is found.
    fn search_on(&mut self, pages: usize) {
        let Some(search) = &mut self.search else { return };
        // Only the owner erases.
        let found = match &self.custody {
            Some(custody) => search.step(custody.file(), pages),
            None => Ok(Found::Nothing),
        };
        match found {
            Ok(Found::NothingYet) => {}
            Ok(Found::Nothing) => {
                self.search = None;
                self.end_erasing();
            }
            Ok(Found::Trace) => {
                tracing::info!("an erased user's name was left in the file: the tables with names are written anew");
                self.search = None;
                self.rewrite();
            }
            Err(error) => {
                tracing::warn!(%error, "names of users who were erased are not looked for; the tables are written anew");
                (self.search, self.rewrite_at) = (None, Some(Instant::now()));
            }
        }
    }

    /// Writes the tables with names anew, of whomever names are left there; again later where that cannot be now.
    fn rewrite(&mut self) {
        let rewritten = self.owned(traces::rewrite).and_then(|()| self.copy_log("TRUNCATE"));
        match rewritten {
            Ok(true) => {
                self.rewrite_at = None;
                self.end_erasing();
            }
            Ok(false) => self.rewrite_at = Some(Instant::now() + REWRITE_AGAIN),
            Err(fault) => {
                let error = StoreError::from(fault);
                tracing::warn!(%error, "names of users who were erased may be left in the file; it is tried again");
                self.rewrite_at = Some(Instant::now() + REWRITE_AGAIN);
            }
        }
    }

    /// Nobody's name is left, unless somebody was erased meanwhile or something is to be made up for.
    fn end_erasing(&mut self) {
        if self.erased.is_empty()
            && self.rewrite_at.is_none()
            && let Err(fault) = self.owned(owner::end_erasing)
        {
            tracing::warn!(error = %StoreError::from(fault), "the search for names is made once more by the next start");
        }
    }

    /// Whether all of the log is in the database now.
    ///
    /// Announced in the log first, so that a file that has the announcement has all that was before it; and the log that
    /// begins after it says so, so that no other file passes for this one.
    fn copy_log(&mut self, how: &str) -> Result<bool> {
        self.owned(owner::announce_checkpoint)?;
        let announced = owner::read(&self.conn)?.checkpoint;
        // Waiting for a reader would keep the next commit waiting.
        self.conn.busy_timeout(Duration::from_millis(20))?;
        let copied = self
            .conn
            .query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            });
        self.conn.busy_timeout(crate::connection::BUSY)?;
        let (busy, length, copied) = copied?;
        if busy != 0 || length != copied {
            return Ok(false);
        }
        if let Some(custody) = &mut self.custody {
            custody.log_ended(announced);
        }
        // A log that was cut says it with its first commit; this one may begin anew at once.
        if how == "PASSIVE" {
            self.owned(owner::begin_log)?;
        }
        Ok(true)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        if self.shared.trust.is_lost() {
            return self.shared.trust.ask();
        }
        if self.shared.owner {
            let until = Instant::now() + self.tuning.fold_close;
            while self.fold.behind() > 0 && Instant::now() < until {
                self.fold_some(IDLE_CHUNK)?;
            }
            // Best effort: a reader beside may be in the way, and the log is as durable as the database.
            if self.copy_log("TRUNCATE")? {
                self.begin_search();
            }
            if self.search.is_some() || self.rewrite_at.is_some() {
                while self.search.is_some() {
                    self.search_on(SEARCHED_AT_REST);
                }
                if self.rewrite_at.is_some() {
                    self.rewrite();
                }
                self.copy_log("TRUNCATE")?;
            }
        }
        Ok(())
    }
}

fn answer<T>(reply: Reply<T>, with: Result<T, StoreError>) {
    // Nobody waits any more: the effect stands all the same.
    let _ = reply.send(with);
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
