//! Every request and every answer, made up from the OpenAPI document, is read, written and read again: both sides of a
//! call use one type, and lose nothing by it.

use std::{collections::BTreeMap, path::Path};

use api::{
    Administrators, AdministratorsRequest, ApprovalRequest, AuditHeads, AuditPage, AuditQuery, BATCH_ITEMS_MAX, Batch,
    BatchChangeRequest, BatchItems, BatchPage, BatchQuery, BatchRequest, Challenge, ChallengeAnswer,
    ChallengeAnswerRequest, ChallengeRequest, ChallengeStatus, Client, ClosingRequest, ClosingStatus, CodeText,
    ConfirmRequest, ConfirmResponse, Delivery, DeliveryPage, Device, DiagnoseRequest, Diagnosis, DriftQuery,
    DriftReport, EndMethodQuery, EndSessionsRequest, EndedMethod, EndedSessions, Enrollment, EnrollmentRequest, Export,
    ExportActRequest, ExportFileRequest, ExportRequest, FindByCodeRequest, FoundTokens, HandoverRequest, ImportQuery,
    ImportReceipt, ImportRequest, IntrospectRequest, Introspection, Jwks, Method, MethodRequest, MethodUses,
    MethodUsesQuery, Methods, Name, NewWebhook, Notice, Operation, OperationPage, OperationQuery, OperationRequest,
    PageLink, PageLinkRequest, PageSize, Passcode, PasscodeRequest, Probe, Problem, ProblemCode, PromptExchangeRequest,
    PromptLinkRequest, Protection, ProtectionSettings, ProtectionSettingsRequest, RecoveryCodes, RecoveryCodesRequest,
    ReplayRequest, RequestId, Requirements, RequirementsRequest, ResyncRequest, RevealedPasscode, RevokeGrantsRequest,
    RotateWebhookRequest, SecretText, SessionCheck, SessionCheckRequest, SessionPage, SessionQuery, SessionRequest,
    StartedSession, SupportActRequest, Timestamp, Token, TokenChangeRequest, TokenPage, TokenQuery, TokenState,
    TrustedDevices, UnbindApplication, UnbindApplicationRequest, UnbindRequest, UnbindRequestCompletion,
    UnbindRequestEnd, UnbindRequestOpening, UnbindRequestPage, UnbindRequestView, UnbindRequestVouching, UnlockRequest,
    User, UserAgent, UserPage, UserQuery, UserSummary, VerifyBatchRequest, VerifyBatchResponse, VerifyMethod,
    VerifyRequest, VerifyResponse, WebhookPage, WebhookRequest, WebhookSecret, read_json,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use server::openapi;
use zeroize::Zeroizing;

type Again = fn(&Value) -> serde_json::Result<Value>;

/// Read as `T`, and written.
fn again<T: Serialize + DeserializeOwned>(value: &Value) -> serde_json::Result<Value> {
    // Through text, as on the wire: `RawValue` is read from nothing else, and no type may depend on another way.
    serde_json::from_str::<T>(&value.to_string()).and_then(|read| serde_json::to_value(&read))
}

macro_rules! by_name {
    ($($type:ident),+ $(,)?) => { [$((stringify!($type), again::<$type> as Again)),+] };
}

const REQUESTS: [(&str, Again); 45] = by_name![
    AdministratorsRequest,
    ApprovalRequest,
    BatchChangeRequest,
    BatchRequest,
    ChallengeAnswerRequest,
    ChallengeRequest,
    ClosingRequest,
    ConfirmRequest,
    DiagnoseRequest,
    EndSessionsRequest,
    EnrollmentRequest,
    ExportActRequest,
    ExportFileRequest,
    ExportRequest,
    FindByCodeRequest,
    HandoverRequest,
    ImportRequest,
    IntrospectRequest,
    MethodRequest,
    OperationRequest,
    PageLinkRequest,
    PasscodeRequest,
    PromptExchangeRequest,
    PromptLinkRequest,
    ProtectionSettingsRequest,
    RecoveryCodesRequest,
    ReplayRequest,
    RequirementsRequest,
    ResyncRequest,
    RevokeGrantsRequest,
    RotateWebhookRequest,
    SessionCheckRequest,
    SessionRequest,
    SupportActRequest,
    TokenChangeRequest,
    UnbindApplicationRequest,
    UnbindRequest,
    UnbindRequestCompletion,
    UnbindRequestEnd,
    UnbindRequestOpening,
    UnbindRequestVouching,
    UnlockRequest,
    VerifyBatchRequest,
    VerifyRequest,
    WebhookRequest,
];

const ANSWERS: [(&str, Again); 54] = by_name![
    Administrators,
    AuditHeads,
    AuditPage,
    Batch,
    BatchPage,
    Challenge,
    ChallengeAnswer,
    ChallengeStatus,
    ClosingStatus,
    ConfirmResponse,
    Delivery,
    DeliveryPage,
    Device,
    Diagnosis,
    DriftReport,
    EndedMethod,
    EndedSessions,
    Enrollment,
    Export,
    FoundTokens,
    ImportReceipt,
    Introspection,
    Jwks,
    Method,
    MethodUses,
    Methods,
    NewWebhook,
    Notice,
    Operation,
    OperationPage,
    PageLink,
    Passcode,
    Probe,
    Problem,
    Protection,
    ProtectionSettings,
    RecoveryCodes,
    Requirements,
    RevealedPasscode,
    SessionCheck,
    SessionPage,
    StartedSession,
    Token,
    TokenPage,
    TrustedDevices,
    UnbindApplication,
    UnbindRequestPage,
    UnbindRequestView,
    User,
    UserPage,
    UserSummary,
    VerifyResponse,
    WebhookPage,
    WebhookSecret,
];

fn schemas() -> BTreeMap<String, Value> {
    let document = serde_json::to_value(openapi()).unwrap();
    serde_json::from_value(document["components"]["schemas"].clone()).unwrap()
}

/// Something that the schema of a field called `name` allows.
fn some(schemas: &BTreeMap<String, Value>, schema: &Value, name: &str) -> BoxedStrategy<Value> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = reference.rsplit('/').next().unwrap();
        return some(schemas, &schemas[target], name);
    }
    for alternatives in ["oneOf", "anyOf"] {
        if let Some(of) = schema[alternatives].as_array() {
            let each = of.iter().filter(|of| of["type"] != "null");
            let each: Vec<_> = each.map(|of| some(schemas, of, name)).collect();
            return proptest::strategy::Union::new(each).boxed();
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return select(values.clone()).boxed();
    }
    let kind = schema["type"].as_array().map_or(&schema["type"], |kinds| &kinds[0]);
    match kind.as_str().unwrap_or("object") {
        "string" => text(schema, name),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "integer" if schema["minimum"].is_number() => (0_u32..=200).prop_map(Value::from).boxed(),
        "integer" => (-100_i32..=100).prop_map(Value::from).boxed(),
        "array" => {
            let size = |field: &str, else_: u64| usize::try_from(schema[field].as_u64().unwrap_or(else_)).unwrap();
            let sizes = size("minItems", 0)..=size("maxItems", 3).min(3);
            vec(some(schemas, &schema["items"], name), sizes)
                .prop_map(Value::from)
                .boxed()
        }
        _ => object(schemas, schema),
    }
}

