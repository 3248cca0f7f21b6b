use std::{
    io::{self, ErrorKind, Read, Write},
    time::{Duration, Instant},
};

use wire::{Heard, Host, Receiver, TokenStatus, VERSION, WhyEnded};

use crate::{Comparing, LinkError, Session};

/// The time-outs and tries of the line. What was not answered is said again as it was.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until the first question is asked again; a token that wakes, or is emulated, may take a second in all.
    pub hello: Duration,
    /// How often it is asked.
    pub hello_tries: u32,
    /// Until any other question is asked again.
    pub answer: Duration,
    /// How often it is asked.
    pub answer_tries: u32,
    /// For somebody to compare the digits and press the button.
    pub button: Duration,
    /// Between two looks at the button.
    pub glance: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            hello: Duration::from_millis(500),
            hello_tries: 4,
            answer: Duration::from_secs(1),
            answer_tries: 3,
            button: Duration::from_secs(120),
            glance: Duration::from_millis(200),
        }
    }
}

/// A token's answer to everybody, which anybody could give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// `CS-1`, …
    pub model: String,
    /// `0.1.0`
    pub firmware_version: String,
    /// What is printed on the back, once it is provisioned.
    pub serial_number: Option<String>,
    /// Its status in its life cycle.
    pub status: TokenStatus,
}

impl About {
    fn of(about: &wire::About<'_>) -> Option<Self> {
        Some(Self {
            model: letters(about.model)?,
            firmware_version: letters(about.firmware_version)?,
            serial_number: match about.serial_number {
                Some(serial_number) => Some(letters(serial_number)?),
                None => None,
            },
            status: about.status,
        })
    }
}

/// Text that a token's display has letters for; a terminal would obey some of the rest.
pub(crate) fn letters(text: &str) -> Option<String> {
    let shown = text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.len() <= TEXT_MAX_LEN_BYTES;
    shown.then(|| text.to_owned())
}

/// A name's, with room for a model's.
const TEXT_MAX_LEN_BYTES: usize = 64;

/// A line on which a token may be.
pub struct Link<P> {
    port: P,
    pub(crate) host: Host,
    pub(crate) patience: Patience,
}

/// The noise on the line: what was heard while nothing of use was.
#[derive(Default)]
struct Noise {
    bytes: bool,
    receiver: Receiver,
    other_version: bool,
}

impl Noise {
    fn hear(&mut self, byte: u8) {
        self.bytes = true;
        if let Some(Ok(payload)) = self.receiver.push(byte) {
            self.other_version |= payload.bytes.first().is_some_and(|version| *version != VERSION);
        }
    }

    fn verdict(&self) -> LinkError {
        match self {
            Self {
                other_version: true, ..
            } => LinkError::OtherVersion,
            Self { bytes: true, .. } => LinkError::NotAToken,
            _ => LinkError::Silent,
        }
    }
}

impl<P: Read + Write> Link<P> {
    /// Says nothing yet.
    pub fn new(port: P, patience: Patience) -> Self {
        Self {
            port,
            host: Host::new(),
            patience,
        }
    }

    /// Gives the port back.
    pub fn into_port(self) -> P {
        self.port
    }

    /// Asks who is there; ends a session that may still stand.
    ///
    /// # Errors
    /// [`LinkError`]: nobody, something else, or a token of another version.
    pub fn hello(&mut self) -> Result<About, LinkError> {
        let mut noise = Noise::default();
        for _ in 0..self.patience.hello_tries {
            self.host.hello();
            match self.ask_once(self.patience.hello, &mut noise, |heard| match heard {
                Heard::About(about) => Some(About::of(&about).ok_or(LinkError::NotAToken)),
                Heard::Ended(WhyEnded::OtherVersion) => Some(Err(LinkError::OtherVersion)),
                // The end of a session that was there before; or noise.
                _ => None,
            })? {
                Some(heard) => return heard,
                None => continue,
            }
        }
        Err(noise.verdict())
    }

    /// Begins a session with this randomness, which is used for nothing else. With [`Comparing::Yes`] it returns once
    /// the token's button was pressed.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn open(&mut self, random: &[u8; 32], comparing: Comparing<'_>) -> Result<Session<'_, P>, LinkError> {
        self.host.open(random, matches!(comparing, Comparing::Yes(_)));
        self.ask(|heard| match heard {
            Heard::Next => Some(Ok(())),
            other => ended(&other),
        })?;
        let digits = self.ask(|heard| match heard {
            Heard::Session(digits) => Some(Ok(digits)),
            other => ended(&other),
        })?;
        let mut session = Session::new(self);
        if let Comparing::Yes(show) = comparing {
            show(digits);
            session.wait_for_the_button()?;
        }
        Ok(session)
    }

    /// Says what the host says now, as often as need be, until `take` takes an answer.
    pub(crate) fn ask<T>(
        &mut self,
        mut take: impl FnMut(Heard<'_>) -> Option<Result<T, LinkError>>,
    ) -> Result<T, LinkError> {
        let mut noise = Noise::default();
        for _ in 0..self.patience.answer_tries {
            if let Some(taken) = self.ask_once(self.patience.answer, &mut noise, &mut take)? {
                return taken;
            }
        }
        Err(LinkError::Silent)
    }

    fn ask_once<T>(
        &mut self,
        patience: Duration,
        noise: &mut Noise,
        mut take: impl FnMut(Heard<'_>) -> Option<Result<T, LinkError>>,
    ) -> Result<Option<Result<T, LinkError>>, LinkError> {
        let said = self.port.write_all(self.host.frame().as_bytes());
        said.and_then(|()| self.port.flush()).map_err(LinkError::Gone)?;
        let until = Instant::now() + patience;
        let mut bytes = [0; 256];
        loop {
            let len = hear(&mut self.port, &mut bytes)?;
            for &byte in &bytes[..len] {
                noise.hear(byte);
                if let Some(taken) = self.host.receive(byte).and_then(&mut take) {
                    return Ok(Some(taken));
                }
            }
            if Instant::now() >= until {
                return Ok(None);
            }
        }
    }
}

/// The next bytes, or none for now.
fn hear(port: &mut impl Read, into: &mut [u8]) -> Result<usize, LinkError> {
    match port.read(into) {
        Ok(0) => Err(LinkError::Gone(io::Error::from(ErrorKind::UnexpectedEof))),
        Ok(len) => Ok(len),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
                Ok(0)
            }
            ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(0),
            _ => Err(LinkError::Gone(error)),
        },
    }
}

/// The error of an answer that ends the session, whatever was asked.
pub(crate) fn ended<T>(heard: &Heard<'_>) -> Option<Result<T, LinkError>> {
    match heard {
        Heard::Ended(why) => Some(Err(LinkError::Ended(*why))),
        Heard::About(_) => None,
        Heard::Broken | Heard::Next | Heard::Session(_) | Heard::Response(_) => Some(Err(LinkError::Broken)),
    }
}
