//! The life of one session in memory: when it was seen last, or how it ended. Nothing ends twice, and nothing ended comes back.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use store::Session;
use verify::UnixMs;

/// A session as a check finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It lives, until this time if nobody is seen before.
    Active {
        /// When it was seen last, this check included where it counts.
        seen: UnixMs,
        /// When it ends by itself.
        idle_ends: UnixMs,
    },
    /// It was not seen for too long.
    Idle,
    /// Its whole time is over.
    Expired,
    /// It is not begun, which nobody has been told.
    Pending,
}

/// What the cell holds in place of a time.
const PENDING: i64 = i64::MIN;
const IDLE: i64 = i64::MIN + 1;
const EXPIRED: i64 = i64::MIN + 2;

/// One session's limits, and the time at which it was seen last.
pub(crate) struct Life {
    pub(crate) expires_at: UnixMs,
    idle_ms: i64,
    seen_ms: AtomicI64,
    saved_ms: AtomicI64,
}

impl Life {
    /// Of a session whose row is being written.
    pub(crate) fn pending(session: &Session) -> Self {
        Self::with(session, PENDING)
    }

    /// Of a session that was kept, which was seen last at this time.
    pub(crate) fn kept(session: &Session, seen: UnixMs) -> Self {
        Self::with(session, seen.get().max(session.created_at.get()))
    }

    fn with(session: &Session, seen_ms: i64) -> Self {
        Self {
            expires_at: session.expires_at,
            idle_ms: i64::from(session.idle_minutes) * UnixMs::MINUTE,
            seen_ms: seen_ms.into(),
            saved_ms: session.created_at.get().max(seen_ms).into(),
        }
    }

    /// Its row is on disk.
    pub(crate) fn begin(&self, now: UnixMs) {
        let _it_is_begun = self.seen_ms.compare_exchange(PENDING, now.get(), Relaxed, Relaxed);
    }

    /// Judges it, and takes note that somebody was seen where the check counts. Whatever it finds ended stays so, should the
    /// clock be set back.
    pub(crate) fn judge(&self, now: UnixMs, is_seen: bool) -> Verdict {
        let mut seen_ms = self.seen_ms.load(Relaxed);
        loop {
            let (next_ms, verdict) = self.step(seen_ms, now, is_seen);
            if next_ms == seen_ms {
                return verdict;
            }
            match self.seen_ms.compare_exchange_weak(seen_ms, next_ms, Relaxed, Relaxed) {
                Ok(_) => return verdict,
                Err(other_ms) => seen_ms = other_ms,
            }
        }
    }

    fn step(&self, seen_ms: i64, now: UnixMs, is_seen: bool) -> (i64, Verdict) {
        match seen_ms {
            PENDING => return (PENDING, Verdict::Pending),
            IDLE => return (IDLE, Verdict::Idle),
            EXPIRED => return (EXPIRED, Verdict::Expired),
            _ => {}
        }
        if now >= self.expires_at {
            return (EXPIRED, Verdict::Expired);
        }
        if now.get() - seen_ms >= self.idle_ms {
            return (IDLE, Verdict::Idle);
        }
        let seen_ms = if is_seen { seen_ms.max(now.get()) } else { seen_ms };
        let seen = UnixMs::new(seen_ms);
        let idle_ends = seen.plus(self.idle_ms).min(self.expires_at);
        (seen_ms, Verdict::Active { seen, idle_ends })
    }

    /// When it was seen last, if it lives as far as is known, and whether that is still to be saved.
    pub(crate) fn seen(&self) -> Option<(UnixMs, bool)> {
        let seen_ms = self.seen_ms.load(Relaxed);
        let is_time = ![PENDING, IDLE, EXPIRED].contains(&seen_ms);
        is_time.then(|| (UnixMs::new(seen_ms), seen_ms > self.saved_ms.load(Relaxed)))
    }

    /// It is on disk that it was seen then.
    pub(crate) fn saved(&self, seen: UnixMs) {
        self.saved_ms.fetch_max(seen.get(), Relaxed);
    }
}
