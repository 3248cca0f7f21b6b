//! The status of one serial number of a batch that is provisioned.

/// The status of one serial number of the batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberStatus {
    Free,
    InHand,
    /// Its secret is kept; whether a token is sealed with it is not known.
    Open,
    Done,
    Void,
}
