use std::io;

use thiserror::Error;
use wire::{Refusal, WhyEnded};

/// Why a port was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no such port.
    #[error("there is no port {0}")]
    Missing(String),
    /// Somebody else has it.
    #[error("{0} is in use by another program")]
    Busy(String),
    /// This user may not.
    #[error("{0} may not be opened by this user")]
    Forbidden(String),
    /// A file, a directory, or another kind of device.
    #[error("{0} is no serial port")]
    NotAPort(String),
    /// What the system says otherwise.
    #[error("{0} cannot be opened: {1}")]
    Other(String, String),
}

impl OpenError {
    /// The remedy: what to do now.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Missing(_) => "plug the token in, and see `countersign token ports`",
            Self::Busy(_) => "end the program that has it, such as a terminal or another desk",
            Self::Forbidden(_) => {
                "serial ports belong to the group dialout: `sudo usermod -aG dialout $USER`, then log in anew; or \
                 install packaging/udev/70-countersign-token.rules"
            }
            Self::NotAPort(_) => "name a serial port, as `countersign token ports` lists them",
            Self::Other(..) => "unplug the token and plug it in again",
        }
    }
}

/// Why a token did not do what it was asked.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The port went away.
    #[error("the token is gone: {0}")]
    Gone(io::Error),
    /// Nothing was heard.
    #[error("nothing answers on this port")]
    Silent,
    /// Something was heard, but nothing that a token says.
    #[error("what answers on this port is no token")]
    NotAToken,
    /// It speaks another version of the protocol.
    #[error("the token speaks another version of the protocol than this program")]
    OtherVersion,
    /// The token ended the session.
    #[error("the token ended the session: {}", why(*.0))]
    Ended(WhyEnded),
    /// What came is not what the token of this session would say.
    #[error("the session is broken: what came is not from the token that it began with")]
    Broken,
    /// Nobody pressed the token's button.
    #[error("nobody pressed the token's button")]
    NotPressed,
    /// The token refused.
    #[error("the token refused: {}", refusal(*.0))]
    Refused(Refusal),
    /// The token does not have the secret it should have.
    #[error("the token does not have this secret")]
    WrongProof,
}

impl LinkError {
    /// The remedy: what to do now.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Gone(_) => "plug it in again and repeat the command: nothing is done twice",
            Self::Silent => "check the cable and the port; `countersign token ports` lists them",
            Self::NotAToken => "name the token's port with --port; `countersign token ports` lists them",
            Self::OtherVersion => "use the countersign of the token's firmware, or newer",
            Self::Ended(WhyEnded::NoRandomness) => "the token's storage fails: put it aside",
            Self::Ended(WhyEnded::TooSoon) => "wait five seconds and repeat the command",
            Self::Ended(_) | Self::Broken => {
                "repeat the command; if it happens again, somebody or something changes what goes over the line: check \
                 what stands between desk and token"
            }
            Self::NotPressed => {
                "repeat the command, compare the digits, and press the button only if they are the same"
            }
            Self::Refused(refused) => match refused {
                Refusal::WrongState => {
                    "`countersign token info` says in which state it is; a sealed token is wiped first"
                }
                Refusal::NotConfirmed => "compare the digits and press the token's button",
                Refusal::NotAuthorised => "name the seed file that was made when this token was provisioned",
                Refusal::OverAllowance | Refusal::NoTime => "provision the token anew",
                Refusal::BelowShown => "its clock is ahead; wait, or provision the token anew",
                Refusal::Invalid => "names are printable ASCII, up to 32 characters; digits are 6 to 8",
                Refusal::Storage => "the token's storage fails: put it aside",
                Refusal::Unknown => "the token's firmware is older than this program",
            },
            Self::WrongProof => "put the token aside: its serial number is not enough to say whose it is",
        }
    }
}

fn why(why: WhyEnded) -> &'static str {
    match why {
        WhyEnded::OutOfOrder => "there was none any more",
        WhyEnded::Broken => "a message could not be read",
        WhyEnded::OtherVersion => "it speaks another version of the protocol",
        WhyEnded::BadKey => "the key that came is not the one that was promised",
        WhyEnded::NoRandomness => "it has no randomness",
        WhyEnded::TooSoon => "digits were to be compared a moment ago",
    }
}

fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::WrongState => "not in the state it is in",
        Refusal::NotConfirmed => "its button was not pressed",
        Refusal::NotAuthorised => "this is not its management key",
        Refusal::OverAllowance => "its clock may be set by ten minutes a year only",
        Refusal::BelowShown => "it has already shown codes of a later time",
        Refusal::Invalid => "a name, a parameter or a time is none that it can have",
        Refusal::NoTime => "its clock stopped",
        Refusal::Storage => "it could not keep it",
        Refusal::Unknown => "it does not know the request",
    }
}
