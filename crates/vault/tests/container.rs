//! The container: what opens it, what does not, and that nothing in it can be changed unnoticed.

mod support;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use support::{cheap, counting, draft};
use vault::{
    CostError, FileError, KdfCost, LockedVault, MAX_SLOTS, NewSlot, OpenVault, SaveError, SlotError, SlotKind, Unlock,
    UnlockError,
};

const PASSPHRASE: &[u8] = b"correct horse battery staple";
const KEY_FILE: &[u8] = &[7; 64];

fn small() -> OpenVault {
    let slot = NewSlot::Passphrase {
        passphrase: PASSPHRASE,
        cost: cheap(),
    };
    let mut vault = OpenVault::create(slot, "desk", &mut counting()).unwrap();
    vault
        .entries_mut()
        .add(draft("Example", "alice", b"12345678901234567890"))
        .unwrap();
    vault
}

fn open(file: &[u8], unlock: Unlock<'_>) -> Result<OpenVault, UnlockError> {
    LockedVault::parse(file).unwrap().unlock(unlock)
}

#[track_caller]
fn assert_opens(file: &[u8], unlock: Unlock<'_>) {
    let vault = open(file, unlock).unwrap_or_else(|error| panic!("{error}"));
    let entry = vault.entries().iter().next().unwrap();
    assert_eq!(entry.title(), "Example (alice)");
    assert_eq!(entry.credential().secret().expose_secret(), b"12345678901234567890");
}

#[track_caller]
fn refusal(file: &[u8], unlock: Unlock<'_>) -> UnlockError {
    open(file, unlock).err().expect("it does not open")
}

fn with_checksum_of_its_own(mut file: Vec<u8>) -> Vec<u8> {
    let body = file.len() - 32;
    let checksum = Sha256::digest(&file[..body]);
    file[body..].copy_from_slice(&checksum);
    file
}

#[test]
fn the_passphrase_opens_it_and_nothing_else_does() {
    let file = small().save(&mut counting()).unwrap();
    assert_opens(&file, Unlock::Passphrase(PASSPHRASE));
    assert_eq!(refusal(&file, Unlock::Passphrase(b"wrong")), UnlockError::Wrong);
    assert_eq!(refusal(&file, Unlock::Passphrase(b"")), UnlockError::Wrong);
    assert_eq!(refusal(&file, Unlock::KeyFile(KEY_FILE)), UnlockError::NoSuchSlot);
    let locked = LockedVault::parse(&file).unwrap();
    let slots: Vec<_> = locked.slots().map(|slot| (slot.kind, slot.label.to_owned())).collect();
    assert_eq!(slots, [(SlotKind::Passphrase(cheap()), "desk".to_owned())]);
}

#[test]
fn every_flipped_bit_is_noticed_before_anything_is_computed() {
    let file = small().save(&mut counting()).unwrap();
    for bit in 0..8 * file.len() {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let wanted = if bit < 64 {
            FileError::NotAVault
        } else {
            FileError::Damaged
        };
        assert_eq!(LockedVault::parse(&flipped).err(), Some(wanted), "bit {bit}");
    }
}

#[test]
fn every_flipped_bit_is_refused_although_somebody_mended_the_checksum() {
    let mut vault = small();
    let file = vault.save(&mut counting()).unwrap();
    let body = file.len() - 32;
    for bit in 64..8 * body {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let flipped = with_checksum_of_its_own(flipped);
        // a flipped cost may be a dear one: it is enough that it is another
        match LockedVault::parse(&flipped) {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(locked) => {
                let dear =
                    |kind| matches!(kind, SlotKind::Passphrase(cost) if cost.memory_kib() > 64 || cost.passes() > 64);
                if !locked.slots().any(|slot| dear(slot.kind)) {
                    assert!(locked.unlock(Unlock::Passphrase(PASSPHRASE)).is_err(), "bit {bit}");
                }
                let data_key = small();
                assert!(
                    locked.unlock(Unlock::DataKey(data_key.data_key())).is_err(),
                    "bit {bit}"
                );
            }
        }
    }
}

#[test]
fn every_cut_and_every_appended_byte_is_refused() {
    let file = small().save(&mut counting()).unwrap();
    for len in 0..file.len() {
        assert!(LockedVault::parse(&file[..len]).is_err(), "{len} bytes");
        if len >= 40 {
            let cut = with_checksum_of_its_own(file[..len].to_vec());
            let opened = LockedVault::parse(&cut).map(|locked| locked.unlock(Unlock::Passphrase(PASSPHRASE)).is_ok());
            assert_ne!(opened, Ok(true), "{len} bytes");
        }
    }
    let longer = [file.clone(), vec![0]].concat();
    assert_eq!(LockedVault::parse(&longer).err(), Some(FileError::Damaged));
    let longer = with_checksum_of_its_own([&file[..], &[0]].concat());
    assert_eq!(refusal(&longer, Unlock::Passphrase(PASSPHRASE)), UnlockError::Altered);
}

