//! Support over HTTP: why a code was refused, in words, and administrators who look after the users of their account (D5, U2).

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};
use service::Role;

use crate::{
    judges::{Phone, STEP_MS},
    world::{HOUR_MS, User, World},
};

impl User<'_> {
    /// `GET U/history`.
    fn history(&self, role: Role, view: &str) -> Vec<Value> {
        let path = self.path(&format!("/history?view={view}"));
        let page = self.world.get(role, &path).expect(200);
        page["items"].as_array().expect("items").clone()
    }

    /// This user as the approver of a change of somebody else, by the code of now.
    fn approver(&self, phone: &Phone) -> Value {
        json!({"account": self.account, "user": self.user, "code": phone.code_at(self.world.now_ms())})
    }
}

#[test]
fn d5_support_reads_why_a_code_was_refused_and_the_user_does_not() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let now = world.now_ms();
    let late = bound.phone.code_at(now - 5 * STEP_MS);
    for code in [
        &bound.phone.code_at(now),
        &bound.phone.code_at(now),
        &late,
        &bound.phone.wrong_code_at(now),
    ] {
        alice.verify(code);
    }
    let causes = || -> Vec<Value> {
        let records = alice.history(Role::Support, "support");
        records[..3]
            .iter()
            .map(|record| record["event"]["cause"].clone())
            .collect()
    };
    assert_eq!(causes(), ["wrong", "used", "used"]);
    let newest = &alice.history(Role::Support, "support")[0];
    assert_eq!(newest["masked"], true, "D5: it might still be a code to come");
    world.pass(HOUR_MS);
    for record in &alice.history(Role::Support, "support") {
        assert_eq!(record["masked"], Value::Null);
        let is_caused = !record["event"]["cause"].is_null();
        for language in ["en", "zh"] {
            assert_eq!(
                record["explanation"][language].is_string(),
                is_caused,
                "each cause in words: {record}"
            );
        }
    }
    for role in [Role::Enroll, Role::Support] {
        let seen = alice.history(role, "user");
        assert_eq!(seen.len(), 6, "started, confirmed, accepted, refused three times");
        assert_eq!(seen[0]["event"]["outcome"], "refused");
        let text = json!(seen).to_string();
        for secret in ["cause", "steps", "masked", "salt", "explanation", "used"] {
            assert!(!text.contains(&format!("\"{secret}")), "D5: {secret} in {text}");
        }
    }
    let path = alice.path("/history?view=support");
    world.get(Role::Enroll, &path).problem(403, "forbidden");
    let elsewhere = alice.path("/history?cursor=9.9.9");
    world.get(Role::Support, &elsewhere).problem(400, "invalid_request");
}

/// The names that stand in the service's sources as causes: literals, constants, and those of the kinds that have names.
fn causes_in_sources() -> BTreeSet<String> {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/service/src"));
    let all = sources.join("\n");
    let constant = |name: &str| {
        let (_, rest) = all.split_once(&format!("const {name}: &str = \""))?;
        rest.split('"').next().map(str::to_owned)
    };
    let mut found = BTreeSet::new();
    for source in &sources {
        for argument in source.split(".because(").skip(1) {
            let argument = argument.split(')').next().unwrap_or_default();
            if let Some(literal) = argument.strip_prefix('"') {
                found.insert(literal.trim_end_matches('"').to_owned());
            } else if argument
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || letter == '_')
            {
                // Some stand beside it.
                let own = source.split_once(&format!("const {argument}: &str = \""));
                let own = own.and_then(|(_, rest)| rest.split('"').next()).map(str::to_owned);
                found.insert(own.or_else(|| constant(argument)).expect("a constant"));
            }
        }
    }
    let named = [
        ("crates/service/src/protection/decision.rs", "impl Ground"),
        ("crates/verify/src/diagnosis.rs", "impl Cause"),
        ("crates/service/src/support/diagnose.rs", "impl DiagnosedCause"),
        ("crates/service/src/inventory/binding.rs", "fn judge"),
    ];
    for (file, from) in named {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a source");
        let (_, text) = text.split_once(from).unwrap_or_else(|| panic!("{file} has {from}"));
        let text = text.split("\n}\n").next().unwrap_or_default();
        let quoted = text.split('"').skip(1).step_by(2);
        found.extend(
            quoted
                .filter(|text| text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'))
                .map(str::to_owned),
        );
    }
    found
}

fn sources(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path());
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let texts = files.iter().map(|file| fs::read_to_string(file).expect("a source"));
    texts.chain(dirs.iter().flat_map(|dir| sources(dir))).collect()
}

