//! The process that serves: answers HTTP, and moves its clock when its parent says so.

use std::{
    io::{BufRead as _, Write as _, stdin, stdout},
    path::Path,
    sync::Arc,
    thread::sleep,
    time::Duration,
};

use server::{Limits, RequestIds};
use service::{Caller, NewKey, Role, Service, Settings};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    Any,
    counted::Counted,
    filled::{Filled, echo},
    pages::RETURN_URL,
};

/// Serves the store of this directory, by a clock that was moved so often before, until stdin ends. Says `ready ADDRESS KEY` first; then answers each line `move` with `moved`, each line
/// `index` with `indexed`, `warm` with `warm` once everybody's row is read, and each line `count` with what the lane has asked of the store so far.
pub(crate) fn serve(dir: &Path, moves: u64) -> Any<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let filled = Filled::open(dir, moves)?;
    let engine = filled.engine.clone();
    let store = Arc::new(Counted::new(engine.clone()));
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
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let app = server::router(service.clone(), Limits::default(), server::Brand::default()).merge(echo());
    let (stop, stopped) = oneshot::channel::<()>();
    let ids = RequestIds::new(0);
    let serving = runtime.spawn(server::serve(listener, None, app, Limits::default(), ids, async {
        let _ended = stopped.await;
    }));

    let mut out = stdout();
    writeln!(out, "ready {address} {}", *key)?;
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
            "warm" => {
                while !engine.is_warm() {
                    sleep(Duration::from_millis(10));
                }
                writeln!(out, "warm")?;
            }
            _count => {
                let [commits, events, commit_us, load_us] = store.so_far();
                writeln!(out, "{commits} {events} {commit_us} {load_us}")?;
            }
        }
    }
    drop(stop);
    runtime.block_on(serving)?;
    runtime.block_on(service.close());
    engine.close()?;
    Ok(())
}
