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

struct Job {
    requests: Vec<Request>,
    answer: oneshot::Sender<Vec<Answered>>,
    _admission: Arc<Admission>,
}

/// Holds a call's places in the queue; they are free again when its last question is answered.
struct Admission {
    lane: Arc<Lane>,
    owners: HashSet<Owner>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut queue = self.lane.queue();
        for owner in &self.owners {
            if let Some(present) = queue.present.get_mut(owner) {
                *present -= 1;
                if *present == 0 {
                    queue.present.remove(owner);
                }
            }
        }
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
            let present = queue.present.entry(request.owner.clone()).or_default();
            if *present >= waiting_per_user {
                refused.insert(request.owner.clone());
            } else {
                *present += 1;
                owners.insert(request.owner.clone());
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
            if queue.waiting(&account) + requests.len() > QUEUE_OF_ACCOUNT {
                continue;
            }
            let (answer, answered) = oneshot::channel();
            let _admission = admission.clone();
            queue.push(
                account,
                Job {
                    requests,
                    answer,
                    _admission,
                },
            );
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
                answer_jobs(&core, jobs).await;
            } else if closed {
                return;
            } else {
                self.wake.notified().await;
            }
        }
    }

    /// Lets nothing more in.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.wake.notify_one();
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
    /// Questions that wait for this account.
    fn waiting(&self, account: &str) -> usize {
        self.jobs
            .get(account)
            .map_or(0, |jobs| jobs.iter().map(|job| job.requests.len()).sum())
    }

    fn push(&mut self, account: Arc<str>, job: Job) {
        self.length += job.requests.len();
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
                questions += job.requests.len();
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

/// Judges the questions of all jobs as one batch and gives each job its answers.
async fn answer_jobs(core: &Core, jobs: Vec<Job>) {
    let mut requests = Vec::new();
    let mut callers = Vec::with_capacity(jobs.len());
    for job in jobs {
        callers.push((job.requests.len(), job.answer, job._admission));
        requests.extend(job.requests);
    }
    let mut answers = batch::decide(core, &requests).await.into_iter();
    for (length, answer, admission) in callers {
        drop(admission);
        // Nobody waits any more when the caller hung up; what was decided stays decided.
        let _hung_up = answer.send(answers.by_ref().take(length).collect());
    }
}
