//! A binding under way, between its start and its confirmation.

use enroll::{Account, Issuer, Qr};
use otp::Secret;
use serde_json::json;
use store::{Change, Enrollment, EnrollmentState, Id, Owner, Write};
use verify::{Kind, UnixMs};
use zeroize::Zeroizing;

use crate::{Caller, Core, Input, Role, Service, ServiceError, sealing::Record};

impl Service {
    /// The QR code of an enrollment that lives, as PNG.
    pub async fn enrollment_png(
        &self,
        caller: &Caller,
        owner: &Owner,
        id: Id,
    ) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let enrollment = find(core, owner, id).await?;
        let (sealed, _) = started(&enrollment, now)?;
        // A token shows its own codes.
        let sealed = sealed.ok_or(ServiceError::NotFound("QR code"))?;
        let secret = Record::of_enrollment(&enrollment).open(&*core.sealer, sealed)?;
        let uri = uri(&enrollment, &secret)?;
        let qr = Qr::encode(&uri).map_err(|error| ServiceError::Internal(error.to_string()))?;
        qr.to_png(PNG_PX_PER_MODULE)
            .map_err(|error| ServiceError::Internal(error.to_string()))
    }

    /// Ends an enrollment; its secret is erased.
    pub async fn abandon_enrollment(&self, caller: &Caller, owner: &Owner, id: Id) -> Result<(), ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let origin = caller.origin();
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(origin);
        loop {
            let attempt = attempts.next()?;
            let enrollment = find(core, owner, id).await?;
            if !enrollment.state.is_open() {
                return Err(ServiceError::EnrollmentEnded);
            }
            let entry = attempt.entry("enrollment.abandon", "done");
            let entry = entry.of_user().detail(json!({"enrollment": id}));
            let event = attempt.event_of(&core.row(owner, attempt.now).await?, &entry).await?;
            let writes = [becomes(&enrollment, EnrollmentState::abandoned)?];
            if let Some(done) = attempt.commit(Change::of(event).with(writes), ()).await? {
                return Ok(done);
            }
        }
    }
}

/// Large enough for a phone held against a laptop's screen.
const PNG_PX_PER_MODULE: u8 = 6;

/// The next version of an enrollment, by this transition of its state.
pub(crate) fn becomes(
    enrollment: &Enrollment,
    transition: impl FnOnce(EnrollmentState) -> Option<EnrollmentState>,
) -> Result<Write, ServiceError> {
    let state = transition(enrollment.state.clone()).ok_or(ServiceError::EnrollmentEnded)?;
    Ok(Write::put(
        Some(enrollment.version),
        &enrollment.clone().become_state(state),
    ))
}

pub(crate) fn uri(enrollment: &Enrollment, secret: &Secret) -> Result<Zeroizing<String>, ServiceError> {
    let invalid = |input| {
        move |error: enroll::LabelError| ServiceError::Invalid {
            input,
            why: error.to_string(),
        }
    };
    let issuer = Issuer::new(&enrollment.issuer).map_err(invalid(Input::Issuer))?;
    let account = Account::new(&enrollment.label).map_err(invalid(Input::Label))?;
    Ok(enroll::totp_uri(&issuer, &account, secret, enrollment.parameters))
}

pub(crate) fn codes_needed(core: &Core, kind: Kind) -> usize {
    match kind {
        Kind::Virtual => core.settings.virtual_codes,
        Kind::Hardware => 2,
    }
}

pub(crate) async fn find(core: &Core, owner: &Owner, id: Id) -> Result<Enrollment, ServiceError> {
    core.store
        .enrollment(owner.clone(), id)
        .await?
        .ok_or(ServiceError::NotFound("enrollment"))
}

/// The sealed secret (none of a token) and the wrong codes of an enrollment that waits for codes.
pub(crate) fn started(enrollment: &Enrollment, now: UnixMs) -> Result<(Option<&store::Sealed>, u32), ServiceError> {
    match &enrollment.state {
        // One that was started while the clock was ahead would live until then.
        EnrollmentState::Started { .. }
            if now >= enrollment.expires_at || now.since(enrollment.started_at) < -UnixMs::MINUTE =>
        {
            Err(ServiceError::EnrollmentExpired)
        }
        EnrollmentState::Started { sealed, wrong_codes } => Ok((sealed.as_ref(), *wrong_codes)),
        _ => Err(ServiceError::EnrollmentEnded),
    }
}
