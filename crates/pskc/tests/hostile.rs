//! Nothing makes the reader panic: the fuzzer's target, on pieces of real files.

use proptest::prelude::*;

#[path = "../../../tests/fuzz/targets/pskc_file.rs"]
#[expect(unreachable_pub, reason = "the fuzz driver reaches it")]
mod fuzz_target;

#[path = "../../../tests/fuzz/targets/seed_text.rs"]
#[expect(unreachable_pub, reason = "the fuzz driver reaches it")]
mod text_target;

const FILES: [&str; 6] = [
    include_str!("../../../tests/fuzz/seeds/seed_text/spreadsheet.csv"),
    include_str!("vectors/rfc6030/figure-06.xml"),
    include_str!("vectors/pskc/policies.xml"),
    include_str!("vectors/vendors/safenet.xml"),
    include_str!("vectors/vendors/privacyidea.csv"),
    include_str!("vectors/vendors/yubico-events.csv"),
];

/// Where a file may be cut so that its pieces stay words of its language.
fn pieces() -> Vec<&'static str> {
    FILES
        .iter()
        .flat_map(|file| file.split_inclusive(['>', '"', ',', '\n', ' ']))
        .collect()
}

proptest! {
    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        fuzz_target::run(&bytes);
        text_target::run(&bytes);
    }

    #[test]
    fn shuffled_words(words in prop::collection::vec(prop::sample::select(pieces()), 0..64)) {
        fuzz_target::run(words.concat().as_bytes());
        text_target::run(words.concat().as_bytes());
    }

    #[test]
    fn a_file_with_a_word_gone_and_another_there(file in 0..FILES.len(), at in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), word in prop::sample::select(pieces())) {
        let mut words: Vec<&str> = FILES[file].split_inclusive(['>', '"', ',', '\n', ' ']).collect();
        words.remove(at.index(words.len()));
        words.insert(to.index(words.len()), word);
        fuzz_target::run(words.concat().as_bytes());
        text_target::run(words.concat().as_bytes());
    }
}
