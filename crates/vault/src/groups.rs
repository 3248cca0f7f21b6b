use std::collections::BTreeMap;

use crate::{Entries, Name};

/// The groups of a vault as they were first spelt, so that "work" does not come to stand beside "Work".
pub struct Groups(BTreeMap<String, Name>);

impl Groups {
    /// The group's name as the vault spells it; one that is new is remembered.
    pub fn spelt(&mut self, group: Name) -> Name {
        let known = self.0.entry(group.as_str().to_lowercase());
        known.or_insert(group).clone()
    }

    /// Several of them for one entry: each once, and none that is empty.
    pub fn spelt_once(&mut self, groups: impl IntoIterator<Item = Name>) -> Vec<Name> {
        let mut spelt = Vec::new();
        for group in groups {
            let group = self.spelt(group);
            if !group.is_empty() && !spelt.contains(&group) {
                spelt.push(group);
            }
        }
        spelt
    }
}

impl Entries {
    /// Every group that an entry is in.
    pub fn groups(&self) -> Groups {
        let mut groups = Groups(BTreeMap::new());
        for group in self.iter().flat_map(|entry| &entry.groups) {
            groups.spelt(group.clone());
        }
        groups
    }
}
