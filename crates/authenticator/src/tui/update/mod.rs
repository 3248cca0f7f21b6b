//! The update function: each key and each event; the model changes, and asks for effects. Pure.

mod dialog;
mod gate;
mod list;
mod outcome;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use vault::{CodeText, OpenVault, Removed, VAULT_ID_LEN_BYTES};
use zeroize::Zeroizing;

use self::{
    dialog::{in_add, in_form, in_help, in_prove, in_remove, in_secret, pasted},
    gate::at_the_gate,
    list::{in_search, in_the_list},
    outcome::{file_read, not_saved, saved},
};
use super::{
    change::{Change, Changed, Refused},
    model::{Dialog, Gate, Model, Moment, Notice, Open, SecretView, State},
    trouble::Trouble,
};

const NOTICE_MS: u64 = 5_000;
/// Longer, for it asks for something.
const COMPLAINT_MS: u64 = 15_000;

/// A message to the model: an event, or the outcome of an effect.
pub(super) enum Message {
    Key(KeyEvent),
    Paste(Zeroizing<String>),
    /// The screen has so many columns and rows.
    Resized(u16, u16),
    /// Time went on.
    Tick,
    Opened {
        vault: OpenVault,
        by_person: bool,
    },
    NotOpened(Trouble),
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
    FileRead(Result<Zeroizing<Vec<u8>>, Trouble>),
    /// What came of locking the agent, where there is one.
    AgentLocked(Result<(), Trouble>),
    /// Something outside failed; nothing is lost.
    Failed(Trouble),
}

/// An effect: what is to be done outside the model.
pub(super) enum Effect {
    Quit,
    /// To the shell, until it brings us back.
    Suspend,
    Redraw,
    Unlock(Zeroizing<String>),
    Create(Zeroizing<String>),
    /// The one of this vault, where there is one.
    LockAgent([u8; VAULT_ID_LEN_BYTES]),
    Save(Change),
    /// Saves if that can be done at once; nobody is told when it cannot.
    SaveIfFree(Change),
    Copy(CodeText),
    EmptyClipboard,
    /// The path as it was typed; it may be a secret by mistake.
    ReadFile(Zeroizing<String>),
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
        Message::Resized(columns, rows) => {
            model.size = (columns, rows);
            Vec::new()
        }
        Message::Tick => ticked(model),
        Message::Opened { vault, by_person } => {
            opened(model, vault, by_person);
            Vec::new()
        }
        Message::NotOpened(why) => {
            let words = model.words();
            let gate = match &mut model.state {
                State::Locked(gate) => Some(gate),
                State::Open(open) => match &mut open.dialog {
                    Dialog::Prove(_, gate) => Some(gate),
                    _ => None,
                },
            };
            if let Some(gate) = gate {
                gate.is_opening = false;
                gate.error = Some((words.trouble)(&why));
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
            let error = Some(model.words().notice.rekeyed.into());
            lock(
                model,
                Gate {
                    error,
                    ..Gate::new(false)
                },
            );
            Vec::new()
        }
        Message::FileRead(read) => file_read(model, read),
        Message::AgentLocked(locked) => {
            let words = model.words();
            if let State::Locked(gate) = &mut model.state {
                gate.is_screen_only = locked.is_err();
                gate.error = locked.err().map(|why| (words.trouble)(&why));
            }
            Vec::new()
        }
        Message::Failed(why) => {
            complain(model, (model.words().trouble)(&why));
            Vec::new()
        }
    }
}

fn opened(model: &mut Model, vault: OpenVault, by_person: bool) {
    let proven_up_ms = by_person.then_some(model.now.up_ms);
    match &mut model.state {
        State::Locked(_) => model.state = State::Open(Box::new(Open::new(vault, proven_up_ms, &model.settings))),
        State::Open(open) => {
            // What is seen is what the passphrase opened.
            open.vault = vault;
            open.list();
            open.proven_up_ms = proven_up_ms;
            if let Dialog::Prove(id, _) = open.dialog {
                let view = SecretView::Seen { is_inverted: false };
                open.dialog = Dialog::Secret { id, view };
            }
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
    let until_up_ms = model.now.up_ms + if is_bad { COMPLAINT_MS } else { NOTICE_MS };
    model.notice = Some(Notice {
        text,
        is_bad,
        until_up_ms,
    });
}

/// Drops the vault and everything that was typed.
fn lock(model: &mut Model, gate: Gate) {
    if let State::Open(_) = model.state {
        model.state = State::Locked(gate);
        model.notice = None;
    }
}

/// Locks the vault for a person, who means the agent's copy too.
fn lock_all(model: &mut Model) -> Effects {
    let State::Open(open) = &model.state else {
        return Vec::new();
    };
    let id = *open.vault.id();
    lock(model, screen_only(None));
    vec![Effect::LockAgent(id)]
}

fn screen_only(error: Option<String>) -> Gate {
    Gate {
        is_screen_only: true,
        error,
        ..Gate::new(false)
    }
}

fn ticked(model: &mut Model) -> Effects {
    let up_ms = model.now.up_ms;
    model.notice.take_if(|notice| notice.until_up_ms <= up_ms);
    let minutes = model.settings.lock_after_min;
    let idle_ms = up_ms.saturating_sub(model.touched_up_ms);
    if minutes > 0 && idle_ms >= minutes.saturating_mul(60_000) {
        // The agent's time was chosen, too, and perhaps for other programs.
        lock(model, screen_only(Some((model.words().notice.idle)(minutes))));
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
            Dialog::Remove(_) => in_remove(open, key),
            Dialog::Secret { .. } => in_secret(open, key, model.now),
            Dialog::Prove(..) => in_prove(open, key),
            Dialog::Help { .. } => in_help(model, key),
        },
    }
}
