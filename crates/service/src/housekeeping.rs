use store::{Change, Enrollment, EnrollmentState, Write};

use crate::{Core, Origin, Service, ServiceError, event::Entry};

/// Enrollments ended by one pass.
const BATCH: u32 = 100;

impl Service {
    /// Ends what expired, in small batches: the secrets of enrollments nobody completed are erased. Gives
    /// the number of records ended.
    pub async fn keep_house(&self) -> Result<usize, ServiceError> {
        let core = &*self.core;
        let mut ended = 0;
        loop {
            let expired = expired(core).await?;
            let count = expired.len();
            if count == 0 {
                return Ok(ended);
            }
            core.commit(expired).await?;
            ended += count;
        }
    }
}

async fn expired(core: &Core) -> Result<Vec<Change>, ServiceError> {
    let now = core.clock.now()?;
    let origin = Origin::default();
    let expired = core.store.expired_enrollments(now, BATCH).await?;
    let mut changes = Vec::with_capacity(expired.len());
    for enrollment in expired {
        let version = enrollment.version;
        let entry = Entry::new("enrollment.expire", "done", &origin)
            .owner(&enrollment.owner)
            .detail(serde_json::json!({"enrollment": enrollment.id}));
        let events = vec![core.event(&entry, now)?];
        let next = Enrollment {
            version: version + 1,
            state: EnrollmentState::Abandoned,
            ..enrollment
        };
        changes.push(Change {
            writes: vec![Write::Enrollment {
                expected: Some(version),
                next: Box::new(next),
            }],
            events,
        });
    }
    Ok(changes)
}
