//! Every request type against cases kept as files: what is accepted, what is refused, and in which words.

use std::{collections::BTreeMap, fs, path::Path};

use countersign_api::{
    AdministratorsRequest, ApprovalRequest, BatchChangeRequest, BatchRequest, ChallengeAnswerRequest, ChallengeRequest,
    ClosingRequest, ConfirmRequest, DiagnoseRequest, EndSessionsRequest, EnrollmentRequest, FindByCodeRequest,
    HandoverRequest, ImportRequest, IntrospectRequest, MethodRequest, OperationRequest, PageLinkRequest,
    PasscodeRequest, Problem, ProblemCode, PromptExchangeRequest, PromptLinkRequest, ProtectionSettingsRequest,
    RecoveryCodesRequest, ReplayRequest, RequirementsRequest, ResyncRequest, RevokeGrantsRequest, RotateWebhookRequest,
    SessionCheckRequest, SessionRequest, SupportActRequest, TokenChangeRequest, UnbindApplicationRequest,
    UnbindRequest, UnbindRequestCompletion, UnbindRequestEnd, UnbindRequestOpening, UnbindRequestVouching,
    UnlockRequest, VerifyBatchRequest, VerifyRequest, WebhookRequest, query_problem, read_json,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

type Reader = fn(&[u8]) -> Result<(), Problem>;

/// The file of cases, and how its bodies are read.
const READERS: [(&str, Reader); 42] = [
    ("approve_passcode", |body| read_json::<ApprovalRequest>(body).map(drop)),
    ("create_prompt_link", |body| {
        read_json::<PromptLinkRequest>(body).map(drop)
    }),
    ("exchange_prompt", |body| {
        read_json::<PromptExchangeRequest>(body).map(drop)
    }),
    ("create_page_link", |body| read_json::<PageLinkRequest>(body).map(drop)),
    ("request_passcode", |body| read_json::<PasscodeRequest>(body).map(drop)),
    ("reveal_passcode", |body| read_json::<SupportActRequest>(body).map(drop)),
    ("open_unbind_request", |body| {
        read_json::<UnbindRequestOpening>(body).map(drop)
    }),
    ("apply_for_unbinding", |body| {
        read_json::<UnbindApplicationRequest>(body).map(drop)
    }),
    ("vouch_for_unbind_request", |body| {
        read_json::<UnbindRequestVouching>(body).map(drop)
    }),
    ("reject_unbind_request", |body| {
        read_json::<UnbindRequestEnd>(body).map(drop)
    }),
    ("complete_unbind_request", |body| {
        read_json::<UnbindRequestCompletion>(body).map(drop)
    }),
    ("change_administrators", |body| {
        read_json::<AdministratorsRequest>(body).map(drop)
    }),
    ("closing", |body| read_json::<ClosingRequest>(body).map(drop)),
    ("hand_over", |body| read_json::<HandoverRequest>(body).map(drop)),
    ("answer_challenge", |body| {
        read_json::<ChallengeAnswerRequest>(body).map(drop)
    }),
    ("create_challenge", |body| read_json::<ChallengeRequest>(body).map(drop)),
    ("introspect_grant", |body| {
        read_json::<IntrospectRequest>(body).map(drop)
    }),
    ("revoke_grants", |body| read_json::<RevokeGrantsRequest>(body).map(drop)),
    ("create_session", |body| read_json::<SessionRequest>(body).map(drop)),
    ("check_session", |body| read_json::<SessionCheckRequest>(body).map(drop)),
    ("end_all_sessions", |body| {
        read_json::<EndSessionsRequest>(body).map(drop)
    }),
    ("change_protection", |body| {
        read_json::<ProtectionSettingsRequest>(body).map(drop)
    }),
    ("change_requirements", |body| {
        read_json::<RequirementsRequest>(body).map(drop)
    }),
    ("prove_method", |body| read_json::<MethodRequest>(body).map(drop)),
    ("change_batch", |body| read_json::<BatchChangeRequest>(body).map(drop)),
    ("change_token", |body| read_json::<TokenChangeRequest>(body).map(drop)),
    ("confirm_enrollment", |body| read_json::<ConfirmRequest>(body).map(drop)),
    ("create_batch", |body| read_json::<BatchRequest>(body).map(drop)),
    ("diagnose", |body| read_json::<DiagnoseRequest>(body).map(drop)),
    ("find_token_by_code", |body| {
        read_json::<FindByCodeRequest>(body).map(drop)
    }),
    ("import_tokens", |body| read_json::<ImportRequest>(body).map(drop)),
    ("renew_recovery_codes", |body| {
        read_json::<RecoveryCodesRequest>(body).map(drop)
    }),
    ("resync_device", |body| read_json::<ResyncRequest>(body).map(drop)),
    ("set_operation", |body| read_json::<OperationRequest>(body).map(drop)),
    ("create_webhook", |body| read_json::<WebhookRequest>(body).map(drop)),
    ("rotate_webhook", |body| {
        read_json::<RotateWebhookRequest>(body).map(drop)
    }),
    ("replay_delivery", |body| read_json::<ReplayRequest>(body).map(drop)),
    ("start_enrollment", |body| {
        read_json::<EnrollmentRequest>(body).map(drop)
    }),
    ("unbind_device", |body| read_json::<UnbindRequest>(body).map(drop)),
    ("unlock_device", |body| read_json::<UnlockRequest>(body).map(drop)),
    ("verify", |body| read_json::<VerifyRequest>(body).map(drop)),
    ("verify_batch", |body| read_json::<VerifyBatchRequest>(body).map(drop)),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    accepted: BTreeMap<String, Value>,
    refused: BTreeMap<String, Refused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    /// As JSON, or as text that may be none.
    body: Option<Value>,
    text: Option<String>,
    detail: String,
    field: Option<String>,
}

fn cases(name: &str) -> Cases {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(format!("{name}.json"));
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn what_the_cases_accept() {
    for (name, read) in READERS {
        for (case, body) in cases(name).accepted {
            let read = read(body.to_string().as_bytes());
            assert!(read.is_ok(), "{name}, {case}: {:?}", read.err());
        }
    }
}

#[test]
fn what_the_cases_refuse() {
    for (name, read) in READERS {
        for (case, refused) in cases(name).refused {
            let body = refused
                .text
                .unwrap_or_else(|| refused.body.unwrap_or_default().to_string());
            let Err(problem) = read(body.as_bytes()) else {
                panic!("{name}, {case}: accepted")
            };
            assert_eq!(problem.detail, refused.detail, "{name}, {case}");
            assert_eq!(problem.field, refused.field, "{name}, {case}");
            assert_eq!(problem.code, ProblemCode::InvalidRequest);
        }
    }
}

#[test]
fn every_file_of_cases_has_a_reader() {
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".json").unwrap();
        assert!(
            READERS.iter().any(|(known, _)| *known == name),
            "{file} is read by nobody"
        );
    }
}

