//! Whatever can be taken of an export is a double of itself when it is read again.

use vault::{NewSlot, OpenVault, import};

/// One input of the fuzzer: what claims to be another app's export.
pub fn run(data: &[u8]) {
    let Ok(export) = import::read(data, None) else { return };
    let mut entropy = |into: &mut [u8]| {
        into.fill(7);
        Ok::<(), ()>(())
    };
    let vault = OpenVault::create(NewSlot::KeyFile(&[7; 32]), "", &mut entropy);
    let mut vault = vault.expect("a key of 32 bytes makes a vault");
    let receipt = vault.entries().dry_run(export).without_missing_parts();
    let came = receipt.came.len();
    let ids = vault.entries_mut().apply(receipt).expect("an empty vault has room");
    assert_eq!(ids.len(), came);
    let again = import::read(data, None).expect("it was read before");
    assert!(vault.entries().dry_run(again).came.is_empty());
}
