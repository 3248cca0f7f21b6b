//! The accept loop: what a caller may cost us before it has said anything.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Network,
    connections::{Connections, Place},
    edge,
    heads::{Flaws, Overheard},
    impatient::Impatient,
};

/// What a caller may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once. For the next one a stranger's is dropped: nobody on it has proven a key.
    pub connections: usize,
    /// Connections at once of one peer: an IPv4 address, or an IPv6 network of 64 bits.
    pub connections_per_peer: usize,
    /// Peers behind which stand many clients: each may have as many connections as there are.
    pub trusted_proxies: Vec<Network>,
    /// From the first byte of a request to the end of its headers; also the idle time between requests.
    pub header_timeout: Duration,
    /// From the end of the headers to the beginning of the answer; and how long a caller may read nothing of it.
    pub request_timeout: Duration,
    /// The TLS handshake.
    pub handshake_timeout: Duration,
    /// A request body.
    pub body_bytes: usize,
    /// The bodies that are held at the same time, all together; the next one waits for a while.
    pub body_bytes_at_once: usize,
    /// The body of an import, which carries a whole file.
    pub import_bytes: usize,
    /// The same of imports.
    pub import_bytes_at_once: usize,
    /// How long open requests are waited for at the end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_peer: 256,
            trusted_proxies: Vec::new(),
            header_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            body_bytes: 2 << 20,
            body_bytes_at_once: 64 << 20,
            import_bytes: 32 << 20,
            import_bytes_at_once: 64 << 20,
            drain: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Those of the listener for whoever watches the service: few connections, short ones, without a body.
    pub fn admin() -> Self {
        Self {
            connections: 64,
            connections_per_peer: 64,
            header_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(1),
            ..Self::default()
        }
    }
}

/// Plain HTTP was asked for where others could listen.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is not a loopback address, and codes do not travel in the clear: give --tls-cert and --tls-key, \
     or --allow-plain-http where something in front does TLS"
)]
pub struct PlainHttp(SocketAddr);

/// Whether this address may be served without TLS.
pub fn plain_http_allowed(address: SocketAddr) -> Result<(), PlainHttp> {
    if address.ip().is_loopback() {
        Ok(())
    } else {
        Err(PlainHttp(address))
    }
}

/// Serves `app` until `shutdown` ends, then lets open requests finish for as long as [`Limits::drain`].
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    app: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = Arc::new(GracefulShutdown::new());
    let drain = limits.drain;
    // Beside the connections: a task that is started or ended from elsewhere waits while they have much to do.
    let mut accepting = JoinSet::new();
    accepting.spawn(accept_all(listener, tls, app, limits, graceful.clone()));
    tokio::select! {
        () = shutdown => accepting.shutdown().await,
        Some(Err(error)) = accepting.join_next() => {
            if let Ok(panic) = error.try_into_panic() {
                std::panic::resume_unwind(panic);
            }
        }
    }
    let Some(graceful) = Arc::into_inner(graceful) else {
        return;
    };
    if timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

async fn accept_all(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    app: Router,
    limits: Limits,
    graceful: Arc<GracefulShutdown>,
) {
    let connections = Connections::new(&limits);
    let acceptor = tls.map(TlsAcceptor::from);
    loop {
        let (stream, place) = accept(&listener, &connections).await;
        let number = place.number();
        let connection = Connection {
            app: app.clone(),
            header_timeout: limits.header_timeout,
            request_timeout: limits.request_timeout,
            watcher: graceful.watcher(),
            place,
        };
        let task = match acceptor.clone() {
            None => tokio::spawn(connection.run(stream)),
            Some(acceptor) => tokio::spawn(async move {
                // A caller that does not speak TLS is told so by the handshake itself.
                if let Ok(Ok(stream)) = timeout(limits.handshake_timeout, acceptor.accept(stream)).await {
                    connection.run(stream).await;
                }
            }),
        };
        connections.works_at(number, task.abort_handle());
    }
}

/// The next connection that finds a place.
async fn accept(listener: &TcpListener, connections: &Arc<Connections>) -> (TcpStream, Place) {
    loop {
        connections.few_are_leaving().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(place) = connections.take(peer.ip()) else {
                    continue;
                };
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection ended as it began");
                    continue;
                }
                return (stream, place);
            }
            Err(error) if connection_error(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: others have to end first.
                if !connections.free_a_file().await {
                    tracing::warn!(%error, "no connection can be accepted at the moment");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

fn connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

struct Connection {
    app: Router,
    header_timeout: Duration,
    request_timeout: Duration,
    watcher: Watcher,
    place: Place,
}

impl Connection {
    async fn run(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self {
            app,
            header_timeout,
            request_timeout,
            watcher,
            place,
        } = self;
        // HTTP/1.1 alone: hyper-util's protocol detection waits for a first byte without any time-out. Whoever has said
        // all there is to say may close that half; the answer has a half of its own.
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .half_close(true)
            .max_buf_size(64 * 1_024);
        let status = &place.status;
        let flaws = Arc::<Flaws>::default();
        let service = service_fn(|request: Request<Incoming>| {
            edge::answer(app.clone(), request, request_timeout, status.clone(), flaws.of_next())
        });
        let stream = Overheard::new(Impatient::new(stream, request_timeout), flaws.clone());
        let served = builder.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(served).await {
            tracing::debug!(error = %error, "a connection ended early");
        }
    }
}
