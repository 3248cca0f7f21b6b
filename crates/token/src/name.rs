/// A serial number or a label: printable ASCII, which every display has letters for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    bytes: [u8; Name::MAX_LEN_BYTES],
    len: u8,
}

impl Name {
    pub(crate) const MAX_LEN_BYTES: usize = 32;
    /// Its length, and room for the longest.
    pub(crate) const KEPT_LEN_BYTES: usize = 1 + Self::MAX_LEN_BYTES;
    pub(crate) const EMPTY: Self = Self {
        bytes: [0; Self::MAX_LEN_BYTES],
        len: 0,
    };

    pub(crate) fn new(text: &[u8]) -> Option<Self> {
        let mut name = Self::EMPTY;
        name.bytes.get_mut(..text.len())?.copy_from_slice(text);
        name.len = text.len() as u8;
        text.iter().all(|byte| (b' '..=b'~').contains(byte)).then_some(name)
    }

    pub(crate) fn as_str(&self) -> &str {
        let text = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        // Printable ASCII is UTF-8.
        str::from_utf8(text).unwrap_or_default()
    }

    pub(crate) fn kept(&self) -> [u8; Self::KEPT_LEN_BYTES] {
        let mut kept = [0; Self::KEPT_LEN_BYTES];
        kept[0] = self.len;
        kept[1..].copy_from_slice(&self.bytes);
        kept
    }

    pub(crate) fn of_kept(kept: &[u8; Self::KEPT_LEN_BYTES]) -> Option<Self> {
        let (&len, bytes) = kept.split_first()?;
        Self::new(bytes.get(..usize::from(len))?)
    }
}
