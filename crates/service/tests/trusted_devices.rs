//! Trusted devices (P2): a browser that is trusted needs no code at login for 7 days, by a token that rotates.

mod support;

use serde_json::json;
use service::{
    AnsweredChallenge, Caller, Challenge, ChallengeAnswer, ChallengePurpose, Client, Decision, Factor, Ground, Id,
    Input, NewChallenge, ProtectionChange, ProtectionMethod, Replacement, ServiceError, TrustedDeviceView, UnixMs,
};
use support::{Button, STEP_MS, World, alice, by_code, phone::Phone, text};

const DAY: i64 = UnixMs::DAY;
const MINUTE: i64 = UnixMs::MINUTE;

/// Alice has a device and both protections.
struct Bound {
    world: World,
    caller: Caller,
    device: Id,
    phone: Phone,
}

fn client(agent: &str) -> Client {
    Client {
        ip: Some("203.0.113.7".into()),
        user_agent: Some(agent.into()),
    }
}

fn login(token: Option<&str>) -> NewChallenge {
    NewChallenge {
        owner: alice(),
        purpose: ChallengePurpose::Login,
        audience: None,
        operation: None,
        resource: None,
        session_id: None,
        first_factor: Some("password".into()),
        client: Some(client("Firefox")),
        is_risky: false,
        trusted_device: token.map(str::to_owned),
    }
}

impl Bound {
    async fn new() -> Self {
        let world = World::new().await;
        let caller = world.all().await;
        let (device, phone) = world.bind(&caller, &alice()).await;
        Self {
            world,
            caller,
            device,
            phone,
        }
    }

    async fn ask(&self, wanted: &NewChallenge) -> Challenge {
        let told = self.world.service.create_challenge(&self.caller, wanted).await;
        told.expect("a decision")
    }

    /// Presents this token at a login.
    async fn present(&self, token: &str) -> Challenge {
        self.ask(&login(Some(token))).await
    }

    /// Presents it where it is trusted, and gives the next one.
    async fn next(&self, token: &str) -> String {
        let told = self.present(token).await;
        assert_eq!((told.decision, told.ground), (Decision::Allow, Ground::TrustedDevice));
        assert!(told.grant.is_some());
        told.trusted_device.expect("the next token")
    }

    async fn is_asked(&self, token: &str) -> bool {
        let told = self.present(token).await;
        assert!(told.decision == Decision::Allow || told.trusted_device.is_none());
        told.decision == Decision::Challenge
    }

    /// Answers a challenge by the phone, and trusts the browser.
    async fn answer(&self, challenge: &Challenge) -> AnsweredChallenge {
        let answer = ChallengeAnswer {
            method: "totp".into(),
            code: text(&self.phone.shows(self.world.now())),
            trust_device: true,
        };
        let told = self.world.service.answer_challenge(&self.caller, &challenge.id, answer);
        let told = told.await.expect("a verdict");
        assert_eq!(told.decision, Decision::Allow);
        self.world.clock.pass(STEP_MS);
        told
    }

    /// The first token of a browser that is trusted now.
    async fn trust(&self) -> String {
        let challenge = self.ask(&login(None)).await;
        self.answer(&challenge).await.trusted_device.expect("a token")
    }

    async fn listed(&self) -> Vec<TrustedDeviceView> {
        let told = self.world.service.trusted_devices(&self.caller, &alice()).await;
        told.expect("a list")
    }

    fn fresh(&self) -> Factor {
        by_code(&self.phone.shows(self.world.now()))
    }
}

