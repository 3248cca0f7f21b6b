//! Binding: from the offer to the bound device, and every refusal on the way.

mod support;

use otp::{Algorithm, Period};
use service::{
    Answer, Confirmation, Hint, IdentityProof, Input, Kind, NewDevice, NewEnrollment, NewLot, OpenTo, Replacement,
    ServiceError, Settings, TokenTransition, UnixMs,
};
use store::EnrollmentState;
use support::{
    STEP_MS, World, alice, app, bob, by_code, by_paper, confirmation, hardware, id, into, is_invalid, phone::Phone,
    refused, seeds,
};

/// A wrong code of an enrollment.
fn wrong(hint: Option<Hint>, attempts_left: u32) -> ServiceError {
    ServiceError::CodeRefused {
        hint,
        attempts_left: Some(attempts_left),
    }
}

/// The code of a bound device, and that it ends.
fn replacing(device: service::Id, code: &str) -> Option<Replacement> {
    Some(Replacement {
        replaces: Some(device),
        factor: by_code(code),
    })
}

async fn two_devices() -> World {
    let settings = Settings {
        devices_max: 2,
        ..Settings::default()
    };
    World::with(settings).await
}

#[tokio::test]
async fn b2_b5_an_app_is_offered_and_bound_by_its_code() {
    let world = World::new().await;
    let caller = world.all().await;
    let (offer, phone) = world.start(&caller, &alice()).await;
    let shown = offer.shown.as_ref().expect("an app's secret is shown");
    assert!(
        shown.otpauth_uri.starts_with("otpauth://totp/Countersign:alice?"),
        "{}",
        &*shown.otpauth_uri
    );
    assert!(shown.qr_svg.contains("<svg"));
    assert_eq!(shown.secret_text.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
    assert_eq!(
        (offer.codes_needed, offer.expires_at),
        (1, world.now().plus(10 * UnixMs::MINUTE))
    );
    let png = world
        .service
        .enrollment_png(&caller, &alice(), offer.id)
        .await
        .expect("a picture");
    assert!(png.starts_with(b"\x89PNG"));
    assert_eq!(
        world.store.bound(alice()).await.expect("a read").len(),
        0,
        "nothing is bound yet"
    );
    let event = world.last("enrollment.start").await;
    assert_eq!(event["outcome"], "done");
    assert_eq!(event["detail"]["identity_proof"]["method"], "password", "B1");

    let code = phone.shows(world.now());
    let wanted = Confirmation {
        operation_protection: false,
        recovery_codes: true,
        ..confirmation(&[&code])
    };
    let confirmed = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    let (device, paper) = confirmed.expect("it is bound");
    assert_eq!((device.kind, device.label.as_str()), (Kind::Virtual, "alice"));
    assert_eq!(paper.len(), 10, "B6");
    let user = world.service.user(&caller, &alice()).await.expect("a view");
    assert_eq!((user.devices.len(), user.recovery_codes_left), (1, 10));
    assert!(
        user.protection.login_protection.is_on() && !user.protection.operation_protection.is_on(),
        "B5: as chosen"
    );
    let enrollment = world
        .store
        .enrollment(alice(), offer.id)
        .await
        .expect("a read")
        .expect("its record");
    assert!(
        enrollment.state == EnrollmentState::Confirmed { device: device.id },
        "its secret is the device's now"
    );
    let event = world.last("enrollment.confirm").await;
    assert_eq!(
        (&event["outcome"], &event["device"]),
        (&"done".into(), &device.id.to_string().into())
    );
    assert_eq!(world.verify(&caller, &alice(), &code).await, Ok(Answer::Refused), "D4");
    let again = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    assert_eq!(again.expect_err("it has ended"), ServiceError::EnrollmentEnded);
}

#[tokio::test]
async fn b1_a_proof_is_of_now() {
    let world = World::new().await;
    let caller = world.all().await;
    for (age_ms, is_right) in [
        (0, true),
        (15 * UnixMs::MINUTE, true),
        (15 * UnixMs::MINUTE + 1, false),
        (-UnixMs::MINUTE, true),
        (-UnixMs::MINUTE - 1, false),
    ] {
        let wanted = NewEnrollment {
            identity_proof: IdentityProof {
                at: world.now().plus(-age_ms),
                ..world.proof()
            }
            .into(),
            ..world.wanted(&alice(), app(), None)
        };
        let told = world.service.start_enrollment(&caller, &wanted).await;
        assert_eq!(told.is_ok(), is_right, "{age_ms}");
        assert_eq!(is_invalid(&told, Input::IdentityProofAt), !is_right, "{age_ms}");
    }
}

#[tokio::test]
async fn names_that_no_app_takes_are_refused_before_any_code_is_judged() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let code = phone.shows(world.now());
    let long = "x".repeat(129);
    for (issuer, label, input) in [
        (Some("a:b"), None, Input::Issuer),
        (Some(""), None, Input::Issuer),
        (Some(long.as_str()), None, Input::Issuer),
        (None, Some("a:b"), Input::Label),
        (None, Some(" x"), Input::Label),
        (None, Some("a\u{7}"), Input::Label),
    ] {
        let wanted = NewEnrollment {
            label: label.map(str::to_owned),
            device: NewDevice::App {
                issuer: issuer.map(str::to_owned),
            },
            ..world.wanted(&alice(), app(), replacing(device, &code))
        };
        let told = world.service.start_enrollment(&caller, &wanted).await;
        assert!(is_invalid(&told, input), "{issuer:?} {label:?}");
    }
    let told = world.verify(&caller, &alice(), &code).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "the code was not burned");
}

