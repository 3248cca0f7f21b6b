//! Who holds a connection, and who makes room when there are too many.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, timeout},
};

use crate::transport::{limits::Limits, network::Network};

/// Between two lines of the log about connections that were turned away.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// A caller with a key has shown it by then, also where there is much to do.
const CHANCE: Duration = Duration::from_secs(2);

/// Connections that have lost their place and whose sockets are not closed yet. A process may open more files than this
/// beside its connections.
const LEAVING_MOST: usize = 64;

/// When files are out, one that is closed helps; nobody is waited for any longer.
const FILE_WITHIN: Duration = Duration::from_millis(100);

/// All connections of a listener.
///
/// A stranger is one on which nobody has proven an API key. When there is no place, a stranger makes room: the oldest of
/// those who had their chance to prove one, or else one of the peer that has most of them. Where a peer has its share, it
/// is one of its own: whoever floods us pushes out his own. A stranger's requests change nothing, so that one may be cut
/// off in the middle of it; whoever has proven a key is never dropped.
pub(crate) struct Connections {
    most: usize,
    most_of_a_peer: usize,
    trusted_proxies: Vec<Network>,
    open: Mutex<Open>,
    /// Somebody who had lost the place is gone.
    left: Notify,
}

#[derive(Default)]
struct Open {
    /// In the order they came.
    places: BTreeMap<u64, Taken>,
    of_peer: HashMap<IpAddr, usize>,
    next: u64,
    /// Who has no place any more, and still a socket.
    leaving: usize,
    turned_away: u64,
    told_at: Option<Instant>,
}

struct Taken {
    peer: IpAddr,
    since: Instant,
    status: Arc<ConnectionStatus>,
    /// Absent for the moment between taking the place and starting the work.
    task: Option<AbortHandle>,
}

/// What a connection is worth. Its requests and the accept loop change it, and of two at once one fails: either a key is
/// proven first, and then it stays, or its place is given away first, and then nothing is asked of the service.
#[derive(Debug, Default)]
pub(crate) struct ConnectionStatus {
    known: AtomicU8,
    /// Where it comes from; `None` behind a proxy, whose word on that is not taken.
    client: Option<IpAddr>,
}

/// A stranger that was not answered yet.
const NEW: u8 = 0;
/// A stranger that had its chance: it was answered, or its last key is none.
const HEARD: u8 = 1;
/// The last key that was presented here is one.
const PROVEN: u8 = 2;
/// Its place is somebody else's.
const LEAVING: u8 = 3;

impl ConnectionStatus {
    fn of(client: Option<IpAddr>) -> Self {
        Self {
            client,
            ..Self::default()
        }
    }

    /// The address of whoever is at its other end.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// A key was proven here. False when it is too late: nothing may be asked of the service.
    #[must_use]
    pub(crate) fn prove(&self) -> bool {
        let mut known = self.known.load(Relaxed);
        // Mostly nothing changes, and then nothing is written that other processors have to hear of.
        while known != PROVEN {
            if known == LEAVING {
                return false;
            }
            match self.known.compare_exchange(known, PROVEN, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(meanwhile) => known = meanwhile,
            }
        }
        true
    }

    /// The last key that was presented here is none.
    pub(crate) fn disprove(&self) {
        self.change(PROVEN, HEARD);
    }

    /// A request of it was answered.
    pub(crate) fn set_heard(&self) {
        self.change(NEW, HEARD);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.known.load(Relaxed) == LEAVING
    }

    /// Gives its place away, unless a key was proven meanwhile.
    fn evict(&self) -> bool {
        self.change(HEARD, LEAVING) || self.change(NEW, LEAVING)
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.known.load(Relaxed) == from && self.known.compare_exchange(from, to, Relaxed, Relaxed).is_ok()
    }
}

