//! The start of an enrollment: of an app by a QR code, of a token by its serial number.

use enroll::Qr;
use otp::Parameters;
use serde_json::json;
use store::{Change, Enrollment, EnrollmentState, Id, IdentityProof, Outcome, Owner, Token, User, Write};
use verify::{Kind, Moving, UnixMs};
use zeroize::Zeroizing;

use crate::{
    Caller, Core, Factor, Input, Role, Service, ServiceError,
    access::hourly_limit::HourlyLimit,
    access::idempotency::already_created,
    attempt::Attempt,
    devices::factor::{not_frozen, paid_by},
    devices::factors::touched,
    enrollment::identity_proof::{ProofOfIdentity, Proven, evidence},
    enrollment::state::{becomes, codes_needed, started, uri},
    inventory::binding::available,
    protection::{factors_that_do::FactorsThatDo, identity_grant::factor_grant, user_limit::counts},
    sealing::Record,
    trail::event::NewEvent,
};

const ACTION: &str = "enrollment.start";

/// An enrollment that is asked for.
pub struct NewEnrollment {
    /// For whom.
    pub owner: Owner,
    /// The device that is to show the codes.
    pub device: NewDevice,
    /// The device's name for people: the user's name by default, and the token's own.
    pub label: Option<String>,
    /// How the user's identity was proved. A grant that a device or a recovery code gave is the fresh factor of a further
    /// device as well.
    pub identity_proof: ProofOfIdentity,
    /// A fresh factor, when the user has a device already.
    pub factor: Option<Replacement>,
}

/// The device that an enrollment is for.
pub enum NewDevice {
    /// An authenticator app.
    App {
        /// Shown in the app; the service's own by default.
        issuer: Option<String>,
    },
    /// A token of the inventory.
    Token {
        /// The serial number on its back.
        serial_number: String,
    },
}

/// The fresh factor of a user who has a device, and what becomes of that one.
pub struct Replacement {
    /// The device that ends when the new one is bound; `None` adds a further one.
    pub replaces: Option<Id>,
    /// A code of a bound device, or a recovery code.
    pub factor: Factor,
}

/// A binding that has begun.
pub struct StartedEnrollment {
    /// The enrollment.
    pub id: Id,
    /// For the app; a token has its secret already.
    pub shown: Option<ShownSecret>,
    /// When it ends by itself.
    pub expires_at: UnixMs,
    /// The number of codes that complete it.
    pub codes_needed: usize,
    /// What they follow from.
    pub moving: Moving,
}

/// A secret for an app, which the user is shown once.
pub struct ShownSecret {
    /// For the app.
    pub otpauth_uri: Zeroizing<String>,
    /// For those who cannot scan.
    pub secret_text: Zeroizing<String>,
    /// The URI as a picture.
    pub qr_svg: Zeroizing<String>,
}

/// Rate limits of starting enrollments, by user and by API key.
#[derive(Default)]
pub(crate) struct StartLimits {
    of_user: HourlyLimit<Owner>,
    of_key: HourlyLimit<Option<Id>>,
}

impl Service {
    /// Starts a binding: nothing is bound yet.
    pub async fn start_enrollment(
        &self,
        caller: &Caller,
        wanted: &NewEnrollment,
    ) -> Result<StartedEnrollment, ServiceError> {
        caller.may_for(&[Role::Enroll], &wanted.owner)?;
        let origin = caller.origin();
        let core = &*self.core;
        let now = core.clock.now()?;
        // A repeat begins nothing: it costs nothing, and its proof was of its time.
        if let Some(created) = core.once(origin, Some(&wanted.owner), now).await?.repeated() {
            return again(core, &wanted.owner, created, now).await;
        }
        wanted.identity_proof.check(core, now)?;
        // Each is a row of the trail at least, and costs whoever asks nothing.
        let (owner, settings) = (&wanted.owner, &core.settings);
        // A key that may start no more takes no place among the users, who are of all keys.
        core.enrollment_starts
            .of_key
            .ask(&origin.api_key, settings.enrollments_per_key, now)?;
        // The user first: one who begins without end costs the others of the same key nothing.
        core.enrollment_starts
            .of_user
            .take(owner.clone(), settings.enrollments_per_user, now)?;
        core.enrollment_starts
            .of_key
            .take(origin.api_key, settings.enrollments_per_key, now)?;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = self.core.attempts(origin);
        loop {
            if let Some(done) = try_start(&attempts.next()?, wanted).await? {
                return Ok(done);
            }
        }
    }
}

