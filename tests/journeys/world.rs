//! A world to tell stories in: the service as `serve` wires it, a clock with two hands, and callers with keys.

use std::{
    env,
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use countersign::real::RealEntropy;
use keyring::Keyring;
use serde_json::{Value, json};
use server::Limits;
use service::{
    Caller, Cities, Clock, NewKey, NoCities, Ports, Role, Service, Settings, SignedHead, Signer, UnixMs, prove_keyring,
    verify_trail,
};
use store::Store;
use store_sqlite::Sqlite;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};

use crate::{
    judges::{Phone, STEP_MS},
    lingering::Lingering,
};

/// A moment at which a time step begins, so that stories count steps from its start.
pub(crate) const BEGINNING_MS: i64 = 1_800_000_000_000;
pub(crate) const SECOND_MS: i64 = 1_000;
pub(crate) const MINUTE_MS: i64 = 60 * SECOND_MS;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A clock whose hands the test moves.
pub(crate) struct Hands {
    wall: AtomicI64,
    monotonic: AtomicI64,
    /// What the kernel says of the wall clock.
    pub(crate) synchronised: AtomicBool,
}

impl Hands {
    /// Time goes by.
    pub(crate) fn pass(&self, ms: i64) {
        assert!(ms >= 0, "time does not run backwards; clocks are set");
        self.monotonic.fetch_add(ms, SeqCst);
        self.wall.fetch_add(ms, SeqCst);
    }

    /// Somebody sets the wall clock forward or (negative) back.
    pub(crate) fn set(&self, ms: i64) {
        self.wall.fetch_add(ms, SeqCst);
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.wall.load(SeqCst)
    }
}

impl Clock for Hands {
    fn now(&self) -> UnixMs {
        UnixMs::new(self.now_ms())
    }

    fn monotonic_ms(&self) -> i64 {
        self.monotonic.load(SeqCst)
    }

    fn synchronised(&self) -> bool {
        self.synchronised.load(SeqCst)
    }
}

/// The service, its data, its time and its callers.
pub(crate) struct World {
    pub(crate) clock: Arc<Hands>,
    settings: Settings,
    limits: Limits,
    /// Reads linger, see [`Lingering`].
    lingering: bool,
    /// The keyring is held against the database before anything is judged, and leaves its witnesses there.
    proven: bool,
    /// The operator's database of cities.
    cities: Arc<dyn Cities>,
    home: TempDir,
    running: Option<Running>,
    keys: Vec<(Role, String)>,
    /// What `serve` writes beside the database: the newest head of every chain.
    pub(crate) heads: Vec<SignedHead>,
    agent: ureq::Agent,
}

struct Running {
    address: SocketAddr,
    service: Arc<Service>,
    engine: Arc<Sqlite>,
    keyring: Arc<Keyring>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    runtime: Runtime,
}

impl World {
    /// As `countersign serve` without any configuration.
    pub(crate) fn new() -> Self {
        Self::with(Settings::default(), Limits::default())
    }

    pub(crate) fn with(settings: Settings, limits: Limits) -> Self {
        Self::made(settings, limits, false, false)
    }

    /// One in which races are lost, for reads linger.
    pub(crate) fn lingering(settings: Settings) -> Self {
        Self::made(settings, Limits::default(), true, false)
    }

    /// One whose keyring proves itself at each start.
    pub(crate) fn proven() -> Self {
        Self::made(Settings::default(), Limits::default(), false, true)
    }

    /// One whose operator has a database of cities.
    pub(crate) fn with_cities(cities: Arc<dyn Cities>) -> Self {
        let mut world = Self::new();
        world.stop();
        world.cities = cities;
        world.start();
        world
    }

    /// The same on this keyring.
    pub(crate) fn begun_with(keyring: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("keyring");
        fs::write(&path, keyring).expect("ours");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
        Self::made_in(home, Settings::default(), Limits::default(), false, true)
    }

