//! The keyboard alone.

use std::time::Duration;

use fantoccini::{
    actions::{InputSource as _, KeyAction, KeyActions},
    key::Key,
};
use serde_json::{Value, json};

use super::{Browser, until};

/// How long an edge may take to change its shade.
const FADING: Duration = Duration::from_secs(2);
/// More than any page has that can be reached.
const MOST_STOPS: usize = 60;

/// Remembers what every element's edge looks like now.
const REMEMBER: &str = include_str!("remember.js");
/// Says what has the focus, and whether it looks otherwise than remembered.
const FOCUSED: &str = include_str!("focused.js");

impl Browser {
    pub(crate) fn press(&self, key: Key) {
        self.chord(&[key]);
    }

    /// Keys that are held down together: `[Key::Shift, Key::Tab]`.
    #[track_caller]
    pub(crate) fn chord(&self, keys: &[Key]) {
        let down = keys.iter().map(|&key| KeyAction::Down { value: key.into() });
        let up = keys.iter().rev().map(|&key| KeyAction::Up { value: key.into() });
        let pressed = down
            .chain(up)
            .fold(KeyActions::new("keyboard".into()), KeyActions::then);
        let done = self.wait(self.client.perform_actions(pressed));
        done.unwrap_or_else(|error| panic!("{keys:?} cannot be pressed: {error}"));
    }

    /// Types at whatever has the focus.
    #[track_caller]
    pub(crate) fn type_text(&self, text: &str) {
        let typed = self.wait(async { self.client.active_element().await?.send_keys(text).await });
        typed.unwrap_or_else(|error| panic!("nothing has the focus that can be typed into: {error}"));
    }

    /// Puts a text in at the focus all at once, as pasting does.
    pub(crate) fn paste(&self, text: &str) {
        self.cdp("Input.insertText", json!({"text": text}));
    }

    /// Presses Tab until such an element has the focus. At every stop on the way a person must see where they are.
    #[track_caller]
    pub(crate) fn tab_to(&self, selector: &str) {
        let mut stops = Vec::new();
        while stops.len() < MOST_STOPS {
            self.script(REMEMBER, vec![]);
            self.press(Key::Tab);
            let focused = self.script(FOCUSED, vec![json!(selector)]);
            let html = focused["html"].as_str().unwrap_or("the browser's own").to_owned();
            // Where the focus stands when a page is open is anybody's guess: once around is to come by a stop twice.
            if stops.iter().filter(|stop| **stop == html).count() > 1 {
                break;
            }
            stops.push(html);
            if focused.is_null() {
                continue;
            }
            self.assert_focus_is_visible(selector, &focused);
            if focused["matches"] == true {
                return;
            }
        }
        panic!("Tab does not lead to {selector}, but to {stops:#?}");
    }

    /// Its edge, or that of what is around or beside it, became another one when the focus came.
    #[track_caller]
    fn assert_focus_is_visible(&self, selector: &str, focused: &Value) {
        until(
            FADING,
            &format!("it can be seen that this has the focus: {}", focused["html"]),
            || self.script(FOCUSED, vec![json!(selector)])["visible"] == true,
        );
    }
}
