//! Plays the interface without a terminal: real vaults, a file in memory, time by hand.

use std::io;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use unicode_width::UnicodeWidthStr as _;
use vault::{DataKey, Entries, EntryId, KdfCost, LockedVault, NewSlot, OpenVault, Order, Unlock, import};
use zeroize::Zeroizing;

use crate::{
    Doing, Refusal, VaultFileError,
    tui::{
        change::{Change, Refused},
        model::{Model, Moment, Open, Settings, State},
        trouble::Trouble,
        update::{Effect, Message, update},
        view::view,
        words::Language,
    },
};

pub(super) const PASSPHRASE: &str = "correct horse";
/// Ten seconds before a step of 30 s ends.
pub(super) const START_S: u64 = 1_700_000_000;

pub(super) const ENTRIES: &str = "\
otpauth://totp/GitHub:alice@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=GitHub
otpauth://totp/First%20National%20Bank%20of%20Somewhere:a.very.long.account.name@example.com?secret=JBSWY3DPEHPK3PXP&issuer=First%20National%20Bank%20of%20Somewhere&algorithm=SHA256&digits=8&period=60
otpauth://hotp/Door:42?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Door&counter=0
otpauth://steam/Steam:gordon?secret=MFRGGZDFMZTWQ2LK&issuer=Steam
otpauth://totp/%E9%98%BF%E9%87%8C%E4%BA%91:%E5%BC%A0%E4%B8%89?secret=KRSXG5CTMVRXEZLU&issuer=%E9%98%BF%E9%87%8C%E4%BA%91
otpauth://totp/Mail:alice?secret=ORSXG5BAONSWG4TF&issuer=Mail
";

pub(super) struct Harness {
    pub(super) model: Model,
    /// The file; `None` when there is none.
    pub(super) disk: Option<Vec<u8>>,
    pub(super) disk_is_full: bool,
    /// Keeps the vault unlocked.
    pub(super) has_agent: bool,
    pub(super) agent_is_silent: bool,
    pub(super) clipboard: Option<String>,
    pub(super) asked_files: Vec<String>,
    pub(super) has_quit: bool,
    pub(super) has_suspended: bool,
    /// How often something was written.
    pub(super) saves: usize,
}

pub(super) fn settings() -> Settings {
    Settings {
        language: Language::En,
        has_colours: true,
        hides_codes: false,
        order: Order::Name,
        lock_after_min: 5,
        clear_after_s: 30,
        place: "/home/alice/.local/share/countersign/authenticator.vault".into(),
    }
}

fn entropy(into: &mut [u8]) -> Result<(), String> {
    into.fill(7);
    Ok(())
}

fn created(passphrase: &str) -> OpenVault {
    let slot = NewSlot::Passphrase {
        passphrase: passphrase.as_bytes(),
        cost: KdfCost::new(8, 1, 1).unwrap(),
    };
    OpenVault::create(slot, "", &mut entropy).unwrap()
}

impl Harness {
    /// Locked, with these entries in the file.
    pub(super) fn locked(settings: Settings, uris: &str) -> Self {
        let mut vault = created(PASSPHRASE);
        if !uris.is_empty() {
            let export = import::read(uris.as_bytes(), None).unwrap();
            assert!(export.refused().is_empty());
            let receipt = vault.entries().dry_run(export);
            vault.entries_mut().apply(receipt).unwrap();
        }
        Self::with_disk(settings, Some(vault.save(&mut entropy).unwrap()))
    }

    pub(super) fn without_vault(settings: Settings) -> Self {
        Self::with_disk(settings, None)
    }

    fn with_disk(settings: Settings, disk: Option<Vec<u8>>) -> Self {
        let now = Moment {
            unix_ms: START_S * 1_000,
            up_ms: 0,
        };
        Self {
            model: Model::new(settings, disk.is_none(), now),
            disk,
            disk_is_full: false,
            has_agent: true,
            agent_is_silent: false,
            clipboard: None,
            asked_files: Vec::new(),
            has_quit: false,
            has_suspended: false,
            saves: 0,
        }
    }

