//! The worker at one port of the station: token after token.

use std::{
    io::{Read, Write},
    thread,
    time::{Duration, Instant},
};

use link::{About, Comparing, ComparisonDigits, Link, LinkError, OpenError, Patience, Session, TokenStatus, Wanted};

use super::{number_status::NumberStatus, station::ProvisioningStation};
use crate::{
    Failure,
    commands::token::port::{now_unix_s, random},
};

/// Tells whoever stands at the station what happens at a port.
pub(super) trait Teller: Sync {
    /// Compare these digits with those on the token.
    fn digits(&self, port: &str, serial_number: &str, digits: ComparisonDigits);

    /// A token is done.
    fn done(&self, port: &str, serial_number: &str, took: Duration);

    /// Something else that is worth a line.
    fn remark(&self, port: &str, words: &str);
}

/// The outcome of a look at a port.
enum Look {
    /// A token was finished.
    Done,
    /// There is nothing to do: swap the token.
    Nothing(String),
}

/// Why nothing came of a token.
enum Hitch {
    /// The next try may do better.
    Line(LinkError),
    /// So it may where digits were to be compared; but each try is a guess at them for whoever stands in the middle.
    Compared(LinkError),
    /// Trying on would spoil something.
    Station(Failure),
}

impl From<LinkError> for Hitch {
    fn from(error: LinkError) -> Self {
        Self::Line(error)
    }
}

impl From<Failure> for Hitch {
    fn from(failure: Failure) -> Self {
        Self::Station(failure)
    }
}

/// Between two looks at a port where nothing is to be done.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two sessions whose digits are compared. A token wants five seconds.
const COMPARE_PAUSE: Duration = Duration::from_secs(6);

/// The worker at one port.
pub(super) struct Worker<'d, T> {
    pub(super) station: &'d ProvisioningStation,
    pub(super) port: &'d str,
    /// How many there are.
    pub(super) ports: usize,
    pub(super) compare: bool,
    /// Whether somebody plugs tokens in and swaps them; else a port is done when there is nothing to do.
    pub(super) waits: bool,
    pub(super) patience: Patience,
    pub(super) teller: &'d T,
}

