//! Walking the trail in either order, by the history's index where one subject is asked for; a few rows at a time.

use store::{
    Store, TrailReader,
    audit::{Cursor, EventId, Row},
    history::{EventCursor, Subject},
};
use verify::UnixMs;

use crate::{
    ServiceError,
    trail::audit::AuditOrder,
    trail::history::{events_about, history, read_all, read_at},
    trail::read::{FEW_ROWS, Read, events},
};

/// A walk, and where it stands.
pub(crate) struct Scan<'a> {
    store: &'a dyn Store,
    subject: Option<Subject>,
    order: AuditOrder,
    /// What comes next is beyond this event.
    from: Option<EventCursor>,
    /// The same as an id, where the walk is by the index and newest first.
    last: Option<EventId>,
    is_over: bool,
}

impl<'a> Scan<'a> {
    /// Of all, or about one subject; beyond this event.
    pub(crate) async fn new(
        store: &'a dyn Store,
        subject: Option<Subject>,
        order: AuditOrder,
        from: Option<EventId>,
    ) -> Result<Self, ServiceError> {
        let cursor = match from {
            Some(id) => {
                let row = store.row(id.place).await?.ok_or(ServiceError::NotFound("record"))?;
                Some(EventCursor {
                    row: row.cursor,
                    index: id.index,
                })
            }
            None => None,
        };
        Ok(Self {
            store,
            subject,
            order,
            from: cursor,
            last: from,
            is_over: false,
        })
    }

    /// Begins where times of this range begin, unless it is further already. The index of one subject is short: there
    /// times are only compared.
    pub(crate) async fn within(&mut self, since: Option<UnixMs>, until: Option<UnixMs>) -> Result<(), ServiceError> {
        if self.subject.is_some() || self.from.is_some() {
            return Ok(());
        }
        self.from = match self.order {
            AuditOrder::OldestFirst => match since {
                Some(since) => last_before(self.store, since).await?.map(end_of),
                None => None,
            },
            AuditOrder::NewestFirst => match until {
                // Rows of that very time are within.
                Some(until) => match last_before(self.store, until.plus(1)).await? {
                    Some(row) => Some(end_of(row)),
                    None => {
                        self.is_over = true;
                        None
                    }
                },
                None => None,
            },
        };
        Ok(())
    }

    /// The next few events, perhaps none though more follow; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Read>>, ServiceError> {
        if self.is_over {
            return Ok(None);
        }
        let found = match (self.subject.clone(), self.order) {
            (None, AuditOrder::OldestFirst) => {
                let from = self.from;
                let rows = self.next_rows().await?;
                let read = rows.into_iter().flat_map(placed);
                let beyond = read.filter(|(place, _)| from.is_none_or(|from| *place > from));
                beyond.map(|(_, read)| read).collect()
            }
            (None, AuditOrder::NewestFirst) => self.rows_before().await?,
            (Some(subject), AuditOrder::OldestFirst) => self.next_about(subject).await?,
            (Some(subject), AuditOrder::NewestFirst) => self.about_before(subject).await?,
        };
        Ok(Some(found))
    }

    /// The next rows, oldest first: the first of them may have events that were passed.
    async fn next_rows(&mut self) -> Result<Vec<Row>, ServiceError> {
        let after = self.from.map(|EventCursor { row, index }| match index {
            u32::MAX => row,
            _ => Cursor(row.0 - 1),
        });
        let rows = self.store.rows(after, FEW_ROWS).await?;
        match rows.last() {
            Some(last) => self.from = Some(end_of(last.cursor)),
            None => self.is_over = true,
        }
        Ok(rows)
    }

    async fn rows_before(&mut self) -> Result<Vec<Read>, ServiceError> {
        let from = self.from;
        let before = from.map(|EventCursor { row, index }| match index {
            0 => row,
            _ => Cursor(row.0.saturating_add(1)),
        });
        let rows = self.store.rows_before(before, FEW_ROWS).await?;
        match rows.last() {
            Some(Row { cursor, .. }) => {
                self.from = Some(EventCursor { row: *cursor, index: 0 });
            }
            None => self.is_over = true,
        }
        let newest_first = rows.into_iter().flat_map(|row| {
            let mut events: Vec<_> = placed(row).collect();
            events.reverse();
            events
        });
        let beyond = newest_first.filter(|(place, _)| from.is_none_or(|from| *place < from));
        Ok(beyond.map(|(_, read)| read).collect())
    }

    /// By the index as far as it has come, then from the rows behind it.
    async fn next_about(&mut self, subject: Subject) -> Result<Vec<Read>, ServiceError> {
        let reader = self.store.trail_reader(TrailReader::HISTORY).await?;
        let through = reader.and_then(|reader| reader.through).map(end_of);
        if let Some(through) = through.filter(|through| self.from.is_none_or(|from| from < *through)) {
            let mut events = self.store.events_after(subject.clone(), self.from, EVENTS).await?;
            // Of a row beyond it the index may have a part.
            events.retain(|event| *event < through);
            self.from = Some(events.last().copied().unwrap_or(through));
            return read_all(self.store, &events).await;
        }
        let from = self.from;
        let rows = self.next_rows().await?;
        let about = rows.iter().flat_map(|row| {
            let events = events_about(row, &subject).into_iter();
            let beyond = events.filter(|event| from.is_none_or(|from| *event > from));
            beyond.filter_map(move |event| read_at(row, &event))
        });
        Ok(about.collect())
    }

    async fn about_before(&mut self, subject: Subject) -> Result<Vec<Read>, ServiceError> {
        let found = history(self.store, subject, self.last, EVENTS).await?;
        self.is_over = found.len() < EVENTS as usize;
        self.last = found.last().map(|read| read.id).or(self.last);
        Ok(found)
    }
}

/// Events that are read of the index at once.
const EVENTS: u32 = 64;

/// Beyond all events of this row.
fn end_of(row: Cursor) -> EventCursor {
    EventCursor { row, index: u32::MAX }
}

fn placed(row: Row) -> impl Iterator<Item = (EventCursor, Read)> {
    let cursor = row.cursor;
    events(row).map(move |read| {
        let index = read.id.index;
        (EventCursor { row: cursor, index }, read)
    })
}

/// The last of the rows that come before the first of this time, as far as times rise along the trail; `None` where that
/// is the first of all. Found by halving, in as many reads as the number of rows has bits.
async fn last_before(store: &dyn Store, at: UnixMs) -> Result<Option<Cursor>, ServiceError> {
    let (oldest, newest) = (store.rows(None, 1).await?, store.rows_before(None, 1).await?);
    let (Some(oldest), Some(newest)) = (oldest.first(), newest.first()) else {
        return Ok(None);
    };
    let before = oldest.cursor.0 - 1;
    // Rows up to `low` are earlier, rows after `high` are not.
    let (mut low, mut high) = (before, newest.cursor.0);
    while low < high {
        let middle = low + (high - low) / 2;
        match store.rows(Some(Cursor(middle)), 1).await?.first() {
            Some(row) if row.events.first().is_some_and(|event| event.at < at) => low = row.cursor.0,
            _ => high = middle,
        }
    }
    Ok((low > before).then_some(Cursor(low)))
}
