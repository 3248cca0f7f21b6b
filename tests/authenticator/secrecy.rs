//! A secret is said by the commands that are asked for it, and by no other.

use std::fs;

use super::pocket::Pocket;
use crate::support::process::{Ended, run};
use crate::support::write_private;

const PASSPHRASE: &str = "Tr0ub4dor & 3 horses";
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const URI: &str = "otpauth://totp/Example:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n";

fn silent(ended: &Ended) {
    let all = format!("{}{}", ended.out, ended.err).to_uppercase();
    let bytes = String::from_utf8_lossy(b"Hello!\xde\xad\xbe\xef").to_uppercase();
    for secret in [PASSPHRASE, SECRET, "JBSW Y3DP", &bytes] {
        assert!(!all.contains(&secret.to_uppercase()), "{secret} in {all}");
    }
}

#[test]
fn no_command_says_a_secret_that_was_not_asked_for() {
    let pocket = Pocket::new();
    let files = [
        ("pass", format!("{PASSPHRASE}\n")),
        ("secret", SECRET.into()),
        ("uri", URI.into()),
    ];
    for (name, text) in &files {
        write_private(pocket.path(name), text).expect("a file");
    }
    write_private(pocket.path("wrong"), "wrong horse\n").expect("a file");
    let file = |name: &str| pocket.path(name).to_str().expect("UTF-8").to_owned();
    let auth = |words: &str| {
        let words: Vec<String> = words
            .split(' ')
            .map(|word| word.strip_prefix('@').map_or(word.to_owned(), file))
            .collect();
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = pocket.auth(&args);
        run(
            command.env("COUNTERSIGN_VAULT_PASSPHRASE_FILE", pocket.path("pass")),
            "",
        )
    };
    for (words, code) in [
        ("add --uri-file @uri", 0),
        ("add --uri-file @uri", 1),
        ("add --secret-file @secret --issuer Example", 1),
        ("add --secret-file @uri --issuer Example", 1),
        ("add --secret-file @pass --issuer Odd", 2),
        ("add --uri-file @secret", 1),
        ("add --uri-file @pass", 1),
        ("import --dry-run --json @uri", 0),
        ("import --dry-run @pass", 1),
        ("list --json", 0),
        ("show Example --json", 0),
        ("show Example", 0),
        ("show Example --secret --no-input", 2),
        ("code Example --json", 0),
        ("edit Example --note remembered", 0),
        ("slot list --json", 0),
        ("slot add --new-passphrase-file @wrong --label second", 0),
        ("slot remove 1 --yes", 0),
        ("passphrase --new-passphrase-file @pass --new-key", 0),
        ("export age --output @sealed.age --export-passphrase-file @pass", 0),
        ("export vault --output @copy.vault --export-passphrase-file @pass", 0),
        ("export otpauth --plain --output @plain", 0),
        ("export otpauth --plain --output @plain", 1),
        ("export otpauth", 2),
        ("list --passphrase-file @wrong", 1),
        ("unlock --for 1m", 0),
        ("code Example", 0),
        ("lock", 0),
        ("remove Example --yes", 0),
        ("code Example", 1),
    ] {
        let ended = auth(words);
        assert_eq!(ended.code(), code, "{words}: {}{}", ended.out, ended.err);
        silent(&ended);
    }
    for sealed in [
        "sealed.age",
        "copy.vault",
        ".local/share/countersign/authenticator.vault",
    ] {
        let bytes = fs::read(pocket.path(sealed)).expect("a file");
        for secret in [
            PASSPHRASE.as_bytes(),
            SECRET.as_bytes(),
            b"Hello!\xde\xad\xbe\xef",
            b"alice",
        ] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{sealed}");
        }
    }
    assert_eq!(
        fs::read_to_string(pocket.path("plain")).expect("a file"),
        "otpauth://totp/Example:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example\n"
    );
}

#[test]
fn a_secret_is_shown_when_it_was_asked_for_and_confirmed() {
    let pocket = Pocket::with(URI);
    assert_eq!(
        pocket.done(&["show", "Example", "--secret", "--yes"]).out,
        "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP\n"
    );
    let shown = pocket.done(&["show", "Example", "--uri", "--yes"]);
    assert!(shown.out.contains(SECRET) && shown.err.contains("can make the codes of Example (alice) for ever"));
    assert_eq!(
        run(&mut pocket.keyed(&["show", "Example", "--uri"]), "y\n")
            .with_code(2)
            .out,
        "",
        "a pipe cannot confirm"
    );
}
