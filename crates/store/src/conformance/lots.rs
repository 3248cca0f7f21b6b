//! Records around tokens: lots, exports, allowances.

use super::{Harness, done, inventory::named, missed, open, reopen, sample::*};
use crate::{Allowance, Export, ExportState, Fingerprint, Lot, OpenTo, Owner, Person, Write};

pub(super) async fn lots_round_trip(harness: &dyn Harness) {
    let store = open(harness).await;
    let kinds = [
        OpenTo::Nobody,
        OpenTo::Accounts(vec!["a, b".into(), "名前".into()]),
        OpenTo::Users(vec![owner(1), Owner::new("a b", "c:d")]),
        OpenTo::Everybody,
        OpenTo::Accounts(Vec::new()),
        OpenTo::Users(Vec::new()),
    ];
    let write = |expected, next: Lot| change("batch", vec![Write::put(expected, &next)]);
    let stays = |read: &Lot| change("batch", vec![Write::require(read)]);
    let mut wanted = Vec::new();
    for (number, open_to) in (1..).zip(kinds) {
        let first = lot(number, OpenTo::Everybody);
        done(&*store, write(None, first.clone())).await;
        let mut next = lot(number, open_to);
        next.version = 2;
        done(&*store, write(Some(1), next.clone())).await;
        missed(&*store, write(Some(1), next.clone()), "an old version").await;
        missed(&*store, write(None, first), "there is one").await;
        // As a condition it holds for one change after the other.
        done(&*store, stays(&next)).await;
        done(&*store, stays(&next)).await;
        wanted.push(next);
    }
    let store = reopen(harness, store).await;
    for wanted in &wanted {
        assert_eq!(
            store.lot(wanted.name.clone()).await.expect("a read").as_ref(),
            Some(wanted)
        );
    }
    assert_eq!(store.lots(None, 100).await.expect("a read"), wanted);
    let after = Some("batch 2".to_owned());
    assert_eq!(store.lots(after, 2).await.expect("a read"), wanted[2..4]);
}

pub(super) async fn exports_round_trip(harness: &dyn Harness) {
    let store = open(harness).await;
    let person = |number: u32| Person {
        api_key: id(number),
        key_owner: format!("名前 {number}"),
        actor: format!("desk-{number}"),
        user: None,
    };
    let states = [
        ExportState::Approved { by: person(8) },
        ExportState::HandedOut { approved_by: person(9) },
        ExportState::Withdrawn,
    ];
    let write = |expected, next: &Export| change("export", vec![Write::put(expected, next)]);
    let mut wanted = Vec::new();
    for (number, state) in (1..).zip(states) {
        let requested = Export {
            id: id(number),
            version: 1,
            serial_numbers: named(&[1, 2, 3][..number as usize]),
            recipient: "Wolke & Söhne".into(),
            recipient_key: Fingerprint {
                mac: [7; 32],
                key_id: u32::MAX,
            },
            requested_by: person(number),
            requested_at: NOW,
            expires_at: NOW.plus(1),
            state: ExportState::Requested,
        };
        done(&*store, write(None, &requested)).await;
        missed(&*store, write(None, &requested), "there is one").await;
        assert_eq!(
            store.export(id(number)).await.expect("a read").as_ref(),
            Some(&requested)
        );
        let next = Export {
            version: 2,
            state,
            ..requested
        };
        done(&*store, write(Some(1), &next)).await;
        missed(&*store, write(Some(1), &next), "an old version").await;
        wanted.push(next);
    }
    let store = reopen(harness, store).await;
    for wanted in &wanted {
        assert_eq!(store.export(wanted.id).await.expect("a read").as_ref(), Some(wanted));
    }
    assert_eq!(store.export(id(99)).await.expect("a read"), None);
}

pub(super) async fn allowances_count(harness: &dyn Harness) {
    let store = open(harness).await;
    let used = |used| Allowance {
        name: "somebody".into(),
        version: u64::from(used),
        since: NOW,
        used,
    };
    let write = |expected, next: Allowance| change("asked", vec![Write::put(expected, &next)]);
    done(&*store, write(None, used(1))).await;
    missed(&*store, write(None, used(1)), "it was used").await;
    done(&*store, write(Some(1), used(2))).await;
    missed(&*store, write(Some(1), used(2)), "counted once").await;
    let store = reopen(harness, store).await;
    assert_eq!(store.allowance("somebody".into()).await.expect("a read"), Some(used(2)));
    assert_eq!(store.allowance("nobody".into()).await.expect("a read"), None);
}
