//! What the engine's tests share.
#![allow(dead_code, reason = "each test uses some of it")]

use std::{
    future::Future,
    path::Path,
    pin::pin,
    process::Command,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use countersign_store_sqlite::{OpenError, Options, Sqlite, Tuning};
use otp::{Parameters, Step};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use store::{Change, Commit, Device, Id, Outcome, Owner, Sealed, User, Write, audit::Event};
use verify::{DeviceParts, DeviceState, Kind, UnixMs};

pub(crate) const NOW: UnixMs = UnixMs::new(1_795_219_200_000);

/// Waits on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

/// Tells a story in a process of its own, whose files may be [limited](limit_files): that is an error there and no signal.
pub(crate) fn alone(name: &str, story: impl FnOnce()) {
    #![allow(
        clippy::disallowed_methods,
        reason = "a process learns by its environment that it is the one"
    )]
    const ALONE: &str = "COUNTERSIGN_STORE_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return story();
    }
    let told = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().expect("this binary"))
        .args([name, "--exact", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("a process");
    let out = String::from_utf8_lossy(&told.stdout);
    let passed = told.status.success() && out.contains("1 passed");
    assert!(passed, "{out}\n{}", String::from_utf8_lossy(&told.stderr));
}

/// From now on no file of this process grows beyond this many bytes (`ulimit -f`); `None` ends that.
pub(crate) fn limit_files(bytes: Option<u64>) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    let limit = Rlimit {
        current: bytes.or(maximum),
        maximum,
    };
    setrlimit(Resource::Fsize, limit).expect("up to its maximum it may be set");
}

/// Folds all the time and reads back what it folded.
pub(crate) fn eager() -> Tuning {
    Tuning {
        fold_at: 16,
        fold_chunk: 1,
        fold_idle: Duration::from_millis(1),
        ..Tuning::default()
    }
}

pub(crate) fn open_as(dir: &Path, writer: &str, owner: bool, tuning: Tuning) -> Result<Sqlite, OpenError> {
    let options = Options {
        writer: writer.into(),
        opened_at: NOW,
        sign: &|statement| statement.iter().rev().copied().take(64).collect(),
        verify: &|_, _| true,
        heads: None,
        owner,
    };
    Sqlite::open_tuned(dir, options, tuning)
}

pub(crate) fn open(dir: &Path) -> Sqlite {
    open_as(dir, "serve/here/1", true, Tuning::default()).expect("the database opens")
}

pub(crate) fn owner(number: u32) -> Owner {
    Owner::new("account", format!("user-{number}"))
}

pub(crate) fn id(number: u32) -> Id {
    Id::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | u128::from(number))
}

/// Bytes that are nowhere else, as a nonce and a ciphertext are.
pub(crate) fn sealed(number: u32) -> Vec<u8> {
    let mut seed = u64::from(number) + 1;
    let mut byte = || {
        seed = seed
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (seed >> 56) as u8
    };
    (0..48).map(|_| byte()).collect()
}

pub(crate) fn device(number: u32) -> Device {
    Device {
        id: id(number),
        owner: owner(number),
        kind: Kind::Virtual,
        serial_number: None,
        label: format!("phone {number}"),
        parameters: Parameters::DEFAULT,
        sealed: Sealed {
            key_id: 1,
            bytes: sealed(number),
        },
        bound_at: NOW,
    }
}

pub(crate) fn fresh() -> DeviceState {
    state_at(0)
}

/// After so many uses.
pub(crate) fn state_at(uses: u64) -> DeviceState {
    DeviceState::restored(DeviceParts::bound(Step::new(59_840_640 + uses), 0, NOW))
}

/// How often it was used.
pub(crate) fn uses(state: &DeviceState) -> u64 {
    state.parts().last_step.map_or(0, Step::get) - 59_840_640
}

pub(crate) fn next(state: &DeviceState) -> DeviceState {
    state_at(uses(state) + 1)
}

pub(crate) fn change(writes: Vec<Write>) -> Change {
    said("{}", writes)
}

/// What the trail says with it.
pub(crate) fn said(payload: &str, writes: Vec<Write>) -> Change {
    let event = Event {
        at: NOW,
        salt: [3; 16],
        payload: payload.into(),
    };
    Change::of(event).with(writes)
}

/// As the traits say it, with every noun's readings.
pub(crate) fn read(store: &Sqlite) -> &dyn store::Store {
    store
}

/// A row for this user.
pub(crate) fn newcomer(number: u32) -> User {
    let names_key = Sealed {
        key_id: 7,
        bytes: format!("names key {number:062}").into_bytes(),
    };
    User::new(owner(number), id(number), names_key)
}

/// The row of this user, or a new one.
pub(crate) fn row(store: &Sqlite, number: u32) -> User {
    let found = block_on(read(store).user(owner(number))).expect("a read");
    found.unwrap_or_else(|| newcomer(number))
}

/// The state of the user's device; `None` for one who has none.
pub(crate) fn state(store: &Sqlite, number: u32) -> Option<DeviceState> {
    row(store, number).device(id(number)).map(|bound| bound.state.clone())
}

/// A newcomer's device.
pub(crate) fn bind(number: u32) -> Change {
    let user = newcomer(number).with_device(device(number), fresh());
    change(vec![user.changed()])
}

/// The next use of a device, as its user's row is now.
pub(crate) fn used(store: &Sqlite, number: u32) -> Change {
    change(vec![use_of(store, number)])
}

pub(crate) fn use_of(store: &Sqlite, number: u32) -> Write {
    let row = row(store, number);
    let state = row.device(id(number)).map_or(fresh(), |bound| next(&bound.state));
    row.with_state(id(number), state).used()
}

pub(crate) fn unbound(store: &Sqlite, number: u32) -> Change {
    change(vec![row(store, number).without_device(id(number)).changed()])
}

/// All of these are done.
pub(crate) fn done(store: &impl Commit, changes: Vec<Change>) {
    let count = changes.len();
    assert_eq!(block_on(store.commit(changes)), Ok(vec![Outcome::Done; count]));
}
