//! A script: codes through stdin or a file, data on stdout, exit codes to branch on.

use std::{fs, process::Stdio};

use serde_json::Value;

use crate::{
    judges,
    support::{
        phone::Phone,
        process::{Ended, Running, Served, countersign, run, serve},
        step_that_lasts, write_private,
    },
};

fn served() -> (tempfile::TempDir, Served) {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    (home, service)
}

/// Binds as a script does that reads the key from stderr; `before` is what it is asked for first.
#[track_caller]
fn bind(service: &Served, more: &[&str], step: u64, before: &str) -> (Value, Phone) {
    let args = [
        &["bind", "acme", "alice", "--json", "--no-input", "--code-file", "-"],
        more,
    ]
    .concat();
    let mut binding = Running::start(&mut service.user(&args));
    binding.type_in(before);
    let said = binding.hear_line("type the key: ");
    let (phone, _) = judges::scan(&said);
    binding.type_in(&format!("{}\n", phone.code(step)));
    let ended = binding.wait().with_code(0);
    assert!(
        !ended.err.contains("Code that the app shows"),
        "nothing is asked: {}",
        ended.err
    );
    (ended.json(), phone)
}

fn verify(service: &Served, code: &str) -> Ended {
    run(
        &mut service.user(&["verify", "acme", "alice", "--json"]),
        &format!("{code}\n"),
    )
}

#[test]
fn a_device_from_binding_to_unbinding() {
    let (home, service) = served();
    let step = step_that_lasts(15);
    let (bound, phone) = bind(&service, &[], step - 1, "");
    let device = bound["device"]["id"].as_str().expect("an id");
    assert_eq!(
        (&bound["device"]["state"], &bound["device"]["kind"]),
        (&"bound".into(), &"virtual".into())
    );
    assert!(bound["recovery_codes"].is_null());

    let accepted = verify(&service, &phone.code(step)).with_code(0).json();
    assert_eq!(
        (&accepted["accepted"], &accepted["outcome"]),
        (&true.into(), &"accepted".into())
    );
    assert_eq!(accepted["device_id"], device);
    let refused = verify(&service, &phone.code(step)).with_code(1);
    assert_eq!(
        refused.json(),
        serde_json::json!({"accepted": false, "outcome": "refused"})
    );
    assert_eq!(refused.err, "", "a refusal is an answer, not an error");
    let words = run(&mut service.user(&["verify", "acme", "alice"]), "12 34 56\n").with_code(1);
    assert_eq!(words.out, "refused\n");

    let listed = run(&mut service.user(&["devices", "acme", "alice", "--json"]), "")
        .with_code(0)
        .json();
    assert_eq!(listed["devices"][0]["id"], device);
    assert_eq!(listed["protection"]["login_protection"], "mfa");
    let told = run(&mut service.user(&["devices", "acme", "alice"]), "")
        .with_code(0)
        .out;
    assert!(
        told.contains(device) && told.contains("bound") && told.contains("login protection: mfa"),
        "{told}"
    );

    let again = run(&mut service.user(&["bind", "acme", "alice"]), "").with_code(1);
    assert!(
        again.err.starts_with("error: ")
            && again.out.is_empty()
            && again.err.contains("replace it with --replaces DEVICE"),
        "{}",
        again.err
    );

    // Unbinding is meant, or it is not done.
    let code = phone.code(step + 1);
    let unbind =
        |more: &[&str], typed: &str| run(&mut service.user(&[&["unbind", "acme", "alice"], more].concat()), typed);
    let asked = unbind(&["--no-input"], &code).with_code(2);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    let wrong = unbind(&["--yes"], &phone.wrong_code(step)).with_code(1);
    assert!(wrong.err.contains("the code was refused"), "{}", wrong.err);
    let file = home.path().join("code");
    fs::write(&file, &code).expect("a file");
    let done = unbind(&["--yes", "--json", "--code-file", file.to_str().expect("UTF-8")], "").with_code(0);
    assert_eq!(done.json(), serde_json::json!({"unbound": true}));

    let told = run(&mut service.user(&["devices", "acme", "alice"]), "")
        .with_code(0)
        .out;
    assert!(
        told.contains("no device is bound") && told.contains("login protection: none"),
        "{told}"
    );
    let nothing = unbind(&["--yes"], &code).with_code(1);
    assert!(
        nothing.err.contains("no bound device") && nothing.err.contains("`countersign user bind ACCOUNT USER`"),
        "{}",
        nothing.err
    );
    let nothing = run(&mut service.user(&["resync", "acme", "alice"]), "").with_code(1);
    assert!(
        nothing.err.contains("`countersign user bind ACCOUNT USER`"),
        "{}",
        nothing.err
    );
    verify(&service, &phone.code(step + 1)).with_code(1);
}

