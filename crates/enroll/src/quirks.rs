//! Quirks of well-known apps: what they ignore, to be said before a user wonders why every code is wrong.
//!
//! An app that ignores a parameter still shows codes, only wrong ones, which is why a binding ends
//! with a code that was checked and never with "scanned".

use std::fmt;

use otp::{Algorithm, Parameters, Period};

use crate::{Entry, EntryDigits, Kind};

/// An authenticator app that is known to ignore something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum App {
    /// Google Authenticator.
    Google,
    /// Microsoft Authenticator.
    Microsoft,
    /// Twilio Authy.
    Authy,
    /// Duo Mobile.
    Duo,
}

impl App {
    /// Its name, as its users know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Google => "Google Authenticator",
            Self::Microsoft => "Microsoft Authenticator",
            Self::Authy => "Authy",
            Self::Duo => "Duo Mobile",
        }
    }
}

/// The part of an entry that an app ignores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// The hash function: it computes SHA-1. Its codes will be wrong.
    Algorithm,
    /// The digits: it has shown 6 on Android. Its codes may be wrong.
    Digits,
    /// The period: it has used 30 s on Android. Its codes may be wrong.
    Period,
    /// The issuer in the label; only the name that it shows is concerned.
    IssuerPrefix,
    /// The issuer in the parameter; only the name that it shows is concerned.
    IssuerParameter,
}

/// A quirk: one app and what it ignores. Displayed as an English sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirk {
    /// Who ignores it.
    pub app: App,
    /// What is ignored.
    pub ignored: Ignored,
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let app = self.app.name();
        match self.ignored {
            Ignored::Algorithm => write!(f, "{app} always computes SHA-1: its codes will be wrong"),
            Ignored::Digits => {
                write!(
                    f,
                    "{app} on Android has ignored the digits: it may show 6, and wrong codes"
                )
            }
            Ignored::Period => {
                write!(
                    f,
                    "{app} on Android has ignored the period: it may use 30 s, and be wrong"
                )
            }
            Ignored::IssuerPrefix => write!(f, "{app} does not show the issuer before the colon"),
            Ignored::IssuerParameter => write!(f, "{app} does not show the issuer parameter"),
        }
    }
}

/// The quirks that apps would have with codes with these parameters, before a secret exists. Empty for
/// [`Parameters::DEFAULT`].
pub fn quirks_of(parameters: Parameters) -> Vec<Quirk> {
    let period_s = parameters.period.get_s();
    of_codes(parameters.algorithm, parameters.digits.into(), Some(period_s))
}

pub(crate) fn of_entry(entry: &Entry) -> Vec<Quirk> {
    let mut quirks = match entry.kind {
        Kind::Totp { period_s } => of_codes(entry.algorithm, entry.digits, Some(period_s.get())),
        Kind::Hotp { .. } => of_codes(entry.algorithm, entry.digits, None),
        // Fixed by the kind: an app that knows Steam ignores nothing.
        Kind::Steam => Vec::new(),
    };
    if entry.issuer_prefix != entry.issuer_parameter {
        if entry.issuer_prefix.is_some() {
            quirks.push(Quirk {
                app: App::Google,
                ignored: Ignored::IssuerPrefix,
            });
        }
        if entry.issuer_parameter.is_some() {
            quirks.push(Quirk {
                app: App::Microsoft,
                ignored: Ignored::IssuerParameter,
            });
        }
    }
    quirks
}

fn of_codes(algorithm: Algorithm, digits: EntryDigits, period_s: Option<u32>) -> Vec<Quirk> {
    let mut quirks = Vec::new();
    if algorithm != Algorithm::Sha1 {
        quirks.extend([App::Microsoft, App::Authy, App::Duo].map(|app| Quirk {
            app,
            ignored: Ignored::Algorithm,
        }));
    }
    if digits != EntryDigits::SIX {
        quirks.push(Quirk {
            app: App::Google,
            ignored: Ignored::Digits,
        });
    }
    if period_s.is_some_and(|period_s| period_s != Period::THIRTY.get_s()) {
        quirks.push(Quirk {
            app: App::Google,
            ignored: Ignored::Period,
        });
    }
    quirks
}
