//! The document: whole, consistent, and the same as the one that was reviewed (`openapi.json` beside this file).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use api::{
    AdministratorsRequest, ApprovalRequest, BatchChangeRequest, BatchRequest, ChallengeAnswerRequest, ChallengeRequest,
    ClosingRequest, ConfirmRequest, DiagnoseRequest, EndSessionsRequest, EnrollmentRequest, ExportActRequest,
    ExportFileRequest, ExportRequest, FindByCodeRequest, HandoverRequest, ImportRequest, IntrospectRequest,
    MethodRequest, OperationRequest, PROBLEM_JSON, PageLinkRequest, PasscodeRequest, Problem, ProblemCode,
    PromptExchangeRequest, PromptLinkRequest, ProtectionSettingsRequest, RecoveryCodesRequest, ReplayRequest,
    RequirementsRequest, ResyncRequest, RevokeGrantsRequest, RotateWebhookRequest, SessionCheckRequest, SessionRequest,
    SupportActRequest, TokenChangeRequest, UnbindApplicationRequest, UnbindRequest, UnbindRequestCompletion,
    UnbindRequestEnd, UnbindRequestOpening, UnbindRequestVouching, UnlockRequest, VerifyBatchRequest, VerifyRequest,
    WebhookRequest, read_json,
};
use serde_json::Value;
use server::openapi;

fn document() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

/// `operationId -> (path, operation)`
fn operations(document: &Value) -> BTreeMap<String, (String, Value)> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                ["get", "post", "put", "patch", "delete"].contains(&method.as_str()),
                "{path}: {method}"
            );
            let id = operation["operationId"]
                .as_str()
                .unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            let before = found.insert(id.to_owned(), (path.clone(), operation.clone()));
            assert!(before.is_none(), "{id} twice");
        }
    }
    found
}

