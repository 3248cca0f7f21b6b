//! Whatever claims to be a vault is answered; whatever opens says the same when it is saved and opened again.

use vault::{LockedVault, Unlock};

/// The key of the seeds' key-file slot.
const KEY_FILE: &[u8] = b"0123456789abcdef0123456789abcdef01234567";

/// One input of the fuzzer: a vault without its checksum, which no change would survive.
pub fn run(data: &[u8]) {
    let checksum = ring::digest::digest(&ring::digest::SHA256, data);
    let Ok(locked) = LockedVault::parse(&[data, checksum.as_ref()].concat()) else {
        return;
    };
    let Ok(mut vault) = locked.unlock(Unlock::KeyFile(KEY_FILE)) else {
        return;
    };
    let mut entropy = |into: &mut [u8]| {
        into.fill(7);
        Ok::<(), ()>(())
    };
    let len = vault.entries_mut().len();
    let file = vault.save(&mut entropy).expect("it was small enough before");
    let locked = LockedVault::parse(&file).expect("what is written can be read");
    let again = locked.unlock(Unlock::DataKey(vault.data_key()));
    assert!(again.is_ok_and(|again| again.entries().len() == len));
}
