//! The service, and the same behind HTTP, with the users' next codes.

use std::{cell::RefCell, net::SocketAddr, path::Path, sync::Arc};

use otp::Code;
use server::{Limits, RequestIds};
use service::{Answer, Caller, Method, NewKey, Owner, Question, Role, Service, Settings};
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
    filled::{Filled, echo},
    population::{Device, account, item, step, user},
};

/// Users with a device each: four batches of them.
pub(crate) const DEVICES: u32 = 4_096;

pub(crate) struct World {
    runtime: Runtime,
    filled: Filled,
    service: Arc<Service>,
    turns: RefCell<Turns>,
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
            turns: RefCell::default(),
            connection: RefCell::new(connection),
            verify: head(address, &key, "/v1/verify"),
            echo: head(address, &key, "/echo"),
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
        let (status, answer) = self.runtime.block_on(connection.post(head, body)).expect("an answer");
        assert!(
            status == 200 && answer.starts_with(br#"{"accepted":true,"#),
            "{status} {}",
            String::from_utf8_lossy(answer)
        );
    }

    pub(crate) fn close(self) -> Any<()> {
        drop(self.stop);
        drop(self.connection);
        self.runtime.block_on(self.serving)?;
        self.runtime.block_on(self.service.close());
        self.filled.engine.close()?;
        Ok(())
    }
}