#[tokio::test]
async fn b2_an_enrollment_expires_after_ten_minutes() {
    let world = World::new().await;
    let caller = world.all().await;
    let (offer, phone) = world.start(&caller, &alice()).await;
    world.clock.pass(10 * UnixMs::MINUTE);
    let wanted = confirmation(&[&phone.shows(world.now())]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    assert_eq!(told, Err(ServiceError::EnrollmentExpired));
    let told = world.service.enrollment_png(&caller, &alice(), offer.id).await;
    assert_eq!(told, Err(ServiceError::EnrollmentExpired));
}

#[tokio::test]
async fn b4_the_fifth_wrong_code_ends_it() {
    let world = World::new().await;
    let caller = world.all().await;
    let (offer, phone) = world.start(&caller, &alice()).await;
    let bad = phone.wrong_code(world.now());
    for (typed, left, cause) in [
        (&*bad, 4, "wrong"),
        (&*bad, 3, "wrong"),
        ("abc", 2, "malformed"),
        ("1234567", 1, "other_digits"),
        (&*bad, 0, "wrong"),
    ] {
        let told = world
            .service
            .confirm_enrollment(&caller, &alice(), offer.id, &confirmation(&[typed]))
            .await;
        assert_eq!(told, Err(wrong(None, left)));
        let event = world.last("enrollment.confirm").await;
        assert_eq!((&event["outcome"], &event["cause"]), (&"refused".into(), &cause.into()));
        assert_eq!(event["detail"]["attempts_left"], left);
    }
    let wanted = confirmation(&[&phone.shows(world.now())]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    assert_eq!(told, Err(ServiceError::EnrollmentEnded));
    let told = world.service.enrollment_png(&caller, &alice(), offer.id).await;
    assert_eq!(told, Err(ServiceError::EnrollmentEnded));
    let told = world.service.abandon_enrollment(&caller, &alice(), offer.id).await;
    assert_eq!(told, Err(ServiceError::EnrollmentEnded));
    let enrollment = world
        .store
        .enrollment(alice(), offer.id)
        .await
        .expect("a read")
        .expect("its record");
    assert!(enrollment.state.sealed().is_none(), "its secret is erased");
}

#[tokio::test]
async fn b7_what_the_user_can_mend_is_said() {
    for (mistake, hint) in [
        (
            Phone::by_sha256 as fn(&Phone) -> Phone,
            Hint::OtherAlgorithm(Algorithm::Sha256),
        ),
        (
            |phone| phone.every_s(60),
            Hint::OtherPeriod(Period::new_s(60).expect("a period")),
        ),
        (|phone| phone.ahead(7), Hint::ClockOff { seconds: 210 }),
        (|phone| phone.ahead(-7), Hint::ClockOff { seconds: -210 }),
    ] {
        let world = World::new().await;
        let caller = world.all().await;
        let (offer, phone) = world.start(&caller, &alice()).await;
        let typed = mistake(&phone).shows(world.now());
        let told = world
            .service
            .confirm_enrollment(&caller, &alice(), offer.id, &confirmation(&[&typed]))
            .await;
        assert_eq!(told, Err(wrong(Some(hint), 4)));
        assert_eq!(world.last("enrollment.confirm").await["detail"]["hint"], hint.name());
    }
}

#[tokio::test]
async fn b7_the_code_of_the_entry_before_is_known() {
    let world = World::new().await;
    let caller = world.all().await;
    let (first, old) = world.start(&caller, &alice()).await;
    let (second, new) = world.start(&caller, &alice()).await;
    let of_old = confirmation(&[&old.shows(world.now())]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), first.id, &of_old)
        .await;
    assert_eq!(told, Err(ServiceError::EnrollmentEnded), "it gave way to the second");
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), second.id, &of_old)
        .await;
    assert_eq!(told, Err(wrong(Some(Hint::OtherEntry), 4)));
    let wanted = confirmation(&[&new.shows(world.now())]);
    let (device, _) = world
        .service
        .confirm_enrollment(&caller, &alice(), second.id, &wanted)
        .await
        .expect("bound");

    // The same of a bound device, by a code that it was entered with.
    world.clock.pass(STEP_MS);
    let code = new.shows(world.now());
    let wanted = world.wanted(&alice(), app(), replacing(device.id, &code));
    let third = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("an offer");
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), third.id, &confirmation(&[&code]))
        .await;
    assert_eq!(told, Err(wrong(Some(Hint::OtherEntry), 4)));
    let next = new.later(world.now(), 1);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), third.id, &confirmation(&[&next]))
        .await;
    assert_eq!(told, Err(wrong(None, 3)), "a code that is still good is not recognised");
}

