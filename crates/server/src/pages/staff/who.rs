//! The user whom a page of staff is about, as its form or its address names them.

use api::Name;
use serde::Deserialize;
use service::{Owner, UserNames};

use crate::pages::words::Lang;

/// Two fields of a form, or of an address.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Named {
    #[serde(default)]
    pub(crate) account: String,
    #[serde(default)]
    pub(crate) user: String,
}

impl Named {
    /// Nobody is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.account.is_empty() && self.user.is_empty()
    }

    /// The user, or why these are no names. Blanks are part of a name: without them it may be another user's.
    pub(crate) fn owner(&self, names: UserNames, lang: Lang) -> Result<Owner, String> {
        let name = |text: &str| Name::new(text).map(Name::into_inner).ok();
        let both = name(&self.account).zip(name(&self.user));
        both.map(|(account, user)| names.owner(account, user))
            .ok_or_else(|| lang.say("staff.no_names", &[]))
    }
}

impl From<&Owner> for Named {
    fn from(owner: &Owner) -> Self {
        Self {
            account: owner.account.as_ref().to_owned(),
            user: owner.user.as_ref().to_owned(),
        }
    }
}
