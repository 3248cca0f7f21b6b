use std::process::ExitCode;

use clap::Args;
use link::{Algorithm, Comparing, Fault, Parameters, StatusReport};
use serde_json::{Value, json};
use vault::shown;

use super::port::{Port, now_unix_s, random, status_name};
use crate::commands::{Done, print_json};

#[derive(Args)]
pub(in crate::commands) struct StatusOf {
    #[command(flatten)]
    port: Port,
    /// Prints an object
    #[arg(long)]
    json: bool,
}

impl StatusOf {
    pub(super) fn run(self) -> Done {
        let mut link = self.port.link()?;
        link.hello()?;
        let status = link.open(&*random()?, Comparing::No)?.status()?;
        let ahead_s = status
            .unix_s
            .map(|unix_s| unix_s.cast_signed() - now_unix_s().cast_signed());
        if self.json {
            print_json(&described(&status, ahead_s))?;
        } else {
            tell!("{}", words(&status, ahead_s))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn words(report: &StatusReport, ahead_s: Option<i64>) -> String {
    let mut lines = vec![format!(
        "{}, {}",
        shown(report.serial_number.as_deref().unwrap_or("no serial number")),
        status_name(report.status)
    )];
    if !report.label.is_empty() {
        lines.push(format!("label: {}", shown(&report.label)));
    }
    if let Some(Parameters {
        algorithm,
        digits,
        period_s,
    }) = report.parameters
    {
        lines.push(format!(
            "codes: {}, {digits} digits, every {period_s} s",
            algorithm_name(algorithm)
        ));
    }
    lines.push(match ahead_s {
        Some(ahead_s) if ahead_s < 0 => format!("clock: {} s behind this machine's", -ahead_s),
        Some(ahead_s) => format!("clock: {ahead_s} s ahead of this machine's"),
        None => "clock: not running".into(),
    });
    lines.push(format!(
        "clock set {} times, by {} s this year",
        report.settings, report.shifted_s
    ));
    lines.push(format!("battery: {} %", report.battery_percent));
    if let Some(fault) = report.fault {
        lines.push(format!("last error: {}", fault_name(fault)));
    }
    lines.join("\n")
}

fn described(report: &StatusReport, ahead_s: Option<i64>) -> Value {
    json!({
        "state": status_name(report.status),
        "serial_number": report.serial_number,
        "label": report.label,
        "algorithm": report.parameters.map(|parameters| algorithm_name(parameters.algorithm)),
        "digits": report.parameters.map(|parameters| parameters.digits),
        "period_s": report.parameters.map(|parameters| parameters.period_s),
        "unix_s": report.unix_s,
        "clock_ahead_s": ahead_s,
        "shifted_s": report.shifted_s,
        "clock_settings": report.settings,
        "battery_percent": report.battery_percent,
        "last_error": report.fault.map(fault_name),
    })
}

/// The algorithm's name in otpauth URIs.
pub(super) fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Sha1 => "SHA1",
        Algorithm::Sha256 => "SHA256",
        Algorithm::Sha512 => "SHA512",
    }
}

fn fault_name(fault: Fault) -> &'static str {
    match fault {
        Fault::Clock => "clock",
        Fault::Storage => "storage",
        Fault::Record => "record",
        Fault::Display => "display",
    }
}
