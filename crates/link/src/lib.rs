//! The host's side of the token's serial line: ports, time-outs, and what may be asked of a token.
//!
//! ```no_run
//! # fn random() -> [u8; 32] { [0; 32] }
//! use link::{Comparing, Link, Patience, Wanted};
//!
//! let port = link::open("/dev/ttyACM0")?;
//! let mut link = Link::new(port, Patience::default());
//! println!("{}", link.hello()?.firmware_version);
//! let mut show = |digits| println!("press the button if the token shows {digits}");
//! let mut session = link.open(&random(), Comparing::Yes(&mut show))?;
//! let wanted = Wanted { serial_number: "CS-000001", label: "", parameters: Wanted::PARAMETERS, unix_s: 1_790_000_000 };
//! let made = session.provision(&wanted, &random())?;
//! let kept = made.keep(|secret, management_key| std::io::Result::Ok(()))?; // here it goes to disk
//! session.commit(kept)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Randomness and time are arguments. A [`Link`] works over anything that reads and writes, if only its reads return
//! before long (`TimedOut` or `WouldBlock`) when nothing comes.

#![forbid(unsafe_code)]

mod error;
mod line;
mod port;
mod session;

pub use error::{LinkError, OpenError};
pub use line::{About, Link, Patience};
pub use port::{Found, Port, UsbDevice, open, ports};
pub use session::{Comparing, Kept, Made, Session, StatusReport, TimeSet, Wanted};
pub use wire::{Algorithm, ComparisonDigits, Fault, NAME_MAX_LEN_BYTES, Parameters, Refusal, TokenStatus, WhyEnded};
