//! Programs by other hands read what we write, and write what we read: `pskctool` of the OATH Toolkit, and python3-pskc.
//!
//! pskctool knows no encryption, so it validates encrypted files against the schema of RFC 6030 and reads plain ones.
#![allow(clippy::disallowed_methods, reason = "a test asks its own machine")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use otp::{Algorithm, Digits, Period, Secret};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use pskc::{
    ManagementKey, Moving, Protect, Protection, Remark, Seed, Unlock, read, write_encrypted, write_pskc_in_the_clear,
};
use serde_json::Value;

mod support;
use support::{Batch, all_of, counting, seeds};

/// Runs a program that has to be there and to succeed.
fn output(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start: {error} (`cargo xtask test` installs it)"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{program}: {}\n{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(input)
    );
    output.stdout
}

/// Debian's Python, which has python3-pskc.
const PYTHON: &str = "/usr/bin/python3";

/// Prints what python3-pskc finds in a file; the second argument is a key in hexadecimal, or `password:` and one.
const READER: &str = r"
import json, sys
from pskc import PSKC
pskc = PSKC(sys.argv[1])
unlock = sys.argv[2]
if unlock.startswith('password:'):
    pskc.encryption.derive_key(unlock[9:])
elif unlock:
    pskc.encryption.key = bytes.fromhex(unlock)
moment = lambda date: date and date.strftime('%Y-%m-%dT%H:%M:%SZ')
print(json.dumps([dict(
    serial=key.serial, manufacturer=key.manufacturer, model=key.model, id=key.id, issuer=key.issuer,
    label=key.friendly_name, secret=key.secret.hex(), algorithm=key.algorithm, suite=key.algorithm_suite,
    digits=key.response_length, encoding=key.response_encoding, counter=key.counter and str(key.counter),
    period=key.time_interval, drift=key.time_drift, may_use=key.policy.unknown_policy_elements is False,
) for key in pskc.keys]))
";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn expected(seed: &Seed) -> Value {
    let (algorithm, counter, period, drift) = match seed.moving {
        Moving::Time { period, drift_steps } => ("totp", None, Some(period.get_s()), Some(drift_steps)),
        Moving::Counter { counter } => ("hotp", Some(counter), None, None),
    };
    serde_json::json!({
        "serial": seed.serial_number,
        "manufacturer": seed.manufacturer,
        "model": seed.model,
        "id": seed.key_id.as_ref().unwrap_or(&seed.serial_number),
        "issuer": seed.issuer,
        "label": seed.label,
        "secret": hex(seed.secret.expose_secret()),
        "algorithm": format!("urn:ietf:params:xml:ns:keyprov:pskc:{algorithm}"),
        "suite": match seed.algorithm {
            Algorithm::Sha1 => None,
            Algorithm::Sha256 => Some("HMAC-SHA256"),
            Algorithm::Sha512 => Some("HMAC-SHA512"),
        },
        "digits": seed.digits.get(),
        "encoding": "DECIMAL",
        // python's `and` lets a zero through as a number
        "counter": counter.map(|counter| if counter == 0 { 0.into() } else { Value::from(counter.to_string()) }),
        "period": period,
        "drift": drift.filter(|steps| *steps != 0),
        "may_use": true,
    })
}

fn python_reads(directory: &Path, file: &[u8], unlock: &str, seeds: &[Seed]) {
    let path = directory.join("ours.pskcxml");
    std::fs::write(&path, file).unwrap();
    let printed = output(PYTHON, &["-c", READER, path.to_str().unwrap(), unlock], b"");
    let found: Value = serde_json::from_slice(&printed).unwrap();
    let expected: Vec<Value> = seeds.iter().map(expected).collect();
    assert_eq!(found, Value::from(expected));
}

#[test]
fn python_reads_what_we_encrypt_and_pskctool_validates_it() {
    let directory = tempfile::tempdir().unwrap();
    let strategy = (seeds(), prop::sample::select(vec![16_usize, 24, 32]));
    let config = Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&strategy, |(Batch(seeds), len)| {
            let key = vec![0x5a; len];
            let protect = Protect::Key {
                key: &key,
                name: Some("between us"),
            };
            let file = write_encrypted(&seeds, &protect, counting()).unwrap();
            python_reads(directory.path(), &file, &hex(&key), &seeds);
            validate(&file);
            Ok(())
        })
        .unwrap();
}

