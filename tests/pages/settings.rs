//! The settings of protection in a browser: what is asked for, and what it takes to ask for less (P1, U5).

use serde_json::{Value, json};
use service::Role;

use crate::{
    browser::{Browser, Options},
    console::Console,
    world::{Bound, User, World},
};

/// What is another one each time.
const VARYING: &[&str] = &["time"];

/// A user's browser on one of their pages.
pub(crate) struct Visit<'w> {
    user: User<'w>,
    console: Console,
    pub(crate) browser: Browser,
}

impl<'w> Visit<'w> {
    pub(crate) fn begin(user: &User<'w>, options: Options, page: &str) -> Self {
        Self::from_session(user, options, page, None)
    }

    /// The same, where the console says which session the user is in.
    pub(crate) fn from_session(user: &User<'w>, options: Options, page: &str, session: Option<&Value>) -> Self {
        let console = Console::of(user.world);
        let browser = Browser::with(options);
        let mut wanted = console.wanted(user, page);
        if let Some(session) = session {
            wanted["session"] = session.clone();
        }
        browser.open(&console.link_with(user, &wanted));
        browser.click("main button.primary");
        browser.wait_until_gone("[name=token]");
        Self {
            user: user.clone(),
            console,
            browser,
        }
    }

    /// The page as it stands is looked at, in each language, once.
    #[track_caller]
    pub(crate) fn look(&self, name: &str) {
        if self.browser.runs_scripts() {
            self.browser.walk(name, VARYING);
        }
    }

    /// Goes by the menu.
    #[track_caller]
    pub(crate) fn goes_to(&self, page: &str) {
        self.browser.click(&format!(".menu a[href='/pages/{page}']"));
        self.browser.wait_for_url(&self.url(page));
    }

    pub(crate) fn url(&self, page: &str) -> String {
        format!("http://{}/pages/{page}", self.user.world.address())
    }

    /// Types the phone's code of now, and lets it go by.
    #[track_caller]
    pub(crate) fn types_code(&self, bound: &Bound) {
        self.browser
            .type_into("#code", &bound.phone.code_at(self.user.world.now_ms()));
    }

    #[track_caller]
    pub(crate) fn alert(&self) -> String {
        self.browser.wait_for("[role=alert]");
        self.browser.text("[role=alert]")
    }

    #[track_caller]
    pub(crate) fn notice(&self) -> String {
        self.browser.wait_for("[role=status]");
        self.browser.text("[role=status]")
    }

    pub(crate) fn protection(&self) -> Value {
        let path = self.user.path("/protection");
        self.user.world.get(Role::Enroll, &path).expect(200)
    }

    #[track_caller]
    pub(crate) fn returns(&self, outcome: &str) {
        self.browser.click("footer button");
        let back = self.console.came_back(&self.browser);
        assert_eq!(back.said("outcome").as_deref(), Some(outcome));
    }
}

/// Protection is switched off, which takes a fresh code, and on again, which takes none.
fn protection_by(options: Options, name: &str, said: [&str; 3]) {
    let [title, needs_code, saved] = said;
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let visit = Visit::begin(&alice, options, "protection");
    let browser = &visit.browser;
    assert_eq!(browser.text("h1"), title);
    visit.look(name);

    browser.click("#login-none");
    browser.click("#trust");
    browser.click("main button.primary");
    assert!(visit.alert().contains(needs_code), "U5: {}", visit.alert());
    assert_eq!(
        browser.attribute("#login-none", "checked").as_deref(),
        Some("true"),
        "what was chosen is kept"
    );
    assert_eq!(visit.protection()["login_protection"], "mfa", "U5: nothing changed yet");
    visit.look(&format!("{name}-code"));
    browser.type_into("#code", &bound.phone.wrong_code_at(world.now_ms()));
    browser.click("main button.primary");
    browser.wait_for("[role=alert]");
    assert_eq!(
        visit.protection()["login_protection"],
        "mfa",
        "U5: a wrong code changes nothing"
    );
    visit.types_code(&bound);
    browser.click("main button.primary");
    assert_eq!(
        visit.notice(),
        saved,
        "P1: it takes effect at the next login, and the page says so"
    );
    let told = visit.protection();
    assert_eq!(
        (
            &told["login_protection"],
            &told["operation_protection"],
            &told["allow_trusted_devices"]
        ),
        (&json!("none"), &json!("mfa"), &json!(false))
    );
    visit.look(&format!("{name}-saved"));

    browser.click("#login-mfa");
    browser.click("main button.primary");
    browser.until("it is on again", || visit.protection()["login_protection"] == "mfa");
    visit.returns("done");
}

