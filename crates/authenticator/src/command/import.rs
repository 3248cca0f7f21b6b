use std::path::{Path, PathBuf};

use clap::Args;
use vault::import::{self, Export, Format, ImportError, Protection};
use zeroize::Zeroizing;

use super::{
    Done,
    incoming::{Incoming, all_parts, finish, say, take},
    scan::uris_of_picture_in,
};
use crate::{
    Refusal,
    age_file::Sealed,
    found::{MOST_NAMED, counted},
    prompt::{TRIES, read_passphrase, read_secret, read_whole},
    refusal::named,
    vault_session::VaultSession,
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

impl Import {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let incoming = Incoming {
            exports: self.exports(session)?,
            without_missing_parts: self.without_missing_parts,
        };
        let (vault, receipts) = incoming.looked_at(session)?;
        if self.dry_run {
            return finish(session, &receipts);
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
            if !session
                .prompt
                .confirm(&question, "say --yes, or --dry-run to look first")?
            {
                return Err(Refusal::new("nothing was imported"));
            }
        }
        take(session, vault, receipts)
    }

    /// Reads the export of each file.
    fn exports(&self, session: &VaultSession<'_>) -> Result<Vec<Export>, Refusal> {
        let read = |path: &PathBuf| {
            let bytes = read_whole(path)?;
            let mut export = self.export(session, path, &bytes)?;
            export.source = named(path);
            Ok(export)
        };
        self.file.iter().map(read).collect()
    }

    fn export(&self, session: &VaultSession<'_>, path: &Path, bytes: &[u8]) -> Result<Export, Refusal> {
        let Err(ImportError::Age) = import::read(bytes, None) else {
            return self.export_itself(session, path, bytes);
        };
        // what is sealed once more inside is refused: each time may cost a gibibyte
        let opened = self.opened(session, path, bytes)?;
        let mut export = self.export_itself(session, path, &opened)?;
        export.protection = Protection::Encrypted;
        Ok(export)
    }

    fn export_itself(&self, session: &VaultSession<'_>, path: &Path, bytes: &[u8]) -> Result<Export, Refusal> {
        let refused = |error: ImportError| Refusal::new(format!("{}: {error}", named(path)));
        match import::read(bytes, None) {
            Err(ImportError::Picture) => {
                import::read(uris_of_picture_in(bytes, path)?.as_bytes(), None).map_err(|_| {
                    Refusal::new(format!(
                        "{}: no QR code of it is one of an authenticator entry",
                        named(path)
                    ))
                })
            }
            Err(ImportError::Locked(format)) => {
                // What is typed wrong may be typed anew.
                let mut left = if self.password_file.is_none() { TRIES } else { 1 };
                loop {
                    let password = self.password(session, path, format.name())?;
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

    /// Decrypts an age file, whatever export is in it.
    fn opened(&self, session: &VaultSession<'_>, path: &Path, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let of_file = |refusal: Refusal| Refusal {
            what: format!("{}: {}", named(path), refusal.what),
            ..refusal
        };
        let sealed = Sealed::parse(bytes).map_err(of_file)?;
        let opened = match sealed.takes_passphrase() {
            true => sealed.open_by_passphrase(&self.password(session, path, "age")?),
            false => sealed.open_by_keys(&self.key(path, "age, for a public key")?),
        };
        opened.map_err(of_file)
    }

    fn password(&self, session: &VaultSession<'_>, path: &Path, what: &str) -> Result<Zeroizing<String>, Refusal> {
        match &self.password_file {
            Some(file) => read_passphrase(file),
            None => {
                let question = format!("Password of {} ({what})", named(path));
                session
                    .prompt
                    .secret(&question, "name a file that has it with --password-file")
            }
        }
    }

    fn key(&self, path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        match &self.password_file {
            Some(file) => read_secret(file),
            None => Err(Refusal::usage(format!("{} is encrypted: {what}", named(path)))
                .help("name the file that opens it with --password-file")),
        }
    }
}

fn formats() -> String {
    let names = Format::ALL.map(Format::name);
    format!("Formats: {}; and each of them encrypted with age.", names.join(", "))
}
