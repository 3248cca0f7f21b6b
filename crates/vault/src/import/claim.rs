//! The claims of an export about its entries, before they are believed; the rules are the same for every format.

use std::num::NonZeroU32;

use enroll::base32::{self, AsApps};
use enroll::{EntryDigits, UriError};
use otp::{Algorithm, Secret};
use zeroize::Zeroizing;

pub(super) use super::remarks::{Oddity, Reason};
use crate::entry::title;
use crate::{Credential, Draft, Kind, Name, Note};

/// Valve's service, and what apps call its entries.
pub(super) const STEAM: &str = "Steam";
/// More groups than this of one entry are not kept.
const MAX_GROUPS: usize = 32;

/// A secret as it was written.
pub(crate) enum ClaimedSecret {
    Base32(Zeroizing<String>),
    Bytes(Zeroizing<Vec<u8>>),
}

/// The claim of an export about one entry.
#[derive(Default)]
pub(crate) struct Claim {
    pub(crate) issuer: String,
    pub(crate) other_issuer: Option<String>,
    pub(crate) account: String,
    pub(crate) note: String,
    pub(crate) groups: Vec<String>,
    pub(crate) favourite: bool,
    pub(crate) uses: u64,
    /// `totp`, `hotp` or `steam`, in any case.
    pub(crate) kind: String,
    pub(crate) secret: Option<ClaimedSecret>,
    pub(crate) algorithm: Option<String>,
    pub(crate) digits: Option<i64>,
    pub(crate) period_s: Option<i64>,
    pub(crate) counter: Option<i128>,
    /// What the format's reader noticed.
    pub(crate) odd: Vec<Oddity>,
}

