use std::{
    io::{Read, Write},
    time::Instant,
};

use subtle::ConstantTimeEq as _;
use wire::{
    Algorithm, ComparisonDigits, Fault, Heard, NAME_MAX_LEN_BYTES, Order, Parameters, Provision, Refusal, Request,
    Response, TokenStatus, authorisation, possession,
};
use zeroize::Zeroizing;

use crate::{
    Link, LinkError,
    line::{ended, letters},
};

/// The comparison of the digits on both sides of the line, which is what keeps out a man in the middle.
pub enum Comparing<'a> {
    /// Nobody does: the cable is trusted.
    No,
    /// These are to be shown to somebody who sees the token, too, and presses its button if they are the same.
    Yes(&'a mut dyn FnMut(ComparisonDigits)),
}

/// The wanted name, label, parameters and time of a token.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What is printed on its back: printable ASCII, 1 to 32 characters.
    pub serial_number: &'a str,
    /// Shown above the code; up to 32 characters, may be empty.
    pub label: &'a str,
    /// How codes are computed.
    pub parameters: Parameters,
    /// What time it is, in seconds since 1970, UTC.
    pub unix_s: u64,
}

impl Wanted<'_> {
    /// The parameters that every service understands: SHA-1, 6 digits, 30 seconds.
    pub const PARAMETERS: Parameters = Parameters {
        algorithm: Algorithm::Sha1,
        digits: 6,
        period_s: 30,
    };
}

/// A secret that the token has, and does not use yet. Has no `Debug` and no `Clone`; wiped when dropped.
pub struct Made {
    secret: Zeroizing<Vec<u8>>,
    management_key: Zeroizing<[u8; 32]>,
}

/// Somebody said that the secret is on disk. Only [`Made::keep`] makes one, and [`Session::commit`] takes it.
pub struct Kept(());

impl Made {
    /// Hands secret and management key to `keep`, which returns once both are where no power cut reaches them.
    ///
    /// # Errors
    /// Those of `keep`: the token may forget the secret.
    pub fn keep<E>(self, keep: impl FnOnce(&[u8], &[u8; 32]) -> Result<(), E>) -> Result<Kept, E> {
        keep(&self.secret, &self.management_key)?;
        Ok(Kept(()))
    }
}

/// The status report of a token, given inside a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// Its status in its life cycle.
    pub status: TokenStatus,
    /// What is printed on the back.
    pub serial_number: Option<String>,
    /// Shown above the code.
    pub label: String,
    /// How codes are computed.
    pub parameters: Option<Parameters>,
    /// Its clock, unless that stopped.
    pub unix_s: Option<u64>,
    /// What was used of this year's allowance for setting the clock.
    pub shifted_s: u32,
    /// How often the clock was set since it was sealed.
    pub settings: u32,
    /// What is left of the battery.
    pub battery_percent: u8,
    /// The last thing that went wrong.
    pub fault: Option<Fault>,
}

/// The outcome of setting a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSet {
    /// By how much it went ahead (back: negative).
    pub shift_s: i64,
    /// What is left of this year's allowance.
    pub allowance_s: u32,
}

/// A session with a token: nobody else hears or changes what is said in it.
pub struct Session<'l, P> {
    link: &'l mut Link<P>,
}

impl<'l, P: Read + Write> Session<'l, P> {
    pub(crate) fn new(link: &'l mut Link<P>) -> Self {
        Self { link }
    }

    /// Returns when the token's button was pressed.
    pub(crate) fn wait_for_the_button(&mut self) -> Result<(), LinkError> {
        let until = Instant::now() + self.link.patience.button;
        loop {
            let pressed = self.request(&Request::Confirm, |response| match response {
                Response::Confirmed { pressed } => Some(pressed),
                _ => None,
            })?;
            if pressed {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(LinkError::NotPressed);
            }
            std::thread::sleep(self.link.patience.glance);
        }
    }