#[test]
fn a_new_passphrase_leaves_the_sealed_entries_as_they_are() {
    let mut vault = small();
    let before = vault.save(&mut counting()).unwrap();
    let new = NewSlot::Passphrase {
        passphrase: b"another one",
        cost: cheap(),
    };
    let mut entropy = |into: &mut [u8]| {
        into.fill(0xa5);
        Ok::<(), String>(())
    };
    vault.replace_slot(0, new, &mut entropy).unwrap();
    let after = vault.save(&mut entropy).unwrap();
    // both headers are as long as each other: magic, version, id, count, slot, MAC
    let header = 8 + 2 + 16 + 1 + (1 + 1 + 4 + 2 + 12 + 16 + 24 + 48) + 32;
    assert_eq!(before[header..before.len() - 32], after[header..after.len() - 32]);
    assert_ne!(before[..header], after[..header]);
    assert_opens(&after, Unlock::Passphrase(b"another one"));
    assert_eq!(refusal(&after, Unlock::Passphrase(PASSPHRASE)), UnlockError::Wrong);
    assert_eq!(
        open(&after, Unlock::Passphrase(b"another one"))
            .unwrap()
            .slots()
            .next()
            .unwrap()
            .label,
        "desk"
    );
}

#[test]
fn a_change_of_the_entries_is_sealed_under_a_new_nonce() {
    let mut vault = small();
    let mut entropy = counting();
    let first = vault.save(&mut entropy).unwrap();
    assert_eq!(
        vault.save(&mut entropy).unwrap(),
        first,
        "nothing was lent for changing"
    );
    let _ = vault.entries_mut();
    assert_ne!(vault.save(&mut entropy).unwrap(), first);
}

#[test]
fn slots_come_and_go_but_never_the_last() {
    let mut vault = small();
    assert_eq!(vault.remove_slot(0), Err(SlotError::Last));
    assert_eq!(vault.remove_slot(1), Err(SlotError::NoSuchSlot { index: 1 }));
    let mut entropy = counting();
    vault
        .add_slot(NewSlot::KeyFile(KEY_FILE), "usb stick", &mut entropy)
        .unwrap();
    vault.add_slot(NewSlot::Keyring(&[9; 32]), "", &mut entropy).unwrap();
    let file = vault.save(&mut entropy).unwrap();
    for unlock in [
        Unlock::Passphrase(PASSPHRASE),
        Unlock::KeyFile(KEY_FILE),
        Unlock::Keyring(&[9; 32]),
        Unlock::DataKey(vault.data_key()),
    ] {
        assert_opens(&file, unlock);
    }
    assert_eq!(refusal(&file, Unlock::KeyFile(&[8; 64])), UnlockError::Wrong);
    assert_eq!(
        refusal(&file, Unlock::KeyFile(&[9; 32])),
        UnlockError::Wrong,
        "a keyring's key is no key file"
    );

    let mut vault = open(&file, Unlock::KeyFile(KEY_FILE)).unwrap();
    vault.remove_slot(0).unwrap();
    let file = vault.save(&mut entropy).unwrap();
    assert_eq!(refusal(&file, Unlock::Passphrase(PASSPHRASE)), UnlockError::NoSuchSlot);
    assert_opens(&file, Unlock::KeyFile(KEY_FILE));

    for _ in 2..MAX_SLOTS {
        vault.add_slot(NewSlot::KeyFile(KEY_FILE), "", &mut entropy).unwrap();
    }
    assert_eq!(
        vault.add_slot(NewSlot::KeyFile(KEY_FILE), "", &mut entropy),
        Err(SlotError::TooMany)
    );
}

#[test]
fn a_slot_that_cannot_be_is_refused_with_words() {
    let mut vault = small();
    let mut add = |slot, label: &str| vault.add_slot(slot, label, &mut counting()).unwrap_err().to_string();
    let passphrase = NewSlot::Passphrase {
        passphrase: b"",
        cost: cheap(),
    };
    assert_eq!(add(passphrase, ""), "the passphrase is empty: choose one");
    assert_eq!(
        add(NewSlot::KeyFile(&[1; 31]), ""),
        "a key file has 32 bytes to 1 MiB, this one 31: make one of random bytes"
    );
    assert_eq!(
        add(NewSlot::KeyFile(KEY_FILE), "a\nb"),
        "a slot's label has at most 64 bytes and nothing invisible"
    );
    let failing = &mut |_: &mut [u8]| Err("it is asleep");
    let error = vault.add_slot(NewSlot::KeyFile(KEY_FILE), "", failing).unwrap_err();
    assert_eq!(error.to_string(), "no random bytes: it is asleep");
    assert_eq!(vault.slots().len(), 1);
    let _ = vault.entries_mut();
    assert_eq!(vault.save(failing), Err(SaveError::Entropy("it is asleep")));
}

