//! Import of seed files into the inventory.

use std::collections::{HashMap, HashSet};

use enroll::holds_uri;
use otp::{Parameters, Period, Secret};
use pskc::{MIN_SECRET_LEN_BYTES, Moving, Seed};
use serde_json::json;
use store::{Change, Fingerprint, Id, Lot, OpenTo, Outcome, Token, TokenState, TokenStatus, Write};
use verify::UnixMs;

use crate::{
    Caller, Core, Receipt, Refused, SeedFileError, Service, ServiceError, TokenRefusal,
    access::caller::Origin,
    attempt::Attempt,
    inventory::{
        DESK, INVENTORY,
        seed_file::{SeedFile, read_file, too_many},
    },
    sealing::TokenRecord,
    trail::event::NewEvent,
};

/// Tokens that one call takes: they become durable by one commit, which keeps everybody else waiting.
pub const IMPORT_MAX: usize = 10_000;

/// Longest serial number, in bytes.
const SERIAL_NUMBER_MAX_BYTES: usize = 64;
/// Longest other text of a seed file that is kept, in bytes.
const TEXT_MAX_BYTES: usize = 128;

/// Nobody presses a button so often; and it is a whole number in everybody's JSON (RFC 8259 section 6).
const COUNTER_MAX: u64 = (1 << 53) - 1;

/// Fewer bytes of a secret need somebody's word that they shall come in: 128 bits (RFC 4226 section 4, R6).
const SECRET_LEN_BYTES: usize = 16;

/// An import that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewImport {
    /// The lot; made, and open to nobody, where there is none.
    pub lot: String,
    /// Whether everything is only judged and nothing comes in.
    pub dry_run: bool,
    /// Whether secrets of 80 to 127 bits come in, too. Shorter ones never do.
    pub allow_short_secrets: bool,
    /// Whether what can be used comes in without what cannot. Without it an import takes all or nothing.
    pub skip_unusable: bool,
}

impl Service {
    /// Takes the tokens of a seed file into the inventory by one commit: all of them, or, where one is a duplicate or
    /// refused, none, or the rest ([`NewImport::skip_unusable`]).
    pub async fn import_file(
        &self,
        caller: &Caller,
        file: SeedFile,
        wanted: &NewImport,
    ) -> Result<Receipt, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        let origin = caller.origin();
        // Deriving a key from a password is made to be slow.
        let read = tokio::task::spawn_blocking(move || read_file(&file)).await;
        let (seeds, so_far) = read.map_err(|error| ServiceError::Internal(error.to_string()))??;
        take_in(&self.core, &seeds, so_far, wanted, origin).await
    }

    /// The same of tokens that were read already; `so_far` says what came of reading them.
    pub async fn import(
        &self,
        caller: &Caller,
        seeds: &[Seed],
        so_far: Receipt,
        wanted: &NewImport,
    ) -> Result<Receipt, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        take_in(&self.core, seeds, so_far, wanted, caller.origin()).await
    }
}

async fn take_in(
    core: &Core,
    seeds: &[Seed],
    so_far: Receipt,
    wanted: &NewImport,
    origin: &Origin,
) -> Result<Receipt, ServiceError> {
    if seeds.is_empty() && so_far.is_whole() {
        return Err(ServiceError::SeedFile(SeedFileError::Empty));
    }
    if seeds.len() > IMPORT_MAX {
        return Err(too_many());
    }
    let mut attempts = core.attempts(origin);
    loop {
        if let Some(done) = try_import(&attempts.next()?, seeds, so_far.clone(), wanted).await? {
            return Ok(done);
        }
    }
}

