//! Hourly allowances of questions that could serve as oracles: kept in the database, for all processes.

use store::{Allowance, Change};
use verify::UnixMs;

use crate::{Core, ServiceError, access::caller::Origin, devices::factor::wait_s};

/// One hourly allowance that a question is taken from.
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) per_hour: u32,
}

impl Limit {
    /// The allowances of a question: of the actor, and the key that they can be renamed under.
    pub(crate) fn of(question: &'static str, per_hour: u32, origin: &Origin) -> Vec<Self> {
        let actor = origin.actor.as_ref().map(|actor| Self {
            name: format!("{question}/actor/{}/{}", actor.kind.name(), actor.id),
            per_hour,
        });
        let key = origin.api_key.map(|key| Self {
            name: format!("{question}/key/{key}"),
            per_hour: per_hour.saturating_mul(ACTORS_OF_A_KEY),
        });
        actor.into_iter().chain(key).collect()
    }
}

/// A key serves several people at once, and not any number.
const ACTORS_OF_A_KEY: u32 = 10;

/// The changes that count the question, to be made before it is looked into. Where one is missed the question is counted
/// anew, so that it costs one too many rather than one too few.
pub(crate) async fn spend(core: &Core, limits: &[Limit], now: UnixMs) -> Result<Vec<Change>, ServiceError> {
    let mut changes = Vec::with_capacity(limits.len());
    for limit in limits {
        let (expected, next) = once_more(core, &limit.name, (limit.per_hour, UnixMs::HOUR), now).await?;
        changes.push(Change::of_count(expected, &next));
    }
    Ok(changes)
}

/// The allowance of this name with one more, if that is not more than so many within such a time; and the version that it
/// takes the place of.
pub(crate) async fn once_more(
    core: &Core,
    name: &str,
    (most, within_ms): (u32, i64),
    now: UnixMs,
) -> Result<(Option<u64>, Allowance), ServiceError> {
    let old = core.store.allowance(name.to_owned()).await?;
    let expected = old.as_ref().map(|old| old.version);
    // One that began in a time to come was counted before the clock was set back.
    let counting = old.filter(|old| now.since(old.since).abs() < within_ms);
    let (since, used) = counting.map_or((now, 0), |old| (old.since, old.used));
    if used >= most {
        let retry_after_s = wait_s(since.plus(within_ms), now);
        return Err(ServiceError::AskedTooOften { retry_after_s });
    }
    let next = Allowance {
        name: name.to_owned(),
        version: expected.unwrap_or(0) + 1,
        since,
        used: used + 1,
    };
    Ok((expected, next))
}
