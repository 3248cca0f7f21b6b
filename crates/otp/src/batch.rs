//! Many checks at once.

use core::iter::successors;

use crate::lanes::{LANES, Lanes, STEPS};
use crate::matches::Latest;
use crate::simd::{ShaNi, Vectors};
use crate::{Algorithm, Code, Key, Match, Secret, Step, Window};

/// One of many checks: what [`Key::check`] is asked.
pub struct Check<'a> {
    /// The device's key.
    pub key: CheckKey<'a>,
    /// The code that was typed.
    pub code: &'a Code,
    /// The steps at which it may stand.
    pub window: Window,
    /// The last accepted step.
    pub last: Option<Step>,
}

/// What a [`Check`] is made with.
pub enum CheckKey<'a> {
    /// A key that stands ready.
    Key(&'a Key),
    /// A secret that is checked once: its key is made, used and wiped on the way.
    Secret(&'a Secret, Algorithm),
}

/// Does what [`Key::check`] does, for many: writes the outcome of each of `checks` to its place in `matches`.
///
/// With vectors, SHA-1 costs a third of it; other algorithms are checked one by one. The work depends on how many checks there
/// are, on their algorithms, on the lengths of their windows and of the secrets, not on where or whether a code stands.
///
/// ```
/// use countersign_otp::{Algorithm, Check, CheckKey, Code, Match, Secret, Step, Window, check_all};
///
/// let secret = Secret::from_slice(b"12345678901234567890")?;
/// let typed = ["287 082", "000 000"].map(|typed| Code::parse(typed).ok().unwrap());
/// let checks = typed.each_ref().map(|code| Check {
///     key: CheckKey::Secret(&secret, Algorithm::Sha1),
///     code,
///     window: Window::around(Step::new(1), 1),
///     last: None,
/// });
/// let mut matches = [Match::None, Match::None];
/// check_all(&checks, &mut matches);
/// assert!(matches!(matches, [Match::Accepted(_), Match::None]));
/// # Ok::<(), countersign_otp::SecretError>(())
/// ```
///
/// # Panics
/// If there are not as many `matches` as `checks`.
pub fn check_all(checks: &[Check<'_>], matches: &mut [Match]) {
    Kernel::fastest().check_all(checks, matches);
}

/// A way to compute many HMAC-SHA-1 that this processor has; all of them have the same outcome. For tests and benchmarks:
/// [`check_all`] takes the fastest.
#[derive(Clone, Copy)]
pub struct Kernel(Instructions);

#[derive(Clone, Copy)]
enum Instructions {
    Avx512(Vectors),
    ShaNi(ShaNi),
    Avx2(Vectors),
    Scalar,
}

impl Kernel {
    /// Those that this processor has, the fastest first.
    pub fn all() -> impl Iterator<Item = Self> {
        let vectors = [
            Vectors::avx512().map(Instructions::Avx512),
            Vectors::avx2().map(Instructions::Avx2),
            ShaNi::get().map(Instructions::ShaNi),
            Some(Instructions::Scalar),
        ];
        vectors.into_iter().flatten().map(Self)
    }

    /// The fastest that this processor has.
    pub fn fastest() -> Self {
        Self::all().next().unwrap_or(Self(Instructions::Scalar))
    }

    /// The instructions: `AVX-512`, `AVX2`, `SHA-NI`, or `scalar` for one compression after the other.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Instructions::Avx512(_) => "AVX-512",
            Instructions::Avx2(_) => "AVX2",
            Instructions::ShaNi(_) => "SHA-NI",
            Instructions::Scalar => "scalar",
        }
    }

    /// [`check_all`](crate::check_all()) by this kernel.
    ///
    /// # Panics
    /// If there are not as many `matches` as `checks`.
    pub fn check_all(self, checks: &[Check<'_>], matches: &mut [Match]) {
        assert_eq!(checks.len(), matches.len(), "a place for each outcome");
        let sha_ni = match self.0 {
            Instructions::Avx512(vectors) | Instructions::Avx2(vectors) => {
                return in_vectors(vectors, checks, matches);
            }
            Instructions::ShaNi(sha_ni) => Some(sha_ni),
            Instructions::Scalar => None,
        };
        for (check, outcome) in checks.iter().zip(matches) {
            *outcome = check.alone(sha_ni);
        }
    }
}

impl Check<'_> {
    fn alone(&self, sha_ni: Option<ShaNi>) -> Match {
        let Self { code, window, last, .. } = *self;
        self.key.with(|key| key.check_by(sha_ni, code, window, last))
    }
}

