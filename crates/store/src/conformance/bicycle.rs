//! A toy noun, which no engine has heard of.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use super::sample::*;
use crate::{Key, Lookup, Noun, Owner, Sealed};

/// A bicycle in a shed: everything a noun may have.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bicycle {
    pub(super) owner: Owner,
    pub(super) name: String,
    pub(super) version: u64,
    pub(super) colour: String,
    pub(super) frame_number: String,
    pub(super) rented_until_ms: Option<i64>,
    pub(super) lock: Option<Sealed>,
    pub(super) alarm: Option<Sealed>,
}

impl Bicycle {
    pub(super) fn key_of(owner: &Owner, name: &str) -> Key {
        Key::of_user(owner, Self::NAME, name)
    }
}

impl Noun for Bicycle {
    const NAME: &'static str = "bicycle";

    fn key(&self) -> Key {
        Self::key_of(&self.owner, &self.name)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_at(&self) -> Option<UnixMs> {
        self.rented_until_ms.map(UnixMs::new)
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![
            Lookup::unique("frame_number", &[&self.frame_number]),
            Lookup::listed("colour", &[&self.colour, &self.name]),
        ]
    }

    fn secrets(&self) -> Vec<&Sealed> {
        self.lock.iter().chain(&self.alarm).collect()
    }

    fn secrets_mut(&mut self) -> Vec<&mut Sealed> {
        self.lock.iter_mut().chain(&mut self.alarm).collect()
    }
}

pub(super) fn bicycle(number: u32) -> Bicycle {
    Bicycle {
        owner: owner(number % 4),
        name: format!("名前 {number:02}"),
        version: 1,
        colour: if number.is_multiple_of(2) {
            "red"
        } else {
            "red and white"
        }
        .into(),
        frame_number: format!("F{number}"),
        rented_until_ms: (!number.is_multiple_of(3)).then(|| NOW.plus(-i64::from(number)).get()),
        lock: (number % 4 < 2).then(|| sealed(number)),
        alarm: number.is_multiple_of(2).then(|| sealed(number + 500)),
    }
}
