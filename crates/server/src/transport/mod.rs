//! From a socket to a request: connections and what they may cost, the form that HTTP allows, time limits, request ids.

pub(crate) mod limits;
pub(crate) mod listener;
pub(crate) mod network;
pub(crate) mod received;
pub(crate) mod request_id;

mod connections;
mod edge;
mod form;
mod heads;
mod impatient;
