//! The text of a keyring file, read and written line by line.

use std::fmt::Write as _;

use service::UnixMs;
use zeroize::Zeroizing;

use crate::{KeyringError, Lines, Material};

pub(crate) const HEADER: &str = "# Countersign keyring, format 1. With it and the database, every secret can be read:\n\
                      # keep it 0600, keep a copy apart from the database's backups, never lose it.\n";

pub(crate) fn lines(text: &str) -> Result<Lines, KeyringError> {
    let mut found = Lines::default();
    for (index, line) in text.lines().enumerate() {
        let damaged = |what| KeyringError::Damaged { line: index + 1, what };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let kept = match words.next() {
            Some("seal") => &mut found.sealing,
            Some("mac") => &mut found.macs,
            Some("sign") => &mut found.signing,
            // Not repeated: where words are out of order, the first one may be a key.
            _ => return Err(KeyringError::Newer { line: index + 1 }),
        };
        let (Some(id), Some(_created), Some(hex), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(damaged("four words are expected: kind, id, time, key"));
        };
        let id: u32 = id.parse().map_err(|_| damaged("the id is no number"))?;
        if id == 0 {
            return Err(damaged("ids begin with 1"));
        }
        if kept.iter().any(|(other, _)| *other == id) {
            return Err(damaged("the id stands twice"));
        }
        kept.push((
            id,
            material(hex).ok_or_else(|| damaged("the key is not 64 hex digits"))?,
        ));
    }
    Ok(found)
}

pub(crate) fn write_line(text: &mut String, kind: &str, id: u32, now: UnixMs, bytes: &Material) {
    let _infallible = write!(text, "{kind} {id} {} ", now.get());
    for byte in bytes.iter() {
        let _infallible = write!(text, "{byte:02x}");
    }
    text.push('\n');
}

fn material(hex: &str) -> Option<Material> {
    let mut bytes: Material = Zeroizing::new([0; 32]);
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}
