//! The accept loop: what a caller may cost us before it has said anything.

use std::{io, sync::Arc, time::Duration};

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

use crate::transport::{
    connections::{Connections, Place},
    edge,
    heads::{Flaws, Overheard},
    impatient::Impatient,
    limits::Limits,
    request_id::RequestIds,
};

/// Serves `app` until `shutdown` ends, then lets open requests finish for as long as [`Limits::drain`].
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    app: Router,
    limits: Limits,
    ids: RequestIds,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = Arc::new(GracefulShutdown::new());
    let drain = limits.drain;
    // Beside the connections: a task that is started or ended from elsewhere waits while they have much to do.
    let mut accepting = JoinSet::new();
    accepting.spawn(accept_all(listener, tls, app, limits, ids, graceful.clone()));
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
    ids: RequestIds,
    graceful: Arc<GracefulShutdown>,
) {
    let connections = Connections::new(&limits);
    let acceptor = tls.map(TlsAcceptor::from);
    loop {
        let (stream, place) = accept(&listener, &connections).await;
        let number = place.number();
        let connection = Connection {
            app: app.clone(),
            ids: ids.clone(),
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
    ids: RequestIds,
    header_timeout: Duration,
    request_timeout: Duration,
    watcher: Watcher,
    place: Place,
}

impl Connection {
    async fn run(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self {
            app,
            ids,
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
            edge::answer(
                app.clone(),
                request,
                request_timeout,
                &ids,
                status.clone(),
                flaws.of_next(),
            )
        });
        let stream = Overheard::new(Impatient::new(stream, request_timeout), flaws.clone());
        let served = builder.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(served).await {
            tracing::debug!(error = %error, "a connection ended early");
        }
    }
}