#[test]
fn rekeying_ends_what_older_copies_can_open() {
    let mut vault = small();
    let mut entropy = counting();
    vault.add_slot(NewSlot::KeyFile(KEY_FILE), "", &mut entropy).unwrap();
    let old_key = vault::DataKey::from_bytes(vault.data_key().expose_secret());
    let new = NewSlot::Passphrase {
        passphrase: b"new",
        cost: cheap(),
    };
    vault.rekey(new, "", &mut entropy).unwrap();
    let file = vault.save(&mut entropy).unwrap();
    assert_opens(&file, Unlock::Passphrase(b"new"));
    assert_eq!(refusal(&file, Unlock::DataKey(&old_key)), UnlockError::Wrong);
    assert_eq!(refusal(&file, Unlock::KeyFile(KEY_FILE)), UnlockError::NoSuchSlot);
}

#[test]
fn the_slots_of_one_vault_open_no_other() {
    // same passphrase, same slot, another id: the wrapped key is not taken
    let file = small().save(&mut counting()).unwrap();
    let mut other = file.clone();
    other[10] ^= 1;
    let other = with_checksum_of_its_own(other);
    assert_eq!(refusal(&other, Unlock::Passphrase(PASSPHRASE)), UnlockError::Wrong);
}

#[test]
fn a_cost_without_measure_is_refused_before_it_is_paid() {
    let file = small().save(&mut counting()).unwrap();
    let cost_at = 8 + 2 + 16 + 1 + 1 + 1 + 4 + 2;
    let asking = |memory_kib: u32, passes: u32, lanes: u32| {
        let mut file = file.clone();
        for (index, number) in [memory_kib, passes, lanes].into_iter().enumerate() {
            file[cost_at + 4 * index..][..4].copy_from_slice(&number.to_le_bytes());
        }
        let started = Instant::now();
        let error = LockedVault::parse(&with_checksum_of_its_own(file))
            .err()
            .expect("refused");
        assert!(started.elapsed() < Duration::from_millis(50));
        error
    };
    assert_eq!(
        asking(2 << 20, 1, 1).to_string(),
        "the vault is not opened: the passphrase would take 2048 MiB of memory: 1024 MiB is the most that is spent"
    );
    assert_eq!(
        asking(u32::MAX, u32::MAX, u32::MAX),
        FileError::Cost(CostError::Memory { memory_kib: u32::MAX })
    );
    assert_eq!(asking(1 << 20, 5, 1), FileError::Cost(CostError::Work));
    assert_eq!(asking(8, u32::MAX, 1), FileError::Cost(CostError::Work));
    assert_eq!(asking(1024, 1, 17), FileError::Cost(CostError::Lanes { lanes: 17 }));
    assert_eq!(asking(7, 1, 1), FileError::Cost(CostError::TooLow));
    assert_eq!(asking(8, 0, 1), FileError::Cost(CostError::TooLow));
    assert_eq!(asking(8, 1, 0), FileError::Cost(CostError::TooLow));
}

#[test]
fn passphrases_share_the_limit() {
    let dear = KdfCost::new(1 << 10, 4 << 10, 1).unwrap();
    assert_eq!(KdfCost::new(1 << 10, (4 << 10) + 1, 1), Err(CostError::Work));
    let slot = NewSlot::Passphrase {
        passphrase: PASSPHRASE,
        cost: dear,
    };
    let file = small().save(&mut counting()).unwrap();
    let locked = LockedVault::parse(&file).unwrap();
    let mut vault = locked.unlock(Unlock::Passphrase(PASSPHRASE)).unwrap();
    let error = vault.add_slot(slot, "", &mut counting()).unwrap_err();
    assert_eq!(error, SlotError::Cost(CostError::Work));
    assert_eq!(vault.slots().len(), 1);
}

#[test]
fn the_usual_cost_is_affordable() {
    let slot = NewSlot::Passphrase {
        passphrase: PASSPHRASE,
        cost: KdfCost::DEFAULT,
    };
    let file = OpenVault::create(slot, "", &mut counting())
        .unwrap()
        .save(&mut counting())
        .unwrap();
    assert!(
        open(&file, Unlock::Passphrase(PASSPHRASE))
            .unwrap()
            .entries()
            .is_empty()
    );
}

proptest! {
    #[test]
    fn any_bytes_end_in_words(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let file = with_checksum_of_its_own([b"\x93CSVAULT\x01\x00".as_slice(), &bytes, &[0; 32]].concat());
        if let Ok(locked) = LockedVault::parse(&file) {
            let error = locked.unlock(Unlock::KeyFile(KEY_FILE)).err().expect("it does not open");
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
