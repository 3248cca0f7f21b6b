//! Asking for a challenge: must this be checked, and by which method?

use serde_json::json;
use store::{Bound, Owner, Role, User};
use verify::{Lock, UnixMs};

use crate::{
    Caller, Client, Input, NoMethod, Service, ServiceError,
    access::caller::Origin,
    attempt::Attempt,
    protection::{
        catalogue::check_key,
        decision::{Asked, Decision, Facts, Ground, InForce, OfferedMethod, Sensitivity, decide, suspicion},
        grant::Grant,
        login_facts::{LoginFacts, tell_suspicion},
        memory::GrantMemory,
        purpose::ChallengePurpose,
        register::OwnMethods,
        token::{PendingChallenge, time_of},
    },
    trail::refusal_counter::decide_freely,
    verification::memo::Memo,
};

/// A challenge that is asked for.
#[derive(Clone, Debug)]
pub struct NewChallenge {
    /// The user.
    pub owner: Owner,
    /// What for.
    pub purpose: ChallengePurpose,
    /// Who is to accept the grant; the API key's first audience when absent.
    pub audience: Option<String>,
    /// The catalogue's `product/operation`; of an identity check, the one thing that it is for.
    pub operation: Option<String>,
    /// The one resource of that operation.
    pub resource: Option<String>,
    /// The session, needed for operations: ours or any name of the caller's.
    pub session_id: Option<String>,
    /// The method of the first factor, needed at login.
    pub first_factor: Option<String>,
    /// The user's address and browser, as the caller says.
    pub client: Option<Client>,
    /// The caller reports a risk.
    pub is_risky: bool,
    /// The token of a trusted browser, as it was last given.
    pub trusted_device: Option<String>,
}

/// A challenge, and what was decided of it.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// To be answered under; nothing of it is stored.
    pub id: String,
    /// Allowed, to be answered, or denied.
    pub decision: Decision,
    /// Why.
    pub ground: Ground,
    /// The methods that may answer, the strongest first.
    pub methods: Vec<OfferedMethod>,
    /// When it cannot be answered any more.
    pub expires_at: UnixMs,
    /// No code is judged before, where all devices are locked.
    pub locked_until: Option<UnixMs>,
    /// With [`Decision::Allow`].
    pub grant: Option<SignedGrant>,
    /// Where there is nothing to answer with: the operator's words for people who are stuck.
    pub contact: Option<String>,
    /// The browser's next token, where its trust stood in for the check.
    pub trusted_device: Option<String>,
    /// The operation is in no catalogue: it was taken as the setting for such has it.
    pub is_unknown_operation: bool,
}

/// A grant as its bearer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedGrant {
    /// The JSON Web Token.
    pub text: String,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// Where a challenge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeState {
    /// It waits for its answer.
    Open,
    /// It was answered.
    Answered,
    /// Its time is over.
    Expired,
}

impl ChallengeState {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Expired => "expired",
        }
    }
}

