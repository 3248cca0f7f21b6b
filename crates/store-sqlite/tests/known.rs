//! What the engine knows of users without a read is what stands in its files: after each step of random histories, every
//! field of every row, also of names that nobody has.
//!
//! 300 histories, 100,000 with `COUNTERSIGN_SOAK=1`.

mod common;

use std::{
    collections::HashMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use common::*;
use countersign_store_sqlite::{FILE_NAME, Sqlite, Tuning};
use proptest::{collection::vec, prelude::*, sample::Index};
use rusqlite::Connection;
use store::{
    ApiKey, Change, Commit, Device, Outcome, Owner, Revision, Role, Sealed, Secrets, User, Users, Write, audit::Trail,
    codec,
};
use tempfile::TempDir;
use verify::{DeviceParts, DeviceState, DeviceStatus, SparseThrottle, Throttle, UnixMs};

/// Commands beside of all histories: each leaves its process, which ends soon where it is a command's, a descriptor.
static COMMANDS: AtomicU32 = AtomicU32::new(500);
/// Names that users may have.
const NAMES: Range<u32> = 0..6;
/// Keys that seal, one after the other.
const KEYS: [u32; 3] = [1, 2, 70_000];

#[derive(Clone, Debug)]
enum Step {
    /// All of it in one call.
    Commit(Vec<Act>),
    /// As many calls at once.
    Race(Vec<Act>),
    /// A command beside the service makes an API key, and revokes it.
    KeyBeside,
    /// Somebody writes into the file; the service looks, or commits something else.
    Tamper {
        name: u32,
        what: Tampered,
        looks: bool,
    },
    /// Nothing happens for long enough to fold, to drive out what was erased, and to read everybody.
    Idle,
    /// The process dies.
    Crash,
    /// It ends in order.
    Close,
    BackUp,
    /// The backup comes in the place of the files.
    Restore,
}

#[derive(Clone, Copy, Debug)]
enum Tampered {
    Secret,
    Label,
}

#[derive(Clone, Debug)]
enum Act {
    Bind(u32),
    /// As if the user had no row.
    BindAnew(u32),
    Unbind(u32, Index),
    /// What judging, locking, unlocking and measuring come to here.
    Use(u32, Index, DeviceState, Vec<u8>),
    /// By a row that was changed since.
    UseOfAnotherRevision(u32),
    Rename(u32, u32),
    Erase(u32),
    /// One of the secrets is sealed under the next key.
    Reseal(Index),
}

fn state_of_a_device() -> impl Strategy<Value = DeviceState> {
    let throttle = (any::<bool>(), any::<bool>(), 0_u32..9).prop_map(|(locked, suspended, wrong)| {
        SparseThrottle::from(Throttle {
            lock_count: u8::from(locked).into(),
            locked_until: locked.then(|| NOW.plus(UnixMs::MINUTE)),
            since_success: wrong,
            suspended_at: suspended.then_some(NOW),
            ..Throttle::clone(&SparseThrottle::default())
        })
    });
    (0_u64..1_000, -9_i32..9, -2_i32..3, any::<bool>(), throttle).prop_map(
        |(uses, offset, drift, lost, verification)| {
            let parts = DeviceParts {
                status: if lost { DeviceStatus::Lost } else { DeviceStatus::Bound },
                measured_offset_steps: offset,
                learned_drift_steps: drift,
                drift_learned_at: (drift != 0).then_some(NOW),
                verification,
                ..state_at(uses).parts().clone()
            };
            DeviceState::restored(parts)
        },
    )
}

fn act() -> impl Strategy<Value = Act> {
    let name = || NAMES;
    let which = any::<Index>;
    prop_oneof![
        6 => name().prop_map(Act::Bind),
        1 => name().prop_map(Act::BindAnew),
        2 => (name(), which()).prop_map(|(name, which)| Act::Unbind(name, which)),
        12 => (name(), which(), state_of_a_device(), vec(any::<u8>(), 0..3))
            .prop_map(|(name, which, next, memo)| Act::Use(name, which, next, memo)),
        1 => name().prop_map(Act::UseOfAnotherRevision),
        1 => (name(), 1..NAMES.end).prop_map(|(name, on)| Act::Rename(name, (name + on) % NAMES.end)),
        1 => name().prop_map(Act::Erase),
        2 => which().prop_map(Act::Reseal),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let tampered = prop_oneof![Just(Tampered::Secret), Just(Tampered::Label)];
    prop_oneof![
        24 => vec(act(), 1..8).prop_map(Step::Commit),
        6 => vec(act(), 2..8).prop_map(Step::Race),
        1 => Just(Step::KeyBeside),
        3 => (NAMES, tampered, any::<bool>()).prop_map(|(name, what, looks)| Step::Tamper { name, what, looks }),
        1 => Just(Step::Idle),
        1 => Just(Step::Crash),
        1 => Just(Step::Close),
        1 => Just(Step::BackUp),
        1 => Just(Step::Restore),
    ]
}

/// An engine, and what was made so far.
struct World {
    home: TempDir,
    tuning: Tuning,
    engine: Option<Sqlite>,
    /// Another connection, by which nothing is known without a read.
    beside: Option<Sqlite>,
    /// Of devices, rows and API keys, so that no two are the same.
    made: u32,
    backup: Option<PathBuf>,
}

/// Where a sync costs nothing, if there is such a place.
fn home() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = tempfile::Builder::new().prefix("known-").tempdir_in(memory);
    made.or_else(|_| tempfile::tempdir()).expect("a directory")
}

impl World {
    fn new(tuning: Tuning) -> Self {
        let mut world = Self {
            home: home(),
            tuning,
            engine: None,
            beside: None,
            made: 0,
            backup: None,
        };
        world.reopen(|_| {});
        world
    }

    fn engine(&self) -> &Sqlite {
        self.engine.as_ref().expect("it is open between two steps")
    }

    /// The engine is gone, something is done to its directory, and it is opened anew.
    fn reopen(&mut self, meanwhile: impl FnOnce(&Path)) {
        drop((self.engine.take(), self.beside.take()));
        let data = self.data();
        meanwhile(&data);
        let tuning = self.tuning.clone();
        self.engine = Some(open_as(&data, "serve/here/1", true, tuning).expect("it opens"));
        self.beside = Some(Sqlite::open_to_read(&data).expect("it opens"));
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn new_number(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    /// What the engine says of every name.
    fn told(&self) -> Vec<Option<User>> {
        block_on(self.engine().users(NAMES.map(owner).collect())).expect("a read")
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Commit(acts) => self.commit(acts),
            Step::Race(acts) => self.race(acts),
            Step::KeyBeside => self.key_beside(),
            Step::Tamper { name, what, looks } => self.tamper(name, what, looks),
            Step::Idle => thread::sleep(Duration::from_millis(3)),
            Step::Crash => self.reopen(|_| {}),
            Step::Close => {
                self.engine().close().expect("it closes");
                self.reopen(|_| {});
            }
            Step::BackUp => self.back_up(),
            Step::Restore => {
                if let Some(backup) = self.backup.clone() {
                    self.reopen(|data| restore(&backup, data));
                }
            }
        }
    }

    fn commit(&mut self, acts: Vec<Act>) {
        let mut call = Call::begin(self, &acts);
        let (changes, expected): (Vec<_>, Vec<_>) = acts.iter().filter_map(|act| call.change(self, act)).unzip();
        let outcomes = block_on(self.engine().commit(changes)).expect("outcomes");
        for (outcome, expected) in outcomes.into_iter().zip(expected) {
            assert!(
                expected.is_none_or(|expected| outcome == expected),
                "{outcome:?} of {acts:?}"
            );
        }
    }

    /// Which of them are done depends on how they are grouped.
    fn race(&mut self, acts: Vec<Act>) {
        let mut call = Call::begin(self, &acts);
        let changes: Vec<_> = acts.iter().filter_map(|act| call.change(self, act)).collect();
        let calls: Vec<_> = changes
            .into_iter()
            .map(|(change, _)| self.engine().commit(vec![change]))
            .collect();
        calls
            .into_iter()
            .for_each(|call| drop(block_on(call).expect("outcomes")));
    }

    fn key_beside(&mut self) {
        let left = COMMANDS.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            return;
        }
        let beside = open_as(&self.data(), "key/here/2", false, Tuning::default()).expect("it opens");
        let key = ApiKey {
            id: id(self.new_number()),
            version: 1,
            hash: [7; 32],
            roles: vec![Role::Verify],
            owner: "team".into(),
            person: None,
            return_urls: Vec::new(),
            audiences: Vec::new(),
            accounts: None,
            created_at: NOW,
            revoked_at: None,
        };
        done(&beside, vec![change(vec![Write::put(None, &key)])]);
        done(&beside, vec![change(vec![Write::put(Some(1), &key.revoked(NOW))])]);
        beside.close().expect("it closes");
    }

    fn tamper(&mut self, name: u32, what: Tampered, looks: bool) {
        let before = self.told();
        let Some(mut user) = before[name as usize].clone().filter(|user| !user.devices.is_empty()) else {
            return;
        };
        let file = self.file();
        let names = (&*user.owner.account, &*user.owner.user);
        let tampered = match what {
            Tampered::Secret => file.execute(
                "UPDATE secret SET bytes = randomblob(length(bytes)) \
                 WHERE number = (SELECT secret FROM user WHERE account = ? AND user = ?)",
                names,
            ),
            Tampered::Label => {
                user.devices[0].device.label = format!("phone {}", self.new_number());
                let devices = codec::encode_devices(&user);
                file.execute(
                    "UPDATE user SET devices = ?3 WHERE account = ?1 AND user = ?2",
                    (names.0, names.1, devices),
                )
            }
        };
        assert_eq!(tampered, Ok(1));
        if self.tuning.known_users >= NAMES.len() {
            assert_eq!(self.told(), before, "it is memory that answers, until somebody looks");
        }
        if looks {
            block_on(self.engine().look()).expect("the files are ours");
        } else {
            done(self.engine(), vec![change(Vec::new())]);
        }
        assert_ne!(self.told(), before);
    }

    /// The file, by another connection.
    fn file(&self) -> Connection {
        let file = Connection::open(self.data().join(FILE_NAME)).expect("it opens");
        file.pragma_update(None, "wal_autocheckpoint", 0).expect("a setting");
        file
    }

    fn back_up(&mut self) {
        let name = format!("backup-{}", self.new_number());
        let backup = self.home.path().join(name);
        let to = backup.to_str().expect("a path");
        self.file().execute("VACUUM INTO ?", [to]).expect("a copy");
        self.backup = Some(backup);
    }

    fn check(&self) {
        let beside = self.beside.as_ref().expect("it is open between two steps");
        let stands = block_on(beside.users(NAMES.map(owner).collect())).expect("a read");
        assert_eq!(self.told(), stands);
        // By now all of it is known, whatever was not; the order is the one asked for.
        let mut told = block_on(self.engine().users(NAMES.rev().map(owner).collect())).expect("a read");
        told.reverse();
        assert_eq!(told, stands);
    }
}

fn restore(backup: &Path, data: &Path) {
    for log in ["-wal", "-shm"] {
        fs::remove_file(data.join(format!("{FILE_NAME}{log}"))).expect("the log of what goes");
    }
    fs::copy(backup, data.join(FILE_NAME)).expect("a copy");
}

/// The rows as they become by one call, when it has a group to itself.
struct Call {
    rows: HashMap<u32, User>,
    secrets: Vec<(i64, Sealed)>,
    revision: Revision,
}

impl Call {
    fn begin(world: &World, acts: &[Act]) -> Self {
        let rows = NAMES.zip(world.told());
        let head = world.engine().head();
        let under = |key| block_on(world.engine().sealed_under(key, 0, u32::MAX)).expect("a read");
        Self {
            rows: rows.filter_map(|(name, row)| Some((name, row?))).collect(),
            secrets: match acts.iter().any(|act| matches!(act, Act::Reseal(_))) {
                true => KEYS.into_iter().flat_map(under).collect(),
                false => Vec::new(),
            },
            revision: Revision {
                generation: 1,
                chain: head.chain,
                position: head.position + 1,
            },
        }
    }

    /// The change that this comes to, with its outcome as far as that is known; `None` where there is nothing to change.
    fn change(&mut self, world: &mut World, act: &Act) -> Option<(Change, Option<Outcome>)> {
        if let Act::Reseal(which) = act {
            return Some((change(vec![self.reseal(which)?]), None));
        }
        let (write, outcome) = self.write(world, act)?;
        Some((change(vec![write]), Some(outcome)))
    }

    /// Rows that were read stay as they were, with the secret of before.
    fn reseal(&self, which: &Index) -> Option<Write> {
        let last = self.secrets.len().checked_sub(1)?;
        let (number, old) = &self.secrets[which.index(last + 1)];
        let after = KEYS.iter().position(|key| *key == old.key_id)? + 1;
        let new = Sealed {
            key_id: KEYS[after % KEYS.len()],
            bytes: old.bytes.iter().map(|byte| byte ^ 0xa5).collect(),
        };
        Some(Write::Reseal {
            number: *number,
            old: old.clone(),
            new,
        })
    }

    fn write(&mut self, world: &mut World, act: &Act) -> Option<(Write, Outcome)> {
        let row = |name: &u32| self.rows.get(name).cloned();
        let with_device = |name: &u32| row(name).filter(|user| !user.devices.is_empty());
        Some(match act {
            Act::Bind(name) => {
                let user = row(name).unwrap_or_else(|| nobody(world, *name));
                let user = bound(user, world, *name);
                self.becomes(*name, &user);
                (user.changed(), Outcome::Done)
            }
            Act::BindAnew(name) => {
                let user = bound(nobody(world, *name), world, *name);
                if self.rows.contains_key(name) {
                    return Some((user.changed(), Outcome::Missed));
                }
                self.becomes(*name, &user);
                (user.changed(), Outcome::Done)
            }
            Act::Unbind(name, which) => {
                let user = with_device(name)?;
                let device = which.get(&user.devices).device.id;
                let user = user.without_device(device);
                self.becomes(*name, &user);
                (user.changed(), Outcome::Done)
            }
            Act::Use(name, which, next, memo) => {
                let user = with_device(name)?;
                let device = which.get(&user.devices).device.id;
                let user = User {
                    memo: memo.clone(),
                    ..user.with_state(device, next.clone())
                };
                self.becomes(*name, &user);
                (user.used(), Outcome::Done)
            }
            Act::UseOfAnotherRevision(name) => {
                let mut user = row(name)?;
                user.revision.as_mut()?.position += 1 << 40;
                (user.used(), Outcome::Missed)
            }
            Act::Rename(name, to) => {
                let user = renamed(row(name)?, *to);
                if self.rows.contains_key(to) {
                    return Some((user.renamed(owner(*name)), Outcome::Missed));
                }
                self.rows.remove(name);
                self.becomes(*to, &user);
                (user.renamed(owner(*name)), Outcome::Done)
            }
            Act::Erase(name) => {
                let user = self.rows.remove(name)?;
                (user.erased(), Outcome::Done)
            }
            Act::Reseal(_) => return None,
        })
    }

    fn becomes(&mut self, name: u32, user: &User) {
        let revision = Some(self.revision);
        self.rows.insert(
            name,
            User {
                revision,
                ..user.clone()
            },
        );
    }
}

fn histories() -> u32 {
    #[allow(clippy::disallowed_methods, reason = "a test asks how long it may take")]
    let soak = std::env::var_os("COUNTERSIGN_SOAK").is_some();
    if soak { 100_000 } else { 300 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(histories()) })]

    #[test]
    fn a_known_row_is_the_one_that_stands_in_the_files(
        steps in vec(step(), 1..24),
        fold_at in prop_oneof![1_u64..4, Just(1_000)],
        fold_chunk in 1_usize..4,
        group_changes in prop_oneof![Just(1_usize), Just(3), Just(1_024)],
        known_users in prop_oneof![1_usize..4, Just(64), Just(64)],
    ) {
        let soon = Duration::from_millis(1);
        let tuning = Tuning {
            fold_at,
            fold_chunk,
            fold_idle: soon,
            erase_idle: soon,
            group_changes,
            known_users,
            known_again: soon,
            ..Tuning::default()
        };
        let mut world = World::new(tuning);
        for step in steps {
            world.take(step);
            world.check();
        }
    }
}

