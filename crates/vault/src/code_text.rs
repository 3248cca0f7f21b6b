use zeroize::{Zeroize, ZeroizeOnDrop};

/// Valve's alphabet: no vowels, and nothing that looks like something else.
const STEAM_ALPHABET: &[u8; 26] = b"23456789BCDFGHJKMNPQRTVWXY";
const STEAM_LEN: usize = 5;
const MAX_LEN: usize = 10;

/// A code as it is shown: 5 to 10 digits, or five of Steam's characters. Wiped when dropped, never printed by accident.
pub struct CodeText {
    characters: [u8; MAX_LEN],
    len: usize,
}

impl CodeText {
    /// The last `digits` digits of a truncated HMAC. It has 31 bits: the first of ten digits is 0, 1 or 2.
    pub(crate) fn decimal(truncated: u32, digits: u8) -> Self {
        let len = usize::from(digits).min(MAX_LEN);
        Self::filled(truncated, len, |rest| b'0' + (rest % 10) as u8, 10, true)
    }

    pub(crate) fn steam(truncated: u32) -> Self {
        let character = |rest: u32| STEAM_ALPHABET[(rest % 26) as usize];
        Self::filled(truncated, STEAM_LEN, character, 26, false)
    }

    fn filled(mut rest: u32, len: usize, character: impl Fn(u32) -> u8, base: u32, last_first: bool) -> Self {
        let mut text = Self {
            characters: [0; MAX_LEN],
            len,
        };
        for position in 0..len {
            let at = if last_first { len - 1 - position } else { position };
            text.characters[at] = character(rest);
            rest /= base;
        }
        rest.zeroize();
        text
    }

    /// The characters. Do not let them outlive the moment.
    pub fn expose(&self) -> &str {
        str::from_utf8(&self.characters[..self.len]).expect("digits and Steam's characters are ASCII")
    }
}

impl Drop for CodeText {
    fn drop(&mut self) {
        self.characters.zeroize();
        self.len.zeroize();
    }
}

impl ZeroizeOnDrop for CodeText {}
