//! What the SQLite engine knows of users without a read is what stands in its files: after each step of random histories of
//! use cases, every field of every row, also of names that nobody has.
//!
//! 100 histories, 10,000 with `COUNTERSIGN_SOAK=1`; those of the engine alone are in its own tests.

mod support;

use std::{
    cell::RefCell, collections::BTreeMap, fs::OpenOptions, io::Write as _, path::Path, sync::Arc, time::Duration,
};

use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};
use service::{
    Answer, Caller, Id, Method, NewDevice, Owner, Question, Replacement, Service, ServiceError, Settings,
    TokenTransition, UnixMs, reseal,
};
use store::{Store, Users as _, audit::Sign};
use store_sqlite::{Options, Sqlite, Tuning};
use support::{KEYRING, STEP_MS, World, app, by_code, confirmation, hardware, phone::Phone, question};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

/// Users, the last of whom never binds a device.
const USERS: usize = 4;
const TOKENS: [&str; 6] = ["CS-1", "CS-2", "CS-3", "CS-4", "CS-5", "CS-6"];

#[derive(Clone, Debug)]
enum Act {
    Bind {
        who: usize,
    },
    BindToken {
        who: usize,
    },
    Right {
        who: usize,
        which: Index,
    },
    /// The same question twice, by one request id.
    Repeated {
        who: usize,
        which: Index,
    },
    Wrong {
        who: usize,
        times: usize,
    },
    /// One call: of every user a right code and two wrong ones.
    Together,
    Paper {
        who: usize,
    },
    Renew {
        who: usize,
        which: Index,
    },
    Resync {
        who: usize,
        which: Index,
    },
    Unlock {
        who: usize,
        which: Index,
    },
    Unbind {
        who: usize,
        which: Index,
    },
    Lose {
        who: usize,
    },
    Erase {
        who: usize,
    },
    Housekeeping,
    Look,
    TimePasses {
        ms: i64,
    },
    Crash,
    Close,
    /// It ends in order, its keyring gets another sealing key, and every secret is sealed anew under that.
    Rotate,
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..USERS;
    let theirs = || (0..USERS, any::<Index>());
    prop_oneof![
        6 => who.clone().prop_map(|who| Act::Bind { who }),
        2 => who.clone().prop_map(|who| Act::BindToken { who }),
        6 => theirs().prop_map(|(who, which)| Act::Right { who, which }),
        2 => theirs().prop_map(|(who, which)| Act::Repeated { who, which }),
        4 => (who.clone(), 1_usize..13).prop_map(|(who, times)| Act::Wrong { who, times }),
        3 => Just(Act::Together),
        2 => who.clone().prop_map(|who| Act::Paper { who }),
        2 => theirs().prop_map(|(who, which)| Act::Renew { who, which }),
        2 => theirs().prop_map(|(who, which)| Act::Resync { who, which }),
        2 => theirs().prop_map(|(who, which)| Act::Unlock { who, which }),
        2 => theirs().prop_map(|(who, which)| Act::Unbind { who, which }),
        1 => who.clone().prop_map(|who| Act::Lose { who }),
        1 => who.prop_map(|who| Act::Erase { who }),
        1 => Just(Act::Housekeeping),
        1 => Just(Act::Look),
        2 => prop_oneof![Just(STEP_MS), Just(UnixMs::HOUR), Just(UnixMs::DAY)].prop_map(|ms| Act::TimePasses { ms }),
        1 => Just(Act::Crash),
        1 => Just(Act::Close),
        1 => Just(Act::Rotate),
    ]
}

/// A bound device.
struct Bound {
    id: Id,
    phone: Phone,
    serial_number: Option<&'static str>,
}

#[derive(Default)]
struct Person {
    devices: Vec<Bound>,
    paper: Vec<Zeroizing<String>>,
}

/// A service, and those who use it.
struct Walk {
    world: World,
    engine: Arc<Sqlite>,
    caller: Caller,
    people: Vec<Person>,
    tokens: Vec<&'static str>,
    sealing_key: u32,
    /// How often each kind of act came to something.
    done: BTreeMap<&'static str, u32>,
}

/// In the world's directory.
const DATA: &str = "data";

