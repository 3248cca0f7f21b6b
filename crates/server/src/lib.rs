//! HTTP over the use cases: it converts, limits and maps, and decides nothing.
//!
//! `http/` holds the calls, one endpoint a file; `pages/` the hosted pages, one page a file; `transport/` what a connection may cost before a call is read. A further
//! mouth over the same use cases is a folder beside `http/`. `notice.rs` writes and signs what webhooks are told. [`serve`] is the accept loop, [`router`] the calls, and
//! [`openapi`] the document of the same calls.

mod answer;
mod brand;
mod http;
mod notice;
mod pages;
mod transport;

pub use brand::Brand;
pub use http::{admin_router, openapi, router};
pub use notice::{SignedNotice, signed_notice};
pub use transport::{
    limits::{Limits, PlainHttp, plain_http_allowed},
    listener::serve,
    network::{Network, NetworkError},
    request_id::RequestIds,
};
