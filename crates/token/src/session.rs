//! The token's answers to its serial line.

use otp::{Algorithm, Digits, Parameters, Period};
use subtle::ConstantTimeEq;
use wire::{
    About, Answers, Order, Provision, Refusal, Request, Response, Session, StatusReport, WhyEnded, authorisation,
    possession,
};
use zeroize::Zeroizing;

use crate::{
    Application, MODEL, PortError, Ports, VERSION,
    application::Inner,
    name::Name,
    random,
    record::{ClockRecord, Record, Secrets, TokenStatus},
    screen::{Screen, Shown},
    timekeeping::NotSet,
};

/// The time that a session lasts in which nothing is said.
const SILENCE_MS: u64 = 60_000;
/// Between two sessions whose digits are compared. Whoever stands in the middle knows a key's digits before anybody
/// sees them, and would leaf through the keys for digits that fit; or put others under a finger that is on its way.
const COMPARE_APART_MS: u64 = 5_000;
/// The years that a clock chip counts: 2000 to 2099.
const CLOCK_RANGE_S: core::ops::Range<u64> = 946_684_800..4_102_444_800;

/// A host that has a session.
pub(crate) struct HostSession {
    digits: Shown,
    /// Somebody compares, and has not said yes yet.
    unconfirmed: bool,
    /// The secret was made in this session, so its other half is this host's.
    provisioned: bool,
    heard_at_ms: u64,
}

impl HostSession {
    pub(crate) fn confirm(&mut self) {
        self.unconfirmed = false;
    }

    pub(crate) fn screen(&self) -> Screen {
        if self.unconfirmed {
            Screen::Compare(self.digits.clone())
        } else {
            Screen::Connected
        }
    }
}

impl Application {
    pub(crate) fn received(&mut self, bytes: &[u8], ports: &mut impl Ports) {
        for &byte in bytes {
            let mut handler = SessionHandler {
                inner: &mut self.inner,
                ports: &mut *ports,
            };
            if let Some(frame) = self.device.receive(byte, &mut handler) {
                // Who does not hear asks again.
                let _unheard = ports.send(frame.as_bytes());
            }
        }
    }

    pub(crate) fn end_silent_session(&mut self, ports: &mut impl Ports) {
        let now_ms = ports.uptime_ms();
        let silent = |host_session: &HostSession| now_ms.saturating_sub(host_session.heard_at_ms) >= SILENCE_MS;
        if self.inner.host_session.as_ref().is_some_and(silent) {
            let inner = &mut self.inner;
            self.device.end(&mut SessionHandler { inner, ports });
        }
    }
}

/// The application and its board, while a host asks.
struct SessionHandler<'a, P> {
    inner: &'a mut Inner,
    ports: &'a mut P,
}

impl<P: Ports> Answers for SessionHandler<'_, P> {
    fn about(&mut self) -> About<'_> {
        About {
            model: MODEL,
            firmware_version: VERSION,
            serial_number: self.serial_number(),
            status: self.token_status(),
        }
    }

    fn random(&mut self, compare: bool) -> Result<Zeroizing<[u8; 32]>, WhyEnded> {
        if compare {
            let now_ms = self.ports.uptime_ms();
            if now_ms < self.inner.compare_from_ms || self.shows_digits() {
                return Err(WhyEnded::TooSoon);
            }
            self.inner.compare_from_ms = now_ms + COMPARE_APART_MS;
        }
        let random = random::draw(self.ports).ok().flatten();
        random.ok_or(WhyEnded::NoRandomness)
    }

    fn session_began(&mut self, session: &Session) {
        self.inner.host_session = Some(HostSession {
            digits: Shown::of_number(session.digits().get()),
            unconfirmed: session.compares(),
            provisioned: false,
            heard_at_ms: self.ports.uptime_ms(),
        });
    }

    fn session_ended(&mut self) {
        if self.shows_digits() {
            self.inner.compare_from_ms = self.ports.uptime_ms() + COMPARE_APART_MS;
        }
        self.inner.host_session = None;
    }

    fn answer(&mut self, request: &Request<'_>, session: &Session) -> Response<'_> {
        let now_ms = self.ports.uptime_ms();
        let Some(host_session) = &mut self.inner.host_session else {
            return Response::Refused(Refusal::WrongState);
        };
        host_session.heard_at_ms = now_ms;
        let pressed = !host_session.unconfirmed;
        let answer = match *request {
            Request::Confirm => Ok(Response::Confirmed { pressed }),
            Request::Status => Ok(Response::Status(self.report())),
            Request::Provision(_) | Request::Commit if !pressed => Err(Refusal::NotConfirmed),
            // What could not be read may be a secret all the same.
            _ if self.inner.trouble.is_some() => Err(Refusal::Storage),
            Request::Provision(wanted) => self
                .provision(&wanted, session)
                .map(|token_random| Response::Provisioned { token_random }),
            Request::Commit => self.commit().map(|()| Response::Committed),
            Request::SetTime { unix_s, tag } => self.set_time(unix_s, &tag, session),
            Request::Prove { nonce } => self.prove(&nonce, session).map(Response::Proof),
            Request::Wipe { tag } => self.wipe(&tag, session).map(|()| Response::Wiped),
        };
        answer.unwrap_or_else(Response::Refused)
    }
}

