//! Seeds leave (A5): for tokens that nobody has bound, under a key that their recipient has, and by four eyes. One
//! person asks, another approves, the first fetches the file, once.

use std::collections::HashSet;

use otp::Secret;
use pskc::{ManagementKey, Moving, Protect, Seed, WriteError, write_encrypted};
use serde_json::json;
use store::{Change, Export, ExportState, Fingerprint, Id, Outcome, Person, Token, TokenFilter, Write};
use subtle::ConstantTimeEq;
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{
    Caller, Core, Input, PortError, Role, Service, ServiceError,
    access::{caller::Origin, four_eyes::is_another},
    attempt::Attempt,
    inventory::INVENTORY,
    sealing::{management_key_of, secret_of_token},
    trail::event::NewEvent,
};

/// Tokens of one export, so that the trail can name each of them.
pub const EXPORT_MAX: usize = 1_000;
/// The life of an export: to be approved and fetched in.
const EXPIRES_AFTER: i64 = 24 * UnixMs::HOUR;
/// Tokens that one refusal points at.
const SAID_MAX: usize = 5;
/// The purpose of the recipient key's hash.
const PURPOSE: &str = "export_recipient";

/// Seeds that somebody wants to leave. No `Debug`, for the recipient's key is in it.
pub struct NewExport {
    /// Whose.
    pub tokens: ExportedTokens,
    /// What people call the recipient's key.
    pub recipient: String,
    /// AES: 16, 24 or 32 bytes.
    pub key: Zeroizing<Vec<u8>>,
}

/// The tokens of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportedTokens {
    /// These.
    Named(Vec<String>),
    /// All of a lot that nobody has bound.
    UnboundOf(String),
}

impl Service {
    /// Asks that seeds leave; nothing leaves yet.
    pub async fn request_export(&self, caller: &Caller, wanted: NewExport) -> Result<Export, ServiceError> {
        caller.may_for_all(&[Role::Admin], INVENTORY)?;
        let requested_by = caller.person()?;
        if wanted.recipient.trim() != wanted.recipient {
            return Err(invalid(Input::Recipient, "it begins or ends with a blank".into()));
        }
        let mut attempts = self.core.attempts(caller.origin());
        loop {
            if let Some(done) = try_request(&attempts.next()?, &wanted, &requested_by).await? {
                return Ok(done);
            }
        }
    }

    /// One export.
    pub async fn export(&self, caller: &Caller, id: Id) -> Result<Export, ServiceError> {
        caller.may_for_all(&[Role::Admin], INVENTORY)?;
        find(&self.core, id).await
    }

    /// The second pair of eyes: another person, whose key somebody else answers for.
    pub async fn approve_export(&self, caller: &Caller, id: Id) -> Result<Export, ServiceError> {
        caller.may_for_all(&[Role::Admin], INVENTORY)?;
        let origin = caller.origin();
        let by = caller.person()?;
        self.change_export(id, "export.approve", origin, |export| {
            let approved = export.state.clone().approved(by.clone());
            let approved = approved.ok_or_else(|| ended(export, "ask for a new one"))?;
            is_another(&export.requested_by, &by)?;
            Ok(approved)
        })
        .await
    }

    /// Ends an export before anything has left.
    pub async fn withdraw_export(&self, caller: &Caller, id: Id) -> Result<Export, ServiceError> {
        caller.may_for_all(&[Role::Admin], INVENTORY)?;
        let origin = caller.origin();
        self.change_export(id, "export.withdraw", origin, |export| {
            let withdrawn = export.state.clone().withdrawn();
            withdrawn.ok_or_else(|| ended(export, "there is nothing to withdraw"))
        })
        .await
    }

    /// The file, for whoever asked, after another has approved: PSKC, encrypted with the key that was shown when it was
    /// asked for. A second time there is none.
    pub async fn fetch_export(&self, caller: &Caller, id: Id, key: &[u8]) -> Result<Vec<u8>, ServiceError> {
        caller.may_for_all(&[Role::Admin], INVENTORY)?;
        let origin = caller.origin();
        let by = caller.person()?;
        let mut attempts = self.core.attempts(origin);
        loop {
            if let Some(done) = try_fetch(&attempts.next()?, id, &by, key).await? {
                return Ok(done);
            }
        }
    }

    async fn change_export(
        &self,
        id: Id,
        action: &'static str,
        origin: &Origin,
        next: impl Fn(&Export) -> Result<ExportState, ServiceError>,
    ) -> Result<Export, ServiceError> {
        let mut attempts = self.core.attempts(origin);
        loop {
            let attempt = attempts.next()?;
            let old = living(find(&self.core, id).await?, attempt.now)?;
            let expected = Some(old.version);
            let state = next(&old)?;
            let next = old.become_state(state);
            let done = write(&attempt, action, expected, next.clone(), Vec::new()).await?;
            if let Some(done) = (done == Outcome::Done).then_some(next) {
                return Ok(done);
            }
        }
    }
}

