//! What the service does by itself or for its operator: housekeeping, the clock, the keyring's witnesses.

mod support;

use std::sync::Arc;

use service::{
    Answer, Caller, ClockStatus, Input, PortError, Ports, Sealed, Sealer, Secret, Service, ServiceError, Settings,
    UnixMs, end_witness, look_at_clock, prove_keyring, reseal,
};
use store::EnrollmentState;
use support::{STEP_MS, World, alice, app, bob, by_code, confirmation, faulty::Fault, id};

fn is_doubted<T>(told: &Result<T, ServiceError>) -> bool {
    matches!(told, Err(ServiceError::ClockUnreliable(_)))
}

#[tokio::test]
async fn b2_enrollments_that_nobody_completed_end_and_keep_no_secret() {
    let world = World::new().await;
    let caller = world.all().await;
    let house = Caller::system();
    assert_eq!(world.service.run_housekeeping(&house).await, Ok(0));
    let mut offers = Vec::new();
    for user in 0..102 {
        let owner = service::Owner::new("acme", user.to_string());
        let (offer, _) = world.start(&caller, &owner).await;
        offers.push((owner, offer.id));
    }
    world.clock.pass(10 * UnixMs::MINUTE);
    let (alive, phone) = world.start(&caller, &alice()).await;
    world.clock.pass(1);
    assert_eq!(
        world.service.run_housekeeping(&house).await,
        Ok(102),
        "in batches of a hundred"
    );
    for (owner, id) in offers {
        let enrollment = world
            .store
            .enrollment(owner, id)
            .await
            .expect("a read")
            .expect("its record");
        assert!(enrollment.state == EnrollmentState::Abandoned);
    }
    assert_eq!(world.told("enrollment.expire").await.len(), 102);
    assert_eq!(world.service.run_housekeeping(&house).await, Ok(0), "once");
    let wanted = confirmation(&[&phone.shows(world.now())]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), alive.id, &wanted)
        .await;
    told.expect("this one lives");
}

#[tokio::test]
async fn an_enrollment_that_somebody_was_faster_with_is_counted_once() {
    let world = World::new().await;
    let caller = world.all().await;
    world.start(&caller, &alice()).await;
    world.clock.pass(11 * UnixMs::MINUTE);
    world.engine.becomes(Fault::MissedOnce);
    let ended = world.service.run_housekeeping(&Caller::system()).await;
    assert_eq!(ended, Ok(1));
    assert_eq!(world.told("enrollment.expire").await.len(), 1);
}

#[tokio::test]
async fn where_nothing_happens_the_trail_says_so_twice_a_day() {
    let world = World::new().await;
    world.all().await;
    for (hours, marks) in [(11, 0), (1, 1), (11, 1), (1, 2)] {
        world.clock.pass(hours * UnixMs::HOUR);
        world
            .service
            .run_housekeeping(&Caller::system())
            .await
            .expect("it runs");
        assert_eq!(world.told("clock.mark").await.len(), marks);
    }
}