fn text(schema: &Value, name: &str) -> BoxedStrategy<Value> {
    let text = match (schema["format"].as_str(), name) {
        (Some("uuid"), _) => any::<u128>()
            .prop_map(|bits| service::Id::from_u128(bits).to_string())
            .boxed(),
        (Some("date-time"), _) => any::<u32>()
            .prop_map(|s| Timestamp::from_unix_ms(i64::from(s) * 999).to_string())
            .boxed(),
        (_, "ip") => any::<std::net::IpAddr>().prop_map(|ip| ip.to_string()).boxed(),
        (_, "request_id") => "[A-Za-z0-9_-]{22,40}".boxed(),
        _ if schema["contentEncoding"] == "base64" => vec(any::<u8>(), 0..40)
            .prop_map(|bytes| data_encoding::BASE64.encode(&bytes))
            .boxed(),
        _ => r#"[ -~äß张三"\\]{1,20}"#.boxed(),
    };
    text.prop_map(Value::from).boxed()
}

/// Required fields, and some of the others.
fn object(schemas: &BTreeMap<String, Value>, schema: &Value) -> BoxedStrategy<Value> {
    let required: Vec<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(Value::as_str)
        .collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, schema)| {
        let value = some(schemas, schema, name);
        let value = if required.contains(&name.as_str()) {
            value.prop_map(Some).boxed()
        } else {
            option::of(value).boxed()
        };
        value.prop_map({
            let name = name.clone();
            move |value| value.map(|value| (name.clone(), value))
        })
    });
    let fields: Vec<_> = fields.collect();
    fields
        .prop_map(|fields| Value::Object(fields.into_iter().flatten().collect::<Map<_, _>>()))
        .boxed()
}

