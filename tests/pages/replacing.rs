//! A device replaced in a browser, without a gap (B8): by an app, by a token, by a code or on paper.

use service::Settings;

use crate::{
    browser::Options,
    devices::{code, scan},
    judges::STEP_MS,
    tokens::stocked,
    visits::Visit,
    world::{World, accepted},
};

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
    let visit = Visit::of(&user, "security", (Options::default().with_keys_alone(), "device"));
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

#[test]
fn b4_an_app_is_bound_by_two_codes_where_the_operator_asks_for_two() {
    let settings = Settings {
        virtual_codes: 2,
        ..Settings::default()
    };
    let world = World::with(settings, server::Limits::default());
    let user = world.user("acme", "alice");
    let visit = Visit::of(&user, "bind", (Options::default(), "two"));
    let phone = scan(&visit.browser);
    visit.walk("codes");
    visit
        .browser
        .type_into("#second", &phone.code_at(world.now_ms() + STEP_MS));
    visit.show_code(&phone.code_at(world.now_ms()));
    visit.keep_codes();
    visit.comes_back("done");
}
