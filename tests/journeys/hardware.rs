//! A hardware token's life with nothing of ours left out: real firmware, a real serial line, a seed file, and codes
//! that are read from the picture of its display (B3, B4, D4, D6, U4).

use std::{env, sync::mpsc, thread, time::Instant};

use link::{Comparing, LinkError, TokenStatus, Wanted};
use pskc::{DEFAULT_PBKDF2_ITERATIONS, ManagementKey, Moving, Protect, Seed};
use serde_json::json;
use service::Role;

use crate::{
    board::{Made, Token, code_of, connect},
    fobs::{base32, desk},
    judges::{Phone, STEP_MS},
    world::{BEGINNING_MS, World, accepted, refused, text},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const SERIAL: &str = "CS-000042";

const PASSWORD: &str = "between desk and inventory";

/// What the desk hands on: RFC 6030, under a password.
fn seed_file(made: &Made) -> Vec<u8> {
    let seed = Seed {
        serial_number: SERIAL.into(),
        manufacturer: Some("Countersign".into()),
        model: Some("CS-1".into()),
        key_id: None,
        issuer: None,
        label: None,
        secret: otp::Secret::from_slice(&made.secret).expect("20 bytes"),
        algorithm: otp::Algorithm::Sha1,
        digits: otp::Digits::SIX,
        moving: Moving::Time {
            period: otp::Period::THIRTY,
            drift_steps: 0,
        },
        starts_at_s: None,
        expires_at_s: None,
        management_key: Some(ManagementKey::from_bytes(&made.management_key)),
    };
    let protect = Protect::Password {
        password: PASSWORD.as_bytes(),
        iterations: DEFAULT_PBKDF2_ITERATIONS,
    };
    let mut draws = 0_u8;
    let entropy = |bytes: &mut [u8]| {
        for byte in bytes {
            draws = draws.wrapping_mul(5).wrapping_add(113);
            *byte = draws;
        }
        Ok::<(), std::convert::Infallible>(())
    };
    match pskc::write_encrypted([&seed], &protect, entropy) {
        Ok(file) => file,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn from_the_factory_desk_to_a_lost_and_found_office() {
    let mut world = World::new();
    let mut token = Token::blank();
    let made = token.provision(SERIAL, world.now_ms());

    // The batch travels as a file that nobody can read on the way.
    let file = seed_file(&made);
    assert!(
        !file.windows(20).any(|window| window == made.secret),
        "the secret is sealed in the file"
    );
    let unlock = json!({"batch": "2026-11", "password": PASSWORD});
    let receipt = world.import_file("?dry_run=true", &file, &unlock).expect(200);
    assert_eq!(
        (&receipt["count"], &receipt["imported"]),
        (&json!(1), &json!(0)),
        "{receipt}"
    );
    let receipt = world.import_file("", &file, &unlock).expect(200);
    assert_eq!(receipt["imported"], 1, "{receipt}");
    world.open_batch(
        "2026-11",
        &json!({"kind": "users", "users": [{"account": "acme", "user": "alice"}]}),
    );

    // The user types what stands on the back, then two codes from the display.
    let alice = world.user("acme", "alice");
    let id = text(&alice.start_token(SERIAL, &json!({})).expect(201)["id"]);
    token.ahead_s = 95;
    let [first, second] = token.two_codes(&world);
    let done = alice.confirm(&id, &[&first, &second]).expect(200);
    let device = text(&done["device"]["id"]);
    let paper = text(&done["recovery_codes"][0]);
    assert_eq!(alice.verify(&second), refused(), "D4: the binding burned it");
    world.pass(STEP_MS);
    let code = token.code(world.now_ms());
    assert_eq!(alice.verify(&code), accepted(&device));
    assert_eq!(alice.verify(&code), refused(), "D4");

    // Its clock runs 12 s a day too fast; a login a day follows it.
    for day in 1..=10 {
        world.pass(DAY_MS);
        token.ahead_s += 12;
        assert_eq!(
            alice.verify(&token.code(world.now_ms())),
            accepted(&device),
            "D6: day {day}"
        );
    }

    // It fell, and jumped out of the window; two codes bring it back.
    token.ahead_s += 20 * 30;
    world.pass(STEP_MS);
    assert_eq!(alice.verify(&token.code(world.now_ms())), refused());
    let [first, second] = token.two_codes(&world);
    alice
        .change(&device, "resync", &json!({"codes": [first, second]}))
        .expect(200);
    world.pass(STEP_MS);
    assert_eq!(alice.verify(&token.code(world.now_ms())), accepted(&device));

    // The desk mends its clock with the management key: ten minutes a year, and no more.
    {
        let random = token.random();
        let emulator = token.on(world.now_ms());
        let mut link = connect(&emulator);
        let mut session = link.open(&random, Comparing::No).expect("a session");
        let right_s = u64::try_from(world.now_ms() / 1_000).expect("a time after 1970");
        assert!(
            session.set_time(right_s, &made.management_key).is_err(),
            "fifteen minutes are too many"
        );
        assert_eq!(session.status().expect("it answers").settings, 0);
        assert!(session.set_time(right_s, &[0; 32]).is_err(), "nor is it anybody's");
    }

    // Lost: nothing that it shows opens anything. Paper ends it; it comes back, and its secret never does.
    world.pass(STEP_MS);
    let body = json!({"state": "lost", "actor": desk()});
    let path = format!("/v1/tokens/{SERIAL}");
    world.call(Role::Support, "PATCH", &path, Some(&body)).expect(200);
    assert_eq!(alice.verify(&token.code(world.now_ms()))["accepted"], false);
    let bye = json!({"code": paper, "method": "recovery_code"});
    assert_eq!(alice.change(&device, "unbind", &bye).status, 204);
    let body = json!({"state": "returned", "actor": desk()});
    world.call(Role::Inventory, "PATCH", &path, Some(&body)).expect(200);
    let again = world.import_file("", &file, &unlock).json();
    assert_ne!(again["imported"], 1, "U4: {again}");
    world.assert_trail_holds();
}

/// Twenty points in time, five hundred where there is time.
fn cuts() -> u32 {
    if env::var_os("COUNTERSIGN_SOAK").is_some() {
        500
    } else {
        20
    }
}

/// What the desk knows when the power goes.
#[derive(Default)]
struct Known {
    made: Option<Made>,
    committed: bool,
}

/// Programs a token until it is done, or gone; `begins` is called when it has answered.
fn program(token: &mut Token, port: &str, known: &mut Known, begins: impl FnOnce()) -> Result<(), LinkError> {
    let (session_random, secret_random) = (token.random(), token.random());
    let port = link::open(port).map_err(|_| LinkError::Silent)?;
    let mut link = link::Link::new(port, crate::board::PATIENCE);
    link.hello()?;
    begins();
    let mut session = link.open(&session_random, Comparing::No)?;
    let wanted = Wanted {
        serial_number: SERIAL,
        label: "",
        parameters: Wanted::PARAMETERS,
        unix_s: (BEGINNING_MS / 1_000).unsigned_abs(),
    };
    let made = session.provision(&wanted, &secret_random)?;
    let kept = made.keep(|secret, management_key| {
        known.made = Some(Made {
            secret: secret.to_vec(),
            management_key: *management_key,
        });
        Ok::<(), LinkError>(())
    })?;
    session.commit(kept)?;
    known.committed = true;
    Ok(())
}

#[test]
fn a_power_cut_while_it_is_programmed_leaves_a_token_blank_or_complete() {
    // How long it takes when nobody cuts.
    let mut token = Token::blank();
    let emulator = token.on(BEGINNING_MS);
    let port = emulator.port().to_str().expect("ASCII").to_owned();
    let mut begun = None;
    program(&mut token, &port, &mut Known::default(), || {
        begun = Some(Instant::now())
    })
    .expect("nobody cuts the power");
    let whole = begun.expect("it answered").elapsed();
    drop(emulator);

    let mut met = [0; 3];
    // On a machine that has become slower since, none came late enough: then later and later.
    let late_enough = |met: [u32; 3], round: u32| met[2] > 0 || round >= cuts() + 10;
    let mut round = 0;
    while round < cuts() || !late_enough(met, round) {
        let mut token = Token::blank();
        let emulator = token.on(BEGINNING_MS);
        let port = emulator.port().to_str().expect("ASCII").to_owned();
        // Spread over all of it, and a little beyond; the golden ratio meets every part early.
        let part = (f64::from(round) * 0.618_033_988_749_895).fract();
        let longer = round.checked_sub(cuts()).map_or(1.2, |more| f64::from(2 << more));
        let delay = whole.mul_f64(part.max(if round < cuts() { 0.0 } else { 0.5 }) * longer);
        round += 1;
        let (begins, begun) = mpsc::channel();
        let cutter = thread::spawn(move || {
            begun.recv().expect("it answers");
            thread::sleep(delay);
            emulator.kill();
        });
        let mut known = Known::default();
        let _cut_off_or_done = program(&mut token, &port, &mut known, || {
            begins.send(()).expect("somebody waits")
        });
        cutter.join().expect("the power is cut");

        let mut emulator = token.on(BEGINNING_MS);
        let mut link = connect(&emulator);
        let status = link.hello().expect("it answers").status;
        let place = format!("round {round}, after {delay:?} of {whole:?}: {status:?}");
        match status {
            TokenStatus::Blank => {
                assert!(known.made.is_none(), "{place}: told before it was kept");
                met[0] += 1;
            }
            TokenStatus::Provisioned => {
                assert!(!known.committed, "{place}: told before it was sealed");
                met[1] += 1;
            }
            TokenStatus::Sealed => met[2] += 1,
            TokenStatus::Wiped => panic!("{place}"),
        }
        if let Some(made) = &known.made {
            let mut session = link.open(&token.random(), Comparing::No).expect("a session");
            session
                .prove(&made.secret, &[3; 32])
                .expect("what the desk kept is what the token has");
        }
        if status == TokenStatus::Sealed {
            let made = known
                .made
                .as_ref()
                .unwrap_or_else(|| panic!("{place}: nobody has its secret"));
            link.hello().expect("it answers");
            let phone = Phone {
                secret: base32(&made.secret),
            };
            let near = phone.codes_from(BEGINNING_MS, 3);
            let code = code_of(&mut emulator);
            assert!(near.contains(&code), "{place}: {code} is none of {near:?}");
        } else {
            drop((link, emulator));
            let made = token.provision_again(SERIAL, BEGINNING_MS);
            let phone = Phone {
                secret: base32(&made.secret),
            };
            assert_eq!(
                token.code(BEGINNING_MS),
                phone.code_at(BEGINNING_MS),
                "{place}: it is not made good"
            );
        }
    }
    eprintln!("{met:?} blank, provisioned, sealed; {whole:?} uncut");
    assert!(met[0] > 0 && met[2] > 0, "cut before and after: {met:?}");
}
