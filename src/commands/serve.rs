use std::{
    io::IsTerminal as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, builder::BoolishValueParser};
use keyring::private_file;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject as _},
};
use server::{Limits, Network};
use service::{Caller, NewKey, Role, Service};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tracing_subscriber::filter::LevelFilter;
use vault::shown;

use super::Done;
use crate::{
    Failure,
    courier::HttpCourier,
    home::{ADMIN_KEY, Home, not_for_others, read_named},
    opened::{Custody, RunningService},
    real,
    settings::{ConfigFile, address},
};

/// `countersign serve`: needs no configuration.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    home: Home,
    /// Where HTTP is served [default: 127.0.0.1:8700]
    #[arg(long, value_name = "ADDR:PORT", env = "COUNTERSIGN_LISTEN", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Where probes are answered, also while all other connections are taken [default: 127.0.0.1:8701, if it is free]
    #[arg(long, value_name = "ADDR:PORT", env = "COUNTERSIGN_ADMIN_LISTEN", value_parser = address)]
    admin_listen: Option<SocketAddr>,
    /// A network, or an address, of proxies: many clients stand behind each, so that connections_per_peer is not for
    /// them; several times for several
    #[arg(long, value_name = "NET", env = "COUNTERSIGN_TRUSTED_PROXY", value_delimiter = ',')]
    trusted_proxy: Vec<Network>,
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
    /// What is logged to stderr: a level, or TARGET=LEVEL, or several between commas, as `tracing` filters say it
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
        let served = runtime.block_on(self.serve());
        // A thread that a disk keeps must not keep the process.
        runtime.shutdown_background();
        served
    }

    async fn serve(self) -> Done {
        // From the first moment on: who is told to end while starting ends as tidily as later.
        let shutdown = shutdown_signal()?;
        let file = ConfigFile::read(self.config.as_deref())?;
        let settings = file.settings()?;
        let mut brand = file.pages.brand()?;
        let cities = file.cities.open()?;
        let courier = HttpCourier::new(file.webhooks.networks()?);
        let mut limits = file.limits.limits(self.trusted_proxy)?;
        make_room(&mut limits);
        let home = self.home.or(file.data_dir);
        let address = self.listen.or(file.listen).unwrap_or(DEFAULT);
        let tls = tls(self.tls_cert.or(file.tls_cert), self.tls_key.or(file.tls_key))?;
        if tls.is_none() && !self.allow_plain_http && !file.allow_plain_http {
            server::plain_http_allowed(address).map_err(Failure::usage)?;
        }
        // The address first: a second service on it should say so before it touches any data.
        let listener = listen(address, "--listen").await?;
        let address = listener.local_addr().map_err(Failure::new)?;
        let admin = listen_for_admins(self.admin_listen.or(file.admin_listen), address).await?;
        let admin_address = admin.as_ref().and_then(|listener| listener.local_addr().ok());

        let dir = home.make()?;
        let custody = Custody {
            heads_file: self.heads_file.or(file.heads_file),
            begin_anew: self.begin_anew,
        };
        let opened = RunningService::open(&dir, settings, cities, &custody).await?;
        let service = opened.service.clone();
        let key = first_key(&service, &dir).await?;
        greet(address, tls.is_some(), admin_address, &dir, key);

        let looking_after = opened.look_after(courier)?;
        let (stop_admin, stopped) = oneshot::channel::<()>();
        let admin = admin.map(|listener| {
            let app = server::admin_router(service.clone());
            let stopped = async { stopped.await.unwrap_or(()) };
            let ids = opened.request_ids.clone();
            tokio::spawn(server::serve(listener, None, app, Limits::admin(), ids, stopped))
        });
        let scheme = if tls.is_some() { "https" } else { "http" };
        brand.url.get_or_insert_with(|| format!("{scheme}://{address}"));
        let app = server::router(service.clone(), limits.clone(), brand);
        let ids = opened.request_ids.clone();
        server::serve(listener, tls, app, limits, ids, shutdown).await;
        // Whoever watches sees the end of it.
        drop(stop_admin);
        if let Some(admin) = admin {
            let _ended = admin.await;
        }

        opened.close(Some(looking_after)).await?;
        tracing::info!("ended; everything is on disk");
        Ok(ExitCode::SUCCESS)
    }
}

