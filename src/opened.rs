//! The service of a data directory, as long as a process has it.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use keyring::{Keyring, KeyringError};
use server::RequestIds;
use service::{Caller, Ports, Service, ServiceError, Settings, SignedHead, UnixMs, prove_keyring};
use store::{
    Store,
    audit::{Chain, Trail as _},
};
use store_sqlite::{OpenError, Sqlite};
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
    task::JoinHandle,
    time::MissedTickBehavior,
};
use vault::shown;

use crate::{
    Failure,
    cities::CityDatabase,
    courier::HttpCourier,
    heads::HeadsFiles,
    home::{ADMIN_KEY, DATABASE, Environment, HEADS, KEYRING, not_for_others, private_dir, there},
};

/// The pause between two looks at the files; heads are written then, when there is a new one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The pause between two looks for expired records.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(30);
/// The pause between two savings of when sessions were last seen: so much earlier one may end after a crash.
const TOUCHES_EVERY: Duration = Duration::from_secs(60);
/// The pause between two rounds of indexing and of counting what was decided.
const INDEXING_EVERY: Duration = Duration::from_secs(5);
/// The pause between two rounds of sending notices.
const DELIVERING_EVERY: Duration = Duration::from_secs(1);
/// The time that a look may take until nothing is decided.
const LOOK_PATIENCE: Duration = Duration::from_secs(5);
/// The time that closing may take. With the open requests before that, it is less than service managers wait.
const CLOSE_PATIENCE: Duration = Duration::from_secs(15);

/// An operator's statements about the past of a data directory.
#[derive(Default)]
pub(crate) struct Custody {
    /// The second copy of the heads.
    pub(crate) heads_file: Option<PathBuf>,
    /// What proved the past is missing, and that is accepted.
    pub(crate) begin_anew: bool,
}

/// A service that runs, and the database under it.
pub(crate) struct RunningService {
    /// The use cases.
    pub(crate) service: Arc<Service>,
    /// For requests that come without an id, on all of its listeners.
    pub(crate) request_ids: RequestIds,
    engine: Arc<Sqlite>,
    cities: Arc<CityDatabase>,
    keeper: Arc<Mutex<Keeper>>,
}

impl RunningService {
    /// Takes the directory's owner lock, holds the database against the heads that it once had and the keyring against
    /// the database, and migrates.
    pub(crate) async fn open(
        dir: &Path,
        settings: Settings,
        cities: CityDatabase,
        custody: &Custody,
    ) -> Result<Self, Failure> {
        let cities = Arc::new(cities);
        private_dir(dir)?;
        not_for_others(&dir.join(ADMIN_KEY))?;
        let mut files = HeadsFiles::read(dir, custody.heads_file.as_deref())?;
        let unproven = begins(dir, &mut files, custody.begin_anew)?;
        let environment = Environment::of(dir)?;
        let heads = files.prove(&*environment.keyring)?;
        let known = (!unproven).then_some(heads.as_slice());
        let engine = environment.open_store(dir, "serve", true, known);
        let engine = Arc::new(engine.map_err(|error| refusal(error, &files, dir))?);
        // From here on the next start asks for this one.
        let register = engine.chains().await.map_err(Failure::new)?;
        files.take_in(&register, &*environment.keyring);
        files.advance(SignedHead::new(engine.head(), &*environment.keyring));
        if custody.heads_file.is_none() {
            let before = files.forget_elsewhere();
            let before = before.map_or(String::new(), |path| format!("; {} was one until now", shown(&path)));
            tracing::warn!(
                "heads of the trail are kept in the data directory alone: that all of it was put back cannot be seen from \
                 inside. Name a file on another disk with --heads-file{before}"
            );
        }
        files.write(&*environment.keyring)?;
        let store: Arc<dyn Store> = engine.clone();
        let ports = Ports {
            store,
            clock: environment.clock,
            entropy: environment.entropy,
            sealer: environment.keyring.clone(),
            signer: environment.keyring.clone(),
            cities: cities.clone(),
        };
        prove_keyring(&ports).await.map_err(|error| match error {
            ServiceError::Untrusted(words) => Failure::new(words).help(KEYRING_BACK),
            other => Failure::new(other),
        })?;
        let mut process = [0; 8];
        ports.entropy.fill(&mut process).map_err(Failure::new)?;
        let request_ids = RequestIds::new(u64::from_ne_bytes(process));
        let keyring = upgraded(environment.keyring, dir, ports.clock.now());
        let ports = Ports {
            sealer: keyring.clone(),
            signer: keyring.clone(),
            ..ports
        };
        if !ports.cities.is_in_force() {
            tracing::info!(
                "no database of cities is named: suspicious-login protection is off but for risks that callers report"
            );
        }
        let service = Service::start(ports, settings).await.map_err(Failure::new)?;
        let keeper = Keeper {
            dir: dir.to_owned(),
            files,
            keyring,
            others: Others::of(&register, engine.head().chain),
        };
        Ok(Self {
            service: Arc::new(service),
            request_ids,
            engine,
            cities,
            keeper: Arc::new(Mutex::new(keeper)),
        })
    }

