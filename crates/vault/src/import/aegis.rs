//! Aegis: `{version, header: {slots, params}, db}`, where `db` is an object or, encrypted, base64 of one.
//!
//! Each password slot wraps the master key under scrypt and AES-256-GCM (beemdevelopment/Aegis, docs/vault.md).

use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::claim::Claim;
use super::decrypt::{MAX_SCRYPT_WORK_BYTES, aes_gcm, scrypt, scrypt_work_bytes};
use super::error::ImportError;
use super::importer::Importer;
use super::json::{Object, RawList, number, parse, push_all};
use super::receipt::{Export, Format, Protection};

const FORMAT: Format = Format::Aegis;
const PASSWORD_SLOT: i64 = 1;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    header: Option<Header<'a>>,
    #[serde(borrow)]
    db: &'a RawValue,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    slots: Option<RawList<'a>>,
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    nonce: String,
    tag: String,
}

#[derive(Deserialize)]
struct Slot {
    #[serde(rename = "type")]
    kind: i64,
    key: String,
    key_params: Params,
    n: Option<u64>,
    r: Option<u32>,
    p: Option<u32>,
    salt: Option<String>,
}

#[derive(Deserialize)]
struct Db<'a> {
    #[serde(borrow)]
    entries: RawList<'a>,
    groups: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    uuid: String,
    name: String,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    issuer: Option<String>,
    note: Option<String>,
    favorite: Option<bool>,
    /// Versions 1 and 2: a name.
    group: Option<String>,
    /// Version 3: ids.
    groups: Option<Vec<String>>,
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    secret: Option<Zeroizing<String>>,
    algo: Option<String>,
    #[serde(default, deserialize_with = "number")]
    digits: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    period: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    counter: Option<i64>,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| {
        content.object().is_some_and(|file| {
            let db = file.get("db");
            db.is_some() && file.has("header") || db.and_then(Object::read).is_some_and(|db| db.has("entries"))
        })
    },
    read: |content, password| read(content.text, password),
};

fn read(text: &str, password: Option<&[u8]>) -> Result<Export, ImportError> {
    let file: File<'_> = parse(FORMAT, text)?;
    if !file.db.get().starts_with('"') {
        return read_db(file.db.get(), Protection::InTheClear);
    }
    let password = password.ok_or(ImportError::Locked(FORMAT))?;
    let incomplete = ImportError::Malformed(FORMAT, "its header says nothing of how it is encrypted");
    let header = file.header.ok_or(incomplete)?;
    let (slots, params) = (header.slots.ok_or(incomplete)?, header.params.ok_or(incomplete)?);

    let sealed: String = parse(FORMAT, file.db.get())?;
    let sealed = BASE64
        .decode(sealed.as_bytes())
        .map_err(|_| ImportError::Malformed(FORMAT, "its db is not base64"))?;
    let master_key = master_key(&slots, password)?;
    let db = open(&master_key, &params, sealed)?.ok_or(ImportError::WrongPassword(FORMAT))?;
    let db = str::from_utf8(&db).map_err(|_| ImportError::Malformed(FORMAT, "its db is not UTF-8"))?;
    read_db(db, Protection::Encrypted)
}

/// Tries each password slot. What all of them cost together is checked before the first is tried.
fn master_key(slots: &RawList<'_>, password: &[u8]) -> Result<Zeroizing<[u8; 32]>, ImportError> {
    let slots: Vec<Slot> = slots
        .0
        .iter()
        .filter_map(|slot| serde_json::from_str(slot.get()).ok())
        .filter(|slot: &Slot| slot.kind == PASSWORD_SLOT)
        .collect();
    if slots.is_empty() {
        return Err(ImportError::Unsupported(FORMAT, "it has no slot for a password"));
    }
    let mut work_bytes = 0_u64;
    for slot in &slots {
        let (n, r, p) = slot.cost()?;
        let work = scrypt_work_bytes(n, r, p).ok_or(ImportError::Malformed(FORMAT, "its scrypt numbers are none"))?;
        work_bytes = work_bytes.saturating_add(work);
    }
    if work_bytes > MAX_SCRYPT_WORK_BYTES {
        return Err(ImportError::Cost(
            "checking the password would take more than 1 GiB; Aegis' own slots take 32 MiB each",
        ));
    }
    for slot in &slots {
        let (n, r, p) = slot.cost()?;
        let salt = hex(slot.salt.as_deref().unwrap_or_default())?;
        let key = scrypt(password, &salt, n, r, p)?;
        if let Some(master_key) = open(&key, &slot.key_params, hex(&slot.key)?)? {
            let master_key = master_key
                .first_chunk()
                .ok_or(ImportError::Malformed(FORMAT, "its master key is too short"))?;
            return Ok(Zeroizing::new(*master_key));
        }
    }
    Err(ImportError::WrongPassword(FORMAT))
}

impl Slot {
    fn cost(&self) -> Result<(u64, u32, u32), ImportError> {
        let cost = || Some((self.n?, self.r?, self.p?));
        cost().ok_or(ImportError::Malformed(FORMAT, "a slot says nothing of scrypt"))
    }
}

fn open(
    key: &Zeroizing<[u8; 32]>,
    params: &Params,
    mut sealed: Vec<u8>,
) -> Result<Option<Zeroizing<Vec<u8>>>, ImportError> {
    sealed.extend_from_slice(&hex(&params.tag)?);
    Ok(aes_gcm(key, &hex(&params.nonce)?, &sealed, &[]))
}

fn hex(text: &str) -> Result<Vec<u8>, ImportError> {
    HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .map_err(|_| ImportError::Malformed(FORMAT, "its header is not hexadecimal"))
}

fn read_db(text: &str, protection: Protection) -> Result<Export, ImportError> {
    let db: Db<'_> = parse(FORMAT, text)?;
    let mut export = Export::new(FORMAT, protection);
    let groups = db
        .groups
        .iter()
        .flatten()
        .map(|group| (group.uuid.as_str(), group.name.as_str()))
        .collect();
    push_all(&mut export, db.entries, |entry: Entry| Ok(claim(entry, &groups)));
    Ok(export)
}

fn claim(entry: Entry, groups: &BTreeMap<&str, &str>) -> Claim {
    let named = |id: &String| groups.get(id.as_str()).map(|name| (*name).to_owned());
    let names = entry.groups.iter().flatten().filter_map(named);
    Claim {
        note: entry.note.unwrap_or_default(),
        groups: entry.group.into_iter().chain(names).collect(),
        favourite: entry.favorite.unwrap_or(false),
        algorithm: entry.info.algo,
        digits: entry.info.digits,
        period_s: entry.info.period,
        counter: entry.info.counter.map(i128::from),
        ..Claim::new(&entry.kind, entry.issuer, entry.name).with_base32(entry.info.secret)
    }
}
