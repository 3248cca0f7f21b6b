//! The one part that touches the outside: waits for what happens, and does what the model asks for.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path, process::ExitCode, time::Duration};

use crossterm::event::{self, Event};
use rustix::{
    io::Errno,
    process::{Signal, getpgrp, getpid, getsid, kill_current_process_group, kill_process},
    time::{ClockId, clock_gettime},
};
use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGTSTP, SIGWINCH},
    low_level::emulate_default_handler,
};
use vault::{CodeText, OpenVault, Unlock, UnlockError};
use zeroize::Zeroizing;

use super::{
    change::{Change, Changed, Refused},
    model::{Model, Moment, Settings, State},
    screen::Screen,
    source,
    trouble::Trouble,
    update::{Effect, Message, update},
};
use crate::{
    Refusal, clipboard,
    prompt::long_enough,
    signals::{ENDING, Signals, Woken},
    vault_session::{VaultSession, new_passphrase},
};

/// The time that a save waits for another process that is writing.
const SAVE_WAIT: Duration = Duration::from_secs(1);
/// Signals after which the screen is not what it was.
const WAKING: [i32; 2] = [SIGWINCH, SIGCONT];

/// Runs until the user quits or a signal ends it; then the terminal is as it was.
pub(super) fn run(session: &VaultSession<'_>, settings: Settings) -> Result<ExitCode, Refusal> {
    let no_terminal = |error: io::Error| Refusal::new(format!("the terminal cannot be used: {error}"));
    let mut runner = Runner {
        session,
        stamp: None,
        model: Model::new(settings, !session.file.exists(), now()?.at(session)),
        ends: false,
        stops: false,
    };
    runner.open_unasked()?;
    let signals = Signals::listen(ENDING.into_iter().chain(WAKING).chain([SIGTSTP])).map_err(no_terminal)?;
    let mut screen = Screen::open().map_err(no_terminal)?;
    let ended_by = match runner.until_the_end(&mut screen, &signals) {
        // That a terminal is gone is said by a signal, by the keyboard, or by what was to be drawn, whichever comes first.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::IO) => Some(SIGHUP),
        ended => ended.map_err(no_terminal)?,
    };
    screen.close();
    runner.leave_the_clipboard();
    drop(runner);
    if let Some(signal) = ended_by {
        // Whoever sent it sees that it was obeyed.
        let _ended = emulate_default_handler(signal);
    }
    Ok(ExitCode::SUCCESS)
}

