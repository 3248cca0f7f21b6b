//! An entry's words, and how its codes are made, as a form.

use std::num::NonZeroU32;

use crossterm::event::{KeyCode, KeyEvent};
use enroll::{EntryDigits, base32::AsApps};
use otp::{Algorithm, Secret};
use vault::{Credential, Draft, Entry, EntryId, Kind, Name, Note, TextError, import::Oddity};

use super::{change::Change, change::Names, input::Input};

/// Separators of groups, on any keyboard.
const COMMAS: [char; 3] = [',', '，', '、'];

/// A line of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Issuer,
    Account,
    Groups,
    Note,
    Type,
    Algorithm,
    Digits,
    /// TOTP.
    Period,
    /// HOTP.
    Counter,
}

const WORDS: [Field; 4] = [Field::Issuer, Field::Account, Field::Groups, Field::Note];

/// The type of an entry: TOTP, HOTP or Steam.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Totp,
    Hotp,
    Steam,
}

/// Why a form is not taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Neither issuer nor account.
    AName,
    /// The period is no number above 0.
    Period,
    /// The counter is no number.
    Counter,
    Text(TextError),
}

pub(super) struct Form {
    subject: Subject,
    pub(super) focus: Field,
    issuer: Input,
    account: Input,
    groups: Input,
    note: Input,
    pub(super) kind: Type,
    pub(super) algorithm: Algorithm,
    pub(super) digits: EntryDigits,
    period: Input,
    counter: Input,
}

enum Subject {
    New(Secret, Vec<Oddity>),
    Old(EntryId, Box<Names>),
}

impl Form {
    /// The form for a secret that was typed.
    pub(super) fn new(AsApps { secret, has_odd_length }: AsApps) -> Self {
        let odd = has_odd_length.then_some(Oddity::OddLength);
        let odd = odd.into_iter().chain(Oddity::of_secret(&secret)).collect();
        Self {
            subject: Subject::New(secret, odd),
            focus: Field::Issuer,
            issuer: Input::new(""),
            account: Input::new(""),
            groups: Input::new(""),
            note: Input::new(""),
            kind: Type::Totp,
            algorithm: Algorithm::Sha1,
            digits: EntryDigits::SIX,
            period: Input::new("30"),
            counter: Input::new("0"),
        }
    }

    /// The form for the names of an entry; its secret and its parameters are the issuer's, and stay.
    pub(super) fn of(entry: &Entry) -> Self {
        let names = Names::of(entry);
        let credential = entry.credential();
        let kind = match credential.kind() {
            Kind::Totp { .. } => Type::Totp,
            Kind::Hotp { .. } => Type::Hotp,
            Kind::Steam => Type::Steam,
        };
        Self {
            focus: Field::Issuer,
            issuer: Input::new(names.issuer.as_str()),
            account: Input::new(names.account.as_str()),
            groups: Input::new(&joined(&names.groups)),
            note: Input::new(names.note.as_str()),
            kind,
            algorithm: credential.algorithm(),
            digits: credential.digits(),
            period: Input::new(""),
            counter: Input::new(""),
            subject: Subject::Old(entry.id(), Box::new(names)),
        }
    }

    /// The entry that is edited, if it is one.
    pub(super) fn edits(&self) -> Option<EntryId> {
        match &self.subject {
            Subject::New(..) => None,
            Subject::Old(id, _) => Some(*id),
        }
    }

    /// The lines, in order.
    pub(super) fn fields(&self) -> Vec<Field> {
        let mut fields = WORDS.to_vec();
        if self.edits().is_none() {
            fields.push(Field::Type);
            match self.kind {
                Type::Totp => fields.extend([Field::Algorithm, Field::Digits, Field::Period]),
                Type::Hotp => fields.extend([Field::Algorithm, Field::Digits, Field::Counter]),
                Type::Steam => {}
            }
        }
        fields
    }

    /// The input line of a field; `None` where one chooses.
    pub(super) fn input(&self, field: Field) -> Option<&Input> {
        match field {
            Field::Issuer => Some(&self.issuer),
            Field::Account => Some(&self.account),
            Field::Groups => Some(&self.groups),
            Field::Note => Some(&self.note),
            Field::Period => Some(&self.period),
            Field::Counter => Some(&self.counter),
            Field::Type | Field::Algorithm | Field::Digits => None,
        }
    }

