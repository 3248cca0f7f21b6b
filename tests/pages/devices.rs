//! A user's device in a browser: unbound, its clock measured, recovery codes made anew (U1, U5, D3, D6).

use serde_json::json;
use service::Settings;

use crate::{
    browser::{Browser, Options},
    judges::{Phone, STEP_MS},
    visits::Visit,
    world::{Bound, MINUTE_MS, World, accepted, refused},
};

/// Holds the phone's camera against the screen.
pub(crate) fn scan(browser: &Browser) -> Phone {
    browser.wait_for(".qr");
    Phone::of_uri(&browser.decode_qr())
}

pub(crate) fn code(bound: &Bound, world: &World) -> String {
    bound.phone.code_at(world.now_ms())
}

/// Unbinding from the settings, with every state looked at.
fn unbound_by(view: (Options, &'static str)) {
    let world = World::new();
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let visit = Visit::of(&user, "security", view);
    let browser = &visit.browser;
    visit.walk("device");
    visit.follow("/pages/unbind");
    visit.walk("unbind");
    assert_eq!(
        browser.texts("#ends + ul li").len(),
        5,
        "U1: codes, login, operations, recovery codes, trusted devices"
    );
    visit.send();
    visit.alert();
    visit.show_code(&bound.phone.wrong_code_at(world.now_ms()));
    visit.alert();
    visit.walk("unbind-wrong");
    assert_eq!(
        user.get()["devices"].as_array().map(Vec::len),
        Some(1),
        "nothing is done"
    );
    visit.show_code(&code(&bound, &world));
    browser.wait_for("[role=status]");
    visit.walk("unbind-done");
    let told = user.get();
    assert_eq!(told["devices"], json!([]), "U1");
    assert_eq!(told["protection"]["login_protection"], "none", "U1");
    assert_eq!(user.verify_recovery(&bound.recovery_codes[0])["accepted"], false, "U1");
    visit.open("/pages/unbind");
    visit.walk("unbind-none");
    browser.click("footer form button");
    visit.comes_back("cancelled");
}

#[test]
fn u1_a_device_is_unbound_by_a_code_of_it() {
    unbound_by((Options::default(), "device"));
}

#[test]
fn u1_a_device_is_unbound_in_chinese() {
    unbound_by((Options::chinese(), "device"));
}

#[test]
fn u1_a_device_is_unbound_without_scripts() {
    unbound_by((Options::default().without_scripts(), "device-still"));
}

#[test]
fn u1_a_link_for_unbinding_leads_there_and_back() {
    let world = World::new();
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let visit = Visit::of(&user, "unbind", (Options::default(), "unbind-link"));
    visit.open("/pages/replace");
    assert!(!visit.browser.shows("#code"), "the link is for unbinding alone");
    visit.open("/pages/unbind");
    visit.show_recovery_code(&bound.recovery_codes[3]);
    visit.browser.wait_until_gone("#code");
    visit.walk("done");
    visit.browser.click("main form button");
    visit.comes_back("done");
    assert_eq!(user.get()["devices"], json!([]));
}

/// New recovery codes from the settings.
fn renewed_by(view: (Options, &'static str)) {
    let world = World::new();
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let visit = Visit::of(&user, "security", view);
    visit.follow("/pages/recovery-codes");
    visit.walk("renew");
    visit.show_code(&bound.phone.wrong_code_at(world.now_ms()));
    visit.alert();
    visit.walk("renew-wrong");
    visit.show_code(&code(&bound, &world));
    visit.browser.wait_for("#codes");
    visit.walk("renew-done");
    let codes = visit.keep_codes();
    visit.browser.wait_for("[role=status]");
    assert_eq!(
        user.verify_recovery(&bound.recovery_codes[0])["accepted"],
        false,
        "B6: the old set died"
    );
    assert_eq!(user.verify_recovery(&codes[9])["accepted"], true, "B6");
}

#[test]
fn u5_new_recovery_codes_take_a_fresh_code() {
    renewed_by((Options::default(), "codes"));
}

#[test]
fn u5_new_recovery_codes_take_a_fresh_code_in_chinese() {
    renewed_by((Options::chinese(), "codes"));
}

#[test]
fn u5_new_recovery_codes_take_a_fresh_code_without_scripts() {
    renewed_by((Options::default().without_scripts(), "codes-still"));
}

/// A phone whose clock is ten minutes fast, from the settings.
fn measured_by(view: (Options, &'static str)) {
    let world = World::new();
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let ahead = |steps: i64| bound.phone.code_at(world.now_ms() + 10 * MINUTE_MS + steps * STEP_MS);
    assert_eq!(user.verify(&ahead(0)), refused(), "D6: it is out of the window");
    let visit = Visit::of(&user, "security", view);
    visit.follow("/pages/clock");
    visit.walk("clock");
    visit.show_two_codes(&ahead(0), &ahead(5));
    visit.alert();
    visit.walk("clock-wrong");
    let first = ahead(0);
    world.pass(STEP_MS);
    let second = ahead(0);
    visit.show_two_codes(&first, &second);
    visit.browser.wait_for("[role=status]");
    assert_eq!(user.verify(&second), refused(), "D6: they are burned");
    world.pass(STEP_MS);
    assert_eq!(user.verify(&ahead(0)), accepted(&bound.device), "D6: it is measured");
}

#[test]
fn d6_a_clock_is_measured_by_two_codes_in_a_row() {
    measured_by((Options::default(), "device"));
}

#[test]
fn d6_a_clock_is_measured_in_chinese() {
    measured_by((Options::chinese(), "device"));
}

#[test]
fn d6_a_clock_is_measured_without_scripts() {
    measured_by((Options::default().without_scripts(), "device-still"));
}

#[test]
fn d3_of_several_devices_the_page_asks_which() {
    let settings = Settings {
        devices_max: 3,
        ..Settings::default()
    };
    let world = World::with(settings, server::Limits::default());
    let user = world.user("acme", "alice");
    let first = user.bind();
    let visit = Visit::of(&user, "security", (Options::default(), "several"));
    visit.follow("/pages/bind");
    visit.walk("another");
    visit.show_code(&code(&first, &world));
    let second = scan(&visit.browser);
    visit.show_code(&second.code_at(world.now_ms()));
    visit.keep_codes();
    visit.walk("devices");
    world.pass(STEP_MS);

    visit.follow("/pages/unbind");
    visit.walk("unbind");
    visit.browser.click(&format!("[id='device-{}']", first.device));
    visit.show_code(&second.code_at(world.now_ms()));
    visit.alert();
    assert!(
        visit.browser.shows(&format!("[id='device-{}']:checked", first.device)),
        "what was chosen is chosen"
    );
    visit.show_code(&code(&first, &world));
    visit.browser.wait_for("[role=status]");
    let told = user.get();
    assert_eq!(told["devices"].as_array().map(Vec::len), Some(1), "{told}");
    assert_ne!(told["devices"][0]["id"], json!(first.device), "the other one stays");
    assert_eq!(
        told["protection"]["login_protection"], "mfa",
        "U1: with the last one alone"
    );
}
