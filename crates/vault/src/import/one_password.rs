//! 1Password: `export.data` in its ZIP (1PUX), `{accounts: [{attrs, vaults: [{attrs, items: [{details, overview}]}]}]}`. A code is a
//! field of any section, whose value is `{totp: …}`.

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::claim::Reason;
use super::importer::Importer;
use super::json::{RawList, parse};
use super::login::{Extras, push};
use super::receipt::{Export, Format, Place, Protection};

const FORMAT: Format = Format::OnePassword;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    accounts: Vec<Account<'a>>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow, default)]
    vaults: Vec<Vault<'a>>,
}

#[derive(Deserialize)]
struct Vault<'a> {
    attrs: Option<Attributes>,
    #[serde(borrow, default)]
    items: RawList<'a>,
}

#[derive(Deserialize)]
struct Attributes {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(default)]
    fav_index: i64,
    #[serde(borrow)]
    details: Details<'a>,
    overview: Option<Overview>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    login_fields: Option<Vec<LoginField>>,
    notes_plain: Option<String>,
    #[serde(borrow)]
    sections: Option<Vec<Section<'a>>>,
}

#[derive(Deserialize)]
struct LoginField {
    designation: Option<String>,
    value: Option<Zeroizing<String>>,
}

#[derive(Deserialize)]
struct Section<'a> {
    #[serde(borrow)]
    fields: Option<Vec<Field<'a>>>,
}

#[derive(Deserialize)]
struct Field<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Code {
    totp: Zeroizing<String>,
}

#[derive(Default, Deserialize)]
struct Overview {
    title: Option<String>,
    tags: Option<Vec<String>>,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| {
        let file = content.object();
        file.is_some_and(|file| file.any_in("accounts", |account| account.has_all(&["attrs", "vaults"])))
    },
    read: |content, _| {
        let file: File<'_> = parse(FORMAT, content.text)?;
        let mut export = Export::new(FORMAT, Protection::InTheClear);
        let vaults = file.accounts.into_iter().flat_map(|account| account.vaults);
        let items = vaults.flat_map(|vault| {
            let name = vault.attrs.and_then(|attributes| attributes.name);
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

fn push_item(export: &mut Export, place: Place, item: Item<'_>, vault: Option<String>) {
    let overview = item.overview.unwrap_or_default();
    let logins = item.details.login_fields.unwrap_or_default().into_iter();
    let username = logins
        .filter(|field| field.designation.as_deref() == Some("username"))
        .find_map(|field| field.value)
        .map(|name| name.as_str().to_owned());
    let extras = || Extras {
        name: overview.title.clone(),
        username: username.clone(),
        note: item.details.notes_plain.clone(),
        groups: vault.iter().chain(overview.tags.iter().flatten()).cloned().collect(),
        favourite: item.fav_index > 0,
    };
    let sections = item.details.sections.unwrap_or_default().into_iter();
    let fields = sections.flat_map(|section| section.fields.unwrap_or_default());
    let code = |field: Field<'_>| serde_json::from_str::<Code>(field.value?.get()).ok();
    let mut codes = fields
        .filter_map(code)
        .map(|code| code.totp)
        .filter(|code| !code.trim().is_empty());
    // One without a code is counted.
    push(export, place, codes.next(), extras());
    codes.for_each(|code| push(export, place, Some(code), extras()));
}
