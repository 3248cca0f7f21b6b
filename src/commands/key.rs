use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use api::Name;
use clap::{Args, Subcommand, builder::StyledStr};
use serde_json::json;
use service::{Approver, Caller, DEFAULT_AUDIENCE, Factor, Method, NewKey, Service};
use store::{ApiKey, Id, Role, Store};
use store_sqlite::Sqlite;
use vault::shown;

use super::{
    Done,
    beside::{alone, beside},
    block_on,
    output::Output,
    print_json,
    support::user,
    user::{CodeSource, Codes},
};
use crate::{Failure, heads::SecondCopy, settings::Configured};

/// `countersign key …`
#[derive(Subcommand)]
pub(super) enum Key {
    /// Makes a key and prints it, alone, on stdout; it is not shown again
    Create(Box<Create>),
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
    /// An address that users may be sent back to from the hosted pages, compared to the character; once for each
    #[arg(long, value_name = "URL", value_parser = return_url)]
    return_url: Vec<String>,
    /// The user whom it is bound to, who has a device: such a key approves, with a code of theirs, 24 hours from now
    #[arg(long, value_name = "ACCOUNT/USER", value_parser = user)]
    person: Option<(Name, Name)>,
    /// A person whom another key is bound to, who approves of this one; their code is asked for, and no service runs
    /// meanwhile
    #[arg(long, value_name = "ACCOUNT/USER", value_parser = user, requires = "person")]
    approver: Option<(Name, Name)>,
    #[command(flatten)]
    codes: Codes,
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
            Role::Verify => "check codes, challenges and sessions; introspect and revoke grants",
            Role::Enroll => "look after a user: devices, recovery codes, methods, settings, sessions, browsers",
            Role::Support => {
                "look at users and devices, say why a code was refused, lift locks, find a token; under four eyes, issue passcodes and end devices"
            }
            Role::Inventory => "take tokens in and hand them out: import, batches, assignment",
            Role::Admin => {
                "set what accounts require, and who administers them; close users, hand them over; set\n             \
                 operations of the catalogue; let seeds leave by four eyes. No other role includes it"
            }
            Role::Audit => "read the trail and its heads",
        };
        format!("\n  {:<10} {may}", role.name())
    };
    let lines: String = Role::ALL.map(line).concat();
    format!(
        "Roles:{lines}\n\nA key that is limited to accounts reaches their users alone, and what the trail says of them: not the inventory."
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

/// The longest address that is kept.
const RETURN_URL_MAX_BYTES: usize = 2_048;

/// An address that a browser goes to, as it is to be compared.
fn return_url(text: &str) -> Result<String, String> {
    let why = || "write an address such as https://console.example/back: http or https, a host, no user, no fragment";
    let url = url::Url::parse(text).map_err(|_| why())?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let is_short = text.len() <= RETURN_URL_MAX_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
    // A browser reads what it is given in its own way; what is kept is what it would make of it.
    if !(is_web && is_plain && is_short) {
        return Err(why().into());
    }
    match url.as_str() == text {
        true => Ok(text.to_owned()),
        false => Err(format!("write it as browsers do: {url}")),
    }
}

fn id(text: &str) -> Result<Id, String> {
    Id::try_parse(text.trim()).map_err(|_| "this is no id: `countersign key list` shows them".into())
}

impl Key {
    pub(super) fn run(self) -> Done {
        match self {
            Self::Create(create) => (*create).run(),
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
        let factor = match &self.approver {
            Some(_) => {
                let output = Output {
                    json: self.json,
                    may_ask: io::stdin().is_terminal(),
                };
                let code = CodeSource::open(&self.codes, &output)?.next("Code of the approver's device")?;
                Some(Factor::Code {
                    code: code.into_inner(),
                    method: Method::Totp,
                })
            }
            None => None,
        };
        let takes_two = factor.is_some();
        let create = async |service: &Service| {
            let names = service.user_names();
            let owner = |(account, user): (Name, Name)| names.owner(account.as_str(), user.as_str());
            let wanted = NewKey {
                roles,
                owner: self.owner,
                person: self.person.map(owner),
                audiences: self.audience,
                return_urls: self.return_url,
                accounts: (!self.account.is_empty()).then_some(self.account),
            };
            let approver = self.approver.map(owner).zip(factor);
            let approver = approver.map(|(owner, factor)| Approver { owner, factor });
            service.create_key(&Caller::shell(), &wanted, approver.as_ref()).await
        };
        let (id, text) = match takes_two {
            // The approver's code is burned in their row, which is the running service's alone.
            true => alone(&self.configured, &self.second, "key", create)?,
            false => beside(&self.configured, &self.second, "key", create)?,
        };
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
            let audiences = audiences(key).join(",");
            let (accounts, audiences, owner) = (shown(&accounts), shown(&audiences), shown(&key.owner));
            let roles = roles.join(",");
            let person = person(key).map_or_else(String::new, |person| format!("  bound to {}", shown(&person)));
            tell!(
                "{}  {state}  {roles}  {accounts}  for {audiences}  {owner}{person}",
                key.id
            )?;
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

/// The user whom it is bound to.
fn person(key: &ApiKey) -> Option<String> {
    key.person
        .as_ref()
        .map(|person| format!("{}/{}", person.account, person.user))
}

/// Who accepts the grants that it asks for.
fn audiences(key: &ApiKey) -> Vec<&str> {
    match &key.audiences[..] {
        [] => vec![DEFAULT_AUDIENCE],
        named => named.iter().map(|name| &**name).collect(),
    }
}

fn described(key: &ApiKey) -> serde_json::Value {
    json!({
        "id": key.id,
        "roles": key.roles.iter().map(|role| role.name()).collect::<Vec<_>>(),
        "owner": key.owner,
        "accounts": key.accounts,
        "audiences": audiences(key),
        "return_urls": key.return_urls,
        "person": person(key),
        "created_at": api::Timestamp::from(key.created_at.get()),
        "revoked_at": key.revoked_at.map(|at| api::Timestamp::from(at.get())),
    })
}
