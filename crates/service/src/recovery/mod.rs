//! Recovery codes: a set of them, how it is renewed and how one is spent.

pub(crate) mod recovery_set;
pub(crate) mod renew;
