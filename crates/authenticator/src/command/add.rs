use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, ValueEnum};
use enroll::{EntryDigits, base32};
use otp::Algorithm;
use vault::{Credential, Draft, Kind, Name, Note, import};
use zeroize::Zeroizing;

use super::{
    DONE, Done,
    import::{Incoming, push_line, uris_of_clipboard, uris_of_picture, uris_of_screen},
    print_json,
};
use crate::{
    Refusal,
    desk::Desk,
    found::{described, numbered},
    prompt::read_whole,
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
    /// The service's name
    #[arg(long, conflicts_with_all = ["uri_file", "picture"])]
    issuer: Option<String>,
    /// The user's name there
    #[arg(long, conflicts_with_all = ["uri_file", "picture"])]
    account: Option<String>,
    /// How its codes move on
    #[arg(long = "type", value_enum, default_value = "totp", conflicts_with_all = ["uri_file", "picture"])]
    kind: KindName,
    /// Its hash function
    #[arg(long, default_value = "SHA1", value_parser = algorithm, conflicts_with_all = ["uri_file", "picture"])]
    algorithm: Algorithm,
    /// How many digits a code has, 5 to 10
    #[arg(long, default_value = "6", value_parser = digits, conflicts_with_all = ["uri_file", "picture"])]
    digits: EntryDigits,
    /// How many seconds a code lasts
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = period, conflicts_with_all = ["uri_file", "picture"])]
    period: NonZeroU32,
    /// The counter of its next code, of type hotp
    #[arg(long, default_value_t = 0, conflicts_with_all = ["uri_file", "picture"])]
    counter: u64,
    /// What is to be remembered of it
    #[arg(long, conflicts_with_all = ["uri_file", "picture"])]
    note: Option<String>,
    /// Puts it into a group
    #[arg(long, value_name = "NAME", conflicts_with_all = ["uri_file", "picture"])]
    group: Vec<String>,
    /// Shows it first
    #[arg(long, conflicts_with_all = ["uri_file", "picture"])]
    favourite: bool,
}

#[derive(Args)]
pub(super) struct Scan {
    /// The pictures: screenshots, photographs
    #[arg(required_unless_present_any = ["screen", "clipboard"], value_name = "PICTURE")]
    picture: Vec<PathBuf>,
    /// Looks for them on the screen, of X11
    #[arg(long, requires = "display")]
    screen: bool,
    /// Looks for them in the picture that was copied to the desktop's clipboard; an otpauth URI there is taken, too
    #[arg(long)]
    clipboard: bool,
    /// Which screen
    #[arg(long, value_name = "DISPLAY", env = "DISPLAY")]
    display: Option<String>,
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

impl Scan {
    pub(super) fn run(self, desk: &Desk<'_>) -> Done {
        let mut lines = uris_of_pictures(&self.picture)?;
        if let Some(display) = self.display.filter(|_| self.screen) {
            push_line(&mut lines, &uris_of_screen(&display)?);
        }
        if self.clipboard {
            push_line(&mut lines, &uris_of_clipboard()?);
        }
        take(desk, &lines)
    }
}

fn uris_of_pictures(pictures: &[PathBuf]) -> Result<Zeroizing<String>, Refusal> {
    let mut lines = Zeroizing::new(String::new());
    for picture in pictures {
        push_line(&mut lines, &uris_of_picture(picture)?);
    }
    Ok(lines)
}

fn take(desk: &Desk<'_>, lines: &str) -> Done {
    let export = import::read(lines.as_bytes(), None)
        .map_err(|_| Refusal::new("no QR code of these pictures is one of an authenticator entry"))?;
    Incoming::new(vec![export]).take_at_once(desk)
}

impl Add {
    pub(super) fn run(self, desk: &Desk<'_>) -> Done {
        if !self.picture.is_empty() {
            return take(desk, &uris_of_pictures(&self.picture)?);
        }
        if let Some(path) = &self.uri_file {
            let export = import::read(&read_whole(path)?, None).map_err(|_| {
                Refusal::new(format!("{} has no otpauth URI", path.display()))
                    .help("`countersign authenticator import` reads what other apps export")
            })?;
            return Incoming::new(vec![export]).take_at_once(desk);
        }
        let text = match &self.secret_file {
            Some(path) => {
                let bytes = read_whole(path)?;
                let text = str::from_utf8(&bytes).map_err(|_| Refusal::usage("the secret's file is not text"))?;
                Zeroizing::new(text.to_owned())
            }
            None => {
                let remedy = "name a file with --uri-file, --picture or --secret-file";
                desk.prompt.secret("Its otpauth URI, or its secret in base32", remedy)?
            }
        };
        if text.trim_start().to_ascii_lowercase().starts_with("otpauth") {
            let export = import::read(text.as_bytes(), None).map_err(Refusal::new)?;
            return Incoming::new(vec![export]).take_at_once(desk);
        }
        self.by_hand(desk, &text)
    }

    fn by_hand(self, desk: &Desk<'_>, secret: &str) -> Done {
        let secret = base32::decode(secret).map_err(Refusal::usage)?;
        let name = |text: Option<String>| Name::new(&text.unwrap_or_default());
        let (issuer, account) = (name(self.issuer)?, name(self.account)?);
        if issuer.is_empty() && account.is_empty() {
            return Err(Refusal::usage("an entry needs a name").help("say --issuer, --account or both"));
        }
        let kind = match self.kind {
            KindName::Totp => Kind::Totp { period_s: self.period },
            KindName::Hotp => Kind::Hotp { counter: self.counter },
            KindName::Steam => Kind::Steam,
        };
        let credential = Credential::new(kind, secret, self.algorithm, self.digits);
        let mut draft = Draft::new(issuer, account, credential);
        draft.note = Note::new(&self.note.unwrap_or_default())?;
        draft.favourite = self.favourite;
        for group in &self.group {
            let group = Name::new(group)?;
            if !group.is_empty() && !draft.groups.contains(&group) {
                draft.groups.push(group);
            }
        }
        let vault = desk.open_or_create()?;
        let (said, shown) = desk.change(vault.data_key(), |vault| {
            if let Some(same) = vault.entries().same_as(&draft.credential) {
                return Err(Refusal::new(format!("the vault has it already: {}", numbered(same))));
            }
            let id = vault.entries_mut().add(draft)?;
            let entry = vault.entries().get(id).ok_or(vault::CounterError::NoSuchEntry)?;
            Ok((numbered(entry), described(entry)))
        })?;
        eprintln!("added: {said}");
        if desk.json {
            print_json(&serde_json::json!([shown]))?;
        }
        DONE
    }
}
