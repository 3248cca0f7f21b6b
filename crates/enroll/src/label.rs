//! The two halves of an otpauth label, checked once so that a URI can be written without errors.

/// Longest issuer or account, in bytes of UTF-8. Percent-encoding triples most of them, and a URI
/// of three such names still fits a QR code.
pub const MAX_LABEL_LEN_BYTES: usize = 128;

/// Why a text cannot be an issuer or an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Apps list entries by these names; an empty one cannot be told apart.
    #[error("the name is empty: give the name that the app is to show")]
    Empty,
    /// More than [`MAX_LABEL_LEN_BYTES`].
    #[error("the name has {len_bytes} bytes: use at most 128")]
    TooLong {
        /// Its length in bytes of UTF-8.
        len_bytes: usize,
    },
    /// Apps split the label at its first colon, even at an encoded one.
    #[error("the name has a colon, which apps take for the end of the issuer: leave it out")]
    Colon,
    /// A line break, an escape or the like, which would reach people's terminals.
    #[error("the name has a control character: leave it out")]
    Control,
    /// Apps trim names, each in its own way, so the blank would be lost or doubled.
    #[error("the name begins or ends with a blank: trim it")]
    SurroundingBlank,
}

/// The service's name as apps show it: 1 to [`MAX_LABEL_LEN_BYTES`] bytes, no colon, no control
/// character, no blank at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

/// The user's name at the issuer, under the same rules as [`Issuer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(String);

impl Issuer {
    /// Checks a name. Nothing is replaced: a changed name would surprise whoever reads it.
    ///
    /// # Errors
    /// [`LabelError`] names the first rule that is broken.
    pub fn new(name: impl Into<String>) -> Result<Self, LabelError> {
        checked(name.into()).map(Self)
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Account {
    /// Checks a name. Nothing is replaced: a changed name would surprise whoever reads it.
    ///
    /// # Errors
    /// [`LabelError`] names the first rule that is broken.
    pub fn new(name: impl Into<String>) -> Result<Self, LabelError> {
        checked(name.into()).map(Self)
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(name: String) -> Result<String, LabelError> {
    if name.is_empty() {
        return Err(LabelError::Empty);
    }
    if name.len() > MAX_LABEL_LEN_BYTES {
        return Err(LabelError::TooLong { len_bytes: name.len() });
    }
    if name.contains(':') {
        return Err(LabelError::Colon);
    }
    if name.contains(char::is_control) {
        return Err(LabelError::Control);
    }
    if name.trim() != name {
        return Err(LabelError::SurroundingBlank);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_whole_world() {
        for name in ["Example", "云控制台", "A+B & C", "alice@example.com", "50% #1/2?"] {
            assert_eq!(Issuer::new(name).unwrap().as_str(), name);
            assert_eq!(Account::new(name).unwrap().as_str(), name);
        }
        assert!(Issuer::new("x".repeat(MAX_LABEL_LEN_BYTES)).is_ok());
    }

    #[test]
    fn each_rule() {
        for (name, error) in [
            (String::new(), LabelError::Empty),
            ("云".repeat(43), LabelError::TooLong { len_bytes: 129 }),
            ("a:b".into(), LabelError::Colon),
            ("a\u{1b}[2J".into(), LabelError::Control),
            ("a\u{3000}".into(), LabelError::SurroundingBlank),
        ] {
            assert_eq!(Issuer::new(name.clone()), Err(error));
            assert_eq!(Account::new(name), Err(error));
        }
    }
}
