//! What each key and each event does: the model changes, and asks for effects. Pure.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use enroll::base32;
use vault::{CodeText, EntryId, Kind, OpenVault, Order, Removed};
use zeroize::Zeroizing;

use super::{
    change::{Change, Changed, Refused},
    form::Form,
    input::Input,
    model::{Dialog, Gate, Model, Moment, Notice, Open, Stage, State},
};

const NOTICE_MS: u64 = 5_000;
const PAGE: usize = 10;

/// What happened.
pub(super) enum Message {
    Key(KeyEvent),
    Paste(Zeroizing<String>),
    /// Time went on.
    Tick,
    Opened {
        vault: OpenVault,
        by_person: bool,
    },
    /// `None`: the passphrase is wrong.
    NotOpened(Option<String>),
    /// A change is on disk; this is what is there now.
    Saved {
        vault: OpenVault,
        changed: Changed,
    },
    NotSaved {
        why: Refused,
        removed: Option<Removed>,
    },
    /// Another process wrote the file.
    Reloaded(OpenVault),
    /// Another process wrote it so that this key opens it no longer.
    Rekeyed,
    /// What a file has that was to be added.
    FileRead(Result<Zeroizing<Vec<u8>>, String>),
    /// Something outside failed; nothing is lost.
    Failed(String),
}

/// What is to be done outside.
pub(super) enum Effect {
    Quit,
    /// To the shell, until it brings us back.
    Suspend,
    Redraw,
    Unlock(Zeroizing<String>),
    Create(Zeroizing<String>),
    Save(Change),
    /// Saves if that can be done at once; nobody is told when it cannot.
    SaveIfFree(Change),
    Copy(CodeText),
    EmptyClipboard,
    ReadFile(PathBuf),
}

type Effects = Vec<Effect>;

/// The next state, and what has to be done for it.
pub(super) fn update(model: &mut Model, message: Message, now: Moment) -> Effects {
    model.now = now;
    match message {
        Message::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Message::Key(key) => {
            model.touched_up_ms = now.up_ms;
            model.notice = None;
            pressed(model, key)
        }
        Message::Paste(text) => {
            model.touched_up_ms = now.up_ms;
            model.notice = None;
            pasted(model, &text);
            Vec::new()
        }
        Message::Tick => ticked(model),
        Message::Opened { vault, by_person } => {
            model.state = State::Open(Box::new(Open::new(vault, by_person, &model.settings)));
            Vec::new()
        }
        Message::NotOpened(why) => {
            let words = &model.words().gate;
            if let State::Locked(gate) = &mut model.state {
                gate.is_opening = false;
                gate.error = Some(why.unwrap_or_else(|| words.wrong.into()));
            }
            Vec::new()
        }
        Message::Saved { vault, changed } => saved(model, vault, changed),
        Message::NotSaved { why, removed } => {
            not_saved(model, why, removed);
            Vec::new()
        }
        Message::Reloaded(vault) => {
            if let State::Open(open) = &mut model.state {
                open.vault = vault;
                open.list();
                let text = model.words().notice.reloaded;
                say(model, text);
            }
            Vec::new()
        }
        Message::Rekeyed => {
            lock(model, model.words().notice.rekeyed.into());
            Vec::new()
        }
        Message::FileRead(read) => file_read(model, read),
        Message::Failed(why) => {
            complain(model, why);
            Vec::new()
        }
    }
}

fn say(model: &mut Model, text: impl Into<String>) {
    notice(model, text.into(), false);
}

fn complain(model: &mut Model, text: impl Into<String>) {
    notice(model, text.into(), true);
}

fn notice(model: &mut Model, text: String, is_bad: bool) {
    let until_up_ms = model.now.up_ms + NOTICE_MS;
    model.notice = Some(Notice {
        text,
        is_bad,
        until_up_ms,
    });
}

/// Drops the vault and everything that was typed.
fn lock(model: &mut Model, why: String) {
    if let State::Open(_) = model.state {
        model.state = State::Locked(Gate::new(false));
        model.notice = None;
        if let State::Locked(gate) = &mut model.state
            && !why.is_empty()
        {
            gate.error = Some(why);
        }
    }
}

fn ticked(model: &mut Model) -> Effects {
    let up_ms = model.now.up_ms;
    model.notice.take_if(|notice| notice.until_up_ms <= up_ms);
    let minutes = model.settings.lock_after_min;
    let idle_ms = up_ms.saturating_sub(model.touched_up_ms);
    if minutes > 0 && idle_ms >= minutes.saturating_mul(60_000) {
        lock(model, (model.words().notice.idle)(minutes));
    }
    if model.clipboard_until_up_ms.take_if(|until| *until <= up_ms).is_some() {
        say(model, model.words().notice.clipboard_emptied);
        return vec![Effect::EmptyClipboard];
    }
    Vec::new()
}

