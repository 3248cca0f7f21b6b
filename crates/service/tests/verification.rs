//! Verification: what is accepted, once, and every refusal.

mod support;

use service::{
    Acceptance, Answer, Client, Owner, Question, Replacement, Role, ServiceError, Settings, TokenTransition, UnixMs,
};
use support::{STEP_MS, World, alice, bob, by_code, paper_question, question};

fn accepted(told: Result<Answer, ServiceError>) -> Acceptance {
    match told {
        Ok(Answer::Accepted(accepted)) => accepted,
        other => panic!("it was to be accepted: {other:?}"),
    }
}

#[tokio::test]
async fn d4_a_code_is_accepted_once_and_the_one_that_bound_it_counts() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let bound_by = phone.later(world.now(), -1);
    assert_eq!(world.verify(&caller, &alice(), &bound_by).await, Ok(Answer::Refused));
    let event = world.last("verify").await;
    assert_eq!((&event["cause"], &event["steps"]), (&"used".into(), &(-1).into()));

    let code = phone.shows(world.now());
    let right = accepted(world.verify(&caller, &alice(), &code).await);
    assert_eq!((right.device, right.repeated), (Some(device), false));
    assert_eq!(right.wrong_since_last_success, 1);
    let event = world.last("verify").await;
    assert_eq!(event["outcome"], "accepted");
    assert_eq!(event["device"], device.to_string());
    assert_eq!(event["decision_id"], right.decision_id.to_string());

    assert_eq!(world.verify(&caller, &alice(), &code).await, Ok(Answer::Refused));
    let event = world.last("verify").await;
    assert_eq!(
        (&event["outcome"], &event["cause"]),
        (&"refused".into(), &"used".into())
    );
    let last = world
        .store
        .device(alice(), device)
        .await
        .expect("a read")
        .expect("it is bound");
    assert_eq!(last.state.parts().last_success_at, Some(world.now()));
}

#[tokio::test]
async fn d6_the_window_is_one_step_on_either_side() {
    for (steps, is_right, cause) in [
        (-3, false, "too_late"),
        (-2, false, "too_late"),
        (-1, true, ""),
        (0, true, ""),
        (1, true, ""),
        (2, false, "too_early"),
        (3, false, "too_early"),
    ] {
        let world = World::new().await;
        let caller = world.all().await;
        let (_, phone) = world.bind(&caller, &alice()).await;
        world.clock.pass(10 * STEP_MS);
        let told = world.verify(&caller, &alice(), &phone.later(world.now(), steps)).await;
        assert_eq!(matches!(told, Ok(Answer::Accepted(_))), is_right, "{steps}: {told:?}");
        let event = world.last("verify").await;
        if !is_right {
            assert_eq!(told, Ok(Answer::Refused));
            assert_eq!((&event["cause"], &event["steps"]), (&cause.into(), &steps.into()));
        }
        assert_eq!(
            event.get("masked_s").is_some(),
            cause == "too_early",
            "D5, {steps}: {event}"
        );
    }
}

#[tokio::test]
async fn whoever_asks_is_told_refused_and_the_trail_why() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    let now = world.now();
    let seven = phone.with_digits(7).shows(now);
    let wrong = phone.wrong_code(now);
    for (owner, typed, cause) in [
        (alice(), wrong.as_str(), "wrong"),
        (alice(), "letters", "malformed"),
        (alice(), "", "malformed"),
        (alice(), "123456789", "malformed"),
        (alice(), seven.as_str(), "other_digits"),
        (bob(), "123456", "no_device"),
        (bob(), "letters", "no_device"),
    ] {
        let told = world.verify(&caller, &owner, typed).await;
        assert_eq!(told, Ok(Answer::Refused), "D5: {typed}");
        let event = world.last("verify").await;
        assert_eq!(
            (&event["outcome"], &event["cause"]),
            (&"refused".into(), &cause.into()),
            "{typed}"
        );
    }
    let typed = phone.shows(now);
    let typed = format!(" {}\u{2013}{} ", &typed[..3], &typed[3..]);
    accepted(world.verify(&caller, &alice(), &typed).await);
}

