use std::{path::Path, process::ExitCode, sync::Arc};

use clap::{Args, Subcommand};
use serde_json::json;
use service::{NewKey, Origin, Ports, Service, Settings, SignedHead};
use store::{ApiKey, Id, Role};
use store_sqlite::OwnerLock;
use vault::shown;

use super::{Done, block_on, print_json};
use crate::{
    Failure,
    heads::HeadsFiles,
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
        let (id, text) = beside(&self.home, "key", async |service| {
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
        let keys = beside(&self.home, "key", async |service| service.list_keys().await)?;
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
        beside(&self.home, "key", async |service| {
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
    writer: &str,
    work: impl AsyncFnOnce(&Service) -> Result<T, service::ServiceError>,
) -> Result<T, Failure> {
    let dir = home.existing()?;
    let mut files = HeadsFiles::read(&dir, None)?;
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
        signer: means.keyring,
    };
    let (worked, head) = block_on(async {
        let service = Service::start(ports, Settings::default()).await?;
        let worked = work(&service).await;
        service.close().await;
        Ok::<_, service::ServiceError>((worked, service.close_trail().await?))
    })?
    .map_err(Failure::new)?;
    store.close().map_err(Failure::new)?;
    keep(&dir, head)?;
    worked.map_err(Failure::new)
}

/// Keeps the head of what was done; a service that runs does that itself.
fn keep(dir: &Path, head: SignedHead) -> Result<(), Failure> {
    let Some(_nobody_starts) = OwnerLock::if_free(dir).map_err(Failure::new)? else {
        return Ok(());
    };
    let mut files = HeadsFiles::read(dir, None)?;
    // Where none is kept any more, one would hide that the others are missing.
    if !files.is_empty() && files.advance(head) {
        files.write()?;
    }
    Ok(())
}
