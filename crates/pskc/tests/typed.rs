//! Issue 15, item 6: secrets of tables as people paste them; serial numbers stay as they are.

use pskc::{Encoding, Unlock, read, typed_hex};

const KEY: &[u8] = b"12345678901234567890";

fn secrets(file: &str, encoding: Encoding) -> Vec<String> {
    let receipt = read(file.as_bytes(), &Unlock::Nothing).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(receipt.encoding, encoding, "{file}");
    let seeds = receipt.seeds.iter();
    seeds
        .map(|seed| {
            assert_eq!(seed.secret.expose_secret(), KEY, "{file}");
            seed.serial_number.clone()
        })
        .collect()
}

#[test]
fn item_6_pasted_secrets_are_read_and_serial_numbers_keep_what_they_have() {
    let hex = "serial,secret\n\
        T-1,3132333435363738\u{200b}3930313233343536\u{feff}37383930\n\
        T-\u{6f2},\u{202a}31 32 33 34-35\u{2011}36 3738393031323334353637383930\u{202c}\n\
        \u{6f3},\u{6f3}\u{661}\u{969}\u{9e8}33343536373839303132333435363738３９30\n";
    assert_eq!(secrets(hex, Encoding::Hex), ["T-1", "T-\u{6f2}", "\u{6f3}"]);
    let base32 = "serial,secret\n\
        T-1,gezd\u{ad}gnbv gy\u{6f3}t qojq GEZDGNBVGY3TQOJQ\u{200e}\n\
        T-2,ＧＥＺＤＧＮＢＶＧＹ３ＴＱＯＪＱ\u{2060}GEZDGNBVGY3TQOJQ＝＝\u{200b}\n";
    assert_eq!(secrets(base32, Encoding::Base32), ["T-1", "T-2"]);
}

#[test]
fn item_6_a_key_in_hexadecimal_is_read_and_nothing_else_becomes_one() {
    let key = |text: &str| typed_hex(text).map(|key| key.to_vec());
    assert_eq!(key("\u{feff}00 01-FF\u{200b}\u{6f0}a\r\n"), Some(vec![0, 1, 255, 10]));
    assert_eq!(key("\u{200b}"), Some(Vec::new()));
    for other in ["0", "0g", "é0", "\u{600}00", "00=", "一二"] {
        assert_eq!(key(other), None, "{other}");
    }
}
