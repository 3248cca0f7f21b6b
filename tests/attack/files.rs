//! Files that are not what they are taken for: seeds that are none, lists of nobody, two URIs on one line, keys that others may
//! read. Nothing of them comes in wrongly, what is said is so, and no secret is in it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::support::{
    http::Api,
    now_ms,
    process::{Ended, Served, countersign, run},
    soak, write_private,
};

const SEED: &str = "3132333435363738393031323334353637383930";
/// Of 20 bytes in base32: what no message may repeat.
const HUSH: &str = "HUSHHUSHHUSHHUSHHUSHHUSHHUSHHUSH";
const NONE: [&str; 0] = [];

/// A service with an empty inventory, and the commands that fill it.
struct Inventory {
    home: tempfile::TempDir,
    service: Served,
    api: Api,
}

impl Inventory {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let service = Served::start(&home.path().join("data"));
        let roles = ["key", "create", "--role", "inventory,enroll,admin"];
        let made = run(&mut service.beside(&roles), "").with_code(0).out;
        write_private(home.path().join("api.key"), &made).expect("a file");
        let api = Api::new(&service.url, made.trim());
        Self { home, service, api }
    }

    fn token(&self, args: &[&str]) -> Command {
        let mut command = countersign();
        command.arg("token").args(args).args(["--server", &self.service.url]);
        command.arg("--data-dir").arg(&self.service.dir);
        command.env("COUNTERSIGN_API_KEY_FILE", self.home.path().join("api.key"));
        command
    }

    /// `token import` of this file, with these flags.
    fn import(&self, file: &str, flags: &[&str]) -> Ended {
        run(
            &mut self.token(&[&["import", "-", "--batch", "B"], flags].concat()),
            file,
        )
    }

    /// The same over HTTP: status and answer.
    fn import_by_http(&self, file: impl AsRef<[u8]>, allow_short_secrets: bool) -> (u16, Value) {
        let body = json!({
            "batch": "B",
            "file_base64": BASE64.encode(file.as_ref()),
            "allow_short_secrets": allow_short_secrets,
            "actor": {"id": "desk", "kind": "admin"},
        });
        let reply = self.api.post("/v1/tokens/import", &body);
        let reply = reply.expect("an answer");
        (reply.status, reply.body)
    }

    /// Serial numbers of all that is in the inventory.
    fn serial_numbers(&self) -> Vec<String> {
        let page = self.api.get("/v1/tokens").expect("an answer").body;
        let items = page["items"].as_array().expect("a list").iter();
        items
            .map(|token| token["serial_number"].as_str().expect("a text").to_owned())
            .collect()
    }
}

#[test]
fn no_words_come_in_as_a_token() {
    let inventory = Inventory::new();
    for words in [
        "hello world",
        "hello world\n",
        "hello,world\n",
        "hello\tworld\n",
        "dear admin\nplease import\n",
        "chapter1 verse22\n",
        "kim,KRUGK4ZAMJXWGYLUKRUGK4ZAMJXWGYLU\n",
        "1000001,KRUGK4ZAMJXWGYLUKRUGK4ZAMJXWGYLU\nhello,KRUGK4ZAMJXWGYLUKRUGK4ZAMJXWGYLV\n",
    ] {
        for flags in [&[][..], &["--allow-short-secrets"], &["--dry-run"]] {
            let refused = inventory.import(words, flags).with_code(1);
            assert!(refused.err.contains("error"), "{words}: {}", refused.err);
        }
        let (status, problem) = inventory.import_by_http(words, true);
        assert_eq!(
            (status, &problem["code"]),
            (400, &json!("invalid_request")),
            "{words}: {problem}"
        );
    }
    assert_eq!(inventory.serial_numbers(), NONE);
}

