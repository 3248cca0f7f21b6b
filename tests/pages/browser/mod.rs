//! A browser as its user has it: what is on the page, what is typed and clicked, what the keyboard reaches. Behind it is
//! Chromium, driven by fantoccini over chromedriver.
//!
//! Each [`Browser`] has a process and a profile of its own while the test lasts; the next test gets it with nothing left of
//! this one. Where the test failed it leaves the page's text and a picture; where it did not, it fails if the page broke its own Content-Security-Policy or a script
//! ended in an error.

mod announced;
mod axe;
mod commands;
mod driver;
mod golden;
mod keyboard;
mod layout;
mod looks;
mod session;
mod walk;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fantoccini::{Client, Locator, elements::Element, error::CmdError};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub(crate) use fantoccini::key::Key;
pub(crate) use golden::percent_differing;
pub(crate) use looks::Shade;
pub(crate) use session::Options;
use session::Session;

/// How long a page may take to show what is waited for, on a machine that does other things too. It is the machine's
/// time: the service's stands still meanwhile.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(40);

pub(crate) struct Browser {
    runtime: Arc<Runtime>,
    client: Client,
    session: Session,
    options: Options,
    /// What the browser's console said so far and nobody took.
    heard: std::cell::RefCell<Vec<Message>>,
}

/// A line of the browser's console.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// `security`, `javascript`, `network`, `console-api`, …
    pub(crate) source: String,
    /// `SEVERE`, `WARNING`, `INFO`, …
    pub(crate) level: String,
    pub(crate) text: String,
}

impl Message {
    fn is_violation(&self) -> bool {
        self.text.contains("Content Security Policy") || self.text.contains("Content-Security-Policy")
    }

    /// A page that answers 4xx is in the console too, and no fault.
    fn is_fault(&self) -> bool {
        self.is_violation() || (self.level == "SEVERE" && self.source != "network")
    }
}

