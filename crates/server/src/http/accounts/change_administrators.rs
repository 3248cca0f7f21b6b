//! `PUT /v1/accounts/{account}/administrators`

use api::{AccountPath, Administrators, AdministratorsRequest, IfMatchHeader, ProblemCode};
use axum::extract::State;
use service::NewAdministrators;

use super::administrators::answer;
use crate::http::{
    app::App,
    convert::factor,
    document::Problems,
    extract::{Authorized, IfMatch, Json, PathName},
    problem::Answer,
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::FactorRequired,
    ProblemCode::Conflict,
    ProblemCode::NoDevice,
    ProblemCode::PreconditionFailed,
    ProblemCode::CodeRefused,
]);

/// Names the root and the administrators of an account
///
/// Role: admin. The first time the key is enough, with `If-Match: "0"`. From then on it takes a `factor` of the present root:
/// a code of their device, or a recovery code. The same names once more take none.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/administrators",
    tag = "users",
    params(AccountPath, IfMatchHeader),
    request_body(content = AdministratorsRequest, example = json!({
        "root": "root", "administrators": ["alice", "bob"], "factor": {"code": "492 039"},
        "actor": {"id": "root", "kind": "user"},
    })),
    responses((status = 200, description = "Root and administrators.", body = Administrators, headers(("ETag" = String, description = "For `If-Match` of the next change.")))),
)]
pub(super) async fn change_administrators(
    State(app): State<App>,
    caller: Authorized,
    PathName(account): PathName,
    IfMatch(version): IfMatch,
    Json(request): Json<AdministratorsRequest>,
) -> Answer {
    let names = request.administrators.iter();
    let wanted = NewAdministrators {
        root: request.root.as_str().to_owned(),
        administrators: names.map(|name| name.as_str().to_owned()).collect(),
        factor: request.factor.map(factor),
    };
    let caller = caller.acting(request.actor);
    let changed = app.service.set_administrators(&caller, &account, version, &wanted);
    Ok(answer(&changed.await?))
}
