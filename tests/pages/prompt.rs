//! The hosted prompt in a browser: a login and an operation are confirmed, a browser is trusted, a recovery code stands in for
//! the device, codes are refused and locked, the user cancels or is too late; and the login service fetches what came of it.

use serde_json::{Value, json};

use crate::{
    browser::{Browser, Options},
    console::{Console, Return},
    login_service::{LoginService, Sent},
    world::{Bound, MINUTE_MS, User, World},
};

/// What is another one each time.
const VARYING: &[&str] = &["time", "main .lead", "#leave button"];
const OPERATION: &str = "cloud-virtual-machine/shutting-down-instances";

/// What a language says.
struct Words {
    operation: &'static str,
    login: &'static str,
}

const ENGLISH: Words = Words {
    operation: "Cloud Virtual Machine: Shutting Down Instances",
    login: "Confirm your login",
};
const CHINESE: Words = Words {
    operation: "云服务器：关机实例",
    login: "登录验证",
};

/// A browser that a login service sent to the prompt, and where it comes back to.
struct Visit<'w> {
    service: LoginService<'w>,
    back: Console,
    user: User<'w>,
    bound: Bound,
    browser: Browser,
    name: &'static str,
}

impl<'w> Visit<'w> {
    fn of(world: &'w World, options: Options, name: &'static str) -> Self {
        let user = world.user("acme", "alice");
        let bound = user.bind();
        let back = Console::of(world);
        Self {
            service: LoginService::of(world, &back.return_url()),
            back,
            user,
            bound,
            browser: Browser::with(options),
            name,
        }
    }

    fn walk(&self, state: &str) {
        self.browser.walk(&format!("{}-{state}", self.name), VARYING);
    }

    /// Sends the browser to the prompt of this challenge.
    fn sent(&self, challenge: &str) -> Sent {
        let sent = self.service.send(challenge, "kept in this browser's session");
        let address = self.service.world.address();
        self.browser.open(&format!("http://{address}{}", sent.path));
        self.browser.wait_for("main form");
        sent
    }

    fn operation(&self) -> String {
        let operation =
            json!({"purpose": "operation", "session_id": "s-1", "operation": OPERATION, "resource": "ins-1a2b"});
        self.service.ask(&self.user, &operation)
    }

    fn code(&self) -> String {
        self.bound.phone.code_at(self.service.world.now_ms())
    }

    /// Types a code, which a page of an operation sends by itself where it may run scripts.
    fn type_code(&self, code: &str) {
        let sends_itself = self.browser.runs_scripts() && self.browser.attribute("#code", "data-submit").is_some();
        self.browser.type_into("#code", code);
        if !sends_itself {
            self.browser.click("main button.primary");
        }
    }

    /// Back at the login service, which is told nothing but a code or an outcome, and its own state.
    #[track_caller]
    fn came_back(&self) -> Return {
        let back = self.back.came_back(&self.browser);
        assert_eq!(back.said("state").as_deref(), Some(LoginService::STATE));
        assert_eq!(back.header("referer"), None, "no address of ours goes elsewhere");
        back
    }

    /// What the login service fetches.
    #[track_caller]
    fn fetched(&self, sent: &Sent) -> Value {
        let back = self.came_back();
        assert_eq!(back.url.query_pairs().count(), 2, "{}", back.url);
        let code = back.said("code").expect("a one-time code");
        let told = self.service.exchange(&code, &sent.verifier).expect(200);
        assert_eq!(told["decision"], "allow", "{told}");
        told
    }
}

/// A login: a wrong code, then the right one, and the browser is trusted.
fn login(options: Options, name: &'static str, words: &Words) {
    let world = World::new();
    let visit = Visit::of(&world, options, name);
    let browser = &visit.browser;
    let sent = visit.sent(&visit.service.login(&visit.user));
    assert_eq!(browser.text("h1"), words.login);
    visit.walk("login");
    visit.type_code(&visit.bound.phone.wrong_code_at(world.now_ms()));
    browser.wait_for("#tips");
    visit.walk("login-refused");
    browser.click("#trust");
    visit.type_code(&visit.code());
    let told = visit.fetched(&sent);
    assert_eq!(told["wrong_since_last_success"], 1, "{told}");
    let login = json!({
        "account": "acme", "user": "alice", "purpose": "login", "first_factor": {"method": "password"},
        "trusted_device": told["trusted_device"],
    });
    let next = visit.service.post("/v1/challenges", &login).expect(201);
    assert_eq!(next["ground"], "trusted_device", "P2: {next}");
    browser.open(&format!("http://{}/pages/prompt", world.address()));
    assert!(!browser.shows("#code"), "the visit is over");
}

