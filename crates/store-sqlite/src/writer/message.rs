//! Messages to the writer, each with the place where its answer goes.

use futures_channel::oneshot;
use rusqlite::Connection;
use store::{Checked, Outcome, StoreError, audit::Closing};

/// The place where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A read on the writer's connection; it answers by itself.
pub(crate) type ReadWork = Box<dyn FnOnce(&mut Connection) + Send>;

/// A request to the writer.
pub(crate) enum Message {
    Commit(Call),
    /// A read that profits from the writer's cache.
    Read(ReadWork),
    CloseChain(Closing, Reply<()>),
    /// Most of the log is in the database.
    LogCopied,
    /// Looks whether the files are still the ones that were opened.
    Look(Reply<()>),
    Close(Reply<()>),
}

/// One call of `commit`.
pub(crate) struct Call {
    pub(crate) changes: Vec<Checked>,
    pub(crate) reply: Reply<Vec<Outcome>>,
}

pub(super) fn answer<T>(reply: Reply<T>, with: Result<T, StoreError>) {
    // Nobody waits any more: the effect stands all the same.
    let _ = reply.send(with);
}
