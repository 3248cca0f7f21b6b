//! Devices: unbound, resynchronised, unlocked, closed, erased and shown, and every refusal.

mod support;

use service::{
    Answer, ChallengeAnswer, ChallengePurpose, DeviceStatus, IdentityProof, Input, NewChallenge, NewLot, OpenTo, Owner,
    Protection, Purpose, Replacement, ServiceError, Settings, TokenTransition, UnixMs,
};
use store::{EnrollmentState, TokenStatus};
use support::{
    STEP_MS, World, alice, app, bob, by_code, by_paper, hardware, id, is_invalid, paper_question, refused, text,
};

async fn two_devices() -> World {
    let settings = Settings {
        devices_max: 2,
        ..Settings::default()
    };
    World::with(settings).await
}

fn further(code: &str) -> Option<Replacement> {
    Some(Replacement {
        replaces: None,
        factor: by_code(code),
    })
}

fn locked_for_an_hour(now: UnixMs) -> ServiceError {
    ServiceError::Locked {
        until: Some(now.plus(UnixMs::HOUR)),
        retry_after_s: Some(3_600),
    }
}

const SUSPENDED: ServiceError = ServiceError::Locked {
    until: None,
    retry_after_s: None,
};

#[tokio::test]
async fn u1_by_a_code_the_device_ends_and_with_the_last_one_everything_that_stood_on_it() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
    let code = phone.shows(world.now());
    // A binding under way ends, too.
    let replaces = Replacement {
        replaces: Some(device),
        factor: by_code(&code),
    };
    let wanted = world.wanted(&alice(), app(), Some(replaces));
    let offer = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("an offer");
    world.clock.pass(STEP_MS);
    let code = phone.shows(world.now());
    world
        .service
        .unbind(&caller, &alice(), device, &by_code(&code))
        .await
        .expect("it ends");

    let event = world.last("device.unbind").await;
    assert_eq!((&event["outcome"], &event["cause"]), (&"done".into(), &"totp".into()));
    let view = world
        .service
        .device(&caller, &alice(), device)
        .await
        .expect("a tombstone");
    assert_eq!(
        (view.unbound_at, view.last_success_at),
        (Some(world.now()), Some(world.now()))
    );
    let user = world.service.user(&caller, &alice()).await.expect("a view");
    assert_eq!((user.devices.len(), user.recovery_codes_left), (0, 0));
    assert!(!user.protection.login_protection.is_on() && !user.protection.operation_protection.is_on());
    let row = world.store.user(alice()).await.expect("a read").expect("the row stays");
    assert!(row.secrets().is_empty(), "its secret is erased");
    let enrollment = world
        .store
        .enrollment(alice(), offer.id)
        .await
        .expect("a read")
        .expect("its record");
    assert!(enrollment.state == EnrollmentState::Abandoned);
    world.clock.pass(STEP_MS);
    let next = phone.shows(world.now());
    assert_eq!(world.verify(&caller, &alice(), &next).await, Ok(Answer::Refused));
    assert_eq!(
        world.ask(&caller, paper_question(&alice(), &paper[0])).await,
        Ok(Answer::Refused)
    );
    let again = world.service.unbind(&caller, &alice(), device, &by_code(&next)).await;
    assert_eq!(again, Err(ServiceError::NotFound("bound device")));
}

