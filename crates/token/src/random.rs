//! Randomness: from the board's own source where it has one, and from a seed that is hashed forward before each use.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    ports::{Entropy, PortError, Storage},
    record::{FACTORY_SEED_ADDRESS, FACTORY_SEED_LEN_BYTES, SEED},
};

/// 32 bytes that nobody knows and that never come again; `None` without a seed and without a source.
///
/// The seed's successor is kept before anything made of the seed is used, so a power cut never makes two of one.
pub(crate) fn draw(ports: &mut (impl Storage + Entropy)) -> Result<Option<Zeroizing<[u8; 32]>>, PortError> {
    let mut fresh = Zeroizing::new([0; 32]);
    let has_source = ports.fill(&mut *fresh);
    let seed = seed(ports)?;
    if seed.is_none() && !has_source {
        return Ok(None);
    }
    let seed = seed.unwrap_or_default();
    let derived = |label: &[u8]| {
        let mut hash = Sha256::new();
        hash.update(label);
        hash.update(*seed);
        hash.update(*fresh);
        Zeroizing::new(hash.finalize().into())
    };
    let next: Zeroizing<[u8; 32]> = derived(b"countersign/token seed/1");
    SEED.write(ports, &*next)?;
    ports.write(FACTORY_SEED_ADDRESS, &[0; FACTORY_SEED_LEN_BYTES])?;
    Ok(Some(derived(b"countersign/token random/1")))
}

fn seed(storage: &mut impl Storage) -> Result<Option<Zeroizing<[u8; 32]>>, PortError> {
    let mut seed = Zeroizing::new([0; 32]);
    if SEED.read(storage, &mut *seed)?.is_some() {
        return Ok(Some(seed));
    }
    storage.read(FACTORY_SEED_ADDRESS, &mut *seed)?;
    let empty = seed.iter().all(|&byte| byte == 0) || seed.iter().all(|&byte| byte == 0xFF);
    Ok((!empty).then_some(seed))
}
