//! The keyboard alone.

use std::{
    thread,
    time::{Duration, Instant},
};

use fantoccini::{
    actions::{InputSource as _, KeyAction, KeyActions},
    key::Key,
};
use serde_json::{Value, json};

use super::{Browser, PATIENCE, PAUSE, until};

/// How long an edge may take to change its shade.
const FADING: Duration = Duration::from_secs(2);
/// More than any page has that can be reached.
const MOST_STOPS: usize = 60;

/// More than any group of radio buttons has.
const MOST_CHOICES: usize = 12;

/// Chooses what is to be reached.
const AIM: &str = concat!(include_str!("edge.js"), include_str!("aim.js"));
/// Says what has the focus, and whether that can be seen.
const FOCUSED: &str = concat!(include_str!("edge.js"), include_str!("focused.js"));
/// Control and A, and neither: what stands in a field is chosen, to be typed over.
const ALL: &str = "\u{e009}a\u{e000}";

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

    /// Presses Tab until the first such element has the focus. At every stop on the way a person must see where they are.
    #[track_caller]
    pub(crate) fn tab_to(&self, selector: &str) {
        let aimed = self.script(AIM, vec![json!(selector)]);
        assert!(!aimed.is_null(), "there is no {selector}");
        assert!(self.tabbed(selector), "its page is gone: {selector}");
    }

    /// False where its page went away meanwhile.
    #[track_caller]
    fn tabbed(&self, selector: &str) -> bool {
        let mut stops = Vec::new();
        while stops.len() < MOST_STOPS {
            self.press(Key::Tab);
            let focused = self.focused();
            if focused["gone"] == true {
                return false;
            }
            let html = focused["html"].as_str().unwrap_or_default().to_owned();
            // Where the focus stands when a page is open is anybody's guess: once around is to come by a stop twice.
            if stops.iter().filter(|stop| **stop == html).count() > 1 {
                break;
            }
            stops.push(html);
            if focused.get("visible").is_none() {
                continue;
            }
            self.assert_focus_is_visible(&focused);
            if focused["there"] == true {
                return true;
            }
        }
        panic!("Tab does not lead to {selector}, but to {stops:#?}");
    }

    #[track_caller]
    fn focused(&self) -> Value {
        self.script(FOCUSED, vec![])
    }

    /// Its edge, or that of what is around or beside it, became another one when the focus came.
    #[track_caller]
    fn assert_focus_is_visible(&self, focused: &Value) {
        if focused["visible"] == true {
            return;
        }
        let what = format!("it can be seen that this has the focus: {}", focused["html"]);
        until(FADING, &what, || self.focused()["visible"] == true);
    }

    /// Brings the focus to the first such element, once there is one; gives how it is worked.
    #[track_caller]
    fn reach(&self, selector: &str) -> String {
        let begun = Instant::now();
        loop {
            let aimed = self.script(AIM, vec![json!(selector)]);
            if let Some(kind) = aimed.as_str()
                && (self.focused()["there"] == true || self.tabbed(selector))
            {
                return kind.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "there is no {selector} to be reached");
            thread::sleep(PAUSE);
        }
    }

    /// Does by keys what a click would do.
    #[track_caller]
    pub(super) fn work(&self, selector: &str) {
        match &*self.reach(selector) {
            "checkbox" => self.press(Key::Space),
            "radio" => self.choose(selector),
            "option" => {
                let steps = self.focused()["steps"].as_i64().unwrap_or_default();
                let key = if steps < 0 { Key::Up } else { Key::Down };
                (0..steps.abs()).for_each(|_| self.press(key));
            }
            _ => self.press(Key::Enter),
        }
    }

    /// Goes through a group of radio buttons until this one is chosen.
    #[track_caller]
    fn choose(&self, selector: &str) {
        for _ in 0..MOST_CHOICES {
            let focused = self.focused();
            match (focused["is"] == true, focused["checked"] == true) {
                (true, true) => return,
                (true, false) => self.press(Key::Space),
                (false, _) => self.press(Key::Down),
            }
        }
        panic!("no arrow key leads to {selector}");
    }

    /// Types over what stands in a field.
    #[track_caller]
    pub(super) fn type_over(&self, selector: &str, text: &str) {
        self.reach(selector);
        self.type_text(&format!("{ALL}{text}"));
    }
}