async fn find(core: &Core, id: Id) -> Result<Export, ServiceError> {
    core.store.export(id).await?.ok_or(ServiceError::NotFound("export"))
}

fn living(export: Export, now: UnixMs) -> Result<Export, ServiceError> {
    // One that was asked for while the clock was ahead would live until then.
    if export.expires_at <= now || now.since(export.requested_at) < -UnixMs::MINUTE {
        return Err(ServiceError::ExportState {
            state: "expired",
            why: "ask for a new one".into(),
        });
    }
    Ok(export)
}

fn ended(export: &Export, why: &str) -> ServiceError {
    ServiceError::ExportState {
        state: export.state.name(),
        why: why.into(),
    }
}

fn invalid(input: Input, why: String) -> ServiceError {
    ServiceError::Invalid { input, why }
}

async fn try_request(
    attempt: &Attempt<'_>,
    wanted: &NewExport,
    requested_by: &Person,
) -> Result<Option<Export>, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let once = core.once(origin, None, now).await?;
    if let Some(created) = once.repeated() {
        let id = Id::try_parse(created).map_err(|_| ServiceError::NotFound("export"))?;
        return find(core, id).await.map(Some);
    }
    let key_id = core.sealer.current_mac_key();
    let tokens = unbound(core, wanted.tokens.clone()).await?;
    // So that whatever is approved can be written.
    seed_file(core, &tokens, &wanted.recipient, &wanted.key)?;
    let export = Export {
        id: core.new_id(now)?,
        version: 1,
        serial_numbers: tokens.into_iter().map(|token| token.serial_number).collect(),
        recipient: wanted.recipient.clone(),
        recipient_key: Fingerprint {
            mac: core.sealer.mac(key_id, PURPOSE, &wanted.key)?,
            key_id,
        },
        requested_by: requested_by.clone(),
        requested_at: now,
        expires_at: now.plus(EXPIRES_AFTER),
        state: ExportState::Requested,
    };
    let writes = once.created(export.id).into_iter().collect();
    let done = write(attempt, "export.request", None, export.clone(), writes).await?;
    Ok((done == Outcome::Done).then_some(export))
}

/// The tokens that are meant, if the seed of each can leave.
async fn unbound(core: &Core, wanted: ExportedTokens) -> Result<Vec<Token>, ServiceError> {
    let (input, tokens) = match wanted {
        ExportedTokens::Named(serial_numbers) => {
            let input = Input::SerialNumbers;
            let mut seen = HashSet::new();
            let double = serial_numbers
                .iter()
                .position(|serial_number| !seen.insert(serial_number));
            let why = match double {
                _ if serial_numbers.len() > EXPORT_MAX => Some(format!("at most {EXPORT_MAX} tokens leave at once")),
                Some(place) => Some(format!("[{place}] stands there twice")),
                None => None,
            };
            if let Some(why) = why {
                return Err(invalid(input, why));
            }
            let tokens = named(core, serial_numbers).await?;
            (input, tokens.map_err(|why| invalid(input, why))?)
        }
        ExportedTokens::UnboundOf(lot) => {
            let filter = TokenFilter {
                lot: Some(lot),
                status: None,
            };
            let mut tokens = Vec::new();
            let mut after = None;
            loop {
                let page = core.store.tokens(filter.clone(), after, EXPORT_MAX as u32).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.serial_number.clone());
                tokens.extend(page.into_iter().filter(|token| token.state.sealed().is_some()));
                if tokens.len() > EXPORT_MAX {
                    break;
                }
            }
            (Input::Lot, tokens)
        }
    };
    let why = match tokens.len() {
        0 => "there is no unbound token in it".to_owned(),
        1..=EXPORT_MAX => return Ok(tokens),
        _ => format!("at most {EXPORT_MAX} tokens leave at once: name their serial numbers"),
    };
    Err(invalid(input, why))
}

/// The tokens of these serial numbers, if the seed of each can leave; else which cannot, by their places.
async fn named(core: &Core, serial_numbers: Vec<String>) -> Result<Result<Vec<Token>, String>, ServiceError> {
    let found = core.store.tokens_of(serial_numbers).await?;
    let mut stay = Vec::new();
    let mut leave = Vec::with_capacity(found.len());
    for (place, token) in found.into_iter().enumerate() {
        match token {
            Some(token) if token.state.sealed().is_some() => leave.push(token),
            Some(token) => stay.push(format!("[{place}] is {}", token.state.status().name())),
            None => stay.push(format!("[{place}] is not in the inventory")),
        }
    }
    if stay.is_empty() {
        return Ok(Ok(leave));
    }
    let more = stay.len().saturating_sub(SAID_MAX);
    stay.truncate(SAID_MAX);
    let more = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    let why = format!(
        "only tokens that nobody has bound have a seed that can leave: {}{more}",
        stay.join(", ")
    );
    Ok(Err(why))
}

