//! Unbind requests in the browsers of staff: opened or vouched for by one, approved by another, rejected, withdrawn (U2).

use serde_json::json;
use service::Role;

use crate::{
    browser::Options,
    desk::{Desk, staff, world},
    world::HOUR_MS,
};

/// A lost device ends by two of staff.
fn lost_device(options: Options, name: &'static str) {
    let world = world();
    let [anna, bao] = staff(&world);
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let desk = Desk::new(&world, options, name);
    let browser = &desk.browser;

    desk.open("/staff/users");
    browser.wait_for("#api_key");
    desk.walk("sign-in");
    browser.type_into("#actor", "mallory");
    browser.type_into("#api_key", "cs_nothing");
    browser.click("main button");
    browser.wait_for("[role=alert]");
    assert_eq!(browser.value("#api_key"), "", "A4: a key is shown nowhere");
    desk.walk("sign-in-refused");
    desk.sign_in(&anna);
    desk.walk("home");

    desk.find(&alice);
    desk.walk("user");
    browser.click("form[action='/staff/unbind-requests/new'] button");
    browser.wait_for("#reason");
    assert_eq!(browser.value("#user"), "alice");
    desk.walk("request-new");
    browser.click("#kind_1 option[value=id_number]");
    browser.type_into("#reference_1", "case-4711/1");
    browser.type_into("#reason", "her phone was stolen");
    browser.click("button.primary");
    browser.wait_for("[role=status]");
    desk.walk("request");
    let request = browser.url();
    let request = &request[request.find("/staff").expect("a path")..request.find('?').unwrap_or(request.len())];

    desk.approve(&anna);
    browser.wait_for("[role=alert]");
    assert_eq!(
        alice.device(&bound.device)["state"],
        "bound",
        "U2: nobody approves what they asked for"
    );
    desk.walk("request-refused");
    desk.sign_out();

    desk.sign_in(&bao);
    desk.open("/staff/unbind-requests");
    desk.walk("requests");
    browser.click("main table a");
    browser.wait_for("#approver_user");
    desk.approve(&bao);
    browser.wait_for("#token");
    let token = browser.text("#token");
    assert!(browser.text("#in-force").contains("24"), "U2: it cools down for 24 h");
    desk.walk("request-approved");
    desk.open(request);
    assert!(!browser.shows("#token"), "the token is shown once");
    let complete = json!({"applicant_token": token, "actor": alice.actor()});
    let complete = || world.post(Role::Enroll, "/v1/support/unbind-requests/complete", &complete);
    complete().problem(409, "request_state");
    world.pass(24 * HOUR_MS);
    assert_eq!(complete().expect(200)["state"], "completed");
    assert_eq!(alice.device(&bound.device)["state"], "unbound");
    desk.open(request);
    browser.wait_for("#api_key");
    browser.assert_no_faults();
}

#[test]
fn u2_a_lost_device_ends_by_two_of_staff() {
    lost_device(Options::default(), "staff");
}

#[test]
fn u2_a_lost_device_ends_by_two_of_staff_in_chinese() {
    lost_device(Options::chinese(), "staff");
}

#[test]
fn u2_a_lost_device_ends_by_two_of_staff_without_scripts() {
    lost_device(Options::default().without_scripts(), "staff-still");
}

/// Somebody applied on a page of theirs: one of staff vouches for it, another rejects it; and one withdraws what they opened.
#[test]
fn u2_an_application_is_vouched_for_and_rejected_and_a_request_withdrawn() {
    let world = world();
    let [anna, bao] = staff(&world);
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let applied = json!({"reason": "It fell into the sea.", "evidence": [], "actor": alice.actor()});
    let path = alice.path("/unbind-applications");
    world.post(Role::Enroll, &path, &applied).expect(201);
    let desk = Desk::new(&world, Options::default(), "staff");
    let browser = &desk.browser;
    desk.sign_in(&anna);
    desk.open("/staff/unbind-requests?state=applied");
    browser.click("main table a");
    browser.wait_for("#vouch");
    assert!(
        !browser.shows("#approver_user"),
        "nobody approves what nobody vouched for"
    );
    desk.walk("request-applied");
    browser.click("#kind_1 option[value=phone]");
    browser.type_into("#reference_1", "call-4711");
    browser.type_into("#vouch-reason", "called back");
    browser.click("form[action$=vouch] button");
    browser.wait_for("[role=status]");
    assert!(browser.shows("#approver_user"), "another approves");
    let request = browser.url();
    let request = request.split('?').next().expect("an address").to_owned();
    let ends = |selector: &str| {
        browser.type_into("#end-reason", "not the voice that we know");
        browser.click(selector);
    };
    ends("form[action$=reject] button.danger");
    browser.wait_for("[role=alert]");
    assert_eq!(
        alice.events("unbind_request.reject", "done").len(),
        0,
        "nobody rejects their own"
    );
    desk.walk("request-not-rejected");
    desk.sign_out();

    desk.sign_in(&bao);
    browser.open(&request);
    ends("form[action$=reject] button.danger");
    browser.wait_for("[role=status]");
    desk.walk("request-rejected");
    assert_eq!(alice.events("unbind_request.reject", "done").len(), 1);
    desk.find(&alice);
    browser.click("form[action='/staff/unbind-requests/new'] button");
    browser.wait_for("#reason");
    browser.click("#kind_1 option[value=id_number]");
    browser.type_into("#reference_1", "case-4712");
    browser.type_into("#reason", "she came in person");
    browser.click("button.primary");
    browser.wait_for("[role=status]");
    ends("button[formaction$=withdraw]");
    browser.wait_until_gone("#end-reason");
    assert_eq!(alice.events("unbind_request.withdraw", "done").len(), 1);
    assert_eq!(
        alice.device(&bound.device)["state"],
        "bound",
        "U2: nothing came of either"
    );
}
