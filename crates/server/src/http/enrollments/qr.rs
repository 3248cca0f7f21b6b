//! `GET /v1/accounts/{account}/users/{user}/enrollments/{id}/qr.png`

use api::{EnrollmentPath, Png, ProblemCode};
use axum::{body::Body, extract::State, http::StatusCode};

use crate::{
    answer::no_store,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathId, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::EnrollmentExpired,
    ProblemCode::EnrollmentEnded,
]);

/// The QR code as a PNG, while the enrollment lives
///
/// Role: enroll. The same picture as `qr_svg`.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}/enrollments/{id}/qr.png",
    tag = "enrollments",
    params(EnrollmentPath),
    responses((
        status = 200,
        description = "The picture.",
        body = inline(Png),
        content_type = "image/png",
        headers(("Cache-Control" = String, description = "`no-store`")),
    )),
)]
pub(super) async fn get_enrollment_qr(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
) -> Answer {
    let png = app.service.enrollment_png(&caller.0, &owner, id).await?;
    Ok(no_store(StatusCode::OK, "image/png", Body::from(png.to_vec())))
}
