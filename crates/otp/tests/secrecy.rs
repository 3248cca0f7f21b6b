//! What the types that hold secrets cannot do, and where a secret may be made.

use std::fmt::{Debug, Display};
use std::marker::PhantomData;

use countersign_otp::{Accepted, Code, Key, Secret, SecretError, Step};
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
        assert!(has!($type: ZeroizeOnDrop), concat!(stringify!($type), " is not wiped"));
    )+};
}

#[test]
fn secrets_are_not_printed_copied_or_compared() {
    assert!(
        has!(Step: Debug) && has!(Step: Clone) && has!(Step: PartialEq),
        "the probe sees what is there"
    );
    assert_secret!(Secret, Key, Code);
}

#[test]
fn an_acceptance_is_spent_once() {
    assert!(!has!(Accepted: Clone) && !has!(Accepted: Default));
}

#[test]
fn a_secret_is_1_to_128_bytes() {
    assert_eq!(Secret::from_slice(&[]).err(), Some(SecretError::Empty));
    assert_eq!(Secret::from_slice(&[7; 129]).err(), Some(SecretError::TooLong));
    for len in 1..=128 {
        let secret = Secret::from_slice(&[7; 128][..len]).ok().unwrap();
        assert_eq!(secret.expose_secret(), &[7; 128][..len]);
    }
}

#[test]
fn a_secret_is_written_where_it_stays() {
    let secret = Secret::fill_with(20, |bytes| {
        assert_eq!(bytes, [0; 20]);
        bytes.fill(9);
    });
    assert_eq!(secret.ok().unwrap().expose_secret(), [9; 20]);
    assert!(Secret::fill_with(0, |_| panic!("called for no bytes")).is_err());
}

#[test]
fn a_source_that_fails_makes_no_secret() {
    let failed = Secret::try_fill_with(20, |_| Err("no entropy")).unwrap();
    assert_eq!(failed.err(), Some("no entropy"));
    let filled = Secret::try_fill_with(2, |bytes| {
        bytes.copy_from_slice(&[1, 2]);
        Ok::<(), &str>(())
    });
    assert_eq!(filled.unwrap().ok().unwrap().expose_secret(), [1, 2]);
    let long = Secret::try_fill_with(129, |_| Ok::<(), &str>(()));
    assert_eq!(long.err(), Some(SecretError::TooLong));
}
