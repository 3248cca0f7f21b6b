//! What the answer of a request must be.

use std::ops::Range;

use otp::Step;

use crate::{
    population::{self, Device},
    shots::Shots,
};

/// The answer that is right.
pub(crate) enum Expected {
    /// For the users of these turns, at the step after so many moves.
    Accepted(Range<u32>, u64),
    /// For this counter token, at this counter.
    Counted(u32, Step),
    Echoed,
    Refused,
    Locked,
    Active,
    /// A challenge that nobody has to answer.
    Allowed,
    /// A page with a heading.
    Page,
    /// Anything but an acceptance: not judged for the many that wait, refused, or locked.
    Flooded,
    /// A challenge for the user of this turn, whose device shows the step after so many moves.
    Answered(u32, u64),
}

impl Expected {
    pub(crate) fn items(&self) -> u32 {
        match self {
            Self::Accepted(turns, _) => turns.len() as u32,
            _ => 1,
        }
    }

    /// How many answers are not as they should be, and the first of them.
    pub(crate) fn errors(&self, shots: &Shots, status: u16, answer: &[u8]) -> Option<(u32, String)> {
        let outcome = match self {
            Self::Accepted(..) | Self::Counted(..) | Self::Echoed => r#""accepted":true,"outcome":"accepted","#,
            Self::Refused => r#""accepted":false,"outcome":"refused"}"#,
            Self::Locked => r#""accepted":false,"outcome":"locked","#,
            Self::Active => r#""active":true,"#,
            Self::Allowed => return self.not_allowed(shots, (status, 201), answer),
            Self::Page => return not_shown(status, answer),
            Self::Flooded => return not_kept_out(status, answer),
            Self::Answered(..) => return self.not_allowed(shots, (status, 200), answer),
        };
        let answer = str::from_utf8(answer).unwrap_or_default();
        let is_result = |result: &&str| {
            [r#""accepted""#, r#""active""#]
                .iter()
                .any(|field| result.starts_with(field))
        };
        let results = answer.split('{').filter(is_result);
        let (mut right, mut first) = (0, None);
        for (place, result) in results.enumerate() {
            if status == 200 && (result.starts_with(outcome) || self.shown_twice(shots, place)) {
                right += 1;
            } else {
                first.get_or_insert(result);
            }
        }
        (right < self.items()).then(|| {
            let first = first.unwrap_or(answer).chars().take(200).collect::<String>();
            (self.items() - right, format!("{status} {first}"))
        })
    }

    /// The same, of a challenge.
    fn not_allowed(&self, shots: &Shots, (status, right): (u16, u16), answer: &[u8]) -> Option<(u32, String)> {
        let answer = str::from_utf8(answer).unwrap_or_default();
        let is_granted = answer.contains(r#""decision":"allow""#) && answer.contains(r#""grant":""#);
        let is_right = status == right && (is_granted || self.shown_twice(shots, 0));
        wrong_unless(is_right, status, answer)
    }

    /// Whether the device showed the same code just before, as one in a million does; then it is burned already.
    fn shown_twice(&self, shots: &Shots, place: usize) -> bool {
        let (turn, moves) = match self {
            Self::Counted(number, counter) => return passed_over(&Device::of(*number), *counter),
            Self::Accepted(turns, moves) => (turns.clone().nth(place), moves),
            Self::Answered(turn, moves) => (Some(*turn), moves),
            _ => return false,
        };
        let Some(turn) = turn else {
            return false;
        };
        let device = Device::of(shots.number(turn.into()));
        let code = device.shown(population::step(*moves));
        let before = [-1, -2].map(|distance| device.shown(population::step(*moves).offset(distance)));
        before.iter().any(|before| before.ct_eq(&code).into())
    }
}

/// Whether a code of before stands again at this counter or after it, as one in some hundred thousand does: then it was taken
/// for the later one, and this one was passed over.
fn passed_over(device: &Device, counter: Step) -> bool {
    const LOOK_AHEAD: i64 = 5;
    (1..=LOOK_AHEAD).any(|ago| {
        let before = counter.offset(-ago);
        let code = device.shown(before);
        (ago..=LOOK_AHEAD).any(|ahead| device.shown(before.offset(ahead)).ct_eq(&code).into())
    })
}

fn not_shown(status: u16, answer: &[u8]) -> Option<(u32, String)> {
    let page = str::from_utf8(answer).unwrap_or_default();
    wrong_unless(status == 200 && page.contains("<h1>"), status, page)
}

fn not_kept_out(status: u16, answer: &[u8]) -> Option<(u32, String)> {
    let answer = str::from_utf8(answer).unwrap_or_default();
    let is_kept_out = match status {
        429 => answer.contains(r#""code":"rate_limited""#),
        200 => answer.contains(r#""accepted":false,"#),
        _ => false,
    };
    wrong_unless(is_kept_out, status, answer)
}

fn wrong_unless(is_right: bool, status: u16, answer: &str) -> Option<(u32, String)> {
    (!is_right).then(|| (1, format!("{status} {}", answer.chars().take(200).collect::<String>())))
}
