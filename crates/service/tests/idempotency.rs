//! Idempotency keys: what a request creates, its repeat does not create again.

mod support;

use service::{Caller, ExportedTokens, IdempotencyKey, NewExport, NewLot, OpenTo, Role, ServiceError, UnixMs};
use support::{World, alice, app, bob, hardware};

fn named(caller: &Caller, key: &str, request: &str) -> Caller {
    let key = IdempotencyKey::new(key, &[request.as_bytes()]);
    caller.clone().with_idempotency_key(Some(key))
}

#[tokio::test]
async fn an_apps_secret_is_shown_once() {
    let world = World::new().await;
    let caller = named(&world.all().await, "k1", "bind");
    let wanted = world.wanted(&alice(), app(), None);
    let first = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("it begins");
    let again = world.service.start_enrollment(&caller, &wanted).await;
    assert_eq!(again.err(), Some(ServiceError::AlreadyCreated { id: first.id }));
    assert_eq!(world.told("enrollment.start").await.len(), 1, "one begins");
    let kept = world.store.enrollment(alice(), first.id).await.expect("a read");
    assert!(kept.is_some_and(|kept| kept.state.is_open()), "the repeat ends nothing");
}

#[tokio::test]
async fn a_tokens_enrollment_is_told_again() {
    let world = World::new().await;
    let all = world.all().await;
    world.stock(&all, "pilot", &["CS-1"]).await;
    let caller = named(&all, "k1", "bind");
    let wanted = world.wanted(&alice(), hardware("CS-1"), None);
    let first = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("it begins");
    world.clock.pass(UnixMs::MINUTE);
    let again = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("the same");
    assert_eq!((again.id, again.expires_at), (first.id, first.expires_at));
}

#[tokio::test]
async fn the_key_belongs_to_one_request_of_one_api_key() {
    let world = World::new().await;
    let (all, other) = (world.all().await, world.all().await);
    let start = async |caller: &Caller, owner| {
        let wanted = world.wanted(&owner, app(), None);
        world
            .service
            .start_enrollment(caller, &wanted)
            .await
            .map(|started| started.id)
    };
    let first = start(&named(&all, "k1", "bind"), alice()).await.expect("it begins");
    let reused = start(&named(&all, "k1", "bind otherwise"), alice()).await;
    assert_eq!(reused, Err(ServiceError::IdempotencyKeyReused));
    let of_another_key = start(&named(&other, "k1", "bind"), alice()).await.expect("it begins");
    let of_another_user = start(&named(&all, "k1", "bind"), bob()).await.expect("it begins");
    let unnamed = start(&all, alice()).await.expect("it begins");
    let ids = [first, of_another_key, of_another_user, unnamed];
    assert!((1..4).all(|place| !ids[..place].contains(&ids[place])), "{ids:?}");
}

#[tokio::test]
async fn what_was_refused_may_be_asked_again() {
    let world = World::new().await;
    let all = world.all().await;
    let caller = named(&all, "k1", "bind");
    let wanted = world.wanted(&alice(), hardware("CS-1"), None);
    let refused = world.service.start_enrollment(&caller, &wanted).await;
    assert_eq!(refused.err(), Some(ServiceError::TokenUnavailable));
    world.stock(&all, "pilot", &["CS-1"]).await;
    world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("it begins");
}

#[tokio::test]
async fn batches_and_exports_are_told_as_they_are_now() {
    let world = World::new().await;
    let all = world.all().await;
    let closed = NewLot::default();
    let caller = named(&all, "k1", "batch");
    world
        .service
        .create_lot(&caller, "pilot", &closed)
        .await
        .expect("it is made");
    let open = NewLot {
        open_to: Some(OpenTo::Everybody),
        note: None,
    };
    world
        .service
        .change_lot(&all, "pilot", &open)
        .await
        .expect("it is changed");
    let again = world.service.create_lot(&caller, "pilot", &closed).await;
    assert_eq!(again.map(|lot| lot.open_to), Ok(OpenTo::Everybody));

    world.stock(&all, "red", &["CS-1"]).await;
    let caller = named(&world.person(&[Role::Admin], None, "Ada", "ann").await, "k2", "export");
    let wanted = || NewExport {
        tokens: ExportedTokens::Named(vec!["CS-1".into()]),
        recipient: "factory".into(),
        key: vec![7; 16].into(),
    };
    let first = world
        .service
        .request_export(&caller, wanted())
        .await
        .expect("it is asked for");
    let again = world.service.request_export(&caller, wanted()).await.expect("the same");
    assert_eq!(first.id, again.id);
    assert_eq!(world.told("export.request").await.len(), 1);
}