async fn try_start(attempt: &Attempt<'_>, wanted: &NewEnrollment) -> Result<Option<StartedEnrollment>, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let owner = &wanted.owner;
    let once = core.once(origin, Some(owner), now).await?;
    if let Some(created) = once.repeated() {
        return again(core, owner, created, now).await.map(Some);
    }
    let factors = core.factors(owner, now).await?;
    not_frozen(&factors.user, now)?;
    let is_counted = counts(&factors.user, factors.protection.as_ref());
    core.may_be_counted(owner, is_counted).await?;
    let proven = wanted.identity_proof.proven(attempt, &factors.user, ACTION).await?;
    // Before any code is judged: a right one is not told beside a label that no app takes.
    let app = match &wanted.device {
        NewDevice::App { issuer } => Some(for_app(core, (wanted, &proven.proof), issuer.as_deref(), now)?),
        NewDevice::Token { .. } => None,
    };
    let spent = match asked_factor(attempt, wanted, &factors.user).await? {
        Some((of, factor)) => match paid_by(attempt, &factors.user, of, factor, ACTION).await? {
            None => return Ok(None),
            spent => spent,
        },
        None => None,
    };
    let (enrollment, shown) = match (app, &wanted.device) {
        (Some((enrollment, shown)), _) => (enrollment, Some(shown)),
        (None, NewDevice::Token { serial_number }) => match available(core, serial_number, owner, now).await? {
            Ok((token, _)) => (for_token(core, (wanted, &proven.proof), &token, now)?, None),
            Err(cause) => {
                // A right code is burned all the same, or it could be tried here for nothing.
                let writes = spent.map_or(Vec::new(), |spent| spent.writes());
                return refuse(attempt, &proven, (&factors.user, serial_number), writes, cause).await;
            }
        },
        (None, NewDevice::App { .. }) => return Err(ServiceError::Internal("nothing was made for the app".into())),
    };
    let offer = StartedEnrollment {
        id: enrollment.id,
        shown,
        expires_at: enrollment.expires_at,
        codes_needed: codes_needed(core, enrollment.kind),
        moving: enrollment.moving,
    };

    let row = factors.user.clone();
    // What is free to start beside no device must not be completed beside one that came in between (U5).
    let paid_by = spent.as_ref().map(|spent| spent.name());
    let (user, recovery) = spent.map_or((factors.user, None), |spent| (spent.user, spent.recovery));
    let mut writes = vec![touched(proven.used_up(user, ACTION, now)?)];
    writes.extend(supersede(core, owner).await?);
    writes.extend(recovery.map(|(expected, next)| Write::put(Some(expected), &next)));
    let detail = json!({
        "enrollment": enrollment.id,
        "serial_number": enrollment.serial_number,
        "replaces": enrollment.replaces,
        "factor": paid_by,
        "identity_proof": evidence(Some(&proven.proof)),
    });
    writes.push(Write::put(None, &enrollment));
    writes.extend(once.created(enrollment.id));
    let entry = NewEvent::new(ACTION, "done", origin).of_user().detail(detail);
    let change = Change::of(core.event_of(&row, &entry, now).await?).with(writes);
    Ok((core.commit(vec![change]).await? == [Outcome::Done]).then_some(offer))
}

/// The enrollment that the same request began before; an app's secret is not shown again.
async fn again(core: &Core, owner: &Owner, created: &str, now: UnixMs) -> Result<StartedEnrollment, ServiceError> {
    let told = already_created(created);
    let ServiceError::AlreadyCreated { id } = told else {
        return Err(told);
    };
    let enrollment = core.store.enrollment(owner.clone(), id).await?;
    let enrollment = enrollment.ok_or(ServiceError::EnrollmentEnded)?;
    started(&enrollment, now)?;
    if enrollment.kind == Kind::Virtual {
        return Err(told);
    }
    Ok(StartedEnrollment {
        id,
        shown: None,
        expires_at: enrollment.expires_at,
        codes_needed: codes_needed(core, enrollment.kind),
        moving: enrollment.moving,
    })
}

/// The factor that a user with a device has to show before a way in is added or changed, and the device whose code it is.
async fn asked_factor<'w>(
    attempt: &Attempt<'_>,
    wanted: &'w NewEnrollment,
    user: &User,
) -> Result<Option<(Option<Id>, &'w Factor)>, ServiceError> {
    let Attempt { core, .. } = *attempt;
    let devices = &user.devices;
    let Some(replacement) = &wanted.factor else {
        if devices.is_empty() {
            return Ok(None);
        }
        if devices.len() >= core.settings.devices_max {
            return Err(ServiceError::DeviceLimit);
        }
        let ProofOfIdentity::Grant(text) = &wanted.identity_proof else {
            return Err(ServiceError::FactorRequired(FactorsThatDo::of(ACTION, true)));
        };
        // Used up as the proof that it is, and by the same commit.
        factor_grant(attempt, user, text, ACTION).await?;
        return Ok(None);
    };
    let of = match replacement.replaces {
        Some(id) if user.device(id).is_none() => return Err(ServiceError::NotFound("device to replace")),
        Some(id) => Some(id),
        // Whoever sends a code takes the user for one who has a device: what is not judged must not look as if it were.
        None if devices.is_empty() => return Err(ServiceError::NotFound("device that this code could be of")),
        None if devices.len() >= core.settings.devices_max => return Err(ServiceError::DeviceLimit),
        None => None,
    };
    Ok(Some((of, &replacement.factor)))
}

