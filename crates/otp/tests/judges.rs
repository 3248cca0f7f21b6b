//! Independent programs compute the same codes, for any secret length, algorithm, digits, period and time.

mod support;

use std::process::{Command, Stdio};

use countersign_otp::Algorithm;
use ring::hmac;
use support::{Case, Random};

#[test]
fn totp_rs_and_ring_agree_in_100_000_cases() {
    let mut random = Random(0x4226);
    for _ in 0..100_000 {
        let case = random.case();
        let ours = case.our_text();
        assert_eq!(ours, by_totp_rs(&case), "totp-rs: {case:?}");
        assert_eq!(ours, by_ring(&case), "ring: {case:?}");
    }
}

fn by_totp_rs(case: &Case) -> String {
    let algorithm = match case.algorithm {
        Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
        Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
        Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
    };
    totp_rs::Builder::new()
        .with_algorithm(algorithm)
        .with_digits(case.digits.get())
        .with_step_duration(case.period.get_s().into())
        .with_secret(case.secret.as_slice())
        // tokens in the field have secrets shorter than `build` takes
        .build_noncompliant()
        .generate(case.unix_s)
        .to_string()
}

/// RFC 4226 section 5.3 once more, written down from its text.
fn by_ring(case: &Case) -> String {
    let algorithm = match case.algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let step = case.unix_s / u64::from(case.period.get_s());
    let tag = hmac::sign(&hmac::Key::new(algorithm, &case.secret), &step.to_be_bytes());
    let offset = usize::from(tag.as_ref().last().unwrap() & 0xf);
    let truncated = u32::from_be_bytes(tag.as_ref()[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    let digits = usize::from(case.digits.get());
    format!("{:0digits$}", truncated % 10_u32.pow(digits as u32))
}

#[test]
fn oathtool_agrees_in_1_000_cases() {
    let mut random = Random(0x6238);
    for _ in 0..1_000 {
        let case = random.case();
        assert_eq!(case.our_text(), by_oathtool(&case), "oathtool: {case:?}");
    }
}

fn by_oathtool(case: &Case) -> String {
    let secret: String = case.secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let output = Command::new("oathtool")
        .arg(format!("--totp={}", case.algorithm.name()))
        .args(["--digits", &case.digits.get().to_string()])
        .args(["--time-step-size", &format!("{}s", case.period.get_s())])
        .args(["--now", &format!("@{}", case.unix_s)])
        .arg(secret)
        .stdin(Stdio::null())
        .output()
        .expect("oathtool does not start: install it (Debian package oathtool)");
    assert!(
        output.status.success(),
        "oathtool: {}: {case:?}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