async fn try_import(
    attempt: &Attempt<'_>,
    seeds: &[Seed],
    mut receipt: Receipt,
    wanted: &NewImport,
) -> Result<Option<Receipt>, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let known = Known::of(core, seeds).await?;
    let fit: Vec<_> = seeds.iter().map(|seed| fit(seed, wanted, now)).collect();
    let mut in_file = InFile::of(seeds, &fit, &known);
    receipt.count += seeds.len();
    let mut short = 0;
    let mut repeats = 0;
    let mut writes = Vec::with_capacity(seeds.len() + 1);
    for (place, (seed, fit)) in seeds.iter().zip(fit).enumerate() {
        match fit.map_or_else(Verdict::Refused, |fit| judge(seed, fit, &known, place, &mut in_file)) {
            Verdict::New(parameters) => {
                receipt.usable += 1;
                short += usize::from(seed.secret.expose_secret().len() < SECRET_LEN_BYTES);
                let old = known.tokens[place].as_ref();
                writes.extend(comes_in(
                    core,
                    seed,
                    parameters,
                    known.current[place],
                    old,
                    wanted,
                    now,
                )?);
            }
            Verdict::Duplicate => receipt.duplicates.push(seed.serial_number.clone()),
            Verdict::Repeats => repeats += 1,
            Verdict::Refused(cause) => receipt.refusals.push(Refused {
                serial_number: Some(seed.serial_number.clone()),
                place: None,
                cause,
            }),
        }
    }
    receipt.count -= repeats;
    receipt.remark(repeats, short, wanted);
    let comes = receipt.usable > 0 && (receipt.is_whole() || wanted.skip_unusable);
    if wanted.dry_run {
        return Ok(Some(receipt));
    }
    if comes {
        receipt.imported = receipt.usable;
        writes.extend(its_batch(core, wanted, now).await?);
    } else {
        writes.clear();
    }
    let serial_number = |seed: Option<&Seed>| seed.map(|seed| seed.serial_number.clone());
    let detail = json!({
        "batch": wanted.lot,
        "first": serial_number(seeds.first()),
        "last": serial_number(seeds.last()),
        "duplicates": receipt.duplicates.len(),
        "refusals": receipt.refusals.len(),
    });
    let entry = NewEvent::new("token.import", if comes { "done" } else { "refused" }, origin)
        .count(receipt.imported as u64)
        .detail(detail);
    let event = core.event(&entry, now)?;
    let done = core.commit(vec![Change::of(event).with(writes)]).await? == [Outcome::Done];
    Ok(done.then_some(receipt))
}

/// The inventory's records of the tokens of a file, read at once.
struct Known {
    /// Of the same serial number.
    tokens: Vec<Option<Token>>,
    /// Fingerprints under the present MAC key.
    current: Vec<Fingerprint>,
    /// Whether the secret is one that some token has or had.
    secrets: Vec<bool>,
}

impl Known {
    async fn of(core: &Core, seeds: &[Seed]) -> Result<Self, ServiceError> {
        let serial_numbers = seeds.iter().map(|seed| seed.serial_number.clone()).collect();
        let tokens = core.store.tokens_of(serial_numbers).await?;
        let present = core.sealer.current_mac_key();
        let current = fingerprints(core, seeds, present, hmac_key)?;
        let mut secrets = vec![false; seeds.len()];
        for key in core.sealer.mac_keys() {
            // Of secrets that came in before, the second is of what stood in their file.
            for part in [hmac_key, Secret::expose_secret] {
                let macs = fingerprints(core, seeds, key, part)?.into_iter();
                let macs = macs.map(|print| print.mac).collect();
                for (known, found) in secrets.iter_mut().zip(core.store.known_fingerprints(macs).await?) {
                    *known |= found;
                }
            }
        }
        Ok(Self {
            tokens,
            current,
            secrets,
        })
    }
}

fn fingerprints(
    core: &Core,
    seeds: &[Seed],
    key_id: u32,
    part: fn(&Secret) -> &[u8],
) -> Result<Vec<Fingerprint>, ServiceError> {
    let one = |seed: &Seed| {
        let mac = core.sealer.mac(key_id, "token_secret", part(&seed.secret))?;
        Ok(Fingerprint { mac, key_id })
    };
    seeds.iter().map(one).collect()
}