#[tokio::test]
async fn b4_as_many_codes_as_are_needed() {
    let settings = Settings {
        virtual_codes: 2,
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let caller = world.all().await;
    let (offer, phone) = world.start(&caller, &alice()).await;
    assert_eq!(offer.codes_needed, 2);
    let [first, second] = phone.two(world.now());
    for codes in [&[][..], &[&*first], &[&*first, &*second, &*second]] {
        let told = world
            .service
            .confirm_enrollment(&caller, &alice(), offer.id, &confirmation(codes))
            .await;
        assert!(is_invalid(&told, Input::Codes), "{told:?}");
    }
    let twice = confirmation(&[&*first, &*first]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &twice)
        .await;
    assert_eq!(told, Err(wrong(None, 4)), "not consecutive");
    let wanted = confirmation(&[&*first, &*second]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    told.expect("it is bound");
    assert_eq!(
        world.verify(&caller, &alice(), &second).await,
        Ok(Answer::Refused),
        "D4: both are burned"
    );
}

#[tokio::test]
async fn what_is_not_there_or_not_the_users_own_is_not_found() {
    let world = World::new().await;
    let caller = world.all().await;
    let (offer, phone) = world.start(&caller, &alice()).await;
    let wanted = confirmation(&[&phone.shows(world.now())]);
    for (owner, id) in [(alice(), id(9)), (bob(), offer.id)] {
        let none = ServiceError::NotFound("enrollment");
        let told = world.service.confirm_enrollment(&caller, &owner, id, &wanted).await;
        assert_eq!(told.expect_err("none"), none);
        assert_eq!(
            world
                .service
                .enrollment_png(&caller, &owner, id)
                .await
                .expect_err("none"),
            none
        );
        assert_eq!(
            world
                .service
                .abandon_enrollment(&caller, &owner, id)
                .await
                .expect_err("none"),
            none
        );
    }
}

#[tokio::test]
async fn an_abandoned_one_keeps_no_secret() {
    let world = World::new().await;
    let caller = world.all().await;
    let (offer, phone) = world.start(&caller, &alice()).await;
    world
        .service
        .abandon_enrollment(&caller, &alice(), offer.id)
        .await
        .expect("it ends");
    let enrollment = world
        .store
        .enrollment(alice(), offer.id)
        .await
        .expect("a read")
        .expect("its record");
    assert!(enrollment.state == EnrollmentState::Abandoned);
    assert_eq!(
        world.last("enrollment.abandon").await["detail"]["enrollment"],
        offer.id.to_string()
    );
    let wanted = confirmation(&[&phone.shows(world.now())]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    assert_eq!(told, Err(ServiceError::EnrollmentEnded));
}

#[tokio::test]
async fn u5_whoever_has_a_device_shows_a_fresh_factor() {
    let world = two_devices().await;
    let caller = world.all().await;
    let start = async |factor| {
        let wanted = world.wanted(&alice(), app(), factor);
        world
            .service
            .start_enrollment(&caller, &wanted)
            .await
            .map(|offer| offer.id)
    };
    let further = |code: &str| {
        Some(Replacement {
            replaces: None,
            factor: by_code(code),
        })
    };
    let none = ServiceError::NotFound("device that this code could be of");
    assert_eq!(start(further("123456")).await, Err(none));
    let (first, phone) = world.bind(&caller, &alice()).await;
    assert!(
        matches!(start(None).await, Err(ServiceError::FactorRequired(_))),
        "a fresh factor is needed"
    );
    let none = ServiceError::NotFound("device to replace");
    assert_eq!(start(replacing(id(9), &phone.shows(world.now()))).await, Err(none));
    let bad = phone.wrong_code(world.now());
    assert_eq!(start(replacing(first, &bad)).await, Err(refused()));
    let event = world.last("enrollment.start").await;
    assert_eq!(
        (&event["outcome"], &event["cause"]),
        (&"refused".into(), &"wrong".into())
    );
    let on_paper = Replacement {
        replaces: None,
        factor: by_paper("AAAA BBBB CCCC DDDD"),
    };
    assert_eq!(
        start(Some(on_paper)).await,
        Err(refused()),
        "there are no recovery codes"
    );

    let code = phone.shows(world.now());
    let (second, _, _) = world.bind_as(&caller, &alice(), further(&code), false).await;
    assert_ne!(first, second);
    assert_eq!(
        world.verify(&caller, &alice(), &code).await,
        Ok(Answer::Refused),
        "the factor was burned"
    );
    assert_eq!(start(None).await, Err(ServiceError::DeviceLimit));
    let code = phone.shows(world.now());
    assert_eq!(
        start(further(&code)).await,
        Err(ServiceError::DeviceLimit),
        "D3: a third"
    );
    let told = world.verify(&caller, &alice(), &code).await;
    assert!(
        matches!(told, Ok(Answer::Accepted(_))),
        "nothing was judged, nor burned"
    );
}

#[tokio::test]
async fn a1_the_road_to_a_change_locks_by_itself() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    for bad in phone.wrong_codes(world.now(), 10) {
        let wanted = world.wanted(&alice(), app(), replacing(device, &bad));
        let told = world
            .service
            .start_enrollment(&caller, &wanted)
            .await
            .map(|offer| offer.id);
        assert_eq!(told, Err(refused()));
    }
    let wanted = world.wanted(&alice(), app(), replacing(device, &phone.shows(world.now())));
    let told = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .map(|offer| offer.id);
    let locked = ServiceError::Locked {
        until: Some(world.now().plus(UnixMs::HOUR)),
        retry_after_s: Some(3_600),
    };
    assert_eq!(told, Err(locked));
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "logging in is another road");
}

#[tokio::test]
async fn b8_the_new_device_takes_the_place_of_the_old_one_at_once() {
    let world = World::new().await;
    let caller = world.all().await;
    let (old, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
    let (new, tablet, _) = {
        let factor = replacing(old, &phone.shows(world.now()));
        world.bind_as(&caller, &alice(), factor, false).await
    };
    let bound = world.store.bound(alice()).await.expect("a read");
    assert_eq!(bound.iter().map(|bound| bound.device.id).collect::<Vec<_>>(), [new]);
    let gone = world
        .service
        .device(&caller, &alice(), old)
        .await
        .expect("its tombstone");
    assert!(gone.unbound_at.is_some());
    let event = world.last("device.unbind").await;
    assert_eq!(
        (&event["cause"], &event["device"]),
        (&"replaced".into(), &old.to_string().into())
    );
    assert_eq!(
        world.verify(&caller, &alice(), &phone.shows(world.now())).await,
        Ok(Answer::Refused)
    );
    let user = world.service.user(&caller, &alice()).await.expect("a view");
    assert_eq!(user.recovery_codes_left, 10, "they stay where none are asked for");

    // The phone is lost: a recovery code pays.
    let factor = Replacement {
        replaces: Some(new),
        factor: by_paper(&paper[0]),
    };
    let (newest, phone, fresh) = world.bind_as(&caller, &alice(), Some(factor), true).await;
    assert_eq!(
        world.last("enrollment.start").await["detail"]["factor"],
        "recovery_code"
    );
    assert_eq!(world.last("enrollment.confirm").await["device"], newest.to_string());
    assert_eq!(fresh.len(), 10);
    let told = world.ask(&caller, support::paper_question(&alice(), &paper[1])).await;
    assert_eq!(told, Ok(Answer::Refused), "B6: the old set is dead");
    assert_eq!(
        world.verify(&caller, &alice(), &tablet.shows(world.now())).await,
        Ok(Answer::Refused)
    );
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
}

#[tokio::test]
async fn b8_what_began_by_a_device_that_ended_since_ends_with_it() {
    for is_replaced in [true, false] {
        let world = World::with(Settings {
            devices_max: 3,
            ..Settings::default()
        })
        .await;
        let caller = world.all().await;
        let (first, phone) = world.bind(&caller, &alice()).await;
        let further = Replacement {
            replaces: None,
            factor: by_code(&phone.shows(world.now())),
        };
        world.bind_as(&caller, &alice(), Some(further), false).await;
        let paid = Replacement {
            replaces: is_replaced.then_some(first),
            factor: by_code(&phone.shows(world.now())),
        };
        let wanted = world.wanted(&alice(), app(), Some(paid));
        let offer = world
            .service
            .start_enrollment(&caller, &wanted)
            .await
            .expect("an offer");
        world.clock.pass(STEP_MS);
        let code = by_code(&phone.shows(world.now()));
        world
            .service
            .unbind(&caller, &alice(), first, &code)
            .await
            .expect("it ends");
        let wanted = confirmation(&[&Phone::of(&offer).shows(world.now())]);
        let told = world
            .service
            .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
            .await;
        assert_eq!(told, Err(ServiceError::EnrollmentEnded));
        assert_eq!(world.store.bound(alice()).await.expect("a read").len(), 1);
    }
}

/// Whoever has a token that is reported lost may have begun to bind a phone of theirs in its place.
#[tokio::test]
async fn u2_what_began_by_a_token_that_is_lost_ends_with_it() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (device, token) = world.bind_token(&caller, &alice(), "CS-1").await;
    let wanted = world.wanted(&alice(), app(), replacing(device, &token.shows(world.now())));
    let begun = world.service.start_enrollment(&caller, &wanted).await;
    let offer = begun.expect("an offer");
    let lost = world.service.move_token(&caller, "CS-1", &TokenTransition::Lose).await;
    lost.expect("it is lost");
    world.clock.pass(STEP_MS);
    let wanted = confirmation(&[&Phone::of(&offer).shows(world.now())]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    assert_eq!(told, Err(ServiceError::EnrollmentEnded));
    let bound = world.store.bound(alice()).await.expect("a read");
    assert_eq!(bound.iter().map(|bound| bound.device.id).collect::<Vec<_>>(), [device]);
}

#[tokio::test]
async fn b3_b4_a_token_is_bound_by_two_consecutive_codes_that_measure_its_clock() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let token = Phone::token("CS-1").ahead(-40);
    let wanted = world.wanted(&alice(), hardware(" CS-1 "), None);
    let offer = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("an offer");
    assert!(offer.shown.is_none(), "it has its secret already");
    let told = world.service.enrollment_png(&caller, &alice(), offer.id).await;
    assert_eq!(told, Err(ServiceError::NotFound("QR code")));
    let now = world.now();
    let [first, second] = token.two(now);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &confirmation(&[&first]))
        .await;
    assert!(is_invalid(&told, Input::Codes), "one is not enough: {told:?}");
    let third = token.later(now, 2);
    for codes in [[&first, &third], [&second, &first]] {
        let wanted = confirmation(&[codes[0], codes[1]]);
        let told = world
            .service
            .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
            .await;
        assert!(
            matches!(told, Err(ServiceError::CodeRefused { hint: None, .. })),
            "nobody can set its clock: {told:?}"
        );
    }
    let wanted = confirmation(&[&first, &second]);
    let confirmed = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    let (device, _) = confirmed.expect("it is bound");
    assert_eq!(
        (device.kind, device.serial_number.as_deref()),
        (Kind::Hardware, Some("CS-1"))
    );
    assert_eq!(device.drift_steps, -39, "D6");
    let view = world.service.token(&caller, "CS-1").await.expect("a view");
    assert_eq!(
        (view.status.name(), view.owner, view.device),
        ("bound", Some(alice()), Some(device.id))
    );
    world.clock.pass(2 * STEP_MS);
    let told = world.verify(&caller, &alice(), &token.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
}

#[tokio::test]
async fn b3_every_token_that_cannot_be_bound_is_told_the_same() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    world.stock(&caller, "open", &["CS-BOUND", "CS-BOBS", "CS-BACK"]).await;
    world.bind_token(&caller, &bob(), "CS-BOUND").await;
    let assign = TokenTransition::Assign(bob());
    service
        .move_token(&caller, "CS-BOBS", &assign)
        .await
        .expect("it is set aside");
    service
        .move_token(&caller, "CS-BACK", &TokenTransition::Return)
        .await
        .expect("it is back");
    world
        .import(&caller, "closed", &seeds(&["CS-CLOSED"]))
        .await
        .expect("a receipt");
    let dated = |serial_number: &str, starts_at_s, expires_at_s| service::Seed {
        serial_number: serial_number.into(),
        manufacturer: None,
        model: None,
        key_id: None,
        issuer: None,
        label: None,
        secret: otp::Secret::from_slice(&[serial_number.len() as u8; 20]).expect("a secret"),
        algorithm: Algorithm::Sha1,
        digits: otp::Digits::SIX,
        moving: pskc::Moving::Time {
            period: Period::THIRTY,
            drift_steps: 0,
        },
        starts_at_s,
        expires_at_s,
        management_key: None,
    };
    let day_s = UnixMs::DAY / 1_000;
    let now_s = world.now().get() / 1_000;
    let seeds = [
        dated("CS-EARLY", Some(now_s + day_s), None),
        dated("CS-EXPIRED", None, Some(now_s + 60)),
    ];
    let receipt = service
        .import(&caller, &seeds, service::Receipt::default(), &into("open"))
        .await;
    assert_eq!(receipt.expect("a receipt").imported, 2);
    world.clock.pass(UnixMs::MINUTE);
    for (serial_number, cause) in [
        ("CS-UNKNOWN", "token_unknown"),
        ("CS-BOUND", "token_bound"),
        ("CS-BOBS", "token_assigned"),
        ("CS-BACK", "token_without_secret"),
        ("CS-CLOSED", "batch_not_open"),
        ("CS-EARLY", "token_not_yet_valid"),
        ("CS-EXPIRED", "token_expired"),
    ] {
        let wanted = world.wanted(&alice(), hardware(serial_number), None);
        let told = service.start_enrollment(&caller, &wanted).await.map(|offer| offer.id);
        assert_eq!(told, Err(ServiceError::TokenUnavailable), "{serial_number}");
        let event = world.last("enrollment.start").await;
        assert_eq!(
            (&event["outcome"], &event["cause"]),
            (&"refused".into(), &cause.into()),
            "{serial_number}"
        );
    }
    // Whom it was set aside for has it.
    let told = service.close_user(&caller, &bob()).await;
    told.expect("his other token is gone");
    world.bind_token(&caller, &bob(), "CS-BOBS").await;
}