    /// Looks at the files, writes heads, keeps house, fills the history's index and sends notices, until it is stopped.
    pub(crate) fn look_after(&self, courier: HttpCourier) -> Result<LookingAfter, Failure> {
        let (stop, mut stopped) = watch::channel(());
        let (looked, looks) = mpsc::channel();
        // On a thread of its own: a disk that hangs keeps whoever looks at it, and nobody who answers.
        let (engine, keeper) = (self.engine.clone(), self.keeper.clone());
        let runtime = Handle::current();
        let looking = move || {
            runtime.block_on(async {
                let mut due = tokio::time::interval(LOOK_EVERY);
                due.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    tokio::select! {
                        _ = stopped.changed() => break,
                        _ = due.tick() => look(&engine, &keeper).await,
                    }
                    let _nobody_waits = looked.send(Looked::Done);
                }
            });
            let _nobody_waits = looked.send(Looked::Stopped);
        };
        let looking = on_a_thread("look", looking)?;
        let engine = self.engine.clone();
        on_a_thread("look-late", move || watch_looks(&engine, &looks))?;
        let service = self.service.clone();
        let housekeeping = every(HOUSEKEEPING_EVERY, move || {
            let service = service.clone();
            async move {
                if let Err(error) = service.run_housekeeping(&Caller::system()).await {
                    tracing::warn!(%error, "housekeeping waits");
                }
            }
        });
        let service = self.service.clone();
        let indexing = every(INDEXING_EVERY, move || {
            let service = service.clone();
            async move {
                if let Err(error) = service.index_history(&Caller::system()).await {
                    tracing::warn!(%error, "the history's index waits");
                }
            }
        });
        let service = self.service.clone();
        let counting = every(INDEXING_EVERY, move || {
            let service = service.clone();
            async move {
                if let Err(error) = service.count_activity(&Caller::system()).await {
                    tracing::warn!(%error, "the day's counts wait");
                }
            }
        });
        let cities = self.cities.clone();
        let looking_at_cities = every(LOOK_EVERY, move || {
            let cities = cities.clone();
            async move {
                if tokio::task::spawn_blocking(move || cities.look()).await.is_err() {
                    tracing::error!("the database of cities could not be looked at");
                }
            }
        });
        let service = self.service.clone();
        let touches = every(TOUCHES_EVERY, move || {
            let service = service.clone();
            async move {
                if let Err(error) = service.save_touches(&Caller::system()).await {
                    tracing::warn!(%error, "when sessions were last seen waits to be saved");
                }
            }
        });
        let (service, courier) = (self.service.clone(), Arc::new(courier));
        let delivering = every(DELIVERING_EVERY, move || {
            let (service, courier) = (service.clone(), courier.clone());
            async move {
                if let Err(error) = service.deliver_notices(&Caller::system(), &*courier).await {
                    tracing::warn!(%error, "notices wait");
                }
            }
        });
        Ok(LookingAfter {
            stop,
            looking,
            jobs: [housekeeping, indexing, counting, looking_at_cities, touches, delivering],
        })
    }

    /// Answers what waits, closes the trail, and lets go of the directory; all that as long as the disk answers.
    pub(crate) async fn close(self, looking_after: Option<LookingAfter>) -> Result<(), Failure> {
        let looking = match looking_after {
            Some(LookingAfter { stop, looking, jobs }) => {
                for job in jobs {
                    job.abort();
                    let _aborted = job.await;
                }
                let _it_ended_before = stop.send(());
                Some(looking)
            }
            None => None,
        };
        let (done, closed) = oneshot::channel();
        let runtime = Handle::current();
        on_a_thread("close", move || {
            // It may be writing heads at this moment: not after another service has the directory.
            let _ended = looking.map(thread::JoinHandle::join);
            let _nobody_waits = done.send(runtime.block_on(self.close_here()));
        })?;
        match tokio::time::timeout(CLOSE_PATIENCE, closed).await {
            Ok(Ok(closed)) => closed,
            Ok(Err(_)) => Err(Failure::new("closing the database failed")),
            Err(_) => Err(Failure::new(format!(
                "the database could not be closed for {} s: its disk, or that of the heads, does not answer",
                CLOSE_PATIENCE.as_secs()
            ))
            .help("nothing that was answered is lost: the next start goes on where this one ended")),
        }
    }

    async fn close_here(self) -> Result<(), Failure> {
        self.service.close().await;
        let closed = self.service.close_trail(&Caller::system()).await;
        // Heads of one that lost its directory are not for the files of the one that has it.
        if let Ok(head) = &closed {
            let register = self.engine.chains().await.map_err(Failure::new)?;
            let mut keeper = lock(&self.keeper);
            let Keeper { files, keyring, .. } = &mut *keeper;
            files.take_in(&register, &**keyring);
            files.advance(head.clone());
            files.write(&**keyring)?;
        }
        let ended = self.engine.close().map_err(Failure::new);
        closed.map_err(Failure::new)?;
        ended
    }
}

