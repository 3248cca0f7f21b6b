//! The provisioning station: what all its ports share of a batch, number by number.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use link::Parameters;
use otp::{Algorithm, Digits, Period, Secret};
use pskc::{ManagementKey, Moving, Seed};

use super::{
    labels,
    manifest::{Line, Manifest, State},
    number_status::NumberStatus,
    seeds::Seeds,
};
use crate::{Failure, real};

/// A batch that ports work on side by side.
///
/// A serial number with a kept secret is its token's for good: that token may be sealed, wherever it is. It becomes free
/// again only when that very token is here and says that it is not, and proves that it is that token.
pub(super) struct ProvisioningStation {
    pub(super) dir: PathBuf,
    pub(super) label: String,
    pub(super) parameters: Parameters,
    pub(super) seeds: Seeds,
    all: Vec<String>,
    /// Positions in `all`.
    places: HashMap<String, usize>,
    shared: Mutex<Shared>,
}

struct Shared {
    manifest: Manifest,
    /// Positions in `all`.
    free: BTreeSet<usize>,
    in_hand: HashSet<String>,
    /// What was done since the start.
    done: u64,
    /// Ports at which nothing is to be done.
    idle: HashSet<String>,
    failure: Option<Failure>,
}

impl Shared {
    fn status(&self, at: usize, serial_number: &str) -> NumberStatus {
        if self.in_hand.contains(serial_number) {
            return NumberStatus::InHand;
        }
        if self.free.contains(&at) {
            return NumberStatus::Free;
        }
        match self.manifest.state(serial_number) {
            Some(State::Done) => NumberStatus::Done,
            Some(State::Void) => NumberStatus::Void,
            None => NumberStatus::Open,
        }
    }
}

