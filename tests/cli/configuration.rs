//! Flags beat the environment, the environment beats the file, the file beats the defaults.

use std::fs;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::{
    judges,
    support::{
        process::{Running, Served, countersign, run},
        step_that_lasts,
    },
};

#[test]
fn flags_beat_the_environment_beats_the_file() {
    let home = tempfile::tempdir().expect("a directory");
    let config = home.path().join("config.toml");
    let dir = home.path().join("data");
    // Every address of 127.0.0.0/8 is this machine.
    let text = format!(
        "listen = \"127.0.0.2:0\"\ndata_dir = \"{}\"\n[policy]\nissuer = \"Example\"\n",
        dir.display()
    );
    fs::write(&config, text).expect("a file");
    let by_flag = ["--listen", "127.0.0.4:0"];
    for (env, flag, expected) in [
        (None, &[][..], "127.0.0.2:"),
        (Some(()), &[], "127.0.0.3:"),
        (Some(()), &by_flag, "127.0.0.4:"),
    ] {
        let mut command = countersign();
        command
            .args(["serve", "--config"])
            .arg(&config)
            .args(flag)
            .env("HOME", home.path());
        command.envs(env.map(|()| ("COUNTERSIGN_LISTEN", "127.0.0.3:0")));
        let service = Served::greeting(Running::start(&mut command), &dir);
        assert!(service.url.contains(expected), "{}", service.url);
        let mut binding = Running::start(&mut service.user(&["bind", "acme", "alice"]));
        let (phone, uri) = judges::scan(&binding.hear_line("type the key: "));
        assert!(uri.contains("issuer=Example"), "the file's policy holds: {uri}");
        binding.type_in(&phone.wrong_code(step_that_lasts(1)));
        binding.wait().with_code(1);
        service.end().with_code(0);
    }
    let named = home.path().join("by-environment");
    let mut command = countersign();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("COUNTERSIGN_CONFIG", &config);
    let service = Served::greeting(Running::start(command.env("COUNTERSIGN_DATA_DIR", &named)), &named);
    assert!(named.join("keyring").exists());
    service.end().with_code(0);
}

#[test]
fn a_policy_of_the_file_is_in_force() {
    let home = tempfile::tempdir().expect("a directory");
    let config = home.path().join("config.toml");
    let dir = home.path().join("data");
    fs::write(&config, "[policy]\nlock_attempts = 2\nenrollment_wrong_codes = 1\n").expect("a file");
    let mut command = crate::support::process::serve(&dir);
    let service = Served::greeting(Running::start(command.arg("--config").arg(&config)), &dir);
    let api = service.api();
    let step = step_that_lasts(10);
    let (_, phone) = api.bind("alice", step);
    for (outcome, wrong) in ["refused", "refused", "locked"].iter().zip(phone.wrong_codes(step, 3)) {
        assert_eq!(&api.verify("alice", &wrong).expect("an answer").outcome(), outcome);
    }
    let (enrollment, phone) = api.start_binding("bob").expect("an answer");
    api.confirm("bob", &enrollment, &phone.wrong_code(step))
        .expect("an answer");
    let ended = api.confirm("bob", &enrollment, &phone.code(step)).expect("an answer");
    assert_eq!(ended.body["code"], "enrollment_ended", "{}", ended.body);
    run(&mut service.beside(&["audit", "verify"]), "").with_code(0);
}

/// Who is unknown is let in at once, with a grant.
#[test]
fn grants_name_the_issuer_of_the_file() {
    let home = tempfile::tempdir().expect("a directory");
    let config = home.path().join("config.toml");
    let dir = home.path().join("data");
    fs::write(&config, "[grants]\nissuer = \"https://mfa.example.org\"\n").expect("a file");
    let mut command = crate::support::process::serve(&dir);
    let service = Served::greeting(Running::start(command.arg("--config").arg(&config)), &dir);
    let login = json!({
        "account": "acme", "user": "nobody", "purpose": "login", "first_factor": {"method": "password"},
    });
    let told = service
        .api()
        .post("/v1/challenges", &login)
        .expect("an answer")
        .with_status(201);
    let grant = told.body["grant"].as_str().expect("a grant");
    let claims = grant.split('.').nth(1).expect("a JWT");
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("claims");
    assert_eq!(claims["iss"], "https://mfa.example.org");
    let asked = json!({"grant": grant});
    let told = service.api().post("/v1/grants/introspect", &asked).expect("an answer");
    assert_eq!(told.body["active"], true, "{}", told.body);
}

#[test]
fn commands_beside_the_service_take_its_file() {
    let home = tempfile::tempdir().expect("a directory");
    let config = home.path().join("config.toml");
    let dir = home.path().join("data");
    fs::write(&config, format!("data_dir = \"{}\"\n", dir.display())).expect("a file");
    Served::start(&dir).end().with_code(0);
    let on_file = |args: &[&str]| run(countersign().args(args).env("COUNTERSIGN_CONFIG", &config), "");
    for args in [
        &["key", "create", "--role", "audit"][..],
        &["key", "list"],
        &["clock", "status"],
        &["clock", "accept", "--yes"],
        &["audit", "verify"],
    ] {
        on_file(args).with_code(0);
    }
    let elsewhere = home.path().join("elsewhere");
    let flag = ["key", "list", "--data-dir", elsewhere.to_str().expect("UTF-8")];
    assert!(
        on_file(&flag).with_code(1).err.contains("elsewhere"),
        "the flag beats the file"
    );
}
