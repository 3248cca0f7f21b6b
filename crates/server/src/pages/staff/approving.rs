//! The second pair of eyes: who approves, with a code of their own.

use serde::Deserialize;
use service::{Approver, Factor, Method, UserNames};
use zeroize::Zeroizing;

use super::{visit::StaffVisit, who::Named};
use crate::{http::App, pages::words::Lang};

/// The fields of a form that approves.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct Approving {
    approver_account: String,
    approver_user: String,
    code: Zeroizing<String>,
}

impl Approving {
    /// Whoever approves, or why these are no names.
    pub(crate) fn approver(&self, names: UserNames, lang: Lang) -> Result<Approver, String> {
        let named = self.named();
        Ok(Approver {
            owner: named.owner(names, lang)?,
            factor: Factor::Code {
                code: self.code.clone(),
                method: Method::Totp,
            },
        })
    }

    /// The names that were typed.
    pub(crate) fn named(&self) -> Named {
        Named {
            account: self.approver_account.clone(),
            user: self.approver_user.clone(),
        }
    }
}

/// The names that the form begins with: the staff's account, and the name that they signed in under.
pub(crate) fn own(app: &App, visit: &StaffVisit) -> Named {
    let account = app.service.staff_account(visit.caller()).ok().flatten();
    Named {
        account: account.unwrap_or_default().to_owned(),
        user: visit.actor.clone(),
    }
}
