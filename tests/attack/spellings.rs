//! One user spelled in many ways, where names are folded (A3b): no spelling is a second lock, a second life of a code, a
//! browser or a session of somebody else, nor a login of somebody whom nobody knows.

use serde_json::{Value, json};
use server::Limits;
use service::{Role, Settings, UserNames};

use crate::{
    judges::STEP_MS,
    world::{Bound, User, World, accepted, refused, text},
};

fn world() -> World {
    let settings = Settings {
        user_names: Some(UserNames::CaseInsensitive),
        ..Settings::default()
    };
    World::with(settings, Limits::default())
}

fn login(user: &User<'_>, also: &Value) -> Value {
    let mut body = json!({
        "account": user.account, "user": user.user, "purpose": "login", "first_factor": {"method": "password"},
        "client": {"ip": "203.0.113.7"},
    });
    for (name, value) in also.as_object().expect("fields") {
        body[name] = value.clone();
    }
    user.world.post(Role::Verify, "/v1/challenges", &body).expect(201)
}

fn answered(user: &User<'_>, challenge: &Value, bound: &Bound) -> Value {
    let path = format!("/v1/challenges/{}/answer", text(&challenge["id"]));
    let code = bound.phone.code_at(user.world.now_ms());
    let answer = json!({"method": "totp", "code": code, "trust_device": true});
    let told = user.world.post(Role::Verify, &path, &answer).expect(200);
    user.world.pass(STEP_MS);
    told
}

/// Spellings of one name, by what folds in another way than ASCII does.
const NAMES: [&[&str]; 6] = [
    &["joe", "Joe", "JOE", "jOe"],
    &["straße", "STRASSE", "Strasse", "STRAẞE", "ſtraſſe"],
    &["σοφός", "ΣΟΦΌΣ", "σοφόσ", "Σοφο\u{301}ς"],
    &["kim", "\u{212A}im", "KIM"],
    &["i\u{307}nan", "İnan", "İNAN"],
    &["ångström", "\u{212B}NGSTRÖM", "A\u{30A}ngstro\u{308}m"],
];

/// The login that is never asked for a code is the one to fear: no spelling is unknown.
#[test]
fn a3b_no_spelling_walks_past_the_second_factor() {
    let world = world();
    for names in NAMES {
        let bound = world.user("acme", &escaped(names[0])).bind();
        for name in names {
            let user = world.user("acme", name);
            let told = login(&user, &json!({}));
            assert_eq!(told["decision"], "challenge", "{name}: {told}");
        }
        let by_other = world.user("acme", names[names.len() - 1]);
        let code = bound.phone.code_at(world.now_ms());
        assert_eq!(by_other.verify(&code), accepted(&bound.device));
        for name in names {
            assert_eq!(world.user("acme", name).verify(&code), refused(), "D4: {name}");
        }
        world.pass(STEP_MS);
    }
}

/// Neighbours that only look alike are users of their own: folding is of no language, and takes no accent away.
#[test]
fn a3b_what_only_looks_alike_is_somebody_else() {
    let world = world();
    world.user("acme", "inan").bind();
    for other in ["ınan", "İnan", "inán", "іnan", "inan "] {
        let told = login(&world.user("acme", other), &json!({}));
        assert_eq!(told["ground"], "unknown_user", "{other}");
    }
}

/// A1: guesses are counted for the user, whatever they are called.
#[test]
fn a1_a3b_spellings_share_one_count_of_guesses_and_one_lock() {
    let world = world();
    let bound = world.user("acme", "joe").bind();
    let spellings = ["joe", "Joe", "jOe", "joE", "JOe", "JoE", "jOE", "JOE", "joe", "Joe"];
    let wrong = bound.phone.wrong_codes_at(world.now_ms(), spellings.len());
    for (spelling, code) in spellings.iter().zip(&wrong) {
        assert_eq!(world.user("acme", spelling).verify(code), refused());
    }
    let code = bound.phone.code_at(world.now_ms());
    for spelling in spellings {
        let told = world.user("acme", spelling).verify(&code);
        assert_eq!(told["outcome"], "locked", "{spelling}: {told}");
    }
}

/// P2, P6: what one spelling earned is the user's: a trusted browser, a session, and their end.
#[test]
fn p2_p6_a3b_spellings_share_browsers_and_sessions() {
    let world = world();
    let (joe, shouting) = (world.user("acme", "joe"), world.user("acme", "JOE"));
    let bound = joe.bind();
    let told = answered(&joe, &login(&joe, &json!({})), &bound);
    let token = json!({"trusted_device": told["trusted_device"]});
    assert_eq!(login(&shouting, &token)["ground"], "trusted_device");
    let begun = json!({
        "grant": told["grant"], "client": {"ip": "203.0.113.7"}, "actor": {"id": "login", "kind": "service"},
    });
    let session = world
        .post(Role::Verify, &shouting.path("/sessions"), &begun)
        .expect(201);
    let check = || {
        let body = json!({"token": session["token"]});
        world.post(Role::Verify, "/v1/sessions/check", &body).expect(200)
    };
    assert_eq!((&check()["active"], &check()["user"]), (&json!(true), &json!("joe")));
    let again = world.post(Role::Verify, &joe.path("/sessions"), &begun);
    assert_ne!(again.status, 201, "P3b: a grant is consumed once");
    let code = bound.phone.code_at(world.now_ms());
    let end = json!({"factor": {"code": code}, "actor": joe.actor()});
    let ended = world
        .post(Role::Enroll, &shouting.path("/sessions/end-all"), &end)
        .expect(200);
    assert_eq!(ended, json!({"ended": 1}));
    assert_eq!(check()["active"], false);
    assert_eq!(
        login(&joe, &token)["ground"],
        "protected",
        "every browser is asked again"
    );
}

/// A name as a path has it.
fn escaped(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}