#[tokio::test]
async fn a_day_later_the_key_is_forgotten_and_a_users_goes_with_them() {
    let world = World::new().await;
    let all = world.all().await;
    let caller = named(&all, "k1", "bind");
    let start = async || {
        let wanted = world.wanted(&alice(), app(), None);
        world
            .service
            .start_enrollment(&caller, &wanted)
            .await
            .map(|started| started.id)
    };
    let first = start().await.expect("it begins");
    assert!(start().await.is_err());
    world.clock.pass(UnixMs::DAY);
    let second = start().await.expect("before housekeeping, too");
    assert_ne!(first, second);
    world.clock.pass(UnixMs::DAY + 1);
    world
        .service
        .run_housekeeping(&Caller::system())
        .await
        .expect("it is done");
    assert_eq!(world.last("idempotency.expire").await["count"], 1);
    start().await.expect("it begins");
    world.service.erase_user(&all, &alice()).await.expect("they are erased");
    start().await.expect("another user of the name");
}

/// A repeat costs nothing and is told after the proof's time, too: an answer may be lost for hours.
#[tokio::test]
async fn a_repeat_takes_no_allowance_and_needs_no_fresh_proof() {
    let world = World::new().await;
    let caller = named(&world.all().await, "k1", "bind");
    let wanted = world.wanted(&alice(), app(), None);
    let first = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("it begins");
    for _repeat in 0..50 {
        let again = world.service.start_enrollment(&caller, &wanted).await;
        assert_eq!(again.err(), Some(ServiceError::AlreadyCreated { id: first.id }));
    }
    world.clock.pass(16 * UnixMs::MINUTE);
    let again = world.service.start_enrollment(&caller, &wanted).await;
    assert_eq!(
        again.err(),
        Some(ServiceError::EnrollmentExpired),
        "what became of it, not what is wrong with an old proof"
    );
    let other = world.wanted(&alice(), app(), None);
    let all = world.all().await;
    world
        .service
        .start_enrollment(&all, &other)
        .await
        .expect("nobody was held up");
}

/// A token shows no secret: its enrollment that has ended is told so.
#[tokio::test]
async fn a_tokens_enrollment_that_ended_is_told_so() {
    let world = World::new().await;
    let all = world.all().await;
    world.stock(&all, "pilot", &["CS-1"]).await;
    let caller = named(&all, "k1", "bind");
    let wanted = world.wanted(&alice(), hardware("CS-1"), None);
    let first = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("it begins");
    let abandoned = world.service.abandon_enrollment(&all, &alice(), first.id).await;
    abandoned.expect("it ends");
    let again = world.service.start_enrollment(&caller, &wanted).await;
    assert_eq!(again.err(), Some(ServiceError::EnrollmentEnded));
}

/// One key, two batches at once: one is made, the other is told that the key was used.
#[tokio::test]
async fn the_key_is_taken_where_the_batch_was_there_before() {
    let world = World::new().await;
    let all = world.all().await;
    let closed = NewLot::default();
    world
        .service
        .create_lot(&all, "pilot", &closed)
        .await
        .expect("it is made");
    let same = world
        .service
        .create_lot(&named(&all, "k1", "pilot"), "pilot", &closed)
        .await;
    assert!(same.is_ok(), "{same:?}");
    let other = world
        .service
        .create_lot(&named(&all, "k1", "red"), "red", &closed)
        .await;
    assert_eq!(other.err(), Some(ServiceError::IdempotencyKeyReused));
    let again = world
        .service
        .create_lot(&named(&all, "k1", "pilot"), "pilot", &closed)
        .await;
    assert!(again.is_ok(), "{again:?}");
    let racing = ["a", "b", "c", "d"].map(|name| {
        let caller = named(&all, "k2", name);
        let (service, closed) = (&world.service, &closed);
        async move { service.create_lot(&caller, name, closed).await }
    });
    let [a, b, c, d] = racing;
    let told = tokio::join!(a, b, c, d);
    let told = [told.0, told.1, told.2, told.3];
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
    let reused = |told: &&Result<_, _>| matches!(told, Err(ServiceError::IdempotencyKeyReused));
    assert_eq!(told.iter().filter(reused).count(), 3, "{told:?}");
}
