//! The words of the pages, in English and Chinese: tables of TOML, one file a family of pages and a language.

use std::{collections::HashMap, sync::LazyLock};

use axum::http::{HeaderMap, header};

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lang {
    En,
    Zh,
}

impl Lang {
    /// The name in links and cookies.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The BCP 47 tag, for `lang`.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    /// The language of this name or tag.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let primary = name.split(['-', '_']).next().unwrap_or_default();
        match () {
            () if primary.eq_ignore_ascii_case("en") => Some(Self::En),
            () if primary.eq_ignore_ascii_case("zh") => Some(Self::Zh),
            () => None,
        }
    }

    /// The first of the languages that a browser prefers (RFC 9110, 12.5.4).
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best: Option<(f32, Self)> = None;
        for range in text.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = parameters
                .trim()
                .strip_prefix("q=")
                .map_or(Some(1.0), |text| text.parse().ok());
            if let (Some(lang), Some(weight)) = (Self::named(tag.trim()), weight)
                && best.is_none_or(|(most, _)| weight > most)
            {
                best = Some((weight, lang));
            }
        }
        best.filter(|(weight, _)| *weight > 0.0).map(|(_, lang)| lang)
    }

    /// The text of this key, `{name}` in it filled in; it is escaped where it is written into a page.
    pub(crate) fn say(self, key: &str, arguments: &[(&str, &str)]) -> String {
        let Some(texts) = TEXTS.get(key) else {
            tracing::error!(key, "a page has no words for this");
            return key.to_owned();
        };
        let mut left = match self {
            Self::En => texts.en,
            Self::Zh => texts.zh,
        };
        let mut said = String::with_capacity(left.len());
        // Once through: what is filled in is not filled in again.
        while let Some((before, rest)) = left.split_once('{') {
            said.push_str(before);
            let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
            let value = arguments.iter().find(|(own, _)| *own == name);
            said.push_str(value.map_or("", |(_, value)| value));
            left = after;
        }
        said.push_str(left);
        said
    }

    /// Two sentences, one after the other.
    pub(crate) fn joined(self, one: &str, other: &str) -> String {
        match self {
            Self::En => format!("{one} {other}"),
            Self::Zh => format!("{one}{other}"),
        }
    }
}

/// Whether there are words of this key.
pub(crate) fn is_said(key: &str) -> bool {
    TEXTS.contains_key(key)
}

struct Texts {
    en: &'static str,
    zh: &'static str,
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        [$((
            $name,
            include_str!(concat!("../../messages/en/", $name, ".toml")),
            include_str!(concat!("../../messages/zh/", $name, ".toml")),
        )),+]
    };
}

/// One file a family of pages; a key is `family.name`.
static FILES: &[(&str, &str, &str)] = &files![
    "bind",
    "common",
    "device",
    "error",
    "fresh",
    "history",
    "lost",
    "prompt",
    "protection",
    "security",
    "seed_problem",
    "sessions",
    "staff",
    "staff_import",
    "staff_lot",
    "staff_passcode",
    "staff_today",
    "staff_token",
    "staff_trail",
    "staff_unbind",
    "staff_user"
];

static TEXTS: LazyLock<HashMap<String, Texts>> = LazyLock::new(|| {
    let mut texts = HashMap::new();
    for (family, en, zh) in FILES {
        let mut chinese = table(zh);
        for (name, en) in table(en) {
            let zh = chinese.remove(&name).unwrap_or(en);
            texts.insert(format!("{family}.{name}"), Texts { en, zh });
        }
    }
    texts
});

