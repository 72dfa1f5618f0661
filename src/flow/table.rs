//! The flow table of one shard: an index of flows by key, the flows in order of their first packet, and what only some of
//! them need.

use std::net::Ipv6Addr;

use hashbrown::HashTable;

use super::{Detail, Flow};
use crate::decode::{Item, Kind, Seed, Side};

/// Flows stand in chunks of this many: growing then copies nothing, and a 1 MiB chunk is allocated at a time.
const CHUNK: usize = 1 << 14;

/// Flows by key, in order of their first packet.
#[derive(Debug)]
pub struct FlowTable {
    seed: Seed,
    /// IPv4 flows, by their number.
    index: HashTable<u32>,
    /// IPv6 flows, by their place in `v6`.
    v6_index: HashTable<u32>,
    len: u32,
    retired: u32,
    chunks: Vec<Vec<Flow>>,
    details: Vec<Detail>,
    /// Addresses of IPv6 flows, low and high, by flow. Sorted by construction: flows are numbered in order.
    v6: Vec<(u32, Ipv6Addr, Ipv6Addr)>,
}

impl FlowTable {
    pub(super) fn new(seed: Seed) -> Self {
        FlowTable {
            seed,
            index: HashTable::new(),
            v6_index: HashTable::new(),
            len: 0,
            retired: 0,
            chunks: Vec::new(),
            details: Vec::new(),
            v6: Vec::new(),
        }
    }

    /// The number of the flow that `item` belongs to.
    #[inline]
    pub(super) fn find(&self, item: &Item<'_>) -> Option<u32> {
        let key = item.key;
        let hash = key.hash(self.seed);
        if key.is_v6() {
            return self.find_v6(item, hash);
        }
        self.index.find(hash, |&number| self.flow(number).is_some_and(|flow| flow.key == key)).copied()
    }

    /// How many flows were retired: what was found before is out of date where this has changed.
    #[inline]
    pub(super) fn retired(&self) -> u32 {
        self.retired
    }

    /// The number of the IPv6 flow that `item` belongs to: equal digests prove nothing, its addresses must be those of the flow.
    #[inline(never)]
    fn find_v6(&self, item: &Item<'_>, hash: u64) -> Option<u32> {
        // An ICMP error's own addresses are not those of the flow it quotes; a digest of 64 seeded bits must do there.
        let own = item.v6_addresses().filter(|_| item.kind == Kind::Packet);
        let is_its = |&at: &u32| {
            let Some(&(number, low, high)) = self.v6.get(at as usize) else { return false };
            own.is_none_or(|own| own == (low, high) || own == (high, low))
                && self.flow(number).is_some_and(|flow| flow.key == item.key)
        };
        let at = *self.v6_index.find(hash, is_its)?;
        self.v6.get(at as usize).map(|entry| entry.0)
    }

    /// Opens a flow; a later one with the same key takes its place in the index.
    pub(super) fn open(&mut self, flow: Flow, item: &Item<'_>) -> u32 {
        let number = self.len;
        self.len = self.len.saturating_add(1);
        let key = flow.key;
        let hash = key.hash(self.seed);
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(if self.chunks.is_empty() { 0 } else { CHUNK }));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(flow);
        }
        let (chunks, v6, seed) = (&self.chunks, &mut self.v6, self.seed);
        let rehash = |number: u32| chunk_of(chunks, number).map_or(0, |flow| flow.key.hash(seed));
        if let Some((source, destination)) = item.v6_addresses().filter(|_| key.is_v6()) {
            let at = u32::try_from(v6.len()).unwrap_or(u32::MAX);
            v6.push(match item.side {
                Side::Low => (number, source, destination),
                Side::High => (number, destination, source),
            });
            let rehash = |&at: &u32| v6.get(at as usize).map_or(0, |entry| rehash(entry.0));
            self.v6_index.insert_unique(hash, at, rehash);
        } else {
            self.index.insert_unique(hash, number, |&number| rehash(number));
        }
        number
    }

    /// Takes a flow out of the index: its key will open a new one. It stays among the flows.
    pub(super) fn retire(&mut self, number: u32) {
        let Some(key) = self.flow(number).map(|flow| flow.key) else { return };
        let hash = key.hash(self.seed);
        let entry = if key.is_v6() {
            let v6 = &self.v6;
            self.v6_index.find_entry(hash, |&at| v6.get(at as usize).is_some_and(|entry| entry.0 == number))
        } else {
            self.index.find_entry(hash, |&other| other == number)
        };
        if let Ok(entry) = entry {
            entry.remove();
            self.retired = self.retired.wrapping_add(1);
        }
    }

    #[inline]
    pub(super) fn flow(&self, number: u32) -> Option<&Flow> {
        chunk_of(&self.chunks, number)
    }

    #[inline]
    pub(super) fn flow_mut(&mut self, number: u32) -> Option<&mut Flow> {
        let number = number as usize;
        self.chunks.get_mut(number / CHUNK)?.get_mut(number % CHUNK)
    }

    /// The flow and its detail, which is made where there is none.
    #[inline]
    pub(super) fn with_detail(&mut self, number: u32) -> Option<(&mut Flow, &mut Detail)> {
        let flow = self.chunks.get_mut(number as usize / CHUNK)?.get_mut(number as usize % CHUNK)?;
        if flow.detail == 0 {
            self.details.push(Detail::default());
            flow.detail = u32::try_from(self.details.len()).unwrap_or(0);
        }
        let detail = self.details.get_mut(flow.detail as usize - 1)?;
        Some((flow, detail))
    }

    /// The detail of a flow, where it has one.
    pub fn detail(&self, flow: &Flow) -> Option<&Detail> {
        self.details.get((flow.detail as usize).checked_sub(1)?)
    }

    /// The low and the high address of an IPv6 flow.
    pub(super) fn v6_addresses(&self, number: u32) -> Option<(Ipv6Addr, Ipv6Addr)> {
        let at = self.v6.binary_search_by_key(&number, |entry| entry.0).ok()?;
        self.v6.get(at).map(|&(_, low, high)| (low, high))
    }

    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// All flows with their numbers, in order of their first packet.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Flow)> {
        (0..).zip(self.chunks.iter().flatten())
    }
}

#[inline]
fn chunk_of(chunks: &[Vec<Flow>], number: u32) -> Option<&Flow> {
    let number = number as usize;
    chunks.get(number / CHUNK)?.get(number % CHUNK)
}
