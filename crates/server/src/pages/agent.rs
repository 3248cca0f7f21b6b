//! Browsers and places in words: what a `User-Agent` claims, and the name of a city.

use service::Client;

use crate::pages::words::Lang;

/// Browsers by what stands in their `User-Agent`, those first that pretend to be one of the others too.
const BROWSERS: [(&str, &str); 11] = [
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
const SYSTEMS: [(&str, &str); 9] = [
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];
/// What is shown of a text that says nothing known, in characters.
const SHOWN: usize = 80;

/// `Firefox on Linux`; what the browser said, where that is neither.
pub(crate) fn browser(lang: Lang, client: Option<&Client>) -> String {
    let Some(agent) = client.and_then(|client| client.user_agent.as_deref()) else {
        return lang.say("sessions.unknown_browser", &[]);
    };
    let known = |all: &[(&str, &'static str)]| {
        let found = all.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => lang.say("sessions.browser_on", &[("browser", browser), ("system", system)]),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(SHOWN).collect(),
    }
}

/// The address of a client, where it said one.
pub(crate) fn address(client: Option<&Client>) -> String {
    let address = client.and_then(|client| client.ip.clone());
    address.unwrap_or_default()
}

/// `Shenzhen (CN)` of `CN/GD/Shenzhen`.
pub(crate) fn city(lang: Lang, city: Option<&str>) -> String {
    let Some(city) = city else {
        return lang.say("sessions.unknown_city", &[]);
    };
    let mut parts = city.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(country), Some(_), Some(name)) if !country.is_empty() => format!("{name} ({country})"),
        (_, _, Some(name)) => name.to_owned(),
        _ => city.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(agent: &str) -> String {
        let client = Client {
            ip: None,
            user_agent: Some(agent.to_owned()),
        };
        browser(Lang::En, Some(&client))
    }

    #[test]
    fn a_browser_has_the_name_that_people_know() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; Pixel) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("<b>own</b>", "<b>own</b>"),
        ] {
            assert_eq!(named(agent), name);
        }
        assert_eq!(named(&"é".repeat(500)).chars().count(), SHOWN);
        assert_eq!(browser(Lang::En, None), "Unknown browser");
    }

    #[test]
    fn a_city_is_shown_with_its_country() {
        assert_eq!(city(Lang::En, Some("CN/GD/Shenzhen")), "Shenzhen (CN)");
        assert_eq!(city(Lang::En, Some("//Singapore")), "Singapore");
        assert_eq!(city(Lang::En, Some("Singapore")), "Singapore");
        assert_eq!(city(Lang::En, None), "Unknown");
    }
}