    fn made(settings: Settings, limits: Limits, lingering: bool, proven: bool) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        Self::made_in(home, settings, limits, lingering, proven)
    }

    fn made_in(home: TempDir, settings: Settings, limits: Limits, lingering: bool, proven: bool) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        let clock = Hands {
            wall: BEGINNING_MS.into(),
            monotonic: 0.into(),
            synchronised: false.into(),
        };
        let mut world = Self {
            clock: Arc::new(clock),
            settings,
            limits,
            lingering,
            proven,
            cities: Arc::new(NoCities),
            home,
            running: None,
            keys: Vec::new(),
            heads: Vec::new(),
            agent: config.into(),
        };
        world.start();
        world.keys = Role::ALL.map(|role| (role, world.new_key(&[role], None).1)).into();
        world
    }

    /// Starts on the directory as it is.
    pub(crate) fn start(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let keyring = Arc::new(keyring(self.home.path(), &self.clock));
        let engine = Arc::new(open(self.home.path(), &keyring, &self.clock, true));
        let store: Arc<dyn Store> = if self.lingering {
            Arc::new(Lingering {
                engine: engine.clone(),
                reads: 0.into(),
            })
        } else {
            engine.clone()
        };
        let ports = self.ports(store, keyring.clone());
        if self.proven {
            let proven = runtime.block_on(prove_keyring(&ports));
            proven.expect("the keyring is this database's");
        }
        let service = runtime
            .block_on(Service::start(ports, self.settings.clone()))
            .expect("the service starts");
        let service = Arc::new(service);
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a port of this machine");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel();
        let brand = server::Brand {
            url: Some(format!("http://{address}")),
            contact: self.settings.contact.clone(),
            ..server::Brand::default()
        };
        let app = server::router(service.clone(), self.limits.clone(), brand);
        let stopped = async { stopped.await.unwrap_or(()) };
        let ids = server::RequestIds::new(0);
        let serving = runtime.spawn(server::serve(listener, None, app, self.limits.clone(), ids, stopped));
        self.running = Some(Running {
            address,
            service,
            engine,
            keyring,
            stop,
            serving,
            runtime,
        });
    }

    fn ports(&self, store: Arc<dyn Store>, keyring: Arc<Keyring>) -> Ports {
        Ports {
            store,
            clock: self.clock.clone(),
            entropy: Arc::new(RealEntropy::new()),
            sealer: keyring.clone(),
            signer: keyring,
            cities: self.cities.clone(),
        }
    }

    /// What the running service stands on, with the keyring as its file is now.
    pub(crate) fn ports_now(&self) -> Ports {
        let keyring = Arc::new(keyring(self.home.path(), &self.clock));
        self.ports(self.running().engine.clone(), keyring)
    }

    /// The look at the keyring's file that `serve` takes every second: whether there are further keys.
    pub(crate) fn look_at_keyring(&self) -> bool {
        let looked = self.running().keyring.check(&self.home().join("keyring"));
        looked.expect("it is the one that was opened")
    }

    /// Ends the service as SIGTERM does; its directory stays.
    pub(crate) fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        let Running {
            service,
            engine,
            stop,
            serving,
            runtime,
            ..
        } = running;
        let _not_listening_any_more = stop.send(());
        runtime.block_on(serving).expect("the accept loop does not panic");
        runtime.block_on(service.close());
        let head = runtime
            .block_on(service.close_trail(&Caller::system()))
            .expect("the trail can be closed");
        self.heads.push(head);
        engine.close().expect("the database can be closed");
    }

    /// SIGTERM and a new start on the same directory.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// SIGKILL and a new start: the new process finds the files as they are at this moment, nothing closed.
    pub(crate) fn kill_and_start(&mut self) {
        let found = self.snapshot();
        let dying = std::mem::replace(&mut self.home, found);
        let heads = self.heads.len();
        self.stop();
        // What the dead one would have said at its end nobody heard.
        self.heads.truncate(heads);
        drop(dying);
        self.start();
    }

    /// The files as they are at this moment. Another process copies them: were this one to open and close the
    /// database's file by itself, the kernel would drop the locks that SQLite holds on it.
    pub(crate) fn snapshot(&self) -> TempDir {
        // A log that was cut between the two copies makes them of different times, as no dying process leaves them.
        loop {
            let copy = self.copied();
            let log = |dir: &Path| fs::read(dir.join("countersign.sqlite-wal")).unwrap_or_default();
            if log(self.home()).starts_with(&log(copy.path())) {
                return copy;
            }
        }
    }

    fn copied(&self) -> TempDir {
        let copy = tempfile::tempdir().expect("a temporary directory");
        let mut files: Vec<PathBuf> = files(self.home.path());
        // The log first: a checkpoint between the two copies is then there twice and not never.
        files.sort_by_key(|path| !path.to_string_lossy().ends_with("-wal"));
        for file in files.iter().filter(|path| !path.to_string_lossy().ends_with("-shm")) {
            let copied = Command::new("cp")
                .arg("--preserve=mode")
                .arg(file)
                .arg(copy.path())
                .status();
            assert!(
                copied.expect("cp runs").success(),
                "{} cannot be copied",
                file.display()
            );
        }
        copy
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running().address
    }

    pub(crate) fn service(&self) -> Arc<Service> {
        self.running().service.clone()
    }

    /// Waits for something of the service, on its runtime.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.running().runtime.block_on(future)
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the service runs")
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Time goes by.
    pub(crate) fn pass(&self, ms: i64) {
        self.clock.pass(ms);
    }

    /// RFC 3339 of a moment this much from now.
    pub(crate) fn time(&self, from_now_ms: i64) -> String {
        api::Timestamp::from_unix_ms(self.now_ms() + from_now_ms).to_string()
    }

    /// The text of a new key, and its id.
    pub(crate) fn new_key(&self, roles: &[Role], accounts: Option<&[&str]>) -> (service::Id, String) {
        self.new_key_of("journeys", roles, accounts)
    }

    /// The same, of somebody who answers for it.
    pub(crate) fn new_key_of(&self, owner: &str, roles: &[Role], accounts: Option<&[&str]>) -> (service::Id, String) {
        let wanted = NewKey {
            roles: roles.to_vec(),
            owner: owner.into(),
            audiences: Vec::new(),
            person: None,
            return_urls: Vec::new(),
            accounts: accounts.map(|accounts| accounts.iter().map(|&account| account.to_owned()).collect()),
        };
        self.key_as(&wanted)
    }

    /// The text of a key as it is wanted, and its id.
    pub(crate) fn key_as(&self, wanted: &NewKey) -> (service::Id, String) {
        let made = self.wait(self.service().create_key(&Caller::shell(), wanted, None));
        let (id, text) = made.expect("a key can be made");
        (id, text.as_str().to_owned())
    }

    /// The key that has this role and no other.
    pub(crate) fn key(&self, role: Role) -> &str {
        let found = self.keys.iter().find(|(of, _)| *of == role);
        &found.expect("there is a key for each role").1
    }

    /// The key texts of this world.
    pub(crate) fn key_texts(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(_, text)| text.as_str())
    }

    /// A call with the key of this role.
    pub(crate) fn call(&self, role: Role, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.call_as(Some(self.key(role)), method, path, body)
    }

    /// A call with any key or none. A PUT stands on what was never changed.
    pub(crate) fn call_as(&self, key: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let if_match = (method == "PUT").then_some("\"0\"");
        self.call_on(key, method, path, body, if_match)
    }

    /// `PUT` with the key of this role, on what was read with this `ETag`, or on nothing.
    pub(crate) fn put(&self, role: Role, path: &str, body: &Value, if_match: Option<&str>) -> Reply {
        self.call_on(Some(self.key(role)), "PUT", path, Some(body), if_match)
    }

    fn call_on(
        &self,
        key: Option<&str>,
        method: &str,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Reply {
        let url = format!("http://{}{path}", self.address());
        let request = match method {
            "GET" => self.agent.get(url).force_send_body(),
            // Only a test sends it a body.
            "DELETE" => self.agent.delete(url).force_send_body(),
            "PUT" => self.agent.put(url),
            "PATCH" => self.agent.patch(url),
            "POST" => self.agent.post(url),
            other => panic!("no story needs {other}"),
        };
        let request = match key {
            Some(key) => request.header("Authorization", format!("Bearer {key}")),
            None => request,
        };
        let request = match if_match {
            Some(etag) => request.header("If-Match", etag),
            None => request,
        };
        let sent = match body {
            Some(body) => request
                .header("Content-Type", "application/json")
                .send(body.to_string()),
            None => request.send_empty(),
        };
        let mut response = sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let headers = response.headers();
        let header = |name: &str| headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned());
        let reply = Reply {
            status: response.status().as_u16(),
            content_type: header("content-type"),
            cache_control: header("cache-control"),
            retry_after: header("retry-after"),
            etag: header("etag"),
            body: Vec::new(),
        };
        let body = response
            .body_mut()
            .read_to_vec()
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        Reply { body, ..reply }
    }

    pub(crate) fn get(&self, role: Role, path: &str) -> Reply {
        self.call(role, "GET", path, None)
    }

    pub(crate) fn post(&self, role: Role, path: &str, body: &Value) -> Reply {
        self.call(role, "POST", path, Some(body))
    }

    /// Every event of the trail, oldest first, page by page.
    pub(crate) fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        let mut path = String::from("/v1/audit?limit=1000");
        loop {
            let page = self.get(Role::Audit, &path).expect(200);
            events.extend(
                page["items"]
                    .as_array()
                    .expect("a page has items")
                    .iter()
                    .map(|item| item["event"].clone()),
            );
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/audit?limit=1000&cursor={cursor}"),
                None => return events,
            }
        }
    }

    /// The trail is whole, held against every head that was kept outside (A3).
    pub(crate) fn assert_trail_holds(&mut self) {
        self.restart();
        let keyring = keyring(self.home.path(), &self.clock);
        let report = self.wait(verify_trail(&*self.running().engine, &keyring, &self.heads));
        let report = report.expect("the trail can be read");
        assert_eq!(report.findings, [], "A3: nobody touched the trail");
        assert!(
            report.rows > 0 && report.heads > 0,
            "there was something to look at: {report:?}"
        );
    }

    pub(crate) fn user(&self, account: &str, user: &str) -> User<'_> {
        User {
            world: self,
            account: account.into(),
            user: user.into(),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The story has failed already; what ending makes of it is not the point.
            if let Some(running) = self.running.take() {
                running.runtime.shutdown_background();
            }
        } else {
            self.stop();
        }
    }
}

