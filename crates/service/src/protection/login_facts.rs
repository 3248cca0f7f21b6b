//! What a login comes with beside the password: the trust of its browser, and the city of its address.

use store::{ProtectionMethod, User};
use verify::{Lock, UnixMs};

use crate::{
    ServiceError,
    attempt::Attempt,
    ports::Location,
    protection::{
        challenge::NewChallenge,
        decision::{Decision, Facts, Ground},
        purpose::ChallengePurpose,
        token::PendingChallenge,
        trust_use::LivingTrust,
    },
    trail::refusal_counter::warn_freely,
};

/// What is known of a login; of any other purpose nothing is.
#[derive(Default)]
pub(crate) struct LoginFacts {
    /// The browser's trust, if it lives.
    pub(crate) trust: Option<LivingTrust>,
    /// Where it comes from.
    pub(crate) city: Option<String>,
}

impl LoginFacts {
    /// What the login comes with; what the decision needs of it stands among the facts then.
    pub(crate) async fn of(
        attempt: &Attempt<'_>,
        wanted: &NewChallenge,
        user: Option<&User>,
        facts: &mut Facts,
    ) -> Result<Self, ServiceError> {
        let Attempt { core, now, .. } = *attempt;
        if wanted.purpose != ChallengePurpose::Login {
            return Ok(Self::default());
        }
        let location = core.location(wanted.client.as_ref());
        if facts.suspicious_login.method != ProtectionMethod::None {
            facts.is_unusual = core.is_unusual(&wanted.owner, &location, now).await?;
        }
        let trust = core.presented(attempt, user, wanted.trusted_device.as_deref()).await?;
        let trust = trust.filter(|_| facts.allows_trust);
        facts.is_trusted = trust.is_some();
        let city = match location {
            Location::City(city) => Some(city),
            Location::UsualNetwork | Location::Unknown => None,
        };
        Ok(Self { trust, city })
    }

    /// When a code is judged again that is typed in this browser, where that is so long for all others.
    pub(crate) fn locked_until(&self, general: Option<UnixMs>) -> Option<UnixMs> {
        match self.trust.map(|trust| trust.lock) {
            // On its own road (A2), until that is suspended.
            Some(None) => None,
            Some(Some(Lock::Until(until))) => Some(until),
            Some(Some(Lock::Suspended)) | None => general,
        }
    }
}

/// Tells the trail of a suspicious login, for the user's notice (P8). Whoever has the password may ask as often as they
/// like, so it has ten records an hour, and is counted beyond.
pub(crate) async fn tell_suspicion(
    attempt: &Attempt<'_>,
    pending: &PendingChallenge,
    (decision, suspicion): (Decision, Ground),
    user: Option<&User>,
) -> Result<(), ServiceError> {
    const ACTION: &str = "login.suspicious";
    let entry = attempt.entry(ACTION, decision.name()).of_user();
    let entry = entry.because(suspicion.name()).detail(pending.detail());
    let told = (ACTION, decision.name(), suspicion.name());
    let row;
    let user = match user {
        Some(user) => user,
        None => {
            row = attempt.core.row(&pending.owner(), attempt.now).await?;
            &row
        }
    };
    warn_freely(attempt, &entry, told, user).await
}