#[tokio::test]
async fn u1_by_a_recovery_code_where_the_device_is_lost() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (phone_id, _, paper) = world.bind_with_paper(&caller, &alice()).await;
    let replaces = Replacement {
        replaces: Some(phone_id),
        factor: by_paper(&paper[0]),
    };
    let wanted = world.wanted(&alice(), hardware("CS-1"), Some(replaces));
    let offer = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("an offer");
    let token = support::phone::Phone::token("CS-1");
    let [first, second] = token.two(world.now());
    let wanted = support::confirmation(&[&first, &second]);
    let confirmed = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    let (device, _) = confirmed.expect("it is bound");
    world
        .service
        .move_token(&caller, "CS-1", &TokenTransition::Lose)
        .await
        .expect("it is lost");
    let view = world
        .service
        .device(&caller, &alice(), device.id)
        .await
        .expect("a view");
    assert_eq!(view.status, DeviceStatus::Lost);

    let by_its_code = by_code(&token.later(world.now(), 2));
    let told = world.service.unbind(&caller, &alice(), device.id, &by_its_code).await;
    assert_eq!(told, Err(SUSPENDED));
    let told = world
        .service
        .unbind(&caller, &alice(), device.id, &by_paper(&paper[0]))
        .await;
    assert_eq!(told, Err(refused()), "it was used");
    world
        .service
        .unbind(&caller, &alice(), device.id, &by_paper(&paper[1]))
        .await
        .expect("it ends");
    let event = world.last("device.unbind").await;
    assert_eq!(
        (&event["cause"], &event["detail"]["serial_number"]),
        (&"recovery_code".into(), &"CS-1".into())
    );
    let token = world.service.token(&caller, "CS-1").await.expect("a view");
    assert_eq!(
        (token.status, token.device),
        (TokenStatus::Lost, None),
        "found, it can be returned now"
    );
}

#[tokio::test]
async fn unbinding_is_refused_to_wrong_codes_and_to_others() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let (_, of_bob) = world.bind(&caller, &bob()).await;
    let service = &world.service;
    let code = by_code(&of_bob.shows(world.now()));
    let none = Err(ServiceError::NotFound("bound device"));
    assert_eq!(service.unbind(&caller, &bob(), device, &code).await, none, "another's");
    assert_eq!(service.unbind(&caller, &alice(), id(9), &code).await, none);
    let told = service.unbind(&caller, &alice(), device, &by_paper("AAAA BBBB")).await;
    assert_eq!(told, Err(refused()), "there are no recovery codes");
    for (number, bad) in phone.wrong_codes(world.now(), 10).iter().enumerate() {
        let guess = by_code(bad);
        assert_eq!(service.unbind(&caller, &alice(), device, &guess).await, Err(refused()));
        if number < 9 {
            let again = service.unbind(&caller, &alice(), device, &guess).await;
            assert_eq!(again, Err(refused()), "A1: no further guess");
        }
    }
    let right = phone.shows(world.now());
    let told = service.unbind(&caller, &alice(), device, &by_code(&right)).await;
    assert_eq!(told, Err(locked_for_an_hour(world.now())));
    let told = world.verify(&caller, &alice(), &right).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "A1: that road only");
}

#[tokio::test]
async fn a1_twenty_wrong_codes_suspend_unbinding() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    for _ in 0..2 {
        for bad in phone.wrong_codes(world.now(), 10) {
            let told = world.service.unbind(&caller, &alice(), device, &by_code(&bad)).await;
            assert_eq!(told, Err(refused()));
        }
        world.clock.pass(UnixMs::DAY);
    }
    assert_eq!(world.last("device.unbind").await["detail"]["suspended"], "unbinding");
    let right = by_code(&phone.shows(world.now()));
    assert_eq!(
        world.service.unbind(&caller, &alice(), device, &right).await,
        Err(SUSPENDED)
    );
    let view = world.service.device(&caller, &alice(), device).await.expect("a view");
    assert_eq!(view.suspended, [Purpose::Unbinding]);
}

#[tokio::test]
async fn one_of_two_devices_ends_alone_and_by_its_own_code() {
    let world = two_devices().await;
    let caller = world.all().await;
    let (first, phone, _) = world.bind_with_paper(&caller, &alice()).await;
    let (second, tablet, _) = world
        .bind_as(&caller, &alice(), further(&phone.shows(world.now())), false)
        .await;
    let of_the_other = by_code(&tablet.shows(world.now()));
    let told = world.service.unbind(&caller, &alice(), first, &of_the_other).await;
    assert_eq!(told, Err(refused()), "a code of the other one");
    let own = by_code(&phone.shows(world.now()));
    world
        .service
        .unbind(&caller, &alice(), first, &own)
        .await
        .expect("it ends");
    let user = world.service.user(&caller, &alice()).await.expect("a view");
    assert_eq!(
        user.devices.iter().map(|device| device.id).collect::<Vec<_>>(),
        [second]
    );
    assert!(user.protection.login_protection.is_on(), "it stays");
    assert_eq!(user.recovery_codes_left, 10);
}

