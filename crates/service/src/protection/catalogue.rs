//! The catalogue of operations as it is in force: the shipped ones, and the operator's own beside them and over them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use serde_json::json;
use store::{Change, OwnOperation, Role, Words, Write};
use tokio::sync::Mutex;
use verify::UnixMs;

use crate::{
    Caller, Core, Input, Service, ServiceError,
    protection::{
        decision::Sensitivity,
        operations::{Bilingual, Operation, shipped_operation, shipped_operations},
    },
    settings::UnknownOperations,
};

/// Operations that the operator may have beside the shipped ones, and over them.
pub const OWN_OPERATIONS_MAX: usize = 1_000;

/// The longest product, and the longest operation, in a key.
const PART_MAX_BYTES: usize = 100;

/// How old what was read of the store may be when a decision rests on it: what another process changed is in force then.
const FRESH_MS: i64 = 2 * UnixMs::SECOND;

/// What this service itself does, by its name in the trail, and the rows of the catalogue that it is held to (P3).
const OWN_CALLS: [(&str, &[&str]); 8] = [
    ("enrollment.start", &["accounts/bind-mfa-token"]),
    ("device.resync", &["accounts/bind-mfa-token"]),
    ("recovery_codes.renew", &["accounts/bind-mfa-token"]),
    ("device.unbind", &["accounts/unbinding-mfa-token"]),
    (
        "protection.change",
        &[
            "accounts/set-user-s-login-protection-and-sensitive-operation-verification-methods",
            "accounts/remote-login-security-settings",
        ],
    ),
    (
        "method.prove",
        &[
            "accounts/modifying-user-mobile-number",
            "accounts/modifying-user-email-address",
            "accounts/binding-wechat",
            "accounts/binding-qq",
            "accounts/account-link-secondary-confirmation",
        ],
    ),
    ("session.end_all", &["accounts/remove-login-status"]),
    ("user.closing", &["accounts/apply-for-account-deregistration"]),
];

/// The rows that an own call is held to: an identity grant for one of them is good for it.
pub(crate) fn rows_of(action: &str) -> &'static [&'static str] {
    OWN_CALLS
        .iter()
        .find(|(own, _)| *own == action)
        .map_or(&[], |(_, rows)| rows)
}

/// An operation of the catalogue, as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueOperation {
    /// `product/operation`, as callers name it.
    pub key: String,
    /// The group of products.
    pub category: Words,
    /// The product.
    pub product: Words,
    /// The operation.
    pub operation: Words,
    /// It is checked even where operation protection is off (P3).
    pub identity_always: bool,
    /// It is checked where operation protection is on.
    pub protected: bool,
    /// Whose row it is.
    pub source: OperationSource,
}

/// Whose row of the catalogue an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationSource {
    /// As it was shipped.
    Shipped,
    /// The operator's: one of their own, or their word on a shipped one.
    Own,
}

/// An own operation that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperation {
    /// The group of products.
    pub category: Words,
    /// The product.
    pub product: Words,
    /// The operation.
    pub operation: Words,
    /// It is checked even where operation protection is off (P3); of a shipped one as it was shipped.
    pub identity_always: bool,
    /// It is checked where operation protection is on.
    pub protected: bool,
}

impl From<&Operation> for CatalogueOperation {
    fn from(shipped: &Operation) -> Self {
        let words = |both: Bilingual| Words {
            en: both.en.to_owned(),
            zh: both.zh.to_owned(),
        };
        Self {
            key: shipped.key.to_owned(),
            category: words(shipped.category),
            product: words(shipped.product),
            operation: words(shipped.operation),
            identity_always: shipped.identity_always,
            protected: true,
            source: OperationSource::Shipped,
        }
    }
}

impl From<OwnOperation> for CatalogueOperation {
    fn from(own: OwnOperation) -> Self {
        let identity_always = is_identity_always(&own);
        Self {
            key: own.key,
            category: own.category,
            product: own.product,
            operation: own.operation,
            identity_always,
            protected: own.protected || identity_always,
            source: OperationSource::Own,
        }
    }
}

/// What is shipped with the running program says it, whatever was shipped when the own row was written.
fn is_identity_always(own: &OwnOperation) -> bool {
    shipped_operation(&own.key).map_or(own.identity_always, |shipped| shipped.identity_always)
}

type OwnByKey = BTreeMap<String, OwnOperation>;

/// The operator's own operations in memory, so that a decision reads none of them from the store.
#[derive(Default)]
pub(crate) struct OwnCatalogue {
    /// Raised by every change of this process.
    generation: AtomicU64,
    kept: RwLock<Option<Kept>>,
    /// Of those who find nothing fresh, one reads.
    reading: Mutex<()>,
}

struct Kept {
    generation: u64,
    read_at: UnixMs,
    own: Arc<OwnByKey>,
}