/// A code may stand anywhere by mistake: no refusal repeats it.
#[test]
fn no_refusal_repeats_a_value() {
    let code = "493817";
    let misplaced = [
        json!(code),
        json!(493817),
        json!(-493817),
        json!(4938.17),
        json!(493817e20),
        json!(format!("`{code}`, expected `{code}")),
        json!([code]),
        json!({code: code}),
        json!({"id": code, "kind": code}),
        json!(format!("{code}{}", "0".repeat(600))),
        json!(true),
    ];
    for (name, read) in READERS {
        for body in cases(name).accepted.into_values() {
            for place in places(&body) {
                for value in &misplaced {
                    let mut body = body.clone();
                    *body.pointer_mut(&place).unwrap() = value.clone();
                    if let Err(problem) = read(body.to_string().as_bytes()) {
                        let told = serde_json::to_string(&problem).unwrap();
                        assert!(!told.contains("4938"), "{name}{place}: {told}");
                    }
                }
            }
        }
    }
}

/// JSON pointers to everything in a value, itself included.
fn places(value: &Value) -> Vec<String> {
    let below = |key: String, value: &Value| places(value).into_iter().map(move |rest| format!("/{key}{rest}"));
    let mut found = vec![String::new()];
    match value {
        Value::Object(map) => found.extend(map.iter().flat_map(|(key, value)| below(key.clone(), value))),
        Value::Array(items) => found.extend(
            items
                .iter()
                .enumerate()
                .flat_map(|(at, item)| below(at.to_string(), item)),
        ),
        _ => {}
    }
    found
}

