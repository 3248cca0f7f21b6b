//! Bitwarden: a JSON object of `folders`, or `collections` of an organisation, and `items`, or a CSV with a column `login_totp`.
//! An item's `totp` is an otpauth URI, `steam://SECRET`, or a bare secret. With a password of its own the JSON is encrypted as
//! a whole: `salt`, the cost, and `data` (bitwarden/clients, `libs/importer`); with the account's key it is for that account.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::claim::Reason;
use super::csv::{Longer, Row, Table, columns};
use super::decrypt::{AesKey, TOO_DEAR, aes_cbc, argon2id, hkdf_expand_sha256, pbkdf2_sha256};
use super::error::ImportError;
use super::importer::Importer;
use super::json::{RawList, parse};
use super::login::{Extras, push};
use super::receipt::{Export, Format, Place, Protection};
use crate::KdfCost;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    encrypted: Option<bool>,
    password_protected: Option<bool>,
    folders: Option<Vec<Folder>>,
    collections: Option<Vec<Folder>>,
    #[serde(borrow, default)]
    items: RawList<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protected {
    salt: String,
    kdf_type: i64,
    kdf_iterations: u32,
    /// Argon2's, in MiB.
    kdf_memory: Option<u32>,
    kdf_parallelism: Option<u32>,
    #[serde(rename = "encKeyValidation_DO_NOT_EDIT")]
    validation: String,
    data: String,
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
    notes: Option<String>,
    folder_id: Option<String>,
    collection_ids: Option<Vec<String>>,
    favorite: Option<bool>,
    login: Option<Login>,
}

#[derive(Deserialize)]
struct Login {
    username: Option<String>,
    totp: Option<Zeroizing<String>>,
}

const JSON: Format = Format::BitwardenJson;

pub(super) const JSON_IMPORTER: Importer = Importer {
    is_one: |content| {
        content.object().is_some_and(|file| {
            let content = ["items", "data", "encKeyValidation_DO_NOT_EDIT"];
            let says_how = file.has("encrypted") && content.iter().any(|key| file.has(key));
            says_how || file.any_in("items", |item| item.has_all(&["type", "name"]))
        })
    },
    read: |content, password| read_json(content.text, password),
};

pub(super) const CSV_IMPORTER: Importer = Importer {
    is_one: |content| is_csv(content.text),
    read: |content, _| read_csv(content.text),
};

fn read_json(text: &str, password: Option<&[u8]>) -> Result<Export, ImportError> {
    let file: File<'_> = parse(JSON, text)?;
    if file.encrypted != Some(true) {
        return Ok(read_items(file));
    }
    if file.password_protected != Some(true) {
        let why =
            "it is encrypted for the account that it came from; export it again with a password of its own, or without";
        return Err(ImportError::Unsupported(JSON, why));
    }
    let opened = parse::<Protected>(JSON, text)?.open(password.ok_or(ImportError::Locked(JSON))?)?;
    let opened = str::from_utf8(&opened).map_err(|_| ImportError::Malformed(JSON, "its data is not UTF-8"))?;
    let mut export = read_items(parse(JSON, opened)?);
    export.protection = Protection::Encrypted;
    Ok(export)
}