#[tokio::test]
async fn p2_a_trusted_browser_needs_no_code_for_7_days_from_its_check() {
    let bound = Bound::new().await;
    let world = &bound.world;
    let checked_at = world.now();
    let mut token = bound.trust().await;
    let added = world.last("trusted_device.add").await;
    assert_eq!(added["decision_id"], added["detail"]["trusted_device"]);
    for day in 1..7 {
        world.clock.pass(DAY);
        let next = bound.next(&token).await;
        assert_ne!(next, token, "day {day}: it rotates");
        token = next;
    }
    let event = world.last("challenge.decide").await;
    assert_eq!(
        (&event["outcome"], &event["cause"], &event["detail"]["other_agent"]),
        (&json!("allow"), &json!("trusted_device"), &json!(false))
    );
    let end = checked_at.plus(7 * DAY);
    assert_eq!(bound.listed().await[0].until, end, "use extends nothing");
    world.clock.pass(end.since(world.now()) - 1);
    token = bound.next(&token).await;
    world.clock.pass(1);
    assert!(bound.is_asked(&token).await);
    assert!(bound.listed().await.is_empty());
}

#[tokio::test]
async fn p2_a_lost_answer_is_no_theft_and_an_old_token_is() {
    let bound = Bound::new().await;
    let world = &bound.world;
    let first = bound.trust().await;
    let second = bound.next(&first).await;
    world.clock.pass(DAY);
    assert_eq!(bound.next(&first).await, second, "repeated until it is seen");
    let third = bound.next(&second).await;
    world.clock.pass(MINUTE);
    assert_eq!(bound.next(&first).await, third, "a second tab, within 60 s");
    assert!(world.told("trusted_device.theft").await.is_empty());
    world.clock.pass(1);
    assert!(bound.is_asked(&first).await);
    let theft = world.last("trusted_device.theft").await;
    assert_eq!(theft["detail"]["number"], 1);
    assert!(bound.is_asked(&third).await, "whoever has the newest one is asked, too");
    assert!(bound.listed().await.is_empty());
    assert_eq!(world.told("trusted_device.theft").await.len(), 1, "it ended once");
}

#[tokio::test]
async fn p2_a_trust_covers_logins_alone_and_no_risk() {
    let bound = Bound::new().await;
    let token = bound.trust().await;
    for purpose in [ChallengePurpose::Operation, ChallengePurpose::Identity] {
        let with_it = NewChallenge {
            operation: Some("cloud-virtual-machine/shutting-down-instances".into()),
            session_id: Some("s1".into()),
            purpose,
            ..login(Some(&token))
        };
        let told = bound.world.service.create_challenge(&bound.caller, &with_it).await;
        let input = Input::TrustedDevice;
        assert!(
            matches!(told, Err(ServiceError::Invalid { input: of, .. }) if of == input),
            "{purpose:?}"
        );
        let without = NewChallenge {
            trusted_device: None,
            ..with_it
        };
        assert_eq!(bound.ask(&without).await.decision, Decision::Challenge, "{purpose:?}");
    }
    let risky = NewChallenge {
        is_risky: true,
        ..login(Some(&token))
    };
    let told = bound.ask(&risky).await;
    assert_eq!((told.decision, told.ground), (Decision::Challenge, Ground::Protected));
    // The check of the same browser is its new trust.
    let next = bound.answer(&told).await.trusted_device.expect("a token");
    assert_eq!(bound.listed().await.len(), 1);
    assert!(bound.is_asked(&token).await);
    bound.next(&next).await;
}

#[tokio::test]
async fn p2_an_operations_answer_trusts_nothing() {
    let bound = Bound::new().await;
    let wanted = NewChallenge {
        purpose: ChallengePurpose::Operation,
        session_id: Some("s1".into()),
        operation: Some("cloud-virtual-machine/shutting-down-instances".into()),
        ..login(None)
    };
    let challenge = bound.ask(&wanted).await;
    assert_eq!(bound.answer(&challenge).await.trusted_device, None);
    assert!(bound.listed().await.is_empty());
}