#[test]
fn a_new_phone_replaces_the_old_one() {
    let (_home, service) = served();
    let step = step_that_lasts(15);
    let (bound, old) = bind(&service, &[], step - 1, "");
    let device = bound["device"]["id"].as_str().expect("an id");
    let (replaced, new) = bind(
        &service,
        &["--replaces", device],
        step - 1,
        &format!("{}\n", old.code(step)),
    );
    assert_ne!(replaced["device"]["id"], device);
    verify(&service, &old.code(step + 1)).with_code(1);
    verify(&service, &new.code(step)).with_code(0);
    let listed = run(&mut service.user(&["devices", "acme", "alice", "--json"]), "")
        .with_code(0)
        .json();
    assert_eq!(listed["devices"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_clock_that_is_off_is_measured() {
    let (_home, service) = served();
    let step = step_that_lasts(15);
    let (_, phone) = bind(&service, &[], step, "");
    // Two and a half minutes fast.
    verify(&service, &phone.code(step + 5)).with_code(1);
    let codes = format!("{}\n{}\n", phone.code(step + 4), phone.code(step + 5));
    let resynced = run(&mut service.user(&["resync", "acme", "alice", "--json"]), &codes)
        .with_code(0)
        .json();
    assert_eq!(resynced["drift_steps"], 5);
    verify(&service, &phone.code(step + 5)).with_code(1);
    verify(&service, &phone.code(step + 6)).with_code(0);
    let apart = format!("{}\n{}\n", phone.code(step + 8), phone.code(step + 10));
    run(&mut service.user(&["resync", "acme", "alice"]), &apart).with_code(1);
    let half = run(&mut service.user(&["resync", "acme", "alice"]), "123456\n").with_code(2);
    assert!(half.err.contains("no code was given"), "{}", half.err);
}

#[test]
fn recovery_codes_are_shown_once_and_work_once() {
    let (_home, service) = served();
    let (bound, _) = bind(&service, &["--recovery-codes"], step_that_lasts(10), "");
    let codes = bound["recovery_codes"].as_array().expect("recovery codes");
    assert_eq!(codes.len(), 10);
    let verify = |code: &str| {
        let mut command = service.user(&["verify", "acme", "alice", "--recovery-code", "--code-file", "-"]);
        run(&mut command, &format!("\n  {code}  \n"))
    };
    let code = codes[3].as_str().expect("a code");
    assert_eq!(verify(code).with_code(0).out, "accepted\n");
    let again = verify(code).with_code(1);
    assert_eq!(again.out, "refused\n");
    assert!(again.err.contains("user why"), "{}", again.err);
    let listed = run(&mut service.user(&["devices", "acme", "alice", "--json"]), "")
        .with_code(0)
        .json();
    assert_eq!(listed["recovery_codes_left"], 9);
}

#[test]
fn ten_wrong_codes_lock_and_say_for_how_long() {
    let (_home, service) = served();
    let step = step_that_lasts(10);
    let (_, phone) = bind(&service, &[], step - 1, "");
    for wrong in phone.wrong_codes(step, 10) {
        verify(&service, &wrong).with_code(1);
    }
    let locked = verify(&service, &phone.code(step)).with_code(1).json();
    assert_eq!(locked["outcome"], "locked");
    let wait = locked["retry_after_s"].as_u64().expect("a wait");
    assert!(
        (3_500..=3_600).contains(&wait),
        "an hour after the first of them: {wait}"
    );
    let told = run(&mut service.user(&["verify", "acme", "alice"]), "123456\n")
        .with_code(1)
        .out;
    assert!(
        told.starts_with("locked, for ") && told.contains(" s, until 20") && told.contains("support can unlock"),
        "{told}"
    );
    let mut on_paper = service.user(&["verify", "acme", "alice", "--recovery-code"]);
    let told = run(&mut on_paper, "AAAA AAAA AAAA AAAA\n").with_code(1).out;
    assert_eq!(told, "refused\n", "recovery codes are judged meanwhile");
    let listed = run(&mut service.user(&["devices", "acme", "alice"]), "")
        .with_code(0)
        .out;
    assert!(listed.contains("locked until 20"), "{listed}");
}

#[test]
fn names_may_be_anything_a_directory_of_users_has() {
    let (_home, service) = served();
    for user in ["a/b", "100%", "zoë @ example.com", "..", "张三", "?x=1#y"] {
        let told = run(&mut service.user(&["devices", "a c/m?e", user]), "")
            .with_code(0)
            .out;
        assert!(told.contains("no device is bound"), "{user}: {told}");
    }
    let long = "x".repeat(129);
    for user in ["", "a\tb", &long] {
        let ended = run(&mut service.user(&["devices", "acme", user]), "").with_code(2);
        assert!(ended.err.to_lowercase().contains("user"), "{user:?}: {}", ended.err);
    }
}

/// The user chooses: login, operations, both, or neither (rule B5).
#[test]
fn what_a_device_protects_is_chosen() {
    let (_home, service) = served();
    for (scope, login, operation) in [("none", "none", "none"), ("operation_protection", "none", "mfa")] {
        let step = step_that_lasts(10);
        let (_, phone) = bind(&service, &["--scope", scope], step - 1, "");
        let listed = run(&mut service.user(&["devices", "acme", "alice", "--json"]), "")
            .with_code(0)
            .json();
        let chosen = (
            &listed["protection"]["login_protection"],
            &listed["protection"]["operation_protection"],
        );
        assert_eq!(chosen, (&login.into(), &operation.into()), "{scope}");
        let code = format!("{}\n", phone.code(step));
        run(&mut service.user(&["unbind", "acme", "alice", "--yes"]), &code).with_code(0);
    }
}

#[test]
fn wrong_codes_before_a_right_one_are_told_to_whoever_asks() {
    let (_home, service) = served();
    let step = step_that_lasts(15);
    let (_, phone) = bind(&service, &[], step - 1, "");
    verify(&service, &phone.wrong_code(step)).with_code(1);
    let mut asked = service.user(&["verify", "acme", "alice"]);
    let accepted = run(&mut asked, &format!("{}\n", phone.code(step))).with_code(0);
    assert!(accepted.out.starts_with("accepted; 1 wrong code"), "{}", accepted.out);
}

#[test]
fn nothing_is_begun_that_no_code_can_complete() {
    let (home, service) = served();
    let key = run(&mut service.beside(&["key", "create", "--role", "audit"]), "").with_code(0);
    let auditor = service.api().with_key(key.out.trim());
    let records = || {
        let trail = auditor.get("/v1/audit").expect("an answer").with_status(200);
        trail.body["items"].as_array().map_or(0, Vec::len)
    };
    let before = records();
    let empty = home.path().join("empty");
    fs::write(&empty, "\n").expect("a file");
    let from_a_file = ["bind", "acme", "alice", "--code-file", empty.to_str().expect("UTF-8")];
    let mut of_a_timer = service.user(&["bind", "acme", "alice", "--no-input"]);
    let of_a_timer = of_a_timer.stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(of_a_timer.status.code(), Some(2));
    let from_a_file = run(&mut service.user(&from_a_file), "").with_code(2);
    for said in [
        from_a_file.err,
        String::from_utf8_lossy(&of_a_timer.stderr).into_owned(),
    ] {
        assert!(
            said.contains("no code was given") && said.contains("--code-file"),
            "{said}"
        );
        assert!(!said.contains("type the key"), "{said}");
    }
    assert_eq!(records(), before);
}

#[test]
fn whoever_is_not_let_in_is_told_how_to_get_a_key() {
    let (home, service) = served();
    let key = home.path().join("key");
    write_private(&key, "cs_of_nobody").expect("a file");
    let key = key.display().to_string();
    let refused = run(
        &mut service.user(&["devices", "acme", "alice", "--api-key-file", &key]),
        "",
    );
    let refused = refused.with_code(1).err;
    assert!(
        refused.contains("unknown or revoked") && refused.contains("countersign key create --role verify,enroll"),
        "{refused}"
    );
}

#[test]
fn a_service_that_is_asked_in_the_wrong_way_is_told_from_none() {
    let (home, service) = served();
    let devices = |url: &str| {
        let mut command = countersign();
        command.args(["user", "devices", "acme", "alice", "--server", url, "--data-dir"]);
        command.arg(&service.dir);
        run(&mut command, "").with_code(1).err
    };
    let plain = devices(&service.url.replacen("http", "https", 1));
    assert!(
        plain.contains("does not speak TLS") && plain.contains(&service.url) && plain.contains("--tls-cert"),
        "{plain}"
    );

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| home.path().join(name));
    fs::write(&cert, made.cert.pem()).expect("a file");
    write_private(&key, made.signing_key.serialize_pem()).expect("a file");
    let dir = home.path().join("over TLS");
    let mut serving = serve(&dir);
    serving.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key);
    let over_tls = Served::greeting(Running::start(&mut serving), &dir);
    let (_, address) = over_tls.url.split_once("//").expect("a URL");
    let not_plain = devices(&format!("http://{address}"));
    assert!(
        not_plain.contains("not in plain HTTP") && not_plain.contains("https://NAME"),
        "{not_plain}"
    );
}