impl<T: Teller> Worker<'_, T> {
    /// Works until the batch is over.
    pub(super) fn run(&self) {
        let mut link = None;
        let mut said = String::new();
        while !self.station.is_over(self.ports) {
            let looked = match &mut link {
                Some(link) => self.look(link),
                None => match link::open(self.port) {
                    Ok(port) => {
                        link = Some(Link::new(port, self.patience));
                        continue;
                    }
                    Err(error @ (OpenError::Missing(_) | OpenError::Busy(_) | OpenError::Other(..))) => {
                        Ok(Look::Nothing(error.to_string()))
                    }
                    Err(error) => Err(Hitch::Station(error.into())),
                },
            };
            let mut pause = PAUSE;
            let words = match looked {
                Ok(Look::Done) => {
                    said.clear();
                    continue;
                }
                Ok(Look::Nothing(words)) => words,
                Err(Hitch::Line(LinkError::Gone(_))) => {
                    link = None;
                    "the token was unplugged".into()
                }
                Err(Hitch::Line(error)) => format!("{error}; {}", error.remedy()),
                Err(Hitch::Compared(error)) => {
                    pause = COMPARE_PAUSE;
                    // The token counts from the end of the session.
                    let _ended = link.as_mut().map(Link::hello);
                    // Whoever stands here is told of each.
                    said.clear();
                    format!("{error}; {}", error.remedy())
                }
                Err(Hitch::Station(failure)) => return self.station.fail(failure),
            };
            // The same words again help nobody.
            if words != said {
                self.teller.remark(self.port, &words);
                said = words;
            }
            self.station.set_idle(self.port, true);
            if !self.waits {
                return;
            }
            thread::sleep(pause);
        }
    }

    fn look<P: Read + Write>(&self, link: &mut Link<P>) -> Result<Look, Hitch> {
        let about = match link.hello() {
            Ok(about) => about,
            Err(LinkError::Silent) => return Ok(Look::Nothing("waiting for a token".into())),
            Err(error) => return Err(error.into()),
        };
        let started = Instant::now();
        let number = about.serial_number.as_deref();
        let status = number.and_then(|number| self.station.status(number));
        match (about.status, number, status) {
            // Put in here before the port it came from has given up on it, or another claims to be it. Its secret may be
            // kept already: whoever made it another token now would leave that number without one.
            (_, Some(number), Some(NumberStatus::InHand)) => Ok(under_way(number)),
            (TokenStatus::Sealed, Some(number), Some(NumberStatus::Done)) => {
                Ok(Look::Nothing(format!("{number} is done: swap it")))
            }
            (TokenStatus::Sealed, Some(number), Some(NumberStatus::Open)) => {
                self.station.set_idle(self.port, false);
                self.settle(link, &about, number, started)
            }
            (TokenStatus::Sealed, number, _) => Ok(Look::Nothing(format!(
                "{} is sealed, and not by this batch: put it aside",
                number.unwrap_or("the token")
            ))),
            (TokenStatus::Blank | TokenStatus::Wiped | TokenStatus::Provisioned, _, _) => {
                self.station.set_idle(self.port, false);
                let open = number.filter(|_| status == Some(NumberStatus::Open));
                self.provision(link, &about, open, started)
            }
        }
    }

    /// The plug was pulled between the seal and the last line of the manifest.
    fn settle<P: Read + Write>(
        &self,
        link: &mut Link<P>,
        about: &About,
        number: &str,
        started: Instant,
    ) -> Result<Look, Hitch> {
        if !self.station.hold(number) {
            return Ok(under_way(number));
        }
        let proven = link
            .open(&*random()?, Comparing::No)
            .map_err(Hitch::from)
            .and_then(|mut session| self.prove(&mut session, number));
        if proven.is_ok() {
            return self.finish(about, number, started);
        }
        self.station.give_back(number);
        match proven {
            Err(Hitch::Line(error @ LinkError::WrongProof)) => {
                Ok(Look::Nothing(format!("{number}: {error}: put it aside")))
            }
            other => other.map(|()| Look::Done),
        }
    }

    fn provision<P: Read + Write>(
        &self,
        link: &mut Link<P>,
        about: &About,
        open: Option<&str>,
        started: Instant,
    ) -> Result<Look, Hitch> {
        // The plug was pulled before the seal. Only the token that proves it frees its number.
        let own = match open {
            None => None,
            Some(number) if !self.station.hold(number) => return Ok(under_way(number)),
            Some(number) => match self.was_made(link, number) {
                Ok(true) => Some(number.to_owned()),
                not => {
                    self.station.give_back(number);
                    not?;
                    None
                }
            },
        };
        let preferred = about.serial_number.as_deref().filter(|_| open.is_none());
        let Some(number) = own.or_else(|| self.station.take(preferred)) else {
            return Ok(Look::Nothing("there is no free serial number for this token".into()));
        };
        let made = self.make(link, about, &number);
        match made {
            Ok(()) => self.finish(about, &number, started),
            Err(hitch) => {
                self.station.give_back(&number);
                Err(match hitch {
                    Hitch::Line(error) if self.compare => Hitch::Compared(error),
                    other => other,
                })
            }
        }
    }

    /// True if this token, which is not sealed, has the secret that is kept of its number: nobody will ever need that.
    fn was_made<P: Read + Write>(&self, link: &mut Link<P>, number: &str) -> Result<bool, Hitch> {
        let mut session = link.open(&*random()?, Comparing::No)?;
        match (session.status()?.status, self.prove(&mut session, number)) {
            (TokenStatus::Provisioned, Ok(())) => {
                self.station.seeds.forget(number)?;
                Ok(true)
            }
            (_, Ok(()) | Err(Hitch::Line(LinkError::WrongProof))) => Ok(false),
            (_, Err(hitch)) => Err(hitch),
        }
    }

    /// Provision, keep, seal, prove: in this order whatever happens.
    fn make<P: Read + Write>(&self, link: &mut Link<P>, about: &About, number: &str) -> Result<(), Hitch> {
        let mut show = |digits| self.teller.digits(self.port, number, digits);
        let comparing = if self.compare {
            Comparing::Yes(&mut show)
        } else {
            Comparing::No
        };
        let mut session = link.open(&*random()?, comparing)?;
        // Who said hello may have been swapped since, and this one may have a number whose secret is kept.
        let status = session.status()?;
        if (status.status, &status.serial_number) != (about.status, &about.serial_number) {
            return Err(LinkError::Broken.into());
        }
        let wanted = Wanted {
            serial_number: number,
            label: &self.station.label,
            parameters: self.station.parameters,
            unix_s: now_unix_s(),
        };
        let made = session.provision(&wanted, &*random()?)?;
        let kept = made.keep(|secret, management_key| {
            let seed = self.station.seed(number, &about.model, secret, management_key)?;
            self.station.seeds.keep(&seed)
        })?;
        session.commit(kept)?;
        self.prove(&mut session, number)
    }

    /// Against what is on disk, not against what is remembered.
    fn prove<P: Read + Write>(&self, session: &mut Session<'_, P>, number: &str) -> Result<(), Hitch> {
        let seed = self.station.seeds.read(number)?;
        Ok(session.prove(seed.secret.expose_secret(), &*random()?)?)
    }

    fn finish(&self, about: &About, number: &str, started: Instant) -> Result<Look, Hitch> {
        let took = started.elapsed();
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.station.done(number, &about.firmware_version, self.port, took_ms)?;
        self.teller.done(self.port, number, took);
        Ok(Look::Done)
    }
}

