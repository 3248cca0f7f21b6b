//! Microsoft Entra ID's upload table: named columns, TOTP with SHA-1 and 6 digits. (It is read by `header.rs`.)

use otp::Digits;

use super::{Unfit, text_secret};
use crate::table::TableWriter;
use crate::{Moving, Seed};

pub(super) const HEADER: [&str; 6] = [
    "upn",
    "serial number",
    "secret key",
    "time interval",
    "manufacturer",
    "model",
];

pub(super) fn write(table: &mut TableWriter, seed: &Seed) -> Result<(), Unfit> {
    let period_s = match seed.moving {
        Moving::Time { period, .. } if seed.digits == Digits::SIX => period.get_s(),
        Moving::Time { .. } => return Err("Entra knows codes of 6 digits only"),
        Moving::Counter { .. } => return Err("Entra knows no HOTP"),
    };
    if period_s != 30 && period_s != 60 {
        return Err("Entra knows periods of 30 s and 60 s only");
    }
    table.row(&[
        "",
        &seed.serial_number,
        &text_secret(seed),
        &period_s.to_string(),
        seed.manufacturer.as_deref().unwrap_or_default(),
        seed.model.as_deref().unwrap_or_default(),
    ]);
    Ok(())
}
