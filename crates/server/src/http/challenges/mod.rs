//! Challenges: must a user be checked, by which method, and the answer.

mod answer;
mod create;
mod exchange;
mod get;
mod page_link;

use api::ChallengePurpose;
use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        create::create_challenge,
        get::get_challenge,
        answer::answer_challenge,
        page_link::create_prompt_link,
        exchange::exchange_prompt
    ]
}

fn purpose(purpose: ChallengePurpose) -> service::ChallengePurpose {
    match purpose {
        ChallengePurpose::Login => service::ChallengePurpose::Login,
        ChallengePurpose::Operation => service::ChallengePurpose::Operation,
        ChallengePurpose::Identity => service::ChallengePurpose::Identity,
    }
}

fn decision(decision: service::Decision) -> api::Decision {
    match decision {
        service::Decision::Allow => api::Decision::Allow,
        service::Decision::Challenge => api::Decision::Challenge,
        service::Decision::Deny => api::Decision::Deny,
    }
}