impl OwnCatalogue {
    fn fresh(&self, now: UnixMs) -> Option<Arc<OwnByKey>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let generation = self.generation.load(SeqCst);
        // Who waited for a reader may have begun a little before it.
        let is_near = |read_at: UnixMs| now.get().abs_diff(read_at.get()) < FRESH_MS.unsigned_abs();
        let is_fresh = |kept: &&Kept| kept.generation == generation && is_near(kept.read_at);
        kept.as_ref().filter(is_fresh).map(|kept| kept.own.clone())
    }

    /// This process changed one.
    fn forget(&self) {
        self.generation.fetch_add(1, SeqCst);
    }
}

impl Core {
    /// The catalogue's word on an operation; `None` where it is not in it.
    pub(crate) async fn known_sensitivity(&self, key: &str, now: UnixMs) -> Result<Option<Sensitivity>, ServiceError> {
        let shipped = shipped_operation(key);
        if shipped.is_some_and(|shipped| shipped.identity_always) {
            return Ok(Some(Sensitivity::IdentityAlways));
        }
        let own = self.own_operations(now).await?;
        Ok(match (own.get(key), shipped) {
            (Some(own), _) if is_identity_always(own) => Some(Sensitivity::IdentityAlways),
            (Some(own), _) if !own.protected => Some(Sensitivity::None),
            (Some(_), _) | (None, Some(_)) => Some(Sensitivity::Protected),
            (None, None) => None,
        })
    }

    /// One operation of the catalogue, by its key: the operator's word on it first.
    pub(crate) async fn catalogued_operation(&self, key: &str) -> Result<Option<CatalogueOperation>, ServiceError> {
        let own = self.store.own_operation(key).await?.map(CatalogueOperation::from);
        Ok(own.or_else(|| shipped_operation(key).map(CatalogueOperation::from)))
    }

    /// How an operation is taken that is not in the catalogue.
    pub(crate) fn unknown_sensitivity(&self) -> Sensitivity {
        match self.settings.unknown_operations {
            UnknownOperations::Protected => Sensitivity::Protected,
            UnknownOperations::NotProtected => Sensitivity::None,
        }
    }

    /// All own operations, as they were two seconds ago or later.
    async fn own_operations(&self, now: UnixMs) -> Result<Arc<OwnByKey>, ServiceError> {
        if let Some(own) = self.own_operations.fresh(now) {
            return Ok(own);
        }
        let _one = self.own_operations.reading.lock().await;
        if let Some(own) = self.own_operations.fresh(now) {
            return Ok(own);
        }
        // Before the store is read: what changes in between is read again.
        let generation = self.own_operations.generation.load(SeqCst);
        let own = Arc::new(self.stored_operations().await?);
        let mut kept = self.own_operations.kept.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Kept {
            generation,
            read_at: now,
            own: own.clone(),
        });
        Ok(own)
    }

    /// All of them. Processes that add at the same moment may pass the limit by a few; what is stored is read whole.
    async fn stored_operations(&self) -> Result<OwnByKey, ServiceError> {
        let stored = self.store.own_operations(u32::MAX).await?;
        Ok(stored.into_iter().map(|own| (own.key.clone(), own)).collect())
    }
}

impl Service {
    /// Up to `limit` operations after this key, in the order of keys; of one product, or of all.
    pub async fn operations(
        &self,
        caller: &Caller,
        product: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<CatalogueOperation>, ServiceError> {
        caller.may(&[Role::Verify])?;
        let own = self.core.stored_operations().await?;
        let mut all: BTreeMap<String, CatalogueOperation> = shipped_operations()
            .iter()
            .map(|shipped| (shipped.key.to_owned(), shipped.into()))
            .collect();
        all.extend(own.into_iter().map(|(key, own)| (key, own.into())));
        let is_of_product = |key: &str| product.is_none() || product == key.split_once('/').map(|(product, _)| product);
        let found = all.into_values().filter(|one| is_of_product(&one.key));
        let found = found.filter(|one| after.is_none_or(|after| *one.key > *after));
        Ok(found.take(limit as usize).collect())
    }

    /// One operation, by its key.
    pub async fn operation(&self, caller: &Caller, key: &str) -> Result<CatalogueOperation, ServiceError> {
        caller.may(&[Role::Verify])?;
        let found = self.core.catalogued_operation(key).await?;
        found.ok_or(ServiceError::NotFound("operation"))
    }

    /// Adds an own operation, changes one, or says otherwise of a shipped one: its words, and whether it is protected.
    /// Told the same again, it changes nothing.
    pub async fn set_operation(
        &self,
        caller: &Caller,
        key: &str,
        wanted: &NewOperation,
    ) -> Result<CatalogueOperation, ServiceError> {
        caller.may_for_all(&[Role::Admin], "catalogue of operations")?;
        check(key, wanted)?;
        let core = &*self.core;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let old = core.store.own_operation(key).await?;
            let expected = old.as_ref().map(|old| old.version);
            let next = named(key, expected.unwrap_or(0), wanted);
            match old {
                Some(old) if old == next => return Ok(next.into()),
                Some(_) => {}
                None => self.has_room().await?,
            }
            let next = OwnOperation {
                version: next.version + 1,
                ..next
            };
            let detail =
                json!({"operation": key, "protected": next.protected, "identity_always": next.identity_always});
            let entry = attempt.entry("operation.set", "done").detail(detail);
            let change = Change::of(core.event(&entry, attempt.now)?).with([Write::put(expected, &next)]);
            let done = attempt.commit(change, next).await;
            // Also where it is not known what became of it.
            core.own_operations.forget();
            if let Some(done) = done? {
                return Ok(done.into());
            }
        }
    }