#[tokio::test]
async fn d6_two_consecutive_codes_measure_the_clock_and_are_burned() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    world.clock.pass(UnixMs::HOUR);
    let fast = phone.ahead(50);
    let now = world.now();
    assert_eq!(
        world.verify(&caller, &alice(), &fast.shows(now)).await,
        Ok(Answer::Refused)
    );
    let [first, second] = fast.two(now).map(|code| text(&code));
    let view = world
        .service
        .resync(&caller, &alice(), device, [&first, &second], None)
        .await
        .expect("measured");
    assert_eq!(view.drift_steps, 51, "it shows the second code now");
    let event = world.last("device.resync").await;
    assert_eq!(
        (&event["outcome"], &event["detail"]["offset_steps"]),
        (&"done".into(), &51.into())
    );
    for code in [&first, &second] {
        assert_eq!(
            world.verify(&caller, &alice(), code).await,
            Ok(Answer::Refused),
            "burned"
        );
    }
    let told = world
        .service
        .resync(&caller, &alice(), device, [&first, &second], None)
        .await;
    assert_eq!(told, Err(refused()), "later than the last accepted");
    world.clock.pass(2 * STEP_MS);
    let told = world.verify(&caller, &alice(), &fast.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
}

#[tokio::test]
async fn every_refusal_of_a_resync() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let (of_bob, token) = world.bind_token(&caller, &bob(), "CS-1").await;
    let service = &world.service;
    let now = world.now();
    let [first, second] = phone.two(now).map(|code| text(&code));
    let third = text(&phone.later(now, 2));
    let far = [phone.later(now, 121), phone.later(now, 122)].map(|code| text(&code));
    let malformed = text("x");
    let none = Err(ServiceError::NotFound("bound device"));
    assert_eq!(
        service.resync(&caller, &alice(), id(9), [&first, &second], None).await,
        none
    );
    assert_eq!(
        service.resync(&caller, &alice(), of_bob, [&first, &second], None).await,
        none,
        "another's"
    );
    for codes in [[&malformed, &second], [&first, &malformed]] {
        let told = service.resync(&caller, &alice(), device, codes, None).await;
        assert!(is_invalid(&told, Input::Codes), "{told:?}");
    }
    for age_ms in [16 * UnixMs::MINUTE, -2 * UnixMs::MINUTE] {
        let proof = IdentityProof {
            at: now.plus(-age_ms),
            ..world.proof()
        }
        .into();
        let told = service
            .resync(&caller, &alice(), device, [&first, &second], Some(&proof))
            .await;
        assert!(is_invalid(&told, Input::IdentityProofAt), "{told:?}");
    }
    for codes in [[&first, &third], [&second, &first], [&far[0], &far[1]]] {
        let told = service.resync(&caller, &alice(), device, codes, None).await;
        assert_eq!(told, Err(refused()));
        let event = world.last("device.resync").await;
        assert_eq!(
            (&event["outcome"], &event["cause"]),
            (&"refused".into(), &"wrong".into())
        );
    }
    let guesses = phone.wrong_codes(now, 8).into_iter().map(|code| text(&code));
    for guess in guesses.collect::<Vec<_>>().windows(2) {
        let told = service
            .resync(&caller, &alice(), device, [&guess[0], &guess[1]], None)
            .await;
        assert_eq!(told, Err(refused()));
    }
    let told = service.resync(&caller, &alice(), device, [&first, &second], None).await;
    assert_eq!(told, Err(locked_for_an_hour(now)));

    service
        .move_token(&caller, "CS-1", &TokenTransition::Lose)
        .await
        .expect("it is lost");
    let [first, second] = token.two(now).map(|code| text(&code));
    let told = service.resync(&caller, &bob(), of_bob, [&first, &second], None).await;
    assert!(
        matches!(told, Err(ServiceError::TokenState { status: "lost", .. })),
        "{told:?}"
    );
    let told = service.unlock(&caller, &bob(), of_bob, None).await;
    assert!(
        matches!(told, Err(ServiceError::TokenState { status: "lost", .. })),
        "{told:?}"
    );
}

