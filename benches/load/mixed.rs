//! The traffic of a day.

use crate::{population, scenario::Scenario};

/// How many of a hundred requests are what. Nobody has published such shares: these are an estimate for a cloud whose users
/// log in once or twice a day. Most codes are right; people mistype some, and a few are of those who gave up or guess; a
/// login or an operation that is asked for by a challenge is rarer than one that the cloud's own login service asks about;
/// and sessions are checked at the doors of what has to be most certain, not at each of its requests.
const SHARES: [(u64, Scenario); 6] = [
    (70, Scenario::Single),
    (8, Scenario::Guess),
    (2, Scenario::Locked),
    (3, Scenario::Stranger),
    (7, Scenario::ChallengeAnswer),
    (10, Scenario::SessionCheck),
];

const ALL: u64 = 100;

const _: () = {
    let (mut sum, mut place) = (0, 0);
    while place < SHARES.len() {
        sum += SHARES[place].0;
        place += 1;
    }
    assert!(sum == ALL);
};

/// What is asked at this turn.
pub(crate) fn drawn(turn: u64) -> Scenario {
    let place = population::mixed(turn) % ALL;
    let mut through = 0;
    let found = SHARES.iter().find(|(share, _)| {
        through += share;
        place < through
    });
    found.expect("the shares are a hundred in all").1
}
