//! The serving process, seen from its parent.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    ops::Sub,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use crate::Any;

/// Ended when dropped.
pub(crate) struct ServerProcess {
    child: Child,
    /// `None` once it is told to end.
    says: Option<ChildStdin>,
    hears: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    pub(crate) api_key: String,
    /// From its start until it listened.
    pub(crate) start_up: Duration,
}

/// What the server has used and done so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Of the whole process, user and system.
    pub(crate) cpu_us: u64,
    /// Commits of the lane.
    pub(crate) commits: u64,
    /// Rows of the trail in them.
    pub(crate) events: u64,
    /// What the lane waited for them.
    pub(crate) commit_us: u64,
    /// What the lane waited for its reads.
    pub(crate) load_us: u64,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            cpu_us: self.cpu_us - earlier.cpu_us,
            commits: self.commits - earlier.commits,
            events: self.events - earlier.events,
            commit_us: self.commit_us - earlier.commit_us,
            load_us: self.load_us - earlier.load_us,
        }
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.cpu_us += more.cpu_us;
        self.commits += more.commits;
        self.events += more.events;
        self.commit_us += more.commit_us;
        self.load_us += more.load_us;
    }
}

impl ServerProcess {
    /// This program once more, serving the store of `dir` by a clock that was moved so often before; ready when this returns.
    pub(crate) fn start(dir: &Path, moves: u64) -> Any<Self> {
        let begun = Instant::now();
        let mut child = Command::new(env::current_exe()?)
            .arg("--serve")
            .arg(dir)
            .args(["--moves", &moves.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let says = child.stdin.take();
        let hears = BufReader::new(child.stdout.take().ok_or("the server has no stdout")?);
        let mut process = Self {
            child,
            says,
            hears,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            api_key: String::new(),
            start_up: Duration::ZERO,
        };
        let line = process.line()?;
        let ["ready", address, key] = line.split_ascii_whitespace().collect::<Vec<_>>()[..] else {
            return Err(format!("the server said: {line}").into());
        };
        process.address = address.parse()?;
        process.api_key = key.into();
        process.start_up = begun.elapsed();
        Ok(process)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What of it is in memory now.
    pub(crate) fn resident_bytes(&self) -> Any<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix(" kB"));
        let kib: u64 = resident.ok_or("/proc/PID/status has no VmRSS")?.trim().parse()?;
        Ok(kib * 1_024)
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) -> Any<()> {
        self.child.kill()?;
        Ok(())
    }

    /// Moves the clock on by one step; it shows the new time when this returns.
    pub(crate) fn move_clock(&mut self) -> Any<()> {
        match self.ask("move")?.as_str() {
            "moved" => Ok(()),
            other => Err(format!("the server said: {other}").into()),
        }
    }

    /// Fills the index of what happened to whom up to the end of the trail, as a service does beside its calls.
    pub(crate) fn fill_index(&mut self) -> Any<()> {
        match self.ask("index")?.as_str() {
            "indexed" => Ok(()),
            other => Err(format!("the server said: {other}").into()),
        }
    }

    /// Waits until the server has read everybody's row.
    pub(crate) fn warm_up(&mut self) -> Any<()> {
        match self.ask("warm")?.as_str() {
            "warm" => Ok(()),
            other => Err(format!("the server said: {other}").into()),
        }
    }

    pub(crate) fn usage(&mut self) -> Any<Usage> {
        let line = self.ask("count")?;
        let numbers = line
            .split_ascii_whitespace()
            .map(str::parse)
            .collect::<Result<Vec<u64>, _>>()?;
        let [commits, events, commit_us, load_us] = numbers[..] else {
            return Err(format!("the server said: {line}").into());
        };
        Ok(Usage {
            cpu_us: self.cpu_us()?,
            commits,
            events,
            commit_us,
            load_us,
        })
    }

    /// In ticks of 10 ms, as Linux counts for every process whatever its own clock.
    fn cpu_us(&self) -> Any<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        // The name of the program stands in parentheses and may hold blanks; user and system time are the 12th and
        // 13th field after it.
        let (_, fields) = stat.rsplit_once(')').ok_or("/proc/PID/stat has no name")?;
        let ticks = fields.split_ascii_whitespace().skip(11).take(2).map(str::parse::<u64>);
        Ok(ticks.sum::<Result<u64, _>>()? * 10_000)
    }

    fn ask(&mut self, what: &str) -> Any<String> {
        let says = self.says.as_mut().ok_or("the server was told to end")?;
        writeln!(says, "{what}")?;
        self.line()
    }

    fn line(&mut self) -> Any<String> {
        let mut line = String::new();
        if self.hears.read_line(&mut line)? == 0 {
            return Err("the server ended; its message is above".into());
        }
        Ok(line.trim_end().into())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.says.take());
        let _ended_in_any_case = self.child.wait();
    }
}
