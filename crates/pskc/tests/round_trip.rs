//! What is written is read again, and nothing is lost; what would be lost is refused.

use otp::{Algorithm, Digits, Period, Secret};
use proptest::prelude::*;
use pskc::{
    Dialect, Encoding, Format, ManagementKey, Moving, Protect, Protection, ReadError, Receipt, Seed, Unlock,
    WriteError, read, read_as, write_csv_in_the_clear, write_encrypted, write_pskc_in_the_clear,
};

mod support;
use support::{Batch, all_of, counting, seeds};

fn same(written: &[Seed], receipt: &Receipt) {
    assert_eq!(receipt.refused, []);
    let written: Vec<_> = written.iter().map(all_of).collect();
    let read: Vec<_> = receipt.seeds.iter().map(all_of).collect();
    assert_eq!(read, written);
}

/// What a dialect can carry of a token.
fn reduced(mut seed: Seed, dialect: Dialect, by_time: bool) -> Seed {
    if dialect != Dialect::Entra {
        // Without names over its columns it is known by serial numbers that look like some.
        seed.serial_number.retain(|c| c.is_ascii_alphanumeric() || c == '-');
    }
    seed.algorithm = Algorithm::Sha1;
    let bytes = seed.secret.expose_secret();
    if matches!(dialect, Dialect::Duo | Dialect::SerialSeed) && matches!(bytes.len(), 32 | 64) {
        seed.secret = Secret::from_slice(&bytes[1..]).ok().unwrap();
    }
    (seed.key_id, seed.issuer, seed.label) = (None, None, None);
    (seed.starts_at_s, seed.expires_at_s, seed.management_key) = (None, None, None);
    if dialect != Dialect::PrivacyIdea && dialect != Dialect::MultiOtp {
        seed.digits = Digits::SIX;
    }
    if dialect != Dialect::Entra {
        seed.model = None;
        if dialect != Dialect::MultiOtp {
            seed.manufacturer = None;
        }
    }
    let period = match seed.moving {
        Moving::Time { period, .. } if matches!(dialect, Dialect::MultiOtp | Dialect::PrivacyIdea) => period,
        _ => Period::THIRTY,
    };
    let counter = match seed.moving {
        Moving::Counter { counter } if dialect != Dialect::PrivacyIdea => counter,
        _ => 0,
    };
    seed.moving = match by_time {
        true => Moving::Time { period, drift_steps: 0 },
        false => Moving::Counter { counter },
    };
    seed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn encrypted_by_a_key(Batch(seeds) in seeds(), len in prop::sample::select(vec![16_usize, 24, 32]), name in proptest::option::of(support::name())) {
        let key = vec![7; len];
        let protect = Protect::Key { key: &key, name: name.as_deref() };
        let file = write_encrypted(&seeds, &protect, counting()).unwrap();
        let receipt = read(&file, &Unlock::Key(&key)).ok().unwrap();
        prop_assert_eq!(receipt.protection, Protection::Authenticated);
        prop_assert!(receipt.remarks.is_empty());
        same(&seeds, &receipt);
        let another = vec![8; len];
        prop_assert!(matches!(read(&file, &Unlock::Key(&another)).err(), Some(ReadError::WrongKey(_))));
        prop_assert!(matches!(read(&file, &Unlock::Nothing).err(), Some(ReadError::Locked(_))));
    }

    #[test]
    fn in_the_clear(Batch(seeds) in seeds()) {
        let file = write_pskc_in_the_clear(&seeds).unwrap();
        let receipt = read(&file, &Unlock::Nothing).ok().unwrap();
        prop_assert_eq!(receipt.protection, Protection::InTheClear);
        same(&seeds, &receipt);
    }

    #[test]
    fn every_dialect(
        Batch(seeds) in seeds(),
        by_time in any::<bool>(),
        dialect in prop::sample::select(vec![
            (Dialect::Entra, Format::Entra),
            (Dialect::Duo, Format::Duo),
            (Dialect::PrivacyIdea, Format::PrivacyIdea),
            (Dialect::MultiOtp, Format::MultiOtp),
            (Dialect::SerialSeed, Format::SerialSeed),
        ]),
    ) {
        let (dialect, format) = dialect;
        let by_time = match dialect {
            Dialect::Entra | Dialect::SerialSeed => true,
            _ => by_time,
        };
        let format = if dialect == Dialect::Duo && by_time { Format::SerialSeed } else { format };
        let seeds: Vec<Seed> = seeds.into_iter().map(|seed| reduced(seed, dialect, by_time)).collect();
        let file = write_csv_in_the_clear(dialect, &seeds).unwrap();
        let encoding = if dialect == Dialect::Entra { Encoding::Base32 } else { Encoding::Hex };
        let receipt = read(&file, &Unlock::Nothing).unwrap_or_else(|error| panic!("{error}"));
        prop_assert_eq!(receipt.format, format);
        prop_assert_eq!(receipt.encoding, encoding);
        same(&seeds, &receipt);
    }
}

