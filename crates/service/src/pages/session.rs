//! Page sessions: a link is opened, a cookie is shown, a session ends. Staff sign in with an API key of their own.

use serde_json::json;
use store::{Change, Id, PageHolder, PageLink, PageSession, PageVisit, Role, VisitPurpose, Write};
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{
    Actor, ActorKind, Caller, Core, Input, Prompt, Service, ServiceError,
    access::caller::Origin,
    attempt::Attempt,
    pages::cookie::{Bearer, Cookie},
    trail::event::NewEvent,
};

/// A browser that was not seen for so long is let in no more.
const IDLE_MS: i64 = 15 * UnixMs::MINUTE;
/// The longest session of a user, and of staff.
const USER_MS: i64 = UnixMs::HOUR;
const STAFF_MS: i64 = 12 * UnixMs::HOUR;
/// Forms that one session may post within an hour.
const ACTS_PER_SESSION: u32 = 300;
/// How old the time in a cookie may become until it is written anew.
const SEEN_MS: i64 = UnixMs::MINUTE;

/// A browser that was let in: whose it is, and what it may.
pub struct PageVisitor {
    /// The session.
    pub id: Id,
    /// Who it is of.
    pub holder: PageHolder,
    /// What it may, of all use cases: nothing but its user's, or what its API key may.
    pub caller: Caller,
    /// What its forms carry, so that no other site makes one.
    pub form_token: Zeroizing<String>,
    /// The one-time code of the answer that may be given in it.
    pub answer_code: Zeroizing<String>,
    /// The cookie that takes the place of the one that was shown, now and then.
    pub next_cookie: Option<Zeroizing<String>>,
    /// When it ends by itself, whatever is done in it.
    pub expires_at: UnixMs,
    /// When it was seen: now.
    pub seen_at: UnixMs,
}

/// A session that has begun.
pub struct OpenedPage {
    /// For the browser.
    pub cookie: Zeroizing<String>,
    /// Whose it is.
    pub visitor: PageVisitor,
}

impl Service {
    /// The visit that a link would open; looking opens nothing, for mail scanners and previews look at links too.
    /// With what it would show, where it is of a prompt.
    pub async fn look_at_page_link(&self, token: &str) -> Result<(PageVisit, Option<Prompt>), ServiceError> {
        let core = &*self.core;
        let visit = living_link(core, token, core.clock.now()?).await?.visit;
        let prompt = match visit.purpose {
            VisitPurpose::Prompt { .. } => Some(core.prompt(&visit).await?),
            VisitPurpose::Settings { .. } => None,
        };
        Ok((visit, prompt))
    }

    /// Opens a link, once: the browser that shows it has a session from now on.
    pub async fn open_page_link(&self, token: &str, actor_ip: Option<String>) -> Result<OpenedPage, ServiceError> {
        let core = &*self.core;
        let now = core.clock.now()?;
        let link = living_link(core, token, now).await?;
        let origin = Origin {
            api_key: Some(link.visit.api_key),
            actor: Some(user_actor(&link.visit, actor_ip)),
            ..Origin::default()
        };
        let attempt = Attempt {
            core,
            origin: &origin,
            now,
        };
        let entry = attempt.entry("page_link.open", "done").of_user();
        let entry = entry.detail(json!({"page_link": link.id}));
        let event = core.event_about(&link.visit.owner, entry, now).await?;
        let opens = Write::Delete {
            expected: link.version,
            key: store::Noun::key(&link),
        };
        let holder = PageHolder::User(link.visit);
        let opened = begin(&attempt, holder, now.plus(USER_MS), (event, Some(opens))).await?;
        opened.ok_or(ServiceError::NotFound(LINK))
    }

    /// Lets one of staff in, by the API key that is theirs and the name that they act under.
    pub async fn sign_in(
        &self,
        api_key: &str,
        actor: &str,
        actor_ip: Option<String>,
    ) -> Result<OpenedPage, ServiceError> {
        let core = &*self.core;
        let caller = self.authenticate(api_key).await?;
        caller.may(&[Role::Support, Role::Inventory, Role::Audit, Role::Admin])?;
        let actor = actor.trim();
        if actor.is_empty() || actor.len() > 128 || actor.contains(char::is_control) {
            return Err(ServiceError::Invalid {
                input: Input::Actor,
                why: "it is the name that the trail will have, of at most 128 bytes".into(),
            });
        }
        let api_key = caller.origin().api_key.ok_or(ServiceError::Unauthorized)?;
        let now = core.clock.now()?;
        let caller = caller.acting(staff_actor(actor, actor_ip));
        let attempt = Attempt {
            core,
            origin: caller.origin(),
            now,
        };
        let event = core.event(&attempt.entry("page_session.sign_in", "done"), now)?;
        let holder = PageHolder::Staff {
            api_key,
            actor: actor.to_owned(),
        };
        let opened = begin(&attempt, holder, now.plus(STAFF_MS), (event, None)).await?;
        opened.ok_or(ServiceError::Contended)
    }

    /// The visitor that this cookie proves.
    pub async fn page_visitor(&self, cookie: &str, actor_ip: Option<String>) -> Result<PageVisitor, ServiceError> {
        let core = &*self.core;
        let now = core.clock.now()?;
        let none = || ServiceError::NotFound(SESSION);
        let shown = Cookie::read(core, cookie, now).ok_or_else(none)?;
        let session = core.store.page_session(shown.bearer.id).await?.ok_or_else(none)?;
        let idle_ms = now.since(shown.seen_at);
        let lives = now < session.expires_at && (-UnixMs::MINUTE..IDLE_MS).contains(&idle_ms);
        if !lives || !shown.bearer.is(&session.hash) {
            return Err(none());
        }
        let next_cookie = (idle_ms >= SEEN_MS)
            .then(|| seen(core, &shown.bearer, now))
            .transpose()?;
        visitor(core, session, &shown.bearer, (next_cookie, actor_ip), now).await
    }

