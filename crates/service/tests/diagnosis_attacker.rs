//! Half a year in which diagnosis is the attacker's: he has a stolen key of support and the user's password, asks as often as
//! he may, and uses all that he is told. In virtual time.
//!
//! Nobody guesses one of a million often enough to be seen here, so he is given luck: of each code that he tries he knows
//! that it is one of twenty.

mod support;

use service::{Answer, Caller, DiagnosedCause, Id, Role, ServiceError, UnixMs};
use support::{STEP_MS, World, actor_of, alice, phone::Phone, text};

/// What he may ask beside guessing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Nothing.
    Nobody,
    /// Diagnosis, 20 times an hour.
    Diagnosis,
    /// Somebody who knows all codes: what diagnosis would be without rule A5. To see that it would be seen.
    Oracle,
}

/// The codes of which one is right.
const CANDIDATES: usize = 20;
const USERS: u64 = 8;
const DAYS: u32 = 182;
/// For so long a wrong code counts.
const WEEKS_13: u32 = 91;

#[derive(Default, Debug)]
struct Tally {
    guesses: u32,
    hits: u32,
    pairs: u32,
    pair_hits: u32,
}

struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).expect("small")).expect("small")
    }

    /// The right code among others, in any order.
    fn candidates(&mut self, right: &str) -> Vec<String> {
        let mut all: Vec<String> = (1..CANDIDATES)
            .map(|_| format!("{:06}", self.below(1_000_000)))
            .collect();
        all.insert(self.below(CANDIDATES), right.to_owned());
        all
    }
}

struct Attacker<'a> {
    world: &'a World,
    login: &'a Caller,
    support: &'a Caller,
    device: Id,
    phone: &'a Phone,
    asks: Asks,
    draw: Draw,
    tally: Tally,
    /// Days for which nothing is judged, by road: he asks where it can help him.
    login_rests: u32,
    resync_rests: u32,
}

impl Attacker<'_> {
    /// Whether he is told anything of this code but that it is wrong; `None` where he may not ask.
    async fn ask(&self, code: &str) -> Option<DiagnosedCause> {
        match self.asks {
            Asks::Nobody => None,
            Asks::Oracle => {
                let is_right = self.phone.shows(self.world.now()) == code;
                Some(if is_right {
                    DiagnosedCause::RightButLocked
                } else {
                    DiagnosedCause::Wrong
                })
            }
            Asks::Diagnosis => {
                let told = self.world.service.diagnose(self.support, &alice(), &text(code)).await;
                told.ok().map(|told| told.cause)
            }
        }
    }

    /// The candidate that he takes for the present code: one that he heard well of, or else one that he heard no ill of.
    ///
    /// What diagnosis knows of a code it knows of another time: then it is not the present one.
    async fn choose(&mut self, mut candidates: Vec<String>, asks: usize) -> String {
        for _ask in 0..asks {
            let place = self.draw.below(candidates.len());
            match self.ask(&candidates[place]).await {
                Some(DiagnosedCause::RightButLocked) if self.asks == Asks::Oracle => return candidates.remove(place),
                Some(DiagnosedCause::Wrong) if self.asks == Asks::Diagnosis => {}
                Some(_) if candidates.len() > 1 => drop(candidates.remove(place)),
                _ => {}
            }
        }
        let place = self.draw.below(candidates.len());
        candidates.remove(place)
    }

    /// Guesses at the login, each in a step of its own; ends when nothing is judged, and support's key lifts nothing.
    async fn guess(&mut self) {
        if self.login_rests > 0 {
            self.login_rests -= 1;
            return;
        }
        for _guess in 0..9 {
            let right = self.phone.shows(self.world.now());
            let candidates = self.draw.candidates(&right);
            let code = self.choose(candidates, 2).await;
            match self.world.verify(self.login, &alice(), &code).await {
                Ok(Answer::Accepted(_)) => self.tally.hits += 1,
                Ok(Answer::Refused) => {}
                _ => {
                    let lifted = self
                        .world
                        .service
                        .unlock(self.support, &alice(), self.device, None)
                        .await;
                    if lifted.is_err() {
                        self.login_rests = WEEKS_13;
                        return;
                    }
                    continue;
                }
            }
            self.tally.guesses += 1;
            self.world.clock.pass(STEP_MS);
        }
    }

    /// Two codes in a row of six steps ago would measure the clock anew, and burn nothing of what the attacker knows: he asks
    /// which of the candidates is the first of them.
    async fn resync(&mut self) {
        if self.resync_rests > 0 {
            self.resync_rests -= 1;
            return;
        }
        let then = self.world.now().plus(-6 * STEP_MS);
        let [first, second] = self.phone.two(then);
        let (firsts, seconds) = (self.draw.candidates(&first), self.draw.candidates(&second));
        let mut known = firsts[self.draw.below(CANDIDATES)].clone();
        for code in &firsts {
            let told = match self.asks {
                Asks::Oracle => (*code == first).then_some(DiagnosedCause::ClockOff),
                _ => self.ask(code).await,
            };
            if told == Some(DiagnosedCause::ClockOff) {
                known.clone_from(code);
                break;
            }
        }
        let pair = [text(&known), text(&seconds[self.draw.below(CANDIDATES)])];
        let codes = [&pair[0], &pair[1]];
        let told = self
            .world
            .service
            .resync(self.login, &alice(), self.device, codes, None)
            .await;
        match told {
            Ok(_) => self.tally.pair_hits += 1,
            Err(ServiceError::CodeRefused { .. }) => {}
            Err(error) => {
                assert!(matches!(error, ServiceError::Locked { .. }), "{error:?}");
                self.resync_rests = WEEKS_13;
                return;
            }
        }
        self.tally.pairs += 1;
    }
}

