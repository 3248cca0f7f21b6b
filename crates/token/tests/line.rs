//! The line between desk and token is in somebody's hands: what he records is worth nothing, what he changes ends the
//! session, and where he stands in the middle the digits differ.

mod support;

use std::collections::HashSet;

use support::{BEGINNING_S, SERIAL, Said, TestHost, Token, USUAL};
use token::Event;
use wire::{Heard, Host, Provision, Request, TokenStatus, WhyEnded};

#[test]
fn a_recorded_line_holds_nothing_that_is_secret() {
    let mut token = Token::blank();
    let mut host = TestHost::new();
    let made = host.provision(&mut token, USUAL).expect("a secret");
    let token_half = {
        // Once more in the open session, to know what the token's half was.
        let wanted = Provision {
            parameters: USUAL,
            serial_number: SERIAL,
            label: "",
            unix_s: BEGINNING_S,
            host_random: [0xA7; 32],
        };
        match host.ask(&mut token, &Request::Provision(wanted)) {
            Said::Provisioned(half) => half,
            said => panic!("{said:?}"),
        }
    };
    let mut second = vec![0; 20];
    wire::secret(&[0xA7; 32], &token_half, SERIAL, &mut second);
    assert_eq!(host.ask(&mut token, &Request::Commit), Said::Committed);
    let secrets: [(&str, &[u8]); 6] = [
        ("the secret", &made.secret),
        ("the next secret", &second),
        ("the host's half", &[0xA7; 32]),
        ("the token's half", &token_half),
        ("the management key", &made.management_key),
        ("the serial number", SERIAL.as_bytes()),
    ];
    for (name, secret) in secrets {
        let found = host.line.windows(8).any(|window| window == &secret[..8]);
        assert!(!found, "{name} is on the line");
    }
    // Nor is it what the recorded bytes decrypt to under a key that was sent: each 32 bytes of the line are tried as
    // the private key of either end.
    let line = &host.line;
    let keys: HashSet<[u8; 32]> = line
        .windows(32)
        .map(|bytes| bytes.try_into().expect("32 bytes"))
        .collect();
    for key in keys {
        let mut thief = Host::new();
        thief.open(&key, false);
        let opened = line
            .iter()
            .any(|byte| matches!(thief.receive(*byte), Some(Heard::Session(_) | Heard::Response(_))));
        assert!(!opened, "a key that opens the session was sent");
    }
}

/// A frame from one end with a bit changed, with its check made good again.
fn changed(frame: &[u8], bit: usize) -> Option<Vec<u8>> {
    let mut receiver = wire::Receiver::new();
    let payload = frame.iter().find_map(|byte| {
        receiver
            .push(*byte)
            .map(|payload| payload.expect("a frame").bytes.to_vec())
    })?;
    let mut payload = payload;
    *payload.get_mut(bit / 8)? ^= 1 << (bit % 8);
    Some(wire::Frame::of(&payload)?.as_bytes().to_vec())
}

#[test]
fn a_changed_byte_ends_the_session() {
    for whole_frame in [false, true] {
        for bit in 0..600 {
            let mut token = Token::blank();
            let mut host = TestHost::new();
            host.open(&mut token, false).expect("a session");
            let frame = host
                .machine
                .request(&Request::Status)
                .expect("a request")
                .as_bytes()
                .to_vec();
            let sent = if whole_frame {
                // On the line itself, so that the check does not fit.
                let mut sent = frame;
                // Without the zeroes around it, which carry nothing.
                let end = sent.len() - 1;
                match sent.get_mut(1..end).and_then(|inside| inside.get_mut(bit / 8)) {
                    Some(byte) => *byte ^= 1 << (bit % 8),
                    None => break,
                }
                sent
            } else {
                match changed(&frame, bit) {
                    Some(sent) => sent,
                    None => break,
                }
            };
            token.board.sent.clear();
            token.step(Event::Received(&sent));
            token.step(Event::Received(&[0]));
            let ended = token.board.sent.iter().any(|byte| {
                matches!(
                    host.machine.receive(*byte),
                    Some(Heard::Ended(
                        WhyEnded::Broken
                            | WhyEnded::OtherVersion
                            | WhyEnded::OutOfOrder
                            | WhyEnded::BadKey
                            | WhyEnded::NoRandomness
                            | WhyEnded::TooSoon
                    ))
                )
            });
            // A bit that makes a `Hello` or an `Open` of it ends the session too, in other words.
            let over = host.machine.session().is_none() || !is_open(&mut host, &mut token);
            assert!(ended || over, "bit {bit}, check fits: {}", !whole_frame);
        }
    }
}

