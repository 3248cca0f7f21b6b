//! The verification path: `queue -> lane -> load -> judge -> one commit -> answers`.
//!
//! A lane takes what is waiting, with no timer: a batch is what arrived while the last commit ran. Accounts
//! take turns, so that one that floods waits behind itself. Requests of one device meet here in one
//! order and are judged against the state as it evolves; the store's condition still decides.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use store::{Owner, StoreError};
use tokio::sync::{Notify, oneshot};

use crate::{
    Core, ServiceError,
    verification::batch,
    verification::request::{Answered, Request},
};

/// Requests judged in one batch.
const BATCH: usize = 1_024;
/// Requests of one call that travel together.
const CHUNK: usize = 256;
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
    jobs: HashMap<Arc<str>, VecDeque<Job>>,
    /// The accounts with waiting jobs, in turn.
    turns: VecDeque<Arc<str>>,
    /// Questions waiting.
    length: usize,
    /// Calls that wait or are judged, by user.
    present: HashMap<Owner, usize>,
    closed: bool,
}

/// Questions that travel together, and whom their answers are for.
enum Job {
    One(Request, oneshot::Sender<Answered>),
    Many(Vec<Request>, oneshot::Sender<Vec<Answered>>, Arc<Admission>),
}

impl Job {
    fn length(&self) -> usize {
        match self {
            Self::One(..) => 1,
            Self::Many(requests, ..) => requests.len(),
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
        self.owners.iter().for_each(|owner| queue.leave(owner));
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
        loop {
            let (jobs, closed) = {
                let mut queue = self.queue();
                (queue.take(), queue.closed)
            };
            if !jobs.is_empty() {
                self.answer_jobs(&core, jobs).await;
            } else if closed {
                return;
            } else {
                self.wake.notified().await;
            }
        }
    }

    /// Judges the questions of all jobs as one batch and gives each job its answers.
    async fn answer_jobs(&self, core: &Core, jobs: Vec<Job>) {
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

/// Holds the places of those who asked one question each while their batch is judged, however that ends.
struct Judged<'a> {
    lane: &'a Lane,
    requests: &'a [Request],
    callers: &'a [Caller],
}

impl Drop for Judged<'_> {
    fn drop(&mut self) {
        let mut queue = self.lane.queue();
        let mut requests = self.requests;
        for caller in self.callers {
            let length = match caller {
                Caller::One(_) => 1,
                Caller::Many(length, ..) => *length,
            };
            let (asked, rest) = requests.split_at_checked(length).unwrap_or_default();
            if let (Caller::One(_), [request]) = (caller, asked) {
                queue.leave(&request.owner);
            }
            requests = rest;
        }
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
        let waiting = || {
            let jobs = self.jobs.get(account)?;
            Some(jobs.iter().map(Job::length).sum::<usize>())
        };
        // Counted only where it could matter.
        self.length + more <= QUEUE_OF_ACCOUNT
            || (self.length + more <= QUEUE && waiting().unwrap_or(0) + more <= QUEUE_OF_ACCOUNT)
    }

    /// Takes a place of this user; false where they have all of theirs.
    fn enter(&mut self, owner: &Owner, waiting_per_user: usize) -> bool {
        let present = self.present.entry(owner.clone()).or_default();
        let enters = *present < waiting_per_user;
        *present += usize::from(enters);
        enters
    }

    fn leave(&mut self, owner: &Owner) {
        if let Some(present) = self.present.get_mut(owner) {
            *present -= 1;
            if *present == 0 {
                self.present.remove(owner);
            }
        }
    }

    fn push(&mut self, account: Arc<str>, job: Job) {
        self.length += job.length();
        let jobs = self.jobs.entry(account.clone()).or_default();
        if jobs.is_empty() {
            self.turns.push_back(account);
        }
        jobs.push_back(job);
    }

    /// A batch: one job of each account in turn, until there are enough questions.
    fn take(&mut self) -> Vec<Job> {
        let mut taken = Vec::new();
        let mut questions = 0;
        while questions < BATCH
            && let Some(account) = self.turns.pop_front()
        {
            let Some(jobs) = self.jobs.get_mut(&account) else {
                continue;
            };
            if let Some(job) = jobs.pop_front() {
                questions += job.length();
                taken.push(job);
            }
            if jobs.is_empty() {
                self.jobs.remove(&account);
            } else {
                self.turns.push_back(account);
            }
        }
        self.length -= questions;
        taken
    }
}
