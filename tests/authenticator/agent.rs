//! The agent: what it gives, to whom, how long, and what is left of it.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{Read as _, Write as _},
    os::unix::{
        fs::{FileExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::PathBuf,
    process::Stdio,
    thread,
    time::Duration,
};

use authenticator::{Authenticator, Machine};
use clap::Parser;
use rustix::process::{Pid, Signal, kill_process};

use super::pocket::Pocket;
use crate::support::terminal::Terminal;
use crate::support::{
    process::{Running, bare, run},
    until,
};

const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";
const NO_INPUT: &[&str] = &["code", "Example", "--no-input"];

/// An agent, found among all processes.
struct Seen {
    pid: u32,
    socket: PathBuf,
}

impl Seen {
    /// Every agent of this pocket, whether or not it can still be reached.
    fn all(pocket: &Pocket) -> Vec<Self> {
        let file = fs::read(pocket.vault()).expect("a vault");
        let id = vault::LockedVault::parse(&file).ok().map(|locked| *locked.id());
        let id = data_encoding::HEXLOWER.encode(&id.expect("a vault"));
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let agent = |pid: u32| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let mut words = words.split(|byte| *byte == 0).map(String::from_utf8_lossy);
            let socket = words.find(|word| word.ends_with(&id))?;
            let socket = PathBuf::from(socket.into_owned());
            Some(Self { pid, socket })
        };
        pids.filter_map(agent).collect()
    }

    /// The one that there is.
    #[track_caller]
    fn of(pocket: &Pocket) -> Self {
        let mut all = Self::all(pocket);
        assert_eq!(all.len(), 1, "agents of one vault");
        all.remove(0)
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid.cast_signed()).expect("a process");
        kill_process(pid, signal).expect("it runs");
    }

    fn is_gone(&self) -> bool {
        // A zombie has no memory; it waits for init to look.
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        status.is_empty() || status.contains("State:\tZ")
    }

    fn proc(&self, file: &str) -> Vec<u8> {
        fs::read(format!("/proc/{}/{file}", self.pid)).expect("it runs")
    }

    fn ask(&self, request: u8) -> UnixStream {
        let mut agent = UnixStream::connect(&self.socket).expect("it listens");
        agent.write_all(&[request]).expect("it reads");
        agent
    }

    fn key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        self.ask(b'k').read_exact(&mut key).expect("an answer");
        key
    }

    /// How often these bytes are in its memory, all of which is read; `None` where the kernel does not let us.
    fn memory_has(&self, bytes: &[u8]) -> Option<usize> {
        let memory = File::open(format!("/proc/{}/mem", self.pid)).ok()?;
        let maps = String::from_utf8(self.proc("maps")).expect("text");
        let mut found = 0;
        let mut read = 0;
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').expect("a range");
            if !rest.starts_with('r') || rest.ends_with("[vvar]") || rest.ends_with("[vsyscall]") {
                continue;
            }
            let (start, end) = range.split_once('-').expect("two ends");
            let [start, end] = [start, end].map(|at| u64::from_str_radix(at, 16).expect("hexadecimal"));
            let mut region = vec![0; usize::try_from(end - start).expect("it fits")];
            if memory.read_exact_at(&mut region, start).is_ok() {
                found += region.windows(bytes.len()).filter(|window| *window == bytes).count();
                read += region.len();
            }
        }
        assert!(read > 100_000, "its memory was read");
        Some(found)
    }
}

