//! The contract judged by other hands: a validator reads the OpenAPI document, and a client that is generated from it drives
//! the service under strict types.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use service::Role;

use crate::{
    judges::{Phone, STEP_MS, python_judge},
    world::{World, text},
};

const OPERATION: &str = "cloud-virtual-machine/shutting-down-instances";

/// A file beside the client's story.
fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name)
}

/// The document as the running service gives it.
fn document(world: &World) -> Value {
    world.call_as(None, "GET", "/openapi.json", None).expect(200)
}

fn ran(command: &mut Command) -> Output {
    command.output().expect("it starts")
}

#[track_caller]
fn succeeded(done: &Output) {
    let said = [&*done.stdout, &*done.stderr].map(String::from_utf8_lossy).concat();
    assert!(done.status.success(), "{said}");
}

#[test]
fn the_document_passes_a_validator() {
    let world = World::new();
    let dir = tempfile::tempdir().expect("a directory");
    let judged = |document: &Value| {
        let file = dir.path().join("openapi.json");
        fs::write(&file, document.to_string()).expect("a file");
        let mut validator = Command::new(python_judge("openapi-spec-validator"));
        ran(validator
            .args(["--schema", "3.1", "--validation-errors", "all"])
            .arg(file))
    };
    let mut document = document(&world);
    succeeded(&judged(&document));
    document["paths"]["/v1/verify"]["post"]["responses"] = json!([]);
    assert!(!judged(&document).status.success(), "it does judge");
}

/// A package `countersign_client` in this directory; a document of which the generator leaves something out is none.
fn generate(world: &World, dir: &Path) {
    let file = dir.join("openapi.json");
    fs::write(&file, document(world).to_string()).expect("a file");
    let mut generator = Command::new(python_judge("openapi-python-client"));
    generator.args(["generate", "--meta", "none", "--fail-on-warning"]);
    generator.arg("--path").arg(file);
    generator.arg("--output-path").arg(dir.join("countersign_client"));
    succeeded(&ran(generator.arg("--config").arg(ours("generator.yaml"))));
    // The generator numbers schemas without a name; what an event has beside its fields is none.
    let models = fs::read_dir(dir.join("countersign_client/models")).expect("models");
    let names = models.map(|model| model.expect("a file").file_name().to_string_lossy().into_owned());
    let unnamed: Vec<_> = names
        .filter(|name| name.contains("_type_") && !name.starts_with("audit_event_"))
        .collect();
    assert!(unnamed.is_empty(), "give these schemas a title: {unnamed:?}");
}

/// Tells the story to a user whose phone this is: what came of each chapter.
fn tell(world: &World, dir: &Path, phone: &Phone) -> Vec<Value> {
    let mut program = Command::new(python_judge("python"))
        .env("PYTHONPATH", dir)
        .arg("-B")
        .arg(ours("client_story.py"))
        .arg(format!("http://{}", world.address()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut keyboard = program.stdin.take().expect("a pipe");
    let asked = json!({
        "key": world.key(Role::Verify), "enroll_key": world.key(Role::Enroll), "account": "acme", "user": "alice",
        "operation": OPERATION, "resource": "ins-1",
    });
    writeln!(keyboard, "{asked}").expect("it reads");
    let mut chapters = Vec::new();
    for line in BufReader::new(program.stdout.take().expect("a pipe")).lines() {
        let line = line.expect("text");
        if line == "code?" {
            world.pass(STEP_MS);
            writeln!(keyboard, "{}", phone.code_at(world.now_ms())).expect("it reads");
        } else {
            chapters.push(serde_json::from_str(&line).expect("JSON"));
        }
    }
    assert!(program.wait().expect("it ends").success(), "{chapters:?}");
    chapters
}

/// P2, P3, P6: login, operation, trust and sign-out, by code that nobody wrote for this service.
#[test]
fn p2_p3_p6_a_generated_client_drives_login_operation_trust_and_sign_out() {
    let mut world = World::new();
    let dir = tempfile::tempdir().expect("a directory");
    generate(&world, dir.path());
    let mut checker = Command::new(python_judge("mypy"));
    checker
        .env("MYPYPATH", dir.path())
        .args(["--strict", "--follow-imports=silent"]);
    checker.arg("--cache-dir").arg(dir.path().join("mypy"));
    succeeded(&ran(checker.arg(ours("client_story.py"))));

    let phone = world.user("acme", "alice").bind().phone;
    let chapters = tell(&world, dir.path(), &phone);
    let [login, operation, trust, session, sign_out] = &*chapters else {
        panic!("{chapters:?}")
    };
    assert_eq!(
        (&login["chapter"], &login["ground"], &login["answered_twice"]),
        (&json!("login"), &json!("protected"), &json!(true))
    );
    let grant = text(&operation["grant"]);
    let mut told = operation.clone();
    told.as_object_mut().expect("fields").remove("grant");
    let expected = json!({
        "chapter": "operation", "again": "grant_alive", "active": true, "amr": ["totp"], "revoked": 204, "ended": true,
        "after": "challenge",
    });
    assert_eq!(told, expected);
    assert_ne!(grant, text(&login["grant"]));
    let expected = json!({
        "chapter": "trust", "checked": "allow", "again": ["allow", "trusted_device"], "rotated": true,
        "another_browser": "challenge",
    });
    assert_eq!(trust, &expected);
    let expected = json!({
        "chapter": "session", "active": true, "same": true, "whose": ["acme", "alice"], "grant_again": "grant_required",
        "made_up": "unknown",
    });
    assert_eq!(session, &expected);
    let expected = json!({
        "chapter": "sign_out", "without_a_code": "factor_required", "ended": 1, "active": false, "cause": "ended",
        "grant_of_before": "grant_required", "next_login": "challenge", "trusted": 0,
    });
    assert_eq!(sign_out, &expected);
    world.assert_trail_holds();
}