#[test]
fn a_query_that_lacks_a_field_is_told_which() {
    let problem = query_problem("missing field `actor_id`");
    assert_eq!(problem.field.as_deref(), Some("actor_id"));
    assert_eq!(problem.detail, "missing field `actor_id`");
}

#[test]
fn a_batch_has_a_limit() {
    let item = json!({"account": "acme", "user": "alice", "code": "492039", "first_factor": true});
    let batch = |count: usize| json!({"items": vec![item.clone(); count]}).to_string();
    assert!(read_json::<VerifyBatchRequest>(batch(4_096).as_bytes()).is_ok());
    let Err(problem) = read_json::<VerifyBatchRequest>(batch(4_097).as_bytes()) else {
        panic!("accepted")
    };
    assert_eq!(problem.detail, "items has more than 4096 items: send several batches");
}

#[test]
fn lengths_are_bounded() {
    let body = |user: &str, code: &str| json!({"account": "acme", "user": user, "code": code}).to_string();
    let read = |user: &str, code: &str| read_json::<VerifyRequest>(body(user, code).as_bytes()).map(drop);
    assert!(read(&"云".repeat(42), &"1".repeat(128)).is_ok());
    assert_eq!(
        read(&"云".repeat(43), "1").unwrap_err().detail,
        "user is longer than 128 bytes of UTF-8"
    );
    assert_eq!(
        read("u", &"1".repeat(129)).unwrap_err().detail,
        "code is longer than 128 bytes: no code is"
    );
}

#[test]
fn what_is_read_is_what_was_sent() {
    let body = cases("verify").accepted.remove("all fields").unwrap().to_string();
    let Ok(request) = read_json::<VerifyRequest>(body.as_bytes()) else {
        panic!("refused")
    };
    assert_eq!(
        (request.account.as_str(), request.user.as_str()),
        ("acme", "云 alice/1")
    );
    assert_eq!(request.code.expose(), " 492 039 ");
    assert!(request.first_factor);
    let Ok(request) = read_json::<VerifyRequest>(br#"{"account":"a","user":"u","code":""}"#) else {
        panic!("refused")
    };
    assert!(!request.first_factor, "absent counts as false");

    let agent =
        json!({"account": "a", "user": "u", "code": "1", "client": {"user_agent": "云".repeat(300)}}).to_string();
    let Ok(request) = read_json::<VerifyRequest>(agent.as_bytes()) else {
        panic!("refused")
    };
    assert_eq!(
        request.client.unwrap().user_agent.unwrap().as_str(),
        "云".repeat(170),
        "cut at a character"
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop_oneof![
            Just("virtual"),
            Just("user"),
            Just("totp"),
            Just("2026-11-21T04:45:00Z")
        ]
        .prop_map(Value::from),
    ];
    let key = prop_oneof![
        4 => prop::sample::select(vec![
            "account", "user", "code", "codes", "first_factor", "method", "request_id", "client", "ip", "items", "kind",
            "label", "identity_proof", "at", "by", "actor", "id", "replaces", "factor", "device_id", "scope",
            "serial_number", "state", "batch", "file_base64", "password", "name", "note", "open_to", "category", "product", "operation", "en", "zh", "protected", "accounts", "users",
        ]).prop_map(String::from),
        1 => ".{0,8}",
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..8).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_a_reader_panic(body in any_json()) {
        for (_, read) in READERS {
            let _read = read(body.to_string().as_bytes());
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, read) in READERS {
            let _read = read(&body);
        }
    }
}
