//! The keyring through its ports: what it seals opens for its own record only, and its file is guarded.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
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

fn line(kind: &str, id: u32, byte: &str) -> String {
    format!("{kind} {id} 0 {}", byte.repeat(32))
}

/// The keyring of the file with these lines added.
fn with(path: &Path, lines: &[String]) -> Keyring {
    let text = fs::read_to_string(path).unwrap();
    fs::write(
        path,
        format!(
            "{text}{}{}\n",
            if text.ends_with('\n') { "" } else { "\n" },
            lines.join("\n")
        ),
    )
    .unwrap();
    Keyring::open(path, entropy()).unwrap()
}

/// A file as it was before MAC keys had lines.
fn of_before(path: &Path, lines: &[String]) -> Keyring {
    fs::write(
        path,
        format!("# Countersign keyring, format 1.\n{}\n", lines.join("\n")),
    )
    .unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    Keyring::open(path, entropy()).unwrap()
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
fn a_secret_is_sealed_anew_for_the_same_record_without_knowing_which() {
    let (dir, keyring) = made();
    let path = dir.path().join("keyring");
    let sealed = keyring.seal(b"device alice", &secret()).unwrap();
    let rotated = with(&path, &[line("seal", 2, "ab")]);
    let anew = rotated.reseal(&sealed).unwrap();
    assert_eq!((anew.key_id, anew.bytes.len()), (2, sealed.bytes.len()));
    let text = fs::read_to_string(&path).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("seal 1 ")).collect();
    fs::write(&path, without.join("\n")).unwrap();
    let retired = Keyring::open(&path, entropy()).unwrap();
    assert!(matches!(
        retired.open(b"device alice", &sealed),
        Err(PortError::NoSuchKey(1))
    ));
    assert!(matches!(retired.reseal(&sealed), Err(PortError::NoSuchKey(1))));
    let opened = retired.open(b"device alice", &anew).unwrap();
    assert_eq!(opened.expose_secret(), secret().expose_secret());
    assert!(retired.open(b"device bob", &anew).is_err(), "it was alice's");
    // What does not open is not sealed anew, and nobody is given another record's by changing what the bytes say.
    let bobs = rotated.seal(b"device bob", &secret()).unwrap();
    let mut moved = anew.clone();
    moved.bytes[..16].copy_from_slice(&bobs.bytes[..16]);
    assert!(rotated.reseal(&moved).is_err());
    for place in 0..anew.bytes.len() {
        let mut changed = anew.clone();
        changed.bytes[place] ^= 1;
        assert!(rotated.reseal(&changed).is_err(), "a flipped bit in byte {place}");
    }
    for length in 0..anew.bytes.len() {
        let mut cut = anew.clone();
        cut.bytes.truncate(length);
        assert!(rotated.reseal(&cut).is_err(), "{length} bytes");
    }
}

/// Recovery codes and fingerprints are known again by them.
#[test]
fn mac_keys_are_apart_from_the_sealing_keys() {
    let (dir, keyring) = made();
    let path = dir.path().join("keyring");
    let mac = keyring.mac(1, "purpose", b"data").unwrap();
    let rotated = with(&path, &[line("seal", 2, "ab")]);
    assert_eq!((rotated.current_sealing_key(), rotated.current_mac_key()), (2, 1));
    assert_eq!(rotated.mac(1, "purpose", b"data"), Ok(mac));
    assert_eq!(
        rotated.mac(2, "purpose", b"data"),
        Err(PortError::NoSuchMacKey(2)),
        "no sealing key hashes"
    );
    let text = fs::read_to_string(&path).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("seal 1 ")).collect();
    fs::write(&path, without.join("\n")).unwrap();
    let retired = Keyring::open(&path, entropy()).unwrap();
    assert_eq!(retired.mac(1, "purpose", b"data"), Ok(mac));
    let more = with(&path, &[line("mac", 7, "cd")]);
    assert_eq!((more.current_mac_key(), more.mac_keys()), (7, vec![1, 7]));
    assert_eq!(more.mac(1, "purpose", b"data"), Ok(mac), "the older one stays");
    // A new keyring's own was drawn, not derived.
    let derived = of_before(&path, &[line("seal", 1, "ab"), line("sign", 1, "cd")]);
    fs::write(
        &path,
        format!("{}\n{}\n", line("seal", 1, "ab"), line("sign", 1, "cd")) + &line("mac", 1, "ef"),
    )
    .unwrap();
    let drawn = Keyring::open(&path, entropy()).unwrap();
    assert_ne!(drawn.mac(1, "purpose", b"data"), derived.mac(1, "purpose", b"data"));
}

