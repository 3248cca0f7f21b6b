//! `Key`: one secret and what it computes (RFC 6030 section 4).

use otp::{Algorithm, Digits, Period, Secret};
use roxmltree::Node;

use super::names::{
    MANAGEMENT_KEY, MANAGEMENT_KEY_NAMESPACE, attribute_or, child, child_or, child_text, children, fragment,
};
use super::policy::{self, Validity};
use super::value::{Opener, Width};
use crate::hash_name::hash;
use crate::seed::is_presentable;
use crate::xml::Xml;
use crate::{ManagementKey, Moving, Options, Problem, ReadError, Reason, Seed};

/// The algorithm of a key that names none.
pub(super) const NOT_SAID: &str = "not said";

/// The device of a key package.
#[derive(Default)]
pub(super) struct Device {
    serial_number: Option<String>,
    manufacturer: Option<String>,
    model: Option<String>,
    validity: Validity,
}

impl Device {
    pub(super) fn read(xml: &Xml<'_>, package: Node<'_, '_>) -> Result<Self, ReadError> {
        let Some(info) = child_or(package, "DeviceInfo", "DeviceId") else {
            return Ok(Self::default());
        };
        let moment = |name| child(info, name).map(|date| policy::moment(xml, date)).transpose();
        Ok(Self {
            serial_number: label(xml, info, "SerialNo")?,
            manufacturer: label(xml, info, "Manufacturer")?,
            model: label(xml, info, "Model")?,
            validity: Validity {
                starts_at_s: moment("StartDate")?,
                expires_at_s: moment("ExpiryDate")?,
            },
        })
    }
}

/// The serial number of a key, if it has one: the device's serial number, else the key's id.
pub(super) fn serial_number(device: &Device, key: Node<'_, '_>) -> Option<String> {
    let id = attribute_or(key, "Id", "KeyId").map(str::trim);
    device
        .serial_number
        .clone()
        .or_else(|| id.filter(|id| is_presentable(id)).map(str::to_owned))
}

/// The key, the reason why it is of no use here, or what is wrong with the file.
pub(super) fn read(
    xml: &Xml<'_>,
    opener: &mut Opener,
    device: &Device,
    key: Node<'_, '_>,
    options: &Options,
) -> Result<Result<Seed, Reason>, ReadError> {
    let parameters = child_or(key, "AlgorithmParameters", "Usage");
    let kind = match attribute_or(key, "Algorithm", "KeyAlgorithm") {
        None => return Ok(Err(Reason::Algorithm(NOT_SAID.into()))),
        Some(algorithm) => fragment(algorithm),
    };
    if kind != "hotp" && kind != "totp" {
        return Ok(Err(Reason::Algorithm(kind)));
    }
    refuse_two_names(xml, key)?;
    if !is_for_otp(parameters) {
        return Ok(Err(Reason::Policy(format!("the key is {}", policy::NOT_FOR_OTP))));
    }
    if parameters.is_some_and(|parameters| child(parameters, "ChallengeFormat").is_some()) {
        return Ok(Err(Reason::Challenge));
    }
    let (algorithm, digits) = match hash_and_digits(xml, parameters, options)? {
        Ok(said) => said,
        Err(reason) => return Ok(Err(reason)),
    };
    let validity = match child(key, "Policy")
        .map(|policy| policy::read(xml, policy))
        .transpose()?
    {
        None => device.validity,
        Some(Ok(validity)) => validity.and(device.validity),
        Some(Err(reason)) => return Ok(Err(reason)),
    };
    let Some(data) = child(key, "Data") else {
        return Ok(Err(Reason::NoSecret));
    };
    let moving = match moving(xml, opener, data, kind == "totp", options)? {
        Ok(moving) => moving,
        Err(reason) => return Ok(Err(reason)),
    };
    let secret = match child(data, "Secret") {
        None => return Ok(Err(Reason::NoSecret)),
        Some(element) => match opener.secret(xml, element)? {
            None => return Ok(Err(Reason::NoSecret)),
            Some(bytes) => match Secret::from_slice(&bytes) {
                Ok(secret) => secret,
                Err(_) if bytes.is_empty() => return Ok(Err(Reason::NoSecret)),
                Err(_) => return Ok(Err(Reason::LongSecret)),
            },
        },
    };
    let Some(serial_number) = serial_number(device, key) else {
        return Ok(Err(Reason::NoSerialNumber));
    };
    Ok(Ok(Seed {
        key_id: checked(
            xml,
            key,
            attribute_or(key, "Id", "KeyId")
                .map(str::trim)
                .filter(|id| !id.is_empty()),
        )?
        .filter(|id| *id != serial_number),
        serial_number,
        manufacturer: device.manufacturer.clone(),
        model: device.model.clone(),
        issuer: label(xml, key, "Issuer")?,
        label: label(xml, key, "FriendlyName")?,
        secret,
        algorithm,
        digits,
        moving,
        starts_at_s: validity.starts_at_s,
        expires_at_s: validity.expires_at_s,
        management_key: management_key(xml, opener, key)?,
    }))
}

