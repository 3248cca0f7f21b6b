//! Keys in the dialogs, and what is pasted anywhere.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use enroll::base32;
use otp::typed::{significant, trimmed};
use zeroize::Zeroizing;

use super::{Effect, Effects, complain};
use crate::tui::{
    change::Change,
    form::Form,
    input::{Input, Mask},
    model::{Dialog, Gate, Model, Moment, Open, SecretView, State},
    trouble::Trouble,
    view::help_rows,
};

pub(super) fn in_remove(open: &mut Open, key: KeyEvent) -> Effects {
    let Dialog::Remove(id) = open.dialog else {
        return Vec::new();
    };
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

/// The time for which a typed passphrase stands for whoever is at the keys.
const PROVEN_MS: u64 = 60_000;

pub(super) fn in_secret(open: &mut Open, key: KeyEvent, now: Moment) -> Effects {
    let is_proven = open
        .proven_up_ms
        .is_some_and(|proven| now.up_ms.saturating_sub(proven) < PROVEN_MS);
    let Dialog::Secret { id, view } = &mut open.dialog else {
        return Vec::new();
    };
    match (*view, key.code) {
        (SecretView::Warning, KeyCode::Char('y' | 'Y')) if !is_proven => {
            open.dialog = Dialog::Prove(*id, Gate::new(false));
        }
        (SecretView::Warning, KeyCode::Char('y' | 'Y')) => *view = SecretView::Seen { is_inverted: false },
        (SecretView::Seen { is_inverted }, KeyCode::Char('i')) => {
            *view = SecretView::Seen {
                is_inverted: !is_inverted,
            };
        }
        (SecretView::Warning, KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc)
        | (SecretView::Seen { .. }, KeyCode::Char('q') | KeyCode::Esc | KeyCode::Enter) => open.dialog = Dialog::None,
        _ => {}
    }
    Vec::new()
}

pub(super) fn in_prove(open: &mut Open, key: KeyEvent) -> Effects {
    let Dialog::Prove(_, gate) = &mut open.dialog else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Esc => open.dialog = Dialog::None,
        KeyCode::Enter => {
            let typed = Zeroizing::new(gate.typed.text().to_owned());
            *gate = Gate {
                is_opening: true,
                ..Gate::new(false)
            };
            return vec![Effect::Unlock(typed)];
        }
        _ => {
            gate.typed.key(key);
        }
    }
    Vec::new()
}

pub(super) fn in_help(model: &mut Model, key: KeyEvent) -> Effects {
    let page = model.page();
    let last = help_rows(model).len().saturating_sub(page);
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    let Dialog::Help { scroll } = &mut open.dialog else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Down | KeyCode::Char('j') => *scroll = (*scroll + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => *scroll = (*scroll).min(last).saturating_sub(1),
        KeyCode::PageDown | KeyCode::Char(' ') => *scroll = (*scroll + page).min(last),
        KeyCode::PageUp => *scroll = scroll.saturating_sub(page),
        KeyCode::Home => *scroll = 0,
        KeyCode::End => *scroll = last,
        _ => open.dialog = Dialog::None,
    }
    Vec::new()
}

pub(super) fn in_add(model: &mut Model, key: KeyEvent) -> Effects {
    let words = model.words();
    let State::Open(open) = &mut model.state else {
        return Vec::new();
    };
    let Dialog::Add(input, error) = &mut open.dialog else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Esc => open.dialog = Dialog::None,
        KeyCode::Enter if input.is_empty() => {}
        KeyCode::Char('r') if key.modifiers.contains(KeyModifiers::CONTROL) => {
            input.mask = match input.mask {
                Mask::Nothing => Mask::AllButPaths,
                Mask::Everything | Mask::AllButPaths => Mask::Nothing,
            };
        }
        KeyCode::Enter => {
            *error = None;
            let text = input.text().trim();
            // What belongs to a copied text, and not to what it says.
            let bare = trimmed(trimmed(text).trim_matches(['\'', '"']));
            if has_scheme(bare, "otpauth") {
                let bytes = Zeroizing::new(bare.as_bytes().to_vec());
                return vec![Effect::Save(Change::Import(bytes))];
            }
            match base32::decode_as_apps(bare) {
                Ok(key) => open.dialog = Dialog::Form(Box::new(Form::new(key)), None),
                Err(why) if is_like_a_key(bare) => *error = Some((words.trouble)(&Trouble::Key(why))),
                // Not a URI of any other kind, which may have a secret in it.
                Err(_) if has_scheme(text, "file:") || (text.contains(['/', '.']) && !text.contains("://")) => {
                    return vec![Effect::ReadFile(Zeroizing::new(text.to_owned()))];
                }
                Err(_) => *error = Some((words.trouble)(&Trouble::NothingKnown)),
            }
        }
        _ => {
            input.key(key);
        }
    }
    Vec::new()
}

/// True if the text begins with this scheme, in upper or lower case.
fn has_scheme(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// Letters and digits, in groups or not: a key that was mistyped, rather than anything else.
fn is_like_a_key(text: &str) -> bool {
    !text.is_empty() && significant(text).all(|(_, c)| c.is_ascii_alphanumeric() || c == '=')
}

pub(super) fn in_form(model: &mut Model, key: KeyEvent) -> Effects {
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

/// Terminals paste the end of a line as what its key sends, a carriage return.
fn with_line_feeds(text: &str) -> Zeroizing<String> {
    let mut lines = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\r') {
        lines.push_str(line);
        lines.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    lines.push_str(rest);
    lines
}

/// Into whatever is being typed; a URI also into the bare list, where it is what one wants to add.
pub(super) fn pasted(model: &mut Model, text: &str) {
    let words = model.words();
    let text = &*with_line_feeds(text);
    let text = text.trim_end_matches('\n');
    let one_line = || {
        let pieces: Vec<&str> = text.split(['\n', '\t']).filter(|piece| !piece.is_empty()).collect();
        Zeroizing::new(pieces.join(" "))
    };
    let is_taken = match &mut model.state {
        State::Locked(gate) => gate.typed.insert(text),
        State::Open(open) => match &mut open.dialog {
            Dialog::None => {
                let mut input = Input::masked(Mask::AllButPaths);
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
            Dialog::Prove(_, gate) => gate.typed.insert(text),
            Dialog::Form(form, _) => form.focused().is_none_or(|input| input.insert(&one_line())),
            Dialog::Remove(_) | Dialog::Secret { .. } | Dialog::Help { .. } => true,
        },
    };
    if !is_taken {
        complain(model, words.notice.too_long);
    }
}
