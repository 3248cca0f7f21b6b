//! `countersign demo --pages`: the toy cloud of the examples, and the hosted pages beside it, for a browser.

#[path = "../../../examples/cloud/toy/mod.rs"]
mod toy;

use service::Entropy as _;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{
    super::{Done, serve::program},
    service::Running,
    telling::say_flush,
};
use crate::{
    Failure,
    real::{self, RealEntropy},
};

/// Serves until the process is told to end.
pub(super) fn serve(dir: &TempDir) -> Done {
    // Its address first: the API key leads browsers back there and nowhere else.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(Failure::new)?;
    listener.set_nonblocking(true).map_err(Failure::new)?;
    let own = format!("http://{}", listener.local_addr().map_err(Failure::new)?);
    let running = Running::start(dir.path(), toy::return_urls(&own), 0)?;
    let means = toy::Means {
        random: Box::new(random),
        now: Box::new(real::now_rfc3339),
    };
    let app = toy::router(toy::Cloud::new(&running.url, &running.key, &own, means));
    tell(dir, &running, &own)?;
    running.runtime.block_on(async {
        let listener = TcpListener::from_std(listener).map_err(Failure::new)?;
        axum::serve(listener, app).await.map_err(Failure::new)
    })?;
    Ok(std::process::ExitCode::SUCCESS)
}

fn random() -> toy::Told<[u8; 32]> {
    let mut bytes = [0; 32];
    RealEntropy::new().fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn tell(dir: &TempDir, running: &Running, own: &str) -> Result<(), Failure> {
    let (program, vault) = (program(), dir.path().join("phone.vault"));
    say_flush("Open this in a browser of this machine:")?;
    tell!("\n   {own}\n")?;
    say_flush(format_args!(
        "It is a toy cloud, with the hosted pages of a real service ({}) behind it. Register and log in there with any name \
         and password. [Security settings] leads to the pages: bind your phone by its QR code, and come back. From then on \
         the next login, and deleting a bucket, ask for a code.",
        running.url
    ))?;
    say_flush(
        "\nNo phone at hand? Choose \"Cannot scan?\" and give the key, as text, to an authenticator in another terminal. It wants a \
         passphrase of yours, of 8 characters or more:",
    )?;
    tell!(
        "\n   {program} authenticator add --vault {vault} --issuer toy\n   {program} authenticator code --vault {vault} toy",
        vault = vault.display()
    )?;
    say_flush("\nCtrl-C ends it, and nothing of it is left.")
}
