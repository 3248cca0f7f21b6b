use otp::{Key, Secret, Step};
use zeroize::Zeroizing;

use crate::{
    Picture, PortError, Ports,
    record::{Record, Secrets, TokenStatus},
    screen::{Screen, Shown, Surroundings, Trouble},
    timekeeping::{Timekeeping, moment},
};

/// An event of a token's board.
#[derive(Clone, Copy)]
pub enum Event<'a> {
    /// Time went by.
    Tick,
    /// The button went down.
    Pressed,
    /// The button went up.
    Released,
    /// The host sent these bytes; in any portions.
    Received(&'a [u8]),
}

/// The time that a board may sleep, unless something happens before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Until this [`uptime_ms`](crate::Clock::uptime_ms); `None` until the button or the line wakes it.
    pub until_ms: Option<u64>,
}

/// The token between two events.
pub struct Application {
    #[cfg(feature = "session")]
    pub(crate) device: wire::Device,
    pub(crate) inner: Inner,
}

/// The application without its end of the line.
pub(crate) struct Inner {
    pub(crate) record: Record,
    pub(crate) timekeeping: Option<Timekeeping>,
    /// Why there is no code, whatever is pressed.
    pub(crate) trouble: Option<Trouble>,
    /// The button's, while it is down.
    pressed_at_ms: Option<u64>,
    page: Page,
    awake_until_ms: u64,
    /// The code of a step that was shown last.
    code: Option<(Step, Shown)>,
    /// What is on the display.
    shown: Option<Screen>,
    #[cfg(feature = "session")]
    pub(crate) host_session: Option<crate::session::HostSession>,
    /// From when on the next session may begin whose digits are compared.
    #[cfg(feature = "session")]
    pub(crate) compare_from_ms: u64,
    #[cfg(feature = "session")]
    pub(crate) fault: Option<wire::Fault>,
}

/// The page that the button has led to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    Off,
    Code,
    SerialNumber,
}

/// The time that the display is lit after the button was pressed.
const AWAKE_MS: u64 = 30_000;
/// Held for so long the button begins to erase, and has erased.
const HOLD_MS: u64 = 3_000;
const ERASE_MS: u64 = 10_000;
/// The pause between two looks after a lit display.
const GLANCE_MS: u64 = 250;

impl Application {
    /// The power came.
    pub fn start(ports: &mut impl Ports) -> Self {
        let mut inner = Inner {
            record: Record::BLANK,
            timekeeping: None,
            trouble: None,
            pressed_at_ms: None,
            page: Page::Off,
            awake_until_ms: 0,
            code: None,
            shown: None,
            #[cfg(feature = "session")]
            host_session: None,
            #[cfg(feature = "session")]
            compare_from_ms: 0,
            #[cfg(feature = "session")]
            fault: None,
        };
        inner.reload(ports);
        inner.refresh(ports);
        Self {
            #[cfg(feature = "session")]
            device: wire::Device::new(),
            inner,
        }
    }

    /// Does what there is to do about this.
    pub fn step(&mut self, event: Event<'_>, ports: &mut impl Ports) -> Wait {
        match event {
            Event::Tick => {}
            Event::Pressed => self.inner.pressed(ports),
            Event::Released => self.inner.pressed_at_ms = None,
            Event::Received(bytes) => self.received(bytes, ports),
        }
        #[cfg(feature = "session")]
        self.end_silent_session(ports);
        self.inner.hold(ports);
        self.inner.refresh(ports);
        Wait {
            until_ms: self.inner.is_busy().then(|| ports.uptime_ms() + GLANCE_MS),
        }
    }

    #[cfg(not(feature = "session"))]
    fn received(&mut self, _bytes: &[u8], _ports: &mut impl Ports) {}
}

impl Inner {
    /// Knows what is kept.
    pub(crate) fn reload(&mut self, ports: &mut impl Ports) {
        self.code = None;
        self.trouble = None;
        match Record::read(ports) {
            Ok(record) => self.record = record,
            Err(trouble) => self.fails(trouble),
        }
        match Timekeeping::read(self.record.generation, ports) {
            Ok(timekeeping) => self.timekeeping = Some(timekeeping),
            Err(PortError) => self.fails(Trouble::Storage),
        }
    }

    fn fails(&mut self, trouble: Trouble) {
        self.trouble = Some(trouble);
        #[cfg(feature = "session")]
        {
            self.fault = Some(match trouble {
                Trouble::Clock => wire::Fault::Clock,
                Trouble::Storage => wire::Fault::Storage,
                Trouble::Record => wire::Fault::Record,
            });
        }
    }

    fn pressed(&mut self, ports: &mut impl Ports) {
        let now_ms = ports.uptime_ms();
        self.pressed_at_ms = Some(now_ms);
        self.awake_until_ms = now_ms + AWAKE_MS;
        #[cfg(feature = "session")]
        if let Some(host_session) = &mut self.host_session {
            return host_session.confirm();
        }
        self.page = match self.page {
            Page::Off => Page::Code,
            Page::Code => Page::SerialNumber,
            Page::SerialNumber => Page::Off,
        };
    }

