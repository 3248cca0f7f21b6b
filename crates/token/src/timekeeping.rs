//! The rules of the token's clock: nobody shows codes of tomorrow and comes back.
//!
//! A sealed token's clock may be set by the management key only, by ten minutes a year in all, and never below the
//! highest step whose code was shown. Each setting costs its shift and a second more, for a clock chip forgets the
//! fraction of its second when it is set. Highest steps are kept ahead in blocks, so that a token that shows a code does
//! not write each time; what was used of the allowance is kept before the clock is set.

use otp::{Parameters, Step};

#[cfg(feature = "session")]
use crate::ports::Clock;
use crate::{
    ports::{PortError, Storage},
    record::ClockRecord,
};

/// The seconds that a clock may be set by, in [`ALLOWANCE_PERIOD_S`], forward and back together.
#[cfg(feature = "session")]
pub(crate) const ALLOWANCE_S: u32 = 600;
#[cfg(feature = "session")]
const ALLOWANCE_PERIOD_S: u64 = 365 * 86_400;
/// The seconds that a setting costs beside its shift.
#[cfg(feature = "session")]
const FRACTION_S: u32 = 1;
/// Steps that are kept as shown before they are.
const AHEAD_STEPS: u64 = 8;

/// The clock record, and what only a running token knows.
pub(crate) struct Timekeeping {
    record: Option<ClockRecord>,
    /// No code of a later step was ever shown.
    highest: Option<u64>,
}

/// Why the clock was not set.
#[cfg(feature = "session")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSet {
    Stopped,
    OverAllowance,
    BelowShown,
    Port,
}

#[cfg(feature = "session")]
impl From<PortError> for NotSet {
    fn from(PortError: PortError) -> Self {
        Self::Port
    }
}

impl Timekeeping {
    pub(crate) fn read(generation: u32, storage: &mut impl Storage) -> Result<Self, PortError> {
        let record = ClockRecord::read(generation, storage)?;
        Ok(Self {
            // Which of the steps kept ahead were shown before the power went, nobody knows.
            highest: record.and_then(|record| record.unshown_from.checked_sub(1)),
            record,
        })
    }

    /// A code of this step is about to be shown.
    pub(crate) fn will_show(&mut self, step: Step, storage: &mut impl Storage) -> Result<(), PortError> {
        let step = step.get();
        let record = self.record.as_mut().ok_or(PortError)?;
        if step >= record.unshown_from {
            let next = ClockRecord {
                unshown_from: step.checked_add(AHEAD_STEPS).ok_or(PortError)?,
                ..*record
            };
            next.write(storage)?;
            *record = next;
        }
        self.highest = self.highest.max(Some(step));
        Ok(())
    }

    #[cfg(feature = "session")]
    pub(crate) fn record(&self) -> Option<&ClockRecord> {
        self.record.as_ref()
    }

    /// Sets a sealed token's clock, as far as the rules allow; the shift, and what is left of the allowance.
    #[cfg(feature = "session")]
    pub(crate) fn set(
        &mut self,
        unix_s: u64,
        parameters: Parameters,
        ports: &mut (impl Storage + Clock),
    ) -> Result<(i64, u32), NotSet> {
        let now = ports.unix_s()?.ok_or(NotSet::Stopped)?;
        let record = self.record.as_mut().ok_or(NotSet::Port)?;
        let shift = i64::try_from(i128::from(unix_s) - i128::from(now)).map_err(|_| NotSet::OverAllowance)?;
        let (used, since_s) = if now.saturating_sub(record.since_s) >= ALLOWANCE_PERIOD_S {
            (0, now)
        } else {
            (record.shifted_s, record.since_s)
        };
        let shifted_s = u32::try_from(shift.unsigned_abs())
            .ok()
            .and_then(|shift| shift.checked_add(FRACTION_S)?.checked_add(used))
            .filter(|shifted| *shifted <= ALLOWANCE_S)
            .ok_or(NotSet::OverAllowance)?;
        let step = Step::at(unix_s, parameters.period).get();
        if self.highest.is_some_and(|highest| step < highest) {
            return Err(NotSet::BelowShown);
        }
        let next = ClockRecord {
            shifted_s,
            since_s,
            settings: record.settings.saturating_add(1),
            ..*record
        };
        next.write(ports)?;
        *record = next;
        ports.set_unix_s(unix_s)?;
        Ok((shift, ALLOWANCE_S - shifted_s))
    }
}

/// The step of this moment, and the seconds until the next.
pub(crate) fn moment(unix_s: u64, parameters: Parameters) -> (Step, u32) {
    let period_s = u64::from(parameters.period.get_s());
    (
        Step::at(unix_s, parameters.period),
        (period_s - unix_s % period_s) as u32,
    )
}
