use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::hash::{Hash, truncate};
use crate::matches::{Latest, LatestPair, Nearest};
use crate::simd::ShaNi;
use crate::{Accepted, Algorithm, Code, Digits, Match, Secret, Step, Window};

/// The number of steps computed side by side: a processor that works ahead overlaps compressions
/// which do not wait for each other, and the usual window has three.
const LANES: usize = 4;

/// A secret made ready for one algorithm: HMAC's two midstates (RFC 2104 section 4), from which a
/// code costs two compressions.
///
/// As good as the secret itself to whoever steals it: wiped when dropped, never printed, never copied.
///
/// # Digits
/// Checks take the number of digits from the code. They do not know how many the device shows, and
/// the last six digits of an eight-digit code are a matching six-digit code: the caller compares
/// [`Code::digits`] with the device's and refuses a difference, after the check, so that this refusal
/// costs what any other one costs.
pub struct Key(Keyed);

enum Keyed {
    Sha1(Midstates<Sha1>),
    Sha256(Midstates<Sha256>),
    Sha512(Midstates<Sha512>),
}

impl Key {
    /// Keys the HMAC: two compressions, and a hash before them when the secret is longer than the
    /// algorithm's block.
    pub fn new(secret: &Secret, algorithm: Algorithm) -> Self {
        let key = secret.expose_secret();
        Self(match algorithm {
            Algorithm::Sha1 => Keyed::Sha1(Midstates::new(key)),
            Algorithm::Sha256 => Keyed::Sha256(Midstates::new(key)),
            Algorithm::Sha512 => Keyed::Sha512(Midstates::new(key)),
        })
    }

    /// The code that stands at `step` (RFC 6238 section 4.2; RFC 4226 section 5.3 with a counter for
    /// a step).
    ///
    /// ```
    /// use countersign_otp::{Algorithm, Digits, Key, Secret, Step};
    ///
    /// let secret = Secret::from_slice(b"12345678901234567890")?;
    /// let key = Key::new(&secret, Algorithm::Sha1);
    /// assert_eq!(key.code(Step::new(0), Digits::SIX).text(&mut [0; 8]), "755224");
    /// # Ok::<(), countersign_otp::SecretError>(())
    /// ```
    pub fn code(&self, step: Step, digits: Digits) -> Code {
        Code::from_truncated(self.truncated(step), digits)
    }

    /// The 31 bits of which `step`'s code is made (RFC 4226 section 5.3, step 2), for codes that are written otherwise:
    /// with 5, 9 or 10 digits, or in Steam's alphabet. As good as the code: wipe them.
    ///
    /// ```
    /// use countersign_otp::{Algorithm, Key, Secret, Step};
    ///
    /// let key = Key::new(&Secret::from_slice(b"12345678901234567890")?, Algorithm::Sha1);
    /// assert_eq!(key.truncated(Step::new(0)), 1_284_755_224); // RFC 4226 appendix D
    /// # Ok::<(), countersign_otp::SecretError>(())
    /// ```
    pub fn truncated(&self, step: Step) -> u32 {
        let mut truncated = 0;
        self.scan(step, step, |_, value| truncated = value);
        truncated
    }

    /// Looks for `code` at every step of `window`, none of them accepted up to and including `last`.
    ///
    /// The same digits can stand at two steps of one window, once in some 300,000 windows of three.
    /// The latest step decides: then recording it burns the earlier one too. Were the earlier one
    /// accepted, the same digits would be good a second time, for whoever looked over the shoulder.
    ///
    /// The work depends on the window's length only, not on where or whether the code stands in it.
    /// For the number of digits, see [`Key`].
    pub fn check(&self, code: &Code, window: Window, last: Option<Step>) -> Match {
        self.check_by(ShaNi::get(), code, window, last)
    }

    pub(crate) fn check_by(&self, sha_ni: Option<ShaNi>, code: &Code, window: Window, last: Option<Step>) -> Match {
        let mut latest = Latest::of(code);
        self.scan_by(sha_ni, window.first(), window.last(), |step, value| {
            latest.visit(step, value)
        });
        latest.judged(last)
    }

    /// Looks for two consecutive codes: `first` at a step of `window` later than `last`, `second` at
    /// the step after it, which may be the one after the window.
    ///
    /// The proof is of the second code's step, so that both are burned. When several pairs match,
    /// the latest decides, as in [`check`](Self::check). The work depends on the window's length only.
    pub fn check_pair(&self, first: &Code, second: &Code, window: Window, last: Option<Step>) -> Option<Accepted> {
        let mut latest = LatestPair::of(first, second);
        self.scan(window.first(), window.last().offset(1), |step, value| {
            latest.visit(step, value)
        });
        let step = latest.step()?;
        (Some(step.offset(-1)) > last).then(|| Accepted::new(step))
    }

    /// The step of `window` nearest `near` at which `code` stands; of two equally near, the later.
    ///
    /// For diagnosis, to tell a clock that is off from a wrong code; it proves nothing, and whoever
    /// tells its answer to a caller has built an oracle. The work depends on the window's length only.
    pub fn locate(&self, code: &Code, window: Window, near: Step) -> Option<Step> {
        let mut nearest = Nearest::of(code, near);
        self.scan(window.first(), window.last(), |step, value| nearest.visit(step, value));
        nearest.step()
    }

