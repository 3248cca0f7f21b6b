//! Devices of a user: seen, unbound, resynchronised, unlocked; the factor that a change of them takes; the end of a user.

pub(crate) mod ending;
pub(crate) mod erase;
pub(crate) mod factor;
pub(crate) mod factors;
pub(crate) mod resync;
pub(crate) mod unbind;
pub(crate) mod unlock;
pub(crate) mod view;

pub use factor::{Factor, Method};
pub use view::{DeviceView, UserView};

use store::{Bound, Id, Owner, User};
use verify::DeviceStatus;

use crate::{Core, ServiceError};

/// This device of this user, and the row in which it stands.
async fn find_bound(core: &Core, owner: &Owner, id: Id) -> Result<(User, Bound), ServiceError> {
    let user = core.store.user(owner.clone()).await?;
    let found = user.and_then(|user| user.device(id).cloned().map(|bound| (user, bound)));
    found.ok_or(ServiceError::NotFound("bound device"))
}

/// Refuses a device whose token was lost: nobody wakes it again.
fn not_lost(bound: &Bound) -> Result<(), ServiceError> {
    if bound.state.parts().status == DeviceStatus::Lost {
        let why = "it is not judged again: the user unbinds or replaces it by a recovery code";
        return Err(ServiceError::TokenState { status: "lost", why });
    }
    Ok(())
}
