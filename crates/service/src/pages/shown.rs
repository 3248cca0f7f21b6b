//! An enrollment shown again to the browser that began it: a page that is loaded anew, or goes on to the next language.

use enroll::Qr;
use otp::Parameters;
use store::{Id, Owner, Role};

use crate::{
    Caller, Service, ServiceError, ShownSecret, StartedEnrollment,
    enrollment::state::{codes_needed, find, started, uri},
    sealing::Record,
};

/// An enrollment that lives, as its page shows it.
pub struct EnrollmentOnPage {
    /// As it was shown when it began.
    pub started: StartedEnrollment,
    /// The number on the back of the token, where it is for one.
    pub serial_number: Option<String>,
    /// How its codes are made.
    pub parameters: Parameters,
    /// Wrong codes that it still takes.
    pub attempts_left: u32,
}

impl Service {
    /// An enrollment that lives, as it was shown when it began. For pages alone: other callers are shown a secret once, and
    /// keep what they were shown.
    pub async fn enrollment_on_page(
        &self,
        caller: &Caller,
        owner: &Owner,
        id: Id,
    ) -> Result<EnrollmentOnPage, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        caller.is_on_a_page()?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let enrollment = find(core, owner, id).await?;
        let (sealed, wrong_codes) = started(&enrollment, now)?;
        let shown = match sealed {
            Some(sealed) => {
                let secret = Record::of_enrollment(&enrollment).open(&*core.sealer, sealed)?;
                let otpauth_uri = uri(&enrollment, &secret)?;
                let qr = Qr::encode(&otpauth_uri).map_err(|error| ServiceError::Internal(error.to_string()))?;
                Some(ShownSecret {
                    secret_text: enroll::text_key(&secret),
                    qr_svg: qr.to_svg(),
                    otpauth_uri,
                })
            }
            None => None,
        };
        let attempts_left = core.settings.enrollment_wrong_codes.saturating_sub(wrong_codes);
        let started = StartedEnrollment {
            id,
            shown,
            expires_at: enrollment.expires_at,
            codes_needed: codes_needed(core, enrollment.kind),
            moving: enrollment.moving,
        };
        Ok(EnrollmentOnPage {
            started,
            serial_number: enrollment.serial_number,
            parameters: enrollment.parameters,
            attempts_left,
        })
    }
}
