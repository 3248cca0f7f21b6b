//! Lots of tokens (`/v1/batches`): listed, made, read, opened to others.

mod change;
mod create;
mod get;
mod list;

use service::{Lot, OpenTo, Owner, UserNames};
use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, convert::time, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        list::list_batches,
        create::create_batch,
        get::get_batch,
        change::change_batch,
    ]
}

fn batch(batch: Lot) -> api::Batch {
    let (kind, accounts, users) = match batch.open_to {
        OpenTo::Nobody => (api::OpenToKind::Nobody, None, None),
        OpenTo::Accounts(accounts) => (api::OpenToKind::Accounts, Some(accounts), None),
        OpenTo::Users(users) => {
            let user = |owner: &Owner| api::BetaUser {
                account: owner.account.as_ref().to_owned(),
                user: owner.user.as_ref().to_owned(),
            };
            (api::OpenToKind::Users, None, Some(users.iter().map(user).collect()))
        }
        OpenTo::Everybody => (api::OpenToKind::Everybody, None, None),
    };
    api::Batch {
        name: batch.name,
        open_to: api::OpenTo { kind, accounts, users },
        note: batch.note,
        created_at: time(batch.created_at),
    }
}

fn open_to(names: UserNames, open_to: api::OpenTo) -> OpenTo {
    let api::OpenTo { kind, accounts, users } = open_to;
    match kind {
        api::OpenToKind::Nobody => OpenTo::Nobody,
        api::OpenToKind::Accounts => OpenTo::Accounts(accounts.unwrap_or_default()),
        api::OpenToKind::Users => {
            let users = users.unwrap_or_default().into_iter();
            OpenTo::Users(users.map(|user| names.owner(user.account, user.user)).collect())
        }
        api::OpenToKind::Everybody => OpenTo::Everybody,
    }
}

#[cfg(test)]
mod tests {
    use service::UnixMs;

    use super::*;

    #[test]
    fn what_a_batch_is_open_to_comes_back_as_it_was_said() {
        for said in [
            OpenTo::Nobody,
            OpenTo::Accounts(vec!["acme".into(), "initech".into()]),
            OpenTo::Users(vec![Owner::new("acme", "alice")]),
            OpenTo::Everybody,
        ] {
            let told = batch(Lot {
                name: "2026-11".into(),
                version: 1,
                open_to: said.clone(),
                note: None,
                created_at: UnixMs::new(0),
            });
            assert_eq!(open_to(UserNames::Exact, told.open_to), said);
        }
    }
}
