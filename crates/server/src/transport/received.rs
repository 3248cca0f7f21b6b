//! What is known of a request before it is read: its id, for handlers and the trail, and its connection.

use std::sync::Arc;

use crate::transport::connections::ConnectionStatus;

#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) id: Arc<str>,
    pub(crate) connection: Arc<ConnectionStatus>,
}