fn pressed(model: &mut Model, key: KeyEvent) -> Effects {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        match key.code {
            KeyCode::Char('c' | 'q') => return vec![Effect::Quit],
            KeyCode::Char('z') => return vec![Effect::Suspend],
            KeyCode::Char('l') => return vec![Effect::Redraw],
            _ => {}
        }
    }
    match &mut model.state {
        State::Locked(_) => at_the_gate(model, key),
        State::Open(open) => match &mut open.dialog {
            Dialog::None => in_the_list(model, key),
            Dialog::Search => in_search(model, key),
            Dialog::Add(..) => in_add(model, key),
            Dialog::Form(..) => in_form(model, key),
            Dialog::Remove(id) => {
                let id = *id;
                match key.code {
                    KeyCode::Char('y' | 'Y') => {
                        open.dialog = Dialog::None;
                        return vec![Effect::Save(Change::Remove(id))];
                    }
                    KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => open.dialog = Dialog::None,
                    _ => {}
                }
                Vec::new()
            }
            Dialog::Secret { stage, .. } => {
                match (*stage, key.code) {
                    (Stage::Warning, KeyCode::Char('y' | 'Y')) => *stage = Stage::Seen { is_inverted: false },
                    (Stage::Seen { is_inverted }, KeyCode::Char('i')) => {
                        *stage = Stage::Seen {
                            is_inverted: !is_inverted,
                        };
                    }
                    (Stage::Warning, KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc)
                    | (Stage::Seen { .. }, KeyCode::Char('q') | KeyCode::Esc | KeyCode::Enter) => {
                        open.dialog = Dialog::None;
                    }
                    _ => {}
                }
                Vec::new()
            }
            Dialog::Help { scroll } => {
                match key.code {
                    KeyCode::Down | KeyCode::Char('j') => {
                        let last = model.settings.language.words().help.len() - 1;
                        *scroll = (*scroll + 1).min(last);
                    }
                    KeyCode::Up | KeyCode::Char('k') => *scroll = scroll.saturating_sub(1),
                    _ => open.dialog = Dialog::None,
                }
                Vec::new()
            }
        },
    }
}

fn at_the_gate(model: &mut Model, key: KeyEvent) -> Effects {
    let words = &model.words().gate;
    let State::Locked(gate) = &mut model.state else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Esc if gate.typed.is_empty() && gate.first.is_none() => return vec![Effect::Quit],
        KeyCode::Esc => *gate = Gate::new(gate.is_new),
        KeyCode::Enter if gate.is_opening => {}
        KeyCode::Enter => {
            let typed = Zeroizing::new(gate.typed.text().to_owned());
            gate.typed.clear();
            gate.error = None;
            if !gate.is_new {
                gate.is_opening = true;
                return vec![Effect::Unlock(typed)];
            }
            match gate.first.take() {
                _ if typed.is_empty() => gate.error = Some(words.empty.into()),
                None => gate.first = Some(typed),
                Some(first) if *first == *typed => {
                    gate.is_opening = true;
                    return vec![Effect::Create(typed)];
                }
                Some(_) => gate.error = Some(words.differ.into()),
            }
        }
        _ => {
            gate.typed.key(key);
        }
    }
    Vec::new()
}

fn in_the_list(model: &mut Model, key: KeyEvent) -> Effects {
    let words = model.words();
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    let place = open.place().unwrap_or(0);
    match key.code {
        KeyCode::Char('q') => return vec![Effect::Quit],
        KeyCode::Char('L') => lock(model, String::new()),
        KeyCode::Char('?') | KeyCode::F(1) => open.dialog = Dialog::Help { scroll: 0 },
        KeyCode::Char('/') => open.dialog = Dialog::Search,
        KeyCode::Esc => {
            open.query.clear();
            open.group = None;
            open.list();
        }
        KeyCode::Down | KeyCode::Char('j') => open.select(place + 1),
        KeyCode::Up | KeyCode::Char('k') => open.select(place.saturating_sub(1)),
        KeyCode::PageDown => open.select(place + PAGE),
        KeyCode::PageUp => open.select(place.saturating_sub(PAGE)),
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
        KeyCode::Char('a') => open.dialog = Dialog::Add(Input::masked(), None),
        KeyCode::Char('u') => match open.removed.pop() {
            Some(removed) => return vec![Effect::Save(Change::Restore(Box::new(removed)))],
            None => complain(model, words.notice.nothing_to_undo),
        },
        _ => return on_the_selected(model, key),
    }
    Vec::new()
}

