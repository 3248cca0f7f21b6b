//! The open database: its threads, and what is asked of the one that writes.

mod opening;
mod reading;
mod users;

pub(crate) use self::users::page_of_users;

use std::{
    sync::{Arc, Mutex, atomic::Ordering, mpsc},
    thread::JoinHandle,
};

use futures_channel::oneshot;
use store::{Checked, Commit, Outcome, Pending, StoreError};

use crate::{
    directory::OwnerLock,
    fault::Result,
    readers::Readers,
    shared::{Shared, lock},
    writer::{Call, Message, Reply},
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
    /// Checks that the files are still the ones that were opened, and says so in
    /// [`Health::trusted`](store::Health::trusted). For the owner, once a second: between two commits nobody else would.
    pub fn look(&self) -> Pending<'_, ()> {
        self.ask(Message::Look)
    }

    /// Whether the warm-up is over: every user's row is known without a read, as far as there is
    /// [room](crate::Tuning::known_users).
    pub fn is_warm(&self) -> bool {
        self.shared.known.is_warm()
    }

    /// Doubts files that the engine knows nothing of, the keyring's above all: as long as there is a reason, nothing is
    /// decided.
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