#[tokio::test]
async fn while_the_clock_is_behind_its_own_records_nothing_is_decided() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (offer, _) = world.start(&caller, &bob()).await;
    let service = &world.service;
    let rows = world.rows().await.len();
    world.clock.set(-UnixMs::HOUR);
    let code = phone.shows(world.now());
    let (typed, factor) = (support::text(&code), by_code(&code));
    let (bob, alice) = (&bob(), &alice());
    let wanted = world.wanted(bob, app(), None);
    let confirmed = confirmation(&[&code]);
    let lose = service::TokenTransition::Lose;
    let lot = service::NewLot::default();
    for (what, is_doubted) in [
        ("verify", is_doubted(&world.verify(&caller, alice, &code).await)),
        ("ready", is_doubted(&service.ready().await)),
        ("start", is_doubted(&service.start_enrollment(&caller, &wanted).await)),
        (
            "confirm",
            is_doubted(&service.confirm_enrollment(&caller, bob, offer.id, &confirmed).await),
        ),
        ("png", is_doubted(&service.enrollment_png(&caller, bob, offer.id).await)),
        (
            "abandon",
            is_doubted(&service.abandon_enrollment(&caller, bob, offer.id).await),
        ),
        (
            "unbind",
            is_doubted(&service.unbind(&caller, alice, device, &factor).await),
        ),
        (
            "resync",
            is_doubted(&service.resync(&caller, alice, device, [&typed, &typed], None).await),
        ),
        (
            "unlock",
            is_doubted(&service.unlock(&caller, alice, device, None).await),
        ),
        (
            "renew",
            is_doubted(&service.renew_recovery_codes(&caller, alice, &factor).await),
        ),
        ("close", is_doubted(&service.close_user(&caller, alice).await)),
        ("erase", is_doubted(&service.erase_user(&caller, alice).await)),
        ("user", is_doubted(&service.user(&caller, alice).await)),
        ("device", is_doubted(&service.device(&caller, alice, device).await)),
        ("lot", is_doubted(&service.create_lot(&caller, "two", &lot).await)),
        ("change", is_doubted(&service.change_lot(&caller, "one", &lot).await)),
        (
            "import",
            is_doubted(&world.import(&caller, "one", &support::seeds(&["CS-2"])).await),
        ),
        ("move", is_doubted(&service.move_token(&caller, "CS-1", &lose).await)),
        ("find", is_doubted(&service.find_unbound(&caller, &typed).await)),
        (
            "find bound",
            is_doubted(&service.find_bound(&caller, [&typed, &typed]).await),
        ),
        ("approve", is_doubted(&service.approve_export(&caller, id(9)).await)),
        (
            "housekeeping",
            is_doubted(&service.run_housekeeping(&Caller::system()).await),
        ),
    ] {
        assert!(is_doubted, "{what}");
    }
    assert_eq!(world.rows().await.len(), rows, "nothing was written");
    service
        .trail(&caller, None, 9)
        .await
        .expect("what is only read is read");
    service
        .tokens(&caller, service::TokenFilter::default(), None, 9)
        .await
        .expect("a page");
    world.clock.pass(UnixMs::HOUR);
    service.ready().await.expect("it has caught up");
    let told = world.verify(&caller, alice, &phone.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
}

#[tokio::test]
async fn a_clock_set_forward_by_days_is_believed_on_an_operators_word() {
    let world = World::new().await;
    let caller = world.all().await;
    world.clock.set(3 * UnixMs::DAY);
    assert!(is_doubted(&world.service.ready().await));
    world.clock.pass(UnixMs::HOUR);
    assert!(is_doubted(&world.service.ready().await), "it does not end by waiting");
    let told = world.service.accept_clock(&caller).await;
    assert!(matches!(told, Err(ServiceError::Forbidden(_))), "no key may");
    world.service.accept_clock(&Caller::shell()).await.expect("a word");
    world.service.ready().await.expect("it is believed");
    let event = world.last("clock.accept").await;
    let gap_ms = 3 * UnixMs::DAY + UnixMs::HOUR;
    assert_eq!(
        (&event["detail"]["doubted"], &event["detail"]["gap_ms"]),
        (&"jumped".into(), &gap_ms.into())
    );
}

#[tokio::test]
async fn a_start_long_after_the_newest_record_takes_a_word_of_the_kernel_or_the_operator() {
    let settings = Settings::default;
    let world = World::new().await;
    world.all().await;
    world.clock.set(3 * UnixMs::DAY);
    let (status, ahead) = look(&world).await;
    assert_eq!((status.gap_ms(), ahead.len()), (3 * UnixMs::DAY, 0));
    assert_eq!(status.gap(), "3 d past the newest record");
    assert!(
        status
            .trouble
            .is_some_and(|trouble| trouble.contains("3 d past the newest record"))
    );
    let doubting = Service::start(world.another(), settings()).await.expect("it starts");
    assert!(is_doubted(&doubting.ready().await));
    doubting.close().await;

    world.clock.is_synchronised(true);
    let (status, _) = look(&world).await;
    assert_eq!((status.trouble, status.synchronised), (None, true));
    let believing = Service::start(world.another(), settings()).await.expect("it starts");
    believing.ready().await.expect("the kernel says so");
    assert_eq!(world.last("clock.believe").await["cause"], "synchronised");
    believing.close().await;

    world.clock.set(3 * UnixMs::DAY);
    let told = Service::start(world.another(), settings()).await.expect("it starts");
    assert!(is_doubted(&told.ready().await));
    told.accept_clock(&Caller::shell()).await.expect("a word");
    told.ready().await.expect("the operator says so");
    told.close().await;
    // Whoever starts now finds a record of now.
    let next = Service::start(world.another(), settings()).await.expect("it starts");
    next.ready().await.expect("the newest record is of now");
    next.close().await;
}

