//! Trust in the files: while it is lacking, nothing is decided. Read by every request, so one load where nothing is wrong.

use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use store::StoreError;

/// Trust in the files, until it is doubted or lost.
#[derive(Default)]
pub(crate) struct Trust {
    /// Nothing can be proven any more, until a restart asks again.
    lost: OnceLock<String>,
    doubts: Mutex<Doubts>,
    doubtful: AtomicBool,
}

/// Doubts, which must be mended first.
#[derive(Default)]
struct Doubts {
    /// About the files of the engine.
    own: Option<String>,
    /// About files that whoever opened the engine looks after.
    others: Option<String>,
}

impl Trust {
    pub(crate) fn ask(&self) -> Result<(), StoreError> {
        if !self.doubtful.load(Ordering::Acquire) {
            return Ok(());
        }
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let words = self.lost.get().or(doubts.own.as_ref()).or(doubts.others.as_ref());
        words.map_or(Ok(()), |words| Err(StoreError::Untrusted(words.clone())))
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.get().is_some()
    }

    /// For good.
    pub(crate) fn lose(&self, why: String) -> StoreError {
        if self.lost.set(why).is_ok() {
            let why = self.lost.get().map_or("", String::as_str);
            tracing::error!(%why, "nothing is decided here until a restart");
        }
        self.doubtful.store(true, Ordering::Release);
        StoreError::Untrusted(self.lost.get().cloned().unwrap_or_default())
    }

    pub(crate) fn doubt_files(&self, why: Option<String>) {
        self.set(|doubts| &mut doubts.own, why);
    }

    pub(crate) fn doubt_others(&self, why: Option<String>) {
        self.set(|doubts| &mut doubts.others, why);
    }

    fn set(&self, which: impl FnOnce(&mut Doubts) -> &mut Option<String>, why: Option<String>) {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = which(&mut doubts);
        if *known != why {
            match &why {
                Some(why) => tracing::error!(%why, "nothing is decided until this is mended"),
                None => tracing::info!("what was in doubt is mended"),
            }
            *known = why;
        }
        let doubtful = self.is_lost() || doubts.own.is_some() || doubts.others.is_some();
        self.doubtful.store(doubtful, Ordering::Release);
    }
}
