//! The inventory: lots, imports, the life of a token, exports by four eyes, and whose token shows a code.

mod support;

use pskc::{Moving, Unlock};
use service::{
    Answer, Caller, Encoding, Export, ExportState, ExportedTokens, Id, Input, NewExport, NewImport, NewLot,
    OPEN_TO_MAX, OpenTo, OpenedBy, Owner, Receipt, Role, Seed, SeedFile, SeedOptions, ServiceError, TokenFilter,
    TokenTransition, UnixMs,
};
use store::TokenStatus;
use support::{
    STEP_MS, World, actor_of, alice, bob, by_code, id, into, is_invalid, phone::Phone, seed, seed_file, seeds, text,
};
use zeroize::Zeroizing;

fn open_to(open_to: OpenTo) -> NewLot {
    NewLot {
        open_to: Some(open_to),
        note: None,
    }
}

async fn import(world: &World, caller: &Caller, seeds: &[Seed]) -> Receipt {
    let receipt = world
        .service
        .import(caller, seeds, Receipt::default(), &into("one"))
        .await;
    receipt.expect("a receipt")
}

async fn status(world: &World, caller: &Caller, serial_number: &str) -> TokenStatus {
    world.service.token(caller, serial_number).await.expect("a view").status
}

async fn moved(world: &World, caller: &Caller, serial_number: &str, to: &TokenTransition) {
    let done = world.service.move_token(caller, serial_number, to).await;
    done.unwrap_or_else(|error| panic!("{serial_number} {to:?}: {error}"));
}

#[tokio::test]
async fn a_lot_is_made_opened_and_closed() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    let wanted = NewLot {
        open_to: None,
        note: Some("for March".into()),
    };
    let made = service.create_lot(&caller, "one", &wanted).await.expect("a batch");
    assert_eq!((&made.open_to, made.version), (&OpenTo::Nobody, 1));
    assert_eq!(
        service.create_lot(&caller, "one", &wanted).await,
        Ok(made.clone()),
        "the same again"
    );
    let other = open_to(OpenTo::Everybody);
    let told = service.create_lot(&caller, "one", &other).await;
    assert!(is_invalid(&told, Input::LotName), "{told:?}");

    let beta = open_to(OpenTo::Users(vec![alice(), bob()]));
    let changed = service.change_lot(&caller, "one", &beta).await.expect("it is opened");
    assert_eq!(
        (changed.version, changed.note.as_deref()),
        (2, Some("for March")),
        "the note stays"
    );
    let event = world.last("batch.change").await;
    assert_eq!(
        event["detail"]["open_to"],
        serde_json::json!({"users": 2}),
        "no names in the clear"
    );
    assert_eq!(
        world.told("batch.open_to").await.len(),
        2,
        "each in an event of their own"
    );
    let accounts = open_to(OpenTo::Accounts(vec!["cafe\u{301}".into()]));
    let changed = service
        .change_lot(&caller, "one", &accounts)
        .await
        .expect("it is opened");
    assert_eq!(changed.open_to, OpenTo::Accounts(vec!["caf\u{e9}".into()]), "A3b");
    assert_eq!(service.lot(&caller, "one").await, Ok(changed));

    service.create_lot(&caller, "two", &other).await.expect("a batch");
    let names = async |after: Option<&str>, limit| {
        let found = service
            .lots(&caller, after.map(str::to_owned), limit)
            .await
            .expect("a page");
        found.into_iter().map(|lot| lot.name).collect::<Vec<_>>()
    };
    assert_eq!(names(None, 9).await, ["one", "two"]);
    assert_eq!(names(None, 1).await, ["one"]);
    assert_eq!(names(Some("one"), 9).await, ["two"]);
}

#[tokio::test]
async fn every_refusal_of_a_lot() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    let none = Err(ServiceError::NotFound("batch"));
    assert_eq!(service.lot(&caller, "none").await, none);
    assert_eq!(service.change_lot(&caller, "none", &NewLot::default()).await, none);
    service
        .create_lot(&caller, "one", &NewLot::default())
        .await
        .expect("a batch");
    let many = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
    let users = |count| {
        many(count)
            .iter()
            .map(|user| Owner::new("acme", user.as_str()))
            .collect()
    };
    for too_many in [
        OpenTo::Accounts(many(OPEN_TO_MAX + 1)),
        OpenTo::Users(users(OPEN_TO_MAX + 1)),
    ] {
        let told = service.create_lot(&caller, "two", &open_to(too_many.clone())).await;
        assert!(is_invalid(&told, Input::OpenTo), "{told:?}");
        let told = service.change_lot(&caller, "one", &open_to(too_many)).await;
        assert!(is_invalid(&told, Input::OpenTo), "{told:?}");
    }
    let most = open_to(OpenTo::Users(users(OPEN_TO_MAX)));
    service
        .change_lot(&caller, "one", &most)
        .await
        .expect("so many are named");
}

