use std::{
    fs::OpenOptions,
    io::{IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use age::x25519;
use clap::{Args, ValueEnum};
use otp::Secret;
use vault::{Credential, Draft, Entry, NewSlot, OpenVault, export::google};
use zeroize::Zeroizing;

use super::{DONE, Done, import::push_line, print, show::qr_of};
use crate::{
    LOCK_WAIT, Refusal, VaultFile,
    age_file::{Recipients, seal},
    desk::{By, Desk, new_passphrase},
    otpauth::uri_of,
    prompt::{read_line, read_whole},
};

#[derive(Args)]
pub(super) struct Export {
    /// Into what
    #[arg(value_enum)]
    format: FormatName,
    /// The file to be written, which must not be there; stdout where there is none
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Says that the secrets shall be readable by whoever gets the file
    #[arg(long)]
    plain: bool,
    /// Who may open it, with age: age1…
    #[arg(long, value_name = "PUBLIC KEY")]
    recipient: Vec<String>,
    /// A file with the passphrase that shall open it
    #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
    export_passphrase_file: Option<PathBuf>,
    /// A key file that shall open it, of format vault
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipient", "export_passphrase_file"])]
    export_key_file: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// otpauth URIs, a line each, in the clear: most apps read it
    Otpauth,
    /// QR codes for Google Authenticator on a terminal, and else their URIs, a line each, in the clear
    Google,
    /// The otpauth URIs, encrypted with age: for backups that other programs can open
    Age,
    /// A vault of its own, with groups, notes and counters
    Vault,
}

const BY_FILE: &str = "name a file that has it with --export-passphrase-file";

impl Export {
    pub(super) fn run(self, desk: &Desk<'_>) -> Done {
        self.check_key()?;
        let vault = match (self.format, &self.output) {
            (FormatName::Otpauth | FormatName::Google, _) if !self.plain => {
                return Err(Refusal::usage("this would write every secret in the clear")
                    .help("say --plain if it shall, or export age or vault"));
            }
            (FormatName::Vault, None) => return Err(Refusal::usage("a vault is a file").help("say --output FILE")),
            (FormatName::Age, None) if std::io::stdout().is_terminal() => {
                return Err(Refusal::usage("a terminal cannot show it").help("say --output FILE"));
            }
            _ => desk.open(By::Person)?,
        };
        match self.format {
            FormatName::Otpauth => {
                let list = uri_list(&vault);
                match &self.output {
                    Some(path) => write_new(path, list.as_bytes())?,
                    None => print(&list)?,
                }
                eprintln!("whoever reads it can make all these codes for ever: delete it when it has served");
            }
            FormatName::Google => self.for_google(desk, &vault)?,
            FormatName::Age => {
                let sealed = self.with_age(desk, uri_list(&vault).as_bytes())?;
                match &self.output {
                    Some(path) => write_new(path, &sealed)?,
                    None => std::io::stdout().write_all(&sealed).map_err(Refusal::new)?,
                }
            }
            FormatName::Vault => self.as_vault(desk, &vault)?,
        }
        if self.format != FormatName::Google {
            eprintln!("exported: {} entries", vault.entries().len());
        }
        let is_more = |entry: &Entry| !entry.note.is_empty() || !entry.groups.is_empty() || entry.favourite;
        let more = vault.entries().iter().filter(|entry| is_more(entry)).count();
        if self.format != FormatName::Vault && more > 0 {
            eprintln!("URIs have no room for notes, groups and favourites: {more} entries come without");
        }
        DONE
    }

    /// Whoever named a key for a format that has none must not get secrets in the clear.
    fn check_key(&self) -> Result<(), Refusal> {
        let taken = match self.format {
            FormatName::Otpauth | FormatName::Google => [false, false, false],
            FormatName::Age => [true, true, false],
            FormatName::Vault => [false, true, true],
        };
        let given = [
            ("--recipient", !self.recipient.is_empty()),
            ("--export-passphrase-file", self.export_passphrase_file.is_some()),
            ("--export-key-file", self.export_key_file.is_some()),
        ];
        match given
            .iter()
            .zip(taken)
            .find(|((_, is_given), is_taken)| *is_given && !is_taken)
        {
            Some(((name, _), _)) => Err(Refusal::usage(format!("this format does not go with {name}"))),
            None => Ok(()),
        }
    }

    fn for_google(&self, desk: &Desk<'_>, vault: &OpenVault) -> Result<(), Refusal> {
        let mut batch_id = [0; 4];
        desk.entropy()(&mut batch_id).map_err(Refusal::new)?;
        let migration = google(vault.entries().iter(), i32::from_le_bytes(batch_id));
        let parts = migration.uris.len();
        let is_shown = self.output.is_none() && std::io::stdout().is_terminal();
        let mut lines = Zeroizing::new(String::new());
        for (uri, part) in migration.uris.iter().zip(1..) {
            if !is_shown {
                push_line(&mut lines, uri);
                continue;
            }
            print(&qr_of(uri, desk.machine.no_color)?)?;
            eprintln!("code {part} of {parts}: scan it with Google Authenticator, \"Transfer accounts\"");
            if part < parts && !desk.prompt.confirm("Show the next one?", "say --output FILE")? {
                return Err(Refusal::new(
                    "not all codes were shown: Google Authenticator takes all or nothing",
                ));
            }
        }
        match &self.output {
            Some(path) => write_new(path, lines.as_bytes())?,
            None => print(&lines)?,
        }
        migration
            .refused
            .iter()
            .for_each(|refused| eprintln!("left out: {refused}"));
        eprintln!("exported: {} entries", migration.exported.len());
        eprintln!("whoever reads it can make all these codes for ever: delete it when it has served");
        Ok(())
    }

    fn passphrase(&self, desk: &Desk<'_>) -> Result<Zeroizing<String>, Refusal> {
        match &self.export_passphrase_file {
            Some(path) => read_line(path),
            None => desk.prompt.new_secret("A passphrase for the export", BY_FILE),
        }
    }

    fn with_age(&self, desk: &Desk<'_>, plain: &[u8]) -> Result<Vec<u8>, Refusal> {
        if self.recipient.is_empty() {
            return seal(plain, &Recipients::Passphrase(self.passphrase(desk)?));
        }
        let keys = self.recipient.iter().map(|key| {
            let no_key = |why| Refusal::usage(format!("{key} is no public key of age: {why}"));
            key.parse::<x25519::Recipient>().map_err(no_key)
        });
        seal(plain, &Recipients::Keys(keys.collect::<Result<_, _>>()?))
    }

    fn as_vault(&self, desk: &Desk<'_>, vault: &OpenVault) -> Result<(), Refusal> {
        let mut entropy = desk.entropy();
        let (passphrase, key);
        let slot = match &self.export_key_file {
            Some(path) => {
                key = read_whole(path)?;
                NewSlot::KeyFile(&key)
            }
            None => {
                passphrase = self.passphrase(desk)?;
                new_passphrase(&passphrase)
            }
        };
        let mut copy = OpenVault::create(slot, "", &mut entropy)?;
        for entry in vault.entries().iter() {
            copy.entries_mut().add(copied(entry)?)?;
        }
        let path = self.output.as_deref().unwrap_or(Path::new(""));
        VaultFile::at(path).lock(LOCK_WAIT)?.create(&copy.save(&mut entropy)?)?;
        Ok(())
    }
}

fn copied(entry: &Entry) -> Result<Draft, Refusal> {
    let credential = entry.credential();
    let secret = Secret::from_slice(credential.secret().expose_secret()).map_err(Refusal::new)?;
    let credential = Credential::new(credential.kind(), secret, credential.algorithm(), credential.digits());
    Ok(Draft {
        note: entry.note.clone(),
        groups: entry.groups.clone(),
        favourite: entry.favourite,
        uses: entry.uses(),
        ..Draft::new(entry.issuer.clone(), entry.account.clone(), credential)
    })
}

fn uri_list(vault: &OpenVault) -> Zeroizing<String> {
    let uris: Vec<_> = vault.entries().iter().map(uri_of).collect();
    let mut list = Zeroizing::new(String::with_capacity(uris.iter().map(|uri| uri.len() + 1).sum()));
    for uri in uris {
        list.push_str(&uri);
        list.push('\n');
    }
    list
}

/// A new file that nobody else may read; never over something, never half.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let shown = path.display();
    let failed =
        |error| Refusal::new(format!("{shown} cannot be written: {error}")).help("name a file that is not there");
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _half = std::fs::remove_file(path);
        failed(error)
    })
}