/// The jobs beside the answers.
pub(crate) struct LookingAfter {
    stop: watch::Sender<()>,
    looking: thread::JoinHandle<()>,
    jobs: [JoinHandle<()>; 6],
}

/// The messages of the thread that looks.
enum Looked {
    Done,
    Stopped,
}

/// Nothing is decided while the looks are late, or have ended by themselves.
fn watch_looks(engine: &Sqlite, looks: &mpsc::Receiver<Looked>) {
    loop {
        match looks.recv_timeout(LOOK_PATIENCE) {
            Ok(Looked::Done) => {}
            Ok(Looked::Stopped) => return,
            Err(RecvTimeoutError::Timeout) => engine.doubt(Some(format!(
                "the files could not be looked at for {} s: their disk does not answer",
                LOOK_PATIENCE.as_secs()
            ))),
            Err(RecvTimeoutError::Disconnected) => {
                engine.doubt(Some("the files are not looked at any more: start again".into()));
                return;
            }
        }
    }
}

/// Does a job now and again; one that takes long is not made up for.
fn every<J, F>(period: Duration, job: J) -> JoinHandle<()>
where
    J: Fn() -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    tokio::spawn(async move {
        let mut due = tokio::time::interval(period);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            job().await;
        }
    })
}

fn on_a_thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, Failure> {
    let started = thread::Builder::new().name(name.into()).spawn(work);
    started.map_err(|error| Failure::new(format!("no thread: {error}")))
}

/// The keyring and the heads, which the process looks after beside the engine.
struct Keeper {
    dir: PathBuf,
    files: HeadsFiles,
    keyring: Arc<Keyring>,
    others: Others,
}

/// The chains that others write, as far as the register is known: commands beside the service.
struct Others {
    own: i64,
    /// The newest chain that was seen. Numbers rise by one, so the next chain is the one after it.
    newest: i64,
    /// Chains are open, and will be closed; for how many looks.
    open: Option<u32>,
}

