//! Visits of users: a browser that came by a console's link, and is on its page.

use crate::{
    browser::{Browser, Options},
    console::Console,
    world::{User, World},
};

/// What is another one each time.
pub(crate) const VARYING: &[&str] = &[".qr", "#key", "#codes", "time"];

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
        self.browser.click("main button");
        self.browser.wait_until_gone("input[name=token]");
    }

    /// Goes to a page by its address.
    pub(crate) fn open(&self, path: &str) {
        self.browser.open(&format!("http://{}{path}", self.world.address()));
    }

    /// Goes on by a link of the page.
    #[track_caller]
    pub(crate) fn follow(&self, path: &str) {
        self.browser.click(&format!("main a[href='{path}']"));
        self.browser.wait_until_gone(&format!("main a[href='{path}']"));
    }

    /// Looks at the page from all sides.
    #[track_caller]
    pub(crate) fn walk(&self, state: &str) {
        self.browser.walk(&format!("{}-{state}", self.name), VARYING);
    }

    /// Types a code, and sends it by the button if the page does not send it by itself.
    #[track_caller]
    pub(crate) fn show_code(&self, code: &str) {
        self.browser.type_into("#code", code);
        let sends = self.browser.runs_scripts() && self.browser.attribute("#code", "data-submit").is_some();
        if !sends {
            self.browser.click("main form button");
        }
    }

    /// Types a recovery code, and sends it.
    #[track_caller]
    pub(crate) fn show_recovery_code(&self, code: &str) {
        self.browser.click("summary");
        self.browser.type_into("#recovery_code", code);
        self.browser.click("main form button");
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
