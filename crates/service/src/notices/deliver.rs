//! One pass over the webhooks: what is due is tried again, then what the trail says next is sent.

use std::{collections::VecDeque, time::Duration};

use futures_util::future::join_all;
use serde_json::json;
use store::{
    Change, Delivery, DeliveryState, Id, Noun as _, Outcome, TrailReader, Webhook, Write,
    audit::{Cursor, EventId, Payload, Recorded, Row},
};
use tokio::time::Instant;
use verify::UnixMs;

use crate::{
    Caller, Core, Owner, Service, ServiceError,
    access::caller::Origin,
    notices::{
        courier::{Courier, Posted, Posting},
        facts::{Facts, Notice},
        kind::NoticeKind,
        pending::{
            AGE_MAX_MS, DEAD_MAX, DELIVERED_MAX, KEPT_MS, PENDING_MAX, PENDING_PER_USER, dead, id_of, order_of, tried,
        },
        reading::{Said, is_told_of},
        secrets::signing,
    },
    trail::{event::NewEvent, names::NamesReader, read::FEW_ROWS},
};

/// The time of one webhook's pass: no slow receiver keeps the others' for longer, but for its last answer.
const PASS: Duration = Duration::from_secs(5);
/// Rows that are read on without a word of how far: as many are read again after a crash.
const UNSAVED_ROWS: usize = 1_024;
/// Tries after which a notice that others overtook may make room for them.
const REFUSALS: u32 = 5;
/// The same, where its user has no room, and the others would wait for that user alone.
const REFUSALS_OF_USER: u32 = 2;

impl Service {
    /// Sends what is due, to every webhook that somebody made. The webhooks are side by side: what one receiver does is in
    /// no other's way.
    pub async fn deliver_notices(&self, caller: &Caller, courier: &dyn Courier) -> Result<(), ServiceError> {
        caller.is_of_the_house()?;
        let core = &*self.core;
        let webhooks = core.all_webhooks().await?;
        let passes = webhooks.into_iter().map(async |webhook| {
            let id = webhook.id;
            let passed = match Pass::begin(core, courier, webhook).await {
                Ok(Some(mut pass)) => pass.run().await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            // One that cannot be read is its own trouble.
            if let Err(error) = passed {
                tracing::warn!(%error, webhook = %id, "notices wait");
            }
        });
        join_all(passes).await;
        Ok(())
    }
}

/// One webhook's pass. The engine's conditions hold a second one off: each of its writes expects what was read.
struct Pass<'a> {
    core: &'a Core,
    courier: &'a dyn Courier,
    id: Id,
    reader: TrailReader,
    /// Every row up to this one is read, whether or not that was written.
    through: Option<Cursor>,
    unsaved_rows: usize,
    /// In the order of the trail.
    pending: Vec<Delivery>,
    /// The oldest first; read when they are needed.
    delivered: Option<VecDeque<Delivery>>,
    begun: Instant,
}

/// A notice that the trail has next.
struct Candidate {
    event: EventId,
    row: Cursor,
    at: UnixMs,
    person: Id,
    kind: NoticeKind,
}

/// What became of a candidate.
enum Taken {
    Yes,
    /// There is no room for it: the reading waits here.
    No,
}

impl<'a> Pass<'a> {
    /// `None` for a webhook that has ended.
    async fn begin(core: &'a Core, courier: &'a dyn Courier, webhook: Webhook) -> Result<Option<Self>, ServiceError> {
        let id = webhook.id;
        let Some(reader) = core.store.webhook_reader(id).await? else {
            return Ok(None);
        };
        let state = Some(DeliveryState::Pending);
        let mut pending = core.store.deliveries(id, state, None, u32::MAX).await?;
        pending.sort_by_key(order_of);
        Ok(Some(Self {
            core,
            courier,
            id,
            through: reader.through,
            reader,
            unsaved_rows: 0,
            pending,
            delivered: None,
            begun: Instant::now(),
        }))
    }

    async fn run(&mut self) -> Result<(), ServiceError> {
        while self.begun.elapsed() < PASS {
            if let Some(place) = self.due()? {
                self.again(place).await?;
            } else if !self.read_on().await? {
                break;
            }
        }
        self.save_cursor().await
    }