/// A connection's place, given back when dropped: by then its socket is closed.
pub(crate) struct Place {
    connections: Arc<Connections>,
    number: u64,
    pub(crate) status: Arc<ConnectionStatus>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        if open.remove(self.number).is_none() {
            open.leaving -= 1;
            drop(open);
            self.connections.left.notify_one();
        }
    }
}

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections,
            most_of_a_peer: limits.connections_per_peer,
            trusted_proxies: limits.trusted_proxies.clone(),
            open: Mutex::default(),
            left: Notify::new(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for this peer, perhaps of a stranger that is dropped for it.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let peer = peer(address);
        let is_proxy = self.trusted_proxies.iter().any(|network| network.contains(address));
        let mut open = self.open();
        let has_its_share = !is_proxy && open.of(peer) >= self.most_of_a_peer;
        if has_its_share && !open.make_room(Some(peer)) {
            if let Some(count) = open.turn_away() {
                tracing::warn!(
                    "{address} has {} connections, as many as limits.connections_per_peer allows: {count} more of peers \
                     like it were closed. If many clients stand behind it, name it in limits.trusted_proxies",
                    self.most_of_a_peer
                );
            }
            return None;
        }
        let is_full = open.places.len() >= self.most;
        if is_full && !open.make_room(None) {
            if let Some(count) = open.turn_away() {
                tracing::warn!("all {} connections are in use: {count} more were closed", self.most);
            }
            return None;
        }
        let client = (!is_proxy).then(|| address.to_canonical());
        Some(open.insert(peer, client, self.clone()))
    }

    /// Nobody in particular is waited for: only so many may be on their way out that there are files for all.
    pub(crate) async fn few_are_leaving(&self) {
        while self.open().leaving > LEAVING_MOST {
            self.left.notified().await;
        }
    }

    /// Drops a stranger for the file that it takes, and waits a moment until somebody's is closed; false when there is
    /// no stranger.
    pub(crate) async fn free_a_file(&self) -> bool {
        let made = self.open().make_room(None);
        if made {
            let _some_left = timeout(FILE_WITHIN, self.left.notified()).await;
        }
        made
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

    fn insert(&mut self, peer: IpAddr, client: Option<IpAddr>, connections: Arc<Connections>) -> Place {
        let number = self.next;
        self.next += 1;
        *self.of_peer.entry(peer).or_default() += 1;
        let status = Arc::new(ConnectionStatus::of(client));
        let taken = Taken {
            peer,
            since: Instant::now(),
            status: status.clone(),
            task: None,
        };
        self.places.insert(number, taken);
        Place {
            connections,
            number,
            status,
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

    /// Takes its place from a stranger, of this peer or of all; false when there is none.
    fn make_room(&mut self, peer: Option<IpAddr>) -> bool {
        while let Some(number) = self.stranger(peer) {
            // One that has proven a key at this very moment is none any more.
            if self.places.get(&number).is_some_and(|taken| taken.status.evict()) {
                if let Some(Taken { task: Some(task), .. }) = self.remove(number) {
                    task.abort();
                }
                self.leaving += 1;
                return true;
            }
        }
        false
    }

    /// The stranger that is missed least.
    fn stranger(&self, peer: Option<IpAddr>) -> Option<u64> {
        let now = Instant::now();
        // How many new ones a peer has, and the oldest of them.
        let mut new: HashMap<IpAddr, (usize, u64)> = HashMap::new();
        for (&number, taken) in &self.places {
            if peer.is_some_and(|peer| taken.peer != peer) {
                continue;
            }
            match taken.status.known.load(Relaxed) {
                HEARD => return Some(number),
                NEW if now - taken.since >= CHANCE => return Some(number),
                NEW => new.entry(taken.peer).or_insert((0, number)).0 += 1,
                _ => {}
            }
        }
        let most = new
            .into_values()
            .max_by_key(|(count, number)| (*count, Reverse(*number)));
        most.map(|(_, oldest)| oldest)
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

    fn take(connections: &Arc<Connections>, address: &str) -> Option<Place> {
        connections.take(address.parse().unwrap())
    }

    /// Whether the place is still its holder's.
    fn holds(place: &Place) -> bool {
        place.connections.open().places.contains_key(&place.number)
    }

    #[test]
    fn a_full_house_drops_the_oldest_stranger_that_was_heard_and_nobody_who_has_proven_a_key() {
        let all = connections(4, 4, &[]);
        let proven = take(&all, "192.0.2.1").unwrap();
        assert!(proven.status.prove());
        let new = take(&all, "192.0.2.2").unwrap();
        let heard = [take(&all, "192.0.2.3").unwrap(), take(&all, "192.0.2.3").unwrap()];
        heard[0].status.set_heard();
        heard[1].status.set_heard();
        let newest = take(&all, "192.0.2.4").unwrap();
        assert!(
            !holds(&heard[0]) && !heard[0].status.prove(),
            "it has lost its place for good"
        );
        assert!(holds(&proven) && holds(&new) && holds(&heard[1]) && holds(&newest));
        assert!(heard[1].status.prove() && new.status.prove() && newest.status.prove());
        assert!(take(&all, "192.0.2.5").is_none(), "nobody is a stranger");
        proven.status.set_heard();
        assert!(
            take(&all, "192.0.2.5").is_none(),
            "who was answered has proven it all the same"
        );
        // Whose key is none any more stands like anybody.
        proven.status.disprove();
        let next = take(&all, "192.0.2.5").unwrap();
        assert!(!holds(&proven) && holds(&next));
        assert_eq!(all.open().leaving, 2);
        drop((heard, proven));
        let open = all.open();
        assert_eq!((open.leaving, open.places.len()), (0, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_stranger_has_its_chance_before_those_who_had_theirs_and_before_a_crowd_of_new_ones() {
        let all = connections(4, 3, &[]);
        let crowd: Vec<_> = (0..3).map(|_| take(&all, "192.0.2.1").unwrap()).collect();
        let alone = take(&all, "192.0.2.2").unwrap();
        let next = take(&all, "192.0.2.3").unwrap();
        assert!(!holds(&crowd[0]) && holds(&crowd[1]) && holds(&alone));
        tokio::time::sleep(CHANCE).await;
        drop(next);
        let next = take(&all, "192.0.2.3").unwrap();
        let last = take(&all, "192.0.2.3").unwrap();
        assert!(
            !holds(&crowd[1]) && holds(&next) && holds(&alone),
            "the oldest had its chance"
        );
        drop((crowd, alone));
        // They are the crowd now.
        let more = [take(&all, "192.0.2.4").unwrap(), take(&all, "192.0.2.5").unwrap()];
        assert!(holds(&next) && holds(&last));
        let one_more = take(&all, "192.0.2.6").unwrap();
        assert!(!holds(&next) && holds(&last) && more.iter().all(holds) && holds(&one_more));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_in_particular_is_waited_for() {
        let all = connections(1, 200, &[]);
        let mut places: Vec<_> = (0..=LEAVING_MOST).map(|_| take(&all, "192.0.2.1").unwrap()).collect();
        timeout(CHANCE, all.few_are_leaving()).await.unwrap();
        places.push(take(&all, "192.0.2.1").unwrap());
        timeout(CHANCE, all.few_are_leaving()).await.unwrap_err();
        places.swap_remove(LEAVING_MOST / 2);
        timeout(CHANCE, all.few_are_leaving()).await.unwrap();
    }

    #[test]
    fn a_peer_at_its_share_pushes_out_its_own_and_a_trusted_proxy_has_none() {
        let all = connections(100, 2, &["192.0.2.128/25"]);
        let other = take(&all, "192.0.2.1").unwrap();
        let mine: Vec<_> = (0..3).map(|_| take(&all, "192.0.2.2").unwrap()).collect();
        assert!(holds(&other) && !holds(&mine[0]) && holds(&mine[1]) && holds(&mine[2]));
        assert!(mine[1..].iter().all(|place| place.status.prove()));
        assert!(take(&all, "192.0.2.2").is_none(), "its own are all in use");
        assert!(take(&all, "::ffff:192.0.2.2").is_none(), "the same by another name");
        drop(mine);
        assert!(take(&all, "192.0.2.2").is_some(), "places come back");
        let proxied: Vec<_> = (0..50).map(|_| take(&all, "192.0.2.200").unwrap()).collect();
        let client = |place: &Place| place.status.client().map(|client| client.to_string());
        assert_eq!(client(&other).as_deref(), Some("192.0.2.1"));
        assert_eq!(client(&proxied[0]), None, "whoever is behind a proxy is not known");
        assert!(proxied.iter().all(holds));
        // One host has a whole /64.
        let wide: Vec<_> = (1..4)
            .map(|host| take(&all, &format!("2001:db8::{host}")).unwrap())
            .collect();
        assert!(!holds(&wide[0]) && holds(&wide[2]));
        assert!(take(&all, "2001:db8:0:1::1").is_some());
    }
}
