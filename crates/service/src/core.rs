//! The service: its ports, its settings, its start and end, and the one door to writing.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use otp::{Parameters, Step};
use store::{Bound, Change, Damage, Device, Id, Outcome, Owner, Protection, Sealed, Store, User, Write, audit};
use tokio::task::JoinHandle;
use verify::{DeviceParts, DeviceState, Kind, UnixMs};

use crate::{
    ServiceError, Settings,
    access::api_keys::KeyCache,
    access::caller::Origin,
    access::hourly_limit::HourlyLimit,
    ports::{Clock, Entropy, Sealer, Signer},
    sealing::Record,
    trail::names::NamesKey,
    trail::record::Entry,
    trail::refusal_counter::RefusalCounter,
    trail::strangers::Strangers,
    upkeep::clock::TrustedClock,
    upkeep::vouch,
    user_lock::{UserLocks, UserTurn},
    verification::lane::Lane,
};

/// What the service stands on.
#[derive(Clone)]
pub struct Ports {
    /// The engine.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Secrets at rest.
    pub sealer: Arc<dyn Sealer>,
    /// Signatures.
    pub signer: Arc<dyn Signer>,
}

/// Everything a use case needs.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: TrustedClock,
    clock_was_right_at: Mutex<Option<audit::Place>>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) sealer: Arc<dyn Sealer>,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) settings: Settings,
    pub(crate) keys: KeyCache,
    pub(crate) refusals: RefusalCounter,
    pub(crate) strangers: Strangers,
    /// Enrollments that were started.
    pub(crate) starts_of_user: HourlyLimit<Owner>,
    pub(crate) starts_of_key: HourlyLimit<Option<Id>>,
    turns: UserLocks,
    /// Held by whoever looks through all tokens.
    pub(crate) searching: tokio::sync::Mutex<()>,
    /// Held by whoever writes what was decided before, and by whoever erases a user: nothing names them afterwards.
    pub(crate) writing_behind: tokio::sync::Mutex<()>,
    /// The last commit failed.
    failing: AtomicBool,
    /// Judged where there is no device; bound to nobody.
    pub(crate) dummy_device: Bound,
}

impl Core {
    /// A UUIDv7.
    pub(crate) fn new_id(&self, now: UnixMs) -> Result<Id, ServiceError> {
        new_id(&*self.entropy, now)
    }

    /// The id of what is decided now, of the randomness of one salt.
    pub(crate) fn id_of(&self, now: UnixMs, salt: &[u8; 16]) -> Id {
        id_at(now, salt.first_chunk().unwrap_or(&[0; 10]))
    }

    /// The newest record when the clock was last known to be right, or when the service started.
    pub(crate) fn clock_was_right_at(&self) -> MutexGuard<'_, Option<audit::Place>> {
        self.clock_was_right_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fresh salts for this many events.
    pub(crate) fn salts(&self, count: usize) -> Result<std::vec::IntoIter<[u8; 16]>, ServiceError> {
        let mut salts = vec![[0_u8; 16]; count];
        self.entropy.fill(salts.as_flattened_mut())?;
        Ok(salts.into_iter())
    }

