//! A hall of cradles into which tokens are put, one after the other.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Scope},
    time::Duration,
};

use link::{About, Comparing, Link, Patience, TokenStatus};
use pskc::{Seed, Unlock};
use serde_json::Value;
use simulator::{Board, Damage, Pty, Simulated, TornStorage, VirtualTime};

use crate::support::write_private;
use crate::support::{
    Dice, now_ms,
    process::{Running, countersign},
};

pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f";

/// Where a batch is, and the key of its seeds.
pub(crate) struct Bench {
    home: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        write_private(home.path().join("key"), KEY).expect("a file");
        Self { home }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `countersign token …` in this directory.
    pub(crate) fn token(&self, args: &[&str]) -> Running {
        let mut command = countersign();
        command.arg("token").args(args).current_dir(self.home.path());
        Running::start(&mut command)
    }

    pub(crate) fn provision(&self, count: usize, ports: &[PathBuf], more: &[&str]) -> Running {
        let count = count.to_string();
        let ports: Vec<_> = ports.iter().map(|port| port.to_string_lossy()).collect();
        let mut args = vec!["provision", "--serial", "CS-000001", "--count", &count, "--batch", "B1"];
        args.extend(["--key-file", "key", "--json"]);
        ports.iter().for_each(|port| args.extend(["--port", port]));
        args.extend(more);
        self.token(&args)
    }

    /// The seeds of the batch, once it is over.
    pub(crate) fn seeds(&self) -> Vec<Seed> {
        let file = fs::read(self.path("B1/tokens.pskc")).expect("the batch is over");
        let key: Vec<u8> = (0..32).map(|byte| byte % 16).collect();
        pskc::read(&file, &Unlock::Key(&key)).expect("a seed file").seeds
    }

    /// The serial numbers whose tokens are done, as often as the manifest says so.
    pub(crate) fn done(&self) -> Vec<String> {
        done(&self.path("B1/manifest.jsonl"))
    }
}

fn done(manifest: &Path) -> Vec<String> {
    let text = fs::read_to_string(manifest).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let done = lines.filter(|line| line["state"] == "done");
    done.map(|line| line["serial_number"].as_str().expect("a text").to_owned())
        .collect()
}

/// Tokens on a pile, and those that are done.
pub(crate) struct Hall {
    manifest: PathBuf,
    pile: Mutex<VecDeque<TornStorage>>,
    finished: Mutex<Vec<TornStorage>>,
    over: AtomicBool,
}

impl Hall {
    /// So many blank tokens.
    pub(crate) fn new(bench: &Bench, tokens: usize) -> Self {
        let token = |number: usize| {
            let mut seed = [0xA5; 32];
            seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
            TornStorage::blank(&seed)
        };
        Self {
            manifest: bench.path("B1/manifest.jsonl"),
            pile: Mutex::new((0..tokens).map(token).collect()),
            finished: Mutex::new(Vec::new()),
            over: AtomicBool::new(false),
        }
    }

