//! A store whose reads linger: between what a use case reads and what it does about it, others get their turn. What
//! is a race of microseconds elsewhere is one of milliseconds here, so that it is lost in a test and not in the field.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use service::UnixMs;
use store::{
    Allowance, Allowances, ApiKey, ApiKeys, Batch, Batches, Bound, BoundToken, Change, Commit, Damage, Device, Devices,
    Enrollment, Enrollments, Export, Exports, Health, Id, Outcome, Owner, Pending, Protection, Protections,
    RecoveryCodes, RecoverySets, Sealed, StoreError, Token, TokenFilter, Tokens, Witnesses,
    audit::{Chain, Closing, Head, Newest, Row, Trail},
};
use store_sqlite::Sqlite;

/// Enough for the reads and the commit of somebody else.
const LONG: Duration = Duration::from_millis(30);

pub(crate) struct Lingering {
    pub(crate) engine: Arc<Sqlite>,
    pub(crate) reads: AtomicU64,
}

impl Lingering {
    /// One answer in three comes long after it was true: others have done whole changes meanwhile.
    fn late<'a, T: Send + 'a>(&'a self, read: Pending<'a, T>) -> Pending<'a, T> {
        let nth = self.reads.fetch_add(1, Relaxed);
        Box::pin(async move {
            let answer = read.await;
            // Fibonacci hashing: in no step with the order of reads in a use case.
            if (nth.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).is_multiple_of(3) {
                tokio::time::sleep(LONG).await;
            }
            answer
        })
    }
}

impl Devices for Lingering {
    fn bound(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Vec<Bound>>> {
        self.late(self.engine.bound(owners))
    }

    fn devices(&self, after: Option<(Owner, Id)>, limit: u32) -> Pending<'_, Vec<Bound>> {
        self.late(self.engine.devices(after, limit))
    }

    fn device(&self, owner: Owner, id: Id) -> Pending<'_, Option<Bound>> {
        self.late(self.engine.device(owner, id))
    }
}

impl Enrollments for Lingering {
    fn enrollment(&self, owner: Owner, id: Id) -> Pending<'_, Option<Enrollment>> {
        self.late(self.engine.enrollment(owner, id))
    }

    fn open_enrollments(&self, owner: Owner) -> Pending<'_, Vec<Enrollment>> {
        self.late(self.engine.open_enrollments(owner))
    }

    fn expired_enrollments(&self, now: UnixMs, limit: u32) -> Pending<'_, Vec<Enrollment>> {
        self.late(self.engine.expired_enrollments(now, limit))
    }
}

impl RecoverySets for Lingering {
    fn recovery_codes(&self, owner: Owner) -> Pending<'_, Option<RecoveryCodes>> {
        self.late(self.engine.recovery_codes(owner))
    }
}

impl Protections for Lingering {
    fn protection(&self, owner: Owner) -> Pending<'_, Option<Protection>> {
        self.late(self.engine.protection(owner))
    }
}

impl Tokens for Lingering {
    fn tokens_of(&self, serial_numbers: Vec<String>) -> Pending<'_, Vec<Option<Token>>> {
        self.late(self.engine.tokens_of(serial_numbers))
    }

    fn tokens(&self, filter: TokenFilter, after: Option<String>, limit: u32) -> Pending<'_, Vec<Token>> {
        self.late(self.engine.tokens(filter, after, limit))
    }

    fn bound_tokens(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<BoundToken>> {
        self.late(self.engine.bound_tokens(after, limit))
    }

    fn fingerprint_keys(&self) -> Pending<'_, Vec<u32>> {
        self.late(self.engine.fingerprint_keys())
    }

    fn known_fingerprints(&self, macs: Vec<[u8; 32]>) -> Pending<'_, Vec<bool>> {
        self.late(self.engine.known_fingerprints(macs))
    }
}

impl Batches for Lingering {
    fn batch(&self, name: String) -> Pending<'_, Option<Batch>> {
        self.late(self.engine.batch(name))
    }

    fn batches(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<Batch>> {
        self.late(self.engine.batches(after, limit))
    }
}

impl Exports for Lingering {
    fn export(&self, id: Id) -> Pending<'_, Option<Export>> {
        self.late(self.engine.export(id))
    }
}

impl Allowances for Lingering {
    fn allowance(&self, name: String) -> Pending<'_, Option<Allowance>> {
        self.late(self.engine.allowance(name))
    }
}

impl ApiKeys for Lingering {
    fn api_key(&self, id: Id) -> Pending<'_, Option<ApiKey>> {
        self.late(self.engine.api_key(id))
    }

    fn api_keys(&self) -> Pending<'_, Vec<ApiKey>> {
        self.late(self.engine.api_keys())
    }

    fn api_key_generation(&self) -> Result<u64, StoreError> {
        self.engine.api_key_generation()
    }
}

impl Witnesses for Lingering {
    fn witnesses(&self) -> Pending<'_, Vec<Sealed>> {
        self.engine.witnesses()
    }

    fn sealed_samples(&self) -> Pending<'_, (Vec<Device>, Vec<Token>)> {
        self.engine.sealed_samples()
    }
}

impl Health for Lingering {
    fn trusted(&self) -> Result<(), StoreError> {
        self.engine.trusted()
    }

    fn damage(&self) -> Damage {
        self.engine.damage()
    }
}

impl Trail for Lingering {
    fn rows(&self, after: i64, limit: u32) -> Pending<'_, Vec<Row>> {
        self.engine.rows(after, limit)
    }

    fn chains(&self) -> Pending<'_, Vec<Chain>> {
        self.engine.chains()
    }

    fn head(&self) -> Head {
        self.engine.head()
    }

    fn newest(&self) -> Pending<'_, Option<Newest>> {
        self.engine.newest()
    }

    fn last_of(&self, chain: i64) -> Pending<'_, Option<Head>> {
        self.engine.last_of(chain)
    }

    fn close_chain(&self, closing: Closing) -> Pending<'_, ()> {
        self.engine.close_chain(closing)
    }
}

impl Commit for Lingering {
    fn commit(&self, changes: Vec<Change>) -> Pending<'_, Vec<Outcome>> {
        self.engine.commit(changes)
    }
}
