//! The fuzz targets on stable Rust: each gets its seeds as they are, then mutations of them, the same ones in every run.
//!
//! `COUNTERSIGN_FUZZ_INPUTS` sets how many. An input that makes a target panic is printed and kept; copied into
//! `tests/fuzz/seeds/<target>/` it is tried in every later run. With a nightly and cargo-fuzz,
//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz <target>` searches on, guided by coverage.
#![allow(clippy::disallowed_methods, reason = "a test asks its own machine")]
#![allow(unreachable_pub, reason = "cargo-fuzz's wrappers compile the same files")]

use std::{env, fs, panic, path::Path};

#[path = "fuzz/targets/api_bodies.rs"]
mod api_bodies;
#[path = "fuzz/targets/enroll_uri.rs"]
mod enroll_uri;
#[path = "fuzz/targets/otp_code.rs"]
mod otp_code;
#[path = "fuzz/targets/pictures.rs"]
mod pictures;
#[path = "fuzz/targets/pskc_file.rs"]
mod pskc_file;
#[path = "fuzz/targets/pskc_options.rs"]
mod pskc_options;
#[path = "fuzz/targets/seed_text.rs"]
mod seed_text;
#[path = "fuzz/targets/vault_file.rs"]
mod vault_file;
#[path = "fuzz/targets/vault_import.rs"]
mod vault_import;
#[path = "fuzz/targets/wire_line.rs"]
mod wire_line;
#[path = "fuzz/targets/wire_messages.rs"]
mod wire_messages;

#[test]
fn api_bodies() {
    drive("api_bodies", api_bodies::run);
}

#[test]
fn enroll_uri() {
    drive("enroll_uri", enroll_uri::run);
}

#[test]
fn otp_code() {
    drive("otp_code", otp_code::run);
}

#[test]
fn pictures() {
    drive("pictures", pictures::run);
}

#[test]
fn vault_file() {
    drive("vault_file", vault_file::run);
}

#[test]
fn vault_import() {
    drive("vault_import", vault_import::run);
}

#[test]
fn wire_line() {
    drive("wire_line", wire_line::run);
}

#[test]
fn wire_messages() {
    drive("wire_messages", wire_messages::run);
}

#[test]
fn pskc_file() {
    drive("pskc_file", pskc_file::run);
}

#[test]
fn pskc_options() {
    drive("pskc_options", pskc_options::run);
}

#[test]
fn seed_text() {
    drive("seed_text", seed_text::run);
}

#[test]
fn every_target_is_driven_here_and_by_cargo_fuzz() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let driver = fs::read_to_string(root.join("tests/fuzz.rs")).unwrap();
    let manifest = fs::read_to_string(root.join("tests/fuzz/Cargo.toml")).unwrap();
    for file in fs::read_dir(root.join("tests/fuzz/targets")).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".rs").unwrap();
        assert!(
            driver.contains(&format!("drive(\"{name}\", {name}::run)")),
            "{file} is not driven by tests/fuzz.rs"
        );
        assert!(
            manifest.contains(&format!("fuzz_targets/{file}")),
            "{file} has no [[bin]] in tests/fuzz/Cargo.toml"
        );
        assert!(
            root.join("tests/fuzz/fuzz_targets").join(&file).is_file(),
            "{file} has no wrapper in fuzz_targets"
        );
    }
}

const INPUTS: usize = 20_000;
const LONGEST: usize = 8 * 1024;

fn drive(name: &str, run: fn(&[u8])) {
    let inputs = env::var("COUNTERSIGN_FUZZ_INPUTS").map_or(INPUTS, |count| count.parse().expect("a number of inputs"));
    let seeds = seeds(name);
    attempt(name, run, b"");
    for seed in &seeds {
        attempt(name, run, seed);
    }
    let mut random = SplitMix64(
        name.bytes()
            .fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())),
    );
    for _ in seeds.len()..inputs {
        let mut input = random.pick(&seeds).clone();
        for _ in 0..=random.below(6) {
            mutate(&mut input, &seeds, &mut random);
        }
        input.truncate(LONGEST);
        attempt(name, run, &input);
    }
}

/// The files of the target's seed directory, in a fixed order.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(name);
    let files = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no seed", directory.display());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn attempt(name: &str, run: fn(&[u8]), input: &[u8]) {
    if let Err(cause) = panic::catch_unwind(|| run(input)) {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.input"));
        let saved = fs::write(&kept, input).map_or_else(|error| error.to_string(), |()| kept.display().to_string());
        eprintln!("{name} panicked on \"{}\" (kept: {saved})", input.escape_ascii());
        panic::resume_unwind(cause);
    }
}

/// One small change, of the kinds that parsers stumble over.
fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut SplitMix64) {
    const TELLING: &[u8] = b"\0\t\n\r %&+-/:=?#@\"'<>[]{}\\09AZaz\x7f\x80\xc3\xff";
    let at = random.below(input.len() + 1);
    let end = (at + 1 + random.below(16)).min(input.len());
    match random.below(9) {
        0 => input
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte ^= 1 << random.below(8)),
        1 => input
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte = random.next() as u8),
        2 => input
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte = *random.pick(TELLING)),
        3 => input.insert(at, *random.pick(TELLING)),
        4 => drop(input.drain(at..end)),
        5 => input.truncate(at),
        6 => {
            // the same again, up to a thousand times
            let piece = input[at..end].repeat(1 << random.below(11));
            input.splice(at..at, piece);
        }
        7 => {
            // the beginning of this one and the end of another
            let other = random.pick(seeds);
            let from = random.below(other.len() + 1);
            input.splice(at.., other[from..].iter().copied());
        }
        _ => {
            // another number
            let digits = input[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = random.next() >> random.below(64);
            input.splice(at..at + digits, number.to_string().into_bytes());
        }
    }
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }
}
