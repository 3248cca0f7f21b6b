//! What an operation is in the document, beside its path: the problems that it alone can answer with.

use std::collections::BTreeMap;

use crate::ProblemCode;

/// An operation and the problems that it alone can answer with.
pub(crate) struct Operation {
    pub(crate) id: &'static str,
    problems: &'static [&'static [ProblemCode]],
    pub(crate) open: bool,
}

impl Operation {
    /// One that takes an API key.
    pub(crate) const fn new(id: &'static str, problems: &'static [&'static [ProblemCode]]) -> Self {
        Self {
            id,
            problems,
            open: false,
        }
    }

    /// One that anybody may ask.
    pub(crate) const fn open(id: &'static str, problems: &'static [&'static [ProblemCode]]) -> Self {
        Self {
            id,
            problems,
            open: true,
        }
    }

    /// All of its problems, by status.
    pub(crate) fn by_status(&self, has_body: bool) -> BTreeMap<u16, Vec<ProblemCode>> {
        let mut sets = vec![ALWAYS];
        if !self.open {
            sets.push(KEYED);
        }
        if has_body {
            sets.push(WITH_BODY);
        }
        sets.extend(self.problems);
        let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
        for code in ProblemCode::ALL
            .iter()
            .filter(|code| sets.iter().any(|set| set.contains(code)))
        {
            by_status.entry(code.status()).or_default().push(*code);
        }
        by_status
    }
}

/// What breaks the rules of HTTP is refused wherever it goes.
const ALWAYS: &[ProblemCode] = &[
    ProblemCode::InvalidRequest,
    ProblemCode::RequestTimeout,
    ProblemCode::Internal,
];
const KEYED: &[ProblemCode] = &[
    ProblemCode::Unauthorized,
    ProblemCode::Forbidden,
    ProblemCode::RateLimited,
    ProblemCode::ClockUnreliable,
    ProblemCode::StorageUnavailable,
];
const WITH_BODY: &[ProblemCode] = &[ProblemCode::PayloadTooLarge, ProblemCode::UnsupportedMediaType];
/// Of an operation that judges a code and does not answer with a verdict.
pub(crate) const FACTOR: &[ProblemCode] = &[ProblemCode::CodeRefused];
/// Of a node that should not be asked at the moment.
pub(crate) const UNAVAILABLE: &[&[ProblemCode]] = &[&[ProblemCode::ClockUnreliable, ProblemCode::StorageUnavailable]];
