//! Networks of peers (CIDR), as proxies are trusted by.

use std::{net::IpAddr, str::FromStr};

/// A network of peers: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// The prefix of all IPv4 addresses in IPv6, `::ffff:0:0/96`.
const MAPPED_BITS: u8 = 96;

/// Why a text is no [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor an address with a prefix.
    #[error("this is no network: write an address, or one with the length of its prefix, as in 10.0.0.0/8")]
    Malformed,
    /// The address goes beyond the prefix, so that one of both is a slip.
    #[error("the address has bits beyond its prefix: set them to zero, or write a longer prefix")]
    BitsBeyondPrefix,
}

impl Network {
    /// Whether this peer stands in it; an IPv4 address that was mapped into IPv6 is the IPv4 address.
    pub fn contains(&self, peer: IpAddr) -> bool {
        match (self.address, peer.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(peer)) => {
                agrees(u32::from(network) ^ u32::from(peer), 32, self.prefix_bits)
            }
            (IpAddr::V6(network), IpAddr::V6(peer)) => {
                agrees(u128::from(network) ^ u128::from(peer), 128, self.prefix_bits)
            }
            _ => false,
        }
    }
}

/// Whether the first bits, of so many, are all zero.
fn agrees(bits: impl Into<u128>, width_bits: u8, prefix_bits: u8) -> bool {
    let free_bits = u32::from(width_bits - prefix_bits);
    bits.into().checked_shr(free_bits).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Malformed)?;
        let width_bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits: u8 = match prefix {
            None => width_bits,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| NetworkError::Malformed)?
            }
            Some(_) => return Err(NetworkError::Malformed),
        };
        if prefix_bits > width_bits {
            return Err(NetworkError::Malformed);
        }
        // Peers that were mapped into IPv6 stand as what they are, and so does their network.
        if let (IpAddr::V6(_), IpAddr::V4(mapped), Some(prefix_bits)) =
            (address, address.to_canonical(), prefix_bits.checked_sub(MAPPED_BITS))
        {
            return Self::new(IpAddr::V4(mapped), prefix_bits);
        }
        Self::new(address, prefix_bits)
    }
}

impl Network {
    fn new(address: IpAddr, prefix_bits: u8) -> Result<Self, NetworkError> {
        let network = Self { address, prefix_bits };
        let first = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix_bits)).unwrap_or(0);
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix_bits)).unwrap_or(0);
                IpAddr::V6((u128::from(address) & mask).into())
            }
        };
        if first == address {
            Ok(network)
        } else {
            Err(NetworkError::BitsBeyondPrefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_contains(network: &str, inside: &[&str], outside: &[&str]) {
        let parsed: Network = network.parse().unwrap();
        for (peers, expected) in [(inside, true), (outside, false)] {
            for peer in peers {
                assert_eq!(parsed.contains(peer.parse().unwrap()), expected, "{peer} in {network}");
            }
        }
    }

    #[test]
    fn a_network_is_its_prefix_whatever_the_family() {
        assert_contains(
            "10.0.0.0/8",
            &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
            &["11.0.0.0", "::a00:1"],
        );
        assert_contains("192.0.2.7", &["192.0.2.7"], &["192.0.2.6", "192.0.2.8"]);
        assert_contains("192.0.2.6/31", &["192.0.2.6", "192.0.2.7"], &["192.0.2.8"]);
        assert_contains("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::1"]);
        assert_contains("fd00::/8", &["fd00::1", "fdff::"], &["fe00::", "10.0.0.1"]);
        assert_contains("::/0", &["::1", "ffff::"], &["127.0.0.1"]);
        assert_contains("::1", &["::1"], &["::2"]);
        assert_contains("::ffff:192.0.2.7", &["192.0.2.7", "::ffff:192.0.2.7"], &["192.0.2.6"]);
        assert_contains(
            "::ffff:10.0.0.0/104",
            &["10.1.2.3", "::ffff:10.1.2.3"],
            &["11.0.0.0", "::1"],
        );
        assert_contains("::ffff:0:0/96", &["10.1.2.3"], &["::1"]);
    }

    #[test]
    fn what_is_no_network_is_said() {
        for text in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "name",
            "/8",
            " ::1",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Malformed), "{text}");
        }
        for text in [
            "10.0.0.1/8",
            "fd00::1/8",
            "128.0.0.0/0",
            "::ffff:10.0.0.1/104",
            "::ffff:0:0/95",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::BitsBeyondPrefix), "{text}");
        }
    }
}
