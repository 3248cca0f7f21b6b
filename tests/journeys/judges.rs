//! Programs that we did not write: they compute the codes and read the pictures.

use std::{
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// A user's phone: an authenticator app that knows one entry.
#[derive(Clone)]
pub(crate) struct Phone {
    /// Base32 without blanks.
    pub(crate) secret: String,
}

impl Phone {
    /// Holds the camera against a picture.
    pub(crate) fn scan(png: &[u8]) -> (Self, String) {
        let uri = read_qr(png);
        (Self::of_uri(&uri), uri)
    }

    pub(crate) fn of_uri(uri: &str) -> Self {
        let (_, query) = uri.split_once('?').expect("an otpauth URI has parameters");
        let secret = query.split('&').find_map(|pair| pair.strip_prefix("secret="));
        Self {
            secret: secret.expect("an otpauth URI has a secret").to_owned(),
        }
    }

    /// What it shows at this moment.
    pub(crate) fn code_at(&self, unix_ms: i64) -> String {
        self.codes_from(unix_ms, 1).remove(0)
    }

    /// What it shows from this moment on, code after code.
    pub(crate) fn codes_from(&self, unix_ms: i64, count: usize) -> Vec<String> {
        self.odd_codes_from(&["--totp"], unix_ms, count)
    }

    /// What a token with this secret shows at this counter, and at those after it (HOTP).
    pub(crate) fn counted_from(&self, counter: u64, count: usize) -> Vec<String> {
        let (counter, window) = (counter.to_string(), (count - 1).to_string());
        let args = [
            "--hotp",
            "--base32",
            "--digits",
            "6",
            "--counter",
            &counter,
            "--window",
            &window,
            &self.secret,
        ];
        let printed = run("oathtool", "oathtool", &args, &[]);
        let codes: Vec<String> = printed.lines().map(str::to_owned).collect();
        assert_eq!(codes.len(), count, "oathtool {args:?}: {printed}");
        codes
    }

    /// The same of an app that was told otherwise, or does not listen.
    pub(crate) fn odd_codes_from(&self, flags: &[&str], unix_ms: i64, count: usize) -> Vec<String> {
        let now = format!("@{}", unix_ms.div_euclid(1_000));
        let window = (count - 1).to_string();
        let six = if flags.contains(&"--digits") {
            &[][..]
        } else {
            &["--digits", "6"]
        };
        let common = ["--base32", "--now", &now, "--window", &window, &self.secret];
        let args = [flags, six, &common].concat();
        let printed = run("oathtool", "oathtool", &args, &[]);
        let codes: Vec<String> = printed.lines().map(str::to_owned).collect();
        assert_eq!(codes.len(), count, "oathtool {args:?}: {printed}");
        codes
    }

    /// Six digits that this phone shows at no time near, whatever it was told.
    pub(crate) fn wrong_code_at(&self, unix_ms: i64) -> String {
        self.wrong_codes_at(unix_ms, 1).remove(0)
    }

    /// As many different ones; none is what somebody mistypes who means to type a code of this moment.
    pub(crate) fn wrong_codes_at(&self, unix_ms: i64, count: usize) -> Vec<String> {
        let mut near = self.codes_from(unix_ms - 130 * STEP_MS, 261);
        let meant = self.codes_from(unix_ms - 2 * STEP_MS, 5);
        for flags in [&["--totp=sha256"][..], &["--totp=sha512"], &["--totp", "-s", "60s"]] {
            near.extend(self.odd_codes_from(flags, unix_ms - 4 * STEP_MS, 9));
        }
        let differ = |a: &str, b: &str| a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count();
        (0..1_000_000)
            .map(|number| format!("{number:06}"))
            .filter(|code| !near.contains(code) && meant.iter().all(|meant| differ(meant, code) > 2))
            .take(count)
            .collect()
    }
}

/// The 30 seconds of RFC 6238.
pub(crate) const STEP_MS: i64 = 30_000;

/// The text of a QR code.
pub(crate) fn read_qr(png: &[u8]) -> String {
    run("zbarimg", "zbar-tools", &["--quiet", "--raw", "PNG:-"], png)
        .trim_end_matches('\n')
        .to_owned()
}

/// Standard output of a program that must be there and must succeed.
fn run(program: &str, package: &str, args: &[&str], input: &[u8]) -> String {
    let started = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("{program} is missing: install the package {package}")
        }
        Err(error) => panic!("{program} does not start: {error}"),
    };
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A program that needs no input may be gone already.
    let _unread = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("the program can be waited for");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {errors}");
    String::from_utf8(output.stdout).expect("the program prints UTF-8")
}

/// The one that has Debian's modules, whatever else is called `python3`.
pub(crate) const DEBIANS_PYTHON: &str = "/usr/bin/python3";

/// A program of `tests/python/requirements.txt`.
pub(crate) fn python_judge(program: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/python/bin")
        .join(program);
    assert!(path.exists(), "{program} is missing: `cargo xtask test` installs it");
    path
}

/// What PyJWT makes of a grant: its claims, or why it is refused.
pub(crate) fn verify_grant(asked: &Value) -> Result<Value, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journeys/verify_grant.py");
    let mut program = Command::new(DEBIANS_PYTHON)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut input = program.stdin.take().expect("a pipe");
    input.write_all(asked.to_string().as_bytes()).expect("it reads");
    drop(input);
    let done = program.wait_with_output().expect("it ends");
    let printed = String::from_utf8(done.stdout).expect("text");
    if done.status.success() {
        Ok(serde_json::from_str(&printed).expect("claims are JSON"))
    } else {
        assert!(
            printed.starts_with("refused: "),
            "install the Debian package python3-jwt: {printed}"
        );
        Err(printed.trim().to_owned())
    }
}
