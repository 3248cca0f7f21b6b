//! A token's life: blank, provisioned, sealed, wiped; what the button does, and what the line may ask.

mod support;

use ::token::Event;
use support::{BEGINNING_S, Board, SERIAL, Said, TestHost, Token, USUAL, read_digits};
use wire::{Algorithm, Order, Parameters, Provision, Refusal, Request, TokenStatus, authorisation};

#[test]
fn a_blank_token_becomes_one_that_shows_the_codes_of_its_secret() {
    let mut token = Token::blank();
    let mut host = TestHost::new();
    assert_eq!(host.hello(&mut token), Some((TokenStatus::Blank, None)));
    let made = host.provision(&mut token, USUAL).expect("it can be provisioned");
    assert_eq!(host.ask(&mut token, &Request::Commit), Said::Committed);
    assert_eq!(
        host.hello(&mut token),
        Some((TokenStatus::Sealed, Some(SERIAL.to_owned())))
    );
    for _ in 0..20 {
        assert_eq!(token.code(), made.code_at(token.board.now_ms / 1_000));
        token.pass_ms(30_000);
    }
}

#[test]
fn whatever_the_parameters() {
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        for (digits, period_s) in [(6, 30), (7, 60), (8, 1), (8, 3_600)] {
            let parameters = Parameters {
                algorithm,
                digits,
                period_s,
            };
            let mut token = Token::blank();
            let made = TestHost::new().seal(&mut token, parameters);
            let shown = token.code();
            assert_eq!(shown, made.code_at(BEGINNING_S), "{parameters:?}");
        }
    }
}

#[test]
fn no_two_tokens_and_no_two_lives_have_one_secret() {
    let mut token = Token::blank();
    let mut host = TestHost::new();
    let first = host.seal(&mut token, USUAL);
    assert!(token.board.keeps(&first.secret), "that is where it is");
    host.open(&mut token, false);
    let tag = authorisation(
        &first.management_key,
        host.machine.session().expect("a session"),
        Order::Wipe,
    );
    assert_eq!(host.ask(&mut token, &Request::Wipe { tag }), Said::Wiped);
    assert!(!token.board.keeps(&first.secret[..8]), "U4: erased, every copy");
    assert!(!token.board.keeps(&first.management_key[..8]));
    assert_eq!(host.hello(&mut token), Some((TokenStatus::Wiped, None)));

    // The same desk, with the same numbers.
    let second = TestHost::new().seal(&mut token, USUAL);
    assert_ne!(first.secret, second.secret, "U4");
    assert_ne!(first.management_key, second.management_key);
    let other = TestHost::new().seal(&mut Token::new(seeded(1)), USUAL);
    assert_ne!(first.secret, other.secret);
}

fn seeded(more: u8) -> Board {
    let mut board = Board::blank();
    board.storage[0] ^= more;
    board
}

#[test]
fn a_power_cut_never_brings_randomness_back() {
    // The same session twice, from one image: the second time the seed has moved on.
    let mut token = Token::blank();
    let first = TestHost::new().provision(&mut token, USUAL).expect("a secret");
    let mut token = token.restart();
    let second = TestHost::new().provision(&mut token, USUAL).expect("a secret");
    assert_ne!(first.secret, second.secret);
    assert!(
        token.board.storage[..32].iter().all(|&byte| byte == 0),
        "the factory's seed is gone"
    );
}

#[test]
fn a_token_without_seed_and_source_makes_no_secret() {
    let mut board = Board::blank();
    board.storage.fill(0xFF);
    let mut token = Token::new(board);
    assert_eq!(TestHost::new().open(&mut token, false), None);
}

#[test]
fn the_digits_are_the_same_on_both_sides_and_a_person_says_yes() {
    let mut token = Token::blank();
    let mut host = TestHost::new();
    let digits = host.open(&mut token, true).expect("a session");
    let picture = token.board.picture.clone().expect("the display is lit");
    assert_eq!(read_digits(&picture), format!("{digits:06}"));
    assert_eq!(host.ask(&mut token, &Request::Confirm), Said::Confirmed(false));
    let wanted = Provision {
        parameters: USUAL,
        serial_number: SERIAL,
        label: "",
        unix_s: BEGINNING_S,
        host_random: [7; 32],
    };
    assert_eq!(
        host.ask(&mut token, &Request::Provision(wanted)),
        Said::Refused(Refusal::NotConfirmed)
    );
    token.press();
    assert_eq!(host.ask(&mut token, &Request::Confirm), Said::Confirmed(true));
    let made = host.provision_here(&mut token, USUAL).expect("a secret");
    assert_eq!(host.ask(&mut token, &Request::Commit), Said::Committed);
    host.hello(&mut token);
    assert_eq!(token.code(), made.code_at(token.board.now_ms / 1_000));
}

#[test]
fn a_sealed_token_is_provisioned_by_nobody() {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    assert!(TestHost::new().provision(&mut token, USUAL).is_none());
    let mut host = TestHost::new();
    host.open(&mut token, false);
    assert_eq!(
        host.ask(&mut token, &Request::Commit),
        Said::Refused(Refusal::WrongState)
    );
    host.hello(&mut token);
    assert_eq!(token.code(), made.code_at(token.board.now_ms / 1_000));
}

