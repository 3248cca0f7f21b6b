//! Seeds leave by four eyes (A5): one person asks, another approves, the first fetches the file, once.

use std::{thread, time::Duration};

use data_encoding::BASE64;
use pskc::{Format, Seed, Unlock};
use serde_json::{Value, json};
use service::{Role, Settings};

use crate::{
    fobs::Fob,
    world::{HOUR_MS, Reply, User, World, accepted, text},
};

pub(crate) const KEY: [u8; 32] = [0x42; 32];

/// Somebody with a key that they answer for.
pub(crate) struct Admin<'a> {
    pub(crate) world: &'a World,
    pub(crate) key: String,
    pub(crate) name: &'static str,
}

impl<'a> Admin<'a> {
    pub(crate) fn new(world: &'a World, owner: &str, name: &'static str) -> Self {
        let (_, key) = world.new_key_of(owner, &[Role::Admin], None);
        Self { world, key, name }
    }

    fn post(&self, path: &str, also: &Value) -> Reply {
        let mut body = also.clone();
        body["actor"] = json!({"id": self.name, "kind": "admin"});
        self.world.call_as(Some(&self.key), "POST", path, Some(&body))
    }

    fn asks(&self, tokens: &Value) -> Reply {
        let mut body = tokens.clone();
        body["recipient"] = "Branch office".into();
        body["key_base64"] = BASE64.encode(&KEY).into();
        self.post("/v1/exports", &body)
    }

    pub(crate) fn asks_for(&self, fobs: &[&Fob]) -> String {
        let serial_numbers: Vec<&str> = fobs.iter().map(|fob| &*fob.serial_number).collect();
        self.asks_for_numbers(&serial_numbers)
    }

    pub(crate) fn asks_for_numbers(&self, serial_numbers: &[&str]) -> String {
        let asked = self.asks(&json!({"serial_numbers": serial_numbers})).expect(201);
        assert_eq!(
            (&asked["state"], &asked["requested_by"]),
            (&json!("requested"), &json!(self.name))
        );
        text(&asked["id"])
    }

    pub(crate) fn approves(&self, export: &str) -> Reply {
        self.post(&format!("/v1/exports/{export}/approve"), &json!({}))
    }

    fn withdraws(&self, export: &str) -> Reply {
        self.post(&format!("/v1/exports/{export}/withdraw"), &json!({}))
    }

    pub(crate) fn fetches(&self, export: &str, key: &[u8]) -> Reply {
        let body = json!({"key_base64": BASE64.encode(key)});
        self.post(&format!("/v1/exports/{export}/file"), &body)
    }
}

pub(crate) fn seeds(file: &Reply) -> Vec<Seed> {
    assert_eq!(
        (file.status, file.content_type.as_deref()),
        (200, Some("application/pskc+xml"))
    );
    assert!(pskc::read(&file.body, &Unlock::Nothing).is_err(), "it is encrypted");
    let read = pskc::read(&file.body, &Unlock::Key(&KEY)).expect("the recipient can read it");
    assert_eq!((read.format, read.refused.len()), (Format::Pskc, 0));
    read.seeds
}