    /// The first of its user's deliveries whose time has come.
    fn due(&self) -> Result<Option<usize>, ServiceError> {
        let now = self.core.clock.now()?;
        let is_first = |place: usize, delivery: &Delivery| {
            let before = &self.pending[..place];
            !before.iter().any(|before| before.person == delivery.person)
        };
        let mut due = self.pending.iter().enumerate().filter(|(place, delivery)| {
            let is_due = delivery.next_attempt_at.is_none_or(|at| at <= now);
            is_due && is_first(*place, delivery)
        });
        Ok(due.next().map(|(place, _)| place))
    }

    /// One more try of what is pending.
    async fn again(&mut self, place: usize) -> Result<(), ServiceError> {
        let before = self.pending[place].clone();
        let Some((webhook, notice)) = self.notice_of(&before).await? else {
            // Its webhook, its event or its user is gone: there is nothing to tell, and nobody to be told.
            self.commit([forgotten(&before)], None).await?;
            self.pending.remove(place);
            return Ok(());
        };
        // One that waited behind others is no younger than one that waited in the trail.
        let has_waited = before.next_attempt_at.is_none() && self.core.clock.now()?.since(before.at) > AGE_MAX_MS;
        let next = if has_waited {
            dead(before)
        } else {
            let posted = self.post(&webhook, &notice).await?;
            tried(before, posted, self.core.clock.now()?)
        };
        self.became(Some(place), next).await
    }

    /// The trail's next rows; `false` where there are none, or no room.
    async fn read_on(&mut self) -> Result<bool, ServiceError> {
        let rows = self.core.store.rows(self.through, FEW_ROWS).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let Some(webhook) = self.core.store.webhook(self.id).await? else {
            return Ok(false);
        };
        for row in rows {
            let candidates = candidates(&webhook, &row);
            for candidate in candidates {
                if let Taken::No = self.take(&webhook, &row, candidate).await? {
                    return Ok(false);
                }
                if self.begun.elapsed() >= PASS {
                    // What was sent of this row is known by its deliveries.
                    return Ok(true);
                }
            }
            self.through = Some(row.cursor);
            self.unsaved_rows += 1;
        }
        if self.unsaved_rows >= UNSAVED_ROWS {
            self.save_cursor().await?;
        }
        Ok(true)
    }

    async fn take(&mut self, webhook: &Webhook, row: &Row, candidate: Candidate) -> Result<Taken, ServiceError> {
        let now = self.core.clock.now()?;
        let Candidate {
            event,
            at,
            person,
            kind,
            ..
        } = candidate;
        let id = id_of(self.id, &event, kind, at);
        if self.core.store.delivery(id).await?.is_some() {
            return Ok(Taken::Yes);
        }
        let Some(notice) = self.notice(webhook, row, &candidate, id).await? else {
            return Ok(Taken::Yes);
        };
        let fresh = Delivery {
            id,
            version: 1,
            webhook: self.id,
            event: event.to_string(),
            row: candidate.row.0,
            kind: kind.name().to_owned(),
            person,
            at,
            state: DeliveryState::Pending,
            attempts: 0,
            first_attempt_at: None,
            last_attempt_at: None,
            next_attempt_at: None,
            last_status: None,
            expires_at: now.plus(KEPT_MS),
        };
        if now.since(at) > AGE_MAX_MS {
            let next = dead(fresh);
            return self.became(None, next).await.map(|()| Taken::Yes);
        }
        let theirs = self.pending.iter().filter(|pending| pending.person == person).count();
        if (theirs >= PENDING_PER_USER && !self.make_room(Some(person)).await?)
            || (self.pending.len() >= PENDING_MAX && !self.make_room(None).await?)
        {
            return Ok(Taken::No);
        }
        let next = match theirs {
            0 => tried(fresh, self.post(webhook, &notice).await?, self.core.clock.now()?),
            // It waits behind the others, so that its user's order is kept.
            _ => fresh,
        };
        self.became(None, next).await.map(|()| Taken::Yes)
    }

