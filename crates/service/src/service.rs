//! The service: started, asked whether it is ready, and ended.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use store::{Change, Damage, UserNames};
use tokio::task::JoinHandle;

use crate::{
    Core, Ports, ServiceError, Settings,
    access::caller::Origin,
    protection::session::touches::save_touches,
    trail::event::NewEvent,
    upkeep::vouch,
    verification::{lane::Lane, lanes::Lanes},
};

/// The use cases.
pub struct Service {
    pub(crate) core: Arc<Core>,
    pub(crate) lanes: Arc<Lanes>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Service {
    /// Starts the lanes on the current runtime; [`Service::close`] ends it.
    pub async fn start(ports: Ports, settings: Settings) -> Result<Self, ServiceError> {
        let core = Arc::new(Core::new(ports, settings).await?);
        // Whoever starts us waits for the kernel's word, if that is all it takes.
        vouch::ask(&core).await?;
        let lanes = Arc::new(Lanes::new(core.settings.lanes));
        let running = tokio::spawn(supervise(lanes.clone(), core.clone()));
        Ok(Self {
            core,
            lanes,
            running: Mutex::new(Some(running)),
        })
    }

    /// By which a mouth makes a user of the names that it was sent (A3b).
    pub fn user_names(&self) -> UserNames {
        self.core.user_names
    }

    /// Answers what waits, lets nothing more in, and ends.
    pub async fn close(&self) {
        self.lanes.close();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running
            && let Err(error) = running.await
        {
            tracing::error!(%error, "the lanes did not end by themselves");
        }
        if let Err(error) = save_touches(&self.core).await {
            tracing::warn!(%error, "when sessions were last seen is not saved: they may end a minute early");
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
        if core.is_failing() {
            let origin = Origin::default();
            let event = core.event(&NewEvent::new("storage.probe", "done", &origin), now)?;
            core.commit(vec![Change::of(event)]).await?;
        }
        core.store.newest().await?;
        Ok(core.store.damage())
    }
}

/// Runs the lanes, and what goes on beside them.
async fn supervise(lanes: Arc<Lanes>, core: Arc<Core>) {
    let writing = tokio::spawn({
        let core = core.clone();
        async move { core.trail.refusals.write_always(&core).await }
    });
    let knowing = tokio::spawn({
        let core = core.clone();
        async move { core.trail.strangers.write_always(&core).await }
    });
    let watching = tokio::spawn({
        let core = core.clone();
        async move { vouch::watch(&core).await }
    });
    join_all(lanes.iter().map(|lane| run(lane, &core))).await;
    watching.abort();
    writing.abort();
    knowing.abort();
    core.trail.refusals.write(&core).await;
    core.trail.strangers.write(&core).await;
}

/// Runs this lane, again if it should ever panic: its callers are told 503, and nothing was decided.
async fn run(lane: &Arc<Lane>, core: &Arc<Core>) {
    while let Err(error) = tokio::spawn(lane.clone().run(core.clone())).await {
        tracing::error!(%error, "a lane ended; it is started again");
    }
}