/// What all of a secret's codes follow from: HMAC fills it up with zeros (RFC 2104 section 2), so two that differ in those
/// alone are one.
fn hmac_key(secret: &Secret) -> &[u8] {
    let bytes = secret.expose_secret();
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &bytes[..len]
}

/// What the tokens of one file have in common with each other.
#[derive(Default)]
struct InFile<'a> {
    /// Those that were judged before.
    serial_numbers: HashSet<&'a str>,
    secrets: HashSet<Fingerprint>,
    /// Serial numbers that stand for different tokens.
    contested: HashSet<&'a str>,
}

impl<'a> InFile<'a> {
    fn of(seeds: &'a [Seed], fit: &[Result<Parameters, TokenRefusal>], known: &Known) -> Self {
        let mut first = HashMap::with_capacity(seeds.len());
        let mut contested = HashSet::new();
        for (place, seed) in seeds.iter().enumerate() {
            let Ok(parameters) = fit[place] else { continue };
            let token = (parameters, seed.moving, known.current[place]);
            if *first.entry(&*seed.serial_number).or_insert(token) != token {
                contested.insert(&*seed.serial_number);
            }
        }
        Self {
            contested,
            ..Self::default()
        }
    }
}

enum Verdict {
    New(Parameters),
    Duplicate,
    /// The same token stands before it in the file.
    Repeats,
    Refused(TokenRefusal),
}

/// Whether a token can be used by what the file says of it alone; why not.
fn fit(seed: &Seed, wanted: &NewImport, now: UnixMs) -> Result<Parameters, TokenRefusal> {
    serial_number(&seed.serial_number)?;
    long_enough(&seed.secret, wanted.allow_short_secrets)?;
    let period = match seed.moving {
        Moving::Time { period, .. } => period,
        Moving::Counter { counter } if counter > COUNTER_MAX => return Err(TokenRefusal::CounterEnds),
        // It says nothing of a counter.
        Moving::Counter { .. } => Period::THIRTY,
    };
    if seed.expires_at_s.is_some_and(|end| time(end) <= now) {
        return Err(TokenRefusal::Expired);
    }
    for (name, text) in [
        ("manufacturer", &seed.manufacturer),
        ("model", &seed.model),
        ("label", &seed.label),
    ] {
        if text
            .as_ref()
            .is_some_and(|text| text.len() > TEXT_MAX_BYTES || text.contains(char::is_control) || holds_uri(text))
        {
            return Err(TokenRefusal::UnfitText { name });
        }
    }
    Ok(parameters(seed, period))
}

fn judge<'a>(seed: &'a Seed, parameters: Parameters, known: &Known, place: usize, in_file: &mut InFile<'a>) -> Verdict {
    let serial_number = &*seed.serial_number;
    if in_file.contested.contains(serial_number) {
        return Verdict::Refused(TokenRefusal::Contested);
    }
    if !in_file.serial_numbers.insert(serial_number) {
        return Verdict::Repeats;
    }
    let new_secret = in_file.secrets.insert(known.current[place]);
    match known.tokens[place].as_ref().map(|token| token.state.status()) {
        None if known.secrets[place] || !new_secret => Verdict::Refused(TokenRefusal::AnothersSecret),
        None => Verdict::New(parameters),
        Some(TokenStatus::Imported | TokenStatus::Assigned | TokenStatus::Bound) => Verdict::Duplicate,
        Some(TokenStatus::Returned) if known.secrets[place] || !new_secret => Verdict::Refused(TokenRefusal::OldSecret),
        Some(TokenStatus::Returned) => Verdict::New(parameters),
        Some(TokenStatus::Lost) => Verdict::Refused(TokenRefusal::Lost),
        Some(TokenStatus::Retired) => Verdict::Refused(TokenRefusal::Retired),
    }
}