impl Claim {
    /// A claim with names, and the rest as usual.
    pub(crate) fn new(kind: &str, issuer: Option<String>, account: Option<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            issuer: issuer.unwrap_or_default(),
            account: account.unwrap_or_default(),
            ..Self::default()
        }
    }

    pub(crate) fn with_base32(mut self, secret: Option<Zeroizing<String>>) -> Self {
        self.secret = secret.map(ClaimedSecret::Base32);
        self
    }

    /// From an otpauth URI, with whatever `enroll` makes of it.
    pub(crate) fn from_uri(uri: &str) -> Result<Self, Reason> {
        let entry = enroll::Entry::parse(uri)?;
        let (kind, counter, period_s) = match entry.kind() {
            enroll::Kind::Totp { period_s } => ("totp", None, Some(period_s.get().into())),
            enroll::Kind::Hotp { counter } => ("hotp", Some(counter), None),
            enroll::Kind::Steam => ("steam", None, None),
        };
        let mut claim = Self::new(
            kind,
            entry.issuer().map(str::to_owned),
            Some(entry.account().to_owned()),
        );
        claim.other_issuer = entry.issuer_prefix().map(str::to_owned);
        claim.algorithm = Some(entry.algorithm().name().to_owned());
        claim.digits = Some(entry.digits().get().into());
        claim.period_s = period_s;
        claim.counter = counter.map(i128::from);
        claim.odd.extend(entry.has_odd_length().then_some(Oddity::OddLength));
        let secret = Zeroizing::new(entry.secret().expose_secret().to_vec());
        claim.secret = Some(ClaimedSecret::Bytes(secret));
        Ok(claim)
    }

    /// Takes the issuer out of the account that repeats it, `Issuer:account`; one rule for every format.
    pub(crate) fn without_repeated_issuer(mut self) -> Self {
        let issuers = [Some(&self.issuer), self.other_issuer.as_ref()];
        let repeated = issuers.into_iter().flatten().find_map(|issuer| {
            let (issuer, account) = (issuer.trim(), self.account.trim_start());
            let rest = account.strip_prefix(issuer)?.trim_start().strip_prefix(':')?.trim();
            (!issuer.is_empty()).then(|| rest.to_owned())
        });
        if let Some(account) = repeated {
            self.account = account;
        }
        self
    }

    /// Another one stands behind it where it was.
    pub(crate) fn shares_line(mut self) -> Self {
        self.odd.push(Oddity::SharedLine);
        self
    }

    /// Steam's own, where nothing says whose it is.
    pub(crate) fn by_steam(mut self) -> Self {
        if self.issuer.is_empty() {
            STEAM.clone_into(&mut self.issuer);
        }
        self
    }

    /// From what password managers keep: an otpauth URI, `steam://SECRET`, or the bare secret of a usual TOTP.
    pub(crate) fn from_login(text: Zeroizing<String>) -> Result<Self, Reason> {
        let trimmed = otp::typed::trimmed(&text);
        let starts_with = |scheme: &str| {
            trimmed
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        if starts_with("otpauth://") {
            Self::from_uri(trimmed)
        } else if starts_with("otpauth-migration://") {
            Err(UriError::Migration.into())
        } else if starts_with("steam://") {
            let secret = Zeroizing::new(trimmed["steam://".len()..].to_owned());
            Ok(Self::new("steam", None, None).with_base32(Some(secret)))
        } else {
            Ok(Self::new("totp", None, None).with_base32(Some(text)))
        }
    }

    /// Its title; empty where a name holds a URI.
    pub(crate) fn title(&self) -> String {
        if self.names_hold_uri() {
            return String::new();
        }
        title(&Name::tidied(&self.issuer).0, &Name::tidied(&self.account).0)
    }

    fn names_hold_uri(&self) -> bool {
        // Together, too: whoever splits names at the first colon splits a URI at its own.
        if Name::would_hold_uri(&format!("{}:{}", self.issuer, self.account)) {
            return true;
        }
        let names = [&self.issuer, &self.account].into_iter();
        let mut names = names.chain(&self.other_issuer).chain(&self.groups);
        names.any(|name| Name::would_hold_uri(name))
    }

    /// Believes it, or says why not.
    pub(crate) fn judge(self) -> Result<(Draft, Vec<Oddity>), Reason> {
        if self.names_hold_uri() {
            return Err(Reason::UriInName);
        }
        let mut odd = self.odd.clone();
        let (issuer, issuer_tidied) = Name::tidied(&self.issuer);
        let (account, account_tidied) = Name::tidied(&self.account);
        let (note, note_tidied) = Note::tidied(&self.note);
        let (groups, groups_tidied) = self.groups();
        let (kind, digits) = (self.kind()?, self.digits()?);
        let algorithm = match kind {
            Kind::Steam => Algorithm::Sha1,
            Kind::Totp { .. } | Kind::Hotp { .. } => self.algorithm()?,
        };
        let AsApps { secret, has_odd_length } = self.secret()?;
        if has_odd_length {
            odd.push(Oddity::OddLength);
        }

        if issuer.is_empty() && account.is_empty() {
            odd.push(Oddity::NoName);
        }
        if issuer_tidied || account_tidied || groups_tidied {
            odd.push(Oddity::NameTidied);
        }
        if note_tidied {
            odd.push(Oddity::NoteTidied);
        }
        let other_issuer = self.other_issuer.map(|other| Name::tidied(&other).0);
        if let Some(other) = other_issuer.filter(|other| !other.is_empty() && *other != issuer) {
            let other = other.as_str().to_owned();
            odd.push(Oddity::OtherIssuer { other });
        }
        odd.extend(Oddity::of_secret(&secret));
        if issuer.as_str().eq_ignore_ascii_case(STEAM) && kind != Kind::Steam {
            odd.push(Oddity::DigitsForSteam);
        }
        if matches!(kind, Kind::Hotp { .. }) {
            odd.push(Oddity::SharedCounter);
        }

        let mut draft = Draft::new(issuer, account, Credential::new(kind, secret, algorithm, digits));
        draft.note = note;
        draft.groups = groups;
        draft.favourite = self.favourite;
        draft.uses = self.uses;
        Ok((draft, odd))
    }

    fn kind(&self) -> Result<Kind, Reason> {
        match self.kind.to_ascii_lowercase().as_str() {
            "totp" => match self.period_s {
                None => Ok(Kind::TOTP_30_S),
                Some(period_s) => u32::try_from(period_s)
                    .ok()
                    .and_then(NonZeroU32::new)
                    .map(|period_s| Kind::Totp { period_s })
                    .ok_or(Reason::Period(period_s)),
            },
            "hotp" => {
                let counter = self.counter.unwrap_or(0);
                let counter = u64::try_from(counter).map_err(|_| Reason::Counter(counter))?;
                Ok(Kind::Hotp { counter })
            }
            "steam" => Ok(Kind::Steam),
            _ => Err(Reason::Type(shortened(&self.kind))),
        }
    }

    fn digits(&self) -> Result<EntryDigits, Reason> {
        match self.digits {
            None => Ok(EntryDigits::SIX),
            Some(digits) => u8::try_from(digits)
                .ok()
                .and_then(EntryDigits::new)
                .ok_or(Reason::Digits(digits)),
        }
    }

    fn algorithm(&self) -> Result<Algorithm, Reason> {
        let Some(text) = &self.algorithm else {
            return Ok(Algorithm::Sha1);
        };
        let name: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_uppercase();
        match name.strip_prefix("HMAC").unwrap_or(&name) {
            "SHA1" => Ok(Algorithm::Sha1),
            "SHA256" => Ok(Algorithm::Sha256),
            "SHA512" => Ok(Algorithm::Sha512),
            _ => Err(Reason::Algorithm(shortened(text))),
        }
    }

    fn secret(&self) -> Result<AsApps, Reason> {
        match &self.secret {
            None => Err(Reason::NoSecret),
            Some(ClaimedSecret::Base32(text)) if text.trim().is_empty() => Err(Reason::NoSecret),
            Some(ClaimedSecret::Base32(text)) => Ok(base32::decode_as_apps(text)?),
            Some(ClaimedSecret::Bytes(bytes)) if bytes.is_empty() => Err(Reason::NoSecret),
            Some(ClaimedSecret::Bytes(bytes)) => match Secret::from_slice(bytes) {
                Ok(secret) => Ok(AsApps {
                    secret,
                    has_odd_length: false,
                }),
                Err(_) => Err(Reason::LongSecret),
            },
        }
    }

    fn groups(&self) -> (Vec<Name>, bool) {
        let mut groups: Vec<Name> = Vec::new();
        let mut any_tidied = self.groups.len() > MAX_GROUPS;
        for group in self.groups.iter().take(MAX_GROUPS) {
            let (group, tidied) = Name::tidied(group);
            any_tidied |= tidied;
            if !group.is_empty() && !groups.contains(&group) {
                groups.push(group);
            }
        }
        (groups, any_tidied)
    }
}

/// A name of the file as an error may repeat it: short, and harmless to a terminal.
fn shortened(text: &str) -> String {
    Name::tidied(text).0.as_str().chars().take(24).collect()
}
