use std::{
    fmt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde_json::{Value, json};
use vault::{
    OpenVault,
    import::{self, ApplyError, Export, Format, ImportError, Oddity, Protection, Receipt},
};
use zeroize::Zeroizing;

use super::{DONE, Done, add::OwnersWords, print_json};
#[cfg(feature = "clipboard")]
use crate::clipboard::Copied;
use crate::{
    Refusal,
    age_file::Sealed,
    desk::{By, Desk},
    found::{MOST_NAMED, counted, described, numbered},
    picture::{Found, PART, Picture},
    prompt::{TRIES, read_line, read_whole},
};

#[derive(Args)]
#[command(after_help = formats())]
pub(super) struct Import {
    /// What the other app exported, or pictures of its QR codes; its format, see below, is known by what is in it. - for
    /// stdin
    #[arg(required = true)]
    file: Vec<PathBuf>,
    /// A file with the password of an encrypted export; or the key file of a vault, or age's file with a secret key
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Only says what would come
    #[arg(long)]
    dry_run: bool,
    /// Without asking whether it should come
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Takes the parts of a Google migration that are there, although others are missing
    #[arg(long)]
    without_missing_parts: bool,
}

/// Exports that were read, and go into the vault together or not at all.
pub(super) struct Incoming {
    exports: Vec<Export>,
    without_missing_parts: bool,
}

impl Import {
    pub(super) fn run(self, desk: &Desk<'_>) -> Done {
        let incoming = Incoming {
            exports: self.exports(desk)?,
            without_missing_parts: self.without_missing_parts,
        };
        let (vault, receipts) = incoming.looked_at(desk)?;
        if self.dry_run {
            return finish(desk, &receipts);
        }
        // Without a question each is named when it was added.
        say(&receipts, if self.yes { 0 } else { MOST_NAMED });
        all_parts(&receipts)?;
        let count: usize = receipts.iter().map(|receipt| receipt.came.len()).sum();
        if count == 0 && vault.is_none() {
            return Err(Refusal::new(
                "nothing was imported, and no vault was made: no entry can come",
            ));
        }
        let moved_on = receipts.iter().flat_map(|receipt| &receipt.doubles);
        let moved_on = moved_on.filter(|double| double.counter.is_some()).count();
        if count + moved_on > 0 && !self.yes {
            let question = match moved_on {
                0 => format!("Import {}?", counted(count)),
                1 => format!("Import {}, and move 1 counter on?", counted(count)),
                _ => format!("Import {}, and move {moved_on} counters on?", counted(count)),
            };
            if !desk
                .prompt
                .confirm(&question, "say --yes, or --dry-run to look first")?
            {
                return Err(Refusal::new("nothing was imported"));
            }
        }
        take(desk, vault, receipts)
    }

    /// One for each file.
    fn exports(&self, desk: &Desk<'_>) -> Result<Vec<Export>, Refusal> {
        let read = |path: &PathBuf| {
            let bytes = read_whole(path)?;
            let mut export = self.export(desk, path, &bytes)?;
            export.source = path.display().to_string();
            Ok(export)
        };
        self.file.iter().map(read).collect()
    }

    fn export(&self, desk: &Desk<'_>, path: &Path, bytes: &[u8]) -> Result<Export, Refusal> {
        let Err(ImportError::Age) = import::read(bytes, None) else {
            return self.export_itself(desk, path, bytes);
        };
        // what is sealed once more inside is refused: each time may cost a gibibyte
        let opened = self.opened(desk, path, bytes)?;
        let mut export = self.export_itself(desk, path, &opened)?;
        export.protection = Protection::Encrypted;
        Ok(export)
    }

    fn export_itself(&self, desk: &Desk<'_>, path: &Path, bytes: &[u8]) -> Result<Export, Refusal> {
        let refused = |error: ImportError| Refusal::new(format!("{}: {error}", path.display()));
        match import::read(bytes, None) {
            Err(ImportError::Picture) => import::read(uris_of_picture(path)?.as_bytes(), None).map_err(|_| {
                Refusal::new(format!(
                    "{}: no QR code of it is one of an authenticator entry",
                    path.display()
                ))
            }),
            Err(ImportError::Locked(format)) => {
                // What is typed wrong may be typed anew.
                let mut left = if self.password_file.is_none() { TRIES } else { 1 };
                loop {
                    let password = self.password(desk, path, format.name())?;
                    left -= 1;
                    match import::read(bytes, Some(password.as_bytes())) {
                        Err(ImportError::WrongPassword(_)) if left > 0 => eprintln!("that is not it; {left} more"),
                        read => return read.map_err(refused),
                    }
                }
            }
            Err(ImportError::LockedByKeyFile) => {
                let key = self.key(path, "a vault with a key file")?;
                import::read(bytes, Some(&key)).map_err(refused)
            }
            read => read.map_err(refused),
        }
    }

    /// What is in an age file, be it any export.
    fn opened(&self, desk: &Desk<'_>, path: &Path, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let of_file = |refusal: Refusal| Refusal {
            what: format!("{}: {}", path.display(), refusal.what),
            ..refusal
        };
        let sealed = Sealed::parse(bytes).map_err(of_file)?;
        let opened = match sealed.takes_passphrase() {
            true => sealed.open_by_passphrase(&self.password(desk, path, "age")?),
            false => sealed.open_by_keys(&self.key(path, "age, for a public key")?),
        };
        opened.map_err(of_file)
    }

    fn password(&self, desk: &Desk<'_>, path: &Path, what: &str) -> Result<Zeroizing<String>, Refusal> {
        match &self.password_file {
            Some(file) => read_line(file),
            None => {
                let question = format!("Password of {} ({what})", path.display());
                desk.prompt
                    .secret(&question, "name a file that has it with --password-file")
            }
        }
    }

    fn key(&self, path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        match &self.password_file {
            Some(file) => read_whole(file),
            None => Err(Refusal::usage(format!("{} is encrypted: {what}", path.display()))
                .help("name the file that opens it with --password-file")),
        }
    }
}

