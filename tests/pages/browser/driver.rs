//! chromedriver: one for all browsers of this program, gone with the last of them.

use std::{
    env,
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tempfile::TempDir;

/// It ends when its standard input does, and so with this process, however that ends; each Chromium hangs on a pipe of it.
const UNTIL_NOBODY_LISTENS: &str = r#"chromedriver --port=0 & driver=$!; cat >/dev/null; kill $driver; wait $driver"#;

pub(super) struct Driver {
    shell: Child,
    port: u16,
    /// Where it and its browsers leave what they need, profiles too.
    dir: TempDir,
}

impl Driver {
    /// The one that runs, or a new one.
    pub(super) fn running() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Driver>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *running = Arc::downgrade(&started);
            started
        })
    }

    fn start() -> Self {
        require("chromedriver", "chromium-driver");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut shell = Command::new("sh")
            .args(["-c", UNTIL_NOBODY_LISTENS])
            .env("TMPDIR", dir.path())
            .env("HOME", dir.path())
            // Pages say times in the reader's own zone.
            .env("TZ", "UTC")
            .env_remove("DISPLAY")
            // An interrupt at the terminal is for the test, which then ends this one.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell runs");
        let mut said = BufReader::new(shell.stdout.take().expect("stdout is piped")).lines();
        let port = said
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| port(&line))
            .expect("chromedriver says its port");
        // It has more to say, and would wait for somebody to hear it.
        std::thread::spawn(move || said.for_each(drop));
        Self { shell, port, dir }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ended = self.shell.wait();
    }
}

/// `ChromeDriver was started successfully on port 40123.`
fn port(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}

/// The path of a program of Debian.
pub(super) fn require(program: &str, package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{program} is missing: install the Debian package {package}"))
}
