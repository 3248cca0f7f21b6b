//! What stands in a database by hand: one golden file of each noun and format. A changed field shows in review.
//!
//! A file that is missing is written, and the test fails once; what older programs wrote stays readable, so a file is
//! never changed: a body that reads otherwise is a new format, and a file beside the old one.

use std::{fs, path::PathBuf};

use otp::Parameters;
use serde_json::{Value, json};
use store::{
    Allowance, ApiKey, Batch, Document, Enrollment, EnrollmentState, Export, ExportState, Fingerprint, Id,
    IdentityProof, MacWitness, Noun, OpenTo, Owner, Person, Protection, RecoveryCode, RecoveryCodes, Role, Sealed,
    Token, TokenState, UnboundDevice, Witness,
};
use verify::{Budget, GuessMac, Kind, LongCount, Recent, UnixMs};

const NOW: UnixMs = UnixMs::new(1_795_219_200_000);

fn id(number: u128) -> Id {
    Id::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | number)
}

fn owner() -> Owner {
    Owner::new("acme", "álice")
}

fn sealed(byte: u8) -> Sealed {
    Sealed {
        key_id: 1,
        bytes: vec![byte; 48],
    }
}

/// Holds a record against the file of its noun, both ways.
fn golden<N: Noun + PartialEq>(case: &str, noun: &N) {
    let document = Document::of(noun);
    let lookups: Vec<Value> = document
        .lookups
        .iter()
        .map(|lookup| json!({"name": lookup.name, "value": lookup.value, "unique": lookup.unique}))
        .collect();
    let body: Value = serde_json::from_str(&document.body).expect("a JSON object");
    let shown = json!({
        "noun": N::NAME,
        "key": {"account": &*document.key.account, "user": &*document.key.user, "id": &*document.key.id},
        "version": document.version,
        "expires_at_ms": document.expires_at.map(UnixMs::get),
        "lookups": lookups,
        "secrets": document.secrets.len(),
        "body": body,
    });
    let shown = format!("{shown:#}\n");
    let name = format!("{}-{}-{case}.json", N::NAME, N::FORMAT);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/documents")
        .join(name);
    let Ok(kept) = fs::read_to_string(&path) else {
        fs::write(&path, &shown).expect("it can be written");
        panic!("{} was missing and is written: read it, and commit it", path.display());
    };
    assert_eq!(shown, kept, "{}", path.display());
    // The body of the file, as an older program wrote it, still is this record.
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    let document = Document {
        body: kept["body"].to_string(),
        ..document
    };
    assert!(document.read::<N>().expect("it is read") == *noun, "{}", path.display());
}

#[test]
fn allowance() {
    golden(
        "used",
        &Allowance {
            name: "find_by_code/actor/person/kim".into(),
            version: 3,
            since: NOW,
            used: 3,
        },
    );
}

#[test]
fn api_key() {
    let key = ApiKey {
        id: id(1),
        version: 1,
        hash: [7; 32],
        roles: Role::ALL.to_vec(),
        owner: "team console".into(),
        accounts: Some(vec!["acme".into()]),
        created_at: NOW,
        revoked_at: None,
    };
    golden("revoked", &key.clone().revoked(NOW.plus(1)));
    golden("living", &ApiKey { accounts: None, ..key });
}

#[test]
fn batch() {
    let batch = |open_to| Batch {
        name: "2026-03".into(),
        version: 2,
        created_at: NOW,
        open_to,
        note: Some("beta".into()),
    };
    golden("nobody", &batch(OpenTo::Nobody));
    golden("accounts", &batch(OpenTo::Accounts(vec!["acme".into()])));
    golden("users", &batch(OpenTo::Users(vec![owner()])));
    golden("everybody", &batch(OpenTo::Everybody));
}

#[test]
fn enrollment() {
    let enrollment = |state| Enrollment {
        id: id(2),
        owner: owner(),
        version: 2,
        kind: Kind::Virtual,
        issuer: "Wolke".into(),
        label: "acme:álice".into(),
        parameters: Parameters::DEFAULT,
        identity_proof: IdentityProof {
            method: "password".into(),
            at: NOW.plus(-1),
            by: "console".into(),
        },
        serial_number: None,
        replaces: Some(id(3)),
        started_at: NOW,
        expires_at: NOW.plus(UnixMs::HOUR),
        state,
    };
    let started = EnrollmentState::Started {
        sealed: Some(sealed(1)),
        wrong_codes: 2,
    };
    golden("started", &enrollment(started));
    golden(
        "superseded",
        &enrollment(EnrollmentState::Superseded { sealed: sealed(1) }),
    );
    golden("confirmed", &enrollment(EnrollmentState::Confirmed { device: id(4) }));
    golden("abandoned", &enrollment(EnrollmentState::Abandoned));
    let of_token = Enrollment {
        kind: Kind::Hardware,
        serial_number: Some("CS-000001".into()),
        ..enrollment(EnrollmentState::Started {
            sealed: None,
            wrong_codes: 0,
        })
    };
    golden("of_token", &of_token);
}

