//! The power goes at any byte: the token is what it was, or what it was to become, and never half of either.

mod support;

use support::{Board, Made, Said, Tear, TestHost, Token, USUAL};
use wire::{Order, Request, TokenStatus, authorisation};

const TEARS: [Tear; 3] = [Tear::Truncated, Tear::Garbled, Tear::PageGarbled];

/// Does this on a copy of the token with the power cut after each byte in turn, once for each kind of tear, and gives
/// every outcome to `look`, with the power back.
fn everywhere<T>(
    token: &Board,
    mut deed: impl FnMut(&mut Token) -> T,
    mut look: impl FnMut(&mut Token, T, &str),
) -> u64 {
    let mut whole = Token::new(token.clone());
    whole.board.written = 0;
    deed(&mut whole);
    let bytes = whole.board.written;
    assert!(bytes > 0, "there is something to cut");
    for tear in TEARS {
        for at in 0..bytes {
            let mut cut = Token::new(token.clone());
            (cut.board.written, cut.board.cut) = (0, Some((at, tear)));
            let result = deed(&mut cut);
            assert!(cut.board.dead, "the power was cut");
            let mut cut = cut.restart();
            look(&mut cut, result, &format!("{tear:?} at byte {at} of {bytes}"));
        }
    }
    bytes
}

/// Whatever it is now, it can be made a good token.
fn can_be_made_good(token: &mut Token, place: &str) {
    let mut host = TestHost::new();
    // Other numbers than those of the desk that was cut off.
    host.open(token, false);
    let made = host.seal(token, USUAL);
    assert_eq!(token.code(), made.code_at(token.board.now_ms / 1_000), "{place}");
}

#[test]
fn while_a_blank_token_is_provisioned() {
    let blank = Board::blank();
    let deed = |token: &mut Token| TestHost::new().provision(token, USUAL);
    let mut lives = [0; 2];
    everywhere(&blank, deed, |token, made: Option<Made>, place| {
        match TestHost::new().hello(token) {
            Some((TokenStatus::Blank, None)) => {
                assert!(made.is_none(), "{place}: told before it was kept");
                lives[0] += 1;
            }
            Some((TokenStatus::Provisioned, Some(_))) => lives[1] += 1,
            other => panic!("{place}: {other:?}"),
        }
        if let Some(made) = &made {
            assert_proves(token, made, place);
        }
        can_be_made_good(token, place);
    });
    assert!(lives.iter().all(|count| *count > 0), "both ends were met: {lives:?}");
}

/// The token has this secret.
fn assert_proves(token: &mut Token, made: &Made, place: &str) {
    let mut host = TestHost::new();
    host.open(token, false);
    let session = host.machine.session().expect("a session");
    let right = wire::possession(&made.secret, session, &[1; 32]);
    assert_eq!(
        host.ask(token, &Request::Prove { nonce: [1; 32] }),
        Said::Proof(right),
        "{place}"
    );
    host.hello(token);
}

#[test]
fn while_it_is_sealed() {
    let blank = Board::blank();
    // Provisioning writes the same bytes each time; what is cut is what comes after.
    let mut before = Token::new(blank.clone());
    before.board.written = 0;
    TestHost::new().provision(&mut before, USUAL);
    let provisioning = before.board.written;
    let deed = |token: &mut Token| {
        let mut host = TestHost::new();
        let made = host.provision(token, USUAL);
        let committed = host.ask(token, &Request::Commit);
        (made, committed)
    };
    everywhere(&blank, deed, |token, (made, committed), place| {
        let status = TestHost::new().hello(token).expect("it answers").0;
        if committed == Said::Committed {
            assert_eq!(status, TokenStatus::Sealed, "{place}: told before it was kept");
        }
        let Some(made) = made else { return };
        assert!(
            matches!(status, TokenStatus::Provisioned | TokenStatus::Sealed),
            "{place}: {status:?} after {provisioning} bytes"
        );
        assert_proves(token, &made, place);
        if status == TokenStatus::Sealed {
            assert_eq!(token.code(), made.code_at(token.board.now_ms / 1_000), "{place}");
        }
    });
}

#[test]
fn while_the_clock_is_set() {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    assert_eq!(token.code(), made.code_at(token.board.now_ms / 1_000));
    token.pass_ms(3_600_000);
    let sealed = token.board.clone();
    let now_s = sealed.now_ms / 1_000;
    let deed = |token: &mut Token| {
        let said = TestHost::new().set_time(token, &made, now_s + 120);
        // Writes again, so that the cut also comes when the clock is set.
        token.press();
        said
    };
    let mut clocks = [0; 2];
    everywhere(&sealed, deed, |token, said, place| {
        let shown = token.code();
        let set = shown == made.code_at(now_s + 120);
        assert!(
            set || shown == made.code_at(now_s),
            "{place}: neither the old time nor the new"
        );
        if said == Said::TimeSet(120, 479) {
            assert!(set, "{place}: told before it was set");
        }
        clocks[usize::from(set)] += 1;
        // What was used of the allowance stays used, whatever the clock shows.
        let left = if set { 479 } else { 600 };
        let at_s = if set { now_s + 120 } else { now_s };
        assert_ne!(
            TestHost::new().set_time(token, &made, at_s + left + 1),
            Said::Nothing,
            "{place}"
        );
        let over = TestHost::new().set_time(token, &made, at_s + left + 1);
        assert!(matches!(over, Said::Refused(_)), "{place}: {over:?}");
    });
    assert!(clocks.iter().all(|count| *count > 0), "both ends were met: {clocks:?}");
}

#[test]
fn while_it_is_wiped() {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    let sealed = token.board.clone();
    let deed = |token: &mut Token| {
        let mut host = TestHost::new();
        host.open(token, false);
        let Some(session) = host.machine.session() else {
            return Said::Nothing;
        };
        let tag = authorisation(&made.management_key, session, Order::Wipe);
        host.ask(token, &Request::Wipe { tag })
    };
    everywhere(&sealed, deed, |token, said, place| {
        match TestHost::new().hello(token).expect("it answers").0 {
            TokenStatus::Sealed => {
                assert_ne!(said, Said::Wiped, "{place}: told before it was erased");
                assert_eq!(token.code(), made.code_at(token.board.now_ms / 1_000), "{place}");
            }
            TokenStatus::Wiped => assert!(
                !token.board.keeps(&made.secret[..8]),
                "{place}: a copy is left after the power came back"
            ),
            other => panic!("{place}: {other:?}"),
        }
    });
}

#[test]
fn while_a_code_is_shown() {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    let sealed = token.board.clone();
    let deed = |token: &mut Token| {
        token.press();
        token.board.picture.clone()
    };
    everywhere(&sealed, deed, |token, picture, place| {
        assert!(picture.is_none(), "{place}: shown before it was noted");
        assert_eq!(token.code(), made.code_at(token.board.now_ms / 1_000), "{place}");
    });
}
