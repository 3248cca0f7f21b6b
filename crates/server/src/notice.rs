//! Notices as they are posted to webhooks: the body, and its signatures
//! ([Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)).

use api::NoticeType;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use service::{Client, Notice, NoticeKind, Posting};
use sha2::Sha256;

use crate::http::time;

/// A notice ready to be posted.
#[derive(Debug)]
pub struct SignedNotice {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`: the time of this try, in seconds.
    pub timestamp: String,
    /// `webhook-signature`: of each secret one, with a blank between.
    pub signature: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// The body of a notice, signed with each of the secrets for the time of the try.
///
/// # Errors
/// It cannot be written as JSON, or a secret is no key: nothing of a caller's makes it so.
pub fn signed_notice(posting: &Posting<'_>) -> Result<SignedNotice, String> {
    let notice = posting.notice;
    let body = serde_json::to_vec(&wire(notice)).map_err(|error| error.to_string())?;
    let id = notice.id.to_string();
    let timestamp = posting.at.get().div_euclid(1_000).to_string();
    let signatures = posting.secrets.iter().map(|secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret()).map_err(|error| error.to_string())?;
        let mac = mac.chain_update(&id).chain_update(b".").chain_update(&timestamp);
        let mac = mac.chain_update(b".").chain_update(&body).finalize().into_bytes();
        Ok(format!("v1,{}", BASE64.encode(&mac)))
    });
    let signatures: Vec<String> = signatures.collect::<Result<_, String>>()?;
    Ok(SignedNotice {
        id,
        timestamp,
        signature: signatures.join(" "),
        body,
    })
}

fn wire(notice: &Notice) -> api::Notice {
    let facts = notice.facts.clone();
    let changes = facts.changes.into_iter().map(|change| api::SettingChange {
        setting: change.setting,
        before: change.before,
        after: change.after,
    });
    api::Notice {
        kind: type_of(notice.kind),
        timestamp: time(notice.at),
        data: api::NoticeData {
            account: notice.owner.account.to_string(),
            user: notice.owner.user.to_string(),
            device_id: facts.device,
            replaced_device_id: facts.replaced_device,
            serial_number: facts.serial_number,
            ground: facts.ground,
            locked_until: facts.locked_until.map(time),
            road: facts.road,
            changes: changes.collect(),
            trusted_device_id: facts.trusted_device,
            trusted_until: facts.until.map(time),
            decision: facts.decision,
            absent_days: facts.absent_days,
            sessions: facts.sessions,
            unbind_request_id: facts.unbind_request,
            in_force_at: facts.in_force_at.map(time),
            by: facts.by,
            client: facts.client.map(client),
        },
    }
}

fn client(client: Client) -> api::SessionClient {
    api::SessionClient {
        ip: client.ip.and_then(|ip| ip.parse().ok()),
        user_agent: client.user_agent,
    }
}

macro_rules! types {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn type_of(kind: NoticeKind) -> NoticeType {
            match kind {
                $(NoticeKind::$name => NoticeType::$name),+
            }
        }

        pub(crate) fn kind_of(kind: NoticeType) -> NoticeKind {
            match kind {
                $(NoticeType::$name => NoticeKind::$name),+
            }
        }
    };
}

types!(
    DeviceBound,
    DeviceUnbound,
    DeviceReplaced,
    DeviceLocked,
    DeviceSuspended,
    ProtectionChanged,
    RecoveryCodesMade,
    RecoveryCodesUsed,
    PasscodeIssued,
    TrustedDeviceAdded,
    TrustedDeviceTheft,
    LoginSuspicious,
    LoginAfterAbsence,
    SessionsEnded,
    UnbindRequestApplied,
    UnbindRequestOpened,
    UnbindRequestApproved,
    UnbindRequestInForce,
);

#[cfg(test)]
mod tests {
    use service::{Facts, Id, Owner, Secret, UnixMs};

    use super::*;

    fn notice() -> Notice {
        Notice {
            id: Id::from_u128(7),
            kind: NoticeKind::DeviceBound,
            at: UnixMs::new(1_614_265_330_000),
            owner: Owner::new("acme", "alice"),
            facts: Facts::default(),
        }
    }

    #[test]
    fn p8_a_notice_says_its_type_time_and_user() {
        let secrets = [Secret::from_slice(&[7; 32]).expect("a secret")];
        let posting = Posting {
            url: "https://example.org/",
            is_outside: false,
            notice: &notice(),
            secrets: &secrets,
            at: UnixMs::new(1_614_265_330_999),
        };
        let signed = signed_notice(&posting).expect("signed");
        let body = r#"{"type":"device.bound","timestamp":"2021-02-25T15:02:10.000Z","data":{"account":"acme","user":"alice"}}"#;
        assert_eq!(std::str::from_utf8(&signed.body), Ok(body));
        assert_eq!(signed.timestamp, "1614265330");
        assert_eq!(signed.id, Id::from_u128(7).to_string());
    }

    #[test]
    fn p8_every_type_has_its_name_on_the_wire() {
        for kind in NoticeKind::ALL {
            let wire = serde_json::to_value(type_of(kind)).expect("JSON");
            assert_eq!(wire, kind.name());
            assert_eq!(kind_of(type_of(kind)), kind);
        }
    }

    #[test]
    fn p8_in_an_overlap_there_are_two_signatures() {
        let secrets = [1, 2].map(|byte| Secret::from_slice(&[byte; 32]).expect("a secret"));
        let posting = Posting {
            url: "https://example.org/",
            is_outside: false,
            notice: &notice(),
            secrets: &secrets,
            at: UnixMs::new(0),
        };
        let signed = signed_notice(&posting).expect("signed");
        let parts: Vec<&str> = signed.signature.split(' ').collect();
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|part| part.starts_with("v1,") && part.len() == 3 + 44));
        assert_ne!(parts[0], parts[1]);
    }
}
