//! Round trips of records: what is put in comes out.

use verify::UnixMs;

use super::{Harness, done, open, reopen, sample::*};
use crate::{Device, EnrollmentState, Owner, RecoveryCodes, TokenFilter, User, Write};

pub(super) async fn absent_records(harness: &dyn Harness) {
    let store = open(harness).await;
    let owner = owner(1);
    assert!(store.users(Vec::new()).await.expect("a read").is_empty());
    let found = store.users(vec![owner.clone(), owner.clone()]).await.expect("a read");
    assert_eq!(found.len(), 2, "an answer for each owner asked");
    assert!(found.iter().all(Option::is_none));
    let tombstone = store.unbound_device(owner.clone(), id(1)).await.expect("a read");
    assert_eq!(tombstone, None);
    assert!(store.device(owner.clone(), id(1)).await.expect("a read").is_none());
    assert!(store.enrollment(owner.clone(), id(1)).await.expect("a read").is_none());
    assert!(store.open_enrollments(owner.clone()).await.expect("a read").is_empty());
    assert!(store.expired_enrollments(NOW, 10).await.expect("a read").is_empty());
    assert!(store.recovery_codes(owner.clone()).await.expect("a read").is_none());
    assert_eq!(
        store
            .tokens_of(vec!["SN-1".into(), "".into()])
            .await
            .expect("a read")
            .len(),
        2
    );
    assert!(store.tokens_of(vec!["SN-1".into()]).await.expect("a read")[0].is_none());
    assert!(
        store
            .tokens(TokenFilter::default(), None, 10)
            .await
            .expect("a read")
            .is_empty()
    );
    assert!(store.bound_tokens(None, 10).await.expect("a read").is_empty());
    assert_eq!(store.known_fingerprints(vec![[0; 32]]).await.expect("a read"), [false]);
    assert!(store.lot("one".into()).await.expect("a read").is_none());
    assert!(store.lots(None, 10).await.expect("a read").is_empty());
    assert!(store.allowance("one".into()).await.expect("a read").is_none());
    assert!(store.protection(owner).await.expect("a read").is_none());
    assert!(store.api_key(id(1)).await.expect("a read").is_none());
    assert!(store.api_keys().await.expect("a read").is_empty());
    assert!(store.rows(None, 10).await.expect("a read").is_empty());
    assert!(store.newest().await.expect("a read").is_none());
    assert!(store.users_after(None, 10).await.expect("a read").is_empty());
    assert!(store.last_of(i64::MAX).await.expect("a read").is_none());
}

pub(super) async fn devices_round_trip(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let (first, second, other) = (device(&owner(1), 1), device(&owner(1), 2), device(&owner(2), 3));
    // The newer one first: the order of reading is the devices' own.
    bind(&*store, &second, fresh(2)).await;
    bind(&*store, &first, fresh(1)).await;
    bind(&*store, &other, fresh(3)).await;
    let next = after(&fresh(2), 0x1ff);
    used(&*store, &second, next.clone()).await;

    let owners = vec![owner(2), owner(7), owner(1), owner(2)];
    for _ in 0..2 {
        let found = store.users(owners.clone()).await.expect("a read");
        assert_eq!(found.len(), 4);
        let found: Vec<_> = found
            .into_iter()
            .map(|user| user.map_or(Vec::new(), |user| user.devices))
            .collect();
        assert_bound(&found[0], &[(&other, fresh(3))]);
        assert_bound(&found[1], &[]);
        assert_bound(&found[2], &[(&first, fresh(1)), (&second, next.clone())]);
        assert_bound(&found[3], &[(&other, fresh(3))]);
        store = reopen(harness, store).await;
    }
}

pub(super) async fn users_come_in_pages(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let mut wanted = Vec::new();
    for number in 1..9 {
        // Two of one user among them.
        let device = device(&owner(number.min(7)), number);
        bind(&*store, &device, fresh(number)).await;
        let next = after(&fresh(number), u64::from(number));
        used(&*store, &device, next.clone()).await;
        wanted.push((device, next));
    }
    let (unbound, _) = wanted.remove(2);
    let end = unbind(&*store, &unbound, NOW).await;
    done(&*store, change("unbound", end)).await;
    wanted.sort_by(|(a, _), (b, _)| {
        let key = |device: &Device| (device.owner.account.clone(), device.owner.user.clone(), device.id);
        key(a).cmp(&key(b))
    });
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(device, state)| (device, (*state).clone()))
        .collect();
    for limit in [1, 3, 100] {
        let mut found: Vec<User> = Vec::new();
        loop {
            let after = found.last().map(|last| last.owner.clone());
            let page = store.users_after(after, limit).await.expect("a read");
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= limit as usize);
            found.extend(page);
        }
        assert_eq!(found.len(), 7, "one without a device, too");
        let found: Vec<_> = found.into_iter().flat_map(|user| user.devices).collect();
        assert_bound(&found, &wanted);
        store = reopen(harness, store).await;
    }
}

