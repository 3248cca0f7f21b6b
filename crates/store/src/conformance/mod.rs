//! The conformance suite: the contract as code, which every engine runs.
//!
//! An engine's test gives a [`Harness`] for each of the [`CASES`], with nothing in it yet:
//!
//! ```ignore
//! for case in conformance::CASES {
//!     eprintln!("{}", case.name);
//!     block_on((case.run)(&MyHarness::new()));
//! }
//! ```
//!
//! A case panics where the engine breaks the contract. Nothing sleeps, nothing asks for the time.

mod bicycle;
mod conditions;
mod crashes;
mod documents;
mod erasure;
mod history;
mod history_index;
mod inventory;
mod keys;
mod lots;
mod races;
mod records;
mod refusals;
mod renaming;
mod resealing;
mod sample;
mod sealing;
mod trail;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{Change, Outcome, Pending, Store, StoreError};

/// An engine under test, with one database.
pub trait Harness: Send + Sync {
    /// Opens the database; the first time there is nothing in it. At most one is open at a time.
    fn open(&self) -> Pending<'_, Arc<dyn Store>>;

    /// Ends the engine as a kill of its process would: nothing is drained, nothing is closed. This is the last
    /// reference; returns when the database can be opened again.
    fn crash(&self, store: Arc<dyn Store>);
}

/// One part of the contract.
#[derive(Clone, Copy)]
pub struct Case {
    /// The case's name.
    pub name: &'static str,
    /// Checks it against a database that has nothing in it.
    pub run: for<'a> fn(&'a dyn Harness) -> Running<'a>,
}

/// A [`Case`] under way.
pub type Running<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

macro_rules! cases {
    ($($module:ident: $($case:ident),+;)+) => {
        &[$($(Case { name: stringify!($case), run: |harness| Box::pin($module::$case(harness)) }),+),+]
    };
}

/// The whole contract.
pub const CASES: &[Case] = cases! {
    records: absent_records, devices_round_trip, users_come_in_pages, enrollments_round_trip, recovery_codes_round_trip,
        protections_round_trip, any_name_is_a_key;
    keys: api_keys_round_trip, every_change_of_keys_is_noticed, a_key_has_one_witness, a_mac_key_has_one_witness;
    conditions: a_missed_change_writes_nothing, outcomes_stand_in_order, a_call_builds_on_itself,
        a_row_is_a_lock, a_tombstone_never_changes;
    refusals: what_no_engine_may_do_is_refused, a_count_needs_no_event, a_delivery_needs_no_event;
    races: one_of_many_states_wins, one_of_many_bindings_wins, one_of_many_owners_changes_wins;
    crashes: what_was_answered_survives, what_was_not_answered_is_whole_or_absent,
        a_crash_between_load_and_commit_changes_nothing;
    trail: the_chain_can_be_computed, rows_come_in_pages, a_call_is_a_row, a_killed_chain_is_closed_where_it_ended,
        a_closing_stands, times_are_kept_as_told;
    erasure: unbinding_erases, enrollments_erase, expired_enrollments_are_found, an_erased_user_leaves_nothing,
        an_erased_user_begins_anew, only_what_was_read_is_erased;
    documents: a_noun_of_any_shape_round_trips, lists_are_in_order, a_unique_lookup_is_taken_once, a_deleted_document_is_gone,
        required_documents_are_shared, keys_are_what_they_are;
    inventory: tokens_round_trip, tokens_come_in_pages, a_secret_comes_in_once, a_token_that_ends_loses_its_secret,
        bound_tokens_come_with_their_devices, unbound_tokens_are_looked_through, an_import_is_whole_or_absent, one_of_many_users_gets_a_token;
    lots: lots_round_trip, exports_round_trip, allowances_count;
    sealing: secrets_are_listed_by_their_key, what_was_erased_is_not_listed;
    resealing: a_secret_is_sealed_anew, only_what_was_read_is_sealed_anew,
        a_record_that_was_read_before_puts_its_secret_back, so_does_a_row_whose_devices_are_written,
        one_of_many_seals_anew, what_cannot_be_sealed_anew_is_refused;
    renaming: a_renamed_user_is_the_same_one, only_what_was_read_is_renamed, every_document_of_a_noun_is_listed;
    history: a_long_history_is_kept;
    history_index: readers_go_on_where_they_stopped, an_index_comes_newest_first,
        an_index_and_its_cursor_are_one_change, an_index_that_nobody_answered_is_whole_or_absent;
};

/// Everything that was asked, at once; the answers in order.
async fn all<T>(pending: Vec<Pending<'_, T>>) -> Vec<Result<T, StoreError>> {
    let mut pending: Vec<_> = pending.into_iter().map(|future| (future, None)).collect();
    std::future::poll_fn(|context| {
        for (future, answer) in &mut pending {
            if answer.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *answer = Some(ready);
            }
        }
        if pending.iter().all(|(_, answer)| answer.is_some()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    pending.into_iter().filter_map(|(_, answer)| answer).collect()
}

/// Begins and does not wait.
fn begin<T>(pending: &mut Pending<'_, T>) {
    let _ = pending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

async fn open(harness: &dyn Harness) -> Arc<dyn Store> {
    harness.open().await.expect("the database opens")
}

/// Crashes and opens again.
async fn reopen(harness: &dyn Harness, store: Arc<dyn Store>) -> Arc<dyn Store> {
    harness.crash(store);
    open(harness).await
}

async fn commit(store: &dyn Store, changes: Vec<Change>) -> Vec<Outcome> {
    let count = changes.len();
    let outcomes = store.commit(changes).await.expect("the commit is answered");
    assert_eq!(outcomes.len(), count, "an outcome for each change");
    outcomes
}

async fn done(store: &dyn Store, change: Change) {
    assert_eq!(commit(store, vec![change]).await, [Outcome::Done]);
}

async fn missed(store: &dyn Store, change: Change, why: &str) {
    assert_eq!(commit(store, vec![change]).await, [Outcome::Missed], "{why}");
}
