//! Changes that no engine may do.

use super::{Harness, done, missed, open, reopen, sample::*};
use crate::{Change, Device, Document, Sealed, Token, Write};

/// What is wrong whatever the engine is refused before an engine sees it, and nothing of the call is done.
pub(super) async fn what_no_engine_may_do_is_refused(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    bind(&*store, &mine, fresh(1)).await;
    done(
        &*store,
        change("protection", vec![Write::put(None, &protection(&owner(1), 3))]),
    )
    .await;
    let rows = store.rows(None, 100).await.expect("a read").len();
    let without_secret = Device {
        sealed: Sealed {
            key_id: 1,
            bytes: Vec::new(),
        },
        ..device(&owner(1), 2)
    };
    let read = row(&*store, &owner(1)).await;
    let named = |name: &str| crate::Allowance {
        name: name.into(),
        version: 1,
        since: NOW,
        used: 1,
    };
    let wrong = [
        // A version that does not rise.
        vec![Write::put(Some(3), &protection(&owner(1), 3))],
        vec![Write::put(Some(3), &protection(&owner(1), 2))],
        // Two writes of one record.
        vec![read.clone().used(), read.clone().without_device(mine.id).changed()],
        vec![
            Write::put(Some(3), &protection(&owner(1), 4)),
            Write::require(&protection(&owner(1), 3)),
        ],
        // What could never be judged, or found by a person.
        vec![read.clone().with_device(without_secret, fresh(1)).changed()],
        vec![read.clone().with_device(mine.clone(), fresh(1)).changed()],
        vec![read.clone().with_device(device(&owner(2), 5), fresh(1)).changed()],
        vec![newcomer(&owner(3)).used()],
        vec![Write::put(None, &named("a\u{1}b"))],
        vec![Write::put(None, &named("a\0b"))],
        // Summaries that nobody would read, or with what no word has.
        summarised(&token(1), |document| document.key.user = "alice".into()),
        summarised(&token(1), |document| document.secrets.clear()),
        summarised(&token(1), |document| document.summary = Some("a\0b".into())),
    ];
    for (number, writes) in (0..).zip(wrong) {
        let harmless = change("said", vec![Write::put(None, &protection(&owner(2), 1))]);
        let refused = store.commit(vec![harmless, change("wrong", writes)]).await;
        assert!(refused.is_err(), "change {number}");
    }
    assert_eq!(store.rows(None, 100).await.expect("a read").len(), rows);
    assert_eq!(store.protection(owner(2)).await.expect("a read"), None);
    assert_bound(&store.bound(owner(1)).await.expect("a read"), &[(&mine, fresh(1))]);
}

/// This token, with something about its summary changed.
fn summarised(token: &Token, otherwise: impl FnOnce(&mut Document)) -> Vec<Write> {
    let mut document = Document::of(token);
    otherwise(&mut document);
    vec![Write::Put {
        expected: None,
        document: Box::new(document),
    }]
}

/// Only a counter goes up without a record of its own.
pub(super) async fn a_count_needs_no_event(harness: &dyn Harness) {
    let store = open(harness).await;
    let counted = |used: u32| crate::Allowance {
        name: "counted".into(),
        version: used.into(),
        since: NOW,
        used,
    };
    done(&*store, Change::of_count(None, &counted(1))).await;
    done(&*store, Change::of_count(Some(1), &counted(2))).await;
    missed(&*store, Change::of_count(Some(1), &counted(2)), "counted once").await;
    assert!(Change::of_all(Vec::new()).is_none());
    assert!(store.rows(None, 100).await.expect("a read").is_empty());
    let store = reopen(harness, store).await;
    assert_eq!(
        store.allowance("counted".into()).await.expect("a read"),
        Some(counted(2))
    );
}

/// What became of a notice has its event there, and its webhook's reader comes further with it; nothing else does.
pub(super) async fn a_delivery_needs_no_event(harness: &dyn Harness) {
    let store = open(harness).await;
    let delivery = |version| crate::Delivery {
        id: id(1),
        version,
        webhook: id(2),
        event: "1.1.1".into(),
        row: 1,
        kind: "device.bound".into(),
        person: id(3),
        at: NOW,
        state: crate::DeliveryState::Pending,
        attempts: 0,
        first_attempt_at: None,
        last_attempt_at: None,
        next_attempt_at: None,
        last_status: None,
        expires_at: NOW,
    };
    let name = crate::Webhook::reader(id(2));
    let reader = crate::TrailReader::next(None, &name, None);
    let first = [Write::put(None, &delivery(1)), Write::put(None, &reader)];
    done(&*store, Change::of_delivering(first)).await;
    let more = [
        Write::put(Some(1), &delivery(2)),
        Write::put(None, &protection(&owner(1), 1)),
    ];
    assert!(store.commit(vec![Change::of_delivering(more)]).await.is_err());
    assert!(store.commit(vec![Change::of_delivering([])]).await.is_err());
    let ended = Write::Delete {
        expected: 1,
        key: crate::Noun::key(&delivery(1)),
    };
    done(&*store, Change::of_delivering([ended])).await;
    assert_eq!(store.delivery(id(1)).await.expect("a read"), None);
    assert_eq!(store.rows(None, 9).await.expect("a read").len(), 0);
}