#[tokio::test]
async fn p2_a_token_is_its_users_alone_and_nobody_makes_one() {
    let bound = Bound::new().await;
    let token = bound.trust().await;
    let bob = support::bob();
    let (_, _) = bound.world.bind(&bound.caller, &bob).await;
    let told = bound
        .ask(&NewChallenge {
            owner: bob,
            ..login(Some(&token))
        })
        .await;
    assert_eq!(told.decision, Decision::Challenge);
    for place in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).expect("text");
        assert!(bound.is_asked(&altered).await, "{place}");
    }
    for altered in ["", "AAAA", &token[1..], &format!("{token}A")] {
        assert!(bound.is_asked(altered).await, "{altered}");
    }
    bound.next(&token).await;
}

#[tokio::test]
async fn p2_trusts_are_listed_and_end_one_by_one_or_together() {
    let bound = Bound::new().await;
    let tokens = [bound.trust().await, bound.trust().await, bound.trust().await];
    let listed = bound.listed().await;
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0].client, client("Firefox"));
    assert_eq!(listed[0].last_used_at, None);
    let service = &bound.world.service;
    let end = async |only| service.end_trust(&bound.caller, &alice(), only).await;
    assert_eq!(end(Some(listed[0].id)).await, Ok(()));
    assert_eq!(
        end(Some(listed[0].id)).await,
        Err(ServiceError::NotFound("trusted device"))
    );
    assert!(bound.is_asked(&tokens[0]).await);
    bound.next(&tokens[1]).await;
    assert!(bound.listed().await[0].last_used_at.is_some());
    assert_eq!(end(None).await, Ok(()));
    assert_eq!(bound.world.last("trusted_device.end").await["count"], 2);
    assert!(bound.is_asked(&tokens[2]).await);
    assert_eq!(end(None).await, Ok(()), "there is nothing to end");
}

#[tokio::test]
async fn p2_of_more_than_20_the_oldest_is_asked_again() {
    let bound = Bound::new().await;
    let first = bound.trust().await;
    let second = bound.trust().await;
    for _ in 0..19 {
        // A user's row has room for 16 answered challenges at once.
        bound.world.clock.pass(MINUTE);
        bound.trust().await;
    }
    assert_eq!(bound.listed().await.len(), 20);
    assert!(bound.is_asked(&first).await);
    bound.next(&second).await;
}

#[tokio::test]
async fn p2_a_trust_ends_with_unbinding_and_with_closing() {
    for is_closed in [false, true] {
        let bound = Bound::new().await;
        let token = bound.trust().await;
        let service = &bound.world.service;
        if is_closed {
            service.close_user(&bound.caller, &alice()).await.expect("it is closed");
        } else {
            let unbound = service
                .unbind(&bound.caller, &alice(), bound.device, &bound.fresh())
                .await;
            unbound.expect("it is unbound");
        }
        assert!(bound.listed().await.is_empty());
        bound.world.clock.pass(STEP_MS);
        bound.world.bind(&bound.caller, &alice()).await;
        assert!(bound.is_asked(&token).await, "closed: {is_closed}");
    }
}

#[tokio::test]
async fn p2_a_trust_ends_with_replacing() {
    let bound = Bound::new().await;
    let token = bound.trust().await;
    let factor = Replacement {
        factor: bound.fresh(),
        replaces: Some(bound.device),
    };
    bound.world.clock.pass(STEP_MS);
    bound.world.bind_as(&bound.caller, &alice(), Some(factor), false).await;
    assert!(bound.is_asked(&token).await);
}

#[tokio::test]
async fn p2_a_trust_ends_with_the_person() {
    let bound = Bound::new().await;
    let token = bound.trust().await;
    let service = &bound.world.service;
    service
        .erase_user(&bound.caller, &alice())
        .await
        .expect("they are erased");
    let kept = bound.world.store.trusted_devices(&alice()).await.expect("a read");
    assert!(kept.is_none(), "nothing is kept of it");
    bound.world.bind(&bound.caller, &alice()).await;
    assert!(bound.is_asked(&token).await);
}

