//! How a delivery goes on: tried again later and later, given up after three days, forgotten after thirty.

use sha2::{Digest, Sha256};
use store::{Delivery, DeliveryState, Id, audit::EventId};
use verify::UnixMs;

use crate::notices::{courier::Posted, kind::NoticeKind};

/// Deliveries of one webhook that are pending at once. Beyond that its reading of the trail waits.
pub(crate) const PENDING_MAX: usize = 256;
/// Of them, those of one user.
pub(crate) const PENDING_PER_USER: usize = 32;
/// Deliveries of one webhook that are remembered as delivered.
pub(crate) const DELIVERED_MAX: usize = 100;
/// Those that are kept as dead.
pub(crate) const DEAD_MAX: usize = 1_000;
/// How long they are kept.
pub(crate) const KEPT_MS: i64 = 30 * UnixMs::DAY;
/// How long a notice is tried.
pub(crate) const TRIED_MS: i64 = 3 * UnixMs::DAY;
/// The greatest age of what is sent for the first time: a receiver that was away for longer finds it among the dead.
pub(crate) const AGE_MAX_MS: i64 = 7 * UnixMs::DAY;

/// The pause after the first try, doubled after each further one.
const FIRST_PAUSE_MS: i64 = 5 * UnixMs::SECOND;
const PAUSE_MAX_MS: i64 = UnixMs::HOUR;

/// The pause after so many tries; up to a tenth longer, so that the webhooks of one receiver do not come back at once.
pub(crate) fn pause_ms(attempts: u32, id: Id) -> i64 {
    let doublings = attempts.saturating_sub(1).min(16);
    let pause = (FIRST_PAUSE_MS << doublings).min(PAUSE_MAX_MS);
    pause + pause * i64::from(id.as_bytes()[15]) / 2_560
}

/// A notice's place in its user's order: row, event, and the place among the notices that the event is.
pub(crate) type Order = (i64, u32, usize);

pub(crate) fn order_of(delivery: &Delivery) -> Order {
    let index = delivery.event.parse::<EventId>().map_or(0, |event| event.index);
    let kind = NoticeKind::named(&delivery.kind);
    (delivery.row, index, kind.map_or(0, rank))
}

/// The place of a type among the notices of one event, see [`NoticeKind::of`].
pub(crate) fn rank(kind: NoticeKind) -> usize {
    match kind {
        NoticeKind::RecoveryCodesUsed => 0,
        NoticeKind::LoginAfterAbsence => 1,
        NoticeKind::ProtectionChanged => 3,
        NoticeKind::RecoveryCodesMade => 4,
        NoticeKind::DeviceSuspended => 5,
        _ => 2,
    }
}

/// The id of a notice: the same whoever makes it of this event again.
pub(crate) fn id_of(webhook: Id, event: &EventId, kind: NoticeKind, at: UnixMs) -> Id {
    let hash = Sha256::new()
        .chain_update(webhook.as_bytes())
        .chain_update(event.to_string())
        .chain_update(kind.name());
    let hash: [u8; 32] = hash.finalize().into();
    let ms = u64::try_from(at.get()).unwrap_or(0);
    store::id_at(ms, hash.first_chunk().unwrap_or(&[0; 10]))
}

/// The delivery after this try.
pub(crate) fn tried(before: Delivery, posted: Posted, now: UnixMs) -> Delivery {
    let first = before.first_attempt_at.unwrap_or(now);
    let attempts = before.attempts.saturating_add(1);
    let next = Delivery {
        version: before.version + 1,
        attempts,
        first_attempt_at: Some(first),
        last_attempt_at: Some(now),
        next_attempt_at: None,
        last_status: posted.status(),
        ..before
    };
    if posted.is_taken() {
        return Delivery {
            state: DeliveryState::Delivered,
            ..next
        };
    }
    if now.since(first) >= TRIED_MS {
        return dead(next);
    }
    Delivery {
        next_attempt_at: Some(now.plus(pause_ms(attempts, next.id))),
        ..next
    }
}

/// The delivery, given up.
pub(crate) fn dead(before: Delivery) -> Delivery {
    Delivery {
        version: before.version + 1,
        state: DeliveryState::Dead,
        next_attempt_at: None,
        ..before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p8_pauses_double_up_to_an_hour() {
        let id = Id::from_u128(0);
        let pauses: Vec<i64> = (1..=12).map(|attempts| pause_ms(attempts, id) / 1_000).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
        assert_eq!(pause_ms(u32::MAX, id), PAUSE_MAX_MS);
        let last = Id::from_u128(u128::MAX);
        assert!(pause_ms(20, last) < PAUSE_MAX_MS * 11 / 10);
    }

    #[test]
    fn p8_an_id_is_the_events_own() {
        let event: EventId = "1.7.2".parse().expect("an event");
        let (one, other) = (Id::from_u128(1), Id::from_u128(2));
        let at = UnixMs::new(1_795_219_200_000);
        let id = |webhook, kind| id_of(webhook, &event, kind, at);
        assert_eq!(id(one, NoticeKind::DeviceBound), id(one, NoticeKind::DeviceBound));
        assert_ne!(id(one, NoticeKind::DeviceBound), id(other, NoticeKind::DeviceBound));
        assert_ne!(id(one, NoticeKind::DeviceBound), id(one, NoticeKind::RecoveryCodesMade));
    }
}
