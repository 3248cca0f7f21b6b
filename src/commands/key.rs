use std::{path::Path, process::ExitCode, sync::Arc};

use clap::{Args, Subcommand, builder::StyledStr};
use serde_json::json;
use service::{Caller, NewKey, Ports, Service, ServiceError, SignedHead, Signer};
use store::{ApiKey, Id, Role, Store};
use store_sqlite::{OwnerLock, Sqlite};
use vault::shown;

use super::{Done, block_on, print_json};
use crate::{
    Failure,
    heads::{HeadsFiles, SecondCopy},
    home::Environment,
    opened::refusal,
    settings::Configured,
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
#[command(after_help = roles())]
pub(super) struct Create {
    /// What it may do, as below; several between commas
    #[arg(long, value_delimiter = ',', required = true, value_parser = role)]
    role: Vec<Role>,
    /// Who answers for it
    #[arg(long, default_value = "operator", value_parser = name)]
    owner: String,
    /// An account it is limited to; several between commas, or one by one
    #[arg(long, value_delimiter = ',', value_parser = name)]
    account: Vec<String>,
    /// Who is to accept the grants that it asks for; several between commas [default: countersign]
    #[arg(long, value_delimiter = ',', value_parser = name)]
    audience: Vec<String>,
    /// Prints an object with id and key instead of the key alone
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    second: SecondCopy,
    #[command(flatten)]
    configured: Configured,
}

#[derive(Args)]
pub(super) struct List {
    /// Prints an array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    configured: Configured,
}

#[derive(Args)]
pub(super) struct Revoke {
    /// The key's id, as `key list` shows it
    #[arg(value_parser = id)]
    id: Id,
    #[command(flatten)]
    second: SecondCopy,
    #[command(flatten)]
    configured: Configured,
}

fn role(name: &str) -> Result<Role, String> {
    let names = || Role::ALL.map(Role::name).join(", ");
    Role::named(name.trim()).ok_or_else(|| format!("there is no such role; choose from {}", names()))
}

/// The help on roles: what each may do; the manual's table says the same in more words.
fn roles() -> StyledStr {
    let line = |role: Role| {
        let may = match role {
            Role::Verify => "ask whether a code is right",
            Role::Enroll => "bind, replace, resync and unbind devices, and issue recovery codes",
            Role::Support => "look at users and devices, lift locks, find a token, and say that one is lost",
            Role::Inventory => "take tokens in and hand them out: import, batches, assignment",
            Role::Admin => "close users, and let seeds leave by four eyes; no other role includes it",
            Role::Audit => "read the trail and its heads",
        };
        format!("\n  {:<10} {may}", role.name())
    };
    let lines: String = Role::ALL.map(line).concat();
    format!(
        "Roles:{lines}\n\nA key that is limited to accounts reaches their users alone: neither the inventory nor the trail."
    )
    .into()
}

/// A name that is one.
fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty".into()),
        name => Ok(name.into()),
    }
}

fn id(text: &str) -> Result<Id, String> {
    Id::try_parse(text.trim()).map_err(|_| "this is no id: `countersign key list` shows them".into())
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
        let mut roles = Vec::with_capacity(self.role.len());
        for role in self.role {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        let wanted = NewKey {
            roles,
            owner: self.owner,
            audiences: self.audience.clone(),
            accounts: (!self.account.is_empty()).then_some(self.account),
        };
        let (id, text) = beside(&self.configured, &self.second, "key", async |service| {
            service.create_key(&Caller::shell(), &wanted).await
        })?;
        let told = if self.json {
            print_json(&json!({"id": id, "key": *text}))
        } else {
            tell!("{}", *text)
        };
        let unseen = format!("key {id} was made and nobody saw it: end it with `countersign key revoke {id}`");
        told.map_err(|failure| failure.help(unseen))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(self) -> Done {
        let (dir, _) = self.configured.read()?;
        // A look leaves nothing behind.
        let store = Sqlite::open_to_read(&dir).map_err(Failure::new)?;
        let read: &dyn Store = &store;
        let keys = block_on(read.api_keys())?.map_err(Failure::new)?;
        store.close().map_err(Failure::new)?;
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
        beside(&self.configured, &self.second, "key", async |service| {
            service.revoke_key(&Caller::shell(), self.id).await
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
    configured: &Configured,
    second: &SecondCopy,
    writer: &str,
    work: impl AsyncFnOnce(&Service) -> Result<T, ServiceError>,
) -> Result<T, Failure> {
    let (dir, settings) = configured.read()?;
    let heads_file = configured.second_copy(second)?;
    let heads_file = heads_file.as_deref();
    let mut files = HeadsFiles::read(&dir, heads_file)?;
    if let Some(path) = heads_file {
        not_lost(&files, path)?;
    }
    let environment = Environment::of(&dir)?;
    let heads = files.prove(&*environment.keyring)?;
    let store = environment.open_store(
        &dir,
        writer,
        false,
        Some(&heads).filter(|heads| !heads.is_empty()).map(Vec::as_slice),
    );
    let store = Arc::new(store.map_err(|error| refusal(error, &files, &dir))?);
    let ports = Ports {
        store: store.clone(),
        clock: environment.clock,
        entropy: environment.entropy,
        sealer: environment.keyring.clone(),
        signer: environment.keyring.clone(),
    };
    let (worked, head) = block_on(async {
        let service = Service::start(ports, settings).await?;
        let worked = work(&service).await;
        service.close().await;
        Ok::<_, ServiceError>((worked, service.close_trail(&Caller::shell()).await?))
    })?
    .map_err(Failure::new)?;
    store.close().map_err(Failure::new)?;
    keep(&dir, heads_file, head, &*environment.keyring)?;
    worked.map_err(|error| match error {
        // A key is the only thing that is named here.
        ServiceError::NotFound(_) => Failure::new(error).help("`countersign key list` shows those that there are"),
        _ => Failure::new(error),
    })
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
