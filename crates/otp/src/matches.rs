//! Which of the steps that match is meant, without a branch on where or whether one does.
//!
//! Each of these is told of every step, in ascending order, and asked once at the end.

use subtle::{Choice, ConditionallySelectable};

use crate::{Accepted, Code, Match, Step};

/// The latest step at which a code stands.
pub(crate) struct Latest<'a> {
    code: &'a Code,
    found: Choice,
    step: u64,
}

impl<'a> Latest<'a> {
    pub(crate) fn of(code: &'a Code) -> Self {
        Self {
            code,
            found: Choice::from(0),
            step: 0,
        }
    }

    #[inline]
    pub(crate) fn visit(&mut self, step: u64, truncated: u32) {
        let here = self.code.stands_at(truncated);
        self.step.conditional_assign(&step, here);
        self.found |= here;
    }

    /// Three steps from `first` on: of those at which the code stands `stands` has a bit, the lowest for the first.
    #[inline]
    pub(crate) fn visit_three(&mut self, first: u64, stands: u32) {
        let [second, third] = [stands >> 1 & 1, stands >> 2 & 1];
        let latest = first.wrapping_add(u64::from(third << 1 | second & !third));
        let here = Choice::from((stands & 1 | second | third) as u8);
        self.step.conditional_assign(&latest, here);
        self.found |= here;
    }

    pub(crate) fn step(self) -> Option<Step> {
        bool::from(self.found).then(|| Step::new(self.step))
    }

    /// The outcome for a device that has accepted codes up to and including `last`.
    pub(crate) fn judged(self, last: Option<Step>) -> Match {
        match self.step() {
            Some(step) if Some(step) > last => Match::Accepted(Accepted::new(step)),
            Some(step) => Match::Used { step },
            None => Match::None,
        }
    }
}

/// The latest step at which the second of two codes stands while the first stands one step before.
pub(crate) struct LatestPair<'a> {
    first: &'a Code,
    second: &'a Code,
    first_before: Choice,
    found: Choice,
    step: u64,
}

impl<'a> LatestPair<'a> {
    pub(crate) fn of(first: &'a Code, second: &'a Code) -> Self {
        Self {
            first,
            second,
            first_before: Choice::from(0),
            found: Choice::from(0),
            step: 0,
        }
    }

    #[inline]
    pub(crate) fn visit(&mut self, step: u64, truncated: u32) {
        let here = self.first_before & self.second.stands_at(truncated);
        self.step.conditional_assign(&step, here);
        self.found |= here;
        self.first_before = self.first.stands_at(truncated);
    }

    /// The step of the second code.
    pub(crate) fn step(self) -> Option<Step> {
        bool::from(self.found).then(|| Step::new(self.step))
    }
}

/// The step nearest another one at which a code stands; of two at the same distance the later.
pub(crate) struct Nearest<'a> {
    near: Step,
    /// Up to and including `near`.
    before: Latest<'a>,
    code: &'a Code,
    found_after: Choice,
    after: u64,
}

impl<'a> Nearest<'a> {
    pub(crate) fn of(code: &'a Code, near: Step) -> Self {
        Self {
            near,
            before: Latest::of(code),
            code,
            found_after: Choice::from(0),
            after: 0,
        }
    }

    #[inline]
    pub(crate) fn visit(&mut self, step: u64, truncated: u32) {
        if step <= self.near.get() {
            return self.before.visit(step, truncated);
        }
        let here = self.code.stands_at(truncated);
        self.after.conditional_assign(&step, here & !self.found_after);
        self.found_after |= here;
    }

    pub(crate) fn step(self) -> Option<Step> {
        let near = self.near.get();
        let after = bool::from(self.found_after).then(|| Step::new(self.after));
        match (self.before.step(), after) {
            (Some(before), Some(after)) if near - before.get() < after.get() - near => Some(before),
            (Some(before), None) => Some(before),
            (_, after) => after,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Steps 0.. whose values are one of two codes or neither, in every order: what real keys show
    /// too rarely to test, such as a pair of codes that stands twice in one window.
    fn every_row(len: u32) -> impl Iterator<Item = Vec<u32>> {
        (0..3_u32.pow(len)).map(move |row| (0..len).map(|step| row / 3_u32.pow(step) % 3).collect())
    }

    fn code(value: u32) -> Code {
        Code::from_truncated(value, crate::Digits::SIX)
    }

    fn visit_all(row: &[u32], mut visit: impl FnMut(u64, u32)) {
        row.iter().zip(0..).for_each(|(value, step)| visit(step, *value));
    }

    #[test]
    fn the_latest_of_several() {
        for row in every_row(7) {
            let wanted = code(1);
            let mut latest = Latest::of(&wanted);
            visit_all(&row, |step, value| latest.visit(step, value));
            let expected = row.iter().rposition(|value| *value == 1);
            assert_eq!(latest.step(), expected.map(|step| Step::new(step as u64)), "{row:?}");
        }
    }

    #[test]
    fn the_latest_pair_of_several() {
        for row in every_row(7) {
            for (first, second) in [(1, 2), (1, 1)] {
                let (a, b) = (code(first), code(second));
                let mut latest = LatestPair::of(&a, &b);
                visit_all(&row, |step, value| latest.visit(step, value));
                let expected = row.windows(2).rposition(|pair| pair == [first, second]);
                assert_eq!(
                    latest.step(),
                    expected.map(|step| Step::new(step as u64 + 1)),
                    "{row:?}"
                );
            }
        }
    }

    #[test]
    fn the_nearest_of_several() {
        for row in every_row(7) {
            for near in 0..7_u64 {
                let wanted = code(1);
                let mut nearest = Nearest::of(&wanted, Step::new(near));
                visit_all(&row, |step, value| nearest.visit(step, value));
                let standing = (0..7).filter(|step| row[*step as usize] == 1);
                // min_by_key keeps the first of equals, so ask from the later end
                let expected = standing.rev().min_by_key(|step: &u64| step.abs_diff(near));
                assert_eq!(nearest.step(), expected.map(Step::new), "{row:?} near {near}");
            }
        }
    }
}
