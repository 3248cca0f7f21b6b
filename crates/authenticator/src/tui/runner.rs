//! The one part that touches the outside: waits for what happens, and does what the model asks for.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path, process::ExitCode, time::Duration};

use crossterm::event::{self, Event};
use rustix::{
    process::{Signal, kill_current_process_group},
    time::{ClockId, clock_gettime},
};
use signal_hook::{
    consts::{SIGCONT, SIGWINCH},
    low_level::emulate_default_handler,
};
use vault::{CodeText, NewSlot, OpenVault, Unlock, UnlockError};
use zeroize::Zeroizing;

use super::{
    change::{Change, Changed, Refused},
    model::{Model, Moment, Settings, State},
    screen::Screen,
    update::{Effect, Message, update},
};
use crate::{
    Refusal, clipboard,
    desk::{Desk, new_passphrase},
    picture::Picture,
    prompt::{long_enough, read_whole},
    signals::{ENDING, Signals},
};

/// How long a save waits for another process that is writing.
const SAVE_WAIT: Duration = Duration::from_secs(1);
/// Signals after which the screen is not what it was.
const WAKING: [i32; 2] = [SIGWINCH, SIGCONT];

/// Runs until the user quits or a signal ends it; then the terminal is as it was.
pub(super) fn run(desk: &Desk<'_>, settings: Settings) -> Result<ExitCode, Refusal> {
    let no_terminal = |error: io::Error| Refusal::new(format!("the terminal cannot be used: {error}"));
    let mut runner = Runner {
        desk,
        stamp: None,
        model: Model::new(settings, !desk.file.exists(), now()?.at(desk)),
        ends: false,
    };
    runner.open_unasked()?;
    let signals = Signals::listen(ENDING.into_iter().chain(WAKING)).map_err(no_terminal)?;
    let mut screen = Screen::open().map_err(no_terminal)?;
    let ended_by = runner.until_the_end(&mut screen, &signals).map_err(no_terminal)?;
    drop(screen);
    runner.leave_the_clipboard();
    drop(runner);
    if let Some(signal) = ended_by {
        // Whoever sent it sees that it was obeyed.
        let _ended = emulate_default_handler(signal);
    }
    Ok(ExitCode::SUCCESS)
}

struct Runner<'a> {
    desk: &'a Desk<'a>,
    model: Model,
    /// The file as it was read or written last.
    stamp: Option<Stamp>,
    ends: bool,
}

/// Tells two contents of a file apart: each save makes a new file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed_s: i64,
    changed_ns: i64,
    len: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            inode: found.ino(),
            changed_s: found.ctime(),
            changed_ns: found.ctime_nsec(),
            len: found.len(),
        })
    }
}