/// D5: each cause that the service writes is named and explained in the OpenAPI document.
#[test]
fn d5_every_cause_is_explained_in_the_document() {
    let document = serde_json::to_value(server::openapi()).expect("JSON");
    let path = "/v1/accounts/{account}/users/{user}/history";
    let told = document["paths"][path]["get"]["description"]
        .as_str()
        .expect("words")
        .to_owned();
    let causes = causes_in_sources();
    assert!(
        causes.len() > 35 && causes.contains("too_late") && causes.contains("no_device"),
        "{causes:?}"
    );
    let missing: Vec<_> = causes
        .iter()
        .filter(|cause| !told.contains(&format!("\n| `{cause}` | ")))
        .collect();
    assert!(
        missing.is_empty(),
        "explain them in crates/api/src/cause.rs: {missing:?}"
    );
}

#[test]
fn a3_the_trail_is_read_newest_first_by_filters() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let begun = world.time(0);
    world.pass(1_000);
    alice.verify(&bound.phone.code_at(world.now_ms()));
    world.user("globex", "carol").bind();
    let items = |query: &str| {
        let page = world.get(Role::Audit, &format!("/v1/audit?{query}")).expect(200);
        page["items"].as_array().expect("items").clone()
    };
    let newest = items("order=desc&limit=1");
    assert_eq!(newest[0]["event"]["user"], "carol");
    let hers = items("account=acme&user=alice&order=desc");
    assert_eq!(hers[0]["event"]["action"], "verify");
    assert!(hers.iter().all(|record| record["event"]["user"] == "alice"));
    assert_eq!(items(&format!("device={}&action=verify", bound.device)).len(), 1);
    assert!(items(&format!("account=acme&until={begun}")).len() < hers.len());
    assert_eq!(items(&format!("account=acme&since={begun}&action=verify")).len(), 1);
    world
        .get(Role::Audit, "/v1/audit?user=alice")
        .problem(400, "invalid_request");
    world
        .get(Role::Audit, "/v1/audit?order=up")
        .problem(400, "invalid_request");
    world
        .get(Role::Audit, "/v1/audit?since=yesterday")
        .problem(400, "invalid_request");
}

#[test]
fn u2_an_administrator_looks_after_the_users_of_the_account() {
    let mut world = World::new();
    {
        let (root, bob, alice) = (
            world.user("acme", "root"),
            world.user("acme", "bob"),
            world.user("acme", "alice"),
        );
        let (of_root, of_bob, of_alice) = (root.bind(), bob.bind(), alice.bind());
        let path = "/v1/accounts/acme/administrators";
        let named = json!({"root": "root", "administrators": ["bob"], "actor": root.actor()});
        world.put(Role::Admin, path, &named, Some("\"0\"")).expect(200);
        let actor = json!({"id": "bob", "kind": "admin"});

        // Requires protection, by a console's key and his own code.
        let path = "/v1/accounts/acme/requirements";
        let mut wanted = json!({"login_protection": "mfa", "alternatives": [], "actor": actor});
        world
            .put(Role::Enroll, path, &wanted, Some("\"0\""))
            .problem(403, "forbidden");
        wanted["approver"] = bob.approver(&of_bob.phone);
        world.put(Role::Enroll, path, &wanted, Some("\"0\"")).expect(200);
        world.pass(STEP_MS);

        // Ends her sessions, then her device, which she lost.
        let by_bob = json!({"approver": bob.approver(&of_bob.phone), "actor": actor});
        let path = alice.path("/sessions/end-all");
        assert_eq!(world.post(Role::Enroll, &path, &by_bob).expect(200)["ended"], 0);
        let unbind = alice.path(&format!("/devices/{}/unbind", of_alice.device));
        world.post(Role::Enroll, &unbind, &by_bob).problem(422, "code_refused");
        world.pass(STEP_MS);
        let both = json!({"code": "123456", "approver": bob.approver(&of_bob.phone), "actor": actor});
        world.post(Role::Enroll, &unbind, &both).problem(400, "invalid_request");
        world
            .post(Role::Enroll, &unbind, &json!({"actor": actor}))
            .problem(400, "invalid_request");
        let of_the_root = root.path(&format!("/devices/{}/unbind", of_root.device));
        let by_bob = json!({"approver": bob.approver(&of_bob.phone), "actor": actor});
        world
            .post(Role::Enroll, &of_the_root, &by_bob)
            .problem(403, "forbidden");
        assert_eq!(
            world.post(Role::Enroll, &unbind, &by_bob).status,
            204,
            "U2: by his own fresh factor"
        );
        assert_eq!(alice.get()["devices"], json!([]));

        let ended = alice.history(Role::Support, "support");
        let unbound = ended.iter().find(|record| record["event"]["action"] == "device.unbind");
        let approver = &unbound.expect("it is told")["event"]["detail"]["approver"];
        let approved = &bob.history(Role::Support, "support")[0]["event"];
        assert_eq!((&approved["person"], &approved["user"]), (approver, &json!("bob")));
    }
    world.assert_trail_holds();
}