#[test]
fn python_reads_what_we_encrypt_by_a_password() {
    let directory = tempfile::tempdir().unwrap();
    let seeds = [token("1", Some([3; 32])), token("2", None)];
    let protect = Protect::Password {
        password: "qwerty 书".as_bytes(),
        iterations: pskc::DEFAULT_PBKDF2_ITERATIONS,
    };
    let file = write_encrypted(&seeds, &protect, counting()).unwrap();
    python_reads(directory.path(), &file, "password:qwerty 书", &seeds);
    validate(&file);
}

fn token(serial_number: &str, management_key: Option<[u8; 32]>) -> Seed {
    Seed {
        serial_number: serial_number.into(),
        manufacturer: Some("oath.CS".into()),
        model: Some("Card".into()),
        key_id: None,
        issuer: Some("Acme & Söhne".into()),
        label: None,
        secret: Secret::from_slice(b"12345678901234567890").ok().unwrap(),
        algorithm: Algorithm::Sha256,
        digits: Digits::EIGHT,
        moving: Moving::Time {
            period: Period::new_s(60).unwrap(),
            drift_steps: -3,
        },
        starts_at_s: Some(1_149_033_600),
        expires_at_s: Some(4_102_444_800),
        management_key: management_key.map(|key| ManagementKey::from_bytes(&key)),
    }
}

/// Against the XML schema of RFC 6030.
fn validate(file: &[u8]) {
    let said = output("pskctool", &["--validate"], file);
    assert_eq!(String::from_utf8_lossy(&said).trim(), "OK");
}

#[test]
fn pskctool_reads_what_we_write_in_the_clear() {
    let mut hotp = token("0002", None);
    hotp.algorithm = Algorithm::Sha1;
    hotp.moving = Moving::Counter { counter: 77 };
    let file = write_pskc_in_the_clear([&token("0001", None), &hotp]).unwrap();
    validate(&file);
    let said = String::from_utf8(output("pskctool", &["--info", "--strict"], &file)).unwrap();
    let facts: Vec<&str> = said.lines().map(str::trim).collect();
    for (fact, times) in [
        ("Manufacturer: oath.CS", 2),
        ("SerialNo: 0001", 1),
        ("Model: Card", 2),
        ("Id: 0002", 1),
        ("Issuer: Acme & Söhne", 2),
        ("Algorithm: urn:ietf:params:xml:ns:keyprov:pskc:totp", 1),
        ("Algorithm: urn:ietf:params:xml:ns:keyprov:pskc:hotp", 1),
        ("Key Secret (base64): MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", 2),
        ("Key Counter: 77", 1),
        ("Key TimeInterval: 60", 1),
        ("Algorithm Parameters Suite: HMAC-SHA256", 1),
        ("Response Format Length: 8", 2),
        ("Response Format Encoding: DECIMAL", 2),
        ("Policy StartDate: 2006-05-31 00:00:00", 2),
        ("Policy ExpiryDate: 2100-01-01 00:00:00", 2),
    ] {
        assert_eq!(
            facts.iter().filter(|line| **line == fact).count(),
            times,
            "{fact}\n{said}"
        );
    }
}

#[test]
fn pskctool_prints_an_encrypted_file_but_for_its_secrets() {
    let protect = Protect::Key {
        key: &[7; 32],
        name: None,
    };
    let file = write_encrypted([&token("0001", None)], &protect, counting()).unwrap();
    let said = String::from_utf8(output("pskctool", &["--info"], &file)).unwrap();
    assert!(
        said.contains("SerialNo: 0001") && said.contains("Key TimeInterval: 60"),
        "{said}"
    );
    assert!(!said.contains("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="), "{said}");
}

/// pskctool takes a container apart and puts it together again before it signs it.
#[test]
fn we_read_what_pskctool_signs() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (key, certificate) = (path("key.pem"), path("certificate.pem"));
    output(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=vendor",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ],
        b"",
    );
    let seed = token("0001", None);
    let file = write_pskc_in_the_clear([&seed]).unwrap();
    let signed = output(
        "pskctool",
        &["--sign", "--sign-key", &key, "--sign-crt", &certificate],
        &file,
    );
    let receipt = read(&signed, &Unlock::Nothing).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(receipt.remarks, [Remark::SignatureIgnored]);
    assert_eq!(all_of(&receipt.seeds[0]), all_of(&seed));
}