impl Runner<'_> {
    /// Opens the vault where nobody has to be asked: by the agent, or by files that were named.
    fn open_unasked(&mut self) -> Result<(), Refusal> {
        if !self.desk.file.exists() {
            return Ok(());
        }
        self.stamp = Stamp::of(self.desk.file.path());
        let locked = self.desk.file.read()?;
        if let Some((vault, by_person)) = self.desk.unlock_unasked(&locked)? {
            self.tell(Message::Opened { vault, by_person });
        }
        Ok(())
    }

    /// The signal that ended it, if one did.
    fn until_the_end(&mut self, screen: &mut Screen, signals: &Signals) -> io::Result<Option<i32>> {
        while !self.ends {
            screen.draw(&self.model)?;
            let woken = signals.wait(io::stdin(), self.until_next())?;
            if let Some(signal) = signals.ending() {
                return Ok(Some(signal));
            }
            signals.came(SIGWINCH);
            if signals.came(SIGCONT) {
                screen.again()?;
            }
            self.look_at_the_file();
            let effects = self.told(Message::Tick);
            self.perform(effects, screen)?;
            if woken {
                while !self.ends && event::poll(Duration::ZERO)? {
                    let message = match event::read()? {
                        Event::Key(key) => Message::Key(key),
                        Event::Paste(text) => Message::Paste(Zeroizing::new(text)),
                        _ => continue,
                    };
                    let effects = self.told(message);
                    self.perform(effects, screen)?;
                }
            }
        }
        Ok(None)
    }

    /// Until something on the screen changes by itself.
    fn until_next(&self) -> Option<Duration> {
        let rest_of_second = 1_000 - (self.desk.machine.unix_ms)() % 1_000;
        let moves = matches!(self.model.state, State::Open(_))
            || self.model.notice.is_some()
            || self.model.clipboard_until_up_ms.is_some();
        moves.then(|| Duration::from_millis(rest_of_second))
    }

    fn told(&mut self, message: Message) -> Vec<Effect> {
        let moment = now().map_or(self.model.now, |up| up.at(self.desk));
        update(&mut self.model, message, moment)
    }

    /// A message that asks for nothing.
    fn tell(&mut self, message: Message) {
        let _none = self.told(message);
    }

    fn perform(&mut self, effects: Vec<Effect>, screen: &mut Screen) -> io::Result<()> {
        for effect in effects {
            let message = match effect {
                Effect::Quit => {
                    self.ends = true;
                    continue;
                }
                Effect::Suspend => {
                    screen.aside(|| Ok(kill_current_process_group(Signal::TSTP)?))?;
                    continue;
                }
                Effect::Redraw => {
                    screen.redraw()?;
                    continue;
                }
                Effect::Unlock(passphrase) => {
                    screen.draw(&self.model)?;
                    self.unlock(&passphrase)
                }
                Effect::Create(passphrase) => {
                    screen.draw(&self.model)?;
                    self.create(&passphrase)
                }
                Effect::Save(change) => self.save(change, SAVE_WAIT),
                Effect::SaveIfFree(change) => match self.save(change, Duration::ZERO) {
                    saved @ Message::Saved { .. } => saved,
                    _ => continue,
                },
                Effect::Copy(code) => match self.copy(&code) {
                    Ok(()) => continue,
                    Err(refusal) => Message::Failed(refusal.what),
                },
                Effect::EmptyClipboard => {
                    let _hung_up = clipboard::empty();
                    continue;
                }
                Effect::ReadFile(path) => Message::FileRead(uris_or_export(&path)),
            };
            let more = self.told(message);
            self.perform(more, screen)?;
        }
        Ok(())
    }

    fn copy(&mut self, code: &CodeText) -> Result<(), Refusal> {
        let clear_after = Duration::from_secs(self.model.settings.clear_after_s);
        if !clipboard::put(self.desk.machine, code, clear_after)? {
            self.model.clipboard_until_up_ms = None;
        }
        Ok(())
    }

    fn unlock(&mut self, passphrase: &str) -> Message {
        self.stamp = Stamp::of(self.desk.file.path());
        let locked = match self.desk.file.read() {
            Ok(locked) => locked,
            Err(error) => return Message::NotOpened(Some(error.to_string())),
        };
        match self.desk.unlock_typed(&locked, passphrase) {
            Ok(Some(vault)) => Message::Opened { vault, by_person: true },
            Ok(None) => Message::NotOpened(None),
            Err(refusal) => Message::NotOpened(Some(refusal.what)),
        }
    }

    fn create(&mut self, passphrase: &str) -> Message {
        let made = || -> Result<OpenVault, Refusal> {
            long_enough(passphrase)?;
            let entropy = &mut self.desk.entropy();
            let slot: NewSlot<'_> = new_passphrase(passphrase);
            let mut vault = OpenVault::create(slot, "", entropy)?;
            let lock = self.desk.file.lock(SAVE_WAIT)?;
            lock.create(&vault.save(entropy)?)?;
            Ok(vault)
        };
        match made() {
            Ok(vault) => {
                self.stamp = Stamp::of(self.desk.file.path());
                Message::Opened { vault, by_person: true }
            }
            Err(refusal) => Message::NotOpened(Some(refusal.what)),
        }
    }

    /// Applies a change to what is on disk now, under the file's lock, and saves it.
    fn save(&mut self, change: Change, wait: Duration) -> Message {
        let now_s = self.desk.machine.unix_s();
        let State::Open(open) = &self.model.state else {
            return Message::Failed(String::new());
        };
        let not_saved = |why, removed| Message::NotSaved { why, removed };
        let says = |error: &dyn ToString| Refused::Says(error.to_string());
        let lock = match self.desk.file.lock(wait) {
            Ok(lock) => lock,
            Err(error) => return not_saved(says(&error), change.into_removed()),
        };
        let locked = match lock.read() {
            Ok(locked) => locked,
            Err(error) => return not_saved(says(&error), change.into_removed()),
        };
        let mut vault = match locked.unlock(Unlock::DataKey(open.vault.data_key())) {
            Ok(vault) => vault,
            Err(UnlockError::Wrong) => return Message::Rekeyed,
            Err(error) => return not_saved(says(&error), change.into_removed()),
        };
        let changed: Changed = match change.apply(vault.entries_mut(), now_s) {
            Ok(changed) => changed,
            Err(why) => return not_saved(why, None),
        };
        let saved = match vault.save(&mut self.desk.entropy()) {
            Ok(bytes) => lock.save(&bytes).map_err(|error| says(&error)),
            Err(error) => Err(says(&error)),
        };
        match saved {
            Ok(()) => {
                self.stamp = Stamp::of(self.desk.file.path());
                Message::Saved { vault, changed }
            }
            Err(why) => not_saved(why, changed.into_removed(vault.entries_mut())),
        }
    }

    /// Reads what another process wrote.
    fn look_at_the_file(&mut self) {
        let State::Open(open) = &self.model.state else {
            return;
        };
        let stamp = Stamp::of(self.desk.file.path());
        if stamp == self.stamp {
            return;
        }
        self.stamp = stamp;
        let read = self
            .desk
            .file
            .read()
            .map(|locked| locked.unlock(Unlock::DataKey(open.vault.data_key())));
        let message = match read {
            Ok(Ok(vault)) => Message::Reloaded(vault),
            Ok(Err(UnlockError::Wrong)) => Message::Rekeyed,
            Ok(Err(error)) => Message::Failed(error.to_string()),
            Err(error) => Message::Failed(error.to_string()),
        };
        self.tell(message);
    }

    /// What is left of the clipboard's time passes without us.
    fn leave_the_clipboard(&self) {
        if let Some(until) = self.model.clipboard_until_up_ms {
            let left = until.saturating_sub(self.model.now.up_ms);
            let _hung_up = clipboard::empty_later(self.desk.machine, Duration::from_millis(left));
        }
    }
}

