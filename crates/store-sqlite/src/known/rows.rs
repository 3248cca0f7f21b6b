//! Known rows, found by their owner: as many as there is room for.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use hashbrown::HashTable;
use store::Owner;

use super::{
    row::Row,
    slots::{Place, Slots},
};

/// The seed is hashed with each owner, so that nobody who chooses names knows which of them lie together.
pub(super) fn hash(seed: u64, account: &[u8], user: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, account, user).hash(&mut hasher);
    hasher.finish()
}

pub(super) struct Rows {
    by_owner: HashTable<Place>,
    slots: Slots,
    seed: u64,
    most: usize,
}

impl Rows {
    pub(super) fn of(most: usize, seed: u64) -> Self {
        Self {
            by_owner: HashTable::new(),
            slots: Slots::default(),
            seed,
            most,
        }
    }

    /// None of them, and the same room.
    pub(super) fn emptied(&self) -> Self {
        Self::of(self.most, self.seed)
    }

    pub(super) fn is_full(&self) -> bool {
        self.by_owner.len() >= self.most
    }

    fn place(&self, hash: u64, owner: &Owner) -> Option<Place> {
        self.by_owner
            .find(hash, |place| is_of(&self.slots, *place, owner))
            .copied()
    }

    /// This owner's row, which is to be kept for longer now.
    pub(super) fn get(&mut self, hash: u64, owner: &Owner) -> Option<Row<'_>> {
        let place = self.place(hash, owner)?;
        self.slots.asked(place);
        Some(Row(self.slots.row(place)))
    }

    pub(super) fn has(&self, hash: u64, owner: &Owner) -> bool {
        self.place(hash, owner).is_some()
    }

    /// Keeps a row in place of this owner's; `false` where somebody's had to go for it, or it is too long.
    pub(super) fn put(&mut self, hash: u64, owner: &Owner, row: &[u8]) -> bool {
        if let Some(place) = self.place(hash, owner) {
            if self.slots.write(place, row) {
                return true;
            }
            self.remove(hash, owner);
        }
        let is_full = self.is_full();
        if is_full {
            self.make_room();
        }
        let Some(place) = self.slots.put(row) else {
            return false;
        };
        let Self {
            by_owner, slots, seed, ..
        } = self;
        by_owner.insert_unique(hash, place, |place| hash_of(slots, *seed, *place));
        !is_full
    }

    pub(super) fn remove(&mut self, hash: u64, owner: &Owner) {
        let slots = &self.slots;
        if let Ok(entry) = self.by_owner.find_entry(hash, |place| is_of(slots, *place, owner)) {
            let (place, _) = entry.remove();
            self.slots.free(place);
        }
    }

    fn make_room(&mut self) {
        let Some(idle) = self.slots.idle() else {
            return;
        };
        let hash = hash_of(&self.slots, self.seed, idle);
        if let Ok(entry) = self.by_owner.find_entry(hash, |place| *place == idle) {
            entry.remove();
            self.slots.free(idle);
        }
    }
}

fn is_of(slots: &Slots, place: Place, owner: &Owner) -> bool {
    Row(slots.row(place)).names() == Some((owner.account.as_bytes(), owner.user.as_bytes()))
}

fn hash_of(slots: &Slots, seed: u64, place: Place) -> u64 {
    let (account, user) = Row(slots.row(place)).names().unwrap_or_default();
    hash(seed, account, user)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::{super::row, *};

    /// A row with bytes of its own behind the names, of which there are many lengths.
    fn row_of(owner: &Owner, rest: &[u8]) -> Vec<u8> {
        [&*row::absent(owner), rest].concat()
    }

    fn owner(number: u16) -> Owner {
        Owner::new("account", format!("{number:b}"))
    }

    fn rest(length: u16, fill: u8) -> Vec<u8> {
        vec![fill; length.into()]
    }

    proptest! {
        /// Whatever is kept and goes: who has a row has the last one, and there are never more than there is room for.
        #[test]
        fn who_has_a_row_has_their_last_one(
            most in 1_usize..80,
            steps in proptest::collection::vec((0_u16..100, 0_u16..600, any::<u8>(), 0_u8..10), 0..600),
        ) {
            let mut rows = Rows::of(most, 7);
            let mut model = HashMap::new();
            for (number, length, fill, what) in steps {
                let owner = owner(number);
                let hash = hash(7, owner.account.as_bytes(), owner.user.as_bytes());
                match what {
                    0 => {
                        rows.remove(hash, &owner);
                        model.remove(&number);
                    }
                    1..4 => {
                        let found = rows.get(hash, &owner).map(|row| row.0.to_vec());
                        let expected = model.get(&number);
                        prop_assert!(found.is_none() || found.as_ref() == expected);
                    }
                    _ => {
                        let row = row_of(&owner, &rest(length, fill));
                        let was_full = rows.is_full() && !rows.has(hash, &owner);
                        prop_assert_eq!(rows.put(hash, &owner, &row), !was_full);
                        prop_assert!(rows.has(hash, &owner));
                        model.insert(number, row);
                    }
                }
                prop_assert!(rows.by_owner.len() <= most);
            }
        }
    }

    /// Whoever is asked for all the time stays, whoever else comes.
    #[test]
    fn who_is_asked_for_makes_no_room() {
        let mut rows = Rows::of(10, 7);
        let put = |rows: &mut Rows, owner: &Owner| {
            let hash = hash(7, owner.account.as_bytes(), owner.user.as_bytes());
            rows.put(hash, owner, &row::absent(owner))
        };
        let popular = owner(1_000);
        let hash = hash(7, popular.account.as_bytes(), popular.user.as_bytes());
        put(&mut rows, &popular);
        for number in 0..100 {
            assert_eq!(put(&mut rows, &owner(number)), number < 9);
            assert!(rows.get(hash, &popular).is_some(), "{number}");
        }
    }

    #[test]
    fn a_row_that_is_too_long_is_not_kept_and_takes_nothing_along() {
        let mut rows = Rows::of(10, 7);
        let owner = owner(1);
        let hash = hash(7, owner.account.as_bytes(), owner.user.as_bytes());
        assert!(rows.put(hash, &owner, &row_of(&owner, &rest(32_000, 1))));
        assert!(!rows.put(hash, &owner, &row_of(&owner, &rest(40_000, 2))));
        assert!(rows.get(hash, &owner).is_none());
        assert!(rows.put(hash, &owner, &row_of(&owner, &rest(1, 3))));
        assert_eq!(rows.get(hash, &owner).map(|row| row.0.to_vec()), Some(row_of(&owner, &[3])));
    }

    /// Rows that change their length from one to the next take the room that others left.
    #[test]
    fn room_is_used_again() {
        let mut rows = Rows::of(100, 7);
        let mut chunks = Vec::new();
        for round in 0..50 {
            for number in 0..200 {
                let owner = owner(number);
                let hash = hash(7, owner.account.as_bytes(), owner.user.as_bytes());
                rows.put(hash, &owner, &row_of(&owner, &rest((number + round) % 30 * 8, 1)));
            }
            chunks.push(rows.slots.chunks());
        }
        assert_eq!(chunks[10], chunks[49], "{chunks:?}");
    }
}