/// The hash and the digits: by the file, else by the options, else as RFC 6030 has them.
fn hash_and_digits(
    xml: &Xml<'_>,
    parameters: Option<Node<'_, '_>>,
    options: &Options,
) -> Result<Result<(Algorithm, Digits), Reason>, ReadError> {
    let said = match parameters.and_then(|parameters| child_text(parameters, "Suite")) {
        None => None,
        Some(suite) => match hash(suite) {
            Some(algorithm) => Some(algorithm),
            None => return Ok(Err(Reason::Hash)),
        },
    };
    let algorithm = match options.hash(said) {
        Ok(algorithm) => algorithm.unwrap_or(Algorithm::Sha1),
        Err(reason) => return Ok(Err(reason)),
    };
    let said = match parameters.and_then(|parameters| child(parameters, "ResponseFormat")) {
        None => None,
        Some(format) => match response(xml, format)? {
            Some(digits) => Some(digits),
            None => return Ok(Err(Reason::Response)),
        },
    };
    Ok(options
        .digits(said)
        .map(|digits| (algorithm, digits.unwrap_or(Digits::SIX))))
}

/// Refuses a key that has a name of RFC 6030 and the drafts' own for the same thing: taking either would be a guess.
fn refuse_two_names(xml: &Xml<'_>, key: Node<'_, '_>) -> Result<(), ReadError> {
    let has_both = |name, draft| key.attribute(name).is_some() && key.attribute(draft).is_some();
    let two_parameters = child(key, "AlgorithmParameters").is_some() && child(key, "Usage").is_some();
    if has_both("Id", "KeyId") || has_both("Algorithm", "KeyAlgorithm") || two_parameters {
        return Err(xml.malformed(key, Problem::TwoDialects));
    }
    Ok(())
}

/// What the drafts said in attributes of `Usage`, where they said any: `OTP="true"`.
fn is_for_otp(usage: Option<Node<'_, '_>>) -> bool {
    let is_set = |value: &str| matches!(value, "true" | "1");
    let uses: Vec<(&str, bool)> = usage
        .filter(|usage| usage.tag_name().name() == "Usage")
        .map(|usage| {
            usage
                .attributes()
                .map(|use_| (use_.name(), is_set(use_.value())))
                .collect()
        })
        .unwrap_or_default();
    uses.is_empty() || uses.contains(&("OTP", true))
}

