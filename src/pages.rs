//! `[pages]` of the config file: what the operator gives of the hosted pages, and their words for people who are stuck.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use server::Brand;
use service::Settings;
use url::{Host, Url};

use crate::{Failure, home::read_named, methods::is_text};

/// `[pages]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct PagesTable {
    /// Told to people who have nothing to answer a challenge with.
    contact: Option<String>,
    /// The name in titles and at the head of each page.
    name: Option<String>,
    /// The colour of buttons and links: `#rrggbb`.
    colour: Option<String>,
    /// A picture for the head of each page: an SVG or PNG file.
    logo: Option<PathBuf>,
    /// The address at which browsers reach the pages.
    url: Option<String>,
}

const CONTACT_MAX_BYTES: usize = 500;
const NAME_MAX: usize = 60;
const LOGO_MAX_BYTES: usize = 100_000;
/// WCAG 2.2, success criterion 1.4.3.
const CONTRAST_MIN: f64 = 4.5;

impl PagesTable {
    /// Takes the operator's words.
    pub(crate) fn set(&self, settings: &mut Settings) -> Result<(), Failure> {
        if self
            .contact
            .as_ref()
            .is_some_and(|text| !is_text(text, CONTACT_MAX_BYTES))
        {
            return Err(Failure::usage(format!(
                "pages.contact is 1 to {CONTACT_MAX_BYTES} bytes without control characters"
            )));
        }
        settings.contact.clone_from(&self.contact);
        Ok(())
    }

    /// The operator's brand, its logo as the file is now.
    pub(crate) fn brand(&self) -> Result<Brand, Failure> {
        let shipped = Brand::default();
        let (colour, text_colour) = match &self.colour {
            Some(colour) => coloured(colour)?,
            None => (shipped.colour, shipped.text_colour),
        };
        Ok(Brand {
            name: match &self.name {
                Some(name) => named(name)?,
                None => shipped.name,
            },
            colour,
            text_colour,
            logo: self.logo.as_deref().map(logo).transpose()?,
            url: self.url.as_deref().map(address).transpose()?,
            contact: self.contact.clone(),
        })
    }
}

fn named(name: &str) -> Result<String, Failure> {
    let is_name = (1..=NAME_MAX).contains(&name.chars().count()) && name.chars().all(vault::is_shown);
    match is_name && !name.trim().is_empty() {
        true => Ok(name.to_owned()),
        false => Err(Failure::usage("pages.name is not a name that can be shown")
            .help(format!("write 1 to {NAME_MAX} printable characters"))),
    }
}

/// The colour, and that of text on it: white where it can be read, black else, as one of them always can.
fn coloured(colour: &str) -> Result<(String, String), Failure> {
    let digits = colour
        .strip_prefix('#')
        .filter(|digits| digits.len() == 6 && digits.is_ascii());
    let channel = |at: usize| u8::from_str_radix(digits?.get(at..at + 2)?, 16).ok();
    let is_hex = digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let (true, Some(red), Some(green), Some(blue)) = (is_hex, channel(0), channel(2), channel(4)) else {
        return Err(Failure::usage("pages.colour is no colour").help("write it as #rrggbb, such as #1f4fd1"));
    };
    let on_white = 1.05 / (luminance([red, green, blue]) + 0.05);
    let text_colour = if on_white >= CONTRAST_MIN { "#ffffff" } else { "#000000" };
    Ok((colour.to_ascii_lowercase(), text_colour.to_owned()))
}

/// The relative luminance of a colour in sRGB (WCAG 2.2).
fn luminance(channels: [u8; 3]) -> f64 {
    let linear = |channel: u8| match f64::from(channel) / 255.0 {
        share if share <= 0.040_45 => share / 12.92,
        share => ((share + 0.055) / 1.055).powf(2.4),
    };
    let weighted = channels.into_iter().zip([0.212_6, 0.715_2, 0.072_2]);
    weighted.map(|(channel, weight)| weight * linear(channel)).sum()
}

/// The picture's content type and bytes.
fn logo(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let refused = |why: &str| {
        Failure::usage(format!("pages.logo, {}: {why}", path.display())).help(format!(
            "name an SVG or PNG file of at most {} KB, or leave it out",
            LOGO_MAX_BYTES / 1_000
        ))
    };
    let bytes = read_named(path).map_err(|error| refused(&format!("it cannot be read: {error}")))?;
    if bytes.len() > LOGO_MAX_BYTES {
        return Err(refused("it is too large: every page carries it"));
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(("image/png".into(), bytes.to_vec()));
    }
    let text = str::from_utf8(&bytes).map(str::to_ascii_lowercase);
    match text {
        Ok(text) if text.contains("<script") => Err(refused("it holds a script, and a logo is a picture")),
        Ok(text) if text.contains("<svg") => Ok(("image/svg+xml".into(), bytes.to_vec())),
        _ => Err(refused("it is neither SVG in UTF-8 nor PNG")),
    }
}

