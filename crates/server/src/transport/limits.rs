//! What callers may cost, and who may be served without TLS.

use std::{net::SocketAddr, time::Duration};

use crate::transport::network::Network;

/// What a caller may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once. For the next one a stranger's is dropped: nobody on it has proven a key.
    pub connections: usize,
    /// Connections at once of one peer: an IPv4 address, or an IPv6 network of 64 bits.
    pub connections_per_peer: usize,
    /// Peers behind which stand many clients: each may have as many connections as there are.
    pub trusted_proxies: Vec<Network>,
    /// From the first byte of a request to the end of its headers; also the idle time between requests.
    pub header_timeout: Duration,
    /// From the end of the headers to the beginning of the answer; and how long a caller may read nothing of it.
    pub request_timeout: Duration,
    /// The TLS handshake.
    pub handshake_timeout: Duration,
    /// A request body.
    pub body_bytes: usize,
    /// The bodies that are held at the same time, all together; the next one waits for a while.
    pub body_bytes_at_once: usize,
    /// The body of an import, which carries a whole file.
    pub import_bytes: usize,
    /// The same of imports.
    pub import_bytes_at_once: usize,
    /// How long open requests are waited for at the end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_peer: 256,
            trusted_proxies: Vec::new(),
            header_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            body_bytes: 2 << 20,
            body_bytes_at_once: 64 << 20,
            import_bytes: 32 << 20,
            import_bytes_at_once: 64 << 20,
            drain: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Those of the listener for whoever watches the service: few connections, short ones, without a body.
    pub fn admin() -> Self {
        Self {
            connections: 64,
            connections_per_peer: 64,
            header_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(1),
            ..Self::default()
        }
    }
}

/// Plain HTTP was asked for where others could listen.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is not a loopback address, and codes do not travel in the clear: give --tls-cert and --tls-key, \
     or --allow-plain-http where something in front does TLS"
)]
pub struct PlainHttp(SocketAddr);

/// Whether this address may be served without TLS.
pub fn plain_http_allowed(address: SocketAddr) -> Result<(), PlainHttp> {
    if address.ip().is_loopback() {
        Ok(())
    } else {
        Err(PlainHttp(address))
    }
}
