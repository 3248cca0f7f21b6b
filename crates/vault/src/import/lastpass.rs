//! LastPass Authenticator: `{deviceId, version, accounts: [{issuerName, userName, secret, timeStep, …}], folders: […]}`.

use std::collections::BTreeMap;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::Claim;
use super::importer::Importer;
use super::json::{RawList, number, parse, push_all};
use super::receipt::{Export, Format, Protection};

const FORMAT: Format = Format::LastPass;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    accounts: RawList<'a>,
    folders: Option<Vec<Folder>>,
}

#[derive(Deserialize)]
struct Folder {
    id: i64,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    /// What the user has made of the names; the original ones are the URI's.
    issuer_name: Option<String>,
    user_name: Option<String>,
    original_issuer_name: Option<String>,
    original_user_name: Option<String>,
    secret: Option<Zeroizing<String>>,
    algorithm: Option<String>,
    #[serde(default, deserialize_with = "number")]
    digits: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    time_step: Option<i64>,
    is_favorite: Option<bool>,
    folder_data: Option<InFolder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InFolder {
    folder_id: Option<i64>,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| {
        let file = content.object();
        file.is_some_and(|file| file.any_in("accounts", |account| account.has_all(&["issuerName", "secret"])))
    },
    read: |content, _| {
        let file: File<'_> = parse(FORMAT, content.text)?;
        let folders = file.folders.unwrap_or_default();
        let folders: BTreeMap<i64, String> = folders
            .into_iter()
            .filter_map(|folder| Some((folder.id, folder.name?)))
            .collect();
        let mut export = Export::new(FORMAT, Protection::InTheClear);
        push_all(&mut export, file.accounts, |account: Account| {
            Ok(claim(account, &folders))
        });
        Ok(export)
    },
};

fn claim(account: Account, folders: &BTreeMap<i64, String>) -> Claim {
    let given = |name: Option<String>| name.filter(|name| !name.trim().is_empty());
    let issuer = given(account.issuer_name).or(account.original_issuer_name);
    let user = given(account.user_name).or(account.original_user_name);
    let folder = account.folder_data.and_then(|folder| folder.folder_id);
    Claim {
        groups: folder.and_then(|id| folders.get(&id).cloned()).into_iter().collect(),
        favourite: account.is_favorite.unwrap_or(false),
        algorithm: account.algorithm,
        digits: account.digits,
        period_s: account.time_step,
        ..Claim::new("totp", issuer, user).with_base32(account.secret)
    }
}
