//! A store full of bound devices, with everything that a service stands on, and a clock that is moved by hand.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};

use api::{VerifyRequest, VerifyResponse};
use axum::{Json, Router, routing::post};
use countersign::real::RealEntropy;
use keyring::Keyring;
use service::{Clock, Id, Owner, Ports, Sealer as _, Signer as _, UnixMs};
use store::{Change, Commit, Device, Outcome, Sealed, Store, User, audit::Event};
use store_sqlite::{Options, Sqlite};
use verify::{DeviceParts, DeviceState, Kind, Moving, Throttle};

use crate::{
    Any,
    population::{self, BEGINNING, LOCKED, STEP_MS},
};

/// Devices bound by one commit of the filling.
const FILL: usize = 1_024;

/// The engine on a directory of its own, and what else a service asks for.
pub(crate) struct Filled {
    pub(crate) engine: Arc<Sqlite>,
    pub(crate) clock: Arc<Hands>,
    entropy: Arc<RealEntropy>,
    pub(crate) keyring: Arc<Keyring>,
}

impl Filled {
    /// So many devices are bound, the locked ones behind them, the counter tokens behind those, and a large account.
    pub(crate) async fn new(dir: &Path, devices: u32) -> Any<Self> {
        let entropy = Arc::new(RealEntropy::new());
        let keyring = Keyring::create(&keyring_in(dir), entropy.clone(), BEGINNING)?;
        let new = Self::over(dir, keyring, entropy)?;
        fill(&*new.engine, &new.keyring, devices, population::all(devices)).await?;
        Ok(new)
    }

    /// Opens what another process has filled or used; the clock was moved so often by then.
    #[allow(dead_code, reason = "the load alone starts twice")]
    pub(crate) fn open(dir: &Path, moves: u64) -> Any<Self> {
        let entropy = Arc::new(RealEntropy::new());
        let keyring = Keyring::open(&keyring_in(dir), entropy.clone())?;
        let opened = Self::over(dir, keyring, entropy)?;
        (0..moves).for_each(|_| opened.clock.step());
        Ok(opened)
    }

    fn over(dir: &Path, keyring: Keyring, entropy: Arc<RealEntropy>) -> Any<Self> {
        Ok(Self {
            engine: Arc::new(opened(dir, &keyring)?),
            clock: Arc::default(),
            entropy,
            keyring: Arc::new(keyring),
        })
    }

    /// Over this store, which is the engine or asks it.
    pub(crate) fn ports(&self, store: Arc<dyn Store>) -> Ports {
        Ports {
            store,
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            sealer: self.keyring.clone(),
            signer: self.keyring.clone(),
            cities: Arc::new(service::NoCities),
        }
    }
}

/// Both hands of a clock that stands still unless it is moved.
#[derive(Default)]
pub(crate) struct Hands(AtomicI64);

impl Hands {
    /// Moves both on by one step of every device.
    pub(crate) fn step(&self) {
        self.0.fetch_add(STEP_MS, SeqCst);
    }
}

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

/// The ceiling: the same request parsed, an answer of the same length.
pub(crate) fn echo() -> Router {
    async fn echo(Json(request): Json<VerifyRequest>) -> Json<VerifyResponse> {
        std::hint::black_box(&request.account);
        Json(VerifyResponse::accepted(Some(Id::max()), Id::max(), 0))
    }
    Router::new().route("/echo", post(echo))
}

fn keyring_in(dir: &Path) -> PathBuf {
    dir.join("keyring")
}

/// The engine of this directory.
pub(crate) fn opened(dir: &Path, keyring: &Keyring) -> Any<Sqlite> {
    let options = Options {
        writer: "bench".into(),
        opened_at: BEGINNING,
        sign: &|statement| keyring.sign(statement),
        verify: &|statement, signature| keyring.verify(statement, signature),
        heads: None,
        owner: true,
    };
    Ok(Sqlite::open(dir, options)?)
}

/// Binds the devices of these users, of a store with so many. One commit is made while the last one is written.
pub(crate) async fn fill(
    store: &dyn Commit,
    keyring: &Keyring,
    devices: u32,
    numbers: impl Iterator<Item = u32>,
) -> Any<()> {
    let mut numbers = numbers.peekable();
    let mut last = store.commit(Vec::new());
    while numbers.peek().is_some() {
        let some = numbers.by_ref().take(FILL);
        let changes = some.map(|number| bound(keyring, devices, number)).collect::<Any<_>>()?;
        all_done(last.await?)?;
        last = store.commit(changes);
    }
    all_done(last.await?)
}

pub(crate) fn all_done(outcomes: Vec<Outcome>) -> Any<()> {
    match outcomes.iter().all(|outcome| *outcome == Outcome::Done) {
        true => Ok(()),
        false => Err("a change of the filling was not made".into()),
    }
}

/// The id of the user of this number, and of their device.
pub(crate) fn id(number: u32) -> Id {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&population::mixed(number.into()).to_le_bytes());
    store::id_at(
        (BEGINNING.get() as u64) - u64::from(u32::MAX) + u64::from(number),
        &random,
    )
}

fn bound(keyring: &Keyring, devices: u32, number: u32) -> Any<Change> {
    let locked = (devices..devices + LOCKED).contains(&number);
    let counts = (devices + LOCKED..population::nobody(devices)).contains(&number);
    let (a, b) = (population::mixed(number.into()), population::mixed(!u64::from(number)));
    let id = id(number);
    let mut device = Device {
        id,
        owner: Owner::new(population::account(number), population::user(number)),
        kind: Kind::Virtual,
        serial_number: None,
        label: population::user(number),
        parameters: otp::Parameters::DEFAULT,
        sealed: Sealed {
            key_id: 0,
            bytes: Vec::new(),
        },
        bound_at: BEGINNING,
    };
    device.sealed = keyring.seal(&record(&device), &population::secret(number))?;
    let verification = if locked {
        Throttle {
            lock_count: 1,
            locked_until: Some(BEGINNING.plus(10_000 * UnixMs::DAY)),
            since_success: 10,
            ..Throttle::default()
        }
    } else {
        Throttle::default()
    };
    let (moving, last) = match counts {
        true => (Moving::Counter, otp::Step::new(0)),
        false => (Moving::Time, population::step(0).offset(-1)),
    };
    let state = DeviceState::restored(DeviceParts {
        moving,
        verification: verification.into(),
        ..DeviceParts::bound(last, 0, BEGINNING)
    });
    let payload = serde_json::json!({"action": "device.bind", "outcome": "done", "person": id, "device": id});
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&a.to_be_bytes());
    salt[8..].copy_from_slice(&b.to_be_bytes());
    let event = Event {
        at: BEGINNING,
        salt,
        payload: payload.to_string(),
    };
    let mut key = [0; 32];
    key[..16].copy_from_slice(&salt);
    // Bound to as the service does, told once more like that of a device.
    let names_key = keyring.seal(
        &[b"names\0", &id.as_bytes()[..]].concat(),
        &otp::Secret::from_slice(&key)?,
    )?;
    let user = User::new(device.owner.clone(), id, names_key).with_device(device, state);
    Ok(Change::of(event).with([user.changed()]))
}

/// What the service binds the sealed secret of a device to. Told once more, for it is nobody's to call; where the
/// two differ no code is accepted.
pub(crate) fn record(device: &Device) -> Vec<u8> {
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
