//! What the types that hold secrets cannot do.

use std::fmt::{Debug, Display};
use std::marker::PhantomData;

use vault::import::{Came, Export, Receipt};
use vault::{CodeText, Credential, DataKey, Draft, Entries, Entry, OpenVault, Removed, SlotKind};
use zeroize::ZeroizeOnDrop;

/// Whether a type has a trait, as a constant: the inherent one is found first, where its bound holds.
macro_rules! has {
    ($type:ty: $bound:path) => {{
        struct Probe<T>(PhantomData<T>);
        #[allow(dead_code, reason = "unused where the bound holds")]
        trait Fallback {
            const HAS: bool = false;
        }
        impl<T> Fallback for Probe<T> {}
        #[allow(dead_code, reason = "unused where the bound does not hold")]
        impl<T: $bound> Probe<T> {
            const HAS: bool = true;
        }
        Probe::<$type>::HAS
    }};
}

macro_rules! assert_secret {
    ($($type:ty),+) => {$(
        assert!(!has!($type: Debug), concat!(stringify!($type), " can be printed"));
        assert!(!has!($type: Display), concat!(stringify!($type), " can be printed"));
        assert!(!has!($type: Clone), concat!(stringify!($type), " can be copied"));
        assert!(!has!($type: PartialEq), concat!(stringify!($type), " has a comparison that may stop early"));
    )+};
}

#[test]
fn secrets_are_not_printed_copied_or_compared() {
    assert!(
        has!(SlotKind: Debug) && has!(SlotKind: Clone),
        "the probe sees what is there"
    );
    assert_secret!(
        OpenVault, DataKey, Entries, Entry, Removed, Draft, Credential, CodeText, Export, Receipt, Came
    );
    assert!(has!(DataKey: ZeroizeOnDrop) && has!(CodeText: ZeroizeOnDrop));
}
