//! The real clock, entropy and environment. Nothing else in the product reads them; a lint sees to it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the one place that may"
)]

use std::{
    io::Read as _,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use authenticator::{Connect, Machine};
use ring::rand::{SecureRandom, SystemRandom};
use rustix::time::{ClockId, clock_gettime};
use service::{Clock, Entropy, PortError};
use verify::UnixMs;

/// The machine's clocks.
pub struct RealClock(());

impl RealClock {
    /// Cheap; the kernel keeps the time.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(())
    }
}

impl Clock for RealClock {
    fn now(&self) -> UnixMs {
        // A clock before 1970 is set back further than any record; the service says so.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMs::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic_ms(&self) -> i64 {
        // It is never set, and goes on while the machine sleeps.
        let since_boot = clock_gettime(ClockId::Boottime);
        since_boot.tv_sec * 1_000 + since_boot.tv_nsec / 1_000_000
    }

    /// True if `adjtimex` says that the kernel's clock is synchronised, whichever program disciplines it. Nothing that asks
    /// the kernel itself goes without `unsafe`, so this asks systemd, which does.
    fn synchronised(&self) -> bool {
        said("timedatectl", &["show", "--property=NTPSynchronized", "--value"]).is_some_and(|said| said.trim() == "yes")
    }
}

/// The time that a program may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// One short line of output of a program of this machine; nothing when it fails, or is not there.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                let mut line = String::new();
                let read = child.stdout.take()?.take(256).read_to_string(&mut line);
                return (status.success() && read.is_ok()).then_some(line);
            }
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ended_already = child.kill();
                let _reaped = child.wait();
                return None;
            }
        }
    }
}

/// The kernel's randomness.
pub struct RealEntropy(SystemRandom);

impl RealEntropy {
    /// Cheap; the kernel holds the state.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Entropy for RealEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), PortError> {
        self.0.fill(bytes).map_err(|_| PortError::Entropy)
    }
}

/// The machine as the authenticator may know it.
///
/// # Errors
/// The path of this program is not known.
pub fn machine(connect: Connect) -> std::io::Result<Machine> {
    Ok(Machine {
        unix_ms: || u64::try_from(RealClock::new().now().get()).unwrap_or(0),
        entropy: |bytes| RealEntropy::new().fill(bytes).map_err(|error| error.to_string()),
        home_dir: absolute("HOME"),
        data_dir: data_dir(),
        runtime_dirs: runtime_dirs(),
        executable: std::env::current_exe()?,
        locale: locale(),
        connect,
        no_color: no_color(),
    })
}

/// The directory that systemd and elogind make for whoever is logged in, or else one of our own below `/tmp`. Like
/// GnuPG's they are not `$XDG_RUNTIME_DIR`: what is unset in cron, and somebody else's after `sudo -E`, would hide an agent.
fn runtime_dirs() -> Vec<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    vec![
        format!("/run/user/{user}/countersign").into(),
        format!("/tmp/countersign-{user}").into(),
    ]
}

/// Now, as the API has times.
pub fn now() -> api::Timestamp {
    api::Timestamp::from_unix_ms(RealClock::new().now().get())
}

/// Now, as the API writes times.
pub fn now_rfc3339() -> String {
    now().to_string()
}

/// This program, as it was started: by a name of the PATH, or a path of its own.
pub fn program() -> String {
    let started = std::env::args_os().next().unwrap_or_default();
    started.to_string_lossy().into_owned()
}

/// `$XDG_DATA_HOME/countersign`, or its default below the home directory.
pub fn data_dir() -> Option<PathBuf> {
    let data_home = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(data_home.join("countersign"))
}

/// A path of the environment; a relative one means nothing (XDG Base Directory Specification).
fn absolute(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// The locale of messages (POSIX.1, 8.2): the first that says something.
fn locale() -> String {
    let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
    let mut said = names
        .into_iter()
        .filter_map(std::env::var_os)
        .filter(|name| !name.is_empty());
    said.next()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// True if colours are unwanted (<https://no-color.org>).
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The name of the user who runs this program, as the session says, for the trail: by `sudo` or by themselves.
pub fn login_name() -> Option<String> {
    let names = ["SUDO_USER", "LOGNAME", "USER"];
    let mut said = names.into_iter().filter_map(|name| std::env::var(name).ok());
    said.find(|name| !name.is_empty())
}

/// This machine's name, for the trail.
pub fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_else(|_| "localhost".into())
}
