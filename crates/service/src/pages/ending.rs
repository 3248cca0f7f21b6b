//! The end of a user's visits: whoever signs them out everywhere ends what was opened for them on the hosted pages too.

use store::{Id, Noun as _, Owner, Write};

use crate::{Core, ServiceError, pages::link::LINKS_PER_USER};

impl Core {
    /// The writes that end every link and page session of this user, those of prompts too, but for the session in which it is
    /// done.
    pub(crate) async fn end_page_visits(&self, owner: &Owner, but: Option<Id>) -> Result<Vec<Write>, ServiceError> {
        // A few more than there may be: a restart begins to count anew.
        let limit = 4 * LINKS_PER_USER;
        let links = self.store.page_links_of(owner, None, limit).await?;
        let sessions = self.store.page_sessions_of(owner, None, limit).await?;
        let links = links.iter().map(|link| (link.version, link.key()));
        let sessions = sessions.iter().filter(|session| Some(session.id) != but);
        let sessions = sessions.map(|session| (session.version, session.key()));
        let ends = |(expected, key)| Write::Delete { expected, key };
        Ok(links.chain(sessions).map(ends).collect())
    }
}
