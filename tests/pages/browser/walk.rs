//! A state of a page, looked at from all sides: every width, light and dark, enlarged; judged, and kept as pictures.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    Browser,
    axe::{ALL, COLOURS},
    golden,
    looks::Shade,
};

/// A phone that is small, a tablet, a desktop.
const WIDTHS: [u32; 3] = [320, 768, 1440];
const NARROWEST: u32 = WIDTHS[0];
const HEIGHT: u32 = 900;
/// Of a page, and of each thing that it loads.
const MOST_BYTES: u64 = 60_000;

/// How much of a page is looked at in one size and shade.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Whether everything fits.
    Layout,
    /// And what of accessibility depends on colours.
    Colours,
    /// And all else that axe knows of.
    Everything,
}

impl Depth {
    /// Shades change colours, and widths what fits: what else there is to find is found once, and in a soak every time.
    fn of(width: u32, shade: Shade) -> Self {
        match (width, shade) {
            _ if golden::soak() => Self::Everything,
            (NARROWEST, Shade::Light) => Self::Everything,
            (NARROWEST, Shade::Dark) => Self::Colours,
            _ => Self::Layout,
        }
    }
}

impl Browser {
    /// Looks at the page as it stands, at every width, light and dark, and at 640 px enlarged twice: everything fits, axe
    /// finds nothing. Two of its pictures are kept, in a soak all; with `COUNTERSIGN_SOAK=1` two are compared with golden
    /// ones, where what `varying` selects (a QR code, a key, recovery codes) is left out.
    #[track_caller]
    pub(crate) fn walk(&self, name: &str, varying: &[&str]) {
        let language = self.script("return document.documentElement.lang", vec![]);
        let language = language.as_str().unwrap_or_default().to_owned();
        assert!(!language.is_empty(), "{name}: the page does not say its language");
        self.assert_nothing_from_outside();
        self.assert_small();
        // Without scripts a page looks the same but for what they add: the narrowest is enough.
        let widths = if self.options.scripts {
            &WIDTHS[..]
        } else {
            &WIDTHS[..1]
        };
        for shade in [Shade::Light, Shade::Dark] {
            self.shade(shade);
            for &width in widths {
                self.viewport(width, HEIGHT, 1);
                let picture = format!("{name}-{language}-{width}-{}", shade.name());
                self.judge(&picture, Depth::of(width, shade));
                self.keep_picture(&picture, (width, shade), varying);
            }
        }
        self.shade(Shade::Light);
        if self.options.scripts {
            self.zoomed(name, &language);
        }
        self.viewport(1280, HEIGHT, 1);
    }

    #[track_caller]
    fn keep_picture(&self, picture: &str, (width, shade): (u32, Shade), varying: &[&str]) {
        if golden::is_kept(width, shade) || golden::soak() {
            keep(picture, &self.screenshot());
        }
        if self.options.scripts && golden::is_compared(width, shade) {
            golden::compare(picture, &self.covered(varying));
        }
    }

    /// Everything that the page loaded is the server's own.
    #[track_caller]
    pub(crate) fn assert_nothing_from_outside(&self) {
        let from_elsewhere = "return performance.getEntriesByType('resource').map((one) => one.name)
            .filter((name) => !name.startsWith(location.origin + '/') && !name.startsWith('data:'))";
        let found = self.script(from_elsewhere, vec![]);
        assert_eq!(found, json!([]), "{} loads from elsewhere", self.url());
    }

    /// The page and each of what it loaded is small, but for one with a QR code in it.
    #[track_caller]
    pub(crate) fn assert_small(&self) {
        let loaded = "return ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind))
            .filter((one) => one.name.startsWith(location.origin) && !(one.entryType === 'navigation' && document.querySelector('.qr')))
            .map((one) => [one.name, one.decodedBodySize])";
        let loaded = self.script(loaded, vec![]);
        let loaded = loaded.as_array().expect("what was loaded");
        // What may not run is not loaded.
        let least = u64::from(self.options.scripts);
        let is_fine = |one: &Value| (least..=MOST_BYTES).contains(&one[1].as_u64().unwrap_or_default());
        let wrong: Vec<_> = loaded.iter().filter(|one| !is_fine(one)).collect();
        assert!(wrong.is_empty(), "over {MOST_BYTES} bytes, or not known: {wrong:?}");
    }

    #[track_caller]
    fn zoomed(&self, name: &str, language: &str) {
        self.viewport(640, HEIGHT / 2, 2);
        let picture = format!("{name}-{language}-640-twice");
        match golden::soak() {
            true => {
                self.judge(&picture, Depth::Everything);
                keep(&picture, &self.screenshot());
            }
            false => self.judge(&picture, Depth::Layout),
        }
    }

    #[track_caller]
    fn judge(&self, picture: &str, depth: Depth) {
        let mut faults = self.layout_faults();
        faults.extend(match depth {
            Depth::Layout => Vec::new(),
            Depth::Colours => self.axe_faults(COLOURS),
            Depth::Everything => self.axe_faults(ALL),
        });
        if !faults.is_empty() {
            let kept = keep(picture, &self.screenshot());
            panic!("{picture} ({}):\n{}", kept.display(), faults.join("\n"));
        }
    }
}

/// Leaves a picture for a person to look at.
pub(super) fn keep(name: &str, png: &[u8]) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&dir).expect("a directory for pictures");
    let path = dir.join(format!("{name}.png"));
    fs::write(&path, png).expect("a picture can be kept");
    path
}
