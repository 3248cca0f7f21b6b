//! `[limits]` of the config file: what callers may cost.

use serde::Deserialize;
use server::{Limits, Network};

use crate::Failure;

/// `[limits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct LimitsTable {
    /// Connections at once.
    connections: Option<u32>,
    /// Of them, those of one peer.
    connections_per_peer: Option<u32>,
    /// Networks whose peers speak for many clients: [`Self::connections_per_peer`] is not for them.
    #[serde(default)]
    trusted_proxies: Vec<String>,
}

const CONNECTIONS: std::ops::RangeInclusive<u32> = 1..=100_000;

impl LimitsTable {
    /// The limits with these changes; proxies that were named to the command are those that count.
    pub(crate) fn limits(&self, proxies: Vec<Network>) -> Result<Limits, Failure> {
        let mut limits = Limits {
            trusted_proxies: if proxies.is_empty() {
                self.trusted_proxies()?
            } else {
                proxies
            },
            ..Limits::default()
        };
        set(&mut limits.connections, "connections", self.connections)?;
        set(
            &mut limits.connections_per_peer,
            "connections_per_peer",
            self.connections_per_peer,
        )?;
        Ok(limits)
    }

    fn trusted_proxies(&self) -> Result<Vec<Network>, Failure> {
        let parsed = self.trusted_proxies.iter().enumerate().map(|(at, network)| {
            let wrong = |error| Failure::usage(format!("limits.trusted_proxies, entry {}: {error}", at + 1));
            network.parse().map_err(wrong)
        });
        parsed.collect()
    }
}

fn set(limit: &mut usize, name: &str, value: Option<u32>) -> Result<(), Failure> {
    let Some(value) = value else { return Ok(()) };
    if !CONNECTIONS.contains(&value) {
        let (least, most) = CONNECTIONS.into_inner();
        return Err(Failure::usage(format!(
            "limits.{name} is {value}: use {least} to {most}"
        )));
    }
    *limit = value as usize;
    Ok(())
}
