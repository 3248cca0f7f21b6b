//! A new event of the trail: what it says, salted, its user's names sealed.

use serde::Serialize;
use store::{Id, Owner, User, audit};
use verify::UnixMs;

use crate::{
    Core, ServiceError,
    access::caller::{Actor, Client, Origin},
    ports::Sealer,
    trail::names::{Names, NamesKey},
};

/// One line of the trail, before it is salted and chained.
#[derive(Clone, Serialize)]
pub(crate) struct NewEvent<'a> {
    action: &'static str,
    outcome: &'static str,
    #[serde(skip)]
    of_user: bool,
    /// The id of the owner's row.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Id>,
    /// [`Names`], sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    names: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a Client>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<serde_json::Value>,
}

impl<'a> NewEvent<'a> {
    pub(crate) fn new(action: &'static str, outcome: &'static str, origin: &'a Origin) -> Self {
        Self {
            action,
            outcome,
            of_user: false,
            person: None,
            names: None,
            device: None,
            decision_id: None,
            cause: None,
            steps: None,
            masked_s: None,
            count: None,
            api_key: origin.api_key,
            actor: origin.actor.as_ref(),
            client: origin.client.as_ref(),
            request: origin.request.as_deref(),
            detail: None,
        }
    }

    /// Makes it an event of a user, whose names are not written into it.
    pub(crate) fn of_user(self) -> Self {
        Self { of_user: true, ..self }
    }

    pub(crate) fn device(self, device: Id) -> Self {
        Self {
            device: Some(device),
            ..self
        }
    }

    /// The decision that accepted a code, as its caller was told.
    pub(crate) fn decision(self, id: Id) -> Self {
        Self {
            decision_id: Some(id),
            ..self
        }
    }

    /// The trail's reader is shown the cause once no step that it may name can come any more (D5): after so many seconds,
    /// which are the same for a code that is wrong and for one that was nearly right.
    pub(crate) fn cause(self, cause: verify::Cause, masked_s: u64) -> Self {
        Self {
            steps: cause.steps(),
            masked_s: cause.may_come().then_some(masked_s),
            ..self.because(cause.name())
        }
    }

    pub(crate) fn because(self, cause: &'a str) -> Self {
        Self {
            cause: Some(cause),
            ..self
        }
    }

    pub(crate) fn count(self, count: u64) -> Self {
        Self {
            count: Some(count),
            ..self
        }
    }

    pub(crate) fn detail(self, detail: serde_json::Value) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }

    /// Makes it the event that erases somebody: it keeps the names of whoever does that, and none of theirs.
    pub(crate) fn erased(self, person: Id) -> Self {
        Self {
            person: Some(person),
            ..self
        }
    }

    /// Ready for the store, of an event of no user.
    pub(crate) fn salted(&self, at: UnixMs, salt: [u8; 16]) -> Result<audit::Event, ServiceError> {
        if self.of_user {
            return Err(ServiceError::Internal("a user's names are to be told unsealed".into()));
        }
        self.written(at, salt)
    }

    /// Ready for the store, of an event of the user of this row, whose key is needed where it says more of who somebody is, which is left out without it.
    pub(crate) fn sealed(
        &self,
        at: UnixMs,
        salt: [u8; 16],
        person: Id,
        key: Option<&NamesKey>,
        sealer: &dyn Sealer,
    ) -> Result<audit::Event, ServiceError> {
        let (actor, client) = (self.actor, self.client);
        let names = key
            .filter(|_| self.has_names())
            .map(|key| key.seal(sealer, &salt, &Names { actor, client }))
            .transpose()?;
        let sealed = Self {
            person: Some(person),
            names,
            actor: None,
            client: None,
            ..self.clone()
        };
        sealed.written(at, salt)
    }

    /// Whether it says more of who somebody is than whose it is.
    pub(crate) fn has_names(&self) -> bool {
        self.actor.is_some() || self.client.is_some()
    }

    fn written(&self, at: UnixMs, salt: [u8; 16]) -> Result<audit::Event, ServiceError> {
        let internal = |error: &dyn std::fmt::Display| ServiceError::Internal(error.to_string());
        // Room for what a verification says: most of the trail is that.
        let mut payload = Vec::with_capacity(512);
        serde_json::to_writer(&mut payload, self).map_err(|error| internal(&error))?;
        let payload = String::from_utf8(payload).map_err(|error| internal(&error))?;
        Ok(audit::Event { at, salt, payload })
    }
}

impl Core {
    /// One event of no user, salted.
    pub(crate) fn event(&self, entry: &NewEvent<'_>, now: UnixMs) -> Result<audit::Event, ServiceError> {
        entry.salted(now, self.salt()?)
    }

    /// One event of this user, salted, with their names sealed.
    pub(crate) async fn event_of(
        &self,
        user: &User,
        entry: &NewEvent<'_>,
        now: UnixMs,
    ) -> Result<audit::Event, ServiceError> {
        if user.revision.is_none() {
            self.trail.strangers.say(user);
        }
        let key = if entry.has_names() {
            self.names_key(user).await?
        } else {
            None
        };
        entry.sealed(now, self.salt()?, user.id, key.as_ref(), &*self.sealer)
    }

    /// `None` of a user who was erased since their row was read, and where it does not open: what happened is told all the
    /// same, without names.
    pub(crate) async fn names_key(&self, user: &User) -> Result<Option<NamesKey>, ServiceError> {
        let sealed = match &user.names_key {
            Some(new) => Some(new.clone()),
            None => {
                let named = self.store.named(vec![user.id]).await?.pop().flatten();
                named.map(|named| named.names_key)
            }
        };
        Ok(sealed.and_then(|sealed| NamesKey::opened(&*self.sealer, user.id, &sealed)))
    }

    /// One event of this user, or of nobody where their row cannot be read: one spoiled row is in nobody else's way.
    pub(crate) async fn event_about(
        &self,
        owner: &Owner,
        entry: NewEvent<'_>,
        now: UnixMs,
    ) -> Result<audit::Event, ServiceError> {
        match self.row(owner, now).await {
            Ok(row) => self.event_of(&row, &entry.of_user(), now).await,
            Err(ServiceError::Internal(error)) => {
                tracing::error!(%error, "something happened to a user whose row cannot be read");
                self.event(&entry, now)
            }
            Err(error) => Err(error),
        }
    }

    fn salt(&self) -> Result<[u8; 16], ServiceError> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt)?;
        Ok(salt)
    }
}
