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
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{edge, impatient::Impatient};

/// What a caller may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; the next one waits in the kernel's queue.
    pub connections: usize,
    /// From the first byte of a request to the end of its headers; also the idle time between requests.
    pub header_timeout: Duration,
    /// From the end of the headers to the beginning of the answer; and how long a caller may read nothing of it.
    pub request_timeout: Duration,
    /// The TLS handshake.
    pub handshake_timeout: Duration,
    /// A request body.
    pub body_bytes: usize,
    /// The body of an import, which carries a whole file.
    pub import_bytes: usize,
    /// How long open requests are waited for at the end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            header_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            body_bytes: 2 << 20,
            import_bytes: 32 << 20,
            drain: Duration::from_secs(10),
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
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let acceptor = tls.map(TlsAcceptor::from);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let connection = Connection {
            app: app.clone(),
            limits,
            watcher: graceful.watcher(),
            place,
        };
        match acceptor.clone() {
            None => tokio::spawn(connection.run(stream)),
            Some(acceptor) => tokio::spawn(async move {
                // A caller that does not speak TLS is told so by the handshake itself.
                if let Ok(Ok(stream)) = timeout(limits.handshake_timeout, acceptor.accept(stream)).await {
                    connection.run(stream).await;
                }
            }),
        };
    }
    drop(listener);
    if timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let place = places
            .clone()
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection ended as it began");
                    continue;
                }
                return (stream, place);
            }
            Err(error) if connection_error(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: others have to end first.
                tracing::warn!(%error, "no connection can be accepted at the moment");
                tokio::time::sleep(Duration::from_millis(100)).await;
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
    limits: Limits,
    watcher: Watcher,
    place: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self {
            app,
            limits,
            watcher,
            place,
        } = self;
        // HTTP/1.1 alone: hyper-util's protocol detection waits for a first byte without any time-out.
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(64 * 1_024);
        let service = service_fn(move |request: Request<Incoming>| edge::answer(app.clone(), request, limits));
        let served = builder.serve_connection(TokioIo::new(Impatient::new(stream, limits.request_timeout)), service);
        if let Err(error) = watcher.watch(served).await {
            tracing::debug!(error = %error, "a connection ended early");
        }
        drop(place);
    }
}
