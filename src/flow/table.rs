//! The flow table of one shard: an index of flows by key, the flows in order of their first packet, and what only some of
//! them need.

use std::net::Ipv6Addr;

use hashbrown::HashTable;

use super::{Detail, Flow};
use crate::decode::{Item, Key, Seed};

/// Flows stand in chunks of this many: growing then copies nothing, and a 1 MiB chunk is allocated at a time.
const CHUNK: usize = 1 << 14;

/// Flows by key, in order of their first packet.
#[derive(Debug)]
pub struct FlowTable {
    seed: Seed,
    index: HashTable<u32>,
    len: u32,
    chunks: Vec<Vec<Flow>>,
    details: Vec<Detail>,
    /// Addresses of IPv6 flows, low and high, by flow. Sorted by construction: flows are numbered in order.
    v6: Vec<(u32, Ipv6Addr, Ipv6Addr)>,
}

impl FlowTable {
    pub(super) fn new(seed: Seed) -> Self {
        FlowTable { seed, index: HashTable::new(), len: 0, chunks: Vec::new(), details: Vec::new(), v6: Vec::new() }
    }

    /// The number of the flow that `item` belongs to.
    #[inline]
    pub(super) fn find(&self, item: &Item<'_>) -> Option<u32> {
        let key = item.key;
        self.index.find(key.hash(self.seed), |&number| self.is(number, key, item)).copied()
    }

    /// Whether the flow is that of `item`.
    #[inline]
    pub(super) fn is(&self, number: u32, key: Key, item: &Item<'_>) -> bool {
        self.flow(number).is_some_and(|flow| flow.key == key) && (!key.is_v6() || self.has_addresses(number, item))
    }

    /// Whether the addresses of an IPv6 flow are those of `item`: equal digests prove nothing.
    fn has_addresses(&self, number: u32, item: &Item<'_>) -> bool {
        // An ICMP error's own addresses are not those of the flow it quotes; a digest of 64 seeded bits must do there.
        let (Some(flow), Some(own)) = (self.v6_addresses(number), item.v6_addresses()) else { return true };
        item.kind != crate::decode::Kind::Packet || flow == own || flow == (own.1, own.0)
    }

    /// Opens a flow; a later one with the same key takes its place in the index.
    pub(super) fn open(&mut self, flow: Flow, item: &Item<'_>) -> u32 {
        let number = self.len;
        self.len = self.len.saturating_add(1);
        if let Some((source, destination)) = item.v6_addresses().filter(|_| flow.key.is_v6()) {
            let (low, high) = match item.side {
                crate::decode::Side::Low => (source, destination),
                crate::decode::Side::High => (destination, source),
            };
            self.v6.push((number, low, high));
        }
        let hash = flow.key.hash(self.seed);
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(if self.chunks.is_empty() { 0 } else { CHUNK }));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(flow);
        }
        let (chunks, seed) = (&self.chunks, self.seed);
        self.index.insert_unique(hash, number, |&other| chunk_of(chunks, other).map_or(0, |flow| flow.key.hash(seed)));
        number
    }

    /// Takes a flow out of the index: its key will open a new one. It stays among the flows.
    pub(super) fn retire(&mut self, number: u32) {
        let Some(hash) = self.flow(number).map(|flow| flow.key.hash(self.seed)) else { return };
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == number) {
            entry.remove();
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