impl Incoming {
    pub(super) fn new(exports: Vec<Export>) -> Self {
        Self {
            exports,
            without_missing_parts: false,
        }
    }

    /// Without a question: who names one entry means it. Its owner may say more of it.
    pub(super) fn take_at_once(mut self, desk: &Desk<'_>, words: &OwnersWords) -> Done {
        let count: usize = self.exports.iter().map(|export| export.came().len()).sum();
        if words.name_one() && count > 1 {
            return Err(
                Refusal::usage(format!("--issuer and --account name one entry, and these are {count}"))
                    .help("leave them out, and change the names with `countersign authenticator edit`"),
            );
        }
        for came in self.exports.iter_mut().flat_map(Export::came_mut) {
            words.say_of(&mut came.draft)?;
            came.odd
                .retain(|odd| *odd != Oddity::NoName || came.draft.title().is_empty());
        }
        if count == 0 && !desk.file.exists() {
            let refused = self.exports.iter().flat_map(|export| export.refused());
            let why: Vec<String> = refused.map(ToString::to_string).collect();
            return Err(Refusal::new(format!("nothing can be added: {}", why.join("; "))));
        }
        let (vault, receipts) = self.looked_at(desk)?;
        receipts.iter().for_each(say_unusual);
        all_parts(&receipts)?;
        take(desk, vault, receipts)
    }

    /// The vault that is there, and what would come into it; or into a new one, which nobody is asked for yet.
    fn looked_at(self, desk: &Desk<'_>) -> Result<(Option<OpenVault>, Vec<Receipt>), Refusal> {
        if desk.file.exists() {
            let vault = desk.open(By::Anyone)?;
            let receipts = self.receipts(&vault);
            return Ok((Some(vault), receipts));
        }
        let none = Zeroizing::new([0; vault::MIN_KEY_FILE_LEN_BYTES]);
        let empty = OpenVault::create(vault::NewSlot::KeyFile(&*none), "", &mut desk.entropy())?;
        Ok((None, self.receipts(&empty)))
    }

    fn receipts(self, vault: &OpenVault) -> Vec<Receipt> {
        let receipts = vault.entries().dry_run_all(self.exports).into_iter();
        receipts
            .map(|receipt| match self.without_missing_parts {
                true => receipt.without_missing_parts(),
                false => receipt,
            })
            .collect()
    }
}

/// Before anything is asked or made for what would not be taken.
fn all_parts(receipts: &[Receipt]) -> Result<(), Refusal> {
    let missing: Vec<_> = receipts.iter().flat_map(|receipt| receipt.missing.clone()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Refusal::new(ApplyError::MissingParts(missing))
            .help("if they are lost, `countersign authenticator import --without-missing-parts` takes the others")),
    }
}

