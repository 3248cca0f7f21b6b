//! Both ends of the serial line take any bytes, and hear a good frame behind them.

use wire::{About, Answers, Device, Heard, Host, Refusal, Request, Response, Session, TokenStatus, WhyEnded};
use zeroize::Zeroizing;

/// A token that tells who it is, and refuses.
struct Nobody;

impl Answers for Nobody {
    fn about(&mut self) -> About<'_> {
        About {
            model: "CS-1",
            firmware_version: "0",
            serial_number: None,
            status: TokenStatus::Blank,
        }
    }

    fn random(&mut self, _compare: bool) -> Result<Zeroizing<[u8; 32]>, WhyEnded> {
        Ok(Zeroizing::new([7; 32]))
    }

    fn session_began(&mut self, _: &Session) {}

    fn session_ended(&mut self) {}

    fn answer(&mut self, _: &Request<'_>, _: &Session) -> Response<'_> {
        Response::Refused(Refusal::Unknown)
    }
}

/// `data` as what is on the line, for each end.
pub fn run(data: &[u8]) {
    let (mut device, mut host) = (Device::new(), Host::new());
    host.open(&[9; 32], data.first().is_some_and(|byte| byte % 2 == 0));
    for byte in data.iter().chain(&[0]) {
        device.receive(*byte, &mut Nobody);
        host.receive(*byte);
    }
    let hello = host.hello().clone();
    let about = hello.as_bytes().iter().any(|byte| {
        let answer = device.receive(*byte, &mut Nobody).cloned();
        let mut answer = answer.iter().flat_map(|frame| frame.as_bytes());
        answer.any(|byte| matches!(host.receive(*byte), Some(Heard::About(_))))
    });
    assert!(about);
}
