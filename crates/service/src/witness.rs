use serde_json::json;
use store::{Change, Outcome, Witness, Write};

use crate::{
    Origin, Ports, ServiceError,
    event::Entry,
    ports::{PortError, Sealer},
};

/// What is sealed as a witness.
const WORDS: &[u8] = b"countersign/witness/1";

/// Refuses a keyring that cannot open what this database holds, or would seal under a key that another keyring knows by
/// the same number; puts down the witness of the current key where there is none. Before anything is judged.
pub async fn prove_keyring(ports: &Ports) -> Result<(), ServiceError> {
    let (store, sealer) = (&*ports.store, &*ports.sealer);
    let witnesses = store.witnesses().await?;
    witnesses.iter().try_for_each(|witness| opens(sealer, witness))?;
    let current = sealer.current_key();
    if witnesses.is_empty() && store.newest().await?.is_some() {
        return Err(ServiceError::Untrusted(
            "this database has records and no witness of its keyring: put back one that has, with its log and heads"
                .into(),
        ));
    }
    if witnesses.iter().any(|witness| witness.key_id == current) {
        return Ok(());
    }
    let secret = otp::Secret::from_slice(WORDS).map_err(|error| ServiceError::Internal(error.to_string()))?;
    let sealed = sealer.seal(WORDS, &secret)?;
    let key_id = sealed.key_id;
    let witness = Witness { key_id, sealed };
    let mut salt = [0; 16];
    ports.entropy.fill(&mut salt)?;
    let origin = Origin::default();
    let entry = Entry::new("keyring.witness", "done", &origin).detail(json!({"key": key_id}));
    let change = Change::of(entry.salted(ports.clock.now(), salt)?).with([Write::put(None, &witness)]);
    match store.commit(vec![change]).await?[..] {
        [Outcome::Done] => Ok(()),
        _ => Err(ServiceError::Contended),
    }
}

fn opens(sealer: &dyn Sealer, witness: &Witness) -> Result<(), ServiceError> {
    let key = witness.key_id;
    match sealer.open(WORDS, &witness.sealed) {
        Ok(secret) if secret.expose_secret() == WORDS => Ok(()),
        Err(PortError::NoSuchKey(_)) => Err(lacks(key)),
        _ => Err(foreign(key)),
    }
}

fn lacks(key: u32) -> ServiceError {
    ServiceError::Untrusted(format!(
        "the keyring lacks key {key}, under which this database has secrets"
    ))
}

fn foreign(key: u32) -> ServiceError {
    ServiceError::Untrusted(format!(
        "the keyring is another database's: its key {key} does not open what was sealed here under that number"
    ))
}