impl Browser {
    /// In English, with JavaScript.
    pub(crate) fn start() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let session = Session::begin(&options);
        let (runtime, client) = session.client();
        let browser = Self {
            runtime,
            client,
            session,
            options,
            heard: Vec::new().into(),
        };
        browser.prepare();
        browser
    }

    /// Goes to an address, as if it had been typed; is back when the page is loaded.
    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        let opened = self.wait(self.client.goto(url));
        opened.unwrap_or_else(|error| panic!("{url} cannot be opened: {error}"));
    }

    pub(crate) fn url(&self) -> String {
        let url = self.wait(self.client.current_url());
        url.expect("a page has an address").to_string()
    }

    #[track_caller]
    pub(crate) fn back(&self) {
        self.wait(self.client.back()).expect("there is a page before this one");
    }

    #[track_caller]
    pub(crate) fn reload(&self) {
        self.wait(self.client.refresh()).expect("the page can be loaded anew");
    }

    pub(crate) fn title(&self) -> String {
        self.wait(self.client.title()).expect("a page has a title")
    }

    /// The visible text of the first such element, once there is one.
    #[track_caller]
    pub(crate) fn text(&self, selector: &str) -> String {
        self.on(selector, "has a text", |element| self.wait(element.text()))
    }

    /// The visible texts of all such elements, as many as there are now.
    #[track_caller]
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let all = self.wait(self.client.find_all(Locator::Css(selector)));
        let all = all.unwrap_or_else(|error| panic!("{selector}: {error}"));
        let text = |element: &Element| self.wait(element.text()).unwrap_or_default();
        all.iter().map(text).collect()
    }

    /// What stands in a field.
    #[track_caller]
    pub(crate) fn value(&self, selector: &str) -> String {
        let value = self.on(selector, "has a value", |element| self.wait(element.prop("value")));
        value.unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.on(selector, "has attributes", |element| self.wait(element.attr(name)))
    }

    /// Whether there is such an element now, and it can be seen.
    pub(crate) fn shows(&self, selector: &str) -> bool {
        let found = self.wait(self.client.find(Locator::Css(selector)));
        found.is_ok_and(|element| self.wait(element.is_displayed()).unwrap_or(false))
    }

    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        if self.options.by_keyboard {
            return self.work(selector);
        }
        self.on(selector, "can be clicked", |element| self.wait(element.click()));
    }

    /// Empties a field and types into it.
    #[track_caller]
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        if self.options.by_keyboard {
            return self.type_over(selector, text);
        }
        self.on(selector, "can be typed into", |element| {
            self.wait(async {
                element.clear().await?;
                element.send_keys(text).await
            })
        });
    }

    /// Chooses a file in a field for one. Where it lies is asked in a window of the browser's own, which no test sees.
    #[track_caller]
    pub(crate) fn choose_file(&self, selector: &str, path: &str) {
        if self.options.by_keyboard {
            self.tab_to(selector);
        }
        self.on(selector, "takes a file", |element| self.wait(element.send_keys(path)));
    }

    /// Waits until there is such an element that can be seen.
    #[track_caller]
    pub(crate) fn wait_for(&self, selector: &str) {
        self.until(&format!("{selector} is shown"), || self.shows(selector));
    }

    /// Waits until no such element can be seen any more.
    #[track_caller]
    pub(crate) fn wait_until_gone(&self, selector: &str) {
        self.until(&format!("{selector} is gone"), || !self.shows(selector));
    }

    /// Waits until this text is on the page.
    #[track_caller]
    pub(crate) fn wait_for_text(&self, text: &str) {
        self.until(&format!("the page says {text:?}"), || self.page_text().contains(text));
    }

    /// Waits until the browser is at an address that begins so, and says where it is.
    #[track_caller]
    pub(crate) fn wait_for_url(&self, prefix: &str) -> String {
        self.until(&format!("the address begins with {prefix}"), || {
            self.url().starts_with(prefix)
        });
        self.url()
    }

    /// Waits until it is so, and says what was waited for if it never is.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, so: impl Fn() -> bool) {
        until(PATIENCE, what, so);
    }

    /// Everything on the page that can be seen, as text.
    pub(crate) fn page_text(&self) -> String {
        let text = self.script("return document.body ? document.body.innerText : ''", vec![]);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The cookies of this browser, with all that the server said of them.
    pub(crate) fn cookies(&self) -> Vec<Value> {
        let all = self.cdp("Storage.getCookies", json!({}));
        all["cookies"].as_array().cloned().unwrap_or_default()
    }

    /// What the console said since it was last taken.
    pub(crate) fn take_console(&self) -> Vec<Message> {
        self.listen();
        self.heard.take()
    }

    /// What the page was stopped from by its own Content-Security-Policy. They are taken: the test has seen them.
    pub(crate) fn take_violations(&self) -> Vec<String> {
        self.listen();
        let mut heard = self.heard.borrow_mut();
        let violations = heard.extract_if(.., |message| message.is_violation());
        violations.map(|message| message.text).collect()
    }

    /// Fails if the page broke its own policy or a script ended in an error. Every browser does so at its end.
    #[track_caller]
    pub(crate) fn assert_no_faults(&self) {
        self.listen();
        self.assert_none_heard();
    }

    #[track_caller]
    fn assert_none_heard(&self) {
        let heard = self.heard.borrow();
        let faults: Vec<_> = heard.iter().filter(|message| message.is_fault()).collect();
        assert!(faults.is_empty(), "the browser's console: {faults:#?}");
    }

    /// Runs a function's body in the page. It is the test's tool, and runs where the page's own scripts may not.
    #[track_caller]
    pub(crate) fn script(&self, body: &str, args: Vec<Value>) -> Value {
        let done = self.wait(self.client.execute(body, args));
        done.unwrap_or_else(|error| panic!("a script of the test failed: {error}\n{body}"))
    }

    /// Does something with the first such element, once there is one that lets it be done.
    #[track_caller]
    fn on<T>(&self, selector: &str, what: &str, act: impl Fn(&Element) -> Result<T, CmdError>) -> T {
        let begun = Instant::now();
        loop {
            let found = self.wait(self.client.find(Locator::Css(selector)));
            match found.and_then(|element| act(&element)) {
                Ok(done) => return done,
                Err(error) if begun.elapsed() < PATIENCE && passes(&error) => thread::sleep(PAUSE),
                Err(error) => panic!("nothing that is {selector} {what}: {error}"),
            }
        }
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

#[track_caller]
fn until(patience: Duration, what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < patience, "after {patience:?} still not so: {what}");
        thread::sleep(PAUSE);
    }
}

/// Whether it may go by: the page is being loaded, or has not come to it yet.
fn passes(error: &CmdError) -> bool {
    error.is_no_such_element() || error.is_stale_element_reference() || error.is_element_not_interactable()
}

impl Drop for Browser {
    fn drop(&mut self) {
        if thread::panicking() {
            self.leave_evidence();
            self.session.end();
        } else {
            self.listen();
            self.session.leave();
            self.assert_none_heard();
        }
    }
}
