//! Issue 15, items 3 and 15: which dialect a table is, and what it leaves open.

use otp::{Algorithm, Digits, Period};
use pskc::{Format, Moving, Options, Reason, Receipt, Remark, Seed, Unlock, read, read_with};

const ONE: &str = "8b1f0c44d97a6e52c3107b9ff0a4d8263e51c97d";
const TWO: &str = "5ad2e97710c4b83f66029ea1d4f7c05b3882de19";
const SHA256: &str = "c0ffee11d2a94b7e8f3065ba97cd12e4a1b6037f5e9d8c2244f0b1ea67359d80";

fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn taken(file: &str) -> Receipt {
    read(file.as_bytes(), &Unlock::Nothing).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn with(file: &str, options: &Options) -> Receipt {
    read_with(file.as_bytes(), &Unlock::Nothing, options).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn time(period_s: u32) -> Moving {
    let period = Period::new_s(period_s).unwrap();
    Moving::Time { period, drift_steps: 0 }
}

fn is(seed: &Seed, serial_number: &str, secret: &str, algorithm: Algorithm, digits: u8, moving: Moving) {
    assert_eq!(seed.serial_number, serial_number);
    assert_eq!(seed.secret.expose_secret(), unhex(secret), "{serial_number}");
    assert_eq!(
        (seed.algorithm, seed.digits.get(), seed.moving),
        (algorithm, digits, moving),
        "{serial_number}"
    );
}

#[test]
fn item_15_a_short_line_first_and_a_long_one_later_are_one_table() {
    for file in [
        format!("T-1,{ONE}\nT-2,{TWO},totp,8\n"),
        format!("T-1,{ONE},,\nT-2,{TWO},totp,8\n"),
        format!("T-1;{ONE}\nT-2;{TWO};totp;8\n"),
    ] {
        let receipt = taken(&file);
        assert_eq!(receipt.format, Format::PrivacyIdea);
        assert_eq!(receipt.seeds.len(), 2, "{file}");
        is(&receipt.seeds[0], "T-1", ONE, Algorithm::Sha1, 6, time(30));
        is(&receipt.seeds[1], "T-2", TWO, Algorithm::Sha1, 8, time(30));
        assert!(receipt.remarks.contains(&Remark::AssumedTotp));
    }
    let swapped = format!("T-2,{TWO},totp,8\nT-1,{ONE}\n");
    assert_eq!(taken(&swapped).seeds.len(), 2);
}

#[test]
fn item_15_a_token_without_a_kind_is_of_the_kind_of_all_others_and_of_none_where_they_differ() {
    let receipt = taken(&format!("T-1,{ONE}\nT-2,{TWO},hotp,6\n"));
    is(
        &receipt.seeds[0],
        "T-1",
        ONE,
        Algorithm::Sha1,
        6,
        Moving::Counter { counter: 0 },
    );
    let third = "11223344556677889900aabbccddeeff10203040";
    let receipt = taken(&format!("T-1,{ONE}\nT-2,{TWO},hotp\nT-3,{third},totp\n"));
    assert_eq!(receipt.seeds.len(), 2);
    assert_eq!(receipt.refused[0].serial_number.as_deref(), Some("T-1"));
    assert_eq!(receipt.refused[0].reason, Reason::Kind);
}

#[test]
fn item_15_the_sixth_column_is_the_hash() {
    let receipt = taken(&format!(
        "T-1,{ONE},totp,6,30,sha256\nT-2,{TWO},totp,8,60,SHA-512\nT-3,{TWO},totp,6,30,md5\nT-4,{SHA256},totp,6,30,sha1\n"
    ));
    assert_eq!(receipt.format, Format::PrivacyIdea);
    is(&receipt.seeds[0], "T-1", ONE, Algorithm::Sha256, 6, time(30));
    is(&receipt.seeds[1], "T-2", TWO, Algorithm::Sha512, 8, time(60));
    is(&receipt.seeds[2], "T-4", SHA256, Algorithm::Sha1, 6, time(30));
    assert_eq!(receipt.refused[0].reason, Reason::Hash);
    assert_eq!(receipt.remarks, [], "all is said");
}

#[test]
fn item_15_secrets_as_long_as_a_longer_hash_are_for_it_and_a_remark_says_so() {
    let sha512 = format!("{SHA256}{SHA256}");
    for lines in ["serial,seed\n", ""] {
        let receipt = taken(&format!("{lines}T-1,{ONE}\nT-2,{SHA256}\nT-3,{sha512}\n"));
        is(&receipt.seeds[0], "T-1", ONE, Algorithm::Sha1, 6, time(30));
        is(&receipt.seeds[1], "T-2", SHA256, Algorithm::Sha256, 6, time(30));
        is(&receipt.seeds[2], "T-3", &sha512, Algorithm::Sha512, 6, time(30));
        for remark in [Remark::AssumedTotp, Remark::AssumedSha256, Remark::AssumedSha512] {
            assert!(receipt.remarks.contains(&remark), "{remark}");
        }
    }
    let entra = format!(
        "serial number,secret key,time interval\n1,{},30\n",
        "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPJRGIZLGM5UA"
    );
    assert_eq!(
        taken(&entra).seeds[0].algorithm,
        Algorithm::Sha1,
        "Entra knows no other"
    );
}

#[test]
fn item_3_columns_go_by_the_names_over_them_whatever_their_order() {
    let receipt = taken(&format!(
        "Model;Hash;Token serial number;OTP length;Time step;Type;Secret\n\
         Card;SHA-256;A-17;8;60;TOTP;{ONE}\nKey;;A-18;;;HOTP;{TWO}\n"
    ));
    is(&receipt.seeds[0], "A-17", ONE, Algorithm::Sha256, 8, time(60));
    assert_eq!(receipt.seeds[0].model.as_deref(), Some("Card"));
    is(
        &receipt.seeds[1],
        "A-18",
        TWO,
        Algorithm::Sha1,
        6,
        Moving::Counter { counter: 0 },
    );
    assert_eq!(receipt.remarks, [Remark::AssumedSha1, Remark::AssumedDigits]);
    let receipt = taken(&format!("secret,serial,period,counter\n{ONE},B-1,60,\n{TWO},B-2,,9\n"));
    assert_eq!(receipt.format, Format::Named);
    is(&receipt.seeds[0], "B-1", ONE, Algorithm::Sha1, 6, time(60));
    is(
        &receipt.seeds[1],
        "B-2",
        TWO,
        Algorithm::Sha1,
        6,
        Moving::Counter { counter: 9 },
    );
    let receipt = taken(&format!(
        "serial,secret,type,algorithm,model,product\n1,{ONE},TOTP,HmacSHA512,Card,Any\n"
    ));
    is(&receipt.seeds[0], "1", ONE, Algorithm::Sha512, 6, time(30));
    assert_eq!(receipt.seeds[0].model.as_deref(), Some("Card"));
    let receipt = taken(&format!("Serial Number  Secret Key\n2600123456789  {ONE}\n"));
    assert_eq!(receipt.format, Format::Feitian);
    is(&receipt.seeds[0], "2600123456789", ONE, Algorithm::Sha1, 6, time(30));
    for (header, problem) in [
        (
            "serial,seed,key",
            "has two columns of one meaning: leave one of them out",
        ),
        ("serial,seed,Seed", "names a column twice"),
    ] {
        let error = read(format!("{header}\n1,2,3\n").as_bytes(), &Unlock::Nothing)
            .err()
            .unwrap();
        assert_eq!(error.to_string(), format!("line 1: the header {problem}"));
    }
}

#[test]
fn item_15_options_fill_what_the_file_leaves_open() {
    let options = Options {
        hash: Some(Algorithm::Sha256),
        digits: Digits::new(8),
        period: Period::new_s(60),
        encoding: None,
    };
    let receipt = with(&format!("T-1,{ONE}\n"), &options);
    is(&receipt.seeds[0], "T-1", ONE, Algorithm::Sha256, 8, time(60));
    assert_eq!(receipt.remarks, [Remark::AssumedTimeBased]);
    let receipt = with(
        &format!("T-1,{SHA256}\n"),
        &Options {
            hash: Some(Algorithm::Sha1),
            ..Options::default()
        },
    );
    is(&receipt.seeds[0], "T-1", SHA256, Algorithm::Sha1, 6, time(30));
    let container = |inside: &str| {
        format!(
            "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage><DeviceInfo>\
             <SerialNo>P-1</SerialNo></DeviceInfo><Key Id=\"P-1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\">\
             {inside}<Data><Secret><PlainValue>ix8MRNl6blLDEHuf8KTYJj5RyX0=</PlainValue></Secret></Data>\
             </Key></KeyPackage></KeyContainer>"
        )
    };
    is(
        &with(&container(""), &options).seeds[0],
        "P-1",
        ONE,
        Algorithm::Sha256,
        8,
        time(60),
    );
    let said = "<AlgorithmParameters><ResponseFormat Length=\"6\" Encoding=\"DECIMAL\"/></AlgorithmParameters>";
    let receipt = with(&container(said), &options);
    assert_eq!(receipt.seeds.len(), 0);
    assert_eq!(
        receipt.refused[0].reason.to_string(),
        "the file says 6 digits, and the import was told 8 digits: leave digits out, or ask the vendor which is right"
    );
}

#[test]
fn item_15_an_option_against_the_file_is_a_refusal_that_names_both() {
    let file = format!("T-1,{ONE},totp,6,30,sha1\nT-2,{TWO},hotp\n");
    let says = |options: &Options, token: usize| with(&file, options).refused[token].reason.to_string();
    let hash = says(
        &Options {
            hash: Some(Algorithm::Sha256),
            ..Options::default()
        },
        0,
    );
    assert!(hash.contains("says SHA1,") && hash.contains("told SHA256"), "{hash}");
    let digits = says(
        &Options {
            digits: Digits::new(8),
            ..Options::default()
        },
        0,
    );
    assert!(
        digits.contains("says 6 digits,") && digits.contains("told 8 digits"),
        "{digits}"
    );
    let period = Options {
        period: Period::new_s(60),
        ..Options::default()
    };
    assert!(says(&period, 0).contains("says 30 s, and the import was told 60 s"));
    assert!(says(&period, 1).contains("says that it counts events (HOTP), and the import was told 60 s"));
}
