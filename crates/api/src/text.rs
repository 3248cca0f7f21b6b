//! Names and other short texts on the wire, bounded and without control characters.

use std::{borrow::Cow, error, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// The caller's own name for an account, a user, a person or a program.
pub type Name = Text<128>;

/// 1 to `MAX` bytes of UTF-8 without control characters. Nothing is trimmed or folded: two names are the same if
/// their bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text<const MAX: usize>(Arc<str>);

impl<const MAX: usize> Text<MAX> {
    /// Checks a text, for instance a segment of a path after percent-decoding.
    ///
    /// # Errors
    /// [`TextError`] names the first rule that is broken.
    pub fn new(text: impl AsRef<str> + Into<Arc<str>>) -> Result<Self, TextError> {
        let checked = text.as_ref();
        if checked.is_empty() {
            Err(TextError::Empty)
        } else if checked.len() > MAX {
            Err(TextError::TooLong { max_bytes: MAX })
        } else if checked.contains(char::is_control) {
            Err(TextError::Control)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// A text of the program itself, such as the name that it acts under.
    ///
    /// # Panics
    /// Where the text breaks a rule, hence on every call or on none.
    #[must_use]
    pub fn from_static(text: &'static str) -> Self {
        Self::new(text).expect("a program's own text keeps the rules")
    }

    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as it came, shared.
    pub fn into_inner(self) -> Arc<str> {
        self.0
    }
}

/// Why a text is none that this field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Nothing at all.
    Empty,
    /// More bytes than the field takes.
    TooLong {
        /// What it takes.
        max_bytes: usize,
    },
    /// A line break, a NUL or the like.
    Control,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong { max_bytes } => write!(f, "is longer than {max_bytes} bytes of UTF-8"),
            Self::Control => f.write_str("has a control character"),
        }
    }
}

impl error::Error for TextError {}

/// As a command line reads it.
impl<const MAX: usize> FromStr for Text<MAX> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl<const MAX: usize> Serialize for Text<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<const MAX: usize>;

        impl<const MAX: usize> de::Visitor<'_> for Visitor<MAX> {
            type Value = Text<MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a string of 1 to {MAX} bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<MAX>, E> {
                Text::new(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl<const MAX: usize> PartialSchema for Text<MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX))
            .description(Some(format!("1 to {MAX} bytes of UTF-8 without control characters.")))
            .into()
    }
}

impl<const MAX: usize> ToSchema for Text<MAX> {
    fn name() -> Cow<'static, str> {
        if MAX == 128 {
            "Name".into()
        } else {
            format!("Text{MAX}").into()
        }
    }
}