#[tokio::test]
async fn answers_stand_in_the_order_of_the_questions_each_with_its_own() {
    let world = World::new().await;
    let all = world.all().await;
    let (device, phone) = world.bind(&all, &alice()).await;
    let caller = world.caller(&[Role::Verify], Some(&["acme"])).await;
    let code = phone.shows(world.now());
    let elsewhere = Owner::new("other", "alice");
    let early = Question {
        first_factor: false,
        ..question(&alice(), &code)
    };
    let asked = vec![
        question(&elsewhere, &code),
        early,
        question(&bob(), &code),
        question(&alice(), &code),
        question(&alice(), &code),
    ];
    let told = world.service.verify(&caller, asked).await;
    assert!(matches!(told[0], Err(ServiceError::Forbidden(_))), "A4: {told:?}");
    assert_eq!(told[1], Err(ServiceError::FirstFactorRequired), "A2");
    assert_eq!(told[2], Ok(Answer::Refused));
    assert_eq!(accepted(told[3].clone()).device, Some(device));
    assert_eq!(told[4], Ok(Answer::Refused), "D4: one batch, and still once");
    assert_eq!(world.service.verify(&caller, Vec::new()).await, []);
}

#[tokio::test]
async fn a1_ten_wrong_codes_lock_until_an_hour_after_the_first_and_every_code_is_told_the_same() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let first_at = world.now();
    world.guess(&caller, &alice(), &phone, 9).await;
    world.clock.pass(10 * UnixMs::MINUTE);
    world.guess(&caller, &alice(), &phone, 1).await;
    let locked = Ok(Answer::Locked {
        until: Some(first_at.plus(UnixMs::HOUR)),
        retry_after_s: Some(50 * 60),
    });
    let rows = world.rows().await.len();
    for code in [phone.shows(world.now()), phone.wrong_code(world.now()), "x".into()] {
        assert_eq!(world.verify(&caller, &alice(), &code).await, locked);
    }
    assert_eq!(
        world.rows().await.len(),
        rows,
        "refusals while locked are counted, and no rows"
    );
    world.clock.pass(50 * UnixMs::MINUTE);
    let right = accepted(world.verify(&caller, &alice(), &phone.shows(world.now())).await);
    assert_eq!(right.wrong_since_last_success, 10);

    world.service.close().await;
    let counted = world.last("verify").await;
    assert_eq!((&counted["outcome"], &counted["count"]), (&"locked".into(), &3.into()));
    assert_eq!(counted["device"], device.to_string());
}

#[tokio::test]
async fn a1_the_second_lock_lasts_twice_as_long() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    world.guess(&caller, &alice(), &phone, 10).await;
    world.clock.pass(UnixMs::HOUR);
    world.guess(&caller, &alice(), &phone, 10).await;
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    let until = Some(world.now().plus(2 * UnixMs::HOUR));
    assert!(
        matches!(told, Ok(Answer::Locked { until: told, .. }) if told == until),
        "{told:?}"
    );
}

#[tokio::test]
async fn a1_the_same_wrong_code_within_its_step_is_one_guess() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let wrong = phone.wrong_code(world.now());
    for _ in 0..30 {
        assert_eq!(world.verify(&caller, &alice(), &wrong).await, Ok(Answer::Refused));
    }
    let bound = world
        .store
        .device(alice(), device)
        .await
        .expect("a read")
        .expect("it is bound");
    assert_eq!(bound.state.parts().verification.since_success, 1);
    // The guess, and ten of its repeats; the others are counted.
    assert_eq!(world.told("verify").await.len(), 11);
    accepted(world.verify(&caller, &alice(), &phone.shows(world.now())).await);
    world.service.close().await;
    let counted = world.last("verify").await;
    assert_eq!((&counted["cause"], &counted["count"]), (&"repeated".into(), &19.into()));
}

