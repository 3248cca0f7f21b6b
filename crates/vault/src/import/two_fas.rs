//! 2FAS: `{schemaVersion, services: […], groups: […]}`; encrypted, `servicesEncrypted` is base64 of the list with its tag, the
//! salt and the nonce, with colons between (PBKDF2-HMAC-SHA-256 with 10,000 iterations, AES-256-GCM).

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::Claim;
use super::decrypt::{aes_gcm, pbkdf2_sha256};
use super::error::ImportError;
use super::importer::Importer;
use super::json::{Object, RawList, number, parse, push_all};
use super::receipt::{Export, Format, Protection};

const FORMAT: Format = Format::TwoFas;
const ITERATIONS: u32 = 10_000;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    services: Option<RawList<'a>>,
    #[serde(rename = "servicesEncrypted")]
    services_encrypted: Option<String>,
    groups: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    name: Option<String>,
    secret: Option<Zeroizing<String>>,
    group_id: Option<String>,
    otp: Option<Otp>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Otp {
    label: Option<String>,
    account: Option<String>,
    issuer: Option<String>,
    algorithm: Option<String>,
    token_type: Option<String>,
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
            let is_own =
                |service: &Object<'_>| service.has_all(&["name", "secret"]) || service.has_all(&["otp", "secret"]);
            file.has("servicesEncrypted") || file.any_in("services", is_own)
        })
    },
    read: |content, password| read(content.text, password),
};

fn read(text: &str, password: Option<&[u8]>) -> Result<Export, ImportError> {
    let file: File<'_> = parse(FORMAT, text)?;
    let groups = file.groups.unwrap_or_default();
    let sealed = file.services_encrypted.filter(|sealed| !sealed.trim().is_empty());
    let Some(sealed) = sealed else {
        let services = file.services.ok_or(ImportError::Unknown)?;
        return Ok(read_services(services, &groups, Protection::InTheClear));
    };
    let password = password.ok_or(ImportError::Locked(FORMAT))?;
    let malformed = ImportError::Malformed(FORMAT, "servicesEncrypted is not three pieces of base64");
    let mut pieces = sealed.split(':').map(|piece| BASE64.decode(piece.as_bytes()));
    let mut piece = || pieces.next().and_then(Result::ok).ok_or(malformed);
    let (sealed, salt, nonce) = (piece()?, piece()?, piece()?);
    let key = pbkdf2_sha256(password, &salt, ITERATIONS)?;
    let list = aes_gcm(&key, &nonce, &sealed, &[]).ok_or(ImportError::WrongPassword(FORMAT))?;
    let list = str::from_utf8(&list).map_err(|_| ImportError::Malformed(FORMAT, "its services are not UTF-8"))?;
    Ok(read_services(parse(FORMAT, list)?, &groups, Protection::Encrypted))
}

fn read_services(services: RawList<'_>, groups: &[Group], protection: Protection) -> Export {
    let mut export = Export::new(FORMAT, protection);
    let groups: BTreeMap<&str, &str> = groups
        .iter()
        .map(|group| (group.id.as_str(), group.name.as_str()))
        .collect();
    push_all(&mut export, services, |service: Service| {
        let group = service.group_id.and_then(|id| groups.get(id.as_str()));
        let otp = service.otp.unwrap_or_default();
        let kind = otp.token_type.as_deref().unwrap_or("totp");
        // the name is what the app shows, the issuer what the URI said
        let given = |name: Option<String>| name.filter(|name| !name.trim().is_empty());
        let shown = given(service.name);
        let account = given(otp.account).or_else(|| given(otp.label));
        Ok(Claim {
            other_issuer: otp.issuer.clone(),
            groups: group.into_iter().map(|name| (*name).to_owned()).collect(),
            algorithm: otp.algorithm,
            digits: otp.digits,
            period_s: otp.period,
            counter: otp.counter.map(i128::from),
            ..Claim::new(kind, shown.or(otp.issuer), account).with_base32(service.secret)
        })
    });
    export
}
