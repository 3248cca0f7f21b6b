//! Somebody tries the hosted pages: the relay of a prompt, links that were stolen or seen first, forms of other sites, cookies
//! of somebody else's making.

use serde_json::json;
use service::{Caller, Role};
use url::Url;

use crate::{
    judges::STEP_MS,
    login_service::{LoginService, Sent},
    tab::{OWN, Seen, Tab},
    world::{Bound, MINUTE_MS, SECOND_MS, User, World, text},
};

pub(super) const BACK: &str = "https://login.example/mfa/back?from=login";
const PROMPT: &str = "__Host-countersign-prompt";
const SETTINGS: &str = "__Host-countersign-user";

/// A user who logs in, and stands before the prompt.
pub(super) struct Login<'w> {
    pub(super) service: LoginService<'w>,
    pub(super) user: User<'w>,
    pub(super) bound: Bound,
    pub(super) sent: Sent,
}

pub(super) fn login(world: &World) -> Login<'_> {
    let service = LoginService::of(world, BACK);
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let challenge = service.login(&user);
    let sent = service.send(&challenge, "of alice's own browser");
    Login {
        service,
        user,
        bound,
        sent,
    }
}

impl Login<'_> {
    pub(super) fn code(&self) -> String {
        self.bound.phone.code_at(self.service.world.now_ms())
    }

    /// Types a code on the page of this link.
    pub(super) fn type_code(&self, tab: &Tab<'_>, code: &str) -> Seen {
        let fields = [
            ("token", self.sent.token()),
            ("act", "answer"),
            ("method", "totp"),
            ("code", code),
        ];
        tab.post("/pages/open", &fields)
    }
}

#[test]
fn an_answer_on_the_prompt_reaches_the_service_that_asked_for_it_once() {
    let world = World::new();
    let login = login(&world);
    let tab = Tab::of(&world);
    let page = tab.get(&login.sent.path);
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("login.example"),
        "whose request it is: {}",
        page.body
    );
    let back = login.type_code(&tab, &login.code());
    assert_eq!(back.status, 303, "{}", back.body);
    assert!(
        back.location().starts_with(&format!("{BACK}&code=")),
        "{}",
        back.location()
    );
    assert_eq!(back.said("state").as_deref(), Some(LoginService::STATE));
    assert_eq!(back.said("outcome"), None, "a state says nothing but itself");
    assert!(tab.cookies.borrow().is_empty(), "the visit is over");
    let state = login.service.state(&login.sent.challenge);
    assert_eq!(state["state"], "answered");
    let code = back.said("code").expect("a one-time code");
    let told = login.service.exchange(&code, &login.sent.verifier).expect(200);
    assert_eq!(told["decision"], "allow", "{told}");
    assert_eq!(told["wrong_since_last_success"], 0);
    let grant = json!({"grant": told["grant"]});
    let active = login.service.post("/v1/grants/introspect", &grant).expect(200);
    assert_eq!(active["active"], true, "{active}");
    login
        .service
        .exchange(&code, &login.sent.verifier)
        .problem(404, "not_found");
    assert_eq!(login.user.events("prompt.exchange", "done").len(), 1);
}

/// The thief has the password, starts a login of their own, and sends the victim its prompt; the victim answers.
#[test]
fn p2_the_relay_of_a_prompt_gives_the_thief_nothing() {
    let world = World::new();
    let login = login(&world);
    let thief = login.service.login(&login.user);
    let relayed = login.service.send(&thief, "of the thief's browser");
    let victim = Tab::of(&world);
    let fields = [
        ("token", relayed.token()),
        ("act", "answer"),
        ("method", "totp"),
        ("code", &*login.code()),
    ];
    let back = victim.post("/pages/open", &fields);
    let code = back.said("code").expect("it went to the victim's browser");

    let state = login.service.state(&relayed.challenge);
    assert_eq!(state["state"], "answered");
    for told in ["decision", "grant", "code", "trusted_device"] {
        assert!(state.get(told).is_none(), "{told}: {state}");
    }
    let answer = json!({"method": "totp", "code": login.code()});
    let again = format!("/v1/challenges/{}/answer", relayed.challenge);
    login.service.post(&again, &answer).problem(410, "challenge_ended");
    for guess in ["", "none", &"A".repeat(43), relayed.token()] {
        login
            .service
            .exchange(guess, &relayed.verifier)
            .problem(404, "not_found");
    }
    // The service looks into the session of the browser that brought the code: the victim's, which has no such login.
    login
        .service
        .exchange(&code, &login.sent.verifier)
        .problem(404, "not_found");
    login
        .service
        .exchange(&code, &relayed.verifier)
        .problem(404, "not_found");
    assert_eq!(login.user.events("prompt.exchange", "refused").len(), 1, "A3");
    assert!(login.user.events("prompt.exchange", "done").is_empty());
}

