//! A board in memory whose time the tests move, whose power they cut, and whose display they read; and a host that
//! speaks to it over the real protocol.
#![allow(dead_code, reason = "each test uses some of it")]

mod digits;

use ::token::{
    Application, Battery, Clock, Display, Entropy, Event, FACTORY_SEED_ADDRESS, FACTORY_SEED_LEN_BYTES, Line,
    PAGE_LEN_BYTES, Picture, PortError, STORAGE_LEN_BYTES, Storage,
};
use ring::hmac;
use wire::{
    Algorithm, Heard, Host, Order, Parameters, Provision, Refusal, Request, Response, TokenStatus, authorisation,
};

/// 2027-01-15, at the beginning of a step.
pub(crate) const BEGINNING_S: u64 = 1_799_971_200;
pub(crate) const SERIAL: &str = "CS-000001";

pub(crate) const USUAL: Parameters = Parameters {
    algorithm: Algorithm::Sha1,
    digits: 6,
    period_s: 30,
};

/// How the memory looks where the power went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tear {
    /// What was not written yet is as it was.
    Truncated,
    /// The page that was being written is noise, as far as this write touched it.
    Garbled,
    /// All of the page is noise.
    PageGarbled,
}

#[derive(Clone)]
pub(crate) struct Board {
    /// The true time.
    pub(crate) now_ms: u64,
    powered_at_ms: u64,
    /// What the clock showed when it was set, and when that was.
    rtc: Option<(u64, u64)>,
    /// By how much the clock runs too fast.
    pub(crate) drift_ppm: i64,
    pub(crate) storage: Vec<u8>,
    pub(crate) picture: Option<Picture>,
    pub(crate) sent: Vec<u8>,
    pub(crate) battery_percent: u8,
    /// Bytes that are written until the power goes, and what it leaves.
    pub(crate) cut: Option<(u64, Tear)>,
    pub(crate) written: u64,
    pub(crate) dead: bool,
}

impl Board {
    pub(crate) fn blank() -> Self {
        let mut storage = vec![0xFF; STORAGE_LEN_BYTES.into()];
        let seed = usize::from(FACTORY_SEED_ADDRESS);
        for (place, byte) in storage[seed..seed + FACTORY_SEED_LEN_BYTES].iter_mut().enumerate() {
            *byte = (place as u8).wrapping_mul(37).wrapping_add(11);
        }
        Self {
            now_ms: BEGINNING_S * 1_000,
            powered_at_ms: BEGINNING_S * 1_000,
            rtc: None,
            drift_ppm: 0,
            storage,
            picture: None,
            sent: Vec::new(),
            battery_percent: 100,
            cut: None,
            written: 0,
            dead: false,
        }
    }

    /// Whether these bytes stand anywhere in the memory.
    pub(crate) fn keeps(&self, bytes: &[u8]) -> bool {
        self.storage.windows(bytes.len()).any(|window| window == bytes)
    }

    /// The power comes back; the clock has run on.
    pub(crate) fn repower(&mut self) {
        (self.dead, self.cut, self.picture) = (false, None, None);
        self.powered_at_ms = self.now_ms;
        self.sent.clear();
    }

    /// The clock loses its battery.
    pub(crate) fn stop_clock(&mut self) {
        self.rtc = None;
    }

    fn alive(&self) -> Result<(), PortError> {
        if self.dead { Err(PortError) } else { Ok(()) }
    }
}

impl Clock for Board {
    fn unix_s(&mut self) -> Result<Option<u64>, PortError> {
        self.alive()?;
        Ok(self.rtc.map(|(shown_ms, set_at_ms)| {
            let gone_ms = (self.now_ms - set_at_ms) as i64;
            shown_ms.saturating_add_signed(gone_ms + gone_ms * self.drift_ppm / 1_000_000) / 1_000
        }))
    }

    fn set_unix_s(&mut self, unix_s: u64) -> Result<(), PortError> {
        self.alive()?;
        if self.cut.is_some_and(|(at, _)| self.written >= at) {
            self.dead = true;
            return Err(PortError);
        }
        self.written += 1;
        self.rtc = Some((unix_s * 1_000, self.now_ms));
        Ok(())
    }

    fn uptime_ms(&mut self) -> u64 {
        self.now_ms - self.powered_at_ms
    }
}

impl Storage for Board {
    fn read(&mut self, address: u16, into: &mut [u8]) -> Result<(), PortError> {
        self.alive()?;
        into.copy_from_slice(&self.storage[usize::from(address)..][..into.len()]);
        Ok(())
    }