    /// Somebody at so many cradles, who swaps the tokens that are done; with dice, plugs are pulled at any moment.
    pub(crate) fn cradles<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        count: usize,
        mut dice: Option<Dice>,
    ) -> Vec<PathBuf> {
        let ptys: Vec<_> = (0..count).map(|_| Pty::open().expect("a pseudo-terminal")).collect();
        let paths = ptys.iter().map(|pty| pty.path().to_owned()).collect();
        for pty in ptys {
            let dice = dice.as_mut().map(Dice::split);
            scope.spawn(move || self.serve(pty, dice));
        }
        paths
    }

    /// Ends the cradles when it is dropped, by a failed assertion too: without it the threads' scope waits for ever.
    pub(crate) fn closed_at_the_end(&self) -> Closing<'_> {
        Closing(self)
    }

    /// What the tokens say of themselves that were never done.
    pub(crate) fn on_the_pile(&self) -> Vec<About> {
        self.pile().iter().map(about).collect()
    }

    fn pile(&self) -> MutexGuard<'_, VecDeque<TornStorage>> {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn finished(&self) -> Vec<TornStorage> {
        std::mem::take(&mut self.finished.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn serve(&self, mut pty: Pty, mut dice: Option<Dice>) {
        while !self.over.load(Ordering::Relaxed) {
            let Some(mut storage) = self.pile().pop_front() else {
                thread::sleep(Duration::from_millis(5));
                continue;
            };
            // A sealed token has written some 2,000 bytes: most cuts come before that, some never.
            if let Some(dice) = &mut dice
                && dice.below(2) == 0
            {
                let damage = [Damage::None, Damage::Zeroes, Damage::Ones, Damage::Noise(7)][dice.below(4)];
                storage.cut_after(dice.below(2_500) as u64, damage);
            }
            let mut token = powered(storage);
            let mut turns_left = dice
                .as_mut()
                .and_then(|dice| (dice.below(3) == 0).then(|| dice.below(12)));
            loop {
                pty.serve(&mut token, Duration::from_millis(4))
                    .expect("a pseudo-terminal");
                if !token.storage().has_power() || self.over.load(Ordering::Relaxed) || turns_left == Some(0) {
                    // Pulled, and put back on the pile.
                    let mut storage = token.power_off();
                    storage.restore();
                    self.pile().push_back(storage);
                    break;
                }
                turns_left = turns_left.map(|left| left - 1);
                if self.is_done(token.storage()) {
                    let finished = &mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner);
                    finished.push(token.power_off());
                    break;
                }
            }
        }
    }

    fn is_done(&self, storage: &TornStorage) -> bool {
        let about = about(storage);
        let number = about.serial_number.filter(|_| about.status == TokenStatus::Sealed);
        number.is_some_and(|number| done(&self.manifest).contains(&number))
    }
}

pub(crate) struct Closing<'h>(&'h Hall);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn powered(storage: TornStorage) -> Simulated<TornStorage> {
    Simulated::power_on(Board::new(storage, Box::new(VirtualTime::at_unix_s(now_ms() / 1_000))))
}

/// A token on the tester's own desk.
struct Cable(Simulated<TornStorage>, VecDeque<u8>);

impl Write for Cable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.receive(bytes);
        self.1.extend(self.0.take_said());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Cable {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.1.read(into)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            len => Ok(len),
        }
    }
}

/// A copy of this token, whose power stays.
fn copy(storage: &TornStorage) -> Link<Cable> {
    let mut copy = storage.clone();
    copy.restore();
    Link::new(Cable(powered(copy), VecDeque::new()), Patience::default())
}

/// What this token says of itself.
pub(crate) fn about(storage: &TornStorage) -> About {
    copy(storage).hello().expect("a token")
}

/// Whether this token has this secret.
pub(crate) fn has(storage: &TornStorage, seed: &Seed) -> bool {
    let mut link = copy(storage);
    let mut session = link.open(&[1; 32], Comparing::No).expect("a session");
    session.prove(seed.secret.expose_secret(), &[2; 32]).is_ok()
}

/// Every token that was finished has one serial number, nobody else's, and the secret that the batch keeps of it.
pub(crate) fn assert_none_doubled_none_lost(bench: &Bench, finished: &[TornStorage], count: usize) {
    let expected: BTreeSet<_> = (1..=count).map(|number| format!("CS-{number:06}")).collect();
    let mut done = bench.done();
    done.sort();
    assert!(done.iter().eq(&expected), "each serial number is done once");
    let seeds = bench.seeds();
    assert!(
        seeds.iter().map(|seed| &seed.serial_number).eq(&expected),
        "each is in the seed file once"
    );
    assert_eq!(finished.len(), count, "as many tokens as serial numbers");
    let mut seen = BTreeSet::new();
    for token in finished {
        let about = about(token);
        let number = about.serial_number.expect("it has one");
        let seed = seeds
            .iter()
            .find(|seed| seed.serial_number == number)
            .expect("of the batch");
        assert!(
            about.status == TokenStatus::Sealed && has(token, seed),
            "{number} has the secret that is kept"
        );
        assert!(seen.insert(number), "a serial number on two tokens");
    }
}
