//! The sessions of a user, as they are shown.

use serde::Deserialize;
use store::{Id, Owner, Role, SealedClient};
use verify::UnixMs;

use crate::{
    Caller, Client, Core, Location, Service, ServiceError, protection::session::life::Verdict, trail::names::NamesKey,
};

/// A session as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Its id.
    pub id: Id,
    /// Where its login came from.
    pub client: Option<Client>,
    /// The city of that address, as far as it is known today.
    pub city: Option<String>,
    /// The login.
    pub created_at: UnixMs,
    /// When the user was last seen in it.
    pub last_seen_at: UnixMs,
    /// It ends then at the latest.
    pub expires_at: UnixMs,
}

#[derive(Deserialize)]
struct Named {
    client: Option<NamedClient>,
}

#[derive(Deserialize)]
struct NamedClient {
    ip: Option<String>,
    user_agent: Option<String>,
}

impl Service {
    /// The living sessions of this user after this one, oldest first.
    pub async fn sessions(
        &self,
        caller: &Caller,
        owner: &Owner,
        after: Option<Id>,
        limit: u32,
    ) -> Result<Vec<SessionView>, ServiceError> {
        caller.may_for(&[Role::Enroll, Role::Support], owner)?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let key = key_of(core, owner).await?;
        let mut shown = Vec::new();
        for session in core.sessions_of(owner).await? {
            if after.is_some_and(|after| session.id <= after) {
                continue;
            }
            let found = core.sessions.judge(session.id, now, false, |_| true)?;
            let Some(Verdict::Active { seen, .. }) = found.map(|found| found.verdict) else {
                continue;
            };
            let client = session.client.and_then(|sealed| opened(core, key.as_ref()?, &sealed));
            shown.push(SessionView {
                id: session.id,
                city: match core.location(client.as_ref()) {
                    Location::City(city) => Some(city),
                    Location::UsualNetwork | Location::Unknown => None,
                },
                client,
                created_at: session.created_at,
                last_seen_at: seen,
                expires_at: session.expires_at,
            });
        }
        shown.truncate(limit as usize);
        Ok(shown)
    }
}

async fn key_of(core: &Core, owner: &Owner) -> Result<Option<NamesKey>, ServiceError> {
    match core.store.user(owner.clone()).await? {
        Some(user) => core.names_key(&user).await,
        None => Ok(None),
    }
}

fn opened(core: &Core, key: &NamesKey, client: &SealedClient) -> Option<Client> {
    let text = key.unseal(&*core.sealer, &client.salt, &client.sealed)?;
    let Named { client } = serde_json::from_str(&text).ok()?;
    client.map(|NamedClient { ip, user_agent }| Client { ip, user_agent })
}
