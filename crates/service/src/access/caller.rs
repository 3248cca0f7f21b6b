//! The caller of a use case, and the rights that it has.

use std::{fmt::Write as _, sync::Arc};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{ApiKey, Id, Owner, Person, Role};
use subtle::ConstantTimeEq;
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{Input, ServiceError, access::idempotency::IdempotencyKey, pages::link::no_return_url};

/// The caller of a use case, and the person it acts for. Every use case takes one first and checks the right to it by itself.
#[derive(Clone, Debug)]
pub struct Caller {
    who: Who,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Who {
    /// A key that was presented, found and right.
    ApiKey(Arc<ApiKey>),
    /// A command on the machine of the data directory: it may all that keys may, and make keys.
    Shell,
    /// The service itself.
    System,
    /// A user's browser on the hosted pages: one role of the key that asked for its visit, for this one user.
    Page(Arc<PageRights>),
    /// One of staff on the hosted pages, who signed in with this key.
    Staff(Id, Arc<ApiKey>),
}

/// What a user's browser on the hosted pages may.
#[derive(Debug)]
struct PageRights {
    session: Id,
    key: Arc<ApiKey>,
    owner: Owner,
    role: Role,
    /// The owner's account, alone.
    accounts: [String; 1],
}

impl Caller {
    /// The operator's shell.
    pub fn shell() -> Self {
        Self::of(Who::Shell)
    }

    /// The service itself: its housekeeping.
    pub fn system() -> Self {
        Self::of(Who::System)
    }

    fn of(who: Who) -> Self {
        let api_key = match &who {
            Who::ApiKey(key) | Who::Staff(_, key) => Some(key.id),
            Who::Page(rights) => Some(rights.key.id),
            Who::Shell | Who::System => None,
        };
        let origin = Origin {
            api_key,
            ..Origin::default()
        };
        Self { who, origin }
    }

    /// The caller of a key, if the secret part is its own and it lives.
    pub(crate) fn proven(key: &Arc<ApiKey>, secret: &PresentedKey<'_>) -> Option<Self> {
        let right: bool = key.hash.ct_eq(&secret.hash()).into();
        (right && key.revoked_at.is_none()).then(|| Self::of(Who::ApiKey(key.clone())))
    }

    /// A user's browser on the hosted pages, with this role of the key that asked for its visit.
    pub(crate) fn page(session: Id, key: Arc<ApiKey>, owner: &Owner, role: Role) -> Self {
        Self::of(Who::Page(Arc::new(PageRights {
            session,
            key,
            owner: owner.clone(),
            role,
            accounts: [owner.account.as_ref().to_owned()],
        })))
    }

    /// One of staff on the hosted pages, with what their key may.
    pub(crate) fn staff(session: Id, key: Arc<ApiKey>) -> Self {
        Self::of(Who::Staff(session, key))
    }

    /// This caller, acting for this person.
    #[must_use]
    pub fn acting(&self, actor: Actor) -> Self {
        let mut caller = self.clone();
        caller.origin.actor = Some(actor);
        caller
    }

    /// This caller, with the `X-Request-Id` of its request.
    #[must_use]
    pub fn with_request(mut self, request: Option<Arc<str>>) -> Self {
        self.origin.request = request;
        self
    }

    /// This caller, with the idempotency key of its request, which creates something once.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: Option<IdempotencyKey>) -> Self {
        self.origin.idempotency = key;
        self
    }

    /// The origin that audit events carry.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether it has one of these roles.
    pub fn may(&self, roles: &[Role]) -> Result<(), ServiceError> {
        let has = match &self.who {
            Who::ApiKey(key) | Who::Staff(_, key) => roles.iter().any(|role| key.roles.contains(role)),
            Who::Page(rights) => roles.contains(&rights.role) && rights.key.roles.contains(&rights.role),
            Who::Shell => true,
            Who::System => false,
        };
        if has {
            return Ok(());
        }
        let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
        Err(ServiceError::Forbidden(format!(
            "this key lacks the role {}",
            names.join(" or ")
        )))
    }

