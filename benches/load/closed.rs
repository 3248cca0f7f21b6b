//! A closed loop: each connection asks again as soon as it has its answer.

use std::time::Instant;

use futures_util::future::join_all;

use crate::{
    Any,
    client::Connection,
    heads::Heads,
    pages::Visit,
    request::Asker,
    scenario::{Scenario, Slice},
    shots::Shots,
};

/// What a loop asks with, beside its connections.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) heads: &'a Heads,
    pub(crate) shots: &'a Shots,
    /// Of a scenario of pages, one a connection.
    pub(crate) visits: &'a [Visit],
}

/// All of these connections, each its scenario by its number, while it goes on.
pub(crate) async fn run(
    connections: &mut [Connection],
    context: Context<'_>,
    scenario_of: impl Fn(usize) -> Scenario,
    goes_on: &impl Fn() -> bool,
) -> Any<Slice> {
    let begun = Instant::now();
    let one = async |(number, connection): (usize, &mut Connection)| {
        let mut asker = Asker::new(context.heads, context.shots, connection);
        while goes_on() {
            let turn = number + asker.slice.latencies_us.len();
            let page = context.visits.get(number).map(|visit| visit.next(turn));
            asker.ask(scenario_of(number), None, page).await?;
        }
        Any::Ok(asker.slice)
    };
    let parts = join_all(connections.iter_mut().enumerate().map(one)).await;
    let mut slice = Slice::default();
    for part in parts {
        slice.add(part?);
    }
    slice.took = begun.elapsed();
    Ok(slice)
}