#[test]
fn unlocked_a_vault_asks_nobody_until_it_is_locked() {
    let pocket = Pocket::with(URI);
    let refused = run(&mut pocket.auth(NO_INPUT), "").with_code(2);
    assert!(
        refused.err.contains("no passphrase opens this vault"),
        "{}",
        refused.err
    );
    pocket.done(&["unlock", "--for", "10m"]);
    assert_eq!(run(&mut pocket.auth(NO_INPUT), "").with_code(0).out.len(), 7);
    // What shows a secret or changes a lock asks a person all the same.
    for args in [
        &["show", "Example", "--secret", "--yes"][..],
        &["export", "otpauth", "--plain"],
        &["slot", "remove", "0", "--yes"],
        &["passphrase", "--new-key"],
        &["unlock"],
    ] {
        let asked = run(&mut pocket.auth(args), "").with_code(2);
        assert_eq!(asked.out, "", "{args:?}");
    }
    let seen = Seen::of(&pocket);
    run(&mut pocket.auth(&["lock"]), "").with_code(0);
    until("the agent has ended", || seen.is_gone());
    assert!(!seen.socket.exists());
    run(&mut pocket.auth(NO_INPUT), "").with_code(2);
    assert!(
        run(&mut pocket.auth(&["lock"]), "")
            .with_code(0)
            .err
            .contains("locked already")
    );
}

#[test]
fn the_agent_ends_by_itself_and_a_new_one_takes_the_place_of_the_old() {
    let pocket = Pocket::with(URI);
    pocket.done(&["unlock", "--for", "10m"]);
    let first = Seen::of(&pocket);
    pocket.done(&["unlock", "--for", "1s"]);
    until("the first agent has ended", || first.is_gone());
    // The second may be over already, on a slow machine.
    until("the second agent's time is over", || Seen::all(&pocket).is_empty());
    run(&mut pocket.auth(NO_INPUT), "").with_code(2);
    assert!(!first.socket.exists() && !first.socket.with_extension("lock").exists());
}

#[test]
fn of_many_agents_one_stays_and_lock_ends_it() {
    let pocket = Pocket::with(URI);
    for _ in 0..4 {
        pocket.done(&["unlock", "--for", "10m"]);
        pocket.done(&["unlock", "--for", "10m"]);
        until("one agent is there", || Seen::all(&pocket).len() == 1);
        locked(&pocket, "locked");
    }
    let racers: Vec<_> = (0..6)
        .map(|_| {
            let mut unlocking = pocket.keyed(&["unlock", "--for", "10m"]);
            unlocking.stdin(Stdio::null()).stderr(Stdio::null());
            unlocking.spawn().expect("it starts")
        })
        .collect();
    for mut racer in racers {
        racer.wait().expect("it ends");
    }
    until("one agent is there", || Seen::all(&pocket).len() == 1);
    locked(&pocket, "locked");
}

#[test]
fn who_has_an_agent_lock_and_stays_connected_does_not_hide_its_successor() {
    let pocket = Pocket::with(URI);
    pocket.done(&["unlock", "--for", "10m"]);
    let lingering = Seen::of(&pocket).ask(b'l');
    pocket.done(&["unlock", "--for", "10m"]);
    drop(lingering);
    until("one agent is there", || Seen::all(&pocket).len() == 1);
    // It outlives the moment at which its predecessor, hung up on, would clean up.
    thread::sleep(Duration::from_millis(300));
    run(&mut pocket.auth(NO_INPUT), "").with_code(0);
    locked(&pocket, "locked");
}

#[test]
fn silent_connections_are_in_nobodys_way() {
    let pocket = Pocket::with(URI);
    pocket.done(&["unlock", "--for", "10m"]);
    let agent = Seen::of(&pocket);
    let connect = || UnixStream::connect(&agent.socket).expect("it listens");
    let _silent: Vec<_> = (0..100).map(|_| connect()).collect();
    run(&mut pocket.auth(NO_INPUT), "").with_code(0);
    locked(&pocket, "locked");
}

#[test]
fn an_agent_that_does_not_answer_is_not_taken_for_none() {
    let pocket = Pocket::with(URI);
    pocket.done(&["unlock", "--for", "10m"]);
    let agent = Seen::of(&pocket);
    agent.signal(Signal::STOP);
    let end_it = format!("kill -9 {}", agent.pid);
    let all = [&["lock"][..], &["unlock"], &["unlock", "--status"]];
    let asking: Vec<_> = all.iter().map(|args| Running::start(&mut pocket.keyed(args))).collect();
    for (args, asking) in all.iter().zip(asking) {
        let refused = asking.wait().with_code(1);
        assert!(
            refused.err.contains("does not answer") && refused.err.contains(&end_it),
            "{args:?}: {}",
            refused.err
        );
    }
    // Nor when its socket is out of sight.
    fs::remove_file(&agent.socket).expect("its socket");
    run(&mut pocket.auth(&["lock"]), "").with_code(1);
    agent.signal(Signal::CONT);
    until("the agent has ended", || agent.is_gone());
    locked(&pocket, "it was locked already");
}

