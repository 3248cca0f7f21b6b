//! The end of a user's visits: whoever signs them out, everywhere or of one session, ends what was opened for them on the hosted
//! pages too.

use store::{Id, Noun as _, Owner, PageHolder, PageLink, PageSession, PageVisit, VisitPurpose, Write};

use crate::{Core, ServiceError, pages::link::LINKS_PER_USER};

impl Core {
    /// The writes that end every link and page session of this user, those of prompts too, but for the session in which it is
    /// done.
    pub(crate) async fn end_page_visits(&self, owner: &Owner, but: Option<Id>) -> Result<Vec<Write>, ServiceError> {
        let (links, mut sessions) = self.page_visits(owner).await?;
        sessions.retain(|session| Some(session.id) != but);
        Ok(ends(&links, &sessions))
    }

    /// The writes that end what was opened from this session of the user's.
    pub(crate) async fn end_page_visits_from(&self, owner: &Owner, session: Id) -> Result<Vec<Write>, ServiceError> {
        let (mut links, mut sessions) = self.page_visits(owner).await?;
        links.retain(|link| is_from(&link.visit, session));
        sessions.retain(|own| match &own.holder {
            PageHolder::User(visit) => is_from(visit, session),
            PageHolder::Answered { .. } | PageHolder::Staff { .. } => false,
        });
        Ok(ends(&links, &sessions))
    }

    async fn page_visits(&self, owner: &Owner) -> Result<(Vec<PageLink>, Vec<PageSession>), ServiceError> {
        // A few more than there may be: a restart begins to count anew.
        let limit = 8 * LINKS_PER_USER;
        let links = self.store.page_links_of(owner, None, limit).await?;
        let sessions = self.store.page_sessions_of(owner, None, limit).await?;
        Ok((links, sessions))
    }
}

fn ends(links: &[PageLink], sessions: &[PageSession]) -> Vec<Write> {
    let links = links.iter().map(|link| (link.version, link.key()));
    let sessions = sessions.iter().map(|session| (session.version, session.key()));
    let ends = |(expected, key)| Write::Delete { expected, key };
    links.chain(sessions).map(ends).collect()
}

fn is_from(visit: &PageVisit, session: Id) -> bool {
    matches!(visit.purpose, VisitPurpose::Settings { session: Some(own), .. } if own == session)
}
