//! The port through which notices leave.

use std::pin::Pin;

use otp::Secret;
use verify::UnixMs;

use crate::notices::facts::Notice;

/// Posts notices to addresses that others named. It sends nothing where the operator does not allow it, follows no
/// redirect, and gives up soon.
pub trait Courier: Send + Sync {
    /// One try.
    fn post<'a>(&'a self, posting: Posting<'a>) -> Pin<Box<dyn Future<Output = Posted> + Send + 'a>>;
}

/// One try to post a notice.
pub struct Posting<'a> {
    /// Where to.
    pub url: &'a str,
    /// To no network of the operator's, whatever the configuration allows.
    pub is_outside: bool,
    /// What.
    pub notice: &'a Notice,
    /// The secrets that it is signed with: the newest first.
    pub secrets: &'a [Secret],
    /// When.
    pub at: UnixMs,
}

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// The receiver answered with this status.
    Answered(u16),
    /// There was no answer, or the address may not be asked.
    Unanswered,
}

impl Posted {
    /// Whether the receiver took it.
    pub(crate) fn is_taken(self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }

    pub(crate) fn status(self) -> Option<u16> {
        match self {
            Self::Answered(status) => Some(status),
            Self::Unanswered => None,
        }
    }
}