#[tokio::test]
async fn a_file_comes_in_whole_and_is_judged_first_where_that_is_asked() {
    let world = World::new().await;
    let caller = world.all().await;
    let file = seeds(&["CS-1", "CS-2", "CS-3"]);
    let dry = NewImport {
        dry_run: true,
        ..into("one")
    };
    let rows = world.rows().await.len();
    let receipt = world
        .service
        .import_file(&caller, seed_file(&file), &dry)
        .await
        .expect("a receipt");
    assert_eq!((receipt.count, receipt.imported, receipt.refusals.len()), (3, 0, 0));
    assert_eq!(world.rows().await.len(), rows, "nothing is written");
    let receipt = world.import(&caller, "one", &file).await.expect("a receipt");
    assert_eq!(
        (receipt.count, receipt.imported, receipt.format),
        (3, 3, Some("serial,seed"))
    );
    let event = world.last("token.import").await;
    assert_eq!((&event["outcome"], &event["count"]), (&"done".into(), &3.into()));
    assert_eq!(
        (&event["detail"]["first"], &event["detail"]["last"]),
        (&"CS-1".into(), &"CS-3".into())
    );
    let lot = world.service.lot(&caller, "one").await.expect("it was made");
    assert_eq!(lot.open_to, OpenTo::Nobody);

    let serial_numbers = async |filter: TokenFilter, after: Option<&str>, limit| {
        let found = world
            .service
            .tokens(&caller, filter, after.map(str::to_owned), limit)
            .await
            .expect("a page");
        found.into_iter().map(|token| token.serial_number).collect::<Vec<_>>()
    };
    assert_eq!(serial_numbers(TokenFilter::default(), None, 2).await, ["CS-1", "CS-2"]);
    assert_eq!(serial_numbers(TokenFilter::default(), Some("CS-2"), 9).await, ["CS-3"]);
    moved(&world, &caller, "CS-2", &TokenTransition::Retire).await;
    let retired = TokenFilter {
        lot: Some("one".into()),
        status: Some(TokenStatus::Retired),
    };
    assert_eq!(serial_numbers(retired, None, 9).await, ["CS-2"]);
    assert_eq!(
        world.service.token(&caller, "CS-9").await,
        Err(ServiceError::NotFound("token"))
    );
}

#[tokio::test]
async fn an_import_takes_all_or_nothing() {
    let world = World::new().await;
    let caller = world.all().await;
    let endless = Seed {
        moving: Moving::Counter { counter: 1 << 53 },
        ..seed("ENDLESS", 2, 20)
    };
    let expired = Seed {
        expires_at_s: Some(world.now().get() / 1_000),
        ..seed("EXPIRED", 3, 20)
    };
    let label = Seed {
        label: Some("otpauth://totp/x?secret=AAAA".into()),
        ..seed("LABEL", 4, 20)
    };
    let model = Seed {
        model: Some("m".repeat(129)),
        ..seed("MODEL", 4, 20)
    };
    let refusals = [
        (endless, "beyond 2^53"),
        (expired, "expired"),
        (label, "label"),
        (model, "model"),
        (seed("", 5, 20), "no serial number"),
        (seed(&"x".repeat(65), 5, 20), "64 bytes"),
        (seed(" x", 5, 20), "blank"),
        (seed("otpauth://totp/x?secret=AAAA", 5, 20), "URI"),
        (seed("SHORT", 6, 15), "120 bits"),
        (seed("SHORTER", 7, 9), "never comes in"),
    ];
    for (bad, why) in refusals {
        let serial_number = bad.serial_number.clone();
        let receipt = import(&world, &caller, &[seed("GOOD", 1, 20), bad]).await;
        assert_eq!((receipt.count, receipt.imported), (2, 0), "{serial_number}");
        assert_eq!(receipt.refusals.len(), 1, "{receipt:?}");
        assert!(receipt.refusals[0].why().contains(why), "{receipt:?}");
        assert_eq!(world.last("token.import").await["outcome"], "refused");
    }
    let told = world.service.token(&caller, "GOOD").await;
    assert_eq!(told, Err(ServiceError::NotFound("token")), "nothing came in");

    let short = NewImport {
        allow_short_secrets: true,
        ..into("one")
    };
    let receipt = world
        .service
        .import(&caller, &[seed("SHORT", 6, 15)], Receipt::default(), &short)
        .await;
    let receipt = receipt.expect("a receipt");
    assert_eq!(receipt.imported, 1);
    assert!(
        receipt.remarks[0].to_string().contains("fewer than 128 bits"),
        "{receipt:?}"
    );
    let receipt = world
        .service
        .import(&caller, &[seed("SHORTER", 7, 9)], Receipt::default(), &short)
        .await;
    assert_eq!(receipt.expect("a receipt").refusals.len(), 1, "never");
}