fn token(serial_number: &str) -> Seed {
    Seed {
        serial_number: serial_number.into(),
        manufacturer: None,
        model: None,
        key_id: None,
        issuer: None,
        label: None,
        secret: Secret::from_slice(b"12345678901234567890").ok().unwrap(),
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        moving: Moving::Time {
            period: Period::THIRTY,
            drift_steps: 0,
        },
        starts_at_s: None,
        expires_at_s: None,
        management_key: None,
    }
}

#[test]
fn encrypted_by_a_password() {
    let mut seed = token("1");
    seed.management_key = Some(ManagementKey::from_bytes(&[9; 32]));
    let protect = Protect::Password {
        password: "Bücher und 书".as_bytes(),
        iterations: 1_000,
    };
    let file = write_encrypted([&seed], &protect, counting()).unwrap();
    let receipt = read(&file, &Unlock::Password("Bücher und 书".as_bytes())).ok().unwrap();
    same(&[seed], &receipt);
    let error = read(&file, &Unlock::Password(b"Buecher")).err().unwrap();
    assert!(matches!(error, ReadError::WrongKey(_)), "{error}");
    let error = read(&file, &Unlock::Nothing).err().unwrap();
    assert_eq!(error.to_string(), "the file is encrypted: give the password");
}

/// A change of any byte of what is encrypted is noticed.
#[test]
fn every_changed_value_is_noticed() {
    let protect = Protect::Key {
        key: &[7; 16],
        name: None,
    };
    let file = String::from_utf8(write_encrypted([&token("1")], &protect, counting()).unwrap()).unwrap();
    let values: Vec<usize> = file
        .match_indices("CipherValue>")
        .map(|(at, name)| at + name.len())
        .collect();
    for start in [values[0], values[2]] {
        for at in start..start + 16 {
            let mut changed = file.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let error = read(&changed, &Unlock::Key(&[7; 16])).err().unwrap();
            assert!(matches!(error, ReadError::WrongKey(_)), "{error}");
        }
    }
}