    fn write(&mut self, address: u16, bytes: &[u8]) -> Result<(), PortError> {
        self.alive()?;
        let address = usize::from(address);
        for (place, byte) in bytes.iter().enumerate() {
            if let Some((at, tear)) = self.cut
                && self.written >= at
            {
                let page = usize::from(PAGE_LEN_BYTES);
                let first = (address + place) / page * page;
                let spoiled = match tear {
                    Tear::Truncated => 0..0,
                    Tear::Garbled => first.max(address)..(first + page).min(address + bytes.len()),
                    Tear::PageGarbled => first..first + page,
                };
                for spot in spoiled {
                    self.storage[spot] = (spot as u8).wrapping_mul(151).wrapping_add(at as u8) ^ 0x5A;
                }
                self.dead = true;
                return Err(PortError);
            }
            self.storage[address + place] = *byte;
            self.written += 1;
        }
        Ok(())
    }
}

impl Display for Board {
    fn show(&mut self, picture: &Picture) -> Result<(), PortError> {
        self.alive()?;
        self.picture = Some(picture.clone());
        Ok(())
    }

    fn sleep(&mut self) -> Result<(), PortError> {
        self.alive()?;
        self.picture = None;
        Ok(())
    }
}

impl Line for Board {
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.alive()?;
        self.sent.extend(bytes);
        Ok(())
    }
}

impl Battery for Board {
    fn percent(&mut self) -> u8 {
        self.battery_percent
    }
}

impl Entropy for Board {
    fn fill(&mut self, _into: &mut [u8]) -> bool {
        false
    }
}

/// A token on the table.
pub(crate) struct Token {
    pub(crate) board: Board,
    pub(crate) application: Application,
}

impl Token {
    pub(crate) fn new(mut board: Board) -> Self {
        let application = Application::start(&mut board);
        Self { board, application }
    }

    pub(crate) fn blank() -> Self {
        Self::new(Board::blank())
    }

    pub(crate) fn step(&mut self, event: Event<'_>) {
        self.application.step(event, &mut self.board);
    }

    /// Time goes by, and the token looks after its display as often as it wishes to.
    pub(crate) fn pass_ms(&mut self, ms: u64) {
        let until_ms = self.board.now_ms + ms;
        loop {
            let wait = self.application.step(Event::Tick, &mut self.board);
            let next_ms = wait.until_ms.map(|ms| self.board.powered_at_ms + ms);
            match next_ms.filter(|next_ms| *next_ms < until_ms) {
                Some(next_ms) => self.board.now_ms = next_ms,
                None => break,
            }
        }
        self.board.now_ms = until_ms;
        self.step(Event::Tick);
    }

    pub(crate) fn press(&mut self) {
        self.step(Event::Pressed);
        self.step(Event::Released);
    }

    /// Wakes a dark token and reads what it shows.
    pub(crate) fn code(&mut self) -> String {
        self.press();
        let code = read_digits(self.board.picture.as_ref().expect("the display is lit"));
        self.press();
        self.press();
        assert!(self.board.picture.is_none(), "dark again");
        code
    }

    /// Off and on.
    pub(crate) fn restart(self) -> Self {
        let mut board = self.board;
        board.repower();
        Self::new(board)
    }
}

/// The host of the protocol, and what it knows.
pub(crate) struct TestHost {
    pub(crate) machine: Host,
    random: u8,
    /// All bytes of the line, both ways.
    pub(crate) line: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Ready,
    Confirmed(bool),
    Provisioned([u8; 32]),
    Committed,
    TimeSet(i64, u32),
    Status {
        status: TokenStatus,
        shifted_s: u32,
        settings: u32,
    },
    Proof([u8; 32]),
    Wiped,
    Refused(Refusal),
    /// No answer, or the end of the session.
    Nothing,
}

pub(crate) struct Made {
    pub(crate) secret: Vec<u8>,
    pub(crate) management_key: [u8; 32],
    pub(crate) parameters: Parameters,
}

impl TestHost {
    pub(crate) fn new() -> Self {
        Self {
            machine: Host::new(),
            random: 1,
            line: Vec::new(),
        }
    }

    fn random(&mut self) -> [u8; 32] {
        self.random = self.random.wrapping_add(1);
        core::array::from_fn(|place| (place as u8).wrapping_mul(29) ^ self.random.wrapping_mul(83))
    }

    /// Sends the frame that stands and gives what the token answers.
    fn exchange(&mut self, token: &mut Token) -> Vec<u8> {
        let frame = self.machine.frame().as_bytes().to_vec();
        token.board.sent.clear();
        token.step(Event::Received(&frame));
        let answer = std::mem::take(&mut token.board.sent);
        self.line.extend(&frame);
        self.line.extend(&answer);
        answer
    }

    pub(crate) fn hello(&mut self, token: &mut Token) -> Option<(TokenStatus, Option<String>)> {
        self.machine.hello();
        for byte in self.exchange(token) {
            if let Some(Heard::About(about)) = self.machine.receive(byte) {
                return Some((about.status, about.serial_number.map(str::to_owned)));
            }
        }
        None
    }