/// The same with a field more in each of its objects.
fn of_a_newer_service(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(of_a_newer_service).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), of_a_newer_service(value)));
            fields.chain([("of_a_newer_version".to_owned(), json!([{}]))]).collect()
        }
        other => other.clone(),
    }
}

/// Whether `written` has all that `value` has; what it has beside that are defaults.
fn has_all(written: &Value, value: &Value) -> bool {
    match (written, value) {
        (Value::Object(written), Value::Object(fields)) => fields.iter().all(|(name, value)| {
            written
                .get(name)
                .map_or_else(|| is_left_out(value), |written| has_all(written, value))
        }),
        (Value::Array(written), Value::Array(items)) => {
            written.len() == items.len() && written.iter().zip(items).all(|(written, item)| has_all(written, item))
        }
        _ => written == value,
    }
}

/// Answers leave out lists of nothing, a zero and a no.
fn is_left_out(value: &Value) -> bool {
    [json!([]), json!(0), json!(false)].contains(value)
}

fn each(types: &[(&'static str, Again)], check: impl Fn(&str, Again, &Value) -> Result<(), TestCaseError>) {
    let schemas = schemas();
    for (name, again) in types {
        // What goes together in a request is more than a schema says: those that say otherwise are passed over.
        let config = Config {
            cases: 64,
            max_global_rejects: 10_000,
            ..Config::default()
        };
        let values = some(&schemas, &schemas[*name], name);
        let done = TestRunner::new(config).run(&values, |value| check(name, *again, &value));
        assert!(done.is_ok(), "{name}: {}", done.unwrap_err());
    }
}

#[test]
fn requests_are_written_as_they_are_read() {
    each(&REQUESTS, |_, again, value| {
        let Ok(written) = again(value) else {
            return Err(TestCaseError::reject("a rule between fields"));
        };
        prop_assert!(has_all(&written, value), "{value} is written as {written}");
        prop_assert_eq!(again(&written).unwrap(), written);
        let refused = again(&of_a_newer_service(value)).is_err();
        prop_assert!(refused, "a request has no field that is not known");
        Ok(())
    });
}

#[test]
fn answers_are_read_as_they_are_written_by_older_and_newer_services() {
    each(&ANSWERS, |name, again, value| {
        let written = again(value).map_err(|error| TestCaseError::fail(format!("{value}: {error}")))?;
        // A problem's type and title follow from its code, whatever was made up.
        if name != "Problem" {
            prop_assert!(has_all(&written, value), "{value} is written as {written}");
        }
        prop_assert_eq!(&again(&written).unwrap(), &written);
        if name != "AuditPage" {
            prop_assert_eq!(again(&of_a_newer_service(value)).unwrap(), written);
        }
        Ok(())
    });
}

#[test]
fn batches_of_verdicts_are_read_as_they_are_written() {
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/tests/answers.json")).unwrap();
    let answers: Value = serde_json::from_slice(&text).unwrap();
    let batch = &answers["batch"];
    assert_eq!(again::<VerifyBatchResponse>(batch).unwrap(), *batch);
    assert_eq!(
        again::<VerifyBatchResponse>(&of_a_newer_service(batch)).unwrap(),
        *batch
    );
}

#[test]
fn every_type_of_the_document_is_tried() {
    let document = serde_json::to_value(openapi()).unwrap();
    let text = document["paths"].to_string();
    let named = text
        .split("#/components/schemas/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let tried: Vec<_> = REQUESTS.iter().chain(&ANSWERS).map(|(name, _)| *name).collect();
    let mut missing: Vec<_> = named
        .filter(|name| name.ends_with("Request") || !schemas()[*name]["properties"].is_null())
        .filter(|name| !tried.contains(name) && *name != "VerifyBatchResponse")
        .collect();
    missing.dedup();
    assert!(missing.is_empty(), "{missing:?} are neither requests nor answers here");
}

#[test]
fn a_problem_that_is_not_known_goes_by_its_status() {
    let newer = json!({
        "type": "/problems/moon_is_full", "title": "The moon is full", "status": 409, "code": "moon_is_full",
        "detail": "wait for the new moon", "hint": {"kind": "look_up", "at": "the sky"},
    });
    let problem: Problem = serde_json::from_value(newer).unwrap();
    assert_eq!(problem.code, ProblemCode::Unknown(409));
    assert_eq!(problem.code.status(), 409);
    assert_eq!(problem.hint, None);
    for code in ProblemCode::ALL {
        let problem = Problem::new(*code, "so it is").with_field("account");
        let written = serde_json::to_value(&problem).unwrap();
        assert_eq!(serde_json::from_value::<Problem>(written).unwrap(), problem);
    }
}

#[test]
fn a_verdict_that_contradicts_itself_lets_nobody_pass() {
    for (accepted, outcome, passes) in [
        (true, "accepted", true),
        (true, "refused", false),
        (false, "accepted", false),
        (false, "locked", false),
    ] {
        let verdict: VerifyResponse =
            serde_json::from_value(json!({"accepted": accepted, "outcome": outcome})).unwrap();
        assert_eq!(verdict.is_accepted(), passes, "{accepted}, {outcome}");
    }
}

/// A query is read from texts; the caller writes the same fields.
#[test]
fn queries_are_written_as_they_are_read() {
    let token = TokenQuery {
        state: Some(TokenState::Lost),
        batch: Some("2026-11".into()),
        drifting: false,
        limit: PageSize::MAX,
        cursor: None,
    };
    let written = serde_json::to_value(&token).unwrap();
    let expected = json!({"state": "lost", "batch": "2026-11", "drifting": false, "limit": "1000"});
    assert_eq!(written, expected);
    assert_eq!(serde_json::from_value::<TokenQuery>(written).unwrap(), token);
    for query in [json!({"limit": "7", "cursor": "3.42.1"}), json!({"limit": "100"})] {
        assert_eq!(again::<AuditQuery>(&query).unwrap(), query);
        assert_eq!(again::<BatchQuery>(&query).unwrap(), query);
        assert_eq!(again::<OperationQuery>(&query).unwrap(), query);
        assert_eq!(again::<UserQuery>(&query).unwrap(), query);
    }
    let of_a_user = json!({"cursor": "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11", "limit": "7"});
    assert_eq!(again::<SessionQuery>(&of_a_user).unwrap(), of_a_user);
    let of_product = json!({"product": "accounts", "limit": "7"});
    assert_eq!(again::<OperationQuery>(&of_product).unwrap(), of_product);
    let part = json!({"cursor": "[\"acme\",\"alice\"]"});
    assert_eq!(again::<DriftQuery>(&part).unwrap(), part);
    let of_user = json!({"account": "acme", "user": "alice"});
    assert_eq!(again::<MethodUsesQuery>(&of_user).unwrap(), of_user);
    let ending = json!({"actor_id": "alice", "actor_kind": "user", "reassigned": true});
    assert_eq!(again::<EndMethodQuery>(&ending).unwrap(), ending);
    assert_eq!(
        again::<ImportQuery>(&json!({"dry_run": true})).unwrap(),
        json!({"dry_run": true})
    );
    assert_eq!(PageSize::new(0).or(PageSize::new(1_001)), None);
}

/// What a caller makes is what a service reads.
#[test]
fn a_caller_makes_what_a_service_reads() {
    let secret = |text: &str| Zeroizing::new(text.to_owned());
    assert!(CodeText::new(secret(&"1".repeat(129))).is_err());
    assert!(SecretText::new(secret("")).is_err() && SecretText::new(secret(&"x".repeat(1_025))).is_err());
    let request = || VerifyRequest {
        account: "acme".parse().unwrap(),
        user: Name::from_static("alice"),
        code: CodeText::new(secret("004 711")).unwrap(),
        first_factor: true,
        method: VerifyMethod::default(),
        request_id: Some(RequestId::from_random([0xFF; 16])),
        client: Some(Client {
            ip: None,
            user_agent: Some(UserAgent::new(&"x".repeat(600))),
        }),
    };
    let written = serde_json::to_vec(&request()).unwrap();
    let read: VerifyRequest = read_json(&written).unwrap();
    assert_eq!(read.code.expose(), "004 711");
    assert_eq!(read.request_id, request().request_id);
    assert_eq!(read.client, request().client);
    let many = (0..=BATCH_ITEMS_MAX).map(|_| request()).collect();
    assert!(BatchItems::new(many).is_none());
}