#[tokio::test]
async fn a1_a_suspended_device_is_resynchronised_back_only_with_a_proof() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    suspend(&world, &caller, &phone, 60).await;
    let two = || phone.two(world.now()).map(|code| text(&code));
    let [first, second] = two();
    let view = world
        .service
        .resync(&caller, &alice(), device, [&first, &second], None)
        .await
        .expect("measured");
    assert_eq!(view.suspended, [Purpose::Verification]);
    world.clock.pass(2 * STEP_MS);
    let [first, second] = two();
    let proof = world.proof().into();
    let told = world
        .service
        .resync(&caller, &alice(), device, [&first, &second], Some(&proof))
        .await;
    assert_eq!(told.expect("measured").suspended, []);
    assert_eq!(
        world.last("device.resync").await["detail"]["identity_proof"]["by"],
        "login"
    );
    world.clock.pass(2 * STEP_MS);
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
}

/// Guesses that end in a suspension.
async fn suspend(world: &World, caller: &service::Caller, phone: &support::phone::Phone, guesses: usize) {
    for _ in 0..guesses / 10 {
        world.guess(caller, &alice(), phone, 10).await;
        world.clock.pass(UnixMs::DAY);
    }
}

#[tokio::test]
async fn a1_support_lifts_a_lock_and_two_suspensions_and_then_only_a_new_first_factor_helps() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let service = &world.service;
    world.guess(&caller, &alice(), &phone, 10).await;
    let view = service.device(&caller, &alice(), device).await.expect("a view");
    assert_eq!(view.locked_until, Some(world.now().plus(UnixMs::HOUR)));
    let user = service.user(&caller, &alice()).await.expect("a view");
    assert_eq!(user.locked_until, view.locked_until);
    let view = service.unlock(&caller, &alice(), device, None).await.expect("unlocked");
    assert_eq!((view.locked_until, view.suspended), (None, vec![]));
    assert_eq!(
        world.last("device.unlock").await["detail"]["lifted"],
        serde_json::json!([])
    );

    suspend(&world, &caller, &phone, 50).await;
    for _lift in 0..2 {
        let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
        assert!(matches!(told, Ok(Answer::Locked { until: None, .. })), "{told:?}");
        let view = service.unlock(&caller, &alice(), device, None).await.expect("lifted");
        assert_eq!(view.suspended, []);
        assert_eq!(
            world.last("device.unlock").await["detail"]["lifted"],
            serde_json::json!(["verification"])
        );
        suspend(&world, &caller, &phone, 10).await;
    }
    let told = service.unlock(&caller, &alice(), device, None).await;
    assert_eq!(
        told,
        Err(ServiceError::FirstFactorUnchanged),
        "the third within 13 weeks"
    );
    let ahead = world.now().plus(1);
    let told = service.unlock(&caller, &alice(), device, Some(ahead)).await;
    assert!(is_invalid(&told, Input::FirstFactorChangedAt), "{told:?}");
    let before = world.now().plus(-2 * UnixMs::DAY);
    let told = service.unlock(&caller, &alice(), device, Some(before)).await;
    assert_eq!(told, Err(ServiceError::FirstFactorUnchanged), "it was suspended since");
    let view = service
        .unlock(&caller, &alice(), device, Some(world.now()))
        .await
        .expect("forgiven");
    assert_eq!(view.suspended, []);
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
    let none = Err(ServiceError::NotFound("bound device"));
    assert_eq!(service.unlock(&caller, &alice(), id(9), None).await, none);
    assert_eq!(service.unlock(&caller, &bob(), device, None).await, none, "another's");
}

