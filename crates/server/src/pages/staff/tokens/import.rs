//! Import of a seed file: judged first, then taken in, if it is the file that was judged.

use api::Name;
use askama::Template;
use axum::{body::Body, extract::State, http::Request, response::Response};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use service::{Encoding, NewImport, OpenedBy, Receipt, SeedFile, typed, typed_hex};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{DESK, encoded, import_words};
use crate::{
    answer::same,
    http::App,
    pages::{
        frame::{Frame, Page},
        staff::{
            lots,
            visit::{self, StaffVisit},
        },
        upload::{self, Uploaded},
        visit::page,
    },
};

const PATH: &str = "/staff/tokens/import";
/// Rows of a receipt that are shown.
const ROWS: usize = 100;

#[derive(Template)]
#[template(path = "staff/tokens_import.html")]
struct Import<'a> {
    frame: &'a Frame,
    form: &'a Importing,
    receipt: Option<&'a Told>,
    /// What the file that was judged is known by again; `None` where there is nothing to take in.
    seal: Option<String>,
}

impl Import<'_> {
    fn is_chosen(&self, encoding: &str) -> bool {
        self.form.encoding == encoding
    }

    fn lot_path(&self) -> String {
        lots::path_of(&self.form.lot)
    }

    fn list_path(&self) -> String {
        format!("/staff/tokens?lot={}", encoded(&self.form.lot))
    }
}

/// A receipt in words.
struct Told {
    file_name: String,
    format: &'static str,
    dry_run: bool,
    count: usize,
    imported: usize,
    duplicates: Vec<String>,
    refusals: Vec<import_words::Row>,
    /// Rows that are not shown.
    more: usize,
    remarks: Vec<String>,
    is_whole: bool,
}

/// The form's fields; the secrets are typed anew each time.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Importing {
    lot: String,
    encoding: String,
    allow_short: Option<String>,
    password: Zeroizing<String>,
    key: Zeroizing<String>,
    seal: String,
}

/// `GET /staff/tokens/import`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit) -> Page {
    visit::sees(&app, &visit, DESK)?;
    Ok(shown(&app, &visit, &Importing::default(), None, None))
}

fn shown(
    app: &App,
    visit: &StaffVisit,
    form: &Importing,
    alert: Option<String>,
    receipt: Option<(&Told, Option<String>)>,
) -> Response {
    let frame = visit::frame(app, visit, "tokens").at(PATH).alerting(alert);
    let (receipt, seal) = receipt.map_or((None, None), |(told, seal)| (Some(told), seal));
    let template = Import {
        frame: &frame,
        form,
        receipt,
        seal,
    };
    page(app, visit, &frame, &template)
}

/// `POST /staff/tokens/import`
pub(crate) async fn act(State(app): State<App>, visit: StaffVisit, request: Request<Body>) -> Page {
    visit::sees(&app, &visit, DESK)?;
    let uploaded: Uploaded<Importing> = upload::read(&app, &visit, request).await?;
    let Uploaded {
        form, file, file_name, ..
    } = uploaded;
    let frame = visit::frame(&app, &visit, "tokens");
    let seal = seal(&visit, &form, &file);
    let dry_run = form.seal.is_empty();
    if !dry_run && !same(form.seal.as_bytes(), seal.as_bytes()) {
        let said = frame.t("staff_import.other_file");
        return Ok(shown(&app, &visit, &form, Some(said), None));
    }
    let asked = wanted(&form, dry_run).and_then(|wanted| Ok((wanted, opened_by(&form)?)));
    let (wanted, opened_by) = match asked {
        Ok(_) if file.is_empty() => return Ok(refused(&app, &visit, &form, "staff_import.no_file")),
        Ok(asked) => asked,
        Err(key) => return Ok(refused(&app, &visit, &form, key)),
    };
    let file = SeedFile {
        encoding: encoding(&form),
        bytes: file,
        opened_by,
    };
    match app.service.import_file(visit.caller(), file, &wanted).await {
        Ok(receipt) => {
            let goes_on = dry_run && receipt.is_whole();
            let told = told(&frame, receipt, file_name, dry_run);
            Ok(shown(&app, &visit, &form, None, Some((&told, goes_on.then_some(seal)))))
        }
        Err(error) => {
            let said = import_words::unread(&frame, &visit, &error);
            Ok(shown(&app, &visit, &form, Some(said), None))
        }
    }
}

