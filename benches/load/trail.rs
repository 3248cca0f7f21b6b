//! A long trail: events as verifications leave them, in large commits.

use service::Id;
use store::{Change, Commit, audit::Event};

use crate::{
    Any,
    filled::{all_done, id},
    population::{BEGINNING, mixed},
};

/// Events of one commit, which is one row.
const COMMIT: u64 = 1_024;

/// So many events, of users of a store with so many devices. The next commit is made while the last one is written.
pub(crate) async fn fill(store: &dyn Commit, devices: u32, events: u64) -> Any<()> {
    let mut last = store.commit(Vec::new());
    for begin in (0..events).step_by(COMMIT as usize) {
        let some = (begin..events.min(begin + COMMIT)).map(|turn| accepted(devices, turn));
        let change = Change::of_all(some.collect()).into_iter().collect();
        all_done(last.await?)?;
        last = store.commit(change);
    }
    all_done(last.await?)
}

/// What the trail says of an accepted code.
fn accepted(devices: u32, turn: u64) -> Event {
    let (a, b) = (mixed(turn), mixed(!turn));
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&a.to_be_bytes());
    salt[8..].copy_from_slice(&b.to_be_bytes());
    let person = id((a % u64::from(devices.max(1))) as u32);
    let (decision, key) = (Id::from_u64_pair(a, b), Id::max());
    let payload = format!(
        r#"{{"action":"verify","outcome":"accepted","person":"{person}","device":"{person}","decision_id":"{decision}","api_key":"{key}"}}"#
    );
    Event {
        at: BEGINNING,
        salt,
        payload,
    }
}
