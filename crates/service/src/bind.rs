use enroll::{Account, Issuer, Qr};
use otp::{Code, Parameters, Secret};
use serde_json::json;
use store::{Bound, Change, Device, Enrollment, EnrollmentState, Id, IdentityProof, Outcome, Owner, Protection, Write};
use verify::{Cause, Kind, UnixMs};
use zeroize::Zeroizing;

use crate::{
    Core, DeviceView, Factor, Hint, Origin, Service, ServiceError,
    event::Entry,
    factor::{Judged, judge_factor},
    recovery::{self, TRIES},
    sealing::Record,
    unbind::{end_device, protection_write},
};

/// An enrollment that is asked for.
pub struct NewBinding {
    /// For whom.
    pub owner: Owner,
    /// Shown in the app; the service's own by default.
    pub issuer: Option<String>,
    /// The account's name in the app; the user's name by default.
    pub label: Option<String>,
    /// What the caller checked before it asked.
    pub identity_proof: IdentityProof,
    /// A fresh factor, when the user has a device already.
    pub factor: Option<Replacement>,
}

/// The fresh factor of a user who has a device, and what becomes of that one.
pub struct Replacement {
    /// The device that ends when the new one is bound; `None` adds a further one.
    pub replaces: Option<Id>,
    /// A code of a bound device, or a recovery code.
    pub factor: Factor,
}

/// What the user is shown, once.
pub struct Offer {
    /// The enrollment.
    pub id: Id,
    /// For the app.
    pub otpauth_uri: Zeroizing<String>,
    /// For those who cannot scan.
    pub secret_text: Zeroizing<String>,
    /// The same as a picture.
    pub qr_svg: Zeroizing<String>,
    /// When it ends by itself.
    pub expires_at: UnixMs,
    /// How many codes complete it.
    pub codes_needed: usize,
}

/// The codes of an enrollment, and what goes with them.
pub struct Confirmation {
    /// As they were typed.
    pub codes: Vec<Zeroizing<String>>,
    /// Asked at login.
    pub login_protection: bool,
    /// Asked before a sensitive operation.
    pub operation_protection: bool,
    /// Whether to issue recovery codes.
    pub recovery_codes: bool,
}

impl Service {
    /// Starts a binding: nothing is bound yet.
    pub async fn start_enrollment(&self, wanted: &NewBinding, origin: &Origin) -> Result<Offer, ServiceError> {
        let core = &*self.core;
        for _try in 0..TRIES {
            if let Some(offer) = try_start(core, wanted, origin).await? {
                return Ok(offer);
            }
        }
        Err(ServiceError::Contended)
    }

    /// The QR code of an enrollment that lives, as PNG.
    pub async fn enrollment_png(&self, owner: &Owner, id: Id) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        let core = &*self.core;
        let now = core.clock.now()?;
        let enrollment = find(core, owner, id).await?;
        let (sealed, _) = started(&enrollment, now)?;
        let secret = Record::of_enrollment(&enrollment).open(&*core.sealer, sealed)?;
        let uri = uri(&enrollment, &secret)?;
        let qr = Qr::encode(&uri).map_err(|error| ServiceError::Internal(error.to_string()))?;
        qr.to_png(PNG_PX_PER_MODULE)
            .map_err(|error| ServiceError::Internal(error.to_string()))
    }

    /// Ends an enrollment; its secret is erased.
    pub async fn abandon_enrollment(&self, owner: &Owner, id: Id, origin: &Origin) -> Result<(), ServiceError> {
        let core = &*self.core;
        for _try in 0..TRIES {
            let now = core.clock.now()?;
            let enrollment = find(core, owner, id).await?;
            if enrollment.state.sealed().is_none() {
                return Err(ServiceError::EnrollmentEnded);
            }
            let entry = Entry::new("enrollment.abandon", "done", origin)
                .owner(owner)
                .detail(json!({"enrollment": id}));
            let events = vec![core.event(&entry, now)?];
            let writes = vec![becomes(&enrollment, EnrollmentState::Abandoned)];
            if core.commit(vec![Change { writes, events }]).await? == [Outcome::Done] {
                return Ok(());
            }
        }
        Err(ServiceError::Contended)
    }

    /// Completes a binding by the code(s) of the new device.
    pub async fn confirm_enrollment(
        &self,
        owner: &Owner,
        id: Id,
        confirmation: &Confirmation,
        origin: &Origin,
    ) -> Result<(DeviceView, Vec<Zeroizing<String>>), ServiceError> {
        for _try in 0..TRIES {
            if let Some(bound) = try_confirm(&self.core, owner, id, confirmation, origin).await? {
                return Ok(bound);
            }
        }
        Err(ServiceError::Contended)
    }
}

