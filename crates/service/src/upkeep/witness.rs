//! Witnesses of the keyring in the database: whether it is the one that sealed what is there.

use serde_json::json;
use store::{Change, MacWitness, Outcome, Witness, Write};
use subtle::ConstantTimeEq;

use crate::{
    Ports, ServiceError,
    access::caller::Origin,
    ports::{PortError, Sealer},
    trail::event::NewEvent,
};

/// The known text that is sealed, and hashed, as a witness.
const WORDS: &[u8] = b"countersign/witness/1";

/// Refuses a keyring that cannot open what this database holds, would seal under a key that another keyring knows by the
/// same number, or would not know again what was hashed; puts down the witnesses of keys that have none. Before anything
/// is judged.
pub async fn prove_keyring(ports: &Ports) -> Result<(), ServiceError> {
    let (store, sealer) = (&*ports.store, &*ports.sealer);
    let witnesses = store.witnesses().await?;
    let mac_witnesses = store.mac_witnesses().await?;
    witnesses.iter().try_for_each(|witness| opens(sealer, witness))?;
    mac_witnesses.iter().try_for_each(|witness| hashes(sealer, witness))?;
    if (witnesses.is_empty() || mac_witnesses.is_empty()) && store.newest().await?.is_some() {
        return Err(ServiceError::Untrusted(
            "this database has records and no witness of its keyring: put back one that has, with its log and heads"
                .into(),
        ));
    }
    let current = sealer.current_sealing_key();
    let mut writes = Vec::new();
    let is_new = !witnesses.iter().any(|witness| witness.key_id == current);
    if is_new {
        let secret = otp::Secret::from_slice(WORDS).map_err(|error| ServiceError::Internal(error.to_string()))?;
        let sealed = sealer.seal(WORDS, &secret)?;
        let key_id = sealed.key_id;
        writes.push(Write::put(None, &Witness { key_id, sealed }));
    }
    let mut new_mac_keys = sealer.mac_keys();
    new_mac_keys.retain(|key| !mac_witnesses.iter().any(|witness| witness.key_id == *key));
    for &key_id in &new_mac_keys {
        let mac = sealer.mac(key_id, "witness", WORDS)?;
        writes.push(Write::put(None, &MacWitness { key_id, mac }));
    }
    if writes.is_empty() {
        return Ok(());
    }
    let detail = json!({"key": is_new.then_some(current), "mac_keys": new_mac_keys});
    commit(ports, "keyring.witness", detail, writes).await
}

/// A change by the process itself, at whose start or end nobody is asked.
pub(crate) async fn commit(
    ports: &Ports,
    action: &'static str,
    detail: serde_json::Value,
    writes: Vec<Write>,
) -> Result<(), ServiceError> {
    let mut salt = [0; 16];
    ports.entropy.fill(&mut salt)?;
    let origin = Origin::default();
    let entry = NewEvent::new(action, "done", &origin).detail(detail);
    let change = Change::of(entry.salted(ports.clock.now(), salt)?).with(writes);
    match ports.store.commit(vec![change]).await?[..] {
        [Outcome::Done] => Ok(()),
        _ => Err(ServiceError::Contended),
    }
}

fn opens(sealer: &dyn Sealer, witness: &Witness) -> Result<(), ServiceError> {
    let key = witness.key_id;
    match sealer.open(WORDS, &witness.sealed) {
        Ok(secret) if secret.expose_secret() == WORDS => Ok(()),
        Err(PortError::NoSuchKey(_)) => Err(lacks(&format!("key {key}, under which this database has secrets"))),
        _ => Err(foreign(&format!(
            "key {key} does not open what was sealed here under that number"
        ))),
    }
}

fn hashes(sealer: &dyn Sealer, witness: &MacWitness) -> Result<(), ServiceError> {
    let key = witness.key_id;
    match sealer.mac(key, "witness", WORDS) {
        Ok(mac) if bool::from(mac.ct_eq(&witness.mac)) => Ok(()),
        Err(PortError::NoSuchMacKey(_)) => Err(lacks(&format!("MAC key {key}, under which this database has hashes"))),
        _ => Err(foreign(&format!(
            "MAC key {key} is not the one that hashed here under that number"
        ))),
    }
}

fn lacks(what: &str) -> ServiceError {
    ServiceError::Untrusted(format!("the keyring lacks {what}"))
}

fn foreign(what: &str) -> ServiceError {
    ServiceError::Untrusted(format!("the keyring is another database's: its {what}"))
}
