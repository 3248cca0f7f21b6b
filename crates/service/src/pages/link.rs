//! Page links: made by a console for one of its users, opened once.

use serde_json::json;
use store::{Change, Id, IdentityProof, Owner, PageLink, PageVisit, Role, VisitPurpose, Write};
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{Caller, Input, Service, ServiceError, UserPageName, attempt::Attempt, pages::cookie::Bearer};

/// The life of a link that nobody opens.
const LINK_MS: i64 = 2 * UnixMs::MINUTE;
/// Links for one user within an hour, to settings and to prompts each: each is a record of the trail, and costs whoever asks nothing.
pub(super) const LINKS_PER_USER: u32 = 120;

/// A page link that is asked for.
#[derive(Clone, Debug)]
pub struct NewPageLink {
    /// The user who will open it.
    pub owner: Owner,
    /// The page.
    pub page: UserPageName,
    /// The address to go back to: one of the API key's, to the character.
    pub return_url: String,
    /// The caller's own words, given back with the user.
    pub state: String,
    /// How the caller made sure of the user's identity; its age counts at the act.
    pub identity_proof: Option<IdentityProof>,
    /// The session that the user is in, where the caller says it: one of theirs.
    pub session: Option<Id>,
}

/// A page link, as it is given to the browser.
pub struct IssuedPageLink {
    /// The secret part of its address.
    pub token: Zeroizing<String>,
    /// When it ends by itself.
    pub expires_at: UnixMs,
}

impl Service {
    /// Makes a link by which a user's browser is let in to one page, once.
    pub async fn create_page_link(
        &self,
        caller: &Caller,
        wanted: &NewPageLink,
    ) -> Result<IssuedPageLink, ServiceError> {
        caller.may_for(&[Role::Enroll], &wanted.owner)?;
        let core = &*self.core;
        let api_key = caller.returns_to(&wanted.return_url)?;
        if let Some(id) = wanted.session {
            let own = core.store.session(&wanted.owner, id).await?;
            own.ok_or(ServiceError::NotFound("session"))?;
        }
        let now = core.clock.now()?;
        core.page_links.take(wanted.owner.clone(), LINKS_PER_USER, now)?;
        let visit = PageVisit {
            owner: wanted.owner.clone(),
            api_key,
            return_url: wanted.return_url.clone(),
            state: wanted.state.clone(),
            purpose: VisitPurpose::Settings {
                page: wanted.page.name().to_owned(),
                identity_proof: wanted.identity_proof.clone(),
                session: wanted.session,
            },
        };
        let attempt = Attempt {
            core,
            origin: caller.origin(),
            now,
        };
        issue(&attempt, visit, wanted.page.name()).await
    }
}

/// Makes the link of a visit.
pub(super) async fn issue(
    attempt: &Attempt<'_>,
    visit: PageVisit,
    page: &'static str,
) -> Result<IssuedPageLink, ServiceError> {
    let Attempt { core, now, .. } = *attempt;
    let bearer = Bearer::new(core, now)?;
    let link = PageLink {
        id: bearer.id,
        version: 1,
        hash: bearer.hash(),
        visit,
        created_at: now,
        expires_at: now.plus(LINK_MS),
    };
    let entry = attempt.entry("page_link.create", "done").of_user();
    let entry = entry.detail(json!({"page_link": link.id, "page": page}));
    let event = core.event_about(&link.visit.owner, entry, now).await?;
    let change = Change::of(event).with([Write::put(None, &link)]);
    attempt.commit(change, ()).await?.ok_or(ServiceError::Contended)?;
    Ok(IssuedPageLink {
        token: bearer.token(),
        expires_at: link.expires_at,
    })
}

/// What is told of an address that is none of the key's.
pub(crate) fn no_return_url() -> ServiceError {
    ServiceError::Invalid {
        input: Input::ReturnUrl,
        why: "it is none of this API key's, which are compared to the character: make the key with --return-url".into(),
    }
}
