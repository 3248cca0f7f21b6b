//! A state of a page, looked at from all sides: every width, light and dark, enlarged; judged, and kept as pictures.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{Browser, golden, looks::Shade};

/// A phone that is small, a tablet, a desktop.
const WIDTHS: [u32; 3] = [320, 768, 1440];
const HEIGHT: u32 = 900;

impl Browser {
    /// Looks at the page as it stands, at every width, light and dark, and at 640 px enlarged twice: everything fits, axe
    /// finds nothing. Its pictures are kept; with `COUNTERSIGN_SOAK=1` two of them are compared with golden ones, where
    /// what `varying` selects (a QR code, a key, recovery codes) is left out.
    #[track_caller]
    pub(crate) fn walk(&self, name: &str, varying: &[&str]) {
        let language = self.script("return document.documentElement.lang", vec![]);
        let language = language.as_str().unwrap_or_default().to_owned();
        assert!(!language.is_empty(), "{name}: the page does not say its language");
        self.assert_nothing_from_outside();
        // Without scripts a page looks the same but for what they add: the narrowest is enough.
        let widths = if self.options.scripts {
            &WIDTHS[..]
        } else {
            &WIDTHS[..1]
        };
        for &width in widths {
            self.viewport(width, HEIGHT, 1);
            for shade in [Shade::Light, Shade::Dark] {
                self.shade(shade);
                let picture = format!("{name}-{language}-{width}-{}", shade.name());
                self.judge(&picture);
                keep(&picture, &self.screenshot());
                if self.options.scripts && golden::is_kept(width, shade) {
                    golden::compare(&picture, &self.covered(varying));
                }
            }
        }
        self.shade(Shade::Light);
        self.zoomed(name, &language);
        self.viewport(1280, HEIGHT, 1);
    }

    /// Everything that the page loaded is the server's own.
    #[track_caller]
    pub(crate) fn assert_nothing_from_outside(&self) {
        let from_elsewhere = "return performance.getEntriesByType('resource').map((one) => one.name)
            .filter((name) => !name.startsWith(location.origin + '/') && !name.startsWith('data:'))";
        let found = self.script(from_elsewhere, vec![]);
        assert_eq!(found, json!([]), "{} loads from elsewhere", self.url());
    }

    #[track_caller]
    fn zoomed(&self, name: &str, language: &str) {
        self.viewport(640, HEIGHT / 2, 2);
        let picture = format!("{name}-{language}-640-twice");
        self.judge(&picture);
        keep(&picture, &self.screenshot());
    }

    #[track_caller]
    fn judge(&self, picture: &str) {
        let mut faults = self.layout_faults();
        faults.extend(self.axe_faults());
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