#[test]
fn an_answer_is_for_one_key_one_verifier_and_one_minute() {
    let world = World::new();
    let login = login(&world);
    let code = login
        .type_code(&Tab::of(&world), &login.code())
        .said("code")
        .expect("a code");
    let other = LoginService::of(&world, "https://other.example/back");
    other.exchange(&code, &login.sent.verifier).problem(404, "not_found");
    world.pass(59 * SECOND_MS);
    assert_eq!(
        login.service.exchange(&code, &login.sent.verifier).expect(200)["decision"],
        "allow"
    );

    world.pass(STEP_MS);
    let late = Login {
        sent: login.service.send(&login.service.login(&login.user), "later"),
        ..login
    };
    let code = late
        .type_code(&Tab::of(&world), &late.code())
        .said("code")
        .expect("a code");
    world.pass(MINUTE_MS);
    late.service
        .exchange(&code, &late.sent.verifier)
        .problem(404, "not_found");
}

#[test]
fn a_previewer_opens_nothing_and_a_link_opens_once() {
    let world = World::new();
    let login = login(&world);
    let before = world.events().len();
    for _ in 0..3 {
        assert_eq!(
            Tab::of(&world).get(&login.sent.path).status,
            200,
            "a mail scanner looks"
        );
    }
    assert_eq!(world.events().len(), before, "looking changes nothing");
    let tab = Tab::of(&world);
    assert_eq!(
        login
            .type_code(&tab, &login.bound.phone.wrong_code_at(world.now_ms()))
            .status,
        200
    );
    let thief = login.type_code(&Tab::of(&world), &login.code());
    assert_eq!(thief.status, 410, "whoever is second is let in nowhere");
    assert_eq!(Tab::of(&world).get(&login.sent.path).status, 410);

    let unopened = login.service.send(&login.sent.challenge, "too late");
    world.pass(2 * MINUTE_MS);
    assert_eq!(Tab::of(&world).get(&unopened.path).status, 410);
}

#[test]
fn a_prompt_goes_back_only_where_its_key_said() {
    let world = World::new();
    let login = login(&world);
    let path = format!("/v1/challenges/{}/page-link", login.sent.challenge);
    let body = |url: &str| {
        json!({
            "return_url": url, "state": "s", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        })
    };
    let near = [
        "https://login.example/mfa/back",
        "https://login.example/mfa/back?from=login&next=https://evil.example",
        "https://login.example/mfa/back?from=login#",
        "https://LOGIN.example/mfa/back?from=login",
        "https://login.example.evil.example/mfa/back?from=login",
        "https://login.example@evil.example/",
        "//evil.example",
        "javascript:alert(1)",
    ];
    for url in near {
        login.service.post(&path, &body(url)).problem(400, "invalid_request");
    }
    let other = LoginService::of(&world, "https://other.example/back");
    other
        .post(&path, &body("https://other.example/back"))
        .problem(404, "not_found");
    // Nothing that the browser says leads elsewhere.
    let tab = Tab::of(&world);
    let fields = [
        ("token", login.sent.token()),
        ("act", "leave"),
        ("return_url", "https://evil.example/"),
        ("outcome", "done"),
    ];
    let back = tab.post("/pages/open?return_url=https://evil.example/", &fields);
    assert!(back.location().starts_with(BACK), "{}", back.location());
    assert_eq!(back.said("outcome").as_deref(), Some("cancelled"));
}

#[test]
fn forms_of_other_sites_do_nothing() {
    let world = World::new();
    let login = login(&world);
    let (token, code) = (login.sent.token().to_owned(), login.code());
    let opening = [
        ("token", &*token),
        ("act", "answer"),
        ("method", "totp"),
        ("code", &*code),
    ];
    let foreign: [&[(&str, &str)]; 5] = [
        &[],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.login.example"),
        ],
        &[("origin", "https://evil.example")],
        &[("sec-fetch-site", "none")],
    ];
    for said in foreign {
        let told = Tab::of(&world).post_as("/pages/open", &opening, said);
        assert_eq!(told.status, 403, "{said:?}");
    }
    let tab = Tab::of(&world);
    let wrong = login.type_code(&tab, &login.bound.phone.wrong_code_at(world.now_ms()));
    let form_token = wrong.form_token();
    let answer = |form_token: &str, said: &[(&str, &str)]| {
        let fields = [
            ("form_token", form_token),
            ("act", "answer"),
            ("method", "totp"),
            ("code", &*code),
        ];
        tab.post_as("/pages/prompt", &fields, said)
    };
    for said in foreign {
        assert_eq!(answer(&form_token, said).status, 403, "{said:?}");
    }
    for token in ["", "none", &*token] {
        assert_eq!(answer(token, OWN).status, 403, "{token}");
    }
    assert_eq!(login.service.state(&login.sent.challenge)["state"], "open");
    assert_eq!(answer(&form_token, OWN).status, 303, "its own form does it");
}

