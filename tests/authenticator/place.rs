//! Where a vault is kept: on a stick, in somebody else's home, in a directory that may not be listed.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
    process::Command,
};

use super::pocket::Pocket;
use crate::support::{
    process::{bare, run},
    tools::output,
};

const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";
/// Debian's `nobody`.
const SOMEBODY: u32 = 65_534;

/// A stick with a FAT file system, by a driver that knows neither links nor a rename that spares what is there.
struct Stick(tempfile::TempDir);

impl Stick {
    /// `None` where this machine lets nobody mount one.
    fn plug_in() -> Option<Self> {
        if !Path::new("/dev/fuse").exists() || !rustix::process::geteuid().is_root() {
            eprintln!("no stick: /dev/fuse and root are needed to mount one");
            return None;
        }
        let stick = Self(tempfile::tempdir().expect("a directory"));
        let image = stick.0.path().join("image");
        let made = File::create(&image).and_then(|file| file.set_len(4 << 20));
        made.expect("a file");
        fs::create_dir(stick.path()).expect("a directory");
        let [image, path] = [&image, &stick.path()].map(|path| path.to_str().expect("UTF-8").to_owned());
        output("mkfs.vfat", "dosfstools", &[&image]);
        output("fusefat", "fusefat", &["-o", "rw+", &image, &path]);
        Some(stick)
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("stick")
    }
}

impl Drop for Stick {
    fn drop(&mut self) {
        let _told_by_umount = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[test]
fn a_stick_without_links_has_a_vault_and_a_backup() {
    let pocket = Pocket::with(URI);
    let Some(stick) = Stick::plug_in() else { return };
    let (vault, backup) = (stick.path().join("a.vault"), stick.path().join("backup.vault"));
    let [at, to] = [&vault, &backup].map(|path| path.to_str().expect("UTF-8"));
    run(&mut pocket.keyed(&["add", "--uri-file", "-", "--vault", at]), URI).with_code(0);
    pocket.done(&["edit", "#1", "--issuer", "Changed", "--vault", at]);
    let listed = pocket.done(&["list", "--json", "--vault", at]).json();
    assert_eq!(listed[0]["issuer"], "Changed");
    let key = pocket.key.to_str().expect("UTF-8");
    pocket.done(&["export", "vault", "--output", to, "--export-key-file", key]);
    assert_eq!(
        pocket.done(&["list", "--json", "--vault", to]).json()[0]["issuer"],
        "Example"
    );
    let mut names: Vec<_> = fs::read_dir(stick.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["a.vault", "a.vault.lock", "backup.vault"]);
}

#[test]
fn a_backup_is_safe_under_whatever_name_it_was_given() {
    let pocket = Pocket::with(URI);
    let key = pocket.key.to_str().expect("UTF-8");
    for name in [
        "authenticator.vault.new",
        "authenticator.vault.bak",
        ".authenticator.vault.new",
    ] {
        let backup = pocket.vault().with_file_name(name);
        let to = backup.to_str().expect("UTF-8");
        pocket.done(&["export", "vault", "--output", to, "--export-key-file", key]);
        let before = fs::read(&backup).expect("a file");
        pocket.done(&["edit", "#1", "--note", name]);
        assert_eq!(fs::read(&backup).expect("a file"), before);
    }
}

/// The command as somebody who is not root (`setpriv`, from util-linux). The program is opened before, because root may have
/// built it where nobody else may look.
fn as_somebody(command: &Command) -> Command {
    let script = format!(
        "exec 3<\"$0\"; exec setpriv --reuid {SOMEBODY} --regid {SOMEBODY} --clear-groups /proc/self/fd/3 \"$@\""
    );
    let mut shell = bare("sh");
    shell
        .args(["-c", &script])
        .arg(command.get_program())
        .args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// A vault in a home that is somebody's.
fn of_somebody() -> Pocket {
    let pocket = Pocket::with(URI);
    let lock = pocket.vault().with_extension("vault.lock");
    fs::remove_file(lock).expect("it goes");
    let home = pocket.path("");
    let output = Command::new("chown")
        .arg("-R")
        .arg(SOMEBODY.to_string())
        .arg(&home)
        .status();
    assert!(
        output.expect("chown").success(),
        "another user is somebody else for root only: run this as root"
    );
    pocket
}

#[test]
fn what_root_changes_stays_its_owners() {
    let pocket = of_somebody();
    pocket.done(&["edit", "#1", "--issuer", "by root"]);
    assert_eq!(fs::metadata(pocket.vault()).expect("a vault").uid(), SOMEBODY);
    run(
        &mut as_somebody(&pocket.keyed(&["edit", "#1", "--note", "by its owner"])),
        "",
    )
    .with_code(0);
    assert_eq!(pocket.done(&["show", "#1", "--json"]).json()["issuer"], "by root");
}

#[test]
fn what_is_somebody_elses_is_not_taken_away() {
    let pocket = of_somebody();
    // Everybody may write to the directory and read the vault, and it is still root's.
    let dir = pocket.vault().parent().expect("a directory").to_owned();
    chown(pocket.vault(), Some(0), Some(0)).expect("a file");
    fs::set_permissions(pocket.vault(), fs::Permissions::from_mode(0o644)).expect("a file");
    let refused = run(&mut as_somebody(&pocket.keyed(&["edit", "#1", "--issuer", "x"])), "").with_code(1);
    assert!(
        refused.err.contains("it belongs to the user 0: do this as that user"),
        "{}",
        refused.err
    );
    assert_eq!(
        fs::read_dir(dir).expect("a directory").count(),
        1,
        "no lock stays that its owner may not open"
    );
    assert_eq!(pocket.done(&["show", "#1", "--json"]).json()["issuer"], "Example");
}

#[test]
fn a_save_that_cannot_be_synced_is_refused_before_it_happens() {
    let pocket = of_somebody();
    let dir = pocket.vault().parent().expect("a directory").to_owned();
    let may = |mode| fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).expect("a directory");
    may(0o300);
    let mut edit = as_somebody(&pocket.keyed(&["edit", "#1", "--issuer", "x"]));
    let refused = run(&mut edit, "").with_code(1);
    assert!(
        refused.err.contains("cannot be written: Permission denied"),
        "{}",
        refused.err
    );
    may(0o700);
    assert_eq!(pocket.done(&["show", "#1", "--json"]).json()["issuer"], "Example");
}
