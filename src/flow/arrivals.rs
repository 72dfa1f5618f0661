//! Which packets reached an address, coarsely: the witnesses that a capture could have shown an answer.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::Mark;
use crate::decode::Item;
use crate::time::{Span, Timestamp};

/// A witness speaks for attempts up to this far away: long enough that a quiet client still receives something, short enough
/// that the path was the same.
pub const WITNESS_REACH: Span = Span::from_secs(5);

/// Time is cut into buckets of this length.
const BUCKET: Span = WITNESS_REACH;

/// Addresses and buckets that are remembered. A client's capture has a handful of addresses; a flood of forged ones must not
/// take the memory of a host: 64 k addresses of one bucket each are some 10 MiB.
const MAX_ENTRIES: usize = 1 << 16;

/// A packet that reached an address.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    address: IpAddr,
    interface: u16,
    mark: Mark,
}

impl Arrival {
    /// That of a packet at its destination; none where it has no IP header.
    pub fn of(item: &Item<'_>) -> Option<Self> {
        item.addresses().map(|(_, destination)| Arrival::at(destination, item))
    }

    /// That of a packet at an address.
    pub fn at(address: IpAddr, item: &Item<'_>) -> Self {
        Arrival { address, interface: item.interface, mark: Mark::of(item) }
    }
}

/// The earliest frame that reached an address on an interface in a bucket of five seconds.
#[derive(Debug, Default)]
pub struct Arrivals {
    reached: HashMap<(IpAddr, u16), Times, foldhash::fast::RandomState>,
    /// Marks over all addresses.
    entries: usize,
}

/// When an address was reached: the first mark of each bucket, in order.
#[derive(Debug)]
struct Times {
    latest: Mark,
    before: Vec<Mark>,
}

/// The bucket of a time.
#[inline]
pub(super) fn bucket(time: Timestamp) -> i64 {
    time.0.div_euclid(BUCKET.0)
}

impl Arrivals {
    /// Remembers that a frame reached an address.
    pub fn record(&mut self, arrival: &Arrival) {
        let Arrival { address, interface, mark } = *arrival;
        let is_full = self.entries >= MAX_ENTRIES;
        let is_new = match self.reached.get_mut(&(address, interface)) {
            Some(times) => times.record(mark, is_full),
            None if is_full => false,
            None => {
                self.reached.insert((address, interface), Times { latest: mark, before: Vec::new() });
                true
            }
        };
        self.entries += usize::from(is_new);
    }

    /// The first frames that reached `address` on `interface` in the buckets from `from` to `to`, in order.
    pub fn witnesses(&self, address: IpAddr, interface: u16, from: Timestamp, to: Timestamp) -> Vec<Mark> {
        let Some(times) = self.reached.get(&(address, interface)) else { return Vec::new() };
        let first = times.before.partition_point(|mark| mark.time < from);
        let end = times.before.partition_point(|mark| mark.time <= to);
        let mut marks = times.before.get(first..end).unwrap_or_default().to_vec();
        marks.extend(Some(times.latest).filter(|mark| (from..=to).contains(&mark.time)));
        marks.sort_unstable();
        marks
    }

    /// Whether any frame reached `address` on any interface.
    pub fn reached(&self, address: IpAddr) -> bool {
        self.reached.keys().any(|(to, _)| *to == address)
    }
}

impl Times {
    /// Takes in a mark, unless it is not the first of its bucket, or of a new bucket and `is_full`. Whether there is one more.
    fn record(&mut self, mark: Mark, is_full: bool) -> bool {
        let wanted = bucket(mark.time);
        let latest = bucket(self.latest.time);
        if wanted == latest {
            self.latest = self.latest.min(mark);
            return false;
        }
        if wanted > latest {
            if !is_full {
                self.before.push(std::mem::replace(&mut self.latest, mark));
            }
            return !is_full;
        }
        // Time ran backwards.
        let at = self.before.partition_point(|known| bucket(known.time) < wanted);
        match self.before.get_mut(at).filter(|known| bucket(known.time) == wanted) {
            Some(known) => *known = (*known).min(mark),
            None if is_full => return false,
            None => {
                self.before.insert(at, mark);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Arrival, Arrivals, MAX_ENTRIES, Mark};
    use crate::time::Timestamp;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn mark(frame: u64, second: i64) -> Mark {
        Mark { frame, time: Timestamp::from_parts(second, 0) }
    }

    fn at(address: u32, mark: Mark) -> Arrival {
        Arrival { address: Ipv4Addr::from_bits(address).into(), interface: 0, mark }
    }

    fn frames(arrivals: &Arrivals, from: i64, to: i64) -> Vec<u64> {
        let second = |seconds| Timestamp::from_parts(seconds, 0);
        arrivals.witnesses(HERE, 0, second(from), second(to)).iter().map(|mark| mark.frame).collect()
    }

    #[test]
    fn the_earliest_frame_of_each_bucket_is_kept_in_whatever_order_they_come() {
        let mut arrivals = Arrivals::default();
        for (frame, second) in [(4, 11), (2, 12), (9, 31), (7, 3), (8, 21), (6, 4), (5, 22)] {
            arrivals.record(&Arrival { address: HERE, interface: 0, mark: mark(frame, second) });
        }
        arrivals.record(&Arrival { address: HERE, interface: 1, mark: mark(1, 11) });
        assert_eq!(frames(&arrivals, 0, 40), [7, 4, 8, 9]);
        assert_eq!(frames(&arrivals, 5, 29), [4, 8]);
        assert_eq!(frames(&arrivals, 13, 20), [] as [u64; 0]);
        assert!(arrivals.reached(HERE) && !arrivals.reached(Ipv4Addr::LOCALHOST.into()));
    }

    #[test]
    fn a_flood_of_addresses_ends_at_the_cap() {
        let mut arrivals = Arrivals::default();
        for number in 0..MAX_ENTRIES as u32 + 5 {
            arrivals.record(&at(number, mark(1, 1)));
        }
        arrivals.record(&at(0, mark(2, 100)));
        arrivals.record(&at(0, mark(3, -100)));
        assert_eq!((arrivals.entries, arrivals.reached.len()), (MAX_ENTRIES, MAX_ENTRIES));
        assert!(!arrivals.reached(Ipv4Addr::from_bits(MAX_ENTRIES as u32).into()));
    }
}