#[test]
fn u5_protection_is_weakened_by_a_fresh_code_alone() {
    let said = [
        "Login and operation protection",
        "A fresh code of your device is needed",
        "Saved. It takes effect at your next login, and before your next sensitive operation.",
    ];
    protection_by(Options::default(), "protection", said);
}

#[test]
fn u5_protection_is_weakened_in_chinese() {
    let said = [
        "登录保护与操作保护",
        "需要您设备的最新验证码",
        "已保存，将在下次登录或下次敏感操作时生效。",
    ];
    protection_by(Options::chinese(), "protection", said);
}

#[test]
fn u5_protection_is_weakened_without_scripts() {
    let said = [
        "Login and operation protection",
        "A fresh code of your device is needed",
        "Saved. It takes effect at your next login, and before your next sensitive operation.",
    ];
    protection_by(Options::default().without_scripts(), "protection-still", said);
}

#[test]
fn p1_what_needs_a_device_leads_to_binding_one() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let visit = Visit::begin(&alice, Options::default(), "protection");
    let browser = &visit.browser;
    browser.click("#operation-mfa");
    browser.click("main button.primary");
    assert_eq!(visit.alert(), "No device is bound. Bind one first.");
    visit.look("protection-no-device");
    browser.click("main a[href='/pages/bind']");
    browser.wait_for_url(&visit.url("bind"));
    assert_eq!(browser.text("h1"), "Bind an authenticator app");
}

#[test]
fn a_change_meanwhile_is_said_and_nothing_is_overwritten() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    alice.bind();
    let visit = Visit::begin(&alice, Options::default(), "protection");
    let path = alice.path("/protection");
    let etag = world.get(Role::Enroll, &path).etag.expect("an ETag");
    let elsewhere = json!({
        "login_protection": "mfa", "operation_protection": "mfa", "suspicious_login_protection": "mfa",
        "allow_trusted_devices": true, "session_idle_minutes": 120, "session_total_hours": 48, "actor": alice.actor(),
    });
    world.put(Role::Enroll, &path, &elsewhere, Some(&etag)).expect(200);
    visit.browser.click("#trust");
    visit.browser.click("main button.primary");
    assert!(visit.alert().contains("changed meanwhile"), "{}", visit.alert());
    assert_eq!(visit.protection()["allow_trusted_devices"], true);
}

#[test]
fn p1_an_external_method_has_its_name_in_the_users_language() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let proven = json!({"identity": "+86 138 0013 8000", "verified_at": world.time(0), "actor": alice.actor()});
    world
        .call(Role::Enroll, "PUT", &alice.path("/methods/sms"), Some(&proven))
        .expect(200);
    let visit = Visit::begin(&alice, Options::chinese(), "protection");
    assert_eq!(visit.browser.text("label[for=login-sms]"), "短信验证码");
    assert!(
        !visit.browser.shows("#login-wechat"),
        "P1: only what was proven is offered"
    );
    visit.browser.click("#login-sms");
    visit.browser.click("main button.primary");
    visit.notice();
    assert_eq!(visit.protection()["login_protection"], "sms");
    visit.browser.click("#login-none");
    visit.browser.click("main button.primary");
    assert!(visit.alert().contains("尚未绑定 MFA 设备"), "P3a: {}", visit.alert());
    assert_eq!(
        visit.protection()["login_protection"],
        "sms",
        "P3a: no code here could do it"
    );
}