/// The URIs in a picture's QR codes, or whatever another app exported.
fn uris_or_export(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    // Not what blocks, and not `-`, which is stdin elsewhere.
    let path = &Path::new(".").join(path);
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(format!("{} is not a file", path.display()));
    }
    let bytes = read_whole(path).map_err(|refusal| refusal.what)?;
    if !matches!(
        vault::import::read(&bytes, None),
        Err(vault::import::ImportError::Picture)
    ) {
        return Ok(bytes);
    }
    let codes = Picture::parse(&bytes).map_err(|error| error.to_string())?.codes();
    let uris = codes
        .iter()
        .map(|code| code.expose_text().trim())
        .filter(|text| is_uri(text));
    let len = uris.clone().map(|uri| uri.len() + 1).sum();
    let mut lines = Zeroizing::new(Vec::with_capacity(len));
    for uri in uris {
        lines.extend_from_slice(uri.as_bytes());
        lines.push(b'\n');
    }
    match lines.is_empty() {
        true => Err(format!(
            "{}: no QR code of an authenticator entry was found in it",
            path.display()
        )),
        false => Ok(lines),
    }
}

fn is_uri(text: &str) -> bool {
    let scheme = text.get(.."otpauth".len());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("otpauth")) && !text.contains(char::is_control)
}

/// Time since the machine was started.
struct Up(u64);

fn now() -> Result<Up, Refusal> {
    // Unlike `Instant` it counts a laptop's sleep, after which an open vault is to be locked.
    let up = clock_gettime(ClockId::Boottime);
    let up_ms = up.tv_sec.saturating_mul(1_000).saturating_add(up.tv_nsec / 1_000_000);
    u64::try_from(up_ms).map(Up).map_err(Refusal::new)
}

impl Up {
    fn at(self, desk: &Desk<'_>) -> Moment {
        Moment {
            unix_ms: (desk.machine.unix_ms)(),
            up_ms: self.0,
        }
    }
}