async fn look(world: &World) -> (ClockStatus, Vec<service::DeviceAhead>) {
    let settings = Settings::default();
    let looked = look_at_clock(&*world.store, world.clock.clone(), &settings).await;
    looked.expect("a look")
}

#[tokio::test]
async fn a_device_that_was_used_while_the_clock_was_ahead_is_named_and_waits() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    world.bind(&caller, &bob()).await;
    let operator = Caller::shell();
    world.clock.set(2 * UnixMs::HOUR);
    world.service.accept_clock(&operator).await.expect("a wrong word");
    let used_at = world.now();
    let told = world.verify(&caller, &alice(), &phone.shows(used_at)).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
    world.clock.set(-2 * UnixMs::HOUR);
    world.service.accept_clock(&operator).await.expect("a right word");
    assert_eq!(world.last("clock.accept").await["detail"]["doubted"], "behind");

    let (_, ahead) = look(&world).await;
    assert_eq!(ahead.len(), 1);
    assert_eq!(
        (&ahead[0].owner, ahead[0].id, ahead[0].refused_until),
        (&alice(), device, used_at)
    );
    let view = world.service.device(&caller, &alice(), device).await.expect("a view");
    assert_eq!(view.refused_until, Some(used_at));
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert_eq!(told, Ok(Answer::Refused));
    world.clock.pass(2 * UnixMs::HOUR - 1);
    let told = world.verify(&caller, &alice(), &phone.later(world.now(), 1)).await;
    assert_eq!(told, Ok(Answer::Refused), "a moment before");
    world.clock.pass(1);
    let told = world.verify(&caller, &alice(), &phone.later(world.now(), 1)).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
}

/// The keyring, with another key that seals from now on, or without one that it had.
struct Turned {
    keyring: Arc<dyn Sealer>,
    current: u32,
    lacks: Option<u32>,
}

impl Turned {
    /// Under the key that the keyring has, by another number.
    fn renumbered(sealed: Sealed, key_id: u32) -> Sealed {
        Sealed { key_id, ..sealed }
    }

    fn has(&self, key: u32) -> Result<(), PortError> {
        match self.lacks == Some(key) {
            true => Err(PortError::NoSuchKey(key)),
            false => Ok(()),
        }
    }
}

impl Sealer for Turned {
    fn seal(&self, bound_to: &[u8], secret: &Secret) -> Result<Sealed, PortError> {
        Ok(Self::renumbered(self.keyring.seal(bound_to, secret)?, self.current))
    }

    fn open(&self, bound_to: &[u8], sealed: &Sealed) -> Result<Secret, PortError> {
        self.has(sealed.key_id)?;
        self.keyring.open(bound_to, &Self::renumbered(sealed.clone(), 1))
    }

    fn reseal(&self, sealed: &Sealed) -> Result<Sealed, PortError> {
        self.has(sealed.key_id)?;
        let anew = self.keyring.reseal(&Self::renumbered(sealed.clone(), 1))?;
        Ok(Self::renumbered(anew, self.current))
    }

    fn seal_under(&self, key: &Secret, nonce: [u8; 12], text: Vec<u8>) -> Result<Vec<u8>, PortError> {
        self.keyring.seal_under(key, nonce, text)
    }

    fn open_under(&self, key: &Secret, nonce: [u8; 12], sealed: Vec<u8>) -> Result<Vec<u8>, PortError> {
        self.keyring.open_under(key, nonce, sealed)
    }

    fn current_sealing_key(&self) -> u32 {
        self.current
    }

