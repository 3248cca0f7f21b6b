//! The lane: several batches are on their way at a time, a user in one of them (D4, D7).

mod support;

use std::sync::Arc;

use service::{Answer, Caller, Owner, Question, ServiceError};
use support::{
    World, alice, bob,
    faulty::{Fault, Gate},
    phone::Phone,
    question,
};

/// Everything that can go on without the disk has gone on.
async fn settled() {
    for _turn in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

type Asked = tokio::task::JoinHandle<Vec<Result<Answer, ServiceError>>>;

fn ask(world: &Arc<World>, caller: &Caller, questions: Vec<Question>) -> Asked {
    let (world, caller) = (world.clone(), caller.clone());
    tokio::spawn(async move { world.service.verify(&caller, questions).await })
}

fn wrong(world: &World, owner: &Owner, phone: &Phone) -> Question {
    question(owner, &phone.wrong_code(world.now()))
}

#[tokio::test]
async fn others_are_judged_while_a_users_answer_is_on_its_way_and_the_user_waits_for_it() {
    let world = Arc::new(World::new().await);
    let caller = world.all().await;
    let (_, alices) = world.bind(&caller, &alice()).await;
    let (_, bobs) = world.bind(&caller, &bob()).await;
    let carol = Owner::new("umbrella", "carol");
    let (_, carols) = world.bind(&caller, &carol).await;
    let gate = Arc::<Gate>::default();
    world.engine.becomes(Fault::Slow(gate.clone()));

    let first = ask(&world, &caller, vec![wrong(&world, &alice(), &alices)]);
    settled().await;
    assert_eq!(gate.arrived(), 1);
    let other = ask(&world, &caller, vec![wrong(&world, &bob(), &bobs)]);
    settled().await;
    assert_eq!(gate.arrived(), 2, "bob does not wait for alice's commit");
    let second = ask(&world, &caller, vec![wrong(&world, &alice(), &alices)]);
    settled().await;
    assert_eq!(gate.arrived(), 2, "alice is in one batch at a time");
    let elsewhere = ask(&world, &caller, vec![wrong(&world, &carol, &carols)]);
    settled().await;
    assert_eq!(gate.arrived(), 3, "another account does not wait behind her");

    gate.open(1);
    settled().await;
    assert_eq!(gate.arrived(), 4, "judged upon what the first brought about");
    gate.open(3);
    for asked in [first, other, second, elsewhere] {
        assert_eq!(asked.await.expect("it is answered"), [Ok(Answer::Refused)]);
    }
    let told = world.told("verify").await;
    let missed = told.iter().filter(|event| event["cause"] == "contended");
    assert_eq!((told.len(), missed.count()), (4, 0));
    assert_eq!(gate.arrived(), 4, "nobody was judged twice");
}

#[tokio::test]
async fn a_call_of_many_waits_for_each_of_its_users() {
    let world = Arc::new(World::new().await);
    let caller = world.all().await;
    let (_, alices) = world.bind(&caller, &alice()).await;
    let (_, bobs) = world.bind(&caller, &bob()).await;
    let gate = Arc::<Gate>::default();
    world.engine.becomes(Fault::Slow(gate.clone()));

    let first = ask(&world, &caller, vec![wrong(&world, &alice(), &alices)]);
    settled().await;
    let many = [(alice(), &alices), (bob(), &bobs)].map(|(owner, phone)| wrong(&world, &owner, phone));
    let many = ask(&world, &caller, many.into());
    settled().await;
    assert_eq!(gate.arrived(), 1, "for alice's sake");
    gate.open(3);
    assert_eq!(first.await.expect("it is answered"), [Ok(Answer::Refused)]);
    assert_eq!(
        many.await.expect("it is answered"),
        [Ok(Answer::Refused), Ok(Answer::Refused)]
    );
    assert_eq!(world.told("verify").await.len(), 3);
}

#[tokio::test]
async fn what_was_let_in_is_answered_before_the_end() {
    let world = Arc::new(World::new().await);
    let caller = world.all().await;
    let (_, alices) = world.bind(&caller, &alice()).await;
    let gate = Arc::<Gate>::default();
    world.engine.becomes(Fault::Slow(gate.clone()));
    let asked = [0, 1, 2].map(|_| ask(&world, &caller, vec![wrong(&world, &alice(), &alices)]));
    settled().await;
    let closing = tokio::spawn({
        let world = world.clone();
        async move { world.service.close().await }
    });
    settled().await;
    let late = world
        .service
        .verify(&caller, vec![wrong(&world, &alice(), &alices)])
        .await;
    assert!(matches!(late[0], Err(ServiceError::StorageUnavailable(_))), "{late:?}");
    assert!(!closing.is_finished(), "two of three wait for the first one's commit");
    // What the end itself writes passes as well.
    gate.open(100);
    for asked in asked {
        assert_eq!(asked.await.expect("it is answered"), [Ok(Answer::Refused)]);
    }
    closing.await.expect("it ends");
    assert_eq!(world.told("verify").await.len(), 3);
}