/// What `lock` says is so: no agent is left.
#[track_caller]
fn locked(pocket: &Pocket, said: &str) {
    let ended = run(&mut pocket.auth(&["lock"]), "").with_code(0);
    assert_eq!(ended.err.trim_end(), said);
    until("no agent is left", || Seen::all(pocket).is_empty());
}

#[test]
fn an_agent_that_cannot_be_reached_any_more_ends() {
    let pocket = Pocket::with(URI);
    pocket.done(&["unlock", "--for", "10m"]);
    let agent = Seen::of(&pocket);
    fs::remove_file(&agent.socket).expect("its socket");
    until("the agent has ended", || agent.is_gone());
}

#[test]
fn an_agent_is_found_by_the_vault_and_not_by_path_or_environment() {
    let pocket = Pocket::with(URI);
    pocket.done(&["unlock", "--for", "10m"]);
    let elsewhere = pocket.path("elsewhere.vault");
    fs::rename(pocket.vault(), &elsewhere).expect("a file");
    let elsewhere = elsewhere.to_str().expect("UTF-8");
    let mut code = pocket.auth(&[NO_INPUT, &["--vault", elsewhere]].concat());
    run(code.env_remove("XDG_RUNTIME_DIR"), "").with_code(0);

    let gone = run(&mut pocket.auth(&["lock"]), "").with_code(1);
    assert!(gone.err.contains("lock --all"), "{}", gone.err);
    let mut lock = pocket.auth(&["lock", "--vault", elsewhere]);
    let locked = run(lock.env_remove("XDG_RUNTIME_DIR"), "").with_code(0);
    assert_eq!(locked.err, "locked\n");
}

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    authenticator: Authenticator,
}

/// A machine whose agents are nobody else's.
fn machine(home: &Pocket, runtime_dirs: &[&str]) -> Machine {
    Machine {
        unix_ms: || 0,
        entropy: |_| Err("none is needed".into()),
        home_dir: None,
        data_dir: Some(home.path("none")),
        runtime_dirs: runtime_dirs.iter().map(|dir| home.path(dir)).collect(),
        executable: env!("CARGO_BIN_EXE_countersign").into(),
        locale: String::new(),
        connect: |_| unreachable!("it is asked for no service"),
        no_color: true,
    }
}

/// `countersign authenticator …` on this machine, which is to say no.
#[track_caller]
fn refused(machine: &Machine, pocket: &Pocket, words: &[&str]) -> String {
    let vault = pocket.vault();
    let words: Vec<&OsStr> = ["countersign"].iter().chain(words).map(OsStr::new).collect();
    let words = [&words[..], &[OsStr::new("--vault"), vault.as_os_str()]].concat();
    let refusal = Program::parse_from(words)
        .authenticator
        .run(machine)
        .expect_err("it cannot be known");
    assert!(!refusal.is_usage, "exit code 1: {refusal}");
    format!("{refusal}")
}