fn nobody(world: &mut World, name: u32) -> User {
    User {
        owner: owner(name),
        ..newcomer(world.new_number())
    }
}

fn bound(user: User, world: &mut World, name: u32) -> User {
    let device = Device {
        owner: owner(name),
        ..device(world.new_number())
    };
    user.with_device(device, fresh())
}

/// Their secrets are sealed for the new name.
fn renamed(user: User, to: u32) -> User {
    let owner: Owner = owner(to);
    let mut user = User { owner, ..user };
    for bound in &mut user.devices {
        bound.device.owner = user.owner.clone();
        bound.device.sealed.bytes.reverse();
    }
    user
}

/// One change uses two users, of whom one is known: each has the state that was written for them.
#[test]
fn of_two_users_of_one_change_each_has_their_own_state() {
    let home = home();
    let tuning = Tuning {
        known_users: 1,
        ..Tuning::default()
    };
    let store = open_as(home.path(), "serve/here/1", true, tuning).expect("the database opens");
    let done = |writes| assert_eq!(block_on(store.commit(vec![change(writes)])), Ok(vec![Outcome::Done]));
    // Without devices, by which a state would be known for another one's.
    done(vec![newcomer(1).changed(), newcomer(2).changed()]);
    let users = [1, 2].map(|number| User {
        memo: vec![number as u8],
        ..row(&store, number)
    });
    // The second was asked for last, so it is the one that is known.
    done(users.map(User::used).into());
    assert_eq!(row(&store, 2).memo, [2]);
    assert_eq!(row(&store, 1).memo, [1]);
    store.close().expect("it closes");
}