#[test]
fn no_page_is_framed_kept_or_told_where_it_came_from() {
    let world = World::new();
    let login = login(&world);
    let tab = Tab::of(&world);
    let wrong = login.bound.phone.wrong_code_at(world.now_ms());
    let pages = [
        tab.get(&login.sent.path),
        login.type_code(&tab, &wrong),
        tab.get("/pages/prompt"),
        tab.get("/pages/open/none"),
        tab.get("/pages/nothing"),
    ];
    for page in &pages {
        let header = |name: &str| page.headers.get(name).map(String::as_str).unwrap_or_default();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "script-src 'self';",
        ] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
}

#[test]
fn a_cookie_that_was_there_before_is_not_taken_over() {
    let world = World::new();
    let login = login(&world);
    let thief = Tab::of(&world);
    let wrong = login.bound.phone.wrong_code_at(world.now_ms());
    login.type_code(&thief, &wrong);
    let planted = thief.cookies.borrow()[PROMPT].clone();

    let own = login
        .service
        .send(&login.service.login(&login.user), "of the victim's browser");
    let victim = Tab::of(&world);
    victim.cookies.borrow_mut().insert(PROMPT.into(), planted.clone());
    let fields = [
        ("token", own.token()),
        ("act", "answer"),
        ("method", "totp"),
        ("code", &*wrong),
    ];
    assert_eq!(victim.post("/pages/open", &fields).status, 200);
    let given = victim.cookies.borrow()[PROMPT].clone();
    assert_ne!(given, planted);
    // Beside a second of its name neither counts.
    let both = format!("{given}; {PROMPT}={planted}");
    victim.cookies.borrow_mut().insert(PROMPT.into(), both);
    assert_eq!(victim.get("/pages/prompt").status, 403);
}

#[test]
fn a_cookie_opens_only_what_its_link_was_for() {
    let world = World::new();
    let login = login(&world);
    let tab = Tab::of(&world);
    login.type_code(&tab, &login.bound.phone.wrong_code_at(world.now_ms()));
    let prompt = tab.cookies.borrow()[PROMPT].clone();
    for page in [
        "security",
        "bind",
        "protection",
        "sessions",
        "trusted-devices",
        "history",
    ] {
        assert_eq!(tab.get(&format!("/pages/{page}")).status, 403, "{page}");
    }
    tab.cookies.borrow_mut().insert(SETTINGS.into(), prompt);
    for page in [
        "security",
        "bind",
        "protection",
        "sessions",
        "trusted-devices",
        "history",
    ] {
        assert_eq!(
            tab.get(&format!("/pages/{page}")).status,
            403,
            "{page}, under the other name"
        );
    }
}

#[test]
fn a_visit_ends_with_its_key_and_after_fifteen_idle_minutes() {
    let world = World::new();
    let login = login(&world);
    let wrong = login.bound.phone.wrong_code_at(world.now_ms());
    let tab = Tab::of(&world);
    login.type_code(&tab, &wrong);
    world.pass(14 * MINUTE_MS);
    assert_eq!(tab.get("/pages/prompt").status, 200);
    world.pass(15 * MINUTE_MS);
    assert_eq!(tab.get("/pages/prompt").status, 403, "idle");

    let sent = login.service.send(&login.service.login(&login.user), "again");
    let tab = Tab::of(&world);
    let fields = [
        ("token", sent.token()),
        ("act", "answer"),
        ("method", "totp"),
        ("code", &*wrong),
    ];
    tab.post("/pages/open", &fields);
    for _ in 0..6 {
        world.pass(9 * MINUTE_MS);
        assert_eq!(tab.get("/pages/prompt").status, 200, "seen lately");
    }
    world.pass(9 * MINUTE_MS);
    assert_eq!(tab.get("/pages/prompt").status, 403, "an hour is over");

    let login = Login {
        sent: login.service.send(&login.service.login(&login.user), "once more"),
        ..login
    };
    let unopened = login.service.send(&login.sent.challenge, "unopened");
    let tab = Tab::of(&world);
    login.type_code(&tab, &wrong);
    assert_eq!(tab.get("/pages/prompt").status, 200);
    let revoked = world.service();
    world
        .wait(revoked.revoke_key(&Caller::shell(), login.service.id))
        .expect("a key can be revoked");
    assert_eq!(tab.get("/pages/prompt").status, 403, "A4: its key is revoked");
    assert_eq!(tab.get(&unopened.path).status, 410, "and its links");
}