async fn look(engine: &Sqlite, keeper: &Mutex<Keeper>) {
    let sound = engine.look().await.is_ok();
    let register = if sound { news(engine, keeper).await } else { None };
    let mut keeper = lock(keeper);
    let mut doubt = keeper.doubt();
    if sound && doubt.is_none() {
        let Keeper {
            files, keyring, others, ..
        } = &mut *keeper;
        let touched = files.touched().map(|path| format!("{} was changed", name(path)));
        if let Some(what) = &touched {
            tracing::error!("{what} by another program; it is written again");
        }
        let new = register.is_some_and(|register| {
            others.seen(&register);
            files.take_in(&register, &**keyring)
        });
        if (files.advance(SignedHead::new(engine.head(), &**keyring)) || new || touched.is_some())
            && let Err(error) = files.write(&**keyring)
        {
            tracing::warn!(%error, "the newest head of the trail is not kept");
            doubt = touched.map(|what| format!("{what}, and cannot be written again"));
        }
    }
    engine.doubt(doubt);
}

/// The register, when there may be something new in it. A look at one of its rows says so; all of it is read only then.
async fn news(engine: &Sqlite, keeper: &Mutex<Keeper>) -> Option<Vec<Chain>> {
    let (next, is_due) = lock(keeper).others.asked();
    // A row that cannot be read is for the whole register to say.
    let is_there = engine.last_of(next).await.map_or(true, |head| head.is_some());
    if !is_there && !is_due {
        return None;
    }
    engine.chains().await.ok()
}

impl Others {
    fn of(register: &[Chain], own: i64) -> Self {
        let mut others = Self {
            own,
            newest: 0,
            open: None,
        };
        others.seen(register);
        others
    }

    /// The chain that comes next, and whether one that is known may have been closed: a command that was killed leaves
    /// its chain open until the next start, and is asked about more seldom after a minute.
    fn asked(&mut self) -> (i64, bool) {
        let is_due = self.open.as_mut().is_some_and(|looks| {
            *looks = looks.saturating_add(1);
            *looks <= 60 || looks.is_multiple_of(30)
        });
        (self.newest + 1, is_due)
    }

    fn seen(&mut self, register: &[Chain]) {
        let newest = register.last().map_or(0, |chain| chain.chain);
        let is_open = register
            .iter()
            .any(|chain| chain.closing.is_none() && chain.chain != self.own);
        if newest > self.newest {
            (self.newest, self.open) = (newest, None);
        }
        self.open = is_open.then(|| self.open.unwrap_or(0));
    }
}

impl Keeper {
    /// Why nothing should be decided: others may enter, or a restart would not find its keyring.
    fn doubt(&self) -> Option<String> {
        if private_dir(&self.dir).is_err() {
            return Some("the data directory may be entered by others, or is gone: chmod 700 it".into());
        }
        match self.keyring.check(&self.dir.join(KEYRING)) {
            Ok(false) => None,
            Ok(true) => {
                tracing::info!("the keyring has a new grant key: keep a new copy, apart from the database's backups");
                None
            }
            Err(KeyringError::Missing(_)) => Some("the keyring is gone: put it back".into()),
            Err(KeyringError::Exposed { .. }) => Some("the keyring can be read by others: chmod 600 it".into()),
            Err(KeyringError::Io(error)) => Some(format!("the keyring cannot be read: {error}")),
            Err(_) => {
                Some("the keyring is not the one that was opened: put that back, or start again with this one".into())
            }
        }
    }
}

fn name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The keyring of a file that has its MAC keys, a grant key and a session key in lines of their own. Where they cannot be written the MAC
/// keys are derived as before, which is right as long as the sealing keys stay; and no grant is given, and no session.
fn upgraded(keyring: Arc<Keyring>, dir: &Path, now: UnixMs) -> Arc<Keyring> {
    match keyring.upgrade(&dir.join(KEYRING), now) {
        Ok(Some(upgraded)) => {
            tracing::info!(
                "the keyring has new lines now, for a MAC key, a grant key or a session key: keep a new copy, apart from the database's backups"
            );
            Arc::new(upgraded)
        }
        Ok(None) => keyring,
        Err(error) => {
            tracing::warn!(%error, "the keyring's new lines cannot be written, and without a key of grants and one of sessions neither is given: it is tried again at the next start");
            keyring
        }
    }
}

const KEYRING_BACK: &str = "put back the keyring file that belongs to this database";