/// Large enough for a phone held against a laptop's screen.
const PNG_PX_PER_MODULE: u8 = 6;

async fn try_start(core: &Core, wanted: &NewBinding, origin: &Origin) -> Result<Option<Offer>, ServiceError> {
    let owner = &wanted.owner;
    let now = core.clock.now()?;
    check_proof(core, &wanted.identity_proof, now)?;
    let devices = core.store.bound(vec![owner.clone()]).await?.pop().unwrap_or_default();
    let spent = match fresh_factor(core, wanted, &devices, origin, now).await? {
        Some(Judged::Right(spent)) => Some(spent),
        Some(Judged::Wrong { writes, event, error }) => {
            let outcomes = core
                .commit(vec![Change {
                    writes,
                    events: vec![event],
                }])
                .await?;
            return if outcomes == [Outcome::Done] {
                Err(error)
            } else {
                Ok(None)
            };
        }
        None => None,
    };
    let secret = enroll::new_secret(|bytes| core.entropy.fill(bytes))?;
    let mut enrollment = Enrollment {
        id: core.new_id(now)?,
        owner: owner.clone(),
        version: 1,
        kind: Kind::Virtual,
        issuer: wanted.issuer.clone().unwrap_or_else(|| core.settings.issuer.clone()),
        // A colon would end the issuer in the app's eyes.
        label: wanted.label.clone().unwrap_or_else(|| owner.user.replace(':', ".")),
        parameters: Parameters::DEFAULT,
        identity_proof: wanted.identity_proof.clone(),
        replaces: wanted.factor.as_ref().and_then(|factor| factor.replaces),
        started_at: now,
        expires_at: now.plus(core.settings.enrollment_ms),
        state: EnrollmentState::Abandoned,
    };
    let sealed = Record::of_enrollment(&enrollment).seal(&*core.sealer, &secret)?;
    enrollment.state = EnrollmentState::Started { sealed, wrong_codes: 0 };
    let offer = offer(core, &enrollment, &secret)?;

    let mut writes = supersede(core, owner).await?;
    writes.extend(spent.as_ref().map(|spent| spent.write()));
    let detail = json!({
        "enrollment": enrollment.id,
        "replaces": enrollment.replaces,
        "factor": spent.as_ref().map(|spent| spent.name()),
        "identity_proof": {
            "method": wanted.identity_proof.method,
            "at": wanted.identity_proof.at.get(),
            "by": wanted.identity_proof.by,
        },
    });
    writes.push(Write::Enrollment {
        expected: None,
        next: Box::new(enrollment),
    });
    let entry = Entry::new("enrollment.start", "done", origin)
        .owner(owner)
        .detail(detail);
    let change = Change {
        writes,
        events: vec![core.event(&entry, now)?],
    };
    Ok((core.commit(vec![change]).await? == [Outcome::Done]).then_some(offer))
}

