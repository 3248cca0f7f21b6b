use serde_json::json;
use store::{Change, Outcome, Sealed, Write};

use crate::{
    Origin, Ports, ServiceError,
    event::Entry,
    ports::{PortError, Sealer},
    sealing::{credential_of, secret_of_token},
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
    if witnesses.iter().any(|witness| witness.key_id == current) {
        return Ok(());
    }
    if witnesses.is_empty() {
        opens_samples(ports).await?;
    }
    let secret = otp::Secret::from_slice(WORDS).map_err(|error| ServiceError::Internal(error.to_string()))?;
    let witness = sealer.seal(WORDS, &secret)?;
    let mut salt = [0; 16];
    ports.entropy.fill(&mut salt)?;
    let origin = Origin::default();
    let entry = Entry::new("keyring.witness", "done", &origin).detail(json!({"key": witness.key_id}));
    let change = Change {
        events: vec![entry.salted(ports.clock.now(), salt)?],
        writes: vec![Write::Witness(witness)],
    };
    match store.commit(vec![change]).await?[..] {
        [Outcome::Done] => Ok(()),
        _ => Err(ServiceError::Contended),
    }
}

fn opens(sealer: &dyn Sealer, witness: &Sealed) -> Result<(), ServiceError> {
    let key = witness.key_id;
    match sealer.open(WORDS, witness) {
        Ok(secret) if secret.expose_secret() == WORDS => Ok(()),
        Err(PortError::NoSuchKey(_)) => Err(lacks(key)),
        _ => Err(foreign(key)),
    }
}

/// A database that is older than witnesses: one of its secrets opens, where there are any.
async fn opens_samples(ports: &Ports) -> Result<(), ServiceError> {
    let (devices, tokens) = ports.store.sealed_samples().await?;
    let sealer = &*ports.sealer;
    let devices = devices.iter().map(|device| credential_of(device, sealer).map(drop));
    let tokens = tokens.iter().map(|token| secret_of_token(token, sealer).map(drop));
    let tried: Vec<_> = devices.chain(tokens).collect();
    match tried.iter().find_map(|tried| tried.as_ref().err()) {
        // One that was damaged is its user's trouble alone.
        Some(error) if tried.iter().all(Result::is_err) => Err(match error {
            PortError::NoSuchKey(key) => lacks(*key),
            _ => foreign(sealer.current_key()),
        }),
        _ => Ok(()),
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
