//! Reading the trail with suspicion: what was changed, removed or cut off, and where.

use std::{collections::BTreeMap, fmt};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};
use store::{
    Store,
    audit::{Chain, Closing, EventId, Hash, Head, Payload, Place, Recorded, Row},
};

use verify::UnixMs;

use crate::{
    Caller, Role, Service, ServiceError, attempt::Tries, ports::Signer, trail::TRAIL, trail::names::NamesReader,
};

/// The head of a chain with a signature under it: kept outside the database, it shows a tail that was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    /// The chain.
    pub chain: i64,
    /// Its rows so far.
    pub position: u64,
    /// The hash of the last one, in hex.
    pub hash: String,
    /// Ed25519 under [`Head::statement`], in hex.
    pub signature: String,
}

impl SignedHead {
    /// Signs it.
    pub fn new(head: Head, signer: &dyn Signer) -> Self {
        Self::signed(head, &signer.sign(&head.statement()))
    }

    /// The end of a chain, as the register has it signed.
    pub fn of_closing(closing: &Closing) -> Self {
        Self::signed(closing.head, &closing.signature)
    }

    fn signed(head: Head, signature: &[u8]) -> Self {
        Self {
            chain: head.chain,
            position: head.position,
            hash: HEXLOWER.encode(&head.hash),
            signature: HEXLOWER.encode(signature),
        }
    }

    /// The head, if the signature under it is one of ours.
    pub fn proven(&self, signer: &dyn Signer) -> Option<Head> {
        let hash: Hash = HEXLOWER_PERMISSIVE.decode(self.hash.as_bytes()).ok()?.try_into().ok()?;
        let head = Head {
            chain: self.chain,
            position: self.position,
            hash,
        };
        let signature = HEXLOWER_PERMISSIVE.decode(self.signature.as_bytes()).ok()?;
        signer.verify(&head.statement(), &signature).then_some(head)
    }
}

/// A finding: what is wrong with the trail, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The chain; `None` where it is about all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<i64>,
    /// The place in the chain, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// In words.
    pub what: String,
}

