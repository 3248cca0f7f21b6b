//! Imports of seed files: what the file leaves open, tokens that stand there twice, and taking what can be used without the
//! rest.

use otp::{Algorithm, Digits, Period};
use service::{Caller, NewImport, Receipt, SeedFile, SeedOptions, ServiceError, TokenFilter};

use support::{World, into, seed_file};

mod support;

/// Secrets of 20, 32 and 64 bytes, in hexadecimal.
fn secret(first: u8, len: usize) -> String {
    (0..len)
        .map(|byte| format!("{:02x}", first.wrapping_add(byte as u8)))
        .collect()
}

struct Desk {
    world: World,
    caller: Caller,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let caller = world.all().await;
        Self { world, caller }
    }

    async fn import(&self, text: &str, options: SeedOptions, wanted: &NewImport) -> Receipt {
        let file = SeedFile {
            options,
            ..seed_file(text)
        };
        let receipt = self.world.service.import_file(&self.caller, file, wanted).await;
        receipt.expect("a receipt")
    }

    /// What the inventory holds of a token: hash, digits, period.
    async fn parameters(&self, serial_number: &str) -> (Algorithm, u8, u32) {
        let token = self.world.service.token(&self.caller, serial_number).await;
        let parameters = token.expect("it came in").parameters;
        let period_s = parameters.period.get_s();
        (parameters.algorithm, parameters.digits.get(), period_s)
    }

    async fn serial_numbers(&self) -> Vec<String> {
        let filter = TokenFilter::default();
        let found = self.world.service.tokens(&self.caller, filter, None, 100).await;
        found
            .expect("a page")
            .into_iter()
            .map(|token| token.serial_number)
            .collect()
    }
}

fn skipping() -> NewImport {
    NewImport {
        skip_unusable: true,
        ..into("one")
    }
}

