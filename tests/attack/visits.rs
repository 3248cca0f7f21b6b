//! Visits to the hosted pages while something else happens: a second click, an end elsewhere, a name that lies.

use std::{sync::Barrier, thread};

use serde_json::json;
use service::{Caller, Id, NewKey, Role};
use url::Url;

use crate::{
    judges::STEP_MS,
    login_service::LoginService,
    pages::{BACK, at_the_settings, login, percent, settings_link},
    tab::{Seen, Tab},
    world::{World, text},
};

/// Where the link to the other language leads.
fn other_language(page: &Seen) -> String {
    let links = page.body.split("<p class=\"langs\"><a href=\"").nth(1);
    let path = links.and_then(|rest| rest.split('"').next());
    let path = path.unwrap_or_else(|| panic!("no language: {}", page.body));
    path.replace("&#38;", "&").replace("&amp;", "&")
}

/// One of staff, signed in with a key of these roles.
fn staff<'w>(world: &'w World, roles: &[Role], accounts: Option<Vec<String>>) -> (Id, Tab<'w>) {
    let wanted = NewKey {
        roles: roles.to_vec(),
        owner: "the desk".into(),
        person: None,
        accounts,
        audiences: Vec::new(),
        return_urls: Vec::new(),
    };
    let (id, key) = world.key_as(&wanted);
    let tab = Tab::of(world);
    assert_eq!(tab.post("/staff", &[("actor", "anna"), ("api_key", &key)]).status, 303);
    (id, tab)
}

/// A second click, or a browser that sends a form again: the answer of the first goes on.
#[test]
fn a_form_that_is_sent_twice_loses_no_answer() {
    let world = World::new();
    for round in 0..8 {
        let login = login_of(&world, round);
        let tab = Tab::of(&world);
        let wrong = login.bound.phone.wrong_code_at(world.now_ms());
        let form_token = login.type_code(&tab, &wrong).form_token();
        let (code, cookies) = (login.code(), tab.cookies.borrow().clone());
        let together = Barrier::new(2);
        let told: Vec<Seen> = thread::scope(|scope| {
            let click = || {
                let tab = Tab::of(&world);
                tab.cookies.replace(cookies.clone());
                let fields = [
                    ("form_token", &*form_token),
                    ("act", "answer"),
                    ("method", "totp"),
                    ("code", &*code),
                ];
                together.wait();
                tab.post("/pages/prompt", &fields)
            };
            let both = [scope.spawn(click), scope.spawn(click)];
            both.map(|one| one.join().expect("an answer")).into()
        });
        let code = told.iter().find_map(|seen| seen.said("code"));
        let code = code.unwrap_or_else(|| panic!("one of both was right: {told:?}"));
        let answer = login.service.exchange(&code, &login.sent.verifier);
        assert_eq!(answer.status, 200, "round {round}: {told:?}");
    }
}

fn login_of(world: &World, round: usize) -> crate::pages::Login<'_> {
    let service = LoginService::of(world, BACK);
    let name: &'static str = ["a", "b", "c", "d", "e", "f", "g", "h"][round];
    let user = world.user("acme", name);
    let bound = user.bind();
    let challenge = service.login(&user);
    let sent = service.send(&challenge, "twice");
    crate::pages::Login {
        service,
        user,
        bound,
        sent,
    }
}

#[test]
fn p6_an_answer_that_waits_to_be_fetched_ends_by_signing_out_everywhere() {
    let world = World::new();
    let login = login(&world);
    let back = login.type_code(&Tab::of(&world), &login.code());
    let code = back.said("code").expect("a one-time code");
    world.pass(STEP_MS);
    let all = json!({"factor": {"code": login.code()}, "actor": login.user.actor()});
    login
        .service
        .post(&login.user.path("/sessions/end-all"), &all)
        .expect(200);
    login
        .service
        .exchange(&code, &login.sent.verifier)
        .problem(404, "not_found");
}