    /// Asks for the status report.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn status(&mut self) -> Result<StatusReport, LinkError> {
        self.request(&Request::Status, |response| match response {
            Response::Status(report) => Some(StatusReport {
                status: report.status,
                serial_number: match report.serial_number {
                    Some(serial_number) => Some(letters(serial_number)?),
                    None => None,
                },
                label: letters(report.label)?,
                parameters: report.parameters,
                unix_s: report.unix_s,
                shifted_s: report.shifted_s,
                settings: report.settings,
                battery_percent: report.battery_percent,
                fault: report.fault,
            }),
            _ => None,
        })
    }

    /// Has the token make a secret with us, half of it from this randomness. It is not in use before
    /// [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn provision(&mut self, wanted: &Wanted<'_>, random: &[u8; 32]) -> Result<Made, LinkError> {
        // What no frame holds is not said.
        if wanted.serial_number.len().max(wanted.label.len()) > NAME_MAX_LEN_BYTES {
            return Err(LinkError::Refused(Refusal::Invalid));
        }
        let provision = Provision {
            parameters: wanted.parameters,
            serial_number: wanted.serial_number,
            label: wanted.label,
            unix_s: wanted.unix_s,
            host_random: *random,
        };
        let token_random = self.request(&Request::Provision(provision), |response| match response {
            Response::Provisioned { token_random } => Some(Zeroizing::new(token_random)),
            _ => None,
        })?;
        let session = self.link.host.session().ok_or(LinkError::Broken)?;
        let management_key = Zeroizing::new(*session.management_key());
        let mut secret = Zeroizing::new(vec![0; wanted.parameters.algorithm.secret_len_bytes()]);
        wire::secret(random, &token_random, wanted.serial_number, &mut secret);
        Ok(Made { secret, management_key })
    }

    /// Seals the token: it shows codes from now on, and never gives its secret away.
    ///
    /// # Errors
    /// [`LinkError`]. A lost answer leaves open whether it is sealed: [`prove`](Self::prove) in another session says.
    pub fn commit(&mut self, kept: Kept) -> Result<(), LinkError> {
        let Kept(()) = kept;
        self.request(&Request::Commit, |response| {
            (response == Response::Committed).then_some(())
        })
    }

    /// Sets the clock of a sealed token.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn set_time(&mut self, unix_s: u64, management_key: &[u8; 32]) -> Result<TimeSet, LinkError> {
        let tag = self.tag(management_key, Order::SetTime(unix_s))?;
        self.request(&Request::SetTime { unix_s, tag }, |response| match response {
            Response::TimeSet { shift_s, allowance_s } => Some(TimeSet { shift_s, allowance_s }),
            _ => None,
        })
    }

    /// Returns if the token has this secret. No code is given away.
    ///
    /// # Errors
    /// [`LinkError::WrongProof`], and the others.
    pub fn prove(&mut self, secret: &[u8], nonce: &[u8; 32]) -> Result<(), LinkError> {
        let session = self.link.host.session().ok_or(LinkError::Broken)?;
        let expected = Zeroizing::new(possession(secret, session, nonce));
        let proof = self.request(&Request::Prove { nonce: *nonce }, |response| match response {
            Response::Proof(proof) => Some(proof),
            _ => None,
        })?;
        if bool::from(proof.ct_eq(&*expected)) {
            Ok(())
        } else {
            Err(LinkError::WrongProof)
        }
    }

    /// Erases the token's secret.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn wipe(&mut self, management_key: &[u8; 32]) -> Result<(), LinkError> {
        let tag = self.tag(management_key, Order::Wipe)?;
        self.request(&Request::Wipe { tag }, |response| {
            (response == Response::Wiped).then_some(())
        })
    }

    fn tag(&self, management_key: &[u8; 32], order: Order) -> Result<[u8; 32], LinkError> {
        let session = self.link.host.session().ok_or(LinkError::Broken)?;
        Ok(authorisation(management_key, session, order))
    }

    fn request<T>(
        &mut self,
        request: &Request<'_>,
        mut take: impl FnMut(Response<'_>) -> Option<T>,
    ) -> Result<T, LinkError> {
        self.link.host.request(request).map_err(|_| LinkError::Broken)?;
        self.link.ask(|heard| match heard {
            Heard::Response(Response::Refused(refusal)) => Some(Err(LinkError::Refused(refusal))),
            Heard::Response(response) => Some(take(response).ok_or(LinkError::Broken)),
            other => ended(&other),
        })
    }
}