fn said(receipt: &Receipt) -> String {
    let remarks = receipt.remarks.iter().map(ToString::to_string);
    let refusals = receipt.refusals.iter().map(|refused| refused.why());
    remarks.chain(refusals).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_the_file_leaves_open_is_as_whoever_imports_it_says() {
    let desk = Desk::new().await;
    let table = format!("serial,seed\nT-1,{}\nT-2,{}\n", secret(1, 20), secret(2, 20));
    let options = SeedOptions {
        hash: Some(Algorithm::Sha256),
        digits: Digits::new(8),
        period: Period::new_s(60),
        ..SeedOptions::default()
    };
    let receipt = desk.import(&table, options, &into("one")).await;
    assert_eq!((receipt.count, receipt.usable, receipt.imported), (2, 2, 2));
    let kind = "the file does not say the kind of all tokens; TOTP was assumed";
    assert_eq!(said(&receipt), kind, "and nothing else was");
    for serial_number in ["T-1", "T-2"] {
        assert_eq!(desk.parameters(serial_number).await, (Algorithm::Sha256, 8, 60));
    }
}

#[tokio::test]
async fn a_table_is_judged_whole_and_a_long_secret_tells_its_hash() {
    let desk = Desk::new().await;
    let table = format!(
        "T-1,{}\nT-2,{},totp,8\nT-3,{},totp,6,60\nT-4,{},totp,8,30,sha256\nT-5,{}\nT-6,{}\n",
        secret(1, 20),
        secret(2, 20),
        secret(3, 20),
        secret(4, 20),
        secret(5, 32),
        secret(6, 64)
    );
    let receipt = desk.import(&table, SeedOptions::default(), &into("one")).await;
    assert_eq!((receipt.count, receipt.imported), (6, 6), "{}", said(&receipt));
    assert_eq!(desk.parameters("T-1").await, (Algorithm::Sha1, 6, 30));
    assert_eq!(desk.parameters("T-2").await, (Algorithm::Sha1, 8, 30));
    assert_eq!(desk.parameters("T-3").await, (Algorithm::Sha1, 6, 60));
    assert_eq!(desk.parameters("T-4").await, (Algorithm::Sha256, 8, 30));
    assert_eq!(desk.parameters("T-5").await, (Algorithm::Sha256, 6, 30));
    assert_eq!(desk.parameters("T-6").await, (Algorithm::Sha512, 6, 30));
    let said = said(&receipt);
    assert!(
        said.contains("taken for SHA-256") && said.contains("taken for SHA-512"),
        "{said}"
    );
}

#[tokio::test]
async fn a_token_of_which_the_file_says_otherwise_is_refused_and_both_are_named() {
    let desk = Desk::new().await;
    let table = format!("T-1,{},totp,6\nT-2,{},totp,8\n", secret(1, 20), secret(2, 20));
    let options = SeedOptions {
        digits: Digits::new(8),
        ..SeedOptions::default()
    };
    let receipt = desk.import(&table, options, &into("one")).await;
    assert_eq!((receipt.count, receipt.usable, receipt.imported), (2, 1, 0));
    assert_eq!(receipt.refusals[0].serial_number.as_deref(), Some("T-1"));
    let why = receipt.refusals[0].why();
    assert!(
        why.contains("line 1") && why.contains("6 digits") && why.contains("8 digits"),
        "{why}"
    );
    assert!(desk.serial_numbers().await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_used_holds_the_rest_back_unless_the_rest_is_asked_for() {
    let desk = Desk::new().await;
    desk.import(
        &format!("serial,seed\nT-1,{}\n", secret(1, 20)),
        SeedOptions::default(),
        &into("zero"),
    )
    .await;
    let mixed = format!(
        "serial,seed,type,digits\nT-1,{}\nT-2,{},totp,6\nT-3,{},totp,10\nT-4,{},totp,8\n",
        secret(1, 20),
        secret(2, 20),
        secret(3, 20),
        secret(4, 20)
    );
    for dry_run in [true, false] {
        let wanted = NewImport { dry_run, ..into("one") };
        let receipt = desk.import(&mixed, SeedOptions::default(), &wanted).await;
        assert_eq!((receipt.count, receipt.usable, receipt.imported), (4, 2, 0));
        assert_eq!(receipt.duplicates, ["T-1"]);
        let told = said(&receipt);
        let held_back = if dry_run {
            "2 good token(s) would be held back"
        } else {
            "2 good token(s) were held back"
        };
        assert!(
            told.contains(held_back) && told.contains("skip_unusable takes the 2"),
            "{told}"
        );
        assert!(told.contains("1 cannot come in and 1 are there already"), "{told}");
    }
    let none = desk.world.service.lot(&desk.caller, "one").await;
    assert_eq!(
        none.err(),
        Some(ServiceError::NotFound("batch")),
        "no lot is made for nothing"
    );
    assert_eq!(desk.world.last("token.import").await["outcome"], "refused");

    let rows = desk.world.rows().await.len();
    let dry = NewImport {
        dry_run: true,
        ..skipping()
    };
    let receipt = desk.import(&mixed, SeedOptions::default(), &dry).await;
    assert_eq!((receipt.usable, receipt.imported), (2, 0));
    assert!(
        said(&receipt).contains("2 token(s) would be left out"),
        "{}",
        said(&receipt)
    );
    assert_eq!(desk.world.rows().await.len(), rows, "nothing is written");
    let receipt = desk.import(&mixed, SeedOptions::default(), &skipping()).await;
    assert_eq!((receipt.count, receipt.usable, receipt.imported), (4, 2, 2));
    assert_eq!(
        (receipt.duplicates.len(), receipt.refusals.len()),
        (1, 1),
        "they are named nevertheless"
    );
    assert!(
        said(&receipt).contains("2 token(s) were left out"),
        "{}",
        said(&receipt)
    );
    assert_eq!(desk.serial_numbers().await, ["T-1", "T-2", "T-4"]);
    assert_eq!(desk.parameters("T-4").await, (Algorithm::Sha1, 8, 30));
    let event = desk.world.last("token.import").await;
    assert_eq!((&event["outcome"], &event["count"]), (&"done".into(), &2.into()));
    assert_eq!(
        (&event["detail"]["refusals"], &event["detail"]["duplicates"]),
        (&1.into(), &1.into())
    );

    // Where nothing is left to take, nothing is done, whatever was asked for.
    let again = NewImport {
        lot: "two".into(),
        ..skipping()
    };
    let receipt = desk.import(&mixed, SeedOptions::default(), &again).await;
    assert_eq!((receipt.usable, receipt.imported), (0, 0));
    let told = said(&receipt);
    assert!(
        told.contains("nothing came in: 1 cannot come in and 3 are there already"),
        "{told}"
    );
    assert!(!told.contains("held back") && !told.contains("skip_unusable"), "{told}");
    assert!(desk.world.service.lot(&desk.caller, "two").await.is_err());
}

#[tokio::test]
async fn a_line_that_stands_twice_counts_once() {
    let desk = Desk::new().await;
    let [one, two] = [secret(1, 20), secret(2, 20)];
    let table = format!("serial,seed\nT-1,{one}\nT-2,{two}\nT-1,{one}\n");
    let receipt = desk.import(&table, SeedOptions::default(), &into("one")).await;
    assert_eq!((receipt.count, receipt.imported), (2, 2), "{}", said(&receipt));
    assert!(receipt.is_whole());
    let told = said(&receipt);
    assert!(told.contains("1 token(s) stand in the file again"), "{told}");
    assert!(told.contains("line 4 repeats line 2"), "{told}");
}

#[tokio::test]
async fn a_serial_number_with_two_keys_is_refused_with_both_lines() {
    let desk = Desk::new().await;
    let table = format!(
        "serial,seed\nT-1,{}\nT-2,{}\nT-1,{}\n",
        secret(1, 20),
        secret(2, 20),
        secret(3, 20)
    );
    for wanted in [into("one"), skipping()] {
        let receipt = desk.import(&table, SeedOptions::default(), &wanted).await;
        assert_eq!((receipt.count, receipt.usable), (3, 1));
        let why: Vec<_> = receipt.refusals.iter().map(|refused| refused.why()).collect();
        assert!(why[0].contains("line 2") && why[0].contains("line 4"), "{why:?}");
        assert!(why[1].contains("line 4") && why[1].contains("line 2"), "{why:?}");
    }
    assert_eq!(desk.serial_numbers().await, ["T-2"], "neither is a guess");
}

/// The same of tokens that were read already.
#[tokio::test]
async fn no_list_of_tokens_brings_one_serial_number_twice() {
    let desk = Desk::new().await;
    let wanted = skipping();
    let import = async |seeds: &[pskc::Seed]| {
        let done = desk
            .world
            .service
            .import(&desk.caller, seeds, Receipt::default(), &wanted);
        done.await.expect("a receipt")
    };
    let eight = pskc::Seed {
        digits: Digits::new(8).expect("digits"),
        ..support::seed("T-1", 1, 20)
    };
    let receipt = import(&[support::seed("T-1", 1, 20), support::seed("T-2", 2, 20), eight]).await;
    assert_eq!((receipt.count, receipt.usable, receipt.imported), (3, 1, 1));
    assert!(
        receipt
            .refusals
            .iter()
            .all(|refused| refused.why().contains("another key")),
        "{receipt:?}"
    );
    let receipt = import(&[support::seed("T-3", 3, 20), support::seed("T-3", 3, 20)]).await;
    assert_eq!((receipt.count, receipt.usable, receipt.imported), (1, 1, 1));
    assert!(
        said(&receipt).contains("1 token(s) stand in the file again"),
        "{receipt:?}"
    );
    assert_eq!(desk.serial_numbers().await, ["T-2", "T-3"]);
}

/// Whoever types the number on its back could not say which of the two.
#[tokio::test]
async fn a_token_with_a_key_of_each_kind_is_refused() {
    let desk = Desk::new().await;
    let [one, two] = [secret(1, 20), secret(2, 20)];
    for other in [&one, &two] {
        let table = format!("serial,seed,type\nT-1,{one},totp\nT-1,{other},hotp\n");
        let receipt = desk.import(&table, SeedOptions::default(), &skipping()).await;
        assert_eq!((receipt.count, receipt.usable), (2, 0), "{}", said(&receipt));
        let told = said(&receipt);
        assert!(told.contains("with another key, and a token has one here"), "{told}");
    }
    assert!(desk.serial_numbers().await.is_empty());
}

/// A key that goes by the time and one that counts are two, whatever else they have in common.
#[tokio::test]
async fn no_key_of_another_kind_counter_or_time_is_the_same_token_again() {
    let desk = Desk::new().await;
    let clock = || support::seed("T-1", 1, 20);
    let counting = |counter| pskc::Seed {
        moving: pskc::Moving::Counter { counter },
        ..clock()
    };
    for pair in [
        [clock(), counting(0)],
        [counting(0), clock()],
        [counting(0), counting(500)],
    ] {
        let wanted = skipping();
        let done = desk
            .world
            .service
            .import(&desk.caller, &pair, Receipt::default(), &wanted);
        let receipt = done.await.expect("a receipt");
        assert_eq!(
            (receipt.count, receipt.usable, receipt.imported),
            (2, 0, 0),
            "{receipt:?}"
        );
        let is_told = |refused: &service::Refused| refused.why().contains("another key");
        assert!(receipt.refusals.iter().all(is_told), "{receipt:?}");
    }
    let table = format!("T-1,{0},totp,6,30\nT-1,{0},hotp,6\n", secret(1, 20));
    let receipt = desk.import(&table, SeedOptions::default(), &skipping()).await;
    assert_eq!((receipt.count, receipt.imported), (2, 0), "{}", said(&receipt));
    assert!(desk.serial_numbers().await.is_empty(), "either would be a guess");
}

/// HMAC fills a short key up with zeros (RFC 2104 section 2), so secrets that differ in those alone show the same codes.
#[tokio::test]
async fn u4_an_old_secret_that_was_filled_up_with_zeros_is_the_old_one() {
    let desk = Desk::new().await;
    let (plain, filled) = (secret(1, 20), format!("{}{}", secret(1, 20), "00".repeat(12)));
    for (first, again) in [(&plain, &filled), (&filled, &plain)] {
        let desk = Desk::new().await;
        let table = |serial_number: &str, secret: &str| format!("{serial_number},{secret},hotp,6,,sha1\n");
        let receipt = desk
            .import(&table("T-1", first), SeedOptions::default(), &into("one"))
            .await;
        assert_eq!(receipt.imported, 1, "{}", said(&receipt));
        let receipt = desk
            .import(&table("T-2", again), SeedOptions::default(), &into("one"))
            .await;
        assert_eq!(receipt.imported, 0, "U4: another token would show the same codes");
    }
    let both = format!("T-1,{plain},hotp,6,,sha1\nT-2,{filled},hotp,6,,sha1\n");
    let receipt = desk.import(&both, SeedOptions::default(), &skipping()).await;
    assert_eq!(receipt.imported, 1, "{}", said(&receipt));
}
