//! A sealed token on a hostile line: whatever it is asked in well-formed sessions, it gives away neither its secret
//! nor a code of another moment, and it stays what it is. A million requests, a hundred million with
//! `COUNTERSIGN_SOAK=1`.
#![allow(clippy::disallowed_methods, reason = "a test asks for its counts")]

mod support;

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, TestRng, TestRunner},
};
use support::{Said, TestHost, Token, USUAL};
use wire::{Algorithm, Parameters, Provision, Request, TokenStatus};

use proptest::prelude::*;

/// What can be asked, with fields near the edge and beyond.
#[derive(Clone, Debug)]
enum Ask {
    Confirm,
    Provision {
        digits: u8,
        period_s: u16,
        serial: String,
        label: String,
        unix_s: u64,
    },
    Commit,
    SetTime(u64, [u8; 32]),
    Status,
    Prove([u8; 32]),
    Wipe([u8; 32]),
    /// A new session, compared or not.
    Open(bool),
    Hello,
    /// Bytes that are no frame of the session.
    Noise(Vec<u8>),
    /// The last frame again, with this bit of it changed.
    Flip(usize),
    Press,
    Pass(u64),
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 1_799_970_000_u64..1_799_980_000, Just(u64::MAX), Just(0),]
}

fn tag() -> impl Strategy<Value = [u8; 32]> {
    prop_oneof![any::<[u8; 32]>(), Just([0; 32])]
}

fn asks() -> impl Strategy<Value = Ask> {
    prop_oneof![
        4 => (0_u8..12, any::<u16>(), ".{0,34}", ".{0,34}", time()).prop_map(
            |(digits, period_s, serial, label, unix_s)| Ask::Provision { digits, period_s, serial, label, unix_s }
        ),
        4 => Just(Ask::Commit),
        6 => (time(), tag()).prop_map(|(unix_s, tag)| Ask::SetTime(unix_s, tag)),
        6 => Just(Ask::Status),
        6 => any::<[u8; 32]>().prop_map(Ask::Prove),
        6 => tag().prop_map(Ask::Wipe),
        4 => Just(Ask::Confirm),
        1 => any::<bool>().prop_map(Ask::Open),
        1 => Just(Ask::Hello),
        1 => proptest::collection::vec(any::<u8>(), 0..300).prop_map(Ask::Noise),
        1 => (0_usize..2_000).prop_map(Ask::Flip),
        1 => Just(Ask::Press),
        1 => (0_u64..5_000).prop_map(Ask::Pass),
    ]
}

#[test]
fn nothing_secret_is_to_be_had_from_a_sealed_token() {
    let soak = std::env::var_os("COUNTERSIGN_SOAK").is_some();
    let count = if soak { 100_000_000_u64 } else { 1_000_000 };
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    let kept = token.board.storage[0x100..0x280].to_vec();
    let mut host = TestHost::new();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(Default::default(), &[5; 32]));
    let mut random = {
        let strategy = asks();
        // A few thousand different questions; their order never repeats.
        let asks: Vec<Ask> = (0..4_096)
            .map(|_| strategy.new_tree(&mut runner).expect("a question").current())
            .collect();
        let mut seed = 1_u64;
        move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (asks[(seed >> 20) as usize % asks.len()].clone(), seed)
        }
    };
    let (mut proofs, mut refusals, mut sessions) = (0, 0, 0);
    for number in 0..count {
        let (ask, chance) = random();
        let said = match &ask {
            Ask::Open(compare) => {
                sessions += u64::from(host.open(&mut token, *compare).is_some());
                continue;
            }
            Ask::Hello => {
                host.hello(&mut token);
                continue;
            }
            Ask::Noise(bytes) => {
                token.step(token::Event::Received(bytes));
                continue;
            }
            Ask::Flip(bit) => {
                let mut frame = host.machine.frame().as_bytes().to_vec();
                if let Some(byte) = frame.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
                token.step(token::Event::Received(&frame));
                continue;
            }
            Ask::Press => {
                token.press();
                continue;
            }
            Ask::Pass(ms) => {
                token.pass_ms(*ms);
                continue;
            }
            Ask::Confirm => host.ask(&mut token, &Request::Confirm),
            Ask::Commit => host.ask(&mut token, &Request::Commit),
            Ask::Status => host.ask(&mut token, &Request::Status),
            Ask::Prove(nonce) => host.ask(&mut token, &Request::Prove { nonce: *nonce }),
            Ask::Wipe(tag) => host.ask(&mut token, &Request::Wipe { tag: *tag }),
            Ask::SetTime(unix_s, tag) => {
                let (unix_s, tag) = (*unix_s, *tag);
                host.ask(&mut token, &Request::SetTime { unix_s, tag })
            }
            Ask::Provision {
                digits,
                period_s,
                serial,
                label,
                unix_s,
            } => {
                let wanted = Provision {
                    parameters: Parameters {
                        algorithm: Algorithm::Sha1,
                        digits: *digits,
                        period_s: *period_s,
                    },
                    serial_number: serial,
                    label,
                    unix_s: *unix_s,
                    host_random: [chance as u8; 32],
                };
                host.ask(&mut token, &Request::Provision(wanted))
            }
        };
        match said {
            Said::Proof(_) => proofs += 1,
            Said::Refused(_) => refusals += 1,
            Said::Nothing => {
                // The session is over: the next one begins, mostly uncompared.
                sessions += u64::from(host.open(&mut token, chance.is_multiple_of(7)).is_some());
            }
            Said::Confirmed(_) | Said::Status { .. } => {}
            said => panic!("question {number}, {ask:?}: {said:?}"),
        }
        if number.is_multiple_of(1_000) {
            let line = std::mem::take(&mut host.line);
            for secret in [&made.secret[..], &made.management_key] {
                assert!(
                    !line.windows(8).any(|window| window == &secret[..8]),
                    "question {number}: on the line"
                );
            }
        }
    }
    assert!(
        proofs > count / 100 && refusals > count / 10 && sessions > count / 1_000,
        "the questions reached it: {proofs} proofs, {refusals} refusals, {sessions} sessions"
    );
    assert!(token.board.storage[0x100..0x280] == kept, "the key record is as it was");
    let mut host = TestHost::new();
    assert_eq!(host.hello(&mut token).map(|about| about.0), Some(TokenStatus::Sealed));
    token.pass_ms(60_000);
    assert_eq!(
        token.code(),
        made.code_at(token.board.now_ms / 1_000),
        "the clock is as it was"
    );
}
