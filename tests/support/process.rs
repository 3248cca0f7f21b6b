//! Processes that end with the test, however it ends.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{http::Api, pty::Pty};

/// No command that answers takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test, in an environment that holds nothing but `PATH`.
pub(crate) fn countersign() -> Command {
    bare(env!("CARGO_BIN_EXE_countersign"))
}

/// Any program in an environment that holds nothing but `PATH`.
pub(crate) fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

/// The program under test in a session of its own (`setsid`, from util-linux): whoever runs the tests is not asked at their
/// terminal. The process is the same one.
fn without_a_terminal(command: &Command) -> Option<Command> {
    if command.get_program() != env!("CARGO_BIN_EXE_countersign") {
        return None;
    }
    let mut alone = bare("setsid");
    alone.arg(command.get_program()).args(command.get_args());
    alone.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.get_current_dir().map(|dir| alone.current_dir(dir));
    Some(alone)
}

/// A process that was started and will end before its owner does.
pub(crate) struct Running {
    child: Child,
    /// Of its terminal, where it has one.
    keyboard: Option<File>,
    out: Arc<Said>,
    err: Arc<Said>,
}

/// What a process came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// What a process has said so far on one of its streams.
#[derive(Default)]
struct Said(Mutex<(Vec<u8>, bool)>);

