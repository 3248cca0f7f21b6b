//! `POST /v1/accounts/{account}/users/{user}/enrollments`

use api::{Enrollment, EnrollmentRequest, IdempotencyHeader, ProblemCode, UserPath};
use axum::extract::State;
use service::{NewDevice, NewEnrollment, Owner, Replacement, StartedEnrollment};

use crate::{
    answer::created,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, Creating, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::CodeRefused,
    ProblemCode::FactorRequired,
    ProblemCode::GrantRefused,
    ProblemCode::NotFound,
    ProblemCode::DeviceLimit,
    ProblemCode::UserLimit,
    ProblemCode::TokenUnavailable,
    ProblemCode::Conflict,
    ProblemCode::AlreadyCreated,
    ProblemCode::EnrollmentEnded,
    ProblemCode::EnrollmentExpired,
    ProblemCode::IdempotencyKeyReused,
]);

/// Starts a binding; nothing is bound yet
///
/// Role: enroll. For an app, shows the secret once, as a URI, a QR code and a text. A token has its own: it must be in
/// the inventory, free or meant for this user, and its batch open to them; every other case is one and the same
/// `token_unavailable`. An older enrollment of the user gives way. For one user 20 are begun within an hour and with one
/// key 10,000 (settings), then `rate_limited` says how long to wait. A `replaces` or a `factor` whose device has ended
/// meanwhile is `not_found`: look at the user anew.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/enrollments",
    tag = "enrollments",
    params(UserPath, IdempotencyHeader),
    request_body(
        content = EnrollmentRequest,
        examples(
            ("virtual" = (summary = "An authenticator app", value = json!({
                "kind": "virtual", "issuer": "Example", "label": "alice",
                "identity_proof": {"method": "password_and_sms", "at": "2026-11-21T04:44:00Z", "by": "login-service"},
                "actor": {"id": "alice", "kind": "user", "ip": "203.0.113.7"},
            }))),
            ("replaces" = (summary = "A new phone for an old one", value = json!({
                "kind": "virtual",
                "identity_proof": {"method": "password_and_sms", "at": "2026-11-21T04:44:00Z", "by": "login-service"},
                "replaces": {"device_id": "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11", "code": "492 039"},
                "actor": {"id": "alice", "kind": "user"},
            }))),
            ("hardware" = (summary = "A token with a serial number on its back", value = json!({
                "kind": "hardware", "serial_number": "CS-000042",
                "identity_proof": {"method": "password_and_sms", "at": "2026-11-21T04:44:00Z", "by": "login-service"},
                "actor": {"id": "alice", "kind": "user"},
            }))),
        ),
    ),
    responses((
        status = 201,
        description = "What to show the user.",
        body = Enrollment,
        headers(("Cache-Control" = String, description = "`no-store`")),
    )),
)]
pub(super) async fn start_enrollment(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Creating { request, key }: Creating<EnrollmentRequest>,
) -> Answer {
    let (wanted, actor) = wanted(owner, request);
    let caller = caller.acting(actor).with_idempotency_key(key);
    let started = app.service.start_enrollment(&caller, &wanted).await?;
    Ok(created(&enrollment(started)))
}

fn wanted(owner: Owner, request: EnrollmentRequest) -> (NewEnrollment, api::Actor) {
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
            factor: convert::code_factor(replaces.code, replaces.method),
        }),
        (None, Some(factor)) => Some(Replacement {
            replaces: None,
            factor: convert::factor(factor),
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
    (wanted, actor)
}

fn enrollment(started: StartedEnrollment) -> Enrollment {
    let (otpauth_uri, secret_text, qr_svg) = match started.shown {
        Some(shown) => (Some(shown.otpauth_uri), Some(shown.secret_text), Some(shown.qr_svg)),
        None => (None, None, None),
    };
    Enrollment {
        id: started.id,
        otpauth_uri,
        secret_text,
        qr_svg,
        expires_at: convert::time(started.expires_at),
        codes_needed: u32::try_from(started.codes_needed).unwrap_or(u32::MAX),
        otp_type: convert::otp_type(started.moving),
    }
}

#[cfg(test)]
mod tests {
    use api::read_json;
    use serde_json::{Value, json};
    use service::{Factor, Id, Method, ProofOfIdentity, UnixMs};

    use super::*;

    fn asked(fields: Value) -> NewEnrollment {
        let mut body = json!({
            "kind": "virtual",
            "identity_proof": {"method": "password", "at": "2026-11-21T04:44:00Z", "by": "login-service"},
            "actor": {"id": "alice", "kind": "user"},
        });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let request = read_json(body.to_string().as_bytes()).unwrap();
        wanted(Owner::new("acme", "alice"), request).0
    }

    #[test]
    fn an_app_and_a_token() {
        let app = asked(json!({"issuer": "Example", "label": "my phone"}));
        assert!(matches!(app.device, NewDevice::App { issuer: Some(issuer) } if issuer == "Example"));
        assert_eq!(app.label.as_deref(), Some("my phone"));
        assert!(app.factor.is_none());
        let token = asked(json!({"kind": "hardware", "serial_number": "CS-000042"}));
        assert!(matches!(token.device, NewDevice::Token { serial_number } if serial_number == "CS-000042"));
    }

    #[test]
    fn a_device_that_ends_brings_its_factor_and_a_further_one_has_its_own() {
        let id = "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11";
        let replacing = asked(json!({"replaces": {"device_id": id, "code": "492 039"}}));
        let factor = replacing.factor.unwrap();
        assert_eq!(factor.replaces, Some(Id::try_parse(id).unwrap()));
        assert!(matches!(factor.factor, Factor::Code { code, method: Method::Totp } if *code == "492 039"));
        let further = asked(json!({"factor": {"code": "K4VQ 6J2M", "method": "recovery_code"}}));
        let factor = further.factor.unwrap();
        assert!(factor.replaces.is_none());
        assert!(matches!(
            factor.factor,
            Factor::Code {
                method: Method::RecoveryCode,
                ..
            }
        ));
        let by_grant = asked(json!({"factor": {"grant": "a.b.c"}, "identity_proof": {"grant": "d.e.f"}}));
        let factor = by_grant.factor.unwrap().factor;
        assert!(matches!(factor, Factor::Grant(text) if *text == "a.b.c"));
        assert!(matches!(by_grant.identity_proof, ProofOfIdentity::Grant(text) if *text == "d.e.f"));
    }

    #[test]
    fn a_token_shows_nothing() {
        let said = enrollment(StartedEnrollment {
            id: Id::nil(),
            shown: None,
            expires_at: UnixMs::new(0),
            codes_needed: 2,
            moving: service::Moving::Counter,
        });
        assert_eq!(
            serde_json::to_value(said).unwrap(),
            json!({"id": Id::nil(), "expires_at": "1970-01-01T00:00:00.000Z", "codes_needed": 2, "otp_type": "hotp"})
        );
    }
}
