//! The process that serves: fills the store, then answers HTTP and moves its clock when its parent says so.

use std::{
    io::{BufRead as _, Write as _, stdin, stdout},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

use server::Limits;
use service::{Id, NewKey, Origin, Owner, Role, Service, Settings, UnixMs};
use store::{
    Allowance, Allowances, ApiKey, ApiKeys, Batch, Batches, Bound, BoundToken, Change, Commit, Damage, Device, Devices,
    Enrollment, Enrollments, Export, Exports, Health, Outcome, Pending, Protection, Protections, RecoveryCodes,
    RecoverySets, Sealed, StoreError, Token, TokenFilter, Tokens, Witnesses,
    audit::{Chain, Closing, Head, Newest, Row, Trail},
};
use store_sqlite::Sqlite;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    Any,
    filled::{Filled, echo},
};

/// Serves until stdin ends. Says `ready ADDRESS KEY FILL_MS` first; then answers each line `move` with `moved` and
/// each line `count` with what the lane has asked of the store so far.
pub(crate) fn serve(dir: &Path, devices: u32) -> Any<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let filling = Instant::now();
    let filled = runtime.block_on(Filled::new(dir, devices))?;
    let engine = filled.engine.clone();
    let fill_ms = filling.elapsed().as_millis();

    let store = Arc::new(Counted {
        engine: engine.clone(),
        commits: AtomicU64::default(),
        events: AtomicU64::default(),
        commit_us: AtomicU64::default(),
        load_us: AtomicU64::default(),
    });
    let service = Arc::new(runtime.block_on(Service::start(filled.ports(store.clone()), Settings::default()))?);
    let wanted = NewKey {
        roles: vec![Role::Verify],
        owner: "load".into(),
        accounts: None,
    };
    let (_, key) = runtime.block_on(service.create_key(&wanted, &Origin::default()))?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let app = server::router(service.clone(), Limits::default()).merge(echo());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = runtime.spawn(server::serve(listener, None, app, Limits::default(), async {
        let _ended = stopped.await;
    }));

    let mut out = stdout();
    writeln!(out, "ready {address} {} {fill_ms}", *key)?;
    for line in stdin().lock().lines() {
        match line?.as_str() {
            "move" => {
                filled.clock.step();
                writeln!(out, "moved")?;
            }
            _count => writeln!(
                out,
                "{} {} {} {}",
                store.commits.load(SeqCst),
                store.events.load(SeqCst),
                store.commit_us.load(SeqCst),
                store.load_us.load(SeqCst)
            )?,
        }
    }
    drop(stop);
    runtime.block_on(serving)?;
    runtime.block_on(service.close());
    engine.close()?;
    Ok(())
}

/// The engine, with what is asked of it counted.
struct Counted {
    engine: Arc<Sqlite>,
    commits: AtomicU64,
    /// Rows of the trail in these commits: one a verification.
    events: AtomicU64,
    commit_us: AtomicU64,
    load_us: AtomicU64,
}

impl Commit for Counted {
    fn commit(&self, changes: Vec<Change>) -> Pending<'_, Vec<Outcome>> {
        let begun = Instant::now();
        let events: usize = changes.iter().map(|change| change.events.len()).sum();
        self.commits.fetch_add(1, SeqCst);
        self.events.fetch_add(events as u64, SeqCst);
        let committed = self.engine.commit(changes);
        Box::pin(async move {
            let outcomes = committed.await;
            self.commit_us.fetch_add(begun.elapsed().as_micros() as u64, SeqCst);
            outcomes
        })
    }
}

impl Devices for Counted {
    fn bound(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Vec<Bound>>> {
        let begun = Instant::now();
        let read = self.engine.bound(owners);
        Box::pin(async move {
            let found = read.await;
            self.load_us.fetch_add(begun.elapsed().as_micros() as u64, SeqCst);
            found
        })
    }

    fn devices(&self, after: Option<(Owner, Id)>, limit: u32) -> Pending<'_, Vec<Bound>> {
        self.engine.devices(after, limit)
    }

    fn device(&self, owner: Owner, id: Id) -> Pending<'_, Option<Bound>> {
        self.engine.device(owner, id)
    }
}

impl Enrollments for Counted {
    fn enrollment(&self, owner: Owner, id: Id) -> Pending<'_, Option<Enrollment>> {
        self.engine.enrollment(owner, id)
    }

    fn open_enrollments(&self, owner: Owner) -> Pending<'_, Vec<Enrollment>> {
        self.engine.open_enrollments(owner)
    }

    fn expired_enrollments(&self, now: UnixMs, limit: u32) -> Pending<'_, Vec<Enrollment>> {
        self.engine.expired_enrollments(now, limit)
    }
}

impl RecoverySets for Counted {
    fn recovery_codes(&self, owner: Owner) -> Pending<'_, Option<RecoveryCodes>> {
        self.engine.recovery_codes(owner)
    }
}

impl Protections for Counted {
    fn protection(&self, owner: Owner) -> Pending<'_, Option<Protection>> {
        self.engine.protection(owner)
    }
}

impl Tokens for Counted {
    fn tokens_of(&self, serial_numbers: Vec<String>) -> Pending<'_, Vec<Option<Token>>> {
        self.engine.tokens_of(serial_numbers)
    }

    fn tokens(&self, filter: TokenFilter, after: Option<String>, limit: u32) -> Pending<'_, Vec<Token>> {
        self.engine.tokens(filter, after, limit)
    }

    fn bound_tokens(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<BoundToken>> {
        self.engine.bound_tokens(after, limit)
    }

    fn fingerprint_keys(&self) -> Pending<'_, Vec<u32>> {
        self.engine.fingerprint_keys()
    }

    fn known_fingerprints(&self, macs: Vec<[u8; 32]>) -> Pending<'_, Vec<bool>> {
        self.engine.known_fingerprints(macs)
    }
}

impl Batches for Counted {
    fn batch(&self, name: String) -> Pending<'_, Option<Batch>> {
        self.engine.batch(name)
    }

    fn batches(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<Batch>> {
        self.engine.batches(after, limit)
    }
}

impl Exports for Counted {
    fn export(&self, id: Id) -> Pending<'_, Option<Export>> {
        self.engine.export(id)
    }
}

impl Allowances for Counted {
    fn allowance(&self, name: String) -> Pending<'_, Option<Allowance>> {
        self.engine.allowance(name)
    }
}

impl ApiKeys for Counted {
    fn api_key(&self, id: Id) -> Pending<'_, Option<ApiKey>> {
        self.engine.api_key(id)
    }

    fn api_keys(&self) -> Pending<'_, Vec<ApiKey>> {
        self.engine.api_keys()
    }

    fn api_key_generation(&self) -> Result<u64, StoreError> {
        self.engine.api_key_generation()
    }
}

impl Witnesses for Counted {
    fn witnesses(&self) -> Pending<'_, Vec<Sealed>> {
        self.engine.witnesses()
    }

    fn sealed_samples(&self) -> Pending<'_, (Vec<Device>, Vec<Token>)> {
        self.engine.sealed_samples()
    }
}

impl Health for Counted {
    fn trusted(&self) -> Result<(), StoreError> {
        self.engine.trusted()
    }

    fn damage(&self) -> Damage {
        self.engine.damage()
    }
}

impl Trail for Counted {
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
