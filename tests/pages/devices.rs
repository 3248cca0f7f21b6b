//! A user's device in a browser: unbound, replaced without a gap, its clock measured, recovery codes made anew (U1, U5, B8, D6).

use serde_json::json;
use service::Settings;

use crate::{
    browser::{Browser, Options},
    judges::{Phone, STEP_MS},
    tokens::stocked,
    visits::Visit,
    world::{Bound, MINUTE_MS, World, accepted, refused},
};

/// Holds the phone's camera against the screen.
fn scan(browser: &Browser) -> Phone {
    browser.wait_for(".qr");
    Phone::of_uri(&browser.decode_qr())
}

fn code(bound: &Bound, world: &World) -> String {
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

/// Replacing an app by an app, with every state looked at.
fn replaced_by(view: (Options, &'static str)) {
    let world = World::new();
    let user = world.user("acme", "alice");
    let old = user.bind();
    let used = code(&old, &world);
    assert_eq!(user.verify(&used), accepted(&old.device));
    let visit = Visit::of(&user, "replace", view);
    visit.walk("replace");
    visit.show_code(&used);
    visit.alert();
    visit.walk("replace-used");
    world.pass(STEP_MS);
    visit.show_code(&code(&old, &world));
    let new = scan(&visit.browser);
    world.pass(STEP_MS);
    assert_eq!(
        user.verify(&code(&old, &world)),
        accepted(&old.device),
        "B8: the old one works until the new one is confirmed"
    );
    visit.show_code(&new.code_at(world.now_ms()));
    let codes = visit.keep_codes();
    visit.comes_back("done");
    world.pass(STEP_MS);
    let device = user.get()["devices"][0]["id"].as_str().expect("a device").to_owned();
    assert_ne!(device, old.device);
    assert_eq!(
        user.verify(&code(&old, &world))["accepted"],
        false,
        "B8: the old one is dead"
    );
    assert_eq!(user.verify(&new.code_at(world.now_ms())), accepted(&device));
    assert_eq!(
        user.verify_recovery(&old.recovery_codes[0])["accepted"],
        false,
        "B6: new codes"
    );
    assert_eq!(user.verify_recovery(&codes[0])["accepted"], true, "B6: new codes");
}

#[test]
fn b8_an_app_is_replaced_without_a_gap() {
    replaced_by((Options::default(), "device"));
}

#[test]
fn b8_an_app_is_replaced_in_chinese() {
    replaced_by((Options::chinese(), "device"));
}

#[test]
fn b8_an_app_is_replaced_without_scripts() {
    replaced_by((Options::default().without_scripts(), "device-still"));
}

#[test]
fn b8_a_recovery_code_replaces_an_app_by_a_token() {
    let world = World::new();
    let user = world.user("acme", "alice");
    let old = user.bind();
    let token = stocked(&world, "CS-000042");
    let visit = Visit::of(&user, "security", (Options::default(), "device"));
    visit.follow("/pages/replace");
    assert!(!visit.browser.shows("#serial_number"), "an app has no number");
    visit.browser.click("#new-token");
    visit.browser.type_into("#serial_number", "CS-000042");
    visit.walk("replace-by-token");
    visit.show_recovery_code(&old.recovery_codes[1]);
    visit.browser.type_into("#first", &token.code_at(world.now_ms()));
    visit
        .browser
        .type_into("#second", &token.code_at(world.now_ms() + STEP_MS));
    visit.browser.click("main form button");
    visit.keep_codes();
    visit.browser.wait_for("[role=status]");
    visit.walk("token");
    let told = user.get();
    assert_eq!(told["devices"].as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(told["devices"][0]["serial_number"], "CS-000042");
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
    visit.show_two_codes(&ahead(1), &ahead(2));
    visit.browser.wait_for("[role=status]");
    assert_eq!(user.verify(&ahead(2)), refused(), "D6: they are burned");
    world.pass(3 * STEP_MS);
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