impl CheckKey<'_> {
    fn is_sha1(&self) -> bool {
        match self {
            Self::Key(key) => key.sha1().is_some(),
            Self::Secret(_, algorithm) => *algorithm == Algorithm::Sha1,
        }
    }

    fn with<T>(&self, use_: impl FnOnce(&Key) -> T) -> T {
        match self {
            Self::Key(key) => use_(key),
            Self::Secret(secret, algorithm) => use_(&Key::new(secret, *algorithm)),
        }
    }
}

/// SHA-1 in vectors, and what is left over one by one.
fn in_vectors(vectors: Vectors, checks: &[Check<'_>], matches: &mut [Match]) {
    let mut lanes = SpanLanes {
        vectors,
        lanes: Lanes::new(),
        spans: [Span::default(); LANES],
        filled: 0,
    };
    let mut outcomes = Outcomes {
        checks,
        matches,
        open: None,
    };
    for (index, check) in checks.iter().enumerate() {
        if !check.key.is_sha1() {
            outcomes.matches[index] = check.alone(ShaNi::get());
            continue;
        }
        for span in Span::all_of(index, check.window) {
            lanes.put(check, span);
            if lanes.filled == LANES {
                lanes.look(&mut outcomes);
            }
        }
    }
    lanes.finish(&mut outcomes);
    outcomes.close();
}

/// What a lane computes: consecutive steps of one check, [`STEPS`] at the most.
#[derive(Clone, Copy, Default)]
struct Span {
    check: usize,
    first: u64,
    last: u64,
}

impl Span {
    /// The window in spans, none of which passes a multiple of 2^32, for lanes do not carry.
    #[inline]
    fn all_of(check: usize, window: Window) -> impl Iterator<Item = Self> {
        let (first, last) = (window.first().get(), window.last().get());
        let span = move |first: u64| {
            let end_of_lane = first.saturating_add(STEPS as u64 - 1);
            let last = last.min(end_of_lane).min(first | 0xffff_ffff);
            Self { check, first, last }
        };
        successors(Some(span(first)), move |before| {
            (before.last < last).then(|| span(before.last + 1))
        })
    }
}

/// Spans that are looked at together.
struct SpanLanes {
    vectors: Vectors,
    lanes: Lanes,
    spans: [Span; LANES],
    filled: usize,
}

impl SpanLanes {
    #[inline]
    fn put(&mut self, check: &Check<'_>, span: Span) {
        let lane = self.filled;
        assert!(lane < LANES, "full lanes are looked at");
        match &check.key {
            CheckKey::Key(key) => self.lanes.put_midstates(lane, key.sha1().expect("a key for SHA-1")),
            CheckKey::Secret(secret, _) => self.lanes.put_secret(lane, secret),
        }
        self.lanes.put_question(lane, check.code, span.first);
        self.spans[lane] = span;
        self.filled += 1;
    }

    fn look(&mut self, outcomes: &mut Outcomes<'_>) {
        if self.lanes.has_secrets() {
            self.vectors.midstates(&mut self.lanes);
        }
        self.vectors.look(&mut self.lanes);
        for (lane, span) in self.spans[..self.filled].iter().enumerate() {
            let within = (2 << (span.last - span.first)) - 1;
            let stands = self.lanes.stands_at(lane) & within;
            outcomes.of_check(span.check).visit_three(span.first, stands);
        }
        self.filled = 0;
    }

    /// The last ones, which may be few.
    fn finish(&mut self, outcomes: &mut Outcomes<'_>) {
        /// Fewer than these are faster one by one.
        const FEW: usize = 8;
        if self.filled >= FEW {
            return self.look(outcomes);
        }
        let checks = outcomes.checks;
        for span in &self.spans[..self.filled] {
            let (first, last) = (Step::new(span.first), Step::new(span.last));
            let latest = outcomes.of_check(span.check);
            let visit = |step, value| latest.visit(step, value);
            checks[span.check]
                .key
                .with(|key| key.scan_by(ShaNi::get(), first, last, visit));
        }
    }
}

/// The outcomes of checks whose spans come in ascending order.
struct Outcomes<'a> {
    checks: &'a [Check<'a>],
    matches: &'a mut [Match],
    /// The check of the span that came last.
    open: Option<(usize, Latest<'a>)>,
}

impl<'a> Outcomes<'a> {
    #[inline]
    fn of_check(&mut self, check: usize) -> &mut Latest<'a> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != check) {
            self.close();
        }
        let checks = self.checks;
        let (_, latest) = self.open.get_or_insert_with(|| (check, Latest::of(checks[check].code)));
        latest
    }

    #[inline]
    fn close(&mut self) {
        if let Some((check, latest)) = self.open.take() {
            self.matches[check] = latest.judged(self.checks[check].last);
        }
    }
}
