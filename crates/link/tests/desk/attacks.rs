use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read, Write},
    rc::Rc,
};

use link::{Comparing, ComparisonDigits, Link, LinkError, TokenStatus};
use wire::{
    About, Answers, Device, Frame, PAYLOAD_MAX_LEN_BYTES, Receiver, Request, Response, Session, ToHost, WhyEnded, write,
};

use crate::cable::{Cable, IMPATIENT, NOW_S, TestLine, To, link, provisioned, wanted};

type Bytes = zeroize::Zeroizing<[u8; 32]>;

#[test]
fn nothing_private_is_on_the_line() {
    let line = TestLine::blank(0xA7);
    let before = line.borrow_mut().token.storage().bytes().to_vec();
    let seed = provisioned(&line, "CS-000001");
    let mut later = link(&line);
    let mut session = later.open(&[9; 32], Comparing::No).unwrap();
    session.set_time(NOW_S + 5, &seed.management_key).unwrap();
    session.prove(&seed.secret, &[10; 32]).unwrap();
    let after = line.borrow_mut().token.storage().bytes().to_vec();
    session.wipe(&seed.management_key).unwrap();

    // As it went over the line, and without the stuffing.
    let recorded = line.borrow().recorded.clone();
    let payloads: Vec<_> = payloads(&recorded);
    assert!(payloads.len() == 20, "{} messages were recorded", payloads.len());
    let heard = |window: &[u8]| {
        let within = |bytes: &[u8]| bytes.windows(window.len()).any(|part| part == window);
        within(&recorded) || payloads.iter().any(|payload| within(payload))
    };
    let private = [
        &seed.secret[..],
        &seed.management_key,
        &[1; 32],
        &[2; 32],
        &before,
        &after,
    ];
    for bytes in private {
        for window in bytes.windows(6) {
            let blank = window.iter().all(|byte| *byte == 0) || window.iter().all(|byte| *byte == 0xFF);
            assert!(blank || !heard(window), "{window:02x?} went over the line");
        }
    }
    // The search would find them.
    let [first, ..] = &payloads[..] else { unreachable!() };
    assert!(heard(&first[first.len() - 6..]));
}

fn payloads(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut receiver = Receiver::new();
    let heard = |&byte| Some(receiver.push(byte)?.ok()?.bytes.to_vec());
    bytes.iter().filter_map(heard).collect()
}

#[test]
fn a_changed_byte_ends_the_session_and_does_nothing() {
    // What a request and its answer are, from the session's beginning: which of them is changed, and where.
    for (way, which) in [(To::Token, 2), (To::Host, 2), (To::Token, 3), (To::Host, 3)] {
        for at in [1, 2, 10, usize::MAX] {
            let line = TestLine::blank(7);
            let mut count = 0;
            line.borrow_mut().tamper = Box::new(move |to, bytes| {
                if to == way && !bytes.is_empty() {
                    if count == which {
                        *bytes = reframed(bytes, at);
                    }
                    count += 1;
                }
            });
            let mut link = link(&line);
            let ended = (|| {
                let mut session = link.open(&[1; 32], Comparing::No)?;
                session.status()?;
                let made = session.provision(&wanted("CS-000001"), &[2; 32])?;
                session.commit(made.keep(|_, _| Ok::<_, LinkError>(()))?)
            })();
            assert!(
                matches!(ended, Err(LinkError::Broken | LinkError::Ended(_) | LinkError::Silent)),
                "{way:?} {which} {at}: {ended:?}"
            );
            drop(link);
            assert_ne!(crate::cable::link(&line).hello().unwrap().status, TokenStatus::Sealed);
        }
    }
}

/// The same frame with one byte of its message changed, and a check that fits.
fn reframed(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut payload = payloads(bytes).remove(0);
    // Behind version, kind and length, where the sealed bytes are.
    let place = (at.min(payload.len() - 4) + 3).min(payload.len() - 1);
    payload[place] ^= 1;
    Frame::of(&payload).unwrap().as_bytes().to_vec()
}

