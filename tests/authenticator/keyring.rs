//! The desktop's keyring: GNOME's, on a bus of its own.

use std::{fs, path::PathBuf, process::Command};

use super::pocket::Pocket;
use crate::support::write_private;
use crate::support::{
    process::{Running, bare, run},
    until,
};

const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";
const CODE: &[&str] = &["code", "Example", "--no-input"];

/// It starts nothing by itself: no second keyring beside ours, and nobody who asks for passwords.
const BUS: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:path=PATH</listen>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>"#;

/// Somebody's session: a D-Bus, and the keyring on it.
struct Session {
    home: tempfile::TempDir,
    _bus: Running,
    keyring: Option<Running>,
}

impl Session {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let config = home.path().join("bus.conf");
        let path = home.path().join("bus").display().to_string();
        fs::write(&config, BUS.replace("PATH", &path)).expect("a file");
        let config = format!("--config-file={}", config.display());
        let bus = Running::start(bare("dbus-daemon").args(["--nofork", "--print-address", &config]));
        bus.hear_line("unix:path=");
        let mut session = Self {
            home,
            _bus: bus,
            keyring: None,
        };
        session.start_keyring(&["--unlock"]);
        session
    }

    /// Its collection is made, or unlocked, by a password on stdin; without `--unlock` it stays locked. It answers before it
    /// has done so, so that only what can be stored tells that it is ready.
    fn start_keyring(&mut self, args: &[&str]) {
        drop(self.keyring.take());
        let mut keyring = self.joined(bare("gnome-keyring-daemon"));
        keyring.args(["--foreground", "--components=secrets"]).args(args);
        let mut keyring = Running::start(&mut keyring);
        keyring.type_in("the login's password");
        keyring.close_stdin();
        self.keyring = Some(keyring);
        let ready: &[&str] = match args {
            [] => &["search", "no", "such"],
            _ => &["store", "--label", "ready", "for", "tests"],
        };
        until("the keyring is ready", || {
            run(self.joined(bare("secret-tool")).args(ready), "-").code() == 0
        });
    }

    fn joined(&self, mut command: Command) -> Command {
        let home = self.home.path();
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", home.join("bus").display()),
        );
        if command.get_program() != env!("CARGO_BIN_EXE_countersign") {
            command.env("HOME", home).env("XDG_RUNTIME_DIR", home);
        }
        command
    }

    /// The labels of our items, as another program sees them.
    fn items(&self) -> String {
        let mut search = self.joined(bare("secret-tool"));
        let found = run(
            search.args(["search", "--all", "service", "countersign-authenticator"]),
            "",
        );
        let lines = found.out.lines().filter_map(|line| line.strip_prefix("label = "));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_desktops_keyring_opens_the_vault_for_codes_and_for_nothing_else() {
    let pocket = Pocket::with(URI);
    let mut session = Session::start();
    let keyed = |session: &Session, args: &[&str]| run(&mut session.joined(pocket.keyed(args)), "");
    let unkeyed = |session: &Session, args: &[&str]| run(&mut session.joined(pocket.auth(args)), "");

    unkeyed(&session, CODE).with_code(2);
    keyed(&session, &["slot", "add", "--keyring", "--label", "laptop"]).with_code(0);
    assert_eq!(
        session.items(),
        format!("Countersign: key of {}", pocket.vault().display())
    );
    assert_eq!(unkeyed(&session, CODE).with_code(0).out.len(), 7);
    for args in [
        &["show", "Example", "--secret", "--yes"][..],
        &["slot", "remove", "1", "--yes"],
        &["export", "otpauth", "--plain"],
    ] {
        assert_eq!(unkeyed(&session, args).with_code(2).out, "", "{args:?} asks a person");
    }
    let again = keyed(&session, &["slot", "add", "--keyring"]).with_code(1);
    assert!(again.err.contains("opens the vault already"), "{}", again.err);
    let last = keyed(&session, &["slot", "remove", "0", "--yes"]).with_code(1);
    assert!(last.err.contains("is lost with its machine"), "{}", last.err);

    // A keyring that is of no help says so, and a key file still opens the vault.
    session.start_keyring(&[]);
    let locked = unkeyed(&session, CODE).with_code(2);
    assert!(
        locked.err.contains("the desktop's keyring stays locked"),
        "{}",
        locked.err
    );
    keyed(&session, CODE).with_code(0);
    let elsewhere = run(&mut pocket.auth(CODE), "").with_code(2);
    assert!(elsewhere.err.contains("cannot be reached"), "{}", elsewhere.err);

    session.start_keyring(&["--unlock"]);
    unkeyed(&session, CODE).with_code(0);
    keyed(&session, &["slot", "remove", "1", "--yes"]).with_code(0);
    assert_eq!(session.items(), "", "a key that opens nothing is not kept");
    unkeyed(&session, CODE).with_code(2);
}

#[test]
fn a_new_key_shuts_the_keyring_out_and_an_older_copy_with_it() {
    let pocket = Pocket::with(URI);
    let session = Session::start();
    let joined = |args: &[&str]| run(&mut session.joined(pocket.keyed(args)), "").with_code(0);
    joined(&["slot", "add", "--keyring"]);
    let older: PathBuf = pocket.path("older.vault");
    fs::copy(pocket.vault(), &older).expect("a copy");
    let of_older = [
        "code",
        "Example",
        "--no-input",
        "--vault",
        older.to_str().expect("UTF-8"),
    ];
    run(&mut session.joined(pocket.auth(&of_older)), "").with_code(0);

    let passphrase = pocket.path("passphrase");
    write_private(&passphrase, "correct horse battery staple\n").expect("a file");
    let passphrase = passphrase.to_str().expect("UTF-8");
    joined(&["passphrase", "--new-key", "--new-passphrase-file", passphrase]);
    assert_eq!(session.items(), "");
    run(&mut session.joined(pocket.auth(&of_older)), "").with_code(2);
    run(&mut session.joined(pocket.auth(CODE)), "").with_code(2);
}
