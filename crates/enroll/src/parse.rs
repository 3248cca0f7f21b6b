//! otpauth URIs, in: whatever apps and services have been seen to write.
//!
//! A parser of our own on percent-encoding: a general URL parser cuts at a raw `#`, re-encodes the
//! path, and takes two equal parameters without a word.

use std::num::NonZeroU32;

use otp::{Algorithm, Parameters, Period, typed::trimmed};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use crate::base32::{self, AsApps, Base32Error};
use crate::{Entry, EntryDigits, Kind, holds_uri, uri_starts};

/// Longest URI that is read, in bytes; a QR code holds less.
pub const MAX_URI_LEN_BYTES: usize = 4096;

/// Why a text is not an otpauth URI that can be used. None of them repeats the text, which may
/// hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// More than [`MAX_URI_LEN_BYTES`].
    #[error("the URI is longer than 4096 bytes: this is not an otpauth URI")]
    TooLong,
    /// Another scheme, or none.
    #[error("this is not an otpauth URI: it has to begin with otpauth://")]
    NotOtpauth,
    /// Google Authenticator's export of many entries in one QR code.
    #[error("this is a Google Authenticator export (otpauth-migration): import it as such")]
    Migration,
    /// A second one in it, raw or within a name, where it would be shown to everybody.
    #[error("another URI with a secret stands in it: give each a line of its own")]
    AnotherUri,
    /// Neither `totp` nor `hotp` nor `steam`.
    #[error("the type after otpauth:// is unknown: totp, hotp and steam can be used")]
    UnknownType,
    /// Raw or percent-encoded bytes that are not UTF-8.
    #[error("the URI is not valid UTF-8: copy it again, or ask its issuer for a new one")]
    InvalidUtf8,
    /// A control character in a name, which would reach people's terminals.
    #[error("the issuer or account has a control character: ask its issuer for a new URI")]
    ControlCharacter,
    /// The same parameter twice with two values: which one counts would be a guess.
    #[error("the {0} parameter is there twice, with different values: ask its issuer for a new URI")]
    DuplicateParameter(&'static str),
    /// No `secret` parameter.
    #[error("the URI has no secret parameter: copy the whole URI")]
    MissingSecret,
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] Base32Error),
    /// A hash function that no standard gives to one-time passwords.
    #[error("the algorithm is unknown: SHA1, SHA256 and SHA512 can be used")]
    Algorithm,
    /// Not a number from 5 to 10.
    #[error("the digits have to be a number from 5 to 10")]
    Digits,
    /// Not a number of seconds above 0.
    #[error("the period has to be a number of seconds, 1 or more")]
    Period,
    /// Not a number below 2^64.
    #[error("the counter has to be a number")]
    Counter,
}