#[tokio::test]
async fn p2_a_trust_ends_where_the_settings_forbid_any() {
    let bound = Bound::new().await;
    let token = bound.trust().await;
    let settings = |allow_trusted_devices, factor| ProtectionChange {
        login_protection: ProtectionMethod::Mfa,
        operation_protection: ProtectionMethod::Mfa,
        suspicious_login_protection: ProtectionMethod::None,
        allow_trusted_devices,
        session_idle_minutes: 120,
        session_total_hours: 48,
        factor,
    };
    let set = async |change: ProtectionChange| {
        let service = &bound.world.service;
        let version = service.protection(&bound.caller, &alice()).await.expect("a view");
        let version = version.settings.version;
        service.set_protection(&bound.caller, &alice(), version, &change).await
    };
    set(settings(false, None)).await.expect("U5: it is stricter");
    assert!(bound.is_asked(&token).await);
    let challenge = bound.present(&token).await;
    assert_eq!(bound.answer(&challenge).await.trusted_device, None);
    set(settings(true, Some(bound.fresh()))).await.expect("it is paid for");
    assert!(bound.is_asked(&token).await, "what ended stays so");
}

#[tokio::test]
async fn p2_another_agent_is_told_and_not_refused() {
    let bound = Bound::new().await;
    let token = bound.trust().await;
    let other = NewChallenge {
        client: Some(client("Chrome")),
        ..login(Some(&token))
    };
    assert_eq!(bound.ask(&other).await.ground, Ground::TrustedDevice);
    let event = bound.world.last("challenge.decide").await;
    assert_eq!(event["detail"]["other_agent"], true);
}

#[tokio::test]
async fn p2_a_recovery_code_trusts_too_and_a_wrong_code_does_not() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
    let service = &world.service;
    let challenge = service
        .create_challenge(&caller, &login(None))
        .await
        .expect("a decision");
    let answer = |method: &str, code: &str| ChallengeAnswer {
        method: method.into(),
        code: text(code),
        trust_device: true,
    };
    let wrong = answer("totp", &phone.wrong_codes(world.now(), 1)[0]);
    let told = service.answer_challenge(&caller, &challenge.id, wrong).await;
    assert_eq!(told.expect("a verdict").trusted_device, None);
    assert_eq!(service.trusted_devices(&caller, &alice()).await, Ok(Vec::new()));
    let right = answer("recovery_code", &paper[0]);
    let told = service.answer_challenge(&caller, &challenge.id, right).await;
    assert!(told.expect("a verdict").trusted_device.is_some());
}

/// A2: whoever has the password locks the general road, and not the owner's browser.
#[tokio::test]
async fn a2_a_trusted_browser_is_judged_though_others_locked_the_general_road() {
    let bound = Bound::new().await;
    let world = &bound.world;
    let token = bound.trust().await;
    world.guess(&bound.caller, &alice(), &bound.phone, 10).await;
    let general = bound.ask(&login(None)).await;
    assert!(general.locked_until.is_some());
    let risky = || NewChallenge {
        is_risky: true,
        ..login(Some(&token))
    };
    let challenge = bound.ask(&risky()).await;
    assert_eq!(
        (challenge.decision, challenge.locked_until),
        (Decision::Challenge, None)
    );
    let next = bound.answer(&challenge).await.trusted_device.expect("a token");
    let general = bound.ask(&login(None)).await;
    assert!(general.locked_until.is_some(), "it unlocked nothing for the others");
    bound.next(&next).await;
}

