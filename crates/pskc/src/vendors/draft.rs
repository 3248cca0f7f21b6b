//! A token as a table describes it, and what stands for that which the table leaves open.

use otp::{Algorithm, Digits, Period, Secret};

use crate::column::decode;
use crate::rounded::is_rounded;
use crate::seed::is_presentable;
use crate::{Encoding, MIN_SECRET_LEN_BYTES, Moving, Options, Place, Problem, ReadError, Reason, Remark, Seed};

/// What moves a token on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Time,
    Counter,
}

/// A token of a table: its secret still as text, `None` where the table says nothing.
pub(super) struct Draft<'t> {
    pub(super) serial_number: &'t str,
    pub(super) secret: &'t str,
    pub(super) manufacturer: Option<&'t str>,
    pub(super) model: Option<&'t str>,
    pub(super) kind: Option<Kind>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) digits: Option<Digits>,
    pub(super) period: Option<Period>,
    pub(super) counter: u64,
}

impl<'t> Draft<'t> {
    pub(super) fn new(serial_number: &'t str, secret: &'t str) -> Self {
        Self {
            serial_number,
            secret,
            manufacturer: None,
            model: None,
            kind: None,
            algorithm: None,
            digits: None,
            period: None,
            counter: 0,
        }
    }
}

/// A line: a token, one that is of no use here (with its serial number), or none at all.
pub(super) enum Line<'t> {
    Token(Draft<'t>),
    Refused(&'t str, Reason),
    Skipped,
}

/// What a format means where it says nothing.
#[derive(Clone, Copy)]
pub(super) struct Defaults {
    /// The kind that all of its tokens have; else the one of the table's other tokens, or TOTP.
    pub(super) kind: Option<Kind>,
    /// Whether makers of SHA-256 and SHA-512 tokens use the format, so that a secret as long as the hash is for that hash.
    pub(super) hash_by_length: bool,
    /// Whether the format is for codes of 6 digits alone, so that nothing is assumed by it.
    pub(super) six_digits: bool,
}

/// What was assumed of tokens, each remark once.
#[derive(Default)]
pub(super) struct Assumptions(Vec<Remark>);

impl Assumptions {
    fn note(&mut self, remark: Remark) {
        if !self.0.contains(&remark) {
            self.0.push(remark);
        }
    }

    /// The remarks, without those that another says too.
    pub(super) fn into_remarks(self) -> impl Iterator<Item = Remark> {
        let totp = self.0.contains(&Remark::AssumedTotp);
        let hotp = self.0.contains(&Remark::AssumedHotp);
        self.0.into_iter().filter(move |remark| match remark {
            Remark::AssumedTimeBased | Remark::AssumedPeriod => !totp,
            Remark::AssumedEventBased => !hotp,
            Remark::AssumedSha1 | Remark::AssumedDigits => !totp && !hotp,
            _ => true,
        })
    }
}

/// The token, the reason why it is of no use, or what is wrong with the file.
pub(super) fn seed(
    place: &Place,
    draft: &Draft<'_>,
    encoding: Encoding,
    defaults: Defaults,
    options: &Options,
    assumptions: &mut Assumptions,
) -> Result<Result<Seed, Reason>, ReadError> {
    let secret = match secret(place, draft, encoding)? {
        Ok(secret) => secret,
        Err(reason) => return Ok(Err(reason)),
    };
    let named = |column: &str, name: &str| match name {
        "" => Ok(None),
        name if is_presentable(name) => Ok(Some(name.to_owned())),
        _ => Err(ReadError::malformed(Place::new(place.line, column), Problem::LongName)),
    };
    let serial_number = named("serial number", draft.serial_number)?.unwrap_or_default();
    let manufacturer = named("manufacturer", draft.manufacturer.unwrap_or_default())?;
    let model = named("model", draft.model.unwrap_or_default())?;
    let len_bytes = secret.expose_secret().len();
    let (algorithm, digits, moving) = match settle(draft, len_bytes, defaults, options, assumptions) {
        Ok(settings) => settings,
        Err(reason) => return Ok(Err(reason)),
    };
    Ok(Ok(Seed {
        serial_number,
        manufacturer,
        model,
        key_id: None,
        issuer: None,
        label: None,
        secret,
        algorithm,
        digits,
        moving,
        starts_at_s: None,
        expires_at_s: None,
        management_key: None,
    }))
}

/// The secret of a token that has a serial number, or what it lacks.
fn secret(place: &Place, draft: &Draft<'_>, encoding: Encoding) -> Result<Result<Secret, Reason>, ReadError> {
    if draft.secret.is_empty() {
        return Ok(Err(Reason::NoSecret));
    }
    if is_rounded(draft.secret) {
        return Ok(Err(Reason::Rounded { what: "secret" }));
    }
    let secret = match decode(place, draft.secret, encoding)? {
        Ok(secret) => secret,
        Err(reason) => return Ok(Err(reason)),
    };
    let len_bytes = secret.expose_secret().len();
    Ok(if len_bytes < MIN_SECRET_LEN_BYTES {
        Err(Reason::ShortSecret { bits: 8 * len_bytes })
    } else if draft.serial_number.is_empty() {
        Err(Reason::NoSerialNumber)
    } else if is_rounded(draft.serial_number) {
        Err(Reason::Rounded { what: "serial number" })
    } else {
        Ok(secret)
    })
}

/// What the token computes: by the file, else by the options, else by the format.
fn settle(
    draft: &Draft<'_>,
    len_bytes: usize,
    defaults: Defaults,
    options: &Options,
    assumptions: &mut Assumptions,
) -> Result<(Algorithm, Digits, Moving), Reason> {
    let kind = draft.kind.or(defaults.kind).unwrap_or(Kind::Time);
    let hash = options.hash(draft.algorithm)?;
    let digits = options.digits(draft.digits)?;
    let period = match kind {
        Kind::Time => options.period(draft.period)?,
        Kind::Counter => options.no_period().map(|()| None)?,
    };
    let by_length = match len_bytes {
        32 if defaults.hash_by_length => Algorithm::Sha256,
        64 if defaults.hash_by_length => Algorithm::Sha512,
        _ => Algorithm::Sha1,
    };
    let open = Open {
        kind: draft.kind.is_none(),
        hash: hash.is_none().then_some(by_length),
        digits: digits.is_none() && !defaults.six_digits,
        period: kind == Kind::Time && period.is_none(),
    };
    open.note(kind, assumptions);
    let moving = match kind {
        Kind::Time => Moving::Time {
            period: period.unwrap_or(Period::THIRTY),
            drift_steps: 0,
        },
        Kind::Counter => Moving::Counter { counter: draft.counter },
    };
    Ok((hash.unwrap_or(by_length), digits.unwrap_or(Digits::SIX), moving))
}

/// What neither file nor options say of a token.
struct Open {
    kind: bool,
    /// The hash that was assumed.
    hash: Option<Algorithm>,
    digits: bool,
    period: bool,
}

impl Open {
    fn note(&self, kind: Kind, assumptions: &mut Assumptions) {
        let is_all_open = self.kind && self.digits && self.hash == Some(Algorithm::Sha1);
        let (all, this_kind) = match kind {
            Kind::Time => (Remark::AssumedTotp, Remark::AssumedTimeBased),
            Kind::Counter => (Remark::AssumedHotp, Remark::AssumedEventBased),
        };
        if is_all_open && (self.period || kind == Kind::Counter) {
            return assumptions.note(all);
        }
        let hash = self.hash.map(|hash| match hash {
            Algorithm::Sha1 => Remark::AssumedSha1,
            Algorithm::Sha256 => Remark::AssumedSha256,
            Algorithm::Sha512 => Remark::AssumedSha512,
        });
        let remarks = [
            self.kind.then_some(this_kind),
            hash,
            self.digits.then_some(Remark::AssumedDigits),
            self.period.then_some(Remark::AssumedPeriod),
        ];
        remarks
            .into_iter()
            .flatten()
            .for_each(|remark| assumptions.note(remark));
    }
}
