use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, Subcommand};
use serde_json::json;
use service::{NewKey, Origin, Ports, Service, Settings, SignedHead, Signer};
use store::{ApiKey, Id, Role};
use store_sqlite::OwnerLock;
use vault::shown;

use super::{Done, block_on, print_json};
use crate::{
    Failure,
    heads::{HeadsFiles, SecondCopy},
    home::{Home, Means},
    opened::refusal,
};

/// `countersign key …`
#[derive(Subcommand)]
pub(super) enum Key {
    /// Makes a key and prints it, alone, on stdout; it is not shown again
    Create(Create),
    /// Lists the keys, without their secrets
    List(List),
    /// Ends a key at once
    Revoke(Revoke),
}

#[derive(Args)]
pub(super) struct Create {
    /// What it may do: verify, enroll, support, inventory, admin or audit; several between commas
    #[arg(long, value_delimiter = ',', required = true, value_parser = role)]
    role: Vec<Role>,
    /// Who answers for it
    #[arg(long, default_value = "operator")]
    owner: String,
    /// An account it is limited to; give it several times for several
    #[arg(long)]
    account: Vec<String>,
    /// Prints an object with id and key instead of the key alone
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    second: SecondCopy,
    #[command(flatten)]
    home: Home,
}

#[derive(Args)]
pub(super) struct List {
    /// Prints an array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    home: Home,
}

#[derive(Args)]
pub(super) struct Revoke {
    /// The key's id, as `key list` shows it
    id: Id,
    #[command(flatten)]
    second: SecondCopy,
    #[command(flatten)]
    home: Home,
}

fn role(name: &str) -> Result<Role, String> {
    let names = || Role::ALL.map(Role::name).join(", ");
    Role::named(name).ok_or_else(|| format!("there is no such role; choose from {}", names()))
}

impl Key {
    pub(super) fn run(self) -> Done {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Revoke(revoke) => revoke.run(),
        }
    }
}

impl Create {
    fn run(self) -> Done {
        let wanted = NewKey {
            roles: self.role,
            owner: self.owner,
            accounts: (!self.account.is_empty()).then_some(self.account),
        };
        let (id, text) = beside(&self.home, self.second.heads_file, "key", async |service| {
            service.create_key(&wanted, &Origin::default()).await
        })?;
        if self.json {
            print_json(&json!({"id": id, "key": *text}))?;
        } else {
            tell!("{}", *text)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(self) -> Done {
        let keys = beside(&self.home, None, "key", async |service| service.list_keys().await)?;
        if self.json {
            print_json(&keys.iter().map(described).collect::<Vec<_>>())?;
            return Ok(ExitCode::SUCCESS);
        }
        for key in &keys {
            let roles: Vec<_> = key.roles.iter().map(|role| role.name()).collect();
            let accounts = key
                .accounts
                .as_ref()
                .map_or("all accounts".into(), |accounts| accounts.join(","));
            let state = key.revoked_at.map_or("alive".into(), |at| {
                format!("revoked {}", api::Timestamp::from(at.get()))
            });
            let (accounts, owner) = (shown(&accounts), shown(&key.owner));
            tell!("{}  {state}  {}  {accounts}  {owner}", key.id, roles.join(","))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    fn run(self) -> Done {
        beside(&self.home, self.second.heads_file, "key", async |service| {
            service.revoke_key(self.id, &Origin::default()).await
        })?;
        eprintln!("revoked {}", self.id);
        Ok(ExitCode::SUCCESS)
    }
}

fn described(key: &ApiKey) -> serde_json::Value {
    json!({
        "id": key.id,
        "roles": key.roles.iter().map(|role| role.name()).collect::<Vec<_>>(),
        "owner": key.owner,
        "accounts": key.accounts,
        "created_at": api::Timestamp::from(key.created_at.get()),
        "revoked_at": key.revoked_at.map(|at| api::Timestamp::from(at.get())),
    })
}

/// Does one thing to the database of this directory, whether or not a service runs on it.
pub(super) fn beside<T>(
    home: &Home,
    heads_file: Option<PathBuf>,
    writer: &str,
    work: impl AsyncFnOnce(&Service) -> Result<T, service::ServiceError>,
) -> Result<T, Failure> {
    let dir = home.existing()?;
    let heads_file = heads_file.as_deref();
    let mut files = HeadsFiles::read(&dir, heads_file)?;
    if let Some(path) = heads_file {
        not_lost(&files, path)?;
    }
    let means = Means::of(&dir)?;
    let heads = files.prove(&*means.keyring)?;
    let store = means.open_store(
        &dir,
        writer,
        false,
        Some(&heads).filter(|heads| !heads.is_empty()).map(Vec::as_slice),
    );
    let store = Arc::new(store.map_err(|error| refusal(error, &files, &dir))?);
    let ports = Ports {
        store: store.clone(),
        clock: means.clock,
        entropy: means.entropy,
        sealer: means.keyring.clone(),
        signer: means.keyring.clone(),
    };
    let (worked, head) = block_on(async {
        let service = Service::start(ports, Settings::default()).await?;
        let worked = work(&service).await;
        service.close().await;
        Ok::<_, service::ServiceError>((worked, service.close_trail().await?))
    })?
    .map_err(Failure::new)?;
    store.close().map_err(Failure::new)?;
    keep(&dir, heads_file, head, &*means.keyring)?;
    worked.map_err(Failure::new)
}

/// A file that is lost is not made anew: the next start must ask for it.
fn not_lost(files: &HeadsFiles, heads_file: &Path) -> Result<(), Failure> {
    let lost = files.missing().map(|(path, _)| (path, "is missing"));
    let Some((path, what)) = lost.or_else(|| files.emptied().map(|(path, _)| (path, "is empty"))) else {
        return Ok(());
    };
    Err(
        Failure::new(format!("{} {what}: nothing was done", path.display())).help(format!(
            "mount its disk, or put it back; heads are kept in {} once `serve --heads-file` has made it",
            heads_file.display()
        )),
    )
}

/// Keeps the head of what was done; a service that runs does that itself.
fn keep(dir: &Path, heads_file: Option<&Path>, head: SignedHead, signer: &dyn Signer) -> Result<(), Failure> {
    let Some(_nobody_starts) = OwnerLock::if_free(dir).map_err(Failure::new)? else {
        return Ok(());
    };
    let did_something = head.position > 0;
    let mut files = HeadsFiles::read(dir, heads_file)?;
    // Where none is kept any more, one would hide that the others are missing.
    if !files.is_empty() && files.advance(head) {
        files.prove(signer)?;
        files.write(signer)?;
    }
    if did_something
        && heads_file.is_none()
        && let Some(elsewhere) = files.elsewhere()
    {
        let elsewhere = shown(elsewhere);
        eprintln!(
            "warning: no service runs, and {elsewhere} does not know of this: until the next start nobody can tell that \
             the data directory was put back as it was before. Do it with --heads-file {elsewhere}, or start `serve` now"
        );
    }
    Ok(())
}