#[test]
fn seeds_leave_by_four_eyes_and_once() {
    let mut world = World::new();
    let fobs: Vec<Fob> = (1..=3).map(Fob::new).collect();
    world.stock(&[&fobs[0], &fobs[1], &fobs[2]]);
    let (ada, ben) = (Admin::new(&world, "Ada", "ada"), Admin::new(&world, "Ben", "ben"));
    let export = ada.asks_for(&[&fobs[0], &fobs[2]]);
    ada.fetches(&export, &KEY).problem(409, "export_state");

    // One pair of eyes, however many keys and names it has.
    ada.approves(&export).problem(403, "forbidden");
    Admin::new(&world, " ADA", "ben")
        .approves(&export)
        .problem(403, "forbidden");
    Admin::new(&world, "Ben", "Ada")
        .approves(&export)
        .problem(403, "forbidden");
    let approved = ben.approves(&export).expect(200);
    assert_eq!(
        (&approved["state"], &approved["approved_by"]),
        (&json!("approved"), &json!("ben"))
    );
    ben.approves(&export).problem(409, "export_state");

    // For whoever asked, under the key that was approved.
    ben.fetches(&export, &KEY).problem(403, "forbidden");
    let other = Admin {
        name: "eve",
        key: ada.key.clone(),
        world: &world,
    };
    other.fetches(&export, &KEY).problem(403, "forbidden");
    ada.fetches(&export, &[0; 32]).problem(400, "invalid_request");
    ada.fetches(&export, &KEY[..16]).problem(400, "invalid_request");
    let read = seeds(&ada.fetches(&export, &KEY));
    assert_eq!(read.len(), 2);
    for (seed, fob) in read.iter().zip([&fobs[0], &fobs[2]]) {
        let was = fob.seed();
        assert_eq!(seed.serial_number, was.serial_number);
        assert_eq!(seed.secret.expose_secret(), was.secret.expose_secret());
        assert_eq!(
            (&seed.manufacturer, &seed.model, seed.moving),
            (&was.manufacturer, &was.model, was.moving)
        );
        let key = |seed: &Seed| {
            *seed
                .management_key
                .as_ref()
                .expect("its management key")
                .expose_secret()
        };
        assert_eq!(key(seed), key(&was));
    }
    ada.fetches(&export, &KEY).problem(409, "export_state");
    assert!(world.token(&fobs[0])["exported_at"].is_string());
    assert!(world.token(&fobs[1]).get("exported_at").is_none());

    let acts: Vec<Value> = world
        .events()
        .into_iter()
        .filter(|event| text(&event["action"]).starts_with("export."))
        .collect();
    let actions: Vec<_> = acts.iter().map(|event| text(&event["action"])).collect();
    assert_eq!(actions, ["export.request", "export.approve", "export.hand_out"], "A3");
    assert_eq!(acts[2]["detail"]["serial_numbers"], json!(["CS-000001", "CS-000003"]));
    assert_eq!(acts[2]["detail"]["approved_by"], "ben");
    world.assert_trail_holds();
}

#[test]
fn only_seeds_of_tokens_that_nobody_has_bound_leave() {
    let world = World::new();
    let fobs: Vec<Fob> = (1..=4).map(Fob::new).collect();
    world.stock(&[&fobs[0], &fobs[1], &fobs[2]]);
    let (ada, ben) = (Admin::new(&world, "Ada", "ada"), Admin::new(&world, "Ben", "ben"));
    let alice = world.user("acme", "alice");
    alice.bind_token(&fobs[0]);

    for (asked, words) in [
        (json!({"serial_numbers": ["CS-000002", "CS-000001"]}), "[1] is bound"),
        (json!({"serial_numbers": ["CS-000004"]}), "[0] is not in the inventory"),
        (
            json!({"serial_numbers": ["CS-000002", "CS-000002"]}),
            "[1] stands there twice",
        ),
        (json!({"serial_numbers": []}), "no unbound token"),
        (json!({"serial_numbers": vec!["CS-000002"; 1_001]}), "at most 1000"),
        (json!({"batch": "nothing like it"}), "no unbound token"),
        (json!({}), "give one of them"),
        (
            json!({"batch": "one", "serial_numbers": ["CS-000002"]}),
            "give one of them",
        ),
    ] {
        let problem = ada.asks(&asked).problem(400, "invalid_request");
        assert!(text(&problem["detail"]).contains(words), "{problem}");
    }
    let export = text(&ada.asks(&json!({"batch": "one"})).expect(201)["id"]);
    let shown = world
        .call_as(Some(&ben.key), "GET", &format!("/v1/exports/{export}"), None)
        .expect(200);
    assert_eq!(shown["serial_numbers"], json!(["CS-000002", "CS-000003"]));
    ben.approves(&export).expect(200);

    // Bound between the approval and the file.
    let bob = world.user("acme", "bob");
    let bound = bob.bind_token(&fobs[2]);
    let problem = ada.fetches(&export, &KEY).problem(409, "export_state");
    assert!(text(&problem["detail"]).contains("[1] is bound"), "{problem}");
    assert!(world.token(&fobs[1]).get("exported_at").is_none(), "all or nothing");

    // A token whose seed has left can still be bound, once; and comes back only with another.
    let export = ada.asks_for(&[&fobs[1]]);
    ben.approves(&export).expect(200);
    assert_eq!(seeds(&ada.fetches(&export, &KEY)).len(), 1);
    let carol = world.user("acme", "carol");
    let device = carol.bind_token(&fobs[1]);
    let verified = |user: &User<'_>, code: &str, device: &str| assert_eq!(user.verify(code), accepted(device));
    verified(&carol, &device.phone.code_at(world.now_ms()), &device.device);
    verified(&bob, &bound.phone.code_at(world.now_ms()), &bound.device);
}