/// The agent lives on behind a door that `lock` does not trust, or cannot open: that is no proof that it is gone.
#[test]
fn what_cannot_be_proven_locked_is_an_error() {
    let pocket = Pocket::with(URI);
    let machine = machine(&pocket, &["sockets", "second"]);
    let (vault, key) = (pocket.vault(), &pocket.key);
    let words = ["countersign", "unlock", "--for", "10m", "--vault"].map(OsStr::new);
    let words = [
        &words[..],
        &[vault.as_os_str(), OsStr::new("--key-file"), key.as_os_str()],
    ]
    .concat();
    let unlocked = Program::parse_from(words).authenticator.run(&machine);
    unlocked.map_err(|refusal| refusal.what).expect("it is unlocked");
    let agent = Seen::of(&pocket);
    let sockets = pocket.path("sockets");
    let mode = |mode| fs::set_permissions(&sockets, fs::Permissions::from_mode(mode)).expect("it is ours");
    let asked = [&["lock"][..], &["lock", "--all"], &["unlock", "--status"]];
    let refuses = |what: &str| {
        for words in asked {
            let said = refused(&machine, &pocket, words);
            assert!(
                said.contains("may still have the vault's key") && said.contains(what),
                "{words:?}: {said}"
            );
        }
        assert!(!agent.is_gone(), "it lives on: {what}");
    };
    for others in [0o750, 0o701, 0o777] {
        mode(others);
        refuses("`chmod 700` it");
    }
    mode(0o700);
    let moved = pocket.path("moved");
    fs::rename(&sockets, &moved).expect("it is ours");
    std::os::unix::fs::symlink(&moved, &sockets).expect("a link");
    refuses("is not a directory");
    fs::remove_file(&sockets).expect("the link");
    fs::rename(&moved, &sockets).expect("it is ours");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&sockets, Some(12_345), None).expect("root may");
        refuses("belongs to another user");
        std::os::unix::fs::chown(&sockets, Some(0), None).expect("root may");
    } else {
        mode(0o000);
        refuses("cannot be looked at");
        mode(0o700);
    }
    // A lock whose file was exchanged is nobody's, but somebody listens: he is told to lock, and obeys.
    fs::remove_file(agent.socket.with_extension("lock")).expect("its lock");
    let words = ["countersign", "lock", "--vault"].map(OsStr::new);
    let words = [&words[..], &[vault.as_os_str()]].concat();
    let locked = Program::parse_from(words).authenticator.run(&machine);
    locked.map_err(|refusal| refusal.what).expect("it is locked");
    until("the agent has ended", || agent.is_gone());
}

/// With sockets elsewhere than everybody's, because all of them are locked.
#[test]
fn lock_all_ends_every_agent_that_can_be_ended_and_names_the_others() {
    let pockets = [(); 3].map(|()| Pocket::with(URI));
    let machine = machine(&pockets[0], &["no/parent", "sockets"]);
    let run = |words: &[&OsStr]| {
        let words = [&[OsStr::new("countersign")], words].concat();
        Program::parse_from(words).authenticator.run(&machine)
    };
    let [unlock, lock, all] = ["unlock", "lock", "--all"].map(OsStr::new);
    for pocket in &pockets {
        let (vault, key) = (pocket.vault(), &pocket.key);
        let [say_vault, say_key] = ["--vault", "--key-file"].map(OsStr::new);
        let words = [unlock, say_vault, vault.as_os_str(), say_key, key.as_os_str()];
        run(&words).map_err(|refusal| refusal.what).expect("it is unlocked");
    }
    let agents = pockets.each_ref().map(Seen::of);
    agents[0].signal(Signal::STOP);
    let refusal = run(&[lock, all]).expect_err("one is stopped");
    assert!(
        refusal.what.contains(&format!("process {},", agents[0].pid)),
        "{refusal}"
    );
    until("the others have ended", || agents[1..].iter().all(Seen::is_gone));
    agents[0].signal(Signal::CONT);
    until("it has heard", || agents[0].is_gone());
    run(&[lock, all]).map_err(|refusal| refusal.what).expect("none is left");
}

#[test]
fn its_status_is_told_without_a_key() {
    let pocket = Pocket::with(URI);
    let status = || {
        run(&mut pocket.auth(&["unlock", "--status", "--json"]), "")
            .with_code(0)
            .json()
    };
    assert_eq!(status(), serde_json::json!({"unlocked": false, "seconds_left": null}));
    pocket.done(&["unlock", "--for", "24h"]);
    let left = status()["seconds_left"].as_u64().expect("a number");
    assert!((86_000..=86_400).contains(&left), "{left}");
    let said = run(&mut pocket.auth(&["unlock", "--status"]), "").with_code(0);
    assert!(
        said.out.starts_with("unlocked, 86") && said.out.ends_with(" s left\n"),
        "{}",
        said.out
    );
    locked(&pocket, "locked");
    let said = run(&mut pocket.auth(&["unlock", "--status"]), "").with_code(0);
    assert_eq!(said.out, "locked\n");
}

