//! Keys in the list, and while one searches it.

use crossterm::event::{KeyCode, KeyEvent};
use vault::{EntryId, Kind, Order};

use super::{Effect, Effects, complain, lock_all, say};
use crate::tui::{
    change::Change,
    form::Form,
    input::{Input, Mask},
    model::{Dialog, Model, Open, SecretView, State},
    view::list_rows,
};

pub(super) fn in_the_list(model: &mut Model, key: KeyEvent) -> Effects {
    let words = model.words();
    let page = list_rows(model.size.1);
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    let place = open.place().unwrap_or(0);
    match key.code {
        KeyCode::Char('q') => return vec![Effect::Quit],
        KeyCode::Char('L') => return lock_all(model),
        // Wide ones come from a Chinese keyboard.
        KeyCode::Char('?' | '？') | KeyCode::F(1) => open.dialog = Dialog::Help { scroll: 0 },
        KeyCode::Char('/' | '／') => open.dialog = Dialog::Search,
        KeyCode::Esc => {
            open.query.clear();
            open.group = None;
            open.list();
        }
        KeyCode::Down | KeyCode::Char('j') => open.select(place + 1),
        KeyCode::Up | KeyCode::Char('k') => open.select(place.saturating_sub(1)),
        KeyCode::PageDown => open.select(place + page),
        KeyCode::PageUp => open.select(place.saturating_sub(page)),
        KeyCode::Home | KeyCode::Char('g') => open.select(0),
        KeyCode::End | KeyCode::Char('G') => open.select(usize::MAX),
        KeyCode::Tab => next_group(open, false),
        KeyCode::BackTab => next_group(open, true),
        KeyCode::Char('o') => {
            open.order = match open.order {
                Order::Use => Order::Name,
                Order::Name => Order::Added,
                Order::Added => Order::Use,
            };
            open.list();
        }
        KeyCode::Char('h') => {
            open.hides_codes = !open.hides_codes;
            open.revealed = None;
        }
        KeyCode::Char('a') => open.dialog = Dialog::Add(Input::masked(Mask::AllButPaths), None),
        KeyCode::Char('u') => match open.removed.pop() {
            Some(removed) => return vec![Effect::Save(Change::Restore(Box::new(removed)))],
            None => complain(model, words.notice.nothing_to_undo),
        },
        _ => return on_the_selected(model, key),
    }
    Vec::new()
}

fn on_the_selected(model: &mut Model, key: KeyEvent) -> Effects {
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    let Some(entry) = open.selected_entry() else {
        return Vec::new();
    };
    let id = entry.id();
    let is_hotp = matches!(entry.credential().kind(), Kind::Hotp { .. });
    let is_taken = open.taken.is_some_and(|(taken, _)| taken == id);
    match key.code {
        KeyCode::Enter | KeyCode::Char('c') => return copy(model),
        KeyCode::Char('n') if is_hotp => return take(open, id, false),
        KeyCode::Char(' ') if is_hotp && !is_taken => return take(open, id, false),
        KeyCode::Char(' ') if open.hides_codes => {
            open.revealed = match open.revealed {
                Some(_) => None,
                None => Some(id),
            };
        }
        KeyCode::Char(' ') if is_hotp => open.taken = None,
        KeyCode::Char('f') => {
            let is_one = !entry.favourite;
            return vec![Effect::Save(Change::Favourite { id, is_one })];
        }
        KeyCode::Char('e') => open.dialog = Dialog::Form(Box::new(Form::of(entry)), None),
        KeyCode::Char('d') | KeyCode::Delete => open.dialog = Dialog::Remove(id),
        KeyCode::Char('v') => {
            let view = SecretView::Warning;
            open.dialog = Dialog::Secret { id, view };
        }
        _ => {}
    }
    Vec::new()
}

/// Asks for the next code of an HOTP entry, which is shown when its counter is on disk and not before.
fn take(open: &mut Open, id: EntryId, copies: bool) -> Effects {
    open.copies_next = copies;
    vec![Effect::Save(Change::NextCode(id))]
}

/// Copies the code that stands now, or takes HOTP's next one first.
pub(super) fn copy(model: &mut Model) -> Effects {
    let now_s = model.now.unix_s();
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    let Some(entry) = open.selected_entry() else {
        return Vec::new();
    };
    let (id, title) = (entry.id(), entry.title());
    let is_hotp = matches!(entry.credential().kind(), Kind::Hotp { .. });
    let Some(code) = open.code(entry, now_s) else {
        return take(open, id, true);
    };
    let mut effects = vec![Effect::Copy(code)];
    if !is_hotp {
        effects.push(Effect::SaveIfFree(Change::Use(id)));
    }
    let clear_after_s = model.settings.clear_after_s;
    model.clipboard_until_up_ms = Some(model.now.up_ms + clear_after_s * 1_000);
    say(model, (model.words().notice.copied)(&title, clear_after_s));
    effects
}

fn next_group(open: &mut Open, backwards: bool) {
    let mut stops: Vec<_> = std::iter::once(None)
        .chain(open.groups().into_iter().map(Some))
        .collect();
    if backwards {
        stops.reverse();
    }
    let at = stops.iter().position(|group| *group == open.group).unwrap_or(0);
    let next = (at + 1) % stops.len();
    open.group = stops.swap_remove(next);
    open.list();
}

pub(super) fn in_search(model: &mut Model, key: KeyEvent) -> Effects {
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    let place = open.place().unwrap_or(0);
    match key.code {
        KeyCode::Enter => {
            open.dialog = Dialog::None;
            return copy(model);
        }
        KeyCode::Esc => {
            open.dialog = Dialog::None;
            open.query.clear();
            open.list();
        }
        KeyCode::Tab => open.dialog = Dialog::None,
        KeyCode::Down => open.select(place + 1),
        KeyCode::Up => open.select(place.saturating_sub(1)),
        _ => {
            let before = open.query.text().to_owned();
            open.query.key(key);
            if before != open.query.text() {
                open.selected = None;
                open.list();
            }
        }
    }
    Vec::new()
}
