//! Sessions: begun, checked, listed, ended.

mod check;
mod create;
mod end;
mod end_all;
mod list;

use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        create::create_session,
        check::check_session,
        list::list_sessions,
        end::end_session,
        end_all::end_all_sessions,
    ]
}
