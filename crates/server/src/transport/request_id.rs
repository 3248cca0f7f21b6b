//! `X-Request-Id`: the caller's own, or one of ours.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use axum::http::{HeaderMap, HeaderValue};

pub(crate) const REQUEST_ID: &str = "x-request-id";
/// The caller's own is kept when it is short and plain.
const REQUEST_ID_LEN_MAX: usize = 128;

/// Gives ids to requests that came without one. They are names and no secrets: unique within a process, and beyond it as
/// far as the number of each process is its own.
#[derive(Clone, Debug)]
pub struct RequestIds {
    process: u64,
    next: Arc<AtomicU64>,
}

impl RequestIds {
    /// Those of a process, by a number that was drawn for it.
    pub fn new(process: u64) -> Self {
        Self {
            process,
            next: Arc::default(),
        }
    }

    pub(crate) fn of(&self, headers: &HeaderMap) -> (Arc<str>, HeaderValue) {
        let given = headers
            .get(REQUEST_ID)
            .and_then(|value| Some((value.to_str().ok()?, value)));
        match given {
            Some((id, value)) if !id.is_empty() && id.len() <= REQUEST_ID_LEN_MAX => (id.into(), value.clone()),
            _ => {
                let id = self.next();
                let value = HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("unknown"));
                (id.into(), value)
            }
        }
    }

    fn next(&self) -> String {
        format!("{:016x}-{:x}", self.process, self.next.fetch_add(1, Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(ids: &RequestIds, given: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(given.as_bytes()).unwrap());
        }
        let (id, value) = ids.of(&headers);
        assert_eq!(value.to_str().unwrap(), &*id);
        id.to_string()
    }

    #[test]
    fn the_callers_own_is_kept_when_it_is_short_and_plain() {
        let ids = RequestIds::new(0xc0de);
        assert_eq!(id_of(&ids, Some("login-42")), "login-42");
        assert_eq!(id_of(&ids, Some("")), "000000000000c0de-0");
        assert_eq!(id_of(&ids, Some(&"x".repeat(129))), "000000000000c0de-1");
        assert_eq!(id_of(&ids, Some("ö")), "000000000000c0de-2");
    }

    #[test]
    fn all_listeners_of_a_process_count_together() {
        let ids = RequestIds::new(1);
        let others = ids.clone();
        assert_eq!(id_of(&ids, None), "0000000000000001-0");
        assert_eq!(id_of(&others, None), "0000000000000001-1");
        assert_eq!(id_of(&RequestIds::new(2), None), "0000000000000002-0");
    }
}
