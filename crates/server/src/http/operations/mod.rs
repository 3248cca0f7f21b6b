//! The catalogue of sensitive operations (`/v1/operations`): listed, read, set.

mod get;
mod list;
mod set;

use service::{CatalogueOperation, OperationSource, Words};
use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![list::list_operations, get::get_operation, set::set_operation]
}

fn operation(operation: CatalogueOperation) -> api::Operation {
    let words = |Words { en, zh }| api::Words { en, zh };
    api::Operation {
        key: operation.key,
        category: words(operation.category),
        product: words(operation.product),
        operation: words(operation.operation),
        identity_always: operation.identity_always,
        protected: operation.protected,
        source: match operation.source {
            OperationSource::Shipped => api::OperationSource::Shipped,
            OperationSource::Own => api::OperationSource::Own,
        },
    }
}