#[test]
fn export() {
    let person = |number: u128| Person {
        api_key: id(number),
        key_owner: "team desk".into(),
        actor: format!("desk-{number}"),
    };
    let export = |state| Export {
        id: id(5),
        version: 2,
        serial_numbers: vec!["CS-000001".into(), "CS-000002".into()],
        recipient: "Acme".into(),
        recipient_key: Fingerprint {
            mac: [3; 32],
            key_id: 1,
        },
        requested_by: person(6),
        requested_at: NOW,
        expires_at: NOW.plus(UnixMs::DAY),
        state,
    };
    golden("requested", &export(ExportState::Requested));
    golden("approved", &export(ExportState::Approved { by: person(7) }));
    golden("handed_out", &export(ExportState::HandedOut { approved_by: person(7) }));
    golden("withdrawn", &export(ExportState::Withdrawn));
}

#[test]
fn protection() {
    golden(
        "login",
        &Protection {
            owner: owner(),
            version: 4,
            login_protection: true,
            operation_protection: false,
        },
    );
}

#[test]
fn unbound_device() {
    golden(
        "token",
        &UnboundDevice {
            id: id(5),
            owner: owner(),
            kind: Kind::Hardware,
            serial_number: Some("CS-000005".into()),
            label: "the token of the safe".into(),
            parameters: Parameters::DEFAULT,
            bound_at: NOW,
            last_success_at: Some(NOW.plus(1)),
            total_offset_steps: -2,
            unbound_at: NOW.plus(UnixMs::DAY),
        },
    );
}

#[test]
fn recovery_codes() {
    let code = |byte: u8, used_at| RecoveryCode {
        mac: [byte; 32],
        key_id: 1,
        used_at,
    };
    let fresh = RecoveryCodes {
        owner: owner(),
        version: 1,
        issued_at: NOW,
        codes: vec![code(1, None), code(2, Some(NOW.plus(5)))],
        budget: Budget::default(),
    };
    golden("fresh", &fresh);
    let used = RecoveryCodes {
        version: 9,
        budget: Budget {
            recent: Recent::of([NOW.plus(9), NOW]),
            lock_count: 1,
            locked_until: Some(NOW.plus(UnixMs::HOUR)),
            since_success: 5,
            last_wrong: Some(GuessMac(77)),
            long: LongCount {
                week: 2_968,
                counts: [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            },
            suspended_at: Some(NOW.plus(10)),
            lifted: [Some(2_960), None],
        },
        ..fresh
    };
    golden("used", &used);
}

#[test]
fn token() {
    let token = |state, management| Token {
        serial_number: "CS-000001".into(),
        id: id(8),
        version: 3,
        batch: "2026-03".into(),
        manufacturer: Some("Wolke".into()),
        model: Some("M1".into()),
        label: None,
        parameters: Parameters::DEFAULT,
        fingerprint: Fingerprint {
            mac: [9; 32],
            key_id: 1,
        },
        management,
        measured_offset_steps: -2,
        starts_at: Some(NOW),
        expires_at: None,
        imported_at: NOW,
        changed_at: NOW.plus(1),
        exported_at: Some(NOW.plus(2)),
        state,
    };
    golden(
        "imported",
        &token(TokenState::Imported { sealed: sealed(1) }, Some(sealed(2))),
    );
    let assigned = TokenState::Assigned {
        sealed: sealed(1),
        owner: owner(),
    };
    golden("assigned", &token(assigned, None));
    let bound = TokenState::Bound {
        owner: owner(),
        device: id(4),
    };
    golden("bound", &token(bound, Some(sealed(2))));
    let bound = Some((owner(), id(4)));
    golden("lost", &token(TokenState::Lost { bound }, None));
    golden("found", &token(TokenState::Lost { bound: None }, None));
    golden("returned", &token(TokenState::Returned, None));
    golden("retired", &token(TokenState::Retired, None));
}

#[test]
fn token_fingerprint() {
    golden(
        "any",
        &Fingerprint {
            mac: [9; 32],
            key_id: 1,
        },
    );
}

#[test]
fn keyring_witness() {
    golden(
        "any",
        &Witness {
            key_id: 1,
            sealed: sealed(1),
        },
    );
}

#[test]
fn keyring_mac_witness() {
    golden(
        "any",
        &MacWitness {
            key_id: 1,
            mac: [9; 32],
        },
    );
}

/// What cannot be what was written is damage, said without a word of what stands there.
#[test]
fn a_spoiled_document_is_damage() {
    let document = Document::of(&Protection {
        owner: owner(),
        version: 4,
        login_protection: true,
        operation_protection: false,
    });
    let spoiled = [
        document.body.replace("true", "\"hunter2\""),
        document.body.replace("\"v\":1", "\"v\":2"),
        document.body.replace("\"version\":4", "\"version\":5"),
        document.body.replace("acme", "hunter2"),
        "{}".into(),
        String::new(),
    ];
    for body in spoiled {
        let read = Document {
            body,
            ..document.clone()
        }
        .read::<Protection>();
        let Err(store::StoreError::Damaged(why)) = read else {
            panic!("it is read");
        };
        assert!(
            why.starts_with("protection/acme/álice: ") && !why.contains("hunter2"),
            "{why}"
        );
    }
    let secret = vec![sealed(1)];
    let more = Document {
        secrets: secret,
        ..document
    };
    assert!(more.read::<Protection>().is_err(), "a secret that nobody named");
}