fn refused(app: &App, visit: &StaffVisit, form: &Importing, key: &str) -> Response {
    let said = visit.browser.lang.say(key, &[]);
    shown(app, visit, form, Some(said), None)
}

fn wanted(form: &Importing, dry_run: bool) -> Result<NewImport, &'static str> {
    let lot = Name::new(form.lot.trim()).map_err(|_| "staff_lot.no_name")?;
    Ok(NewImport {
        lot: lot.as_str().to_owned(),
        dry_run,
        allow_short_secrets: form.allow_short.is_some(),
    })
}

fn encoding(form: &Importing) -> Option<Encoding> {
    match &*form.encoding {
        "hex" => Some(Encoding::Hex),
        "base32" => Some(Encoding::Base32),
        _ => None,
    }
}

/// The password or the key: not both, and a key is hexadecimal.
fn opened_by(form: &Importing) -> Result<OpenedBy, &'static str> {
    let has_key = typed::significant(&form.key).next().is_some();
    match (form.password.is_empty(), !has_key) {
        (true, true) => Ok(OpenedBy::Nothing),
        (false, true) => Ok(OpenedBy::Password(form.password.clone())),
        (true, false) => {
            let key = typed_hex(&form.key).ok_or("staff_import.no_key")?;
            Ok(OpenedBy::Key(key))
        }
        (false, false) => Err("staff_import.both_keys"),
    }
}

/// What a file is known by again within this session: nothing of it is kept, so that it comes a second time.
fn seal(visit: &StaffVisit, form: &Importing, file: &[u8]) -> String {
    // Any key will do for HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(visit.visitor.form_token.as_bytes()) else {
        return String::new();
    };
    for part in [
        form.lot.trim().as_bytes(),
        form.encoding.as_bytes(),
        form.allow_short.as_deref().map_or(b"no", |_| b"ok"),
        file,
    ] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    BASE64URL_NOPAD.encode(&mac.finalize().into_bytes())
}

fn told(frame: &Frame, mut receipt: Receipt, file_name: String, dry_run: bool) -> Told {
    let is_whole = receipt.is_whole();
    let more = receipt.duplicates.len().saturating_sub(ROWS) + receipt.refusals.len().saturating_sub(ROWS);
    receipt.duplicates.truncate(ROWS);
    receipt.refusals.truncate(ROWS);
    let refusals = receipt
        .refusals
        .into_iter()
        .map(|refused| import_words::row(frame, refused));
    Told {
        file_name,
        format: receipt.format.unwrap_or_default(),
        dry_run,
        count: receipt.count,
        imported: receipt.imported,
        duplicates: receipt.duplicates,
        refusals: refusals.collect(),
        more,
        remarks: receipt
            .remarks
            .iter()
            .filter_map(|remark| import_words::remark(frame, *remark))
            .collect(),
        is_whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(password: &str, key: &str) -> Importing {
        Importing {
            password: Zeroizing::new(password.into()),
            key: Zeroizing::new(key.into()),
            ..Importing::default()
        }
    }

    #[test]
    fn a_file_is_opened_by_nothing_a_password_or_a_hexadecimal_key() {
        assert!(matches!(opened_by(&form("", "")), Ok(OpenedBy::Nothing)));
        let opened = opened_by(&form(" open ", ""));
        assert!(matches!(opened, Ok(OpenedBy::Password(password)) if *password == " open "));
        let opened = opened_by(&form("", "00 Fe\n10"));
        assert!(matches!(opened, Ok(OpenedBy::Key(key)) if *key == [0, 0xfe, 0x10]));
    }

    #[test]
    fn and_not_by_both_nor_by_what_is_no_key() {
        assert_eq!(opened_by(&form("open", "00")).err(), Some("staff_import.both_keys"));
        for key in ["0", "xyz", "é0"] {
            assert_eq!(opened_by(&form("", key)).err(), Some("staff_import.no_key"), "{key}");
        }
    }
}