    /// This user's turn to change their factors; everything but `verify` takes it.
    pub(crate) async fn turn(&self, owner: &Owner) -> Result<UserTurn<'_>, ServiceError> {
        self.turns.take(owner, self.settings.waiting_per_user).await
    }

    /// What a change of factors stands on: whatever changes them meanwhile changes the revision of the user's row, and what
    /// expected it misses.
    pub(crate) async fn factors(&self, owner: &Owner, now: UnixMs) -> Result<Factors, ServiceError> {
        let user = self.row(owner, now).await?;
        let protection = self.store.protection(owner.clone()).await?;
        Ok(Factors { user, protection })
    }

    /// The row of this user; a new one for somebody who has none, which is written by what stands on it, or by itself.
    pub(crate) async fn row(&self, owner: &Owner, now: UnixMs) -> Result<User, ServiceError> {
        match self.store.user(owner.clone()).await? {
            Some(user) => Ok(user),
            None => self.strangers.row(self, owner, now),
        }
    }

    /// The one door to the store's writing.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Outcome>, ServiceError> {
        let committed = self.store.commit(changes).await;
        self.failing.store(committed.is_err(), Relaxed);
        Ok(committed?)
    }

    /// One event of no user, salted.
    pub(crate) fn event(&self, entry: &Entry<'_>, now: UnixMs) -> Result<audit::Event, ServiceError> {
        entry.salted(now, self.salt()?)
    }

    /// One event of this user, salted, with their names sealed.
    pub(crate) async fn event_of(
        &self,
        user: &User,
        entry: &Entry<'_>,
        now: UnixMs,
    ) -> Result<audit::Event, ServiceError> {
        if user.revision.is_none() {
            self.strangers.say(user);
        }
        let key = if entry.has_names() {
            self.names_key(user).await?
        } else {
            None
        };
        entry.sealed(now, self.salt()?, user.id, key.as_ref(), &*self.sealer)
    }

    /// `None` of a user who was erased since their row was read, and where it does not open: what happened is told all the
    /// same, without names.
    async fn names_key(&self, user: &User) -> Result<Option<NamesKey>, ServiceError> {
        let sealed = match &user.names_key {
            Some(new) => Some(new.clone()),
            None => {
                let named = self.store.named(vec![user.id]).await?.pop().flatten();
                named.map(|named| named.names_key)
            }
        };
        Ok(sealed.and_then(|sealed| NamesKey::opened(&*self.sealer, user.id, &sealed)))
    }

    /// One event of this user, or of nobody where their row cannot be read: one spoiled row is in nobody else's way.
    pub(crate) async fn event_about(
        &self,
        owner: &Owner,
        entry: Entry<'_>,
        now: UnixMs,
    ) -> Result<audit::Event, ServiceError> {
        match self.row(owner, now).await {
            Ok(row) => self.event_of(&row, &entry.of_user(), now).await,
            Err(ServiceError::Internal(error)) => {
                tracing::error!(%error, "something happened to a user whose row cannot be read");
                self.event(&entry, now)
            }
            Err(error) => Err(error),
        }
    }

    fn salt(&self) -> Result<[u8; 16], ServiceError> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt)?;
        Ok(salt)
    }
}

/// A user's factors, as read for a change of them.
pub(crate) struct Factors {
    /// On whose revision the change depends; a new row for a user who has none.
    pub(crate) user: User,
    /// The settings.
    pub(crate) protection: Option<Protection>,
}

impl Factors {
    /// The settings, if they become others.
    pub(crate) fn become_protected(&self, next: Protection) -> Option<Write> {
        let expected = self.protection.as_ref().map(|old| old.version);
        let version = expected.unwrap_or(0);
        let same = Protection { version, ..next };
        let is_set = self
            .protection
            .as_ref()
            .unwrap_or(&Protection::none(same.owner.clone()))
            != &same;
        is_set.then(|| {
            let version = version + 1;
            Write::put(expected, &Protection { version, ..same })
        })
    }
}

/// The write of a row in which no device came or went.
pub(crate) fn touched(user: User) -> Write {
    if user.revision.is_some() {
        user.used()
    } else {
        user.changed()
    }
}

fn new_id(entropy: &dyn Entropy, now: UnixMs) -> Result<Id, ServiceError> {
    let mut random = [0; 10];
    entropy.fill(&mut random)?;
    Ok(id_at(now, &random))
}

fn id_at(now: UnixMs, random: &[u8; 10]) -> Id {
    store::id_at(u64::try_from(now.get()).unwrap_or(0), random)
}