/// The default address of HTTP, where commands look for it.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8700);
/// The default address of the admin listener.
const ADMIN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8701);

/// Files and connections that are open beside those of callers.
const FILES_BESIDE: u64 = 256;

/// Lets this process open as many files as its connections are, or takes fewer connections.
fn make_room(limits: &mut Limits) {
    let wanted = limits.connections as u64 + FILES_BESIDE;
    let mut files = getrlimit(Resource::Nofile);
    if files.current.is_some_and(|current| current < wanted) {
        files.current = Some(files.maximum.map_or(wanted, |maximum| wanted.min(maximum)));
        // What came of it is read below.
        let _refused = setrlimit(Resource::Nofile, files);
    }
    let Some(current) = getrlimit(Resource::Nofile).current.filter(|current| *current < wanted) else {
        return;
    };
    let connections = current.saturating_sub(FILES_BESIDE).max(current / 2);
    limits.connections = usize::try_from(connections).unwrap_or(limits.connections);
    tracing::warn!(
        "this process may open {current} files: {connections} connections at once are taken. Raise its limit \
         (`ulimit -n`, or LimitNOFILE= of its unit) to {wanted} for all of them"
    );
}

async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!("{address} cannot be listened on: {error}")).help(format!(
            "stop what listens there, or choose another with {flag} ADDR:PORT"
        ))
    })
}

/// The address that was asked for, or nothing starts; the default only where it is free, so that two services on one
/// machine need no word about it.
async fn listen_for_admins(asked: Option<SocketAddr>, public: SocketAddr) -> Result<Option<TcpListener>, Failure> {
    if let Some(address) = asked {
        return listen(address, "--admin-listen").await.map(Some);
    }
    let listener = TcpListener::bind(ADMIN_DEFAULT).await;
    if let Err(error) = &listener {
        tracing::warn!(
            "{ADMIN_DEFAULT} cannot be listened on ({error}): probes are answered at {public} alone; give them an \
             address of their own with --admin-listen ADDR:PORT"
        );
    }
    Ok(listener.ok())
}