fn on_the_selected(model: &mut Model, key: KeyEvent) -> Effects {
    let words = model.words();
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
        KeyCode::Char('v') if open.by_person => {
            let stage = Stage::Warning;
            open.dialog = Dialog::Secret { id, stage };
        }
        KeyCode::Char('v') => complain(model, words.secret.needs_passphrase),
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
fn copy(model: &mut Model) -> Effects {
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

fn in_search(model: &mut Model, key: KeyEvent) -> Effects {
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

fn in_add(model: &mut Model, key: KeyEvent) -> Effects {
    let words = model.words();
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    let Dialog::Add(input, error) = &mut open.dialog else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Esc => open.dialog = Dialog::None,
        KeyCode::Char('r') if key.modifiers.contains(KeyModifiers::CONTROL) => input.is_masked = !input.is_masked,
        KeyCode::Enter => {
            *error = None;
            // A terminal quotes the name of a file that is dropped on it.
            let text = input.text().trim().trim_matches(['\'', '"']);
            if text
                .get(..7)
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("otpauth"))
            {
                let bytes = Zeroizing::new(text.as_bytes().to_vec());
                return vec![Effect::Save(Change::Import(bytes))];
            }
            match base32::decode(text) {
                Ok(secret) => open.dialog = Dialog::Form(Box::new(Form::new(secret)), None),
                Err(_) if text.contains(['/', '.']) => return vec![Effect::ReadFile(PathBuf::from(text))],
                Err(_) => *error = Some(words.add.no_such.into()),
            }
        }
        _ => {
            input.key(key);
        }
    }
    Vec::new()
}

fn in_form(model: &mut Model, key: KeyEvent) -> Effects {
    let words = model.words();
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    let Dialog::Form(form, error) = &mut open.dialog else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Esc => open.dialog = Dialog::None,
        KeyCode::Enter => match form.change() {
            Ok(change) => {
                *error = None;
                return vec![Effect::Save(change)];
            }
            Err(missing) => *error = Some((words.form.missing)(missing)),
        },
        _ => form.key(key),
    }
    Vec::new()
}

/// Into whatever is being typed; a URI also into the bare list, where it is what one wants to add.
fn pasted(model: &mut Model, text: &str) {
    let words = model.words();
    let text = text.trim_end_matches(['\r', '\n']);
    let one_line = || Zeroizing::new(text.replace(['\r', '\n'], " "));
    let is_taken = match &mut model.state {
        State::Locked(gate) => gate.typed.insert(text),
        State::Open(open) => match &mut open.dialog {
            Dialog::None => {
                let mut input = Input::masked();
                let is_taken = input.insert(text);
                open.dialog = Dialog::Add(input, None);
                is_taken
            }
            Dialog::Search => {
                let is_taken = open.query.insert(&one_line());
                open.list();
                is_taken
            }
            Dialog::Add(input, _) => input.insert(text),
            Dialog::Form(form, _) => form.focused().is_none_or(|input| input.insert(&one_line())),
            Dialog::Remove(_) | Dialog::Secret { .. } | Dialog::Help { .. } => true,
        },
    };
    if !is_taken {
        complain(model, words.notice.too_long);
    }
}

fn saved(model: &mut Model, vault: OpenVault, changed: Changed) -> Effects {
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
        Changed::Added { ids, left_out } => {
            open.dialog = Dialog::None;
            open.selected = ids.first().copied();
            let mut text = match ids.as_slice() {
                [id] => (words.added)(&title_of(open, *id)),
                _ => (words.added_many)(ids.len()),
            };
            if left_out > 0 {
                text = format!("{text} {}", (words.left_out)(left_out));
            }
            Some(text)
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

fn not_saved(model: &mut Model, why: Refused, removed: Option<Removed>) {
    let words = &model.words().notice;
    let text = match why {
        Refused::Gone => words.gone.into(),
        Refused::EditedMeanwhile => words.edited_meanwhile.into(),
        Refused::Double(title) => (words.double)(&title),
        Refused::Says(why) => (words.not_saved)(&why),
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

fn file_read(model: &mut Model, read: Result<Zeroizing<Vec<u8>>, String>) -> Effects {
    match read {
        Ok(bytes) => vec![Effect::Save(Change::Import(bytes))],
        Err(why) => {
            if let State::Open(open) = &mut model.state
                && let Dialog::Add(_, error) = &mut open.dialog
            {
                *error = Some(why);
            }
            Vec::new()
        }
    }
}