/// An operation, named in the reader's language, by a recovery code.
fn operation(options: Options, name: &'static str, words: &Words) {
    let world = World::new();
    let visit = Visit::of(&world, options, name);
    let browser = &visit.browser;
    let sent = visit.sent(&visit.operation());
    assert_eq!(browser.text("#operation"), words.operation, "P3");
    assert_eq!(browser.text("#resource"), "ins-1a2b");
    assert!(!browser.shows("#trust"), "P2: trust never covers operations");
    visit.walk("operation");
    visit.type_code(&visit.bound.phone.wrong_code_at(world.now_ms()));
    browser.wait_for("#tips");
    browser.click("a[href*=recovery_code]");
    browser.wait_for("#code[autocapitalize]");
    visit.walk("operation-recovery");
    visit.type_code(&visit.bound.recovery_codes[3]);
    let told = visit.fetched(&sent);
    assert_eq!(told["method"], "recovery_code", "P3a: {told}");
    let asked = json!({
        "grant": told["grant"], "session_id": "s-1", "operation": OPERATION, "resource": "ins-1a2b",
    });
    let grant = visit.service.post("/v1/grants/introspect", &asked).expect(200);
    assert_eq!(grant["active"], true, "P3: {grant}");
}

/// Ten wrong codes lock the device, which the page says; the user cancels.
fn locked(options: Options, name: &'static str) {
    let world = World::new();
    let visit = Visit::of(&world, options, name);
    let challenge = visit.service.login(&visit.user);
    let mut wrong = visit.bound.phone.wrong_codes_at(world.now_ms(), 10);
    let last = wrong.pop().expect("ten");
    for code in &wrong {
        let path = format!("/v1/challenges/{challenge}/answer");
        let told = visit.service.post(&path, &json!({"method": "totp", "code": code}));
        assert_eq!(told.expect(200)["decision"], "challenge");
    }
    visit.sent(&challenge);
    visit.type_code(&last);
    visit.browser.wait_for("#locked");
    assert!(
        !visit.browser.shows("#code"),
        "A1: nothing to type while nothing is judged"
    );
    assert!(visit.browser.shows("a[href*=recovery_code]"), "A2: another way");
    visit.walk("locked");
    visit.browser.click("#leave button");
    assert_eq!(visit.came_back().said("outcome").as_deref(), Some("cancelled"));
}

/// The user is too late.
fn expired(options: Options, name: &'static str) {
    let world = World::new();
    let visit = Visit::of(&world, options, name);
    visit.sent(&visit.service.login(&visit.user));
    visit.type_code(&visit.bound.phone.wrong_code_at(world.now_ms()));
    visit.browser.wait_for("#tips");
    world.pass(5 * MINUTE_MS);
    visit.browser.open(&format!("http://{}/pages/prompt", world.address()));
    visit.browser.wait_for("#leave");
    assert!(!visit.browser.shows("#code"));
    visit.walk("ended");
    visit.browser.click("#leave button");
    assert_eq!(visit.came_back().said("outcome").as_deref(), Some("expired"));
}

macro_rules! journeys {
    ($($name:ident: $journey:expr;)+) => { $(#[test] fn $name() { $journey; })+ };
}

fn still() -> Options {
    Options::default().without_scripts()
}

journeys! {
    p2_a_login_is_confirmed_and_its_browser_trusted: login(Options::default(), "prompt", &ENGLISH);
    p2_a_login_is_confirmed_in_chinese: login(Options::chinese(), "prompt", &CHINESE);
    p2_a_login_is_confirmed_without_scripts: login(still(), "prompt-still", &ENGLISH);
    p3_an_operation_is_confirmed_by_a_recovery_code: operation(Options::default(), "prompt", &ENGLISH);
    p3_an_operation_is_confirmed_in_chinese: operation(Options::chinese(), "prompt", &CHINESE);
    p3_an_operation_is_confirmed_without_scripts: operation(still(), "prompt-still", &ENGLISH);
    a1_a_lock_is_said_and_what_else_there_is: locked(Options::default(), "prompt");
    a1_a_lock_is_said_in_chinese: locked(Options::chinese(), "prompt");
    a1_a_lock_is_said_without_scripts: locked(still(), "prompt-still");
    whoever_is_too_late_goes_back: expired(Options::default(), "prompt");
    whoever_is_too_late_goes_back_in_chinese: expired(Options::chinese(), "prompt");
    whoever_is_too_late_goes_back_without_scripts: expired(still(), "prompt-still");
}

#[test]
fn p3_the_code_of_an_operation_is_typed_at_once_and_sends_itself() {
    let world = World::new();
    let visit = Visit::of(&world, Options::default(), "prompt-keys");
    let sent = visit.sent(&visit.operation());
    visit.browser.type_text(&visit.code());
    let told = visit.fetched(&sent);
    assert_eq!(told["method"], "totp", "{told}");
}
