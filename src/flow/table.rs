//! The flow table of one shard: an index of flows by key, the flows in order of their first packet, and what only some of
//! them need.

use std::net::Ipv6Addr;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::{Body, Detail, Flow};
use crate::decode::{Item, Kind, Seed, Side};

/// Flows stand in chunks of this many: growing then copies nothing, and a 1 MiB chunk is allocated at a time.
const CHUNK: usize = 1 << 14;

/// Bytes that a flow costs: its cache line, its place in the index, and what judging it takes for a while.
const FLOW_COST: usize = 200;

/// Bytes that it costs to follow a flow: what is kept of both ends, of the hellos, names and certificates. Measured on an office mix.
const BODY_COST: usize = 2_000;

/// Flows by key, in order of their first packet.
#[derive(Debug)]
pub struct FlowTable {
    seed: Seed,
    /// Bytes that it may take.
    budget: usize,
    /// Flows that are followed.
    bodies: usize,
    /// Flows given up for lack of memory.
    pub(super) evicted: Evicted,
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

/// Flows given up for lack of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// All of them.
    pub flows: u64,
    /// Their packets.
    pub packets: u64,
    /// Those on ports that matter, or with something else that a verdict may rest on.
    pub evidence: u64,
}

impl Evicted {
    /// Adds what another table gave up.
    pub fn add(&mut self, other: &Evicted) {
        self.flows += other.flows;
        self.packets += other.packets;
        self.evidence += other.evidence;
    }
}

impl FlowTable {
    pub(super) fn new(seed: Seed, budget: usize) -> Self {
        FlowTable {
            seed,
            budget,
            bodies: 0,
            evicted: Evicted::default(),
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
        let addresses = item.v6_addresses().filter(|_| flow.key.is_v6()).map(|(source, destination)| match item.side {
            Side::Low => (source, destination),
            Side::High => (destination, source),
        });
        self.push(flow, addresses)
    }

    /// Adds a flow, with its low and high address where it is one of IPv6.
    fn push(&mut self, flow: Flow, addresses: Option<(Ipv6Addr, Ipv6Addr)>) -> u32 {
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
        let is_its = |number: u32| chunk_of(chunks, number).is_some_and(|flow| flow.key == key);
        let (index, at) = if let Some((low, high)) = addresses {
            let at = u32::try_from(v6.len()).unwrap_or(u32::MAX);
            v6.push((number, low, high));
            let v6 = &self.v6;
            let is_its = |&at: &u32| {
                v6.get(at as usize).is_some_and(|entry| (entry.1, entry.2) == (low, high) && is_its(entry.0))
            };
            let rehash = |&at: &u32| v6.get(at as usize).map_or(0, |entry| rehash(entry.0));
            (self.v6_index.entry(hash, is_its, rehash), at)
        } else {
            (self.index.entry(hash, |&number| is_its(number), |&number| rehash(number)), number)
        };
        match index {
            Entry::Occupied(mut entry) => *entry.get_mut() = at,
            Entry::Vacant(entry) => {
                entry.insert(at);
            }
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

    /// Counts a flow that is followed from now on.
    pub(super) fn charge_body(&mut self) {
        self.bodies += 1;
    }

    /// Whether no flow should be opened before others were given up.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.spent() >= self.budget
    }

    fn spent(&self) -> usize {
        self.len() * FLOW_COST + self.details.len() * size_of::<Detail>() + self.bodies * BODY_COST
    }

    /// Gives up flows until a quarter of what is spent is free: those that bear on no verdict first, of these the single packets of a scan
    /// before what is idle for longest. Nothing that is on a port that matters goes before all else has. Numbers of flows change.
    #[cold]
    pub(super) fn sweep(&mut self, matters: impl Fn(&Flow) -> bool) {
        let goal = self.spent() / 4 * 3;
        let newest = self.len / 4 * 3;
        let is_evidence = |flow: &Flow, detail: Option<&Detail>| {
            matters(flow) || detail.is_some_and(|detail| !matches!(detail.body, Body::None) || detail.icmp.is_some())
        };
        self.retain(&is_evidence, |number, flow, is_evidence| {
            is_evidence || number >= newest || flow.packets[0] + flow.packets[1] > 1
        });
        for spare_evidence in [true, false] {
            if self.spent() > goal {
                let mut idle: Vec<_> = self
                    .iter()
                    .filter(|(_, flow)| !(spare_evidence && is_evidence(flow, self.detail(flow))))
                    .map(|(_, flow)| (flow.last_time, flow.last_frame))
                    .collect();
                let middle = idle.len() / 2;
                if middle == 0 {
                    continue;
                }
                let (_, &mut middle, _) = idle.select_nth_unstable(middle);
                self.retain(&is_evidence, |_, flow, is_evidence| {
                    spare_evidence && is_evidence || (flow.last_time, flow.last_frame) >= middle
                });
            }
        }
    }

    /// Keeps the flows that `keep` wants, told their number and whether they are evidence, closes the ranks and builds the index anew.
    fn retain(
        &mut self,
        is_evidence: &impl Fn(&Flow, Option<&Detail>) -> bool,
        keep: impl Fn(u32, &Flow, bool) -> bool,
    ) {
        let chunks = std::mem::take(&mut self.chunks);
        let mut details = std::mem::take(&mut self.details);
        let mut v6 = std::mem::take(&mut self.v6).into_iter().peekable();
        self.index.clear();
        self.v6_index.clear();
        self.retired = self.retired.wrapping_add(1);
        (self.len, self.bodies) = (0, 0);
        for (number, mut flow) in (0..).zip(chunks.into_iter().flatten()) {
            let addresses = v6.next_if(|entry| entry.0 == number).map(|(_, low, high)| (low, high));
            let detail = (flow.detail as usize).checked_sub(1).and_then(|at| details.get_mut(at)).map(std::mem::take);
            let is_evidence = is_evidence(&flow, detail.as_ref());
            if !keep(number, &flow, is_evidence) {
                self.evicted.flows += 1;
                self.evicted.packets += u64::from(flow.packets[0]) + u64::from(flow.packets[1]);
                self.evicted.evidence += u64::from(is_evidence);
                continue;
            }
            if let Some(detail) = detail {
                self.bodies += usize::from(!matches!(detail.body, Body::None));
                self.details.push(detail);
                flow.detail = u32::try_from(self.details.len()).unwrap_or(0);
            }
            self.push(flow, addresses);
        }
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