pub(super) async fn enrollments_round_trip(harness: &dyn Harness) {
    let store = open(harness).await;
    let states = [
        EnrollmentState::Started {
            sealed: Some(sealed(9)),
            wrong_codes: 4,
        },
        EnrollmentState::Superseded { sealed: sealed(10) },
        EnrollmentState::Confirmed { device: id(77) },
        EnrollmentState::Abandoned,
    ];
    let mut wanted = Vec::new();
    for (number, state) in (1..).zip(states) {
        let begun = enrollment(&owner(1), number);
        done(&*store, put(None, &begun)).await;
        let next = become_state(&begun, state);
        done(&*store, put(Some(1), &next)).await;
        wanted.push(next);
    }
    let store = reopen(harness, store).await;
    for wanted in &wanted {
        let found = store
            .enrollment(owner(1), wanted.id)
            .await
            .expect("a read")
            .expect("it was put in");
        assert_enrollment(&found, wanted);
        assert!(
            store.enrollment(owner(2), wanted.id).await.expect("a read").is_none(),
            "another user's"
        );
    }
    let open = store.open_enrollments(owner(1)).await.expect("a read");
    assert_eq!(open.len(), 2, "those that have not ended");
    assert_enrollment(&open[0], &wanted[0]);
    assert_enrollment(&open[1], &wanted[1]);
}

pub(super) async fn recovery_codes_round_trip(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let dead = RecoveryCodes {
        codes: Vec::new(),
        ..recovery_codes(&owner(1), 9)
    };
    let sets = (1..9).map(|version| recovery_codes(&owner(1), version)).chain([dead]);
    let mut expected = None;
    for next in sets {
        done(&*store, change("codes", vec![Write::put(expected, &next)])).await;
        expected = Some(next.version);
        store = reopen(harness, store).await;
        let found = store.recovery_codes(owner(1)).await.expect("a read");
        assert!(found == Some(next), "version {expected:?}");
    }
    assert!(store.recovery_codes(owner(2)).await.expect("a read").is_none());
}

pub(super) async fn protections_round_trip(harness: &dyn Harness) {
    let store = open(harness).await;
    let mut expected = None;
    for version in [1, 2, 3, 4, u64::MAX] {
        let next = protection(&owner(1), version);
        done(&*store, change("protection", vec![Write::put(expected, &next)])).await;
        assert_eq!(store.protection(owner(1)).await.expect("a read"), Some(next));
        expected = Some(version);
    }
    assert_eq!(store.protection(owner(2)).await.expect("a read"), None);
}

pub(super) async fn any_name_is_a_key(harness: &dyn Harness) {
    let store = open(harness).await;
    // A3b: a letter and its accent are the letter with the accent.
    assert_eq!(Owner::new("a\u{308}", "e\u{301}"), Owner::new("ä", "é"));
    assert_ne!(Owner::new("a", "é"), Owner::new("a", "e"));
    let long = "x".repeat(128);
    let names = [
        "a",
        "A",
        "a ",
        "a/b",
        "ä",
        "'; --",
        "%",
        "_",
        "0",
        "NULL",
        "名前",
        long.as_str(),
    ];
    let owners: Vec<_> = names
        .iter()
        .flat_map(|account| names.iter().map(|user| Owner::new(*account, *user)))
        .collect();
    let devices: Vec<_> = (1..)
        .zip(&owners)
        .map(|(number, owner)| device(owner, number))
        .collect();
    let binds = devices
        .iter()
        .map(|device| change("bound", vec![first(device, fresh(1))]));
    super::commit(&*store, binds.collect()).await;
    let store = reopen(harness, store).await;
    let found = store.users(owners).await.expect("a read");
    for (found, device) in found.iter().zip(&devices) {
        assert_bound(&found.as_ref().expect("a row").devices, &[(device, fresh(1))]);
    }
    let times = [i64::MIN, -1, 0, i64::MAX].map(UnixMs::new);
    for (number, at) in (500..).zip(times) {
        let device = crate::Device {
            bound_at: at,
            ..device(&owner(1), number)
        };
        bind(&*store, &device, fresh(1)).await;
        let found = store
            .device(owner(1), device.id)
            .await
            .expect("a read")
            .expect("it was bound");
        assert_device(&found.device, &device);
    }
}
