//! What handlers share: the use cases, and what bodies may cost.

use std::sync::Arc;

use service::{Service, UserNames};

use crate::{Brand, Limits, http::body::BodyLimit};

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) service: Arc<Service>,
    pub(crate) bodies: BodyLimit,
    pub(crate) imports: BodyLimit,
    pub(crate) brand: Arc<Brand>,
}

impl App {
    /// By which whatever names a user means one.
    pub(crate) fn user_names(&self) -> UserNames {
        self.service.user_names()
    }

    pub(crate) fn new(service: Arc<Service>, limits: &Limits, brand: Brand) -> Self {
        Self {
            service,
            bodies: BodyLimit::new(limits.body_bytes, limits.body_bytes_at_once),
            imports: BodyLimit::new(limits.import_bytes, limits.import_bytes_at_once),
            brand: Arc::new(brand),
        }
    }
}