    /// Gives up the oldest, of this user or of all, that the receiver refused again and again while it took others: it is that
    /// notice that it does not take. A receiver that takes nothing is away, and finds all that it missed.
    async fn make_room(&mut self, person: Option<Id>) -> Result<bool, ServiceError> {
        let delivered = self.delivered().await?;
        let refusals = if person.is_some() { REFUSALS_OF_USER } else { REFUSALS };
        let took_others = |delivery: &Delivery| {
            let from = delivery.expires_at.plus(-KEPT_MS);
            let mut times = delivered.iter().filter_map(|delivered| delivered.last_attempt_at);
            times.any(|at| from < at && Some(at) <= delivery.last_attempt_at)
        };
        let is_refused = |delivery: &Delivery| {
            delivery.attempts >= refusals
                && person.is_none_or(|person| delivery.person == person)
                && took_others(delivery)
        };
        let place = self.pending.iter().position(is_refused);
        self.delivered = Some(delivered);
        let Some(place) = place else {
            return Ok(false);
        };
        let next = dead(self.pending[place].clone());
        self.became(Some(place), next).await?;
        Ok(true)
    }

    /// Writes what became of a delivery, and keeps count.
    async fn became(&mut self, place: Option<usize>, next: Delivery) -> Result<(), ServiceError> {
        let expected = place.map(|place| self.pending[place].version);
        let mut writes = vec![Write::put(expected, &next)];
        let mut event = None;
        match next.state {
            DeliveryState::Delivered => {
                let mut delivered = self.delivered().await?;
                if delivered.len() >= DELIVERED_MAX {
                    writes.extend(delivered.pop_front().as_ref().map(forgotten));
                }
                delivered.push_back(next.clone());
                self.delivered = Some(delivered);
            }
            DeliveryState::Dead => {
                event = Some(self.told(&next)?);
                writes.extend(self.oldest_dead().await?);
            }
            DeliveryState::Pending => {}
        }
        self.commit(writes, event).await?;
        if let Some(place) = place {
            self.pending.remove(place);
        }
        if next.state == DeliveryState::Pending {
            self.pending.push(next);
            self.pending.sort_by_key(order_of);
        }
        Ok(())
    }

    /// What was delivered, taken: whoever asks puts it back.
    async fn delivered(&mut self) -> Result<VecDeque<Delivery>, ServiceError> {
        if let Some(delivered) = self.delivered.take() {
            return Ok(delivered);
        }
        let state = Some(DeliveryState::Delivered);
        let mut delivered = self.core.store.deliveries(self.id, state, None, u32::MAX).await?;
        delivered.sort_by_key(|delivery| delivery.last_attempt_at);
        Ok(delivered.into())
    }

    /// The event of a dead letter: of nobody, for it says no more than the event that it tells.
    fn told(&self, dead: &Delivery) -> Result<store::audit::Event, ServiceError> {
        let origin = Origin::default();
        let detail = json!({"webhook": self.id, "delivery": dead.id, "type": dead.kind, "attempts": dead.attempts,
            "status": dead.last_status});
        let entry = NewEvent::new("webhook.give_up", "done", &origin).detail(detail);
        self.core.event(&entry, self.core.clock.now()?)
    }

    /// The dead letter that makes room for another.
    async fn oldest_dead(&self) -> Result<Option<Write>, ServiceError> {
        let state = Some(DeliveryState::Dead);
        let dead = self
            .core
            .store
            .deliveries(self.id, state, None, DEAD_MAX as u32)
            .await?;
        let is_full = dead.len() >= DEAD_MAX;
        Ok(dead.first().filter(|_| is_full).map(forgotten))
    }

    async fn commit(
        &self,
        writes: impl IntoIterator<Item = Write>,
        event: Option<store::audit::Event>,
    ) -> Result<(), ServiceError> {
        let change = match event {
            Some(event) => Change::of(event).with(writes),
            None => Change::of_delivering(writes),
        };
        match self.core.commit(vec![change]).await?[..] {
            [Outcome::Done] => Ok(()),
            _ => Err(ServiceError::Contended),
        }
    }