#[tokio::test]
async fn u4_a_serial_number_comes_in_again_only_after_its_return_and_no_secret_twice() {
    let world = World::new().await;
    let caller = world.all().await;
    let stock = ["IMPORTED", "ASSIGNED", "BOUND", "LOST", "RETURNED", "RETIRED"];
    world.stock(&caller, "one", &stock).await;
    moved(&world, &caller, "ASSIGNED", &TokenTransition::Assign(bob())).await;
    world.bind_token(&caller, &alice(), "BOUND").await;
    moved(&world, &caller, "LOST", &TokenTransition::Lose).await;
    moved(&world, &caller, "RETURNED", &TokenTransition::Return).await;
    moved(&world, &caller, "RETIRED", &TokenTransition::Retire).await;
    for serial_number in &stock[..3] {
        let receipt = import(&world, &caller, &[seed(serial_number, 1, 20)]).await;
        assert_eq!(receipt.duplicates, [*serial_number]);
    }
    let same_secret = [seed("NEW", 1, 20), seed("NEWER", 1, 20)];
    let old_secret = seeds(&["RETURNED"]);
    for (receipt, why) in [
        (import(&world, &caller, &[seed("LOST", 1, 20)]).await, "returned first"),
        (import(&world, &caller, &[seed("RETIRED", 1, 20)]).await, "retired"),
        (import(&world, &caller, &same_secret).await, "another token's"),
        (
            world.import(&caller, "one", &old_secret).await.expect("a receipt"),
            "an old one",
        ),
        (
            world
                .import(&caller, "one", &old_secret.replace("RETURNED", "OTHER"))
                .await
                .expect("a receipt"),
            "another token's",
        ),
    ] {
        assert_eq!((receipt.imported, receipt.refusals.len()), (0, 1), "{receipt:?}");
        assert!(receipt.refusals[0].why().contains(why), "{receipt:?}");
    }
    let receipt = import(&world, &caller, &[seed("RETURNED", 1, 20)]).await;
    assert_eq!(receipt.imported, 1);
    assert_eq!(status(&world, &caller, "RETURNED").await, TokenStatus::Imported);
    let wanted = world.wanted(&alice(), support::hardware("RETURNED"), None);
    let told = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .map(|offer| offer.id);
    assert_eq!(told, Err(ServiceError::DeviceLimit));
}

