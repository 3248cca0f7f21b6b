//! The verification path: `queue -> batch -> load -> judge -> one commit -> answers`.
//!
//! The lane takes what is waiting, with no timer, and judges it while batches before it are on their way to the disk, of
//! which the store makes one commit. A user is in one of those batches at a time, and accounts take turns, so
//! that one that floods waits behind itself. Requests of one device meet here in one order and are judged against the
//! state as it evolves; the store's condition still decides.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use store::{Owner, StoreError};
use tokio::{
    sync::{Notify, oneshot},
    task::{JoinError, JoinSet, yield_now},
};

use crate::{
    Core, ServiceError,
    verification::batch,
    verification::request::{Answered, Request},
};

/// Requests judged in one batch.
const BATCH: usize = 512;
/// Requests in all batches that are judged or on their way to the disk: behind them accounts take turns.
const IN_FLIGHT: usize = 4 * BATCH;
/// Requests of one call that travel together: as many as one turn of an account takes, where others ask one at a time.
const CHUNK: usize = 32;
/// Requests that may wait in all; beyond it callers are told to come back.
const QUEUE: usize = 65_536;
/// Requests that may wait for one account, so that one that floods leaves room for the others.
const QUEUE_OF_ACCOUNT: usize = QUEUE / 8;

pub(crate) struct Lane {
    queue: Mutex<Queue>,
    wake: Notify,
}

#[derive(Default)]
struct Queue {
    /// The waiting jobs of each account.
    lines: HashMap<Arc<str>, Line>,
    /// The accounts with waiting jobs, in turn.
    turns: VecDeque<Arc<str>>,
    /// Questions waiting.
    length: usize,
    /// Questions in batches.
    in_flight: usize,
    /// The batches so far.
    batches: u64,
    /// Who has questions that wait or are judged.
    present: HashMap<Owner, Presence>,
    closed: bool,
}

/// An account's jobs that wait.
#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    /// Of all of them: not counted when somebody comes, or whoever waits much makes everybody wait.
    questions: usize,
}

/// A user's questions that wait or are judged.
#[derive(Default)]
struct Presence {
    calls: usize,
    /// The batch that they are in.
    batch: Option<u64>,
}

/// Jobs that are judged together.
struct Batch {
    number: u64,
    jobs: Vec<Job>,
}

/// Questions that travel together, and whom their answers are for.
enum Job {
    One(Request, oneshot::Sender<Answered>),
    Many(Vec<Request>, oneshot::Sender<Vec<Answered>>, Arc<Admission>),
}

impl Job {
    fn requests(&self) -> &[Request] {
        match self {
            Self::One(request, _) => std::slice::from_ref(request),
            Self::Many(requests, ..) => requests,
        }
    }
}

/// Holds the places of a call of many questions in the queue; they are free again when its last question is answered.
struct Admission {
    lane: Arc<Lane>,
    owners: HashSet<Owner>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut queue = self.lane.queue();
        self.owners.iter().for_each(|owner| queue.leave(owner, None));
    }
}

impl Lane {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::default(),
            wake: Notify::new(),
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing in the critical sections can panic halfway.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks about this one.
    pub(crate) async fn decide_one(&self, request: Request, waiting_per_user: usize) -> Answered {
        let answer = self.enqueue_one(request, waiting_per_user)?;
        answer.await.unwrap_or_else(|_lane_ended| Err(shutting_down()))
    }

    fn enqueue_one(
        &self,
        request: Request,
        waiting_per_user: usize,
    ) -> Result<oneshot::Receiver<Answered>, ServiceError> {
        let mut queue = self.queue();
        let account = request.owner.account.clone();
        if queue.closed {
            return Err(shutting_down());
        }
        if !queue.has_room(&account, 1) || !queue.enter(&request.owner, waiting_per_user) {
            return Err(ServiceError::RateLimited);
        }
        let (answer, answered) = oneshot::channel();
        queue.push(account, Job::One(request, answer));
        drop(queue);
        self.wake.notify_one();
        Ok(answered)
    }

    /// Asks about all of these; the answers stand in their order.
    pub(crate) async fn decide(self: &Arc<Self>, requests: Vec<Request>, waiting_per_user: usize) -> Vec<Answered> {
        let mut answers: Vec<Answered> = Vec::new();
        answers.resize_with(requests.len(), || Err(ServiceError::RateLimited));
        let Some(waiting) = self.enqueue(requests, waiting_per_user) else {
            answers.fill_with(|| Err(shutting_down()));
            return answers;
        };
        for (places, answer) in waiting {
            match answer.await {
                Ok(batch) => places
                    .into_iter()
                    .zip(batch)
                    .for_each(|(place, answer)| answers[place] = answer),
                Err(_lane_ended) => places
                    .into_iter()
                    .for_each(|place| answers[place] = Err(shutting_down())),
            }
        }
        answers
    }