/// True if it goes on without proof, which only `--begin-anew` accepts: to begin where something was would leave every
/// user without a second factor; to go on with a database that nothing proves would make used codes good again.
fn begins(dir: &Path, files: &mut HeadsFiles, anew: bool) -> Result<bool, Failure> {
    let database = there(&dir.join(DATABASE))?.is_some_and(|found| found.len() > 0);
    let keyring = there(&dir.join(KEYRING))?.is_some();
    let shown = dir.display();
    if !database && !files.is_empty() {
        return Err(Failure::new(format!(
            "{shown} had a database once, as {HEADS} says, and {DATABASE} is missing or empty"
        ))
        .help(format!(
            "put the database back; to begin anew without it, move {} away, and its copy elsewhere, and start once with \
             --begin-anew",
            dir.join(HEADS).display()
        )));
    }
    let unsealed = anew && files.accept_unsealed();
    if let Some((empty, other)) = files.emptied() {
        let (empty, other) = (empty.display(), other.display());
        return Err(Failure::new(format!("{empty} is empty, and {other} is not"))
            .help(format!("put it back as it was kept, or: cp {other} {empty}")));
    }
    let missing = files.missing();
    let lost = missing.is_some() && (database || keyring);
    match missing {
        Some(_) if lost && anew => {}
        Some((missing, Some(other))) if database => {
            let (missing, other) = (missing.display(), other.display());
            return Err(Failure::new(format!(
                "{missing} is missing: without it nobody can tell whether the database is the newest"
            ))
            .help(format!(
                "mount its disk, or put it back; to begin keeping heads there: cp {other} {missing}"
            )));
        }
        Some((missing, _)) if database => {
            return Err(Failure::new(format!(
                "{} is missing: without it nobody can tell whether the database is the newest",
                missing.display()
            ))
            .help(
                "put it back. If this is an older database, codes that were used, devices that were unbound and keys that \
                 were revoked since are good again; who accepts that starts once with --begin-anew",
            ));
        }
        Some(_) if keyring => {
            return Err(Failure::new(format!(
                "{shown} has a keyring, so there were users, and neither a database nor heads"
            ))
            .help("put the database and audit.heads back; who accepts that all users begin anew starts once with --begin-anew"));
        }
        None if anew && !unsealed && (database || keyring) => {
            return Err(Failure::new(format!("nothing is missing in {shown}")).help("start without --begin-anew"));
        }
        _ => {}
    }
    if !database {
        files.begin()?;
    }
    Ok(lost && files.is_empty())
}

/// The failure of what the engine refuses, with the file that says so.
pub(crate) fn refusal(error: OpenError, files: &HeadsFiles, dir: &Path) -> Failure {
    match &error {
        OpenError::Behind { head } => Failure::new(format!(
            "the database is older than {}: {error}",
            files.file_of(head).display()
        ))
        .help(
            "put the newest database back. With an older one, codes that were used, devices that were unbound and \
                 keys that were revoked since are good again; who accepts that moves the heads away, all copies, and \
                 starts once with --begin-anew",
        ),
        OpenError::Other { head } => Failure::new(format!("{}: {error}", files.file_of(head).display()))
            .help("put back the database that these heads were written for"),
        OpenError::NoHeads => Failure::new(format!("{} is empty: {error}", dir.join(HEADS).display())).help(
            "put it back as it was kept; who accepts that nothing proves this database moves it away and starts once \
             with --begin-anew",
        ),
        OpenError::Unnamed { .. } => Failure::new(format!(
            "{} is older than the database, or somebody took a line away: {error}",
            dir.join(HEADS).display()
        ))
        .help(
            "put the newest heads back, as they were kept; who accepts that nothing proves this database moves them away, \
             all copies, and starts once with --begin-anew",
        ),
        OpenError::OtherKeyring { .. } => Failure::new(error).help(KEYRING_BACK),
        OpenError::Files { path, error } if error.kind() == ErrorKind::ReadOnlyFilesystem => {
            Failure::new(format!("{}: {error}", path.display()))
                .help("its disk must be mounted for writing; or name another directory with --data-dir DIR")
        }
        _ => Failure::new(error),
    }
}
