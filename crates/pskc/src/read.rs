//! The one way in: a file is known by what is in it, never by its name.

use crate::options::Context;
use crate::text::Decoded;
use crate::xml::Xml;
use crate::{Encoding, Options, ReadError, Receipt, Remark, container, vendors};

/// Largest file that is read, in bytes.
pub const MAX_FILE_LEN_BYTES: usize = 64 << 20;

/// A key or password that opens a file. Has neither `Debug` nor `Clone`; key and password are the caller's to wipe.
pub enum Unlock<'a> {
    /// The file is expected to be in the clear.
    Nothing,
    /// The key that was shared beforehand, as bytes.
    Key(&'a [u8]),
    /// The password, in UTF-8.
    Password(&'a [u8]),
}

/// Reads a seed file of any format that [`Format`](crate::Format) lists.
///
/// In a table the secrets are hexadecimal or base32, whichever all of them are; [`Receipt::encoding`] says which, and
/// [`Remark::AmbiguousEncoding`](crate::Remark::AmbiguousEncoding) where both would do.
///
/// # Errors
/// [`ReadError`], and then nothing is to be imported. A wrong key is told from a malformed file wherever the file is
/// authenticated.
pub fn read(bytes: &[u8], unlock: &Unlock<'_>) -> Result<Receipt, ReadError> {
    read_with(bytes, unlock, &Options::default())
}

/// [`read`] for whoever knows the encoding of a table's secrets.
///
/// # Errors
/// As [`read`]'s; a secret that is not in this encoding is [`ReadError::Malformed`].
pub fn read_as(bytes: &[u8], unlock: &Unlock<'_>, encoding: Encoding) -> Result<Receipt, ReadError> {
    let encoding = Some(encoding);
    read_with(
        bytes,
        unlock,
        &Options {
            encoding,
            ..Options::default()
        },
    )
}

/// [`read`] for whoever knows what the file leaves open.
///
/// # Errors
/// As [`read_as`]'s. A token of which the file says otherwise than an option is refused.
pub fn read_with(bytes: &[u8], unlock: &Unlock<'_>, options: &Options) -> Result<Receipt, ReadError> {
    if bytes.len() > MAX_FILE_LEN_BYTES {
        return Err(ReadError::TooLarge);
    }
    let decoded = Decoded::of(bytes)?;
    let text = decoded.text()?;
    let context = Context {
        options: *options,
        is_guessed: decoded.is_guessed,
    };
    let mut receipt = recognise(text, unlock, &context)?;
    receipt.remarks.extend(decoded.encoding.map(Remark::Recoded));
    Ok(receipt)
}

fn recognise(text: &str, unlock: &Unlock<'_>, context: &Context) -> Result<Receipt, ReadError> {
    if !text.trim_start().starts_with('<') {
        return vendors::read_table(text, context);
    }
    let xml = Xml::parse(text)?;
    let root = xml.root();
    if container::is_key_container(root) {
        container::read(&xml, unlock, context)
    } else if vendors::safenet::is_token_list(root) {
        vendors::safenet::read(&xml, context)
    } else {
        Err(ReadError::Unknown(container::other_root(root)))
    }
}
