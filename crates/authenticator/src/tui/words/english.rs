use std::fmt::Display;

use vault::{Order, SlotError, UnlockError, import::ImportError};

use super::{Add, FormWords, Gate, Keys, List, Notice, Remove, SecretWords, Words};
use crate::{
    VaultFileError,
    picture::PART,
    prompt::MIN_NEW_LEN,
    tui::{
        form::{Field, Missing, Type},
        trouble::Trouble,
    },
};

pub(super) const WORDS: Words = Words {
    title: "Countersign",
    too_small: "20×6 needed",
    colon: ": ",
    keys: Keys {
        list: &[
            ("Enter", "copy"),
            ("?", "help"),
            ("/", "search"),
            ("q", "quit"),
            ("a", "add"),
            ("e", "edit"),
            ("d", "remove"),
            ("v", "QR code"),
            ("L", "lock"),
        ],
        empty: &[("a", "add"), ("?", "help"), ("q", "quit"), ("L", "lock")],
        search: &[
            ("Enter", "copy"),
            ("Esc", "clear"),
            ("↑↓", "choose"),
            ("Tab", "to the list"),
        ],
        gate: &[("Enter", "open"), ("Esc", "quit")],
        add: &[("Enter", "add"), ("Esc", "back"), ("Ctrl-R", "show what is typed")],
        form: &[
            ("Enter", "save"),
            ("Esc", "back"),
            ("Tab", "next line"),
            ("←→", "choose"),
        ],
        confirm: &[("y", "yes"), ("n", "no")],
        prove: &[("Enter", "show"), ("Esc", "back")],
        qr: &[("Esc", "hide"), ("i", "invert")],
        help: &[("Esc", "back"), ("↑↓", "scroll")],
    },
    gate: Gate {
        locked: "The vault is locked.",
        screen_locked: "This screen is locked.",
        new: "There is no vault yet. Choose a passphrase for a new one: nobody can open it without.",
        passphrase: "Passphrase",
        again: "The same again",
        opening: "Opening…",
        empty: "The passphrase is empty: type one.",
        differ: "The two are not the same: type both again.",
    },
    list: List {
        empty: "No entries yet. Press a, then paste an otpauth URI, or name a picture of a QR code.",
        none_found: "Nothing matches. Esc clears the search, Tab goes through the groups.",
        all_groups: "all groups",
        next: "next",
        hidden: "Space shows it",
        by_use: "Space takes the next",
        count: |shown, all| match shown == all {
            true if all == 1 => "1 entry".into(),
            true => format!("{all} entries"),
            false => format!("{shown} of {all}"),
        },
        order: |order| match order {
            Order::Name => "by name",
            Order::Use => "by use",
            Order::Added => "as added",
        },
        seconds: |seconds| format!("{seconds} s"),
        digits: |digits| format!("{digits} digits"),
    },
    add: Add {
        title: "Add",
        what: "Paste an otpauth URI, or type the key that the service shows, or the path of a picture of its QR code \
               or of what another app exported.",
        prompt: "URI, key or path",
    },
    form: FormWords {
        new: "Add by hand",
        edit: "Edit",
        field: |field| match field {
            Field::Issuer => "Service",
            Field::Account => "Account",
            Field::Groups => "Groups",
            Field::Note => "Note",
            Field::Type => "Codes",
            Field::Algorithm => "Hash",
            Field::Digits => "Digits",
            Field::Period => "Seconds",
            Field::Counter => "Counter",
        },
        kind: |kind| match kind {
            Type::Totp => "by time (TOTP)",
            Type::Hotp => "by use (HOTP)",
            Type::Steam => "Steam",
        },
        missing: |missing| match missing {
            Missing::AName => "Say the service or the account, or both.".into(),
            Missing::Period => "The seconds are a number above 0, 30 as a rule.".into(),
            Missing::Counter => "The counter is a number, 0 as a rule.".into(),
            Missing::Text(error) => sentence(&error),
        },
    },
    remove: Remove {
        question: |title| format!("Remove {title}?"),
        warning: "Turn off its second factor at the service first, or you may be locked out. Until you lock or quit, u undoes it.",
    },
    secret: SecretWords {
        question: |title| format!("Show the secret of {title}?"),
        warning: "Whoever sees the QR code can make its codes for ever. Is nobody looking, and no screen shared?",
        key: "Key",
        too_small: |width, height| {
            format!("The QR code takes {width}×{height}: make the terminal larger, or type the key.")
        },
    },
    notice: Notice {
        copied: |title, seconds| format!("Copied {title}; the clipboard is emptied in {seconds} s."),
        added: |title| format!("Added {title}."),
        added_many: |count| format!("Added {count} entries."),
        doubles: |count| match count {
            1 => " One was here already.".into(),
            _ => format!(" {count} were here already."),
        },
        raised: |count| match count {
            1 => " A higher counter is taken.".into(),
            _ => format!(" {count} higher counters are taken."),
        },
        unusable: |count, first| match count {
            1 => format!(" One cannot be used. {}", trouble(first)),
            _ => format!(" {count} cannot be used, the first because: {}", trouble(first)),
        },
        odd: |count, title, first| match (count, title) {
            (1, None) => format!(" {}", sentence(first)),
            (1, Some(title)) => format!(" Of {title}: {}", sentence(first)),
            (_, None) => format!(" {count} things to know, the first: {}", sentence(first)),
            (_, Some(title)) => format!(" {count} things to know, the first of {title}: {}", sentence(first)),
        },
        edited: "Saved.",
        removed: |title| format!("Removed {title}. u undoes it."),
        restored: |title| format!("{title} is back."),
        nothing_to_undo: "There is nothing to undo.",
        idle: |minutes| format!("Locked after {minutes} min without a key."),
        reloaded: "Changed by another process, and read again.",
        gone: "Another process removed this entry.",
        edited_meanwhile: "Another process changed the same words: Esc shows them, then edit again.",
        double: |title| format!("It is here already: {title}."),
        all_double: |count| format!("All {count} are here already."),
        not_saved: |why| format!("Not saved. {why}"),
        rekeyed: "Another process changed the passphrase or the file.",
        too_long: "That is too long: at most 16 KiB are taken.",
        clipboard_emptied: "The clipboard is empty.",
    },
    trouble,
    help: &[
        ("Enter  c", "copy the code; HOTP: take the next one first"),
        ("Space", "show or hide the code; HOTP: take the next one"),
        ("n", "HOTP: take another code"),
        ("/", "search as you type"),
        ("↑↓  j k", "choose"),
        ("g  G", "first, last"),
        ("Tab", "go through the groups"),
        ("o", "order: by use, by name, as added"),
        ("f", "favourite: always first"),
        ("a", "add: URI, key, picture, file"),
        ("e", "edit names, groups, note"),
        ("d", "remove"),
        ("u", "undo the last removal"),
        ("v", "QR code and key, for another device"),
        ("h", "hide all codes, or show them"),
        ("L", "lock"),
        ("q", "quit"),
        ("Ctrl-Z", "to the shell; fg comes back"),
        ("Ctrl-L", "draw anew"),
    ],
};