    /// Puts what is admitted into the queue; the places of what is not keep their refusal. `None` once it is closed.
    fn enqueue(self: &Arc<Self>, requests: Vec<Request>, waiting_per_user: usize) -> Option<Vec<Waiting>> {
        let mut queue = self.queue();
        if queue.closed {
            return None;
        }
        if queue.length + requests.len() > QUEUE {
            return Some(Vec::new());
        }
        let mut refused = HashSet::new();
        let mut owners = HashSet::new();
        for request in &requests {
            if owners.contains(&request.owner) || refused.contains(&request.owner) {
                continue;
            }
            if queue.enter(&request.owner, waiting_per_user) {
                owners.insert(request.owner.clone());
            } else {
                refused.insert(request.owner.clone());
            }
        }
        let admission = Arc::new(Admission {
            lane: self.clone(),
            owners,
        });
        let mut waiting = Vec::new();
        for Chunk {
            account,
            places,
            requests,
        } in chunks(requests, &refused)
        {
            if !queue.has_room(&account, requests.len()) {
                continue;
            }
            let (answer, answered) = oneshot::channel();
            queue.push(account, Job::Many(requests, answer, admission.clone()));
            waiting.push((places, answered));
        }
        drop(queue);
        self.wake.notify_one();
        Some(waiting)
    }

    /// Judges what comes until [`Lane::close`], then what still waits.
    pub(crate) async fn run(self: Arc<Self>, core: Arc<Core>) {
        let mut batches = JoinSet::new();
        loop {
            let (batch, is_over) = {
                let mut queue = self.queue();
                (queue.take(), queue.closed && queue.length == 0)
            };
            if let Some(batch) = batch {
                let (lane, core) = (self.clone(), core.clone());
                batches.spawn(async move { lane.answer_jobs(&core, batch).await });
            } else if is_over {
                break;
            } else {
                self.wake.notified().await;
                // Whoever is about to ask travels along; alone nobody waits.
                if !batches.is_empty() {
                    yield_now().await;
                }
            }
            while let Some(ended) = batches.try_join_next() {
                tell(ended);
            }
        }
        while let Some(ended) = batches.join_next().await {
            tell(ended);
        }
    }

    /// Judges the questions of all jobs as one batch and gives each job its answers.
    async fn answer_jobs(&self, core: &Core, Batch { number, jobs }: Batch) {
        let mut requests = Vec::with_capacity(jobs.len());
        let mut callers = Vec::with_capacity(jobs.len());
        for job in jobs {
            callers.push(match job {
                Job::One(request, answer) => {
                    requests.push(request);
                    Caller::One(answer)
                }
                Job::Many(many, answer, admission) => {
                    let length = many.len();
                    requests.extend(many);
                    Caller::Many(length, answer, admission)
                }
            });
        }
        let judged = Judged {
            lane: self,
            number,
            requests: &requests,
            callers: &callers,
        };
        let mut answers = batch::decide(core, judged.requests).await.into_iter();
        drop(judged);
        // Nobody waits any more when the caller hung up; what was decided stays decided.
        for caller in callers {
            match caller {
                Caller::One(answer) => answers.next().is_some_and(|answered| answer.send(answered).is_ok()),
                Caller::Many(length, answer, admission) => {
                    drop(admission);
                    answer.send(answers.by_ref().take(length).collect()).is_ok()
                }
            };
        }
    }

    /// Lets nothing more in.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.wake.notify_one();
    }
}

/// Whom a batch's answers are for.
enum Caller {
    One(oneshot::Sender<Answered>),
    Many(usize, oneshot::Sender<Vec<Answered>>, Arc<Admission>),
}

/// Holds the users of a batch, and the places of those who asked one question each, while it is judged, however that ends.
struct Judged<'a> {
    lane: &'a Lane,
    number: u64,
    requests: &'a [Request],
    callers: &'a [Caller],
}

impl Drop for Judged<'_> {
    fn drop(&mut self) {
        let mut queue = self.lane.queue();
        queue.in_flight -= self.requests.len();
        let mut requests = self.requests;
        for caller in self.callers {
            let length = match caller {
                Caller::One(_) => 1,
                Caller::Many(length, ..) => *length,
            };
            let (asked, rest) = requests.split_at_checked(length).unwrap_or_default();
            let owners = asked.iter().map(|request| &request.owner);
            match caller {
                Caller::One(_) => owners.for_each(|owner| queue.leave(owner, Some(self.number))),
                Caller::Many(..) => owners.for_each(|owner| queue.release(owner, self.number)),
            }
            requests = rest;
        }
        drop(queue);
        self.lane.wake.notify_one();
    }
}

