//! How a sealing key is retired: nothing in this version does it by itself, nor is there a command.

use serde_json::json;
use store::{Noun, Sealed, Write};

use crate::{Input, Ports, ServiceError, attempt::Tries, upkeep::witness::commit};

/// Seals anew, under the current sealing key, up to `limit` of the secrets that key `from` seals, after the number `after`;
/// the result is the number to go on after, `None` at the end. The key's witness stays as it is.
///
/// Whatever else goes on meanwhile goes on. Since a record that was read before may be written after, the end is the end
/// only when nothing is found from number 0 on; see [`Write::Reseal`].
pub async fn reseal(ports: &Ports, from: u32, after: i64, limit: u32) -> Result<Option<i64>, ServiceError> {
    let to = ports.sealer.current_sealing_key();
    is_retired(ports, from)?;
    let witnesses = ports.store.witnesses().await?;
    let mut tries = Tries::default();
    loop {
        tries.next()?;
        let found = ports.store.sealed_under(from, after, limit.max(1)).await?;
        let Some(last) = found.last().map(|(number, _)| *number) else {
            return Ok(None);
        };
        let is_witness = |sealed: &Sealed| witnesses.iter().any(|witness| witness.sealed == *sealed);
        let secrets = found.into_iter().filter(|(_, sealed)| !is_witness(sealed));
        let writes: Vec<Write> = secrets.filter_map(|(number, old)| anew(ports, number, old)).collect();
        if writes.is_empty() {
            return Ok(Some(last));
        }
        let detail = json!({"from": from, "to": to, "secrets": writes.len()});
        match commit(ports, "keyring.reseal", detail, writes).await {
            // One of them changed or ended since it was read.
            Err(ServiceError::Contended) => {}
            done => return done.map(|()| Some(last)),
        }
    }
}

/// A secret that does not open is its own record's trouble, and keeps the key from being retired.
fn anew(ports: &Ports, number: i64, old: Sealed) -> Option<Write> {
    match ports.sealer.reseal(&old) {
        Ok(new) => Some(Write::Reseal { number, old, new }),
        Err(error) => {
            tracing::error!(%error, number, "a secret is not sealed anew");
            None
        }
    }
}

/// Ends the witness of a sealing key under which nothing else is sealed any more: from then on a keyring without the key
/// is this database's, too. For a moment in which no request is open that began before the last secret was sealed anew: it
/// could put that back.
pub async fn end_witness(ports: &Ports, key: u32) -> Result<(), ServiceError> {
    is_retired(ports, key)?;
    let witnesses = ports.store.witnesses().await?;
    let Some(witness) = witnesses.into_iter().find(|witness| witness.key_id == key) else {
        return Err(ServiceError::NotFound("witness of this key"));
    };
    // Of two, one at least is not the witness.
    let sealed = ports.store.sealed_under(key, 0, 2).await?;
    if sealed.iter().any(|(_, sealed)| *sealed != witness.sealed) {
        return Err(refused(key, "secrets are sealed under it"));
    }
    let delete = Write::Delete {
        expected: witness.version(),
        key: witness.key(),
    };
    commit(ports, "keyring.end_witness", json!({"key": key}), vec![delete]).await
}

fn is_retired(ports: &Ports, key: u32) -> Result<(), ServiceError> {
    if key == ports.sealer.current_sealing_key() {
        return Err(refused(key, "new secrets are sealed under it"));
    }
    Ok(())
}

fn refused(key: u32, why: &str) -> ServiceError {
    ServiceError::Invalid {
        input: Input::SealingKey,
        why: format!("key {key} cannot be retired: {why}"),
    }
}
