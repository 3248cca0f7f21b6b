//! Bodies of requests: what they are, how long they may be, and how many are held at once.

use std::{sync::Arc, time::Duration};

use api::{Problem, ProblemCode, read_json};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, header},
};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use zeroize::{Zeroize, Zeroizing};

use crate::http::problem::Rejection;

/// A short body is held without asking: this is what a connection may cost anyway.
const SHORT_BYTES: usize = 64 << 10;
/// How long a longer one waits for others to be done, before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(10);
/// What room is counted in.
const UNIT_BYTES: usize = 1 << 10;

/// What bodies may cost.
#[derive(Clone)]
pub(crate) struct BodyLimit {
    /// Of one.
    bytes: usize,
    /// For all that are not short, in units.
    room: Arc<Semaphore>,
}

/// The room that a long body takes, as long as this lives. A short one takes none.
pub(crate) struct Room {
    _taken: Option<OwnedSemaphorePermit>,
}

impl BodyLimit {
    pub(crate) fn new(bytes: usize, bytes_at_once: usize) -> Self {
        // One of the longest has to find room.
        let room = units(bytes_at_once.max(bytes));
        Self {
            bytes,
            room: Arc::new(Semaphore::new(room as usize)),
        }
    }

    /// Reads a JSON body, whose bytes are wiped once it is read. What was made of them may be as long: the room is for
    /// whoever keeps that.
    pub(crate) async fn read<T: DeserializeOwned>(&self, request: Request<Body>) -> Result<(T, Room), Rejection> {
        self.read_and_look(request, |_| {}).await
    }

    /// As [`read`](Self::read), and shows the raw bytes to `look`.
    pub(crate) async fn read_and_look<T: DeserializeOwned>(
        &self,
        request: Request<Body>,
        look: impl FnOnce(&[u8]),
    ) -> Result<(T, Room), Rejection> {
        let (parts, body) = request.into_parts();
        let announced = self.check(&parts.headers)?;
        if announced.is_some_and(|length| length <= SHORT_BYTES) {
            return Ok((self.read_short(body, look).await?, Room { _taken: None }));
        }
        let room = self.room_for(announced.unwrap_or(self.bytes)).await?;
        let bytes = self.collect(body, announced).await?;
        look(&bytes.0);
        Ok((read_json(&bytes.0)?, room))
    }

    /// The longest body.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Room for a body that is not JSON, and so is read by whoever asks.
    pub(crate) async fn room(&self, announced: Option<usize>) -> Option<Room> {
        match announced {
            Some(length) if length <= SHORT_BYTES => Some(Room { _taken: None }),
            _ => self.room_for(announced.unwrap_or(self.bytes)).await.ok(),
        }
    }

    /// As it arrives, mostly in one piece.
    async fn read_short<T: DeserializeOwned>(&self, body: Body, look: impl FnOnce(&[u8])) -> Result<T, Rejection> {
        let bytes = to_bytes(body, self.bytes).await.map_err(|_| cut_off())?;
        look(&bytes);
        let read = read_json(&bytes);
        // Nobody else has it: wiped in place.
        if let Ok(mut bytes) = bytes.try_into_mut() {
            bytes.zeroize();
        }
        Ok(read?)
    }

    /// How long it is, where it says so.
    fn check(&self, headers: &HeaderMap) -> Result<Option<usize>, Rejection> {
        if !is_json(headers) {
            let detail = "send JSON, and say so: Content-Type: application/json";
            return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail).into());
        }
        if !is_plain(headers) {
            let detail = "send the body as it is, without a Content-Encoding";
            return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail).into());
        }
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        match announced {
            Some(length) if length > self.bytes => Err(self.too_long()),
            _ => Ok(announced),
        }
    }

    fn too_long(&self) -> Rejection {
        Problem::new(
            ProblemCode::PayloadTooLarge,
            format!("send at most {} bytes", self.bytes),
        )
        .into()
    }

    async fn room_for(&self, bytes: usize) -> Result<Room, Rejection> {
        let taking = self.room.clone().acquire_many_owned(units(bytes));
        match timeout(PATIENCE, taking).await {
            Ok(Ok(taken)) => Ok(Room { _taken: Some(taken) }),
            _ => {
                let detail = "too many long bodies are read at the moment: send it again in a while";
                let mut problem = Problem::new(ProblemCode::RateLimited, detail);
                problem.retry_after_s = Some(PATIENCE.as_secs());
                Err(problem.into())
            }
        }
    }

    /// Piece by piece into one place: pieces that wait for each other are scattered over the heap.
    async fn collect(&self, mut body: Body, announced: Option<usize>) -> Result<Collected, Rejection> {
        let mut collected = Collected::with_room_for(announced.unwrap_or(SHORT_BYTES));
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| cut_off())?.into_data() else {
                continue;
            };
            if collected.0.len() + data.len() > self.bytes {
                return Err(self.too_long());
            }
            collected.push(&data);
        }
        Ok(collected)
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

fn cut_off() -> Rejection {
    Problem::new(ProblemCode::InvalidRequest, "the body did not arrive whole").into()
}

/// A body in one piece, wiped when dropped.
pub(crate) struct Collected(Vec<u8>);

impl Collected {
    pub(crate) fn with_room_for(bytes: usize) -> Self {
        Self(Vec::with_capacity(api::returned_capacity(bytes)))
    }

    /// What was collected, still wiped when dropped.
    pub(crate) fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(std::mem::take(&mut self.0))
    }

    pub(crate) fn push(&mut self, data: &[u8]) {
        let needed = self.0.len() + data.len();
        if needed > self.0.capacity() {
            // Growing by itself would leave a copy behind.
            let mut longer = Self::with_room_for(needed * 2);
            longer.0.extend_from_slice(&self.0);
            *self = longer;
        }
        self.0.extend_from_slice(data);
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        // What was never written to needs no wiping, and no memory.
        self.0.as_mut_slice().zeroize();
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Whether nothing has to be decoded first.
fn is_plain(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}
