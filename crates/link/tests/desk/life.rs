use link::{Comparing, LinkError, Refusal, TokenStatus, Wanted, WhyEnded};

use crate::cable::{NOW_S, TestLine, link, provisioned, wanted};

#[test]
fn a_token_is_provisioned_sealed_proved_set_and_wiped() {
    let line = TestLine::blank(7);
    let about = link(&line).hello().unwrap();
    assert_eq!(
        (about.model.as_str(), about.serial_number, about.status),
        ("CS-1", None, TokenStatus::Blank)
    );

    let seed = provisioned(&line, "CS-000001");
    assert_eq!(seed.secret.len(), 20);
    let about = link(&line).hello().unwrap();
    assert_eq!(
        (about.serial_number.as_deref(), about.status),
        (Some("CS-000001"), TokenStatus::Sealed)
    );

    let mut link = link(&line);
    let mut session = link.open(&[4; 32], Comparing::No).unwrap();
    let status = session.status().unwrap();
    assert_eq!(
        (status.label.as_str(), status.parameters),
        ("Cloud console", Some(Wanted::PARAMETERS))
    );
    assert_eq!(
        (status.unix_s, status.battery_percent, status.fault),
        (Some(NOW_S), 100, None)
    );
    assert!(matches!(session.prove(&[0; 20], &[5; 32]), Err(LinkError::WrongProof)));
    session.prove(&seed.secret, &[6; 32]).unwrap();

    let set = session.set_time(NOW_S + 90, &seed.management_key).unwrap();
    assert_eq!((set.shift_s, set.allowance_s), (90, 600 - 90 - 1));
    let refused = session.set_time(NOW_S, &[0; 32]);
    assert!(matches!(refused, Err(LinkError::Refused(Refusal::NotAuthorised))));
    let over = session.set_time(NOW_S + 3_600, &seed.management_key);
    assert!(matches!(over, Err(LinkError::Refused(Refusal::OverAllowance))));

    assert!(matches!(
        session.wipe(&[0; 32]),
        Err(LinkError::Refused(Refusal::NotAuthorised))
    ));
    session.wipe(&seed.management_key).unwrap();
    assert_eq!(session.status().unwrap().status, TokenStatus::Wiped);
}

#[test]
fn a_sealed_token_is_not_provisioned_again() {
    let line = TestLine::blank(7);
    provisioned(&line, "CS-000001");
    let mut link = link(&line);
    let mut session = link.open(&[4; 32], Comparing::No).unwrap();
    let again = session.provision(&wanted("CS-000002"), &[5; 32]).err();
    assert!(matches!(again, Some(LinkError::Refused(Refusal::WrongState))));
}

#[test]
fn a_name_that_no_frame_holds_is_refused_and_the_session_stands() {
    let line = TestLine::blank(7);
    let mut link = link(&line);
    let mut session = link.open(&[4; 32], Comparing::No).unwrap();
    for name in ["x".repeat(33), "x".repeat(300), "令牌".into(), String::new()] {
        let refused = session.provision(&wanted(&name), &[5; 32]).err();
        assert!(
            matches!(refused, Some(LinkError::Refused(Refusal::Invalid))),
            "{name}: {refused:?}"
        );
    }
    assert_eq!(session.status().unwrap().status, TokenStatus::Blank);
}

#[test]
fn nothing_is_provisioned_before_the_button_was_pressed() {
    let line = TestLine::blank(7);
    let mut link = link(&line);
    let mut shown = None;
    let unpressed = link.open(&[1; 32], Comparing::Yes(&mut |digits| shown = Some(digits)));
    assert!(matches!(unpressed.err(), Some(LinkError::NotPressed)));
    assert!(shown.is_some());
    let hurried = link.open(&[2; 32], Comparing::Yes(&mut |_| {}));
    assert!(matches!(hurried.err(), Some(LinkError::Ended(WhyEnded::TooSoon))));
    line.borrow().time.advance_ms(5_000);
    let mut press = |_| line.borrow_mut().press();
    let mut session = link.open(&[3; 32], Comparing::Yes(&mut press)).unwrap();
    assert!(session.provision(&wanted("CS-000001"), &[2; 32]).is_ok());
}

#[test]
fn a_token_whose_plug_was_pulled_before_the_commit_shows_no_codes_and_starts_over() {
    let line = TestLine::blank(7);
    let mut first = link(&line);
    let mut session = first.open(&[1; 32], Comparing::No).unwrap();
    let mut lost = Vec::new();
    let made = session.provision(&wanted("CS-000001"), &[2; 32]).unwrap();
    let _kept = made.keep(|secret, _| {
        lost = secret.to_vec();
        Ok::<_, ()>(())
    });
    TestLine::power_cycle(&line);
    let about = link(&line).hello().unwrap();
    assert_eq!(
        (about.status, about.serial_number.as_deref()),
        (TokenStatus::Provisioned, Some("CS-000001"))
    );
    // It says which secret it has, and gets another.
    let mut second = link(&line);
    second
        .open(&[3; 32], Comparing::No)
        .unwrap()
        .prove(&lost, &[4; 32])
        .unwrap();
    let seed = provisioned(&line, "CS-000001");
    assert_ne!(seed.secret, lost);
}
