//! The records that a vault's entries are written in: `tag u16 ‖ length u32 ‖ value`, little-endian.
//!
//! A reader keeps the records whose tag it does not know, and writes them back behind its own.

use enroll::SecretBuffer;
use zeroize::Zeroizing;

use crate::cursor::Cursor;

/// A record that this version does not know.
pub(crate) struct Field {
    pub(crate) tag: u16,
    pub(crate) value: Zeroizing<Vec<u8>>,
}

/// The next record: `None` at the end, `Some(None)` where one is cut off.
pub(crate) fn next<'a>(from: &mut Cursor<'a>) -> Option<Option<(u16, &'a [u8])>> {
    if from.is_at_end() {
        return None;
    }
    let record = (|| {
        let tag = from.u16()?;
        let len = from.u32()?;
        Some((tag, from.take(len as usize)?))
    })();
    Some(record)
}

/// No value is near 4 GiB: a vault is refused long before.
pub(crate) fn put(into: &mut SecretBuffer, tag: u16, value: &[u8]) {
    into.push(&tag.to_le_bytes());
    into.push(&(value.len() as u32).to_le_bytes());
    into.push(value);
}

/// A record whose value `write` appends.
pub(crate) fn put_nested(into: &mut SecretBuffer, tag: u16, write: impl FnOnce(&mut SecretBuffer)) {
    into.push(&tag.to_le_bytes());
    let at = into.len();
    into.push(&[0; 4]);
    write(into);
    let len = (into.len() - at - 4) as u32;
    into.overwrite(at, &len.to_le_bytes());
}
