//! One change of a data directory by a command, beside the service that runs on it or without one.

use std::{path::Path, sync::Arc};

use service::{Caller, Ports, Service, ServiceError, Settings, SignedHead, Signer, audit::Trail as _};
use store_sqlite::OwnerLock;
use vault::shown;

use super::block_on;
use crate::{
    Failure,
    heads::{HeadsFiles, SecondCopy},
    home::Environment,
    opened::refusal,
    settings::Configured,
};

/// Does one thing to the database of this directory, whether or not a service runs on it.
pub(super) fn beside<T>(
    configured: &Configured,
    second: &SecondCopy,
    writer: &str,
    work: impl AsyncFnOnce(&Service) -> Result<T, ServiceError>,
) -> Result<T, Failure> {
    let work = async |service: &Service, ()| work(service).await;
    on_data(configured, second, (writer, false), async |_| Ok(()), work)
}

/// The same where no service runs on the directory, for what changes more than keys.
pub(super) fn alone<T>(
    configured: &Configured,
    second: &SecondCopy,
    writer: &str,
    work: impl AsyncFnOnce(&Service) -> Result<T, ServiceError>,
) -> Result<T, Failure> {
    let work = async |service: &Service, ()| work(service).await;
    on_data(configured, second, (writer, true), async |_| Ok(()), work)
}

/// The same, of what has to be done before any service can start.
pub(super) fn alone_before<T>(
    configured: &Configured,
    second: &SecondCopy,
    writer: &str,
    before: impl AsyncFnOnce(&Ports) -> Result<T, ServiceError>,
) -> Result<T, Failure> {
    on_data(configured, second, (writer, true), before, async |_, done| Ok(done))
}

fn on_data<B, T>(
    configured: &Configured,
    second: &SecondCopy,
    (writer, is_alone): (&str, bool),
    before: impl AsyncFnOnce(&Ports) -> Result<B, ServiceError>,
    work: impl AsyncFnOnce(&Service, B) -> Result<T, ServiceError>,
) -> Result<T, Failure> {
    let (dir, settings) = configured.read()?;
    // What the configuration asks for is the service's to settle when it starts.
    let settings = Settings {
        user_names: None,
        ..settings
    };
    let heads_file = configured.second_copy(second)?;
    let heads_file = heads_file.as_deref();
    let mut files = HeadsFiles::read(&dir, heads_file)?;
    if let Some(path) = heads_file {
        not_lost(&files, path)?;
    }
    let environment = Environment::of(&dir)?;
    let heads = files.prove(&*environment.keyring)?;
    let store = environment.open_store(
        &dir,
        writer,
        is_alone,
        Some(&heads).filter(|heads| !heads.is_empty()).map(Vec::as_slice),
    );
    let store = Arc::new(store.map_err(|error| refusal(error, &files, &dir))?);
    if is_alone && !files.is_empty() {
        // From here on the next start asks for this one, which may be killed like any other.
        let register = block_on(store.chains())?.map_err(Failure::new)?;
        files.take_in(&register, &*environment.keyring);
        files.advance(SignedHead::new(store.head(), &*environment.keyring));
        files.write(&*environment.keyring)?;
    }
    let ports = Ports {
        store: store.clone(),
        clock: environment.clock,
        entropy: environment.entropy,
        sealer: environment.keyring.clone(),
        signer: environment.keyring.clone(),
        cities: Arc::new(service::NoCities),
    };
    let (worked, head) = block_on(async {
        let done = before(&ports).await?;
        let service = Service::start(ports, settings).await?;
        let worked = work(&service, done).await;
        service.close().await;
        Ok::<_, ServiceError>((worked, service.close_trail(&Caller::shell()).await?))
    })?
    .map_err(Failure::new)?;
    store.close().map_err(Failure::new)?;
    keep(&dir, heads_file, head, &*environment.keyring)?;
    worked.map_err(|error| match error {
        // A key is the only thing that is named here.
        ServiceError::NotFound(_) => Failure::new(error).help("`countersign key list` shows those that there are"),
        _ => Failure::new(error),
    })
}

/// A file that is lost is not made anew: the next start must ask for it.
fn not_lost(files: &HeadsFiles, heads_file: &Path) -> Result<(), Failure> {
    let lost = files.missing().map(|(path, _)| (path, "is missing"));
    let Some((path, what)) = lost.or_else(|| files.emptied().map(|(path, _)| (path, "is empty"))) else {
        return Ok(());
    };
    Err(
        Failure::new(format!("{} {what}: nothing was done", path.display())).help(format!(
            "mount its disk, or put it back; heads are kept in {} once `serve --heads-file` has made it",
            heads_file.display()
        )),
    )
}

/// Keeps the head of what was done; a service that runs does that itself.
fn keep(dir: &Path, heads_file: Option<&Path>, head: SignedHead, signer: &dyn Signer) -> Result<(), Failure> {
    let Some(_nobody_starts) = OwnerLock::if_free(dir).map_err(Failure::new)? else {
        return Ok(());
    };
    let did_something = head.position > 0;
    let mut files = HeadsFiles::read(dir, heads_file)?;
    // Where none is kept any more, one would hide that the others are missing.
    if !files.is_empty() && files.advance(head) {
        files.prove(signer)?;
        files.write(signer)?;
    }
    if did_something
        && heads_file.is_none()
        && let Some(elsewhere) = files.elsewhere()
    {
        let elsewhere = shown(elsewhere);
        eprintln!(
            "warning: no service runs, and {elsewhere} does not know of this: until the next start nobody can tell that \
             the data directory was put back as it was before. Do it with --heads-file {elsewhere}, or start `serve` now"
        );
    }
    Ok(())
}
