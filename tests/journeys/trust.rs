//! Trusted browsers and suspicious logins, over HTTP: a token that rotates, and cities of a real database.

use std::{fs, net::IpAddr, path::Path, sync::Arc};

use countersign::cities::CityDatabase;
use mmdb_writer::{Value as Field, Writer};
use serde_json::{Value, json};
use service::{Cities as _, Location, Role};

use crate::{
    judges::STEP_MS,
    world::{Bound, MINUTE_MS, Reply, User, World, actor_query, text},
};

const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const SHENZHEN: &str = "198.41.0.7";
const DONGGUAN: &str = "198.41.1.7";

impl User<'_> {
    /// A login from this address, of a browser with these fields more.
    fn login_from(&self, address: &str, also: &Value) -> Value {
        let mut body = json!({
            "account": self.account, "user": self.user, "purpose": "login", "first_factor": {"method": "password"},
            "client": {"ip": address, "user_agent": "Firefox"},
        });
        for (name, value) in also.as_object().expect("fields") {
            body[name] = value.clone();
        }
        self.world.post(Role::Verify, "/v1/challenges", &body).expect(201)
    }

    fn ground(&self, address: &str, also: &Value) -> String {
        text(&self.login_from(address, also)["ground"])
    }

    /// Answers a challenge by the phone, and has the browser trusted.
    fn trusting(&self, challenge: &Value, bound: &Bound) -> Value {
        let path = format!("/v1/challenges/{}/answer", text(&challenge["id"]));
        let code = bound.phone.code_at(self.world.now_ms());
        let answer = json!({"method": "totp", "code": code, "trust_device": true});
        let told = self.world.post(Role::Verify, &path, &answer).expect(200);
        assert_eq!(told["decision"], "allow", "{told}");
        self.world.pass(STEP_MS);
        told
    }

    /// The first token of a browser that is trusted now.
    fn trusted(&self, bound: &Bound) -> Value {
        let challenge = self.login_from(SHENZHEN, &json!({}));
        self.trusting(&challenge, bound)["trusted_device"].clone()
    }

    fn trusts(&self) -> Value {
        let listed = self.world.get(Role::Enroll, &self.path("/trusted-devices"));
        listed.expect(200)["items"].clone()
    }

    fn end_trust(&self, id: &str) -> Reply {
        let path = self.path(&format!("/trusted-devices{id}{}", actor_query(&self.actor())));
        self.world.call(Role::Enroll, "DELETE", &path, None)
    }

    fn also_protect(&self, also: &Value) {
        let path = self.path("/protection");
        let etag = self.world.get(Role::Enroll, &path).etag.expect("an ETag");
        let mut body = json!({
            "login_protection": "mfa", "operation_protection": "mfa", "suspicious_login_protection": "mfa",
            "allow_trusted_devices": true, "session_idle_minutes": 120, "session_total_hours": 48, "actor": self.actor(),
        });
        for (name, value) in also.as_object().expect("fields") {
            body[name] = value.clone();
        }
        self.world.put(Role::Enroll, &path, &body, Some(&etag)).expect(200);
    }
}

/// P2: a browser in which a user was checked needs no code for 7 days, over a restart, and its old token is a thief's.
#[test]
fn p2_a_browser_is_trusted_for_7_days_and_a_copy_of_its_token_is_found() {
    let mut world = World::new();
    let (until, first, second) = {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        let until = world.time(7 * DAY_MS);
        let first = alice.trusted(&bound);
        let told = alice.login_from(SHENZHEN, &json!({"trusted_device": first}));
        assert_eq!(
            (&told["decision"], &told["ground"]),
            (&json!("allow"), &json!("trusted_device"))
        );
        assert!(told["grant"].is_string());
        let second = told["trusted_device"].clone();
        assert_ne!(second, first, "it rotates");
        (until, first, second)
    };
    world.restart();
    let alice = world.user("acme", "alice");
    let trusts = alice.trusts();
    assert_eq!(
        (&trusts[0]["until"], &trusts[0]["client"]),
        (&json!(until), &json!({"ip": SHENZHEN, "user_agent": "Firefox"}))
    );
    world.pass(DAY_MS);
    let again = alice.login_from(SHENZHEN, &json!({"trusted_device": first}));
    assert_eq!(again["trusted_device"], second, "its answer was lost: no theft");
    assert_eq!(
        alice.ground(SHENZHEN, &json!({"trusted_device": second})),
        "trusted_device"
    );
    world.pass(MINUTE_MS + 1);
    let copy = alice.login_from(SHENZHEN, &json!({"trusted_device": first}));
    assert_eq!(
        (&copy["decision"], copy.get("trusted_device")),
        (&json!("challenge"), None)
    );
    assert_eq!(alice.events("trusted_device.theft", "done").len(), 1);
    assert_eq!(alice.trusts(), json!([]));
    assert_eq!(alice.ground(SHENZHEN, &json!({"trusted_device": second})), "protected");
    world.assert_trail_holds();
}

