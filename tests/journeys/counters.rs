//! A counter token (HOTP, RFC 4226; rule D2) from its seed file to whoever finds it: bound, pressed too often, found again, raced for.

use std::cell::Cell;

use data_encoding::BASE64;
use pskc::Moving;
use serde_json::{Value, json};
use server::Limits;
use service::{Role, Settings};

use crate::{
    exports::{Admin, KEY, seeds},
    fobs::{base32, desk},
    judges::{Phone, STEP_MS},
    racing::{RACERS, count, opened, race},
    world::{Bound, HOUR_MS, Reply, User, World, accepted, refused, text},
};

/// A token with a button: each press shows the next code, whatever the time.
struct Button {
    serial_number: String,
    secret: [u8; 20],
    /// The counter of the next press.
    next: Cell<u64>,
}

impl Button {
    fn new(number: u8, next: u64) -> Self {
        Self {
            serial_number: format!("HB-{number:04}"),
            secret: std::array::from_fn(|at| number.wrapping_mul(37) ^ (at as u8).wrapping_mul(91)),
            next: next.into(),
        }
    }

    /// What oathtool, which we did not write, shows from this counter on.
    fn codes(&self, from: u64, count: usize) -> Vec<String> {
        let secret = base32(&self.secret);
        Phone { secret }.counted_from(from, count)
    }

    /// Its button is pressed, and the code read.
    fn press(&self) -> String {
        let counter = self.next.get();
        self.next.set(counter + 1);
        self.codes(counter, 1).remove(0)
    }

    /// In a pocket.
    fn pressed_unread(&self, times: u64) {
        self.next.set(self.next.get() + times);
    }

    /// Six digits that it shows at none of the next thousand presses.
    fn wrong(&self, place: usize) -> String {
        let near = self.codes(self.next.get().saturating_sub(20), 1_100);
        let mut wrong = (0..1_000_000).map(|number| format!("{number:06}"));
        wrong
            .by_ref()
            .filter(|code| !near.contains(code))
            .nth(place * 111)
            .expect("most are none")
    }

    /// Its key in a PSKC file (RFC 6030 section 4.3.4).
    fn key_package(&self, counter: u64) -> String {
        format!(
            r#"<KeyPackage><DeviceInfo><SerialNo>{}</SerialNo></DeviceInfo>
<Key Id="{0}" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
<AlgorithmParameters><ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters>
<Data><Secret><PlainValue>{}</PlainValue></Secret><Counter><PlainValue>{counter}</PlainValue></Counter></Data>
</Key></KeyPackage>"#,
            self.serial_number,
            BASE64.encode(&self.secret),
        )
    }
}

fn seed_file(tokens: &[(&Button, u64)]) -> Vec<u8> {
    let keys: String = tokens
        .iter()
        .map(|(token, counter)| token.key_package(*counter))
        .collect();
    format!(r#"<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">{keys}</KeyContainer>"#)
        .into_bytes()
}

impl World {
    fn button(&self, token: &Button) -> Value {
        let path = format!("/v1/tokens/{}", token.serial_number);
        self.get(Role::Inventory, &path).expect(200)
    }

    /// These in a batch that is open to everybody, with the counters of their file.
    fn stock_buttons(&self, tokens: &[(&Button, u64)]) {
        let receipt = self.import_file("", &seed_file(tokens), &json!({})).expect(200);
        assert_eq!(receipt["imported"], tokens.len(), "{receipt}");
        self.open_batch("file", &json!({"kind": "everybody"}));
    }
}

impl User<'_> {
    fn start_button(&self, token: &Button) -> Value {
        self.start_token(&token.serial_number, &json!({})).expect(201)
    }

    fn bind_button(&self, token: &Button) -> String {
        let id = text(&self.start_button(token)["id"]);
        let done = self.confirm(&id, &[&token.press(), &token.press()]).expect(200);
        text(&done["device"]["id"])
    }

    fn resync_button(&self, device: &str, codes: [&str; 2]) -> Reply {
        self.change(device, "resync", &json!({"codes": codes}))
    }
}

