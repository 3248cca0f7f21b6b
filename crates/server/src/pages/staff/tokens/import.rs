//! Import of a seed file: judged first, then taken in, if it is the file that was judged.

use askama::Template;
use axum::{body::Body, extract::State, http::Request, response::Response};
use service::{NewImport, Receipt, SeedFile};

use super::{DESK, encoded, import_form::Importing, import_words};
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
    /// What came, or would come, and what did not.
    outcome: String,
    count: usize,
    usable: usize,
    /// Whether these come in, or came in.
    comes: bool,
    refused: usize,
    refusals: Vec<import_words::Row>,
    there_already: usize,
    duplicates: Vec<String>,
    /// Rows that are not shown.
    more: usize,
    remarks: Vec<String>,
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
    let seal = form.seal_of(&visit, &file);
    let dry_run = form.seal.is_empty();
    if !dry_run && !same(form.seal.as_bytes(), seal.as_bytes()) {
        let said = frame.t("staff_import.other_file");
        return Ok(shown(&app, &visit, &form, Some(said), None));
    }
    let asked = form.wanted(dry_run).and_then(|wanted| {
        let file_is = (form.opened_by()?, form.options()?);
        Ok((wanted, file_is))
    });
    let (wanted, (opened_by, options)) = match asked {
        Ok(_) if file.is_empty() => return Ok(refused(&app, &visit, &form, "staff_import.no_file")),
        Ok(asked) => asked,
        Err(key) => return Ok(refused(&app, &visit, &form, key)),
    };
    let file = SeedFile {
        bytes: file,
        opened_by,
        options,
    };
    match app.service.import_file(visit.caller(), file, &wanted).await {
        Ok(receipt) => {
            let told = told(&frame, receipt, file_name, &wanted);
            let goes_on = dry_run && told.comes;
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

fn told(frame: &Frame, mut receipt: Receipt, file_name: String, wanted: &NewImport) -> Told {
    let (refused, there_already) = (receipt.refusals.len(), receipt.duplicates.len());
    let outcome = import_words::outcome(frame, &receipt, wanted);
    let comes = receipt.usable > 0 && (receipt.is_whole() || wanted.skip_unusable);
    receipt.duplicates.truncate(ROWS);
    receipt.refusals.truncate(ROWS);
    let more = refused - receipt.refusals.len() + there_already - receipt.duplicates.len();
    let refusals = receipt
        .refusals
        .into_iter()
        .map(|refused| import_words::row(frame, refused));
    Told {
        file_name,
        format: receipt.format.unwrap_or_default(),
        dry_run: wanted.dry_run,
        outcome,
        count: receipt.count,
        usable: receipt.usable,
        comes,
        refused,
        refusals: refusals.collect(),
        there_already,
        duplicates: receipt.duplicates,
        more,
        remarks: receipt
            .remarks
            .iter()
            .filter_map(|remark| import_words::remark(frame, *remark))
            .collect(),
    }
}