#[tokio::test]
async fn files_that_are_none() {
    let world = World::new().await;
    let caller = world.all().await;
    let long = format!("serial,seed\n{}", "\n".repeat(40_001));
    let file = |bytes: &[u8], opened_by, encoding| SeedFile {
        bytes: bytes.to_vec().into(),
        opened_by,
        options: SeedOptions {
            encoding,
            ..SeedOptions::default()
        },
    };
    let protect = pskc::Protect::Key { key: &KEY, name: None };
    let encrypted = pskc::write_encrypted(&[seed("CS-1", 1, 20)], &protect, |bytes| {
        bytes.fill(7);
        Ok::<_, ()>(())
    });
    let encrypted = encrypted.expect("PSKC");
    let by_key = |byte| OpenedBy::Key(Zeroizing::new(vec![byte; 32]));
    let by_password = OpenedBy::Password(text("secret"));
    let (nothing, hex) = (OpenedBy::Nothing, Some(Encoding::Hex));
    for (what, file) in [
        ("empty", file(b"", OpenedBy::Nothing, None)),
        ("no tokens", file(b"serial,seed\n", OpenedBy::Nothing, None)),
        ("nonsense", file(b"\x00\x01\x02", OpenedBy::Nothing, None)),
        ("no key container", file(b"<KeyContainer/>", OpenedBy::Nothing, None)),
        ("too long", file(long.as_bytes(), OpenedBy::Nothing, None)),
        (
            "another encoding",
            file(b"serial,seed\nCS-1,zz\n", OpenedBy::Nothing, hex),
        ),
        ("no key", file(&encrypted, nothing, None)),
        ("another key", file(&encrypted, by_key(8), None)),
        ("a password", file(&encrypted, by_password, None)),
    ] {
        let told = world.service.import_file(&caller, file, &into("one")).await;
        assert!(is_invalid(&told, Input::SeedFile), "{what}: {told:?}");
    }
    let told = world
        .service
        .import_file(&caller, file(&encrypted, by_key(7), None), &into("one"))
        .await;
    assert_eq!(told.expect("a receipt").imported, 1, "by its own key");
    let told = world
        .service
        .import(&caller, &[], Receipt::default(), &into("one"))
        .await;
    assert!(is_invalid(&told, Input::SeedFile), "{told:?}");
    let many: Vec<_> = (0..=service::IMPORT_MAX)
        .map(|number| seed(&number.to_string(), 1, 20))
        .collect();
    let told = world
        .service
        .import(&caller, &many, Receipt::default(), &into("one"))
        .await;
    assert!(is_invalid(&told, Input::SeedFile), "{told:?}");
}

#[tokio::test]
async fn a_life_goes_these_ways_and_no_other() {
    use TokenStatus::{Assigned, Bound, Imported, Lost, Retired, Returned};
    let ways: [(TokenStatus, [Option<TokenStatus>; 5]); 6] = [
        // From where: assign, unassign, lose, return, retire.
        (
            Imported,
            [Some(Assigned), None, Some(Lost), Some(Returned), Some(Retired)],
        ),
        (
            Assigned,
            [
                Some(Assigned),
                Some(Imported),
                Some(Lost),
                Some(Returned),
                Some(Retired),
            ],
        ),
        (Bound, [None, None, Some(Lost), None, None]),
        (Lost, [None, None, None, Some(Returned), Some(Retired)]),
        (Returned, [None, None, None, None, Some(Retired)]),
        (Retired, [None; 5]),
    ];
    let transitions = [
        TokenTransition::Assign(bob()),
        TokenTransition::Unassign,
        TokenTransition::Lose,
        TokenTransition::Return,
        TokenTransition::Retire,
    ];
    let actions = [
        "token.assign",
        "token.unassign",
        "token.lose",
        "token.return",
        "token.retire",
    ];
    for (from, to) in ways {
        for ((transition, to), action) in transitions.iter().zip(to).zip(actions) {
            let world = World::new().await;
            let caller = world.all().await;
            world.stock(&caller, "one", &["CS-1"]).await;
            match from {
                Imported => {}
                Assigned => moved(&world, &caller, "CS-1", &TokenTransition::Assign(alice())).await,
                Bound => drop(world.bind_token(&caller, &alice(), "CS-1").await),
                Lost => moved(&world, &caller, "CS-1", &TokenTransition::Lose).await,
                Returned => moved(&world, &caller, "CS-1", &TokenTransition::Return).await,
                Retired => moved(&world, &caller, "CS-1", &TokenTransition::Retire).await,
            }
            let before = world.told(action).await.len();
            let told = world.service.move_token(&caller, "CS-1", transition).await;
            match to {
                Some(to) => {
                    assert_eq!(told.map(|view| view.status), Ok(to), "{from:?} {transition:?}");
                    let event = world.last(action).await;
                    assert_eq!(event["detail"]["from"], from.name());
                }
                None => {
                    let refused = matches!(told, Err(ServiceError::TokenState { status, .. }) if status == from.name());
                    assert!(refused, "{from:?} {transition:?}: {told:?}");
                    assert_eq!(world.told(action).await.len(), before);
                }
            }
            assert_eq!(status(&world, &caller, "CS-1").await, to.unwrap_or(from));
        }
    }
}

