//! An open loop: requests come at a fixed rate, whether or not those before them were answered.
//!
//! A closed loop asks less while the service is slow, and so leaves out what whoever came meanwhile would have waited
//! (coordinated omission). Here a latency counts from when the request was due: one that finds no free connection waits, and
//! that counts.
//!
//! Arrivals are Poisson's, for the users of a service do not know of each other: they come in bursts now and then, and
//! bursts are what makes queues. Evenly spaced ones would never meet any. The same sequence of gaps, in units of their mean,
//! comes at every rate and for the echo.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::Semaphore,
};

use crate::{
    Any,
    client::Connection,
    closed::Context,
    population::mixed,
    request::Asker,
    scenario::{Scenario, Slice},
};

/// So many requests a second are due for this long; ends when the last of them is answered. The slice took as long as
/// requests were due.
pub(crate) async fn run(
    connections: &mut [Connection],
    context: Context<'_>,
    scenario: Scenario,
    per_s: f64,
    length: Duration,
) -> Any<Slice> {
    let queue = Queue::new();
    let many = connections.len();
    let one = async |connection: &mut Connection| {
        let mut asker = Asker::new(context.heads, context.shots, connection);
        while let Some(due) = queue.next().await {
            asker.ask(scenario, Some(due), None).await?;
        }
        Any::Ok(asker.slice)
    };
    let answering = join_all(connections.iter_mut().map(one));
    let (arrived, parts) = join(arrive(&queue, per_s, length, many), answering).await;
    arrived?;
    let mut slice = Slice::default();
    for part in parts {
        slice.add(part?);
    }
    slice.took = length;
    Ok(slice)
}

/// Puts what is due into the queue, and then the end for each of the connections.
async fn arrive(queue: &Queue, per_s: f64, length: Duration, connections: usize) -> io::Result<()> {
    let alarm = Alarm::new()?;
    let begun = Instant::now();
    // The first is due at once, so that no slice is empty.
    let (mut due, mut turn) = (Duration::ZERO, 0);
    while due < length {
        alarm.wait_until(begun + due).await?;
        queue.push(Some(begun + due));
        // In (0, 1]: of 53 random bits.
        let random = ((mixed(turn) >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        due += Duration::from_secs_f64(-random.ln() / per_s);
        turn += 1;
    }
    (0..connections).for_each(|_| queue.push(None));
    Ok(())
}

/// Requests that are due and have no connection yet; first come, first served.
struct Queue {
    due: RefCell<VecDeque<Option<Instant>>>,
    /// As many permits as stand in the queue.
    waiting: Semaphore,
}

impl Queue {
    fn new() -> Self {
        Self {
            due: RefCell::default(),
            waiting: Semaphore::new(0),
        }
    }

    fn push(&self, due: Option<Instant>) {
        self.due.borrow_mut().push_back(due);
        self.waiting.add_permits(1);
    }

    /// When the next one was due; `None` at the end.
    async fn next(&self) -> Option<Instant> {
        self.waiting.acquire().await.ok()?.forget();
        self.due.borrow_mut().pop_front()?
    }
}

/// A timer of the kernel: the runtime's own has ticks of a millisecond, which is longer than most answers take.
struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    #[allow(
        deprecated,
        reason = "what took its place is unsafe, for types that may lie about their descriptor; an OwnedFd does not"
    )]
    fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self(AsyncFd::with_interest(timer, Interest::READABLE)?))
    }

    async fn wait_until(&self, due: Instant) -> io::Result<()> {
        let left = due.saturating_duration_since(Instant::now());
        let Ok(it_value) = Timespec::try_from(left) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if left.is_zero() {
            return Ok(());
        }
        let once = Itimerspec {
            it_interval: Timespec::default(),
            it_value,
        };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.0.readable().await?;
            if let Ok(rang) = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0; 8])?)) {
                return rang.map(drop);
            }
        }
    }
}