/// The older enrollments of this user give way. The last one is kept for a hint to whoever types its code; one
/// before that is forgotten.
async fn supersede(core: &Core, owner: &Owner) -> Result<Vec<Write>, ServiceError> {
    let open = core.store.open_enrollments(owner.clone()).await?;
    open.iter()
        .map(|enrollment| becomes(enrollment, EnrollmentState::superseded))
        .collect()
}

/// What is asked for, and the proof that goes with it.
type Proved<'a> = (&'a NewEnrollment, &'a IdentityProof);

/// A new enrollment for an app: a new secret, sealed for it, and how it is shown.
fn for_app(
    core: &Core,
    wanted: Proved<'_>,
    issuer: Option<&str>,
    now: UnixMs,
) -> Result<(Enrollment, ShownSecret), ServiceError> {
    let secret = enroll::new_secret(|bytes| core.entropy.fill(bytes))?;
    let mut enrollment = Enrollment {
        issuer: issuer.unwrap_or(&core.settings.issuer).to_owned(),
        ..blank(core, wanted, Kind::Virtual, now)?
    };
    let sealed = Record::of_enrollment(&enrollment).seal(&*core.sealer, &secret)?;
    enrollment.state = EnrollmentState::Started {
        sealed: Some(sealed),
        wrong_codes: 0,
    };
    let otpauth_uri = uri(&enrollment, &secret)?;
    let qr = Qr::encode(&otpauth_uri).map_err(|error| ServiceError::Invalid {
        input: Input::Label,
        why: format!("issuer and label are too long for a QR code: {error}"),
    })?;
    let shown = ShownSecret {
        secret_text: enroll::text_key(&secret),
        qr_svg: qr.to_svg(),
        otpauth_uri,
    };
    Ok((enrollment, shown))
}

/// A new enrollment for a token: its secret stays in the inventory until its codes were right.
fn for_token(core: &Core, wanted: Proved<'_>, token: &Token, now: UnixMs) -> Result<Enrollment, ServiceError> {
    let label = wanted.0.label.as_ref().or(token.label.as_ref());
    Ok(Enrollment {
        label: label.unwrap_or(&token.serial_number).clone(),
        parameters: token.parameters,
        moving: match token.counter {
            Some(_) => Moving::Counter,
            None => Moving::Time,
        },
        serial_number: Some(token.serial_number.clone()),
        state: EnrollmentState::Started {
            sealed: None,
            wrong_codes: 0,
        },
        ..blank(core, wanted, Kind::Hardware, now)?
    })
}

fn blank(core: &Core, (wanted, proof): Proved<'_>, kind: Kind, now: UnixMs) -> Result<Enrollment, ServiceError> {
    let owner = &wanted.owner;
    Ok(Enrollment {
        id: core.new_id(now)?,
        owner: owner.clone(),
        version: 1,
        kind,
        issuer: core.settings.issuer.clone(),
        // A colon would end the issuer in the app's eyes.
        label: wanted.label.clone().unwrap_or_else(|| owner.user.replace(':', ".")),
        parameters: Parameters::DEFAULT,
        moving: Moving::Time,
        identity_proof: proof.clone(),
        serial_number: None,
        replaces: wanted.factor.as_ref().and_then(|factor| factor.replaces),
        started_at: now,
        expires_at: now.plus(core.settings.enrollment_ms),
        state: EnrollmentState::Abandoned,
    })
}

/// The trail learns why; the caller is told what every other cause is told too.
async fn refuse(
    attempt: &Attempt<'_>,
    proven: &Proven,
    (user, serial_number): (&User, &str),
    writes: Vec<Write>,
    cause: &'static str,
) -> Result<Option<StartedEnrollment>, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let detail = json!({
        "serial_number": serial_number,
        "identity_proof": evidence(Some(&proven.proof)),
    });
    let entry = NewEvent::new(ACTION, "refused", origin)
        .of_user()
        .because(cause)
        .detail(detail);
    let change = Change::of(core.event_of(user, &entry, now).await?).with(writes);
    if core.commit(vec![change]).await? != [Outcome::Done] {
        return Ok(None);
    }
    Err(ServiceError::TokenUnavailable)
}
