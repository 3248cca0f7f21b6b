//! Steam's own: the mobile app's `Steamguard-…` (of a rooted phone) and Steam Desktop Authenticator's `.maFile`, each one account
//! as JSON, whose `shared_secret` is base64.

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::claim::{Claim, ClaimedSecret, Reason, STEAM};
use super::importer::Importer;
use super::json::{RawList, parse, push_all};
use super::receipt::{Export, Format, Protection};

const FORMAT: Format = Format::Steam;

#[derive(Deserialize)]
struct Account {
    shared_secret: Zeroizing<String>,
    account_name: Option<String>,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| {
        let file = content.object();
        file.is_some_and(|file| file.has_all(&["shared_secret", "account_name"]))
    },
    read: |content, _| {
        let account: &RawValue = parse(FORMAT, content.text)?;
        let mut export = Export::new(FORMAT, Protection::InTheClear);
        push_all(&mut export, RawList(vec![account]), |account: Account| {
            let secret = BASE64.decode(account.shared_secret.trim().as_bytes());
            let secret = secret.map(Zeroizing::new).map_err(|_| Reason::Shape)?;
            Ok(Claim {
                secret: Some(ClaimedSecret::Bytes(secret)),
                ..Claim::new("steam", Some(STEAM.to_owned()), account.account_name)
            })
        });
        Ok(export)
    },
};
