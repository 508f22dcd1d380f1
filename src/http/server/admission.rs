//! Caps on open connections: in all, and of one address.
//!
//! Invariant: at a cap, a newcomer takes the place of the oldest connection that has not yet
//! sent a request, else of the one idle longest; a request in progress is never cut for room.
//! So a crowd of silent connections cannot shut out somebody who speaks.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::config::Limits;

use super::watch::Watch;

/// The table of open connections.
pub(super) struct Admission {
    max: usize,
    max_per_network: usize,
    proxies: Vec<IpAddr>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Entry>,
    per_network: HashMap<IpAddr, usize>,
}

struct Entry {
    network: IpAddr,
    watch: Arc<Watch>,
    cut: CancellationToken,
}

/// One connection's place; given back when dropped.
pub(super) struct Ticket {
    number: u64,
    watch: Arc<Watch>,
    cut: CancellationToken,
    admission: Arc<Admission>,
}

impl Ticket {
    /// Cancelled when the place is wanted by somebody else or the server stops.
    pub(super) fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// What the connection is doing.
    pub(super) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.admission.table().remove(self.number);
    }
}

impl Table {
    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.open.remove(&number)?;
        if let Some(count) = self.per_network.get_mut(&entry.network) {
            *count -= 1;
            if *count == 0 {
                self.per_network.remove(&entry.network);
            }
        }
        Some(entry)
    }

    /// Cuts whoever gives way first, of `network` or of all; false when all are busy.
    fn evict(&mut self, network: Option<IpAddr>) -> bool {
        let first = self
            .open
            .iter()
            .filter(|(_, entry)| network.is_none_or(|n| n == entry.network))
            .filter_map(|(number, entry)| Some((entry.watch.gives_way()?, *number)))
            .min();
        let Some(entry) = first.and_then(|(_, number)| self.remove(number)) else {
            return false;
        };
        entry.cut.cancel();
        true
    }
}

impl Admission {
    /// With the caps of `limits`.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            max: limits.max_connections,
            max_per_network: limits.max_connections_per_address,
            proxies: limits.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
            table: Mutex::default(),
        }
    }

    /// A place for a connection from `peer`, or nothing when every place is busy. `stop`
    /// cuts all of them.
    pub(super) fn admit(
        self: &Arc<Self>,
        peer: IpAddr,
        stop: &CancellationToken,
    ) -> Option<Ticket> {
        let network = network_of(peer);
        // Behind a proxy sit many; it counts as one address for nobody.
        let shared = self.proxies.contains(&peer.to_canonical());
        let mut table = self.table();
        let of_network = table.per_network.get(&network).copied().unwrap_or(0);
        if !shared && of_network >= self.max_per_network && !table.evict(Some(network)) {
            return None;
        }
        if table.open.len() >= self.max && !table.evict(None) {
            return None;
        }
        let (number, watch, cut) = (table.next, Arc::new(Watch::new()), stop.child_token());
        table.next += 1;
        *table.per_network.entry(network).or_default() += 1;
        let entry = Entry { network, watch: watch.clone(), cut: cut.clone() };
        table.open.insert(number, entry);
        Some(Ticket { number, watch, cut, admission: self.clone() })
    }

    /// Cuts one connection that is not busy, for its descriptor.
    pub(super) fn make_room(&self) {
        self.table().evict(None);
    }

    /// A panic elsewhere cannot leave the table half-changed: every change is one call.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One address, or the /64 that one IPv6 customer has.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let high = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(high))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(max: usize, per_address: usize) -> Arc<Admission> {
        Arc::new(Admission::new(&Limits {
            max_connections: max,
            max_connections_per_address: per_address,
            ..Limits::default()
        }))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn the_oldest_silent_connection_gives_way() {
        let (all, stop) = (admission(10, 2), CancellationToken::new());
        let first = all.admit(address("192.0.2.1"), &stop).expect("room");
        let second = all.admit(address("192.0.2.1"), &stop).expect("room");
        let third = all.admit(address("192.0.2.1"), &stop).expect("somebody gave way");
        assert!(first.cut().is_cancelled());
        assert!(!second.cut().is_cancelled() && !third.cut().is_cancelled());
        drop(first);
        assert_eq!(all.table().per_network[&address("192.0.2.1")], 2);
    }

    #[test]
    fn a_request_in_progress_is_never_cut_for_room() {
        let (all, stop) = (admission(2, 10), CancellationToken::new());
        let busy = all.admit(address("192.0.2.1"), &stop).expect("room");
        let request = busy.watch().begin();
        let silent = all.admit(address("192.0.2.2"), &stop).expect("room");
        let next = all.admit(address("192.0.2.3"), &stop).expect("the silent one gave way");
        assert!(silent.cut().is_cancelled() && !busy.cut().is_cancelled());
        let _other = next.watch().begin();
        assert!(all.admit(address("192.0.2.4"), &stop).is_none());
        drop(request);
        assert!(all.admit(address("192.0.2.4"), &stop).is_some(), "an idle one gave way");
        assert!(busy.cut().is_cancelled());
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        assert_eq!(network_of(address("2001:db8::1")), network_of(address("2001:db8::ffff:1")));
        assert_ne!(network_of(address("2001:db8::1")), network_of(address("2001:db8:0:1::1")));
        assert_eq!(network_of(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[test]
    fn a_listed_proxy_is_not_one_caller() {
        let proxies = vec![address("10.0.0.1")];
        let limits = Limits {
            max_connections_per_address: 1,
            trusted_proxies: proxies,
            ..Limits::default()
        };
        let (all, stop) = (Arc::new(Admission::new(&limits)), CancellationToken::new());
        let behind: Vec<_> = (0..3).map(|_| all.admit(address("::ffff:10.0.0.1"), &stop)).collect();
        assert!(behind.iter().flatten().all(|ticket| !ticket.cut().is_cancelled()));
    }

    #[test]
    fn places_are_given_back() {
        let (all, stop) = (admission(3, 3), CancellationToken::new());
        for _ in 0..10 {
            let tickets: Vec<_> = (0..3).map(|_| all.admit(address("192.0.2.1"), &stop)).collect();
            assert!(tickets.iter().flatten().all(|t| !t.cut().is_cancelled()));
        }
        assert!(all.table().open.is_empty() && all.table().per_network.is_empty());
    }
}