async fn half_a_year(asks: Asks, seed: u64) -> Tally {
    let world = World::new().await;
    let all = world.all().await;
    let (device, phone) = world.bind(&all, &alice()).await;
    let login = world.caller(&[Role::Verify, Role::Enroll], None).await;
    let key = world.caller(&[Role::Support], None).await;
    let support = key.acting(actor_of("thief"));
    let mut attacker = Attacker {
        world: &world,
        login: &login,
        support: &support,
        device,
        phone: &phone,
        asks,
        draw: Draw(seed),
        tally: Tally::default(),
        login_rests: 0,
        resync_rests: 0,
    };
    for _day in 0..DAYS {
        world.clock.pass(UnixMs::DAY);
        // The owner logs in, where they can.
        let _owner = world.verify(&login, &alice(), &phone.shows(world.now())).await;
        world.clock.pass(2 * STEP_MS);
        attacker.guess().await;
        world.clock.pass(UnixMs::HOUR);
        attacker.resync().await;
    }
    attacker.tally
}

async fn all(asks: Asks) -> Tally {
    let mut all = Tally::default();
    for user in 1..=USERS {
        let one = half_a_year(asks, user.wrapping_mul(0x9e37_79b9_7f4a_7c15)).await;
        all.guesses += one.guesses;
        all.hits += one.hits;
        all.pairs += one.pairs;
        all.pair_hits += one.pair_hits;
    }
    all
}

/// So many hits would be more than chance, once in some hundred thousand runs.
fn more_than_chance(guesses: u32, one_in: u32) -> f64 {
    let mean = f64::from(guesses) / f64::from(one_in);
    mean + 4.5 * mean.sqrt() + 2.0
}

#[tokio::test]
async fn a5_diagnosis_is_no_help_to_whoever_guesses() {
    let candidates = u32::try_from(CANDIDATES).expect("small");
    let (without, with) = (all(Asks::Nobody).await, all(Asks::Diagnosis).await);
    println!("without {without:?}, with {with:?}");
    for tally in [&without, &with] {
        assert!(tally.guesses > 1_000, "A1: as many as the rule allows: {tally:?}");
        assert!(
            f64::from(tally.hits) < more_than_chance(tally.guesses, candidates),
            "{tally:?}"
        );
        let pairs = more_than_chance(tally.pairs, candidates * candidates);
        assert!(f64::from(tally.pair_hits) < pairs, "{tally:?}");
    }
    assert!(
        with.guesses <= without.guesses + without.hits + with.hits,
        "it gives no more guesses: {with:?}"
    );
    // Were it an oracle, both would be seen.
    let oracle = all(Asks::Oracle).await;
    assert!(
        f64::from(oracle.hits) > more_than_chance(oracle.guesses, candidates),
        "{oracle:?}"
    );
    let pairs = more_than_chance(oracle.pairs, candidates * candidates);
    assert!(f64::from(oracle.pair_hits) > pairs, "{oracle:?}");
}