    /// Whether it has one of these roles and reaches this user.
    pub fn may_for(&self, roles: &[Role], owner: &Owner) -> Result<(), ServiceError> {
        self.may(roles)?;
        match &self.who {
            Who::Page(rights) if rights.owner != *owner => {
                Err(ServiceError::Forbidden("this page is of another user".into()))
            }
            Who::Page(rights) => reaches(rights.key.accounts.as_deref(), &owner.account),
            _ => reaches(self.accounts(), &owner.account),
        }
    }

    /// Whether it has one of these roles and reaches this account.
    pub fn may_in(&self, roles: &[Role], account: &str) -> Result<(), ServiceError> {
        self.may(roles)?;
        match self.who {
            Who::Page(_) => Err(ServiceError::Forbidden(
                "this page is of one user, not of their account".into(),
            )),
            _ => reaches(self.accounts(), account),
        }
    }

    /// Whether it has one of these roles, and is not limited to some accounts: what it asks for, here named, is of all.
    pub fn may_for_all(&self, roles: &[Role], what: &str) -> Result<(), ServiceError> {
        self.may(roles)?;
        match self.accounts() {
            Some(_) => Err(ServiceError::Forbidden(format!(
                "this key is limited to some accounts, and the {what} is of all"
            ))),
            None => Ok(()),
        }
    }

    /// The audience of a grant that this caller asks for: the one it names, if it is its own, or its first.
    pub(crate) fn audience(&self, wanted: Option<&str>) -> Result<String, ServiceError> {
        let own = self.audiences();
        match wanted {
            None => Ok(own.first().cloned().unwrap_or_else(|| DEFAULT_AUDIENCE.to_owned())),
            Some(wanted) if self.is_of_audience(wanted) => Ok(wanted.to_owned()),
            Some(_) => Err(ServiceError::Invalid {
                input: Input::Audience,
                why: "it is none of this API key's: make the key with --audience".into(),
            }),
        }
    }

    /// Whether grants for this audience are for this caller.
    pub(crate) fn is_of_audience(&self, audience: &str) -> bool {
        let own = self.audiences();
        if own.is_empty() {
            audience == DEFAULT_AUDIENCE
        } else {
            own.iter().any(|own| own == audience)
        }
    }

    fn audiences(&self) -> &[String] {
        match &self.who {
            Who::ApiKey(key) | Who::Staff(_, key) => &key.audiences,
            Who::Page(rights) => &rights.key.audiences,
            Who::Shell | Who::System => &[],
        }
    }

    /// The accounts that it is limited to; `None` for all.
    pub(crate) fn accounts(&self) -> Option<&[String]> {
        match &self.who {
            Who::ApiKey(key) | Who::Staff(_, key) => key.accounts.as_deref(),
            Who::Page(rights) => Some(&rights.accounts),
            Who::Shell | Who::System => None,
        }
    }

    /// Whether it is the operator or the service itself, for what no key may do.
    pub(crate) fn is_of_the_house(&self) -> Result<(), ServiceError> {
        match self.who {
            Who::Shell | Who::System => Ok(()),
            Who::ApiKey(_) | Who::Page(_) | Who::Staff(..) => {
                Err(ServiceError::Forbidden("no API key may do this".into()))
            }
        }
    }

    /// When the key was made that is presented; nothing of a caller without one.
    pub(crate) fn key_made_at(&self) -> Option<UnixMs> {
        match &self.who {
            Who::ApiKey(key) | Who::Staff(_, key) => Some(key.created_at),
            Who::Page(rights) => Some(rights.key.created_at),
            Who::Shell | Who::System => None,
        }
    }

    /// The key, where this address is one that its users may be sent back to.
    pub(crate) fn returns_to(&self, address: &str) -> Result<Id, ServiceError> {
        match &self.who {
            Who::ApiKey(key) if key.return_urls.iter().any(|own| own == address) => Ok(key.id),
            Who::ApiKey(_) => Err(no_return_url()),
            _ => Err(ServiceError::Forbidden("a page link is made with an API key".into())),
        }
    }

