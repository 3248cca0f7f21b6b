//! Identity grants: each names one operation, is used up in that operation's change, and opens nothing else (P3b).

mod support;

use service::{
    Caller, ChallengeAnswer, ChallengePurpose, Decision, Factor, GrantUse, NewChallenge, NewEnrollment, Owner,
    ProofOfIdentity, ProtectionChange, ProtectionMethod, Replacement, ServiceError, Settings, TokenTransition, UnixMs,
};
use support::{SETTINGS, STEP_MS, World, alice, app, bob, by_code, phone::Phone, text};

const BIND: &str = "accounts/bind-mfa-token";

struct Story {
    world: World,
    caller: Caller,
    phone: Phone,
}

impl Story {
    async fn of(settings: Settings) -> Self {
        let world = World::with(settings).await;
        let caller = world.all().await;
        let (_, phone) = world.bind(&caller, &alice()).await;
        Self { world, caller, phone }
    }

    async fn begun() -> Self {
        Self::of(Settings::default()).await
    }

    /// A challenge of this purpose, answered by the phone's code of now.
    async fn grant(&self, purpose: ChallengePurpose, operation: &str) -> String {
        let code = text(&self.phone.shows(self.world.now()));
        self.grant_by(purpose, operation, "totp", code).await
    }

    async fn grant_by(
        &self,
        purpose: ChallengePurpose,
        operation: &str,
        method: &str,
        code: zeroize::Zeroizing<String>,
    ) -> String {
        let wanted = NewChallenge {
            purpose,
            operation: Some(operation.into()),
            session_id: Some("s-1".into()).filter(|_| purpose == ChallengePurpose::Operation),
            ..identity(&alice())
        };
        let service = &self.world.service;
        let asked = service
            .create_challenge(&self.caller, &wanted)
            .await
            .expect("a challenge");
        let answer = ChallengeAnswer {
            method: method.into(),
            code,
            trust_device: false,
        };
        let told = service.answer_challenge(&self.caller, &asked.id, answer).await;
        let told = told.expect("a verdict");
        assert_eq!(told.decision, Decision::Allow);
        told.grant.expect("a grant").text
    }

    /// Switches login protection off, by this factor.
    async fn weaken(&self, owner: &Owner, factor: Option<Factor>) -> Result<(), ServiceError> {
        let service = &self.world.service;
        let read = service
            .protection(&self.caller, owner)
            .await
            .expect("settings")
            .settings;
        let wanted = ProtectionChange {
            login_protection: ProtectionMethod::None,
            operation_protection: read.operation_protection.method,
            suspicious_login_protection: read.suspicious_login_protection.method,
            allow_trusted_devices: read.allow_trusted_devices,
            session_idle_minutes: read.session_idle_minutes,
            session_total_hours: read.session_total_hours,
            factor,
        };
        let done = service.set_protection(&self.caller, owner, read.version, &wanted).await;
        done.map(drop)
    }

    async fn is_active(&self, grant: &str) -> bool {
        let told = self
            .world
            .service
            .introspect_grant(
                &self.caller,
                grant,
                &GrantUse {
                    operation: Some(SETTINGS.into()),
                    ..GrantUse::default()
                },
            )
            .await;
        told.expect("an answer").is_some()
    }
}

fn identity(owner: &Owner) -> NewChallenge {
    NewChallenge {
        owner: owner.clone(),
        purpose: ChallengePurpose::Identity,
        audience: None,
        operation: Some(SETTINGS.into()),
        resource: None,
        session_id: None,
        first_factor: None,
        client: None,
        is_risky: false,
        trusted_device: None,
    }
}

fn by_grant(grant: &str) -> Option<Factor> {
    Some(Factor::Grant(text(grant)))
}

fn is_refused<T>(told: &Result<T, ServiceError>) -> bool {
    matches!(told, Err(ServiceError::GrantRefused { .. }))
}