fn take(desk: &Desk<'_>, vault: Option<OpenVault>, receipts: Vec<Receipt>) -> Done {
    let vault = match vault {
        Some(vault) => vault,
        None => desk.open_or_create()?,
    };
    let told: Vec<Value> = receipts.iter().map(as_json).collect();
    let all_came = receipts
        .iter()
        .all(|receipt| receipt.refused.is_empty() && receipt.doubles.is_empty());
    let in_the_clear = receipts
        .iter()
        .any(|receipt| receipt.protection == Protection::InTheClear);
    let added: Vec<(String, Value)> = desk.change(vault.data_key(), |vault| {
        let mut ids = Vec::new();
        for receipt in receipts {
            ids.extend(vault.entries_mut().apply(receipt)?);
        }
        let entries = ids.iter().filter_map(|id| vault.entries().get(*id));
        Ok(entries.map(|entry| (numbered(entry), described(entry))).collect())
    })?;
    match added.as_slice() {
        [(first, _), .., (last, _)] if added.len() > MOST_NAMED => {
            eprintln!("added: {}, from {first} to {last}", counted(added.len()));
        }
        few => few.iter().for_each(|(title, _)| eprintln!("added: {title}")),
    }
    if in_the_clear && !added.is_empty() {
        eprintln!("what they came from has their secrets in the clear: delete it when the codes are accepted");
    }
    if desk.json {
        let added: Vec<Value> = added.into_iter().map(|(_, entry)| entry).collect();
        print_json(&json!({"imported": true, "added": added, "receipts": told}))?;
    }
    Ok(if all_came { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A dry run's end.
fn finish(desk: &Desk<'_>, receipts: &[Receipt]) -> Done {
    say(receipts, usize::MAX);
    if desk.json {
        let told: Vec<Value> = receipts.iter().map(as_json).collect();
        print_json(&json!({"imported": false, "added": [], "receipts": told}))?;
    }
    DONE
}

/// What would come, `named` entries of it by name; what is odd in any case.
fn say(receipts: &[Receipt], named: usize) {
    for receipt in receipts {
        let protection = match receipt.protection {
            Protection::InTheClear => "in the clear",
            Protection::Encrypted => "encrypted",
        };
        let source = match receipts {
            [_] => String::new(),
            _ => format!("{}: ", receipt.source),
        };
        eprintln!("{source}{}, {protection}: {} new", receipt.format, receipt.came.len());
        for came in receipt.came.iter().take(named) {
            eprintln!("  {}", title(came));
        }
        if named > 0 && receipt.came.len() > named {
            eprintln!("  and {} more, which --dry-run names", receipt.came.len() - named);
        }
        say_unusual(receipt);
    }
}

fn say_unusual(receipt: &Receipt) {
    for came in &receipt.came {
        came.odd
            .iter()
            .for_each(|odd| eprintln!("  odd: {}: {}: {odd}", came.place, title(came)));
    }
    receipt
        .doubles
        .iter()
        .for_each(|double| eprintln!("  double: {double}"));
    receipt
        .refused
        .iter()
        .for_each(|refused| eprintln!("  refused: {refused}"));
    receipt.missing.iter().for_each(|missing| eprintln!("  {missing}"));
    if receipt.without_code > 0 {
        eprintln!("  {} item(s) have no one-time code", receipt.without_code);
    }
}

/// What an entry will be called, which is never nothing.
fn title(came: &import::Came) -> String {
    match came.draft.title() {
        title if title.is_empty() => "(without a name)".to_owned(),
        title => title,
    }
}

fn formats() -> String {
    let names = Format::ALL.map(Format::name);
    format!("Formats: {}; and each of them encrypted with age.", names.join(", "))
}

fn as_json(receipt: &Receipt) -> Value {
    let texts = |all: Vec<String>| Value::from(all);
    let came = receipt.came.iter().map(|came| {
        json!({
            "place": came.place.to_string(),
            "issuer": came.draft.issuer.as_str(),
            "account": came.draft.account.as_str(),
            "odd": texts(came.odd.iter().map(ToString::to_string).collect()),
        })
    });
    json!({
        "source": receipt.source,
        "format": receipt.format.name(),
        "encrypted": receipt.protection == Protection::Encrypted,
        "new": came.collect::<Vec<_>>(),
        "doubles": texts(receipt.doubles.iter().map(ToString::to_string).collect()),
        "refused": texts(receipt.refused.iter().map(ToString::to_string).collect()),
        "missing": texts(receipt.missing.iter().map(ToString::to_string).collect()),
        "without_code": receipt.without_code,
    })
}

/// The URIs in a picture's QR codes, a line each.
pub(super) fn uris_of_picture(path: &Path) -> Result<Zeroizing<String>, Refusal> {
    let shown = path.display();
    let picture = Picture::parse(&read_whole(path)?).map_err(|error| Refusal::new(format!("{shown}: {error}")))?;
    uris_in(&picture.found(), &shown)
}

/// The same of all that a screen shows.
#[cfg(feature = "screen")]
pub(super) fn uris_of_screen(display: &str) -> Result<Zeroizing<String>, Refusal> {
    let picture = Picture::of_screen(display).map_err(Refusal::new)?;
    uris_in(&picture.found(), &"the screen")
}

#[cfg(not(feature = "screen"))]
pub(super) fn uris_of_screen(_: &str) -> Result<Zeroizing<String>, Refusal> {
    Err(Refusal::usage("this build cannot look at a screen")
        .help("take a screenshot and name its file, or build it with --features screen"))
}

/// The same of what was copied: the URIs themselves, or a picture.
#[cfg(feature = "clipboard")]
pub(super) fn uris_of_clipboard() -> Result<Zeroizing<String>, Refusal> {
    let mut copied = Copied::new().ok_or_else(|| {
        Refusal::new("there is no desktop whose clipboard could be read").help("save the picture and name its file")
    })?;
    let shown = "the clipboard";
    // The picture first: some programs offer one of each text, and some give a picture to whoever asks for text.
    let picture = copied
        .picture()
        .map_err(|error| Refusal::new(format!("{shown}: {error}")))?;
    let found = picture.map(|picture| picture.found());
    if let Some(found) = &found
        && !found.is_empty()
    {
        return uris_in(found, &shown);
    }
    let is_uris = |text: &Zeroizing<String>| is_uri_list(text.as_bytes());
    match (copied.text().filter(is_uris), found) {
        (Some(text), _) => Ok(text),
        (None, Some(found)) => uris_in(&found, &shown),
        (None, None) => Err(Refusal::new("the clipboard has no picture, and no otpauth URI")
            .help("copy the picture of the QR code itself, not its file, or its URI; then run this again")),
    }
}

#[cfg(not(feature = "clipboard"))]
pub(super) fn uris_of_clipboard() -> Result<Zeroizing<String>, Refusal> {
    Err(Refusal::usage("this build cannot look into the clipboard")
        .help("save the picture and name its file, or build it with --features clipboard"))
}

fn uris_in(found: &Found, shown: &dyn fmt::Display) -> Result<Zeroizing<String>, Refusal> {
    let mut lines = Zeroizing::new(String::new());
    for code in &found.codes {
        let text = code.expose_text();
        // A line break would make two lines of one text.
        match is_uri_list(text.as_bytes()) && !text.trim().contains(char::is_control) {
            true => push_line(&mut lines, text.trim()),
            false => eprintln!("{shown}: a QR code that says something else than an entry is left out"),
        }
    }
    if found.has_parts {
        eprintln!("{shown}: {PART} is left out: have all of it shown in one code");
    }
    match found.is_empty() {
        true => Err(Refusal::new(format!("{shown}: no QR code was found in it"))
            .help("cut the code out with some white around it, or photograph it from nearer")),
        false => Ok(lines),
    }
}

fn is_uri_list(bytes: &[u8]) -> bool {
    let begins = bytes.trim_ascii_start();
    let scheme = b"otpauth";
    begins.len() > scheme.len() && begins[..scheme.len()].eq_ignore_ascii_case(scheme)
}

pub(super) fn push_line(lines: &mut Zeroizing<String>, text: &str) {
    // A new buffer, so that growing leaves no copy behind.
    let mut longer = Zeroizing::new(String::with_capacity(lines.len() + text.len() + 1));
    longer.push_str(lines);
    longer.push_str(text);
    longer.push('\n');
    *lines = longer;
}
