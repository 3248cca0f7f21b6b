//! A seed file is the same in UTF-16 of either order as in UTF-8.

use pskc::{Unlock, read};

/// One input of the fuzzer, or of a property test.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        let _ = read(data, &Unlock::Nothing);
        return;
    };
    // What the file says of its encoding would be believed here, and not beside a byte order mark.
    if text.contains("encoding") || text.starts_with('\u{feff}') {
        return;
    }
    let outcome = |bytes: &[u8]| {
        let receipt = read(bytes, &Unlock::Nothing).map_err(|error| error.to_string())?;
        let seed = |seed: &pskc::Seed| {
            (
                seed.serial_number.clone(),
                seed.secret.expose_secret().to_vec(),
                seed.moving,
            )
        };
        Ok::<_, String>((receipt.seeds.iter().map(seed).collect::<Vec<_>>(), receipt.refused))
    };
    let wide = || format!("\u{feff}{text}").encode_utf16().collect::<Vec<u16>>();
    let expected = outcome(data);
    assert_eq!(
        outcome(&wide().into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        expected
    );
    assert_eq!(
        outcome(&wide().into_iter().flat_map(u16::to_be_bytes).collect::<Vec<u8>>()),
        expected
    );
}
