//! Bitwarden: a JSON object of `folders` and `items`, or a CSV with a column `login_totp`. An item's `totp` is an otpauth URI,
//! `steam://SECRET`, or a bare secret. Its own encrypted JSON cannot be read: it is for the account it came from.

use std::collections::BTreeMap;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::{Claim, Reason};
use super::csv::Table;
use super::json::{RawList, parse};
use super::read::ImportError;
use super::receipt::{Export, Format, Place, Protection};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(default)]
    encrypted: bool,
    #[serde(default)]
    folders: Vec<Folder>,
    #[serde(borrow, default)]
    items: RawList<'a>,
}

#[derive(Deserialize)]
struct Folder {
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: Option<String>,
    folder_id: Option<String>,
    #[serde(default)]
    favorite: bool,
    login: Option<Login>,
}

#[derive(Deserialize)]
struct Login {
    username: Option<String>,
    totp: Option<Zeroizing<String>>,
}

pub(super) fn read_json(text: &str) -> Result<Export, ImportError> {
    const FORMAT: Format = Format::BitwardenJson;
    let file: File<'_> = parse(FORMAT, text)?;
    if file.encrypted {
        let why = "it is encrypted in Bitwarden's own way; export it again as .json without encryption";
        return Err(ImportError::Unsupported(FORMAT, why));
    }
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    let folders = file
        .folders
        .iter()
        .map(|folder| (folder.id.as_str(), folder.name.as_str()));
    let folders: BTreeMap<&str, &str> = folders.collect();
    for (index, item) in file.items.0.into_iter().enumerate() {
        let place = Place::Entry(index + 1);
        let Ok(item) = serde_json::from_str::<Item>(item.get()) else {
            export.push(place, Err(Reason::Shape));
            continue;
        };
        let (username, totp) = item.login.map_or((None, None), |login| (login.username, login.totp));
        let folder = item.folder_id.and_then(|id| folders.get(id.as_str()));
        let folder = folder.map(|name| (*name).to_owned());
        push(&mut export, place, totp, item.name, username, folder, item.favorite);
    }
    Ok(export)
}

/// Whether the first line is the header of Bitwarden's table.
pub(super) fn is_csv(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.split(',').any(|column| column.trim_matches('"') == "login_totp")
}

pub(super) fn read_csv(text: &str) -> Result<Export, ImportError> {
    const FORMAT: Format = Format::BitwardenCsv;
    let mut table = Table::read(FORMAT, text)?;
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    while let Some(mut row) = table.next_row()? {
        let place = Place::Line(row.line);
        let mut field = |name| row.take(name).filter(|text| !text.trim().is_empty());
        let totp = field("login_totp");
        let mut text = |name| field(name).map(|text| text.as_str().to_owned());
        let (name, username, folder) = (text("name"), text("login_username"), text("folder"));
        let favourite = text("favorite").is_some_and(|favourite| favourite == "1");
        push(&mut export, place, totp, name, username, folder, favourite);
    }
    Ok(export)
}

fn push(
    export: &mut Export,
    place: Place,
    totp: Option<Zeroizing<String>>,
    name: Option<String>,
    username: Option<String>,
    folder: Option<String>,
    favourite: bool,
) {
    let Some(totp) = totp.filter(|totp| !totp.trim().is_empty()) else {
        export.without_code += 1;
        return;
    };
    let claim = Claim::from_login(totp).map(|mut claim| {
        if claim.issuer.is_empty() {
            claim.issuer = name.unwrap_or_default();
        }
        if claim.account.is_empty() {
            claim.account = username.unwrap_or_default();
        }
        claim.groups = folder.into_iter().collect();
        claim.favourite = favourite;
        claim
    });
    export.push(place, claim);
}
