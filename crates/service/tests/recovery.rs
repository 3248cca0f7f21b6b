//! Recovery codes: a new set, and how one is typed and spent.

mod support;

use service::{Answer, ServiceError, UnixMs};
use support::{STEP_MS, World, alice, bob, by_code, by_paper, paper_question, refused};

#[tokio::test]
async fn b6_a_new_set_ends_the_old_one() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone, old) = world.bind_with_paper(&caller, &alice()).await;
    let code = phone.shows(world.now());
    let renewed = world
        .service
        .renew_recovery_codes(&caller, &alice(), &by_code(&code))
        .await;
    let new = renewed.expect("a new set");
    assert_eq!(new.len(), 10);
    let mut both: Vec<_> = old.iter().chain(&new).map(|code| code.as_str()).collect();
    both.sort_unstable();
    both.dedup();
    assert_eq!(both.len(), 20, "none is there twice");
    let event = world.last("recovery_codes.renew").await;
    assert_eq!((&event["outcome"], &event["cause"]), (&"done".into(), &"totp".into()));
    let payloads: String = world.events().await.iter().map(ToString::to_string).collect();
    assert!(
        new.iter().all(|code| !payloads.contains(code.as_str())),
        "shown once, and nowhere else"
    );
    assert_eq!(
        world.verify(&caller, &alice(), &code).await,
        Ok(Answer::Refused),
        "the factor was burned"
    );
    assert_eq!(
        world.ask(&caller, paper_question(&alice(), &old[0])).await,
        Ok(Answer::Refused)
    );
    let told = world.ask(&caller, paper_question(&alice(), &new[0])).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");

    // One of the set pays for the next, and dies with the others.
    let renewed = world
        .service
        .renew_recovery_codes(&caller, &alice(), &by_paper(&new[1]))
        .await;
    let newest = renewed.expect("a new set");
    assert_eq!(world.last("recovery_codes.renew").await["cause"], "recovery_code");
    let set = world
        .store
        .recovery_codes(alice())
        .await
        .expect("a read")
        .expect("a set");
    assert_eq!((set.left(), set.codes.len()), (10, 10));
    assert_eq!(
        world.ask(&caller, paper_question(&alice(), &new[2])).await,
        Ok(Answer::Refused)
    );
    let told = world.ask(&caller, paper_question(&alice(), &newest[9])).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
}

#[tokio::test]
async fn u5_a_set_takes_a_fresh_factor_of_somebody_who_has_a_device() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    let told = service.renew_recovery_codes(&caller, &bob(), &by_code("123456")).await;
    assert!(matches!(told, Err(ServiceError::NoDevice)), "of whom nothing is known");
    let (_, phone) = world.bind(&caller, &alice()).await;
    let told = service
        .renew_recovery_codes(&caller, &alice(), &by_paper("AAAA BBBB CCCC DDDD"))
        .await;
    assert_eq!(told, Err(refused()), "there is none yet");
    let codes = phone.wrong_codes(world.now(), 10);
    for (left, bad) in (0..10).rev().zip(codes) {
        let told = service.renew_recovery_codes(&caller, &alice(), &by_code(&bad)).await;
        assert_eq!(told, Err(refused()), "{left} left");
        let event = world.last("recovery_codes.renew").await;
        assert_eq!(
            (&event["outcome"], &event["cause"]),
            (&"refused".into(), &"wrong".into())
        );
    }
    let right = by_code(&phone.shows(world.now()));
    let locked = ServiceError::Locked {
        until: Some(world.now().plus(UnixMs::HOUR)),
        retry_after_s: Some(3_600),
    };
    assert_eq!(
        service.renew_recovery_codes(&caller, &alice(), &right).await,
        Err(locked)
    );
    world.clock.pass(UnixMs::HOUR);
    let right = by_code(&phone.shows(world.now()));
    service
        .renew_recovery_codes(&caller, &alice(), &right)
        .await
        .expect("an hour later");
    let device = world.store.bound(alice()).await.expect("a read").remove(0).device.id;
    world.clock.pass(STEP_MS);
    let right = by_code(&phone.shows(world.now()));
    service
        .unbind(&caller, &alice(), device, &right)
        .await
        .expect("it ends");
    let told = service.renew_recovery_codes(&caller, &alice(), &right).await;
    assert!(
        matches!(told, Err(ServiceError::NoDevice)),
        "of somebody without a device"
    );
}

#[tokio::test]
async fn b6_five_wrong_ones_lock_them_on_every_road_at_once() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
    let wrong = |number: usize| format!("wrong {number}");
    assert_eq!(
        world.ask(&caller, paper_question(&alice(), &wrong(1))).await,
        Ok(Answer::Refused)
    );
    let told = world
        .service
        .unbind(&caller, &alice(), device, &by_paper(&wrong(2)))
        .await;
    assert_eq!(told, Err(refused()));
    let told = world
        .service
        .unbind(&caller, &alice(), device, &by_paper(&wrong(2)))
        .await;
    assert_eq!(told, Err(refused()), "A1: the same once more is no other guess");
    for number in 3..=5 {
        let told = world
            .service
            .renew_recovery_codes(&caller, &alice(), &by_paper(&wrong(number)))
            .await;
        assert_eq!(told, Err(refused()));
    }
    let locked = ServiceError::Locked {
        until: Some(world.now().plus(UnixMs::HOUR)),
        retry_after_s: Some(3_600),
    };
    let right = by_paper(&paper[0]);
    assert_eq!(
        world.service.unbind(&caller, &alice(), device, &right).await,
        Err(locked.clone())
    );
    assert_eq!(
        world.service.renew_recovery_codes(&caller, &alice(), &right).await,
        Err(locked)
    );
    let told = world.ask(&caller, paper_question(&alice(), &paper[0])).await;
    assert!(matches!(told, Ok(Answer::Locked { until: Some(_), .. })), "{told:?}");
    // A2: the device is another road, and a new set begins without what was held against the old one.
    let code = by_code(&phone.shows(world.now()));
    let new = world
        .service
        .renew_recovery_codes(&caller, &alice(), &code)
        .await
        .expect("a new set");
    let told = world.ask(&caller, paper_question(&alice(), &new[0])).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
}

#[tokio::test]
async fn however_people_type_them() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, _, paper) = world.bind_with_paper(&caller, &alice()).await;
    let bare = |number: usize| paper[number].replace(' ', "");
    let typed = [
        paper[0].to_string(),
        bare(1).to_lowercase(),
        bare(2).replace('O', "0").replace('I', "1").replace('B', "8"),
        format!("\t{}-{}\n", &bare(3)[..7], &bare(3)[7..]),
    ];
    for code in typed {
        let told = world.ask(&caller, paper_question(&alice(), &code)).await;
        assert!(matches!(told, Ok(Answer::Accepted(_))), "{code}: {told:?}");
    }
    for code in [format!("{}A", bare(4)), bare(4)[..15].to_owned(), String::new()] {
        let told = world.ask(&caller, paper_question(&alice(), &code)).await;
        assert_eq!(told, Ok(Answer::Refused), "{code}");
    }
}