#[test]
fn p6_a_session_that_is_ended_takes_the_visits_along_that_came_from_it() {
    let world = World::new();
    let login = login(&world);
    let back = login.type_code(&Tab::of(&world), &login.code());
    let code = back.said("code").expect("a one-time code");
    let grant = login.service.exchange(&code, &login.sent.verifier).expect(200)["grant"].clone();
    let begin = json!({
        "grant": grant, "client": {"ip": "203.0.113.9", "user_agent": "thief"}, "actor": login.user.actor(),
    });
    let session = login.service.post(&login.user.path("/sessions"), &begin).expect(201);
    let session = text(&session["id"]);
    let visit = |session: Option<&str>| {
        let mut body = json!({
            "page": "security", "return_url": BACK, "state": "s", "actor": login.user.actor(),
        });
        if let Some(session) = session {
            body["session"] = json!(session);
        }
        let made = login.service.post(&login.user.path("/page-links"), &body).expect(201);
        let url = Url::parse(&text(&made["url"])).expect("an address");
        url.path().rsplit('/').next().expect("a token").to_owned()
    };
    let (thief, other) = (Tab::of(&world), Tab::of(&world));
    assert_eq!(
        thief.post("/pages/open", &[("token", &visit(Some(&session)))]).status,
        303
    );
    assert_eq!(other.post("/pages/open", &[("token", &visit(None))]).status, 303);
    let unopened = visit(Some(&session));
    assert_eq!(thief.get("/pages/security").status, 200);
    let path = login
        .user
        .path(&format!("/sessions/{session}?actor_id=alice&actor_kind=user"));
    let ended = world.call_as(Some(&login.service.key), "DELETE", &path, None);
    assert_eq!(ended.status, 204);
    assert_eq!(thief.get("/pages/security").status, 403, "it came from that session");
    assert_eq!(thief.post("/pages/open", &[("token", &unopened)]).status, 410);
    assert_eq!(other.get("/pages/security").status, 200, "it did not");
}

/// Whoever has the password can have prompts made without end: that keeps nobody from their own settings.
#[test]
fn a2_prompts_that_somebody_else_has_made_keep_nobody_from_their_settings() {
    let world = World::new();
    let login = login(&world);
    let body = json!({
        "return_url": BACK, "state": "s", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    });
    let path = format!("/v1/challenges/{}/page-link", login.sent.challenge);
    let mut last = 0;
    for _ in 0..130 {
        last = login.service.post(&path, &body).status;
    }
    assert_eq!(last, 429);
    settings_link(&login);
}