pub(crate) fn check_proof(core: &Core, proof: &IdentityProof, now: UnixMs) -> Result<(), ServiceError> {
    let age_ms = now.since(proof.at);
    let minutes = core.settings.identity_proof_ms / UnixMs::MINUTE;
    let why = if age_ms > core.settings.identity_proof_ms {
        format!("the proof is older than {minutes} minutes: prove the user's identity again")
    } else if age_ms < -UnixMs::MINUTE {
        "the proof is of the future: check the caller's clock".into()
    } else {
        return Ok(());
    };
    Err(ServiceError::Invalid {
        field: "identity_proof.at",
        why,
    })
}

/// The factor that a user with a device has to show before a way in is added or changed.
async fn fresh_factor(
    core: &Core,
    wanted: &NewBinding,
    devices: &[Bound],
    origin: &Origin,
    now: UnixMs,
) -> Result<Option<Judged>, ServiceError> {
    if devices.is_empty() {
        return Ok(None);
    }
    let Some(replacement) = &wanted.factor else {
        let full = devices.len() >= core.settings.devices_max;
        return Err(if full {
            ServiceError::DeviceLimit
        } else {
            ServiceError::FactorRequired
        });
    };
    let of = match replacement.replaces {
        Some(id) => {
            let of: Vec<Bound> = devices.iter().filter(|bound| bound.device.id == id).cloned().collect();
            if of.is_empty() {
                return Err(ServiceError::NotFound("device to replace"));
            }
            of
        }
        None if devices.len() >= core.settings.devices_max => return Err(ServiceError::DeviceLimit),
        None => devices.to_vec(),
    };
    judge_factor(
        core,
        &wanted.owner,
        &of,
        &replacement.factor,
        "enrollment.start",
        origin,
        now,
    )
    .await
    .map(Some)
}

/// The older enrollments of this user give way.
async fn supersede(core: &Core, owner: &Owner) -> Result<Vec<Write>, ServiceError> {
    let open = core.store.open_enrollments(owner.clone()).await?;
    let mut writes = Vec::new();
    for enrollment in open {
        if let EnrollmentState::Started { sealed, .. } = &enrollment.state {
            writes.push(becomes(
                &enrollment,
                EnrollmentState::Superseded { sealed: sealed.clone() },
            ));
        }
    }
    Ok(writes)
}

fn becomes(enrollment: &Enrollment, state: EnrollmentState) -> Write {
    Write::Enrollment {
        expected: Some(enrollment.version),
        next: Box::new(Enrollment {
            version: enrollment.version + 1,
            state,
            ..enrollment.clone()
        }),
    }
}

fn offer(core: &Core, enrollment: &Enrollment, secret: &Secret) -> Result<Offer, ServiceError> {
    let otpauth_uri = uri(enrollment, secret)?;
    let qr = Qr::encode(&otpauth_uri).map_err(|error| ServiceError::Invalid {
        field: "label",
        why: format!("issuer and label are too long for a QR code: {error}"),
    })?;
    Ok(Offer {
        id: enrollment.id,
        secret_text: enroll::text_key(secret),
        qr_svg: qr.to_svg(),
        otpauth_uri,
        expires_at: enrollment.expires_at,
        codes_needed: codes_needed(core, enrollment.kind),
    })
}

fn uri(enrollment: &Enrollment, secret: &Secret) -> Result<Zeroizing<String>, ServiceError> {
    let invalid = |field| {
        move |error: enroll::LabelError| ServiceError::Invalid {
            field,
            why: error.to_string(),
        }
    };
    let issuer = Issuer::new(&enrollment.issuer).map_err(invalid("issuer"))?;
    let account = Account::new(&enrollment.label).map_err(invalid("label"))?;
    Ok(enroll::totp_uri(&issuer, &account, secret, enrollment.parameters))
}

fn codes_needed(core: &Core, kind: Kind) -> usize {
    match kind {
        Kind::Virtual => core.settings.virtual_codes,
        Kind::Hardware => 2,
    }
}

async fn find(core: &Core, owner: &Owner, id: Id) -> Result<Enrollment, ServiceError> {
    core.store
        .enrollment(owner.clone(), id)
        .await?
        .ok_or(ServiceError::NotFound("enrollment"))
}