struct Runner<'a> {
    session: &'a VaultSession<'a>,
    model: Model,
    /// The file as it was read or written last.
    stamp: Option<Stamp>,
    ends: bool,
    /// To the shell, with the whole job.
    stops: bool,
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
        if !self.session.file.exists() {
            return Ok(());
        }
        self.stamp = Stamp::of(self.session.file.path());
        let locked = self.session.file.read()?;
        if let Some((vault, by_person)) = self.session.unlock_unasked(&locked)? {
            self.tell(Message::Opened { vault, by_person });
        }
        Ok(())
    }

    /// The signal that ended it, if one did.
    fn until_the_end(&mut self, screen: &mut Screen, signals: &Signals) -> io::Result<Option<i32>> {
        if let Ok((columns, rows)) = crossterm::terminal::size() {
            self.tell(Message::Resized(columns, rows));
        }
        while !self.ends {
            // Before anything is drawn: after hours in the shell's background the vault is locked, and was not seen open.
            let effects = self.told(Message::Tick);
            self.perform(effects, screen)?;
            screen.draw(&self.model)?;
            let woken = signals.wait(io::stdin(), self.until_next())?;
            if woken == Woken::HungUp {
                return Ok(Some(SIGHUP));
            }
            if let Some(signal) = signals.ending() {
                return Ok(Some(signal));
            }
            if signals.came(SIGTSTP) {
                screen.aside(stop)?;
            }
            signals.came(SIGWINCH);
            if signals.came(SIGCONT) {
                screen.again()?;
            }
            self.look_at_the_file();
            if woken == Woken::BySomething {
                while !self.ends {
                    let event = match read(signals)? {
                        Ok(Some(event)) => event,
                        Ok(None) => break,
                        Err(HungUp) => return Ok(Some(SIGHUP)),
                    };
                    let message = match event {
                        Event::Key(key) => Message::Key(key),
                        Event::Paste(text) => Message::Paste(Zeroizing::new(text)),
                        Event::Resize(columns, rows) => Message::Resized(columns, rows),
                        _ => continue,
                    };
                    let effects = self.told(message);
                    self.perform(effects, screen)?;
                }
            }
            if std::mem::take(&mut self.stops) {
                screen.aside(|| {
                    kill_current_process_group(Signal::TSTP)?;
                    stop()
                })?;
                // The job's signal came to us, too.
                signals.came(SIGTSTP);
            }
        }
        Ok(None)
    }

    /// Until something on the screen changes by itself.
    fn until_next(&self) -> Option<Duration> {
        let rest_of_second = 1_000 - (self.session.machine.unix_ms)() % 1_000;
        let moves = matches!(self.model.state, State::Open(_))
            || self.model.notice.is_some()
            || self.model.clipboard_until_up_ms.is_some();
        moves.then(|| Duration::from_millis(rest_of_second))
    }

    fn told(&mut self, message: Message) -> Vec<Effect> {
        let moment = now().map_or(self.model.now, |up| up.at(self.session));
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
                    self.stops = true;
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
                Effect::LockAgent(id) => {
                    screen.draw(&self.model)?;
                    let locked = self.session.agent(&id).lock();
                    Message::AgentLocked(locked.map(drop).map_err(Trouble::Agent))
                }
                Effect::Save(change) => self.save(change, SAVE_WAIT),
                Effect::SaveIfFree(change) => match self.save(change, Duration::ZERO) {
                    saved @ Message::Saved { .. } => saved,
                    _ => continue,
                },
                Effect::Copy(code) => match self.copy(&code) {
                    Ok(()) => continue,
                    Err(refusal) => Message::Failed(Trouble::Clipboard(refusal)),
                },
                Effect::EmptyClipboard => {
                    let _hung_up = clipboard::empty();
                    continue;
                }
                Effect::ReadFile(typed) => {
                    Message::FileRead(source::read(&typed, self.session.machine.home_dir.as_deref()))
                }
            };
            let more = self.told(message);
            self.perform(more, screen)?;
        }
        Ok(())
    }

    fn copy(&mut self, code: &CodeText) -> Result<(), Refusal> {
        let clear_after = Duration::from_secs(self.model.settings.clear_after_s);
        let put = clipboard::put(self.session.machine, code, clear_after);
        if !matches!(put, Ok(true)) {
            self.model.clipboard_until_up_ms = None;
        }
        put.map(drop)
    }

    fn unlock(&mut self, passphrase: &str) -> Message {
        let stamp = Stamp::of(self.session.file.path());
        let locked = match self.session.file.read() {
            Ok(locked) => locked,
            Err(error) => return Message::NotOpened(Trouble::VaultFile(error)),
        };
        match self.session.unlock_typed(&locked, passphrase) {
            Ok(Ok(vault)) => {
                self.stamp = stamp;
                Message::Opened { vault, by_person: true }
            }
            Ok(Err(error)) => Message::NotOpened(Trouble::Unlock(error)),
            Err(refusal) => Message::NotOpened(Trouble::CommandLine(refusal)),
        }
    }

    fn create(&mut self, passphrase: &str) -> Message {
        let made = || -> Result<OpenVault, Trouble> {
            long_enough(passphrase).map_err(|_| Trouble::ShortPassphrase)?;
            let entropy = &mut self.session.entropy();
            let mut vault = OpenVault::create(new_passphrase(passphrase), "", entropy).map_err(Trouble::Create)?;
            let lock = self.session.file.lock(SAVE_WAIT).map_err(Trouble::VaultFile)?;
            let file = vault.save(entropy).map_err(Trouble::Save)?;
            lock.create(&file).map_err(Trouble::VaultFile)?;
            Ok(vault)
        };
        match made() {
            Ok(vault) => {
                self.stamp = Stamp::of(self.session.file.path());
                Message::Opened { vault, by_person: true }
            }
            Err(trouble) => Message::NotOpened(trouble),
        }
    }

    /// Applies a change to what is on disk now, under the file's lock, and saves it.
    fn save(&mut self, change: Change, wait: Duration) -> Message {
        let now_s = self.session.machine.unix_s();
        let State::Open(open) = &self.model.state else {
            // Nobody is there to be told.
            return Message::Tick;
        };
        let not_saved = |why, removed| Message::NotSaved { why, removed };
        let held = self.session.file.lock(wait).and_then(|lock| Ok((lock.read()?, lock)));
        let (locked, lock) = match held {
            Ok(held) => held,
            Err(error) => return not_saved(Refused::Unsaved(Trouble::VaultFile(error)), change.into_removed()),
        };
        let mut vault = match locked.unlock(Unlock::DataKey(open.vault.data_key())) {
            Ok(vault) => vault,
            Err(UnlockError::Wrong) => return Message::Rekeyed,
            Err(error) => return not_saved(Refused::Unsaved(Trouble::Unlock(error)), change.into_removed()),
        };
        let changed: Changed = match change.apply(vault.entries_mut(), now_s) {
            Ok(changed) => changed,
            Err(why) => return not_saved(why, None),
        };
        let saved = vault
            .save(&mut self.session.entropy())
            .map_err(Trouble::Save)
            .and_then(|file| lock.save(&file).map_err(Trouble::VaultFile));
        match saved {
            Ok(()) => {
                self.stamp = Stamp::of(self.session.file.path());
                Message::Saved { vault, changed }
            }
            Err(why) => not_saved(Refused::Unsaved(why), changed.into_removed(vault.entries_mut())),
        }
    }

    /// Reads what another process wrote.
    fn look_at_the_file(&mut self) {
        let State::Open(open) = &self.model.state else {
            return;
        };
        let stamp = Stamp::of(self.session.file.path());
        if stamp == self.stamp {
            return;
        }
        self.stamp = stamp;
        let read = self
            .session
            .file
            .read()
            .map(|locked| locked.unlock(Unlock::DataKey(open.vault.data_key())));
        let message = match read {
            Ok(Ok(vault)) => Message::Reloaded(vault),
            Ok(Err(UnlockError::Wrong)) => Message::Rekeyed,
            Ok(Err(error)) => Message::Failed(Trouble::Unlock(error)),
            Err(error) => Message::Failed(Trouble::VaultFile(error)),
        };
        self.tell(message);
    }

    /// Leaves the clipboard to a process that empties it when its time is over.
    fn leave_the_clipboard(&self) {
        if let Some(until) = self.model.clipboard_until_up_ms {
            let left = until.saturating_sub(self.model.now.up_ms);
            let _hung_up = clipboard::empty_later(self.session.machine, Duration::from_millis(left));
        }
    }
}

/// Stops this process until somebody brings it back; not where that could be nobody, because there is no shell that knows of it.
fn stop() -> io::Result<()> {
    if getsid(None)? != getpgrp() {
        kill_process(getpid(), Signal::STOP)?;
    }
    Ok(())
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
    fn at(self, session: &VaultSession<'_>) -> Moment {
        Moment {
            unix_ms: (session.machine.unix_ms)(),
            up_ms: self.0,
        }
    }
}

/// There is no terminal any more.
struct HungUp;

/// Reads an event, if there is one.
///
/// crossterm reads a terminal that was hung up for ever, so it is only asked while there is one; when it hangs up in that
/// moment, its signal does not wait until we ask whether it came.
fn read(signals: &Signals) -> io::Result<Result<Option<Event>, HungUp>> {
    signals.obeying(SIGHUP, || {
        let is_gone = signals.came(SIGHUP) || signals.wait(io::stdin(), Some(Duration::ZERO))? == Woken::HungUp;
        Ok(match is_gone {
            true => Err(HungUp),
            false if event::poll(Duration::ZERO)? => Ok(Some(event::read()?)),
            false => Ok(None),
        })
    })
}