/// P2: trusts are listed and ended, one or all; with the device, and where the settings forbid any.
#[test]
fn p2_a_trust_ends_by_hand_with_the_device_and_with_the_setting() {
    let mut world = World::new();
    {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        let tokens = [alice.trusted(&bound), alice.trusted(&bound), alice.trusted(&bound)];
        let is_asked = |token: &Value| alice.ground(SHENZHEN, &json!({"trusted_device": token})) == "protected";
        let trusts = alice.trusts();
        let id = text(&trusts[0]["id"]);
        alice.end_trust(&format!("/{id}")).expect(204);
        alice.end_trust(&format!("/{id}")).problem(404, "not_found");
        assert!(is_asked(&tokens[0]) && !is_asked(&tokens[1]));
        alice.end_trust("").expect(204);
        assert!(tokens.iter().all(is_asked));
        let token = alice.trusted(&bound);
        assert!(!is_asked(&token));
        alice.also_protect(&json!({"allow_trusted_devices": false}));
        assert!(is_asked(&token));
        let challenge = alice.login_from(SHENZHEN, &json!({}));
        let told = alice.trusting(&challenge, &bound);
        assert!(told.get("trusted_device").is_none(), "{told}");

        let bob = world.user("acme", "bob");
        let bound = bob.bind();
        let token = bob.trusted(&bound);
        let code = bound.phone.code_at(world.now_ms());
        bob.change(&bound.device, "unbind", &json!({"code": code})).expect(204);
        world.pass(STEP_MS);
        bob.bind();
        assert_eq!(bob.ground(SHENZHEN, &json!({"trusted_device": token})), "protected");
    }
    world.assert_trail_holds();
}

/// A database of cities in two networks.
fn database(cities: &[(&str, &str)]) -> Vec<u8> {
    let description = [("en", "Cities of a test")];
    let mut writer = Writer::builder("Test-City").description(&description).build();
    for (network, name) in cities {
        let name = Field::map([("names", Field::map([("en", Field::from(*name))]))]);
        let country = Field::map([("iso_code", Field::from("CN"))]);
        let network = network.parse::<ipnet::IpNet>().expect("a network");
        let city = Field::map([("city", name), ("country", country)]);
        writer.insert_value(network, city).expect("it fits");
    }
    writer.to_bytes().expect("a database")
}

fn opened(path: &Path) -> Arc<CityDatabase> {
    let both = [("198.41.0.0/24", "Shenzhen"), ("198.41.1.0/24", "Dongguan")];
    fs::write(path, database(&both)).expect("it is written");
    let office = "10.0.0.0/8".parse().expect("a network");
    Arc::new(CityDatabase::open(Some(path), vec![office]).expect("a database"))
}

/// P5: from an unusual city a code is asked, whatever is trusted; once it was right there, the city is usual.
#[test]
fn p5_a_login_from_an_unusual_city_asks_even_a_trusted_browser() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("city.mmdb");
    let cities = opened(&path);
    let mut world = World::with_cities(cities.clone());
    {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        alice.also_protect(&json!({}));
        let first = alice.login_from(SHENZHEN, &json!({}));
        assert_eq!(first["ground"], "unusual_city", "the first login ever");
        let token = alice.trusting(&first, &bound)["trusted_device"].clone();
        assert_eq!(alice.trusts()[0]["city"], "CN//Shenzhen");
        let trusted = json!({"trusted_device": token});
        assert_eq!(alice.ground(SHENZHEN, &trusted), "trusted_device");
        assert_eq!(
            alice.ground("10.1.2.3", &trusted),
            "trusted_device",
            "the operator's own network"
        );
        for address in [DONGGUAN, "192.168.0.7", "2001:db8::7"] {
            assert_eq!(alice.ground(address, &trusted), "unusual_city", "{address}");
        }
        let risky = json!({"trusted_device": token, "risk": "high"});
        assert_eq!(alice.ground(SHENZHEN, &risky), "risk_reported");
        let told = alice.events("login.suspicious", "challenge");
        assert_eq!(told.len(), 5, "P8: each is a notice");
        let elsewhere = alice.login_from(DONGGUAN, &json!({}));
        alice.trusting(&elsewhere, &bound);
        assert_eq!(alice.ground(DONGGUAN, &json!({})), "protected", "usual now");

        // Login protection off: only the unusual asks.
        let code = bound.phone.code_at(world.now_ms());
        alice.also_protect(&json!({"login_protection": "none", "factor": {"code": code}}));
        assert_eq!(alice.ground(DONGGUAN, &json!({})), "not_protected");
        fs::write(&path, database(&[("198.41.1.0/24", "Huizhou")])).expect("it is written");
        cities.look();
        let address: IpAddr = DONGGUAN.parse().expect("an address");
        assert_eq!(cities.locate(address), Location::City("CN//Huizhou".into()));
        assert_eq!(
            alice.ground(DONGGUAN, &json!({})),
            "unusual_city",
            "the file was renewed"
        );
    }
    world.assert_trail_holds();
}

/// P5: without a database the protection says that it is off; a risk that the caller reports is no city.
#[test]
fn p5_without_a_database_the_protection_is_off() {
    let mut world = World::new();
    {
        let alice = world.user("acme", "alice");
        alice.bind();
        alice.also_protect(&json!({}));
        let shown = world.get(Role::Enroll, &alice.path("/protection")).expect(200);
        assert_eq!(shown["suspicious_login_protection"], "mfa");
        let off = json!({"method": "none", "ground": "no_city_database"});
        assert_eq!(shown["in_force"]["suspicious_login_protection"], off);
        assert_eq!(alice.ground(DONGGUAN, &json!({})), "protected");
        assert_eq!(alice.ground(DONGGUAN, &json!({"risk": "high"})), "risk_reported");
    }
    world.assert_trail_holds();
}

/// Nothing that a database has of a browser, or of a city, names it.
#[test]
fn p2_p5_addresses_and_cities_are_not_readable_in_the_database() {
    let home = tempfile::tempdir().expect("a directory");
    let mut world = World::with_cities(opened(&home.path().join("city.mmdb")));
    {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        alice.also_protect(&json!({}));
        let challenge = alice.login_from(SHENZHEN, &json!({}));
        alice.trusting(&challenge, &bound);
    }
    world.stop();
    for path in crate::world::files(world.home()) {
        let bytes = fs::read(&path).expect("a file");
        for secret in [SHENZHEN, "Firefox", "Shenzhen"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {}", path.display());
        }
    }
}