#[tokio::test]
async fn a1_sixty_wrong_codes_that_are_no_mistakes_suspend_until_somebody_acts() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    for _ in 0..6 {
        world.guess(&caller, &alice(), &phone, 10).await;
        world.clock.pass(UnixMs::DAY);
    }
    let event = world.last("verify").await;
    assert_eq!(event["detail"]["suspended"], "verification");
    world.clock.pass(30 * UnixMs::DAY);
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    let suspended = Answer::Locked {
        until: None,
        retry_after_s: None,
    };
    assert_eq!(told, Ok(suspended));
}

#[tokio::test]
async fn a_lost_token_is_judged_no_more() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (_, token) = world.bind_token(&caller, &alice(), "CS-1").await;
    accepted(world.verify(&caller, &alice(), &token.shows(world.now())).await);
    let lost = world.service.move_token(&caller, "CS-1", &TokenTransition::Lose).await;
    lost.expect("it is lost");
    world.clock.pass(STEP_MS);
    let told = world.verify(&caller, &alice(), &token.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Locked { until: None, .. })), "{told:?}");
}

#[tokio::test]
async fn d3_with_two_devices_either_is_right_and_a_wrong_code_counts_on_both() {
    let settings = Settings {
        devices_max: 2,
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let caller = world.all().await;
    let (first, phone) = world.bind(&caller, &alice()).await;
    let further = Replacement {
        replaces: None,
        factor: by_code(&phone.shows(world.now())),
    };
    let (second, tablet, _) = world.bind_as(&caller, &alice(), Some(further), false).await;
    // No code of either.
    let near: Vec<_> = tablet.wrong_codes(world.now(), 9_000);
    let wrong = phone
        .wrong_codes(world.now(), 9_000)
        .into_iter()
        .find(|code| near.contains(code));
    let wrong = wrong.expect("most codes are wrong for both");
    assert_eq!(world.verify(&caller, &alice(), &wrong).await, Ok(Answer::Refused));
    for bound in world.store.bound(alice()).await.expect("a read") {
        assert_eq!(bound.state.parts().verification.since_success, 1);
    }
    let right = accepted(world.verify(&caller, &alice(), &tablet.shows(world.now())).await);
    assert_eq!(right.device, Some(second));
    let right = accepted(world.verify(&caller, &alice(), &phone.shows(world.now())).await);
    assert_eq!(right.device, Some(first));
}

#[tokio::test]
async fn an_exact_repeat_of_an_accepted_request_is_told_the_same_decision() {
    let world = World::new().await;
    let caller = world.caller(&Role::ALL, None).await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    let code = phone.shows(world.now());
    let with_id = |id: &str, code: &str, ip: Option<&str>| Question {
        request_id: Some(id.into()),
        client: ip.map(|ip| Client {
            ip: Some(ip.into()),
            user_agent: None,
        }),
        ..question(&alice(), code)
    };
    let first = accepted(world.ask(&caller, with_id("r-1", &code, None)).await);
    let again = accepted(world.ask(&caller, with_id("r-1", &code, None)).await);
    assert_eq!(
        again,
        Acceptance {
            repeated: true,
            ..first
        }
    );
    let rows = world.rows().await.len();

    world.clock.pass(4 * UnixMs::MINUTE);
    let again = accepted(world.ask(&caller, with_id("r-1", &code, None)).await);
    assert_eq!(again.decision_id, first.decision_id);
    assert_eq!(world.rows().await.len(), rows, "a repeat is counted, and no row");
    let another_key = world.all().await;
    let others = world.ask(&another_key, with_id("r-1", &code, None)).await;
    assert_eq!(others, Ok(Answer::Refused), "another key's id is another id");
    let told = world.ask(&caller, with_id("r-2", &code, None)).await;
    assert_eq!(told, Ok(Answer::Refused), "another id");
    world.clock.pass(UnixMs::MINUTE);
    let told = world.ask(&caller, with_id("r-1", &code, None)).await;
    assert_eq!(told, Ok(Answer::Refused), "it is forgotten after five minutes");

    // One with the id of the accepted one and another code or client ends what is remembered.
    world.clock.pass(STEP_MS);
    let code = phone.shows(world.now());
    accepted(world.ask(&caller, with_id("r-3", &code, None)).await);
    let told = world.ask(&caller, with_id("r-3", &code, Some("203.0.113.7"))).await;
    assert_eq!(told, Ok(Answer::Refused), "another client");
    let told = world.ask(&caller, with_id("r-3", &code, None)).await;
    assert_eq!(told, Ok(Answer::Refused), "it was ended");
    world.service.close().await;
    let counted = world.told("verify").await;
    let counted: Vec<_> = counted.iter().filter(|event| event["outcome"] == "repeated").collect();
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0]["count"], 2);
}