#[test]
fn a_secret_that_can_be_tried_out_is_nobodys_token() {
    let inventory = Inventory::new();
    // How many bytes, and whether they come in by themselves, or by somebody's word.
    for (len, alone, by_word) in [
        (1, false, false),
        (9, false, false),
        (10, false, true),
        (15, false, true),
        (16, true, true),
    ] {
        let serial_number = format!("CS-{len:06}");
        let secret: String = (0..len).map(|byte| format!("{:02x}", 100 + byte)).collect();
        let table = format!("serial,seed\n{serial_number},{secret}\n");
        let container = pskc(&[(&serial_number, "totp", &secret)]);
        for file in [&table, &container] {
            let bits = format!("only {} bits", 8 * len);
            let judged = inventory.import(file, &["--dry-run"]).with_code(i32::from(!alone));
            assert_eq!(judged.out.contains(&bits), !alone, "{file}: {}", judged.out);
            let judged = inventory.import(file, &["--dry-run", "--allow-short-secrets"]);
            let judged = judged.with_code(i32::from(!by_word));
            let remark = "note: 1 token(s) have secrets of fewer than 128 bits";
            assert_eq!(judged.out.contains(remark), by_word && !alone, "{file}: {}", judged.out);
        }
        let (_, receipt) = inventory.import_by_http(&table, false);
        assert_eq!(receipt["imported"], u64::from(alone), "{len}: {receipt}");
    }
    assert_eq!(inventory.serial_numbers(), ["CS-000016"]);
    let short = pskc(&[("CS-000010", "totp", "00112233445566778899")]);
    let (_, receipt) = inventory.import_by_http(&short, true);
    assert_eq!(receipt["imported"], 1, "{receipt}");
    assert_eq!(inventory.serial_numbers(), ["CS-000010", "CS-000016"]);
}

#[test]
fn a_dry_run_of_a_mixed_file_says_that_nothing_would_come() {
    let inventory = Inventory::new();
    let mixed = pskc(&[
        ("GOOD-1", "totp", SEED),
        ("BAD-1", "ocra", "3132333435363738393031323334353637383931"),
    ]);
    let dry = inventory.import(&mixed, &["--dry-run"]).with_code(1).out;
    assert!(
        dry.contains("none of 2 token(s) would be imported, 1 with --skip-unusable"),
        "{dry}"
    );
    assert!(
        dry.contains("nothing would come in: 1 good token(s) would be held back") && dry.contains("all or nothing"),
        "{dry}"
    );
    let done = inventory.import(&mixed, &[]).with_code(1).out;
    assert!(
        done.contains("0 of 2 token(s) imported") && done.contains("all or nothing"),
        "{done}"
    );
    let (status, receipt) = inventory.import_by_http(&mixed, false);
    assert_eq!((status, &receipt["imported"]), (200, &json!(0)), "{receipt}");
    assert!(receipt["remarks"].to_string().contains("all or nothing"), "{receipt}");
    assert_eq!(inventory.serial_numbers(), NONE);
    let dry = inventory.import(&mixed, &["--dry-run", "--skip-unusable"]);
    let dry = dry.with_code(0).out;
    assert!(dry.contains("1 of 2 token(s) would be imported"), "{dry}");
    assert!(
        dry.contains("1 token(s) would be left out, as --skip-unusable asks"),
        "{dry}"
    );
    assert_eq!(inventory.serial_numbers(), NONE);
    let whole = inventory.import(&pskc(&[("GOOD-1", "totp", SEED)]), &["--dry-run"]);
    let whole = whole.with_code(0).out;
    assert!(!whole.contains("nothing would come in"), "{whole}");
    let done = inventory.import(&mixed, &["--skip-unusable"]).with_code(0).out;
    assert!(
        done.contains("1 of 2 token(s) imported\n  BAD-1: line ") && done.contains("note: 1 token(s) were left out"),
        "{done}"
    );
    assert_eq!(inventory.serial_numbers(), ["GOOD-1"]);
    let again = inventory.import(&mixed, &["--skip-unusable"]).with_code(1).out;
    assert!(
        again.contains("0 of 2 token(s) imported") && again.contains("nothing came in"),
        "{again}"
    );
}

#[test]
fn what_was_read_as_base32_is_not_said_to_be_hexadecimal() {
    let inventory = Inventory::new();
    for (columns, read_as) in [("serial number,secret key", "base32"), ("serial,seed", "hexadecimal")] {
        let table = format!("{columns}\n2308001,ABCDEF234567ABCDEF234567ABCDEF23\n");
        let said = inventory.import(&table, &["--dry-run"]).with_code(0).out;
        assert!(said.contains(&format!("they were read as {read_as}")), "{said}");
    }
}