    async fn save_cursor(&mut self) -> Result<(), ServiceError> {
        self.unsaved_rows = 0;
        if self.reader.through == self.through {
            return Ok(());
        }
        let next = TrailReader::next(Some(&self.reader), &self.reader.name, self.through);
        self.commit([Write::put(Some(self.reader.version), &next)], None)
            .await?;
        self.reader = next;
        Ok(())
    }

    /// One try.
    async fn post(&self, webhook: &Webhook, notice: &Notice) -> Result<Posted, ServiceError> {
        let now = self.core.clock.now()?;
        let secrets = signing(&*self.core.sealer, webhook, now)?;
        let posting = Posting {
            url: &webhook.url,
            is_outside: webhook.is_outside,
            notice,
            secrets: &secrets,
            at: now,
        };
        Ok(self.courier.post(posting).await)
    }

    /// What a delivery tells, made of its event anew, with its webhook as it is now.
    async fn notice_of(&self, delivery: &Delivery) -> Result<Option<(Webhook, Notice)>, ServiceError> {
        let Some(webhook) = self.core.store.webhook(self.id).await? else {
            return Ok(None);
        };
        let (Ok(event), Some(kind)) = (delivery.event.parse::<EventId>(), NoticeKind::named(&delivery.kind)) else {
            return Ok(None);
        };
        let Some(row) = self.core.store.row(event.place).await? else {
            return Ok(None);
        };
        let candidate = Candidate {
            event,
            row: row.cursor,
            at: delivery.at,
            person: delivery.person,
            kind,
        };
        let notice = self.notice(&webhook, &row, &candidate, delivery.id).await?;
        Ok(notice.map(|notice| (webhook, notice)))
    }

    /// The notice of an event, with the names of its user; `None` where that was erased, or is of an account of which this
    /// webhook is not told.
    async fn notice(
        &self,
        webhook: &Webhook,
        row: &Row,
        candidate: &Candidate,
        id: Id,
    ) -> Result<Option<Notice>, ServiceError> {
        let core = self.core;
        let Some(recorded) = event_at(row, candidate.event.index) else {
            return Ok(None);
        };
        let Payload::Kept { salt, payload } = &recorded.payload else {
            return Ok(None);
        };
        let recorded = std::iter::once(recorded);
        let names = NamesReader::of(&*core.store, &core.trail.strangers, &*core.sealer, recorded).await?;
        let said = names.named(payload, salt).map(|named| Said::of(&named));
        let Some((said, account, user)) = said.and_then(|mut said| {
            let (account, user) = (said.account.take()?, said.user.take()?);
            Some((said, account, user))
        }) else {
            return Ok(None);
        };
        let is_told = |told: &Vec<String>| told.contains(&account);
        if !webhook.accounts.as_ref().is_none_or(is_told) {
            return Ok(None);
        }
        Ok(Some(Notice {
            id,
            kind: candidate.kind,
            at: candidate.at,
            owner: Owner::new(account, user),
            facts: Facts::of(candidate.kind, &said),
        }))
    }
}

fn forgotten(delivery: &Delivery) -> Write {
    Write::Delete {
        expected: delivery.version,
        key: delivery.key(),
    }
}

fn event_at(row: &Row, index: u32) -> Option<&Recorded> {
    row.events.get(usize::try_from(index).ok()?.checked_sub(1)?)
}

/// The notices of a row of which this webhook wants to be told.
fn candidates(webhook: &Webhook, row: &Row) -> Vec<Candidate> {
    let events = (1..).zip(&row.events);
    let kept = events.filter_map(|(index, event)| match &event.payload {
        Payload::Kept { payload, .. } if is_told_of(payload) => Some((index, event.at, Said::of(payload))),
        Payload::Kept { .. } | Payload::Erased(_) => None,
    });
    let of_person = kept.filter_map(|(index, at, said)| Some((index, at, said.person?, NoticeKind::of(&said))));
    let told = |kind: &NoticeKind| webhook.events.iter().any(|name| name == kind.name());
    of_person
        .flat_map(|(index, at, person, kinds)| {
            let event = EventId {
                place: row.place,
                index,
            };
            kinds.into_iter().filter(told).map(move |kind| Candidate {
                event,
                row: row.cursor,
                at,
                person,
                kind,
            })
        })
        .collect()
}