/// Files of before the MAC key had a line: what was hashed under the key that came from a sealing key is known again.
#[test]
fn a_keyring_of_before_hashes_as_it_did_and_is_given_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring");
    let lines = [line("seal", 1, "ab"), line("sign", 1, "cd")];
    let before = of_before(&path, &lines);
    // HKDF-SHA-256 of 32 bytes 0xab, salt "countersign/keyring/1", info "mac"; computed by another program.
    let known = "957b9394e3b04dacf0381029a80f5a26a06bcabd121b278bf6db6862cd438240";
    let mac = before.mac(1, "recovery_code", b"data").unwrap();
    assert_eq!(mac.map(|byte| format!("{byte:02x}")).concat(), known);
    let text = fs::read_to_string(&path).unwrap();

    let upgraded = before
        .upgrade(&path, UnixMs::new(7))
        .unwrap()
        .expect("a line was missing");
    let after = fs::read_to_string(&path).unwrap();
    let added = after.strip_prefix(&*text).expect("what was there stays");
    assert!(added.starts_with("mac 1 7 ") && added.lines().count() == 3, "{added}");
    assert!(
        added.contains("\ngrant 1 7 ") && added.contains("\nsession 1 7 "),
        "{added}"
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    upgraded.check(&path).unwrap();
    assert!(matches!(before.check(&path), Err(KeyringError::Changed(_))));
    assert!(upgraded.upgrade(&path, UnixMs::new(8)).unwrap().is_none(), "once");
    assert_eq!(fs::read_to_string(&path).unwrap(), after);

    // From now on the sealing key may end.
    let rotated = with(&path, &[line("seal", 2, "ee")]);
    let sealed = before.seal(b"record", &secret()).unwrap();
    assert!(rotated.open(b"record", &sealed).is_ok());
    let without: Vec<&str> = after.lines().filter(|line| !line.starts_with("seal 1 ")).collect();
    fs::write(&path, format!("{}\n{}", without.join("\n"), line("seal", 2, "ee"))).unwrap();
    let retired = Keyring::open(&path, entropy()).unwrap();
    for keyring in [&upgraded, &rotated, &retired] {
        assert_eq!(keyring.mac(1, "recovery_code", b"data"), Ok(mac));
    }
}

/// Somebody added a sealing key by hand: each of the two may have hashed, so each leaves a MAC key of its number.
#[test]
fn every_sealing_key_of_before_leaves_its_mac_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring");
    let lines = [line("seal", 1, "ab"), line("seal", 2, "ac"), line("sign", 1, "cd")];
    let before = of_before(&path, &lines);
    let macs = |keyring: &Keyring| [1, 2].map(|key| keyring.mac(key, "purpose", b"data").unwrap());
    let known = macs(&before);
    assert_ne!(known[0], known[1]);
    let upgraded = before
        .upgrade(&path, UnixMs::new(0))
        .unwrap()
        .expect("lines were missing");
    assert_eq!(macs(&upgraded), known);
    assert_eq!(macs(&Keyring::open(&path, entropy()).unwrap()), known);
    assert_eq!((upgraded.current_mac_key(), upgraded.mac_keys()), (2, vec![1, 2]));
}

#[test]
fn an_upgrade_that_cannot_be_written_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (real, path) = (dir.path().join("elsewhere/ring"), dir.path().join("keyring"));
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    let lines = [line("seal", 1, "ab"), line("sign", 1, "cd")];
    of_before(&real, &lines);
    std::os::unix::fs::symlink(&real, &path).unwrap();
    let before = Keyring::open(&path, entropy()).unwrap();
    let mac = before.mac(1, "purpose", b"data").unwrap();
    // What cannot be removed is in the way, as a full disk or a foreign directory would be.
    let in_the_way = dir.path().join("elsewhere/.ring.countersign-unfinished");
    fs::create_dir(&in_the_way).unwrap();
    assert!(matches!(
        before.upgrade(&path, UnixMs::new(0)),
        Err(KeyringError::Io(_))
    ));
    before.check(&path).unwrap();
    assert_eq!(before.mac(1, "purpose", b"data"), Ok(mac));
    fs::remove_dir(&in_the_way).unwrap();
    let upgraded = before
        .upgrade(&path, UnixMs::new(0))
        .unwrap()
        .expect("a line was missing");
    upgraded.check(&real).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink(), "the link stays one");
    // Another file in its place is not written.
    let strange = of_before(&real, &[line("seal", 1, "11"), line("sign", 1, "cd")]);
    assert!(matches!(
        upgraded.upgrade(&path, UnixMs::new(0)),
        Err(KeyringError::Changed(_))
    ));
    strange.check(&path).unwrap();
}

