//! Who holds a connection, and who makes room when there are too many.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, task::AbortHandle, time::timeout};

use crate::{Network, listener::Limits};

/// Between two lines of the log about connections that were turned away.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// A task that is told to end does so when it waits next, which is at once.
const ENDED_WITHIN: Duration = Duration::from_secs(1);

/// All connections of a listener.
///
/// One is idle as long as nobody on it has proven an API key and no handler works for it. When there is no place, the
/// oldest idle one makes room, of the same peer where that peer has its share: whoever floods us pushes out his own.
pub(crate) struct Connections {
    most: usize,
    most_of_a_peer: usize,
    trusted_proxies: Vec<Network>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// In the order they came.
    places: BTreeMap<u64, Taken>,
    of_peer: HashMap<IpAddr, usize>,
    next: u64,
    turned_away: u64,
    told_at: Option<Instant>,
}

struct Taken {
    peer: IpAddr,
    status: Arc<ConnectionStatus>,
    /// Absent for the moment between taking the place and starting the work.
    task: Option<AbortHandle>,
    /// Comes to its end with the place: by then the socket is closed.
    ended: oneshot::Receiver<()>,
}

/// What a connection is worth. Its requests write it, the accept loop reads it.
#[derive(Debug, Default)]
pub(crate) struct ConnectionStatus {
    proven: AtomicBool,
    busy: AtomicBool,
}

impl ConnectionStatus {
    /// Whether the last key that was presented here is one.
    pub(crate) fn set_proven(&self, proven: bool) {
        // Mostly nothing changes, and then nothing is written that other processors have to hear of.
        if self.proven.load(Relaxed) != proven {
            self.proven.store(proven, Relaxed);
        }
    }

    /// Whether a handler works on a request of it.
    pub(crate) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Relaxed);
    }

    fn is_idle(&self) -> bool {
        !self.proven.load(Relaxed) && !self.busy.load(Relaxed)
    }
}

/// A connection's place, given back when dropped.
pub(crate) struct Place {
    connections: Arc<Connections>,
    number: u64,
    pub(crate) status: Arc<ConnectionStatus>,
    _until: oneshot::Sender<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(self.number);
    }
}

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections,
            most_of_a_peer: limits.connections_per_peer,
            trusted_proxies: limits.trusted_proxies.clone(),
            open: Mutex::default(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for this peer, perhaps of an idle connection that is dropped for it.
    pub(crate) async fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let peer = peer(address);
        let is_proxy = self.trusted_proxies.iter().any(|network| network.contains(address));
        let has_its_share = !is_proxy && self.open().of(peer) >= self.most_of_a_peer;
        if has_its_share && !self.make_room(Some(peer)).await {
            if let Some(count) = self.open().turn_away() {
                tracing::warn!(
                    "{address} has {} connections, as many as limits.connections_per_peer allows: {count} more of peers \
                     like it were closed. If many clients stand behind it, name it in limits.trusted_proxies",
                    self.most_of_a_peer
                );
            }
            return None;
        }
        let is_full = self.open().places.len() >= self.most;
        if is_full && !self.make_room(None).await {
            if let Some(count) = self.open().turn_away() {
                tracing::warn!("all {} connections are in use: {count} more were closed", self.most);
            }
            return None;
        }
        Some(self.open().insert(peer, self.clone()))
    }

    /// Drops the oldest idle connection, of this peer or of all, and waits until its socket is closed; false when there
    /// is none.
    pub(crate) async fn make_room(&self, peer: Option<IpAddr>) -> bool {
        let Some(taken) = self.open().take_idle(peer) else {
            return false;
        };
        if let Some(task) = taken.task {
            task.abort();
        }
        let _ended = timeout(ENDED_WITHIN, taken.ended).await;
        true
    }

    /// Says which task works at this place, so that it can be ended. It may have ended already.
    pub(crate) fn works_at(&self, number: u64, task: AbortHandle) {
        if let Some(taken) = self.open().places.get_mut(&number) {
            taken.task = Some(task);
        }
    }
}

impl Place {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Open {
    fn of(&self, peer: IpAddr) -> usize {
        self.of_peer.get(&peer).copied().unwrap_or(0)
    }

    fn insert(&mut self, peer: IpAddr, connections: Arc<Connections>) -> Place {
        let number = self.next;
        self.next += 1;
        *self.of_peer.entry(peer).or_default() += 1;
        let status = Arc::new(ConnectionStatus::default());
        let (until, ended) = oneshot::channel();
        let taken = Taken {
            peer,
            status: status.clone(),
            task: None,
            ended,
        };
        self.places.insert(number, taken);
        Place {
            connections,
            number,
            status,
            _until: until,
        }
    }

