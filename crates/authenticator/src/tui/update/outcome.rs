//! The outcomes of effects.

use vault::{OpenVault, Removed};
use zeroize::Zeroizing;

use super::{Effect, Effects, complain, list::copy, say};
use crate::tui::{
    change::{Change, Changed, Refused},
    model::{Dialog, Model, Open, State},
    trouble::Trouble,
};

pub(super) fn saved(model: &mut Model, vault: OpenVault, changed: Changed) -> Effects {
    let words = &model.words().notice;
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    open.vault = vault;
    let title_of = |open: &Open, id| {
        open.vault
            .entries()
            .get(id)
            .map_or_else(String::new, vault::Entry::title)
    };
    let text = match changed {
        // Nobody wants the list to move under the cursor because of a copy.
        Changed::Used => return Vec::new(),
        Changed::NextCode(id, step) => {
            open.taken = Some((id, step));
            open.revealed = Some(id);
            let copies = std::mem::take(&mut open.copies_next) && open.selected == Some(id);
            return if copies { copy(model) } else { Vec::new() };
        }
        Changed::Added {
            ids,
            doubles,
            raised,
            unusable,
            odd,
        } => {
            open.dialog = Dialog::None;
            open.selected = ids.first().or(raised.first()).copied();
            let mut text = match ids.as_slice() {
                [] => String::new(),
                [id] => (words.added)(&title_of(open, *id)),
                _ => (words.added_many)(ids.len()),
            };
            if doubles > 0 {
                text.push_str(&(words.doubles)(doubles));
            }
            if !raised.is_empty() {
                text.push_str(&(words.raised)(raised.len()));
            }
            if let Some(first) = unusable.first() {
                text.push_str(&(words.unusable)(
                    unusable.len(),
                    &Trouble::Unusable(vec![first.clone()]),
                ));
            }
            if let Some((title, first)) = odd.first() {
                let title = (ids.len() > 1).then_some(&**title);
                text.push_str(&(words.odd)(odd.len(), title, first));
            }
            Some(text.trim_start().to_owned())
        }
        Changed::Edited => {
            open.dialog = Dialog::None;
            Some(words.edited.into())
        }
        Changed::Favoured => None,
        Changed::Removed(removed) => {
            let title = removed.entry().title();
            open.removed.push(*removed);
            Some((words.removed)(&title))
        }
        Changed::Restored(id) => {
            open.selected = Some(id);
            Some((words.restored)(&title_of(open, id)))
        }
    };
    let chosen = open.selected;
    open.list();
    // What was edited or put back is seen, also where the search would not find it.
    if chosen != open.selected && chosen.is_some_and(|id| open.vault.entries().get(id).is_some()) {
        open.query.clear();
        open.group = None;
        open.selected = chosen;
        open.list();
    }
    if let Some(text) = text {
        say(model, text);
    }
    Vec::new()
}

pub(super) fn not_saved(model: &mut Model, why: Refused, removed: Option<Removed>) {
    let words = model.words();
    let text = match why {
        Refused::Gone => words.notice.gone.into(),
        Refused::EditedMeanwhile => words.notice.edited_meanwhile.into(),
        Refused::Double(title) => (words.notice.double)(&title),
        Refused::Doubles(count) => (words.notice.all_double)(count),
        Refused::Unfit(why) => (words.trouble)(&why),
        Refused::Unsaved(why) => (words.notice.not_saved)(&(words.trouble)(&why)),
    };
    if let State::Open(open) = &mut model.state {
        open.copies_next = false;
        open.removed.extend(removed);
        if let Dialog::Add(_, error) | Dialog::Form(_, error) = &mut open.dialog {
            *error = Some(text);
            return;
        }
    }
    complain(model, text);
}

pub(super) fn file_read(model: &mut Model, read: Result<Zeroizing<Vec<u8>>, Trouble>) -> Effects {
    match read {
        Ok(bytes) => vec![Effect::Save(Change::Import(bytes))],
        Err(why) => {
            let words = model.words();
            if let State::Open(open) = &mut model.state
                && let Dialog::Add(_, error) = &mut open.dialog
            {
                *error = Some((words.trouble)(&why));
            }
            Vec::new()
        }
    }
}