#[test]
fn a_secret_that_others_may_read_is_refused_with_the_chmod_to_type() {
    let inventory = Inventory::new();
    let path = |name: &str| inventory.home.path().join(name).display().to_string();
    let (key, file) = (path("key"), path("file"));
    fs::write(&file, pskc(&[("CS-000001", "totp", SEED)])).expect("a file");
    let import = ["import", &file, "--batch", "B"];
    let export = ["export", "request", "CS-000001", "--recipient", "R", "--actor", "ada"];
    let token = |args: &[&str], flag| inventory.token(&[args, &[flag, &key]].concat());
    let homes = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let auth =
        |home: &tempfile::TempDir, args: &[&str], flag| authenticator(home.path(), &[args, &[flag, &key]].concat());
    let (short, long) = ("0123456789abcdef", "0123456789abcdef0123456789abcdef");
    for (mut command, content) in [
        (token(&import, "--key-file"), short),
        (token(&import, "--password-file"), "a password\n"),
        (token(&import, "--api-key-file"), "cs_key\n"),
        (token(&export, "--key-file"), short),
        (auth(&homes[0], &["add", "--uri-file", &file], "--key-file"), long),
        (
            auth(&homes[1], &["add", "--uri-file", "-"], "--passphrase-file"),
            "a passphrase\n",
        ),
    ] {
        for mode in [0o644, 0o640, 0o604, 0o660] {
            fs::write(&key, content).expect("a file");
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("it is ours");
            let typed = "otpauth://totp/A:kim?secret=GEZDGNBVGY3TQOJQ\n";
            fs::write(&file, pskc(&[("CS-000001", "totp", SEED)])).expect("a file");
            if command.get_args().any(|arg| arg == "--uri-file") {
                fs::write(&file, typed).expect("a file");
            }
            let said = run(&mut command, typed).with_code(1).err;
            assert!(
                said.contains(&format!("chmod 600 {key}")),
                "{command:?}, {mode:o}: {said}"
            );
            assert!(!said.contains(content.trim()), "{command:?}: {said}");
        }
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("it is ours");
        let said = run(&mut command, "").err;
        assert!(!said.contains("chmod"), "{command:?}: {said}");
    }
}

/// The authenticator's home is this one; nobody is asked.
fn authenticator(home: &Path, args: &[&str]) -> Command {
    let mut command = countersign();
    command
        .arg("authenticator")
        .args(args)
        .arg("--no-input")
        .env("HOME", home);
    command
}

/// An authenticator with a vault of its own, which a key file opens.
struct Pocket(tempfile::TempDir);

impl Pocket {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        write_private(home.path().join("key"), [7; 32]).expect("a file");
        Self(home)
    }

    fn auth(&self, args: &[&str]) -> Command {
        let mut command = authenticator(self.0.path(), args);
        command.arg("--key-file").arg(self.0.path().join("key"));
        command
    }

    fn import(&self, file: impl AsRef<[u8]>, flags: &[&str]) -> Ended {
        let path = self.0.path().join("export");
        fs::write(&path, file).expect("a file");
        let path = path.display().to_string();
        run(&mut self.auth(&[&["import", &path], flags].concat()), "")
    }

    /// Issuer and account of all entries.
    fn names(&self) -> Vec<[String; 2]> {
        let listed = run(&mut self.auth(&["list", "--order", "added", "--json"]), "");
        if listed.code() != 0 {
            return Vec::new(); // there is no vault
        }
        let listed = listed.json();
        let name = |entry: &Value, key: &str| entry[key].as_str().expect("a text").to_owned();
        let entries = listed.as_array().expect("a list").iter();
        entries
            .map(|entry| [name(entry, "issuer"), name(entry, "account")])
            .collect()
    }
}

