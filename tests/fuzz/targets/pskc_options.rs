//! What whoever imports a file knows of its tokens is what they become, and goes against nothing that the file says.

use otp::{Algorithm, Digits, Period};
use pskc::{Encoding, Moving, Options, Reason, Unlock, read_with};

/// One input of the fuzzer, or of a property test: four bytes for the options, and the file.
pub fn run(data: &[u8]) {
    let Some(([encoding, hash, digits, period], file)) = data.split_first_chunk() else {
        return;
    };
    let options = Options {
        encoding: [None, Some(Encoding::Hex), Some(Encoding::Base32)][usize::from(encoding % 3)],
        hash: [
            None,
            Some(Algorithm::Sha1),
            Some(Algorithm::Sha256),
            Some(Algorithm::Sha512),
        ][usize::from(hash % 4)],
        digits: Digits::new(*digits),
        period: Period::new_s((*period).into()),
    };
    let receipts = [options, Options::default()].map(|options| read_with(file, &Unlock::Nothing, &options));
    let [Ok(told), plain] = receipts else { return };
    for seed in &told.seeds {
        assert!(options.hash.is_none_or(|hash| hash == seed.algorithm));
        assert!(options.digits.is_none_or(|digits| digits == seed.digits));
        match seed.moving {
            Moving::Time { period, .. } => assert!(options.period.is_none_or(|told| told == period)),
            Moving::Counter { .. } => assert_eq!(options.period, None),
        }
    }
    let Ok(plain) = plain else { return };
    // An option turns no refusal of what a file says into a token: it has at most the tokens that the file has alone.
    assert!(told.seeds.len() + told.refused.len() == plain.seeds.len() + plain.refused.len());
    let contradicted = |reason: &Reason| matches!(reason, Reason::Contradiction { .. });
    let contradictions = told.refused.iter().filter(|refusal| contradicted(&refusal.reason));
    assert!(options != Options::default() || contradictions.count() == 0);
}