fn under_way(number: &str) -> Look {
    Look::Nothing(format!(
        "{number} is under way at another port: leave it in, it goes on here in a moment"
    ))
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, io, sync::Mutex};

    use link::Parameters;
    use simulator::{Board, Simulated, TornStorage, VirtualTime};

    use super::{
        super::{
            manifest::{Batch, Manifest},
            seeds::Seeds,
        },
        *,
    };
    use crate::commands::token::seed_key::SeedKey;

    /// A token at the end of a wire.
    struct Cable(Simulated<TornStorage>, VecDeque<u8>);

    impl Write for Cable {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.receive(bytes);
            self.1.extend(self.0.take_said());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Cable {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            match self.1.read(into)? {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                len => Ok(len),
            }
        }
    }

    fn blank() -> Link<Cable> {
        let board = Board::new(
            TornStorage::blank(&[7; 32]),
            Box::new(VirtualTime::at_unix_s(1_800_000_000)),
        );
        Link::new(Cable(Simulated::power_on(board), VecDeque::new()), Patience::default())
    }

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Teller for Heard {
        fn digits(&self, _: &str, _: &str, _: ComparisonDigits) {}

        fn done(&self, _: &str, serial_number: &str, _: Duration) {
            self.0.lock().unwrap().push(serial_number.to_owned());
        }

        fn remark(&self, _: &str, _: &str) {}
    }

    #[test]
    fn a_token_moved_to_another_port_while_it_is_made_keeps_its_number() {
        let home = tempfile::tempdir().unwrap();
        let key = home.path().join("key");
        keyring::private_file::write(&key, b"0123456789abcdef").unwrap();
        let batch = Batch {
            first: "CS-000001".into(),
            count: 2,
            label: String::new(),
            algorithm: "SHA1".into(),
            digits: 6,
            period_s: 30,
        };
        let parameters = Parameters {
            algorithm: link::Algorithm::Sha1,
            digits: 6,
            period_s: 30,
        };
        let station = ProvisioningStation::new(
            home.path().to_owned(),
            Manifest::open(&home.path().join("manifest.jsonl"), &batch).unwrap(),
            Seeds::open(home.path(), SeedKey::read(&key).unwrap()).unwrap(),
            batch.serial_numbers().unwrap(),
            String::new(),
            parameters,
        );
        let heard = Heard::default();
        let worker = Worker {
            station: &station,
            port: "second",
            ports: 2,
            compare: false,
            waits: true,
            patience: Patience::default(),
            teller: &heard,
        };

        // The first port has kept its secret, and waits for the word that it is sealed.
        let mut link = blank();
        let number = station.take(None).unwrap();
        let mut session = link.open(&[1; 32], Comparing::No).unwrap();
        let wanted = Wanted {
            serial_number: &number,
            label: "",
            parameters,
            unix_s: 1_800_000_000,
        };
        let made = session.provision(&wanted, &[2; 32]).unwrap();
        made.keep(|secret, management_key| {
            station
                .seeds
                .keep(&station.seed(&number, "CS-1", secret, management_key).unwrap())
        })
        .unwrap();

        // Said by a token that is not there any more: whoever is here now keeps what it has.
        let before = About {
            model: "CS-1".into(),
            firmware_version: "0.1.0".into(),
            serial_number: None,
            status: TokenStatus::Blank,
        };
        let taken = worker.provision(&mut link, &before, None, Instant::now());
        assert!(matches!(taken, Err(Hitch::Line(LinkError::Broken))));
        assert_eq!(link.hello().unwrap().serial_number.as_ref(), Some(&number));

        // At the second port meanwhile.
        assert!(matches!(worker.look(&mut link), Ok(Look::Nothing(words)) if words.contains("under way")));
        assert!(station.status("CS-000002") == Some(NumberStatus::Free));
        // The first port gives up.
        station.give_back(&number);
        assert!(matches!(worker.look(&mut link), Ok(Look::Done)));
        assert_eq!(*heard.0.lock().unwrap(), ["CS-000001"]);
        assert!(station.status("CS-000001") == Some(NumberStatus::Done));
        assert!(station.status("CS-000002") == Some(NumberStatus::Free));
    }
}