#[tokio::test]
async fn p3b_u5_an_identity_grant_is_a_fresh_factor_once() {
    let story = Story::begun().await;
    let grant = story.grant(ChallengePurpose::Identity, SETTINGS).await;
    assert!(story.is_active(&grant).await);
    story.weaken(&alice(), by_grant(&grant)).await.expect("it is done");
    let event = story.world.last("protection.change").await;
    assert_eq!(event["cause"], "identity_grant");
    assert!(!story.is_active(&grant).await, "it is used up");
    // Back on, and off again by the same grant.
    story.world.clock.pass(STEP_MS);
    let read = story
        .world
        .service
        .protection(&story.caller, &alice())
        .await
        .expect("settings")
        .settings;
    let on = ProtectionChange {
        login_protection: ProtectionMethod::Mfa,
        operation_protection: read.operation_protection.method,
        suspicious_login_protection: ProtectionMethod::None,
        allow_trusted_devices: read.allow_trusted_devices,
        session_idle_minutes: read.session_idle_minutes,
        session_total_hours: read.session_total_hours,
        factor: None,
    };
    let done = story
        .world
        .service
        .set_protection(&story.caller, &alice(), read.version, &on)
        .await;
    done.expect("what adds protection is free");
    let told = story.weaken(&alice(), by_grant(&grant)).await;
    assert!(is_refused(&told), "{told:?}");
    assert_eq!(story.world.last("protection.change").await["outcome"], "refused");
}

#[tokio::test]
async fn p3b_no_other_grant_is_a_factor() {
    let story = Story::begun().await;
    let mut grants = Vec::new();
    for (purpose, operation) in [
        (ChallengePurpose::Identity, BIND),
        (ChallengePurpose::Operation, SETTINGS),
        (ChallengePurpose::Identity, "accounts/modifying-user-mobile-number"),
    ] {
        grants.push(story.grant(purpose, operation).await);
        story.world.clock.pass(STEP_MS);
    }
    grants.push("a.b.c".into());
    for grant in &grants {
        let told = story.weaken(&alice(), by_grant(grant)).await;
        assert!(is_refused(&told), "{told:?}");
    }
    let own = story.grant(ChallengePurpose::Identity, SETTINGS).await;
    story.world.bind(&story.caller, &bob()).await;
    let told = story.weaken(&bob(), by_grant(&own)).await;
    assert!(is_refused(&told), "another user's: {told:?}");
    story.world.clock.pass(5 * UnixMs::MINUTE);
    let told = story.weaken(&alice(), by_grant(&own)).await;
    assert!(is_refused(&told), "it lives for five minutes: {told:?}");
}

#[tokio::test]
async fn p3b_of_many_changes_by_one_grant_one_is_done() {
    let story = Story::of(Settings {
        devices_max: 8,
        ..Settings::default()
    })
    .await;
    let grant = story.grant(ChallengePurpose::Identity, BIND).await;
    let wanted = || NewEnrollment {
        identity_proof: ProofOfIdentity::Grant(text(&grant)),
        ..story.world.wanted(&alice(), app(), None)
    };
    let one = || async {
        let begun = story.world.service.start_enrollment(&story.caller, &wanted()).await;
        begun.map(drop)
    };
    let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
    let told = [a, b, c, d];
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1);
    assert_eq!(told.iter().filter(|told| is_refused(told)).count(), 3);
}

/// B1: a grant proves the identity by itself; as U5's factor of a further device it counts too, for a device gave it.
#[tokio::test]
async fn b1_u5_an_identity_grant_proves_who_binds_a_further_device() {
    let story = Story::of(Settings {
        devices_max: 2,
        ..Settings::default()
    })
    .await;
    let other = story.grant(ChallengePurpose::Identity, SETTINGS).await;
    story.world.clock.pass(STEP_MS);
    let grant = story.grant(ChallengePurpose::Identity, BIND).await;
    let wanted = |grant: &str| NewEnrollment {
        identity_proof: ProofOfIdentity::Grant(text(grant)),
        ..story.world.wanted(&alice(), app(), None)
    };
    let told = story
        .world
        .service
        .start_enrollment(&story.caller, &wanted(&other))
        .await;
    assert!(is_refused(&told));
    let twice = NewEnrollment {
        factor: Some(Replacement {
            replaces: None,
            factor: Factor::Grant(text(&grant)),
        }),
        ..wanted(&grant)
    };
    let told = story.world.service.start_enrollment(&story.caller, &twice).await;
    assert!(is_refused(&told.map(drop)), "one grant is not two proofs");
    let begun = story
        .world
        .service
        .start_enrollment(&story.caller, &wanted(&grant))
        .await;
    begun.expect("it begins");
    let event = story.world.last("enrollment.start").await;
    assert_eq!(event["detail"]["identity_proof"]["method"], "totp");
    let again = story
        .world
        .service
        .start_enrollment(&story.caller, &wanted(&grant))
        .await;
    assert!(is_refused(&again));
}