/// The sealed secret and the wrong codes of an enrollment that waits for codes.
fn started(enrollment: &Enrollment, now: UnixMs) -> Result<(&store::Sealed, u32), ServiceError> {
    match &enrollment.state {
        EnrollmentState::Started { .. } if now >= enrollment.expires_at => Err(ServiceError::EnrollmentExpired),
        EnrollmentState::Started { sealed, wrong_codes } => Ok((sealed, *wrong_codes)),
        _ => Err(ServiceError::EnrollmentEnded),
    }
}

type BoundNow = (DeviceView, Vec<Zeroizing<String>>);

async fn try_confirm(
    core: &Core,
    owner: &Owner,
    id: Id,
    confirmation: &Confirmation,
    origin: &Origin,
) -> Result<Option<BoundNow>, ServiceError> {
    let now = core.clock.now()?;
    let enrollment = find(core, owner, id).await?;
    let (sealed, wrong_codes) = started(&enrollment, now)?;
    let needed = codes_needed(core, enrollment.kind);
    if confirmation.codes.len() != needed {
        let why = format!("this enrollment needs {needed} code(s), in the order they were shown");
        return Err(ServiceError::Invalid { field: "codes", why });
    }
    let secret = Record::of_enrollment(&enrollment).open(&*core.sealer, sealed)?;
    let id = core.new_id(now)?;
    let mut device = Device {
        id,
        owner: owner.clone(),
        kind: enrollment.kind,
        serial_number: None,
        label: enrollment.label.clone(),
        parameters: enrollment.parameters,
        sealed: None,
        bound_at: now,
        unbound_at: None,
    };
    device.sealed = Some(Record::of_device(&device).seal(&*core.sealer, &secret)?);
    let credential = verify::Credential::new(secret, enrollment.parameters, enrollment.kind);
    let codes: Option<Vec<Code>> = confirmation.codes.iter().map(|code| Code::parse(code).ok()).collect();
    let confirmed = match &codes {
        Some(codes) => verify::confirm(&credential, codes, now, &core.settings.policy),
        None => Err(verify::Refusal {
            cause: Cause::Malformed,
            clock_off_s: None,
        }),
    };
    match confirmed {
        Ok(confirmed) => {
            let bound = Bound {
                device,
                state: confirmed.state,
            };
            complete(core, &enrollment, bound, confirmation, origin, now).await
        }
        Err(refusal) => {
            let code = codes.as_ref().and_then(|codes| codes.last());
            let hint = match Hint::of(refusal) {
                Some(hint) => Some(hint),
                None => other_entry(core, owner, &enrollment, code, now).await?,
            };
            count_wrong(core, &enrollment, wrong_codes, refusal.cause, hint, origin, now).await
        }
    }
}

/// Whether the code is of an older entry of the same user. A bound device is only asked about codes that it
/// can no longer be entered with, so that this is no way to try codes for free.
async fn other_entry(
    core: &Core,
    owner: &Owner,
    enrollment: &Enrollment,
    code: Option<&Code>,
    now: UnixMs,
) -> Result<Option<Hint>, ServiceError> {
    let Some(code) = code else { return Ok(None) };
    let policy = &core.settings.policy;
    for other in core.store.open_enrollments(owner.clone()).await? {
        if let EnrollmentState::Superseded { sealed } = &other.state
            && other.id != enrollment.id
        {
            let credential = Record::of_enrollment(&other).credential(&*core.sealer, sealed)?;
            if verify::confirm(&credential, std::slice::from_ref(code), now, policy).is_ok() {
                return Ok(Some(Hint::OtherEntry));
            }
        }
    }
    for bound in core.store.bound(vec![owner.clone()]).await?.pop().unwrap_or_default() {
        let credential = crate::sealing::credential_of(&bound.device, &*core.sealer)?;
        let cause = verify::diagnose(&bound.state, &credential, code, bound.state.last_step, now, policy);
        if matches!(cause, Cause::Used { .. }) {
            return Ok(Some(Hint::OtherEntry));
        }
    }
    Ok(None)
}

