//! Suspicious logins (P5): from outside the user's usual cities, or reported as risky.

mod support;

use serde_json::json;
use service::{
    Caller, Challenge, ChallengeAnswer, ChallengePurpose, Client, Decision, Ground, Location, NewChallenge,
    ProtectionChange, ProtectionMethod, UnixMs,
};
use support::{STEP_MS, World, alice, by_code, phone::Phone, text};

const DAY: i64 = UnixMs::DAY;
const NONE: ProtectionMethod = ProtectionMethod::None;
const MFA: ProtectionMethod = ProtectionMethod::Mfa;
const SHENZHEN: &str = "203.0.113.1";
const BERLIN: &str = "203.0.113.2";
const OFFICE: &str = "10.0.0.1";
const NOWHERE: &str = "10.0.0.2";

fn login(address: &str) -> NewChallenge {
    NewChallenge {
        owner: alice(),
        purpose: ChallengePurpose::Login,
        audience: None,
        operation: None,
        resource: None,
        session_id: None,
        first_factor: Some("password".into()),
        client: Some(Client {
            ip: Some(address.into()),
            user_agent: None,
        }),
        is_risky: false,
        trusted_device: None,
    }
}

/// Alice has a device, and suspicious-login protection alone.
struct Bound {
    world: World,
    caller: Caller,
    phone: Phone,
}

impl Bound {
    async fn new() -> Self {
        let world = World::new().await;
        world.atlas.put(SHENZHEN, Location::City("CN/GD/Shenzhen".into()));
        world.atlas.put(BERLIN, Location::City("DE/BE/Berlin".into()));
        world.atlas.put(OFFICE, Location::UsualNetwork);
        let caller = world.all().await;
        let (_, phone) = world.bind(&caller, &alice()).await;
        let bound = Self { world, caller, phone };
        bound.set(NONE, MFA).await;
        bound
    }

    async fn set(&self, login_protection: ProtectionMethod, suspicious_login_protection: ProtectionMethod) {
        let service = &self.world.service;
        let view = service.protection(&self.caller, &alice()).await.expect("a view");
        let change = ProtectionChange {
            login_protection,
            operation_protection: NONE,
            suspicious_login_protection,
            allow_trusted_devices: true,
            session_idle_minutes: 120,
            session_total_hours: 48,
            factor: Some(by_code(&self.phone.shows(self.world.now()))),
        };
        let version = view.settings.version;
        let set = service.set_protection(&self.caller, &alice(), version, &change).await;
        set.expect("it is set");
        self.world.clock.pass(STEP_MS);
    }

    async fn ask(&self, wanted: &NewChallenge) -> Challenge {
        let told = self.world.service.create_challenge(&self.caller, wanted).await;
        told.expect("a decision")
    }

    async fn ground(&self, address: &str) -> Ground {
        self.ask(&login(address)).await.ground
    }

    /// Answers a challenge by the phone; gives the token of a browser that is trusted.
    async fn answer(&self, challenge: &Challenge, trust_device: bool) -> Option<String> {
        let answer = ChallengeAnswer {
            method: "totp".into(),
            code: text(&self.phone.shows(self.world.now())),
            trust_device,
        };
        let told = self.world.service.answer_challenge(&self.caller, &challenge.id, answer);
        let told = told.await.expect("a verdict");
        assert_eq!(told.decision, Decision::Allow);
        self.world.clock.pass(STEP_MS);
        told.trusted_device
    }

    async fn log_in(&self, address: &str) {
        let challenge = self.ask(&login(address)).await;
        assert_eq!(challenge.decision, Decision::Challenge);
        self.answer(&challenge, false).await;
    }
}

#[tokio::test]
async fn p5_an_unusual_city_asks_where_login_protection_is_off() {
    let bound = Bound::new().await;
    assert_eq!(
        bound.ground(SHENZHEN).await,
        Ground::UnusualCity,
        "the first login ever"
    );
    let event = bound.world.last("login.suspicious").await;
    assert_eq!(
        (&event["outcome"], &event["cause"]),
        (&json!("challenge"), &json!("unusual_city"))
    );
    assert!(!event.to_string().contains("Shenzhen") && !event.to_string().contains(SHENZHEN));
    bound.log_in(SHENZHEN).await;
    assert_eq!(bound.ground(SHENZHEN).await, Ground::NotProtected, "it is usual now");
    assert_eq!(bound.ground(BERLIN).await, Ground::UnusualCity);
    let risky = NewChallenge {
        is_risky: true,
        ..login(SHENZHEN)
    };
    assert_eq!(bound.ask(&risky).await.ground, Ground::RiskReported);
}

#[tokio::test]
async fn p5_unknown_and_private_addresses_are_unusual_unless_listed() {
    let bound = Bound::new().await;
    assert_eq!(bound.ground(OFFICE).await, Ground::NotProtected);
    for _ in 0..2 {
        bound.log_in(NOWHERE).await;
        assert_eq!(bound.ground(NOWHERE).await, Ground::UnusualCity, "nowhere is no city");
    }
    for client in [None, Some(Client::default())] {
        let wanted = NewChallenge {
            client,
            ..login(NOWHERE)
        };
        assert_eq!(bound.ask(&wanted).await.ground, Ground::UnusualCity);
    }
}