#[test]
fn what_a_script_had_open_is_not_kept_open_by_what_stays() {
    let pocket = Pocket::with(URI);
    let lock = pocket.path("script.lock");
    let with_lock = |args: &[&str]| {
        let command = pocket.keyed(args);
        let mut script = bare("sh");
        script.args(["-c", "exec 9>\"$0\"; flock 9; \"$@\""]).arg(&lock);
        script.arg(command.get_program()).args(command.get_args());
        script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script
    };
    let is_free = || File::open(&lock).expect("a file").try_lock().is_ok();
    run(&mut with_lock(&["unlock", "--for", "10m"]), "").with_code(0);
    assert!(is_free(), "the agent");
    locked(&pocket, "locked");

    let copying = with_lock(&["code", "Example", "--copy", "--clear-after", "10"]);
    assert!(Terminal::start(&copying, 80, 24).wait().success());
    assert!(is_free(), "who empties the clipboard");
}

#[test]
fn the_agent_holds_the_key_once_and_wipes_it_before_it_ends() {
    let pocket = Pocket::with(URI);
    pocket.done(&["unlock", "--for", "10m"]);
    let seen = Seen::of(&pocket);
    let key = seen.key();
    assert_ne!(key, [0; 32]);
    let Some(copies) = seen.memory_has(&key) else {
        assert_ne!(rustix::process::geteuid().as_raw(), 0, "root may read any memory");
        return; // and nobody else may read this one's, which is as good
    };
    assert_eq!(copies, 1, "on its locked page, and nowhere else");
    assert_eq!(
        seen.memory_has(b"12345678901234567890"),
        Some(0),
        "no secret of an entry was ever there"
    );
    let mut locking = seen.ask(b'l');
    locking.read_exact(&mut [0]).expect("it says that it is locked");
    // It waits for us to hang up; until then its memory can be read.
    assert_eq!(seen.memory_has(&key), Some(0));
    assert!(!seen.socket.exists());
    drop(locking);
    until("the agent has ended", || seen.is_gone());
}

#[test]
fn nothing_of_the_agent_tells_the_key_or_outlives_it() {
    let pocket = Pocket::with(URI);
    pocket.done(&["unlock", "--for", "10m"]);
    let seen = Seen::of(&pocket);
    let key = seen.key();
    let hex = data_encoding::HEXLOWER.encode(&key);
    let words = seen.proc("cmdline");
    for form in [&key[..], hex.as_bytes(), hex.to_uppercase().as_bytes()] {
        assert!(!words.windows(form.len()).any(|window| window == form));
    }
    // The kernel shows the environment to nobody but root, for the process is not dumpable.
    let environment = fs::read(format!("/proc/{}/environ", seen.pid));
    assert!(environment.is_ok_and(|text| text.is_empty()) || rustix::process::geteuid().as_raw() != 0);
    let limits = String::from_utf8(seen.proc("limits")).expect("text");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .expect("a limit");
    assert_eq!(
        core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(),
        ["0", "0"],
        "{core}"
    );
    let status = String::from_utf8(seen.proc("status")).expect("text");
    let locked = status.lines().find(|line| line.starts_with("VmLck")).expect("a line");
    let locked_kb: u64 = locked
        .split_whitespace()
        .nth(1)
        .and_then(|kb| kb.parse().ok())
        .expect("a number");
    assert!(locked_kb > 0, "{locked}");
    let directory = seen.socket.parent().expect("a directory");
    let mode = fs::metadata(directory).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    pocket.done(&["lock"]);
    until("the agent has ended", || seen.is_gone());
}