/// A person who was erased and came back is another one to every grant of before.
#[tokio::test]
async fn p3b_a_grant_dies_with_the_row_that_it_stands_on() {
    let story = Story::begun().await;
    let grant = story.grant(ChallengePurpose::Identity, BIND).await;
    let service = &story.world.service;
    service.close_user(&story.caller, &alice()).await.expect("closed");
    service.erase_user(&story.caller, &alice()).await.expect("erased");
    story.world.clock.pass(STEP_MS);
    let wanted = NewEnrollment {
        identity_proof: ProofOfIdentity::Grant(text(&grant)),
        ..story.world.wanted(&alice(), app(), None)
    };
    let told = service.start_enrollment(&story.caller, &wanted).await;
    assert!(is_refused(&told));
    story.world.bind(&story.caller, &alice()).await;
    let told = story.weaken(&alice(), by_grant(&grant)).await;
    assert!(is_refused(&told), "{told:?}");
}

/// A device that ends takes along what its codes gave: whoever had it opens nothing of the device that is left.
#[tokio::test]
async fn p3b_b8_a_grant_ends_with_a_device_that_may_have_given_it() {
    for is_replaced in [true, false] {
        let story = Story::of(Settings {
            devices_max: 2,
            ..Settings::default()
        })
        .await;
        let (world, caller) = (&story.world, &story.caller);
        let first = world.store.bound(alice()).await.expect("a read")[0].device.id;
        let fresh = || by_code(&story.phone.shows(world.now()));
        if !is_replaced {
            let further = Replacement {
                replaces: None,
                factor: fresh(),
            };
            world.bind_as(caller, &alice(), Some(further), false).await;
        }
        let grant = story.grant(ChallengePurpose::Identity, SETTINGS).await;
        world.clock.pass(STEP_MS);
        if is_replaced {
            let replacement = Replacement {
                replaces: Some(first),
                factor: fresh(),
            };
            world.bind_as(caller, &alice(), Some(replacement), false).await;
        } else {
            let ended = world.service.unbind(caller, &alice(), first, &fresh()).await;
            ended.expect("it ends");
        }
        assert!(!story.is_active(&grant).await, "{is_replaced}");
        let told = story.weaken(&alice(), by_grant(&grant)).await;
        assert!(is_refused(&told), "{is_replaced}: {told:?}");
    }
}

/// The same of a token that is lost, and of the browsers that were trusted by it.
#[tokio::test]
async fn p2_p3b_grants_and_trust_end_with_a_token_that_is_lost() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (_, phone) = world.bind_token(&caller, &alice(), "CS-1").await;
    let story = Story { world, caller, phone };
    let grant = story.grant(ChallengePurpose::Identity, SETTINGS).await;
    let (world, caller) = (&story.world, &story.caller);
    world.clock.pass(STEP_MS);
    let login = NewChallenge {
        purpose: ChallengePurpose::Login,
        first_factor: Some("password".into()),
        operation: None,
        ..identity(&alice())
    };
    let asked = world
        .service
        .create_challenge(caller, &login)
        .await
        .expect("a challenge");
    let answer = ChallengeAnswer {
        method: "totp".into(),
        code: text(&story.phone.shows(world.now())),
        trust_device: true,
    };
    let told = world.service.answer_challenge(caller, &asked.id, answer).await;
    let trusted_device = told.expect("a verdict").trusted_device;
    assert!(trusted_device.is_some());
    let lost = world.service.move_token(caller, "CS-1", &TokenTransition::Lose).await;
    lost.expect("it is lost");
    let told = story.weaken(&alice(), by_grant(&grant)).await;
    assert!(is_refused(&told), "{told:?}");
    let again = NewChallenge {
        trusted_device,
        ..login
    };
    let asked = world
        .service
        .create_challenge(caller, &again)
        .await
        .expect("a challenge");
    assert_eq!(asked.decision, Decision::Challenge);
}
