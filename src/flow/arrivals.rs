//! Which packets reached an address, coarsely: the witnesses that a capture could have shown an answer.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::Mark;
use crate::time::{Span, Timestamp};

/// A witness speaks for attempts up to this far away: long enough that a quiet client still receives something, short enough
/// that the path was the same.
pub const WITNESS_REACH: Span = Span::from_secs(5);

/// Time is cut into buckets of this length.
const BUCKET: Span = WITNESS_REACH;

/// Addresses and buckets that are remembered per shard. A client's capture has a handful of addresses; a flood of forged ones
/// must not take the memory of a host. 64 k of 56 bytes is 4 MiB.
const MAX_ENTRIES: usize = 1 << 16;

/// The first frame that reached an address on an interface in a bucket of five seconds.
#[derive(Debug, Default)]
pub struct Arrivals {
    first: HashMap<(IpAddr, u16, i64), Mark, foldhash::fast::RandomState>,
}

/// The bucket of a time.
#[inline]
pub(super) fn bucket(time: Timestamp) -> i64 {
    time.0.div_euclid(BUCKET.0)
}

impl Arrivals {
    /// Remembers that a frame reached `address`.
    pub fn record(&mut self, address: IpAddr, interface: u16, mark: Mark) {
        let key = (address, interface, bucket(mark.time));
        if let Some(first) = self.first.get_mut(&key) {
            *first = (*first).min(mark);
        } else if self.first.len() < MAX_ENTRIES {
            self.first.insert(key, mark);
        }
    }

    /// Takes over what another shard remembers.
    #[allow(clippy::iter_over_hash_type, reason = "the minimum does not depend on the order")]
    pub fn merge(&mut self, other: Arrivals) {
        for ((address, interface, _), mark) in other.first {
            self.record(address, interface, mark);
        }
    }

    /// The first frames that reached `address` on `interface` in the buckets from `from` to `to`, in order. `except` are frames
    /// that do not count.
    pub fn witnesses(&self, address: IpAddr, interface: u16, from: Timestamp, to: Timestamp) -> Vec<Mark> {
        let (first, last) = (bucket(from), bucket(to));
        let mut marks: Vec<Mark> = if last - first <= self.first.len() as i64 {
            (first..=last).filter_map(|bucket| self.first.get(&(address, interface, bucket)).copied()).collect()
        } else {
            self.first
                .iter()
                .filter(|((to, on, bucket), _)| (*to, *on) == (address, interface) && (first..=last).contains(bucket))
                .map(|(_, mark)| *mark)
                .collect()
        };
        marks.retain(|mark| (from..=to).contains(&mark.time));
        marks.sort_unstable();
        marks
    }

    /// Whether any frame reached `address` on any interface.
    pub fn reached(&self, address: IpAddr) -> bool {
        self.first.keys().any(|(to, _, _)| *to == address)
    }
}
