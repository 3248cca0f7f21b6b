use std::{io::IsTerminal as _, time::Duration};

use clap::Args;
use serde_json::json;
use vault::{CodeText, Entry, EntryId, Kind, OpenVault};
use zeroize::Zeroizing;

use super::{DONE, Done, print, stdout_takes, write_out};
use crate::{
    Refusal, clipboard,
    found::{kind_name, meant, numbered},
    vault_session::{By, VaultSession},
};

#[derive(Args)]
pub(super) struct Code {
    /// The entry: its name, pieces of it, or its number such as '#7'
    #[arg(required = true)]
    name: Vec<String>,
    /// The code after this one
    #[arg(long)]
    next: bool,
    /// Puts it into the terminal's clipboard in place of showing it
    #[arg(long, conflicts_with = "json")]
    copy: bool,
    /// When the clipboard is emptied
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "copy")]
    clear_after: u64,
}

/// A code and how long it stands.
struct Shown {
    code: CodeText,
    next: Option<CodeText>,
    seconds_left: Option<u32>,
    counter: Option<u64>,
}

impl Code {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let vault = session.open(By::Anyone)?;
        let meant = meant(vault.entries(), &self.name)?;
        let (entry, shown) = match meant.entry.credential().kind() {
            Kind::Hotp { .. } => {
                let entry = meant.certain_or_asked(session.prompt, "Use up the next code of")?;
                self.is_seen()?;
                (entry, self.by_use(session, &vault, entry.id())?)
            }
            Kind::Totp { .. } | Kind::Steam => (meant.entry, self.by_time(meant.entry, session.machine.unix_s())),
        };
        self.give(session, entry, &shown)
            .map_err(|refusal| match shown.counter {
                Some(counter) => used_up(refusal, counter, entry),
                None => refusal,
            })?;
        // What a script asks for says nothing of what a person wants first, and costs no save.
        let is_for_a_person = self.copy || std::io::stdout().is_terminal();
        if shown.counter.is_none() && is_for_a_person {
            note_use(session, &vault, entry.id());
        }
        DONE
    }

    /// Checks that a code would reach its destination, as far as that can be known before a counter is used up for it.
    fn is_seen(&self) -> Result<(), Refusal> {
        if self.copy {
            return clipboard::is_there();
        }
        stdout_takes().map_err(|error| Refusal::new(format!("nothing can be written, so no code was used up: {error}")))
    }

    fn give(&self, session: &VaultSession<'_>, entry: &Entry, shown: &Shown) -> Result<(), Refusal> {
        if self.copy {
            clipboard::copy(session.machine, &shown.code, Duration::from_secs(self.clear_after))?;
            eprintln!(
                "{}: sent to the clipboard, which is emptied in {} s",
                entry.title(),
                self.clear_after
            );
            return Ok(());
        }
        let text = match session.json {
            true => as_json(entry, shown),
            false => Zeroizing::new(format!("{}\n", shown.code.expose())),
        };
        match shown.counter {
            // Whoever has stopped reading has not seen it.
            Some(_) => {
                write_out(text.as_bytes())
                    .map_err(|error| Refusal::new(format!("nothing could be written: {error}")))?;
            }
            None => print(&text)?,
        }
        if !session.json && std::io::stderr().is_terminal() {
            let left = shown.seconds_left.map(|left| format!(", {left} s left"));
            eprintln!("{}{}", entry.title(), left.unwrap_or_default());
        }
        Ok(())
    }

    fn by_time(&self, entry: &Entry, now_s: u64) -> Shown {
        let credential = entry.credential();
        let at = credential.step_at(now_s).expect("codes by time have steps");
        let (now, next) = (at.step, at.step.offset(1));
        let period_s = credential.kind().period_s().map_or(0, std::num::NonZero::get);
        let (step, seconds_left) = match self.next {
            true => (next, at.seconds_left.saturating_add(period_s)),
            false => (now, at.seconds_left),
        };
        Shown {
            code: credential.code(step),
            next: Some(credential.code(step.offset(1))),
            seconds_left: Some(seconds_left),
            counter: None,
        }
    }

    /// The counter is saved before anybody sees the code.
    fn by_use(&self, session: &VaultSession<'_>, vault: &OpenVault, id: EntryId) -> Result<Shown, Refusal> {
        if self.next {
            return Err(Refusal::usage(
                "its codes move on by use: ask twice to get the next one",
            ));
        }
        let now_s = session.machine.unix_s();
        session.change(vault.data_key(), |vault| {
            let step = vault.entries_mut().take_counter(id)?;
            vault.entries_mut().note_use(id, now_s);
            let entry = vault.entries().get(id).ok_or(vault::CounterError::NoSuchEntry)?;
            Ok(Shown {
                code: entry.credential().code(step),
                next: None,
                seconds_left: None,
                counter: Some(step.get()),
            })
        })
    }
}

/// A code that was counted and did not arrive.
fn used_up(refusal: Refusal, counter: u64, entry: &Entry) -> Refusal {
    Refusal {
        what: format!(
            "{refusal}; counter {counter} of {} is used up all the same",
            numbered(entry)
        ),
        ..refusal
    }
    .help("ask for the next code, which its service takes too")
}

/// Written by hand into a buffer that is wiped: serde_json's are not.
fn as_json(entry: &Entry, shown: &Shown) -> Zeroizing<String> {
    let mut rest = json!({
        "id": entry.id().get(),
        "issuer": entry.issuer.as_str(),
        "account": entry.account.as_str(),
        "kind": kind_name(entry.credential().kind()),
        "seconds_left": shown.seconds_left,
        "period_s": entry.credential().kind().period_s(),
        "counter": shown.counter,
    })
    .to_string();
    rest.remove(0);
    let next = shown.next.as_ref().map_or(Zeroizing::new("null".to_owned()), |next| {
        Zeroizing::new(format!("\"{}\"", next.expose()))
    });
    let code = shown.code.expose();
    Zeroizing::new(format!("{{\"code\":\"{code}\",\"next_code\":{},{rest}\n", *next))
}

/// Counts the use, for `list --order use`; a vault that cannot be written, or that somebody is writing, gives its codes all
/// the same.
fn note_use(session: &VaultSession<'_>, vault: &OpenVault, id: EntryId) {
    let now_s = session.machine.unix_s();
    let _uncounted = session.change_if_free(vault.data_key(), |vault| {
        vault.entries_mut().note_use(id, now_s);
        Ok(())
    });
}
