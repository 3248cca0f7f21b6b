//! Visits of users: a browser that came by a console's link, and is on its page.

use crate::{
    browser::{Browser, Options},
    console::Console,
    world::{User, World},
};

/// What is another one each time.
pub(crate) const VARYING: &[&str] = &[".qr", "#key", "#codes", "time"];

/// What sends the form of a page.
const SENDS: &str = "main form button:not([type=button])";

/// A user on a page of theirs.
pub(crate) struct Visit<'w> {
    pub(crate) world: &'w World,
    pub(crate) console: Console,
    pub(crate) browser: Browser,
    /// The pictures' first part.
    name: &'static str,
}

impl<'w> Visit<'w> {
    /// Opens the link for this page, and goes through it.
    pub(crate) fn of(user: &User<'w>, page: &str, (options, name): (Options, &'static str)) -> Self {
        let visit = Self {
            world: user.world,
            console: Console::of(user.world),
            browser: Browser::with(options),
            name,
        };
        visit.enter(&visit.console.link(user, page));
        visit
    }

    /// Opens a link, and goes through it.
    pub(crate) fn enter(&self, link: &str) {
        self.browser.open(link);
        self.send();
    }

    /// Goes to a page by its address.
    pub(crate) fn open(&self, path: &str) {
        self.browser.open(&format!("http://{}{path}", self.world.address()));
    }

    /// Goes on by a link of the page.
    #[track_caller]
    pub(crate) fn follow(&self, path: &str) {
        self.leave(|| self.browser.click(&format!("main a[href='{path}']")));
    }

    /// Looks at the page from all sides.
    #[track_caller]
    pub(crate) fn walk(&self, state: &str) {
        self.browser.walk(&format!("{}-{state}", self.name), VARYING);
    }

    /// Sends the form, and waits for the page that comes then.
    #[track_caller]
    pub(crate) fn send(&self) {
        self.leave(|| self.browser.click(SENDS));
    }

    /// Does what leads to another page, and waits until this one is gone.
    #[track_caller]
    fn leave(&self, act: impl FnOnce()) {
        self.browser.script("document.documentElement.dataset.left = 1", vec![]);
        act();
        self.browser.wait_until_gone("html[data-left]");
    }

    /// Types a code, and sends it by the button if the page does not send it by itself.
    #[track_caller]
    pub(crate) fn show_code(&self, code: &str) {
        let sends = self.browser.attribute("#code", "data-submit").is_some() && self.browser.runs_scripts();
        self.leave(|| {
            self.browser.type_into("#code", code);
            if !sends {
                self.browser.click(SENDS);
            }
        });
    }

    /// Types two codes in a row, and sends them likewise.
    #[track_caller]
    pub(crate) fn show_two_codes(&self, first: &str, second: &str) {
        let sends = self.browser.attribute("#second", "data-submit").is_some() && self.browser.runs_scripts();
        self.leave(|| {
            self.browser.type_into("#first", first);
            self.browser.type_into("#second", second);
            if !sends {
                self.browser.click(SENDS);
            }
        });
    }

    /// Types a recovery code, and sends it.
    #[track_caller]
    pub(crate) fn show_recovery_code(&self, code: &str) {
        self.browser.click("summary");
        self.browser.type_into("#recovery_code", code);
        self.send();
    }

    /// What went wrong, once the page says so.
    #[track_caller]
    pub(crate) fn alert(&self) -> String {
        self.browser.text("[role=alert]")
    }

    /// The recovery codes that are shown, which the user says they have kept.
    #[track_caller]
    pub(crate) fn keep_codes(&self) -> Vec<String> {
        self.browser.wait_for("#codes");
        let codes = self.browser.texts("#codes li");
        assert_eq!(codes.len(), 10, "B6");
        self.browser.click("#kept");
        self.browser.click("main form.act button.primary");
        codes
    }

    /// Waits until the browser is back at the console.
    #[track_caller]
    pub(crate) fn comes_back(&self, outcome: &str) {
        let back = self.console.came_back(&self.browser);
        assert_eq!(back.said("outcome").as_deref(), Some(outcome));
        assert_eq!(back.said("state").as_deref(), Some(Console::STATE));
    }
}