/// The keyring of a directory; a new one where there is none.
pub(crate) fn keyring(home: &Path, clock: &Hands) -> Keyring {
    let path = home.join("keyring");
    let entropy = Arc::new(RealEntropy::new());
    let keyring = if path.exists() {
        Keyring::open(&path, entropy)
    } else {
        Keyring::create(&path, entropy, clock.now())
    };
    keyring.expect("the keyring can be used")
}

/// The database of a directory.
pub(crate) fn open(home: &Path, keyring: &Keyring, clock: &Hands, owner: bool) -> Sqlite {
    let sign = |statement: &[u8]| keyring.sign(statement);
    let options = store_sqlite::Options {
        writer: "journeys".into(),
        opened_at: clock.now(),
        sign: &sign,
        verify: &|statement, signature| keyring.verify(statement, signature),
        heads: None,
        owner,
    };
    Sqlite::open(home, options).expect("the database opens")
}

/// The files of a directory.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("the directory can be read");
    let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    assert!(
        paths.iter().all(|path| path.is_file()),
        "a data directory holds files only: {paths:?}"
    );
    paths
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The problem of an answer with this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(self.content_type.as_deref(), Some("application/problem+json"));
        problem
    }
}

/// A user of an account, as a console and a login service deal with them.
#[derive(Clone)]
pub(crate) struct User<'w> {
    pub(crate) world: &'w World,
    pub(crate) account: String,
    pub(crate) user: String,
}