fn owner(who: usize) -> Owner {
    Owner::new("acme", format!("user-{who}"))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Folds all the time, and does not know everybody.
fn tuning() -> Tuning {
    let soon = Duration::from_millis(1);
    Tuning {
        fold_at: 8,
        fold_chunk: 1,
        fold_idle: soon,
        erase_idle: soon,
        ..Tuning::default()
    }
}

/// The engine of this world, which is also given to `kept`.
fn opened<'a>(kept: &'a mut Option<Arc<Sqlite>>) -> impl FnOnce(&Path, UnixMs, Sign<'_>) -> Arc<dyn Store> + 'a {
    |home, now, sign| {
        let options = Options {
            writer: "serve/here/1".into(),
            opened_at: now,
            sign,
            verify: &|_, _| true,
            heads: None,
            owner: true,
        };
        let engine = Sqlite::open_tuned(&home.join(DATA), options, tuning()).expect("it opens");
        kept.insert(Arc::new(engine)).clone()
    }
}

impl Walk {
    fn begin(runtime: &Runtime) -> Self {
        let mut engine = None;
        runtime.block_on(async {
            let world = World::over(home(), Settings::default(), opened(&mut engine)).await;
            let caller = world.all().await;
            world.stock(&caller, "one", &TOKENS).await;
            Self {
                world,
                engine: engine.expect("it was opened"),
                caller,
                people: (0..USERS).map(|_| Person::default()).collect(),
                tokens: TOKENS.to_vec(),
                sealing_key: 1,
                done: BTreeMap::new(),
            }
        })
    }

    /// The service as its directory makes it, in a new process: what goes on in the old one ends with its runtime.
    fn again(self, runtime: &mut Runtime) -> Self {
        let Self { world, engine, .. } = self;
        drop(engine);
        *runtime = self::runtime();
        let mut engine = None;
        let world = runtime.block_on(world.again(Settings::default(), opened(&mut engine)));
        Self {
            world,
            engine: engine.expect("it was opened"),
            ..self
        }
    }

    async fn close(&self) {
        self.world.service.close().await;
        self.engine.close().expect("it closes");
    }

    fn add_sealing_key(&mut self) {
        self.sealing_key += 1;
        let line = format!("seal {} 0 {}\n", self.sealing_key, "a5".repeat(32));
        let keyring = self.world.home.path().join(KEYRING);
        let file = OpenOptions::new().append(true).open(keyring);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("a line");
    }

    async fn reseal(&self) {
        let mut after = 0;
        while let Some(last) = reseal(&self.world.ports, self.sealing_key - 1, after, 2)
            .await
            .expect("a page")
        {
            after = last;
        }
    }

    async fn take(&mut self, act: &Act) {
        let (name, came) = match act {
            Act::Bind { who } => ("bind", self.bind(*who, None).await),
            Act::BindToken { who } => ("bind a token", self.bind_token(*who).await),
            Act::Right { who, which } => ("right", self.right(*who, which, false).await),
            Act::Repeated { who, which } => ("repeated", self.right(*who, which, true).await),
            Act::Wrong { who, times } => ("wrong", self.wrong(*who, *times).await),
            Act::Together => ("together", self.together().await),
            Act::Paper { who } => ("paper", self.paper(*who).await),
            Act::Renew { who, which } => ("renew", self.renew(*who, which).await),
            Act::Resync { who, which } => ("resync", self.resync(*who, which).await),
            Act::Unlock { who, which } => ("unlock", self.unlock(*who, which).await),
            Act::Unbind { who, which } => ("unbind", self.unbind(*who, which).await),
            Act::Lose { who } => ("lose", self.lose(*who).await),
            Act::Erase { who } => ("erase", self.erase(*who).await),
            Act::Housekeeping => (
                "housekeeping",
                self.service().run_housekeeping(&Caller::system()).await.is_ok(),
            ),
            Act::Look => ("look", self.engine.look().await.is_ok()),
            Act::TimePasses { ms } => {
                self.world.clock.pass(*ms);
                ("time", true)
            }
            Act::Crash | Act::Close | Act::Rotate => ("restart", true),
        };
        *self.done.entry(name).or_default() += u32::from(came);
        // What was shown is old.
        self.world.clock.pass(STEP_MS);
    }

    fn service(&self) -> &Service {
        &self.world.service
    }

    /// One of the user's devices, where there is any.
    fn device(&self, who: usize, which: &Index) -> Option<&Bound> {
        let devices = &self.people[who].devices;
        (!devices.is_empty()).then(|| which.get(devices))
    }

    async fn bind(&mut self, who: usize, token: Option<&'static str>) -> bool {
        if who == USERS - 1 {
            return false;
        }
        let (world, caller, owner) = (&self.world, &self.caller, owner(who));
        let first = self.people[who].devices.first();
        let factor = first.map(|first| Replacement {
            replaces: None,
            factor: by_code(&first.phone.shows(world.now())),
        });
        let device: NewDevice = token.map_or_else(app, hardware);
        let wanted = world.wanted(&owner, device, factor);
        let Ok(offer) = world.service.start_enrollment(caller, &wanted).await else {
            return false;
        };
        let phone = token.map_or_else(|| Phone::of(&offer), Phone::token);
        let codes = phone.two(world.now().plus(-STEP_MS));
        let confirmation = service::Confirmation {
            recovery_codes: true,
            ..match token {
                Some(_) => confirmation(&[&codes[0], &codes[1]]),
                None => confirmation(&[&codes[1]]),
            }
        };
        let confirmed = world
            .service
            .confirm_enrollment(caller, &owner, offer.id, &confirmation)
            .await;
        let Ok((device, paper)) = confirmed else { return false };
        let person = &mut self.people[who];
        if !paper.is_empty() {
            person.paper = paper;
        }
        person.devices.push(Bound {
            id: device.id,
            phone,
            serial_number: token,
        });
        true
    }

    async fn bind_token(&mut self, who: usize) -> bool {
        let Some(token) = self.tokens.pop() else { return false };
        let bound = self.bind(who, Some(token)).await;
        if !bound {
            self.tokens.push(token);
        }
        bound
    }

    async fn right(&self, who: usize, which: &Index, is_repeated: bool) -> bool {
        let Some(device) = self.device(who, which) else {
            return false;
        };
        let ask = || {
            let asked = Question {
                request_id: is_repeated.then(|| format!("{who} at {:?}", self.world.now())),
                ..question(&owner(who), &device.phone.shows(self.world.now()))
            };
            self.world.ask(&self.caller, asked)
        };
        let told = ask().await;
        if is_repeated { ask().await } else { told }.is_ok_and(is_accepted)
    }

    /// One after the other.
    async fn wrong(&self, who: usize, times: usize) -> bool {
        let now = self.world.now();
        let nobody = Phone::token("nobody's");
        let phone = self.people[who].devices.first().map_or(&nobody, |first| &first.phone);
        let mut came = false;
        for code in phone.wrong_codes(now, times) {
            came |= self.world.verify(&self.caller, &owner(who), &code).await == Ok(Answer::Refused);
        }
        came
    }

    async fn together(&self) -> bool {
        let now = self.world.now();
        let mut questions = Vec::new();
        for (who, person) in self.people.iter().enumerate() {
            for Bound { phone, .. } in &person.devices {
                questions.push(question(&owner(who), &phone.wrong_code(now)));
                questions.push(question(&owner(who), &phone.shows(now)));
            }
            questions.push(question(&owner(who), "123 456"));
        }
        let told = self.world.service.verify(&self.caller, questions).await;
        told.into_iter().flatten().any(is_accepted)
    }

    async fn paper(&mut self, who: usize) -> bool {
        let Some(code) = self.people[who].paper.pop() else {
            return false;
        };
        let asked = Question {
            method: Method::RecoveryCode,
            ..question(&owner(who), &code)
        };
        self.world.ask(&self.caller, asked).await.is_ok_and(is_accepted)
    }

    async fn renew(&mut self, who: usize, which: &Index) -> bool {
        let Some(device) = self.device(who, which) else {
            return false;
        };
        let factor = by_code(&device.phone.shows(self.world.now()));
        let renewed = self
            .service()
            .renew_recovery_codes(&self.caller, &owner(who), &factor)
            .await;
        let came = renewed.is_ok();
        if let Ok(paper) = renewed {
            self.people[who].paper = paper;
        }
        came
    }

    async fn resync(&self, who: usize, which: &Index) -> bool {
        let Some(device) = self.device(who, which) else {
            return false;
        };
        let codes = device
            .phone
            .ahead(3)
            .two(self.world.now())
            .map(|code| support::text(&code));
        let [first, second] = &codes;
        let owner = owner(who);
        let measured = self
            .service()
            .resync(&self.caller, &owner, device.id, [first, second], None);
        measured.await.is_ok()
    }

    async fn unlock(&self, who: usize, which: &Index) -> bool {
        let Some(device) = self.device(who, which) else {
            return false;
        };
        let owner = owner(who);
        let unlocked = self.service().unlock(&self.caller, &owner, device.id, None);
        unlocked.await.is_ok()
    }

    async fn unbind(&mut self, who: usize, which: &Index) -> bool {
        let Some(device) = self.device(who, which) else {
            return false;
        };
        let (id, factor) = (device.id, by_code(&device.phone.shows(self.world.now())));
        let unbound = self.service().unbind(&self.caller, &owner(who), id, &factor).await;
        if unbound.is_ok() {
            self.people[who].devices.retain(|device| device.id != id);
        }
        unbound.is_ok()
    }

    /// A token of the user's.
    async fn lose(&self, who: usize) -> bool {
        let mut tokens = self.people[who]
            .devices
            .iter()
            .filter_map(|device| device.serial_number);
        let Some(token) = tokens.next() else { return false };
        let lost = self.service().move_token(&self.caller, token, &TokenTransition::Lose);
        lost.await.is_ok()
    }

    async fn erase(&mut self, who: usize) -> bool {
        let had = !self.people[who].devices.is_empty();
        let erased: Result<(), ServiceError> = self.service().erase_user(&self.caller, &owner(who)).await;
        erased.expect("nobody is in the way");
        self.people[who] = Person::default();
        had
    }

    async fn check(&self) {
        let beside = Sqlite::open_to_read(&self.world.home.path().join(DATA)).expect("it opens");
        let owners: Vec<Owner> = (0..USERS).map(owner).collect();
        let stands = beside.users(owners.clone()).await.expect("a read");
        for _known_by_the_second_time in 0..2 {
            let told = self.engine.users(owners.clone()).await.expect("a read");
            assert_eq!(told, stands);
        }
    }
}

fn is_accepted(answer: Answer) -> bool {
    matches!(answer, Answer::Accepted(_))
}

/// Where a sync costs nothing, if there is such a place.
fn home() -> TempDir {
    let memory = tempfile::Builder::new().prefix("known-").tempdir_in("/dev/shm");
    memory.or_else(|_| tempfile::tempdir()).expect("a directory")
}

#[test]
fn a_known_state_is_the_one_that_stands_in_the_files() {
    #[allow(clippy::disallowed_methods, reason = "a test asks how long it may take")]
    let soak = std::env::var_os("COUNTERSIGN_SOAK").is_some();
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 64,
        ..ProptestConfig::with_cases(if soak { 10_000 } else { 100 })
    });
    let totals = RefCell::new(BTreeMap::<&str, u32>::new());
    let walked = runner.run(&vec(act(), 20..40), |acts| {
        let mut runtime = runtime();
        let mut walk = Walk::begin(&runtime);
        for act in &acts {
            runtime.block_on(walk.take(act));
            if matches!(act, Act::Close | Act::Rotate) {
                runtime.block_on(walk.close());
            }
            if let Act::Rotate = act {
                walk.add_sealing_key();
            }
            if matches!(act, Act::Crash | Act::Close | Act::Rotate) {
                walk = walk.again(&mut runtime);
            }
            runtime.block_on(async {
                if let Act::Rotate = act {
                    walk.check().await;
                    walk.reseal().await;
                }
                walk.check().await;
            });
        }
        for (name, times) in walk.done {
            *totals.borrow_mut().entry(name).or_default() += times;
        }
        Ok(())
    });
    walked.unwrap_or_else(|failure| panic!("{failure}"));
    let totals = totals.into_inner();
    println!("{totals:?}");
    assert!(
        totals.values().all(|times| *times > 0),
        "each kind of act came to something: {totals:?}"
    );
}
