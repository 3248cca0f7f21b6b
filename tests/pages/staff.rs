//! The service desk in a browser: signing in with an API key, finding a user, and the two persons whom it takes to end a lost
//! device or to let its user in once (U2, U3, D5, A4).

use serde_json::json;
use service::{Approver, Caller, Factor, Method, NewKey, Owner, Role, Settings};

use crate::{
    browser::{Browser, Options},
    judges::STEP_MS,
    world::{Bound, HOUR_MS, User, World},
};

/// What is another one each time.
const VARYING: &[&str] = &["time", "#token", "#passcode", "code"];

/// Somebody of support, with a device of their own and a key that is bound to them.
struct Staff {
    bound: Bound,
    name: &'static str,
    key: String,
}

/// A world whose staff have an account of their own.
fn world() -> World {
    let mut settings = Settings::default();
    settings.support.staff_account = Some("staff".into());
    World::with(settings, server::Limits::default())
}

/// Two of them, whose keys are old enough to approve.
fn staff(world: &World) -> [Staff; 2] {
    let mut all: Vec<Staff> = Vec::new();
    for name in ["anna", "bao"] {
        let bound = world.user("staff", name).bind();
        world.pass(STEP_MS);
        let wanted = NewKey {
            roles: vec![Role::Support],
            owner: format!("team {name}"),
            person: Some(Owner::new("staff", name)),
            accounts: None,
            audiences: Vec::new(),
            return_urls: Vec::new(),
        };
        let approver = all.last().map(|first| Approver {
            owner: Owner::new("staff", first.name),
            factor: Factor::Code {
                code: first.bound.phone.code_at(world.now_ms()).into(),
                method: Method::Totp,
            },
        });
        let made = world.wait(world.service().create_key(&Caller::shell(), &wanted, approver.as_ref()));
        let key = made.expect("a key").1.as_str().to_owned();
        all.push(Staff { bound, name, key });
        world.pass(24 * HOUR_MS);
    }
    world.pass(24 * HOUR_MS);
    all.try_into().unwrap_or_else(|_| panic!("two"))
}

/// The desk, as one browser of it is used.
struct Desk<'w> {
    world: &'w World,
    browser: Browser,
    name: &'static str,
}

impl<'w> Desk<'w> {
    fn new(world: &'w World, options: Options, name: &'static str) -> Self {
        let browser = Browser::with(options);
        Self { world, browser, name }
    }

    fn open(&self, path: &str) {
        self.browser.open(&format!("http://{}{path}", self.world.address()));
    }

    fn walk(&self, state: &str) {
        self.browser.walk(&format!("{}-{state}", self.name), VARYING);
    }

    fn sign_in(&self, staff: &Staff) {
        self.open("/staff");
        self.browser.type_into("#actor", staff.name);
        self.browser.type_into("#api_key", &staff.key);
        self.browser.click("main button");
        self.browser.wait_for(".menu");
    }

    fn sign_out(&self) {
        self.browser.click(".menu button");
        self.browser.wait_for("#api_key");
    }

    /// Finds a user by the two fields.
    fn find(&self, user: &User<'_>) {
        self.open("/staff/users");
        self.browser.type_into("#account", &user.account);
        self.browser.type_into("#user", &user.user);
        self.browser.click("main form button");
        self.browser.wait_for("#history");
    }

    /// Types the approver's code, and approves.
    fn approve(&self, staff: &Staff) {
        self.world.pass(STEP_MS);
        let code = staff.bound.phone.code_at(self.world.now_ms());
        assert_eq!(self.browser.value("#approver_account"), "staff", "the staff's account");
        self.browser.type_into("#code", &code);
        self.browser.click("form[action$=approve] button");
    }
}

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
    let request = &request[request.find("/staff").expect("a path")..request.find('?').expect("a query")];

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
fn d5_support_is_told_why_a_code_was_refused_and_lifts_a_lock() {
    let world = world();
    let [anna, _] = staff(&world);
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let old = bound.phone.code_at(world.now_ms() - 600 * 1_000);
    for code in bound.phone.wrong_codes_at(world.now_ms(), 10) {
        alice.verify(&code);
    }
    let desk = Desk::new(&world, Options::default(), "staff");
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