/// `ResponseFormat`: `None` for codes that are not 6 to 8 decimal digits.
fn response(xml: &Xml<'_>, format: Node<'_, '_>) -> Result<Option<Digits>, ReadError> {
    let is_decimal = format
        .attribute("Encoding")
        .or_else(|| format.attribute("Format"))
        .is_none_or(|encoding| encoding == "DECIMAL");
    let has_check_digit = match format.attribute("CheckDigits") {
        None | Some("false" | "0") => false,
        Some("true" | "1") => true,
        Some(_) => return Err(xml.malformed(format, Problem::CheckDigits)),
    };
    let length: u64 = match format.attribute("Length") {
        None => return Err(xml.malformed(format, Problem::Missing { name: "Length" })),
        Some(length) => length
            .trim()
            .parse()
            .map_err(|_| xml.malformed(format, Problem::LengthNumber))?,
    };
    let digits = u8::try_from(length).ok().and_then(Digits::new);
    Ok(digits.filter(|_| is_decimal && !has_check_digit))
}

fn moving(
    xml: &Xml<'_>,
    opener: &mut Opener,
    data: Node<'_, '_>,
    by_time: bool,
    options: &Options,
) -> Result<Result<Moving, Reason>, ReadError> {
    let mut number = |name, width| -> Result<Option<i128>, ReadError> {
        match child(data, name) {
            None => Ok(None),
            Some(element) => opener.number(xml, element, width),
        }
    };
    if !by_time {
        if let Err(reason) = options.no_period() {
            return Ok(Err(reason));
        }
        // RFC 4226 section 7.2 begins anywhere; a file without a counter means a new token.
        let counter = number("Counter", Width::Long)?.unwrap_or(0);
        return match u64::try_from(counter) {
            Ok(counter) => Ok(Ok(Moving::Counter { counter })),
            Err(_) => Err(xml.malformed(data, Problem::Counter)),
        };
    }
    if number("Time", Width::Int)?.unwrap_or(0) != 0 {
        return Ok(Err(Reason::Epoch));
    }
    let said = match number("TimeInterval", Width::Int)? {
        None => None,
        Some(seconds) => match u32::try_from(seconds).ok().and_then(Period::new_s) {
            Some(period) => Some(period),
            None => return Ok(Err(Reason::Period)),
        },
    };
    let period = match options.period(said) {
        Ok(period) => period.unwrap_or(Period::THIRTY),
        Err(reason) => return Ok(Err(reason)),
    };
    let drift = number("TimeDrift", Width::Int)?.unwrap_or(0);
    // pskctool writes a negative number as 2^32 more than it is.
    let signed = u32::try_from(drift).map_or(drift, |drift| i128::from(drift.cast_signed()));
    match i32::try_from(signed) {
        Ok(drift_steps) => Ok(Ok(Moving::Time { period, drift_steps })),
        Err(_) => Err(xml.malformed(data, Problem::TimeDrift)),
    }
}

/// Our extension, protected as the secret is.
fn management_key(xml: &Xml<'_>, opener: &mut Opener, key: Node<'_, '_>) -> Result<Option<ManagementKey>, ReadError> {
    let mut found = children(key, "Extensions")
        .flat_map(|extensions| extensions.children())
        .filter(|element| element.has_tag_name((MANAGEMENT_KEY_NAMESPACE, MANAGEMENT_KEY)));
    let Some(element) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        return Err(xml.malformed(element, Problem::TwoOfThem));
    }
    let Some(bytes) = opener.secret(xml, element)? else {
        return Ok(None);
    };
    match bytes.as_slice().try_into() {
        Ok(bytes) => Ok(Some(ManagementKey::from_bytes(bytes))),
        Err(_) => Err(xml.malformed(element, Problem::ManagementKey)),
    }
}

/// The trimmed text of a child that people will read.
fn label(xml: &Xml<'_>, node: Node<'_, '_>, name: &str) -> Result<Option<String>, ReadError> {
    let Some(element) = child(node, name) else {
        return Ok(None);
    };
    checked(xml, element, super::names::text(element))
}

fn checked(xml: &Xml<'_>, node: Node<'_, '_>, text: Option<&str>) -> Result<Option<String>, ReadError> {
    match text {
        Some(text) if !is_presentable(text) => Err(xml.malformed(node, Problem::LongName)),
        text => Ok(text.map(str::to_owned)),
    }
}
