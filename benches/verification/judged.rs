//! What of a verification is arithmetic: a request read, a secret unsealed, a code judged, an answer written. Beside the
//! judgement totp-rs, and the hash alone.

use std::hint::black_box;

use api::{VerifyRequest, VerifyResponse, read_json};
use hmac::{Hmac, KeyInit as _, Mac as _};
use keyring::Keyring;
use otp::{Code, Secret};
use service::{Id, Sealer as _};
use sha1::Sha1;
use store::Bound;
use totp_rs::Totp;
use verify::{Credential, Policy, Purpose, Verdict, judge};

use crate::{
    Any,
    filled::record,
    population::{BEGINNING, Device, item, secret, step},
    world::World,
};

/// A code of the first user's device, which is right now.
pub(crate) struct Judged<'a> {
    keyring: &'a Keyring,
    bound: Bound,
    secret: Secret,
    policy: Policy,
    code: String,
    body: Vec<u8>,
    peer: Totp,
}

impl<'a> Judged<'a> {
    pub(crate) fn new(world: &'a World) -> Any<Self> {
        let code = Device::of(0).shown(step(0));
        let mut body = Vec::new();
        item(&mut body, 0, &code);
        let peer = totp_rs::Builder::new()
            .with_secret(secret(0).expose_secret())
            .with_skew(1)
            .build()?;
        Ok(Self {
            keyring: world.keyring(),
            bound: world.bound(0)?,
            secret: secret(0),
            policy: Policy::default(),
            code: code.text(&mut [0; 8]).to_owned(),
            body,
            peer,
        })
    }

    pub(crate) fn decode(&self) {
        let request = read_json::<VerifyRequest>(black_box(&self.body));
        assert!(black_box(request).is_ok());
    }

    pub(crate) fn unseal_and_judge(&self) {
        let device = &self.bound.device;
        let secret = self.keyring.open(&record(device), black_box(&device.sealed));
        self.judge_with(secret.expect("it is the device's"));
    }

    pub(crate) fn judge(&self) {
        let secret = Secret::from_slice(black_box(self.secret.expose_secret()));
        self.judge_with(secret.expect("20 bytes"));
    }

    fn judge_with(&self, secret: Secret) {
        let device = &self.bound.device;
        let credential = Credential::new(secret, device.parameters, device.kind);
        let code = Code::parse(black_box(&self.code)).ok();
        let (state, purpose) = (&self.bound.state, Purpose::Verification);
        let judged = judge(state, &credential, code.as_ref(), purpose, BEGINNING, &self.policy);
        assert!(matches!(black_box(judged).verdict, Verdict::Accepted(_)));
    }

    /// The same question to totp-rs, which neither learns drift nor remembers.
    pub(crate) fn totp_rs(&self) {
        let now_s = BEGINNING.get().unsigned_abs() / 1_000;
        assert!(
            self.peer
                .check(black_box(self.code.as_str()), black_box(now_s))
                .is_some()
        );
    }

    /// The least that three time steps take: a key, and a hash of each.
    pub(crate) fn hash(&self) {
        let secret = black_box(self.secret.expose_secret());
        let keyed = Hmac::<Sha1>::new_from_slice(secret).expect("any length is a key");
        for near in -1..=1 {
            let mut hash = keyed.clone();
            hash.update(&step(0).offset(near).get().to_be_bytes());
            black_box(hash.finalize());
        }
    }

    pub(crate) fn encode(&self) {
        let answer = VerifyResponse::accepted(black_box(Some(Id::max())), Id::max(), 0);
        assert!(black_box(serde_json::to_vec(&answer)).is_ok());
    }
}