/// A batch's end, which nobody waits for: a panic is somebody's to look at, and its callers are told 503.
fn tell(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a batch of verifications ended; nothing of it was answered");
    }
}

/// The places of a chunk in the call, and where its answers come.
type Waiting = (Vec<usize>, oneshot::Receiver<Vec<Answered>>);

fn shutting_down() -> ServiceError {
    StoreError::Closed.into()
}

/// Questions of one account that travel together, and their places in the call.
struct Chunk {
    account: Arc<str>,
    places: Vec<usize>,
    requests: Vec<Request>,
}

/// A call's questions by account, in their order, without those of the refused.
fn chunks(requests: Vec<Request>, refused: &HashSet<Owner>) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut open: HashMap<Arc<str>, usize> = HashMap::new();
    for (place, request) in requests.into_iter().enumerate() {
        if refused.contains(&request.owner) {
            continue;
        }
        let account = request.owner.account.clone();
        let at = open
            .get(&account)
            .copied()
            .filter(|&at| chunks[at].requests.len() < CHUNK)
            .unwrap_or_else(|| {
                open.insert(account.clone(), chunks.len());
                chunks.push(Chunk {
                    account,
                    places: Vec::new(),
                    requests: Vec::new(),
                });
                chunks.len() - 1
            });
        chunks[at].places.push(place);
        chunks[at].requests.push(request);
    }
    chunks
}

impl Queue {
    /// Whether so many more questions may wait for this account.
    fn has_room(&self, account: &str, more: usize) -> bool {
        let waiting = self.lines.get(account).map_or(0, |line| line.questions);
        self.length + more <= QUEUE && waiting + more <= QUEUE_OF_ACCOUNT
    }

    /// Takes a place of this user; false where they have all of theirs.
    fn enter(&mut self, owner: &Owner, waiting_per_user: usize) -> bool {
        let present = self.present.entry(owner.clone()).or_default();
        let enters = present.calls < waiting_per_user;
        present.calls += usize::from(enters);
        enters
    }

    /// Gives a place back, at the end of this batch if it was in one.
    fn leave(&mut self, owner: &Owner, batch: Option<u64>) {
        if let Some(present) = self.present.get_mut(owner) {
            present.calls -= 1;
            present.batch.take_if(|of| Some(*of) == batch);
            if present.calls == 0 {
                self.present.remove(owner);
            }
        }
    }

    /// At the end of this batch.
    fn release(&mut self, owner: &Owner, batch: u64) {
        if let Some(present) = self.present.get_mut(owner) {
            present.batch.take_if(|of| *of == batch);
        }
    }

    fn push(&mut self, account: Arc<str>, job: Job) {
        let line = self.lines.entry(account.clone()).or_default();
        if line.jobs.is_empty() {
            self.turns.push_back(account);
        }
        self.length += job.requests().len();
        line.questions += job.requests().len();
        line.jobs.push_back(job);
    }

    /// A batch: one job of each account in turn, until there are enough questions. `None` where nothing may be judged now.
    ///
    /// An account whose next job is of somebody in a batch of before waits for that.
    fn take(&mut self) -> Option<Batch> {
        let number = self.batches + 1;
        let room = BATCH.min(IN_FLIGHT.saturating_sub(self.in_flight));
        let (mut taken, mut questions, mut waiting) = (Vec::new(), 0, Vec::new());
        while questions < room
            && let Some(account) = self.turns.pop_front()
        {
            let Some(line) = self.lines.get_mut(&account) else {
                continue;
            };
            let may_join = |job: &mut Job| join(&mut self.present, job.requests(), number);
            let Some(job) = line.jobs.pop_front_if(may_join) else {
                waiting.push(account);
                continue;
            };
            line.questions -= job.requests().len();
            questions += job.requests().len();
            taken.push(job);
            if line.jobs.is_empty() {
                self.lines.remove(&account);
            } else {
                self.turns.push_back(account);
            }
        }
        // They were first.
        waiting
            .into_iter()
            .rev()
            .for_each(|account| self.turns.push_front(account));
        if taken.is_empty() {
            return None;
        }
        self.length -= questions;
        self.in_flight += questions;
        self.batches = number;
        Some(Batch { number, jobs: taken })
    }
}

/// Takes those who ask into this batch, unless one of them is in another.
fn join(present: &mut HashMap<Owner, Presence>, requests: &[Request], batch: u64) -> bool {
    let is_elsewhere = |present: &HashMap<Owner, Presence>, request: &Request| {
        let of = present.get(&request.owner).and_then(|present| present.batch);
        of.is_some_and(|of| of != batch)
    };
    if requests.iter().any(|request| is_elsewhere(present, request)) {
        return false;
    }
    for request in requests {
        if let Some(present) = present.get_mut(&request.owner) {
            present.batch = Some(batch);
        }
    }
    true
}
