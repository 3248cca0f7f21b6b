//! Whatever comes over the line, both ends take it: no panic, and a good frame behind noise is heard.

use proptest::prelude::*;
use wire::{About, Answers, Device, Frame, Heard, Host, Receiver, Request, Response, Session, TokenStatus, WhyEnded};
use zeroize::Zeroizing;

/// A device without an application: it tells who it is, and refuses.
struct Nobody(u8);

impl Answers for Nobody {
    fn about(&mut self) -> About<'_> {
        About {
            model: "CS-1",
            firmware_version: "0.1.0",
            serial_number: None,
            status: TokenStatus::Blank,
        }
    }

    fn random(&mut self, _compare: bool) -> Result<Zeroizing<[u8; 32]>, WhyEnded> {
        self.0 = self.0.wrapping_add(1);
        Ok(Zeroizing::new([self.0; 32]))
    }

    fn session_began(&mut self, _: &Session) {}

    fn session_ended(&mut self) {}

    fn answer(&mut self, _: &Request<'_>, _: &Session) -> Response<'_> {
        Response::Refused(wire::Refusal::Unknown)
    }
}

fn hears(device: &mut Device, bytes: &[u8]) -> Vec<Frame> {
    let answers = &mut Nobody(0);
    bytes
        .iter()
        .filter_map(|byte| device.receive(*byte, answers).cloned())
        .collect()
}

proptest! {
    #[test]
    fn a_payload_comes_back(payload in proptest::collection::vec(any::<u8>(), 0..=wire::PAYLOAD_MAX_LEN_BYTES)) {
        let frame = Frame::of(&payload).expect("it fits");
        let mut receiver = Receiver::new();
        let mut heard = Vec::new();
        for byte in frame.as_bytes() {
            if let Some(found) = receiver.push(*byte) {
                heard.push(found.expect("a whole frame").bytes.to_vec());
            }
        }
        prop_assert_eq!(heard, [payload]);
    }

    #[test]
    fn a_longer_one_has_no_frame(more in 1_usize..100) {
        prop_assert!(Frame::of(&vec![0; wire::PAYLOAD_MAX_LEN_BYTES + more]).is_none());
    }

    #[test]
    fn a_device_hears_a_good_frame_behind_noise(noise in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut device = Device::new();
        hears(&mut device, &noise);
        let mut host = Host::new();
        let answers = hears(&mut device, host.hello().as_bytes());
        let heard = answers.last().expect("an answer").as_bytes().iter().any(|byte| {
            matches!(host.receive(*byte), Some(Heard::About(about)) if about.status == TokenStatus::Blank)
        });
        prop_assert!(heard);
    }

    #[test]
    fn a_host_takes_whatever_comes(noise in proptest::collection::vec(any::<u8>(), 0..600), stage in 0..3) {
        let mut host = Host::new();
        match stage {
            0 => {}
            1 => { host.hello(); }
            _ => { host.open(&[1; 32], true); }
        }
        for byte in noise {
            let _heard = host.receive(byte);
        }
    }

    #[test]
    fn a_changed_bit_is_no_frame(payload in proptest::collection::vec(any::<u8>(), 1..100), bit in any::<prop::sample::Index>()) {
        let frame = Frame::of(&payload).expect("it fits");
        let mut bytes = frame.as_bytes().to_vec();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut receiver = Receiver::new();
        for byte in bytes {
            if let Some(Ok(found)) = receiver.push(byte) {
                // Only the zeroes around it may change, for the one before is not needed.
                prop_assert!(found.bytes[..] == payload[..] && bit < 8);
            }
        }
    }
}
