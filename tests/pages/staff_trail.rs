//! The trail and the day of those who audit, in a browser: filters, pages, a file, counts, and names that are markup (A3, D5).

use serde_json::{Value, json};
use service::Role;

use crate::{
    browser::{Browser, Options},
    judges::STEP_MS,
    world::{Bound, MINUTE_MS, User, World},
};

/// What is another one each time.
const VARYING: &[&str] = &["time", "#head"];

const XSS: &str = include_str!("xss.txt");

/// Somebody who audits and is of support, at the desk.
struct Auditor<'w> {
    world: &'w World,
    browser: Browser,
    name: &'static str,
    alice: User<'w>,
    bound: Bound,
}

impl<'w> Auditor<'w> {
    /// After a day on which codes were right, wrong, used and early, and one device was locked.
    fn after_a_day(world: &'w World, options: Options, name: &'static str) -> Self {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        for _ in 0..3 {
            world.pass(60 * MINUTE_MS);
            let code = bound.phone.code_at(world.now_ms());
            alice.verify(&code);
            alice.verify(&code);
        }
        world.pass(STEP_MS);
        alice.verify(&bound.phone.code_at(world.now_ms() + 4 * STEP_MS));
        let bob = world.user("acme", "bob");
        let phone = bob.bind().phone;
        for code in phone.wrong_codes_at(world.now_ms(), 11) {
            bob.verify(&code);
        }
        logs_in(&alice, &bound);
        // What nearly came is shown as wrong for a while (D5).
        world.pass(30 * MINUTE_MS);
        Self {
            world,
            browser: Browser::with(options),
            name,
            alice,
            bound,
        }
    }

    fn open(&self, path: &str) {
        self.browser.open(&format!("http://{}{path}", self.world.address()));
    }

    fn walk(&self, state: &str) {
        self.browser.walk(&format!("{}-{state}", self.name), VARYING);
    }

    fn sign_in(&self, actor: &str, key: &str) {
        self.open("/staff");
        self.browser.type_into("#actor", actor);
        self.browser.type_into("#api_key", key);
        self.browser.click("main button");
        self.browser.wait_for(".menu");
    }

    /// Filters, and finds so many records.
    #[track_caller]
    fn finds(&self, count: usize) {
        self.browser.click("main form[role=search] button");
        let found = || self.browser.texts("main tbody tr").len() == count;
        self.browser.until(&format!("{count} records are found"), found);
    }
}

/// A login by the phone, and its session.
fn logs_in(user: &User<'_>, bound: &Bound) {
    let world = user.world;
    world.pass(STEP_MS);
    let client = json!({"ip": "203.0.113.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"});
    let login = json!({
        "account": user.account, "user": user.user, "purpose": "login", "first_factor": {"method": "password"},
    });
    let asked = world.post(Role::Verify, "/v1/challenges", &login).expect(201);
    let path = format!("/v1/challenges/{}/answer", asked["id"].as_str().expect("an id"));
    let answer = json!({"method": "totp", "code": bound.phone.code_at(world.now_ms())});
    let told = world.post(Role::Verify, &path, &answer).expect(200);
    let session = json!({"client": client, "grant": told["grant"], "actor": user.actor()});
    world.post(Role::Verify, &user.path("/sessions"), &session).expect(201);
}

/// From the sign-in over the day to the trail, its filters and its pages, to a user.
fn audit(options: Options, name: &'static str) {
    let world = World::new();
    let auditor = Auditor::after_a_day(&world, options, name);
    let browser = &auditor.browser;
    let (_, key) = world.new_key(&[Role::Audit, Role::Support], None);
    auditor.sign_in("anna", &key);

    assert!(
        browser.url().ends_with("/staff/today"),
        "it is the first page: {}",
        browser.url()
    );
    assert_eq!(browser.text("#locked"), "1", "A1: ten wrong codes lock");
    let told = browser.page_text();
    // Three right ones and a login; three used ones, one early and ten wrong. What was not judged is told within the minute.
    let sums = browser.text("section[aria-labelledby=hours] p");
    assert!(sums.contains('4') && sums.contains("14"), "{sums}");
    for cause in ["used", "wrong"] {
        let path = format!("main a[href='/staff/trail?cause={cause}']");
        assert!(browser.shows(&path), "{cause}: {told}");
    }
    assert!(!told.contains("too_early"), "D5");
    browser.click("section[aria-labelledby=hours] summary");
    assert_eq!(
        browser.texts("section[aria-labelledby=hours] tbody tr").len(),
        3,
        "{told}"
    );
    auditor.walk("today");

    browser.click(".menu a[href='/staff/trail']");
    browser.wait_for("#older");
    assert_eq!(browser.texts("main tbody tr").len(), 25);
    let first = browser.text("main tbody td");
    auditor.walk("trail");
    browser.click("#older");
    browser.until("older ones", || browser.text("main tbody td") != first);
    auditor.walk("trail-older");
    browser.click("main p.row a");
    browser.until("the newest", || browser.text("main tbody td") == first);

    browser.type_into("#account", "acme");
    browser.type_into("#user", "alice");
    browser.type_into("#cause", "used");
    browser.click("#kind option[value=verify]");
    // D4: three codes were sent again.
    auditor.finds(3);
    auditor.walk("trail-filtered");
    browser.type_into("#actor", "nobody");
    auditor.finds(0);
    auditor.walk("trail-none");
    auditor.open("/staff/trail?user=alice");
    assert!(browser.shows("[role=alert]"), "{}", browser.page_text());
    auditor.walk("trail-refused");

    auditor.open("/staff/trail?cause=too_early");
    browser.click("main tbody a");
    browser.wait_for("#history");
    assert!(
        browser.shows("svg.chart circle"),
        "its clock was told: {}",
        browser.page_text()
    );
    assert!(browser.page_text().contains("203.0.113.7"), "P6: the session is there");
    auditor.walk("user-audited");
    browser.assert_no_faults();
}