impl Service {
    /// Decides whether a user must be checked, and by which method. Nothing is stored of a challenge that has to be answered:
    /// its id is the challenge, sealed.
    pub async fn create_challenge(&self, caller: &Caller, wanted: &NewChallenge) -> Result<Challenge, ServiceError> {
        caller.may_for(&[Role::Verify], &wanted.owner)?;
        let audience = caller.audience(wanted.audience.as_deref())?;
        check(wanted)?;
        let core = &*self.core;
        let origin = Origin {
            client: wanted.client.clone(),
            ..caller.origin().clone()
        };
        let now = core.clock.now()?;
        let attempt = Attempt {
            core,
            origin: &origin,
            now,
        };
        let user = core.store.user(wanted.owner.clone()).await?;
        let mut facts = facts(&attempt, &wanted.owner, user.as_ref()).await?;
        let memo = user.as_ref().map(|user| Memo::read(&user.memo)).unwrap_or_default();
        let memory = memo.grants;
        facts.is_closing = memo.is_closing;
        facts.is_frozen = memo.support.frozen_until(now).is_some();
        let login = LoginFacts::of(&attempt, wanted, user.as_ref(), &mut facts).await?;
        let pass = wanted
            .session_id
            .as_deref()
            .and_then(|session| memory.pass(session, wanted.operation.as_deref(), wanted.resource.as_deref(), now));
        let known = match &wanted.operation {
            Some(key) => core.known_sensitivity(key, now).await?,
            None => Some(Sensitivity::Protected),
        };
        let asked = Asked {
            purpose: wanted.purpose,
            first_factor: wanted.first_factor.as_deref(),
            sensitivity: known.unwrap_or_else(|| core.unknown_sensitivity()),
            has_pass: pass.is_some(),
            is_risky: wanted.is_risky,
        };
        let (mut decision, mut ground, mut methods) = decided(&attempt, &wanted.owner, &asked, &mut facts).await?;
        let locked_until = login.locked_until(user.as_ref().and_then(|user| locked_until(user, wanted.purpose, now)));
        let mut pending = PendingChallenge {
            city: login.city,
            trusted_device: login.trust.map(|trust| trust.token.device),
            ..PendingChallenge::of(wanted, &attempt, audience)?
        };
        pending.becomes(ground, &methods);
        let mut trusted_device = None;
        if let (Ground::TrustedDevice, Some(user), Some(trust)) = (ground, &user, login.trust) {
            trusted_device = core.trust_used(&attempt, &pending, user, trust.token).await?;
            if trusted_device.is_none() {
                facts.is_trusted = false;
                (decision, ground, methods) = decided(&attempt, &wanted.owner, &asked, &mut facts).await?;
                pending.becomes(ground, &methods);
            }
        }
        let is_stuck = (decision, ground) == (Decision::Deny, Ground::NoMethod);
        let grant = match decision {
            Decision::Allow => Some(allowed(&pending, ground, &memory, now)),
            Decision::Challenge | Decision::Deny => None,
        };
        if let Some(suspicion) = suspicion(&asked, &facts) {
            tell_suspicion(&attempt, &pending, (decision, suspicion), user.as_ref()).await?;
        }
        if decision != Decision::Challenge && trusted_device.is_none() {
            record(&attempt, &pending, (decision, ground, known.is_none()), user).await?;
        }
        let grant = grant.map(|grant| core.signed(&grant)).transpose()?;
        Ok(Challenge {
            id: pending.seal(&*core.sealer)?,
            decision,
            ground,
            methods,
            expires_at: pending.expires_at(),
            locked_until,
            grant,
            contact: core.settings.contact.clone().filter(|_| is_stuck),
            trusted_device,
            is_unknown_operation: known.is_none(),
        })
    }