#[tokio::test]
async fn b3_a_right_factor_is_burned_even_where_the_token_cannot_be_bound() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let code = phone.shows(world.now());
    let wanted = world.wanted(&alice(), hardware("CS-UNKNOWN"), replacing(device, &code));
    let told = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .map(|offer| offer.id);
    assert_eq!(told, Err(ServiceError::TokenUnavailable));
    assert_eq!(
        world.verify(&caller, &alice(), &code).await,
        Ok(Answer::Refused),
        "no oracle"
    );
}

#[tokio::test]
async fn b3_a_token_that_went_out_of_reach_meanwhile_ends_the_enrollment() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let wanted = world.wanted(&alice(), hardware("CS-1"), None);
    let offer = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("an offer");
    let closed = NewLot {
        open_to: Some(OpenTo::Nobody),
        note: None,
    };
    world
        .service
        .change_lot(&caller, "one", &closed)
        .await
        .expect("it is closed");
    let [first, second] = Phone::token("CS-1").two(world.now());
    let wanted = confirmation(&[&first, &second]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    assert_eq!(told, Err(ServiceError::TokenUnavailable));
    assert_eq!(world.last("enrollment.confirm").await["cause"], "batch_not_open");
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    assert_eq!(told, Err(ServiceError::EnrollmentEnded));
}

