//! Saving when sessions were seen last: all that were within a minute in one commit.

use store::{Change, Document, Id, Key, Noun, Outcome, SessionTouches, Write};
use verify::UnixMs;

use crate::{Caller, Core, Service, ServiceError, access::caller::Origin, trail::event::NewEvent};

/// After so many rows all that live are written anew, and those rows end.
const ROWS_MAX: usize = 60;
/// Sessions in one row.
const ROW_LEN: usize = 16_384;

/// The rows of touches that are kept.
#[derive(Default)]
pub(crate) struct Rows(Vec<(Key, u64)>);

impl Rows {
    pub(crate) fn found(&mut self, rows: &[Document]) {
        self.0.extend(rows.iter().map(|row| (row.key.clone(), row.version)));
    }
}

impl Service {
    /// Saves when sessions were seen since this was last saved; gives their number.
    pub async fn save_touches(&self, caller: &Caller) -> Result<usize, ServiceError> {
        caller.is_of_the_house()?;
        save_touches(&self.core).await
    }
}

pub(crate) async fn save_touches(core: &Core) -> Result<usize, ServiceError> {
    let mut rows = core.sessions.rows.lock().await;
    let mut seen = core.sessions.seen(false);
    let count = seen.len();
    if count == 0 {
        return Ok(0);
    }
    let is_full = rows.0.len() >= ROWS_MAX;
    if is_full {
        seen = core.sessions.seen(true);
    }
    // The times in it were believed; this one only dates the row.
    let now = core.clock.now().unwrap_or_else(|_doubted| core.clock.newest());
    let mut new = Vec::with_capacity(1);
    for touches in seen.chunks(ROW_LEN) {
        new.push(SessionTouches {
            id: core.new_id(now)?,
            version: 1,
            touches: touches.to_vec(),
        });
    }
    let old = if is_full {
        std::mem::take(&mut rows.0)
    } else {
        Vec::new()
    };
    match commit(core, &new, &old, &seen, now).await {
        Ok(true) => rows.0.extend(new.iter().map(|row| (row.key(), row.version))),
        Ok(false) => return Err(ServiceError::Contended),
        Err(error) => {
            rows.0.extend(old);
            return Err(error);
        }
    }
    core.sessions.saved(&seen);
    Ok(count)
}

async fn commit(
    core: &Core,
    new: &[SessionTouches],
    old: &[(Key, u64)],
    seen: &[(Id, UnixMs)],
    now: UnixMs,
) -> Result<bool, ServiceError> {
    let origin = Origin::default();
    let event = NewEvent::new("session.touch", "done", &origin).count(seen.len() as u64);
    let puts = new.iter().map(|row| Write::put(None, row));
    let deletes = old.iter().map(|(key, version)| Write::Delete {
        expected: *version,
        key: key.clone(),
    });
    let change = Change::of(core.event(&event, now)?).with(puts).with(deletes);
    Ok(core.commit(vec![change]).await? == [Outcome::Done])
}