    async fn has_room(&self) -> Result<(), ServiceError> {
        if self.core.stored_operations().await?.len() < OWN_OPERATIONS_MAX {
            return Ok(());
        }
        let why = format!("there are {OWN_OPERATIONS_MAX} own operations, and no more are kept: change one of them");
        Err(invalid(Input::OperationKey, why))
    }
}

fn named(key: &str, version: u64, wanted: &NewOperation) -> OwnOperation {
    let NewOperation {
        category,
        product,
        operation,
        identity_always,
        protected,
    } = wanted.clone();
    OwnOperation {
        key: key.to_owned(),
        version,
        category,
        product,
        operation,
        identity_always,
        protected,
    }
}

/// The key is one, and what is asked for holds together, also with what is shipped.
fn check(key: &str, wanted: &NewOperation) -> Result<(), ServiceError> {
    check_key(key, Input::OperationKey)?;
    match shipped_operation(key) {
        Some(shipped) if shipped.identity_always && !wanted.identity_always => {
            let why = "this operation is shipped as one that is always checked, and that cannot be switched off";
            return Err(invalid(Input::IdentityAlways, why.into()));
        }
        Some(shipped) if shipped.identity_always != wanted.identity_always => {
            let why = "of a shipped operation only the words and `protected` are changed: send it as it is shipped";
            return Err(invalid(Input::IdentityAlways, why.into()));
        }
        _ => {}
    }
    if wanted.identity_always && !wanted.protected {
        let why = "what is always checked is protected: send true, or false for `identity_always`, where that is yours";
        return Err(invalid(Input::Protected, why.into()));
    }
    Ok(())
}

/// The text has the shape of a key, whether the catalogue has it or not.
pub(crate) fn check_key(key: &str, input: Input) -> Result<(), ServiceError> {
    let parts = key.split_once('/');
    if parts.is_some_and(|(product, operation)| is_part(product) && is_part(operation)) {
        return Ok(());
    }
    let why = format!("it is `product/operation`, each 1 to {PART_MAX_BYTES} lower-case letters, digits and hyphens");
    Err(invalid(input, why))
}

/// As the shipped keys are.
fn is_part(text: &str) -> bool {
    (1..=PART_MAX_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn invalid(input: Input, why: String) -> ServiceError {
    ServiceError::Invalid { input, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p3_each_of_our_own_calls_has_a_row_that_asks_always() {
        let rows = OWN_CALLS
            .iter()
            .flat_map(|(call, rows)| rows.iter().map(move |row| (call, row)));
        for (call, key) in rows {
            let row = shipped_operation(key).unwrap_or_else(|| panic!("{call}: the catalogue has no {key}"));
            assert!(row.identity_always, "{call}: {key}");
        }
    }

    /// Whoever needs a grant for one of our own calls finds in the manual which one.
    #[test]
    fn p3b_the_manual_has_the_rows_of_each_of_our_own_calls() {
        let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src/manual/protection.md");
        let manual = std::fs::read_to_string(manual).expect("the manual");
        for (call, rows) in OWN_CALLS {
            let line = manual
                .lines()
                .find(|line| line.starts_with('|') && line.contains(&format!("`{call}`")));
            let line = line.unwrap_or_else(|| panic!("{call} is not in the table"));
            for row in rows {
                assert!(line.contains(&format!("`{row}`")), "{call}: {row}");
            }
            assert_eq!(line.matches("`accounts/").count(), rows.len(), "{call}: and no other");
        }
    }

    #[test]
    fn every_shipped_key_is_one_that_an_own_word_can_stand_over() {
        for shipped in shipped_operations() {
            let CatalogueOperation {
                category,
                product,
                operation,
                identity_always,
                protected,
                ..
            } = shipped.into();
            let same = NewOperation {
                category,
                product,
                operation,
                identity_always,
                protected,
            };
            assert_eq!(check(shipped.key, &same), Ok(()), "{}", shipped.key);
        }
    }
}
