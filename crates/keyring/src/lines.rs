//! The lines of a keyring: its text format, and the keys that follow from one line.

use std::fmt::Write as _;

use ring::hkdf::{HKDF_SHA256, Salt};
use service::UnixMs;
use zeroize::Zeroizing;

use crate::KeyringError;

/// The first lines of a new file.
pub(crate) const HEADER: &str = "# Countersign keyring, format 1. With it and the database, every secret can be read:\n\
                      # keep it 0600, keep a copy apart from the database's backups, never lose it.\n";

/// The 32 bytes of a line, wiped.
pub(crate) type Material = Zeroizing<[u8; 32]>;

/// The keys that a file holds, each with its id.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) sealing: Vec<(u32, Material)>,
    pub(crate) macs: Vec<(u32, Material)>,
    pub(crate) signing: Vec<(u32, Material)>,
    pub(crate) grants: Vec<(u32, Material)>,
    /// When each of the grant keys was made, in their order.
    pub(crate) grants_made_at: Vec<UnixMs>,
    pub(crate) sessions: Vec<(u32, Material)>,
    /// When each of the session keys was made, in their order.
    pub(crate) sessions_made_at: Vec<UnixMs>,
}

impl Lines {
    /// The lines of a keyring's text.
    pub(crate) fn of(text: &str) -> Result<Self, KeyringError> {
        let mut found = Self::default();
        for (index, line) in text.lines().enumerate() {
            let damaged = |what| KeyringError::Damaged { line: index + 1, what };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            let (kept, made_at) = match words.next() {
                Some("seal") => (&mut found.sealing, None),
                Some("mac") => (&mut found.macs, None),
                Some("sign") => (&mut found.signing, None),
                Some("grant") => (&mut found.grants, Some(&mut found.grants_made_at)),
                Some("session") => (&mut found.sessions, Some(&mut found.sessions_made_at)),
                // Not repeated: where words are out of order, the first one may be a key.
                _ => return Err(KeyringError::Newer { line: index + 1 }),
            };
            let (Some(id), Some(created), Some(hex), None) = (words.next(), words.next(), words.next(), words.next())
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
            if let Some(made_at) = made_at {
                let created = created.parse().map_err(|_| damaged("the time is no number"))?;
                made_at.push(UnixMs::new(created));
            }
        }
        Ok(found)
    }

    /// Whether these, the last of them, are grant keys alone, and newer than all others.
    pub(crate) fn only_gained_grants(&self, more: &Self) -> bool {
        let is_more = |id: u32| more.grants.iter().any(|(of_more, _)| *of_more == id);
        let newest_before = self.grants.iter().map(|(id, _)| *id).filter(|id| !is_more(*id)).max();
        more.sealing.is_empty()
            && more.macs.is_empty()
            && more.signing.is_empty()
            && !more.grants.is_empty()
            && more.grants.iter().all(|(id, _)| Some(*id) > newest_before)
    }

    /// The MAC keys of a file of before: one of each sealing key, by its number, for each of them may have hashed.
    pub(crate) fn derived_macs(&self) -> Vec<(u32, Material)> {
        let of_before = self.macs.is_empty().then_some(&self.sealing);
        let sealing = of_before.into_iter().flatten();
        sealing.map(|(id, material)| (*id, derived(material, b"mac"))).collect()
    }
}

/// The key for one use that a `seal` line's bytes give.
pub(crate) fn derived(material: &Material, label: &'static [u8]) -> Material {
    let root = Salt::new(HKDF_SHA256, b"countersign/keyring/1").extract(&**material);
    let mut bytes: Material = Zeroizing::new([0; 32]);
    root.expand(&[label], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *bytes))
        .expect("32 bytes are the output length of HKDF-SHA-256");
    bytes
}

/// Writes a line of this kind and id.
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
