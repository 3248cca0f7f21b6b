//! The threads that read.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use futures_channel::oneshot;
use rusqlite::Connection;
use store::{Pending, StoreError};

use crate::{damage::DamageLog, fault::Result};

type Read = Box<dyn FnOnce(&mut Connection) + Send>;

/// Threads with a connection each, and the channel that feeds whichever is free.
pub(crate) struct Readers {
    jobs: Mutex<Option<mpsc::Sender<Read>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    damage: Arc<DamageLog>,
}

impl Readers {
    pub(crate) fn start(connections: Vec<Connection>, damage: Arc<DamageLog>) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Read>();
        let queue = Arc::new(Mutex::new(queue));
        let run = |(index, mut conn)| {
            let queue = queue.clone();
            thread::Builder::new()
                .name(format!("sqlite-read-{index}"))
                .spawn(move || {
                    loop {
                        // Whoever waits for a job holds the lock; the others wait for the lock.
                        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(job) = job else { break };
                        // Its caller learns it from the answer that never comes; the thread goes on.
                        if catch_unwind(AssertUnwindSafe(|| job(&mut conn))).is_err() {
                            tracing::error!("a read panicked");
                        }
                    }
                })
        };
        let threads = connections
            .into_iter()
            .enumerate()
            .map(run)
            .collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            threads: Mutex::new(threads),
            damage,
        })
    }

    /// Runs this on one of the threads.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Pending<'_, T> {
        let (reply, answer) = oneshot::channel();
        let damage = self.damage.clone();
        let job: Read = Box::new(move |conn| {
            // An answer that nobody waits for any more is no error.
            let _ = reply.send(damage.note(read(conn).map_err(StoreError::from)));
        });
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        drop(jobs);
        Box::pin(async move {
            if !sent {
                return Err(StoreError::Closed);
            }
            answer
                .await
                .unwrap_or_else(|_| Err(StoreError::Unavailable("a read failed".into())))
        })
    }

    /// Ends the threads; what was asked before is answered.
    pub(crate) fn stop(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // A panic was told where it happened.
            let _ = thread.join();
        }
    }
}