    fn mac(&self, mac_key: u32, purpose: &str, data: &[u8]) -> Result<[u8; 32], PortError> {
        self.keyring.mac(mac_key, purpose, data)
    }

    fn current_mac_key(&self) -> u32 {
        self.keyring.current_mac_key()
    }

    fn mac_keys(&self) -> Vec<u32> {
        self.keyring.mac_keys()
    }
}

fn turned(world: &World, current: u32, lacks: Option<u32>) -> Ports {
    Ports {
        sealer: Arc::new(Turned {
            keyring: world.ports.sealer.clone(),
            current,
            lacks,
        }),
        ..world.ports.clone()
    }
}

fn is_untrusted(told: &Result<(), ServiceError>, what: &str) -> bool {
    matches!(told, Err(ServiceError::Untrusted(why)) if why.contains(what))
}

#[tokio::test]
async fn a_keyring_is_proven_by_the_witnesses_it_left() {
    let world = World::new().await;
    prove_keyring(&world.ports).await.expect("an empty database takes any");
    let witnesses = world.store.witnesses().await.expect("a read");
    assert_eq!(witnesses.iter().map(|witness| witness.key_id).collect::<Vec<_>>(), [1]);
    assert_eq!(world.store.mac_witnesses().await.expect("a read").len(), 1);
    assert_eq!(world.last("keyring.witness").await["detail"]["key"], 1);
    let rows = world.rows().await.len();
    prove_keyring(&world.ports).await.expect("once more");
    assert_eq!(world.rows().await.len(), rows, "nothing to put down");

    let stranger = World::new().await;
    let foreign = Ports {
        sealer: stranger.ports.sealer.clone(),
        ..world.ports.clone()
    };
    let told = prove_keyring(&foreign).await;
    assert!(is_untrusted(&told, "another database's"), "{told:?}");
    let told = prove_keyring(&turned(&world, 2, Some(1))).await;
    assert!(is_untrusted(&told, "lacks key 1"), "{told:?}");
    stranger.all().await;
    let told = prove_keyring(&stranger.ports).await;
    assert!(is_untrusted(&told, "no witness"), "records and no witness: {told:?}");
}

#[tokio::test]
async fn a_sealing_key_is_retired_once_nothing_is_sealed_under_it() {
    let world = World::new().await;
    prove_keyring(&world.ports).await.expect("witnesses");
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    let is_key_refused = |told: Result<(), ServiceError>| support::is_invalid(&told, Input::SealingKey);
    assert!(
        is_key_refused(reseal(&world.ports, 1, 0, 9).await.map(drop)),
        "new secrets are sealed under it"
    );
    assert!(is_key_refused(end_witness(&world.ports, 1).await));

    let ports = turned(&world, 2, None);
    prove_keyring(&ports).await.expect("a witness of the new key");
    assert!(
        is_key_refused(end_witness(&ports, 1).await),
        "secrets are sealed under it"
    );
    let told = end_witness(&ports, 7).await;
    assert_eq!(told, Err(ServiceError::NotFound("witness of this key")));
    let (mut after, mut pages) = (0, 0);
    while let Some(last) = reseal(&ports, 1, after, 1).await.expect("a page") {
        (after, pages) = (last, pages + 1);
    }
    assert_eq!(
        pages, 3,
        "the witness, which stays, a device, and the key of a user's names"
    );
    assert_eq!(world.last("keyring.reseal").await["detail"]["to"], 2);
    assert_eq!(world.store.sealed_under(1, 0, 9).await.expect("a read").len(), 1);
    end_witness(&ports, 1).await.expect("it is retired");
    assert_eq!(world.last("keyring.end_witness").await["detail"]["key"], 1);
    let without = turned(&world, 2, Some(1));
    prove_keyring(&without)
        .await
        .expect("a keyring without it is this database's, too");

    let next = Service::start(without, Settings::default()).await.expect("it starts");
    let told = next
        .verify(&caller, vec![support::question(&alice(), &phone.shows(world.now()))])
        .await;
    assert!(matches!(told[..], [Ok(Answer::Accepted(_))]), "{told:?}");
    next.close().await;
    world.clock.pass(STEP_MS);
}