    pub(super) fn focused(&mut self) -> Option<&mut Input> {
        match self.focus {
            Field::Issuer => Some(&mut self.issuer),
            Field::Account => Some(&mut self.account),
            Field::Groups => Some(&mut self.groups),
            Field::Note => Some(&mut self.note),
            Field::Period => Some(&mut self.period),
            Field::Counter => Some(&mut self.counter),
            Field::Type | Field::Algorithm | Field::Digits => None,
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Tab | KeyCode::Down => self.step(1),
            KeyCode::BackTab | KeyCode::Up => self.step(-1),
            _ => {
                if let Some(input) = self.focused() {
                    input.key(key);
                } else if let KeyCode::Left = key.code {
                    self.choose(-1);
                } else if let KeyCode::Right | KeyCode::Char(' ') = key.code {
                    self.choose(1);
                }
            }
        }
    }

    fn step(&mut self, by: isize) {
        self.focus = neighbour(&self.fields(), self.focus, by);
    }

    fn choose(&mut self, by: isize) {
        match self.focus {
            Field::Type => self.kind = neighbour(&[Type::Totp, Type::Hotp, Type::Steam], self.kind, by),
            Field::Algorithm => self.algorithm = neighbour(&Algorithm::ALL, self.algorithm, by),
            Field::Digits => {
                let all: Vec<EntryDigits> = (5..=10).filter_map(EntryDigits::new).collect();
                self.digits = neighbour(&all, self.digits, by);
            }
            _ => {}
        }
    }

    /// The change that the form asks for. The form stays as it is, for the change may be refused.
    pub(super) fn change(&self) -> Result<Change, Missing> {
        let after = self.names()?;
        match &self.subject {
            Subject::Old(id, before) => Ok(Change::Edit {
                id: *id,
                before: before.clone(),
                after: Box::new(after),
            }),
            Subject::New(secret, odd) => {
                let secret = Secret::from_slice(secret.expose_secret()).map_err(|_| Missing::AName)?;
                let credential = Credential::new(self.chosen_kind()?, secret, self.algorithm, self.digits);
                let mut draft = Draft::new(after.issuer, after.account, credential);
                draft.groups = after.groups;
                draft.note = after.note;
                Ok(Change::Add(Box::new(draft), odd.clone()))
            }
        }
    }

    fn names(&self) -> Result<Names, Missing> {
        let name = |input: &Input| Name::new(input.text()).map_err(Missing::Text);
        let names = Names {
            issuer: name(&self.issuer)?,
            account: name(&self.account)?,
            groups: self.named_groups()?,
            note: Note::new(self.note.text()).map_err(Missing::Text)?,
        };
        match names.issuer.is_empty() && names.account.is_empty() {
            true => Err(Missing::AName),
            false => Ok(names),
        }
    }

    fn named_groups(&self) -> Result<Vec<Name>, Missing> {
        // What was not touched keeps the commas that its names may have.
        if let Subject::Old(_, before) = &self.subject
            && joined(&before.groups) == self.groups.text()
        {
            return Ok(before.groups.clone());
        }
        let mut groups = Vec::new();
        for text in self.groups.text().split(COMMAS) {
            let group = Name::new(text).map_err(Missing::Text)?;
            if !group.is_empty() && !groups.contains(&group) {
                groups.push(group);
            }
        }
        Ok(groups)
    }

    fn chosen_kind(&self) -> Result<Kind, Missing> {
        match self.kind {
            Type::Steam => Ok(Kind::Steam),
            Type::Totp => {
                let period_s: Option<NonZeroU32> = self.period.text().trim().parse().ok();
                Ok(Kind::Totp {
                    period_s: period_s.ok_or(Missing::Period)?,
                })
            }
            Type::Hotp => Ok(Kind::Hotp {
                counter: self.counter.text().trim().parse().map_err(|_| Missing::Counter)?,
            }),
        }
    }
}

fn joined(groups: &[Name]) -> String {
    let names: Vec<&str> = groups.iter().map(Name::as_str).collect();
    names.join(", ")
}

fn neighbour<T: Copy + PartialEq>(all: &[T], current: T, by: isize) -> T {
    let at = all.iter().position(|one| *one == current).unwrap_or(0);
    let len = all.len().cast_signed();
    all[(at.cast_signed() + by).rem_euclid(len).cast_unsigned()]
}
