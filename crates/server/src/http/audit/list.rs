//! `GET /v1/audit`

use api::{AuditPage, AuditQuery};
use axum::extract::State;
use service::{AuditFilter, AuditOrder, ServiceError, UnixMs};

use super::record::{event_id, of_cursor, record};
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Queried},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The audit trail, by filters
///
/// Role: audit. Every decision, with its cause. That a code was refused because its time is still to come nobody reads
/// before that time is past: a cause is shown as `wrong`, and the record as `masked`, for a few minutes (for hours, after a
/// binding or a resync). Records of a user, a device or a token are found by an index; other filters look through the
/// trail, from `since` or `until` where it is given, a bounded part of it a page: a page may be empty though more follow. A
/// key that is limited to some accounts reads what is about those.
///
/// CAUSES
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    params(AuditQuery),
    responses((status = 200, description = "A page of it.", body = AuditPage)),
)]
pub(super) async fn list_audit(
    State(app): State<App>,
    caller: Authorized,
    Queried(query): Queried<AuditQuery>,
) -> Answer {
    let from = query.cursor.as_deref().map(event_id).transpose()?;
    let limit = query.limit.get();
    let order = match query.order {
        api::AuditOrder::Asc => AuditOrder::OldestFirst,
        api::AuditOrder::Desc => AuditOrder::NewestFirst,
    };
    let page = app.service.audit(&caller.0, &filter(query), order, from, limit).await;
    let page = page.map_err(of_cursor)?;
    let next_cursor = page.next.map(|id| id.to_string());
    let items = page
        .records
        .into_iter()
        .map(record)
        .collect::<Result<_, ServiceError>>()?;
    Ok(json(&AuditPage { items, next_cursor }))
}

fn filter(query: AuditQuery) -> AuditFilter {
    let name = |name: Option<api::Name>| name.map(|name| name.as_str().to_owned());
    let time = |time: Option<api::Timestamp>| time.map(|time| UnixMs::new(time.unix_ms()));
    AuditFilter {
        account: name(query.account),
        user: name(query.user),
        device: query.device,
        serial_number: name(query.serial_number),
        action: name(query.action),
        since: time(query.since),
        until: time(query.until),
        ..AuditFilter::default()
    }
}
