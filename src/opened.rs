//! The service of a data directory, as long as a process has it.

use std::{path::Path, path::PathBuf, sync::Arc};

use service::{Ports, Service, Settings};
use store::Store;
use store_sqlite::Sqlite;

use crate::{
    Failure,
    heads::Heads,
    home::{DATABASE, HEADS, Means},
};

/// A service that runs, and the database under it.
pub(crate) struct Opened {
    /// The use cases.
    pub(crate) service: Arc<Service>,
    engine: Arc<Sqlite>,
    dir: PathBuf,
}

impl Opened {
    /// Takes the directory's owner lock, migrates, and holds the database against the heads that it once had.
    pub(crate) async fn open(dir: &Path, settings: Settings) -> Result<Self, Failure> {
        nothing_lost(dir)?;
        let means = Means::of(dir)?;
        let engine = Arc::new(means.open_store(dir, "serve", true)?);
        let store: Arc<dyn Store> = engine.clone();
        Heads::read(&dir.join(HEADS))?
            .reached_by(&*store, &*means.keyring)
            .await?;
        let ports = Ports {
            store,
            clock: means.clock,
            entropy: means.entropy,
            sealer: means.keyring.clone(),
            signer: means.keyring,
        };
        let service = Service::start(ports, settings).await.map_err(Failure::new)?;
        Ok(Self {
            service: Arc::new(service),
            engine,
            dir: dir.to_owned(),
        })
    }

    /// Answers what waits, closes the trail, and lets go of the directory.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.service.close().await;
        let head = self.service.close_trail().await.map_err(Failure::new)?;
        let mut heads = Heads::read(&self.dir.join(HEADS))?;
        heads.advance(head);
        heads.write(&self.dir.join(HEADS))?;
        self.engine.close().map_err(Failure::new)
    }
}

/// Refuses to begin anew where a database was: every user would be without a second factor, and the heads that
/// prove it would be overwritten.
fn nothing_lost(dir: &Path) -> Result<(), Failure> {
    let empty = |path: &Path| path.metadata().map_or(true, |found| found.len() == 0);
    if !dir.join(HEADS).exists() || !empty(&dir.join(DATABASE)) {
        return Ok(());
    }
    let (dir, heads) = (dir.display(), dir.join(HEADS));
    Err(Failure::new(format!(
        "{dir} had a database once, as {HEADS} says, and {DATABASE} is missing or empty"
    ))
    .help(format!(
        "put the database back; to begin anew without it, move {} away",
        heads.display()
    )))
}