/// Texts that a page would run, or would be torn by, if it wrote them as they are.
const XSS: &str = include_str!("../pages/xss.txt");

/// The elements of a page and the names of their attributes, in order: what no text that is shown may change.
fn skeleton(page: &str) -> Vec<String> {
    let mut left = page;
    let mut found = Vec::new();
    while let Some(at) = left.find('<') {
        left = &left[at + 1..];
        let mut quote = None;
        let end = left.find(|letter| {
            match (quote, letter) {
                (None, '"' | '\'') => quote = Some(letter),
                (Some(open), _) if open == letter => quote = None,
                _ => {}
            }
            quote.is_none() && letter == '>'
        });
        let tag = &left[..end.unwrap_or_else(|| panic!("an element without an end: {page}"))];
        let pieces = tag.split('"').step_by(2);
        found.push(pieces.collect::<String>());
    }
    found
}

/// A prompt, a link's page and a page of settings, where everything that others name has this name.
fn named(world: &World, service: &LoginService<'_>, name: &str) -> [Seen; 3] {
    let user = world.user(&percent(name), &percent(name));
    // Apps take a colon for the end of the issuer: an entry has none.
    let entry = name.replace(':', ".");
    let actor = json!({"id": name, "kind": "user"});
    let offered = user.enroll(&json!({"label": entry, "issuer": entry, "actor": actor}));
    let confirm = user.path(&format!("/enrollments/{}/confirm", offered.id));
    let code = offered.phone.code_at(world.now_ms());
    let scope = ["login_protection", "operation_protection"];
    let body = json!({"codes": [code], "scope": scope, "recovery_codes": false, "actor": actor});
    service.post(&confirm, &body).expect(200);
    let operation = json!({
        "account": name, "user": name, "purpose": "operation", "session_id": name, "resource": name,
        "operation": "cloud-virtual-machine/shutting-down-instances",
    });
    let asked = service.post("/v1/challenges", &operation).expect(201);
    let sent = service.send(&text(&asked["id"]), "a browser");
    let prompt = Tab::of(world).get(&sent.path);
    let body = json!({"page": "security", "return_url": BACK, "state": name, "actor": actor});
    let link = service.post(&user.path("/page-links"), &body).expect(201);
    let link = Url::parse(&text(&link["url"])).expect("an address");
    let tab = Tab::of(world);
    let open = tab.get(link.path());
    let token = link.path().rsplit('/').next().unwrap_or_default();
    assert_eq!(tab.post("/pages/open", &[("token", token)]).status, 303);
    [prompt, open, tab.get("/pages/security")]
}

pub(super) fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Label, account, user, resource and state are what others say: 200 such texts change no element of a page.
#[test]
fn what_people_are_called_runs_on_no_page() {
    let world = World::new();
    let service = LoginService::of(&world, BACK);
    let harmless = named(&world, &service, "harmless");
    let mut walked = 0;
    for payload in XSS.lines() {
        let own = named(&world, &service, payload);
        for (own, harmless) in own.iter().zip(&harmless) {
            assert!(harmless.body.contains("harmless"), "it is shown: {}", harmless.body);
            assert_eq!((own.status, harmless.status), (200, 200), "{payload}");
            assert_eq!(skeleton(&own.body), skeleton(&harmless.body), "{payload}");
            let is_markup = payload.contains(['<', '"']);
            assert!(!is_markup || !own.body.contains(payload), "{payload}");
        }
        walked += 1;
    }
    assert_eq!(walked, 200);
}