#[test]
fn a_counter_token_from_its_seed_file_to_find_by_code() {
    let mut world = World::new();
    // Pressed a dozen times since the factory wrote its file.
    let (hers, drawer) = (Button::new(1, 19), Button::new(2, 3));
    world.stock_buttons(&[(&hers, 7), (&drawer, 0)]);
    let listed = world.get(Role::Inventory, "/v1/tokens?batch=file").expect(200);
    let kinds: Vec<_> = listed["items"].as_array().expect("items").iter().collect();
    assert_eq!(
        (&kinds[0]["otp_type"], &kinds[0]["counter"], kinds[0].get("period_s")),
        (&json!("hotp"), &json!(7), None)
    );

    // B4: two presses in a row, and no wait between them.
    let alice = world.user("acme", "alice");
    let started = alice.start_button(&hers);
    assert_eq!(
        (&started["otp_type"], &started["codes_needed"]),
        (&json!("hotp"), &json!(2))
    );
    let id = text(&started["id"]);
    let (first, second) = (hers.press(), hers.press());
    alice.confirm(&id, &[&second, &first]).problem(422, "code_refused");
    let done = alice.confirm(&id, &[&first, &second]).expect(200);
    let device = text(&done["device"]["id"]);
    assert_eq!(done["device"]["otp_type"], "hotp");
    assert_eq!(world.button(&hers)["counter"], 21, "B4: found by its two codes");
    assert_eq!(alice.verify(&second), refused(), "D4: the binding burned it");

    // Each press is right once, whenever it is typed.
    let code = hers.press();
    world.pass(30 * 24 * HOUR_MS);
    assert_eq!(alice.verify(&code), accepted(&device));
    assert_eq!(alice.verify(&code), refused(), "D4");

    // Five presses in a pocket do no harm, a sixth does; two in a row find it again, as far as a thousand.
    hers.pressed_unread(5);
    assert_eq!(alice.verify(&hers.press()), accepted(&device), "a look-ahead of 5");
    let (skipped, late) = (hers.press(), hers.press());
    assert_eq!(alice.verify(&late), accepted(&device));
    assert_eq!(alice.verify(&skipped), refused(), "the counter moves forward only");
    hers.pressed_unread(6);
    assert_eq!(alice.verify(&hers.press()), refused());
    hers.pressed_unread(900);
    let (first, second) = (hers.press(), hers.press());
    let back = alice.resync_button(&device, [&first, &second]).expect(200);
    assert_eq!((&back["otp_type"], &back["drift_steps"]), (&json!("hotp"), &json!(0)));
    assert_eq!(alice.verify(&second), refused(), "both codes are burned");
    alice
        .resync_button(&device, [&first, &second])
        .problem(422, "code_refused");
    assert_eq!(alice.verify(&hers.press()), accepted(&device));
    hers.pressed_unread(1_001);
    let (first, second) = (hers.press(), hers.press());
    alice
        .resync_button(&device, [&first, &second])
        .problem(422, "code_refused");
    hers.next.set(hers.next.get() - 1_003);

    // Support learns what is over, and nothing of what comes.
    let diagnose = |code: &str| {
        let actor = json!({"id": "desk-7", "kind": "support"});
        let body = json!({"account": "acme", "user": "alice", "code": code, "actor": actor});
        world.post(Role::Support, "/v1/support/diagnose", &body).expect(200)
    };
    let told = diagnose(&skipped);
    assert_eq!(told["cause"], "used", "A5: {told}");
    assert!(
        text(&told["text"]["en"]).contains("comes before the last one that was accepted"),
        "{told}"
    );
    let told = diagnose(&hers.codes(hers.next.get(), 1)[0]);
    assert_eq!(told["cause"], "wrong", "A5: it is still to come: {told}");
    assert!(
        text(&told["text"]["en"]).contains("resync it by two codes in a row"),
        "{told}"
    );

    // Two tokens are handed in: one by the code it shows, the bound one by two in a row, which are burned.
    let found = world.find("desk-1", &[&drawer.press()]).expect(200);
    assert_eq!(found["items"][0]["serial_number"], drawer.serial_number);
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
    hers.pressed_unread(9);
    let (first, second) = (hers.press(), hers.press());
    let found = world.find("desk-1", &[&first, &second]).expect(200);
    assert_eq!(
        (&found["items"][0]["serial_number"], &found["items"][0]["user"]),
        (&json!(hers.serial_number), &json!("alice"))
    );
    assert_eq!(
        found["items"][0]["counter"],
        world.button(&hers)["counter"],
        "as it is now"
    );
    assert_eq!(alice.verify(&second), refused(), "A5: burned");
    assert_eq!(
        alice.verify(&hers.press()),
        accepted(&device),
        "and the counter is known again"
    );

    // No report of clocks has it: it has none.
    let drifting = world.get(Role::Inventory, "/v1/tokens?drifting=true").expect(200);
    assert_eq!(drifting["items"], json!([]));
    world.assert_trail_holds();
}