fn is_open(host: &mut TestHost, token: &mut Token) -> bool {
    host.ask(token, &Request::Status) != Said::Nothing
}

#[test]
fn an_answer_that_was_changed_ends_it_at_the_host() {
    let mut token = Token::blank();
    for bit in 0..400 {
        let mut host = TestHost::new();
        // Other keys each time, so that no answer is the one before.
        for _ in 0..=bit % 5 {
            host.open(&mut token, false).expect("a session");
        }
        let frame = host
            .machine
            .request(&Request::Prove { nonce: [0; 32] })
            .expect("a request");
        let frame = frame.as_bytes().to_vec();
        token.board.sent.clear();
        token.step(Event::Received(&frame));
        let Some(answer) = changed(&token.board.sent.clone(), bit) else {
            break;
        };
        let believed = answer
            .iter()
            .any(|byte| matches!(host.machine.receive(*byte), Some(Heard::Response(_))));
        assert!(!believed, "bit {bit}");
    }
}

#[test]
fn a_frame_that_comes_again_gets_its_answer_again_and_does_nothing_twice() {
    let mut token = Token::blank();
    let mut host = TestHost::new();
    let made = host.provision(&mut token, USUAL).expect("a secret");
    let frame = host.machine.frame().as_bytes().to_vec();
    token.board.sent.clear();
    token.step(Event::Received(&frame));
    let once = std::mem::take(&mut token.board.sent);
    token.step(Event::Received(&frame));
    assert!(!once.is_empty() && token.board.sent == once);
    assert!(token.board.keeps(&made.secret), "it was not provisioned anew");
    // The host has heard it already, and goes on.
    assert!(once.iter().all(|byte| host.machine.receive(*byte).is_none()));
    assert_eq!(host.ask(&mut token, &Request::Commit), Said::Committed);
    // A frame of before is none of this session any more.
    token.step(Event::Received(&frame));
    assert_eq!(host.ask(&mut token, &Request::Status), Said::Nothing);
}

#[test]
fn a_recorded_session_cannot_be_played_again() {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    let mut host = TestHost::new();
    host.open(&mut token, false);
    let now_s = token.board.now_ms / 1_000;
    assert_eq!(
        host.order_time(&mut token, &made.management_key, now_s + 60),
        Said::TimeSet(60, 539)
    );
    host.hello(&mut token);
    let recorded = host.line.clone();
    token.step(Event::Received(&recorded));
    let mut again = TestHost::new();
    again.open(&mut token, true);
    again.open(&mut token, false);
    let said = again.ask(&mut token, &Request::Status);
    assert!(
        matches!(
            said,
            Said::Status {
                shifted_s: 61,
                settings: 1,
                ..
            }
        ),
        "{said:?}"
    );
}

#[test]
fn a_man_in_the_middle_shows_different_digits_on_both_sides() {
    for round in 0..64 {
        // Towards the desk he is a token, towards the token a desk.
        let mut his_token = Token::new({
            let mut board = support::Board::blank();
            board.storage[0] = 128 + round;
            board
        });
        let mut token = Token::new({
            let mut board = support::Board::blank();
            board.storage[0] = round;
            board
        });
        let mut host = TestHost::new();
        let shown_by_desk = host.open(&mut his_token, true).expect("a session with him");
        let mut his_desk = TestHost::new();
        let _other_numbers = his_desk.open(&mut token, true);
        his_desk.hello(&mut token);
        token.pass_ms(5_000);
        let he_sees = his_desk.open(&mut token, true).expect("a session of his");
        let shown_by_token = support::read_digits(token.board.picture.as_ref().expect("the display is lit"));
        assert_eq!(shown_by_token, format!("{he_sees:06}"));
        assert_ne!(shown_by_token, format!("{shown_by_desk:06}"), "round {round}");
    }
}