    /// Whether it is a user's browser on the hosted pages.
    pub(crate) fn is_on_a_page(&self) -> Result<(), ServiceError> {
        match self.who {
            Who::Page(_) => Ok(()),
            _ => Err(ServiceError::Forbidden("this is for the hosted pages".into())),
        }
    }

    /// The session of the browser that it is, a user's or one of staff's.
    pub(crate) fn page_session(&self) -> Option<Id> {
        match &self.who {
            Who::Page(rights) => Some(rights.session),
            Who::Staff(session, _) => Some(*session),
            Who::ApiKey(_) | Who::Shell | Who::System => None,
        }
    }

    /// Whether it is the browser of this session.
    pub(crate) fn has_page_session(&self, id: Id) -> Result<(), ServiceError> {
        match self.page_session() == Some(id) {
            true => Ok(()),
            false => Err(ServiceError::Forbidden("this is of another browser".into())),
        }
    }

    /// Whether it is a key that is limited to some accounts.
    pub(crate) fn is_limited(&self) -> bool {
        self.accounts().is_some()
    }

    /// The person who acts with this key, as two of them are told apart.
    pub(crate) fn person(&self) -> Result<Person, ServiceError> {
        let why = || "who acts has to be named".to_owned();
        let actor = self.origin.actor.as_ref().ok_or_else(|| ServiceError::Invalid {
            input: Input::Actor,
            why: why(),
        })?;
        let (Who::ApiKey(key) | Who::Staff(_, key)) = &self.who else {
            return Err(ServiceError::Forbidden(
                "two persons are told apart by their API keys".into(),
            ));
        };
        Ok(Person {
            api_key: key.id,
            key_owner: key.owner.clone(),
            actor: actor.id.clone(),
            user: key.person.clone(),
        })
    }
}

/// Whether these accounts, all where there are none, have this one.
fn reaches(accounts: Option<&[String]>, account: &str) -> Result<(), ServiceError> {
    match accounts {
        Some(accounts) if !accounts.iter().any(|own| own == account) => {
            Err(ServiceError::Forbidden("this key is limited to other accounts".into()))
        }
        _ => Ok(()),
    }
}

/// The audience of grants of a key that names none.
pub const DEFAULT_AUDIENCE: &str = "countersign";

/// `cs_<32 hex digits of id>_<64 hex digits of secret>`, as it came in.
pub(crate) struct PresentedKey<'a> {
    pub(crate) id: Id,
    secret: &'a str,
}

const PREFIX: &str = "cs_";

impl<'a> PresentedKey<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (id.len() == 32 && secret.len() == 64 && hex(id) && hex(secret)).then_some(())?;
        Some(Self {
            id: Id::try_parse(id).ok()?,
            secret,
        })
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }
}

/// A new key: the text for its bearer, and the hash for us.
pub(crate) fn compose_key(id: Id, secret: &[u8; 32]) -> (Zeroizing<String>, [u8; 32]) {
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 32 + 1 + 64));
    text.push_str(PREFIX);
    let _infallible = write!(text, "{}", id.simple());
    text.push('_');
    HEXLOWER.encode_append(secret, &mut text);
    let hash = Sha256::digest(&text[text.len() - 64..]).into();
    (text, hash)
}

/// On whose behalf the caller acts, as it says; for the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// The caller's own name for them.
    pub id: String,
    /// What they are.
    pub kind: ActorKind,
    /// Where they came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// The kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// The user themself.
    User,
    /// An administrator of the account.
    Admin,
    /// The cloud's support.
    Support,
    /// A program.
    Service,
}

impl ActorKind {
    /// The name on the wire and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Support => "support",
            Self::Service => "service",
        }
    }
}

/// The user's address and browser, as the caller says; for the trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// The origin of a request; every audit event carries it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The key.
    pub(crate) api_key: Option<Id>,
    /// The person behind it.
    pub(crate) actor: Option<Actor>,
    /// The user's side, at verification.
    pub(crate) client: Option<Client>,
    /// `X-Request-Id`.
    pub(crate) request: Option<Arc<str>>,
    /// The idempotency key; the trail does not say it.
    pub(crate) idempotency: Option<IdempotencyKey>,
}
