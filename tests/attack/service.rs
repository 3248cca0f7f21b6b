//! A service under attack, and what its victims and its attackers do there.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    contents,
    http::{Api, Reply, actor, identity_proof, path, question},
    phone::Phone,
    process::{Ended, Served, run},
    write_private,
};

/// `countersign serve` on a directory of its own, and a caller who may do everything.
pub(crate) struct TestService {
    home: TempDir,
    service: Option<Served>,
    pub(crate) api: Api,
}

/// A user with a device.
pub(crate) struct Bound {
    pub(crate) user: String,
    pub(crate) device: String,
    pub(crate) phone: Phone,
}

impl TestService {
    pub(crate) fn open() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let service = Served::start(&home.path().join("data"));
        let mut service = Self {
            home,
            api: service.api(),
            service: Some(service),
        };
        service.api = service.caller("verify,enroll,support,inventory,audit");
        service
    }

    fn service(&self) -> &Served {
        self.service.as_ref().expect("it runs")
    }

    /// `countersign …` beside the service, once it has done what it was asked.
    pub(crate) fn beside(&self, args: &[&str]) -> Ended {
        run(&mut self.service().beside(args), "").with_code(0)
    }

    /// A file of the data directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.service().dir.join(name)
    }

    /// The data directory as it is now, elsewhere.
    pub(crate) fn copied(&self) -> TempDir {
        let copy = tempfile::tempdir().expect("a directory");
        fs::set_permissions(copy.path(), fs::Permissions::from_mode(0o700)).expect("ours");
        for (name, bytes) in contents(&self.service().dir) {
            write_private(copy.path().join(name), bytes).expect("a file");
        }
        copy
    }

    /// SIGTERM and a new start: what was counted is in the trail now.
    pub(crate) fn reopen(&mut self) {
        self.service.take().expect("it runs").end().with_code(0);
        let service = Served::start(&self.home.path().join("data"));
        self.api = self.api.at(&service.url);
        self.service = Some(service);
    }

    /// What the process has logged.
    pub(crate) fn log(&self) -> String {
        self.service().running.err()
    }

    /// The database's log as it is on disk.
    pub(crate) fn written(&self) -> Vec<u8> {
        fs::read(self.home.path().join("data/countersign.sqlite-wal")).expect("a log beside the database")
    }

    /// A caller with a key of this role.
    pub(crate) fn caller(&self, role: &str) -> Api {
        let made = run(&mut self.service().beside(&["key", "create", "--role", role]), "").with_code(0);
        Api::new(&self.service().url, made.out.trim())
    }

    pub(crate) fn bind(&self, user: &str, step: u64) -> Bound {
        let (device, phone) = self.api.bind(user, step);
        Bound {
            user: user.into(),
            device,
            phone,
        }
    }

    /// Hardware tokens, numbered from 0, that anybody may bind.
    pub(crate) fn stock(&self, count: u32) {
        let mut seeds = String::from("serial,seed\n");
        for number in 0..count {
            seeds += &format!("CS-{number:06},{}\n", hex(&seed(number)));
        }
        let desk = json!({"id": "desk-3", "kind": "admin"});
        let body = json!({
            "batch": "attacked", "file_base64": data_encoding::BASE64.encode(seeds.as_bytes()), "actor": desk,
        });
        let receipt = self.post("/v1/tokens/import", &body).with_status(200);
        assert_eq!(receipt.body["imported"], count, "{}", receipt.body);
        self.patch(
            "/v1/batches/attacked",
            &json!({"open_to": {"kind": "everybody"}, "actor": desk}),
        )
        .with_status(200);
    }

    /// Starts the binding of a token; the enrollment.
    pub(crate) fn start_token(&self, user: &str, number: u32) -> String {
        let body = json!({
            "kind": "hardware", "serial_number": format!("CS-{number:06}"), "identity_proof": identity_proof(), "actor": actor(user),
        });
        let offer = self.post(&path(user, "/enrollments"), &body).with_status(201);
        offer.body["id"].as_str().expect("an id").to_owned()
    }

    /// Binds a token by the codes of `step - 1` and `step`.
    pub(crate) fn bind_token(&self, user: &str, number: u32, step: u64) -> Bound {
        let enrollment = self.start_token(user, number);
        let phone = token(number);
        let body = json!({
            "codes": [phone.code(step - 1), phone.code(step)], "scope": ["login_protection"], "actor": actor(user),
        });
        let bound = self
            .post(&path(user, &format!("/enrollments/{enrollment}/confirm")), &body)
            .with_status(200);
        Bound {
            user: user.into(),
            device: bound.body["device"]["id"].as_str().expect("an id").to_owned(),
            phone,
        }
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.api.post(path, body).expect("an answer")
    }

    #[track_caller]
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Reply {
        self.api.patch(path, body).expect("an answer")
    }

    /// Every record of the trail, oldest first, as somebody with the role `audit` reads it.
    pub(crate) fn records(&self) -> Vec<Value> {
        let mut records = Vec::new();
        let mut path = String::from("/v1/audit?limit=1000");
        loop {
            let page = self.api.get(&path).expect("an answer").with_status(200).body;
            records.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/audit?limit=1000&cursor={cursor}"),
                None => return records,
            }
        }
    }

    /// The events of one action about one user.
    pub(crate) fn events(&self, user: &str, action: &str, outcome: &str) -> Vec<Value> {
        let events = self.records().into_iter().map(|record| record["event"].clone());
        events
            .filter(|event| event["user"] == user && event["action"] == action && event["outcome"] == outcome)
            .collect()
    }
}

/// The token of this number.
pub(crate) fn token(number: u32) -> Phone {
    Phone::type_key(&data_encoding::BASE32_NOPAD.encode(&seed(number)))
}

fn seed(number: u32) -> [u8; 20] {
    let mut seed = *b"countersign attacked";
    seed[16..].copy_from_slice(&number.to_be_bytes());
    seed
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A question with a `request_id` and whatever else.
pub(crate) fn asked(user: &str, code: &str, request_id: &str, also: &Value) -> Value {
    let mut body = question(user, code, Some(request_id));
    for (name, value) in also.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

/// Codes that the phone shows at no step near this one.
pub(crate) fn wrong_codes(phone: &Phone, step: u64) -> impl Iterator<Item = String> {
    let near: Vec<_> = (step - 30..=step + 30).map(|step| phone.code(step)).collect();
    (0..1_000_000)
        .map(|number| format!("{number:06}"))
        .filter(move |code| !near.contains(code))
}