#[tokio::test]
async fn what_is_lost_while_it_is_bound_waits_for_its_user() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (device, _) = world.bind_token(&caller, &alice(), "CS-1").await;
    moved(&world, &caller, "CS-1", &TokenTransition::Lose).await;
    assert_eq!(world.last("token.lose").await["device"], device.to_string());
    for transition in [TokenTransition::Return, TokenTransition::Retire, TokenTransition::Lose] {
        let told = world.service.move_token(&caller, "CS-1", &transition).await;
        assert!(
            matches!(told, Err(ServiceError::TokenState { status: "lost", .. })),
            "{told:?}"
        );
    }
    let told = world
        .service
        .move_token(&caller, "CS-9", &TokenTransition::Retire)
        .await;
    assert_eq!(told, Err(ServiceError::NotFound("token")));
    let support = world.caller(&[Role::Support], None).await;
    let told = world
        .service
        .move_token(&support, "CS-1", &TokenTransition::Retire)
        .await;
    assert!(
        matches!(told, Err(ServiceError::Forbidden(_))),
        "support only loses tokens"
    );
}

#[tokio::test]
async fn d6_a_token_that_is_about_to_drift_out_is_listed() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1", "CS-2", "CS-3"]).await;
    let owners = ["a", "b", "c"].map(|user| Owner::new("acme", user));
    for (owner, serial_number) in owners.iter().zip(["CS-1", "CS-2", "CS-3"]) {
        world.bind_token(&caller, owner, serial_number).await;
    }
    // Two of them gain a step, and are not heard of for long.
    world.clock.pass(20 * UnixMs::DAY);
    for (owner, serial_number, ahead) in [(0, "CS-1", 1), (1, "CS-2", 0), (2, "CS-3", 1)] {
        let code = Phone::token(serial_number).ahead(ahead).shows(world.now());
        let told = world.verify(&caller, &owners[owner], &code).await;
        assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
    }
    assert_eq!(
        world.service.drifting_tokens(&caller, None, 9).await,
        Ok((vec![], None))
    );
    world.clock.pass(21 * UnixMs::DAY);
    let (found, after) = world.service.drifting_tokens(&caller, None, 1).await.expect("a page");
    assert_eq!((found[0].serial_number.as_str(), found[0].drift_steps), ("CS-1", 1));
    let (found, after) = world.service.drifting_tokens(&caller, after, 9).await.expect("a page");
    assert_eq!(
        found.iter().map(|token| &*token.serial_number).collect::<Vec<_>>(),
        ["CS-3"]
    );
    assert_eq!(after, None);
}

const KEY: [u8; 32] = [7; 32];

fn wanted(tokens: ExportedTokens) -> NewExport {
    NewExport {
        tokens,
        recipient: "partner".into(),
        key: KEY.to_vec().into(),
    }
}

fn named(serial_numbers: &[&str]) -> ExportedTokens {
    ExportedTokens::Named(
        serial_numbers
            .iter()
            .map(|&serial_number| serial_number.to_owned())
            .collect(),
    )
}

/// Somebody who asks, somebody else who approves, and an export of CS-1 and CS-2 that is asked for.
async fn asked() -> (World, Caller, Caller, Id) {
    let world = World::new().await;
    let desk = world.all().await;
    world.stock(&desk, "one", &["CS-1", "CS-2", "CS-3"]).await;
    let first = world.person(&[Role::Admin], None, "Ada", "ann").await;
    let second = world.person(&[Role::Admin], None, "Grace", "ben").await;
    let export = world
        .service
        .request_export(&first, wanted(named(&["CS-1", "CS-2"])))
        .await;
    let id = export.expect("it is asked for").id;
    (world, first, second, id)
}

fn is_forbidden<T>(told: &Result<T, ServiceError>) -> bool {
    matches!(told, Err(ServiceError::Forbidden(_)))
}

fn is_ended<T>(told: &Result<T, ServiceError>, at: &str) -> bool {
    matches!(told, Err(ServiceError::ExportState { state, .. }) if *state == at)
}

