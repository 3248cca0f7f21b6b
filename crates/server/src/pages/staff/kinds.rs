//! The kinds of events that the trail has, to choose from.

/// Every action that this version writes, one a line.
const ACTIONS: &str = include_str!("../../../messages/actions.txt");

/// Every action that this version writes.
pub(crate) fn every_kind() -> impl Iterator<Item = &'static str> {
    ACTIONS.lines()
}