/// A binding under way, as the console shows it.
pub(crate) struct Offered {
    pub(crate) id: String,
    pub(crate) phone: Phone,
    pub(crate) shown: Value,
}

/// A user with a device.
pub(crate) struct Bound {
    pub(crate) device: String,
    pub(crate) phone: Phone,
    pub(crate) recovery_codes: Vec<String>,
}

impl User<'_> {
    pub(crate) fn path(&self, call: &str) -> String {
        format!("/v1/accounts/{}/users/{}{call}", self.account, self.user)
    }

    pub(crate) fn actor(&self) -> Value {
        json!({"id": self.user, "kind": "user", "ip": "203.0.113.7"})
    }

    pub(crate) fn proof(&self, from_now_ms: i64) -> Value {
        json!({"method": "password", "at": self.world.time(from_now_ms), "by": "login-service"})
    }

    /// `POST U/enrollments` with these fields on top of the usual ones.
    pub(crate) fn start(&self, also: &Value) -> Reply {
        let mut body = json!({"kind": "virtual", "identity_proof": self.proof(0), "actor": self.actor()});
        for (name, value) in also.as_object().expect("fields") {
            body[name] = value.clone();
        }
        self.world.post(Role::Enroll, &self.path("/enrollments"), &body)
    }

    /// Starts a binding and scans it.
    pub(crate) fn enroll(&self, also: &Value) -> Offered {
        let shown = self.start(also).expect(201);
        let uri = shown["otpauth_uri"].as_str().expect("a URI is shown");
        Offered {
            id: text(&shown["id"]),
            phone: Phone::of_uri(uri),
            shown,
        }
    }

    pub(crate) fn confirm(&self, enrollment: &str, codes: &[&str]) -> Reply {
        let path = self.path(&format!("/enrollments/{enrollment}/confirm"));
        let scope = ["login_protection", "operation_protection"];
        let body = json!({"codes": codes, "scope": scope, "recovery_codes": true, "actor": self.actor()});
        self.world.post(Role::Enroll, &path, &body)
    }

    /// Confirms what was offered with the code the phone shows now.
    pub(crate) fn complete(&self, offered: Offered) -> Bound {
        let code = offered.phone.code_at(self.world.now_ms());
        let done = self.confirm(&offered.id, &[&code]).expect(200);
        let codes = done["recovery_codes"]
            .as_array()
            .expect("recovery codes were asked for");
        Bound {
            device: text(&done["device"]["id"]),
            phone: offered.phone,
            recovery_codes: codes.iter().map(text).collect(),
        }
    }

    /// Binds a first device and lets its code go by, so that the next one is fresh.
    pub(crate) fn bind(&self) -> Bound {
        let bound = self.complete(self.enroll(&json!({})));
        self.world.pass(STEP_MS);
        bound
    }

    /// `GET U`.
    pub(crate) fn get(&self) -> Value {
        self.world.get(Role::Enroll, &self.path("")).expect(200)
    }

    /// `GET U/devices/{id}`.
    pub(crate) fn device(&self, id: &str) -> Value {
        self.world
            .get(Role::Enroll, &self.path(&format!("/devices/{id}")))
            .expect(200)
    }

    /// A change of a device by its user.
    pub(crate) fn change(&self, device: &str, call: &str, fields: &Value) -> Reply {
        let mut body = fields.clone();
        body["actor"] = self.actor();
        self.world
            .post(Role::Enroll, &self.path(&format!("/devices/{device}/{call}")), &body)
    }

    /// Support lifts whatever lies on a device.
    pub(crate) fn unlock(&self, device: &str) -> Value {
        let body = json!({"actor": {"id": "desk-14", "kind": "support"}});
        self.world
            .post(Role::Support, &self.path(&format!("/devices/{device}/unlock")), &body)
            .expect(200)
    }

    /// `POST /verify` with these fields on top of the usual ones.
    pub(crate) fn ask(&self, code: &str, also: &Value) -> Reply {
        let mut body = json!({"account": self.account, "user": self.user, "code": code, "first_factor": true});
        for (name, value) in also.as_object().expect("fields") {
            body[name] = value.clone();
        }
        self.world.post(Role::Verify, "/v1/verify", &body)
    }

    /// Is this code right?
    #[track_caller]
    pub(crate) fn verify(&self, code: &str) -> Value {
        self.ask(code, &json!({})).expect(200)
    }

    /// The same with a recovery code.
    #[track_caller]
    pub(crate) fn verify_recovery(&self, code: &str) -> Value {
        self.ask(code, &json!({"method": "recovery_code"})).expect(200)
    }

    /// Events of the trail about this user.
    pub(crate) fn events(&self, action: &str, outcome: &str) -> Vec<Value> {
        let mine = |event: &Value| {
            event["account"] == self.account
                && event["user"] == self.user
                && event["action"] == action
                && event["outcome"] == outcome
        };
        self.world.events().into_iter().filter(mine).collect()
    }
}

