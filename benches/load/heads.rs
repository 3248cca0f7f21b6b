//! What requests begin with, by what they ask.

use std::net::SocketAddr;

use crate::{client::head, scenario::Scenario};

pub(crate) struct Heads {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    verify: Vec<u8>,
    batch: Vec<u8>,
    echo: Vec<u8>,
    session_check: Vec<u8>,
    pub(crate) challenge: Vec<u8>,
}

impl Heads {
    pub(crate) fn new(address: SocketAddr, key: String) -> Self {
        let [verify, batch, echo, session_check, challenge] = [
            "/v1/verify",
            "/v1/verify/batch",
            "/echo",
            "/v1/sessions/check",
            "/v1/challenges",
        ]
        .map(|path| head(address, &key, path));
        Self {
            address,
            key,
            verify,
            batch,
            echo,
            session_check,
            challenge,
        }
    }

    pub(crate) fn of(&self, scenario: Scenario) -> &[u8] {
        match scenario {
            Scenario::Echo => &self.echo,
            Scenario::Batch(_) => &self.batch,
            Scenario::SessionCheck => &self.session_check,
            Scenario::ChallengeAllow | Scenario::ChallengeAnswer => &self.challenge,
            _ => &self.verify,
        }
    }

    /// Of a path that is asked once.
    pub(crate) fn at(&self, path: &str) -> Vec<u8> {
        head(self.address, &self.key, path)
    }
}
