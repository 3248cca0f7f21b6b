//! The service desk in a browser: signing in with an API key, finding a user, why their code was refused, and a passcode of two
//! of staff (U3, D5, A4).

use serde_json::json;
use service::Role;

use crate::{
    browser::Options,
    desk::{Desk, staff, world},
};

/// A passcode is asked for, approved by another, and shown once.
fn passcode(options: Options, name: &'static str) {
    let world = world();
    let [anna, bao] = staff(&world);
    let alice = world.user("acme", "alice");
    alice.bind();
    let desk = Desk::new(&world, options, name);
    let browser = &desk.browser;
    desk.sign_in(&anna);
    desk.open("/staff/passcodes");
    desk.walk("passcodes");
    browser.type_into("#account", "acme");
    browser.type_into("#user", "alice");
    browser.type_into("#reason", "left her phone at home");
    browser.click("main button");
    browser.wait_for("#state");
    desk.walk("passcode-requested");
    desk.approve(&anna);
    browser.wait_for("[role=alert]");
    desk.sign_out();

    desk.sign_in(&bao);
    desk.open("/staff/passcodes");
    desk.walk("passcodes-open");
    browser.click("main table a");
    browser.wait_for("#approver_user");
    desk.approve(&bao);
    browser.wait_for("form[action$=reveal]");
    browser.click("form[action$=reveal] button");
    browser.wait_for("[role=alert]");
    assert!(!browser.shows("#passcode"), "U3: whoever asked for it is shown it");
    desk.sign_out();

    desk.sign_in(&anna);
    desk.find(&alice);
    browser.click("a[href^='/staff/passcodes/']");
    browser.wait_for("form[action$=reveal]");
    desk.walk("passcode-approved");
    browser.click("form[action$=reveal] button");
    browser.wait_for("#passcode");
    let shown = browser.text("#passcode");
    assert!(
        shown.len() == 8 && shown.bytes().all(|byte| byte.is_ascii_digit()),
        "U3: {shown}"
    );
    desk.walk("passcode-shown");
    let challenge = json!({
        "account": "acme", "user": "alice", "purpose": "login", "first_factor": {"method": "password"},
    });
    let asked = world.post(Role::Verify, "/v1/challenges", &challenge).json();
    let answer = format!("/v1/challenges/{}/answer", asked["id"].as_str().expect("an id"));
    let answered = world.post(Role::Verify, &answer, &json!({"method": "passcode", "code": shown}));
    assert_eq!(answered.json()["decision"], "allow", "U3");
    browser.assert_no_faults();
}

#[test]
fn u3_a_passcode_is_approved_by_another_and_shown_once() {
    passcode(Options::default(), "staff");
}

#[test]
fn u3_a_passcode_is_approved_by_another_and_shown_once_in_chinese() {
    passcode(Options::chinese(), "staff");
}

#[test]
fn u3_a_passcode_is_approved_by_another_and_shown_once_without_scripts() {
    passcode(Options::default().without_scripts(), "staff-still");
}

#[test]
fn d5_support_is_told_why_a_code_was_refused_and_lifts_a_lock() {
    let world = world();
    let [anna, _] = staff(&world);
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let old = bound.phone.code_at(world.now_ms() - 600 * 1_000);
    for code in bound.phone.wrong_codes_at(world.now_ms(), 10) {
        alice.verify(&code);
    }
    let desk = Desk::new(&world, Options::default().with_keys_alone(), "staff");
    let browser = &desk.browser;
    desk.sign_in(&anna);
    desk.find(&alice);
    assert!(browser.shows("form[action$=unlock]"), "A1: ten wrong codes lock");
    desk.walk("user-locked");
    browser.click("form[action$=unlock] button");
    browser.wait_for("[role=status]");
    assert!(!browser.shows("form[action$=unlock]"), "the lock was lifted");
    browser.type_into("#code", &old);
    browser.click("form[action$=diagnose] button");
    browser.wait_for("#told");
    assert!(
        browser.text("#told").contains("19"),
        "A5: 20 an hour: {}",
        browser.text("#told")
    );
    desk.walk("user-diagnosed");
    assert_eq!(
        alice.events("support.diagnose", "done").len(),
        1,
        "A3: it is in the trail"
    );
}

#[test]
fn a4_a_key_without_a_role_of_staff_is_not_let_in_and_a_role_sees_its_pages_alone() {
    let world = world();
    let desk = Desk::new(&world, Options::default(), "staff");
    let browser = &desk.browser;
    desk.open("/staff");
    browser.type_into("#actor", "eve");
    browser.type_into("#api_key", world.key(Role::Verify));
    browser.click("main button");
    browser.wait_for("[role=alert]");
    browser.type_into("#actor", "ida");
    browser.type_into("#api_key", world.key(Role::Inventory));
    browser.click("main button");
    browser.wait_for(".menu");
    assert!(!browser.shows("a[href='/staff/users']"), "{}", browser.page_text());
    for path in ["/staff/users", "/staff/unbind-requests", "/staff/passcodes"] {
        desk.open(path);
        assert!(!browser.shows("main form"), "{path}: {}", browser.page_text());
    }
    desk.walk("other-role");
}
