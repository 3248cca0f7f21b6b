//! Binding a hardware token in a browser: the number on its back, two codes of its display, and one refusal for whatever is
//! the matter with a number (B3, B4).

use data_encoding::BASE32_NOPAD;
use pskc::{ManagementKey, Moving, Seed};
use serde_json::json;
use service::{Caller, NewImport, Receipt, Role};

use crate::{
    board::Token,
    browser::Options,
    judges::{Phone, STEP_MS},
    visits::Visit,
    world::{MINUTE_MS, World, accepted, refused, text},
};

/// The inventory learns of a token with this secret, which anybody may bind.
pub(crate) fn import(world: &World, serial_number: &str, secret: &[u8]) {
    let moving = Moving::Time {
        period: otp::Period::THIRTY,
        drift_steps: 0,
    };
    import_moving(world, serial_number, secret, moving);
}

fn import_moving(world: &World, serial_number: &str, secret: &[u8], moving: Moving) {
    let seed = Seed {
        serial_number: serial_number.into(),
        manufacturer: Some("Countersign".into()),
        model: Some("CS-1".into()),
        key_id: None,
        issuer: None,
        label: None,
        secret: otp::Secret::from_slice(secret).expect("a secret"),
        algorithm: otp::Algorithm::Sha1,
        digits: otp::Digits::SIX,
        moving,
        starts_at_s: None,
        expires_at_s: None,
        management_key: Some(ManagementKey::from_bytes(&[7; 32])),
    };
    let wanted = NewImport {
        lot: serial_number.into(),
        ..NewImport::default()
    };
    let (service, caller, seeds) = (world.service(), Caller::shell(), [seed]);
    let imported = service.import(&caller, &seeds, Receipt::default(), &wanted);
    assert_eq!(world.wait(imported).expect("an import has a receipt").imported, 1);
    let open = json!({"open_to": {"kind": "everybody"}, "actor": {"id": "desk-3", "kind": "admin"}});
    let path = format!("/v1/batches/{serial_number}");
    world.call(Role::Inventory, "PATCH", &path, Some(&open)).expect(200);
}

/// One whose codes oathtool computes.
pub(crate) fn stocked(world: &World, serial_number: &str) -> Phone {
    let secret: [u8; 20] =
        std::array::from_fn(|place| (place as u8).wrapping_mul(serial_number.len() as u8 + 31) ^ 0x5b);
    import(world, serial_number, &secret);
    Phone {
        secret: BASE32_NOPAD.encode(&secret),
    }
}

const SERIAL: &str = "CS-000042";

