//! Copying the log ahead: most of a long log is copied into the database beside the writer, so that what is left for the
//! writer itself, which nothing is answered beside, is short.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;

use super::Message;
use crate::shared::lock;

/// Pages that the writer copies by itself in less time than a commit takes.
const FEW_PAGES: usize = 128;
/// Each time there is what came in meanwhile.
const PASSES: usize = 4;

/// The thread that copies; it has ended, and closed its connection, when this is dropped.
pub(crate) struct Copier {
    jobs: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    at_work: Arc<Mutex<()>>,
}

impl Drop for Copier {
    fn drop(&mut self) {
        drop(self.jobs.take());
        // A panic was told where it happened.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

impl Copier {
    /// With a connection of its own, on a log of so many pages. The writer is told when it is through.
    pub(crate) fn start(
        conn: Connection,
        pages: Arc<AtomicUsize>,
        messages: mpsc::Sender<Message>,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let at_work = Arc::<Mutex<()>>::default();
        let working = at_work.clone();
        let thread = thread::Builder::new().name("sqlite-copy".into()).spawn(move || {
            for () in queue {
                let _at_work = lock(&working);
                copy(&conn, &pages);
                if messages.send(Message::LogCopied).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            at_work,
        })
    }

    /// Has it copy what the log has.
    pub(super) fn copy(&self) {
        // Gone it can only be with the process.
        let _gone = self.jobs.as_ref().map(|jobs| jobs.send(()));
    }

    /// Waits until it rests, and keeps it from work for as long as the result lives.
    pub(super) fn rest(&self) -> MutexGuard<'_, ()> {
        lock(&self.at_work)
    }
}

/// What fails here, or where a reader is in the way, the writer sees by itself.
fn copy(conn: &Connection, pages: &AtomicUsize) {
    for _pass in 0..PASSES {
        let copied = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(2));
        let copied = copied.ok().and_then(|copied| usize::try_from(copied).ok());
        let left = copied.map(|copied| pages.load(Ordering::Relaxed).saturating_sub(copied));
        if left.is_none_or(|left| left <= FEW_PAGES) {
            return;
        }
    }
}