impl Entry {
    /// Reads an otpauth URI, for instance from a QR code, a file or the clipboard.
    ///
    /// Accepted beyond what [`totp_uri`](crate::totp_uri) writes: any case; blanks and what cannot be seen around the URI;
    /// secrets as people type them ([`base32::decode`]), from one byte up, and those of an
    /// [odd length](Self::has_odd_length); an issuer in the label, in the parameter, in both and
    /// different, or nowhere, and one with colons where the parameter has it; `null` for what is not
    /// known; a parameter that says the same twice; `+` for a blank; `%3A`; blanks after the
    /// colon; `SHA-1` and `HmacSHA1`; unknown parameters; no label; `hotp` (from counter 0 where
    /// none is given); `steam`, also as totp with `encoder=steam`, with `steam`, or with the issuer
    /// Steam and no other digits than 5. A parameter that the type does not use (`counter` of totp,
    /// `period` of hotp, …) counts as unknown.
    ///
    /// # Errors
    /// [`UriError`] says what is wrong, and never repeats any of the text.
    pub fn parse(uri: impl AsRef<[u8]>) -> Result<Self, UriError> {
        let uri = uri.as_ref();
        if uri.len() > MAX_URI_LEN_BYTES {
            return Err(UriError::TooLong);
        }
        let uri = trimmed(str::from_utf8(uri).map_err(|_| UriError::InvalidUtf8)?);
        let rest = strip_scheme(uri)?;
        if uri_starts(rest).next().is_some() {
            return Err(UriError::AnotherUri);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (type_name, label) = path.split_once('/').unwrap_or((path, ""));

        let fields = Fields::read(query)?;
        let label = Label::read(label, fields.issuer()?.as_deref())?;
        let kind = fields.kind(type_name, &label)?;
        let secret = fields.secret.as_ref().ok_or(UriError::MissingSecret)?;
        let (algorithm, digits) = match kind {
            Kind::Steam => (Algorithm::Sha1, EntryDigits::STEAM),
            Kind::Totp { .. } | Kind::Hotp { .. } => (fields.algorithm()?, fields.digits()?),
        };
        let AsApps { secret, has_odd_length } = base32::decode_as_apps(secret)?;
        let entry = Self {
            kind,
            secret,
            has_odd_length,
            algorithm,
            digits,
            issuer_prefix: label.issuer,
            issuer_parameter: fields.issuer()?,
            account: label.account,
        };
        // Both in a row, too, as they are shown and written.
        match holds_uri(&format!("{}:{}", entry.issuer().unwrap_or_default(), entry.account)) {
            true => Err(UriError::AnotherUri),
            false => Ok(entry),
        }
    }
}

fn strip_scheme(uri: &str) -> Result<&str, UriError> {
    let (scheme, rest) = uri.split_once("://").ok_or(UriError::NotOtpauth)?;
    if scheme.eq_ignore_ascii_case("otpauth") {
        Ok(rest)
    } else if scheme.eq_ignore_ascii_case("otpauth-migration") {
        Err(UriError::Migration)
    } else {
        Err(UriError::NotOtpauth)
    }
}

struct Label {
    issuer: Option<String>,
    account: String,
}

impl Label {
    /// Splits at the colon, raw or encoded, behind what the issuer parameter says, which may have colons of its own; else at the
    /// first one, because a name cannot hold one in this format. A label that begins with a colon says no issuer, so that whoever
    /// writes an account with colons can set it apart.
    fn read(raw: &str, issuer: Option<&str>) -> Result<Self, UriError> {
        // As a whole: a URI's own colon would end the issuer.
        if holds_uri(raw) {
            return Err(UriError::AnotherUri);
        }
        let (issuer, account) = split_at_colon(raw, issuer);
        let issuer = match issuer {
            Some(issuer) => shown(&decode(issuer, Plus::IsBlank)?)?,
            None => None,
        };
        // Whoever form-encodes a name writes `@` as `%40`. A raw `@` is an address as it is, and
        // the plus in `alice+test@example.com` is part of it.
        let plus = if account.contains('@') {
            Plus::IsPlus
        } else {
            Plus::IsBlank
        };
        let account = shown(&decode(account, plus)?)?.unwrap_or_default();
        Ok(Self { issuer, account })
    }
}

/// More blanks than this around an issuer, encoded ones, are not looked through.
const MAX_BLANKS: usize = 48;

fn split_at_colon<'l>(label: &'l str, issuer: Option<&str>) -> (Option<&'l str>, &'l str) {
    let bytes = label.as_bytes();
    let colon_len_at = |index: usize| match &bytes[index..] {
        [b':', ..] => Some(1),
        [b'%', b'3', b'A' | b'a', ..] => Some(3),
        _ => None,
    };
    let colons = || (0..bytes.len()).filter_map(|index| Some((index, colon_len_at(index)?)));
    if let Some(account) = label.strip_prefix(':') {
        return (Some(""), account);
    }
    let ends_issuer = |(index, _): &(usize, usize)| {
        issuer.is_some_and(|issuer| {
            // Three characters at most stand for one.
            let may_be = *index <= 3 * issuer.len() + MAX_BLANKS;
            may_be && decode(&label[..*index], Plus::IsBlank).is_ok_and(|before| before.trim() == issuer)
        })
    };
    match colons().find(ends_issuer).or_else(|| colons().next()) {
        // Both ends are ASCII, so the slices are at character boundaries.
        Some((index, len)) => (Some(&label[..index]), &label[index + len..]),
        None => (None, label),
    }
}

