//! The log of damage: what was found unreadable since the engine was opened.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use store::{Damage, StoreError};

/// Words kept: enough to see what it is, and no more than a probe can carry.
const KEPT: usize = 8;

/// Damage found since the engine was opened.
#[derive(Default)]
pub(crate) struct DamageLog {
    reads: AtomicU64,
    first: Mutex<Vec<String>>,
}

impl DamageLog {
    /// Takes note of an answer on its way out.
    pub(crate) fn note<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Damaged(what)) = &answer {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            if first.len() < KEPT && !first.contains(what) {
                tracing::error!(%what, "damaged");
                first.push(what.clone());
            }
        }
        answer
    }

    pub(crate) fn so_far(&self) -> Damage {
        Damage {
            reads: self.reads.load(Ordering::Relaxed),
            first: self.first.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
