//! What happened to a user, a device or a token, newest first: an index that is filled behind the writer, and what it does
//! not have yet, from the trail itself.

use serde::Deserialize;
use serde_json::Value;
use store::{
    Change, Id, Outcome, Owner, Store, StoreError, TrailReader, Write,
    audit::{Cursor, EventId, Payload, Row},
    history::{Entry, EventCursor, Subject},
};
use tokio::time::{Instant, sleep};

use crate::{
    Caller, Core, Role, Service, ServiceError,
    trail::TRAIL,
    trail::read::{FEW_ROWS, Read, Record},
};

/// Entries written in one change: whoever's verification is in the same transaction waits for them.
const CHUNK: usize = 64;
/// The share of time that the writer is left to others, in multiples of the writing's own.
const REST: u32 = 9;

impl Service {
    /// The history of a user, newest first: up to `limit` records before this one.
    pub async fn history_of_user(
        &self,
        caller: &Caller,
        owner: &Owner,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Record>, ServiceError> {
        caller.may_for_all(&[Role::Audit], TRAIL)?;
        self.about(owner, before, limit).await
    }

    /// The same for whoever may know it.
    pub(crate) async fn about(
        &self,
        owner: &Owner,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Record>, ServiceError> {
        match self.core.subject(owner).await? {
            Some(user) => self.history(user, before, limit).await,
            None => Ok(Vec::new()),
        }
    }

    /// The history of a device, as long as it was bound and after.
    pub async fn history_of_device(
        &self,
        caller: &Caller,
        id: Id,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Record>, ServiceError> {
        caller.may_for_all(&[Role::Audit], TRAIL)?;
        self.history(Subject::Device(id), before, limit).await
    }

    /// The history of a token by its serial number; what became of it as somebody's device is that device's history.
    pub async fn history_of_token(
        &self,
        caller: &Caller,
        serial_number: &str,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Record>, ServiceError> {
        caller.may_for_all(&[Role::Audit], TRAIL)?;
        self.history(Subject::Token(serial_number.to_owned()), before, limit)
            .await
    }

    async fn history(
        &self,
        subject: Subject,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Record>, ServiceError> {
        let events = history(&*self.core.store, subject, before, limit).await?;
        self.records(events).await
    }

    /// Fills the index up to the end of the trail, and leaves the writer to others most of the time.
    pub async fn index_history(&self, caller: &Caller) -> Result<(), ServiceError> {
        caller.is_of_the_house()?;
        let core = &*self.core;
        loop {
            let changes = unindexed(&*core.store, CHUNK).await?;
            if changes.is_empty() {
                return Ok(());
            }
            for change in changes {
                let begun = Instant::now();
                if core.commit(vec![change]).await? != [Outcome::Done] {
                    // Somebody else has come as far: where to go on is read anew.
                    break;
                }
                sleep(begun.elapsed() * REST).await;
            }
        }
    }
}

impl Core {
    /// This user, as the trail means them: by their row. `None` of somebody of whom it never said anything.
    pub(crate) async fn subject(&self, owner: &Owner) -> Result<Option<Subject>, ServiceError> {
        let row = self.store.user(owner.clone()).await?.map(|user| user.id);
        let id = row.or_else(|| self.trail.strangers.id_of(owner));
        Ok(id.map(Subject::User))
    }
}

/// The index's next entries, as changes of up to `chunk` entries, to be made one after the other; none at the
/// end of the trail.
async fn unindexed(store: &dyn Store, chunk: usize) -> Result<Vec<Change>, StoreError> {
    let mut reader = store.trail_reader(TrailReader::HISTORY).await?;
    let from = reader.as_ref().and_then(|reader| reader.through);
    let (mut through, mut entries) = (from, Vec::new());
    while entries.len() < chunk {
        let rows = store.rows(through, FEW_ROWS).await?;
        let Some(last) = rows.last() else { break };
        through = Some(last.cursor);
        entries.extend(rows.iter().flat_map(entries_of));
    }
    let mut changes = Vec::new();
    let mut indexed = from;
    while indexed < through {
        let rest = entries.split_off(entries.len().min(chunk));
        // A row may have more entries than one change takes: the cursor comes to it with the last of them.
        indexed = match rest.first() {
            Some(entry) => Some(Cursor(entry.event.row.0 - 1)),
            None => through,
        };
        let next = TrailReader::next(reader.as_ref(), TrailReader::HISTORY, indexed);
        let expected = reader.map(|reader| reader.version);
        changes.push(Change::of_reading(expected, &next).with([Write::Index { entries }]));
        (reader, entries) = (Some(next), rest);
    }
    Ok(changes)
}

fn entries_of(row: &Row) -> impl Iterator<Item = Entry> {
    let events = (1..).zip(&row.events);
    let kept = events.filter_map(|(index, event)| match &event.payload {
        Payload::Kept { payload, .. } => Some((index, payload)),
        Payload::Erased(_) => None,
    });
    kept.flat_map(|(index, payload)| {
        let event = EventCursor { row: row.cursor, index };
        let subjects = subjects(payload).into_iter();
        subjects.map(move |subject| Entry { subject, event })
    })
}

/// The subjects of an event.
pub(crate) fn subjects(payload: &str) -> Vec<Subject> {
    /// Any of these may be absent, or something else in an event of another kind.
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Said {
        person: Value,
        device: Value,
        detail: Value,
    }
    // What is no JSON object is no event of ours; it is about nothing.
    let said: Said = serde_json::from_str(payload).unwrap_or_default();
    let id = |value: &Value| Id::try_parse(value.as_str()?).ok();
    let serial_number = |value: &Value| value.as_str().map(|text| Subject::Token(text.to_owned()));
    let detail = |name: &str| said.detail.get(name);
    let mut found: Vec<Subject> = Vec::new();
    found.extend(id(&said.person).map(Subject::User));
    found.extend(id(&said.device).map(Subject::Device));
    found.extend(detail("replaces").and_then(id).map(Subject::Device));
    found.extend(detail("serial_number").and_then(serial_number));
    let serial_numbers = detail("serial_numbers").and_then(Value::as_array);
    found.extend(serial_numbers.into_iter().flatten().filter_map(serial_number));
    found
}

/// Up to `limit` events about this subject before this one, newest first.
pub(crate) async fn history(
    store: &dyn Store,
    subject: Subject,
    before: Option<EventId>,
    limit: u32,
) -> Result<Vec<Read>, ServiceError> {
    let limit = limit as usize;
    let mut found = Vec::new();
    // Asked first: what is indexed from now on is beyond this cursor, where the index is not asked.
    let reader = store.trail_reader(TrailReader::HISTORY).await?;
    let through = reader.and_then(|reader| reader.through);
    let (mut rows, before) = match before {
        Some(id) => {
            let row = store.row(id.place).await?.ok_or(ServiceError::NotFound("record"))?;
            let before = EventCursor {
                row: row.cursor,
                index: id.index,
            };
            (vec![row], Some(before))
        }
        None => (store.rows_before(None, FEW_ROWS).await?, None),
    };

    while let Some(last) = rows.last().map(|row| row.cursor) {
        for row in rows.iter().take_while(|row| Some(row.cursor) > through) {
            let mut events = events_about(row, &subject);
            events.retain(|event| before.is_none_or(|before| *event < before));
            found.extend(events.iter().rev().filter_map(|event| read_at(row, event)));
        }
        if found.len() >= limit || Some(last) <= through {
            break;
        }
        rows = store.rows_before(Some(last), FEW_ROWS).await?;
    }

    let Some(through) = through else {
        found.truncate(limit);
        return Ok(found);
    };
    let end = EventCursor {
        row: through,
        index: u32::MAX,
    };
    let mut before = before.map_or(end, |before| before.min(end));
    while found.len() < limit {
        let events = store.events_of(subject.clone(), Some(before), FEW_ROWS).await?;
        let Some(last) = events.last() else { break };
        before = *last;
        found.extend(read_all(store, &events).await?);
    }
    found.truncate(limit);
    Ok(found)
}

/// What the trail has at these places, in their order.
pub(crate) async fn read_all(store: &dyn Store, events: &[EventCursor]) -> Result<Vec<Read>, ServiceError> {
    let of_rows = || events.chunk_by(|one, next| one.row == next.row);
    let rows = store.rows_at(of_rows().map(|events| events[0].row).collect()).await?;
    let mut found = Vec::with_capacity(events.len());
    for (row, events) in rows.iter().zip(of_rows()) {
        for event in events {
            let read = row.as_ref().and_then(|row| read_at(row, event));
            found.push(read.ok_or_else(|| not_in_the_trail(event))?);
        }
    }
    Ok(found)
}

/// The events of a row that are about this subject, each once.
pub(crate) fn events_about(row: &Row, subject: &Subject) -> Vec<EventCursor> {
    let entries = entries_of(row).filter(|entry| entry.subject == *subject);
    let mut events: Vec<_> = entries.map(|entry| entry.event).collect();
    events.dedup();
    events
}

pub(crate) fn read_at(row: &Row, event: &EventCursor) -> Option<Read> {
    let index = event.index;
    let said = row.events.get(usize::try_from(index).ok()?.checked_sub(1)?)?;
    let id = EventId {
        place: row.place,
        index,
    };
    Some(Read {
        id,
        said: said.clone(),
        hash: row.hash,
    })
}

fn not_in_the_trail(event: &EventCursor) -> StoreError {
    let EventCursor {
        row: Cursor(row),
        index,
    } = event;
    StoreError::Damaged(format!(
        "history names event {index} of row {row}, which the trail does not have"
    ))
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use proptest::prelude::*;
    use serde_json::json;
    use store::{
        Commit as _,
        audit::{Event, Trail as _},
        memory::{Disk, Memory},
    };
    use verify::UnixMs;

    use super::*;

    fn id(number: u128) -> Id {
        Id::from_u128(number)
    }

    fn token(serial_number: &str) -> Subject {
        Subject::Token(serial_number.into())
    }

    #[test]
    fn an_event_is_about_all_whom_it_names() {
        let payload = json!({
            "action": "enrollment.confirm",
            "person": id(1),
            "device": id(2),
            "api_key": id(9),
            "detail": {"enrollment": id(8), "serial_number": "SN-1", "replaces": id(3)},
        });
        let all = [
            Subject::User(id(1)),
            Subject::Device(id(2)),
            Subject::Device(id(3)),
            token("SN-1"),
        ];
        assert_eq!(subjects(&payload.to_string()), all);
        let found = r#"{"detail": {"serial_numbers": ["SN-2", "№ \"3\"", null, 4]}}"#;
        assert_eq!(subjects(found), [token("SN-2"), token("№ \"3\"")]);
    }

    #[test]
    fn what_names_nobody_is_about_nobody() {
        for payload in [
            "{}",
            r#"{"person": null, "device": null, "detail": null}"#,
            r#"{"person": "alice", "device": 7, "detail": ["SN-1"]}"#,
            r#"{"person": {"id": "00000000-0000-0000-0000-000000000001"}, "detail": "SN-1"}"#,
            r#"{"detail": {"serial_number": null, "serial_numbers": "SN-1", "replaces": null}}"#,
            r#"{"serial_number": "SN-1", "replaces": "00000000-0000-0000-0000-000000000001"}"#,
            "no JSON at all",
        ] {
            assert_eq!(subjects(payload), [], "{payload}");
        }
    }

    /// The engine in memory never waits.
    fn ready<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("it waits"),
        }
    }

    /// Whom an event is about: a bit for each of [`everybody`].
    type About = u8;

    fn everybody() -> [Subject; 7] {
        [
            Subject::User(id(1)),
            Subject::User(id(2)),
            Subject::Device(id(1)),
            Subject::Device(id(2)),
            token("SN-1"),
            token("SN-10"),
            Subject::Device(id(3)),
        ]
    }

    fn event(number: usize, about: About) -> Event {
        let is = |bit: u8| about >> bit & 1 == 1;
        let one = |first: u8, second: u8| [first, second].into_iter().find(|bit| is(*bit));
        let mut said = json!({"number": number, "detail": {"serial_numbers": []}});
        if let Some(bit) = one(0, 1) {
            said["person"] = json!(id(u128::from(bit) + 1));
        }
        if let Some(bit) = one(2, 3) {
            said["device"] = json!(id(u128::from(bit) - 1));
        }
        if is(4) {
            said["detail"]["serial_number"] = json!("SN-1");
            said["detail"]["serial_numbers"] = json!(["SN-1"]);
        }
        if is(5) {
            said["detail"]["serial_numbers"] = json!(["SN-1", "SN-10"][usize::from(!is(4))..]);
        }
        if is(6) {
            said["detail"]["replaces"] = json!(id(3));
        }
        Event {
            at: UnixMs::new(0),
            salt: [7; 16],
            payload: said.to_string(),
        }
    }

    /// Whether the event above is about the one of this bit: it has place for one user and one device of the first two.
    fn is_about(about: About, bit: usize) -> bool {
        let is = |bit: usize| about >> bit & 1 == 1;
        is(bit) && !(matches!(bit, 1 | 3) && is(bit - 1))
    }

    #[derive(Clone, Debug)]
    enum Act {
        /// A row of events.
        Say(Vec<About>),
        /// So many changes of the index, of so many entries each.
        Index(usize, usize),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let say = prop::collection::vec(0_u8..128, 1..6).prop_map(Act::Say);
        let index = (0_usize..4, 1_usize..40).prop_map(|(changes, entries)| Act::Index(changes, entries));
        prop::collection::vec(prop_oneof![5 => say, 1 => index], 0..80)
    }

    fn act(store: &Memory, said: &mut Vec<(EventId, About)>, act: Act) {
        match act {
            Act::Say(events) => {
                let numbered = (said.len()..).zip(&events);
                let events_said = numbered.map(|(number, about)| event(number, *about)).collect();
                let change = Change::of_all(events_said).expect("one at least");
                assert_eq!(ready(store.commit(vec![change])), Ok(vec![Outcome::Done]));
                let place = store.head().place();
                let ids = (1..).map(|index| EventId { place, index });
                said.extend(ids.zip(events));
            }
            Act::Index(changes, entries) => {
                let missing = ready(unindexed(store, entries)).expect("a read");
                for change in missing.into_iter().take(changes) {
                    assert_eq!(ready(store.commit(vec![change])), Ok(vec![Outcome::Done]));
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_history_is_the_trail_without_the_others(
            acts in acts(),
            meanwhile in prop::collection::vec((1_usize..3, 1_usize..9), 1..9),
            limits in prop::collection::vec(1_u32..9, 1..5),
            from in any::<prop::sample::Index>(),
        ) {
            let store = Memory::open(&Disk::default(), "test", UnixMs::new(0), &|_| vec![1]);
            let mut said = Vec::new();
            for one in acts {
                act(&store, &mut said, one);
            }
            let mut meanwhile = meanwhile.into_iter();
            for (bit, subject) in everybody().into_iter().enumerate() {
                // From the end, and from any event, also from one that is about somebody else.
                let starts = [None, (!said.is_empty()).then(|| said[from.index(said.len())].0)];
                for start in starts {
                    let of_subject = said.iter().rev().filter(|(_, about)| is_about(*about, bit));
                    let wanted = of_subject.map(|(id, _)| *id).filter(|id| start.is_none_or(|start| *id < start));
                    let wanted: Vec<_> = wanted.collect();
                    let (mut found, mut before) = (Vec::new(), start);
                    for limit in limits.iter().cycle() {
                        let page = ready(history(&store, subject.clone(), before, *limit)).expect("a read");
                        let full = page.len() == *limit as usize;
                        prop_assert!(page.len() <= *limit as usize);
                        found.extend(page.iter().map(|read| read.id));
                        before = page.last().map(|read| read.id);
                        if !full {
                            break;
                        }
                        // The index comes nearer between two pages.
                        if let Some((changes, entries)) = meanwhile.next() {
                            act(&store, &mut Vec::new(), Act::Index(changes, entries));
                        }
                    }
                    prop_assert_eq!(found, wanted, "{:?} before {:?}", subject, start);
                }
            }
        }
    }
}