/// A2: that road has a budget of its own: wrong codes count there alone, ten lock it, twenty end what it is good for.
#[tokio::test]
async fn a2_wrong_codes_of_a_trusted_browser_count_against_its_own_budget() {
    let bound = Bound::new().await;
    let world = &bound.world;
    let token = bound.trust().await;
    let risky = NewChallenge {
        is_risky: true,
        ..login(Some(&token))
    };
    let guess = async |times: usize| {
        let mut locked_until = None;
        for wrong in bound.phone.wrong_codes(world.now(), times) {
            let challenge = bound.ask(&risky).await;
            let answer = ChallengeAnswer {
                method: "totp".into(),
                code: text(&wrong),
                trust_device: false,
            };
            let told = world
                .service
                .answer_challenge(&bound.caller, &challenge.id, answer)
                .await;
            let told = told.expect("a verdict");
            assert_eq!((told.decision, locked_until), (Decision::Challenge, None));
            locked_until = told.locked_until;
        }
        locked_until
    };
    assert!(guess(10).await.is_some(), "the tenth says that it locks");
    let event = world.last("challenge.answer").await;
    assert_eq!(
        (&event["outcome"], &event["detail"]["road"]),
        (&json!("refused"), &json!("trusted_device"))
    );
    assert!(bound.ask(&risky).await.locked_until.is_some(), "its own lock");
    let general = bound.ask(&login(None)).await;
    assert_eq!(general.locked_until, None, "the general road knows nothing of it");
    world.clock.pass(2 * 60 * MINUTE);
    guess(10).await;
    let event = world.last("challenge.answer").await;
    assert_eq!(event["detail"]["suspended"], "trusted_device");
    let device = world.service.user(&bound.caller, &alice()).await.expect("a user");
    assert_eq!(device.locked_until, None);
    // From here on it is a browser like any: it is judged, and counts, on the general road.
    guess(10).await;
    assert!(bound.ask(&login(None)).await.locked_until.is_some());
}

/// A1: a counter token has twice the targets, so half as many wrong codes suspend the road of a trusted browser, in whatever
/// order the user's devices were bound.
#[tokio::test]
async fn a1_a_counter_token_halves_the_budget_of_a_trusted_browser_whatever_was_bound_before_it() {
    for counter_first in [false, true] {
        let world = World::with(service::Settings {
            devices_max: 2,
            ..service::Settings::default()
        })
        .await;
        let caller = world.all().await;
        let token = Button::stocked(&world, &caller, "T-1", 7).await;
        let beside = |code: &str| Replacement {
            replaces: None,
            factor: by_code(code),
        };
        let (device, phone) = if counter_first {
            token.bound(&world, &caller, None).await;
            let (device, phone, _) = world
                .bind_as(&caller, &alice(), Some(beside(&token.at(2))), false)
                .await;
            (device, phone)
        } else {
            let (device, phone) = world.bind(&caller, &alice()).await;
            let factor = Some(beside(&phone.shows(world.now())));
            token.bound(&world, &caller, factor).await;
            world.clock.pass(STEP_MS);
            (device, phone)
        };
        let bound = Bound {
            world,
            caller,
            device,
            phone,
        };
        let world = &bound.world;
        let token = bound.trust().await;
        let risky = NewChallenge {
            is_risky: true,
            ..login(Some(&token))
        };
        for wrong in bound.phone.wrong_codes(world.now(), 10) {
            let challenge = bound.ask(&risky).await;
            let answer = ChallengeAnswer {
                method: "totp".into(),
                code: text(&wrong),
                trust_device: false,
            };
            let told = world
                .service
                .answer_challenge(&bound.caller, &challenge.id, answer)
                .await;
            assert!(
                !matches!(&told, Ok(told) if told.decision == Decision::Allow),
                "{told:?}"
            );
            world.clock.pass(10 * MINUTE);
        }
        let event = world.last("challenge.answer").await;
        assert_eq!(
            event["detail"]["suspended"], "trusted_device",
            "A1: ten, where six codes are right: counter token first: {counter_first}"
        );
    }
}