#[tokio::test]
async fn a5_seeds_leave_by_four_eyes_once_and_to_their_recipients_key() {
    let (world, first, second, id) = asked().await;
    let service = &world.service;
    let early = service.fetch_export(&first, id, &KEY).await;
    assert!(is_ended(&early, "requested"), "{early:?}");
    let approved = service.approve_export(&second, id).await.expect("it is approved");
    assert!(matches!(approved.state, ExportState::Approved { .. }));
    let file = service.fetch_export(&first, id, &KEY).await.expect("the file");
    let read = pskc::read(&file, &Unlock::Key(&KEY)).expect("PSKC");
    let found: Vec<_> = read.seeds.iter().map(|seed| &*seed.serial_number).collect();
    assert_eq!(found, ["CS-1", "CS-2"]);
    let secret = data_encoding::HEXLOWER.encode(read.seeds[0].secret.expose_secret());
    assert_eq!(secret, Phone::token("CS-1").hex());
    assert!(
        pskc::read(&file, &Unlock::Key(&[8; 32])).is_err(),
        "under its recipient's key"
    );
    for action in ["export.request", "export.approve", "export.hand_out"] {
        let event = world.last(action).await;
        assert_eq!(
            (&event["outcome"], &event["count"]),
            (&"done".into(), &2.into()),
            "{action}"
        );
        assert_eq!(event["detail"]["serial_numbers"], serde_json::json!(["CS-1", "CS-2"]));
        assert_eq!(event["detail"]["requested_by"], "ann");
    }
    assert_eq!(world.last("export.hand_out").await["detail"]["approved_by"], "ben");
    let desk = world.all().await;
    let token = service.token(&desk, "CS-1").await.expect("a view");
    assert_eq!(token.exported_at, Some(world.now()));
    let again = service.fetch_export(&first, id, &KEY).await;
    assert!(is_ended(&again, "handed_out"), "{again:?}");
    for told in [
        service.approve_export(&second, id).await,
        service.withdraw_export(&first, id).await,
    ] {
        assert!(is_ended(&told, "handed_out"), "{told:?}");
    }
    let export = service.export(&second, id).await.expect("its record");
    assert_eq!(export.state.name(), "handed_out");
}

#[tokio::test]
async fn a5_the_same_person_is_not_another() {
    let (world, first, _, id) = asked().await;
    let service = &world.service;
    let same_owner = world.person(&[Role::Admin], None, " ADA", "ben").await;
    let same_actor = world.person(&[Role::Admin], None, "Grace", "Ann ").await;
    for caller in [&first, &first.acting(actor_of("ben")), &same_owner, &same_actor] {
        let told = service.approve_export(caller, id).await;
        assert!(is_forbidden(&told), "{told:?}");
    }
    let nobody = world.bare(&[Role::Admin], None, "Grace").await;
    let told = service.approve_export(&nobody, id).await;
    assert!(is_invalid(&told, Input::Actor), "{told:?}");
    let shell = Caller::shell();
    assert!(is_invalid(&service.approve_export(&shell, id).await, Input::Actor));
    let told = service.approve_export(&shell.acting(actor_of("root")), id).await;
    assert!(is_forbidden(&told), "{told:?}");
    let export = service.export(&first, id).await.expect("its record");
    assert_eq!(export.state, ExportState::Requested);
}

#[tokio::test]
async fn a5_the_file_is_for_whoever_asked_and_under_the_key_that_was_approved() {
    let (world, first, second, id) = asked().await;
    let service = &world.service;
    service.approve_export(&second, id).await.expect("it is approved");
    for caller in [&second, &first.acting(actor_of("cleo"))] {
        let told = service.fetch_export(caller, id, &KEY).await;
        assert!(is_forbidden(&told), "{told:?}");
    }
    for key in [&[8; 32][..], &[], &KEY[..16]] {
        let told = service.fetch_export(&first, id, key).await;
        assert!(is_invalid(&told, Input::TransportKey), "{told:?}");
    }
    let nobody = world.bare(&[Role::Admin], None, "Ada").await;
    let told = service.fetch_export(&nobody, id, &KEY).await;
    assert!(is_invalid(&told, Input::Actor), "{told:?}");
    service.fetch_export(&first, id, &KEY).await.expect("the file");
}

