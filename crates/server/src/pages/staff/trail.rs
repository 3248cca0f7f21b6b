//! The trail, filtered, newest first; as a file; and its head.

use api::Timestamp;
use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use service::{AuditFilter, AuditOrder, Caller, FaultClass, Role, ServiceError, SignedHead, UnixMs, audit::EventId};

use super::{
    event::{StaffEvent, action_named},
    kinds::every_kind,
    visit::{self, StaffVisit},
};
use crate::{
    answer::no_store,
    http::{App, record},
    pages::{
        address::Queried,
        frame::{Frame, Page, refusal, refusal_of},
        visit::page,
        words::Lang,
    },
};

/// Records on a page.
const ROWS: u32 = 25;
/// Records that are read at once for a file.
const EXPORTED: u32 = 250;

/// A filter, as the page's form and its links say it.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(skip_serializing_if = "String::is_empty")]
    since: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    until: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    account: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    actor: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cause: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor: String,
}

impl Asked {
    /// Nothing is left out.
    fn is_all(&self) -> bool {
        self.from(String::new()) == Self::default()
    }

    /// The same from another record on.
    fn from(&self, cursor: String) -> Self {
        Self { cursor, ..self.clone() }
    }

    fn address(&self, path: &str) -> String {
        let query = serde_urlencoded::to_string(self).unwrap_or_default();
        format!("{path}?{query}")
    }

    /// The filter, or the key of the words that say what is wrong with it.
    fn filter(&self) -> Result<AuditFilter, &'static str> {
        // As it stands: blanks are part of a name.
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let filter = AuditFilter {
            account: text(&self.account),
            user: text(&self.user),
            action: text(&self.kind),
            actor: text(&self.actor),
            cause: text(&self.cause),
            since: time(&self.since, "00.000")?,
            until: time(&self.until, "59.999")?,
            ..AuditFilter::default()
        };
        match (&filter.account, &filter.user) {
            (None, Some(_)) => Err("staff_trail.bad_user"),
            _ => Ok(filter),
        }
    }
}

/// `2026-11-30T08:00`, as browsers send it, or with seconds; a minute is meant from its beginning to its end.
fn time(text: &str, seconds: &str) -> Result<Option<UnixMs>, &'static str> {
    let text = text.trim().trim_end_matches('Z');
    if text.is_empty() {
        return Ok(None);
    }
    let whole = match text.len() {
        16 => format!("{text}:{seconds}Z"),
        _ => format!("{text}Z"),
    };
    let time: Timestamp = whole.parse().map_err(|_| "staff_trail.bad_time")?;
    Ok(Some(UnixMs::new(time.unix_ms())))
}

#[derive(Template)]
#[template(path = "staff/trail.html")]
struct Trail<'a> {
    frame: &'a Frame,
    asked: &'a Asked,
    kinds: Vec<(&'static str, String)>,
    causes: Vec<(&'static str, &'static str)>,
    events: Vec<StaffEvent>,
    newest: Option<String>,
    next: Option<String>,
    export: String,
    head: Option<SignedHead>,
    sees_users: bool,
}

impl Trail<'_> {
    fn is_chosen(&self, kind: &str) -> bool {
        self.asked.kind == kind
    }

    fn user_path<'e>(&self, event: &'e StaffEvent) -> Option<&'e str> {
        event.user_path.as_deref().filter(|_| self.sees_users)
    }
}

