use std::{
    io::IsTerminal as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, builder::BoolishValueParser};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject as _},
};
use server::Limits;
use service::{NewKey, Origin, Role, Service};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::Done;
use crate::{
    Failure,
    home::{ADMIN_KEY, Home, not_for_others, write_private},
    opened::{Custody, Opened},
    settings::ConfigFile,
};

/// `countersign serve`: needs no configuration.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    home: Home,
    /// Where HTTP is served [default: 127.0.0.1:8700]
    #[arg(long, value_name = "ADDR:PORT", env = "COUNTERSIGN_LISTEN")]
    listen: Option<SocketAddr>,
    /// A TOML file; flags and the environment beat it
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: Option<PathBuf>,
    /// The server's certificate chain, in PEM
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Serves plain HTTP beyond this machine too: only behind something that does TLS
    #[arg(long, env = "COUNTERSIGN_ALLOW_PLAIN_HTTP", value_parser = BoolishValueParser::new())]
    allow_plain_http: bool,
    /// A second copy of the trail's newest heads, on another disk: by it a start knows that the whole data directory was
    /// put back
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_HEADS_FILE")]
    heads_file: Option<PathBuf>,
    /// Starts once without what is missing: heads of a database, or the database of a keyring. Used codes, unbound
    /// devices and revoked keys may be good again
    #[arg(long)]
    begin_anew: bool,
    /// What is logged to stderr, as `tracing` filters say it
    #[arg(
        long,
        value_name = "FILTER",
        env = "COUNTERSIGN_LOG",
        default_value = "info,refinery_core=warn"
    )]
    log: String,
}

impl Serve {
    pub(super) fn run(self) -> Done {
        log_to_stderr(&self.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(format!("no runtime: {error}")))?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Done {
        // From the first moment on: who is told to end while starting ends as tidily as later.
        let shutdown = shutdown_signal()?;
        let file = ConfigFile::read(self.config.as_deref())?;
        let settings = file.policy.settings()?;
        let home = Home {
            data_dir: self.home.data_dir.or(file.data_dir),
        };
        let address = self
            .listen
            .or(file.listen)
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8700)));
        let tls = match (self.tls_cert.or(file.tls_cert), self.tls_key.or(file.tls_key)) {
            (Some(cert), Some(key)) => Some(tls_config(&cert, &key)?),
            (None, None) => None,
            _ => {
                return Err(Failure::usage(
                    "a certificate and its key go together: give tls_cert and tls_key",
                ));
            }
        };
        if tls.is_none() && !self.allow_plain_http && !file.allow_plain_http {
            server::plain_http_allowed(address).map_err(Failure::usage)?;
        }
        // The address first: a second service on it should say so before it touches any data.
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::new(format!("{address} cannot be listened on: {error}"))
                .help("stop what listens there, or choose another with --listen ADDR:PORT")
        })?;
        let address = listener.local_addr().map_err(Failure::new)?;

        let dir = home.make()?;
        let custody = Custody {
            heads_file: self.heads_file.or(file.heads_file),
            begin_anew: self.begin_anew,
        };
        let opened = Opened::open(&dir, settings, &custody).await?;
        let service = opened.service.clone();
        let key = first_key(&service, &dir).await?;
        greet(address, tls.is_some(), &dir, key);

        let background = opened.look_after();
        let app = server::router(service.clone(), Limits::default());
        server::serve(listener, tls, app, Limits::default(), shutdown).await;

        background.abort();
        // It may be writing heads at this moment, and so will the end.
        let _aborted = background.await;
        opened.close().await?;
        tracing::info!("ended; everything is on disk");
        Ok(ExitCode::SUCCESS)
    }
}

fn log_to_stderr(filter: &str) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|error| Failure::usage(format!("--log {filter}: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Otherwise it says on stderr that stderr cannot be written, and panics.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal() && !crate::real::no_color())
        .init();
    Ok(())
}

fn tls_config(cert: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, Failure> {
    let unreadable = |path: &Path, what: &str, error: pem::Error| {
        Failure::usage(format!("{} holds no {what} in PEM: {error}", path.display()))
    };
    let certs: Vec<_> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(cert, "certificate", error))?;
    if certs.is_empty() {
        return Err(unreadable(cert, "certificate", pem::Error::NoItemsFound));
    }
    not_for_others(key)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, "private key", error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certs, key))
        .map_err(|error| Failure::usage(format!("the certificate and its key do not serve: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What the first start says about its API key.
enum FirstKey {
    Made,
    There,
    Elsewhere,
}

/// Makes the first API key, where there is none at all.
async fn first_key(service: &Service, dir: &Path) -> Result<FirstKey, Failure> {
    let path = dir.join(ADMIN_KEY);
    if !service.list_keys().await.map_err(Failure::new)?.is_empty() {
        return Ok(if path.exists() {
            FirstKey::There
        } else {
            FirstKey::Elsewhere
        });
    }
    let wanted = NewKey {
        roles: vec![Role::Admin, Role::Verify, Role::Enroll],
        owner: "operator".into(),
        accounts: None,
    };
    let (_, text) = service
        .create_key(&wanted, &Origin::default())
        .await
        .map_err(Failure::new)?;
    write_private(&path, text.as_bytes())
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))?;
    if std::io::stdout().is_terminal() {
        let _nobody_looks = tell!(
            "The first API key (admin, verify, enroll), shown once:\n\n  {}\n",
            *text
        );
    }
    Ok(FirstKey::Made)
}

fn greet(address: SocketAddr, tls: bool, dir: &Path, key: FirstKey) {
    let scheme = if tls { "https" } else { "http" };
    let admin_key = dir.join(ADMIN_KEY);
    let key = match key {
        FirstKey::Made => format!("{} (made now; the user commands read it there)", admin_key.display()),
        FirstKey::There => admin_key.display().to_string(),
        FirstKey::Elsewhere => "make one with `countersign key create --role verify,enroll`".into(),
    };
    let _nobody_looks = tell!(
        "Countersign serves {scheme}://{address}\n\
         \x20 data      {}\n\
         \x20 API key   {key}\n\
         \x20 docs      {scheme}://{address}/docs\n\
         \n\
         Next, in another terminal:\n\
         \x20 countersign user bind acme alice      # draws a QR code for any authenticator app\n\
         \x20 countersign user verify acme alice    # asks for the app's code; each is right only once",
        dir.display(),
    );
}

/// Ends with the first SIGINT or SIGTERM.
fn shutdown_signal() -> Result<impl Future<Output = ()>, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::new)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::new)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("ending: open requests are answered first");
    })
}
