//! A lost device in a browser: a recovery code replaces it, or the user applies for its end, of which nothing comes by itself
//! (U2).

use serde_json::json;
use service::Settings;

use crate::{
    browser::Options,
    judges::{Phone, STEP_MS},
    visits::Visit,
    world::{World, accepted},
};

/// A world whose operator takes applications, and says where help is found.
fn world() -> World {
    let mut settings = Settings {
        contact: Some("help@acme.example".into()),
        ..Settings::default()
    };
    settings.support.applications = true;
    World::with(settings, server::Limits::default())
}

/// An application, with every state looked at.
fn applied_by(view: (Options, &'static str)) {
    let world = world();
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let visit = Visit::of(&user, "lost", view);
    let browser = &visit.browser;
    assert!(browser.page_text().contains("help@acme.example"), "where help is found");
    visit.walk("lost");
    browser.type_into("#reason", "It fell into the sea.\nWith my phone.");
    browser.type_into("#reference_1", "case 17");
    visit.send();
    visit.alert();
    assert_eq!(browser.value("#reason"), "It fell into the sea.\nWith my phone.");
    assert_eq!(browser.value("#reference_1"), "case 17", "half a row is not dropped");
    visit.walk("lost-half");
    browser.click("#kind_1 option[value=id_number]");
    visit.send();
    browser.wait_until_gone("#reason");
    visit.walk("lost-applied");
    let applications = user.events("unbind_request.apply", "done");
    assert_eq!(applications.len(), 1, "U2");
    world.pass(STEP_MS);
    assert_eq!(
        user.verify(&bound.phone.code_at(world.now_ms())),
        accepted(&bound.device),
        "U2: nothing comes of it by itself"
    );
    visit.open("/pages/lost");
    browser.wait_for("#reason");
}

#[test]
fn u2_a_user_applies_for_the_end_of_a_lost_device() {
    applied_by((Options::default(), "lost"));
}

#[test]
fn u2_a_user_applies_in_chinese() {
    applied_by((Options::chinese(), "lost"));
}

#[test]
fn u2_a_user_applies_without_scripts() {
    applied_by((Options::default().without_scripts(), "lost-still"));
}

#[test]
fn p3a_a_recovery_code_replaces_a_lost_device() {
    let world = World::new();
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let visit = Visit::of(&user, "lost", (Options::default(), "lost"));
    assert!(!visit.browser.shows("#reason"), "this operator takes no applications");
    visit.walk("no-applications");
    visit.follow("/pages/replace");
    visit.show_recovery_code(&bound.recovery_codes[2]);
    visit.browser.wait_for(".qr");
    let new = Phone::of_uri(&visit.browser.decode_qr());
    visit.show_code(&new.code_at(world.now_ms()));
    visit.keep_codes();
    visit.comes_back("done");
    let told = user.get();
    assert_eq!(told["devices"].as_array().map(Vec::len), Some(1), "{told}");
    assert_ne!(told["devices"][0]["id"], json!(bound.device));
}

#[test]
fn u2_the_fourth_application_of_a_day_is_told_to_wait() {
    let world = world();
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let visit = Visit::of(&user, "lost", (Options::default(), "lost"));
    for _withdrawn in 0..3 {
        visit.browser.type_into("#reason", "It is gone.");
        visit.send();
        assert!(!visit.browser.shows("#reason"), "a user has one open application");
        world.pass(STEP_MS);
        let code = bound.phone.code_at(world.now_ms());
        assert_eq!(user.verify(&code), accepted(&bound.device));
        visit.open("/pages/lost");
    }
    visit.browser.type_into("#reason", "It is gone.");
    visit.send();
    assert!(visit.alert().contains("tomorrow"), "{}", visit.alert());
}
