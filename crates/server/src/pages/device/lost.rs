//! A lost device: a recovery code replaces it, else the operator helps; where they take applications, the user applies for its
//! end (U2).

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{
    EVIDENCE_KINDS, Input, NewApplication, NewEvidence, ServiceError, UnbindRequest, UserPageName, UserView,
};

use crate::{
    http::App,
    pages::{
        bind::user,
        device::done::no_device,
        form::Posted,
        frame::{Frame, Page, redirect, refusal_of},
        said,
        visit::{UserVisit, page},
        words::Lang,
    },
};

const PATH: &str = "/pages/lost";

#[derive(Template)]
#[template(path = "device/lost.html")]
struct Lost<'a> {
    frame: &'a Frame,
    user: &'a UserView,
    may_replace: bool,
    /// Users may apply.
    takes_applications: bool,
    /// What they applied for, or support opened for them.
    open: Option<&'a UnbindRequest>,
    typed: &'a Applying,
}

impl Lost<'_> {
    /// How it stands with what is open, in words.
    fn standing(&self, open: &UnbindRequest) -> String {
        self.frame.t(&format!("lost.state_is_{}", open.state.name()))
    }

    /// The kinds of evidence that a user refers to: name, words. A token that is handed back is not lost.
    fn kinds(&self) -> Vec<(&'static str, String)> {
        let kinds = EVIDENCE_KINDS.into_iter().filter(|kind| *kind != "token_returned");
        kinds
            .map(|kind| (kind, self.frame.t(&format!("staff_unbind.evidence_is_{kind}"))))
            .collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Applying {
    reason: String,
    kind_1: String,
    reference_1: String,
    kind_2: String,
    reference_2: String,
    kind_3: String,
    reference_3: String,
}

impl Applying {
    /// The rows of the form: number, kind, reference.
    fn rows(&self) -> [(u8, &str, &str); 3] {
        [
            (1, &self.kind_1, &self.reference_1),
            (2, &self.kind_2, &self.reference_2),
            (3, &self.kind_3, &self.reference_3),
        ]
    }

    /// What was filled in, however little of it: half a row is refused, not dropped.
    fn evidence(&self) -> Vec<NewEvidence> {
        let filled = self.rows().into_iter();
        let filled = filled.filter(|(_, kind, reference)| !kind.is_empty() || !reference.trim().is_empty());
        filled
            .map(|(_, kind, reference)| NewEvidence {
                kind: kind.to_owned(),
                reference: reference.trim().to_owned(),
                statement: None,
            })
            .collect()
    }
}

/// `GET /pages/lost`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit) -> Page {
    visit.sees(&app, UserPageName::Lost)?;
    shown(&app, &visit, &Applying::default(), None).await
}

async fn shown(app: &App, visit: &UserVisit, typed: &Applying, alert: Option<String>) -> Page {
    let user = user(app, visit).await?;
    if user.devices.is_empty() {
        return no_device(app, visit, (PATH, "common.page_is_lost"));
    }
    let refused = |error: ServiceError| refusal_of(app, &visit.browser, &error);
    let takes_applications = app.service.takes_applications(visit.caller()).map_err(refused)?;
    let open = app.service.open_unbind_request_of(visit.caller(), visit.owner()).await;
    let open = open.map_err(refused)?;
    let frame = Frame::of(app, visit, "security").at(PATH).alerting(alert);
    let lost = Lost {
        user: &user,
        may_replace: user.recovery_codes_left > 0 && visit.scope.leads_to(UserPageName::Replace),
        takes_applications,
        open: open.as_ref(),
        typed,
        frame: &frame,
    };
    Ok(page(app, visit, &frame, &lost))
}

fn refused(lang: Lang, error: &ServiceError) -> String {
    match error {
        ServiceError::Invalid {
            input: Input::Evidence, ..
        } => lang.say("lost.half_row", &[]),
        ServiceError::AskedTooOften { .. } => lang.say("lost.too_often", &[]),
        _ => said::refused(lang, error),
    }
}

/// `POST /pages/lost`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Applying>) -> Page {
    visit.sees(&app, UserPageName::Lost)?;
    let wanted = NewApplication {
        owner: visit.owner().clone(),
        evidence: form.evidence(),
        // A field of several lines ends them as its browser likes.
        reason: form.reason.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    match app.service.apply_for_unbinding(visit.caller(), &wanted).await {
        Ok(_) => Ok(redirect(PATH)),
        Err(error) => {
            let alert = refused(visit.browser.lang, &error);
            shown(&app, &visit, &form, Some(alert)).await
        }
    }
}
