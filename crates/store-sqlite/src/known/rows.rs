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
        let before = self.place(hash, owner);
        if let Some(place) = before {
            if self.slots.write(place, row) {
                return true;
            }
            self.end(hash, place);
        }
        let is_full = self.is_full();
        if is_full && Slots::takes(row) {
            self.make_room();
        }
        if self.is_full() {
            return false;
        }
        let Some(place) = self.slots.put(row) else {
            return false;
        };
        if before.is_some() {
            self.slots.asked(place);
        }
        let (slots, seed) = (&self.slots, self.seed);
        self.by_owner
            .insert_unique(hash, place, |place| hash_of(slots, seed, *place));
        !is_full
    }

    pub(super) fn remove(&mut self, hash: u64, owner: &Owner) {
        if let Some(place) = self.place(hash, owner) {
            self.end(hash, place);
        }
    }

    fn make_room(&mut self) {
        if let Some(idle) = self.slots.idle() {
            self.end(self.hash_of(idle), idle);
        }
    }

    fn end(&mut self, hash: u64, place: Place) {
        if let Ok(entry) = self.by_owner.find_entry(hash, |kept| *kept == place) {
            entry.remove();
        }
        if let Some(from) = self.slots.end(place) {
            let hash = self.hash_of(place);
            if let Some(moved) = self.by_owner.find_mut(hash, |kept| *kept == from) {
                *moved = place;
            }
        }
    }

    fn hash_of(&self, place: Place) -> u64 {
        hash_of(&self.slots, self.seed, place)
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

    /// Often one of which few fit in a chunk.
    fn length() -> impl Strategy<Value = u16> {
        prop_oneof![0_u16..600, Just(598), Just(1_200)]
    }

    proptest! {
        /// Whatever is kept and goes: who has a row has the last one, and there are never more than there is room for.
        #[test]
        fn who_has_a_row_has_their_last_one(
            most in 1_usize..80,
            steps in proptest::collection::vec((0_u16..100, length(), any::<u8>(), 0_u8..10), 0..600),
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

    /// Nearly all newcomers who came together are there when they are asked for, although nobody has room to spare.
    #[test]
    fn newcomers_do_not_make_room_for_each_other() {
        let (mut rows, mut there) = (Rows::of(100, 7), 0);
        for number in 1_000..3_000 {
            let owner = owner(number);
            let of = |owner: &Owner| hash(7, owner.account.as_bytes(), owner.user.as_bytes());
            rows.put(of(&owner), &owner, &row::absent(&owner));
            let before = super::tests::owner(number - 5);
            there += u32::from(rows.has(of(&before), &before));
        }
        // The hand comes by the newest ones once a round.
        assert!(there > 1_800, "{there} of 2000");
    }

    #[test]
    fn a_row_that_is_too_long_is_not_kept_and_takes_nothing_along() {
        let mut rows = Rows::of(1, 7);
        let of = |owner: &Owner| hash(7, owner.account.as_bytes(), owner.user.as_bytes());
        let (other, owner) = (owner(2), owner(1));
        let hash = of(&owner);
        assert!(rows.put(of(&other), &other, &row::absent(&other)));
        assert!(!rows.put(hash, &owner, &row_of(&owner, &rest(17_000, 2))));
        assert!(rows.has(of(&other), &other), "nobody made room for it");
        rows.remove(of(&other), &other);

        assert!(rows.put(hash, &owner, &row_of(&owner, &rest(16_000, 1))));
        assert!(!rows.put(hash, &owner, &row_of(&owner, &rest(17_000, 2))));
        assert!(rows.get(hash, &owner).is_none());
        assert!(rows.put(hash, &owner, &row_of(&owner, &rest(1, 3))));
        assert_eq!(
            rows.get(hash, &owner).map(|row| row.0.to_vec()),
            Some(row_of(&owner, &[3]))
        );
    }

    /// However rows change their length: no more is allocated than they need.
    #[test]
    fn rows_lie_without_gaps() {
        let mut rows = Rows::of(100, 7);
        for round in 0..50 {
            for number in 0..200 {
                let owner = owner(number);
                let hash = hash(7, owner.account.as_bytes(), owner.user.as_bytes());
                rows.put(hash, &owner, &row_of(&owner, &rest((number + round) % 30 * 8, 1)));
            }
            // A chunk has room for 34 of the longest rows, and there are not 60 sizes.
            assert!(rows.slots.chunks() <= 60 + 100 / 34, "{}", rows.slots.chunks());
        }
        for number in 0..200 {
            let owner = owner(number);
            let hash = hash(7, owner.account.as_bytes(), owner.user.as_bytes());
            rows.remove(hash, &owner);
        }
        assert_eq!(rows.slots.chunks(), 0);
    }
}