#[test]
fn what_calls_itself_a_token_writes_nothing_but_letters_to_a_terminal() {
    // A terminal obeys what begins with an escape: it sets titles, fills the clipboard, rewrites what stood there.
    for bad in [
        "\x1b]0;done\x07",
        "CS-1\r\nCS-000001 done",
        "CS\u{202e}1-",
        &"M".repeat(65),
    ] {
        for place in 0..3 {
            let texts: [&str; 3] = core::array::from_fn(|at| if at == place { bad } else { "CS-1" });
            let [model, firmware_version, serial_number] = texts;
            let about = ToHost::About(About {
                model,
                firmware_version,
                serial_number: Some(serial_number),
                status: TokenStatus::Sealed,
            });
            let mut buffer = [0; PAYLOAD_MAX_LEN_BYTES];
            let frame = Frame::of(write(&about, &mut buffer).unwrap()).unwrap();
            let line = TestLine::blank(7);
            line.borrow_mut().tamper = Box::new(move |to, bytes| {
                if to == To::Host {
                    *bytes = frame.as_bytes().to_vec();
                }
            });
            let said = link(&line).hello();
            assert!(matches!(said, Err(LinkError::NotAToken)), "{texts:?}: {said:?}");
        }
    }
}

#[test]
fn a_man_in_the_middle_makes_other_digits_on_each_side() {
    let line = TestLine::blank(7);
    let seen = Rc::new(RefCell::new(Seen::default()));
    let man = Man {
        to_victim: VecDeque::new(),
        device: Device::new(),
        inside: Inside {
            towards_token: Link::new(Cable(line.clone()), IMPATIENT),
            seen: seen.clone(),
        },
    };
    let mut victim = Link::new(man, IMPATIENT);
    let mut shown = None;
    let session = victim.open(&[1; 32], Comparing::Yes(&mut |digits| shown = Some(digits)));
    // The man says that the button was pressed; but a person has seen the desk's digits and the token's.
    assert!(session.is_ok());
    let seen = seen.borrow();
    assert_eq!(shown, seen.host, "the man's own session with the host");
    assert!(seen.token.is_some());
    assert_ne!(shown, seen.token);
    // And the real token shows what the man's session with it has, not the desk's.
    assert!(!line.borrow().token.screen().is_dark());
}

#[derive(Default)]
struct Seen {
    host: Option<ComparisonDigits>,
    token: Option<ComparisonDigits>,
}

/// He is a token to the desk and a desk to the token.
struct Man {
    device: Device,
    inside: Inside,
    to_victim: VecDeque<u8>,
}

struct Inside {
    towards_token: Link<Cable>,
    seen: Rc<RefCell<Seen>>,
}

impl Answers for Inside {
    fn about(&mut self) -> About<'_> {
        About {
            model: "CS-1",
            firmware_version: "0.1.0",
            serial_number: None,
            status: TokenStatus::Blank,
        }
    }

    fn random(&mut self, _compare: bool) -> Result<Bytes, WhyEnded> {
        Ok(Bytes::new([0x66; 32]))
    }

    fn session_began(&mut self, session: &Session) {
        let seen = &mut *self.seen.borrow_mut();
        seen.host = Some(session.digits());
        let mut show = |digits| seen.token = Some(digits);
        // Nobody presses the token's button for him.
        let opened = self.towards_token.open(&[0x67; 32], Comparing::Yes(&mut show));
        assert!(matches!(opened.err(), Some(LinkError::NotPressed)));
    }

    fn session_ended(&mut self) {}

    fn answer(&mut self, _request: &Request<'_>, _session: &Session) -> Response<'_> {
        Response::Confirmed { pressed: true }
    }
}

impl Write for Man {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            if let Some(frame) = self.device.receive(byte, &mut self.inside) {
                self.to_victim.extend(frame.as_bytes());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Man {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.to_victim.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.to_victim.read(into)
    }
}
