//! Beginning a session, with the login's grant, which it uses up.

use serde_json::json;
use store::{Change, Id, Owner, Role, SealedClient, Session, User, Write};
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{
    Caller, ChallengePurpose, Client, Grant, Service, ServiceError,
    access::{caller::Origin, idempotency::already_created},
    attempt::Attempt,
    devices::factors::touched,
    protection::{
        in_force::{Standing, unchanged},
        memory::is_alive,
        session::{OF_USER_MAX, ending::ended, life::Verdict, token::SessionToken},
    },
    trail::names::Names,
    trail::refusal_counter::refuse,
    verification::memo::Memo,
};

const ACTION: &str = "session.create";

/// A session that is asked for.
#[derive(Clone, Debug, Default)]
pub struct NewSession {
    /// The login's grant; required where logins, or suspicious ones, are protected.
    pub grant: Option<String>,
    /// Where the user comes from.
    pub client: Option<Client>,
}

/// A session that has begun.
pub struct StartedSession {
    /// Its id, which is no secret.
    pub id: Id,
    /// The token for its bearer.
    pub token: Zeroizing<String>,
    /// It ends then, if nobody is seen before.
    pub idle_expires_at: UnixMs,
    /// It ends then at the latest.
    pub expires_at: UnixMs,
}

impl Service {
    /// Begins a session of this user, with the limits that they have set. A login grant is used up by it; where logins, or
    /// suspicious ones, are protected, there is no session without one.
    pub async fn create_session(
        &self,
        caller: &Caller,
        owner: &Owner,
        wanted: &NewSession,
    ) -> Result<StartedSession, ServiceError> {
        caller.may_for(&[Role::Verify], owner)?;
        let core = &*self.core;
        let origin = Origin {
            client: wanted.client.clone(),
            ..caller.origin().clone()
        };
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(&origin);
        loop {
            if let Some(begun) = try_create(&attempts.next()?, caller, owner, wanted).await? {
                return Ok(begun);
            }
        }
    }
}

async fn try_create(
    attempt: &Attempt<'_>,
    caller: &Caller,
    owner: &Owner,
    wanted: &NewSession,
) -> Result<Option<StartedSession>, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let once = core.once(origin, Some(owner), now).await?;
    if let Some(created) = once.repeated() {
        return Err(already_created(created));
    }
    let user = core.row(owner, now).await?;
    let standing = core.standing(owner).await?;
    let not_required = unchanged(owner, standing.requirements.as_ref());
    let mut memo = Memo::read(&user.memo);
    if memo.is_closing {
        let entry = attempt.entry(ACTION, "refused").of_user().because("closing");
        refuse(attempt, &entry, (ACTION, "closing"), &user).await?;
        return Err(ServiceError::GrantRequired);
    }
    let is_checked = standing.login().0.is_on() || standing.suspicious_login().0.is_on();
    let grant = match spend(attempt, caller, &user, wanted, &mut memo) {
        Ok(None) if is_checked => Err(()),
        told => told,
    };
    let Ok(grant) = grant else {
        let entry = attempt.entry(ACTION, "refused").of_user().because("grant");
        refuse(attempt, &entry, (ACTION, "grant"), &user).await?;
        return Err(ServiceError::GrantRequired);
    };
    let session = begun(attempt, &user, &standing, wanted).await?;
    let token = SessionToken {
        id: session.id,
        expires_at: session.expires_at,
    };
    let token = token.sign(&*core.signer)?;
    let superfluous = superfluous(attempt, owner).await?;
    let change = change(attempt, &user, &session, grant.as_ref(), &superfluous).await?;
    let user = User {
        memo: memo.write(),
        ..user
    };
    let writes = [touched(user), not_required, Write::put(None, &session)];
    let change = change.with(writes).with(once.created(session.id));
    let is_done = attempt.commit_beginning(change, &session, &superfluous).await?;
    let idle_ms = i64::from(session.idle_minutes) * UnixMs::MINUTE;
    Ok(is_done.then_some(StartedSession {
        id: session.id,
        token,
        idle_expires_at: now.plus(idle_ms).min(session.expires_at),
        expires_at: session.expires_at,
    }))
}