    /// Acts on a button that is held.
    fn hold(&mut self, ports: &mut impl Ports) {
        let now_ms = ports.uptime_ms();
        if now_ms >= self.awake_until_ms {
            self.page = Page::Off;
        }
        if self.page == Page::Off {
            self.code = None;
        }
        if self.has_secret() && self.held_ms(now_ms).is_some_and(|held_ms| held_ms >= ERASE_MS) {
            self.pressed_at_ms = None;
            self.page = Page::Code;
            self.awake_until_ms = now_ms + AWAKE_MS;
            if self.erase(ports).is_err() {
                self.fails(Trouble::Storage);
            }
        }
    }

    fn held_ms(&self, now_ms: u64) -> Option<u64> {
        self.pressed_at_ms.map(|since_ms| now_ms.saturating_sub(since_ms))
    }

    pub(crate) fn has_secret(&self) -> bool {
        matches!(self.record.status, TokenStatus::Provisioned | TokenStatus::Sealed)
    }

    /// Erases the secret; what is left says that there was one.
    pub(crate) fn erase(&mut self, ports: &mut impl Ports) -> Result<(), PortError> {
        let wiped = Record {
            status: TokenStatus::Wiped,
            generation: self.record.generation,
            ..Record::BLANK
        };
        let erased = wiped.write(&Secrets::default(), ports);
        self.reload(ports);
        erased
    }

    /// True if something is to be looked after before long.
    fn is_busy(&self) -> bool {
        #[cfg(feature = "session")]
        let visited = self.host_session.is_some();
        #[cfg(not(feature = "session"))]
        let visited = false;
        visited || self.page != Page::Off || self.pressed_at_ms.is_some()
    }

    fn refresh(&mut self, ports: &mut impl Ports) {
        let screen = self.screen(ports);
        if self.shown.as_ref() == Some(&screen) {
            return;
        }
        let around = Surroundings {
            serial_number: self.record.serial_number.as_str(),
            label: self.record.label.as_str(),
            battery_percent: ports.percent(),
        };
        let done = if screen == Screen::Dark {
            ports.sleep()
        } else {
            let picture: Picture = screen.draw(&around);
            ports.show(&picture)
        };
        // A display that does not answer is tried again with the next event.
        self.shown = done.is_ok().then_some(screen);
        #[cfg(feature = "session")]
        if done.is_err() {
            self.fault = Some(wire::Fault::Display);
        }
    }

    fn screen(&mut self, ports: &mut impl Ports) -> Screen {
        let held_ms = self.held_ms(ports.uptime_ms());
        if self.has_secret()
            && let Some(held_ms) = held_ms.filter(|held_ms| *held_ms >= HOLD_MS)
        {
            let left_ms = ERASE_MS.saturating_sub(held_ms);
            return Screen::Erasing {
                left_s: left_ms.div_ceil(1_000) as u32,
            };
        }
        #[cfg(feature = "session")]
        if let Some(host_session) = &self.host_session {
            return host_session.screen();
        }
        match (self.page, self.record.status) {
            (Page::Off, _) => Screen::Dark,
            (_, TokenStatus::Blank) if self.trouble.is_none() => Screen::Blank,
            (_, TokenStatus::Wiped) => Screen::Wiped,
            (_, TokenStatus::Provisioned) => Screen::NotInUse,
            (Page::SerialNumber, _) => Screen::SerialNumber,
            (Page::Code, _) => self.code(ports).unwrap_or_else(Screen::Error),
        }
    }

    fn code(&mut self, ports: &mut impl Ports) -> Result<Screen, Trouble> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        let parameters = self.record.parameters;
        let now = ports.unix_s().map_err(|_| Trouble::Clock)?.ok_or(Trouble::Clock)?;
        let (step, left_s) = moment(now, parameters);
        let code = match &self.code {
            Some((of, code)) if *of == step => code.clone(),
            _ => {
                let timekeeping = self.timekeeping.as_mut().ok_or(Trouble::Storage)?;
                timekeeping.will_show(step, ports)?;
                let code = shown(&self.record, step, ports)?;
                self.code = Some((step, code.clone()));
                code
            }
        };
        Ok(Screen::Code {
            code,
            left_s,
            period_s: parameters.period.get_s(),
        })
    }
}

/// The secret is in the clear for as long as this takes.
fn shown(record: &Record, step: Step, ports: &mut impl Ports) -> Result<Shown, Trouble> {
    let secrets = Record::secrets(ports)?;
    let secret = Secret::from_slice(secrets.secret()).map_err(|_| Trouble::Record)?;
    let code = Key::new(&secret, record.parameters.algorithm).code(step, record.parameters.digits);
    Ok(Shown::new(code.text(&mut Zeroizing::new([0; 8]))))
}