/// Kinds that are still to come; and a line out of order is not repeated, for its first word may be a key.
#[test]
fn a_kind_of_a_newer_version_is_refused_in_clear_words() {
    let (dir, _keyring) = made();
    let path = dir.path().join("keyring");
    let text = fs::read_to_string(&path).unwrap();
    let key = "5e".repeat(32);
    for more in [
        format!("link 1 0 {key}"),
        format!("trust 1 0 {key} more words"),
        format!("{key} mac 2 0"),
    ] {
        fs::write(&path, format!("{text}{more}\n")).unwrap();
        let error = Keyring::open(&path, entropy()).err().expect(&more);
        assert!(matches!(error, KeyringError::Newer { line: 8 }), "{error}");
        let said = error.to_string();
        assert!(said.contains("a newer one wrote it") && !said.contains(&key), "{said}");
    }
}

/// The trail's signing key signs no grant, and the other way round.
#[test]
fn grants_have_a_key_of_their_own() {
    let (_dir, keyring) = made();
    let now = UnixMs::new(1_795_219_200_000);
    let key = keyring.current_grant_key(now).unwrap();
    let signed = keyring.sign_grant(&key, b"statement").unwrap();
    assert!(keyring.verify_grant(&key, b"statement", &signed, now));
    assert!(!keyring.verify_grant(&key, b"another", &signed, now));
    assert!(
        !keyring.verify(b"statement", &signed),
        "it is no signature of the trail's"
    );
    assert!(!keyring.verify_grant(&key, b"statement", &keyring.sign(b"statement"), now));
    let published = keyring.grant_keys(now);
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].id, key);
}

/// A key of grants, or of hashes, makes no session.
#[test]
fn sessions_have_a_key_of_their_own() {
    let (_dir, keyring) = made();
    let now = UnixMs::new(0);
    let (key, mac) = keyring.sign_session(b"statement").unwrap();
    assert!(keyring.verify_session(key, b"statement", &mac, now));
    assert!(!keyring.verify_session(key, b"another", &mac, now));
    assert!(!keyring.verify_session(key + 1, b"statement", &mac, now));
    let hashed = keyring.mac(1, "session", b"statement").unwrap();
    assert!(!keyring.verify_session(key, b"statement", &hashed, now));
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
    assert_eq!(rotated.current_sealing_key(), 2);
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
        text.replace("seal 1", "seal 0"),
        text.replace("mac 1", "mac -1"),
        text.replace("mac 1", "seal 1"),
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

#[test]
fn a_grant_key_is_taken_in_by_whoever_has_the_file_open() {
    let (dir, keyring) = made();
    let path = dir.path().join("keyring");
    let [other, reader] = [(); 2].map(|()| Keyring::open(&path, entropy()).unwrap());
    let now = UnixMs::new(100 * UnixMs::HOUR);
    let first = keyring.current_grant_key(now).unwrap();
    let signed = keyring.sign_grant(&first, b"grant").unwrap();
    let keys: Vec<String> = [&keyring, &other]
        .iter()
        .map(|adding| {
            let key = adding.new_grant_key().unwrap();
            adding.add_grant_key(&path, &key, now).unwrap();
            key.id().to_owned()
        })
        .collect();
    assert!(reader.check(&path).unwrap(), "there are more");
    assert!(!reader.check(&path).unwrap(), "and now it knows them");
    let published: Vec<String> = reader.grant_keys(now).into_iter().map(|key| key.id).collect();
    assert_eq!(published, [first.clone(), keys[0].clone(), keys[1].clone()]);
    assert_eq!(
        reader.current_grant_key(now).unwrap(),
        first,
        "nobody knows the new ones yet"
    );
    let later = UnixMs::new(now.get() + 10 * UnixMs::MINUTE);
    assert_eq!(reader.current_grant_key(later).unwrap(), keys[1]);
    assert!(reader.verify_grant(&first, b"grant", &signed, later));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    reader.sign(b"the rest is as before");
}

#[test]
fn nothing_but_newer_grant_keys_is_taken_in() {
    let (dir, keyring) = made();
    let path = dir.path().join("keyring");
    let text = fs::read_to_string(&path).unwrap();
    let zero = line("grant", 1, "ab").replacen("grant 1", "grant 0", 1);
    for added in [
        line("seal", 2, "ab"),
        line("mac", 2, "ab"),
        line("sign", 2, "ab"),
        line("grant", 1, "ab"),
        [line("grant", 2, "ab"), line("sign", 2, "ab")].join("\n"),
        zero,
        "grant 2".to_owned(),
        "what is this".to_owned(),
        "# a remark".to_owned(),
    ] {
        fs::write(&path, format!("{text}{added}\n")).unwrap();
        assert!(matches!(keyring.check(&path), Err(KeyringError::Changed(_))), "{added}");
    }
    fs::write(&path, format!("{}{}\n", text.trim_end(), "ab")).unwrap();
    assert!(
        matches!(keyring.check(&path), Err(KeyringError::Changed(_))),
        "a longer line"
    );
    assert_eq!(keyring.grant_keys(UnixMs::new(0)).len(), 1);
    fs::write(&path, &text).unwrap();
    assert!(!keyring.check(&path).unwrap());
}
