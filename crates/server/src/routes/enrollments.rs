//! Endpoints of a user's enrollments.

use api::{AbandonEnrollmentRequest, ConfirmRequest, ConfirmResponse, Enrollment, EnrollmentRequest, Scope};
use axum::{body::Body, extract::State, http::StatusCode};
use service::{Confirmation, NewDevice, NewEnrollment, Replacement};

use crate::{
    App, convert,
    extract::{Authorized, Json, PathId, User},
    problem::{Answer, empty, json, no_store},
};

/// `POST U/enrollments`
pub(crate) async fn start(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<EnrollmentRequest>,
) -> Answer {
    let (device, label, identity_proof, replaces, factor, actor) = match request {
        EnrollmentRequest::Virtual {
            issuer,
            label,
            identity_proof,
            replaces,
            factor,
            actor,
        } => {
            let issuer = issuer.map(|issuer| issuer.as_str().to_owned());
            let device = NewDevice::App { issuer };
            (device, label, identity_proof, replaces, factor, actor)
        }
        EnrollmentRequest::Hardware {
            serial_number,
            label,
            identity_proof,
            replaces,
            factor,
            actor,
        } => {
            let serial_number = serial_number.as_str().to_owned();
            let device = NewDevice::Token { serial_number };
            (device, label, identity_proof, replaces, factor, actor)
        }
    };
    let factor = match (replaces, factor) {
        (Some(replaces), _) => Some(Replacement {
            replaces: Some(replaces.device_id),
            factor: convert::factor(replaces.code, replaces.method),
        }),
        (None, Some(factor)) => Some(Replacement {
            replaces: None,
            factor: convert::factor(factor.code, factor.method),
        }),
        (None, None) => None,
    };
    let wanted = NewEnrollment {
        owner,
        device,
        label: label.map(|label| label.as_str().to_owned()),
        identity_proof: convert::identity_proof(&identity_proof),
        factor,
    };
    let offer = app.service.start_enrollment(&caller.acting(actor), &wanted).await?;
    let (otpauth_uri, secret_text, qr_svg) = match offer.shown {
        Some(shown) => (Some(shown.otpauth_uri), Some(shown.secret_text), Some(shown.qr_svg)),
        None => (None, None, None),
    };
    let mut response = json(&Enrollment {
        id: offer.id,
        otpauth_uri,
        secret_text,
        qr_svg,
        expires_at: convert::time(offer.expires_at),
        codes_needed: u32::try_from(offer.codes_needed).unwrap_or(u32::MAX),
    });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `GET U/enrollments/{id}/qr.png`
pub(crate) async fn qr(State(app): State<App>, caller: Authorized, User(owner): User, PathId(id): PathId) -> Answer {
    let png = app.service.enrollment_png(&caller.0, &owner, id).await?;
    Ok(no_store(StatusCode::OK, "image/png", Body::from(png.to_vec())))
}

/// `POST U/enrollments/{id}/confirm`
pub(crate) async fn confirm(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    Json(request): Json<ConfirmRequest>,
) -> Answer {
    let confirmation = Confirmation {
        codes: request.codes.into_inner().into_iter().map(convert::typed).collect(),
        login_protection: request.scope.contains(&Scope::LoginProtection),
        operation_protection: request.scope.contains(&Scope::OperationProtection),
        recovery_codes: request.recovery_codes,
    };
    let caller = caller.acting(request.actor);
    let (device, codes) = app
        .service
        .confirm_enrollment(&caller, &owner, id, &confirmation)
        .await?;
    Ok(json(&ConfirmResponse {
        device: convert::device(device),
        recovery_codes: confirmation.recovery_codes.then_some(codes),
    }))
}

/// `DELETE U/enrollments/{id}`
pub(crate) async fn abandon(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    Json(request): Json<AbandonEnrollmentRequest>,
) -> Answer {
    app.service
        .abandon_enrollment(&caller.acting(request.actor), &owner, id)
        .await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
