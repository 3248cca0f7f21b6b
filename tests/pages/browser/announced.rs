//! What a screen reader says by itself, and what [Copy] left behind.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use super::Browser;

/// Live regions: whatever changes in one is read out, whether anybody asked or not.
const LISTEN: &str = "
    window.announced = [];
    const live = '[aria-live]:not([aria-live=off]), [role=status], [role=alert], [role=log]';
    const heard = (changes) => {
        const regions = new Set(changes.map(({target}) => (target.closest ? target : target.parentElement)?.closest(live)));
        regions.forEach((region) => region && window.announced.push(region.textContent.trim()));
    };
    new MutationObserver(heard).observe(document.body, {subtree: true, childList: true, characterData: true});
";

/// With scripts the clipboard is asked, which needs a yes.
const CLIPBOARD: &str = "
    const done = arguments[arguments.length - 1];
    navigator.clipboard.readText().then(done, (error) => done({error: String(error)}));
";

impl Browser {
    /// What is read out by itself while the page is left alone for so long. It is the browser's time, which nobody moves.
    #[track_caller]
    pub(crate) fn announced_within(&self, long: Duration) -> Vec<String> {
        self.script(LISTEN, vec![]);
        thread::sleep(long);
        let announced = self.script("return window.announced", vec![]);
        let announced = announced.as_array().cloned().unwrap_or_default();
        announced
            .iter()
            .map(|text| text.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// What pasting would give.
    #[track_caller]
    pub(crate) fn clipboard(&self) -> String {
        let origin = self.script("return location.origin", vec![]);
        let wanted = json!({"origin": origin, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
        self.cdp("Browser.grantPermissions", wanted);
        let read = self.wait(self.client.execute_async(CLIPBOARD, vec![]));
        match read {
            Ok(Value::String(text)) => text,
            other => panic!("the clipboard cannot be read: {other:?}"),
        }
    }
}
