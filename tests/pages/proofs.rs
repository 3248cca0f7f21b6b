//! What a page says of a code or of a proof that is not taken: what the user can mend, and nothing that helps another (B1, B7).

use serde_json::json;

use crate::{
    browser::Options,
    judges::{Phone, STEP_MS},
    visits::Visit,
    world::{MINUTE_MS, SECOND_MS, World},
};

/// Types codes of all kinds; gives what is told of each.
fn told_of_codes(options: Options) -> [String; 5] {
    let world = World::new();
    let user = world.user("acme", "alice");
    let visit = Visit::of(&user, "bind", (options, "hints"));
    let browser = &visit.browser;
    browser.wait_for(".qr");
    let older = Phone::of_uri(&browser.decode_qr());
    visit.open("/pages/bind");
    visit.send();
    browser.wait_for(".qr");
    let phone = Phone::of_uri(&browser.decode_qr());
    assert_ne!(older.secret, phone.secret);
    let now = world.now_ms();
    let odd = |flags: &[&str]| phone.odd_codes_from(flags, now, 1).remove(0);
    let codes = [
        phone.wrong_code_at(now),
        phone.code_at(now + 300 * SECOND_MS),
        older.code_at(now),
        odd(&["--totp=sha256"]),
    ];
    let mut told: Vec<String> = codes.iter().map(|code| refused(&visit, code)).collect();
    // A fifth would end it: what else can be the matter is told of another enrollment.
    visit.open("/pages/bind");
    visit.send();
    browser.wait_for(".qr");
    let phone = Phone::of_uri(&browser.decode_qr());
    told.push(refused(
        &visit,
        &phone.odd_codes_from(&["--totp", "-s", "60s"], now, 1).remove(0),
    ));
    told.try_into().expect("five")
}

/// Types a code that is refused; what is told then.
fn refused(visit: &Visit<'_>, code: &str) -> String {
    visit.browser.type_into("#code", code);
    visit
        .browser
        .script("document.querySelector('[role=alert]')?.remove()", vec![]);
    visit.browser.click("button.primary");
    visit.alert()
}

#[track_caller]
fn assert_says(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "{word:?} is not in {told:?}");
    }
}

#[test]
fn b7_what_the_user_can_mend_is_said() {
    let [wrong, clock, entry, algorithm, period] = told_of_codes(Options::default());
    assert_says(&wrong, &["refused", "Tries left: 4"]);
    assert!(!wrong.contains("clock"), "{wrong}");
    assert_says(&clock, &["300 s fast", "automatic time", "Tries left: 3"]);
    assert_says(&entry, &["older entry", "Tries left: 2"]);
    assert_says(&algorithm, &["SHA-256", "Tries left: 1"]);
    assert_says(&period, &["every 60 s"]);
}

#[test]
fn b7_what_the_user_can_mend_is_said_in_chinese() {
    let [wrong, clock, entry, algorithm, period] = told_of_codes(Options::chinese());
    assert_says(&wrong, &["未通过", "4"]);
    assert!(!wrong.contains(' '), "no blank stands between two sentences: {wrong}");
    assert_says(&clock, &["快 300 秒", "自动设置时间"]);
    assert_says(&entry, &["旧条目"]);
    assert_says(&algorithm, &["SHA-256"]);
    assert_says(&period, &["60 秒"]);
}

#[test]
fn b1_a_link_without_a_proof_of_identity_says_so_before_anything_is_asked() {
    let world = World::new();
    let user = world.user("acme", "alice");
    let visit = Visit::of(&user, "security", (Options::default(), "unproven"));
    let unproven = json!({
        "page": "security", "return_url": visit.console.return_url(), "state": "of the console", "actor": user.actor(),
    });
    visit.enter(&visit.console.link_with(&user, &unproven));
    for (path, field) in [("/pages/bind", "main form"), ("/pages/bind-token", "#serial_number")] {
        visit.open(path);
        assert_says(&visit.alert(), &["Who you are has to be checked first"]);
        assert!(!visit.browser.shows(field), "{path}");
        visit.walk(&path.replace('/', ""));
    }
    user.bind();
    visit.open("/pages/replace");
    assert_says(&visit.alert(), &["Who you are has to be checked first"]);
    assert!(!visit.browser.shows("#code"), "no code is asked for in vain");
}

#[test]
fn b1_the_age_of_a_proof_counts_at_the_act() {
    let world = World::new();
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let visit = Visit::of(&user, "replace", (Options::default(), "proof-old"));
    for _minute in 0..16 {
        world.pass(MINUTE_MS);
        visit.open("/pages/replace");
    }
    visit.show_code(&bound.phone.code_at(world.now_ms()));
    assert_says(&visit.alert(), &["too long ago"]);
    visit.walk("replace");
    world.pass(STEP_MS);
    assert_eq!(user.get()["devices"][0]["id"], json!(bound.device), "nothing is done");
}
