use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read, Write},
    rc::Rc,
    time::Duration,
};

use link::{Link, Patience, Wanted};
use simulator::{Board, Simulated, TornStorage, VirtualTime};

/// 2026-11-21T08:00:00Z
pub(crate) const NOW_S: u64 = 1_795_248_000;

/// Where bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum To {
    Token,
    Host,
}

type Tamper = Box<dyn FnMut(To, &mut Vec<u8>)>;

/// What both ends of a cable in memory share with the test.
pub(crate) struct TestLine {
    pub(crate) token: Simulated<TornStorage>,
    pub(crate) time: VirtualTime,
    pub(crate) recorded: Vec<u8>,
    pub(crate) tamper: Tamper,
    to_host: VecDeque<u8>,
}

/// The host's end of the cable.
pub(crate) struct Cable(pub(crate) Rc<RefCell<TestLine>>);

impl TestLine {
    /// A token that was never provisioned, at the end of a cable.
    pub(crate) fn blank(seed: u8) -> Rc<RefCell<Self>> {
        let time = VirtualTime::at_unix_s(NOW_S);
        let board = Board::new(TornStorage::blank(&[seed; 32]), Box::new(time.clone()));
        Rc::new(RefCell::new(Self {
            token: Simulated::power_on(board),
            time,
            recorded: Vec::new(),
            tamper: Box::new(|_, _| {}),
            to_host: VecDeque::new(),
        }))
    }

    pub(crate) fn press(&mut self) {
        self.token.press();
        self.token.release();
    }

    /// The power goes and comes back.
    pub(crate) fn power_cycle(line: &Rc<RefCell<Self>>) {
        let line = &mut *line.borrow_mut();
        let mut storage = line.token.storage().clone();
        storage.restore();
        line.token = Simulated::power_on(Board::new(storage, Box::new(line.time.clone())));
        line.to_host.clear();
    }
}

impl Write for Cable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = &mut *self.0.borrow_mut();
        let mut there = bytes.to_vec();
        (line.tamper)(To::Token, &mut there);
        line.recorded.extend(&there);
        line.token.receive(&there);
        let mut back = line.token.take_said();
        (line.tamper)(To::Host, &mut back);
        line.recorded.extend(&back);
        line.to_host.extend(back);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Cable {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let line = &mut *self.0.borrow_mut();
        if line.to_host.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        line.to_host.read(into)
    }
}

/// Where every answer is there at once, waiting long proves nothing.
pub(crate) const IMPATIENT: Patience = Patience {
    hello: Duration::from_millis(15),
    hello_tries: 3,
    answer: Duration::from_millis(15),
    answer_tries: 3,
    button: Duration::from_millis(30),
    glance: Duration::from_millis(2),
};

pub(crate) fn link(line: &Rc<RefCell<TestLine>>) -> Link<Cable> {
    Link::new(Cable(line.clone()), IMPATIENT)
}

pub(crate) fn wanted(serial_number: &str) -> Wanted<'_> {
    Wanted {
        serial_number,
        label: "Cloud console",
        parameters: Wanted::PARAMETERS,
        unix_s: NOW_S,
    }
}

/// What a desk would have written down.
#[derive(Default, Clone)]
pub(crate) struct Seed {
    pub(crate) secret: Vec<u8>,
    pub(crate) management_key: [u8; 32],
}

/// Provisions, seals and proves.
pub(crate) fn provisioned(line: &Rc<RefCell<TestLine>>, serial_number: &str) -> Seed {
    let mut seed = Seed::default();
    let mut link = link(line);
    let mut session = link.open(&[1; 32], link::Comparing::No).unwrap();
    let made = session.provision(&wanted(serial_number), &[2; 32]).unwrap();
    let kept = made.keep(|secret, management_key| {
        seed.secret = secret.to_vec();
        seed.management_key = *management_key;
        io::Result::Ok(())
    });
    session.commit(kept.unwrap()).unwrap();
    session.prove(&seed.secret, &[3; 32]).unwrap();
    seed
}