fn log_to_stderr(filter: &str) -> Result<(), Failure> {
    // A word that is no level would be the name of a target, and all else would be silent.
    let is_meant = |word: &&str| word.is_empty() || word.contains(['=', '[']) || word.parse::<LevelFilter>().is_ok();
    if let Some(word) = filter.split(',').map(str::trim).find(|word| !is_meant(word)) {
        return Err(Failure::usage(format!("--log {filter}: {word} is no level"))
            .help("write off, error, warn, info, debug or trace; or TARGET=LEVEL for a part"));
    }
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

/// The configuration of TLS, where both files are named.
fn tls(cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<Arc<rustls::ServerConfig>>, Failure> {
    match (cert, key) {
        (Some(cert), Some(key)) => tls_config(&cert, &key).map(Some),
        (None, None) => Ok(None),
        _ => Err(Failure::usage(
            "a certificate and its key go together: give tls_cert and tls_key",
        )),
    }
}

fn tls_config(cert: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, Failure> {
    // The library's own words quote the line that they are about.
    let unreadable = |path: &Path, what: &str, error: pem::Error| {
        let why = match error {
            pem::Error::Io(error) => error.to_string(),
            pem::Error::NoItemsFound => "there is none in it".into(),
            _ => "it is damaged".into(),
        };
        Failure::usage(format!("{} holds no {what} in PEM: {why}", path.display()))
    };
    let read = |path: &Path, what| read_named(path).map_err(|error| unreadable(path, what, pem::Error::Io(error)));
    let certs: Vec<_> = CertificateDer::pem_slice_iter(&read(cert, "certificate")?)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(cert, "certificate", error))?;
    if certs.is_empty() {
        return Err(unreadable(cert, "certificate", pem::Error::NoItemsFound));
    }
    not_for_others(key)?;
    let key = PrivateKeyDer::from_pem_slice(&read(key, "private key")?)
        .map_err(|error| unreadable(key, "private key", error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certs, key))
        .map_err(|error| Failure::usage(format!("the certificate and its key do not serve: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The first API key, as a start finds it.
enum FirstKey {
    Made,
    There,
    Elsewhere,
}

/// Makes the first API key, where there is none at all.
async fn first_key(service: &Service, dir: &Path) -> Result<FirstKey, Failure> {
    let path = dir.join(ADMIN_KEY);
    if !service
        .list_keys(&Caller::shell())
        .await
        .map_err(Failure::new)?
        .is_empty()
    {
        return Ok(if path.exists() {
            FirstKey::There
        } else {
            FirstKey::Elsewhere
        });
    }
    let wanted = NewKey {
        roles: vec![Role::Admin, Role::Verify, Role::Enroll],
        owner: "operator".into(),
        audiences: Vec::new(),
        person: None,
        return_urls: Vec::new(),
        accounts: None,
    };
    let (_, text) = service
        .create_key(&Caller::shell(), &wanted, None)
        .await
        .map_err(Failure::new)?;
    private_file::write(&path, text.as_bytes())
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))?;
    if std::io::stdout().is_terminal() {
        let _nobody_looks = tell!(
            "The first API key (admin, verify, enroll), shown once:\n\n  {}\n",
            *text
        );
    }
    Ok(FirstKey::Made)
}

fn greet(address: SocketAddr, tls: bool, admin: Option<SocketAddr>, dir: &Path, key: FirstKey) {
    let scheme = if tls { "https" } else { "http" };
    // Whoever types the next commands elsewhere has neither our flags nor our environment, nor our working directory.
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.into());
    let dir = absolute.as_path();
    let admin_key = dir.join(ADMIN_KEY);
    let data = if real::data_dir().as_deref() == Some(dir) {
        String::new()
    } else {
        format!(" --data-dir {}", quoted(&dir.display().to_string()))
    };
    let there = format!("{}{data}", server_flag(address, tls));
    let program = program();
    let key = match key {
        FirstKey::Made => format!("{} (made now; the user commands read it there)", admin_key.display()),
        FirstKey::There => admin_key.display().to_string(),
        FirstKey::Elsewhere => format!("make one with `{program} key create --role verify,enroll{data}`"),
    };
    let probes = match admin {
        Some(admin) => format!("http://{admin}/readyz"),
        None => format!("{scheme}://{address}/readyz"),
    };
    let dir = shown(&dir.display().to_string()).into_owned();
    let _nobody_looks = tell!(
        "Countersign serves {scheme}://{address}\n\
         \x20 data      {dir}\n\
         \x20 API key   {key}\n\
         \x20 probes    {probes}\n\
         \x20 docs      {scheme}://{address}/docs\n\
         \n\
         Next, in another terminal:\n\
         \x20 {program} user bind acme alice{there}      # draws a QR code for any authenticator app\n\
         \x20 {program} user verify acme alice{there}    # asks for the app's code; each is right only once",
    );
}

/// The flag by which a command on this machine finds the service, where it would not by itself.
fn server_flag(address: SocketAddr, tls: bool) -> String {
    let port = address.port();
    if tls {
        // Only its certificate knows the name.
        return format!(" --server https://NAME:{port}");
    }
    let here = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    if here == Ipv4Addr::LOCALHOST && port == DEFAULT.port() {
        String::new()
    } else {
        format!(" --server http://{}", SocketAddr::new(here, port))
    }
}

/// This program as a shell finds it: whoever types the next commands may have none of its name on their PATH.
pub(super) fn program() -> String {
    quoted(&shown(&real::program()))
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&byte);
    if path.bytes().all(is_plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// Ends with the first SIGINT, SIGTERM or SIGQUIT. The signals by which other programs are told to read their
/// configuration again, to open their log anew or to say how they are end nothing.
fn shutdown_signal() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| signal(kind).map_err(Failure::new);
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut quit = listen(SignalKind::quit())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let mut user_1 = listen(SignalKind::user_defined1())?;
    let mut user_2 = listen(SignalKind::user_defined2())?;
    let mut alarm = listen(SignalKind::alarm())?;
    Ok(async move {
        loop {
            let ignored = tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = quit.recv() => break,
                _ = hang_up.recv() => "SIGHUP",
                _ = user_1.recv() => "SIGUSR1",
                _ = user_2.recv() => "SIGUSR2",
                _ = alarm.recv() => "SIGALRM",
            };
            tracing::info!("{ignored} is not listened to: a changed configuration takes a restart");
        }
        tracing::info!("ending: open requests are answered first");
    })
}
