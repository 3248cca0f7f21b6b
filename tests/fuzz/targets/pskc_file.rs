//! Whatever file can be read is the same when it is written, encrypted, and read again.

use pskc::{Protect, Unlock, read, write_encrypted};

/// One input of the fuzzer, or of a property test. No password: a file chooses how much work that is.
pub fn run(data: &[u8]) {
    let key = b"\x124Vx\x90\x124Vx\x90\x124Vx\x90\x12"; // of RFC 6030 figure 6
    let Ok(receipt) = read(data, &Unlock::Key(key)) else {
        return;
    };
    assert!(receipt.refused.iter().all(|refusal| refusal.to_string().len() < 1_500));
    let protect = Protect::Key { key, name: None };
    let Ok(file) = write_encrypted(&receipt.seeds, &protect, |_| Ok::<(), ()>(())) else {
        return;
    };
    let again = read(&file, &Unlock::Key(key)).expect("what is written can be read");
    assert!(again.refused.is_empty() && again.seeds.len() == receipt.seeds.len());
    for (before, after) in receipt.seeds.iter().zip(&again.seeds) {
        assert_eq!(before.serial_number, after.serial_number);
        assert_eq!(before.secret.expose_secret(), after.secret.expose_secret());
        assert_eq!((before.moving, before.algorithm), (after.moving, after.algorithm));
    }
}
