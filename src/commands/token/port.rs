use clap::Args;
use link::{Link, LinkError, OpenError, Patience, TokenStatus};
use service::{Clock as _, Entropy as _};
use zeroize::Zeroizing;

use crate::{
    Failure,
    real::{RealClock, RealEntropy},
};

/// Which port.
#[derive(Args)]
pub(super) struct Port {
    /// The token's serial port, or a simulated token's [default: the only USB one]
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_PORT")]
    port: Option<String>,
}

impl Port {
    pub(super) fn link(&self) -> Result<Link<link::Port>, Failure> {
        Ok(Link::new(link::open(&self.path()?)?, Patience::default()))
    }

    fn path(&self) -> Result<String, Failure> {
        self.port.clone().map_or_else(Self::only, Ok)
    }

    /// The port that is meant when none is named.
    pub(super) fn only() -> Result<String, Failure> {
        let mut ports = link::ports();
        ports.retain(|port| port.usb.is_some());
        match ports.as_slice() {
            [only] => Ok(only.path.clone()),
            [] => Err(
                Failure::new("no token is plugged in: this machine has no USB serial port")
                    .help("plug one in, or name a port with --port PATH; `countersign token simulate` makes one"),
            ),
            _ => Err(Failure::usage("there are several USB serial ports")
                .help("name one with --port PATH; `countersign token ports` lists them")),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::new(&error).help(error.remedy())
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        Self::new(&error).help(error.remedy())
    }
}

/// 32 bytes for one use.
pub(in crate::commands) fn random() -> Result<Zeroizing<[u8; 32]>, Failure> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill(&mut *bytes)?;
    Ok(bytes)
}

/// Fills all of it with randomness.
pub(in crate::commands) fn fill(bytes: &mut [u8]) -> Result<(), Failure> {
    let filled = RealEntropy::new().fill(bytes);
    filled.map_err(|_| Failure::new("the kernel gives no randomness"))
}

/// Now, as a token's clock counts.
pub(in crate::commands) fn now_unix_s() -> u64 {
    u64::try_from(RealClock::new().now().get() / 1_000).unwrap_or(0)
}

/// The status's name in the manifest and in `--json`.
pub(super) fn status_name(status: TokenStatus) -> &'static str {
    match status {
        TokenStatus::Blank => "blank",
        TokenStatus::Provisioned => "provisioned",
        TokenStatus::Sealed => "sealed",
        TokenStatus::Wiped => "wiped",
    }
}