/// What is asked for stands there as it is meant: no name turns the text around it, or hides what it is.
#[test]
fn no_name_turns_the_text_around() {
    let world = World::new();
    let service = LoginService::of(&world, BACK);
    let name = "al\u{202e}eci\u{2066}x\u{200b}";
    let user = world.user(&percent(name), &percent(name));
    let actor = json!({"id": name, "kind": "user"});
    let offered = user.enroll(&json!({"label": name, "actor": actor}));
    let confirm = user.path(&format!("/enrollments/{}/confirm", offered.id));
    let code = offered.phone.code_at(world.now_ms());
    let body = json!({
        "codes": [code], "scope": ["operation_protection"], "recovery_codes": false, "actor": actor,
    });
    service.post(&confirm, &body).expect(200);
    let operation = json!({
        "account": name, "user": name, "purpose": "operation", "session_id": "s", "resource": "test\u{202e}dorp",
        "operation": "cloud-virtual-machine/shutting-down-instances",
    });
    let asked = service.post("/v1/challenges", &operation).expect(201);
    let sent = service.send(&text(&asked["id"]), "a browser");
    let prompt = Tab::of(&world).get(&sent.path);
    assert_eq!(prompt.status, 200);
    let (_, desk) = staff(&world, &[Role::Support, Role::Audit], None);
    let found = desk.get(&format!("/staff/users?account={0}&user={0}", percent(name)));
    assert_eq!(found.status, 200);
    for page in [&prompt, &found, &desk.get("/staff/trail")] {
        let hidden: Vec<char> = shown(&page.body)
            .chars()
            .filter(|c| matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
            .collect();
        assert!(hidden.is_empty(), "{}", page.body);
    }
    assert!(prompt.body.contains("test\\u{202e}dorp"), "{}", prompt.body);
    assert!(
        found.body.contains(&format!("value=\"{name}\"")),
        "a form has the name itself"
    );
}

/// What stands between the elements.
fn shown(page: &str) -> String {
    let pieces = page.split('<');
    pieces
        .filter_map(|piece| piece.split_once('>'))
        .map(|(_, text)| text)
        .collect()
}

/// Whether a page of staff shows a device.
fn has_device(page: &Seen) -> bool {
    page.body.contains("aria-labelledby=\"device-")
}

/// Blanks are part of a name: the page of one user is never another's.
#[test]
fn a3b_a_page_of_staff_is_of_the_user_who_was_named() {
    let world = World::new();
    let _alice = world.user("acme", "alice").bind();
    let (_, desk) = staff(&world, &[Role::Support], None);
    let found = desk.get("/staff/users?account=acme&user=alice");
    assert!(has_device(&found), "alice has a device: {}", found.body);
    for other in ["alice%20", "%20alice", "alice%E3%80%80"] {
        let found = desk.get(&format!("/staff/users?account=acme&user={other}"));
        assert!(!has_device(&found), "{other}: {}", found.body);
        let name = percent_encoding::percent_decode_str(other)
            .decode_utf8()
            .expect("UTF-8");
        let form_token = found.form_token();
        let fields = [
            ("form_token", &*form_token),
            ("account", "acme"),
            ("user", &*name),
            ("reason", "lost the phone"),
        ];
        desk.post("/staff/passcodes", &fields);
    }
    assert!(
        world
            .user("acme", "alice")
            .events("passcode.request", "done")
            .is_empty()
    );
}

/// A page that was posted to is asked for again in another language, by the address bar, by going back.
#[test]
fn every_page_can_be_asked_for_in_the_other_language() {
    let world = World::new();
    let login = login(&world);
    let tab = at_the_settings(&login);
    let form_token = tab.get("/pages/security").form_token();
    let (_, desk) = staff(&world, &[Role::Support, Role::Audit, Role::Inventory], None);
    let desk_token = desk.get("/staff/users").form_token();
    let no_id = "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11";
    let wrong = login.bound.phone.wrong_code_at(world.now_ms());
    let of_user = [
        ("/pages/bind", vec![("enrollment", no_id), ("code", &*wrong)]),
        ("/pages/bind/start", vec![]),
        ("/pages/bind-token", vec![("enrollment", no_id)]),
        ("/pages/bind-token/start", vec![("serial_number", "4711")]),
        ("/pages/kept", vec![]),
        ("/pages/unbind", vec![("device", no_id), ("code", &*wrong)]),
        ("/pages/replace", vec![("device", no_id), ("code", &*wrong)]),
        ("/pages/recovery-codes", vec![("code", &*wrong)]),
        (
            "/pages/clock",
            vec![("device", no_id), ("first", &*wrong), ("second", &*wrong)],
        ),
        ("/pages/lost", vec![("reason", "x")]),
        ("/pages/sign-out", vec![]),
        ("/pages/suspicious-login/forget", vec![("city", "x")]),
        ("/pages/suspicious-login/forget", vec![]),
        ("/pages/trusted-devices", vec![("device", "x")]),
        ("/pages/protection", vec![]),
    ];
    let of_staff = [
        (
            "/staff/users/diagnose".to_owned(),
            vec![("account", "acme"), ("user", "alice"), ("code", &*wrong)],
        ),
        (
            "/staff/users/unlock".to_owned(),
            vec![("account", "acme"), ("user", "alice"), ("device", no_id)],
        ),
        ("/staff/unbind-requests/new".to_owned(), vec![]),
        (format!("/staff/unbind-requests/{no_id}/vouch"), vec![("reason", "x")]),
        (format!("/staff/unbind-requests/{no_id}/approve"), vec![]),
        ("/staff/passcodes".to_owned(), vec![]),
        (format!("/staff/passcodes/{no_id}/approve"), vec![]),
        (format!("/staff/passcodes/{no_id}/reveal"), vec![]),
    ];
    let mut broken = Vec::new();
    let mut turn = |tab: &Tab<'_>, path: &str, token: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> = [("form_token", token)]
            .into_iter()
            .chain(fields.iter().copied())
            .collect();
        let told = tab.post(path, &fields);
        if told.status == 303 {
            return;
        }
        let other = other_language(&told);
        let there = tab.get(&other);
        let plain = tab.get(path);
        if !is_page(&there) {
            broken.push(format!("{path}: {} -> {other}: {}", told.status, there.status));
        }
        if !is_page(&plain) {
            broken.push(format!("GET {path}: {}", plain.status));
        }
    };
    for (path, fields) in &of_user {
        turn(&tab, path, &form_token, fields);
    }
    for (path, fields) in &of_staff {
        turn(&desk, path, &desk_token, fields);
    }
    for path in ["/pages/open", "/pages/leave", "/staff/sign-out"] {
        let told = tab.get(path);
        if !is_page(&told) {
            broken.push(format!("GET {path}: {}", told.status));
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

/// A page, or the way to one.
fn is_page(seen: &Seen) -> bool {
    seen.status == 303 || seen.body.contains("<html")
}

/// A key that is revoked or limited is so on its pages too.
#[test]
fn a4_staff_see_what_their_key_reaches_and_nothing_once_it_is_revoked() {
    let world = World::new();
    world.user("acme", "alice").bind();
    world.user("umbrella", "wesker").bind();
    let all = [Role::Support, Role::Audit, Role::Inventory, Role::Admin];
    let (id, desk) = staff(&world, &all, Some(vec!["acme".into()]));
    let paths = [
        "/staff",
        "/staff/today",
        "/staff/trail",
        "/staff/trail?account=umbrella",
        "/staff/trail/export",
        "/staff/trail/export?account=umbrella",
        "/staff/tokens",
        "/staff/tokens?account=umbrella&user=wesker",
        "/staff/lots",
        "/staff/users?account=umbrella&user=wesker",
        "/staff/unbind-requests",
        "/staff/passcodes",
        "/staff/tokens/labels?lot=x",
        "/staff/tokens/by-code",
        "/staff/tokens/import",
    ];
    for path in paths {
        let seen = desk.get(path);
        let name = seen
            .body
            .replace("value=\"umbrella\"", "")
            .replace("value=\"wesker\"", "");
        let name = name.replace("account=umbrella", "").replace("user=wesker", "");
        assert!(
            !name.contains("wesker") && !name.contains("umbrella"),
            "{path}: {}",
            seen.body
        );
    }
    assert!(has_device(&desk.get("/staff/users?account=acme&user=alice")));
    let revoked = world.service();
    world.wait(revoked.revoke_key(&Caller::shell(), id)).expect("revoked");
    for path in paths {
        let seen = desk.get(path);
        assert!(
            matches!(seen.status, 303) || path == "/staff",
            "{path}: {}",
            seen.status
        );
    }
}

/// What a browser never sends, or sends by mistake.
#[test]
fn odd_requests_get_a_page_or_nothing_and_do_nothing() {
    let world = World::new();
    let login = login(&world);
    let tab = at_the_settings(&login);
    let form_token = tab.get("/pages/sign-out").form_token();
    let code = login.code();
    let twice = [
        ("form_token", &*form_token),
        ("form_token", &*form_token),
        ("sure", "on"),
        ("code", &*code),
    ];
    assert_eq!(tab.post("/pages/sign-out", &twice).status, 400);
    let codes = [
        ("form_token", &*form_token),
        ("sure", "on"),
        ("code", "1"),
        ("code", &*code),
    ];
    assert_eq!(tab.post("/pages/sign-out", &codes).status, 400);
    let long = "x".repeat(20_000);
    let much = [("form_token", &*form_token), ("sure", "on"), ("code", &*long)];
    assert_eq!(tab.post("/pages/sign-out", &much).status, 413);
    let unknown = [("form_token", &*form_token), ("nobody", "knows"), ("code", &*code)];
    assert_eq!(tab.post("/pages/sign-out", &unknown).status, 200, "not sure");
    for cookie in ["", "%00", "\"x\"", "é", "AAAA", &"A".repeat(123), &"A".repeat(4_000)] {
        let odd = Tab::of(&world);
        odd.cookies
            .borrow_mut()
            .insert("__Host-countersign-user".into(), cookie.into());
        assert_eq!(odd.get("/pages/security").status, 403, "{cookie}");
    }
    assert_eq!(tab.get("/pages/security?lang=xx&lang=zh&lang=en").status, 200);
    assert_eq!(tab.get("/pages/bind?enrollment=%FF%00").status, 400);
    assert!(login.user.events("session.end_all", "done").is_empty());
    let own = [("form_token", &*form_token), ("sure", "on"), ("code", &*code)];
    assert_eq!(tab.post("/pages/sign-out", &own).status, 303);
}

/// What is done on a page of staff is in the trail with the key, the name and the address; a signed-out cookie opens nothing.
#[test]
fn a3_what_staff_do_on_a_page_names_key_person_and_address() {
    let world = World::new();
    let bound = world.user("acme", "alice").bind();
    let (id, desk) = staff(&world, &[Role::Support], None);
    let before = desk.cookies.borrow().clone();
    let form_token = desk.get("/staff/users").form_token();
    let fields = [
        ("form_token", &*form_token),
        ("account", "acme"),
        ("user", "alice"),
        ("device", &*bound.device),
    ];
    assert_eq!(desk.post("/staff/users/unlock", &fields).status, 303);
    let events = world.user("acme", "alice").events("device.unlock", "done");
    assert_eq!(events[0]["actor"]["id"], "anna", "{events:?}");
    assert_eq!(events[0]["actor"]["ip"], "127.0.0.1");
    assert_eq!(events[0]["api_key"], id.to_string());
    assert_eq!(desk.post("/staff/sign-out", &fields[..1]).status, 303);
    desk.cookies.replace(before);
    assert_eq!(desk.get("/staff/users").status, 303);
    assert_eq!(desk.post("/staff/users/unlock", &fields).status, 303);
    assert_eq!(world.user("acme", "alice").events("device.unlock", "done").len(), 1);
}