/// A name as it is kept: trimmed, `None` when nothing is left.
fn shown(name: &str) -> Result<Option<String>, UriError> {
    let name = name.trim();
    if name.contains(char::is_control) {
        return Err(UriError::ControlCharacter);
    }
    if holds_uri(name) {
        return Err(UriError::AnotherUri);
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// The parameters that mean something, decoded but not understood yet.
#[derive(Default)]
struct Fields {
    secret: Option<Zeroizing<String>>,
    issuer: Option<Zeroizing<String>>,
    algorithm: Option<Zeroizing<String>>,
    digits: Option<Zeroizing<String>>,
    period: Option<Zeroizing<String>>,
    counter: Option<Zeroizing<String>>,
    encoder: Option<Zeroizing<String>>,
    steam: Option<Zeroizing<String>>,
}

impl Fields {
    fn read(query: &str) -> Result<Self, UriError> {
        let mut fields = Self::default();
        let mut unknown = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let mut name = decode(name, Plus::IsBlank)?;
            name.make_ascii_lowercase();
            let value = decode(value, Plus::IsBlank)?;
            let (known_as, field) = match name.as_str() {
                "secret" => ("secret", &mut fields.secret),
                "issuer" => ("issuer", &mut fields.issuer),
                "algorithm" => ("algorithm", &mut fields.algorithm),
                "digits" => ("digits", &mut fields.digits),
                "period" => ("period", &mut fields.period),
                "counter" => ("counter", &mut fields.counter),
                "encoder" => ("encoder", &mut fields.encoder),
                "steam" => ("steam", &mut fields.steam),
                _ => {
                    unknown.push((name, value));
                    continue;
                }
            };
            match field {
                Some(before) if *before != value => return Err(UriError::DuplicateParameter(known_as)),
                _ => *field = Some(value),
            }
        }
        unknown.sort_unstable_by(|(a, _), (b, _)| a.as_str().cmp(b));
        if unknown
            .windows(2)
            .any(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1)
        {
            return Err(UriError::DuplicateParameter("same unknown"));
        }
        fields.forget_nulls();
        Ok(fields)
    }

    /// Ente and its relatives write `null` where nothing is known.
    fn forget_nulls(&mut self) {
        for field in [
            &mut self.algorithm,
            &mut self.digits,
            &mut self.period,
            &mut self.counter,
        ] {
            field.take_if(|value| value.trim().eq_ignore_ascii_case("null"));
        }
    }

    fn kind(&self, type_name: &str, label: &Label) -> Result<Kind, UriError> {
        match type_name.to_ascii_lowercase().as_str() {
            "totp" if self.encoded_for_steam() || self.issued_by_steam(label)? => Ok(Kind::Steam),
            "totp" => Ok(Kind::Totp {
                period_s: self.period_s()?,
            }),
            "hotp" => Ok(Kind::Hotp {
                counter: self.counter()?,
            }),
            "steam" => Ok(Kind::Steam),
            _ => Err(UriError::UnknownType),
        }
    }

    /// KeePassXC and its relatives write Steam entries as totp with `encoder=steam`, Stratum those of
    /// other issuers with `&steam`.
    fn encoded_for_steam(&self) -> bool {
        let encoder = self.encoder.as_ref().map(|encoder| encoder.trim());
        encoder.is_some_and(|encoder| encoder.eq_ignore_ascii_case("steam")) || self.steam.is_some()
    }

    /// FreeOTP and Stratum write Steam's own entries as totp, and know them by the issuer alone: the one before the colon,
    /// else the parameter, else a label without either. Digits that Steam does not have say that no letters are meant.
    fn issued_by_steam(&self, label: &Label) -> Result<bool, UriError> {
        let issuer = match &label.issuer {
            Some(issuer) => Some(issuer.clone()),
            None => self.issuer()?,
        };
        let is_steam = issuer.as_ref().unwrap_or(&label.account) == "Steam";
        Ok(is_steam && (self.digits.is_none() || self.digits()? == EntryDigits::STEAM))
    }

    fn issuer(&self) -> Result<Option<String>, UriError> {
        match &self.issuer {
            None => Ok(None),
            Some(text) => shown(text),
        }
    }

    fn algorithm(&self) -> Result<Algorithm, UriError> {
        let Some(text) = &self.algorithm else {
            return Ok(Parameters::DEFAULT.algorithm);
        };
        let name: String = text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        match name.strip_prefix("HMAC").unwrap_or(&name) {
            "SHA1" => Ok(Algorithm::Sha1),
            "SHA256" => Ok(Algorithm::Sha256),
            "SHA512" => Ok(Algorithm::Sha512),
            _ => Err(UriError::Algorithm),
        }
    }

    fn digits(&self) -> Result<EntryDigits, UriError> {
        match &self.digits {
            None => Ok(Parameters::DEFAULT.digits.into()),
            Some(text) => text
                .trim()
                .parse()
                .ok()
                .and_then(EntryDigits::new)
                .ok_or(UriError::Digits),
        }
    }

    fn period_s(&self) -> Result<NonZeroU32, UriError> {
        match &self.period {
            None => NonZeroU32::new(Period::THIRTY.get_s()).ok_or(UriError::Period),
            Some(text) => text.trim().parse().map_err(|_| UriError::Period),
        }
    }

    /// The counter; where none is given it starts at 0, as in apps.
    fn counter(&self) -> Result<u64, UriError> {
        match &self.counter {
            None => Ok(0),
            Some(text) => text.trim().parse().map_err(|_| UriError::Counter),
        }
    }
}

#[derive(Clone, Copy)]
enum Plus {
    IsBlank,
    IsPlus,
}

/// Undoes percent-encoding. A `%` without two hexadecimal digits stands for itself.
fn decode(raw: &str, plus: Plus) -> Result<Zeroizing<String>, UriError> {
    // Decoding only shrinks, so this never grows. A raw plus is judged before decoding, so that
    // `%2B` stays one.
    let mut spaced = Zeroizing::new(Vec::with_capacity(raw.len()));
    spaced.extend(raw.bytes().map(|byte| match (byte, plus) {
        (b'+', Plus::IsBlank) => b' ',
        _ => byte,
    }));
    let mut bytes = Zeroizing::new(Vec::with_capacity(raw.len()));
    bytes.extend(percent_decode(&spaced));
    let text = str::from_utf8(&bytes).map_err(|_| UriError::InvalidUtf8)?;
    Ok(Zeroizing::new(text.to_owned()))
}