#[tokio::test]
async fn every_refusal_of_an_export_that_is_asked_for() {
    let (world, first, _, _) = asked().await;
    let desk = world.all().await;
    let service = &world.service;
    world.bind_token(&desk, &alice(), "CS-3").await;
    let twice = named(&["CS-1", "CS-1"]);
    let many: Vec<_> = (0..=service::EXPORT_MAX).map(|number| number.to_string()).collect();
    let none = ExportedTokens::UnboundOf("none".into());
    for (tokens, input) in [
        (twice, Input::SerialNumbers),
        (ExportedTokens::Named(many), Input::SerialNumbers),
        (named(&[]), Input::SerialNumbers),
        (named(&["CS-1", "CS-9"]), Input::SerialNumbers),
        (named(&["CS-3"]), Input::SerialNumbers),
        (none, Input::Lot),
    ] {
        let told = service.request_export(&first, wanted(tokens.clone())).await;
        assert!(is_invalid(&told, input), "{tokens:?}: {told:?}");
    }
    let told = service.request_export(&first, wanted(named(&["CS-1", "CS-3"]))).await;
    let Err(ServiceError::Invalid { why, .. }) = told else {
        panic!("a bound token has no seed that leaves: {told:?}");
    };
    assert!(why.contains("[1] is bound"), "{why}");
    for len in [0, 15, 33] {
        let short = NewExport {
            key: vec![7; len].into(),
            ..wanted(named(&["CS-1"]))
        };
        let told = service.request_export(&first, short).await;
        assert!(is_invalid(&told, Input::TransportKey), "{len}: {told:?}");
    }
    let blank = NewExport {
        recipient: "partner ".into(),
        ..wanted(named(&["CS-1"]))
    };
    let told = service.request_export(&first, blank).await;
    assert!(is_invalid(&told, Input::Recipient), "{told:?}");
    let nobody = world.bare(&[Role::Admin], None, "Ada").await;
    let told = service.request_export(&nobody, wanted(named(&["CS-1"]))).await;
    assert!(is_invalid(&told, Input::Actor), "{told:?}");
    let whole = service
        .request_export(&first, wanted(ExportedTokens::UnboundOf("one".into())))
        .await;
    assert_eq!(
        whole.expect("asked for").serial_numbers,
        ["CS-1", "CS-2"],
        "the bound one stays"
    );

    let none = ServiceError::NotFound("export");
    let told: [Result<Export, _>; 3] = [
        service.export(&first, id(9)).await,
        service.approve_export(&first, id(9)).await,
        service.withdraw_export(&first, id(9)).await,
    ];
    assert!(told.into_iter().all(|told| told == Err(none.clone())));
    assert_eq!(service.fetch_export(&first, id(9), &KEY).await, Err(none));
}

#[tokio::test]
async fn an_export_is_withdrawn_expires_or_meets_a_token_that_was_bound_since() {
    let (world, first, second, id) = asked().await;
    let service = &world.service;
    service.withdraw_export(&second, id).await.expect("anybody of them may");
    for told in [
        service.approve_export(&second, id).await,
        service.withdraw_export(&first, id).await,
    ] {
        assert!(is_ended(&told, "withdrawn"), "{told:?}");
    }
    let told = service.fetch_export(&first, id, &KEY).await;
    assert!(is_ended(&told, "withdrawn"), "{told:?}");

    let (world, first, second, id) = asked().await;
    let service = &world.service;
    service.approve_export(&second, id).await.expect("it is approved");
    world.clock.pass(UnixMs::DAY);
    let told = service.fetch_export(&first, id, &KEY).await;
    assert!(is_ended(&told, "expired"), "{told:?}");
    for told in [
        service.approve_export(&second, id).await,
        service.withdraw_export(&first, id).await,
    ] {
        assert!(is_ended(&told, "expired"), "{told:?}");
    }

    let (world, first, second, id) = asked().await;
    let service = &world.service;
    service.approve_export(&second, id).await.expect("it is approved");
    world.bind_token(&world.all().await, &alice(), "CS-2").await;
    let told = service.fetch_export(&first, id, &KEY).await;
    assert!(is_ended(&told, "approved"), "{told:?}");
    service
        .withdraw_export(&first, id)
        .await
        .expect("and ask for the others");
}