/// `GET /staff/trail`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, &[Role::Audit])?;
    let mut frame = visit::frame(&app, &visit, "trail");
    let (events, next) = match asked.filter() {
        Ok(filter) => found(&app, &visit, &filter, &asked).await.unwrap_or_else(|error| {
            frame.alert = Some(visit.told(&error, "staff_trail.not_reached"));
            (Vec::new(), None)
        }),
        Err(key) => {
            frame.alert = Some(frame.t(key));
            (Vec::new(), None)
        }
    };
    let lang = frame.lang;
    let trail = Trail {
        kinds: kinds(lang),
        causes: causes(lang),
        events,
        newest: (!asked.cursor.is_empty()).then(|| asked.from(String::new()).address("/staff/trail")),
        next: next.map(|next| asked.from(next.to_string()).address("/staff/trail")),
        export: asked.from(String::new()).address("/staff/trail/export"),
        // Of a key that is limited to some accounts the chain is not its matter.
        head: app.service.signed_head(visit.caller()).ok(),
        sees_users: visit.caller().may(&[Role::Support]).is_ok(),
        frame: &frame,
        asked: &asked,
    };
    Ok(page(&app, &visit, &frame, &trail))
}

async fn found(
    app: &App,
    visit: &StaffVisit,
    filter: &AuditFilter,
    asked: &Asked,
) -> Result<(Vec<StaffEvent>, Option<EventId>), ServiceError> {
    // A cursor that is none of ours begins anew.
    let from = asked.cursor.parse().ok();
    let order = AuditOrder::NewestFirst;
    let read = app.service.audit(visit.caller(), filter, order, from, ROWS).await?;
    let lang = visit.browser.lang;
    let events = read.records.iter().map(|record| StaffEvent::of(lang, record));
    Ok((events.collect(), read.next))
}

fn kinds(lang: Lang) -> Vec<(&'static str, String)> {
    let mut kinds: Vec<_> = every_kind().map(|kind| (kind, action_named(lang, kind))).collect();
    kinds.sort_by(|one, other| one.1.cmp(&other.1));
    kinds
}

fn causes(lang: Lang) -> Vec<(&'static str, &'static str)> {
    let meaning = |cause: &'static api::Cause| match lang {
        Lang::En => cause.en,
        Lang::Zh => cause.zh,
    };
    api::Cause::ALL
        .iter()
        .map(|cause| (cause.name, meaning(cause)))
        .collect()
}

/// `GET /staff/trail/export`
pub(crate) async fn export(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, &[Role::Audit])?;
    let filter = asked.filter().map_err(|key| refusal(&app, &visit.browser, key, 400))?;
    let export = Export {
        app: app.clone(),
        caller: visit.caller().clone(),
        filter,
    };
    // The first part says whether there is anything to be had.
    let first = export.part(None).await;
    let first = first.map_err(|error| match error.class() {
        FaultClass::Forbidden => refusal(&app, &visit.browser, "staff_trail.not_reached", 403),
        _ => refusal_of(&app, &visit.browser, &error),
    })?;
    let rest = stream::try_unfold((export, first.1), |(export, next)| async move {
        let Some(from) = next else { return Ok(None) };
        let (lines, next) = export.part(Some(from)).await?;
        Ok::<_, ServiceError>(Some((lines, (export, next))))
    });
    let lines = stream::once(std::future::ready(Ok(first.0)));
    Ok(file(Body::from_stream(futures_util::StreamExt::chain(lines, rest))))
}

/// A file of the trail that is being written.
struct Export {
    app: App,
    caller: Caller,
    filter: AuditFilter,
}

impl Export {
    /// The next lines, and beyond which record there are more.
    async fn part(&self, from: Option<EventId>) -> Result<(Bytes, Option<EventId>), ServiceError> {
        let order = AuditOrder::OldestFirst;
        let read = self
            .app
            .service
            .audit(&self.caller, &self.filter, order, from, EXPORTED);
        let read = read.await?;
        let mut lines = Vec::new();
        for one in read.records {
            let line = serde_json::to_writer(&mut lines, &record(one)?);
            line.map_err(|error| ServiceError::Internal(error.to_string()))?;
            lines.push(b'\n');
        }
        Ok((lines.into(), read.next))
    }
}

fn file(body: Body) -> Response {
    let mut response = no_store(StatusCode::OK, "application/x-ndjson", body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"countersign-trail.ndjson\""),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