/// A2: who has no password suspends checks of identity, again and again; support unlocks the owner's login all the same.
#[tokio::test]
async fn a2_what_outsiders_suspend_for_good_keeps_support_from_unlocking_no_login() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let service = &world.service;
    let unlock = async || service.unlock(&caller, &alice(), device, None).await;
    for lifts in [1, 0] {
        guess_at_identity(&world, &caller, &phone).await;
        let view = service.device(&caller, &alice(), device).await.expect("a view");
        assert_eq!(view.suspended, [Purpose::Identity]);
        match lifts {
            0 => assert_eq!(unlock().await, Err(ServiceError::FirstFactorUnchanged)),
            _ => assert_eq!(unlock().await.expect("lifted").suspended, []),
        }
        world.clock.pass(UnixMs::DAY);
    }
    world.guess(&caller, &alice(), &phone, 10).await;
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Locked { until: Some(_), .. })), "{told:?}");
    let view = unlock().await.expect("the login's lock ends");
    assert_eq!((view.locked_until, view.suspended), (None, vec![Purpose::Identity]));
    assert_eq!(
        world.last("device.unlock").await["detail"]["lifted"],
        serde_json::json!([]),
        "A3: what is suspended still was not lifted"
    );
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
}

/// Ten wrong codes at a check of identity.
async fn guess_at_identity(world: &World, caller: &service::Caller, phone: &support::phone::Phone) {
    let wanted = NewChallenge {
        owner: alice(),
        purpose: ChallengePurpose::Identity,
        audience: None,
        operation: Some("console/set-a-new-password".into()),
        resource: None,
        session_id: None,
        first_factor: None,
        client: None,
        is_risky: false,
        trusted_device: None,
    };
    for wrong in phone.wrong_codes(world.now(), 10) {
        let asked = world
            .service
            .create_challenge(caller, &wanted)
            .await
            .expect("a challenge");
        let answer = ChallengeAnswer {
            method: "totp".into(),
            code: text(&wrong),
            trust_device: false,
        };
        // The tenth suspends the road, and says so.
        let told = world.service.answer_challenge(caller, &asked.id, answer).await;
        assert!(
            matches!(told, Ok(_) | Err(ServiceError::Locked { until: None, .. })),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn what_is_shown_of_somebody_unknown_and_of_nothing() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, _) = world.bind(&caller, &alice()).await;
    let view = world.service.user(&caller, &bob()).await.expect("we keep no directory");
    assert_eq!(
        (view.devices.len(), view.recovery_codes_left, view.locked_until),
        (0, 0, None)
    );
    let protection = world.service.protection(&caller, &bob()).await.expect("a view");
    assert_eq!(protection.settings, Protection::none(bob()));
    let protection = world
        .service
        .protection(&caller, &alice())
        .await
        .expect("a view")
        .settings;
    assert!(protection.login_protection.is_on() && protection.operation_protection.is_on());
    for (owner, id) in [(alice(), id(9)), (bob(), device)] {
        let told = world.service.device(&caller, &owner, id).await;
        assert_eq!(told, Err(ServiceError::NotFound("device")));
    }
}

#[tokio::test]
async fn p9_with_an_account_everything_of_its_user_ends() {
    let world = two_devices().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (phone_id, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
    let wanted = world.wanted(&alice(), hardware("CS-1"), further(&phone.shows(world.now())));
    let offer = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("an offer");
    let [first, second] = support::phone::Phone::token("CS-1").two(world.now());
    let wanted = support::confirmation(&[&first, &second]);
    let confirmed = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    let (token, _) = confirmed.expect("it is bound");
    world.service.close_user(&caller, &alice()).await.expect("it ends");

    let ended = world.told("device.unbind").await;
    let of: Vec<_> = ended.iter().map(|event| (&event["device"], &event["cause"])).collect();
    let closed = "user_closed".into();
    assert_eq!(
        of,
        [
            (&phone_id.to_string().into(), &closed),
            (&token.id.to_string().into(), &closed)
        ]
    );
    assert_eq!(world.last("user.close").await["count"], 2);
    let view = world.service.user(&caller, &alice()).await.expect("a view");
    assert_eq!((view.devices.len(), view.recovery_codes_left), (0, 0));
    let status = world.service.token(&caller, "CS-1").await.expect("a view").status;
    assert_eq!(status, TokenStatus::Returned, "U4");
    world.clock.pass(STEP_MS);
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert_eq!(told, Ok(Answer::Refused));
    assert_eq!(
        world.ask(&caller, paper_question(&alice(), &paper[0])).await,
        Ok(Answer::Refused)
    );

    world.service.close_user(&caller, &alice()).await.expect("once more");
    world.service.close_user(&caller, &bob()).await.expect("nobody we know");
    assert_eq!(world.last("user.close").await["count"], 0);
}

#[tokio::test]
async fn erasing_leaves_what_happened_and_not_to_whom() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    world.stock(&caller, "one", &["CS-1"]).await;
    let beta = NewLot {
        open_to: Some(OpenTo::Users(vec![alice(), bob()])),
        note: None,
    };
    service.create_lot(&caller, "beta", &beta).await.expect("a batch");
    let for_her = NewLot {
        open_to: Some(OpenTo::Users(vec![alice()])),
        note: None,
    };
    service.create_lot(&caller, "hers", &for_her).await.expect("a batch");
    service
        .move_token(&caller, "CS-1", &TokenTransition::Assign(alice()))
        .await
        .expect("it is hers");
    let (device, phone, _) = world.bind_with_paper(&caller, &alice()).await;
    let before = service
        .history_of_device(&caller, device, None, 9)
        .await
        .expect("a history");
    assert!(
        before
            .iter()
            .all(|record| record.event.as_ref().is_some_and(|event| event.contains("alice")))
    );
    let person = world.store.user(alice()).await.expect("a read").expect("a row").id;

    service.erase_user(&caller, &alice()).await.expect("she is erased");
    assert!(world.store.user(alice()).await.expect("a read").is_none());
    assert!(world.store.recovery_codes(alice()).await.expect("a read").is_none());
    assert!(
        world
            .store
            .unbound_device(alice(), device)
            .await
            .expect("a read")
            .is_none()
    );
    let told = service.device(&caller, &alice(), device).await;
    assert_eq!(told, Err(ServiceError::NotFound("device")));
    let token = service.token(&caller, "CS-1").await.expect("a view");
    assert_eq!((token.status, token.owner), (TokenStatus::Imported, None));
    for (name, left) in [("beta", OpenTo::Users(vec![bob()])), ("hers", OpenTo::Nobody)] {
        let lot = service.lot(&caller, name).await.expect("a batch");
        assert_eq!(lot.open_to, left);
    }
    let event = world.last("user.erase").await;
    assert_eq!(event["person"], person.to_string());
    let all = world.all().await;
    for record in service.trail(&all, None, 999).await.expect("the trail") {
        let event = record.event.expect("what happened stays");
        assert!(!event.contains("alice"), "{event}");
    }
    let told = service.history_of_user(&all, &alice(), None, 9).await;
    assert_eq!(told, Ok(Vec::new()));
    world.clock.pass(STEP_MS);
    assert_eq!(
        world.verify(&all, &alice(), &phone.shows(world.now())).await,
        Ok(Answer::Refused)
    );

    // Whoever has that name from now on begins anew.
    world.bind(&all, &alice()).await;
    let anew = world.store.user(alice()).await.expect("a read").expect("a row").id;
    assert_ne!(anew, person);
    service
        .erase_user(&all, &Owner::new("acme", "nobody"))
        .await
        .expect("nobody is erased, too");
}