async fn count_wrong(
    core: &Core,
    enrollment: &Enrollment,
    wrong_codes: u32,
    cause: Cause,
    hint: Option<Hint>,
    origin: &Origin,
    now: UnixMs,
) -> Result<Option<BoundNow>, ServiceError> {
    let wrong_codes = wrong_codes + 1;
    let attempts_left = core.settings.enrollment_wrong_codes.saturating_sub(wrong_codes);
    let state = match &enrollment.state {
        EnrollmentState::Started { sealed, .. } if attempts_left > 0 => EnrollmentState::Started {
            sealed: sealed.clone(),
            wrong_codes,
        },
        _ => EnrollmentState::Abandoned,
    };
    let detail = json!({
        "enrollment": enrollment.id,
        "hint": hint.map(Hint::name),
        "attempts_left": attempts_left,
    });
    let entry = Entry::new("enrollment.confirm", "refused", origin)
        .owner(&enrollment.owner)
        .cause(cause)
        .detail(detail);
    let change = Change {
        writes: vec![becomes(enrollment, state)],
        events: vec![core.event(&entry, now)?],
    };
    if core.commit(vec![change]).await? == [Outcome::Missed] {
        return Ok(None);
    }
    Err(ServiceError::CodeRefused {
        hint,
        attempts_left: Some(attempts_left),
    })
}

/// The moment of binding: everything at once, or nothing.
async fn complete(
    core: &Core,
    enrollment: &Enrollment,
    bound: Bound,
    confirmation: &Confirmation,
    origin: &Origin,
    now: UnixMs,
) -> Result<Option<BoundNow>, ServiceError> {
    let owner = &enrollment.owner;
    let device = bound.device.id;
    let devices = core.store.bound(vec![owner.clone()]).await?.pop().unwrap_or_default();
    let replaced = devices
        .iter()
        .find(|bound| Some(bound.device.id) == enrollment.replaces);
    if devices.len() - usize::from(replaced.is_some()) >= core.settings.devices_max {
        return Err(ServiceError::DeviceLimit);
    }
    let protection = core.store.protection(owner.clone()).await?;
    let mut writes = vec![
        becomes(enrollment, EnrollmentState::Confirmed { device }),
        Write::Bind {
            device: Box::new(bound.device.clone()),
            state: bound.state,
        },
        protection_write(
            protection,
            Protection {
                login_protection: confirmation.login_protection,
                operation_protection: confirmation.operation_protection,
                ..Protection::none(owner.clone())
            },
        ),
    ];
    let scope = json!({
        "login_protection": confirmation.login_protection,
        "operation_protection": confirmation.operation_protection,
    });
    let detail = json!({
        "enrollment": enrollment.id,
        "replaces": replaced.map(|bound| bound.device.id),
        "scope": scope,
        "recovery_codes": confirmation.recovery_codes,
    });
    let entry = Entry::new("enrollment.confirm", "done", origin)
        .owner(owner)
        .device(device)
        .detail(detail);
    let mut events = vec![core.event(&entry, now)?];
    if let Some(replaced) = replaced {
        writes.push(end_device(replaced, replaced.state, now));
        let entry = Entry::new("device.unbind", "done", origin)
            .owner(owner)
            .device(replaced.device.id)
            .because("replaced");
        events.push(core.event(&entry, now)?);
    }
    let mut shown = Vec::new();
    if confirmation.recovery_codes {
        let old = core.store.recovery_codes(owner.clone()).await?;
        let (codes, next) = recovery::issue(core, owner, old.as_ref(), now)?;
        writes.push(Write::RecoveryCodes {
            expected: old.map(|old| old.version),
            next,
        });
        shown = codes;
    }
    let done = core.commit(vec![Change { writes, events }]).await? == [Outcome::Done];
    Ok(done.then(|| (DeviceView::of(&bound, now), shown)))
}