#[test]
fn is_the_reviewed_one() {
    let reviewed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi.json");
    let now = openapi().to_pretty_json().unwrap() + "\n";
    if fs::read_to_string(&reviewed).ok().as_deref() != Some(now.as_str()) {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.json");
        fs::write(&kept, now).unwrap();
        panic!(
            "the contract changed; if it should, review it: cp {} {}",
            kept.display(),
            reviewed.display()
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    found.insert(reference.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{reference} leads elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(
            found.contains(&format!("#/components/schemas/{name}")),
            "nobody refers to {name}"
        );
    }
}

/// Whoever decides by a ground finds it in the contract.
#[test]
fn every_ground_of_a_challenge_is_named() {
    let document = document();
    let told = &document["components"]["schemas"]["Challenge"]["properties"]["ground"]["description"];
    let told = told.as_str().expect("a description");
    for ground in service::Ground::ALL {
        assert!(
            told.contains(&format!("`{}`", ground.name())),
            "{} in: {told}",
            ground.name()
        );
    }
    assert_eq!(
        told.matches('`').count(),
        2 * service::Ground::ALL.len(),
        "and no other"
    );
}

#[test]
fn every_operation_is_whole() {
    let document = document();
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    for (id, (path, operation)) in operations(&document) {
        assert!(
            !operation["summary"].as_str().unwrap_or_default().is_empty(),
            "{id} has no summary"
        );
        assert!(
            tags.contains(operation["tags"][0].as_str().unwrap()),
            "{id} has an unknown tag"
        );
        let keyed = operation["security"]
            .as_array()
            .unwrap_or_else(|| panic!("{id} says nothing of a key"));
        assert_eq!(keyed.is_empty(), !path.starts_with("/v1/"), "{id}");
        let description = operation["description"].as_str().unwrap_or_default();
        assert_eq!(
            description.starts_with("Role: "),
            !keyed.is_empty(),
            "{id} names no role"
        );

        let named: BTreeSet<String> = path
            .split('/')
            .filter_map(|segment| Some(segment.strip_prefix('{')?.strip_suffix('}')?.to_owned()))
            .collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let described = parameters.iter().filter(|parameter| parameter["in"] == "path");
        assert_eq!(
            named,
            described
                .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                .collect(),
            "{id}"
        );

        let responses = operation["responses"].as_object().unwrap();
        assert_eq!(
            responses.keys().filter(|status| status.starts_with('2')).count(),
            1,
            "{id}"
        );
        let problems: Vec<_> = responses
            .iter()
            .filter(|(status, _)| !status.starts_with('2'))
            .collect();
        assert!(!problems.is_empty(), "{id} never fails");
        for (status, response) in problems {
            let content = &response["content"][PROBLEM_JSON];
            assert_eq!(
                content["schema"]["$ref"], "#/components/schemas/Problem",
                "{id}, {status}"
            );
            for example in content["examples"].as_object().unwrap().values() {
                assert_eq!(example["value"]["status"].to_string(), *status, "{id}");
            }
        }
    }
}

#[test]
fn its_examples_are_read_as_they_stand() {
    fn read(id: &str, body: &[u8]) -> Result<(), Problem> {
        match id {
            "answer_challenge" => read_json::<ChallengeAnswerRequest>(body).map(drop),
            "create_challenge" => read_json::<ChallengeRequest>(body).map(drop),
            "introspect_grant" => read_json::<IntrospectRequest>(body).map(drop),
            "set_operation" => read_json::<OperationRequest>(body).map(drop),
            "create_webhook" => read_json::<WebhookRequest>(body).map(drop),
            "rotate_webhook" => read_json::<RotateWebhookRequest>(body).map(drop),
            "replay_delivery" => read_json::<ReplayRequest>(body).map(drop),
            "create_session" => read_json::<SessionRequest>(body).map(drop),
            "check_session" => read_json::<SessionCheckRequest>(body).map(drop),
            "end_all_sessions" => read_json::<EndSessionsRequest>(body).map(drop),
            "revoke_grants" => read_json::<RevokeGrantsRequest>(body).map(drop),
            "change_protection" => read_json::<ProtectionSettingsRequest>(body).map(drop),
            "change_administrators" => read_json::<AdministratorsRequest>(body).map(drop),
            "start_closing" | "withdraw_closing" | "leave" => read_json::<ClosingRequest>(body).map(drop),
            "hand_over" => read_json::<HandoverRequest>(body).map(drop),
            "change_requirements" => read_json::<RequirementsRequest>(body).map(drop),
            "prove_method" => read_json::<MethodRequest>(body).map(drop),
            "change_batch" => read_json::<BatchChangeRequest>(body).map(drop),
            "change_token" => read_json::<TokenChangeRequest>(body).map(drop),
            "confirm_enrollment" => read_json::<ConfirmRequest>(body).map(drop),
            "create_batch" => read_json::<BatchRequest>(body).map(drop),
            "approve_export" | "withdraw_export" => read_json::<ExportActRequest>(body).map(drop),
            "fetch_export" => read_json::<ExportFileRequest>(body).map(drop),
            "create_page_link" => read_json::<PageLinkRequest>(body).map(drop),
            "create_prompt_link" => read_json::<PromptLinkRequest>(body).map(drop),
            "exchange_prompt" => read_json::<PromptExchangeRequest>(body).map(drop),
            "request_passcode" => read_json::<PasscodeRequest>(body).map(drop),
            "reveal_passcode" => read_json::<SupportActRequest>(body).map(drop),
            "approve_passcode" | "approve_unbind_request" => read_json::<ApprovalRequest>(body).map(drop),
            "apply_for_unbinding" => read_json::<UnbindApplicationRequest>(body).map(drop),
            "vouch_for_unbind_request" => read_json::<UnbindRequestVouching>(body).map(drop),
            "open_unbind_request" => read_json::<UnbindRequestOpening>(body).map(drop),
            "reject_unbind_request" | "withdraw_unbind_request" => read_json::<UnbindRequestEnd>(body).map(drop),
            "complete_unbind_request" => read_json::<UnbindRequestCompletion>(body).map(drop),
            "request_export" => read_json::<ExportRequest>(body).map(drop),
            "diagnose" => read_json::<DiagnoseRequest>(body).map(drop),
            "find_token_by_code" => read_json::<FindByCodeRequest>(body).map(drop),
            "import_tokens" => read_json::<ImportRequest>(body).map(drop),
            "renew_recovery_codes" => read_json::<RecoveryCodesRequest>(body).map(drop),
            "resync_device" => read_json::<ResyncRequest>(body).map(drop),
            "start_enrollment" => read_json::<EnrollmentRequest>(body).map(drop),
            "unbind_device" => read_json::<UnbindRequest>(body).map(drop),
            "unlock_device" => read_json::<UnlockRequest>(body).map(drop),
            "verify" => read_json::<VerifyRequest>(body).map(drop),
            "verify_batch" => read_json::<VerifyBatchRequest>(body).map(drop),
            _ => panic!("{id} has a body that nobody reads"),
        }
    }
    for (id, (_, operation)) in operations(&document()) {
        let Some(body) = operation.get("requestBody") else {
            continue;
        };
        assert_eq!(body["required"], true, "{id}");
        let content = &body["content"]["application/json"];
        let named = content["examples"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, example)| &example["value"]);
        let examples: Vec<&Value> = content.get("example").into_iter().chain(named).collect();
        assert!(!examples.is_empty(), "{id} has no example");
        for example in examples {
            let read = read(&id, example.to_string().as_bytes());
            assert!(read.is_ok(), "{id}: {:?}", read.err());
        }
    }
}

/// What serde refuses, the schema refuses: `additionalProperties` is false in everything a request is made of.
#[test]
fn requests_are_closed() {
    fn check(document: &Value, schema: &Value, seen: &mut BTreeSet<String>) {
        if let Some(reference) = schema["$ref"].as_str() {
            if seen.insert(reference.to_owned()) {
                check(document, document.pointer(&reference[1..]).unwrap(), seen);
            }
            return;
        }
        if schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], false, "{schema}");
        }
        let properties = schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(|map| map.values());
        let one_of = schema["oneOf"].as_array().into_iter().flatten();
        properties
            .chain(one_of)
            .chain(schema.get("items"))
            .for_each(|schema| check(document, schema, seen));
    }
    let document = document();
    for (_, operation) in operations(&document).into_values() {
        if let Some(body) = operation.get("requestBody") {
            check(
                &document,
                &body["content"]["application/json"]["schema"],
                &mut BTreeSet::new(),
            );
        }
    }
}

#[test]
fn codes_and_their_words_are_sound() {
    let mut names = BTreeSet::new();
    for code in ProblemCode::ALL {
        assert!(names.insert(code.name()), "{} twice", code.name());
        assert!(
            code.name()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        );
        assert!((400..600).contains(&code.status()));
        assert!(
            code.remedy().ends_with('.') && !code.title().ends_with('.'),
            "{}",
            code.name()
        );
        assert!(
            document()["info"]["description"]
                .as_str()
                .unwrap()
                .contains(&format!("| `{}` |", code.name()))
        );
    }
}
