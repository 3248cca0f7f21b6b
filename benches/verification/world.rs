//! The service, and the same behind HTTP, with the users' next codes.

use std::{cell::RefCell, net::SocketAddr, path::Path, sync::Arc};

use keyring::Keyring;
use otp::Code;
use server::{Limits, RequestIds};
use service::{Answer, Caller, Method, NewKey, Owner, Question, Role, Service, Settings, Signer as _};
use store::{
    Bound, Store,
    memory::{Disk, Memory},
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::JoinHandle,
};
use zeroize::Zeroizing;

use crate::{
    Any,
    client::{Connection, head},
    filled::{Filled, echo, fill},
    population::{BEGINNING, Device, account, item, step, user},
};

/// Users with a device each: four batches of them.
pub(crate) const DEVICES: u32 = 4_096;

pub(crate) struct World {
    runtime: Runtime,
    filled: Filled,
    service: Arc<Service>,
    /// Of the same users, on the engine in memory.
    in_memory: Service,
    key: Zeroizing<String>,
    turns: RefCell<Turns>,
    address: SocketAddr,
    connection: RefCell<Connection>,
    verify: Vec<u8>,
    echo: Vec<u8>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Turns {
    /// The user whose turn is next.
    next: u32,
    /// How often the clock moved.
    moves: u64,
}

impl World {
    pub(crate) fn new(dir: &Path) -> Any<Self> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let filled = runtime.block_on(Filled::new(dir, DEVICES))?;
        let ports = filled.ports(filled.engine.clone());
        let service = Arc::new(runtime.block_on(Service::start(ports, Settings::default()))?);
        let wanted = NewKey {
            roles: vec![Role::Verify],
            owner: "verification".into(),
            audiences: Vec::new(),
            person: None,
            return_urls: Vec::new(),
            accounts: None,
        };
        let (_, key) = runtime.block_on(service.create_key(&Caller::shell(), &wanted, None))?;
        let in_memory = runtime.block_on(in_memory(&filled))?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address: SocketAddr = listener.local_addr()?;
        let app = server::router(service.clone(), Limits::default(), server::Brand::default()).merge(echo());
        let (stop, stopped) = oneshot::channel::<()>();
        let ids = RequestIds::new(0);
        let serving = runtime.spawn(server::serve(listener, None, app, Limits::default(), ids, async {
            let _ended = stopped.await;
        }));
        let connection = runtime.block_on(Connection::open(address))?;
        Ok(Self {
            runtime,
            filled,
            service,
            in_memory,
            turns: RefCell::default(),
            address,
            connection: RefCell::new(connection),
            verify: head(address, &key, "/v1/verify"),
            echo: head(address, &key, "/echo"),
            key,
            stop,
            serving,
        })
    }

    /// So many users, each once, with what their devices show.
    fn fresh(&self, count: u32) -> Vec<(u32, Code)> {
        let mut turns = self.turns.borrow_mut();
        let mut shown = Vec::new();
        while shown.len() < count as usize {
            if turns.next + count > DEVICES {
                self.filled.clock.step();
                turns.moves += 1;
                turns.next = 0;
                shown.clear();
            }
            let (number, now) = (turns.next, step(turns.moves));
            turns.next += 1;
            let device = Device::of(number);
            let code = device.shown(now);
            // One in a million is what the device showed just before; then it is burned already.
            if [-2, -1]
                .iter()
                .all(|before| !bool::from(device.shown(now.offset(*before)).ct_eq(&code)))
            {
                shown.push((number, code));
            }
        }
        shown
    }

    pub(crate) fn questions(&self, count: u32) -> Vec<Question> {
        let question = |(number, code): (u32, Code)| Question {
            owner: Owner::new(account(number), user(number)),
            code: Zeroizing::new(code.text(&mut [0; 8]).to_owned()),
            first_factor: true,
            method: Method::Totp,
            request_id: None,
            client: None,
        };
        self.fresh(count).into_iter().map(question).collect()
    }

    /// All in one call, and all accepted.
    pub(crate) fn verify(&self, questions: Vec<Question>) {
        for answer in self.runtime.block_on(self.service.verify(&Caller::shell(), questions)) {
            assert!(matches!(answer, Ok(Answer::Accepted(_))), "{answer:?}");
        }
    }

    /// One, and it is accepted.
    pub(crate) fn verify_one(&self, question: Question) {
        self.asked(&self.service, question);
    }

    /// The same with nothing that is written anywhere.
    pub(crate) fn verify_one_in_memory(&self, question: Question) {
        self.asked(&self.in_memory, question);
    }

    fn asked(&self, service: &Service, question: Question) {
        let answer = self.runtime.block_on(service.verify_one(&Caller::shell(), question));
        assert!(matches!(answer, Ok(Answer::Accepted(_))), "{answer:?}");
    }

    /// The API key of the requests is right.
    pub(crate) fn authenticate(&self) {
        let caller = self.runtime.block_on(self.service.authenticate(&self.key));
        assert!(caller.is_ok());
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.filled.keyring
    }

    /// The device of this user, as it is in the beginning.
    pub(crate) fn bound(&self, number: u32) -> Any<Bound> {
        let engine: &dyn Store = &*self.filled.engine;
        let mut bound = self.wait(engine.bound(Owner::new(account(number), user(number))))?;
        Ok(bound.pop().ok_or("no device")?)
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Of a request about one.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (number, code) in self.fresh(1) {
            item(&mut body, number, &code);
        }
        body
    }

    /// One request, and its code is accepted.
    pub(crate) fn post(&self, body: &[u8]) {
        self.request(&self.verify, body);
    }

    /// The same request to a route that does nothing.
    pub(crate) fn echo(&self, body: &[u8]) {
        self.request(&self.echo, body);
    }

    fn request(&self, head: &[u8], body: &[u8]) {
        let mut connection = self.connection.borrow_mut();
        if self.ask(&mut connection, head, body).is_err() {
            // The server ends a connection that was idle for long.
            *connection = self.wait(Connection::open(self.address)).expect("a connection");
            self.ask(&mut connection, head, body).expect("an answer");
        }
    }

    fn ask(&self, connection: &mut Connection, head: &[u8], body: &[u8]) -> std::io::Result<()> {
        let (status, answer) = self.wait(connection.post(head, body))?;
        assert!(
            status == 200 && answer.starts_with(br#"{"accepted":true,"#),
            "{status} {}",
            String::from_utf8_lossy(answer)
        );
        Ok(())
    }

    pub(crate) fn close(self) -> Any<()> {
        drop(self.stop);
        drop(self.connection);
        self.runtime.block_on(self.serving)?;
        self.runtime.block_on(self.in_memory.close());
        self.runtime.block_on(self.service.close());
        self.filled.engine.close()?;
        Ok(())
    }
}

async fn in_memory(filled: &Filled) -> Any<Service> {
    let sign = |statement: &[u8]| filled.keyring.sign(statement);
    let memory = Memory::open(&Disk::default(), "bench", BEGINNING, &sign);
    fill(&memory, &filled.keyring, DEVICES, 0..DEVICES).await?;
    Ok(Service::start(filled.ports(Arc::new(memory)), Settings::default()).await?)
}