/// The libraries speak English themselves; what they say of a command line, or of a file that has no name here, is said anew.
fn trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NothingKnown => "This is no otpauth URI, no key in base32, and no file.".into(),
        Trouble::Key(error) => sentence(error),
        Trouble::NoSuchFile => "There is no such file.".into(),
        Trouble::NotAFile => "This is a directory or a device, and a file is needed.".into(),
        Trouble::File(error) => format!("The file cannot be read: {error}."),
        Trouble::Picture(error) => sentence(error),
        Trouble::NoCode => "No QR code is found in the picture: take a larger or a sharper one.".into(),
        Trouble::PartOfCode => format!("It is {PART}: have all of it shown in one code."),
        Trouble::OtherCode => "The QR code in the picture is none of an authenticator's.".into(),
        Trouble::Import(ImportError::Locked(format)) => format!(
            "The {format} export is encrypted: quit, and say `countersign authenticator import FILE`, which asks for its password."
        ),
        Trouble::Import(ImportError::Age) => {
            "The file is encrypted with age: quit, and say `countersign authenticator import FILE`, which asks for its passphrase.".into()
        }
        Trouble::Import(ImportError::LockedByKeyFile) => {
            "A key file opens that vault: quit, and say `countersign authenticator import FILE --password-file KEY`.".into()
        }
        Trouble::Import(error) => sentence(error),
        Trouble::Unusable(reasons) => match reasons.as_slice() {
            [] => "There is no entry in it.".into(),
            [one] => sentence(one),
            [first, ..] => format!(
                "None of {} can be used, the first because: {}",
                reasons.len(),
                sentence(first)
            ),
        },
        Trouble::Apply(error) => sentence(error),
        Trouble::Add(error) => sentence(error),
        Trouble::Counter(error) => sentence(error),
        Trouble::Qr(error) => sentence(error),
        Trouble::Unlock(UnlockError::Wrong) => "That is not it.".into(),
        Trouble::Unlock(UnlockError::NoSuchSlot) => {
            "No passphrase opens this vault: quit, and name its key file with --key-file.".into()
        }
        Trouble::Unlock(error) => sentence(error),
        Trouble::ShortPassphrase => {
            format!("A new passphrase takes at least {MIN_NEW_LEN} characters, better some words.")
        }
        Trouble::Create(SlotError::OutOfMemory) => "There is not enough memory for a passphrase.".into(),
        Trouble::Create(error) => sentence(error),
        Trouble::Save(error) => sentence(error),
        Trouble::VaultFile(VaultFileError::Missing(path)) => {
            format!("There is no vault any more at {}.", path.display())
        }
        Trouble::VaultFile(error) => format!("{error}."),
        Trouble::CommandLine(refusal) => format!("{refusal}."),
        Trouble::Clipboard(refusal) => sentence(refusal),
        Trouble::Agent(refusal) => {
            let said = [Some(&refusal.what), refusal.remedy.as_ref()];
            said.into_iter().flatten().map(sentence).collect::<Vec<_>>().join(" ")
        }
    }
}

/// A library's message, with a capital and a full stop.
fn sentence(said: &impl Display) -> String {
    let said = said.to_string();
    let mut characters = said.chars();
    match characters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), characters.as_str()),
        None => said,
    }
}
