//! Keys before the vault is open.

use crossterm::event::{KeyCode, KeyEvent};
use zeroize::Zeroizing;

use super::{Effect, Effects};
use crate::tui::model::{Gate, Model, State};

pub(super) fn at_the_gate(model: &mut Model, key: KeyEvent) -> Effects {
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
