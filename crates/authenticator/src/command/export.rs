use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use age::x25519;
use clap::{Args, ValueEnum};
use vault::{Entry, NewSlot, OpenVault, export::google};
use zeroize::Zeroizing;

use super::{Done, print, print_bytes, show::print_qr};
use crate::{
    Refusal,
    age_file::{Recipients, seal},
    found::counted,
    otpauth::{push_line, uri_of},
    prompt::read_secret,
    refusal::named,
    vault_file::{parent, sync_dir},
    vault_session::{By, VaultSession, new_passphrase},
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
    /// A vault of its own, with all that this one has
    Vault,
}

const BY_FILE: &str = "name a file that has it with --export-passphrase-file";

impl Export {
    pub(super) fn run(mut self, session: &VaultSession<'_>) -> Done {
        self.output = self.output.filter(|path| path.as_os_str() != "-");
        if session.json {
            return Err(Refusal::usage("an export is written as its format has it").help("leave --json out"));
        }
        self.check_key()?;
        let is_plain = matches!(self.format, FormatName::Otpauth | FormatName::Google);
        let mut vault = match (self.format, &self.output) {
            _ if is_plain && !self.plain => {
                return Err(Refusal::usage("this would write every secret in the clear")
                    .help("say --plain if it shall, or export age or vault"));
            }
            (FormatName::Vault, None) => return Err(Refusal::usage("a vault is a file").help("say --output FILE")),
            (FormatName::Age, None) if std::io::stdout().is_terminal() => {
                return Err(Refusal::usage("a terminal cannot show it").help("say --output FILE"));
            }
            _ => session.open(By::Person)?,
        };
        if is_plain {
            eprintln!("whoever reads it can make all these codes for ever: delete it when it has served");
            let is_shown = self.output.is_none() && std::io::stdout().is_terminal();
            if is_shown && !session.prompt.confirm("Show every secret here?", "say --output FILE")? {
                return Err(Refusal::new("nothing was shown"));
            }
        }
        let mut all_left = true;
        match self.format {
            FormatName::Otpauth => {
                let list = uri_list(&vault);
                match &self.output {
                    Some(path) => write_new(path, list.as_bytes())?,
                    None => print(&list)?,
                }
            }
            FormatName::Google => all_left = self.for_google(session, &vault)?,
            FormatName::Age => {
                let sealed = self.with_age(session, uri_list(&vault).as_bytes())?;
                match &self.output {
                    Some(path) => write_new(path, &sealed)?,
                    None => print_bytes(&sealed)?,
                }
            }
            FormatName::Vault => self.as_vault(session, &mut vault)?,
        }
        if self.format != FormatName::Google {
            eprintln!("exported: {}", counted(vault.entries().len()));
        }
        match (vault.entries().kept_unread(), self.format) {
            (0, _) => {}
            (unread, FormatName::Vault) => {
                eprintln!("exported, too: {unread} records of a newer version, unread");
            }
            (unread, _) => eprintln!("left out: {unread} records of a newer version, which alone can read them"),
        }
        let is_more = |entry: &Entry| !entry.note.is_empty() || !entry.groups.is_empty() || entry.favourite;
        let more = vault.entries().iter().filter(|entry| is_more(entry)).count();
        if self.format != FormatName::Vault && more > 0 {
            eprintln!("URIs have no room for notes, groups and favourites: {more} entries come without");
        }
        Ok(if all_left { ExitCode::SUCCESS } else { ExitCode::from(1) })
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

    /// Says whether nothing was left out.
    fn for_google(&self, session: &VaultSession<'_>, vault: &OpenVault) -> Result<bool, Refusal> {
        let mut batch_id = [0; 4];
        session.entropy()(&mut batch_id).map_err(Refusal::new)?;
        let migration = google(vault.entries().iter(), i32::from_le_bytes(batch_id));
        migration
            .refused
            .iter()
            .for_each(|refused| eprintln!("left out: {refused}"));
        if migration.exported.is_empty() {
            return Err(Refusal::new(
                "nothing was exported: Google Authenticator takes none of the entries",
            ));
        }
        let parts = migration.uris.len();
        let is_shown = self.output.is_none() && std::io::stdout().is_terminal();
        let mut lines = Zeroizing::new(String::new());
        for (uri, part) in migration.uris.iter().zip(1..) {
            if !is_shown {
                push_line(&mut lines, uri);
                continue;
            }
            print_qr(uri, session.machine.no_color)?;
            eprintln!("code {part} of {parts}: scan it with Google Authenticator, \"Transfer accounts\"");
            if part < parts && !session.prompt.confirm("Show the next one?", "say --output FILE")? {
                return Err(Refusal::new(
                    "not all codes were shown: Google Authenticator takes all or nothing",
                ));
            }
        }
        match &self.output {
            Some(path) => write_new(path, lines.as_bytes())?,
            None => print(&lines)?,
        }
        eprintln!("exported: {}", counted(migration.exported.len()));
        Ok(migration.refused.is_empty())
    }

    fn passphrase(&self, session: &VaultSession<'_>) -> Result<Zeroizing<String>, Refusal> {
        let file = self.export_passphrase_file.as_deref();
        session
            .prompt
            .new_passphrase(file, "A passphrase for the export", BY_FILE)
    }

    fn with_age(&self, session: &VaultSession<'_>, plain: &[u8]) -> Result<Vec<u8>, Refusal> {
        if self.recipient.is_empty() {
            return seal(plain, &Recipients::Passphrase(self.passphrase(session)?));
        }
        let keys = self.recipient.iter().map(|key| {
            let no_key = |why| Refusal::usage(format!("{key} is no public key of age: {why}"));
            key.parse::<x25519::Recipient>().map_err(no_key)
        });
        seal(plain, &Recipients::Keys(keys.collect::<Result<_, _>>()?))
    }

    /// The vault that was read, under another key: nothing of it has to be copied, and what a newer version wrote goes along.
    fn as_vault(&self, session: &VaultSession<'_>, vault: &mut OpenVault) -> Result<(), Refusal> {
        let mut entropy = session.entropy();
        let (passphrase, key);
        let slot = match &self.export_key_file {
            Some(path) => {
                key = read_secret(path)?;
                NewSlot::KeyFile(&key)
            }
            None => {
                passphrase = self.passphrase(session)?;
                new_passphrase(&passphrase)
            }
        };
        vault.rekey(slot, "", &mut entropy)?;
        let path = self.output.as_deref().unwrap_or(Path::new(""));
        write_new(path, &vault.save(&mut entropy)?)
    }
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

/// A new file that nobody else may read; never over something. What a failure left is taken away; what a crash left has the
/// name that was asked for, so that secrets in the clear do not stay behind unseen.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let shown = named(path);
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Refusal::new(format!("{shown} exists already and is not overwritten"))
            .help("move it away, or name another file"),
        ErrorKind::StorageFull => Refusal::new(format!("{shown} cannot be written: the disk is full"))
            .help("make room, or name a file on another disk"),
        _ => Refusal::new(format!("{shown} cannot be written: {error}")).help("name a file where you may make one"),
    };
    let directory = File::open(parent(path)).map_err(failed)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.and_then(|()| sync_dir(&directory)).map_err(|error| {
        let _half = fs::remove_file(path);
        failed(error)
    })
}