#[test]
fn what_cannot_be_a_counter_comes_in_from_no_file() {
    let world = World::new();
    let token = Button::new(3, 0);
    let receipt = world
        .import_file("", &seed_file(&[(&token, 1 << 53)]), &json!({}))
        .expect(200);
    assert_eq!(receipt["imported"], 0);
    assert!(
        text(&receipt["refusals"][0]["why"]).contains("its counter is beyond 2^53"),
        "{receipt}"
    );
    world.stock_buttons(&[(&token, (1 << 53) - 1)]);
    assert_eq!(world.button(&token)["counter"], (1_u64 << 53) - 1);
}

#[test]
fn the_seed_of_a_counter_token_leaves_with_its_counter() {
    let world = World::new();
    let token = Button::new(4, 0);
    world.stock_buttons(&[(&token, 1_234)]);
    let (ada, ben) = (Admin::new(&world, "Ada", "ada"), Admin::new(&world, "Ben", "ben"));
    let export = ada.asks_for_numbers(&[&token.serial_number]);
    ben.approves(&export).expect(200);
    let left = seeds(&ada.fetches(&export, &KEY));
    assert_eq!(left[0].moving, Moving::Counter { counter: 1_234 });
    assert_eq!(left[0].secret.expose_secret(), token.secret);
}

#[test]
fn a1_thirty_guesses_at_a_counter_suspend_it_and_a_resync_with_proof_lifts() {
    let world = World::new();
    let token = Button::new(5, 0);
    world.stock_buttons(&[(&token, 0)]);
    let alice = world.user("acme", "alice");
    let device = alice.bind_button(&token);
    let mut judged = 0;
    for place in 0.. {
        world.pass(HOUR_MS / 9);
        if alice.device(&device)["state"] == "suspended" {
            break;
        }
        judged += usize::from(alice.verify(&token.wrong(place)) == refused());
        assert!(judged <= 31, "A1: {judged}");
    }
    assert!((30..=31).contains(&judged), "A1: each guess has six targets: {judged}");
    let proven = json!({"codes": [token.press(), token.press()], "identity_proof": alice.proof(0)});
    alice.change(&device, "resync", &proven).expect(200);
    assert_eq!(alice.verify(&token.press()), accepted(&device), "A1");
}

#[test]
fn of_64_requests_with_one_counter_code_one_is_accepted() {
    let settings = Settings {
        waiting_per_user: RACERS,
        ..Settings::default()
    };
    let world = World::with(settings, Limits::default());
    let token = Button::new(6, 0);
    world.stock_buttons(&[(&token, 0)]);
    let alice = world.user("acme", "alice");
    let device = Some(alice.bind_button(&token).parse().expect("an id"));
    let codes = token.codes(token.next.get(), 110);
    for (round, code) in codes[..100].iter().enumerate() {
        // A code that stands again within the look-ahead is taken for the later one.
        if codes[round + 1..round + 7].contains(code) {
            continue;
        }
        let answers = race(&world, code);
        assert_eq!(
            count(&answers, |answer| opened(answer, device)),
            1,
            "D4: round {round}: {answers:?}"
        );
        world.pass(HOUR_MS);
    }
}

#[test]
fn a_user_may_have_a_clock_and_a_counter() {
    let settings = Settings {
        devices_max: 2,
        ..Settings::default()
    };
    let world = World::with(settings, Limits::default());
    let token = Button::new(7, 0);
    world.stock_buttons(&[(&token, 0)]);
    let alice = world.user("acme", "alice");
    let app: Bound = alice.bind();
    world.pass(STEP_MS);
    let factor = json!({"factor": {"code": app.phone.code_at(world.now_ms())}});
    let id = text(&alice.start_token(&token.serial_number, &factor).expect(201)["id"]);
    let done = alice.confirm(&id, &[&token.press(), &token.press()]).expect(200);
    let device = text(&done["device"]["id"]);
    world.pass(STEP_MS);
    assert_eq!(alice.verify(&token.press()), accepted(&device));
    assert_eq!(alice.verify(&app.phone.code_at(world.now_ms())), accepted(&app.device));
    // Unbound, and its tombstone says what it was.
    let code = json!({"code": token.press(), "actor": desk()});
    assert_eq!(alice.change(&device, "unbind", &code).status, 204);
    let gone = alice.device(&device);
    assert_eq!((&gone["state"], &gone["otp_type"]), (&json!("unbound"), &json!("hotp")));
}
