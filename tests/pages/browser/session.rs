//! A browser's process: what it is started with, how many may run at once, how it ends.

use std::{
    cell::Cell,
    marker::PhantomData,
    path::PathBuf,
    rc::Rc,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{
    Browser,
    driver::{Driver, require},
};

/// What its user has set.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// `Accept-Language`, the most liked first: `en`, `zh-CN,zh,en`.
    pub(crate) languages: &'static str,
    /// Whether pages may run scripts.
    pub(crate) scripts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            languages: "en",
            scripts: true,
        }
    }
}

impl Options {
    pub(crate) fn chinese() -> Self {
        Self {
            languages: "zh-CN,zh",
            ..Self::default()
        }
    }

    pub(crate) fn without_scripts(self) -> Self {
        Self { scripts: false, ..self }
    }
}

pub(super) struct Session {
    profile: TempDir,
    _driver: Arc<Driver>,
    _turn: Turn,
}

impl Session {
    pub(super) fn start(runtime: &Runtime, options: &Options) -> (Self, Client) {
        let turn = Turn::take();
        let driver = Driver::running();
        let profile = TempDir::new_in(driver.dir()).expect("a directory for a profile");
        let wanted = capabilities(options, &profile);
        let Value::Object(wanted) = wanted else {
            unreachable!("capabilities are an object")
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted);
        let client = runtime.block_on(builder.connect(&driver.url()));
        let client = client.unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        let session = Self {
            profile,
            _driver: driver,
            _turn: turn,
        };
        (session, client)
    }

    /// Where what is downloaded comes to lie.
    pub(super) fn downloads(&self) -> PathBuf {
        self.profile.path().join("downloads")
    }

    /// Closes the browser, which then is no process any more.
    pub(super) fn end(&self, runtime: &Runtime, client: &Client) {
        let _closed = runtime.block_on(client.clone().close());
    }
}

fn capabilities(options: &Options, profile: &TempDir) -> Value {
    let first = options.languages.split(',').next().unwrap_or_default();
    let args = [
        "--headless=new".to_owned(),
        // Tests run as root in containers, where Chromium's own sandbox does not start.
        "--no-sandbox".into(),
        "--disable-dev-shm-usage".into(),
        "--disable-gpu".into(),
        // A Chromium whose driver is gone ends.
        "--remote-debugging-pipe".into(),
        format!("--user-data-dir={}", profile.path().display()),
        format!("--lang={first}"),
        "--no-first-run".into(),
        "--disable-background-networking".into(),
        "--disable-component-update".into(),
        "--disable-extensions".into(),
        "--disable-search-engine-choice-screen".into(),
        // The same picture on every machine.
        "--force-color-profile=srgb".into(),
        "--font-render-hinting=none".into(),
        "--hide-scrollbars".into(),
        "--window-size=1280,900".into(),
    ];
    json!({
        "browserName": "chrome",
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {
            "binary": require("chromium", "chromium"),
            "args": args,
            "prefs": {
                "intl.accept_languages": options.languages,
                "intl.selected_languages": options.languages,
            },
        },
    })
}

/// Tests that have a browser at the same time: more only wait for each other on a small machine.
const AT_ONCE: usize = 3;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

thread_local! {
    /// Browsers of this test: whoever has one gets another without waiting, or three who want a second wait for ever.
    static MINE: Cell<usize> = const { Cell::new(0) };
}

/// The right to have a browser run. It is the test's, which is a thread, and stays there.
struct Turn(PhantomData<Rc<()>>);

impl Turn {
    /// Waits until there are few enough.
    fn take() -> Self {
        if MINE.get() == 0 {
            let mut running = ENDED
                .wait_while(lock(), |running| *running >= AT_ONCE)
                .unwrap_or_else(PoisonError::into_inner);
            *running += 1;
        }
        MINE.set(MINE.get() + 1);
        Self(PhantomData)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        MINE.set(MINE.get() - 1);
        if MINE.get() == 0 {
            *lock() -= 1;
            ENDED.notify_one();
        }
    }
}

fn lock() -> MutexGuard<'static, usize> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Browser {
    /// What is set once the process runs.
    pub(super) fn prepare(&self) {
        if !self.options.scripts {
            self.allow_scripts(false);
        }
        let downloads = self.session.downloads();
        self.cdp(
            "Browser.setDownloadBehavior",
            json!({"behavior": "allow", "downloadPath": downloads}),
        );
        self.viewport(1280, 900, 1);
    }

    /// Whether pages may run scripts in it.
    pub(crate) fn runs_scripts(&self) -> bool {
        self.options.scripts
    }

    pub(super) fn allow_scripts(&self, allowed: bool) {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({"value": !allowed}));
    }

    /// The only file that was downloaded, once it is there whole: its name and content.
    #[track_caller]
    pub(crate) fn downloaded(&self) -> (String, Vec<u8>) {
        let files = || -> Vec<PathBuf> {
            let entries = std::fs::read_dir(self.session.downloads())
                .into_iter()
                .flatten()
                .flatten();
            entries.map(|entry| entry.path()).collect()
        };
        self.until(
            "one file is downloaded",
            || matches!(&files()[..], [one] if one.extension().is_none_or(|ext| ext != "crdownload")),
        );
        let file = files().remove(0);
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(&file).expect("it can be read"))
    }

    /// For people who look at a test that failed: what was on the page, as text and as a picture.
    pub(super) fn leave_evidence(&self) {
        let url = self.runtime.block_on(self.client.current_url());
        let text = self
            .runtime
            .block_on(self.client.execute("return document.body.innerText", vec![]));
        let text = text.unwrap_or_default();
        eprintln!("the page at {url:?} said:\n{}", text.as_str().unwrap_or_default());
        self.listen();
        eprintln!("its console: {:?}", self.heard.borrow());
        let name = thread::current().name().unwrap_or("unnamed").replace("::", "-");
        if let Ok(picture) = self.try_screenshot() {
            eprintln!(
                "a picture of it: {}",
                super::walk::keep(&format!("failed-{name}"), &picture).display()
            );
        }
    }
}
