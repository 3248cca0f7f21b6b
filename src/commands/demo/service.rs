use std::{net::SocketAddr, path::Path};

use api::{Batch, BatchRequest, Name, OpenTo, OpenToKind};
use server::Limits;
use service::{Caller, NewKey, Report, Role, Settings, verify_trail};
use store_sqlite::Sqlite;
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    task::JoinHandle,
};
use zeroize::Zeroizing;

use super::{actor, token::Seeds};
use crate::{
    Failure,
    cities::CityDatabase,
    client::Client,
    commands::token::import,
    heads::Heads,
    home::{Environment, HEADS},
    opened::{Custody, RunningService},
};

/// The service of the story, in this process.
pub(super) struct Running {
    pub(super) url: String,
    pub(super) key: Zeroizing<String>,
    pub(super) client: Client,
    pub(super) runtime: Runtime,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    opened: RunningService,
    dir: std::path::PathBuf,
}

const ROLES: [Role; 4] = [Role::Admin, Role::Enroll, Role::Verify, Role::Inventory];

impl Running {
    /// Its one API key leads browsers back to these addresses. Told to end, the process ends with this code.
    pub(super) fn start(dir: &Path, return_urls: Vec<String>, code: i32) -> Result<Self, Failure> {
        let runtime = Runtime::new().map_err(|error| Failure::new(format!("no runtime: {error}")))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (opened, serving, url, key) = runtime.block_on(async {
            tidy_when_ended(dir, code)?;
            let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
            let listener = listener.await.map_err(Failure::new)?;
            let url = format!("http://{}", listener.local_addr().map_err(Failure::new)?);
            let opened =
                RunningService::open(dir, Settings::default(), CityDatabase::default(), &Custody::default()).await?;
            let wanted = NewKey {
                roles: ROLES.into(),
                owner: "demo".into(),
                audiences: Vec::new(),
                person: None,
                return_urls,
                accounts: None,
            };
            let made = opened.service.create_key(&Caller::shell(), &wanted, None).await;
            let (_, key) = made.map_err(Failure::new)?;
            // Without it the links of the pages would lead to nowhere but their caller's own address.
            let brand = server::Brand {
                url: Some(url.clone()),
                ..server::Brand::default()
            };
            let app = server::router(opened.service.clone(), Limits::default(), brand);
            let stopped = async { stopped.await.unwrap_or(()) };
            let ids = opened.request_ids.clone();
            let serving = tokio::spawn(server::serve(listener, None, app, Limits::default(), ids, stopped));
            Ok::<_, Failure>((opened, serving, url, key))
        })?;
        Ok(Self {
            client: Client::new(&url, &key)?,
            key,
            url,
            runtime,
            stop,
            serving,
            opened,
            dir: dir.to_owned(),
        })
    }

    /// Into a batch that everybody may bind from.
    pub(super) fn take_in(&self, seeds: &Seeds) -> Result<(), Failure> {
        let batch = BatchRequest {
            name: Name::from_static("demo"),
            open_to: Some(OpenTo {
                kind: OpenToKind::Everybody,
                accounts: None,
                users: None,
            }),
            note: None,
            actor: actor(),
        };
        self.client.post::<Batch>("/v1/batches", &batch)?;
        import::take_in(&self.client, &seeds.file, "demo", &seeds.key).map(drop)
    }

    /// Ends it, and reads its trail.
    pub(super) fn end(self) -> Result<Report, Failure> {
        let Self {
            runtime,
            stop,
            serving,
            opened,
            dir,
            ..
        } = self;
        let _nobody_listens_any_more = stop.send(());
        runtime.block_on(async {
            serving.await.map_err(Failure::new)?;
            opened.close(None).await?;
            let means = Environment::of(&dir)?;
            let heads = Heads::read(&dir.join(HEADS))?.unwrap_or_default();
            let store = Sqlite::open_to_read(&dir).map_err(Failure::new)?;
            let report = verify_trail(&store, &*means.keyring, heads.as_slice()).await;
            report.map_err(Failure::new)
        })
    }
}

/// Whoever has seen enough leaves nothing behind either.
fn tidy_when_ended(dir: &Path, code: i32) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::new)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::new)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(Failure::new)?;
    let mut quit = signal(SignalKind::quit()).map_err(Failure::new)?;
    let dir = dir.to_owned();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
            _ = quit.recv() => {}
        }
        // The story goes on meanwhile, and may put a file where one was removed.
        let _gone = (0..10).any(|_| std::fs::remove_dir_all(&dir).is_ok());
        std::process::exit(code);
    });
    Ok(())
}