    fn remove(&mut self, number: u64) -> Option<Taken> {
        let taken = self.places.remove(&number)?;
        if let Some(count) = self.of_peer.get_mut(&taken.peer) {
            *count -= 1;
            if *count == 0 {
                self.of_peer.remove(&taken.peer);
            }
        }
        Some(taken)
    }

    /// Takes its place from the oldest idle connection, of this peer or of all.
    fn take_idle(&mut self, peer: Option<IpAddr>) -> Option<Taken> {
        let is_wanted = |taken: &Taken| peer.is_none_or(|peer| taken.peer == peer) && taken.status.is_idle();
        let oldest = self.places.iter().find(|(_, taken)| is_wanted(taken));
        let number = oldest.map(|(number, _)| *number)?;
        self.remove(number)
    }

    /// Counts a connection that finds no place: how many there were, when it is time to tell.
    fn turn_away(&mut self) -> Option<u64> {
        self.turned_away += 1;
        if self.told_at.is_some_and(|told_at| told_at.elapsed() < TOLD_EVERY) {
            return None;
        }
        self.told_at = Some(Instant::now());
        Some(std::mem::take(&mut self.turned_away))
    }
}

/// Whose connections are counted together: an IPv6 host has all addresses of its /64.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(most: usize, most_of_a_peer: usize, trusted: &[&str]) -> Arc<Connections> {
        Connections::new(&Limits {
            connections: most,
            connections_per_peer: most_of_a_peer,
            trusted_proxies: trusted.iter().map(|network| network.parse().unwrap()).collect(),
            ..Limits::default()
        })
    }

    /// Nobody works at these places, so that none ends by itself: the clock is paused, and does not wait for it.
    fn take(connections: &Arc<Connections>, address: &str) -> Option<Place> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(connections.take(address.parse().unwrap()))
    }

    /// Whether the place is still its holder's.
    fn holds(place: &Place) -> bool {
        place.connections.open().places.contains_key(&place.number)
    }

    #[test]
    fn a_full_house_drops_the_oldest_idle_and_nobody_else() {
        let all = connections(3, 3, &[]);
        let proven = take(&all, "192.0.2.1").unwrap();
        proven.status.set_proven(true);
        let busy = take(&all, "192.0.2.2").unwrap();
        busy.status.set_busy(true);
        let idle = take(&all, "192.0.2.3").unwrap();
        let newest = take(&all, "192.0.2.4").unwrap();
        assert!(holds(&proven) && holds(&busy) && holds(&newest) && !holds(&idle));
        newest.status.set_proven(true);
        assert!(take(&all, "192.0.2.5").is_none(), "nobody is idle");
        busy.status.set_busy(false);
        let next = take(&all, "192.0.2.5").unwrap();
        assert!(!holds(&busy) && holds(&next));
        // Whose key is none any more stands like anybody.
        proven.status.set_proven(false);
        next.status.set_busy(true);
        assert!(take(&all, "192.0.2.6").is_some() && !holds(&proven));
    }

    #[test]
    fn a_peer_at_its_share_pushes_out_its_own_and_a_trusted_proxy_has_none() {
        let all = connections(100, 2, &["192.0.2.128/25"]);
        let other = take(&all, "192.0.2.1").unwrap();
        let mine: Vec<_> = (0..3).map(|_| take(&all, "192.0.2.2").unwrap()).collect();
        assert!(holds(&other) && !holds(&mine[0]) && holds(&mine[1]) && holds(&mine[2]));
        for place in &mine[1..] {
            place.status.set_proven(true);
        }
        assert!(take(&all, "192.0.2.2").is_none(), "its own are all in use");
        assert!(take(&all, "::ffff:192.0.2.2").is_none(), "the same by another name");
        drop(mine);
        assert!(take(&all, "192.0.2.2").is_some(), "places come back");
        let proxied: Vec<_> = (0..50).map(|_| take(&all, "192.0.2.200").unwrap()).collect();
        assert!(proxied.iter().all(holds));
        // One host has a whole /64.
        let wide: Vec<_> = (1..4)
            .map(|host| take(&all, &format!("2001:db8::{host}")).unwrap())
            .collect();
        assert!(!holds(&wide[0]) && holds(&wide[2]));
        assert!(take(&all, "2001:db8:0:1::1").is_some());
    }
}
