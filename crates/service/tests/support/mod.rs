//! The service on the in-memory engine, with a real keyring and a clock that the tests move.

use std::{
    fs::File,
    io::Read as _,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};

use keyring::Keyring;
use service::{
    Actor, ActorKind, Caller, Clock, Entropy, Id, NewKey, PortError, Ports, Role, Service, Settings, Signer as _,
    UnixMs,
};
use store::{
    Store,
    audit::Row,
    memory::{Disk, Memory},
};
use tempfile::TempDir;

const BEGINNING: UnixMs = UnixMs::new(1_795_219_200_000);

/// Wall and monotonic clock in step.
pub(crate) struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> UnixMs {
        BEGINNING.plus(self.0.load(SeqCst))
    }

    fn monotonic_ms(&self) -> i64 {
        self.0.load(SeqCst)
    }

    fn synchronised(&self) -> bool {
        true
    }
}

struct Kernel;

impl Entropy for Kernel {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), PortError> {
        let read = File::open("/dev/urandom").and_then(|mut random| random.read_exact(bytes));
        read.map_err(|_| PortError::Entropy)
    }
}

pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) store: Arc<dyn Store>,
    _clock: Arc<Hand>,
    _home: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(Hand(0.into()));
        let keyring = Keyring::create(&home.path().join("keyring"), Arc::new(Kernel), clock.now());
        let keyring = Arc::new(keyring.expect("a keyring"));
        let sign = |statement: &[u8]| keyring.sign(statement);
        let store: Arc<dyn Store> = Arc::new(Memory::open(&Disk::default(), "service", clock.now(), &sign));
        let ports = Ports {
            store: store.clone(),
            clock: clock.clone(),
            entropy: Arc::new(Kernel),
            sealer: keyring.clone(),
            signer: keyring,
        };
        let service = Service::start(ports, Settings::default()).await.expect("it starts");
        Self {
            service,
            store,
            _clock: clock,
            _home: home,
        }
    }

    /// Who presents a new key of these roles.
    pub(crate) async fn caller(&self, roles: &[Role], accounts: Option<&[&str]>) -> Caller {
        let wanted = NewKey {
            roles: roles.to_vec(),
            owner: "tests".into(),
            accounts: accounts.map(|accounts| accounts.iter().map(|&account| account.to_owned()).collect()),
        };
        let (_, text) = self.service.create_key(&Caller::shell(), &wanted).await.expect("a key");
        let caller = self.service.authenticate(&text).await.expect("it is right");
        caller.acting(Actor {
            id: "somebody".into(),
            kind: ActorKind::Service,
            ip: None,
        })
    }

    pub(crate) async fn rows(&self) -> Vec<Row> {
        self.store.rows(None, u32::MAX).await.expect("a read")
    }
}

pub(crate) fn id(number: u128) -> Id {
    Id::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | number)
}
