//! The process that serves: fills the store, then answers HTTP and moves its clock when its parent says so.

use std::{
    fmt::Write as _,
    io::{BufRead as _, Write as _, stdin, stdout},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

use server::{Limits, RequestIds};
use service::{Caller, NewImport, NewKey, OpenedBy, Owner, Role, SeedFile, SeedOptions, Service, Settings};
use store::{
    Checked, Commit, Damage, Document, Documents, Health, Id, Key, List, Named, Outcome, Pending, Sealed, Secrets,
    StoreError, User, Users,
    audit::{Chain, Closing, Cursor, Head, Newest, Place, Row, Trail},
    history::{EventCursor, History, Subject},
};
use store_sqlite::Sqlite;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    Any,
    filled::{Filled, echo},
    pages::RETURN_URL,
};

/// The lot whose tokens nobody bound.
pub(crate) const LOT: &str = "load";
/// As many as one import takes.
const TOKENS: u32 = 10_000;

/// Serves until stdin ends. Says `ready ADDRESS KEY FILL_MS` first; then answers each line `move` with `moved`, each line
/// `index` with `indexed`, and each line `count` with what the lane has asked of the store so far.
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
        roles: vec![Role::Verify, Role::Enroll, Role::Support, Role::Inventory, Role::Audit],
        owner: "load".into(),
        audiences: Vec::new(),
        person: None,
        return_urls: vec![RETURN_URL.into()],
        accounts: None,
    };
    let (_, key) = runtime.block_on(service.create_key(&Caller::shell(), &wanted, None))?;
    runtime.block_on(stock(&service, devices.min(TOKENS)))?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let app = server::router(service.clone(), Limits::default(), server::Brand::default()).merge(echo());
    let (stop, stopped) = oneshot::channel::<()>();
    let ids = RequestIds::new(0);
    let serving = runtime.spawn(server::serve(listener, None, app, Limits::default(), ids, async {
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
            "index" => {
                runtime.block_on(service.index_history(&Caller::system()))?;
                writeln!(out, "indexed")?;
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

/// Takes a lot of blank tokens in.
async fn stock(service: &Service, tokens: u32) -> Any<()> {
    let mut table = String::from("serial,secret\n");
    for number in 0..tokens {
        writeln!(
            table,
            "CS-{number:06},{:040x}",
            u128::from(number + 1) * 0x9e37_79b9_7f4a_7c15_f39c_c060
        )?;
    }
    let file = SeedFile {
        options: SeedOptions::default(),
        bytes: table.into_bytes().into(),
        opened_by: OpenedBy::Nothing,
    };
    let wanted = NewImport {
        lot: LOT.into(),
        ..NewImport::default()
    };
    let receipt = service.import_file(&Caller::shell(), file, &wanted).await?;
    match receipt.imported == tokens as usize {
        true => Ok(()),
        false => Err(format!("the lot did not come in: {receipt:?}").into()),
    }
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

impl Users for Counted {
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>> {
        let begun = Instant::now();
        let read = self.engine.users(owners);
        Box::pin(async move {
            let found = read.await;
            self.load_us.fetch_add(begun.elapsed().as_micros() as u64, SeqCst);
            found
        })
    }

    fn named(&self, users: Vec<Id>) -> Pending<'_, Vec<Option<Named>>> {
        self.engine.named(users)
    }

    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>> {
        self.engine.users_after(after, limit)
    }
}

impl Documents for Counted {
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>> {
        self.engine.documents(keys)
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.engine.documents_in(noun, list, limit)
    }

    fn count_in(&self, noun: &'static str, list: List, most: u32) -> Pending<'_, u32> {
        self.engine.count_in(noun, list, most)
    }
}

impl Secrets for Counted {
    fn sealed_under(&self, key_id: u32, after: i64, limit: u32) -> Pending<'_, Vec<(i64, Sealed)>> {
        self.engine.sealed_under(key_id, after, limit)
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

impl History for Counted {
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.engine.events_of(subject, before, limit)
    }

    fn events_after(&self, subject: Subject, after: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.engine.events_after(subject, after, limit)
    }
}

impl Trail for Counted {
    fn rows(&self, after: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.engine.rows(after, limit)
    }

    fn rows_before(&self, before: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.engine.rows_before(before, limit)
    }

    fn rows_at(&self, cursors: Vec<Cursor>) -> Pending<'_, Vec<Option<Row>>> {
        self.engine.rows_at(cursors)
    }

    fn row(&self, place: Place) -> Pending<'_, Option<Row>> {
        self.engine.row(place)
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
