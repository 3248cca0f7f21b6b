//! The state in memory that the writer shares with the readers and the callers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, atomic::AtomicBool};

use store::audit::Head;

use crate::{damage::DamageLog, generation::Generation, known::Known, tail::Tail, trust::Trust};

pub(crate) struct Shared {
    pub(crate) tail: RwLock<Tail>,
    pub(crate) known: Known,
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

impl Shared {
    /// As it is when the database is opened.
    pub(crate) fn of(tail: Tail, head: Head, generation: Option<Generation>, known: Known, owner: bool) -> Self {
        Self {
            tail: RwLock::new(tail),
            known,
            head: Mutex::new(head),
            generation,
            owner,
            dropped: AtomicBool::new(false),
            trust: Trust::default(),
            damage: Arc::default(),
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
