//! Webhooks (`/v1/webhooks`): made, listed, ended, rotated; their deliveries listed and replayed.

mod create;
mod delete;
mod deliveries;
mod list;
mod replay;
mod rotate;

use service::{Delivery, DeliveryState, NoticeKind, Webhook};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    http::{app::App, convert::time, document::endpoints},
    notice::{kind_of, type_of},
};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        create::create_webhook,
        list::list_webhooks,
        delete::delete_webhook,
        rotate::rotate_webhook,
        deliveries::list_deliveries,
        replay::replay_delivery,
    ]
}

fn webhook(webhook: Webhook) -> api::Webhook {
    api::Webhook {
        id: webhook.id,
        url: webhook.url,
        events: types(&webhook.events),
        accounts: webhook.accounts,
        created_at: time(webhook.created_at),
    }
}

/// What a newer program told it to tell is not known here.
fn types(names: &[String]) -> Vec<api::NoticeType> {
    let kinds = names.iter().filter_map(|name| NoticeKind::named(name));
    kinds.map(type_of).collect()
}

/// `None` for what a newer program told.
fn delivery(delivery: &Delivery) -> Option<api::Delivery> {
    Some(api::Delivery {
        id: delivery.id,
        kind: type_of(NoticeKind::named(&delivery.kind)?),
        timestamp: time(delivery.at),
        state: match delivery.state {
            DeliveryState::Pending => api::DeliveryState::Pending,
            DeliveryState::Delivered => api::DeliveryState::Delivered,
            DeliveryState::Dead => api::DeliveryState::Dead,
        },
        attempts: delivery.attempts,
        next_attempt_at: delivery.next_attempt_at.map(time),
        last_status: delivery.last_status,
    })
}

fn kinds(types: &[api::NoticeType]) -> Vec<NoticeKind> {
    types.iter().map(|kind| kind_of(*kind)).collect()
}
