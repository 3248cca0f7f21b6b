//! Whose token shows this code? One question to an inventory of many, beside totp-rs checking the same secrets in the
//! clear and in memory. `cargo bench -p countersign --bench find -- [TOKENS]`; a million by default.
#![allow(clippy::disallowed_methods, reason = "a developer's tool asks its own machine")]

use std::{
    env,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use countersign::real::{RealClock, RealEntropy};
use keyring::Keyring;
use pskc::{Moving, Seed};
use service::{Caller, Clock as _, NewImport, Ports, Receipt, Service, Settings, Signer as _};
use store_sqlite::{Options, Sqlite};
use zeroize::Zeroizing;

type Any<T> = Result<T, Box<dyn std::error::Error>>;

/// Questions of which the median is told.
const QUESTIONS: usize = 5;
/// Secrets that totp-rs checks; its time for all is computed.
const SAMPLE: usize = 100_000;
/// Tokens of one import.
const IMPORT: usize = 10_000;

fn main() -> Any<()> {
    let tokens = env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(1_000_000);
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clock = Arc::new(RealClock::new());
    let entropy = Arc::new(RealEntropy::new());
    let keyring = Arc::new(Keyring::create(
        &dir.path().join("keyring"),
        entropy.clone(),
        clock.now(),
    )?);
    let (signer, verifier) = (keyring.clone(), keyring.clone());
    let options = Options {
        writer: "find".into(),
        opened_at: clock.now(),
        sign: &move |statement| signer.sign(statement),
        verify: &move |statement, signature| verifier.verify(statement, signature),
        heads: None,
        owner: true,
    };
    let store = Arc::new(Sqlite::open(dir.path(), options)?);
    let ports = Ports {
        store: store.clone(),
        clock,
        entropy,
        sealer: keyring.clone(),
        signer: keyring,
        cities: Arc::new(service::NoCities),
    };
    let settings = Settings {
        find_by_code_per_hour: u32::MAX,
        ..Settings::default()
    };
    let service = runtime.block_on(Service::start(ports, settings))?;

    let filling = Instant::now();
    for begin in (0..tokens).step_by(IMPORT) {
        let seeds: Vec<Seed> = (begin..tokens.min(begin + IMPORT)).map(seed).collect();
        let wanted = NewImport {
            lot: "find".into(),
            ..NewImport::default()
        };
        let receipt = runtime.block_on(service.import(&Caller::shell(), &seeds, Receipt::default(), &wanted))?;
        assert_eq!(receipt.imported, seeds.len(), "{receipt:?}");
    }
    println!("{tokens} tokens imported in {:.1} s", filling.elapsed().as_secs_f64());

    let mut ours = Vec::new();
    for question in 0..QUESTIONS {
        let code = Zeroizing::new(format!("{:06}", (question * 173_205 + 7) % 1_000_000));
        let begun = Instant::now();
        let found = runtime.block_on(service.find_unbound(&Caller::shell(), &code))?;
        ours.push(begun.elapsed());
        black_box(found);
    }
    let theirs = theirs(tokens)?;
    ours.sort();
    let ours = ours[QUESTIONS / 2];
    println!(
        "one question: {:.2} s; totp-rs over as many secrets in the clear: {:.2} s; {:.2}x, on {} processors",
        ours.as_secs_f64(),
        theirs.as_secs_f64(),
        theirs.as_secs_f64() / ours.as_secs_f64(),
        std::thread::available_parallelism()?,
    );
    runtime.block_on(service.close());
    store.close()?;
    Ok(())
}

/// What totp-rs would take for all, with a window as wide, on one processor.
fn theirs(tokens: usize) -> Any<Duration> {
    let sample = tokens.min(SAMPLE);
    let begun = Instant::now();
    for number in 0..sample {
        let totp = totp_rs::Builder::new()
            .with_secret(secret(number))
            .with_skew(1)
            .build()?;
        black_box(totp.check("000007", black_box(1_800_000_000)));
    }
    Ok(begun.elapsed().mul_f64(tokens as f64 / sample as f64))
}

/// 20 bytes that nobody has to guess (splitmix64).
fn secret(number: usize) -> [u8; 20] {
    let mut state = number as u64;
    let mut bytes = [0; 20];
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(z ^ z >> 31).to_le_bytes()[..chunk.len()]);
        state = state.rotate_left(17) ^ number as u64;
    }
    bytes
}

fn seed(number: usize) -> Seed {
    Seed {
        serial_number: format!("CS-{number:08}"),
        manufacturer: None,
        model: None,
        key_id: None,
        issuer: None,
        label: None,
        secret: otp::Secret::from_slice(&secret(number)).expect("20 bytes"),
        algorithm: otp::Algorithm::Sha1,
        digits: otp::Digits::SIX,
        moving: Moving::Time {
            period: otp::Period::THIRTY,
            drift_steps: 0,
        },
        starts_at_s: None,
        expires_at_s: None,
        management_key: None,
    }
}