impl Protected {
    fn open(&self, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, ImportError> {
        // the salt is its text, whatever that encodes
        let salt = self.salt.as_bytes();
        let key = match self.kdf_type {
            0 => pbkdf2_sha256(password, salt, self.kdf_iterations)?,
            1 => argon2id(self.argon2_cost()?, password, &Sha256::digest(salt))?,
            _ => {
                return Err(ImportError::Unsupported(
                    JSON,
                    "its password is checked in a way that is not known here",
                ));
            }
        };
        let keys = Keys {
            encryption: hkdf_expand_sha256(&key, b"enc"),
            mac: hkdf_expand_sha256(&key, b"mac"),
        };
        keys.open(&self.validation)?.ok_or(ImportError::WrongPassword(JSON))?;
        let damaged = ImportError::Malformed(JSON, "its data was changed or cut off; export it again");
        keys.open(&self.data)?.ok_or(damaged)
    }

    fn argon2_cost(&self) -> Result<KdfCost, ImportError> {
        let incomplete = ImportError::Malformed(JSON, "it does not say what checking its password costs");
        let memory_mib = self.kdf_memory.ok_or(incomplete)?;
        let lanes = self.kdf_parallelism.ok_or(incomplete)?;
        KdfCost::new(memory_mib.saturating_mul(1024), self.kdf_iterations, lanes).map_err(|_| TOO_DEAR)
    }
}

struct Keys {
    encryption: AesKey,
    mac: AesKey,
}

impl Keys {
    /// Bitwarden's text of a ciphertext: `2.IV|ciphertext|MAC`, in base64. `None` where the MAC is not its own.
    fn open(&self, text: &str) -> Result<Option<Zeroizing<Vec<u8>>>, ImportError> {
        let malformed = ImportError::Malformed(JSON, "its data is not three pieces of base64, or of a newer kind");
        let pieces = text.strip_prefix("2.").ok_or(malformed)?;
        let mut pieces = pieces.split('|').map(|piece| BASE64.decode(piece.as_bytes()));
        let mut piece = || pieces.next().and_then(Result::ok).ok_or(malformed);
        let (iv, sealed, mac) = (piece()?, piece()?, piece()?);
        let of_these = Hmac::<Sha256>::new_from_slice(&*self.mac).map_err(|_| malformed)?;
        let is_its_own = of_these
            .chain_update(&iv)
            .chain_update(&sealed)
            .verify_slice(&mac)
            .is_ok();
        Ok(is_its_own.then(|| aes_cbc(&self.encryption, &iv, &sealed)).flatten())
    }
}

fn read_items(file: File<'_>) -> Export {
    let mut export = Export::new(JSON, Protection::InTheClear);
    let (folders, collections) = (file.folders.unwrap_or_default(), file.collections.unwrap_or_default());
    let names: BTreeMap<&str, &str> = folders
        .iter()
        .chain(&collections)
        .map(|folder| (folder.id.as_str(), folder.name.as_str()))
        .collect();
    for (index, item) in file.items.0.into_iter().enumerate() {
        let place = Place::Entry(index + 1);
        let Ok(item) = serde_json::from_str::<Item>(item.get()) else {
            export.push(place, Err(Reason::Shape));
            continue;
        };
        let (username, totp) = item.login.map_or((None, None), |login| (login.username, login.totp));
        let ids = item
            .folder_id
            .into_iter()
            .chain(item.collection_ids.into_iter().flatten());
        let groups = ids.filter_map(|id| names.get(id.as_str()).map(|name| (*name).to_owned()));
        push(
            &mut export,
            place,
            totp,
            Extras {
                name: item.name,
                username,
                note: item.notes,
                groups: groups.collect(),
                favourite: item.favorite.unwrap_or(false),
            },
        );
    }
    export
}

/// True if the first line is the header of Bitwarden's table.
fn is_csv(text: &str) -> bool {
    columns(text).iter().any(|column| column == "login_totp")
}

/// The header of Bitwarden Authenticator for Android, under which each row has nine fields: issuer, period and digits once more
/// behind the URI. It quotes nothing, so that an issuer with a comma makes more of them.
const OF_ANDROID: [&str; 6] = ["folder", "favorite", "type", "name", "login_uri", "login_totp"];
/// The fields of that row in front of the name, and those between it and the URI.
const BEFORE_NAME: usize = 3;
const BEFORE_URI: usize = 1;

fn read_csv(text: &str) -> Result<Export, ImportError> {
    const FORMAT: Format = Format::BitwardenCsv;
    let longer = match columns(text) == OF_ANDROID {
        true => Longer::Kept,
        false => Longer::Refused,
    };
    let mut table = Table::read(FORMAT, text, longer)?;
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    let mut last = 0;
    while let Some(mut row) = table.next_row()? {
        last = row.line;
        let folder = row.text(&["folder"]);
        let collections = row.text(&["collections"]).unwrap_or_default();
        let (name, totp) = match longer {
            Longer::Kept => name_and_uri(&mut row),
            Longer::Refused => (row.text(&["name"]), row.take("login_totp")),
        };
        let groups = folder.into_iter().chain(collections.split(',').map(str::to_owned));
        let extras = Extras {
            groups: groups.collect(),
            name,
            username: row.text(&["login_username"]),
            note: row.text(&["notes"]),
            favourite: row.text(&["favorite"]).is_some_and(|favourite| favourite == "1"),
        };
        push(&mut export, Place::Line(last), totp, extras);
    }
    if !text.ends_with('\n') {
        export.doubt(last);
    }
    Ok(export)
}

/// A row's name, commas and all, and its URI.
fn name_and_uri(row: &mut Row<'_>) -> (Option<String>, Option<Zeroizing<String>>) {
    match row.take_first(|field| field.starts_with("otpauth://")) {
        Some((at, uri)) => (Some(row.joined(BEFORE_NAME, at.saturating_sub(BEFORE_URI))), Some(uri)),
        None => (row.text(&["name"]), row.take("login_totp")),
    }
}
