//! The bytes of every message, as files: what is in the field never changes. `COUNTERSIGN_BLESS=1` writes them, for a
//! message that is new.
#![allow(clippy::disallowed_methods, reason = "a test asks whether to write its files")]

use std::{fmt::Debug, fs, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use wire::{
    About, Algorithm, Fault, Frame, NAME_MAX_LEN_BYTES, PAYLOAD_MAX_LEN_BYTES, Parameters, Provision, Receiver,
    Refusal, Request, Response, StatusReport, ToHost, ToToken, TokenStatus, WhyEnded, read, write,
};

const PARAMETERS: Parameters = Parameters {
    algorithm: Algorithm::Sha1,
    digits: 6,
    period_s: 30,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `name payload frame`, a line each.
fn assert_golden<T: Serialize + Debug>(file: &str, messages: &[(&str, T)]) {
    let mut found = String::new();
    for (name, message) in messages {
        let mut buffer = [0; PAYLOAD_MAX_LEN_BYTES];
        let payload = write(message, &mut buffer).expect("a message has room");
        let frame = Frame::of(payload).expect("a payload has room");
        found += &format!(
            "{name}\n  payload {}\n  frame   {}\n",
            hex(payload),
            hex(frame.as_bytes())
        );
        let mut receiver = Receiver::new();
        let heard: Vec<Vec<u8>> = frame
            .as_bytes()
            .iter()
            .filter_map(|byte| {
                receiver
                    .push(*byte)
                    .map(|payload| payload.expect("a frame").bytes.to_vec())
            })
            .collect();
        assert_eq!(heard, [payload.to_vec()], "{name} comes back");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if std::env::var_os("COUNTERSIGN_BLESS").is_some() {
        fs::write(&path, &found).expect("the file can be written");
    }
    let wanted = fs::read_to_string(&path).expect("there is a file of this name");
    assert_eq!(found, wanted, "{file}: what is in the field says it otherwise");
}

#[test]
fn what_the_host_says() {
    assert_golden(
        "to_token.txt",
        &[
            ("hello", ToToken::Hello),
            (
                "open",
                ToToken::Open {
                    commitment: [0x11; 32],
                    compare: true,
                },
            ),
            ("reveal", ToToken::Reveal { public_key: [0x22; 32] }),
            ("sealed", ToToken::Sealed(&[0x33; 17])),
        ],
    );
    let provision = Provision {
        parameters: PARAMETERS,
        serial_number: "CS-000001",
        label: "ACME CLOUD",
        unix_s: 1_800_000_000,
        host_random: [0x44; 32],
    };
    assert_golden(
        "requests.txt",
        &[
            ("confirm", Request::Confirm),
            ("provision", Request::Provision(provision)),
            ("commit", Request::Commit),
            (
                "set_time",
                Request::SetTime {
                    unix_s: 1_800_000_000,
                    tag: [0x55; 32],
                },
            ),
            ("status", Request::Status),
            ("prove", Request::Prove { nonce: [0x66; 32] }),
            ("wipe", Request::Wipe { tag: [0x77; 32] }),
        ],
    );
}

#[test]
fn what_the_token_says() {
    let about = About {
        model: "CS-1",
        firmware_version: "0.1.0",
        serial_number: None,
        status: TokenStatus::Blank,
    };
    assert_golden(
        "to_host.txt",
        &[
            ("about, blank", ToHost::About(about)),
            (
                "about, sealed",
                ToHost::About(About {
                    serial_number: Some("CS-000001"),
                    status: TokenStatus::Sealed,
                    ..about
                }),
            ),
            ("opened", ToHost::Opened { public_key: [0x22; 32] }),
            ("sealed", ToHost::Sealed(&[0x33; 17])),
            ("ended: out of order", ToHost::Ended(WhyEnded::OutOfOrder)),
            ("ended: broken", ToHost::Ended(WhyEnded::Broken)),
            ("ended: other version", ToHost::Ended(WhyEnded::OtherVersion)),
            ("ended: bad key", ToHost::Ended(WhyEnded::BadKey)),
            ("ended: no randomness", ToHost::Ended(WhyEnded::NoRandomness)),
            ("ended: too soon", ToHost::Ended(WhyEnded::TooSoon)),
        ],
    );
    let status = StatusReport {
        status: TokenStatus::Sealed,
        serial_number: Some("CS-000001"),
        label: "ACME CLOUD",
        parameters: Some(PARAMETERS),
        unix_s: Some(1_800_000_000),
        shifted_s: 90,
        settings: 2,
        battery_percent: 80,
        fault: None,
    };
    let mut responses = vec![
        ("ready", Response::Ready),
        ("confirmed", Response::Confirmed { pressed: true }),
        (
            "provisioned",
            Response::Provisioned {
                token_random: [0x44; 32],
            },
        ),
        ("committed", Response::Committed),
        (
            "time set",
            Response::TimeSet {
                shift_s: -90,
                allowance_s: 510,
            },
        ),
        ("status", Response::Status(status)),
        (
            "status, blank",
            Response::Status(StatusReport {
                status: TokenStatus::Blank,
                serial_number: None,
                label: "",
                parameters: None,
                unix_s: None,
                fault: Some(Fault::Clock),
                ..status
            }),
        ),
        ("proof", Response::Proof([0x66; 32])),
        ("wiped", Response::Wiped),
    ];
    let refusals = [
        ("refused: wrong state", Refusal::WrongState),
        ("refused: not confirmed", Refusal::NotConfirmed),
        ("refused: not authorised", Refusal::NotAuthorised),
        ("refused: over allowance", Refusal::OverAllowance),
        ("refused: below shown", Refusal::BelowShown),
        ("refused: invalid", Refusal::Invalid),
        ("refused: no time", Refusal::NoTime),
        ("refused: storage", Refusal::Storage),
        ("refused: unknown", Refusal::Unknown),
    ];
    responses.extend(refusals.map(|(name, refusal)| (name, Response::Refused(refusal))));
    assert_golden("responses.txt", &responses);
}

#[test]
fn the_longest_messages_have_room() {
    let name = "N".repeat(NAME_MAX_LEN_BYTES);
    let provision = Request::Provision(Provision {
        parameters: Parameters {
            algorithm: Algorithm::Sha512,
            digits: u8::MAX,
            period_s: u16::MAX,
        },
        serial_number: &name,
        label: &name,
        unix_s: u64::MAX,
        host_random: [0xFF; 32],
    });
    let status = Response::Status(StatusReport {
        status: TokenStatus::Wiped,
        serial_number: Some(&name),
        label: &name,
        parameters: Some(Parameters {
            algorithm: Algorithm::Sha512,
            digits: u8::MAX,
            period_s: u16::MAX,
        }),
        unix_s: Some(u64::MAX),
        shifted_s: u32::MAX,
        settings: u32::MAX,
        battery_percent: u8::MAX,
        fault: Some(Fault::Display),
    });
    let len = |written: Result<&mut [u8], wire::TooLong>| written.expect("room").len();
    let mut buffer = [0; PAYLOAD_MAX_LEN_BYTES];
    let request = len(write(&provision, &mut buffer));
    let response = len(write(&status, &mut buffer));
    // A tag of 16 bytes, the version, the variant and the length around it.
    assert!(
        request.max(response) + 16 + 4 <= PAYLOAD_MAX_LEN_BYTES,
        "{request}, {response}"
    );
}

#[test]
fn what_is_behind_a_message_is_no_part_of_it() {
    fn owned<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
        read(payload)
    }
    assert_eq!(owned::<WhyEnded>(&[1, 0]), Some(WhyEnded::OutOfOrder));
    assert_eq!(owned::<WhyEnded>(&[1, 0, 0]), None);
    assert_eq!(owned::<WhyEnded>(&[2, 0]), None, "another version");
    assert_eq!(owned::<WhyEnded>(&[1]), None);
    assert_eq!(owned::<WhyEnded>(&[]), None);
    assert_eq!(owned::<WhyEnded>(&[1, 200]), None);
}
