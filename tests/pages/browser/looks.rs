//! What the page looks like: the size and the shade it is shown in, and the picture of it.

use data_encoding::BASE64;
use fantoccini::error::CmdError;
use serde_json::json;

use super::Browser;
use crate::judges;

/// What the user's system prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shade {
    Light,
    Dark,
}

impl Shade {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Browser {
    /// A window of exactly this size in CSS pixels, each of `scale` times as many of the screen's.
    pub(crate) fn viewport(&self, width: u32, height: u32, scale: u32) {
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": false}),
        );
    }

    /// Light or dark, and nothing that moves: what is looked at is not half-way there.
    pub(crate) fn shade(&self, shade: Shade) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": shade.name()},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.cdp("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// A picture of the whole page, below the window's edge too, as PNG.
    #[track_caller]
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        let taken = self.try_screenshot();
        taken.unwrap_or_else(|error| panic!("no picture can be taken: {error}"))
    }

    pub(super) fn try_screenshot(&self) -> Result<Vec<u8>, CmdError> {
        let sizes = self.try_cdp("Page.getLayoutMetrics", json!({}))?;
        let whole = &sizes["cssContentSize"];
        let window = &sizes["cssLayoutViewport"];
        let larger = |side: &str, of_window: &str| {
            let of_page = whole[side].as_f64().unwrap_or_default();
            of_page.max(window[of_window].as_f64().unwrap_or_default())
        };
        let (width, height) = (larger("width", "clientWidth"), larger("height", "clientHeight"));
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let asked = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let taken = self.try_cdp("Page.captureScreenshot", asked)?;
        let text = taken["data"].as_str().unwrap_or_default();
        Ok(BASE64.decode(text.as_bytes()).expect("base64 from Chromium"))
    }

    /// The text of the QR code on the page, read as a camera would: from the picture of it.
    #[track_caller]
    pub(crate) fn decode_qr(&self) -> String {
        judges::read_qr(&self.screenshot())
    }
}