impl<P: Ports> SessionHandler<'_, P> {
    /// Which wait for the button.
    fn shows_digits(&self) -> bool {
        self.inner
            .host_session
            .as_ref()
            .is_some_and(|host_session| host_session.unconfirmed)
    }

    fn token_status(&self) -> wire::TokenStatus {
        match self.inner.record.status {
            TokenStatus::Blank => wire::TokenStatus::Blank,
            TokenStatus::Provisioned => wire::TokenStatus::Provisioned,
            TokenStatus::Sealed => wire::TokenStatus::Sealed,
            TokenStatus::Wiped => wire::TokenStatus::Wiped,
        }
    }

    fn serial_number(&self) -> Option<&str> {
        self.inner
            .has_secret()
            .then(|| self.inner.record.serial_number.as_str())
    }

    fn report(&mut self) -> StatusReport<'_> {
        let unix_s = self.ports.unix_s().ok().flatten();
        let battery_percent = self.ports.percent();
        let record = &self.inner.record;
        let clock = self
            .inner
            .timekeeping
            .as_ref()
            .and_then(|timekeeping| timekeeping.record());
        StatusReport {
            status: self.token_status(),
            serial_number: self.serial_number(),
            label: record.label.as_str(),
            parameters: self.inner.has_secret().then(|| told(record.parameters)),
            unix_s,
            shifted_s: clock.map_or(0, |clock| clock.shifted_s),
            settings: clock.map_or(0, |clock| clock.settings),
            battery_percent,
            fault: self.inner.fault,
        }
    }

    fn provision(&mut self, wanted: &Provision<'_>, session: &Session) -> Result<[u8; 32], Refusal> {
        if self.inner.record.status == TokenStatus::Sealed {
            return Err(Refusal::WrongState);
        }
        let named = |text: &str| Name::new(text.as_bytes()).ok_or(Refusal::Invalid);
        let serial_number = named(wanted.serial_number)?;
        if wanted.serial_number.is_empty() || !CLOCK_RANGE_S.contains(&wanted.unix_s) {
            return Err(Refusal::Invalid);
        }
        let record = Record {
            status: TokenStatus::Provisioned,
            generation: self.inner.record.generation.checked_add(1).ok_or(Refusal::Storage)?,
            parameters: understood(&wanted.parameters).ok_or(Refusal::Invalid)?,
            serial_number,
            label: named(wanted.label)?,
        };
        let token_random = random::draw(self.ports)?.ok_or(Refusal::Storage)?;
        let mut secrets = Secrets::default();
        let len = wanted.parameters.algorithm.secret_len_bytes();
        wire::secret(
            &wanted.host_random,
            &token_random,
            wanted.serial_number,
            secrets.secret_mut(len),
        );
        secrets.management_key.0 = *session.management_key();
        let kept = self.keep(&record, &secrets, wanted.unix_s);
        self.inner.reload(self.ports);
        kept?;
        if let Some(host_session) = &mut self.inner.host_session {
            host_session.provisioned = true;
        }
        Ok(*token_random)
    }

    /// The key record comes last: before it, all of this is as if it had not been.
    fn keep(&mut self, record: &Record, secrets: &Secrets, unix_s: u64) -> Result<(), PortError> {
        self.ports.set_unix_s(unix_s)?;
        ClockRecord::new(record.generation, unix_s).write(self.ports)?;
        record.write(secrets, self.ports)
    }

    fn commit(&mut self) -> Result<(), Refusal> {
        let provisioned_here = self
            .inner
            .host_session
            .as_ref()
            .is_some_and(|host_session| host_session.provisioned);
        if self.inner.record.status != TokenStatus::Provisioned || !provisioned_here {
            return Err(Refusal::WrongState);
        }
        let secrets = Record::secrets(self.ports)?;
        let sealed = Record {
            status: TokenStatus::Sealed,
            ..self.inner.record
        };
        let kept = sealed.write(&secrets, self.ports);
        self.inner.reload(self.ports);
        Ok(kept?)
    }

    fn set_time(&mut self, unix_s: u64, tag: &[u8; 32], session: &Session) -> Result<Response<'static>, Refusal> {
        if self.inner.record.status != TokenStatus::Sealed {
            return Err(Refusal::WrongState);
        }
        self.authorised(tag, session, Order::SetTime(unix_s))?;
        if !CLOCK_RANGE_S.contains(&unix_s) {
            return Err(Refusal::Invalid);
        }
        let parameters = self.inner.record.parameters;
        let timekeeping = self.inner.timekeeping.as_mut().ok_or(Refusal::Storage)?;
        match timekeeping.set(unix_s, parameters, self.ports) {
            Ok((shift_s, allowance_s)) => Ok(Response::TimeSet { shift_s, allowance_s }),
            Err(NotSet::Stopped) => Err(Refusal::NoTime),
            Err(NotSet::OverAllowance) => Err(Refusal::OverAllowance),
            Err(NotSet::BelowShown) => Err(Refusal::BelowShown),
            Err(NotSet::Port) => Err(Refusal::Storage),
        }
    }

    fn prove(&mut self, nonce: &[u8; 32], session: &Session) -> Result<[u8; 32], Refusal> {
        if !self.inner.has_secret() {
            return Err(Refusal::WrongState);
        }
        Ok(possession(Record::secrets(self.ports)?.secret(), session, nonce))
    }

    fn wipe(&mut self, tag: &[u8; 32], session: &Session) -> Result<(), Refusal> {
        if !self.inner.has_secret() {
            return Err(Refusal::WrongState);
        }
        self.authorised(tag, session, Order::Wipe)?;
        Ok(self.inner.erase(self.ports)?)
    }

    fn authorised(&mut self, tag: &[u8; 32], session: &Session, order: Order) -> Result<(), Refusal> {
        let secrets = Record::secrets(self.ports)?;
        let right = authorisation(&secrets.management_key.0, session, order);
        if right.ct_eq(tag).into() {
            Ok(())
        } else {
            Err(Refusal::NotAuthorised)
        }
    }
}

impl From<PortError> for Refusal {
    fn from(PortError: PortError) -> Self {
        Self::Storage
    }
}

fn understood(parameters: &wire::Parameters) -> Option<Parameters> {
    Some(Parameters {
        algorithm: match parameters.algorithm {
            wire::Algorithm::Sha1 => Algorithm::Sha1,
            wire::Algorithm::Sha256 => Algorithm::Sha256,
            wire::Algorithm::Sha512 => Algorithm::Sha512,
        },
        digits: Digits::new(parameters.digits)?,
        period: Period::new_s(parameters.period_s.into())?,
    })
}

fn told(parameters: Parameters) -> wire::Parameters {
    wire::Parameters {
        algorithm: match parameters.algorithm {
            Algorithm::Sha1 => wire::Algorithm::Sha1,
            Algorithm::Sha256 => wire::Algorithm::Sha256,
            Algorithm::Sha512 => wire::Algorithm::Sha512,
        },
        digits: parameters.digits.get(),
        // At most an hour.
        period_s: parameters.period.get_s() as u16,
    }
}