#[tokio::test]
async fn p5_a_city_becomes_usual_by_a_fresh_factor_alone() {
    let bound = Bound::new().await;
    bound.log_in(SHENZHEN).await;
    bound.set(MFA, MFA).await;
    let challenge = bound.ask(&login(SHENZHEN)).await;
    let token = bound.answer(&challenge, true).await.expect("a token");
    let from = |address: &str| NewChallenge {
        trusted_device: Some(token.clone()),
        ..login(address)
    };
    assert_eq!(bound.ask(&from(SHENZHEN)).await.ground, Ground::TrustedDevice);
    for _ in 0..2 {
        let told = bound.ask(&from(BERLIN)).await;
        assert_eq!(
            (told.decision, told.ground, told.trusted_device),
            (Decision::Challenge, Ground::UnusualCity, None),
            "a trust covers no P5, and asking makes nothing usual"
        );
    }
    // An operation is no login.
    let operation = NewChallenge {
        purpose: ChallengePurpose::Identity,
        operation: Some("accounts/unbinding-mfa-token".into()),
        ..login(BERLIN)
    };
    let challenge = bound.ask(&operation).await;
    bound.answer(&challenge, false).await;
    assert_eq!(bound.ask(&from(BERLIN)).await.ground, Ground::UnusualCity);
    bound.log_in(BERLIN).await;
    assert_eq!(bound.ask(&from(BERLIN)).await.ground, Ground::TrustedDevice);
}

#[tokio::test]
async fn p5_usual_cities_are_bounded_and_forgotten_after_90_days() {
    let bound = Bound::new().await;
    bound.log_in(SHENZHEN).await;
    for number in 0..10 {
        let address = format!("198.51.100.{number}");
        bound.world.atlas.put(&address, Location::City(format!("XX/{number}")));
        bound.world.clock.pass(UnixMs::HOUR);
        bound.log_in(&address).await;
    }
    assert_eq!(
        bound.ground(SHENZHEN).await,
        Ground::UnusualCity,
        "the eleventh made room"
    );
    assert_eq!(bound.ground("198.51.100.0").await, Ground::NotProtected);
    bound.world.clock.pass(90 * DAY);
    assert_eq!(bound.ground("198.51.100.9").await, Ground::UnusualCity);
    let service = &bound.world.service;
    service.run_housekeeping(&Caller::system()).await.expect("it is kept");
    assert!(
        bound
            .world
            .store
            .usual_cities(&alice())
            .await
            .expect("a read")
            .is_none()
    );
}

#[tokio::test]
async fn p5_a_city_that_is_seen_stays_usual_and_is_erased_with_its_user() {
    let bound = Bound::new().await;
    bound.log_in(SHENZHEN).await;
    for _ in 0..3 {
        bound.world.clock.pass(60 * DAY);
        assert_eq!(bound.ground(SHENZHEN).await, Ground::NotProtected);
        let risky = NewChallenge {
            is_risky: true,
            ..login(SHENZHEN)
        };
        let challenge = bound.ask(&risky).await;
        bound.answer(&challenge, false).await;
    }
    let service = &bound.world.service;
    service
        .erase_user(&bound.caller, &alice())
        .await
        .expect("they are erased");
    assert!(
        bound
            .world
            .store
            .usual_cities(&alice())
            .await
            .expect("a read")
            .is_none()
    );
}

#[tokio::test]
async fn p5_without_a_database_the_protection_says_that_it_is_off() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    let bound = Bound { world, caller, phone };
    bound.set(NONE, MFA).await;
    let service = &bound.world.service;
    let view = service.protection(&bound.caller, &alice()).await.expect("a view");
    assert_eq!(
        view.settings.suspicious_login_protection.method, MFA,
        "what was chosen stays"
    );
    assert_eq!(view.suspicious_login_protection.method, NONE);
    assert_eq!(bound.ground(BERLIN).await, Ground::NotProtected);
    bound.world.atlas.put(SHENZHEN, Location::City("CN/GD/Shenzhen".into()));
    let view = service.protection(&bound.caller, &alice()).await.expect("a view");
    assert_eq!(view.suspicious_login_protection.method, MFA);
    assert_eq!(bound.ground(BERLIN).await, Ground::UnusualCity);
}

/// Whoever has the password asks as often as they like, and the trail does not grow with it.
#[tokio::test]
async fn p5_what_the_trail_says_of_suspicious_logins_is_bounded() {
    let bound = Bound::new().await;
    for _ in 0..50 {
        assert_eq!(bound.ground(BERLIN).await, Ground::UnusualCity);
    }
    let told = bound.world.told("login.suspicious").await.len();
    assert!((1..=10).contains(&told), "{told}");
}

/// P8: whoever is refused so often that it has no record any more, which takes no password, leaves the warning its own.
#[tokio::test]
async fn p5_p8_no_refusals_of_before_leave_a_suspicious_login_without_its_record() {
    let bound = Bound::new().await;
    let forgot = NewChallenge {
        purpose: ChallengePurpose::Identity,
        operation: Some("console/set-a-new-password".into()),
        first_factor: None,
        ..login(OFFICE)
    };
    let wrong = bound.phone.wrong_code(bound.world.now());
    for _ in 0..20 {
        let challenge = bound.ask(&forgot).await;
        let answer = ChallengeAnswer {
            method: "totp".into(),
            code: text(&wrong),
            trust_device: false,
        };
        let told = bound
            .world
            .service
            .answer_challenge(&bound.caller, &challenge.id, answer);
        told.await.expect("it is judged");
    }
    assert_eq!(bound.ground(BERLIN).await, Ground::UnusualCity);
    assert_eq!(bound.world.told("login.suspicious").await.len(), 1);
}