/// The use cases.
pub struct Service {
    pub(crate) core: Arc<Core>,
    pub(crate) lane: Arc<Lane>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Service {
    /// Starts the lane on the current runtime; [`Service::close`] ends it.
    pub async fn start(ports: Ports, settings: Settings) -> Result<Self, ServiceError> {
        let at_start = ports.store.newest().await?;
        let dummy_device = dummy_device(&ports)?;
        let core = Arc::new(Core {
            clock: TrustedClock::new(ports.clock, at_start.map(|newest| newest.at), settings.clock_gap_ms),
            clock_was_right_at: Mutex::new(at_start.map(|newest| newest.place)),
            store: ports.store,
            entropy: ports.entropy,
            sealer: ports.sealer,
            signer: ports.signer,
            settings,
            keys: KeyCache::default(),
            refusals: RefusalCounter::default(),
            strangers: Strangers::default(),
            starts_of_user: HourlyLimit::default(),
            starts_of_key: HourlyLimit::default(),
            turns: UserLocks::default(),
            searching: tokio::sync::Mutex::default(),
            writing_behind: tokio::sync::Mutex::default(),
            failing: AtomicBool::new(false),
            dummy_device,
        });
        // Whoever starts us waits for the kernel's word, if that is all it takes.
        vouch::ask(&core).await?;
        let lane = Lane::new();
        let running = tokio::spawn(supervise(lane.clone(), core.clone()));
        Ok(Self {
            core,
            lane,
            running: Mutex::new(Some(running)),
        })
    }

    /// Answers what waits, lets nothing more in, and ends.
    pub async fn close(&self) {
        self.lane.close();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running
            && let Err(error) = running.await
        {
            tracing::error!(%error, "the lane did not end by itself");
        }
    }

    /// Whether codes can be judged at the moment, and what could not be read since the start, beside which the rest serves;
    /// for `/readyz`.
    ///
    /// After a commit that failed, this tries another: nobody sends requests to a node that is not ready,
    /// so nobody else would find out that the disk has room again.
    pub async fn ready(&self) -> Result<Damage, ServiceError> {
        let core = &*self.core;
        core.store.trusted()?;
        let now = core.clock.now()?;
        if core.failing.load(Relaxed) {
            let origin = Origin::default();
            let event = core.event(&Entry::new("storage.probe", "done", &origin), now)?;
            core.commit(vec![Change::of(event)]).await?;
        }
        core.store.newest().await?;
        Ok(core.store.damage())
    }
}

/// Runs the lane, again if it should ever panic: its callers are told 503, and nothing was decided.
async fn supervise(lane: Arc<Lane>, core: Arc<Core>) {
    let writing = tokio::spawn({
        let core = core.clone();
        async move { core.refusals.write_always(&core).await }
    });
    let knowing = tokio::spawn({
        let core = core.clone();
        async move { core.strangers.write_always(&core).await }
    });
    let watching = tokio::spawn({
        let core = core.clone();
        async move { vouch::watch(&core).await }
    });
    while let Err(error) = tokio::spawn(lane.clone().run(core.clone())).await {
        tracing::error!(%error, "the lane ended; it is started again");
    }
    watching.abort();
    writing.abort();
    knowing.abort();
    core.refusals.write(&core).await;
    core.strangers.write(&core).await;
}

/// A device of nobody under a secret of its own.
fn dummy_device(ports: &Ports) -> Result<Bound, ServiceError> {
    let now = ports.clock.now();
    let mut device = Device {
        id: new_id(&*ports.entropy, now)?,
        owner: Owner::new("", ""),
        kind: Kind::Virtual,
        serial_number: None,
        label: String::new(),
        parameters: Parameters::DEFAULT,
        sealed: Sealed {
            key_id: 0,
            bytes: Vec::new(),
        },
        bound_at: now,
    };
    let secret = enroll::new_secret(|bytes| ports.entropy.fill(bytes))?;
    device.sealed = Record::of_device(&device).seal(&*ports.sealer, &secret)?;
    Ok(Bound {
        device,
        state: DeviceState::restored(DeviceParts::bound(Step::new(0), 0, now)),
    })
}
