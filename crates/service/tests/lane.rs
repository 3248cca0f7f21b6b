//! The lane: several batches are on their way at a time, a user in one of them (D4, D7).

mod support;

use std::sync::Arc;

use service::{Answer, Caller, Owner, Question, ServiceError, Settings};
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

/// As many strangers of an account, each asked about once.
fn strangers(world: &World, account: &str, phone: &Phone, numbers: std::ops::Range<usize>) -> Vec<Question> {
    let one = |number| wrong(world, &Owner::new(account, format!("stranger-{number}")), phone);
    numbers.map(one).collect()
}

/// Everything that is on its way to the disk arrives there, and what comes of it.
async fn pass(gate: &Gate, arrived: &mut usize) {
    gate.open(gate.arrived() - *arrived);
    *arrived = gate.arrived();
    settled().await;
}

/// An account has asked about as many as it may, and of another one somebody posts twice: whoever comes in then waits for what
/// is on its way by now, and for their own commit.
#[tokio::test]
async fn who_floods_keeps_nobody_elses_login_waiting_for_longer_than_what_is_on_its_way() {
    let world = Arc::new(World::new().await);
    let caller = world.all().await;
    let carol = Owner::new("umbrella", "carol");
    let (_, carols) = world.bind(&caller, &carol).await;
    let dave = Owner::new("umbrella", "dave");
    let (_, daves) = world.bind(&caller, &dave).await;
    let (_, alices) = world.bind(&caller, &alice()).await;
    world.clock.pass(support::STEP_MS);
    let gate = Arc::<Gate>::default();
    world.engine.becomes(Fault::Slow(gate.clone()));
    let mut arrived = 0;

    let twice = [0, 1].map(|_| ask(&world, &caller, vec![wrong(&world, &dave, &daves)]));
    settled().await;
    let flood = [0, 1].map(|call| {
        let many = strangers(&world, "flooded", &alices, call * 4_096..(call + 1) * 4_096);
        ask(&world, &caller, many)
    });
    settled().await;
    let on_its_way = gate.arrived();
    let more = ask(&world, &caller, strangers(&world, "flooded", &alices, 8_192..12_288));
    settled().await;
    let login = ask(&world, &caller, vec![question(&carol, &carols.shows(world.now()))]);
    let other = ask(&world, &caller, vec![question(&alice(), &alices.shows(world.now()))]);
    settled().await;
    assert_eq!(gate.arrived(), on_its_way, "there is enough on its way");

    pass(&gate, &mut arrived).await;
    pass(&gate, &mut arrived).await;
    for login in [login, other] {
        assert!(login.is_finished(), "behind what was on its way, and nothing else");
        let answers = login.await.expect("it is answered");
        assert!(matches!(answers[..], [Ok(Answer::Accepted(_))]), "{answers:?}");
    }
    for posted in twice {
        assert_eq!(posted.await.expect("it is answered"), [Ok(Answer::Refused)]);
    }
    assert!(!flood[1].is_finished(), "the flood waits behind itself");
    gate.open(1_000_000);
    for call in flood {
        let answers = call.await.expect("it is answered");
        assert!(answers.iter().all(|answer| *answer == Ok(Answer::Refused)));
    }
    let answers = more.await.expect("it is answered");
    let refused = answers
        .iter()
        .filter(|answer| **answer == Err(ServiceError::RateLimited));
    assert_eq!(refused.count(), 2_048, "an account has room for so many and no more");
}

/// A call is split where it is long; the code that is right twice in it is right once, and where it came first.
#[tokio::test]
async fn a_long_call_is_judged_in_its_order() {
    let world = Arc::new(World::new().await);
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    world.clock.pass(support::STEP_MS);
    let gate = Arc::<Gate>::default();
    world.engine.becomes(Fault::Slow(gate.clone()));
    let before = ask(&world, &caller, vec![wrong(&world, &alice(), &phone)]);
    settled().await;

    let mut many = strangers(&world, &alice().account, &phone, 0..3_000);
    let right = || question(&alice(), &phone.shows(world.now()));
    let places = [10, 300, 301, 2_900];
    places.into_iter().for_each(|place| many[place] = right());
    let asked = ask(&world, &caller, many);
    settled().await;
    gate.open(1_000_000);
    assert_eq!(before.await.expect("it is answered"), [Ok(Answer::Refused)]);
    let answers = asked.await.expect("it is answered");
    let accepted = |place: &usize| matches!(answers[*place], Ok(Answer::Accepted(_)));
    assert_eq!((0..3_000).filter(accepted).collect::<Vec<_>>(), [10]);
}

/// Whoever hangs up, and whose batch falls over, holds no place and is in no batch any more.
#[tokio::test]
async fn no_place_is_lost() {
    let settings = Settings {
        waiting_per_user: 1,
        ..Settings::default()
    };
    let world = Arc::new(World::with(settings).await);
    let caller = world.all().await;
    let (_, alices) = world.bind(&caller, &alice()).await;
    let one = || vec![wrong(&world, &alice(), &alices)];
    let three = || {
        vec![
            wrong(&world, &alice(), &alices),
            wrong(&world, &bob(), &alices),
            wrong(&world, &alice(), &alices),
        ]
    };
    for call in [&one as &dyn Fn() -> Vec<Question>, &three] {
        let gate = Arc::<Gate>::default();
        world.engine.becomes(Fault::Slow(gate.clone()));
        let hung_up = ask(&world, &caller, call());
        settled().await;
        hung_up.abort();
        settled().await;
        let meanwhile = world.service.verify(&caller, one()).await;
        assert_eq!(
            meanwhile,
            [Err(ServiceError::RateLimited)],
            "what was asked is still judged"
        );
        gate.open(1_000);
        settled().await;
        assert_eq!(world.service.verify(&caller, one()).await, [Ok(Answer::Refused)]);

        world.engine.becomes(Fault::Panics);
        let fell = world.service.verify(&caller, call()).await;
        let told = |answer: &Result<Answer, ServiceError>| matches!(answer, Err(ServiceError::StorageUnavailable(_)));
        assert!(fell.iter().all(told), "{fell:?}");
        world.engine.becomes(Fault::None);
        let again = world.service.verify(&caller, call()).await;
        assert!(again.iter().all(|answer| *answer == Ok(Answer::Refused)), "{again:?}");
    }
    // The lane goes on, and ends.
    world.service.close().await;
}