    /// Visits every step of `window`, in ascending order, with its code.
    pub fn codes(&self, window: Window, digits: Digits, mut visit: impl FnMut(Step, &Code)) {
        self.scan(window.first(), window.last(), |step, value| {
            visit(Step::new(step), &Code::from_truncated(value, digits));
        });
    }

    /// A MAC of `code` typed at `step`, 31 bits: equal for the same code at the same step, and for others once in two
    /// billion. Without the secret it tells nothing about the code.
    ///
    /// It is the HMAC of a counter beyond every time step and every counter that a device can reach, so that it is
    /// never what a code is made of.
    pub fn guess_mac(&self, code: &Code, step: Step) -> u32 {
        const BEYOND_ALL_STEPS: u64 = 1 << 63;
        const STEP_BITS: u32 = 34;
        let step = step.get() & ((1 << STEP_BITS) - 1);
        self.truncated(Step::new(BEYOND_ALL_STEPS | code.packed() << STEP_BITS | step))
    }

    /// The midstates of SHA-1, if that is the algorithm.
    pub(crate) fn sha1(&self) -> Option<[&[u32; 5]; 2]> {
        match &self.0 {
            Keyed::Sha1(Midstates { inner, outer }) => Some([inner, outer]),
            Keyed::Sha256(_) | Keyed::Sha512(_) => None,
        }
    }

    /// Visits every step from `first` to `last`, in ascending order, with its truncated HMAC.
    fn scan(&self, first: Step, last: Step, visit: impl FnMut(u64, u32)) {
        self.scan_by(ShaNi::get(), first, last, visit);
    }

    pub(crate) fn scan_by(&self, sha_ni: Option<ShaNi>, first: Step, last: Step, visit: impl FnMut(u64, u32)) {
        let (first, last) = (first.get(), last.get());
        match (&self.0, sha_ni) {
            (Keyed::Sha1(midstates), Some(sha_ni)) => midstates.scan_interleaved(sha_ni, first, last, visit),
            (Keyed::Sha1(midstates), None) => midstates.scan(first, last, visit),
            (Keyed::Sha256(midstates), _) => midstates.scan(first, last, visit),
            (Keyed::Sha512(midstates), _) => midstates.scan(first, last, visit),
        }
    }
}

impl ZeroizeOnDrop for Key {}

/// The hash's state after the block of the key and either pad.
struct Midstates<H: Hash> {
    inner: H::State,
    outer: H::State,
}

impl<H: Hash> Midstates<H> {
    fn new(key: &[u8]) -> Self {
        const INNER_PAD: u8 = 0x36;
        const OUTER_PAD: u8 = 0x5c;
        let mut midstates = Self {
            inner: H::INITIAL,
            outer: H::INITIAL,
        };
        let mut block = Zeroizing::new(H::key_block(key));
        H::xor(&mut block, INNER_PAD);
        H::compress(&mut midstates.inner, &block);
        H::xor(&mut block, INNER_PAD ^ OUTER_PAD);
        H::compress(&mut midstates.outer, &block);
        midstates
    }

    /// The lanes hold copies of the midstates only until the compression that replaces them; what is
    /// left at the end, the HMACs of steps and an inner digest, is wiped.
    #[inline]
    fn scan(&self, first: u64, last: u64, mut visit: impl FnMut(u64, u32)) {
        let mut lanes = Zeroizing::new([self.inner; LANES]);
        let mut block = Zeroizing::new(H::digest_block());
        let mut next = first;
        loop {
            let more = (last - next).min(LANES as u64 - 1);
            let lanes = &mut lanes[..=more as usize];
            self.digest(next, lanes, &mut block);
            for (lane, digest) in lanes.iter().enumerate() {
                visit(next + lane as u64, truncate(H::ends(digest)));
            }
            match (next + more).checked_add(1) {
                Some(step) if step <= last => next = step,
                _ => break,
            }
        }
    }

    /// The HMACs of as many steps as there are lanes, from `first` on.
    #[inline]
    fn digest(&self, first: u64, lanes: &mut [H::State], block: &mut H::Block) {
        for (index, lane) in lanes.iter_mut().enumerate() {
            *lane = self.inner;
            H::compress(lane, &H::step_block(first + index as u64));
        }
        for lane in lanes {
            H::put_digest(block, lane);
            *lane = self.outer;
            H::compress(lane, block);
        }
    }
}

impl Midstates<Sha1> {
    /// What [`scan`](Self::scan) does, three steps at once as long as there are so many.
    #[inline]
    fn scan_interleaved(&self, sha_ni: ShaNi, first: u64, last: u64, mut visit: impl FnMut(u64, u32)) {
        let Self { inner, outer } = self;
        let mut next = first;
        loop {
            let more = (last - next).min(2);
            let mut visit_all = |truncated: &mut [u32]| {
                (next..=next + more)
                    .zip(&*truncated)
                    .for_each(|(step, value)| visit(step, *value));
                truncated.zeroize();
            };
            match more {
                0 => visit_all(&mut sha_ni.truncated::<1>(inner, outer, next)),
                1 => visit_all(&mut sha_ni.truncated::<2>(inner, outer, next)),
                _ => visit_all(&mut sha_ni.truncated::<3>(inner, outer, next)),
            }
            match (next + more).checked_add(1) {
                Some(step) if step <= last => next = step,
                _ => break,
            }
        }
    }
}

impl<H: Hash> Drop for Midstates<H> {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}
