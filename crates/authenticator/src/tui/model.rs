//! The interface's whole state. Nothing in it touches the outside.

use otp::Step;
use vault::{CodeText, Entry, EntryId, Kind, Name, OpenVault, Order, Removed};
use zeroize::Zeroizing;

use super::{
    form::Form,
    input::{Input, Mask},
    words::{Language, Words},
};

/// When something happens, by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// The wall clock, which makes codes and may jump.
    pub(super) unix_ms: u64,
    /// Time since the machine was started, its sleep included; never set back.
    pub(super) up_ms: u64,
}

impl Moment {
    pub(super) fn unix_s(self) -> u64 {
        self.unix_ms / 1_000
    }
}

/// The settings that the user chose at the start.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) language: Language,
    pub(super) has_colours: bool,
    pub(super) hides_codes: bool,
    pub(super) order: Order,
    /// 0 for never.
    pub(super) lock_after_min: u64,
    pub(super) clear_after_s: u64,
    /// The vault's path, as it is shown.
    pub(super) place: String,
}

pub(super) struct Model {
    pub(super) settings: Settings,
    pub(super) state: State,
    pub(super) notice: Option<Notice>,
    /// Columns and rows of the screen.
    pub(super) size: (u16, u16),
    pub(super) now: Moment,
    /// The last key.
    pub(super) touched_up_ms: u64,
    /// When the clipboard is emptied.
    pub(super) clipboard_until_up_ms: Option<u64>,
}

/// A sentence on the last line, until it is old or a key is pressed.
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) is_bad: bool,
    pub(super) until_up_ms: u64,
}

pub(super) enum State {
    Locked(Gate),
    Open(Box<Open>),
}

/// Before the vault is open.
pub(super) struct Gate {
    pub(super) typed: Input,
    /// A new vault's passphrase, after it was typed once.
    pub(super) first: Option<Zeroizing<String>>,
    pub(super) is_new: bool,
    /// An agent may still keep the vault unlocked.
    pub(super) is_screen_only: bool,
    /// Being opened, which takes a moment.
    pub(super) is_opening: bool,
    pub(super) error: Option<String>,
}

impl Gate {
    pub(super) fn new(is_new: bool) -> Self {
        Self {
            typed: Input::masked(Mask::Everything),
            first: None,
            is_new,
            is_screen_only: false,
            is_opening: false,
            error: None,
        }
    }
}

pub(super) struct Open {
    pub(super) vault: OpenVault,
    /// When a person last said what opens it; an agent or a keyring is none.
    pub(super) proven_up_ms: Option<u64>,
    pub(super) query: Input,
    /// The group that is shown alone.
    pub(super) group: Option<Name>,
    pub(super) order: Order,
    /// What is listed, in order.
    pub(super) shown: Vec<EntryId>,
    pub(super) selected: Option<EntryId>,
    pub(super) dialog: Dialog,
    pub(super) hides_codes: bool,
    /// The one entry whose code was asked for while codes are hidden.
    pub(super) revealed: Option<EntryId>,
    /// HOTP: the counter that was taken last, and for whom.
    pub(super) taken: Option<(EntryId, Step)>,
    /// HOTP: copied as soon as its counter is saved.
    pub(super) copies_next: bool,
    /// What undo puts back, the last one first.
    pub(super) removed: Vec<Removed>,
}

pub(super) enum Dialog {
    None,
    Search,
    Add(Input, Option<String>),
    Form(Box<Form>, Option<String>),
    Remove(EntryId),
    Secret {
        id: EntryId,
        view: SecretView,
    },
    /// The passphrase, before a secret is seen.
    Prove(EntryId, Gate),
    Help {
        scroll: usize,
    },
}

/// A secret is asked for, then confirmed, then seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretView {
    Warning,
    Seen { is_inverted: bool },
}

impl Model {
    pub(super) fn new(settings: Settings, is_new: bool, now: Moment) -> Self {
        Self {
            settings,
            state: State::Locked(Gate::new(is_new)),
            notice: None,
            size: (80, 24),
            now,
            touched_up_ms: now.up_ms,
            clipboard_until_up_ms: None,
        }
    }

    /// Rows between the first and the last one.
    pub(super) fn page(&self) -> usize {
        usize::from(self.size.1.saturating_sub(2)).max(1)
    }

    pub(super) fn words(&self) -> &'static Words {
        self.settings.language.words()
    }
}

impl Open {
    pub(super) fn new(vault: OpenVault, proven_up_ms: Option<u64>, settings: &Settings) -> Self {
        let mut open = Self {
            vault,
            proven_up_ms,
            query: Input::new(""),
            group: None,
            order: settings.order,
            shown: Vec::new(),
            selected: None,
            dialog: Dialog::None,
            hides_codes: settings.hides_codes,
            revealed: None,
            taken: None,
            copies_next: false,
            removed: Vec::new(),
        };
        open.list();
        open
    }

    /// Lists anew. The selection stays with its entry, or else in its place.
    pub(super) fn list(&mut self) {
        let place = self.place();
        let found = self.vault.entries().search(self.query.text(), self.order);
        let is_in_group = |entry: &&Entry| self.group.as_ref().is_none_or(|group| entry.groups.contains(group));
        self.shown = found.into_iter().filter(is_in_group).map(Entry::id).collect();
        let is_still_there = self.selected.is_some_and(|id| self.shown.contains(&id));
        if !is_still_there {
            self.select(place.unwrap_or(0));
        }
    }

    /// The position of the selection in the list.
    pub(super) fn place(&self) -> Option<usize> {
        self.shown.iter().position(|id| Some(*id) == self.selected)
    }

    pub(super) fn select(&mut self, place: usize) {
        let last = self.shown.len().saturating_sub(1);
        let selected = self.shown.get(place.min(last)).copied();
        if selected != self.selected {
            self.revealed = None;
        }
        self.selected = selected;
    }

    pub(super) fn selected_entry(&self) -> Option<&Entry> {
        self.vault.entries().get(self.selected?)
    }

    /// Every group, by name.
    pub(super) fn groups(&self) -> Vec<Name> {
        let mut groups: Vec<Name> = self
            .vault
            .entries()
            .iter()
            .flat_map(|entry| entry.groups.clone())
            .collect();
        groups.sort();
        groups.dedup();
        groups
    }

    /// The code that stands now: HOTP has none before its counter was taken.
    pub(super) fn code(&self, entry: &Entry, unix_s: u64) -> Option<CodeText> {
        let credential = entry.credential();
        let step = match credential.kind() {
            Kind::Hotp { .. } => self.taken.filter(|(id, _)| *id == entry.id())?.1,
            Kind::Totp { .. } | Kind::Steam => credential.step_at(unix_s)?.step,
        };
        Some(credential.code(step))
    }

    /// True if codes of this entry may be seen.
    pub(super) fn is_visible(&self, id: EntryId) -> bool {
        !self.hides_codes || self.revealed == Some(id)
    }
}