/// The grant that is used up, or none was given; an error for one that does not begin a session here.
fn spend(
    attempt: &Attempt<'_>,
    caller: &Caller,
    user: &User,
    wanted: &NewSession,
    memo: &mut Memo,
) -> Result<Option<Grant>, ()> {
    let Some(text) = &wanted.grant else { return Ok(None) };
    let grant = attempt.core.grant_of(&user.owner, text, attempt.now);
    let is_for_us = |grant: &Grant| grant.purpose == ChallengePurpose::Login && caller.is_of_audience(&grant.audience);
    let grant = grant.filter(is_for_us).ok_or(())?;
    let is_used_up = is_alive(user, &grant) && memo.grants.consume(&grant, attempt.now);
    is_used_up.then_some(Some(grant)).ok_or(())
}

/// The session with the limits of now.
async fn begun(
    attempt: &Attempt<'_>,
    user: &User,
    standing: &Standing,
    wanted: &NewSession,
) -> Result<Session, ServiceError> {
    let Attempt { core, now, .. } = *attempt;
    let total_ms = i64::from(standing.own.session_total_hours) * UnixMs::HOUR;
    Ok(Session {
        owner: user.owner.clone(),
        id: core.new_id(now)?,
        version: 1,
        created_at: now,
        expires_at: now.plus(total_ms),
        idle_minutes: standing.own.session_idle_minutes,
        client: match &wanted.client {
            Some(client) => sealed(attempt, user, client).await?,
            None => None,
        },
    })
}

async fn sealed(attempt: &Attempt<'_>, user: &User, client: &Client) -> Result<Option<SealedClient>, ServiceError> {
    let core = attempt.core;
    let Some(key) = core.names_key(user).await? else {
        return Ok(None);
    };
    let mut salt = [0; 16];
    core.entropy.fill(&mut salt)?;
    let names = Names {
        actor: None,
        client: Some(client),
    };
    let sealed = key.seal(&*core.sealer, &salt, &names)?;
    Ok(Some(SealedClient { salt, sealed }))
}

/// The sessions that end to make room: those that are over, then the oldest.
async fn superfluous(attempt: &Attempt<'_>, owner: &Owner) -> Result<Vec<Session>, ServiceError> {
    let mut sessions = attempt.core.sessions_of(owner).await?;
    let Some(count) = (sessions.len() + 1).checked_sub(OF_USER_MAX as usize) else {
        return Ok(Vec::new());
    };
    let mut is_over = Vec::with_capacity(sessions.len());
    for session in &sessions {
        let found = attempt.core.sessions.judge(session.id, attempt.now, false, |_| true);
        let verdict = found.ok().flatten().map(|found| found.verdict);
        is_over.push(!matches!(verdict, Some(Verdict::Active { .. })));
    }
    let mut is_over = is_over.into_iter();
    sessions.sort_by_cached_key(|session| (!is_over.next().unwrap_or(false), session.id));
    sessions.truncate(count);
    Ok(sessions)
}

/// What the trail says of it, and of those that end for it, with their ends.
async fn change(
    attempt: &Attempt<'_>,
    user: &User,
    session: &Session,
    grant: Option<&Grant>,
    superfluous: &[Session],
) -> Result<Change, ServiceError> {
    let detail = json!({
        "session": session.id,
        "grant": grant.map(|grant| grant.id),
        "idle_minutes": session.idle_minutes,
        "expires_at_ms": session.expires_at.get(),
    });
    let entry = attempt.entry(ACTION, "done").of_user().detail(detail);
    let mut change = Change::of(attempt.event_of(user, &entry).await?);
    for session in superfluous {
        let entry = attempt.entry("session.end", "done").of_user().because("too_many");
        let entry = entry.detail(json!({"session": session.id}));
        change = change.and(attempt.event_of(user, &entry).await?);
    }
    Ok(change.with(superfluous.iter().map(ended)))
}