    /// Where a challenge of this caller stands; never its decision.
    pub async fn challenge_state(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<(ChallengePurpose, ChallengeState, UnixMs), ServiceError> {
        caller.may(&[Role::Verify])?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let pending = core.pending_challenge(id, caller.origin().api_key)?;
        caller.may_for(&[Role::Verify], &pending.owner())?;
        let user = core.store.user(pending.owner()).await?;
        let state = pending.state(user.as_ref(), now);
        Ok((pending.purpose, state, pending.expires_at()))
    }
}

/// The decision. Whether a passcode waits is asked of those who cannot go on without an answer, who are few.
async fn decided(
    attempt: &Attempt<'_>,
    owner: &Owner,
    asked: &Asked<'_>,
    facts: &mut Facts,
) -> Result<(Decision, Ground, Vec<OfferedMethod>), ServiceError> {
    let first = decide(asked, facts);
    if asked.purpose != ChallengePurpose::Login || first.0 == Decision::Allow {
        return Ok(first);
    }
    facts.has_passcode = attempt.core.has_passcode(owner, attempt.now).await?;
    Ok(decide(asked, facts))
}

/// When the first of the user's devices is judged again, where all are locked.
pub(crate) fn locked_until(user: &User, purpose: ChallengePurpose, now: UnixMs) -> Option<UnixMs> {
    let lock = |bound: &Bound| bound.state.lock(purpose.road(), now).and_then(Lock::until);
    let locks: Option<Vec<UnixMs>> = user.devices.iter().map(lock).collect();
    locks.and_then(|locks| locks.into_iter().min())
}

/// What each purpose needs of the request, and what means nothing to it: whoever sends that expects more than is done.
fn check(wanted: &NewChallenge) -> Result<(), ServiceError> {
    let missing = |input, why: &str| {
        Err(ServiceError::Invalid {
            input,
            why: why.to_owned(),
        })
    };
    let is_login = wanted.purpose == ChallengePurpose::Login;
    for (input, is_sent, is_of_login) in [
        (Input::Operation, wanted.operation.is_some(), false),
        (Input::Resource, wanted.resource.is_some(), false),
        (Input::SessionId, wanted.session_id.is_some(), false),
        (Input::Risk, wanted.is_risky, true),
        (Input::TrustedDevice, wanted.trusted_device.is_some(), true),
    ] {
        if is_sent && is_login != is_of_login {
            let name = wanted.purpose.name();
            return missing(input, &format!("it means nothing with purpose `{name}`: leave it out"));
        }
    }
    if let Some(key) = &wanted.operation {
        check_key(key, Input::Operation)?;
    }
    match wanted.purpose {
        ChallengePurpose::Login if wanted.first_factor.is_none() => {
            missing(Input::FirstFactor, "a login names the method that its first factor was")
        }
        ChallengePurpose::Operation if wanted.session_id.is_none() => missing(
            Input::SessionId,
            "a check of an operation names the session that it is in",
        ),
        ChallengePurpose::Identity if wanted.operation.is_none() => missing(
            Input::Operation,
            "an identity check names the one operation that it is for",
        ),
        _ => Ok(()),
    }
}

/// Whether an identity check of this user has anything to ask for.
pub(crate) async fn can_be_identified(attempt: &Attempt<'_>, user: &User) -> Result<bool, ServiceError> {
    let asked = Asked {
        purpose: ChallengePurpose::Identity,
        first_factor: None,
        sensitivity: Sensitivity::IdentityAlways,
        has_pass: false,
        is_risky: false,
    };
    let facts = facts(attempt, &user.owner, Some(user)).await?;
    Ok(decide(&asked, &facts).0 == Decision::Challenge)
}

async fn facts(attempt: &Attempt<'_>, owner: &Owner, user: Option<&User>) -> Result<Facts, ServiceError> {
    let store = &attempt.core.store;
    let standing = attempt.core.standing(owner).await?;
    let has_device = user.is_some_and(|user| !user.devices.is_empty());
    let recovery = match has_device {
        true => store.recovery_codes(owner.clone()).await?,
        false => None,
    };
    let register = store.proven_methods(owner.clone()).await?;
    let methods = OwnMethods::of(
        attempt.core,
        has_device,
        register.as_ref(),
        standing.requirements.as_ref(),
    );
    let in_force = |(setting, is_required): (&store::ProtectionSetting, bool)| InForce {
        method: setting.method.clone(),
        is_required,
    };
    Ok(Facts {
        is_known: has_device || standing.own.version > 0 || register.is_some(),
        has_device,
        has_recovery_code: recovery.is_some_and(|set| set.left() > 0),
        has_passcode: false,
        external: methods.external,
        forbidden: methods.forbidden,
        allows_no_method: attempt.core.settings.no_method == NoMethod::Allow,
        login: in_force(standing.login()),
        operation: in_force(standing.operation()),
        suspicious_login: in_force(standing.suspicious_login()),
        is_unusual: false,
        is_trusted: false,
        allows_trust: standing.own.allow_trusted_devices,
        is_closing: false,
        is_frozen: false,
    })
}

/// The grant of a decision that asks for nothing. One that rests on a pass is the pass's own once more, and ends with it.
fn allowed(pending: &PendingChallenge, ground: Ground, memory: &GrantMemory, now: UnixMs) -> Grant {
    let grant = Grant {
        methods: Vec::new(),
        ..pending.grant(pending.id, "")
    };
    let session = pending.session_id.as_deref().unwrap_or_default();
    let pass = memory.pass(session, pending.operation.as_deref(), pending.resource.as_deref(), now);
    match pass {
        Some(pass) if ground == Ground::GrantAlive => Grant {
            id: pass.id(),
            methods: vec![pass.method().to_owned()],
            issued_at: time_of(pass.id()),
            expires_at: pass.ends(),
            ..grant
        },
        _ => grant,
    }
}

/// Tells the trail what was decided without an answer. Of somebody who has no row it has ten records an hour, and counts
/// beyond: whoever asks names whom they like.
async fn record(
    attempt: &Attempt<'_>,
    pending: &PendingChallenge,
    (decision, ground, is_unknown_operation): (Decision, Ground, bool),
    user: Option<User>,
) -> Result<(), ServiceError> {
    let Attempt { core, now, .. } = *attempt;
    const ACTION: &str = "challenge.decide";
    let mut detail = pending.detail();
    detail["audience"] = json!(pending.audience);
    if is_unknown_operation {
        detail["unknown_operation"] = json!(true);
    }
    let event = attempt.entry(ACTION, decision.name()).of_user().because(ground.name());
    let event = event.decision(pending.id).detail(detail);
    match user {
        Some(user) if decision == Decision::Allow => {
            let event = attempt.event_of(&user, &event).await?;
            core.commit(vec![store::Change::of(event)]).await?;
            Ok(())
        }
        user => {
            let user = match user {
                Some(user) => user,
                None => core.row(&pending.owner(), now).await?,
            };
            decide_freely(attempt, &event, (ACTION, decision.name(), ground.name()), &user).await
        }
    }
}
