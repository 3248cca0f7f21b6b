//! Loading the living sessions at the start: all that are kept, each seen when that was last saved.

use std::collections::HashMap;

use store::{Document, Id, Session, SessionTouches, Store};
use verify::UnixMs;

use crate::{
    ServiceError,
    protection::session::{life::Life, registry::SessionRegistry, touches::Rows},
};

/// Sessions read at once.
const PAGE: u32 = 1_024;
/// Rows of touches read at once, which are longer.
const ROWS: u32 = 16;

impl SessionRegistry {
    /// The sessions of a store. One whose row cannot be read has ended, which is in no other's way.
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, ServiceError> {
        let mut loaded = Self::default();
        let (rows, seen) = touches(store).await?;
        *loaded.rows.get_mut() = rows;
        let mut after = None;
        loop {
            let page = store.session_documents(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(loaded) };
            after = Some(last.key.clone());
            for session in page.into_iter().filter_map(read::<Session>) {
                let last_seen = seen.get(&session.id).copied().unwrap_or(session.created_at);
                loaded.put(&session, Life::kept(&session, last_seen));
            }
        }
    }
}

/// The rows that are there, and what they say together.
async fn touches(store: &dyn Store) -> Result<(Rows, HashMap<Id, UnixMs>), ServiceError> {
    let mut rows = Rows::default();
    let mut seen: HashMap<Id, UnixMs> = HashMap::new();
    let mut after = None;
    loop {
        let page = store.session_touches(after.as_ref(), ROWS).await?;
        let Some(last) = page.last() else {
            return Ok((rows, seen));
        };
        after = Some(last.key.clone());
        rows.found(&page);
        for (id, at) in page
            .into_iter()
            .filter_map(read::<SessionTouches>)
            .flat_map(|row| row.touches)
        {
            let known = seen.entry(id).or_insert(at);
            *known = at.max(*known);
        }
    }
}

fn read<N: store::Noun>(document: Document) -> Option<N> {
    let read = document.read();
    read.inspect_err(|error| tracing::error!(%error, "a session, or when it was seen, cannot be read"))
        .ok()
}