/// Writes two tokens with python3-pskc: cipher, MAC, and `password` or a key's byte with a PRF.
const WRITER: &str = r"
import sys
from pskc import PSKC
cipher, mac, unlock, prf, fields = sys.argv[1:]
pskc = PSKC()
device = pskc.add_device(serial='0001', manufacturer='oath.CS', model='Card')
device.add_key(id='a', algorithm='urn:ietf:params:xml:ns:keyprov:pskc:totp', secret=b'12345678901234567890',
    time_interval=60, time_offset=0, issuer='Acme', response_encoding='DECIMAL', response_length=8,
    algorithm_suite='HMAC-SHA256')
device = pskc.add_device(serial='0002')
device.add_key(id='b', algorithm='urn:ietf:params:xml:ns:keyprov:pskc:hotp', secret=b'1234567890123456', counter=300,
    friendly_name='B')
if unlock == 'password':
    pskc.encryption.setup_pbkdf2('qwerty', algorithm=cipher, iterations=1000, fields=fields.split())
elif unlock != 'nothing':
    pskc.encryption.setup_preshared_key(key=bytes.fromhex(unlock), algorithm=cipher, fields=fields.split())
if prf:
    pskc.encryption.setup_pbkdf2('qwerty', algorithm=cipher, iterations=1000, prf=prf, fields=fields.split())
if mac:
    pskc.mac.setup(algorithm=mac)
pskc.write(sys.stdout)
";

#[test]
fn we_read_what_python_writes() {
    let (k16, k24, k32) = (hex(&[7; 16]), hex(&[7; 24]), hex(&[7; 32]));
    let triple: Vec<u8> = (1..=24).collect();
    let (triple2, triple3) = (hex(&triple[..16]), hex(&triple));
    let all = "secret counter time_interval";
    for (cipher, mac, unlock, prf, fields) in [
        ("", "", "nothing", "", ""),
        ("aes128-cbc", "", k16.as_str(), "", "secret"),
        ("aes192-cbc", "hmac-sha1", &k24, "", "secret"),
        ("aes256-cbc", "hmac-sha256", &k32, "", all),
        ("kw-aes128", "hmac-sha256", &k16, "", "secret"),
        ("kw-aes192", "", &k24, "", all),
        ("kw-aes256", "hmac-sha1", &k32, "", "secret"),
        ("tripledes-cbc", "hmac-sha1", &triple2, "", "secret"),
        ("tripledes-cbc", "hmac-sha256", &triple3, "", "secret"),
        ("aes128-cbc", "hmac-sha1", "password", "", "secret"),
        ("aes256-cbc", "hmac-sha256", "password", "hmac-sha256", "secret"),
        ("aes128-cbc", "hmac-sha256", "password", "hmac-sha1", "secret"),
    ] {
        let case = format!("{cipher} {mac} {unlock} {prf}");
        let file = output(PYTHON, &["-c", WRITER, cipher, mac, unlock, prf, fields], b"");
        let key: Vec<u8> = match unlock {
            "nothing" | "password" => Vec::new(),
            hex => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect(),
        };
        let given = match unlock {
            "nothing" => Unlock::Nothing,
            "password" => Unlock::Password(b"qwerty"),
            _ => Unlock::Key(&key),
        };
        let receipt =
            read(&file, &given).unwrap_or_else(|error| panic!("{case}: {error}\n{}", String::from_utf8_lossy(&file)));
        let protection = if unlock == "nothing" {
            Protection::InTheClear
        } else {
            Protection::Authenticated
        };
        assert_eq!((receipt.protection, receipt.refused.len()), (protection, 0), "{case}");
        let [first, second] = &receipt.seeds[..] else {
            panic!("{case}")
        };
        assert_eq!(first.secret.expose_secret(), b"12345678901234567890", "{case}");
        let sixty = Period::new_s(60).unwrap();
        assert_eq!(
            first.moving,
            Moving::Time {
                period: sixty,
                drift_steps: 0
            },
            "{case}"
        );
        assert_eq!(
            (first.algorithm, first.digits),
            (Algorithm::Sha256, Digits::EIGHT),
            "{case}"
        );
        assert_eq!(
            (first.key_id.as_deref(), first.issuer.as_deref()),
            (Some("a"), Some("Acme")),
            "{case}"
        );
        assert_eq!(second.secret.expose_secret(), b"1234567890123456", "{case}");
        assert_eq!(second.moving, Moving::Counter { counter: 300 }, "{case}");
        assert_eq!(
            (second.serial_number.as_str(), second.label.as_deref()),
            ("0002", Some("B")),
            "{case}"
        );
    }
}
