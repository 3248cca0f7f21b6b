//! The service: started, asked whether it is ready, and ended.

use std::sync::{Arc, Mutex, PoisonError};

use store::{Change, Damage, UserNames};
use tokio::task::JoinHandle;

use crate::{
    Core, Ports, ServiceError, Settings, access::caller::Origin, protection::session::touches::save_touches,
    trail::event::NewEvent, upkeep::vouch, verification::lane::Lane,
};

/// The use cases.
pub struct Service {
    pub(crate) core: Arc<Core>,
    pub(crate) lane: Arc<Lane>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Service {
    /// Starts the lane on the current runtime; [`Service::close`] ends it.
    pub async fn start(ports: Ports, settings: Settings) -> Result<Self, ServiceError> {
        let core = Arc::new(Core::new(ports, settings).await?);
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

    /// By which a mouth makes a user of the names that it was sent (A3b).
    pub fn user_names(&self) -> UserNames {
        self.core.user_names
    }

    /// Answers what waits, lets nothing more in, and ends.
    pub async fn close(&self) {
        self.lane.close();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running
            && let Err(error) = running.await
        {
            tracing::error!(%error, "the lane did not end by themselves");
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

/// Runs the lane, and what goes on beside it.
async fn supervise(lane: Arc<Lane>, core: Arc<Core>) {
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
    run(&lane, &core).await;
    watching.abort();
    writing.abort();
    knowing.abort();
    core.trail.refusals.write(&core).await;
    core.trail.strangers.write(&core).await;
}

/// Runs the lane itself, anew if it should ever panic: whoever waits then is told 503.
async fn run(lane: &Arc<Lane>, core: &Arc<Core>) {
    while let Err(error) = tokio::spawn(lane.clone().run(core.clone())).await {
        tracing::error!(%error, "the lane ended; it is started again");
    }
}
