//! Codes from keyboards of other scripts, and pasted with what cannot be seen, are what they mean; names are the same to the byte
//! (rules: codes and secrets as people type them).

use serde_json::json;
use service::Role;

use crate::{
    judges::STEP_MS,
    world::{World, accepted, accepted_on_paper, refused, text},
};

const PERSIAN: u32 = 0x6f0;
const ARABIC_INDIC: u32 = 0x660;
const DEVANAGARI: u32 = 0x966;
const BENGALI: u32 = 0x9e6;
const MATHEMATICAL: u32 = 0x1d7ce;

/// These digits as the keyboard writes them whose zero this is; letters stay.
fn on_keyboard(zero: u32, digits: &str) -> String {
    let typed = |character: char| match character.to_digit(10) {
        Some(digit) => char::from_u32(zero + digit).expect("a digit"),
        None => character,
    };
    digits.chars().map(typed).collect()
}

/// As a page that is written from right to left has it copied, with a blank without width in the middle.
fn as_copied(code: &str) -> String {
    let (first, second) = code.split_at(code.char_indices().nth(3).expect("more than three").0);
    format!("\u{2068}{first}\u{200b}\u{a0}{second}\u{2069}\u{200f}")
}

#[test]
fn a_user_with_a_persian_keyboard_binds_and_logs_in() {
    let mut world = World::new();
    let sara = world.user("acme", "sara");
    let offered = sara.enroll(&json!({}));
    let now_ms = world.now_ms();
    let short = on_keyboard(PERSIAN, &offered.phone.wrong_code_at(now_ms)[..5]);
    sara.confirm(&offered.id, &[&short]).problem(422, "code_refused");
    let code = as_copied(&on_keyboard(PERSIAN, &offered.phone.code_at(now_ms)));
    let done = sara.confirm(&offered.id, &[&code]).expect(200);
    let device = text(&done["device"]["id"]);
    let phone = offered.phone;
    let plain = phone.code_at(now_ms);
    assert_eq!(sara.verify(&plain), refused(), "D4: it is the code that was used");

    for (zero, script) in [
        (PERSIAN, "Persian"),
        (ARABIC_INDIC, "Arabic-Indic"),
        (DEVANAGARI, "Devanagari"),
        (BENGALI, "Bengali"),
        (MATHEMATICAL, "mathematical"),
    ] {
        world.pass(STEP_MS);
        let code = on_keyboard(zero, &phone.code_at(world.now_ms()));
        assert_eq!(sara.verify(&as_copied(&code)), accepted(&device), "{script}");
        assert_eq!(sara.verify(&code), refused(), "D4: once, {script}");
    }

    // By way of a challenge, too; and on paper, whose letters are never other ones.
    world.pass(STEP_MS);
    let login = json!({"account": "acme", "user": "sara", "purpose": "login", "first_factor": {"method": "password"}});
    let challenge = world.post(Role::Verify, "/v1/challenges", &login).expect(201);
    let answer = json!({"method": "totp", "code": as_copied(&on_keyboard(PERSIAN, &phone.code_at(world.now_ms())))});
    let path = format!("/v1/challenges/{}/answer", text(&challenge["id"]));
    let told = world.post(Role::Verify, &path, &answer).expect(200);
    assert_eq!(told["decision"], "allow", "{told}");
    let codes = done["recovery_codes"].as_array().expect("B6");
    let with_digits = codes
        .iter()
        .map(text)
        .find(|code| code.contains(|c: char| c.is_ascii_digit()));
    let paper = on_keyboard(PERSIAN, &with_digits.expect("one of ten has a digit"));
    assert_eq!(sara.verify_recovery(&as_copied(&paper)), accepted_on_paper());
    world.assert_trail_holds();
}

#[test]
fn a1_the_same_wrong_code_of_another_keyboard_is_a_repeat_and_counts_once() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let wrong = bound.phone.wrong_code_at(world.now_ms());
    let written = [
        wrong.clone(),
        on_keyboard(PERSIAN, &wrong),
        on_keyboard(ARABIC_INDIC, &wrong),
        as_copied(&wrong),
        as_copied(&on_keyboard(DEVANAGARI, &wrong)),
    ];
    for code in written.iter().cycle().take(25) {
        assert_eq!(alice.verify(code), refused());
    }
    assert!(alice.get().get("locked_until").is_none(), "A1: ten would lock");
    let code = bound.phone.code_at(world.now_ms());
    let answer = alice.verify(&on_keyboard(PERSIAN, &code));
    assert_eq!(
        (&answer["accepted"], &answer["wrong_since_last_success"]),
        (&true.into(), &1.into()),
        "A1"
    );

    // Ten codes that differ lock, whatever they are typed on.
    world.pass(STEP_MS);
    for (at, wrong) in bound.phone.wrong_codes_at(world.now_ms(), 10).iter().enumerate() {
        let zero = [PERSIAN, ARABIC_INDIC, MATHEMATICAL][at % 3];
        assert_eq!(alice.verify(&as_copied(&on_keyboard(zero, wrong))), refused());
    }
    assert!(alice.get().get("locked_until").is_some(), "A1");
}

#[test]
fn five_and_seven_digits_are_no_code_on_any_keyboard() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let code = bound.phone.code_at(world.now_ms());
    for wrong in [format!("{code}0"), format!("0{code}"), code[1..].to_owned()] {
        for zero in [PERSIAN, BENGALI, MATHEMATICAL] {
            assert_eq!(alice.verify(&on_keyboard(zero, &wrong)), refused(), "{wrong}");
        }
    }
    assert_eq!(
        alice.verify(&code),
        accepted(&bound.device),
        "and none of them used it up"
    );
}

#[test]
fn a3b_names_are_the_same_to_the_byte_whatever_digits_and_marks_they_have() {
    let world = World::new();
    let plain = world.user("acme", "1234");
    let bound = plain.bind();
    for other in [
        "\u{6f1}\u{6f2}\u{6f3}\u{6f4}",
        "12\u{200b}34",
        "1234\u{200e}",
        "1234\u{fe0f}",
        "１２３４",
    ] {
        let other = world.user("acme", other);
        let code = bound.phone.code_at(world.now_ms());
        assert_eq!(other.verify(&code), refused(), "{}", other.user);
        assert_eq!(other.get()["devices"], json!([]), "{}: somebody else", other.user);
        let theirs = other.bind();
        assert_ne!(theirs.device, bound.device);
        let code = theirs.phone.code_at(world.now_ms());
        assert_eq!(other.verify(&code), accepted(&theirs.device), "{}", other.user);
    }
    assert_eq!(plain.get()["devices"].as_array().map(Vec::len), Some(1));
}
