//! Habits of other people's files: how names agree, what is written twice or not at all, and letters too many. Items of the issue
//! "What strangers' files and habits found".

mod support;

use std::io::{Cursor, Write};

use support::counting;
use vault::import::{self, Export, ImportError, Oddity, Original};
use vault::{NewSlot, OpenVault};
use zip::write::SimpleFileOptions;

fn vault() -> OpenVault {
    OpenVault::create(NewSlot::KeyFile(&[1; 32]), "", &mut counting()).unwrap()
}

#[track_caller]
fn read(file: &str) -> Export {
    import::read(file.as_bytes(), None).unwrap_or_else(|error| panic!("{error}"))
}

/// What came: title, secret and remarks of each.
fn came(export: &Export) -> Vec<(String, Vec<u8>, Vec<Oddity>)> {
    let came = export.came().iter().map(|came| {
        let secret = came.draft.credential.secret().expose_secret().to_vec();
        (came.draft.title(), secret, came.odd.clone())
    });
    came.collect()
}

#[test]
fn item_9_an_account_that_repeats_its_issuer_loses_it_in_every_format() {
    const KEY: &str = "NRXW4ZZAMZXXEIDL";
    for file in [
        format!("otpauth://totp/Lake:Lake:kim?secret={KEY}"),
        format!("otpauth://totp/Lake%3A%20Lake%3A%20kim?secret={KEY}&issuer=Lake"),
        format!(
            r#"{{"db": {{"entries": [{{"type": "totp", "issuer": "Lake", "name": "Lake:kim", "info": {{"secret": "{KEY}"}}}}]}}}}"#
        ),
        format!(
            r#"{{"services": [{{"name": "Lake", "secret": "{KEY}", "otp": {{"label": "Lake:kim", "issuer": "Lake"}}}}]}}"#
        ),
        format!(r#"[{{"issuer": "Lake", "account": "Lake: kim", "secret": "{KEY}", "kind": "TOTP", "timer": "30"}}]"#),
        format!(r#"[{{"issuer": "Lake", "label": "Lake : kim", "secret": "{KEY}", "tags": []}}]"#),
        format!(r#"{{"elements": [{{"issuer": "Lake", "label": "Lake:kim", "secret": "{KEY}"}}]}}"#),
        format!("title,username,totp\nLake,Lake:kim,{KEY}\n"),
    ] {
        let export = read(&file);
        let draft = &export.came()[0].draft;
        assert_eq!(
            (draft.issuer.as_str(), draft.account.as_str()),
            ("Lake", "kim"),
            "{file}"
        );
        assert!(export.came()[0].odd.is_empty(), "{file}");
    }
    // another prefix is the account's own, and so is the issuer's name alone
    for (label, account) in [
        ("Lake:corp:kim", "corp:kim"),
        ("Lake:Lake", "Lake"),
        ("Lake:Lakes:kim", "Lakes:kim"),
    ] {
        let export = read(&format!("otpauth://totp/{label}?secret={KEY}"));
        assert_eq!(export.came()[0].draft.account.as_str(), account);
    }
}

#[test]
fn item_9_an_issuer_with_a_colon_comes_whole() {
    let export = read("otpauth://totp/River%3A%20East:lee?secret=NRXW4ZZAMZXXEIDL&issuer=River%3A%20East");
    let draft = &export.came()[0].draft;
    assert_eq!((draft.issuer.as_str(), draft.account.as_str()), ("River: East", "lee"));
    assert!(export.came()[0].odd.is_empty());
}

#[test]
fn item_10_the_same_secret_under_another_name_is_an_entry_of_its_own_with_a_remark() {
    let one = "otpauth://totp/Lake:kim?secret=NRXW4ZZAMZXXEIDL&issuer=Lake\n";
    let other = "otpauth://totp/Lake:lee?secret=NRXW4ZZAMZXXEIDL&issuer=Lake\n";
    let mut vault = vault();
    let receipt = vault.entries().dry_run(read(&format!("{one}{other}")));
    assert_eq!((receipt.came.len(), receipt.doubles.len()), (2, 0));
    assert!(receipt.came[0].odd.is_empty());
    assert_eq!(
        receipt.came[1].odd[0].to_string(),
        "Lake (kim) has the same secret, and so the same codes: if they are one account, remove one of the two"
    );
    let ids = vault.entries_mut().apply(receipt).unwrap();
    assert_eq!(ids.len(), 2);
    // each is a double of itself, and not of the first
    for (file, id) in [(one, ids[0]), (other, ids[1]), (&other.replace("lee", "LEE"), ids[1])] {
        let receipt = vault.entries().dry_run(read(file));
        assert!(receipt.came.is_empty());
        assert!(
            matches!(receipt.doubles[0].of, Original::InVault(of, _) if of == id),
            "{file}"
        );
    }
    // a name that is not known agrees with any
    let receipt = vault
        .entries()
        .dry_run(read("otpauth://totp/lee?secret=NRXW4ZZAMZXXEIDL"));
    assert!(matches!(receipt.doubles[0].of, Original::InVault(of, _) if of == ids[1]));
}

#[test]
fn item_11_a_secret_of_an_odd_length_is_taken_as_other_apps_take_it_with_a_remark() {
    for (text, secret) in [
        ("NRXW4ZZAMZXXEIDLA", &b"long for k"[..]),
        ("NRXW4ZZAMZXXEIDLMFR", b"long for ka"),
        ("NRXW4ZZAMZXXEIDLMFRGGA", b"long for kabc"),
    ] {
        for file in [
            format!("otpauth://totp/Lake:kim?secret={text}&issuer=Lake"),
            format!(r#"{{"elements": [{{"issuer": "Lake", "label": "kim", "secret": "{text}"}}]}}"#),
            format!("title,username,totp\nLake,kim,{text}\n"),
        ] {
            let expected = ("Lake (kim)".to_owned(), secret.to_vec(), vec![Oddity::OddLength]);
            assert_eq!(came(&read(&file)), [expected], "{file}");
        }
    }
}

#[test]
fn item_1_a_zip_says_what_is_wrong_with_it() {
    let whole = std::fs::read(support::tests().join("samples/raivo.zip")).unwrap();
    for len in [10, whole.len() / 2, whole.len() - 1] {
        let error = import::read(&whole[..len], Some("correct horse — 正确的马".as_bytes())).err();
        assert_eq!(error, Some(ImportError::Archive), "{len}");
    }
}

/// A ZIP of these files, each with its content.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn item_12_an_archive_gives_the_one_export_in_it_or_says_why_not() {
    let uri = b"otpauth://totp/Lake:kim?secret=NRXW4ZZAMZXXEIDL&issuer=Lake\n".as_slice();
    let export = import::read(&zip(&[("readme.html", b"<html>"), ("Accounts.txt", uri)]), None);
    assert_eq!(
        came(&export.unwrap_or_else(|error| panic!("{error}")))[0].0,
        "Lake (kim)"
    );
    let said = |files: &[(&str, &[u8])]| import::read(&zip(files), None).err().map(|error| error.to_string());
    for (files, sentence) in [
        (
            [("a.txt", uri), ("b.txt", uri)],
            "this ZIP export cannot be read: several files in it are exports: unpack it, and import each",
        ),
        (
            [("a.html", b"<html>".as_slice()), ("b.zip", b"PK\x03\x04")],
            "this ZIP export cannot be read: none of its files is an export that is known",
        ),
        (
            [
                ("Proton Pass/data.pgp", b"-----BEGIN PGP MESSAGE-----\n".as_slice()),
                ("b.html", b"<p>"),
            ],
            "the file is encrypted with OpenPGP: decrypt it, and import what is in it",
        ),
        // unpacked it would be larger than any export
        (
            [("a.txt", vec![b' '; 17 << 20].as_slice()), ("b.html", b"<p>")],
            "this ZIP export cannot be read: none of its files is an export that is known",
        ),
    ] {
        assert_eq!(said(&files).as_deref(), Some(sentence));
    }
}

/// Attachments beside an export are no reason to refuse it, nor to try a password on each of them for as long as it says.
#[test]
fn what_is_attached_to_an_export_neither_refuses_it_nor_costs_a_password_each() {
    let uri = b"otpauth://totp/Lake:kim?secret=NRXW4ZZAMZXXEIDL&issuer=Lake\n".as_slice();
    let mut state = 1_u64;
    let mut random = |len: usize| -> Vec<u8> {
        let bytes = (0..len).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        });
        bytes.collect()
    };
    let one = |attached: &[u8]| import::read(&zip(&[("a.bin", attached), ("b.txt", uri)]), Some(b"open"));
    let mixed = [
        b"plain text, and a few bytes \x81\x8d of another code page".as_slice(),
        &[b'.'; 64],
    ]
    .concat();
    for attached in [
        random(2_048),
        mixed,
        b"a\0b\0c\0d\0e\0f\0".to_vec(),
        b"SQLite format 3\0".to_vec(),
        b"-----BEGIN PGP MESSAGE-----\n".to_vec(),
    ] {
        let export = one(&attached).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(came(&export)[0].0, "Lake (kim)");
    }
    // Two million rounds each, says each.
    let dear: Vec<Vec<u8>> = (0..100)
        .map(|_| [&2_000_000_u32.to_be_bytes()[..], &random(997)].concat())
        .collect();
    let mut files: Vec<(String, &[u8])> = (0..)
        .map(|number: u32| number.to_string())
        .zip(dear.iter().map(|file| &file[..]))
        .collect();
    files.push(("z.txt".into(), uri));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, file)| (&**name, *file)).collect();
    let start = std::time::Instant::now();
    let export = import::read(&zip(&files), Some(b"open")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(came(&export)[0].0, "Lake (kim)");
    assert!(
        start.elapsed() < std::time::Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_file_with_two_lists_of_authys_is_refused_and_an_empty_one_hides_no_other() {
    const ONE: &str = r#"{"name": "Lake", "decrypted_seed": "NRXW4ZZAMZXXEIDL"}"#;
    const OTHER: &str = r#"{"name": "Sea", "encrypted_seed": "AAAA", "salt": "x", "key_derivation_iterations": 1000}"#;
    let read = |decrypted: &str, encrypted: &str, password| {
        let file =
            format!(r#"{{"decrypted_authenticator_tokens": [{decrypted}], "authenticator_tokens": [{encrypted}]}}"#);
        import::read(file.as_bytes(), password)
    };
    assert!(read(ONE, "", None).is_ok_and(|export| export.came().len() == 1));
    let error = read("", OTHER, None).err().map(|error| error.to_string());
    assert!(
        error.is_some_and(|error| error.contains("password is needed")),
        "nothing would come, and nothing be said"
    );
    let error = read(ONE, OTHER, None).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("make a file of each")));
}

#[test]
fn item_14_a_name_in_a_code_page_has_a_remark_and_another_script_is_refused() {
    let uri = "otpauth://totp/Caf\u{e9}:kim?secret=NRXW4ZZAMZXXEIDL\r\n";
    let latin_1: Vec<u8> = uri.chars().map(|letter| letter as u8).collect();
    let export = import::read(&latin_1, None).unwrap_or_else(|error| panic!("{error}"));
    let expected = (
        "Caf\u{e9} (kim)".to_owned(),
        b"long for k".to_vec(),
        vec![Oddity::CodePage],
    );
    assert_eq!(came(&export), [expected]);
    // bytes that Windows-1252 does not have
    let other = [b"otpauth://totp/\x81\x8d:kim?secret=NRXW4ZZAMZXXEIDL\r\n".as_slice()].concat();
    let refused = import::read(&other, None).err().map(|error| error.to_string());
    assert_eq!(
        refused.as_deref(),
        Some("the file is written in neither UTF-8 nor UTF-16 nor Windows-1252: save it as UTF-8, and import that")
    );
}

#[test]
fn item_14_a_table_has_lines_of_words_and_rows_that_look_like_some() {
    const KEY: &str = "NRXW4ZZAMZXXEIDL";
    for (before, between) in [
        ("# saved by kim\n", "# the rest is old\n"),
        ("sep=,\n#one, two, three\n # four\n", "#,,\n#one, two, three, four\n\n"),
        ("# a;b\nsep=,\n", ""),
    ] {
        let table = format!("{before}title,username,totp\nLake,kim,{KEY}\n{between}#chat,lee,{KEY},\n");
        let came = came(&read(&table));
        let titles: Vec<_> = came.iter().map(|(title, ..)| title.as_str()).collect();
        assert_eq!(titles, ["Lake (kim)", "#chat (lee)"], "{table}");
        assert!(
            came.iter()
                .all(|(_, secret, odd)| secret == b"long for k" && odd.is_empty())
        );
    }
    // No column is known of what stands behind a mark alone.
    let remark = import::read(format!("# title,username,totp\nLake,kim,{KEY}\n").as_bytes(), None);
    assert_eq!(remark.err(), Some(ImportError::Unknown));
}

#[test]
fn item_14_a_number_that_a_spreadsheet_has_rounded_is_no_secret_and_a_doubtful_name() {
    const KEY: &str = "NRXW4ZZAMZXXEIDL";
    let table = format!(
        "title,username,totp\nLake,8.61391E+12,{KEY}\nPond,kim,2.34568E+15\nPool,\"8,6E+12\",{KEY}\nSea,2E7,{KEY}\n"
    );
    let export = read(&table);
    let came = came(&export);
    assert_eq!(came[0].2, [Oddity::RoundedName]);
    assert_eq!(
        (&*came[1].0, &*came[1].2),
        ("Pool (8,6E+12)", &[Oddity::RoundedName][..])
    );
    assert_eq!(
        (&*came[2].0, &*came[2].2),
        ("Sea (2E7)", &[][..]),
        "a name like any other"
    );
    let refused = export.refused();
    assert_eq!((refused.len(), &refused[0].reason), (1, &import::Reason::Rounded));
}

#[test]
fn item_12_a_database_that_looks_like_random_bytes_is_named_where_no_password_opens_it() {
    // A generator of Marsaglia's: bytes of which none comes up too often.
    let mut state = 0x5eed_u32;
    let mut random = |len: usize| -> Vec<u8> {
        let byte = |_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 8) as u8
        };
        // Its first bytes are no number of iterations.
        [0xff].into_iter().chain((1..len).map(byte)).collect()
    };
    for (len, named) in [
        (12 << 10, ImportError::EncryptedDatabase),
        ((12 << 10) + 1, ImportError::NotEvenAndOtp),
    ] {
        let file = random(len);
        assert_eq!(
            import::read(&file, None).err(),
            Some(ImportError::Locked(import::Format::AndOtp))
        );
        assert_eq!(import::read(&file, Some(b"its password")).err(), Some(named), "{len}");
    }
}

