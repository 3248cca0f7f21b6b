use std::path::PathBuf;

use clap::Args;
use enroll::Entry;
use serde_json::Value;
use vault::{Draft, EntryId, OpenVault};
use zeroize::Zeroizing;

use super::{DONE, Done, stdout_takes, write_out};
use crate::{Refusal, found::numbered, prompt::read_line, vault_session::VaultSession};

/// Whose device this authenticator becomes, and at which service.
#[derive(Args)]
pub struct Bind {
    /// The account
    pub account: String,
    /// The user under it
    pub user: String,
    /// The service
    #[arg(
        long,
        value_name = "URL",
        env = "COUNTERSIGN_SERVER",
        default_value = "http://127.0.0.1:8700"
    )]
    pub server: String,
    /// The file of an API key [default: admin.key in the service's data directory]
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_API_KEY_FILE")]
    pub api_key_file: Option<PathBuf>,
    /// The service's data directory, for its admin.key
    #[arg(long, value_name = "DIR", env = "COUNTERSIGN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// The device that ends when this one is bound; asks for a code of it
    #[arg(long, value_name = "DEVICE")]
    pub replaces: Option<String>,
    /// A file with that code, for where nobody can be asked
    #[arg(long, value_name = "FILE", requires = "replaces")]
    code_file: Option<PathBuf>,
}

/// A service that binds authenticators, while it binds one. How it is spoken to is the caller's business, and that its words
/// have nothing that disturbs a terminal.
pub trait Binding {
    /// Begins: the otpauth URI that an app would scan. A device that it replaces says so by its code.
    ///
    /// # Errors
    /// Why it does not; nothing has begun then.
    fn begin(&mut self, code_of_replaced: Option<&str>) -> Result<Zeroizing<String>, Refusal>;

    /// Proves by a code that the secret has arrived; what the service says of the device.
    ///
    /// # Errors
    /// [`Unconfirmed`], which tells a no from silence.
    fn confirm(&mut self, code: &str) -> Result<Value, Unconfirmed>;

    /// Ends what was begun and not confirmed. A service that does not hear it ends it by itself.
    fn abandon(&mut self);
}

/// Why a binding was not confirmed.
pub enum Unconfirmed {
    /// The service said no.
    Refused(Refusal),
    /// Nobody knows whether the device is bound.
    Unclear(Refusal),
}

impl Bind {
    /// The secret is in the vault, on disk, before the service is told that it arrived: whatever is cut off, no device is
    /// bound that nobody has.
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        // Recovery codes are shown once.
        stdout_takes()
            .map_err(|error| Refusal::new(format!("nothing can be written, so nothing is bound: {error}")))?;
        // First the service: nobody makes a vault and thinks of a passphrase for one that does not answer.
        let mut service = (session.machine.connect)(&self)?;
        let uri = service.begin(self.code_of_replaced(session)?.as_deref().map(String::as_str))?;
        let kept = session.open_or_create().and_then(|vault| {
            let kept = keep(session, &vault, &uri)?;
            Ok((vault, kept))
        });
        let (vault, (id, said, code)) = kept.inspect_err(|_| service.abandon())?;
        match service.confirm(&code) {
            Ok(bound) => {
                eprintln!("bound, and added: {said}");
                told(session, &bound)
            }
            Err(Unconfirmed::Refused(refusal)) => {
                service.abandon();
                session.change(vault.data_key(), |vault| {
                    vault.entries_mut().remove(id);
                    Ok(())
                })?;
                Err(refusal)
            }
            Err(Unconfirmed::Unclear(refusal)) => Err(Refusal {
                what: format!("{refusal}; whether the device is bound is not known, so its entry stays: {said}"),
                ..refusal
            }
            .help("look with `countersign user devices`; if it is not bound, remove the entry and bind anew")),
        }
    }
}

impl Bind {
    fn code_of_replaced(&self, session: &VaultSession<'_>) -> Result<Option<Zeroizing<String>>, Refusal> {
        match (&self.replaces, &self.code_file) {
            (None, _) => Ok(None),
            (Some(_), Some(file)) => read_line(file).map(Some),
            (Some(device), None) => {
                let question = format!("A code of the device that ends, {device}");
                session
                    .prompt
                    .secret(&question, "name a file that has it with --code-file")
                    .map(Some)
            }
        }
    }
}

/// The new entry, how it is called, and its code of this moment.
fn keep(
    session: &VaultSession<'_>,
    vault: &OpenVault,
    uri: &str,
) -> Result<(EntryId, String, Zeroizing<String>), Refusal> {
    let entry = Entry::parse(uri).map_err(|error| Refusal::new(format!("the service's otpauth URI: {error}")))?;
    let draft = Draft::from(entry);
    session.change(vault.data_key(), |vault| {
        let id = vault.entries_mut().add(draft)?;
        let entry = vault.entries().get(id).ok_or(vault::CounterError::NoSuchEntry)?;
        let credential = entry.credential();
        let now = credential.step_at(session.machine.unix_s());
        let now = now.ok_or_else(|| Refusal::new("the service offers an entry whose codes do not go by the time"))?;
        let code = Zeroizing::new(credential.code(now.step).expose().to_owned());
        Ok((id, numbered(entry), code))
    })
}

fn told(session: &VaultSession<'_>, bound: &Value) -> Done {
    let unseen = |error| {
        Refusal::new(format!(
            "the device is bound, and its recovery codes were not shown: {error}"
        ))
        .help("have the service make new ones: POST …/recovery-codes")
    };
    if session.json {
        write_out(format!("{bound:#}\n").as_bytes()).map_err(unseen)?;
        return DONE;
    }
    let mut words = format!("device {}\n", bound["device"]["id"].as_str().unwrap_or_default());
    if let Some(codes) = bound["recovery_codes"].as_array() {
        words += "Recovery codes, each usable once, shown only now:\n";
        codes
            .iter()
            .flat_map(Value::as_str)
            .for_each(|code| words += &format!("  {code}\n"));
    }
    write_out(words.as_bytes()).map_err(unseen)?;
    DONE
}
