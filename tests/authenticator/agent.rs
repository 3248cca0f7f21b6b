//! The agent: what it gives, to whom, how long, and what is left of it.

use std::{
    fs::{self, DirBuilder, File},
    io::{Read as _, Write as _},
    os::unix::{
        fs::{DirBuilderExt as _, FileExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::PathBuf,
};

use super::pocket::Pocket;
use crate::support::{process::run, until};

const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";
const NO_INPUT: &[&str] = &["code", "Example", "--no-input"];

/// The agent of this pocket, found by its socket.
struct Seen {
    pid: u32,
    socket: PathBuf,
}

impl Seen {
    #[track_caller]
    fn of(pocket: &Pocket) -> Self {
        let sockets = fs::read_dir(pocket.path("countersign")).expect("the agent's directory");
        let socket = sockets
            .map(|entry| entry.expect("an entry").path())
            .next()
            .expect("a socket");
        let shown = socket.to_str().expect("UTF-8").to_owned();
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_agent = |pid: &u32| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(&shown)
        };
        let pid = pids.into_iter().find(is_agent).expect("a process with this socket");
        Self { pid, socket }
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
        let mut answer = [0; 36];
        self.ask(b'k').read_exact(&mut answer).expect("an answer");
        *answer.last_chunk().expect("it is longer")
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
    pocket.done(&["unlock", "--for", "24h"]);
    let first = Seen::of(&pocket);
    pocket.done(&["unlock", "--for", "1s"]);
    until("the first agent has ended", || first.is_gone());
    // The second may be over already, on a slow machine.
    until("the second agent's time is over", || {
        run(&mut pocket.auth(NO_INPUT), "").code() == 2
    });
    until("its socket is gone", || {
        fs::read_dir(pocket.path("countersign"))
            .expect("a directory")
            .next()
            .is_none()
    });
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
    let mode = |path: PathBuf| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(pocket.path("countersign")), 0o700);
    pocket.done(&["lock"]);
    until("the agent has ended", || seen.is_gone());
}

#[test]
fn a_directory_that_others_may_enter_gets_no_agent() {
    let pocket = Pocket::with(URI);
    DirBuilder::new()
        .mode(0o700)
        .create(pocket.path("countersign"))
        .expect("a directory");
    fs::set_permissions(pocket.path("countersign"), fs::Permissions::from_mode(0o755)).expect("its owner");
    let refused = run(&mut pocket.keyed(&["unlock"]), "").with_code(1);
    assert!(
        refused.err.contains("is not a directory that only its owner may enter"),
        "{}",
        refused.err
    );
}

#[test]
fn without_a_runtime_directory_the_agent_listens_beside_the_vault() {
    let pocket = Pocket::with(URI);
    let bare = |args: &[&str]| {
        let mut command = pocket.keyed(args);
        command.env_remove("XDG_RUNTIME_DIR");
        command
    };
    run(&mut bare(&["unlock"]), "").with_code(0);
    let mut code = bare(NO_INPUT);
    run(code.env_remove("COUNTERSIGN_VAULT_KEY_FILE"), "").with_code(0);
    let socket = pocket.vault().with_extension("vault.agent").join("socket");
    assert!(socket.exists());
    run(&mut bare(&["lock"]), "").with_code(0);
    assert!(!socket.exists());
}
