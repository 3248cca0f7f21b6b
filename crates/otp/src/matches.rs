//! Which of the steps that match is meant, without a branch on where or whether one does.
//!
//! Each of these is told of every step, in ascending order, and asked once at the end.

use subtle::{Choice, ConditionallySelectable};

use crate::{Code, Step};

/// The latest step at which a code stands.
pub(crate) struct Latest<'a> {
    code: &'a Code,
    found: Choice,
    step: u64,
}

impl<'a> Latest<'a> {
    pub(crate) fn of(code: &'a Code) -> Self {
        Self { code, found: Choice::from(0), step: 0 }
    }

    #[inline]
    pub(crate) fn visit(&mut self, step: u64, truncated: u32) {
        let here = self.code.stands_at(truncated);
        self.step.conditional_assign(&step, here);
        self.found |= here;
    }

    pub(crate) fn step(self) -> Option<Step> {
        bool::from(self.found).then(|| Step::new(self.step))
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
        Self { first, second, first_before: Choice::from(0), found: Choice::from(0), step: 0 }
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
        Self { near, before: Latest::of(code), code, found_after: Choice::from(0), after: 0 }
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
