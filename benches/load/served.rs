//! The process that serves: fills the store, then answers HTTP and moves its clock when its parent says so.

use std::{
    io::{BufRead as _, Write as _, stdin, stdout},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

use api::{VerifyRequest, VerifyResponse};
use axum::{Json, Router, routing::post};
use countersign::real::RealEntropy;
use keyring::Keyring;
use server::Limits;
use service::{Clock, Id, NewKey, Origin, Owner, Ports, Role, Sealer as _, Service, Settings, Signer as _, UnixMs};
use store::{
    Bound, Change, Checked, Commit, Damage, Device, Devices, Document, Documents, Health, Id, Key, List, Outcome,
    Owner, Pending, StoreError, Write,
    audit::{Chain, Closing, Event, Head, Newest, Row, Trail},
};
use store_sqlite::{Options, Sqlite};
use tokio::{net::TcpListener, sync::oneshot};
use verify::{Budget, DeviceState, Kind};

use crate::{
    Any,
    population::{self, BEGINNING, LOCKED, STEP_MS},
};

/// Devices bound by one commit of the filling.
const FILL: u32 = 1_024;

/// Both hands of a clock that stands still unless it is moved.
#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> UnixMs {
        BEGINNING.plus(self.0.load(SeqCst))
    }

    fn monotonic_ms(&self) -> i64 {
        self.0.load(SeqCst)
    }

    fn synchronised(&self) -> bool {
        false
    }
}

/// Serves until stdin ends. Says `ready ADDRESS KEY FILL_MS` first; then answers each line `move` with `moved` and
/// each line `count` with what the lane has asked of the store so far.
pub(crate) fn serve(dir: &Path, devices: u32) -> Any<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clock = Arc::new(Hands::default());
    let entropy = Arc::new(RealEntropy::new());
    let keyring = Arc::new(Keyring::create(&dir.join("keyring"), entropy.clone(), BEGINNING)?);
    let (signer, verifier) = (keyring.clone(), keyring.clone());
    let options = Options {
        writer: "load".into(),
        opened_at: BEGINNING,
        sign: &move |statement| signer.sign(statement),
        verify: &move |statement, signature| verifier.verify(statement, signature),
        heads: None,
        owner: true,
    };
    let engine = Arc::new(Sqlite::open(dir, options)?);
    let filling = Instant::now();
    runtime.block_on(fill(&*engine, &keyring, devices))?;
    let fill_ms = filling.elapsed().as_millis();

    let store = Arc::new(Counted {
        engine: engine.clone(),
        commits: AtomicU64::default(),
        events: AtomicU64::default(),
        commit_us: AtomicU64::default(),
        load_us: AtomicU64::default(),
    });
    let ports = Ports {
        store: store.clone(),
        clock: clock.clone(),
        entropy,
        sealer: keyring.clone(),
        signer: keyring,
    };
    let service = Arc::new(runtime.block_on(Service::start(ports, Settings::default()))?);
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
                clock.0.fetch_add(STEP_MS, SeqCst);
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

/// The ceiling: the same request parsed, an answer of the same length.
fn echo() -> Router {
    async fn echo(Json(request): Json<VerifyRequest>) -> Json<VerifyResponse> {
        std::hint::black_box(&request.account);
        Json(VerifyResponse::accepted(Some(Id::max()), Id::max(), 0))
    }
    Router::new().route("/echo", post(echo))
}

async fn fill(store: &dyn Commit, keyring: &Keyring, devices: u32) -> Any<()> {
    let all = devices + LOCKED;
    for begin in (0..all).step_by(FILL as usize) {
        let changes = (begin..all.min(begin + FILL)).map(|number| bound(keyring, number, number >= devices));
        let outcomes = store.commit(changes.collect::<Any<_>>()?).await?;
        if outcomes.iter().any(|outcome| *outcome != Outcome::Done) {
            return Err("a device was not bound".into());
        }
    }
    Ok(())
}

fn bound(keyring: &Keyring, number: u32, locked: bool) -> Any<Change> {
    let (a, b) = (population::mixed(number.into()), population::mixed(!u64::from(number)));
    let mut random = [0; 10];
    random[..8].copy_from_slice(&a.to_le_bytes());
    let id = store::id_at(
        (BEGINNING.get() as u64) - u64::from(u32::MAX) + u64::from(number),
        &random,
    );
    let mut device = Device {
        id,
        owner: Owner::new(population::account(number), population::user(number)),
        kind: Kind::Virtual,
        serial_number: None,
        label: population::user(number),
        parameters: otp::Parameters::DEFAULT,
        sealed: None,
        bound_at: BEGINNING,
        unbound_at: None,
    };
    device.sealed = Some(keyring.seal(&record(&device), &population::secret(number))?);
    let mut state = DeviceState::bound(population::step(0).offset(-1), 0, BEGINNING);
    if locked {
        state.verification = Budget {
            lock_count: 1,
            locked_until: Some(BEGINNING.plus(10_000 * UnixMs::DAY)),
            since_success: 10,
            ..Budget::default()
        }
        .into();
    }
    let payload = serde_json::json!({"action": "device.bind", "outcome": "done", "account": &*device.owner.account,
        "user": &*device.owner.user, "device": id});
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&a.to_be_bytes());
    salt[8..].copy_from_slice(&b.to_be_bytes());
    let event = Event {
        at: BEGINNING,
        salt,
        payload: payload.to_string(),
    };
    let device = Box::new(device);
    Ok(Change::of(event).with([Write::Bind { device, state }]))
}

/// What the service binds the sealed secret of a device to. Told once more, for it is nobody's to call; where the
/// two differ no code is accepted.
fn record(device: &Device) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in [
        b"device".as_slice(),
        device.owner.account.as_bytes(),
        device.owner.user.as_bytes(),
        device.id.as_bytes(),
    ] {
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend(part);
    }
    bytes.extend([0, 0, device.parameters.digits.get()]);
    bytes.extend(device.parameters.period.get_s().to_be_bytes());
    bytes
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
    fn apply(&self, changes: Vec<Checked>) -> Pending<'_, Vec<Outcome>> {
        let begun = Instant::now();
        let events: usize = changes.iter().map(|change| change.events().len()).sum();
        self.commits.fetch_add(1, SeqCst);
        self.events.fetch_add(events as u64, SeqCst);
        let committed = self.engine.apply(changes);
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

impl Documents for Counted {
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>> {
        self.engine.documents(keys)
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.engine.documents_in(noun, list, limit)
    }
}

impl Health for Counted {
    fn api_key_generation(&self) -> Result<u64, StoreError> {
        self.engine.api_key_generation()
    }

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