#[tokio::test]
async fn a5_an_unbound_token_is_found_by_one_code() {
    let world = World::new().await;
    let caller = world.caller(&[Role::Support, Role::Inventory], None).await;
    world.stock(&caller, "one", &["CS-1", "CS-2"]).await;
    moved(&world, &caller, "CS-2", &TokenTransition::Assign(bob())).await;
    for serial_number in ["CS-1", "CS-2"] {
        let code = text(&Phone::token(serial_number).shows(world.now()));
        let found = world.service.find_unbound(&caller, &code).await.expect("an answer");
        assert_eq!(
            found.iter().map(|token| &*token.serial_number).collect::<Vec<_>>(),
            [serial_number]
        );
        let event = world.last("token.find_by_code").await;
        assert_eq!((&event["outcome"], &event["count"]), (&"done".into(), &1.into()));
    }
    moved(&world, &caller, "CS-1", &TokenTransition::Return).await;
    let code = text(&Phone::token("CS-1").shows(world.now()));
    assert_eq!(
        world.service.find_unbound(&caller, &code).await,
        Ok(vec![]),
        "it has no secret"
    );
    assert_eq!(world.last("token.find_by_code").await["outcome"], "refused");
    let told = world.service.find_unbound(&caller, &text("x")).await;
    assert!(is_invalid(&told, Input::Codes), "{told:?}");
}

#[tokio::test]
async fn a5_a_bound_token_is_found_by_two_codes_that_are_burned() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (device, token) = world.bind_token(&caller, &alice(), "CS-1").await;
    let [first, second] = token.two(world.now()).map(|code| text(&code));
    let third = text(&token.later(world.now(), 2));
    for codes in [[&second, &first], [&first, &third]] {
        assert_eq!(world.service.find_bound(&caller, codes).await, Ok(vec![]));
    }
    let found = world
        .service
        .find_bound(&caller, [&first, &second])
        .await
        .expect("an answer");
    assert_eq!((&*found[0].serial_number, &found[0].owner), ("CS-1", &Some(alice())));
    let told = world.told("token.find_by_code").await;
    assert_eq!(told[told.len() - 2]["outcome"], "recognised");
    assert_eq!(told[told.len() - 2]["device"], device.to_string());
    for code in [&first, &second] {
        assert_eq!(
            world.verify(&caller, &alice(), code).await,
            Ok(Answer::Refused),
            "burned"
        );
    }
    assert_eq!(
        world.service.find_bound(&caller, [&first, &second]).await,
        Ok(vec![]),
        "once"
    );
    let malformed = text("x");
    for codes in [[&malformed, &second], [&first, &malformed]] {
        let told = world.service.find_bound(&caller, codes).await;
        assert!(is_invalid(&told, Input::Codes), "{told:?}");
    }
    // Found in the street: lost, and still somebody's.
    moved(&world, &caller, "CS-1", &TokenTransition::Lose).await;
    world.clock.pass(2 * STEP_MS);
    let [first, second] = token.two(world.now()).map(|code| text(&code));
    let found = world
        .service
        .find_bound(&caller, [&first, &second])
        .await
        .expect("an answer");
    assert_eq!(found[0].status, TokenStatus::Lost);
    let told = world
        .service
        .unbind(&caller, &alice(), device, &by_code(&token.later(world.now(), 2)))
        .await;
    assert!(
        matches!(told, Err(ServiceError::Locked { until: None, .. })),
        "{told:?}"
    );
}

#[tokio::test]
async fn a5_somebody_asks_ten_times_an_hour_and_a_key_ten_times_as_often() {
    let world = World::new().await;
    let key = world.bare(&[Role::Support], None, "desk").await;
    let code = text("123456");
    let ask = async |actor: &str| {
        world
            .service
            .find_unbound(&key.acting(actor_of(actor)), &code)
            .await
            .map(drop)
    };
    for _ in 0..10 {
        ask("ann").await.expect("an answer");
    }
    world.clock.pass(UnixMs::MINUTE);
    let too_often = |minutes: u64| {
        Err(ServiceError::AskedTooOften {
            retry_after_s: 60 * minutes,
        })
    };
    assert_eq!(ask("ann").await, too_often(59));
    let told = world
        .service
        .find_bound(&key.acting(actor_of("ann")), [&code, &code])
        .await;
    assert_eq!(told.map(drop), too_often(59), "both questions are one allowance");
    for actor in 1..10 {
        for _ in 0..10 {
            ask(&actor.to_string()).await.expect("an answer");
        }
    }
    assert_eq!(
        ask("somebody new").await,
        too_often(59),
        "the key, whatever names it gives"
    );
    world.clock.pass(59 * UnixMs::MINUTE);
    ask("ann").await.expect("an hour later");
}
