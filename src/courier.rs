//! Posting of notices to webhooks, and `[webhooks]` of the config file. An address that somebody else named is asked only
//! where that opens no door: no host is asked but at an address that was checked, and it is that very address.

use std::{
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, LazyLock},
    time::Duration,
};

use serde::Deserialize;
use server::{Network, SignedNotice, signed_notice};
use service::{Courier, Posted, Posting};
use ureq::{
    Agent,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use crate::Failure;

/// `[webhooks]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct WebhooksTable {
    /// Networks of the operator's own that notices may be sent to, without TLS too: loopback, private ones.
    #[serde(default)]
    allow_networks: Vec<String>,
}

impl WebhooksTable {
    /// The networks, in which alone a webhook may be at an address without TLS.
    pub(crate) fn networks(&self) -> Result<Vec<Network>, Failure> {
        let parsed = self.allow_networks.iter().enumerate().map(|(at, network)| {
            let wrong = |error| Failure::usage(format!("webhooks.allow_networks, entry {}: {error}", at + 1));
            network.parse().map_err(wrong)
        });
        parsed.collect()
    }
}

/// The time that a try may take, from the first question for the name to the head of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of it, the time until somebody is there.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);
/// The head of an answer; its body is not read.
const ANSWER_MAX_BYTES: usize = 16 << 10;

/// Networks that are nobody's on the Internet (IANA's special-purpose registries), or lead into others.
const NOT_PUBLIC: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    // multicast, and what is reserved
    "224.0.0.0/3",
    // 6to4 has an IPv4 address in it
    "2002::/16",
    "3fff::/20",
];
/// Of IPv6, what is anybody's; loopback, link-local, unique local, multicast, translated and mapped addresses are not.
const PUBLIC_IPV6: &str = "2000::/3";
/// Of that, protocols' own (Teredo has an IPv4 address in it), and documentation.
const NOT_PUBLIC_IPV6: [&str; 2] = ["2001::/23", "2001:db8::/32"];

static NETWORKS: LazyLock<(Vec<Network>, Option<Network>)> = LazyLock::new(|| {
    let refused = NOT_PUBLIC.iter().chain(&NOT_PUBLIC_IPV6);
    let refused = refused.filter_map(|network| network.parse().ok()).collect();
    (refused, PUBLIC_IPV6.parse().ok())
});

/// Whether an address is one of the Internet's, and leads to no other.
fn is_public(address: IpAddr) -> bool {
    let (refused, public_ipv6) = &*NETWORKS;
    let is_of_kind = match address.to_canonical() {
        IpAddr::V4(_) => true,
        IpAddr::V6(_) => public_ipv6.is_some_and(|network| network.contains(address)),
    };
    is_of_kind && !refused.iter().any(|network| network.contains(address))
}

/// A resolver that tells addresses only where all of them may be asked.
#[derive(Debug)]
struct CheckedResolver {
    allowed: Vec<Network>,
    names: DefaultResolver,
}

impl CheckedResolver {
    fn may_be_asked(&self, address: IpAddr, is_encrypted: bool) -> bool {
        self.allowed.iter().any(|network| network.contains(address)) || (is_encrypted && is_public(address))
    }
}

impl Resolver for CheckedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        let is_encrypted = uri.scheme_str() == Some("https");
        let may_be_asked = |address: &SocketAddr| self.may_be_asked(address.ip(), is_encrypted);
        // One of several would do for whoever put it there.
        if found.iter().all(may_be_asked) {
            Ok(found)
        } else {
            Err(ureq::Error::HostNotFound)
        }
    }
}

/// Posts notices over HTTP.
pub struct HttpCourier {
    agent: Agent,
    /// For those who have no business in the operator's networks.
    outside: Agent,
}

impl HttpCourier {
    /// Nothing is sent yet. Beside the Internet it asks these networks, which are the operator's own.
    pub fn new(allowed: Vec<Network>) -> Self {
        let config = Agent::config_builder()
            // A proxy of the environment would ask for us what we may not.
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .timeout_resolve(Some(CONNECT_PATIENCE))
            .timeout_connect(Some(CONNECT_PATIENCE))
            .max_response_header_size(ANSWER_MAX_BYTES)
            // A connection that is kept would be to an address of yesterday.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = |allowed| {
            let resolver = CheckedResolver {
                allowed,
                names: DefaultResolver::default(),
            };
            Agent::with_parts(config.clone(), DefaultConnector::default(), resolver)
        };
        Self {
            agent: agent(allowed),
            outside: agent(Vec::new()),
        }
    }
}

impl Courier for HttpCourier {
    fn post<'a>(&'a self, posting: Posting<'a>) -> Pin<Box<dyn Future<Output = Posted> + Send + 'a>> {
        let agent = if posting.is_outside { &self.outside } else { &self.agent };
        let (agent, url) = (agent.clone(), Arc::<str>::from(posting.url));
        let signed = signed_notice(&posting);
        Box::pin(async move {
            let signed = match signed {
                Ok(signed) => signed,
                Err(error) => {
                    tracing::error!(error, "a notice cannot be signed");
                    return Posted::Unanswered;
                }
            };
            let posted = tokio::task::spawn_blocking(move || post(&agent, &url, &signed)).await;
            posted.unwrap_or(Posted::Unanswered)
        })
    }
}

fn post(agent: &Agent, url: &str, signed: &SignedNotice) -> Posted {
    let request = agent
        .post(url)
        .content_type("application/json")
        .header("webhook-id", &signed.id)
        .header("webhook-timestamp", &signed.timestamp)
        .header("webhook-signature", &signed.signature);
    match request.send(&signed.body[..]) {
        // The body is dropped with the connection.
        Ok(response) => Posted::Answered(response.status().as_u16()),
        Err(error) => {
            // Neither the address nor the path, which may be the receiver's secret.
            tracing::debug!(%error, id = signed.id, "a notice was not taken");
            Posted::Unanswered
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> IpAddr {
        address.parse().expect("an address")
    }

    #[test]
    fn every_network_is_one() {
        let all = NOT_PUBLIC.iter().chain(&NOT_PUBLIC_IPV6).chain([&PUBLIC_IPV6]);
        for network in all {
            assert!(network.parse::<Network>().is_ok(), "{network}");
        }
    }

    #[test]
    fn p8_nothing_is_sent_inside() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!is_public(at(address)), "{address}");
        }
    }

    #[test]
    fn p8_what_is_on_the_internet_is_asked() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.1",
            "192.167.255.255",
            "193.0.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450:4001:80b::200e",
        ] {
            assert!(is_public(at(address)), "{address}");
        }
    }

    #[test]
    fn p8_own_networks_are_asked_and_without_tls_no_other() {
        let resolver = CheckedResolver {
            allowed: vec![
                "127.0.0.0/8".parse().expect("a network"),
                "fd00::/8".parse().expect("a network"),
            ],
            names: DefaultResolver::default(),
        };
        let may = |address, is_encrypted| resolver.may_be_asked(at(address), is_encrypted);
        assert!(may("127.0.0.1", false) && may("::ffff:127.0.0.1", false) && may("fd00::1", true));
        assert!(may("1.1.1.1", true) && !may("1.1.1.1", false));
        assert!(!may("10.0.0.1", true) && !may("::1", true));
    }
}
