//! Why was this code refused? Support asks for the user (D5), within bounds (A5).

use otp::Code;
use serde_json::json;
use store::{Change, Id, Outcome, Owner, Words, history::Subject};
use verify::{Cause, UnixMs};
use zeroize::Zeroizing;

use crate::{
    Caller, Core, Input, Role, Service, ServiceError,
    access::{
        allowance::{Limit, spend},
        caller::Origin,
    },
    support::{
        code_history::{CodeHistory, FROM_THE_NEWEST, NEWEST},
        diagnosis_words::words,
        examination::Examination,
        finding::{Fate, Finding},
    },
    trail::history::history,
};

/// Its name in the trail.
pub(super) const ACTION: &str = "support.diagnose";

/// Why a code was refused, as support may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The cause.
    pub cause: DiagnosedCause,
    /// The same in words that support can read to the user.
    pub text: Words,
    /// The device whose code it is.
    pub device: Option<Id>,
    /// By how much its clock is ahead (behind: negative).
    pub clock_off_s: Option<i64>,
    /// When the code was accepted.
    pub used_at: Option<UnixMs>,
    /// When the device is judged again; `None` also where somebody has to act first.
    pub locked_until: Option<UnixMs>,
    /// How often this may be asked again within the hour.
    pub asks_left: u32,
}

/// Why a code was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiagnosedCause {
    /// It is a code of another time: the clock is slow or fast.
    ClockOff,
    /// It was accepted before, or passed over by a later one of a counter token.
    Used,
    /// It is of another entry of the user's.
    OtherEntry,
    /// It is of a QR code in whose place a newer one was shown.
    OlderEnrollment,
    /// The app computes with another algorithm.
    OtherAlgorithm,
    /// The app renews its code at another period.
    OtherPeriod,
    /// It was right, and nothing is judged: the device is locked, suspended or lost.
    RightButLocked,
    /// It is none of those that may be told: wrong, or of the present, or still to come.
    Wrong,
    /// The user has no device.
    NoDevice,
}

impl DiagnosedCause {
    /// The name on the wire and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClockOff => "clock_off",
            Self::Used => "used",
            Self::OtherEntry => "other_entry",
            Self::OlderEnrollment => "older_enrollment",
            Self::OtherAlgorithm => "other_algorithm",
            Self::OtherPeriod => "other_period",
            Self::RightButLocked => "right_but_locked",
            Self::Wrong => "wrong",
            Self::NoDevice => "no_device",
        }
    }
}

impl Service {
    /// Says why a code of this user was refused, as far as it is of a step that is over; whatever is looked at is burned
    /// before it is told. So often an hour for each actor, and for each user.
    pub async fn diagnose(
        &self,
        caller: &Caller,
        owner: &Owner,
        code: &Zeroizing<String>,
    ) -> Result<Diagnosis, ServiceError> {
        caller.may_for(&[Role::Support], owner)?;
        let code = Code::parse(code).map_err(|_| ServiceError::Invalid {
            input: Input::Code,
            why: "a code has 6 to 8 digits: this is none, whatever device the user has".into(),
        })?;
        let core = &*self.core;
        let origin = caller.origin();
        let _lock = core.lock_user(owner).await?;
        let asks_left = count(core, owner, origin).await?;
        let mut attempts = core.attempts(origin);
        loop {
            let attempt = attempts.next()?;
            let user = core.row(owner, attempt.now).await?;
            let subject = Subject::User(user.id);
            let events = history(&*core.store, subject, FROM_THE_NEWEST, NEWEST).await?;
            let records = self.records(events).await?;
            let examination = Examination::of(core, &user, CodeHistory::of(&records), attempt.now).await?;
            let finding = examination.examine(core, &code)?;
            let diagnosis = told(&finding, attempt.now, asks_left);
            let (next, passed) = examination.burned(&user);
            let entry = attempt.entry(ACTION, "done").of_user().because(diagnosis.cause.name());
            let entry = match diagnosis.device {
                Some(device) => entry.device(device),
                None => entry,
            };
            let is_burned = !passed.is_empty();
            let entry = entry.detail(json!({"passed": passed}));
            let change = Change::of(attempt.event_of(&user, &entry).await?);
            let change = change.with(is_burned.then(|| next.used()));
            if let Some(diagnosis) = attempt.commit(change, diagnosis).await? {
                return Ok(diagnosis);
            }
        }
    }
}

/// Takes the question from its allowances, durably, and gives how many are left in the fullest of them.
async fn count(core: &Core, owner: &Owner, origin: &Origin) -> Result<u32, ServiceError> {
    let per_hour = core.settings.diagnoses_per_hour;
    let mut limits = Limit::of("diagnose", per_hour, origin);
    // Of whom nothing is kept there is nothing to guess.
    if let Some(user) = core.store.user(owner.clone()).await? {
        let name = format!("diagnose/user/{}", user.id);
        limits.push(Limit { name, per_hour });
    }
    let mut attempts = core.attempts(origin);
    loop {
        let counted = spend(core, &limits, attempts.next()?.now).await?;
        let outcomes = core.commit(counted).await?;
        if outcomes.iter().all(|outcome| *outcome == Outcome::Done) {
            break;
        }
    }
    let mut left = per_hour.saturating_sub(1);
    for limit in limits {
        let used = core
            .store
            .allowance(limit.name)
            .await?
            .map_or(0, |allowance| allowance.used);
        left = left.min(limit.per_hour.saturating_sub(used));
    }
    Ok(left)
}

fn told(finding: &Finding, now: UnixMs, asks_left: u32) -> Diagnosis {
    let mut told = Diagnosis {
        cause: cause(finding),
        text: words(finding, now),
        device: None,
        clock_off_s: None,
        used_at: None,
        locked_until: None,
        asks_left,
    };
    match finding {
        Finding::OfDevice(device, fate) => {
            told.device = Some(device.id);
            match fate {
                Fate::Used { at, .. } => told.used_at = Some(*at),
                Fate::ClockOff { s, .. } => told.clock_off_s = Some(*s),
                Fate::Locked { until, .. } => told.locked_until = *until,
                Fate::Passed | Fate::OtherEntry { .. } | Fate::Misconfigured(_) => {}
            }
        }
        Finding::Nothing { locked, .. } => told.locked_until = locked.flatten(),
        Finding::UnfinishedEntry | Finding::OlderEntry | Finding::NoDevice { .. } => {}
    }
    told
}

fn cause(finding: &Finding) -> DiagnosedCause {
    match finding {
        Finding::OfDevice(_, fate) => match fate {
            Fate::Used { .. } | Fate::Passed => DiagnosedCause::Used,
            Fate::ClockOff { .. } => DiagnosedCause::ClockOff,
            Fate::OtherEntry { .. } => DiagnosedCause::OtherEntry,
            Fate::Locked { .. } => DiagnosedCause::RightButLocked,
            Fate::Misconfigured(Cause::OtherPeriod(_)) => DiagnosedCause::OtherPeriod,
            Fate::Misconfigured(_) => DiagnosedCause::OtherAlgorithm,
        },
        Finding::UnfinishedEntry => DiagnosedCause::OtherEntry,
        Finding::OlderEntry => DiagnosedCause::OlderEnrollment,
        Finding::Nothing { .. } => DiagnosedCause::Wrong,
        Finding::NoDevice { .. } => DiagnosedCause::NoDevice,
    }
}