#[test]
fn no_seed_leaves_after_its_token_was_bound() {
    let world = World::lingering(Settings::default());
    let (ada, ben) = (Admin::new(&world, "Ada", "ada"), Admin::new(&world, "Ben", "ben"));
    let fobs: Vec<Fob> = (1..=12).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());
    for (round, fob) in (0..).zip(&fobs) {
        let export = ada.asks_for(&[fob]);
        ben.approves(&export).expect(200);
        let user = world.user("acme", &fob.serial_number);
        let enrollment = user.enroll_token(fob);
        let [first, second] = fob.two_codes_at(world.now_ms());
        let (fetched, bound) = thread::scope(|scope| {
            let binding = scope.spawn(|| user.confirm(&enrollment, &[&first, &second]).status);
            // A little later each time, so that the two meet in every order.
            thread::sleep(Duration::from_millis(8 * round));
            (ada.fetches(&export, &KEY).status, binding.join().expect("an answer"))
        });
        assert!([200, 409].contains(&fetched), "{fetched}");
        assert!([200, 409].contains(&bound), "{bound}");
        let events = world.events();
        let at = |action: &str, outcome: &str| {
            let is = |event: &Value| event["action"] == action && event["outcome"] == outcome;
            events
                .iter()
                .rposition(|event| is(event) && event.to_string().contains(&fob.serial_number))
        };
        let (left, bound) = (at("export.hand_out", "done"), at("enrollment.confirm", "done"));
        assert!(left.is_some() || bound.is_some(), "one of two at least gets through");
        if let (Some(left), Some(bound)) = (left, bound) {
            assert!(left < bound, "A5: {} had left by then", fob.serial_number);
        }
    }
}

#[test]
fn an_export_ends_by_itself_or_by_being_withdrawn() {
    let world = World::new();
    let fob = Fob::new(1);
    world.stock(&[&fob]);
    let (ada, ben) = (Admin::new(&world, "Ada", "ada"), Admin::new(&world, "Ben", "ben"));
    let late = ada.asks_for(&[&fob]);
    let later = ada.asks_for(&[&fob]);
    world.pass(23 * HOUR_MS);
    ben.approves(&late).expect(200);
    world.pass(HOUR_MS);
    ben.approves(&later).problem(409, "export_state");
    ada.fetches(&late, &KEY).problem(409, "export_state");

    let withdrawn = ada.asks_for(&[&fob]);
    ben.approves(&withdrawn).expect(200);
    ben.withdraws(&withdrawn).expect(200);
    ada.fetches(&withdrawn, &KEY).problem(409, "export_state");
    ada.withdraws(&withdrawn).problem(409, "export_state");

    for role in [Role::Inventory, Role::Support, Role::Verify] {
        let body = json!({"serial_numbers": ["CS-000001"], "recipient": "R", "key_base64": BASE64.encode(&KEY),
            "actor": {"id": "x", "kind": "admin"}});
        world.post(role, "/v1/exports", &body).problem(403, "forbidden");
    }
    let (_, limited) = world.new_key_of("Eve", &[Role::Admin], Some(&["acme"]));
    let body = json!({"serial_numbers": ["CS-000001"], "recipient": "R", "key_base64": BASE64.encode(&KEY),
        "actor": {"id": "x", "kind": "admin"}});
    let path = "/v1/exports";
    world
        .call_as(Some(&limited), "POST", path, Some(&body))
        .problem(403, "forbidden");
    for (field, bad) in [
        ("key_base64", json!(BASE64.encode(&KEY[..31]))),
        ("recipient", json!(" Branch")),
        ("recipient", json!("")),
    ] {
        let mut body = json!({"serial_numbers": ["CS-000001"], "recipient": "R", "key_base64": BASE64.encode(&KEY)});
        body[field] = bad;
        let problem = ada.post(path, &body).problem(400, "invalid_request");
        assert_eq!(problem["field"], field, "{problem}");
    }
}