    /// Counts one thing more that a browser does on a page; of very many within an hour the next is refused.
    pub async fn act_on_page(&self, caller: &Caller, id: Id) -> Result<(), ServiceError> {
        caller.has_page_session(id)?;
        let core = &*self.core;
        core.page_acts.take(id, ACTS_PER_SESSION, core.clock.now()?)
    }

    /// Ends a session: the user has gone back, or somebody of staff has signed out.
    pub async fn end_page_session(&self, caller: &Caller, id: Id) -> Result<(), ServiceError> {
        caller.has_page_session(id)?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let Some(session) = core.store.page_session(id).await? else {
            return Ok(());
        };
        let entry = NewEvent::new("page_session.end", "done", caller.origin());
        let entry = entry.detail(json!({"page_session": id}));
        let event = match &session.holder {
            PageHolder::User(visit) | PageHolder::Answered { visit, .. } => {
                core.event_about(&visit.owner, entry.of_user(), now).await?
            }
            PageHolder::Staff { .. } => core.event(&entry, now)?,
        };
        let end = Write::Delete {
            expected: session.version,
            key: PageSession::key_of(id),
        };
        // One that somebody else was faster to end has ended.
        core.commit(vec![Change::of(event).with([end])]).await?;
        Ok(())
    }
}

const LINK: &str = "page link";
pub(super) const SESSION: &str = "page session";

async fn living_link(core: &Core, token: &str, now: UnixMs) -> Result<PageLink, ServiceError> {
    let none = || ServiceError::NotFound(LINK);
    let bearer = Bearer::of_token(token).ok_or_else(none)?;
    let link = core.store.page_link(bearer.id).await?.ok_or_else(none)?;
    // One that was made while the clock was ahead would live until then.
    let lives = now < link.expires_at && now.since(link.created_at) >= -UnixMs::MINUTE;
    if !lives || !bearer.is(&link.hash) {
        return Err(none());
    }
    // The visit ends with the key that asked for it.
    core.living_api_key(link.visit.api_key).await?.ok_or_else(none)?;
    Ok(link)
}

/// Writes a new session with this event, in one commit; `None` where somebody else opened the link.
async fn begin(
    attempt: &Attempt<'_>,
    holder: PageHolder,
    expires_at: UnixMs,
    (event, opens): (store::audit::Event, Option<Write>),
) -> Result<Option<OpenedPage>, ServiceError> {
    let Attempt { core, now, .. } = *attempt;
    let bearer = Bearer::new(core, now)?;
    let session = PageSession {
        id: bearer.id,
        version: 1,
        hash: bearer.hash(),
        holder,
        created_at: now,
        expires_at,
    };
    let change = Change::of(event).with([Write::put(None, &session)]).with(opens);
    if attempt.commit(change, ()).await?.is_none() {
        return Ok(None);
    }
    let cookie = seen(core, &bearer, now)?;
    let ip = attempt.origin.actor.as_ref().and_then(|actor| actor.ip.clone());
    let visitor = visitor(core, session, &bearer, (None, ip), now).await?;
    Ok(Some(OpenedPage { cookie, visitor }))
}

fn seen(core: &Core, bearer: &Bearer, now: UnixMs) -> Result<Zeroizing<String>, ServiceError> {
    let cookie = Cookie {
        bearer: bearer.again(),
        seen_at: now,
    };
    Ok(cookie.text(core)?)
}

async fn visitor(
    core: &Core,
    session: PageSession,
    bearer: &Bearer,
    (next_cookie, actor_ip): (Option<Zeroizing<String>>, Option<String>),
    now: UnixMs,
) -> Result<PageVisitor, ServiceError> {
    let ended = || ServiceError::NotFound(SESSION);
    let caller = match &session.holder {
        PageHolder::User(visit) | PageHolder::Answered { visit, .. } => {
            let key = core.living_api_key(visit.api_key).await?.ok_or_else(ended)?;
            let role = match visit.purpose {
                VisitPurpose::Settings { .. } => Role::Enroll,
                VisitPurpose::Prompt { .. } => Role::Verify,
            };
            Caller::page(session.id, key, &visit.owner, role).acting(user_actor(visit, actor_ip))
        }
        PageHolder::Staff { api_key, actor } => {
            let key = core.living_api_key(*api_key).await?.ok_or_else(ended)?;
            Caller::staff(session.id, key).acting(staff_actor(actor, actor_ip))
        }
    };
    Ok(PageVisitor {
        id: session.id,
        form_token: bearer.form_token(),
        answer_code: bearer.answer_code(),
        holder: session.holder,
        caller,
        next_cookie,
        expires_at: session.expires_at,
        seen_at: now,
    })
}

fn user_actor(visit: &PageVisit, ip: Option<String>) -> Actor {
    Actor {
        id: visit.owner.user.as_ref().to_owned(),
        kind: ActorKind::User,
        ip,
    }
}

fn staff_actor(name: &str, ip: Option<String>) -> Actor {
    Actor {
        id: name.to_owned(),
        kind: ActorKind::Support,
        ip,
    }
}