    /// Opens a session; the digits that the host shows.
    pub(crate) fn open(&mut self, token: &mut Token, compare: bool) -> Option<u32> {
        let random = self.random();
        self.machine.open(&random, compare);
        let answer = self.exchange(token);
        let next = answer
            .into_iter()
            .any(|byte| matches!(self.machine.receive(byte), Some(Heard::Next)));
        if !next {
            return None;
        }
        for byte in self.exchange(token) {
            if let Some(Heard::Session(digits)) = self.machine.receive(byte) {
                return Some(digits.get());
            }
        }
        None
    }

    pub(crate) fn ask(&mut self, token: &mut Token, request: &Request<'_>) -> Said {
        if self.machine.request(request).is_err() {
            return Said::Nothing;
        }
        for byte in self.exchange(token) {
            if let Some(Heard::Response(response)) = self.machine.receive(byte) {
                return match response {
                    Response::Ready => Said::Ready,
                    Response::Confirmed { pressed } => Said::Confirmed(pressed),
                    Response::Provisioned { token_random } => Said::Provisioned(token_random),
                    Response::Committed => Said::Committed,
                    Response::TimeSet { shift_s, allowance_s } => Said::TimeSet(shift_s, allowance_s),
                    Response::Status(report) => Said::Status {
                        status: report.status,
                        shifted_s: report.shifted_s,
                        settings: report.settings,
                    },
                    Response::Proof(proof) => Said::Proof(proof),
                    Response::Wiped => Said::Wiped,
                    Response::Refused(refusal) => Said::Refused(refusal),
                };
            }
        }
        Said::Nothing
    }

    /// A session that nobody compares, and a secret that is not in use yet.
    pub(crate) fn provision(&mut self, token: &mut Token, parameters: Parameters) -> Option<Made> {
        self.open(token, false)?;
        self.provision_here(token, parameters)
    }

    /// The same in the session that stands.
    pub(crate) fn provision_here(&mut self, token: &mut Token, parameters: Parameters) -> Option<Made> {
        let host_random = self.random();
        let wanted = Provision {
            parameters,
            serial_number: SERIAL,
            label: "ACME CLOUD",
            unix_s: token.board.now_ms / 1_000,
            host_random,
        };
        let Said::Provisioned(token_random) = self.ask(token, &Request::Provision(wanted)) else {
            return None;
        };
        let mut secret = vec![0; parameters.algorithm.secret_len_bytes()];
        wire::secret(&host_random, &token_random, SERIAL, &mut secret);
        Some(Made {
            secret,
            management_key: *self.machine.session()?.management_key(),
            parameters,
        })
    }

    /// A token in use.
    pub(crate) fn seal(&mut self, token: &mut Token, parameters: Parameters) -> Made {
        let made = self.provision(token, parameters).expect("a blank token is provisioned");
        assert_eq!(self.ask(token, &Request::Commit), Said::Committed);
        self.hello(token);
        token.step(Event::Tick);
        made
    }

    /// Sets the clock as its owner does, in a session of its own.
    pub(crate) fn set_time(&mut self, token: &mut Token, made: &Made, unix_s: u64) -> Said {
        self.open(token, false);
        let said = self.order_time(token, &made.management_key, unix_s);
        self.hello(token);
        said
    }

    pub(crate) fn order_time(&mut self, token: &mut Token, management_key: &[u8; 32], unix_s: u64) -> Said {
        let Some(session) = self.machine.session() else {
            return Said::Nothing;
        };
        let tag = authorisation(management_key, session, Order::SetTime(unix_s));
        self.ask(token, &Request::SetTime { unix_s, tag })
    }
}

impl Made {
    /// RFC 6238 by another hand.
    pub(crate) fn code_at(&self, unix_s: u64) -> String {
        let algorithm = match self.parameters.algorithm {
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        };
        let step = unix_s / u64::from(self.parameters.period_s);
        let tag = hmac::sign(&hmac::Key::new(algorithm, &self.secret), &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[tag.len() - 1] & 0xF);
        let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().expect("four bytes")) & 0x7FFF_FFFF;
        let digits = usize::from(self.parameters.digits);
        format!("{:0digits$}", number % 10_u32.pow(digits as u32))
    }
}

/// Reads the large digits of a picture that shows some.
pub(crate) fn read_digits(picture: &Picture) -> String {
    let read = digits::read(|x, y| picture.is_lit(x, y));
    read.unwrap_or_else(|| panic!("these are no digits:\n{}", drawn(picture)))
}

/// The picture in letters.
pub(crate) fn drawn(picture: &Picture) -> String {
    let row = |y: usize| -> String {
        let dots = (0..Picture::WIDTH).map(|x| if picture.is_lit(x, y) { '#' } else { '.' });
        dots.chain(['\n']).collect()
    };
    (0..Picture::HEIGHT).map(row).collect()
}
