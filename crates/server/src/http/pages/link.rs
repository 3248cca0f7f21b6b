//! `POST /v1/accounts/{account}/users/{user}/page-links`

use api::{HostedPage, IdentityWord, PageLink, PageLinkRequest, ProblemCode, UserPath};
use axum::extract::State;
use service::{IdentityProof, IssuedPageLink, NewPageLink, UnixMs, UserPageName};

use crate::{
    answer::created,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, Json, User},
        problem::Answer,
    },
    pages::page_url,
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict, ProblemCode::NotFound]);

/// Makes a link that lets a user's browser in to a hosted page, once
///
/// Role: enroll. Send the browser to `url` within two minutes: opening the address changes nothing, its button opens the link
/// for that browser alone. From then on it sees the settings of this one user, on the page and what that leads to, for at most
/// an hour and 15 minutes without a click. At the end it goes to `return_url`, which is one of the API key's to the character
/// (`key create --return-url`), with `outcome` (`done`, `cancelled`, `expired`, `failed`) and `state` in its query: anybody can
/// type those, so ask the API what happened, and compare `state` with what the same browser was given before.
///
/// Pages that bind a device want an `identity_proof`; its age counts when the user acts. `session` is the session that the user
/// is in, if it is one of ours: their list marks it, so that they know which of the others are not theirs. For one user 120 links are made within
/// an hour.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/page-links",
    tag = "pages",
    params(UserPath),
    request_body(content = PageLinkRequest, example = json!({
        "page": "bind", "return_url": "https://console.example/security/back", "state": "c0ffee", "lang": "zh-CN",
        "identity_proof": {"method": "password_and_sms", "at": "2026-11-21T04:44:00Z", "by": "login-service"},
        "actor": {"id": "alice", "kind": "user", "ip": "203.0.113.7"},
    })),
    responses((
        status = 201,
        description = "Where to send the browser.",
        body = PageLink,
        headers(("Cache-Control" = String, description = "`no-store`")),
    )),
)]
pub(super) async fn create_page_link(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<PageLinkRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let wanted = NewPageLink {
        owner,
        page: page(request.page),
        return_url: request.return_url.as_str().to_owned(),
        state: request.state.as_str().to_owned(),
        identity_proof: request.identity_proof.as_ref().map(word),
        session: request.session,
    };
    let issued = app.service.create_page_link(&caller, &wanted).await?;
    Ok(created(&told(&app, &issued, request.lang)))
}

/// The link as its caller passes it on.
pub(in crate::http) fn told(app: &App, issued: &IssuedPageLink, lang: Option<api::PageLang>) -> PageLink {
    let query = lang.map_or_else(String::new, |lang| format!("?lang={}", lang.name()));
    PageLink {
        url: page_url(app, &format!("/pages/open/{}{query}", *issued.token)),
        expires_at: convert::time(issued.expires_at),
    }
}

fn word(IdentityWord { method, at, by }: &IdentityWord) -> IdentityProof {
    IdentityProof {
        method: method.as_str().to_owned(),
        at: UnixMs::new(at.unix_ms()),
        by: by.as_str().to_owned(),
    }
}

fn page(page: HostedPage) -> UserPageName {
    match page {
        HostedPage::Security => UserPageName::Security,
        HostedPage::Bind => UserPageName::Bind,
        HostedPage::BindToken => UserPageName::BindToken,
        HostedPage::Replace => UserPageName::Replace,
        HostedPage::Unbind => UserPageName::Unbind,
        HostedPage::Protection => UserPageName::Protection,
        HostedPage::SuspiciousLogin => UserPageName::SuspiciousLogin,
        HostedPage::Sessions => UserPageName::Sessions,
        HostedPage::TrustedDevices => UserPageName::TrustedDevices,
        HostedPage::History => UserPageName::History,
        HostedPage::RecoveryCodes => UserPageName::RecoveryCodes,
        HostedPage::Lost => UserPageName::Lost,
    }
}