impl Finding {
    /// One that is about no chain in particular.
    pub fn of_all(what: String) -> Self {
        Self {
            chain: None,
            position: None,
            what,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(chain) = self.chain else {
            return f.write_str(&self.what);
        };
        write!(f, "chain {chain}")?;
        if let Some(position) = self.position {
            write!(f, ", position {position}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// The report of reading the whole trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Chains in the register.
    pub chains: usize,
    /// Rows read.
    pub rows: u64,
    /// Heads from outside that were held against it.
    pub heads: usize,
    /// Everything that is wrong; empty when nothing is.
    pub findings: Vec<Finding>,
}

impl Service {
    /// The head of the chain that this process writes.
    pub fn signed_head(&self, caller: &Caller) -> Result<SignedHead, ServiceError> {
        caller.may_for_all(&[Role::Audit], TRAIL)?;
        Ok(self.own_head())
    }

    fn own_head(&self) -> SignedHead {
        SignedHead::new(self.core.store.head(), &*self.core.signer)
    }

    /// The last line of this process' chain in the register; nothing may be written after it.
    pub async fn close_trail(&self, caller: &Caller) -> Result<SignedHead, ServiceError> {
        caller.is_of_the_house()?;
        let mut tries = Tries::default();
        loop {
            match self.try_close_trail().await {
                Ok(()) => return Ok(self.own_head()),
                Err(error) if tries.next().is_err() => return Err(error),
                Err(_overtaken) => {}
            }
        }
    }

    /// Misses when a commit that was under way made the chain longer than the head that is signed.
    async fn try_close_trail(&self) -> Result<(), ServiceError> {
        let head = self.core.store.head();
        let signature = self.core.signer.sign(&head.statement());
        Ok(self.core.store.close_chain(Closing { head, signature }).await?)
    }

    /// Up to `limit` records of the trail after this one, oldest first, as people may see them now.
    pub async fn trail(
        &self,
        caller: &Caller,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Record>, ServiceError> {
        caller.may_for_all(&[Role::Audit], TRAIL)?;
        let store = &self.core.store;
        let mut found = Vec::new();
        let mut cursor = None;
        if let Some(after) = after {
            // What else stands in its row.
            let row = store.row(after.place).await?.ok_or(ServiceError::NotFound("record"))?;
            cursor = Some(row.cursor);
            found.extend(events(row).filter(|event| event.id > after));
        }
        while found.len() < limit as usize {
            let rows = store.rows(cursor, FEW_ROWS).await?;
            let Some(last) = rows.last() else { break };
            cursor = Some(last.cursor);
            found.extend(rows.into_iter().flat_map(events));
        }
        found.truncate(limit as usize);
        self.records(found).await
    }

    /// These events as people may see them now.
    pub(crate) async fn records(&self, events: Vec<Read>) -> Result<Vec<Record>, ServiceError> {
        let core = &*self.core;
        // A clock that cannot be trusted has let nothing pass.
        let now = core.clock.now().ok();
        let said = events.iter().map(|event| &event.said);
        let names = NamesReader::of(&*core.store, &core.trail.strangers, &*core.sealer, said).await?;
        Ok(events.into_iter().map(|event| event.record(now, &names)).collect())
    }
}

/// A row may hold a thousand events.
pub(crate) const FEW_ROWS: u32 = 16;

/// An event of the trail, as people may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// By chain and position of its row, and its place in that.
    pub id: EventId,
    /// When it was decided.
    pub at: UnixMs,
    /// What was said, unless it was erased; with another cause while that is masked, and without the names of a user who
    /// was erased.
    pub event: Option<String>,
    /// What was committed, where that is not [`event`](Self::event): with the names sealed. `None` while the cause is masked.
    pub committed: Option<String>,
    /// The commitment to it, where it was erased.
    pub commitment: Option<Hash>,
    /// The salt of the commitment; `None` while the cause is masked, or it could be found by trying, and once it was erased.
    pub salt: Option<[u8; 16]>,
    /// The cause is shown as `wrong`, whatever it is, while a step that it may name can still come (D5).
    pub masked: bool,
    /// The chain up to its row.
    pub hash: Hash,
}

/// An event and where it was read.
pub(crate) struct Read {
    pub(crate) id: EventId,
    pub(crate) said: Recorded,
    /// The chain up to its row.
    pub(crate) hash: Hash,
}

impl Read {
    /// As people may see it at this time.
    fn record(self, now: Option<UnixMs>, names: &NamesReader<'_>) -> Record {
        let Self { id, said, hash } = self;
        let at = said.at;
        let mut record = Record {
            id,
            at,
            event: None,
            committed: None,
            commitment: None,
            salt: None,
            masked: false,
            hash,
        };
        match said.payload {
            Payload::Erased(commitment) => record.commitment = Some(commitment),
            Payload::Kept { salt, payload } => {
                let named = names.named(&payload, &salt);
                if let Some(masked) = masked(named.as_deref().unwrap_or(&payload), at, now) {
                    (record.event, record.masked) = (Some(masked), true);
                } else {
                    record.committed = named.is_some().then(|| payload.clone());
                    record.event = named.or(Some(payload));
                    record.salt = Some(salt);
                }
            }
        }
        record
    }
}

pub(crate) fn events(row: Row) -> impl Iterator<Item = Read> {
    let hash = row.hash;
    row.identified().map(move |(id, said)| Read { id, said, hash })
}

/// Rows of before they said how long they are masked: a time after which no step that they name can come.
const MASKED_S: i64 = 3 * 3_600;

/// The payload as it is shown while a step that its cause may name can still come; `None`: as it is.
fn masked(payload: &str, at: UnixMs, now: Option<UnixMs>) -> Option<String> {
    let causes = [r#""cause":"wrong""#, r#""cause":"too_early""#];
    // Most rows are no such refusals, and are not read for it.
    causes.iter().find(|cause| payload.contains(*cause))?;
    let mut event: serde_json::Value = serde_json::from_str(payload).ok()?;
    let fields = event.as_object_mut()?;
    let may_come = |cause: &serde_json::Value| cause == "wrong" || cause == "too_early";
    fields.get("cause").filter(|cause| may_come(cause))?;
    let masked_s = fields.get("masked_s").and_then(serde_json::Value::as_i64);
    let until = at.plus(masked_s.unwrap_or(MASKED_S).saturating_mul(1_000));
    if now.is_some_and(|now| now >= until) {
        return None;
    }
    fields.insert("cause".into(), "wrong".into());
    fields.remove("steps");
    // A hint at a binding says the same in other words.
    if let Some(detail) = fields.get_mut("detail").and_then(serde_json::Value::as_object_mut) {
        detail.remove("hint");
    }
    Some(event.to_string())
}

/// Reads the whole trail and holds it against its register and against heads from outside.
pub async fn verify_trail(
    store: &dyn Store,
    signer: &dyn Signer,
    heads: &[SignedHead],
) -> Result<Report, ServiceError> {
    // The register first: a chain that is opened meanwhile is then a chain too many, not one too few.
    let chains = store.chains().await?;
    let mut reading = Reading::new(&chains, heads, signer);
    let mut after = None;
    loop {
        let rows = store.rows(after, FEW_ROWS).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.cursor);
        rows.iter().for_each(|row| reading.row(row));
    }
    if !reading.later.is_empty() {
        // Whoever was at work meanwhile is in the register by now: a chain is put there before its first row.
        for chain in store.chains().await? {
            reading.later.remove(&chain.chain);
        }
    }
    Ok(reading.end())
}

struct Reading {
    /// The chains of the register, with their heads as far as read.
    heads: BTreeMap<i64, Head>,
    /// Heads that must be met on the way: from the register's closings and from outside.
    milestones: BTreeMap<(i64, u64), Vec<Milestone>>,
    /// Where the register says that chains end.
    ends: BTreeMap<i64, u64>,
    /// The newest chain that the register knew when it was read, and the first row of each that is newer.
    newest: i64,
    later: BTreeMap<i64, u64>,
    report: Report,
}

const UNKNOWN_CHAIN: &str = "a row of a chain that the register does not know";

struct Milestone {
    hash: Hash,
    source: &'static str,
}

impl Reading {
    fn new(chains: &[Chain], outside: &[SignedHead], signer: &dyn Signer) -> Self {
        let mut reading = Self {
            heads: BTreeMap::new(),
            milestones: BTreeMap::new(),
            ends: BTreeMap::new(),
            newest: chains.iter().map(|chain| chain.chain).max().unwrap_or(0),
            later: BTreeMap::new(),
            report: Report {
                chains: chains.len(),
                rows: 0,
                heads: outside.len(),
                findings: Vec::new(),
            },
        };
        reading.register(chains, signer);
        for head in outside {
            match head.proven(signer) {
                Some(head) => reading.milestone(head, "a head kept outside"),
                None => reading.find(
                    head.chain,
                    Some(head.position),
                    "a head kept outside has a bad signature",
                ),
            }
        }
        reading
    }

    fn find(&mut self, chain: i64, position: Option<u64>, what: impl Into<String>) {
        self.report.findings.push(Finding {
            chain: Some(chain),
            position,
            what: what.into(),
        });
    }

    fn register(&mut self, chains: &[Chain], signer: &dyn Signer) {
        let mut previous: Hash = [0; 32];
        let mut expected = 1;
        for chain in chains {
            let number = chain.chain;
            for missing in expected..number {
                self.find(missing, None, "the chain is missing from the register");
            }
            if expected == number && chain.opening.previous != previous {
                self.find(number, None, "its opening does not follow the one before");
            }
            if !signer.verify(&chain.opening.statement(number), &chain.opening_signature) {
                self.find(number, None, "its opening has a bad signature");
            }
            previous = chain.opening.hash(number);
            expected = number + 1;
            self.heads.insert(number, Head::opened(number, &chain.opening));
            if let Some(closing) = &chain.closing {
                if signer.verify(&closing.head.statement(), &closing.signature) && closing.head.chain == number {
                    self.ends.insert(number, closing.head.position);
                    self.milestone(closing.head, "the register");
                } else {
                    self.find(number, None, "its closing has a bad signature");
                }
            }
        }
    }

    fn milestone(&mut self, head: Head, source: &'static str) {
        match self.heads.get(&head.chain) {
            None => self.find(
                head.chain,
                Some(head.position),
                format!("{source} knows it, the register does not"),
            ),
            Some(opened) if head.position == 0 => {
                if opened.hash != head.hash {
                    self.find(head.chain, Some(0), format!("{source} knows another opening"));
                }
            }
            Some(_) => {
                self.milestones
                    .entry((head.chain, head.position))
                    .or_default()
                    .push(Milestone {
                        hash: head.hash,
                        source,
                    });
            }
        }
    }

    fn row(&mut self, row: &Row) {
        self.report.rows += 1;
        let Place { chain, position } = row.place;
        let Some(head) = self.heads.get(&chain).copied() else {
            // A chain opened after the register was read is somebody at work, not a finding.
            if chain > self.newest {
                self.later.entry(chain).or_insert(position);
            } else {
                self.find(chain, Some(position), UNKNOWN_CHAIN);
            }
            return;
        };
        if position > head.position + 1 {
            let count = position - head.position - 1;
            let what = format!("{count} row(s) removed before position {position}");
            self.find(chain, Some(head.position + 1), what);
        } else if position <= head.position {
            self.find(chain, Some(position), "the position was there before");
        } else if head.next(&row.covered(), &row.states).hash != row.hash {
            self.find(chain, Some(position), "the row was changed");
        } else if row
            .events
            .iter()
            .any(|event| matches!(event.payload, Payload::Erased(_)))
        {
            // Nothing erases events yet, so whoever hid this one was none of ours.
            self.find(chain, Some(position), "what was said is erased");
        }
        if self.ends.get(&chain).is_some_and(|end| position > *end) {
            self.find(chain, Some(position), "a row after the end of its chain");
        }
        for milestone in self.milestones.remove(&(chain, position)).unwrap_or_default() {
            if milestone.hash != row.hash {
                let what = format!("the row, or one before it, is not what {} signed", milestone.source);
                self.find(chain, Some(position), what);
            }
        }
        // From here on the row's own word counts, so that one change is one finding.
        let hash = row.hash;
        self.heads.insert(chain, Head { chain, position, hash });
    }

    fn end(mut self) -> Report {
        for (chain, position) in std::mem::take(&mut self.later) {
            self.find(chain, Some(position), UNKNOWN_CHAIN);
        }
        for ((chain, position), missed) in std::mem::take(&mut self.milestones) {
            let found = self.heads.get(&chain).map_or(0, |head| head.position);
            for milestone in missed {
                let what = format!(
                    "cut off: {} signed {position} row(s), {found} are there",
                    milestone.source
                );
                self.find(chain, Some(found + 1), what);
            }
        }
        self.report
            .findings
            .sort_by_key(|finding| (finding.chain, finding.position));
        self.report
    }
}
