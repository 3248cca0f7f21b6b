//! Devices whose clock is about to leave the window, by lot.

use std::collections::{BTreeMap, HashMap};

use store::{Bound, Id, Owner, User};
use verify::{Kind, Moving, UnixMs};

use crate::{
    Caller, Core, Service, ServiceError,
    inventory::{DESK_OR_SUPPORT, INVENTORY},
};

/// Rows of users read at once.
const PAGE: u32 = 1_000;
/// Pages of them that one call reads.
const PAGES: usize = 10;

/// A part of the report: the devices of some users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftReport {
    /// Of each lot that has devices here; sums over all parts.
    pub lots: Vec<LotDrift>,
    /// Those that are about to leave the window.
    pub devices: Vec<DriftingDevice>,
    /// After whom the next part begins; `None` at the end.
    pub next: Option<Owner>,
}

/// The clocks of a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LotDrift {
    /// The lot; `None` for apps, which have none.
    pub lot: Option<String>,
    /// Its bound devices.
    pub devices: u64,
    /// Those that are about to leave the window.
    pub about_to_leave: u64,
    /// How many have learned so many steps since their clock was measured, by steps.
    pub drifts: BTreeMap<i32, u64>,
}

/// A device that is about to leave the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftingDevice {
    /// Whose.
    pub owner: Owner,
    /// The device.
    pub id: Id,
    /// App or token.
    pub kind: Kind,
    /// The serial number on a token's back.
    pub serial_number: Option<String>,
    /// The lot of a token.
    pub lot: Option<String>,
    /// How far its clock is ahead (behind: negative), in steps: measured and learned.
    pub total_offset_steps: i32,
    /// What of it was learned since it was measured.
    pub learned_drift_steps: i32,
    /// Its last accepted code.
    pub last_success_at: Option<UnixMs>,
}

impl Service {
    /// The clocks of the devices of some thousand users after this one, by lot. Reads rows as they stand, and writes none.
    pub async fn drift_report(&self, caller: &Caller, after: Option<Owner>) -> Result<DriftReport, ServiceError> {
        caller.may_for_all(DESK_OR_SUPPORT, INVENTORY)?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let mut lots = BTreeMap::new();
        let mut report = DriftReport {
            next: after,
            ..DriftReport::default()
        };
        for _page in 0..PAGES {
            let users = core.store.users_after(report.next.take(), PAGE).await?;
            let Some(last) = users.last() else { break };
            let last = (users.len() == PAGE as usize).then(|| last.owner.clone());
            let lot_of = lots_of(core, &users).await?;
            for bound in users.iter().flat_map(|user| &user.devices) {
                let serial_number = bound.device.serial_number.as_ref();
                let lot = serial_number.and_then(|number| lot_of.get(number)).cloned();
                look_at(core, bound, lot, now, &mut lots, &mut report.devices);
            }
            report.next = last;
            if report.next.is_none() {
                break;
            }
        }
        report.lots = lots.into_values().collect();
        Ok(report)
    }
}

/// The lot of each token among the devices of these users, by serial number.
async fn lots_of(core: &Core, users: &[User]) -> Result<HashMap<String, String>, ServiceError> {
    let devices = users.iter().flat_map(|user| &user.devices);
    let serial_numbers: Vec<String> = devices.filter_map(|bound| bound.device.serial_number.clone()).collect();
    let tokens = core.store.tokens_of(serial_numbers).await?;
    let tokens = tokens.into_iter().flatten();
    Ok(tokens.map(|token| (token.serial_number, token.lot)).collect())
}

/// Counts a device with those of its lot, and finds it where it is about to leave the window. One that counts has no clock.
pub(crate) fn look_at(
    core: &Core,
    bound: &Bound,
    lot: Option<String>,
    now: UnixMs,
    lots: &mut BTreeMap<Option<String>, LotDrift>,
    found: &mut Vec<DriftingDevice>,
) {
    let Bound { device, state } = bound;
    if state.parts().moving == Moving::Counter {
        return;
    }
    let learned_drift_steps = state.parts().learned_drift_steps;
    let counts = lots.entry(lot.clone()).or_insert_with(|| LotDrift {
        lot: lot.clone(),
        ..LotDrift::default()
    });
    counts.devices += 1;
    *counts.drifts.entry(learned_drift_steps).or_default() += 1;
    if !state.about_to_leave(device.kind, device.bound_at, now, &core.settings.policy) {
        return;
    }
    counts.about_to_leave += 1;
    found.push(DriftingDevice {
        owner: device.owner.clone(),
        id: device.id,
        kind: device.kind,
        serial_number: device.serial_number.clone(),
        lot,
        total_offset_steps: state.total_offset_steps(),
        learned_drift_steps,
        last_success_at: state.parts().last_success_at,
    });
}