#[test]
fn a3_those_who_audit_see_the_day_and_the_trail() {
    audit(Options::default(), "audit");
}

#[test]
fn a3_those_who_audit_see_the_day_and_the_trail_in_chinese() {
    // A field of a time has several stops of the keyboard, and a page of the trail more than the harness follows.
    let options = Options {
        by_keyboard: false,
        ..Options::chinese()
    };
    audit(options, "audit");
}

#[test]
fn a3_those_who_audit_see_the_day_and_the_trail_without_scripts() {
    audit(Options::default().without_scripts(), "audit-still");
}

#[test]
fn a3_what_is_filtered_leaves_as_a_file_and_a_key_without_the_role_is_refused() {
    let world = World::new();
    let auditor = Auditor::after_a_day(&world, Options::default(), "audit");
    let browser = &auditor.browser;
    auditor.sign_in("anna", world.key(Role::Audit));
    auditor.open("/staff/trail?account=acme&user=alice");
    browser.click("#export");
    let (name, file) = browser.downloaded();
    assert!(name.ends_with(".ndjson"), "{name}");
    let file = String::from_utf8(file).expect("text");
    let lines: Vec<Value> = file
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let wanted = world
        .get(Role::Audit, "/v1/audit?account=acme&user=alice&limit=1000")
        .json();
    assert_eq!(json!(lines), wanted["items"], "it is what the API gives");
    assert!(
        !browser.shows("main tbody a"),
        "whoever is not of support is not led to users"
    );
    // Names that are markup are text, on the trail and beside the day.
    let payloads = [
        "<img src=x",
        "<svg/onload",
        "<script>",
        "<iframe srcdoc",
        "<style>@import",
    ];
    let payloads = payloads.map(|part| XSS.lines().find(|line| line.contains(part)).expect("it is in the list"));
    for payload in payloads {
        let named = world.user(payload, payload);
        named.verify(&auditor.bound.phone.wrong_code_at(world.now_ms()));
        let ended = json!({"actor": {"id": payload, "kind": "support"}});
        let path = format!("{}/{}/unlock", auditor.alice.path("/devices"), auditor.bound.device);
        world.post(Role::Support, &path, &ended).expect(200);
    }
    for path in ["/staff/trail", "/staff/today"] {
        auditor.open(path);
        let injected = "return document.querySelectorAll(`main script, main img, main iframe, main style, base,
            main svg [onload], main tbody td > *:not(time, details, a, svg)`).length";
        assert_eq!(browser.script(injected, vec![]), 0, "{path}");
        let shown = browser.page_text();
        if path == "/staff/trail" {
            assert!(
                payloads.iter().all(|payload| shown.contains(payload)),
                "they are text: {shown}"
            );
        }
    }
    auditor.open("/staff/unbind-requests/no-id");
    assert!(browser.shows("main h1"), "a page of ours says that there is none");
    browser.assert_no_faults();
    auditor.open("/staff/trail");
    browser.click(".menu button");
    browser.wait_for("#api_key");

    let (_, limited) = world.new_key(&[Role::Audit], Some(&["elsewhere"]));
    auditor.sign_in("bao", &limited);
    assert!(
        browser.url().ends_with("/staff"),
        "the day is of all accounts: {}",
        browser.url()
    );
    auditor.open("/staff/today");
    assert!(!browser.shows("svg"), "{}", browser.page_text());
    auditor.open("/staff/trail?account=acme");
    assert!(browser.shows("[role=alert]") && browser.texts("main tbody tr").is_empty());
    auditor.open("/staff/trail");
    assert!(!browser.shows("#head"), "nor is the chain theirs");
    auditor.sign_in_anew(world.key(Role::Support));
    for path in ["/staff/trail", "/staff/today", "/staff/trail/export"] {
        auditor.open(path);
        assert!(!browser.shows("main form") && !browser.shows("svg"), "A4: {path}");
    }
    auditor.walk("audit-other-role");
}

impl Auditor<'_> {
    fn sign_in_anew(&self, key: &str) {
        self.browser.click(".menu button");
        self.browser.wait_for("#api_key");
        self.sign_in("eve", key);
    }
}
