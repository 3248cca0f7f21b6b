//! Core of the service: the ports, the settings, and the one door to writing.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use store::{Change, Id, OneSpelling, Outcome, Owner, Store, UserNames};
use verify::UnixMs;

use crate::{
    ServiceError, Settings,
    access::{api_keys::KeyCache, hourly_limit::HourlyLimit},
    enrollment::start::StartLimits,
    inventory::find_by_code::TokenSearch,
    ports::{Cities, Clock, Entropy, Sealer, Signer},
    protection::{catalogue::OwnCatalogue, session::registry::SessionRegistry, user_limit::UserCounting},
    trail::{WrittenBehind, activity::ActivityCounter},
    upkeep::{clock::TrustedClock, user_names::settled},
    user_lock::{UserLock, UserLocks},
    verification::dummy_device::DummyDevice,
};

/// The ports of the service: engine, clock, entropy, sealer, signer, cities.
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
    /// Cities of addresses.
    pub cities: Arc<dyn Cities>,
}

/// Everything a use case needs: the ports, the settings, and what each room keeps in memory.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: TrustedClock,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) sealer: Arc<dyn Sealer>,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) cities: Arc<dyn Cities>,
    pub(crate) settings: Settings,
    /// By which whatever names a user means one (A3b).
    pub(crate) user_names: UserNames,
    user_locks: UserLocks,
    /// The last commit failed.
    failing: AtomicBool,
    // Of the rooms.
    pub(crate) api_keys: KeyCache,
    pub(crate) enrollment_starts: StartLimits,
    pub(crate) token_search: TokenSearch,
    pub(crate) own_operations: OwnCatalogue,
    pub(crate) sessions: SessionRegistry,
    pub(crate) user_counting: UserCounting,
    pub(crate) trail: WrittenBehind,
    pub(crate) activity: ActivityCounter,
    pub(crate) dummy_device: DummyDevice,
    pub(crate) page_links: HourlyLimit<Owner>,
    /// Whoever has the password has prompts made: they take nothing from the links to the settings.
    pub(crate) prompt_links: HourlyLimit<Owner>,
    pub(crate) page_acts: HourlyLimit<Id>,
    /// Answers of one session of a prompt take turns.
    pub(crate) answering: UserLocks<Id>,
}

impl Core {
    /// The core of a service that starts; reads the newest row for the clock, and the living sessions. Nothing
    /// runs yet.
    pub(crate) async fn new(ports: Ports, settings: Settings) -> Result<Self, ServiceError> {
        let user_names = settled(&ports, settings.user_names).await?;
        let ports = Ports {
            store: OneSpelling::over(ports.store, user_names),
            ..ports
        };
        let newest = ports.store.newest().await?;
        let sessions = SessionRegistry::load(&*ports.store).await?;
        let dummy_device = DummyDevice::new(&ports)?;
        Ok(Self {
            clock: TrustedClock::new(ports.clock, newest.map(|newest| newest.at), settings.clock_gap_ms)
                .right_since(newest.map(|newest| newest.place)),
            store: ports.store,
            entropy: ports.entropy,
            sealer: ports.sealer,
            signer: ports.signer,
            cities: ports.cities,
            settings,
            user_names,
            user_locks: UserLocks::default(),
            failing: AtomicBool::new(false),
            api_keys: KeyCache::default(),
            enrollment_starts: StartLimits::default(),
            token_search: TokenSearch::default(),
            own_operations: OwnCatalogue::default(),
            sessions,
            user_counting: UserCounting::default(),
            trail: WrittenBehind::default(),
            activity: ActivityCounter::default(),
            dummy_device,
            page_links: HourlyLimit::default(),
            prompt_links: HourlyLimit::default(),
            page_acts: HourlyLimit::default(),
            answering: UserLocks::default(),
        })
    }

    /// Whether the last commit failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Relaxed)
    }

    /// A UUIDv7.
    pub(crate) fn new_id(&self, now: UnixMs) -> Result<Id, ServiceError> {
        new_id(&*self.entropy, now)
    }

    /// The id of what is decided now, of the randomness of one salt.
    pub(crate) fn id_of(&self, now: UnixMs, salt: &[u8; 16]) -> Id {
        id_at(now, salt.first_chunk().unwrap_or(&[0; 10]))
    }

    /// Fresh salts for this many events.
    pub(crate) fn salts(&self, count: usize) -> Result<std::vec::IntoIter<[u8; 16]>, ServiceError> {
        let mut salts = vec![[0_u8; 16]; count];
        self.entropy.fill(salts.as_flattened_mut())?;
        Ok(salts.into_iter())
    }

    /// The lock of this user's factors; every change of them but `verify` takes it.
    pub(crate) async fn lock_user(&self, owner: &Owner) -> Result<UserLock<'_>, ServiceError> {
        self.user_locks.take(owner, self.settings.waiting_per_user).await
    }

    /// The one door to the store's writing.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Outcome>, ServiceError> {
        let committed = self.store.commit(changes).await;
        self.failing.store(committed.is_err(), Relaxed);
        Ok(committed?)
    }
}

fn id_at(now: UnixMs, random: &[u8; 10]) -> Id {
    store::id_at(u64::try_from(now.get()).unwrap_or(0), random)
}

/// A UUIDv7 of this time.
pub(crate) fn new_id(entropy: &dyn Entropy, now: UnixMs) -> Result<Id, ServiceError> {
    let mut random = [0; 10];
    entropy.fill(&mut random)?;
    Ok(id_at(now, &random))
}