#[tokio::test]
async fn b6_a_recovery_code_opens_once_and_locks_by_itself() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
    let right = accepted(world.ask(&caller, paper_question(&alice(), &paper[0])).await);
    assert_eq!(right.device, None);
    let event = world.last("verify").await;
    assert_eq!(
        (&event["outcome"], &event["cause"]),
        (&"accepted".into(), &"recovery_code".into())
    );
    let told = world.ask(&caller, paper_question(&alice(), &paper[0])).await;
    assert_eq!(told, Ok(Answer::Refused), "it was used");
    assert_eq!(world.last("verify").await["cause"], "wrong_recovery_code");
    let nobody = world.ask(&caller, paper_question(&bob(), &paper[1])).await;
    assert_eq!(nobody, Ok(Answer::Refused), "of somebody without any");
    for number in 0..4 {
        let told = world
            .ask(&caller, paper_question(&alice(), &format!("WRONG {number}")))
            .await;
        assert_eq!(told, Ok(Answer::Refused));
    }
    let told = world.ask(&caller, paper_question(&alice(), &paper[1])).await;
    let until = Some(world.now().plus(UnixMs::HOUR));
    assert_eq!(
        told,
        Ok(Answer::Locked {
            until,
            retry_after_s: Some(3_600)
        })
    );
    accepted(world.verify(&caller, &alice(), &phone.shows(world.now())).await);
    world.clock.pass(UnixMs::HOUR);
    let right = accepted(world.ask(&caller, paper_question(&alice(), &paper[1])).await);
    assert_eq!(right.wrong_since_last_success, 5);
    let left = world
        .service
        .user(&caller, &alice())
        .await
        .expect("a view")
        .recovery_codes_left;
    assert_eq!(left, 8);
}

#[tokio::test]
async fn a2_a_locked_device_leaves_the_recovery_codes_open() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
    world.guess(&caller, &alice(), &phone, 10).await;
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Locked { .. })));
    accepted(world.ask(&caller, paper_question(&alice(), &paper[0])).await);
}

#[tokio::test]
async fn few_may_wait_for_one_user() {
    let settings = Settings {
        waiting_per_user: 1,
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let caller = world.all().await;
    let one = || world.ask(&caller, question(&alice(), "123456"));
    let of_another = world.ask(&caller, question(&bob(), "123456"));
    let (first, second, other) = tokio::join!(one(), one(), of_another);
    assert_eq!(first, Ok(Answer::Refused));
    assert_eq!(second, Err(ServiceError::RateLimited));
    assert_eq!(other, Ok(Answer::Refused));
    assert_eq!(one().await, Ok(Answer::Refused), "its place is free again");
}

#[tokio::test]
async fn a_secret_that_does_not_open_fails_its_user_and_no_other() {
    let world = World::new().await;
    let caller = world.all().await;
    world.bind(&caller, &alice()).await;
    let (_, phone) = world.bind(&caller, &bob()).await;
    let mut user = world.store.user(alice()).await.expect("a read").expect("a row");
    let mut bound = user.devices.remove(0);
    bound.device.sealed.bytes[20] ^= 1;
    let event = store::audit::Event {
        at: world.now(),
        salt: [7; 16],
        payload: "{}".into(),
    };
    let spoiled = user.with_device(bound.device, bound.state).changed();
    let change = store::Change::of(event).with([spoiled]);
    world.store.commit(vec![change]).await.expect("it is written");
    let asked = vec![
        question(&alice(), "123456"),
        question(&bob(), &phone.shows(world.now())),
    ];
    let told = world.service.verify(&caller, asked).await;
    assert!(matches!(told[0], Err(ServiceError::Internal(_))), "{told:?}");
    accepted(told[1].clone());
}
