//! `[[methods]]` of the config file: the operator's external methods.

use std::collections::HashSet;

use serde::Deserialize;
use service::{ExternalMethod, Settings};

use crate::Failure;

/// One of `[[methods]]`; the first is the strongest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct MethodTable {
    /// The name on the wire and in storage.
    name: String,
    /// Its name for people, in English.
    en: String,
    /// Its name for people, in Chinese.
    zh: String,
    /// What it is good for.
    r#use: MethodUse,
}

/// What an external method is good for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum MethodUse {
    /// A setting may name it, and it may stand in for another.
    Main,
    /// It may stand in for what a setting names.
    Alternative,
    /// It answers no challenge.
    Evidence,
}

/// More are no list that anybody reads.
const METHODS_MAX: usize = 16;
const NAME_MAX_BYTES: usize = 32;
const WORDS_MAX_BYTES: usize = 100;
/// What settings, answers and grants mean something else by.
const TAKEN: [&str; 6] = ["none", "mfa", "totp", "recovery_code", "passcode", "password"];

/// Takes the file's methods in place of the shipped ones, where it has any.
pub(crate) fn set_methods(settings: &mut Settings, tables: &[MethodTable]) -> Result<(), Failure> {
    if tables.is_empty() {
        return Ok(());
    }
    if tables.len() > METHODS_MAX {
        return Err(Failure::usage(format!(
            "methods: there are {}: at most {METHODS_MAX} are taken",
            tables.len()
        )));
    }
    let mut seen = HashSet::new();
    for (at, table) in tables.iter().enumerate() {
        if let Some(why) = table.fault(&mut seen) {
            return Err(Failure::usage(format!("methods, entry {}: {why}", at + 1)));
        }
    }
    settings.external_methods = tables.iter().map(MethodTable::method).collect();
    Ok(())
}

impl MethodTable {
    /// What is wrong with it, the names before it known. The name itself is not repeated: the file may be another one than was
    /// meant.
    fn fault<'a>(&'a self, seen: &mut HashSet<&'a str>) -> Option<String> {
        let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let is_name = (1..=NAME_MAX_BYTES).contains(&self.name.len()) && self.name.bytes().all(is_letter);
        match () {
            () if !is_name => Some(format!(
                "name is 1 to {NAME_MAX_BYTES} lower-case letters, digits and underscores"
            )),
            () if TAKEN.contains(&&*self.name) => Some(format!("name is none of {}", TAKEN.join(", "))),
            () if !seen.insert(&self.name) => Some("name is another entry's: each has its own".into()),
            () if !(is_text(&self.en, WORDS_MAX_BYTES) && is_text(&self.zh, WORDS_MAX_BYTES)) => Some(format!(
                "en and zh are 1 to {WORDS_MAX_BYTES} bytes without control characters"
            )),
            () => None,
        }
    }

    fn method(&self) -> ExternalMethod {
        ExternalMethod {
            name: self.name.clone(),
            en: self.en.clone(),
            zh: self.zh.clone(),
            is_main: self.r#use == MethodUse::Main,
            is_alternative: self.r#use != MethodUse::Evidence,
        }
    }
}

pub(crate) fn is_text(text: &str, max_bytes: usize) -> bool {
    (1..=max_bytes).contains(&text.len()) && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ConfigFile;

    fn settings(text: &str) -> Result<Settings, String> {
        let file: ConfigFile = toml::from_str(text).expect("it is TOML of ours");
        file.settings().map_err(|failure| failure.to_string())
    }

    fn table(name: &str, used: &str) -> String {
        format!("[[methods]]\nname = \"{name}\"\nen = \"E\"\nzh = \"中\"\nuse = \"{used}\"\n")
    }

    #[test]
    fn p1_without_a_list_the_shipped_methods_are_there() {
        let shipped = settings("").expect("defaults");
        assert_eq!(shipped.external_methods, Settings::default().external_methods);
        let names: Vec<&str> = shipped.external_methods.iter().map(|method| &*method.name).collect();
        assert_eq!(names, ["sms", "wechat", "qq", "face", "email"]);
        assert_eq!((shipped.no_method, shipped.contact), (service::NoMethod::Deny, None));
    }

    #[test]
    fn p1_the_operators_list_takes_the_place_of_the_shipped_one() {
        let text = [
            table("badge_2", "main"),
            table("email", "alternative"),
            table("face", "evidence"),
        ]
        .concat();
        let own = settings(&text).expect("they are right").external_methods;
        let told: Vec<_> = own
            .iter()
            .map(|method| (&*method.name, method.is_main, method.is_alternative))
            .collect();
        let expected = [("badge_2", true, true), ("email", false, true), ("face", false, false)];
        assert_eq!(told, expected);
    }

    #[test]
    fn p1_a_list_that_cannot_be_meant_is_refused_with_its_place() {
        for name in [
            "SMS",
            "",
            "two words",
            "手机",
            "mfa",
            "totp",
            "none",
            "recovery_code",
            "passcode",
        ] {
            let told = settings(&(table("sms", "main") + &table(name, "main"))).expect_err("refused");
            assert!(told.starts_with("methods, entry 2: name is"), "{name}: {told}");
        }
        let twice = settings(&table("sms", "main").repeat(2)).expect_err("refused");
        assert!(twice.contains("another entry's"), "{twice}");
        let many: String = (0..17).map(|number| table(&format!("m{number}"), "main")).collect();
        assert!(settings(&many).is_err());
    }

    #[test]
    fn p4_what_becomes_of_people_who_are_stuck_is_the_operators() {
        let own = settings("[policy]\nno_method = \"allow\"\n[pages]\ncontact = \"Call 400\"\n").expect("right");
        assert_eq!(own.no_method, service::NoMethod::Allow);
        assert_eq!(own.contact.as_deref(), Some("Call 400"));
    }
}
