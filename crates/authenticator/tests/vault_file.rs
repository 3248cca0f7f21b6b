//! The vault's file: who may write, and what is there when something fails.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use authenticator::{Doing, VaultFile, VaultFileError};
use vault::{FileError, KdfCost, NewSlot, OpenVault, Unlock};

const PASSPHRASE: &[u8] = b"correct horse";
const NOW: Duration = Duration::ZERO;

fn entropy(into: &mut [u8]) -> Result<(), String> {
    into.fill(7);
    Ok(())
}

fn an_empty_vault() -> OpenVault {
    let slot = NewSlot::Passphrase {
        passphrase: PASSPHRASE,
        cost: KdfCost::new(8, 1, 1).unwrap(),
    };
    OpenVault::create(slot, "", &mut entropy).ok().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_saved_is_read_and_only_its_owner_may_read_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("deep/er/a.vault");
    let file = VaultFile::at(&path);
    assert!(matches!(file.read(), Err(VaultFileError::Missing(_))));
    let lock = file.lock(NOW).ok().unwrap();
    let mut vault = an_empty_vault();
    lock.create(&vault.save(&mut entropy).unwrap()).unwrap();
    lock.save(&vault.save(&mut entropy).unwrap()).unwrap();
    let read = lock.read().ok().unwrap().unlock(Unlock::Passphrase(PASSPHRASE));
    assert!(read.ok().unwrap().entries().is_empty());
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(names.len(), 2, "the vault and its lock: {names:?}");
}

#[test]
fn a_second_writer_is_told_who_is_first_and_a_reader_does_not_care() {
    let home = tempfile::tempdir().unwrap();
    let file = VaultFile::at(home.path().join("a.vault"));
    let first = file.lock(NOW).ok().unwrap();
    first.create(&an_empty_vault().save(&mut entropy).unwrap()).unwrap();
    let refused = file.lock(NOW).err().unwrap();
    assert!(
        matches!(refused, VaultFileError::Busy { holder: Some(id), .. } if id == std::process::id()),
        "{refused}"
    );
    assert!(refused.to_string().contains("is being changed by process"), "{refused}");
    assert!(file.read().is_ok());
    drop(first);
    assert!(file.lock(NOW).is_ok());
}

#[test]
fn a_vault_is_never_made_over_something() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.vault");
    fs::write(&path, "a letter").unwrap();
    let lock = VaultFile::at(&path).lock(NOW).ok().unwrap();
    let refused = lock.create(&an_empty_vault().save(&mut entropy).unwrap()).unwrap_err();
    assert!(matches!(refused, VaultFileError::Exists(_)), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), b"a letter");
    let refused = lock.read().err().unwrap();
    assert!(
        matches!(
            refused,
            VaultFileError::Unusable {
                error: FileError::NotAVault,
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn a_link_to_a_vault_stays_a_link() {
    let home = tempfile::tempdir().unwrap();
    let (path, link) = (home.path().join("a.vault"), home.path().join("link"));
    let file = an_empty_vault().save(&mut entropy).unwrap();
    VaultFile::at(&path).lock(NOW).ok().unwrap().create(&file).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    VaultFile::at(&link).lock(NOW).ok().unwrap().save(&file).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&path).unwrap(), file);
}

#[test]
fn a_place_that_cannot_be_written_says_so_and_keeps_what_is_there() {
    let home = tempfile::tempdir().unwrap();
    let refused = VaultFile::at(home.path()).read().err().unwrap();
    assert!(matches!(refused, VaultFileError::NotAFile(_)), "{refused}");
    fs::write(home.path().join("a"), "").unwrap();
    let refused = VaultFile::at(home.path().join("a/b.vault")).lock(NOW).err().unwrap();
    assert!(
        matches!(refused, VaultFileError::Io { doing: Doing::Lock, .. }),
        "{refused}"
    );
}

/// All names in a directory.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_crashes_left_is_taken_away_and_what_only_looks_like_it_is_not() {
    let home = tempfile::tempdir().unwrap();
    let lock = VaultFile::at(home.path().join("a.vault")).lock(NOW).ok().unwrap();
    let strangers = [
        ".a.vault.0123456789ABCDEF.new",
        ".a.vault.0123456789abcde.new",
        ".a.vault.0123456789abcdef",
        ".a.vault.new",
        ".b.vault.0123456789abcdef.new",
        "a.vault.0123456789abcdef.new",
        "a.vault.new",
    ];
    for name in strangers.iter().chain(&[".a.vault.0123456789abcdef.new"]) {
        fs::write(home.path().join(name), "precious").unwrap();
    }
    let directory = home.path().join(".a.vault.1123456789abcdef.new");
    fs::create_dir(&directory).unwrap();
    let file = an_empty_vault().save(&mut entropy).unwrap();
    lock.create(&file).unwrap();
    lock.save(&file).unwrap();
    assert!(directory.exists());
    fs::remove_dir(directory).unwrap();
    let mut there: Vec<_> = strangers.into_iter().chain(["a.vault", "a.vault.lock"]).collect();
    there.sort_unstable();
    assert_eq!(names(home.path()), there);
}

#[test]
fn whatever_has_the_locks_name_is_not_written() {
    let home = tempfile::tempdir().unwrap();
    let (path, lock) = (home.path().join("col"), home.path().join("col.lock"));
    let file = an_empty_vault().save(&mut entropy).unwrap();
    VaultFile::at(&lock).lock(NOW).ok().unwrap().create(&file).unwrap();
    VaultFile::at(&path).lock(NOW).ok().unwrap().create(&file).unwrap();
    VaultFile::at(&path).lock(NOW).ok().unwrap().save(&file).unwrap();
    assert_eq!(fs::read(&lock).unwrap(), file, "a vault of that name");

    let precious = home.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink(&precious, &lock).unwrap();
    let refused = VaultFile::at(&path).lock(NOW).err().unwrap().to_string();
    assert!(
        refused.ends_with("col.lock is a link and no lock: remove it"),
        "{refused}"
    );
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
}
