//! API keys, made and ended beside a running service.

use serde_json::json;

use crate::support::write_private;
use crate::support::{
    http::Api,
    process::{Served, run, serve},
};

#[test]
fn a_key_works_and_ends_at_once() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let args = ["key", "create", "--role", "verify,enroll", "--owner", "login service"];
    let made = run(&mut service.beside(&args), "").with_code(0);
    let key = made.out.strip_suffix('\n').expect("a line");
    assert!(
        !key.contains(char::is_whitespace) && key.len() > 40,
        "the key alone: {key:?}"
    );
    assert_eq!(made.err, "");
    let status = || Api::new(&service.url, key).user("alice").expect("an answer").status;
    assert_eq!(status(), 200);

    let listed = run(&mut service.beside(&["key", "list", "--json"]), "").with_code(0);
    assert!(!listed.out.contains(key), "a list holds no secrets");
    let listed = listed.json();
    let ours = listed
        .as_array()
        .expect("an array")
        .iter()
        .find(|key| key["owner"] == "login service");
    let ours = ours.expect("the key that was made");
    assert_eq!(ours["roles"], json!(["verify", "enroll"]));
    assert_eq!(ours["audiences"], json!(["countersign"]), "of a key that names none");
    assert!(ours["revoked_at"].is_null() && ours["accounts"].is_null() && ours["created_at"].is_string());

    let id = ours["id"].as_str().expect("an id");
    let told = run(&mut service.beside(&["key", "list"]), "").with_code(0).out;
    let line = told.lines().find(|line| line.contains(id)).expect("a line of it");
    assert!(
        line.contains("alive") && line.contains("verify,enroll") && line.contains("for countersign  login service"),
        "{line}"
    );

    run(&mut service.beside(&["key", "revoke", id]), "").with_code(0);
    assert_eq!(status(), 401);
    let told = run(&mut service.beside(&["key", "list"]), "").with_code(0).out;
    assert!(
        told.lines().any(|line| line.contains(id) && line.contains("revoked")),
        "{told}"
    );
    run(&mut service.beside(&["audit", "verify"]), "").with_code(0);
}

#[test]
fn a_key_can_be_limited_to_accounts() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let args = [
        "key",
        "create",
        "--role",
        "enroll",
        "--account",
        "acme",
        "--account",
        "umbrella",
        "--json",
    ];
    let made = run(&mut service.beside(&args), "").with_code(0).json();
    let file = home.path().join("key");
    write_private(&file, made["key"].as_str().expect("a key")).expect("a file");
    let devices = |account: &str| {
        let mut command = service.user(&["devices", account, "alice"]);
        run(command.arg("--api-key-file").arg(&file), "")
    };
    devices("acme").with_code(0);
    devices("umbrella").with_code(0);
    let refused = devices("initech").with_code(1);
    assert!(
        refused.err.starts_with("error: ") && refused.err.contains("account"),
        "{}",
        refused.err
    );

    let mut verify = service.user(&["verify", "acme", "alice"]);
    let refused = run(verify.arg("--api-key-file").arg(&file), "123456\n").with_code(1);
    assert!(
        refused.err.contains("verify"),
        "names the role that is missing: {}",
        refused.err
    );
}

#[test]
fn keys_that_are_none() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let nobody = "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11";
    let ended = run(&mut service.beside(&["key", "revoke", nobody]), "").with_code(1);
    assert!(
        ended.err.contains("there is no such") && ended.err.contains("`countersign key list`"),
        "{}",
        ended.err
    );
    run(&mut service.beside(&["key", "revoke", "alice"]), "").with_code(2);

    let file = home.path().join("key");
    for wrong in ["", "not a key", "csgn_0_0", "line\nbreak"] {
        write_private(&file, wrong).expect("a file");
        let mut devices = service.user(&["devices", "acme", "alice"]);
        let ended = run(devices.arg("--api-key-file").arg(&file), "").with_code(1);
        assert!(ended.err.contains("key"), "{wrong:?}: {}", ended.err);
        assert!(ended.err.contains("countersign key create"), "{wrong:?}: {}", ended.err);
    }
}

#[test]
fn roles_and_accounts_stand_between_commas_or_one_by_one() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let create = |args: &[&str]| run(&mut service.beside(&[&["key", "create"], args].concat()), "");
    create(&["--role", "inventory, audit", "--owner", "desk"]).with_code(0);
    create(&[
        "--role",
        "enroll",
        "--account",
        "acme, umbrella",
        "--account",
        "initech",
    ])
    .with_code(0);
    let listed = run(&mut service.beside(&["key", "list", "--json"]), "")
        .with_code(0)
        .json();
    assert_eq!(listed[1]["roles"], json!(["inventory", "audit"]));
    assert_eq!(listed[2]["accounts"], json!(["acme", "umbrella", "initech"]));

    // Whoever answers for a key, and whom it reaches, has a name.
    for nobody in [["--account", ""], ["--account", "acme,,umbrella"], ["--owner", " "]] {
        let refused = create(&[&["--role", "verify"], &nobody[..]].concat()).with_code(2);
        assert!(refused.err.contains("it is empty"), "{}", refused.err);
    }
}

#[test]
fn a_key_that_lacks_a_role_is_told_how_one_with_it_is_made() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    // The first key may bind and verify, and not look after tokens.
    let mut list = service.beside(&["token", "list", "--server", &service.url]);
    let refused = run(&mut list, "").with_code(1);
    assert!(
        refused.err.contains("lacks the role inventory")
            && refused
                .err
                .contains("(umask 077; countersign key create --role inventory > FILE)")
            && refused.err.contains("--api-key-file FILE"),
        "{}",
        refused.err
    );
}

/// It may be a key file of something else, so it is not repeated.
#[test]
fn a_keyring_that_is_none_is_told_where_the_right_one_is() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    Served::start(&dir).end().with_code(0);
    for text in ["dear sir\n", "# nothing\n", "seal 1 0 dear\n"] {
        write_private(dir.join("keyring"), text).expect("a file");
        let refused = run(&mut serve(&dir), "").with_code(1);
        let says = ["keyring", "put back the keyring file", "`countersign audit verify`"];
        assert!(says.iter().all(|words| refused.err.contains(words)), "{}", refused.err);
        assert!(!refused.err.contains("dear"), "{}", refused.err);
    }
}

/// A running service takes the new grant key in, and goes on deciding.
#[test]
fn grant_keys_are_rotated_beside_a_running_service() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let service = Served::start(&dir);
    let api = service.api();
    let published = || {
        let keys = api.get("/.well-known/jwks.json").expect("an answer").with_status(200);
        let keys = keys.body["keys"].as_array().expect("keys").clone();
        keys.iter()
            .map(|key| key["kid"].as_str().expect("an id").to_owned())
            .collect::<Vec<_>>()
    };
    let mut known = published();
    assert_eq!(known.len(), 1);
    for args in [
        &["keyring", "rotate", "grant"][..],
        &["keyring", "rotate", "grant", "--json"],
    ] {
        let told = run(&mut service.beside(args), "").with_code(0);
        let kid = match args.len() {
            3 => told.out.trim_end().to_owned(),
            _ => told.json()["kid"].as_str().expect("an id").to_owned(),
        };
        assert!(told.err.contains("Keep a new copy of the keyring"), "{}", told.err);
        known.push(kid);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while published() != known {
            assert!(std::time::Instant::now() < deadline, "{:?} is {known:?}", published());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(
            api.get("/readyz").expect("an answer").status,
            200,
            "it is still its keyring"
        );
    }
    run(&mut service.beside(&["audit", "verify"]), "").with_code(0);
}