impl ProvisioningStation {
    pub(super) fn new(
        dir: PathBuf,
        manifest: Manifest,
        seeds: Seeds,
        all: Vec<String>,
        label: String,
        parameters: Parameters,
    ) -> Self {
        let is_free = |number: &str| manifest.state(number).is_none() && !seeds.has(number);
        let free = all
            .iter()
            .enumerate()
            .filter(|(_, number)| is_free(number))
            .map(|(at, _)| at)
            .collect();
        Self {
            dir,
            label,
            parameters,
            seeds,
            places: all
                .iter()
                .enumerate()
                .map(|(at, number)| (number.clone(), at))
                .collect(),
            all,
            shared: Mutex::new(Shared {
                manifest,
                free,
                in_hand: HashSet::new(),
                done: 0,
                idle: HashSet::new(),
                failure: None,
            }),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` for a serial number of another batch.
    pub(super) fn status(&self, serial_number: &str) -> Option<NumberStatus> {
        let at = *self.places.get(serial_number)?;
        Some(self.shared().status(at, serial_number))
    }

    /// A free serial number, this one if it may be.
    pub(super) fn take(&self, preferred: Option<&str>) -> Option<String> {
        let preferred = preferred.and_then(|number| self.places.get(number));
        let shared = &mut *self.shared();
        let preferred = preferred.filter(|at| shared.free.contains(at));
        let at = *preferred.or(shared.free.first())?;
        shared.free.remove(&at);
        let number = self.all[at].clone();
        shared.in_hand.insert(number.clone());
        Some(number)
    }

    /// Takes an open serial number in hand: of two tokens that claim it one is heard at a time. False: it is not open now.
    pub(super) fn hold(&self, serial_number: &str) -> bool {
        let Some(&at) = self.places.get(serial_number) else {
            return false;
        };
        let shared = &mut *self.shared();
        shared.status(at, serial_number) == NumberStatus::Open && shared.in_hand.insert(serial_number.to_owned())
    }

    /// Nothing came of it. Its secret, if one was kept, still reserves it.
    pub(super) fn give_back(&self, serial_number: &str) {
        let shared = &mut *self.shared();
        shared.in_hand.remove(serial_number);
        if !self.seeds.has(serial_number) {
            shared.free.extend(self.places.get(serial_number));
        }
    }

    /// The token is sealed, and has proved that it has the secret which is kept.
    pub(super) fn done(
        &self,
        serial_number: &str,
        firmware_version: &str,
        port: &str,
        took_ms: u64,
    ) -> Result<(), Failure> {
        labels::write(&self.dir.join("labels"), serial_number)?;
        let shared = &mut *self.shared();
        shared.manifest.record(&Line {
            serial_number: serial_number.to_owned(),
            state: State::Done,
            at: real::now_rfc3339(),
            firmware_version: Some(firmware_version.to_owned()),
            port: Some(port.to_owned()),
            took_ms: Some(took_ms),
        })?;
        shared.in_hand.remove(serial_number);
        shared.done += 1;
        Ok(())
    }

    /// No token will ever have it, says the operator.
    pub(super) fn void(&self, serial_number: &str) -> Result<(), Failure> {
        match self.status(serial_number) {
            Some(NumberStatus::Open) => {}
            Some(NumberStatus::Void) => return Ok(()),
            Some(NumberStatus::Done) => {
                return Err(Failure::usage(format!("{serial_number} is done: its token is sealed")));
            }
            _ => return Err(Failure::usage(format!("{serial_number} is not open in this batch"))),
        }
        self.shared().manifest.record(&Line {
            serial_number: serial_number.to_owned(),
            state: State::Void,
            at: real::now_rfc3339(),
            firmware_version: None,
            port: None,
            took_ms: None,
        })?;
        self.seeds.forget(serial_number)
    }

    /// Notes whether there is something to do at this port.
    pub(super) fn set_idle(&self, port: &str, idle: bool) {
        let shared = &mut *self.shared();
        if idle {
            shared.idle.insert(port.to_owned());
        } else {
            shared.idle.remove(port);
        }
    }

    /// Ends the work of all ports.
    pub(super) fn fail(&self, failure: Failure) {
        self.shared().failure.get_or_insert(failure);
    }

    pub(super) fn failed(&self) -> Option<Failure> {
        self.shared().failure.take()
    }

    /// True if the ports, of which there are so many, have nothing more to do.
    pub(super) fn is_over(&self, ports: usize) -> bool {
        let idle = {
            let shared = self.shared();
            if shared.failure.is_some() {
                return true;
            }
            if !shared.free.is_empty() || !shared.in_hand.is_empty() {
                return false;
            }
            shared.idle.len()
        };
        // Whoever holds an open token may still put it in.
        idle == ports || self.with_status(NumberStatus::Open).is_empty()
    }

    /// The serial numbers that stand so, in order.
    pub(super) fn with_status(&self, status: NumberStatus) -> Vec<&str> {
        let shared = self.shared();
        let numbers = self.all.iter().enumerate();
        let numbers = numbers.filter(|&(at, number)| shared.status(at, number) == status);
        numbers.map(|(_, number)| number.as_str()).collect()
    }

    /// The number of tokens done since the start.
    pub(super) fn done_now(&self) -> u64 {
        self.shared().done
    }

    /// The seed of a token, as it is kept.
    pub(super) fn seed(
        &self,
        serial_number: &str,
        model: &str,
        secret: &[u8],
        management_key: &[u8; 32],
    ) -> Result<Seed, Failure> {
        let unfit = || Failure::new("these parameters are none of RFC 6238");
        Ok(Seed {
            serial_number: serial_number.to_owned(),
            manufacturer: None,
            model: Some(model.to_owned()),
            key_id: None,
            issuer: None,
            label: (!self.label.is_empty()).then(|| self.label.clone()),
            secret: Secret::from_slice(secret).map_err(Failure::new)?,
            algorithm: match self.parameters.algorithm {
                link::Algorithm::Sha1 => Algorithm::Sha1,
                link::Algorithm::Sha256 => Algorithm::Sha256,
                link::Algorithm::Sha512 => Algorithm::Sha512,
            },
            digits: Digits::new(self.parameters.digits).ok_or_else(unfit)?,
            moving: Moving::Time {
                period: Period::new_s(self.parameters.period_s.into()).ok_or_else(unfit)?,
                drift_steps: 0,
            },
            starts_at_s: None,
            expires_at_s: None,
            management_key: Some(ManagementKey::from_bytes(management_key)),
        })
    }
}