#[test]
fn a_list_of_nobodys_is_unknown() {
    let pocket = Pocket::new();
    for nobodys in [
        format!(r#"[{{"issuer":"S","account":"kim","seed":"{HUSH}","kind":"HOTP","timer":"60","counter":"5"}}]"#),
        format!(r#"[{{"secret":"{HUSH}"}}]"#),
        format!(r#"[{{"secret":"{HUSH}","label":"kim","type":"TOTP","period":30}}]"#),
        format!(r#"{{"entries":[{{"secret":"{HUSH}"}}]}}"#),
        format!(r#"{{"services":[{{"secret":"{HUSH}"}}]}}"#),
        "[]".to_owned(),
        "[1, 2, 3]".to_owned(),
        "hello world".to_owned(),
        format!("serial,seed\n1000001,{HUSH}\n"),
    ] {
        for flag in ["--yes", "--dry-run"] {
            let refused = pocket.import(&nobodys, &[flag]).with_code(1);
            assert!(
                refused.err.contains("no export that is known looks like this"),
                "{nobodys}: {}",
                refused.err
            );
            assert!(
                !refused.err.contains(HUSH) && refused.out.is_empty(),
                "{nobodys}: {}",
                refused.err
            );
        }
    }
    assert!(pocket.names().is_empty());
}

/// What other sites issue is theirs; whoever keeps it is told.
#[test]
fn a_short_secret_of_another_site_comes_in_with_a_remark() {
    let pocket = Pocket::new();
    let said = pocket
        .import("otpauth://totp/A:kim?secret=GEZA", &["--yes"])
        .with_code(0)
        .err;
    assert!(said.contains("odd: ") && said.contains("only 2 bytes"), "{said}");
    let by_hand = ["add", "--secret-file", "-", "--issuer", "B", "--account", "lee"];
    let said = run(&mut pocket.auth(&by_hand), "GEZQ\n").with_code(0).err;
    assert!(said.contains("odd: ") && said.contains("only 2 bytes"), "{said}");
    assert_eq!(pocket.names().len(), 2);
}

#[test]
fn two_uris_on_one_line_are_two_entries_by_every_road() {
    let first = "otpauth://totp/A:kim?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A";
    let second = format!("OTPAUTH://totp/B:lee?secret={HUSH}&issuer=B");
    let both = [["A", "kim"], ["B", "lee"]].map(|names| names.map(str::to_owned));
    for between in ["", " ", ",", "; ", " | "] {
        let line = format!("{first}{between}{second}\n");
        let roads = [(); 4].map(|()| Pocket::new());
        let picture = roads[3].0.path().join("code.png");
        let png = enroll::Qr::encode(line.trim()).expect("it fits").to_png(5);
        fs::write(&picture, &*png.expect("a size")).expect("a file");
        let picture = picture.display().to_string();
        roads[0].import(&line, &["--yes"]).with_code(0);
        run(&mut roads[1].auth(&["add", "--uri-file", "-"]), &line).with_code(0);
        run(&mut roads[2].auth(&["add", "--secret-file", "-"]), &line).with_code(0);
        run(&mut roads[3].auth(&["scan", &picture]), "").with_code(0);
        for (road, pocket) in roads.iter().enumerate() {
            assert_eq!(pocket.names(), both, "road {road}: {line}");
        }
    }
    // Where it cannot be told where the first one ends, it stays out; and no name takes a URI in, whatever hides it.
    let pocket = Pocket::new();
    let said = pocket.import(format!("{first} and then {second}"), &["--yes"]);
    assert_eq!(pocket.names(), both[1..], "{}", said.with_code(1).err);
    let hidden = format!("otpauth%3A%2F%2Ftotp%2FB%3Fsecret%3D{HUSH}");
    for file in [
        format!("otpauth://totp/A?secret=GEZDGNBVGY3TQOJQ&issuer={hidden}"),
        format!("otpauth://totp/{hidden}?secret=GEZDGNBVGY3TQOJQ"),
        format!("name,login_username,login_totp\nA {second},kim,GEZDGNBVGY3TQOJQ\n"),
    ] {
        let said = pocket.import(&file, &["--yes"]).with_code(1);
        assert!(
            !said.err.contains(HUSH) && !said.out.contains(HUSH),
            "{file}: {}",
            said.err
        );
    }
    for flag in ["--issuer", "--account", "--group"] {
        let refused = run(&mut pocket.auth(&["edit", "#1", flag, &second]), "");
        assert_ne!(refused.code(), 0, "{flag}");
        assert!(!refused.err.contains(HUSH), "{flag}: {}", refused.err);
    }
    assert_eq!(pocket.names(), both[1..]);
}

#[test]
fn no_name_of_the_services_holds_a_uri() {
    let inventory = Inventory::new();
    let at = api::Timestamp::from_unix_ms(i64::try_from(now_ms()).expect("a time")).to_string();
    for field in ["label", "issuer"] {
        let body = json!({
            "kind": "virtual",
            field: format!("x otpauth://totp/B?secret={HUSH}"),
            "identity_proof": {"method": "password", "at": at, "by": "console"},
            "actor": {"id": "alice", "kind": "user"},
        });
        let refused = inventory.api.post("/v1/accounts/acme/users/alice/enrollments", &body);
        let refused = refused.expect("an answer");
        assert_eq!(refused.status, 400, "{field}: {}", refused.body);
        assert!(!refused.body.to_string().contains(HUSH), "{field}: {}", refused.body);
    }
    let name = format!("<FriendlyName>otpauth://totp/B?secret={HUSH}</FriendlyName><Data>");
    let named = pskc(&[("CS-000001", "totp", SEED)]).replace("<Data>", &name);
    let (_, receipt) = inventory.import_by_http(&named, false);
    assert_eq!(receipt["imported"], 0, "{receipt}");
    assert!(!receipt.to_string().contains(HUSH), "{receipt}");
}

/// The files of a directory of some crate, but those that say what is expected of another.
fn samples(dir: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates").join(dir);
    let files = fs::read_dir(dir).expect("samples");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind != "expected" && kind != "py"));
    files.sort();
    files
}

#[test]
fn what_is_seeds_is_no_export_and_what_is_an_export_is_no_seeds() {
    let (inventory, pocket) = (Inventory::new(), Pocket::new());
    for file in ["vendors", "pskc"]
        .map(|dir| samples(&format!("pskc/tests/vectors/{dir}")))
        .concat()
    {
        let bytes = fs::read(&file).expect("a file");
        let refused = pocket.import(bytes, &["--dry-run"]).with_code(1);
        assert!(
            refused.err.contains("no export that is known"),
            "{}: {}",
            file.display(),
            refused.err
        );
    }
    for file in samples("vault/tests/samples") {
        let (status, problem) = inventory.import_by_http(fs::read(&file).expect("a file"), true);
        assert_eq!(status, 400, "{}: {problem}", file.display());
    }
    assert_eq!(inventory.serial_numbers(), NONE);
}

#[test]
fn what_was_cut_off_or_swapped_comes_in_as_nothing_else() {
    let (inventory, pocket) = (Inventory::new(), Pocket::new());
    let step = if soak() { 7 } else { 499 };
    for name in [
        "andotp.json",
        "2fas.2fas",
        "cotp.json",
        "freeotp_plus.json",
        "proton.json",
    ] {
        let files = samples("vault/tests/samples");
        let file = files.iter().find(|path| path.ends_with(name)).expect("a sample");
        let whole = fs::read(file).expect("a file");
        let end = whole.trim_ascii_end().len();
        for len in (1..end).step_by(step).chain([end - 1]) {
            let refused = pocket.import(&whole[..len], &["--dry-run"]).with_code(1);
            assert!(refused.out.is_empty(), "{name}, {len}: {}", refused.out);
        }
    }
    // The secret stands where the serial number is looked for, which is printed.
    for file in [
        format!("{SEED},1000001\n"),
        format!("{SEED},10000012\n"),
        format!("serial,seed\n{SEED},10000012\n"),
        format!("{SEED},1000001,totp,6,30\n"),
        format!("serial number,secret key\n{SEED},23080012\n"),
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ 1000001\n".to_owned(),
    ] {
        let refused = inventory.import(&file, &["--allow-short-secrets"]).with_code(1);
        let said = refused.out + &refused.err;
        assert!(!said.contains(SEED) && !said.contains("GEZDGNBV"), "{file}: {said}");
    }
    assert_eq!(inventory.serial_numbers(), NONE);
}

/// A container in the clear: serial number, algorithm, secret in hexadecimal.
fn pskc(tokens: &[(&str, &str, &str)]) -> String {
    let package = |(serial_number, algorithm, secret): &(&str, &str, &str)| {
        let secret = data_encoding::HEXLOWER_PERMISSIVE.decode(secret.as_bytes());
        let secret = BASE64.encode(&secret.expect("hexadecimal"));
        format!(
            "<KeyPackage><DeviceInfo><SerialNo>{serial_number}</SerialNo></DeviceInfo>\
             <Key Id=\"{serial_number}\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:{algorithm}\">\
             <AlgorithmParameters><ResponseFormat Length=\"6\" Encoding=\"DECIMAL\"/></AlgorithmParameters>\
             <Data><Secret><PlainValue>{secret}</PlainValue></Secret></Data></Key></KeyPackage>\n"
        )
    };
    let packages: String = tokens.iter().map(package).collect();
    format!("<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n{packages}</KeyContainer>\n")
}