/// The counter of the next code of a token that counts.
fn counter(seed: &Seed) -> Option<u64> {
    match seed.moving {
        Moving::Time { .. } => None,
        Moving::Counter { counter } => Some(counter),
    }
}

fn parameters(seed: &Seed, period: Period) -> Parameters {
    Parameters {
        algorithm: seed.algorithm,
        digits: seed.digits,
        period,
    }
}

/// Whether a secret cannot be tried out; why not.
fn long_enough(secret: &Secret, allow_short: bool) -> Result<(), TokenRefusal> {
    let len_bytes = secret.expose_secret().len();
    let bits = 8 * len_bytes;
    match len_bytes {
        SECRET_LEN_BYTES.. => Ok(()),
        MIN_SECRET_LEN_BYTES.. if allow_short => Ok(()),
        MIN_SECRET_LEN_BYTES.. => Err(TokenRefusal::ShortSecret { bits }),
        _ => Err(TokenRefusal::GuessableSecret { bits }),
    }
}

/// True of a serial number that can be printed on a back, and typed from it.
fn serial_number(text: &str) -> Result<(), TokenRefusal> {
    if text.is_empty() {
        Err(TokenRefusal::NoSerialNumber)
    } else if text.len() > SERIAL_NUMBER_MAX_BYTES {
        Err(TokenRefusal::LongSerialNumber)
    } else if text.trim() != text || text.contains(char::is_control) {
        Err(TokenRefusal::UnfitSerialNumber)
    } else if holds_uri(text) {
        Err(TokenRefusal::SerialNumberIsUri)
    } else {
        Ok(())
    }
}

fn time(unix_s: i64) -> UnixMs {
    UnixMs::new(unix_s.saturating_mul(UnixMs::SECOND))
}

fn comes_in(
    core: &Core,
    seed: &Seed,
    parameters: Parameters,
    fingerprint: Fingerprint,
    old: Option<&Token>,
    wanted: &NewImport,
    now: UnixMs,
) -> Result<[Write; 2], ServiceError> {
    let id: Id = core.new_id(now)?;
    let serial_number = &seed.serial_number;
    let sealed = TokenRecord::secret(serial_number, id, parameters).seal(&*core.sealer, &seed.secret)?;
    let management = match &seed.management_key {
        Some(key) => {
            let key =
                Secret::from_slice(key.expose_secret()).map_err(|error| ServiceError::Internal(error.to_string()))?;
            Some(TokenRecord::management(serial_number, id, parameters).seal(&*core.sealer, &key)?)
        }
        None => None,
    };
    let expected = old.map(|old| old.version);
    let measured_offset_steps = match seed.moving {
        Moving::Time { drift_steps, .. } => drift_steps,
        Moving::Counter { .. } => 0,
    };
    let next = Token {
        serial_number: serial_number.clone(),
        id,
        version: expected.unwrap_or(0) + 1,
        lot: wanted.lot.clone(),
        manufacturer: seed.manufacturer.clone(),
        model: seed.model.clone(),
        label: seed.label.clone(),
        parameters,
        fingerprint,
        management,
        measured_offset_steps,
        counter: counter(seed),
        starts_at: seed.starts_at_s.map(time),
        expires_at: seed.expires_at_s.map(time),
        imported_at: now,
        changed_at: now,
        exported_at: None,
        state: TokenState::Imported { sealed },
    };
    // Its secret is one that no token ever had, or all of the import is missed.
    Ok([Write::put(expected, &next), Write::put(None, &next.fingerprint)])
}

/// The lot of this name, where there is none yet.
async fn its_batch(core: &Core, wanted: &NewImport, now: UnixMs) -> Result<Option<Write>, ServiceError> {
    if core.store.lot(wanted.lot.clone()).await?.is_some() {
        return Ok(None);
    }
    let next = Lot {
        name: wanted.lot.clone(),
        version: 1,
        created_at: now,
        open_to: OpenTo::Nobody,
        note: None,
    };
    Ok(Some(Write::put(None, &next)))
}
