//! What happens to every request, before and after the handler: a request id, a form that HTTP allows, a time limit, and
//! no panic that reaches the caller.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use api::{Problem, ProblemCode};
use axum::{
    Router,
    body::Body,
    http::{HeaderValue, header::CONNECTION},
    response::Response,
};
use futures_util::FutureExt;
use hyper::{
    Request,
    body::{Body as _, Frame, Incoming, SizeHint},
};
use tower::ServiceExt;

use crate::{
    answer::respond,
    transport::{
        connections::ConnectionStatus,
        form,
        received::Received,
        request_id::{REQUEST_ID, RequestIds},
    },
};

/// The connection made room for another one: its request is not answered.
#[derive(Debug, thiserror::Error)]
#[error("it made room for another one")]
pub(crate) struct MadeRoom;

pub(crate) async fn answer(
    app: Router,
    request: Request<Incoming>,
    time_limit: Duration,
    ids: &RequestIds,
    connection: Arc<ConnectionStatus>,
    flaw: Option<&'static str>,
) -> Result<Response, MadeRoom> {
    if connection.is_leaving() {
        return Err(MadeRoom);
    }
    let (id, value) = ids.of(request.headers());
    let unread = Arc::new(AtomicBool::new(!request.body().is_end_stream()));
    if let Err(why) = flaw.map_or_else(|| form::check(&request), Err) {
        // Two readers may have taken it for two different requests: nothing more is read here.
        unread.store(true, Relaxed);
        connection.set_heard();
        let refused = respond(Problem::new(ProblemCode::InvalidRequest, why));
        return Ok(finished(refused, value, &unread));
    }
    let watch = |body| {
        Body::new(Watched {
            body,
            unread: unread.clone(),
        })
    };
    let mut request = request.map(watch);
    let received = Received {
        id: id.clone(),
        connection: connection.clone(),
    };
    request.extensions_mut().insert(received);
    let handled = AssertUnwindSafe(app.oneshot(request)).catch_unwind();
    let response = match tokio::time::timeout(time_limit, handled).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(_panic)) => {
            tracing::error!(request_id = %id, "a handler panicked; see the message above");
            respond(Problem::new(
                ProblemCode::Internal,
                "this is ours to mend: report it with its X-Request-Id",
            ))
        }
        Err(_elapsed) => respond(Problem::new(
            ProblemCode::RequestTimeout,
            "the request took too long to arrive or to be answered; what it asked for may have happened",
        )),
    };
    connection.set_heard();
    Ok(finished(response, value, &unread))
}

fn finished(mut response: Response, request_id: HeaderValue, unread: &AtomicBool) -> Response {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, request_id);
    if unread.load(Relaxed) {
        // hyper will not wait for the rest, so the caller has to know that this line ends (RFC 9112, 9.6).
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A request's body that tells whether it was read to its end.
struct Watched {
    body: Incoming,
    unread: Arc<AtomicBool>,
}

impl hyper::body::Body for Watched {
    type Data = <Incoming as hyper::body::Body>::Data;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.unread.store(false, Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
