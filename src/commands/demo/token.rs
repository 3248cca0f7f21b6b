use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use link::{Comparing, Link, Patience, Wanted};
use pskc::{ManagementKey, Moving, Protect, Seed, write_encrypted};
use service::Clock as _;
use simulator::{Board, FileStorage, Pty, Screen, Simulated, World};

use super::telling::say;
use crate::{
    Failure,
    commands::token::{
        port::{fill, now_unix_s, random},
        seed_key::SeedKey,
    },
    real::RealClock,
};

pub(super) const SERIAL_NUMBER: &str = "CS-000001";
const PERIOD_S: u64 = 30;

/// A simulated token with power, and somebody's finger on its button.
pub(super) struct Token {
    port: String,
    ahead_s: Arc<AtomicU64>,
    finger: Finger,
}

/// The token's secrets, as the desk wrote them down.
pub(super) struct Seeds {
    pub(super) file: Vec<u8>,
    pub(super) key: SeedKey,
    seed: Seed,
}

/// The machine's clock, and what the demo does not want to wait for.
struct Hurried {
    clock: RealClock,
    ahead_s: Arc<AtomicU64>,
}

impl World for Hurried {
    fn unix_ms(&self) -> u64 {
        u64::try_from(self.clock.now().get()).unwrap_or(0) + self.ahead_s.load(Relaxed) * 1_000
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic_ms()).unwrap_or(0)
    }
}

/// Presses the button, and looks at the screen afterwards. The token's thread ends with it.
#[derive(Clone)]
struct Finger(Sender<Sender<Screen>>);

impl Finger {
    fn press(&self) -> Result<Screen, Failure> {
        let (seen, screen) = channel();
        let pressed = self.0.send(seen).ok().and_then(|()| screen.recv().ok());
        pressed.ok_or_else(|| Failure::new("the simulated token stopped"))
    }
}

impl Token {
    pub(super) fn plug_in(dir: &Path) -> Result<Self, Failure> {
        let ahead_s = Arc::new(AtomicU64::new(0));
        let world = Hurried {
            clock: RealClock::new(),
            ahead_s: ahead_s.clone(),
        };
        let storage = FileStorage::open(&dir.join("token.eeprom"), &*random()?).map_err(Failure::new)?;
        let pty = Pty::open().map_err(|error| Failure::new(format!("no pseudo-terminal: {error}")))?;
        let port = pty.path().display().to_string();
        let (finger, presses) = channel();
        thread::spawn(move || live(pty, storage, world, &presses));
        Ok(Self {
            port,
            ahead_s,
            finger: Finger(finger),
        })
    }

    pub(super) fn port(&self) -> &str {
        &self.port
    }

    /// Provisions the token as `countersign token provision` does.
    pub(super) fn provision(&self) -> Result<Seeds, Failure> {
        let key = SeedKey::new(&*random()?);
        let port = link::open(&self.port)?;
        let mut link = Link::new(port, Patience::default());
        let about = link.hello()?;
        let mut pressed = Ok(());
        let finger = self.finger.clone();
        let mut compare = |digits| {
            let said = say(format_args!("The desk shows {digits}, and so does the token: pressed."));
            pressed = finger.press().map(drop).and(said);
        };
        let mut session = link.open(&*random()?, Comparing::Yes(&mut compare))?;
        let wanted = Wanted {
            serial_number: SERIAL_NUMBER,
            label: "Countersign",
            parameters: Wanted::PARAMETERS,
            unix_s: now_unix_s(),
        };
        let mut kept_seed = None;
        let made = session.provision(&wanted, &*random()?)?;
        let kept = made.keep(|secret, management_key| {
            kept_seed = Some(seed(&about.model, secret, management_key)?);
            Ok::<_, Failure>(())
        })?;
        session.commit(kept)?;
        pressed?;
        let seed = kept_seed.ok_or_else(|| Failure::new("the token made no secret"))?;
        session.prove(seed.secret.expose_secret(), &*random()?)?;
        // Another hello ends the session: the token is its user's again.
        link.hello()?;
        let protect = Protect::Key {
            key: key.expose_secret(),
            name: None,
        };
        let file = write_encrypted([&seed], &protect, fill).map_err(Failure::new)?;
        Ok(Seeds { file, key, seed })
    }

    /// Presses the button: the display after that.
    pub(super) fn press(&self) -> Result<String, Failure> {
        let screen = self.finger.press()?.to_braille();
        let lines = screen.lines().map(|line| format!("   {line}\n"));
        Ok(lines.collect())
    }

    /// The code that it shows, computed from its seed: the picture is for people.
    pub(super) fn code(&self, seeds: &Seeds) -> String {
        let key = otp::Key::new(&seeds.seed.secret, seeds.seed.algorithm);
        let step = otp::Step::new((now_unix_s() + self.ahead_s.load(Relaxed)) / PERIOD_S);
        key.code(step, seeds.seed.digits).text(&mut [0; 8]).to_owned()
    }

    /// It is 30 s later, on the token.
    pub(super) fn wait_for_next(&mut self) {
        self.ahead_s.fetch_add(PERIOD_S, Relaxed);
    }
}

fn seed(model: &str, secret: &[u8], management_key: &[u8; 32]) -> Result<Seed, Failure> {
    Ok(Seed {
        serial_number: SERIAL_NUMBER.into(),
        manufacturer: Some("Countersign".into()),
        model: Some(model.into()),
        key_id: None,
        issuer: None,
        label: None,
        secret: otp::Secret::from_slice(secret).map_err(Failure::new)?,
        algorithm: otp::Parameters::DEFAULT.algorithm,
        digits: otp::Parameters::DEFAULT.digits,
        moving: Moving::Time {
            period: otp::Parameters::DEFAULT.period,
            drift_steps: 0,
        },
        starts_at_s: None,
        expires_at_s: None,
        management_key: Some(ManagementKey::from_bytes(management_key)),
    })
}

/// A press, and the time to draw what comes of it.
const PRESS: Duration = Duration::from_millis(60);
const TURN: Duration = Duration::from_millis(10);

fn live(mut pty: Pty, storage: FileStorage, world: Hurried, presses: &Receiver<Sender<Screen>>) {
    use std::sync::mpsc::TryRecvError;
    let mut token = Simulated::power_on(Board::new(storage, Box::new(world)));
    loop {
        match presses.try_recv() {
            Ok(seen) => {
                token.press();
                thread::sleep(PRESS);
                token.release();
                let _nobody_looks = seen.send(token.screen().clone());
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return,
        }
        if pty.serve(&mut token, TURN).is_err() {
            return;
        }
    }
}
