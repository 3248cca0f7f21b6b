//! chromedriver: one for all browsers of this program, and gone with it.

use std::{
    env,
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::LazyLock,
};

/// It ends when its standard input does, and so with this process, however that ends; each Chromium hangs on a pipe of it,
/// and leaves its files once it is gone.
const UNTIL_NOBODY_LISTENS: &str = r#"chromedriver --port=0 & driver=$!; cat >/dev/null; kill $driver; wait $driver
for second in 1 2 3 4 5; do rm -rf "$TMPDIR" && break; sleep 1; done"#;

pub(super) struct Driver {
    _shell: Child,
    /// Open for as long as this process lives.
    _listening: ChildStdin,
    port: u16,
    /// Where it and its browsers leave what they need, profiles too.
    dir: PathBuf,
}

impl Driver {
    /// The one that runs.
    pub(super) fn running() -> &'static Self {
        static RUNNING: LazyLock<Driver> = LazyLock::new(Driver::start);
        &RUNNING
    }

    fn start() -> Self {
        require("chromedriver", "chromium-driver");
        let dir = tempfile::tempdir().expect("a temporary directory").keep();
        let mut shell = Command::new("sh")
            .args(["-c", UNTIL_NOBODY_LISTENS])
            .env("TMPDIR", &dir)
            .env("HOME", &dir)
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
        let listening = shell.stdin.take().expect("stdin is piped");
        Self {
            _shell: shell,
            _listening: listening,
            port,
            dir,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
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
