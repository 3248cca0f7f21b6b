//! One login on an idle service, beside what the disk asks for one durable append.

use std::time::{Duration, Instant};

use crate::{
    Any,
    callers::Callers,
    disk::Disk,
    scenario::{Scenario, Slice},
    shots::Shots,
};

/// Logins, then appends, in turn.
const TURN: usize = 10;

/// Logins one at a time for this long, and the appends between them.
pub(crate) async fn slice(
    callers: &mut Callers,
    shots: &Shots,
    disk: &mut Disk,
    length: Duration,
) -> Any<(Slice, Vec<u32>)> {
    let (mut all, mut appends_us) = (Slice::default(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < length {
        all.add(callers.lone(shots, Scenario::Single, TURN).await?);
        for _ in 0..TURN {
            let begun = Instant::now();
            disk.append()?;
            appends_us.push(begun.elapsed().as_micros() as u32);
        }
    }
    Ok((all, appends_us))
}