/// The whole way, with every state looked at; the display is read by whoever has the token.
fn bound_by(world: &World, view: (Options, &'static str), mut read: impl FnMut(&World) -> String) {
    let user = world.user("acme", "alice");
    let visit = Visit::of(&user, "bind_token", view);
    let browser = &visit.browser;
    browser.wait_for("svg.token");
    visit.walk("number");
    browser.type_into("#serial_number", "CS-999999");
    visit.send();
    let unknown = visit.alert();
    assert_eq!(browser.value("#serial_number"), "CS-999999", "it can be mended");
    visit.walk("unknown");
    browser.type_into("#serial_number", SERIAL);
    visit.send();

    browser.wait_for("#first");
    visit.walk("codes");
    visit.show_two_codes("000000", "000000");
    assert_ne!(visit.alert(), unknown);
    visit.walk("refused");

    let first = read(world);
    browser.type_into("#first", &first);
    if browser.runs_scripts() {
        let waits = || {
            browser
                .text("#second-help")
                .contains(|digit: char| digit.is_ascii_digit())
        };
        browser.until("the page says when the next code is due", waits);
    }
    world.pass(STEP_MS);
    let second = read(world);
    browser.type_into("#second", &second);
    browser.click("#operation");
    visit.send();
    browser.wait_for("#codes");
    visit.walk("done");
    visit.keep_codes();
    visit.comes_back("done");

    let told = user.get();
    let device = &told["devices"][0];
    assert_eq!(
        (&device["kind"], &device["serial_number"]),
        (&"hardware".into(), &SERIAL.into())
    );
    assert_eq!(told["protection"]["login_protection"], "mfa", "B5: {told}");
    assert_eq!(told["protection"]["operation_protection"], "none", "B5: {told}");
    assert_eq!(user.verify(&second), refused(), "D4: the binding burned it");
}

#[test]
fn b4_a_token_is_bound_by_two_codes_of_its_display() {
    let world = World::new();
    let mut token = Token::blank();
    let made = token.provision(SERIAL, world.now_ms());
    import(&world, SERIAL, &made.secret);
    token.ahead_s = 95;
    bound_by(&world, (Options::default(), "token"), |world| {
        token.code(world.now_ms())
    });
}

#[test]
fn b4_a_token_is_bound_in_chinese() {
    let world = World::new();
    let token = stocked(&world, SERIAL);
    bound_by(&world, (Options::chinese(), "token"), |world| {
        token.code_at(world.now_ms())
    });
}

#[test]
fn b4_a_token_is_bound_without_scripts() {
    let world = World::new();
    let token = stocked(&world, SERIAL);
    let options = Options::default().without_scripts();
    bound_by(&world, (options, "token-still"), |world| token.code_at(world.now_ms()));
}

/// A token with a button: bound by two presses, pressed in a pocket, brought back by two more.
fn counted_by(view: (Options, &'static str), pressed: &str) {
    let world = World::new();
    let secret = [0x6b; 20];
    import_moving(&world, SERIAL, &secret, Moving::Counter { counter: 5 });
    let token = Phone {
        secret: BASE32_NOPAD.encode(&secret),
    };
    let shown = |counter| token.counted_from(counter, 1).remove(0);
    let user = world.user("acme", "alice");
    let visit = Visit::of(&user, "bind_token", view.clone());
    visit.browser.type_into("#serial_number", SERIAL);
    visit.send();
    visit.browser.wait_for("#first");
    assert!(
        visit.browser.text("#second-help").contains(pressed),
        "nobody waits for it"
    );
    visit.walk("press");
    visit.show_two_codes(&shown(9), &shown(10));
    visit.keep_codes();
    visit.comes_back("done");
    let device = user.get()["devices"][0].clone();
    assert_eq!(device["otp_type"], "hotp");

    assert_eq!(user.verify(&shown(40)), refused(), "it is beyond the look-ahead");
    let visit = Visit::of(&user, "security", view);
    visit.follow("/pages/clock");
    visit.walk("ahead");
    visit.show_two_codes(&shown(41), &shown(42));
    visit.browser.wait_for("[role=status]");
    assert_eq!(
        user.verify(&shown(43)),
        accepted(&text(&device["id"])),
        "D6: it is found again"
    );
}

#[test]
fn b4_d6_a_counter_token_is_bound_and_brought_back_by_two_presses() {
    counted_by((Options::default(), "counter"), "press the token's button again");
}

#[test]
fn b4_d6_a_counter_token_is_bound_and_brought_back_in_chinese() {
    counted_by((Options::chinese(), "counter"), "再次按下令牌的按键");
}

#[test]
fn b3_whatever_is_the_matter_with_a_number_is_told_in_the_same_words() {
    let world = World::new();
    let theirs = stocked(&world, "CS-000007");
    let bob = Visit::of(&world.user("acme", "bob"), "bind_token", (Options::default(), "bob"));
    bob.browser.type_into("#serial_number", "CS-000007");
    bob.send();
    bob.browser.type_into("#first", &theirs.code_at(world.now_ms()));
    bob.browser
        .type_into("#second", &theirs.code_at(world.now_ms() + STEP_MS));
    bob.send();
    bob.keep_codes();

    let alice = Visit::of(&world.user("acme", "alice"), "bind", (Options::default(), "alice"));
    alice.open("/pages/bind-token");
    let told: Vec<String> = ["CS-000007", "CS-123456", "nonsense"]
        .into_iter()
        .map(|number| {
            alice.open("/pages/bind-token");
            alice.browser.type_into("#serial_number", number);
            alice.send();
            alice.alert()
        })
        .collect();
    assert!(told.iter().all(|words| *words == told[0]), "{told:?}");
}

#[test]
fn b2_a_token_whose_time_is_over_is_begun_anew_by_one_button() {
    let world = World::new();
    let token = stocked(&world, SERIAL);
    let user = world.user("acme", "alice");
    let visit = Visit::of(&user, "bind_token", (Options::default(), "token"));
    visit.browser.type_into("#serial_number", SERIAL);
    visit.send();
    visit.browser.wait_for("#first");
    world.pass(11 * MINUTE_MS);
    visit.browser.type_into("#first", &token.code_at(world.now_ms()));
    visit
        .browser
        .type_into("#second", &token.code_at(world.now_ms() + STEP_MS));
    visit.send();
    assert!(visit.alert().contains("ten minutes"), "{}", visit.alert());
    visit.walk("over");
    visit.browser.type_into("#serial_number", SERIAL);
    visit.send();
    visit.browser.wait_for("#first");
}
