//! Whether the time of an answer tells who is a user: wrong codes for users and for nobody, in turn.

use std::time::{Duration, Instant};

use crate::{
    Any,
    callers::Callers,
    scenario::{Scenario, Slice},
    shots::Shots,
};

/// Wrong codes of users for this long, and how long the same took for nobody, in microseconds.
pub(crate) async fn slice(callers: &mut Callers, shots: &Shots, length: Duration) -> Any<(Slice, Vec<u32>)> {
    let (mut users, mut nobody) = (Slice::default(), Slice::default());
    let begun = Instant::now();
    while begun.elapsed() < length {
        users.add(callers.lone(shots, Scenario::Guess, 1).await?);
        nobody.add(callers.lone(shots, Scenario::Stranger, 1).await?);
    }
    users.errors += nobody.errors;
    users.first_error = users.first_error.or(nobody.first_error);
    Ok((users, nobody.latencies_us))
}