impl Said {
    fn listen(mut stream: impl Read + Send + 'static) -> Arc<Self> {
        let said = Arc::new(Self::default());
        let kept = said.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            loop {
                let read = stream.read(&mut buffer).unwrap_or(0);
                let mut kept = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
                kept.0.extend_from_slice(&buffer[..read]);
                kept.1 = read == 0;
                if kept.1 {
                    return;
                }
            }
        });
        said
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner).0).into_owned()
    }

    fn ended(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut alone = without_a_terminal(command);
        let command = alone.as_mut().unwrap_or(command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let out = Said::listen(child.stdout.take().expect("it is piped"));
        let err = Said::listen(child.stderr.take().expect("it is piped"));
        Self {
            child,
            keyboard: None,
            out,
            err,
        }
    }

    /// Starts it as a person does: stdin, stdout and stderr are a terminal, and all that is said is on stdout.
    pub(crate) fn on_a_terminal(command: &Command) -> Self {
        let pty = Pty::open(200, 60);
        let child = pty.start(command);
        let shown = pty.keyboard.try_clone().expect("a descriptor");
        Self {
            child,
            keyboard: Some(pty.keyboard),
            out: Said::listen(shown),
            err: Said::listen(io::empty()),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn out(&self) -> String {
        self.out.so_far()
    }

    pub(crate) fn err(&self) -> String {
        self.err.so_far()
    }

    /// Whether it ended by itself.
    pub(crate) fn ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Types this.
    pub(crate) fn type_in(&mut self, text: &str) {
        let stdin: &mut dyn Write = match &mut self.keyboard {
            Some(keyboard) => keyboard,
            None => self.child.stdin.as_mut().expect("it is piped"),
        };
        stdin.write_all(text.as_bytes()).expect("somebody reads it");
        stdin.flush().expect("somebody reads it");
    }

    /// Says nothing more.
    pub(crate) fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
        if let Some(keyboard) = &mut self.keyboard {
            // Ctrl-D.
            keyboard.write_all(b"\x04").expect("a terminal");
        }
    }

    /// Waits for the process to say `what`, on either stream.
    #[track_caller]
    pub(crate) fn hear(&self, what: &str) -> String {
        self.hear_times(what, 1)
    }

    /// The same, so many times.
    #[track_caller]
    pub(crate) fn hear_times(&self, what: &str, times: usize) -> String {
        self.hear_until(what, |said| said.matches(what).count() >= times)
    }

    /// The same, and the rest of its line.
    #[track_caller]
    #[allow(dead_code, reason = "not every story reads lines")]
    pub(crate) fn hear_line(&self, what: &str) -> String {
        self.hear_until(what, |said| {
            said.split_once(what).is_some_and(|(_, rest)| rest.contains('\n'))
        })
    }

    #[track_caller]
    fn hear_until(&self, what: &str, enough: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let all_was_said = self.out.ended() && self.err.ended();
            let heard = [self.out(), self.err()].into_iter().find(|said| enough(said));
            match heard {
                Some(heard) => return heard,
                None if all_was_said || Instant::now() > until => {
                    panic!("never heard {what:?}; stdout: {}\nstderr: {}", self.out(), self.err())
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// SIGKILL: nothing of the program runs after this. What it had said on stderr.
    pub(crate) fn kill(mut self) -> String {
        self.kill_now();
        self.err()
    }

    fn kill_now(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// SIGTERM, or another.
    pub(crate) fn ask_to_end(&self, signal: &str) {
        let script = format!("kill -{signal} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &script])
                .status()
                .expect("a shell")
                .success()
        );
    }

    /// Says nothing more, and waits for the process to end by itself.
    pub(crate) fn wait(mut self) -> Ended {
        self.close_stdin();
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                while !(self.out.ended() && self.err.ended()) {
                    thread::sleep(Duration::from_millis(1));
                }
                return Ended {
                    status,
                    out: self.out(),
                    err: self.err(),
                };
            }
            assert!(
                Instant::now() < until,
                "it does not end; it said {}{}",
                self.out(),
                self.err()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill_now();
    }
}

impl Ended {
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// The same, once the exit code is this one.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

/// Runs a command to its end, with this on its stdin.
pub(crate) fn run(command: &mut Command, typed: &str) -> Ended {
    let mut running = Running::start(command);
    // A command that reads nothing may be gone already.
    let _unread = running
        .child
        .stdin
        .as_mut()
        .expect("it is piped")
        .write_all(typed.as_bytes());
    running.wait()
}

/// `countersign serve` on a data directory.
pub(crate) struct Served {
    pub(crate) running: Running,
    pub(crate) url: String,
    /// Where whoever watches the service asks.
    pub(crate) admin: Option<String>,
    pub(crate) dir: PathBuf,
}

impl Served {
    /// Starts it on a free port and waits until it greets.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::greeting(Running::start(&mut serve(dir)), dir)
    }

    /// Waits for this process to greet.
    pub(crate) fn greeting(running: Running, dir: &Path) -> Self {
        let said = running.hear("countersign user verify");
        let first = said.lines().next().expect("a first line");
        let (_, url) = first
            .split_once("Countersign serves ")
            .unwrap_or_else(|| panic!("no greeting: {first}"));
        let admin = said.lines().find_map(|line| {
            let (_, url) = line.split_once("probes    ")?;
            url.strip_suffix("/readyz").map(str::to_owned)
        });
        Self {
            running,
            url: url.to_owned(),
            admin,
            dir: dir.to_owned(),
        }
    }

    /// A caller with the first key.
    pub(crate) fn api(&self) -> Api {
        let key = std::fs::read_to_string(self.dir.join("admin.key")).expect("the first key's file");
        Api::new(&self.url, key.trim())
    }

    /// `countersign user …` against this service.
    pub(crate) fn user(&self, args: &[&str]) -> Command {
        let mut command = countersign();
        command
            .arg("user")
            .args(args)
            .args(["--server", &self.url, "--data-dir"])
            .arg(&self.dir);
        command
    }

    /// `countersign …` on this service's data directory.
    pub(crate) fn beside(&self, args: &[&str]) -> Command {
        let mut command = countersign();
        command.args(args).arg("--data-dir").arg(&self.dir);
        command
    }

    /// SIGTERM, and what it came to.
    pub(crate) fn end(self) -> Ended {
        self.running.ask_to_end("TERM");
        self.running.wait()
    }
}

/// `countersign serve` on free ports of this machine.
pub(crate) fn serve(dir: &Path) -> Command {
    let mut command = countersign();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir)
        .env("COUNTERSIGN_ADMIN_LISTEN", "127.0.0.1:0");
    command
}