async fn try_fetch(attempt: &Attempt<'_>, id: Id, by: &Person, key: &[u8]) -> Result<Option<Vec<u8>>, ServiceError> {
    let Attempt { core, now, .. } = *attempt;
    let export = core.store.export(id).await?.ok_or(ServiceError::NotFound("export"))?;
    let export = living(export, now)?;
    let Some(handed_out) = export.state.clone().handed_out() else {
        let why = match export.state {
            ExportState::Requested => "another person approves first",
            _ => "ask for a new one",
        };
        return Err(ended(&export, why));
    };
    if *by != export.requested_by {
        let why = "the file is for whoever asked for it, with the key and as the actor they asked with";
        return Err(ServiceError::Forbidden(why.into()));
    }
    let mac = core.sealer.mac(export.recipient_key.key_id, PURPOSE, key)?;
    if !bool::from(mac.ct_eq(&export.recipient_key.mac)) {
        return Err(invalid(
            Input::TransportKey,
            "this is not the key that was approved".into(),
        ));
    }
    // Some may have been bound since. Each is written below, so one that is bound after this read is a missed commit.
    let tokens = named(core, export.serial_numbers.clone()).await?;
    let tokens = tokens.map_err(|why| ended(&export, &format!("{why}; withdraw it, and ask for the others")))?;
    let file = seed_file(core, &tokens, &export.recipient, key)?;
    let left = |token: Token| {
        Write::put(
            Some(token.version),
            &Token {
                version: token.version + 1,
                exported_at: Some(now),
                ..token
            },
        )
    };
    let writes = tokens.into_iter().map(left).collect();
    let expected = Some(export.version);
    let next = export.become_state(handed_out);
    let done = write(attempt, "export.hand_out", expected, next, writes).await?;
    Ok((done == Outcome::Done).then_some(file))
}

fn seed_file(core: &Core, tokens: &[Token], recipient: &str, key: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let seeds = tokens
        .iter()
        .map(|token| seed(core, token))
        .collect::<Result<Vec<_>, _>>()?;
    let protect = Protect::Key {
        key,
        name: Some(recipient),
    };
    write_encrypted(&seeds, &protect, |bytes| core.entropy.fill(bytes)).map_err(|error| match error {
        WriteError::Entropy(error) => error.into(),
        error @ WriteError::KeyLength => invalid(Input::TransportKey, error.to_string()),
        error => invalid(Input::SerialNumbers, error.to_string()),
    })
}

fn seed(core: &Core, token: &Token) -> Result<Seed, ServiceError> {
    let management_key = management_key_of(token, &*core.sealer)?
        .map(management_key)
        .transpose()?;
    Ok(Seed {
        serial_number: token.serial_number.clone(),
        manufacturer: token.manufacturer.clone(),
        model: token.model.clone(),
        key_id: None,
        issuer: None,
        label: token.label.clone(),
        secret: secret_of_token(token, &*core.sealer)?,
        algorithm: token.parameters.algorithm,
        digits: token.parameters.digits,
        moving: match token.counter {
            Some(counter) => Moving::Counter { counter },
            None => Moving::Time {
                period: token.parameters.period,
                drift_steps: token.measured_offset_steps,
            },
        },
        starts_at_s: token.starts_at.map(seconds),
        expires_at_s: token.expires_at.map(seconds),
        management_key,
    })
}

fn management_key(secret: Secret) -> Result<ManagementKey, PortError> {
    let bytes = secret.expose_secret().try_into().map_err(|_| PortError::DoesNotOpen)?;
    Ok(ManagementKey::from_bytes(bytes))
}

fn seconds(at: UnixMs) -> i64 {
    at.get().div_euclid(UnixMs::SECOND)
}

async fn write(
    attempt: &Attempt<'_>,
    action: &'static str,
    expected: Option<u64>,
    next: Export,
    mut writes: Vec<Write>,
) -> Result<Outcome, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let detail = json!({
        "export": next.id,
        "recipient": next.recipient,
        "requested_by": next.requested_by.actor,
        "approved_by": next.state.approver().map(|person| &person.actor),
        "serial_numbers": next.serial_numbers,
    });
    let entry = NewEvent::new(action, "done", origin)
        .count(next.serial_numbers.len() as u64)
        .detail(detail);
    let event = core.event(&entry, now)?;
    writes.push(Write::put(expected, &next));
    let outcomes = core.commit(vec![Change::of(event).with(writes)]).await?;
    Ok(outcomes.first().copied().unwrap_or(Outcome::Missed))
}