/// What a caller is told about a code that is not accepted, and no more.
pub(crate) fn refused() -> Value {
    json!({"accepted": false, "outcome": "refused"})
}

/// What a caller is told about a code of this device that is accepted for the first time.
pub(crate) fn accepted(device: &str) -> Accepted {
    Accepted(Some(device.to_owned()))
}

/// The same about a recovery code.
pub(crate) fn accepted_on_paper() -> Accepted {
    Accepted(None)
}

/// An answer that is equal to this says so, with an id of its decision and how many wrong codes came before, and no more.
#[derive(Debug)]
pub(crate) struct Accepted(Option<String>);

impl PartialEq<Accepted> for Value {
    fn eq(&self, accepted: &Accepted) -> bool {
        let decision = self["decision_id"]
            .as_str()
            .and_then(|id| service::Id::try_parse(id).ok());
        let mut rest = self.clone();
        let Some(fields) = rest.as_object_mut() else {
            return false;
        };
        let wrong = fields.remove("wrong_since_last_success");
        fields.remove("decision_id");
        let mut told = json!({"accepted": true, "outcome": "accepted"});
        if let Some(device) = &accepted.0 {
            told["device_id"] = device.clone().into();
        }
        rest == told
            && wrong.is_some_and(|wrong| wrong.is_u64())
            && decision.is_some_and(|id| id.get_version_num() == 7)
    }
}

