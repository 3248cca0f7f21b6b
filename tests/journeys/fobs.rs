//! Hardware tokens to tell stories with: each has a secret, a serial number, and a clock of its own.

use std::cell::Cell;

use pskc::{Moving, Seed};
use serde_json::{Value, json};
use service::{Caller, NewImport, Receipt, Role};

use crate::{
    judges::{Phone, STEP_MS},
    world::{Bound, Reply, User, World, text},
};

/// A token as it lies on somebody's desk.
#[derive(Clone)]
pub(crate) struct Fob {
    pub(crate) serial_number: String,
    pub(crate) phone: Phone,
    /// How far its clock is ahead.
    ahead_ms: Cell<i64>,
}

impl Fob {
    /// One with this number on its back, and the same secret each time it is made.
    pub(crate) fn new(number: u32) -> Self {
        Self::anew(number, 0)
    }

    /// The same after so many times at the factory, each with another secret.
    pub(crate) fn anew(number: u32, times: u32) -> Self {
        Self {
            serial_number: format!("CS-{number:06}"),
            phone: Phone {
                secret: base32(&bytes(number, times)),
            },
            ahead_ms: 0.into(),
        }
    }

    /// Its clock runs ahead, or (negative) falls behind.
    pub(crate) fn drift(&self, ms: i64) {
        self.ahead_ms.set(self.ahead_ms.get() + ms);
    }

    /// What it shows while the world's clock says this.
    pub(crate) fn code_at(&self, now_ms: i64) -> String {
        self.phone.code_at(now_ms + self.ahead_ms.get())
    }

    /// What it shows now, and then.
    pub(crate) fn two_codes_at(&self, now_ms: i64) -> [String; 2] {
        let codes = self.phone.codes_from(now_ms + self.ahead_ms.get(), 2);
        codes.try_into().expect("two codes")
    }

    /// Its line in a seed file.
    pub(crate) fn seed(&self) -> Seed {
        Seed {
            serial_number: self.serial_number.clone(),
            manufacturer: Some("Countersign".into()),
            model: Some("C6".into()),
            key_id: None,
            issuer: None,
            label: None,
            secret: otp::Secret::from_slice(&crate::binding::unbase32(&self.phone.secret)).expect("a secret"),
            algorithm: otp::Algorithm::Sha1,
            digits: otp::Digits::SIX,
            moving: Moving::Time {
                period: otp::Period::new_s(30).expect("30 s"),
                drift_steps: 0,
            },
            starts_at_s: None,
            expires_at_s: None,
            management_key: Some(pskc::ManagementKey::from_bytes(&[7; 32])),
        }
    }
}

fn bytes(number: u32, times: u32) -> [u8; 20] {
    let mut state = u64::from(number) << 32 | u64::from(times) << 8 | 0x5b;
    [0; 20].map(|_: u8| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    })
}

pub(crate) fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let value = |bits: &[u8]| usize::from_str_radix(&String::from_utf8_lossy(bits), 2).expect("five bits");
    bits.as_bytes()
        .chunks_exact(5)
        .map(|five| char::from(LETTERS[value(five)]))
        .collect()
}

/// What the desk says of itself.
pub(crate) fn desk() -> Value {
    json!({"id": "desk-3", "kind": "admin"})
}

impl World {
    /// The desk imports these into a batch.
    pub(crate) fn import(&self, batch: &str, fobs: &[&Fob]) -> Receipt {
        let seeds: Vec<Seed> = fobs.iter().map(|fob| fob.seed()).collect();
        self.import_seeds(batch, &seeds, false)
    }

    pub(crate) fn import_seeds(&self, batch: &str, seeds: &[Seed], dry_run: bool) -> Receipt {
        let wanted = NewImport {
            lot: batch.into(),
            dry_run,
            ..NewImport::default()
        };
        let done = self.wait(
            self.service()
                .import(&Caller::shell(), seeds, Receipt::default(), &wanted),
        );
        done.expect("an import has a receipt")
    }

    /// `POST /tokens/import` of a file with these fields on top of the usual ones.
    pub(crate) fn import_file(&self, query: &str, file: &[u8], also: &Value) -> Reply {
        let mut body = json!({"batch": "file", "file_base64": data_encoding::BASE64.encode(file), "actor": desk()});
        for (name, value) in also.as_object().expect("fields") {
            body[name] = value.clone();
        }
        self.post(Role::Inventory, &format!("/v1/tokens/import{query}"), &body)
    }

    /// The desk opens a batch, or closes it.
    pub(crate) fn open_batch(&self, batch: &str, open_to: &Value) {
        let body = json!({"open_to": open_to, "actor": desk()});
        self.call(Role::Inventory, "PATCH", &format!("/v1/batches/{batch}"), Some(&body))
            .expect(200);
    }

    /// These tokens in a batch that is open to everybody.
    pub(crate) fn stock(&self, fobs: &[&Fob]) {
        assert_eq!(self.import("one", fobs).imported, fobs.len());
        self.open_batch("one", &json!({"kind": "everybody"}));
    }

    /// `GET /tokens/{serial_number}`.
    pub(crate) fn token(&self, fob: &Fob) -> Value {
        self.get(Role::Inventory, &format!("/v1/tokens/{}", fob.serial_number))
            .expect(200)
    }

    /// `PATCH /tokens/{serial_number}` by somebody.
    pub(crate) fn move_token(&self, role: Role, fob: &Fob, state: &str, also: &Value) -> Reply {
        let mut body = also.clone();
        body["state"] = state.into();
        body["actor"] = desk();
        let path = format!("/v1/tokens/{}", fob.serial_number);
        self.call(role, "PATCH", &path, Some(&body))
    }

    /// `POST /tokens/find-by-code` by this actor of support's.
    pub(crate) fn find(&self, actor: &str, codes: &[&str]) -> Reply {
        let body = json!({"codes": codes, "actor": {"id": actor, "kind": "support"}});
        self.post(Role::Support, "/v1/tokens/find-by-code", &body)
    }
}

impl User<'_> {
    /// `POST U/enrollments` by a serial number.
    pub(crate) fn start_token(&self, serial_number: &str, also: &Value) -> Reply {
        let mut body = json!({
            "kind": "hardware", "serial_number": serial_number, "identity_proof": self.proof(0), "actor": self.actor(),
        });
        for (name, value) in also.as_object().expect("fields") {
            body[name] = value.clone();
        }
        self.world.post(Role::Enroll, &self.path("/enrollments"), &body)
    }

    /// Starts a binding by a serial number; its id.
    pub(crate) fn enroll_token(&self, fob: &Fob) -> String {
        text(&self.start_token(&fob.serial_number, &json!({})).expect(201)["id"])
    }

    /// Binds a token by two codes of it, and lets them go by.
    pub(crate) fn bind_token(&self, fob: &Fob) -> Bound {
        let id = self.enroll_token(fob);
        let [first, second] = fob.two_codes_at(self.world.now_ms());
        let done = self.confirm(&id, &[&first, &second]).expect(200);
        self.world.pass(2 * STEP_MS);
        let codes = done["recovery_codes"]
            .as_array()
            .expect("recovery codes were asked for");
        Bound {
            device: text(&done["device"]["id"]),
            phone: fob.phone.clone(),
            recovery_codes: codes.iter().map(text).collect(),
        }
    }
}