#[test]
fn only_the_session_that_made_the_secret_seals_it() {
    let mut token = Token::blank();
    assert!(TestHost::new().provision(&mut token, USUAL).is_some());
    let mut host = TestHost::new();
    host.open(&mut token, false);
    assert_eq!(
        host.ask(&mut token, &Request::Commit),
        Said::Refused(Refusal::WrongState)
    );
    assert!(
        host.provision_here(&mut token, USUAL).is_some(),
        "what is not in use is made anew"
    );
    assert_eq!(host.ask(&mut token, &Request::Commit), Said::Committed);
}

#[test]
fn possession_is_proved_without_a_code() {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    let mut host = TestHost::new();
    host.open(&mut token, false);
    let right = wire::possession(&made.secret, host.machine.session().expect("a session"), &[3; 32]);
    assert_eq!(
        host.ask(&mut token, &Request::Prove { nonce: [3; 32] }),
        Said::Proof(right)
    );
    let Said::Proof(other) = host.ask(&mut token, &Request::Prove { nonce: [4; 32] }) else {
        panic!("a proof");
    };
    assert_ne!(right, other);
}

#[test]
fn bad_wishes_are_refused_and_change_nothing() {
    let good = Provision {
        parameters: USUAL,
        serial_number: SERIAL,
        label: "",
        unix_s: BEGINNING_S,
        host_random: [7; 32],
    };
    let long = "x".repeat(33);
    let parameters = |digits, period_s| Parameters {
        digits,
        period_s,
        ..USUAL
    };
    let mut token = Token::blank();
    let before = token.board.storage.clone();
    for wanted in [
        Provision {
            serial_number: "",
            ..good
        },
        Provision {
            serial_number: &long,
            ..good
        },
        Provision {
            serial_number: "CS-\u{7}",
            ..good
        },
        Provision {
            label: "令牌", ..good
        },
        Provision { label: &long, ..good },
        Provision { unix_s: 0, ..good },
        Provision {
            unix_s: u64::MAX,
            ..good
        },
        Provision {
            parameters: parameters(5, 30),
            ..good
        },
        Provision {
            parameters: parameters(9, 30),
            ..good
        },
        Provision {
            parameters: parameters(6, 0),
            ..good
        },
        Provision {
            parameters: parameters(6, 3_601),
            ..good
        },
    ] {
        let mut host = TestHost::new();
        host.open(&mut token, false);
        assert_eq!(
            host.ask(&mut token, &Request::Provision(wanted)),
            Said::Refused(Refusal::Invalid),
            "{wanted:?}"
        );
    }
    assert_eq!(token.board.storage[0x100..], before[0x100..]);
    assert_eq!(TestHost::new().hello(&mut token), Some((TokenStatus::Blank, None)));
}

#[test]
fn a_stranger_neither_sets_the_clock_nor_erases() {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    let stranger = [9; 32];
    let mut host = TestHost::new();
    host.open(&mut token, false);
    let now_s = token.board.now_ms / 1_000;
    assert_eq!(
        host.order_time(&mut token, &stranger, now_s + 60),
        Said::Refused(Refusal::NotAuthorised)
    );
    let session = host.machine.session().expect("a session");
    let tag = authorisation(&stranger, session, Order::Wipe);
    assert_eq!(
        host.ask(&mut token, &Request::Wipe { tag }),
        Said::Refused(Refusal::NotAuthorised)
    );
    // A tag of the owner, from another session.
    let mut owner = TestHost::new();
    owner.open(&mut token, false);
    let session = owner.machine.session().expect("a session");
    let tag = authorisation(&made.management_key, session, Order::Wipe);
    let mut thief = TestHost::new();
    thief.open(&mut token, true);
    thief.open(&mut token, false);
    assert_eq!(
        thief.ask(&mut token, &Request::Wipe { tag }),
        Said::Refused(Refusal::NotAuthorised)
    );
    thief.hello(&mut token);
    assert_eq!(token.code(), made.code_at(token.board.now_ms / 1_000));
}

#[test]
fn a_button_held_for_ten_seconds_erases_and_a_short_one_does_not() {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    token.step(Event::Pressed);
    token.pass_ms(9_500);
    token.step(Event::Released);
    assert!(token.board.keeps(&made.secret));
    token.pass_ms(60_000);
    token.step(Event::Pressed);
    token.pass_ms(10_500);
    token.step(Event::Released);
    assert!(!token.board.keeps(&made.secret[..8]));
    assert_eq!(TestHost::new().hello(&mut token), Some((TokenStatus::Wiped, None)));
}

#[test]
fn the_display_sleeps_by_itself() {
    let mut token = Token::blank();
    TestHost::new().seal(&mut token, USUAL);
    assert!(token.board.picture.is_none());
    token.press();
    assert!(token.board.picture.is_some());
    token.pass_ms(29_000);
    assert!(token.board.picture.is_some());
    token.pass_ms(1_500);
    assert!(token.board.picture.is_none());
}

#[test]
fn a_clock_that_stopped_shows_no_code() {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    token.board.stop_clock();
    let mut token = token.restart();
    token.press();
    let screen = token.board.picture.clone().expect("the display is lit");
    let shown = std::panic::catch_unwind(|| read_digits(&screen));
    assert!(shown.is_err(), "an error, and no digits");
    let now_s = token.board.now_ms / 1_000;
    assert_eq!(
        TestHost::new().set_time(&mut token, &made, now_s),
        Said::Refused(Refusal::NoTime)
    );
}
