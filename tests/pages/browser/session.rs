//! A browser's process: what it is started with, who has it when, how many may run at once, how it ends.

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
    /// What would be clicked is reached by Tab, and worked by keys.
    pub(crate) by_keyboard: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            languages: "en",
            scripts: true,
            by_keyboard: false,
        }
    }
}

impl Options {
    /// A Chinese reader, who has no mouse: so each journey is finished by keyboard alone in one of its variants.
    pub(crate) fn chinese() -> Self {
        Self {
            languages: "zh-CN,zh",
            ..Self::default().with_keys_alone()
        }
    }

    pub(crate) fn with_keys_alone(self) -> Self {
        Self {
            by_keyboard: true,
            ..self
        }
    }

    pub(crate) fn without_scripts(self) -> Self {
        Self { scripts: false, ..self }
    }
}

/// A Chromium with a profile of its own. Starting one takes a second or more: a test that passed leaves it to the next.
struct Process {
    runtime: Arc<Runtime>,
    client: Client,
    profile: TempDir,
    languages: &'static str,
}

/// Those that no test has.
static IDLE: Mutex<Vec<Process>> = Mutex::new(Vec::new());

impl Process {
    /// One of these languages: one that is idle, or a new one.
    fn of(languages: &'static str) -> Self {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle.iter().position(|process| process.languages == languages);
        let process = found.map(|place| idle.swap_remove(place));
        drop(idle);
        process.unwrap_or_else(|| Self::start(languages))
    }

    fn start(languages: &'static str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let driver = Driver::running();
        let profile = TempDir::new_in(driver.dir()).expect("a directory for a profile");
        let Value::Object(wanted) = capabilities(languages, &profile) else {
            unreachable!("capabilities are an object")
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted);
        let client = runtime.block_on(builder.connect(&driver.url()));
        let client = client.unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        Self {
            runtime: Arc::new(runtime),
            client,
            profile,
            languages,
        }
    }
}

/// A test's use of a browser.
pub(super) struct Session {
    process: Option<Process>,
    _turn: Turn,
}

impl Session {
    pub(super) fn begin(options: &Options) -> Self {
        let turn = Turn::take();
        Self {
            process: Some(Process::of(options.languages)),
            _turn: turn,
        }
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it is there until the session ends")
    }

    /// What drives it.
    pub(super) fn client(&self) -> (Arc<Runtime>, Client) {
        let process = self.process();
        (process.runtime.clone(), process.client.clone())
    }

    /// Where what is downloaded comes to lie.
    pub(super) fn downloads(&self) -> PathBuf {
        self.process().profile.path().join("downloads")
    }

    /// Leaves the browser to the next test.
    pub(super) fn leave(&mut self) {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.process.take());
    }

    /// Closes the browser, which then is no process any more.
    pub(super) fn end(&mut self) {
        if let Some(process) = self.process.take() {
            let _closed = process.runtime.block_on(process.client.close());
        }
    }
}

fn capabilities(languages: &str, profile: &TempDir) -> Value {
    let first = languages.split(',').next().unwrap_or_default();
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
                "intl.accept_languages": languages,
                "intl.selected_languages": languages,
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
    /// As if nobody had used it before.
    pub(super) fn prepare(&self) {
        self.open("about:blank");
        for (command, params) in [
            ("Page.resetNavigationHistory", json!({})),
            ("Storage.clearCookies", json!({})),
            ("Network.clearBrowserCache", json!({})),
            ("Browser.resetPermissions", json!({})),
            ("Emulation.setEmulatedMedia", json!({"features": []})),
        ] {
            self.cdp(command, params);
        }
        self.allow_scripts(self.options.scripts);
        let downloads = self.session.downloads();
        let _none_were_there = std::fs::remove_dir_all(&downloads);
        self.cdp(
            "Browser.setDownloadBehavior",
            json!({"behavior": "allow", "downloadPath": downloads}),
        );
        self.viewport(1280, 900, 1);
        self.take_console();
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
