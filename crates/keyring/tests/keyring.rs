//! The keyring through its ports: what it seals opens for its own record only, and its file is guarded.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
};

use keyring::{Keyring, KeyringError};
use service::{Entropy, PortError, Sealer, Secret, Signer, UnixMs};

/// Bytes that differ from call to call; unpredictable they need not be here.
#[derive(Default)]
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), PortError> {
        bytes.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Relaxed));
        Ok(())
    }
}

fn entropy() -> Arc<dyn Entropy> {
    Arc::new(Counting::default())
}

fn made() -> (tempfile::TempDir, Keyring) {
    let dir = tempfile::tempdir().unwrap();
    let keyring = Keyring::create(&dir.path().join("keyring"), entropy(), UnixMs::new(0)).unwrap();
    (dir, keyring)
}

fn secret() -> Secret {
    Secret::from_slice(b"12345678901234567890").unwrap()
}

#[test]
fn a_sealed_secret_opens_for_its_own_record_only_also_after_reopening() {
    let (dir, keyring) = made();
    let sealed = keyring.seal(b"device alice", &secret()).unwrap();
    assert!(
        !sealed
            .bytes
            .windows(20)
            .any(|window| window == secret().expose_secret())
    );
    let reopened = Keyring::open(&dir.path().join("keyring"), entropy()).unwrap();
    for keyring in [&keyring, &reopened] {
        let opened = keyring.open(b"device alice", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), secret().expose_secret());
        assert!(keyring.open(b"device bob", &sealed).is_err(), "moved to another record");
    }
    for place in 0..sealed.bytes.len() {
        let mut changed = sealed.clone();
        changed.bytes[place] ^= 1;
        assert!(
            keyring.open(b"device alice", &changed).is_err(),
            "a flipped bit in byte {place}"
        );
    }
    let mut other_key = sealed.clone();
    other_key.key_id += 1;
    assert!(matches!(
        keyring.open(b"device alice", &other_key),
        Err(PortError::NoSuchKey(2))
    ));
    assert!(
        keyring
            .open(
                b"device alice",
                &service::Sealed {
                    key_id: 1,
                    bytes: vec![0; 5]
                }
            )
            .is_err()
    );
}

#[test]
fn two_seals_of_one_secret_differ_and_so_do_two_purposes_of_one_hash() {
    let (_dir, keyring) = made();
    let seal = || keyring.seal(b"record", &secret()).unwrap().bytes;
    assert_ne!(seal(), seal(), "a nonce is used once");
    let mac = |purpose: &str, data: &[u8]| keyring.mac(1, purpose, data).unwrap();
    assert_eq!(mac("a", b"data"), mac("a", b"data"));
    assert_ne!(mac("a", b"data"), mac("b", b"data"));
    assert_ne!(
        mac("a", b"bc"),
        mac("ab", b"c"),
        "purpose and data cannot run into each other"
    );
}

#[test]
fn a_signature_is_ours_or_not() {
    let (_dir, keyring) = made();
    let signature = keyring.sign(b"head");
    assert!(keyring.verify(b"head", &signature));
    assert!(!keyring.verify(b"heap", &signature));
    assert!(!keyring.verify(b"head", &signature[1..]));
    let other = tempfile::tempdir().unwrap();
    let strangers = Counting(AtomicU8::new(77));
    let stranger = Keyring::create(&other.path().join("keyring"), Arc::new(strangers), UnixMs::new(0)).unwrap();
    assert!(!stranger.verify(b"head", &signature));
}

#[test]
fn an_older_line_still_opens_and_the_newest_seals() {
    let (dir, keyring) = made();
    let path = dir.path().join("keyring");
    let sealed = keyring.seal(b"record", &secret()).unwrap();
    let more = format!(
        "{}seal 2 0 {}\nsign 2 0 {}\n",
        fs::read_to_string(&path).unwrap(),
        "ab".repeat(32),
        "cd".repeat(32)
    );
    fs::write(&path, more).unwrap();
    let rotated = Keyring::open(&path, entropy()).unwrap();
    assert_eq!(rotated.current_key(), 2);
    assert_eq!(rotated.seal(b"record", &secret()).unwrap().key_id, 2);
    assert!(rotated.open(b"record", &sealed).is_ok());
    assert!(rotated.verify(b"head", &keyring.sign(b"head")));
    assert!(!keyring.verify(b"head", &rotated.sign(b"head")));
}

#[test]
fn the_file_is_private_never_overwritten_and_never_half_believed() {
    let (dir, _keyring) = made();
    let path = dir.path().join("keyring");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    let before = fs::read(&path).unwrap();
    assert!(matches!(
        Keyring::create(&path, entropy(), UnixMs::new(0)),
        Err(KeyringError::Exists(_))
    ));
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        Keyring::open(&path, entropy()),
        Err(KeyringError::Exposed { mode: 0o640, .. })
    ));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();

    let text = String::from_utf8(before).unwrap();
    let damaged = [
        text.replace("seal 1", "seal one"),
        text.replace("seal 1", "sale 1"),
        text[..text.len() - 2].to_owned(),
        text.replace("sign 1", "seal 1"),
        text.lines()
            .filter(|line| !line.starts_with("sign"))
            .collect::<Vec<_>>()
            .join("\n"),
        String::new(),
    ];
    for text in damaged {
        fs::write(&path, &text).unwrap();
        let error = Keyring::open(&path, entropy()).err().expect(&text);
        assert!(matches!(error, KeyringError::Damaged { .. }), "{error}");
    }
    let gone = dir.path().join("gone");
    assert!(matches!(Keyring::open(&gone, entropy()), Err(KeyringError::Missing(_))));
}

#[test]
fn a_keyring_knows_its_file_again() {
    let (dir, keyring) = made();
    let path = dir.path().join("keyring");
    let opened = Keyring::open(&path, entropy()).unwrap();
    for known in [&keyring, &opened] {
        known.check(&path).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("seal 1 ", "seal 2 ", 1)).unwrap();
    assert!(matches!(opened.check(&path), Err(KeyringError::Changed(_))));
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(opened.check(&path), Err(KeyringError::Exposed { .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(opened.check(&path), Err(KeyringError::Missing(_))));
}
