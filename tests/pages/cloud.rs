//! The toy cloud of the examples, as its user meets it: registered, logged in, bound by the code on the screen, out and in
//! again with a code, and an operation that asks for another one.

use std::net::SocketAddr;

use serde_json::json;
use service::{NewKey, Role};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{
    browser::{Browser, Options},
    judges::{Phone, STEP_MS},
    world::World,
};

#[path = "../../examples/cloud/toy/mod.rs"]
mod toy;

/// It serves until the test ends, by the world's time.
struct Cloud {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Cloud {
    fn of(world: &World) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let own = format!("http://{address}");
        let wanted = NewKey {
            roles: vec![Role::Verify, Role::Enroll],
            owner: "toy cloud".into(),
            return_urls: toy::return_urls(&own),
            audiences: Vec::new(),
            person: None,
            accounts: None,
        };
        let (_, key) = world.key_as(&wanted);
        let clock = world.clock.clone();
        let means = toy::Means {
            random: Box::new(random),
            now: Box::new(move || api::Timestamp::from_unix_ms(clock.now_ms()).to_string()),
        };
        let cloud = toy::Cloud::new(&format!("http://{}", world.address()), &key, &own, means);
        runtime.spawn(async move { axum::serve(listener, toy::router(cloud)).await });
        Self {
            address,
            _runtime: runtime,
        }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

fn random() -> toy::Told<[u8; 32]> {
    use service::Entropy as _;
    let mut bytes = [0; 32];
    countersign::real::RealEntropy::new()
        .fill(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// A name and a password in the form of this action.
fn enter(browser: &Browser, action: &str) {
    browser.type_into(&format!("form[action='/{action}'] [name=user]"), "alice");
    browser.type_into(&format!("form[action='/{action}'] [name=password]"), "correct horse");
    browser.click(&format!("form[action='/{action}'] button"));
}

fn assert_looks(browser: &Browser) {
    browser.layout();
    browser.axe();
}

/// From the security settings to a bound device, and back.
fn bind(world: &World, browser: &Browser) -> Phone {
    browser.click("#settings");
    browser.wait_for("form[action='/pages/open']");
    browser.click("main button");
    browser.wait_for("form[action='/pages/bind/start']");
    browser.click("form[action='/pages/bind/start'] button");
    browser.wait_for(".qr");
    let phone = Phone::of_uri(&browser.decode_qr());
    browser.type_into("#code", &phone.code_at(world.now_ms()));
    browser.click("button.primary");
    browser.wait_for("#kept");
    browser.click("#kept");
    browser.click("main button.primary");
    browser.wait_for("main h2[id^=device-]");
    browser.click("form[action='/pages/leave'] button");
    phone
}

/// Types a code on the hosted prompt; a page where it is all there is to do sends it by itself.
fn type_code(browser: &Browser, code: &str) {
    browser.wait_for("#code");
    let sends_itself = browser.runs_scripts() && browser.attribute("#code", "data-submit").is_some();
    browser.type_into("#code", code);
    if !sends_itself {
        browser.click("main button.primary");
    }
}

fn from_nothing_to_a_protected_operation(options: Options) {
    let world = World::new();
    let cloud = Cloud::of(&world);
    let browser = Browser::with(options);
    browser.open(&cloud.url());
    assert_looks(&browser);
    enter(&browser, "register");
    browser.wait_for("[role=status]");
    enter(&browser, "login");
    browser.wait_for("#settings");
    assert_looks(&browser);
    assert_eq!(browser.text("#login"), "none", "P1: nothing protects her yet");

    let phone = bind(&world, &browser);
    browser.wait_for_url(&cloud.url());
    browser.wait_for("#devices");
    assert_eq!(browser.text("#devices"), "1", "asked over the API");
    assert_eq!(
        (browser.text("#login"), browser.text("#operation")),
        ("mfa".into(), "mfa".into()),
        "B5"
    );

    browser.click("#logout");
    browser.wait_for("form[action='/login']");
    enter(&browser, "login");
    type_code(&browser, &phone.code_at(world.now_ms()));
    browser.wait_for("[role=alert]");
    assert!(!browser.shows("#settings"), "D4: the code that bound it is used");
    world.pass(STEP_MS);
    browser.click("#trust");
    type_code(&browser, &phone.code_at(world.now_ms()));
    browser.wait_for("#settings");
    browser.click("#logout");
    browser.wait_for("form[action='/login']");
    enter(&browser, "login");
    browser.wait_for("#settings");

    browser.click("#delete-logs");
    browser.wait_for("#resource");
    assert_eq!(browser.text("#resource"), "logs", "P2: trust never covers operations");
    world.pass(STEP_MS);
    type_code(&browser, &phone.code_at(world.now_ms()));
    browser.wait_for("#settings");
    assert!(
        browser.text("[role=status]").contains("Deleted"),
        "{}",
        browser.page_text()
    );
    assert!(!browser.shows("#delete-logs"), "P3: done with a code");
    browser.click("#delete-photos");
    browser.wait_for("#resource");
    assert_eq!(browser.text("#resource"), "photos", "P3: a pass is for one resource");
    browser.click("#leave button");
    browser.wait_for("h1");
    assert_eq!(browser.text("h1"), "No", "cancelled");
    browser.open(&cloud.url());
    assert!(browser.shows("#delete-photos"), "P3: nothing was done");

    let alice = world.user("toy-cloud", "alice");
    assert_eq!(alice.get()["devices"].as_array().map(Vec::len), Some(1));
    let ended = alice.world.post(
        Role::Enroll,
        &alice.path("/sessions/end-all"),
        &json!({"factor": {"code": phone.code_at(world.now_ms() + STEP_MS)}, "actor": alice.actor()}),
    );
    ended.expect(200);
    browser.open(&cloud.url());
    assert!(
        browser.shows("form[action='/login']"),
        "P6: signed out everywhere, so here"
    );
}

#[test]
fn p3_from_registering_to_a_protected_operation_in_a_toy_cloud() {
    from_nothing_to_a_protected_operation(Options::default());
}

#[test]
fn p3_from_registering_to_a_protected_operation_in_chinese() {
    from_nothing_to_a_protected_operation(Options::chinese());
}

#[test]
fn p3_from_registering_to_a_protected_operation_without_scripts() {
    from_nothing_to_a_protected_operation(Options::default().without_scripts());
}

/// What somebody else's page could make a browser do.
#[test]
fn a_return_that_did_not_leave_from_this_browser_is_none() {
    let world = World::new();
    let cloud = Cloud::of(&world);
    let browser = Browser::start();
    browser.open(&cloud.url());
    enter(&browser, "register");
    browser.wait_for("[role=status]");
    enter(&browser, "login");
    browser.wait_for("#settings");
    for forged in [
        "back?outcome=done",
        "back?outcome=done&state=guessed",
        "back?state=",
        "answered?code=guessed&state=",
    ] {
        browser.open(&format!("{}{forged}", cloud.url()));
        assert_eq!(browser.text("h1"), "No", "{forged}");
    }
    // Her own, shown in another browser.
    browser.open(&cloud.url());
    browser.click("#settings");
    browser.wait_for("form[action='/pages/open']");
    browser.click("main button");
    browser.wait_for("form[action='/pages/leave']");
    browser.click("form[action='/pages/leave'] button");
    browser.wait_for("#settings");
    assert!(
        browser.text("[role=status]").contains("Back"),
        "{}",
        browser.page_text()
    );
    let other = Browser::start();
    other.open(&format!("{}back?outcome=done&state=x", cloud.url()));
    assert_eq!(other.text("h1"), "No", "nobody is logged in there");
}
