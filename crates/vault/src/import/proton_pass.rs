//! Proton Pass: `data.json` in its ZIP, `{vaults: {ID: {name, items: [{data: {metadata, content: {totpUri, …}, extraFields}}]}}}`.
//! Under a password that file is an OpenPGP message instead, which is not opened here.

use std::collections::BTreeMap;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::Reason;
use super::importer::Importer;
use super::json::{RawList, parse};
use super::login::{Extras, push};
use super::receipt::{Export, Format, Place, Protection};

const FORMAT: Format = Format::ProtonPass;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    vaults: BTreeMap<String, Vault<'a>>,
}

#[derive(Deserialize)]
struct Vault<'a> {
    name: Option<String>,
    #[serde(borrow, default)]
    items: RawList<'a>,
}

#[derive(Deserialize)]
struct Item {
    data: Data,
    pinned: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    metadata: Metadata,
    content: Option<Content>,
    extra_fields: Option<Vec<Extra>>,
}

#[derive(Deserialize)]
struct Metadata {
    name: Option<String>,
    note: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    item_username: Option<String>,
    username: Option<String>,
    item_email: Option<String>,
    totp_uri: Option<Zeroizing<String>>,
}

/// A field that the user has added; one of them may be a code, too.
#[derive(Deserialize)]
struct Extra {
    data: Option<ExtraData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExtraData {
    totp_uri: Option<Zeroizing<String>>,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| {
        let file = content.object();
        file.is_some_and(|file| {
            file.has("userId") && file.get("vaults").is_some_and(|vaults| vaults.get().starts_with('{'))
        })
    },
    read: |content, _| {
        let file: File<'_> = parse(FORMAT, content.text)?;
        let mut export = Export::new(FORMAT, Protection::InTheClear);
        let items = file.vaults.into_values().flat_map(|vault| {
            let name = vault.name;
            vault.items.0.into_iter().map(move |item| (name.clone(), item))
        });
        for ((vault, item), number) in items.zip(1..) {
            match serde_json::from_str(item.get()) {
                Ok(item) => push_item(&mut export, Place::Entry(number), item, vault),
                Err(_) => export.push(Place::Entry(number), Err(Reason::Shape)),
            }
        }
        Ok(export)
    },
};

fn push_item(export: &mut Export, place: Place, item: Item, vault: Option<String>) {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let content = item.data.content.unwrap_or_default();
    let username = given(content.item_username)
        .or_else(|| given(content.username))
        .or_else(|| given(content.item_email));
    let extras = || Extras {
        name: item.data.metadata.name.clone(),
        username: username.clone(),
        note: item.data.metadata.note.clone(),
        groups: vault.iter().cloned().collect(),
        favourite: item.pinned.unwrap_or(false),
    };
    let says = |uri: &Zeroizing<String>| !uri.trim().is_empty();
    let more = item.data.extra_fields.unwrap_or_default().into_iter();
    let more = more.filter_map(|extra| extra.data?.totp_uri).filter(says);
    let mut codes = content.totp_uri.filter(says).into_iter().chain(more);
    // One without a code is counted.
    push(export, place, codes.next(), extras());
    codes.for_each(|code| push(export, place, Some(code), extras()));
}
