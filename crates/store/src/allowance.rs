use verify::UnixMs;

use crate::Pending;

/// How often somebody has asked a question that may be asked only so often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Which question, and who asks.
    pub name: String,
    /// Raised by every change.
    pub version: u64,
    /// Since when it is counted.
    pub since: UnixMs,
    /// How often since then.
    pub used: u32,
}

/// Reading allowances.
pub trait Allowances: Send + Sync {
    /// The allowance of this name; `None` for one that was never used.
    fn allowance(&self, name: String) -> Pending<'_, Option<Allowance>>;
}