#[test]
fn item_12_what_no_password_opens_of_authys_tokens_is_refused_alone() {
    let file = include_bytes!("samples/authy_tokens.json");
    let export = import::read(file, Some("an older one".as_bytes())).expect("it opens one");
    let titles: Vec<_> = came(&export).into_iter().map(|(title, ..)| title).collect();
    assert_eq!(titles, ["Older (kim)"]);
    let others = export
        .refused()
        .iter()
        .filter(|refused| refused.reason == import::Reason::OtherPassword);
    assert_eq!(others.count(), 3);
    // Two million iterations are each token's most, and twenty those of a file.
    let dear = String::from_utf8_lossy(file).replace(
        "\"key_derivation_iterations\": 1000",
        "\"key_derivation_iterations\": 9000000",
    );
    let refused = import::read(dear.as_bytes(), Some(b"any")).err();
    assert!(matches!(refused, Some(ImportError::Cost(_))), "{refused:?}");
}

/// A file of ten thousand entries under one secret, with names as long as they may be, takes the time of any other.
#[test]
fn one_secret_under_ten_thousand_names_is_compared_in_the_time_of_others() {
    let file = |secret: &dyn Fn(usize) -> String| {
        let rows = (0..10_000).map(|number| {
            let name = format!("{number:05}{}", "Ü".repeat(250));
            format!("{name},{name},{}\n", secret(number))
        });
        ["title,username,totp\n".to_owned()]
            .into_iter()
            .chain(rows)
            .collect::<String>()
    };
    let took = |file: &str| {
        let export = read(file);
        let start = std::time::Instant::now();
        let receipt = vault().entries().dry_run(export);
        assert_eq!(receipt.came.len(), 10_000);
        start.elapsed()
    };
    let others = took(&file(&|number| {
        format!("NRXW4ZZAMZXXEIDL{}", number + 20_000).replace(['0', '1', '8', '9'], "A")
    }));
    let one = took(&file(&|_| "NRXW4ZZAMZXXEIDL".to_owned()));
    assert!(
        one < 10 * others + std::time::Duration::from_secs(2),
        "{one:?}, others {others:?}"
    );
}
