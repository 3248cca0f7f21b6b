//! The thread that writes: it takes everything that waits, commits it in one transaction, and answers.

mod checkpoint;
mod copier;
mod erasure;
mod message;
mod transaction;
mod warm_up;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use store::{StoreError, audit::Closing};

use crate::{
    Tuning,
    custody::Custody,
    fault::Result,
    fold::Fold,
    generation::Generation,
    known::Others,
    register,
    shared::{Shared, lock},
    tables::owner,
};
use checkpoint::Log;
use erasure::Erasure;
use message::answer;
pub(crate) use message::{Call, Message, Reply};
use warm_up::WarmUp;

/// The writing thread's connection and state.
pub(crate) struct Writer {
    conn: Connection,
    shared: Arc<Shared>,
    tuning: Tuning,
    fold: Fold,
    erasure: Erasure,
    /// Folding an idle engine's tail has begun.
    folding: bool,
    /// The own chain was closed: nothing can be written any more.
    chain_closed: bool,
    log: Log,
    others: Others,
    warm_up: WarmUp,
    /// The owner's. Behind the connection, so that the file is closed after it.
    custody: Option<Custody>,
}

/// However it ends: nobody keeps what is known up with the files any more.
impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.known.forget_all();
    }
}

/// What an engine does that nobody asks for anything.
type Work = fn(&mut Writer);

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
        Ok(Self {
            log: Log::of(&mut conn, log, tuning.checkpoint_pages)?,
            custody,
            others: Others::of(&conn)?,
            warm_up: WarmUp::of(&shared.known, shared.owner),
            conn,
            shared,
            tuning,
            fold,
            erasure: Erasure::rewriting_at(rewrite_at),
            folding: false,
            chain_closed: false,
        })
    }

    /// Until it is told to close, or nobody is left who could tell it anything.
    pub(crate) fn run(mut self, queue: &mpsc::Receiver<Message>) {
        let mut gathered = None;
        while let Some(message) = gathered.take().or_else(|| self.next(queue)) {
            if self.shared.dropped.load(Ordering::Acquire) {
                return;
            }
            self.erase_on();
            match message {
                Message::Commit(call) => {
                    let (calls, other) = self.gather(call, queue);
                    gathered = other;
                    self.commit(calls);
                    self.copy_long_log();
                }
                Message::Read(read) => self.read(read),
                Message::CloseChain(closing, reply) => answer(reply, self.close_chain(&closing)),
                Message::LogCopied => self.log_copied(),
                Message::Look(reply) => answer(reply, self.look()),
                Message::Close(reply) => {
                    let closed = self.close();
                    // The connection is gone before the caller goes on.
                    drop(self);
                    answer(reply, closed);
                    return;
                }
            }
            self.warm_up();
        }
    }

    /// The next message; what there is to do at rest is done meanwhile. `None` once nobody is left who could send one.
    fn next(&mut self, queue: &mpsc::Receiver<Message>) -> Option<Message> {
        loop {
            let Some((patience, work)) = self.at_rest() else {
                return queue.recv().ok();
            };
            match queue.recv_timeout(patience) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Timeout) => work(self),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// What there is to do once nobody has asked for anything for so long.
    fn at_rest(&self) -> Option<(Duration, Work)> {
        let worth_folding =
            self.shared.owner && !self.shared.trust.is_lost() && self.fold.behind() >= (self.tuning.fold_at / 8).max(1);
        let rewrite_in = self
            .erasure
            .rewrite_at
            .map(|at| at.saturating_duration_since(Instant::now()));
        let patience = match (self.erasure.in_log, worth_folding) {
            _ if self.erasure.search.is_some() => Duration::ZERO,
            (None, false) if rewrite_in.is_some() => rewrite_in.unwrap_or_default().max(self.tuning.erase_idle),
            (Some(_), _) => self.tuning.erase_idle,
            (None, true) if self.folding => Duration::ZERO,
            (None, true) => self.tuning.fold_idle,
            (None, false) => return Some((self.warm_up_in()?, Self::warm_up)),
        };
        Some((patience, Self::idle))
    }

    /// Everything that waits, as far as one transaction takes it; and the message that is something else. What is to be
    /// read meanwhile is read before it: nobody was told of these calls yet.
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
                Ok(Message::Read(read)) => {
                    changes += 1;
                    self.read(read);
                }
                Ok(other) => return (calls, Some(other)),
                Err(_) => break,
            }
        }
        (calls, None)
    }

    fn read(&mut self, read: message::ReadWork) {
        // Its caller learns it from the answer that never comes.
        if catch_unwind(AssertUnwindSafe(|| read(&mut self.conn))).is_err() {
            tracing::error!("a read panicked");
        }
    }

    fn look(&mut self) -> Result<(), StoreError> {
        self.others.look(&self.conn, &self.shared.known)?;
        let trust = &self.shared.trust;
        if let Some(custody) = &mut self.custody {
            let files = custody.look(trust, self.log.is_copying());
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
            (self.erasure, self.folding) = (Erasure::default(), false);
            return;
        }
        if self.erase_at_rest() {
            return;
        }
        self.folding = true;
        if let Err(fault) = self.fold_some(IDLE_CHUNK) {
            tracing::warn!(error = %StoreError::from(fault), "folding failed; it is tried again later");
            self.folding = false;
        }
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
                self.erasure.begin_search();
            }
            self.erase_to_the_end()?;
        }
        Ok(())
    }
}