#[test]
fn a_man_in_the_middle_cannot_leaf_through_the_tokens_keys_for_digits_that_fit() {
    let mut token = Token::blank();
    // Each key that the token shows him is a guess at the desk's digits, which he knows: he computes the token's
    // and, where they differ, asks for another key. The token's display stays dark all the while.
    let mut his_desk = Host::new();
    let (mut guesses, began_ms) = (0, token.board.now_ms);
    for round in 0..1_200_u32 {
        let mut random = [7; 32];
        random[..4].copy_from_slice(&round.to_le_bytes());
        token.board.sent.clear();
        token.step(Event::Received(his_desk.open(&random, true).as_bytes()));
        let answer = std::mem::take(&mut token.board.sent);
        let shown = answer
            .iter()
            .any(|byte| matches!(his_desk.receive(*byte), Some(Heard::Next)));
        guesses += u32::from(shown);
        token.pass_ms(100);
        assert!(token.board.picture.is_none(), "nobody sees anything");
    }
    let minutes = (token.board.now_ms - began_ms) / 60_000;
    assert_eq!(minutes, 2, "as long as a host waits for the button");
    assert_eq!(guesses, 24, "one in five seconds");
}

#[test]
fn no_digits_take_the_place_of_those_that_somebody_compares() {
    let mut token = Token::blank();
    TestHost::new().open(&mut token, true).expect("a session");
    token.pass_ms(6_000);
    // Somebody has compared, and the finger is on its way: a man in the middle wants digits of his own under it.
    let mut his_desk = TestHost::new();
    assert_eq!(his_desk.open(&mut token, true), None);
    assert!(token.board.picture.is_none(), "dark");
    token.press();
    token.pass_ms(4_900);
    assert_eq!(his_desk.open(&mut token, true), None);
    token.pass_ms(100);
    // Later he is a desk like others, with digits that nobody has compared yet.
    assert!(his_desk.open(&mut token, true).is_some());
    assert_eq!(his_desk.ask(&mut token, &Request::Confirm), Said::Confirmed(false));
}

#[test]
fn who_shows_another_key_than_he_promised_has_no_session() {
    let mut token = Token::blank();
    let mut honest = Host::new();
    token.step(Event::Received(honest.open(&[1; 32], true).as_bytes()));
    // The frame that reveals another key.
    let mut other = Host::new();
    other.open(&[2; 32], true);
    let opened = std::mem::take(&mut token.board.sent);
    let _next: Vec<_> = opened.iter().map(|byte| other.receive(*byte).is_some()).collect();
    token.step(Event::Received(other.frame().as_bytes()));
    let ended = token
        .board
        .sent
        .iter()
        .any(|byte| matches!(other.receive(*byte), Some(Heard::Ended(WhyEnded::BadKey))));
    assert!(ended);
    assert!(token.board.picture.is_none(), "no digits are shown");
}

#[test]
fn nobody_comes_in_by_a_key_that_is_none() {
    // Points of small order share one secret with everybody.
    for public_key in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let mut token = Token::blank();
        let commitment = {
            let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
            hash.update(b"countersign/commit/1");
            hash.update(&public_key);
            hash.finish().as_ref().try_into().expect("32 bytes")
        };
        for message in [
            wire::ToToken::Open {
                commitment,
                compare: false,
            },
            wire::ToToken::Reveal { public_key },
        ] {
            let mut buffer = [0; wire::PAYLOAD_MAX_LEN_BYTES];
            let payload = wire::write(&message, &mut buffer).expect("it fits");
            token.board.sent.clear();
            token.step(Event::Received(wire::Frame::of(payload).expect("it fits").as_bytes()));
        }
        let mut host = Host::new();
        host.hello();
        let ended = token
            .board
            .sent
            .iter()
            .any(|byte| matches!(host.receive(*byte), Some(Heard::Ended(WhyEnded::BadKey))));
        assert!(ended);
    }
}

#[test]
fn a_session_in_which_nobody_speaks_ends() {
    let mut token = Token::blank();
    let mut host = TestHost::new();
    host.open(&mut token, false);
    token.pass_ms(59_000);
    assert_ne!(host.ask(&mut token, &Request::Status), Said::Nothing);
    token.pass_ms(61_000);
    assert!(token.board.picture.is_none(), "dark");
    assert_eq!(host.ask(&mut token, &Request::Status), Said::Nothing);
    assert_eq!(host.hello(&mut token).map(|about| about.0), Some(TokenStatus::Blank));
}