/// What a caller is told while nothing is judged for so long.
pub(crate) fn locked(retry_after_s: i64) -> Value {
    json!({"accepted": false, "outcome": "locked", "retry_after_s": retry_after_s})
}

#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a string: {value}")).to_owned()
}

/// Tells a story in a process of its own: it measures the process, or listens to all that is logged in it.
pub(crate) fn alone(name: &str, story: impl FnOnce()) {
    const ALONE: &str = "COUNTERSIGN_JOURNEY_ALONE";
    if env::var_os(ALONE).is_some() {
        return story();
    }
    let told = Command::new(env::current_exe().expect("this program has a path"))
        .args([name, "--exact", "--test-threads=1", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("this program starts again");
    let out = String::from_utf8_lossy(&told.stdout);
    let passed = told.status.success() && out.contains("1 passed");
    assert!(passed, "{out}\n{}", String::from_utf8_lossy(&told.stderr));
}

/// Who acts, in the query of a DELETE.
pub(crate) fn actor_query(actor: &Value) -> String {
    let encoded = |name: &str| {
        let text = actor[name].as_str().unwrap_or_default();
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let ip = match actor.get("ip") {
        Some(_) => format!("&actor_ip={}", encoded("ip")),
        None => String::new(),
    };
    format!("?actor_id={}&actor_kind={}{ip}", encoded("id"), encoded("kind"))
}