/// Scheme, host and port, and nothing else: every link of a page begins with them.
fn address(text: &str) -> Result<String, Failure> {
    let refused = |why: &str| {
        Failure::usage(format!("pages.url {why}"))
            .help("write scheme, host and, if need be, port, such as https://mfa.example.org")
    };
    let url = Url::parse(text).map_err(|error| refused(&format!("is no address: {error}")))?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        _ => return Err(refused("is https, or http on this machine: codes are typed there")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("has a user: browsers would show it to everybody"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refused(
            "has more than scheme, host and port: the pages have paths of their own",
        ));
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::settings::ConfigFile;

    fn brand(text: &str) -> Result<Brand, String> {
        let file: ConfigFile = toml::from_str(&format!("[pages]\n{text}\n")).expect("it is TOML of ours");
        file.pages.brand().map_err(|failure| failure.to_string())
    }

    #[test]
    fn without_words_of_the_operator_it_is_ours() {
        assert_eq!(brand(""), Ok(Brand::default()));
        let shipped = Brand::default();
        let computed = coloured(&shipped.colour).expect("a colour");
        assert_eq!(computed, (shipped.colour, shipped.text_colour), "its text can be read");
        let own = brand("name = \"ACME 账号\"\ncontact = \"Call 400\"").expect("right");
        assert_eq!((&*own.name, own.contact.as_deref()), ("ACME 账号", Some("Call 400")));
        for name in [
            String::new(),
            " ".into(),
            "x".repeat(61),
            "a\\nb".into(),
            "a\\u202eb".into(),
        ] {
            let told = brand(&format!("name = \"{name}\"")).expect_err("refused");
            assert!(told.starts_with("pages.name"), "{name}: {told}");
        }
        assert!(
            brand(&format!("name = \"{}\"", "名".repeat(60))).is_ok(),
            "characters, not bytes"
        );
    }

    #[test]
    fn text_on_any_colour_can_be_read() {
        for step in 0..=16_u32 {
            for (red, green, blue) in [(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)] {
                let share = |is_on: u32| is_on * (step * 16).min(255);
                let wanted = format!("#{:02X}{:02x}{:02x}", share(red), share(green), share(blue));
                let (colour, on_it) = coloured(&wanted).expect("a colour");
                assert_eq!(colour, wanted.to_lowercase());
                let of = |channels: u32| u8::try_from(channels).expect("a byte");
                let light = luminance([of(share(red)), of(share(green)), of(share(blue))]) + 0.05;
                let contrast = if on_it == "#ffffff" { 1.05 / light } else { light / 0.05 };
                assert!(contrast >= 4.5, "{wanted} under {on_it}: {contrast}");
            }
        }
        // Of WCAG's own example: the lightest grey on white.
        assert_eq!(coloured("#767676").expect("grey").1, "#ffffff");
        assert_eq!(coloured("#777777").expect("grey").1, "#000000");
        for colour in [
            "1f4fd1", "#1f4fd", "#1f4fd11", "#1f4fdg", "#+f4fd1", "blue", "", "#中中",
        ] {
            let told = brand(&format!("colour = \"{colour}\"")).expect_err("refused");
            assert!(told.starts_with("pages.colour"), "{colour}: {told}");
        }
    }

    #[test]
    fn a_logo_is_a_picture_and_no_program() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("logo");
        let with = |bytes: &[u8]| {
            fs::write(&file, bytes).expect("a file");
            let told = brand(&format!("logo = \"{}\"", file.display()));
            told.map(|brand| brand.logo.map(|(kind, taken)| (kind, taken == bytes)))
        };
        let svg = br#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>"#;
        assert_eq!(with(svg), Ok(Some(("image/svg+xml".into(), true))));
        assert_eq!(with(b"\x89PNG\r\n\x1a\n..."), Ok(Some(("image/png".into(), true))));
        for refused in [
            &b"<svg><SCRIPT>alert(1)</SCRIPT></svg>"[..],
            b"GIF89a",
            b"",
            b"\xff\xfe<\0s\0v\0g\0",
            &[b' '; 100_001],
        ] {
            let told = with(refused).expect_err("refused");
            assert!(told.starts_with("pages.logo"), "{told}");
        }
        fs::remove_file(&file).expect("removed");
        assert!(brand(&format!("logo = \"{}\"", file.display())).is_err());
    }

    #[test]
    fn an_address_is_scheme_host_and_port() {
        for (wanted, taken) in [
            ("https://mfa.example.org", "https://mfa.example.org"),
            ("HTTPS://MFA.example.org:8443/", "https://mfa.example.org:8443"),
            ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
            ("http://[::1]:8700", "http://[::1]:8700"),
            ("http://localhost", "http://localhost"),
        ] {
            let brand = brand(&format!("url = \"{wanted}\"")).expect("an address");
            assert_eq!(brand.url.as_deref(), Some(taken), "{wanted}");
        }
        for refused in [
            "mfa.example.org",
            "http://mfa.example.org",
            "http://localhost.example.org",
            "ftp://mfa.example.org",
            "https://mfa.example.org/pages",
            "https://mfa.example.org?a=b",
            "https://mfa.example.org/#a",
            "https://anna@mfa.example.org",
            "https://:secret@mfa.example.org",
            "javascript:alert(1)",
            "",
        ] {
            let told = brand(&format!("url = \"{refused}\"")).expect_err("refused");
            assert!(told.starts_with("pages.url"), "{refused}: {told}");
        }
    }

    #[test]
    fn a_contact_is_text() {
        let file: ConfigFile = toml::from_str("[pages]\ncontact = \"a\\nb\"").expect("it is TOML");
        assert!(file.settings().is_err());
    }
}