    /// Open, with these entries.
    pub(super) fn open(settings: Settings, uris: &str) -> Self {
        let mut harness = Self::locked(settings, uris);
        harness.types(PASSPHRASE).press(KeyCode::Enter);
        assert!(harness.is_open());
        harness
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.model.state, State::Open(_))
    }

    pub(super) fn opened(&self) -> &Open {
        match &self.model.state {
            State::Open(open) => open,
            State::Locked(_) => panic!("the vault is locked"),
        }
    }

    pub(super) fn types(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.press(KeyCode::Char(c));
        }
        self
    }

    pub(super) fn press(&mut self, code: KeyCode) -> &mut Self {
        self.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    pub(super) fn control(&mut self, key: char) -> &mut Self {
        self.key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL))
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> &mut Self {
        self.tell(Message::Key(key))
    }

    pub(super) fn paste(&mut self, text: &str) -> &mut Self {
        self.tell(Message::Paste(Zeroizing::new(text.to_owned())))
    }

    pub(super) fn wait(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds {
            self.model.now.unix_ms += 1_000;
            self.model.now.up_ms += 1_000;
            self.tell(Message::Tick);
        }
        self
    }

    pub(super) fn tell(&mut self, message: Message) -> &mut Self {
        let now = self.model.now;
        for effect in update(&mut self.model, message, now) {
            if let Some(more) = self.perform(effect) {
                self.tell(more);
            }
        }
        self
    }

    fn perform(&mut self, effect: Effect) -> Option<Message> {
        match effect {
            Effect::Quit => self.has_quit = true,
            Effect::Suspend => self.has_suspended = true,
            Effect::Redraw => {}
            Effect::Unlock(passphrase) => {
                let unlocked = self.read().unlock(Unlock::Passphrase(passphrase.as_bytes()));
                return Some(match unlocked {
                    Ok(vault) => Message::Opened { vault, by_person: true },
                    Err(error) => Message::NotOpened(Trouble::Unlock(error)),
                });
            }
            Effect::Create(passphrase) => {
                let mut vault = created(&passphrase);
                self.disk = Some(vault.save(&mut entropy).unwrap());
                return Some(Message::Opened { vault, by_person: true });
            }
            Effect::LockAgent(id) => {
                assert_eq!(id, *self.read().id());
                let silent = || Trouble::Agent(Refusal::new("an agent does not answer").help("end it"));
                self.has_agent &= self.agent_is_silent;
                return Some(Message::AgentLocked(if self.has_agent {
                    Err(silent())
                } else {
                    Ok(())
                }));
            }
            Effect::Save(change) | Effect::SaveIfFree(change) => return Some(self.save(change)),
            Effect::Copy(code) => self.clipboard = Some(code.expose().to_owned()),
            Effect::EmptyClipboard => self.clipboard = None,
            Effect::ReadFile(typed) => self.asked_files.push(typed.to_string()),
        }
        None
    }

    fn read(&self) -> LockedVault {
        LockedVault::parse(self.disk.as_ref().unwrap()).unwrap()
    }

    fn key_of_open(&self) -> DataKey {
        DataKey::from_bytes(self.opened().vault.data_key().expose_secret())
    }

    fn save(&mut self, change: Change) -> Message {
        let mut vault = self.read().unlock(Unlock::DataKey(&self.key_of_open())).unwrap();
        let changed = match change.apply(vault.entries_mut(), self.model.now.unix_s()) {
            Ok(changed) => changed,
            Err(why) => return Message::NotSaved { why, removed: None },
        };
        if self.disk_is_full {
            let why = Refused::Unsaved(Trouble::VaultFile(VaultFileError::Io {
                path: self.model.settings.place.clone().into(),
                doing: Doing::Write,
                error: io::ErrorKind::StorageFull.into(),
            }));
            let removed = changed.into_removed(vault.entries_mut());
            return Message::NotSaved { why, removed };
        }
        self.saves += 1;
        self.disk = Some(vault.save(&mut entropy).unwrap());
        Message::Saved { vault, changed }
    }

    /// Another process changes the file, and the interface notices, or not yet.
    pub(super) fn meanwhile(&mut self, is_noticed: bool, change: impl FnOnce(&mut Entries)) -> &mut Self {
        let mut vault = self.read().unlock(Unlock::Passphrase(PASSPHRASE.as_bytes())).unwrap();
        change(vault.entries_mut());
        self.disk = Some(vault.save(&mut entropy).unwrap());
        if is_noticed {
            self.tell(Message::Reloaded(vault));
        }
        self
    }

    pub(super) fn id_of(&self, title: &str) -> EntryId {
        let entries = self.opened().vault.entries();
        entries.iter().find(|entry| entry.title().contains(title)).unwrap().id()
    }

    /// What is on disk.
    pub(super) fn ids(&self) -> Vec<u64> {
        let vault = self.read().unlock(Unlock::Passphrase(PASSPHRASE.as_bytes())).unwrap();
        vault.entries().iter().map(|entry| entry.id().get()).collect()
    }

    pub(super) fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.tell(Message::Resized(width, height))
    }

    pub(super) fn drawn(&self, width: u16, height: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view(&self.model, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen as text.
    pub(super) fn screen(&self, width: u16, height: u16) -> String {
        let buffer = self.drawn(width, height);
        let mut text = String::new();
        for y in 0..height {
            let mut line = String::new();
            let mut x = 0;
            while x < width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += u16::try_from(symbol.width().max(1)).unwrap();
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