/// A2: so has a recovery code that is typed there: others who locked the set have not locked the owner's browser.
#[tokio::test]
async fn a2_a_recovery_code_in_a_trusted_browser_is_judged_though_others_locked_the_set() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone, papers) = world.bind_as(&caller, &alice(), None, true).await;
    let bound = Bound {
        world,
        caller,
        device,
        phone,
    };
    let token = bound.trust().await;
    let answer = async |trusted: bool, code: &str| {
        let wanted = NewChallenge {
            is_risky: true,
            ..login(trusted.then_some(&*token))
        };
        let challenge = bound.ask(&wanted).await;
        let answer = ChallengeAnswer {
            method: "recovery_code".into(),
            code: text(code),
            trust_device: false,
        };
        let told = bound
            .world
            .service
            .answer_challenge(&bound.caller, &challenge.id, answer);
        told.await.expect("a verdict")
    };
    let wrong = |letter: char| format!("{letter}AAA AAAA AAAA AAAA");
    for letter in 'A'..='E' {
        assert_eq!(answer(false, &wrong(letter)).await.decision, Decision::Challenge);
    }
    assert!(
        answer(false, &papers[0]).await.locked_until.is_some(),
        "others locked it"
    );
    assert_eq!(answer(true, &papers[0]).await.decision, Decision::Allow);
    assert!(
        answer(false, &papers[1]).await.locked_until.is_some(),
        "it unlocked nothing for the others"
    );
    let again = answer(true, &papers[0]).await;
    assert_eq!(
        (again.decision, again.locked_until),
        (Decision::Challenge, None),
        "once"
    );
    let event = bound.world.last("challenge.answer").await;
    assert_eq!(event["detail"]["road"], "trusted_device");
    bound.world.clock.pass(60 * MINUTE);
    for letter in 'A'..='D' {
        assert_eq!(answer(true, &wrong(letter)).await.locked_until, None);
    }
    let fifth = answer(true, &wrong('E')).await;
    assert!(fifth.decision == Decision::Challenge && fifth.locked_until.is_some());
    assert!(
        answer(true, &papers[1]).await.locked_until.is_some(),
        "it has a lock of its own"
    );
    assert_eq!(answer(false, &papers[1]).await.decision, Decision::Allow);
}

/// A browser and an unbinding at once: whichever is first, no trust outlives the device.
#[tokio::test(flavor = "multi_thread")]
async fn p2_no_trust_survives_a_race_with_unbinding() {
    for _ in 0..20 {
        let bound = Bound::new().await;
        let token = bound.trust().await;
        let challenge = bound.ask(&login(None)).await;
        let (first, second) = (bound.fresh(), bound.phone.shows(bound.world.now().plus(STEP_MS)));
        let service = &bound.world.service;
        let answer = ChallengeAnswer {
            method: "totp".into(),
            code: text(&second),
            trust_device: true,
        };
        let owner = alice();
        let (unbound, used, answered) = tokio::join!(
            service.unbind(&bound.caller, &owner, bound.device, &first),
            bound.present(&token),
            service.answer_challenge(&bound.caller, &challenge.id, answer),
        );
        if unbound.is_ok() {
            assert!(bound.listed().await.is_empty(), "{:?} {answered:?}", used.ground);
            let kept = bound.world.store.trusted_devices(&alice()).await.expect("a read");
            assert!(kept.is_none());
        }
    }
}

#[tokio::test]
async fn what_is_over_is_forgotten() {
    let bound = Bound::new().await;
    bound.trust().await;
    bound.world.clock.pass(7 * DAY + MINUTE);
    let service = &bound.world.service;
    service.run_housekeeping(&Caller::system()).await.expect("it is kept");
    let kept = bound.world.store.trusted_devices(&alice()).await.expect("a read");
    assert!(kept.is_none());
    assert_eq!(bound.world.last("trusted_device.expire").await["count"], 1);
}

/// What is known of the browser is readable to nobody who has the database alone.
#[tokio::test]
async fn an_address_is_sealed_where_it_is_kept() {
    let bound = Bound::new().await;
    bound.trust().await;
    let key = store::TrustedDevices::key_of(&alice());
    let kept = bound.world.store.documents(vec![key]).await.expect("a read");
    let body = &kept[0].as_ref().expect("a document").body;
    assert!(!body.contains("203.0.113.7") && !body.contains("Firefox"), "{body}");
    for event in bound.world.events().await {
        let event = event.to_string();
        assert!(!event.contains("203.0.113.7") && !event.contains("Firefox"), "{event}");
    }
}
