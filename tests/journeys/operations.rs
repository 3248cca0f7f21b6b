//! The catalogue of sensitive operations: read, added to, and what it decides.

use serde_json::{Value, json};
use service::Role;

use crate::world::{Reply, User, World, text};

const REFUND: &str = "billing/refund";
const REBIND: &str = "accounts/unbinding-mfa-token";

impl User<'_> {
    /// Decision and ground before this operation.
    fn before(&self, operation: &str) -> (Value, Value) {
        let body = json!({
            "account": self.account, "user": self.user, "purpose": "operation", "session_id": "s1",
            "operation": operation,
        });
        let told = self.world.post(Role::Verify, "/v1/challenges", &body).expect(201);
        (told["decision"].clone(), told["ground"].clone())
    }
}

fn decided(decision: &str, ground: &str) -> (Value, Value) {
    (json!(decision), json!(ground))
}

fn refund(also: &Value) -> Value {
    let mut body = json!({
        "category": {"en": "Finance", "zh": "财务"},
        "product": {"en": "Billing", "zh": "账单"},
        "operation": {"en": "Refund", "zh": "退款"},
        "identity_always": false, "protected": true,
        "actor": {"id": "ops-1", "kind": "admin"},
    });
    for (name, value) in also.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

fn set(world: &World, key: &str, body: &Value) -> Reply {
    world.call(Role::Admin, "PUT", &format!("/v1/operations/{key}"), Some(body))
}

/// P3: all 212 are there in both languages, in pages, and by product.
#[test]
fn p3_the_catalogue_is_read_in_pages() {
    let world = World::new();
    let mut keys: Vec<String> = Vec::new();
    let mut path = "/v1/operations?limit=100".to_owned();
    loop {
        let page = world.get(Role::Verify, &path).expect(200);
        for item in page["items"].as_array().expect("items") {
            assert_eq!(item["source"], "shipped", "{item}");
            for words in ["category", "product", "operation"] {
                assert!(item[words]["en"].is_string() && item[words]["zh"].is_string(), "{item}");
            }
            keys.push(text(&item["key"]));
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/operations?limit=100&cursor={}", cursor.replace('/', "%2F"));
    }
    assert_eq!(keys.len(), 212);
    assert!(keys.is_sorted());
    let accounts = world.get(Role::Verify, "/v1/operations?product=accounts").expect(200);
    let accounts = accounts["items"].as_array().expect("items");
    assert_eq!(
        accounts.len(),
        keys.iter().filter(|key| key.starts_with("accounts/")).count()
    );
    let rebind = world.get(Role::Verify, &format!("/v1/operations/{REBIND}")).expect(200);
    assert_eq!(rebind["identity_always"], true);
    world
        .get(Role::Verify, &format!("/v1/operations/{REFUND}"))
        .problem(404, "not_found");
}

/// P3: operators add their own, and say which of all are protected; what is always checked stays so.
#[test]
fn p3_operators_add_their_own_and_weaken_nothing_that_is_always_checked() {
    let mut world = World::new();
    {
        let alice = world.user("acme", "alice");
        alice.bind();
        assert_eq!(
            alice.before(REFUND),
            decided("challenge", "protected"),
            "by default what is unknown is protected"
        );
        let told = set(&world, REFUND, &refund(&json!({"protected": false}))).expect(200);
        let expected = json!({
            "key": REFUND, "category": {"en": "Finance", "zh": "财务"}, "product": {"en": "Billing", "zh": "账单"},
            "operation": {"en": "Refund", "zh": "退款"}, "identity_always": false, "protected": false, "source": "own",
        });
        assert_eq!(told, expected);
        assert_eq!(alice.before(REFUND), decided("allow", "not_sensitive"));
        let always = json!({"identity_always": true});
        set(&world, REFUND, &refund(&always)).expect(200);
        assert_eq!(alice.before(REFUND), decided("challenge", "identity_always"));

        let problem = set(&world, REBIND, &refund(&json!({}))).problem(400, "invalid_request");
        assert_eq!(problem["field"], "identity_always");
        let switched_off = json!({"identity_always": true, "protected": false});
        let problem = set(&world, REBIND, &refund(&switched_off)).problem(400, "invalid_request");
        assert_eq!(problem["field"], "protected");
        let problem = set(&world, "Billing/refund", &refund(&json!({}))).problem(400, "invalid_request");
        assert_eq!(problem["field"], "key");
        assert_eq!(alice.before(REBIND), decided("challenge", "identity_always"));
        let path = format!("/v1/operations/{REFUND}");
        world
            .call(Role::Verify, "PUT", &path, Some(&refund(&always)))
            .problem(403, "forbidden");
    }
    world.restart();
    let alice = world.user("acme", "alice");
    assert_eq!(
        alice.before(REFUND),
        decided("challenge", "identity_always"),
        "it is kept"
    );
    let set_twice = world
        .events()
        .into_iter()
        .filter(|event| event["action"] == "operation.set");
    assert_eq!(set_twice.count(), 2);
    world.assert_trail_holds();
}
