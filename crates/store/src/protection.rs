use crate::{Owner, Pending};

/// Where a user's second factor is asked for. Binding sets it, unbinding clears it, and every change of a
/// user's factors raises its version: it is where two such changes meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// Whose.
    pub owner: Owner,
    /// Raised by every change of the user's factors.
    pub version: u64,
    /// Asked at login.
    pub login_protection: bool,
    /// Asked before a sensitive operation.
    pub operation_protection: bool,
}

impl Protection {
    /// Of a user who never had a factor.
    pub fn none(owner: Owner) -> Self {
        Self {
            owner,
            version: 0,
            login_protection: false,
            operation_protection: false,
        }
    }
}

/// Reading protections.
pub trait Protections: Send + Sync {
    /// The protection of this owner; `None` for one who never had a factor.
    fn protection(&self, owner: Owner) -> Pending<'_, Option<Protection>>;
}
