use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, ValueEnum};
use enroll::{
    EntryDigits,
    base32::{self, AsApps},
};
use otp::{Algorithm, Secret, typed::trimmed};
use vault::{
    Credential, Draft, Kind, Name,
    import::{self, Oddity},
};
use zeroize::Zeroizing;

use super::{
    DONE, Done,
    incoming::Incoming,
    owners_words::OwnersWords,
    print_json,
    scan::{take_uris, uris_of_pictures},
};
use crate::{
    Refusal,
    found::{described, numbered},
    prompt::read_whole,
    refusal::named,
    vault_session::VaultSession,
};

#[derive(Args)]
pub(super) struct Add {
    /// A file with otpauth URIs, a line each; - for stdin
    #[arg(long, value_name = "FILE", group = "from")]
    uri_file: Option<PathBuf>,
    /// Pictures of QR codes
    #[arg(long, value_name = "FILE", num_args = 1.., group = "from")]
    picture: Vec<PathBuf>,
    /// A file with the secret in base32; - for stdin
    #[arg(long, value_name = "FILE", group = "from")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    words: OwnersWords,
    #[command(flatten)]
    codes: Codes,
}

/// How the codes of a bare secret are made; URIs say that themselves.
#[derive(Args)]
struct Codes {
    /// How its codes move on [default: totp]
    #[arg(long = "type", value_enum, conflicts_with_all = ["uri_file", "picture"])]
    kind: Option<KindName>,
    /// Its hash function [default: SHA1]
    #[arg(long, value_parser = algorithm, conflicts_with_all = ["uri_file", "picture"])]
    algorithm: Option<Algorithm>,
    /// How many digits a code has, 5 to 10 [default: 6]
    #[arg(long, value_parser = digits, conflicts_with_all = ["uri_file", "picture"])]
    digits: Option<EntryDigits>,
    /// How many seconds a code lasts [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = period, conflicts_with_all = ["uri_file", "picture"])]
    period: Option<NonZeroU32>,
    /// The counter of its next code, of type hotp [default: 0]
    #[arg(long, conflicts_with_all = ["uri_file", "picture"])]
    counter: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum KindName {
    /// By time (RFC 6238)
    Totp,
    /// By use (RFC 4226)
    Hotp,
    /// Steam Guard
    Steam,
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let is_it = |algorithm: &Algorithm| algorithm.name().eq_ignore_ascii_case(&name.replace('-', ""));
    let found = Algorithm::ALL.into_iter().find(is_it);
    found.ok_or_else(|| "SHA1, SHA256 or SHA512".into())
}

fn digits(text: &str) -> Result<EntryDigits, String> {
    let digits = text.parse().ok().and_then(EntryDigits::new);
    digits.ok_or_else(|| "5 to 10".into())
}

fn period(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "a number of seconds, 1 or more".into())
}

impl Add {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        if !self.picture.is_empty() {
            return take_uris(session, &uris_of_pictures(&self.picture)?, &self.words);
        }
        if let Some(path) = &self.uri_file {
            let export = import::read(&read_whole(path)?, None).map_err(|_| {
                Refusal::new(format!("{} has no otpauth URI", named(path)))
                    .help("`countersign authenticator import` reads what other apps export")
            })?;
            return Incoming::new(vec![export]).take_at_once(session, &self.words);
        }
        let text = match &self.secret_file {
            Some(path) => {
                let bytes = read_whole(path)?;
                let text = str::from_utf8(&bytes).map_err(|_| Refusal::usage("the secret's file is not text"))?;
                let lines = text.lines().filter(|line| !trimmed(line).is_empty());
                if lines.count() > 1 {
                    return Err(Refusal::usage(format!("{} has several lines", named(path)))
                        .help("name a file with one secret; --uri-file takes several otpauth URIs"));
                }
                Zeroizing::new(text.to_owned())
            }
            None => {
                let remedy = "name a file with --uri-file, --picture or --secret-file";
                session
                    .prompt
                    .secret("Its otpauth URI, or its secret in base32", remedy)?
            }
        };
        if is_uri(&text) {
            self.codes.are_left_to_the_uri()?;
            let export = import::read(text.as_bytes(), None).map_err(Refusal::new)?;
            return Incoming::new(vec![export]).take_at_once(session, &self.words);
        }
        self.by_hand(session, &text)
    }

    fn by_hand(mut self, session: &VaultSession<'_>, secret: &str) -> Done {
        let AsApps { secret, has_odd_length } = base32::decode_as_apps(secret).map_err(Refusal::usage)?;
        let odd = has_odd_length.then_some(Oddity::OddLength);
        let mut odd: Vec<Oddity> = odd.into_iter().chain(Oddity::of_secret(&secret)).collect();
        let credential = self.codes.credential(secret)?;
        if !self.words.name_one() {
            self.words.ask_names(session)?;
        }
        let mut draft = Draft::new(Name::default(), Name::default(), credential);
        self.words.say_of(&mut draft)?;
        let vault = session.open_or_create()?;
        let (said, shown) = session.change(vault.data_key(), |vault| {
            if let Some(same) = vault.entries().double_of(&draft) {
                return Err(Refusal::new(format!("the vault has it already: {}", numbered(same))));
            }
            if let Some(same) = vault.entries().same_as(&draft.credential) {
                let other = numbered(same);
                odd.push(Oddity::SameSecret { other });
            }
            draft.groups = vault.entries().groups().spelt_once(draft.groups);
            let id = vault.entries_mut().add(draft)?;
            let entry = vault.entries().get(id).ok_or(vault::CounterError::NoSuchEntry)?;
            Ok((numbered(entry), described(entry)))
        })?;
        for odd in odd {
            eprintln!("  odd: {said}: {odd}");
        }
        eprintln!("added: {said}");
        if session.json {
            print_json(&serde_json::json!([shown]))?;
        }
        DONE
    }
}

/// An otpauth URI, or a mistaken one.
fn is_uri(text: &str) -> bool {
    const SCHEME: &str = "otpauth";
    let start = trimmed(text).get(..SCHEME.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
}

impl Codes {
    fn are_left_to_the_uri(&self) -> Result<(), Refusal> {
        match self.kind.is_some() || self.has_numbers() {
            true => Err(Refusal::usage("an otpauth URI says itself how its codes are made")
                .help("leave out --type, --algorithm, --digits, --period and --counter")),
            false => Ok(()),
        }
    }

    fn has_numbers(&self) -> bool {
        self.algorithm.is_some() || self.digits.is_some() || self.period.is_some() || self.counter.is_some()
    }

    fn credential(&self, secret: Secret) -> Result<Credential, Refusal> {
        let misplaced = |what| Err(Refusal::usage(what).help("leave it out"));
        let kind = match self.kind.unwrap_or(KindName::Totp) {
            KindName::Totp if self.counter.is_some() => return misplaced("--counter is for --type hotp"),
            KindName::Hotp if self.period.is_some() => return misplaced("--period is for --type totp"),
            KindName::Steam if self.has_numbers() => {
                return misplaced("--type steam has an algorithm, digits and a period of its own");
            }
            KindName::Totp => self.period.map_or(Kind::TOTP_30_S, |period_s| Kind::Totp { period_s }),
            KindName::Hotp => Kind::Hotp {
                counter: self.counter.unwrap_or(0),
            },
            KindName::Steam => Kind::Steam,
        };
        let algorithm = self.algorithm.unwrap_or(Algorithm::Sha1);
        Ok(Credential::new(
            kind,
            secret,
            algorithm,
            self.digits.unwrap_or(EntryDigits::SIX),
        ))
    }
}
