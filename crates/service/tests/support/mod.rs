//! The service on the in-memory engine, with a real keyring and a clock that the tests move.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod faulty;
pub(crate) mod phone;

use std::{
    collections::HashMap,
    fs::File,
    io::Read as _,
    net::IpAddr,
    path::Path,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
};

use keyring::Keyring;
use serde_json::Value;
use service::{
    Actor, ActorKind, Answer, Approver, Caller, ChallengePurpose, Cities, Clock, Confirmation, Entropy, Factor, Id,
    IdentityProof, Input, Location, Method, MethodReport, NewChallenge, NewDevice, NewEnrollment, NewImport, NewKey,
    NewLot, NewProvenMethod, OpenTo, OpenedBy, Owner, PortError, Ports, Question, Receipt, Replacement, Role, SeedFile,
    SeedOptions, Service, ServiceError, Settings, Signer as _, StartedEnrollment, UnixMs,
};
use store::{
    Store,
    audit::{Payload, Row, Sign},
    memory::{Disk, Memory},
};
use tempfile::TempDir;
use zeroize::Zeroizing;

use faulty::Faulty;
use phone::Phone;

/// When every world begins: at the beginning of a step of 30 s, and of one of 60 s.
pub(crate) const BEGINNING: UnixMs = UnixMs::new(1_795_219_200_000);
/// The keyring's name in a world's directory.
pub(crate) const KEYRING: &str = "keyring";
/// A step of the usual device.
pub(crate) const STEP_MS: i64 = 30 * UnixMs::SECOND;

/// Wall and monotonic clock in step, until the wall clock is set.
pub(crate) struct Hand {
    wall_ms: AtomicI64,
    monotonic_ms: AtomicI64,
    synchronised: AtomicBool,
}

impl Hand {
    /// Time passes.
    pub(crate) fn pass(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, SeqCst);
        self.monotonic_ms.fetch_add(ms, SeqCst);
    }

    /// Somebody sets the wall clock by so much, and the kernel vouches for nothing.
    pub(crate) fn set(&self, ms: i64) {
        self.synchronised.store(false, SeqCst);
        self.wall_ms.fetch_add(ms, SeqCst);
    }

    /// What the kernel says of it.
    pub(crate) fn is_synchronised(&self, word: bool) {
        self.synchronised.store(word, SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> UnixMs {
        BEGINNING.plus(self.wall_ms.load(SeqCst))
    }

    fn monotonic_ms(&self) -> i64 {
        self.monotonic_ms.load(SeqCst)
    }

    fn synchronised(&self) -> bool {
        self.synchronised.load(SeqCst)
    }
}

struct Kernel;

impl Entropy for Kernel {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), PortError> {
        // Opened once: a benchmark measures what is asked for it, and no opening of files.
        static RANDOM: LazyLock<Option<File>> = LazyLock::new(|| File::open("/dev/urandom").ok());
        let mut random = RANDOM.as_ref().ok_or(PortError::Entropy)?;
        random.read_exact(bytes).map_err(|_| PortError::Entropy)
    }
}

/// The cities that the tests put into it; none at first, as without a database.
#[derive(Default)]
pub(crate) struct Atlas(Mutex<HashMap<IpAddr, Location>>);

impl Atlas {
    /// This address is there.
    pub(crate) fn put(&self, address: &str, location: Location) {
        let address = address.parse().expect("an address");
        self.0.lock().expect("a lock").insert(address, location);
    }
}

impl Cities for Atlas {
    fn is_in_force(&self) -> bool {
        !self.0.lock().expect("a lock").is_empty()
    }

    fn locate(&self, address: IpAddr) -> Location {
        let known = self.0.lock().expect("a lock");
        known.get(&address).cloned().unwrap_or(Location::Unknown)
    }
}

pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) store: Arc<dyn Store>,
    /// The same, to be told what is wrong with it.
    pub(crate) engine: Arc<Faulty>,
    pub(crate) clock: Arc<Hand>,
    pub(crate) atlas: Arc<Atlas>,
    pub(crate) ports: Ports,
    disk: Disk,
    pub(crate) home: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let disk = Disk::default();
        let open = |_: &Path, now: UnixMs, sign: Sign<'_>| -> Arc<dyn Store> {
            Arc::new(Memory::open(&disk, "service", now, sign))
        };
        let world = Self::over(tempfile::tempdir().expect("a directory"), settings, open).await;
        Self { disk, ..world }
    }

    /// On the engine that is opened in this directory.
    pub(crate) async fn over(
        home: TempDir,
        settings: Settings,
        open: impl FnOnce(&Path, UnixMs, Sign<'_>) -> Arc<dyn Store>,
    ) -> Self {
        let clock = Arc::new(Hand {
            wall_ms: 0.into(),
            monotonic_ms: 0.into(),
            synchronised: true.into(),
        });
        let keyring = Keyring::create(&home.path().join(KEYRING), Arc::new(Kernel), clock.now());
        keyring.expect("a keyring");
        Self::begin(home, clock, Arc::default(), settings, open).await
    }

    /// The same after its process has ended, with the keyring as it is in the directory by now.
    pub(crate) async fn again(
        self,
        settings: Settings,
        open: impl FnOnce(&Path, UnixMs, Sign<'_>) -> Arc<dyn Store>,
    ) -> Self {
        let Self {
            service,
            store,
            engine,
            clock,
            atlas,
            ports,
            home,
            ..
        } = self;
        // Nobody has the engine any more: its directory is free.
        drop((service, store, engine, ports));
        Self::begin(home, clock, atlas, settings, open).await
    }

    async fn begin(
        home: TempDir,
        clock: Arc<Hand>,
        atlas: Arc<Atlas>,
        settings: Settings,
        open: impl FnOnce(&Path, UnixMs, Sign<'_>) -> Arc<dyn Store>,
    ) -> Self {
        let keyring = Keyring::open(&home.path().join(KEYRING), Arc::new(Kernel));
        let keyring = Arc::new(keyring.expect("a keyring"));
        let engine = open(home.path(), clock.now(), &|statement| keyring.sign(statement));
        let engine = Arc::new(Faulty::new(engine));
        let store: Arc<dyn Store> = engine.clone();
        let ports = Ports {
            store: store.clone(),
            clock: clock.clone(),
            entropy: Arc::new(Kernel),
            sealer: keyring.clone(),
            signer: keyring,
            cities: atlas.clone(),
        };
        let service = Service::start(ports.clone(), settings).await.expect("it starts");
        Self {
            service,
            store,
            engine,
            clock,
            atlas,
            ports,
            disk: Disk::default(),
            home,
        }
    }

    /// What another process on the same data stands on: it writes a chain of its own.
    pub(crate) fn another(&self) -> Ports {
        let sign = |statement: &[u8]| self.ports.signer.sign(statement);
        Ports {
            store: Arc::new(Memory::open(&self.disk, "another", self.now(), &sign)),
            ..self.ports.clone()
        }
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.clock.now()
    }

    /// Who presents a new key of these roles.
    pub(crate) async fn caller(&self, roles: &[Role], accounts: Option<&[&str]>) -> Caller {
        self.person(roles, accounts, "tests", "somebody").await
    }

    /// The same, of this key's owner and as this actor.
    pub(crate) async fn person(
        &self,
        roles: &[Role],
        accounts: Option<&[&str]>,
        key_owner: &str,
        actor: &str,
    ) -> Caller {
        self.bare(roles, accounts, key_owner).await.acting(actor_of(actor))
    }

    /// The same, who names no actor.
    pub(crate) async fn bare(&self, roles: &[Role], accounts: Option<&[&str]>, key_owner: &str) -> Caller {
        let wanted = NewKey {
            roles: roles.to_vec(),
            owner: key_owner.into(),
            audiences: Vec::new(),
            person: None,
            return_urls: Vec::new(),
            accounts: accounts.map(|accounts| accounts.iter().map(|&account| account.to_owned()).collect()),
        };
        let (_, text) = self
            .service
            .create_key(&Caller::shell(), &wanted, None)
            .await
            .expect("a key");
        self.service.authenticate(&text).await.expect("it is right")
    }

    /// Two persons of support with phones of their own, whose keys are bound to them and old enough to approve.
    pub(crate) async fn two_of_support(&self) -> [Staff; 2] {
        let all = self.all().await;
        let mut staff: Vec<Staff> = Vec::new();
        for name in ["anna", "bao"] {
            let owner = Owner::new("staff", name);
            let (_, phone) = self.bind(&all, &owner).await;
            self.clock.pass(STEP_MS);
            let approver = staff.last().map(|first| first.approver(self.now()));
            let wanted = NewKey {
                roles: vec![Role::Support],
                owner: format!("team {name}"),
                person: Some(owner.clone()),
                accounts: None,
                audiences: Vec::new(),
                return_urls: Vec::new(),
            };
            let made = self
                .service
                .create_key(&Caller::shell(), &wanted, approver.as_ref())
                .await;
            let (_, key) = made.expect("a key");
            let caller = self.service.authenticate(&key).await.expect("it lives");
            let caller = caller.acting(Actor {
                kind: ActorKind::Support,
                ..actor_of(name)
            });
            staff.push(Staff { owner, caller, phone });
            self.clock.pass(UnixMs::DAY);
        }
        self.clock.pass(UnixMs::DAY);
        staff.try_into().unwrap_or_else(|_| panic!("two"))
    }

    pub(crate) async fn all(&self) -> Caller {
        self.caller(&Role::ALL, None).await
    }

    pub(crate) async fn rows(&self) -> Vec<Row> {
        self.store.rows(None, u32::MAX).await.expect("a read")
    }

    /// What the trail says, as it is written: causes are not masked, and names are sealed.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let rows = self.rows().await;
        let said = rows.iter().flat_map(|row| &row.events);
        said.map(|event| match &event.payload {
            Payload::Kept { payload, .. } => serde_json::from_str(payload).expect("events are JSON"),
            Payload::Erased(_) => panic!("nothing erases an event"),
        })
        .collect()
    }

    /// The same, of one action.
    pub(crate) async fn told(&self, action: &str) -> Vec<Value> {
        let mut events = self.events().await;
        events.retain(|event| event["action"] == action);
        events
    }

    /// The last of them.
    pub(crate) async fn last(&self, action: &str) -> Value {
        let last = self.told(action).await.pop();
        last.unwrap_or_else(|| panic!("the trail says nothing of {action}"))
    }

    /// One question.
    pub(crate) async fn ask(&self, caller: &Caller, question: Question) -> Result<Answer, ServiceError> {
        let mut answers = self.service.verify(caller, vec![question]).await;
        answers.pop().expect("an answer for the question")
    }

    /// Is this code right?
    pub(crate) async fn verify(&self, caller: &Caller, owner: &Owner, code: &str) -> Result<Answer, ServiceError> {
        self.ask(caller, question(owner, code)).await
    }

    /// So many wrong codes, one after the other; each is told that it was refused.
    pub(crate) async fn guess(&self, caller: &Caller, owner: &Owner, phone: &Phone, times: usize) {
        for wrong in phone.wrong_codes(self.now(), times) {
            assert_eq!(self.verify(caller, owner, &wrong).await, Ok(Answer::Refused));
        }
    }

    /// An enrollment that is asked for now.
    pub(crate) fn wanted(&self, owner: &Owner, device: NewDevice, factor: Option<Replacement>) -> NewEnrollment {
        NewEnrollment {
            owner: owner.clone(),
            device,
            label: None,
            identity_proof: self.proof().into(),
            factor,
        }
    }

    /// A method is proven now for a user without a device, who is reached by [`identity`].
    pub(crate) async fn prove(&self, caller: &Caller, owner: &Owner, method: &str) {
        let wanted = NewProvenMethod {
            identity: identity(owner, method),
            verified_at: self.now(),
            factor: None,
        };
        let proven = self.service.prove_method(caller, owner, method, &wanted).await;
        proven.expect("it is registered");
    }

    /// An identity grant for this operation, given by a method that the caller reports.
    pub(crate) async fn checked_by(&self, caller: &Caller, owner: &Owner, method: &str, operation: &str) -> Factor {
        let wanted = NewChallenge {
            owner: owner.clone(),
            purpose: ChallengePurpose::Identity,
            audience: None,
            operation: Some(operation.into()),
            resource: None,
            session_id: None,
            first_factor: None,
            client: None,
            is_risky: false,
            trusted_device: None,
        };
        let asked = self
            .service
            .create_challenge(caller, &wanted)
            .await
            .expect("a challenge");
        let report = MethodReport {
            method: method.into(),
            identity: identity(owner, method),
            reference: "4711".into(),
            at: self.now(),
            trust_device: false,
        };
        let told = self.service.report_method(caller, &asked.id, &report).await;
        Factor::Grant(text(&told.expect("it is right").grant.expect("a grant").text))
    }

    pub(crate) fn proof(&self) -> IdentityProof {
        IdentityProof {
            method: "password".into(),
            at: self.now(),
            by: "login".into(),
        }
    }

    /// An enrollment for an app, and the phone that scanned it.
    pub(crate) async fn start(&self, caller: &Caller, owner: &Owner) -> (StartedEnrollment, Phone) {
        let wanted = self.wanted(owner, app(), None);
        let offer = self.service.start_enrollment(caller, &wanted).await.expect("an offer");
        let phone = Phone::of(&offer);
        (offer, phone)
    }

    /// Binds an app with both protections and no recovery codes. A step later, its next code is good.
    pub(crate) async fn bind(&self, caller: &Caller, owner: &Owner) -> (Id, Phone) {
        let (device, phone, _) = self.bind_as(caller, owner, None, false).await;
        (device, phone)
    }

    /// The same with recovery codes.
    pub(crate) async fn bind_with_paper(&self, caller: &Caller, owner: &Owner) -> (Id, Phone, Vec<Zeroizing<String>>) {
        self.bind_as(caller, owner, None, true).await
    }

    /// The same beside or in place of another device.
    pub(crate) async fn bind_as(
        &self,
        caller: &Caller,
        owner: &Owner,
        factor: Option<Replacement>,
        recovery_codes: bool,
    ) -> (Id, Phone, Vec<Zeroizing<String>>) {
        let wanted = self.wanted(owner, app(), factor);
        let offer = self.service.start_enrollment(caller, &wanted).await.expect("an offer");
        let phone = Phone::of(&offer);
        let confirmation = Confirmation {
            recovery_codes,
            ..confirmation(&[&phone.shows(self.now())])
        };
        let confirmed = self.service.confirm_enrollment(caller, owner, offer.id, &confirmation);
        let (device, paper) = confirmed.await.expect("it is bound");
        self.clock.pass(STEP_MS);
        (device.id, phone, paper)
    }

    /// Tokens of these serial numbers come in, in a lot of this name that is open to everybody.
    pub(crate) async fn stock(&self, caller: &Caller, lot: &str, serial_numbers: &[&str]) {
        let open = NewLot {
            open_to: Some(OpenTo::Everybody),
            note: None,
        };
        self.service.create_lot(caller, lot, &open).await.expect("a batch");
        let receipt = self
            .import(caller, lot, &seeds(serial_numbers))
            .await
            .expect("a receipt");
        assert_eq!(receipt.imported, serial_numbers.len(), "{receipt:?}");
    }

    pub(crate) async fn import(&self, caller: &Caller, lot: &str, file: &str) -> Result<Receipt, ServiceError> {
        self.service.import_file(caller, seed_file(file), &into(lot)).await
    }

    /// Binds this token by the code that it showed and the one that it shows. A step later, its next code is good.
    pub(crate) async fn bind_token(&self, caller: &Caller, owner: &Owner, serial_number: &str) -> (Id, Phone) {
        let token = Phone::token(serial_number);
        let wanted = self.wanted(owner, hardware(serial_number), None);
        let offer = self.service.start_enrollment(caller, &wanted).await.expect("an offer");
        let codes = token.two(self.now().plus(-STEP_MS));
        let confirmation = confirmation(&[&codes[0], &codes[1]]);
        let confirmed = self.service.confirm_enrollment(caller, owner, offer.id, &confirmation);
        let (device, _) = confirmed.await.expect("it is bound");
        self.clock.pass(STEP_MS);
        (device.id, token)
    }
}

/// A counter token (RFC 4226), from counter 0 on.
pub(crate) struct Button {
    serial_number: &'static str,
    byte: u8,
}

impl Button {
    /// The token of this serial number, whose secret is so many times this byte. It comes in, for everybody.
    pub(crate) async fn stocked(world: &World, caller: &Caller, serial_number: &'static str, byte: u8) -> Self {
        let open = NewLot {
            open_to: Some(OpenTo::Everybody),
            note: None,
        };
        world
            .service
            .create_lot(caller, serial_number, &open)
            .await
            .expect("a batch");
        let token = pskc::Seed {
            moving: pskc::Moving::Counter { counter: 0 },
            ..seed(serial_number, byte, 20)
        };
        let (token, wanted) = ([token], into(serial_number));
        let receipt = world.service.import(caller, &token, Receipt::default(), &wanted);
        assert_eq!(receipt.await.expect("a receipt").imported, 1);
        Self { serial_number, byte }
    }

    /// Its code at this counter.
    pub(crate) fn at(&self, counter: u64) -> String {
        let secret = otp::Secret::from_slice(&[self.byte; 20]).expect("a secret");
        let key = otp::Key::new(&secret, otp::Algorithm::Sha1);
        let code = key.code(otp::Step::new(counter), otp::Digits::SIX);
        code.text(&mut [0; 8]).to_owned()
    }

    /// Alice binds it by its first two codes.
    pub(crate) async fn bound(&self, world: &World, caller: &Caller, factor: Option<Replacement>) -> Id {
        let wanted = world.wanted(&alice(), hardware(self.serial_number), factor);
        let offer = world.service.start_enrollment(caller, &wanted).await.expect("an offer");
        let codes = confirmation(&[&self.at(0), &self.at(1)]);
        let alice = alice();
        let done = world.service.confirm_enrollment(caller, &alice, offer.id, &codes);
        done.await.expect("it is bound").0.id
    }
}

/// Somebody of support.
pub(crate) struct Staff {
    pub(crate) owner: Owner,
    pub(crate) caller: Caller,
    pub(crate) phone: Phone,
}

impl Staff {
    /// With the code that their phone shows now.
    pub(crate) fn approver(&self, now: UnixMs) -> Approver {
        Approver {
            owner: self.owner.clone(),
            factor: by_code(&self.phone.shows(now)),
        }
    }
}

pub(crate) fn actor_of(id: &str) -> Actor {
    Actor {
        id: id.into(),
        kind: ActorKind::Service,
        ip: None,
    }
}

/// What a method reaches this user by.
pub(crate) fn identity(owner: &Owner, method: &str) -> String {
    format!("{method} of {}", owner.user)
}

pub(crate) fn alice() -> Owner {
    Owner::new("acme", "alice")
}

pub(crate) fn bob() -> Owner {
    Owner::new("acme", "bob")
}

pub(crate) fn app() -> NewDevice {
    NewDevice::App { issuer: None }
}

pub(crate) fn hardware(serial_number: &str) -> NewDevice {
    NewDevice::Token {
        serial_number: serial_number.into(),
    }
}

pub(crate) fn text(code: &str) -> Zeroizing<String> {
    code.to_owned().into()
}

/// The row of the catalogue for settings of protection.
pub(crate) const SETTINGS: &str = "accounts/set-user-s-login-protection-and-sensitive-operation-verification-methods";

/// A device's code as a factor.
pub(crate) fn by_code(code: &str) -> Factor {
    Factor::Code {
        code: text(code),
        method: Method::Totp,
    }
}

/// A recovery code as a factor.
pub(crate) fn by_paper(code: &str) -> Factor {
    Factor::Code {
        code: text(code),
        method: Method::RecoveryCode,
    }
}

/// A device's code; the first factor was right.
pub(crate) fn question(owner: &Owner, code: &str) -> Question {
    Question {
        owner: owner.clone(),
        code: text(code),
        first_factor: true,
        method: Method::Totp,
        request_id: None,
        client: None,
    }
}

/// A recovery code; the first factor was right.
pub(crate) fn paper_question(owner: &Owner, code: &str) -> Question {
    Question {
        method: Method::RecoveryCode,
        ..question(owner, code)
    }
}

/// Both protections, and no recovery codes.
pub(crate) fn confirmation(codes: &[&str]) -> Confirmation {
    Confirmation {
        codes: codes.iter().map(|code| text(code)).collect(),
        login_protection: true,
        operation_protection: true,
        recovery_codes: false,
    }
}

/// A table of tokens, each with the secret that [`Phone::token`] has.
pub(crate) fn seeds(serial_numbers: &[&str]) -> String {
    let lines = serial_numbers
        .iter()
        .map(|serial_number| format!("{serial_number},{}\n", Phone::token(serial_number).hex()));
    ["serial,seed\n".to_owned()].into_iter().chain(lines).collect()
}

/// A token that was read already, whose secret has so many bytes of this one.
pub(crate) fn seed(serial_number: &str, byte: u8, len: usize) -> pskc::Seed {
    pskc::Seed {
        serial_number: serial_number.into(),
        manufacturer: None,
        model: None,
        key_id: None,
        issuer: None,
        label: None,
        secret: otp::Secret::from_slice(&vec![byte; len]).expect("a secret"),
        algorithm: otp::Algorithm::Sha1,
        digits: otp::Digits::SIX,
        moving: pskc::Moving::Time {
            period: otp::Period::THIRTY,
            drift_steps: 0,
        },
        starts_at_s: None,
        expires_at_s: None,
        management_key: None,
    }
}

pub(crate) fn seed_file(text: &str) -> SeedFile {
    SeedFile {
        bytes: text.as_bytes().to_vec().into(),
        opened_by: OpenedBy::Nothing,
        options: SeedOptions::default(),
    }
}

pub(crate) fn into(lot: &str) -> NewImport {
    NewImport {
        lot: lot.into(),
        ..NewImport::default()
    }
}

/// A refused code of which nothing more is said.
pub(crate) fn refused() -> ServiceError {
    ServiceError::CodeRefused {
        hint: None,
        attempts_left: None,
    }
}

pub(crate) fn id(number: u128) -> Id {
    Id::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | number)
}

/// Whether it is an [`ServiceError::Invalid`] of this input.
pub(crate) fn is_invalid<T>(told: &Result<T, ServiceError>, of: Input) -> bool {
    matches!(told, Err(ServiceError::Invalid { .. } | ServiceError::SeedFile(_)))
        && told.as_ref().is_err_and(|error| error.details().input == Some(of))
}