/// The texts of a file, for as long as the process lives: they are read once.
fn table(text: &'static str) -> HashMap<String, &'static str> {
    let read: Result<HashMap<String, String>, _> = toml::from_str(text);
    let read = read.unwrap_or_else(|error| {
        tracing::error!(%error, "words of the pages cannot be read");
        HashMap::new()
    });
    let leaked = |(name, text): (String, String)| (name, &*text.leak());
    read.into_iter().map(leaked).collect()
}

#[cfg(test)]
#[cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test reads its own sources"))]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use axum::http::HeaderValue;

    use super::*;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('}')?.0))
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_things() {
        for (family, en, zh) in FILES {
            let read = |text: &str| toml::from_str::<HashMap<String, String>>(text).expect("a table of texts");
            let (en, zh) = (read(en), read(zh));
            let names = |table: &HashMap<String, String>| table.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(&en), names(&zh), "{family}");
            for (name, text) in &en {
                assert!(!text.is_empty() && !zh[name].is_empty(), "{family}.{name} is empty");
                assert_eq!(placeholders(text), placeholders(&zh[name]), "{family}.{name}");
            }
        }
    }

    /// The sources and templates of the pages.
    fn sources() -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut left = vec![root.join("src/pages"), root.join("templates")];
        let mut sources = Vec::new();
        while let Some(path) = left.pop() {
            if path.is_dir() {
                let entries = fs::read_dir(path).expect("a directory");
                left.extend(entries.map(|entry| entry.expect("an entry").path()));
            } else {
                sources.push(fs::read_to_string(path).expect("a source"));
            }
        }
        sources
    }

    /// Keys that sources and templates name, as whole string literals.
    fn named() -> BTreeSet<String> {
        let sources = sources();
        let literals = sources.iter().flat_map(|text| text.split('"'));
        literals.map(str::to_owned).collect()
    }

    #[test]
    fn what_a_text_leaves_open_is_filled_in() {
        for source in sources() {
            // Within a call: the key first, and the names among the strings that follow.
            for (call, arguments) in [(".t(", 0), (".t1(", 1), (".t2(", 2)] {
                for rest in source.split(call).skip(1) {
                    let Some(rest) = rest.trim_start().strip_prefix('"') else {
                        continue;
                    };
                    let mut parts = rest.split('"');
                    let key = parts.next().unwrap_or_default();
                    let Some(texts) = TEXTS.get(key) else { continue };
                    let strings: BTreeSet<_> = parts.skip(1).step_by(2).take(2 * arguments).collect();
                    let open = placeholders(texts.en);
                    assert_eq!(open.len(), arguments, "{key} is said by `{call}`");
                    assert!(open.is_subset(&strings), "{key}: {open:?}, given {strings:?}");
                }
            }
        }
    }

    #[test]
    fn every_text_is_used_and_every_key_has_its_text() {
        let named = named();
        let families: Vec<&str> = FILES.iter().map(|(family, ..)| *family).collect();
        // Refusals and the like are said by the name that they have.
        let by_name = |key: &str| key.starts_with("error.") || key.contains("_is_");
        let unused: Vec<_> = TEXTS
            .keys()
            .filter(|key| !by_name(key) && !named.contains(*key))
            .collect();
        assert!(unused.is_empty(), "nobody says {unused:?}");
        let is_key = |text: &str| {
            let (family, name) = text.split_once('.').unwrap_or_default();
            families.contains(&family)
                && !name.is_empty()
                && name != "html"
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let missing: Vec<_> = named.iter().filter(|text| is_key(text) && !is_said(text)).collect();
        assert!(missing.is_empty(), "there are no words for {missing:?}");
    }

    #[test]
    fn a_browser_has_the_language_that_it_prefers() {
        let accepted = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(text));
            Lang::accepted(&headers)
        };
        assert_eq!(accepted("zh-CN,zh;q=0.9,en;q=0.8"), Some(Lang::Zh));
        assert_eq!(accepted("de, en-GB;q=0.7, zh;q=0.3"), Some(Lang::En));
        assert_eq!(accepted("zh;q=0, en;q=0.1"), Some(Lang::En));
        assert_eq!(accepted("de"), None);
    }

    #[test]
    fn what_is_filled_in_is_not_filled_in_again() {
        assert_eq!(
            Lang::En.say("common.for_whom", &[("user", "{account}"), ("account", "acme")]),
            "{account} (acme)"
        );
    }
}
