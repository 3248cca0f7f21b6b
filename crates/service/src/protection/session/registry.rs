//! The living sessions of this node, in memory: about 250 bytes each, names and table included.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use store::{Id, Owner, Session};
use verify::UnixMs;

use crate::{
    ServiceError,
    protection::session::{
        life::{Life, Verdict},
        touches::Rows,
    },
};

/// Parts that are locked by themselves, so that checks do not wait for each other.
const SHARDS: usize = 64;
/// Sessions of one node: a gigabyte of memory. Of more none is begun.
const SESSIONS_MAX: usize = 4_000_000;

/// The living sessions.
pub(crate) struct SessionRegistry {
    shards: [RwLock<Shard>; SHARDS],
    count: AtomicUsize,
    /// Those whose end was asked for, and of which nobody knows whether it is on disk.
    doubted: Mutex<Vec<(Owner, Id)>>,
    /// The rows that say when they were seen.
    pub(crate) rows: tokio::sync::Mutex<Rows>,
}

type Shard = HashMap<Id, Entry>;

struct Entry {
    owner: Owner,
    life: Life,
    is_doubted: AtomicBool,
}

impl Default for SessionRegistry {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::default()),
            count: AtomicUsize::new(0),
            doubted: Mutex::default(),
            rows: tokio::sync::Mutex::default(),
        }
    }
}

/// A session that was found.
pub(crate) struct Found {
    pub(crate) owner: Owner,
    pub(crate) verdict: Verdict,
    pub(crate) expires_at: UnixMs,
}

impl SessionRegistry {
    /// Judges the session of this id, if it is one of a user whom the caller reaches. Of one whose end may be on disk and may
    /// not, nothing is said.
    pub(crate) fn judge(
        &self,
        id: Id,
        now: UnixMs,
        is_seen: bool,
        reaches: impl FnOnce(&Owner) -> bool,
    ) -> Result<Option<Found>, ServiceError> {
        let shard = self.read(id);
        let Some(entry) = shard.get(&id) else {
            return Ok(None);
        };
        if entry.is_doubted.load(Acquire) {
            let why = "the end of this session was asked for, and is being found out about";
            return Err(ServiceError::StorageUnavailable(why.into()));
        }
        Ok(Some(Found {
            verdict: entry.life.judge(now, is_seen && reaches(&entry.owner)),
            owner: entry.owner.clone(),
            expires_at: entry.life.expires_at,
        }))
    }

    /// Takes in a session that is being written: it is none until it [begins](Self::begin).
    pub(crate) fn reserve(&self, session: &Session) -> Result<(), ServiceError> {
        if self.count.load(Relaxed) >= SESSIONS_MAX {
            return Err(ServiceError::RateLimited);
        }
        self.put(session, Life::pending(session));
        Ok(())
    }

    /// Its row is on disk. One that was ended meanwhile does not begin.
    pub(crate) fn begin(&self, id: Id, now: UnixMs) {
        if let Some(entry) = self.read(id).get(&id) {
            entry.life.begin(now);
        }
    }

    pub(crate) fn put(&self, session: &Session, life: Life) {
        let entry = Entry {
            owner: session.owner.clone(),
            life,
            is_doubted: false.into(),
        };
        if self.write(session.id).insert(session.id, entry).is_none() {
            self.count.fetch_add(1, Relaxed);
        }
    }

    /// They have ended.
    pub(crate) fn remove(&self, ids: &[Id]) {
        for id in ids {
            if self.write(*id).remove(id).is_some() {
                self.count.fetch_sub(1, Relaxed);
            }
        }
    }

    /// Their end was asked for, and may be on disk.
    pub(crate) fn doubt(&self, owner: &Owner, ids: &[Id]) {
        for id in ids {
            if let Some(entry) = self.read(*id).get(id) {
                entry.is_doubted.store(true, Release);
            }
        }
        self.doubted().extend(ids.iter().map(|id| (owner.clone(), *id)));
    }

    /// Those that are to be ended before anything else is said of them; whoever takes them ends or [doubts](Self::doubt) them.
    pub(crate) fn take_doubted(&self) -> Vec<(Owner, Id)> {
        mem::take(&mut *self.doubted())
    }

    /// What was seen since it was saved, or all of it.
    pub(crate) fn seen(&self, all: bool) -> Vec<(Id, UnixMs)> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            found.extend(shard.iter().filter_map(|(id, entry)| {
                let (seen, is_new) = entry.life.seen()?;
                (all || is_new).then_some((*id, seen))
            }));
        }
        found
    }

    /// It is on disk when they were seen.
    pub(crate) fn saved(&self, seen: &[(Id, UnixMs)]) {
        for (id, at) in seen {
            if let Some(entry) = self.read(*id).get(id) {
                entry.life.saved(*at);
            }
        }
    }

    fn shard(&self, id: Id) -> &RwLock<Shard> {
        // The last byte of a UUIDv7 is random.
        &self.shards[usize::from(id.as_bytes()[15]) % SHARDS]
    }

    fn read(&self, id: Id) -> RwLockReadGuard<'_, Shard> {
        // Nothing in the critical sections can panic halfway.
        self.shard(id).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, id: Id) -> RwLockWriteGuard<'_, Shard> {
        self.shard(id).write().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubted(&self) -> std::sync::MutexGuard<'_, Vec<(Owner, Id)>> {
        self.doubted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