/// P4: another method is one that the challenge offers, performed by whoever asked, and what the browser says of it proves
/// nothing.
#[test]
fn p4_another_method_leads_back_and_proves_nothing() {
    let world = World::new();
    let service = LoginService::of(&world, BACK);
    let user = world.user("acme", "alice");
    let number = "+86 138 0013 8000";
    let proven = json!({"identity": number, "verified_at": world.time(0), "actor": user.actor()});
    let methods = user.path("/methods/sms");
    world.call(Role::Enroll, "PUT", &methods, Some(&proven)).expect(200);
    user.bind();
    let challenge = service.login(&user);
    let other = |method: &str| {
        let sent = service.send(&challenge, "a browser");
        let fields = [("token", sent.token()), ("act", "other_method"), ("method", method)];
        Tab::of(&world).post("/pages/open", &fields)
    };
    for made_up in ["totp", "email", "", "sms&outcome=done", "https://evil.example"] {
        assert_eq!(other(made_up).status, 400, "{made_up}");
    }
    let back = other("sms");
    assert_eq!(
        back.said("outcome").as_deref(),
        Some("other_method"),
        "{}",
        back.location()
    );
    assert_eq!(back.said("method").as_deref(), Some("sms"));
    assert_eq!(back.said("code"), None);
    assert_eq!(service.state(&challenge)["state"], "open");
    let report = json!({"identity": number, "reference": "sms-4711", "at": world.time(0)});
    let answer = format!("/v1/challenges/{challenge}/answer");
    let told = service
        .post(&answer, &json!({"method": "sms", "report": report}))
        .expect(200);
    assert_eq!(told["decision"], "allow", "{told}");
}

/// Opens a link for all of the user's settings; gives the tab.
pub(super) fn at_the_settings<'w>(login: &Login<'w>) -> Tab<'w> {
    let tab = Tab::of(login.service.world);
    assert_eq!(tab.post("/pages/open", &[("token", &settings_link(login))]).status, 303);
    assert_eq!(tab.get("/pages/security").status, 200);
    tab
}

pub(super) fn settings_link(login: &Login<'_>) -> String {
    let body = json!({"page": "security", "return_url": BACK, "state": "s", "actor": login.user.actor()});
    let made = login.service.post(&login.user.path("/page-links"), &body).expect(201);
    let url = Url::parse(&text(&made["url"])).expect("an address");
    url.path().rsplit('/').next().expect("a token").to_owned()
}

#[test]
fn p6_signing_out_everywhere_ends_every_visit_but_the_one_in_which_it_is_done() {
    let world = World::new();
    let login = login(&world);
    let prompt = Tab::of(&world);
    login.type_code(&prompt, &login.bound.phone.wrong_code_at(world.now_ms()));
    assert_eq!(prompt.get("/pages/prompt").status, 200);
    let (own, thief) = (at_the_settings(&login), at_the_settings(&login));
    let unopened = settings_link(&login);
    let form_token = own.get("/pages/sign-out").form_token();
    let fields = [("form_token", &*form_token), ("sure", "on"), ("code", &login.code())];
    assert_eq!(own.post("/pages/sign-out", &fields).status, 303);
    assert_eq!(own.get("/pages/sessions").status, 200, "it is told what was done");
    assert_eq!(thief.get("/pages/security").status, 403);
    assert_eq!(prompt.get("/pages/prompt").status, 403);
    assert_eq!(prompt.post("/pages/open", &[("token", &*unopened)]).status, 410);

    world.pass(STEP_MS);
    let all = json!({"factor": {"code": login.code()}, "actor": login.user.actor()});
    let path = login.user.path("/sessions/end-all");
    login.service.post(&path, &all).expect(200);
    assert_eq!(
        own.get("/pages/security").status,
        403,
        "done elsewhere, this one ends too"
    );
}

#[test]
fn a3_what_is_done_on_a_page_has_the_address_it_came_from() {
    let world = World::new();
    let login = login(&world);
    let tab = at_the_settings(&login);
    let form_token = tab.get("/pages/unbind").form_token();
    let device = login.bound.device.clone();
    let fields = [
        ("form_token", &*form_token),
        ("device", &*device),
        ("code", &login.code()),
    ];
    assert_eq!(tab.post("/pages/unbind", &fields).status, 200);
    for action in ["page_link.open", "device.unbind"] {
        let events = login.user.events(action, "done");
        assert_eq!(events[0]["actor"]["ip"], "127.0.0.1", "{action}: {events:?}");
    }
    let staff = [("actor", "anna"), ("api_key", world.key(Role::Support))];
    assert_eq!(Tab::of(&world).post("/staff", &staff).status, 303);
    let mut events = world.events().into_iter();
    let signed_in = events.find(|event| event["action"] == "page_session.sign_in");
    assert_eq!(signed_in.expect("an event")["actor"]["ip"], "127.0.0.1");
}