#[tokio::test]
async fn a_user_begins_twenty_times_an_hour_and_a_key_as_often_as_is_set() {
    let settings = Settings {
        enrollments_per_key: 22,
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let caller = world.all().await;
    let start = async |caller, owner: &service::Owner| {
        let wanted = world.wanted(owner, app(), None);
        world
            .service
            .start_enrollment(caller, &wanted)
            .await
            .map(|offer| offer.id)
    };
    for _ in 0..20 {
        start(&caller, &alice()).await.expect("an offer");
    }
    world.clock.pass(UnixMs::MINUTE);
    let too_often = Err(ServiceError::AskedTooOften { retry_after_s: 59 * 60 });
    assert_eq!(start(&caller, &alice()).await, too_often);
    for user in ["bob", "carol"] {
        start(&caller, &service::Owner::new("acme", user))
            .await
            .expect("an offer");
    }
    assert_eq!(
        start(&caller, &service::Owner::new("acme", "dave")).await,
        too_often,
        "the key's own limit"
    );
    let another = world.all().await;
    start(&another, &service::Owner::new("acme", "dave"))
        .await
        .expect("another key's");
    assert_eq!(start(&another, &alice()).await, too_often, "the user's, whatever key");
    world.clock.pass(59 * UnixMs::MINUTE);
    start(&caller, &alice()).await.expect("an hour later");
}
