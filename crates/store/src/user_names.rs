//! How users' names are compared: byte for byte, or without their case (A3b).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

use crate::{Key, Noun, Owner, Pending, Store, normalised};

/// How users' names are compared. Names of accounts are made by the cloud's own software, and compared byte for byte always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserNames {
    /// Byte for byte, after Unicode's normalization form C: `joe` and `Joe` are two users.
    #[default]
    Exact,
    /// By Unicode's default case folding, full and of no language, before that form: `joe` and `Joe` are one user, and
    /// stand as `joe` in keys, hashes and answers.
    CaseInsensitive,
}

impl UserNames {
    /// The name in configuration and storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::CaseInsensitive => "case_insensitive",
        }
    }

    /// The owner that these two names mean: the one way from what a caller sent to a user.
    pub fn owner(self, account: impl Into<Arc<str>>, user: impl Into<Arc<str>>) -> Owner {
        Owner {
            account: normalised(account),
            user: self.user(user),
        }
    }

    /// The one spelling of this user's name.
    pub fn user(self, name: impl Into<Arc<str>>) -> Arc<str> {
        let name = name.into();
        match self {
            Self::Exact => normalised(name),
            Self::CaseInsensitive if is_folded_ascii(&name) => name,
            Self::CaseInsensitive => folded(&name).into(),
        }
    }

    /// Whether a name is in its one spelling.
    pub fn is_spelling(self, name: &str) -> bool {
        match self {
            Self::Exact => true,
            Self::CaseInsensitive => is_folded_ascii(name) || folded(name) == name,
        }
    }
}

fn is_folded_ascii(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
}

/// Folded as the Unicode Standard's D145 (canonical caseless matching) has it, and composed: folding alone keeps no
/// normalization form, and a letter may only fold once it is in pieces.
fn folded(name: &str) -> String {
    let decomposed: String = name.nfd().collect();
    let folded = UniCase::unicode(decomposed).to_folded_case();
    // What U+0345 folds to may still be composed with, and then fold no further: once more changes nothing.
    folded.nfc().collect()
}

/// The record of how the names of users stand in a database. There is none in one where they always stood as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserNamesRecord {
    /// Raised by every change.
    pub version: u64,
    /// How they are compared.
    pub user_names: UserNames,
    /// A command is giving every user the one spelling of their name, and has not finished.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renaming: bool,
}

impl UserNamesRecord {
    /// The key of the only one.
    pub fn key() -> Key {
        Key::global(Self::NAME, "")
    }
}

impl Noun for UserNamesRecord {
    const NAME: &'static str = "user_names";

    fn key(&self) -> Key {
        Self::key()
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading it.
impl dyn Store + '_ {
    /// How the names of users stand in this database, where that was ever chosen.
    pub fn user_names(&self) -> Pending<'_, Option<UserNamesRecord>> {
        self.one(UserNamesRecord::key())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::golden::golden;

    const FOLDING: UserNames = UserNames::CaseInsensitive;

    #[test]
    fn golden_files() {
        for (case, user_names, renaming) in [
            ("settled", UserNames::CaseInsensitive, false),
            ("renaming", UserNames::CaseInsensitive, true),
            ("back", UserNames::Exact, false),
        ] {
            golden(
                case,
                &UserNamesRecord {
                    version: 2,
                    user_names,
                    renaming,
                },
            );
        }
    }

    fn is_one(one: &str, other: &str) -> bool {
        FOLDING.user(one) == FOLDING.user(other)
    }

    #[test]
    fn a3b_spellings_of_one_name_are_one_user() {
        for (one, other) in [
            ("joe", "JOE"),
            ("straße", "STRASSE"),
            ("straße", "STRAẞE"),
            ("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
            ("σας", "ΣΑΣ"),
            ("kelvin", "\u{212A}elvin"),
            ("ångström", "\u{212B}NGSTRÖM"),
            ("é", "E\u{301}"),
            ("ﬁn", "FIN"),
            ("i\u{307}", "İ"),
            ("ᾳ", "ΑΙ"),
            ("ꭰ", "Ꭰ"),
        ] {
            assert!(is_one(one, other), "{one} {other}");
            assert_ne!(UserNames::Exact.user(one), UserNames::Exact.user(other));
        }
    }

    /// The folding of no language: a dotless i is a letter of its own, and so is what only looks alike.
    #[test]
    fn a3b_different_names_stay_different_users() {
        for (one, other) in [
            ("i", "ı"),
            ("i", "İ"),
            ("o", "ö"),
            ("a", "а"),
            ("joe", "joe "),
            ("1", "１"),
            ("µ", "u"),
        ] {
            assert!(!is_one(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a3b_accounts_keep_their_case() {
        let owner = FOLDING.owner("ACME", "Joe");
        assert_eq!((&*owner.account, &*owner.user), ("ACME", "joe"));
    }

    /// A name with neighbours that may be composed with it: marks that reorder, letters that fold to several.
    fn names() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(
            "ΐΰßẞΣςσİıK\u{212B}ŉǰᾳᾼᾈΑΙ\u{345}\u{301}\u{307}\u{323}\u{308}ﬃſẛµͅ가Ꭰꭰ\u{1E9B}\u{10400}"
                .chars()
                .collect::<Vec<_>>(),
        );
        prop::collection::vec(prop_oneof![odd, any::<char>()], 0..9).prop_map(|name| name.into_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a3b_folding_twice_is_folding_once(name in names()) {
            let once = FOLDING.user(name);
            prop_assert_eq!(&FOLDING.user(once.clone()), &once);
            prop_assert_eq!(&normalised(once.clone()), &once);
            prop_assert!(FOLDING.is_spelling(&once));
        }

        #[test]
        fn a3b_every_normalization_form_folds_to_one(name in names()) {
            let all = [name.nfc().collect::<String>(), name.nfd().collect()];
            for form in all {
                prop_assert_eq!(FOLDING.user(form), FOLDING.user(name.clone()));
            }
        }

        #[test]
        fn a3b_case_never_tells_users_apart(name in "[a-zA-Z0-9._@ÄÖÜäöüéÉΣσ-]{1,20}") {
            let spelled = [name.to_uppercase(), name.to_lowercase()];
            for other in spelled {
                prop_assert_eq!(FOLDING.user(other), FOLDING.user(name.clone()));
            }
        }
    }

    #[test]
    fn a3b_every_letter_folds_once_and_keeps_the_form() {
        for letter in '\0'..=char::MAX {
            let once = FOLDING.user(letter.to_string());
            assert_eq!(FOLDING.user(once.clone()), once, "{letter:?}");
            assert_eq!(normalised(once.clone()), once, "{letter:?}");
        }
    }
}
