//! The interface's texts, in each language. A language that lacks a sentence does not compile.

mod chinese;
mod english;

use vault::{Order, import::Oddity};

use super::{
    form::{Field, Missing, Type},
    trouble::Trouble,
};

/// A language of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// 简体中文
    #[value(name = "zh-CN", alias = "zh")]
    Zh,
}

impl Language {
    /// The language of a locale, such as `zh_CN.UTF-8`.
    pub(crate) fn of_locale(locale: &str) -> Self {
        match locale.to_ascii_lowercase().starts_with("zh") {
            true => Self::Zh,
            false => Self::En,
        }
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::En => &english::WORDS,
            Self::Zh => &chinese::WORDS,
        }
    }
}

pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) too_small: &'static str,
    /// Between a label and what it labels.
    pub(super) colon: &'static str,
    pub(super) keys: Keys,
    pub(super) gate: Gate,
    pub(super) list: List,
    pub(super) add: Add,
    pub(super) form: FormWords,
    pub(super) remove: Remove,
    pub(super) secret: SecretWords,
    pub(super) notice: Notice,
    /// Why something was not done: a sentence, or a few. A library's errors are told apart as values, each by name, so that a
    /// new one does not compile before somebody has put it into words.
    pub(super) trouble: fn(&Trouble) -> String,
    pub(super) help: &'static [(&'static str, &'static str)],
}

/// Hints of the last line: a key, and what it does.
pub(super) struct Keys {
    pub(super) list: &'static [(&'static str, &'static str)],
    /// The same, where there is nothing yet.
    pub(super) empty: &'static [(&'static str, &'static str)],
    pub(super) search: &'static [(&'static str, &'static str)],
    pub(super) gate: &'static [(&'static str, &'static str)],
    pub(super) add: &'static [(&'static str, &'static str)],
    pub(super) form: &'static [(&'static str, &'static str)],
    pub(super) confirm: &'static [(&'static str, &'static str)],
    pub(super) prove: &'static [(&'static str, &'static str)],
    pub(super) qr: &'static [(&'static str, &'static str)],
    pub(super) help: &'static [(&'static str, &'static str)],
}

pub(super) struct Gate {
    pub(super) locked: &'static str,
    /// Where an agent may still keep the vault unlocked.
    pub(super) screen_locked: &'static str,
    pub(super) new: &'static str,
    pub(super) passphrase: &'static str,
    pub(super) again: &'static str,
    pub(super) opening: &'static str,
    pub(super) empty: &'static str,
    pub(super) differ: &'static str,
}

pub(super) struct List {
    pub(super) empty: &'static str,
    pub(super) none_found: &'static str,
    pub(super) all_groups: &'static str,
    pub(super) next: &'static str,
    pub(super) hidden: &'static str,
    pub(super) by_use: &'static str,
    pub(super) count: fn(usize, usize) -> String,
    pub(super) order: fn(Order) -> &'static str,
    pub(super) seconds: fn(u32) -> String,
    pub(super) digits: fn(u8) -> String,
}

pub(super) struct Add {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) prompt: &'static str,
}

pub(super) struct FormWords {
    pub(super) new: &'static str,
    pub(super) edit: &'static str,
    pub(super) field: fn(Field) -> &'static str,
    pub(super) kind: fn(Type) -> &'static str,
    pub(super) missing: fn(Missing) -> String,
}

pub(super) struct Remove {
    pub(super) question: fn(&str) -> String,
    pub(super) warning: &'static str,
}

pub(super) struct SecretWords {
    pub(super) question: fn(&str) -> String,
    pub(super) warning: &'static str,
    pub(super) key: &'static str,
    pub(super) too_small: fn(usize, usize) -> String,
}

pub(super) struct Notice {
    pub(super) copied: fn(&str, u64) -> String,
    pub(super) added: fn(&str) -> String,
    pub(super) added_many: fn(usize) -> String,
    /// Behind another sentence.
    pub(super) doubles: fn(usize) -> String,
    /// The same.
    pub(super) raised: fn(usize) -> String,
    /// The same; the first one's trouble stands for all.
    pub(super) unusable: fn(usize, &Trouble) -> String,
    /// The same: how many remarks there are, and the first of them, with its entry's title where several were added.
    pub(super) odd: fn(usize, Option<&str>, &Oddity) -> String,
    pub(super) edited: &'static str,
    pub(super) removed: fn(&str) -> String,
    pub(super) restored: fn(&str) -> String,
    pub(super) nothing_to_undo: &'static str,
    pub(super) idle: fn(u64) -> String,
    pub(super) reloaded: &'static str,
    pub(super) gone: &'static str,
    pub(super) edited_meanwhile: &'static str,
    pub(super) double: fn(&str) -> String,
    pub(super) all_double: fn(usize) -> String,
    pub(super) not_saved: fn(&str) -> String,
    pub(super) rekeyed: &'static str,
    pub(super) too_long: &'static str,
    pub(super) clipboard_emptied: &'static str,
}
