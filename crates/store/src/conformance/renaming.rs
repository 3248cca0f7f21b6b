//! Users who are renamed: the row, its id, its states and the names of the trail go along, and nobody else's row is taken.

use super::{
    Harness,
    bicycle::{Bicycle, bicycle},
    done, missed, open, reopen,
    sample::*,
    sealing::device_under,
};
use crate::{Bound, Document, Key, List, Noun as _, Owner, Sealed, StoreError, User, Write};

/// This user under another name, with another secret in the place of the old one.
fn renamed(read: User, name: &str) -> (Owner, User) {
    let from = read.owner.clone();
    let owner = Owner::new(from.account.clone(), name);
    let devices = read.devices.into_iter().map(|Bound { mut device, state }| {
        device.owner = owner.clone();
        device.sealed = Sealed {
            key_id: device.sealed.key_id,
            bytes: device.sealed.bytes.iter().map(|byte| !byte).collect(),
        };
        Bound { device, state }
    });
    let devices = devices.collect();
    (from, User { owner, devices, ..read })
}

pub(super) async fn a_renamed_user_is_the_same_one(harness: &dyn Harness) {
    let store = open(harness).await;
    let device = device_under(1, &owner(1), 1);
    bind(&*store, &device, fresh(1)).await;
    let before = row(&*store, &owner(1)).await;
    let named = store.named(vec![before.id]).await.expect("a read")[0]
        .clone()
        .expect("named");
    let (from, next) = renamed(before.clone(), "somebody else");
    let secret = next.devices[0].device.sealed.clone();
    let head = store.head();
    done(&*store, change("renamed", vec![next.clone().renamed(from.clone())])).await;
    assert_eq!(store.head().position, head.position + 1, "and the trail says so");
    let mut store = store;
    for _crash in 0..2 {
        assert!(store.user(from.clone()).await.expect("a read").is_none());
        let after = row(&*store, &next.owner).await;
        assert_eq!(after.id, before.id);
        assert_ne!(after.revision, before.revision);
        assert_eq!(after.devices[0].state, before.devices[0].state);
        assert!(after.devices[0].device.sealed == secret);
        assert_eq!(after.devices[0].device.owner, next.owner);
        let now = store.named(vec![before.id]).await.expect("a read")[0]
            .clone()
            .expect("named");
        assert_eq!(now.owner, next.owner);
        assert!(
            now.names_key == named.names_key,
            "what the trail says of them is readable"
        );
        store = reopen(harness, store).await;
    }
    let again = after(&next.devices[0].state, 7);
    done(
        &*store,
        change(
            "used",
            vec![row(&*store, &next.owner).await.with_state(device.id, again).used()],
        ),
    )
    .await;
}

pub(super) async fn only_what_was_read_is_renamed(harness: &dyn Harness) {
    let store = open(harness).await;
    bind(&*store, &device_under(1, &owner(1), 1), fresh(1)).await;
    bind(&*store, &device_under(2, &owner(4), 1), fresh(2)).await;
    let read = row(&*store, &owner(1)).await;
    let (from, next) = renamed(read.clone(), &owner(4).user);
    let taken = change("renamed", vec![next.renamed(from)]);
    missed(&*store, taken, "somebody has the name").await;
    let (from, next) = renamed(read.clone(), "new");
    done(&*store, change("used", vec![read.used()])).await;
    let late = change("renamed", vec![next.renamed(from)]);
    missed(&*store, late, "the row is another by now").await;
    assert!(
        store
            .user(Owner::new(owner(1).account, "new"))
            .await
            .expect("a read")
            .is_none()
    );
    // Nor anything beside it, nor into another account, nor to the same name.
    let read = row(&*store, &owner(1)).await;
    let (from, next) = renamed(read.clone(), "new");
    let also = change(
        "renamed",
        vec![next.clone().renamed(from.clone()), Write::put(None, &bicycle(1))],
    );
    let same = change("renamed", vec![read.clone().renamed(from.clone())]);
    let elsewhere = change("renamed", vec![next.renamed(Owner::new("elsewhere", from.user))]);
    for wrong in [also, same, elsewhere] {
        let refused = store.commit(vec![wrong]).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    assert_eq!(row(&*store, &owner(1)).await.revision, read.revision);
    let beside: Option<Bicycle> = store.one(bicycle(1).key()).await.expect("a read");
    assert!(beside.is_none());
}

pub(super) async fn every_document_of_a_noun_is_listed(harness: &dyn Harness) {
    let store = open(harness).await;
    for number in (0..12).rev() {
        done(&*store, change("made", vec![Write::put(None, &bicycle(number))])).await;
    }
    let mut found: Vec<Key> = Vec::new();
    loop {
        let after = found.last().cloned();
        let page: Vec<Document> = store
            .documents_in(Bicycle::NAME, List::Every { after }, 5)
            .await
            .expect("a read");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 5);
        found.extend(page.into_iter().map(|document| document.key));
    }
    let mut all: Vec<Key> = (0..12).map(|number| bicycle(number).key()).collect();
    all.sort();
    assert_eq!(found, all);
    let counted = store.count_in(Bicycle::NAME, List::Every { after: None }, 7).await;
    assert_eq!(counted.expect("a read"), 7);
}