#[test]
fn no_secret_of_an_encrypted_file_is_in_the_clear() {
    let protect = Protect::Key {
        key: &[7; 32],
        name: Some("transport"),
    };
    let file = String::from_utf8(write_encrypted([&token("1")], &protect, counting()).unwrap()).unwrap();
    for text in [
        "12345678901234567890",
        "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=",
        "PlainValue>MT",
        "31323334",
    ] {
        assert!(!file.contains(text), "{text}");
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let key = Protect::Key {
        key: &[7; 16],
        name: None,
    };
    let write = |seed: &Seed, protect: &Protect<'_>| write_encrypted([seed], protect, counting()).err().unwrap();
    assert_eq!(write_encrypted(&[], &key, counting()).err(), Some(WriteError::Nothing));
    assert_eq!(
        write(
            &token("1"),
            &Protect::Key {
                key: &[7; 20],
                name: None
            }
        ),
        WriteError::KeyLength
    );
    let password = |password, iterations| Protect::Password { password, iterations };
    assert_eq!(write(&token("1"), &password(b"", 1_000)), WriteError::EmptyPassword);
    assert_eq!(write(&token("1"), &password(b"x", 999)), WriteError::Iterations);
    assert_eq!(
        write_encrypted([&token("1")], &key, |_: &mut [u8]| Err("dry")).err(),
        Some(WriteError::Entropy("dry"))
    );
    for serial in ["", " 1", "a\nb", "\u{feff}\u{7}"] {
        assert!(
            matches!(write(&token(serial), &key), WriteError::Unfit { .. }),
            "{serial:?}"
        );
    }
    let mut late = token("1");
    late.expires_at_s = Some(i64::MAX);
    assert!(matches!(write(&late, &key), WriteError::Unfit { .. }));

    let table = |dialect, seeds: &[Seed]| {
        write_csv_in_the_clear(dialect, seeds)
            .err()
            .map(|error| error.to_string())
    };
    let mut sha256 = token("1");
    sha256.algorithm = Algorithm::Sha256;
    assert!(table(Dialect::MultiOtp, &[sha256]).unwrap().contains("SHA-1"));
    let mut hotp = token("2");
    hotp.moving = Moving::Counter { counter: 5 };
    assert!(table(Dialect::Duo, &[token("1"), hotp]).unwrap().contains("one kind"));
}

#[test]
fn a_spreadsheet_computes_nothing() {
    let mut seed = token("=1+1");
    seed.manufacturer = Some("@SUM(A1)".into());
    seed.model = Some("'-x".into());
    let file = write_csv_in_the_clear(Dialect::Entra, [&seed]).unwrap();
    let text = str::from_utf8(&file).unwrap();
    assert_eq!(
        text.lines().nth(1).unwrap(),
        r#","'=1+1",GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,30,"'@SUM(A1)","''-x""#
    );
    same(&[seed], &read(&file, &Unlock::Nothing).ok().unwrap());
}

#[test]
fn a_secret_whose_length_would_tell_another_hash_is_not_written_without_the_hash() {
    let mut seed = token("1");
    seed.secret = Secret::from_slice(&[7; 32]).ok().unwrap();
    for dialect in [Dialect::Duo, Dialect::SerialSeed] {
        let error = write_csv_in_the_clear(dialect, [&seed]).err().unwrap();
        assert!(matches!(error, WriteError::Unfit { .. }), "{error}");
    }
    let file = write_csv_in_the_clear(Dialect::PrivacyIdea, [&seed]).unwrap();
    same(&[seed], &read(&file, &Unlock::Nothing).ok().unwrap());
}

#[test]
fn whoever_knows_the_encoding_decides() {
    let file = b"1,ABCDEF234567ABCDEF234567ABCDEF234567ABCD\n";
    let receipt = read_as(file, &Unlock::Nothing, Encoding::Base32).ok().unwrap();
    assert_eq!(receipt.seeds[0].secret.expose_secret().len(), 25);
    let error = read_as(b"1,0011\n", &Unlock::Nothing, Encoding::Base32).err().unwrap();
    assert_eq!(error.to_string(), "line 1, secret: this is not base32");
}

#[test]
fn sizes_and_depths_are_bounded() {
    let large = vec![b'x'; pskc::MAX_FILE_LEN_BYTES + 1];
    assert_eq!(read(&large, &Unlock::Nothing).err(), Some(ReadError::TooLarge));
    assert_eq!(read(b"\x001\xff", &Unlock::Nothing).err(), Some(ReadError::NotText));
    for hostile in [
        "<a>".repeat(1_000_000),
        ",".repeat(1_000_000),
        "\"".repeat(1_000_001),
        "a b ".repeat(100_000),
    ] {
        assert!(read(hostile.as_bytes(), &Unlock::Nothing).is_err());
    }
}
