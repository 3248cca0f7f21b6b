//! Suspicious logins, sessions, trusted browsers and the history in a browser (P2, P5, P6, D5).

use std::{net::IpAddr, sync::Arc};

use serde_json::{Value, json};
use service::{Cities, Location, Role};

use crate::{
    browser::Options,
    console::Console,
    judges::STEP_MS,
    settings::Visit,
    world::{Bound, User, World, text},
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SHENZHEN: &str = "198.41.0.7";

/// All addresses are in one city.
struct OneCity;

impl Cities for OneCity {
    fn is_in_force(&self) -> bool {
        true
    }

    fn locate(&self, _: IpAddr) -> Location {
        Location::City("CN/GD/Shenzhen".into())
    }
}

fn client() -> Value {
    json!({"ip": SHENZHEN, "user_agent": FIREFOX})
}

/// The challenge of a login.
fn asked_at_login(user: &User<'_>) -> Value {
    let asked = json!({
        "account": user.account, "user": user.user, "purpose": "login", "first_factor": {"method": "password"},
        "client": client(),
    });
    user.world.post(Role::Verify, "/v1/challenges", &asked).expect(201)
}

/// A login by the phone in a browser that is trusted from now on, and its session.
fn logs_in(user: &User<'_>, bound: &Bound) {
    let world = user.world;
    let challenge = asked_at_login(user);
    let path = format!("/v1/challenges/{}/answer", text(&challenge["id"]));
    let code = bound.phone.code_at(world.now_ms());
    let answer = json!({"method": "totp", "code": code, "trust_device": true});
    let told = world.post(Role::Verify, &path, &answer).expect(200);
    world.pass(STEP_MS);
    let session = json!({"client": client(), "grant": told["grant"], "actor": {"id": "login", "kind": "service"}});
    world.post(Role::Verify, &user.path("/sessions"), &session).expect(201);
}

fn sessions(user: &User<'_>) -> usize {
    let listed = user.world.get(Role::Enroll, &user.path("/sessions")).expect(200);
    listed["items"].as_array().expect("a list").len()
}

fn trusts(user: &User<'_>) -> usize {
    let listed = user.world.get(Role::Enroll, &user.path("/trusted-devices")).expect(200);
    listed["items"].as_array().expect("a list").len()
}

/// Suspicious logins, sessions, trusted browsers and the history, by the menu of the security settings.
fn settings_by(options: Options, name: &str, said: [&str; 4]) {
    let [count, sure, browser_name, accepted] = said;
    let world = World::with_cities(Arc::new(OneCity));
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let visit = Visit::begin(&alice, options, "security");
    let browser = &visit.browser;

    visit.goes_to("suspicious-login");
    browser.click("#suspicious-mfa");
    browser.click("main button.primary");
    visit.notice();
    assert_eq!(visit.protection()["suspicious_login_protection"], "mfa", "P5");
    logs_in(&alice, &bound);
    logs_in(&alice, &bound);
    visit.goes_to("suspicious-login");
    assert!(browser.page_text().contains(count), "P5: {}", browser.page_text());
    visit.look(&format!("{name}-suspicious"));
    browser.click("form[action$=forget] button");
    visit.notice();
    assert!(!browser.page_text().contains(count), "P5: it is forgotten");
    assert_eq!(alice.events("usual_cities.forget", "done").len(), 1, "A3");
    assert_eq!(
        asked_at_login(&alice)["ground"],
        "unusual_city",
        "P5: it is unusual again"
    );

    visit.goes_to("trusted-devices");
    assert_eq!(browser.texts("tbody tr").len(), 2);
    let row = browser.text("tbody tr");
    assert!(row.contains(browser_name) && row.contains("Shenzhen (CN)"), "{row}");
    visit.look(&format!("{name}-trusted"));
    browser.click("tbody button");
    visit.notice();
    assert_eq!(trusts(&alice), 1, "P2");

    visit.goes_to("sessions");
    assert_eq!(browser.texts("tbody tr").len(), 2, "P6");
    let row = browser.text("tbody tr");
    assert!(row.contains(browser_name) && row.contains("Shenzhen (CN)"), "{row}");
    visit.look(&format!("{name}-sessions"));
    browser.click("#idle option[value='30']");
    browser.click("main button.primary");
    visit.notice();
    assert_eq!(visit.protection()["session_idle_minutes"], 30, "P6");
    if browser.runs_scripts() {
        browser.reload();
        assert!(!browser.shows("[role=status]"), "what was done is told once");
    }
    browser.click("#idle option[value='720']");
    browser.click("main button.primary");
    visit.alert();
    visit.look(&format!("{name}-sessions-code"));
    assert_eq!(
        visit.protection()["session_idle_minutes"],
        30,
        "U5: longer takes a code"
    );
    visit.types_code(&bound);
    browser.click("main button.primary");
    visit.notice();
    assert_eq!(visit.protection()["session_idle_minutes"], 720, "P6");
    world.pass(STEP_MS);

    browser.click("a[href='/pages/sign-out']");
    visit.look(&format!("{name}-sign-out"));
    browser.click("#sure");
    browser.click("button.danger");
    visit.alert();
    assert_eq!(sessions(&alice), 2, "P6: not without a check");
    assert!(browser.page_text().contains(sure));
    visit.types_code(&bound);
    browser.click("button.danger");
    visit.notice();
    assert_eq!(
        (sessions(&alice), trusts(&alice)),
        (0, 0),
        "P6: all of them, and all trust (P2)"
    );
    visit.look(&format!("{name}-sessions-ended"));
    visit.goes_to("trusted-devices");
    visit.look(&format!("{name}-trusted-none"));

    for wrong in bound.phone.wrong_codes_at(world.now_ms(), 8) {
        alice.verify(&wrong);
    }
    visit.goes_to("history");
    let shown = browser.texts("tbody tr");
    assert_eq!(shown.len(), 20, "a page of it");
    assert!(shown.iter().any(|row| row.contains(accepted)), "D5: {shown:#?}");
    visit.look(&format!("{name}-history"));
    browser.click("main a[href*='before=']");
    browser.wait_for("main a[href='/pages/history']");
    let older = browser.texts("tbody tr");
    assert!(
        !older.is_empty() && older.iter().all(|row| !shown.contains(row) || row.is_empty()),
        "{older:#?}"
    );
    visit.returns("done");
}

#[test]
fn p6_the_settings_pages_in_english() {
    let said = [
        "Usual cities: 1",
        "Yes, end all my sessions",
        "Firefox on Linux",
        "Accepted",
    ];
    settings_by(Options::default(), "settings", said);
}

#[test]
fn p6_the_settings_pages_in_chinese() {
    let said = ["常用城市：1 个", "是，结束我的所有会话", "Firefox（Linux）", "通过"];
    settings_by(Options::chinese(), "settings", said);
}

#[test]
fn p6_the_settings_pages_without_scripts() {
    let said = [
        "Usual cities: 1",
        "Yes, end all my sessions",
        "Firefox on Linux",
        "Accepted",
    ];
    settings_by(Options::default().without_scripts(), "settings-still", said);
}

#[test]
fn p6_the_session_that_the_user_came_from_is_marked() {
    let world = World::with_cities(Arc::new(OneCity));
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    logs_in(&alice, &bound);
    logs_in(&alice, &bound);
    let listed = world.get(Role::Enroll, &alice.path("/sessions")).expect(200);
    let (own, newest) = (&listed["items"][0], &listed["items"][1]);
    assert_eq!(own["city"], "CN/GD/Shenzhen", "{own}");
    let visit = Visit::from_session(&alice, Options::default(), "sessions", Some(&own["id"]));
    let rows = visit.browser.texts("tbody tr");
    let is_marked = |row: &String| row.contains("This session");
    assert_eq!(
        rows.iter().map(is_marked).collect::<Vec<_>>(),
        [false, true],
        "{rows:?}"
    );
    visit.look("settings-sessions-this");

    let bob = world.user("acme", "bob");
    let console = Console::of(&world);
    let mut wanted = console.wanted(&bob, "sessions");
    wanted["session"] = newest["id"].clone();
    let path = bob.path("/page-links");
    let told = world.call_as(Some(&console.key), "POST", &path, Some(&wanted));
    told.problem(404, "not_found");
}

/// Without a database of cities the page says so, and the settings say what that means.
#[test]
fn p5_without_a_database_of_cities_the_page_says_so() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    alice.bind();
    let visit = Visit::begin(&alice, Options::default(), "suspicious_login");
    visit.browser.click("#suspicious-mfa");
    visit.browser.click("main button.primary");
    visit.notice();
    let said = visit.browser.page_text();
    assert!(said.contains("There is no database of cities here"), "P5: {said}");
    visit.look("suspicious-no-cities");
}

/// Names that a browser claims are text, whatever stands in them.
#[test]
fn what_a_browser_claims_is_shown_and_never_run() {
    let world = World::new();
    let hostile = "<script>document.title='run'</script><img src=x onerror=alert(1)>";
    let bob = world.user("acme", "bob");
    let session =
        json!({"client": {"ip": SHENZHEN, "user_agent": hostile}, "actor": {"id": "login", "kind": "service"}});
    world.post(Role::Verify, &bob.path("/sessions"), &session).expect(201);
    let visit = Visit::begin(&bob, Options::default(), "sessions");
    assert!(visit.browser.text("tbody tr").contains("<script>document.title"));
    assert_ne!(visit.browser.title(), "run");
    visit.browser.layout();
    visit.browser.open(&visit.url("protection"));
    let said = visit.browser.page_text();
    assert!(
        said.contains("Your link is not for this page"),
        "it is for sessions alone: {said}"
    );
}
