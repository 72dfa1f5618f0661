//! What a capture shows, before anything is judged: its flows, its names, and how healthy it is.

mod health;
mod names;

pub use health::Health;
pub use names::{Name, NameBook};
pub(crate) use names::{domain_of, host_of};

use std::net::IpAddr;

use crate::capture::CaptureInfo;
use crate::decode::Counts;
use crate::flow::{Arrivals, Evicted, FlowView, Lookup, Names, Shard, ShardCounts};
use crate::time::Timestamp;

/// Everything that one capture shows.
#[derive(Debug)]
pub struct Analysis {
    /// The file.
    pub info: CaptureInfo,
    /// What was decoded.
    pub counts: Counts,
    /// What the trackers counted.
    pub tracked: ShardCounts,
    /// IP fragments whose first one is not in the capture.
    pub orphan_fragments: u64,
    /// IP fragments given up for lack of memory, or because they contradict each other.
    pub dropped_fragments: u64,
    /// Look-ups that were not kept.
    pub dropped_names: u64,
    /// Flows given up for lack of memory.
    pub evicted: Evicted,
    /// Which addresses packets reached.
    pub arrivals: Arrivals,
    /// Look-ups, in order of their first packet.
    pub lookups: Vec<Lookup>,
    shards: Vec<Shard>,
}

impl Analysis {
    /// Joins what the shards hold. Nothing of a flow is merged: each is whole in its shard.
    pub fn new(
        info: CaptureInfo,
        counts: Counts,
        (orphan_fragments, dropped_fragments): (u64, u64),
        arrivals: Arrivals,
        mut shards: Vec<Shard>,
    ) -> Self {
        let mut tracked = ShardCounts::default();
        let mut lookups = Vec::new();
        let mut dropped_names = 0;
        let mut evicted = Evicted::default();
        for shard in &mut shards {
            tracked.add(&shard.counts);
            let names: Names = std::mem::take(&mut shard.names);
            dropped_names += names.dropped;
            evicted.add(&shard.evicted());
            lookups.extend(names.into_lookups());
        }
        lookups.sort_by_key(|lookup| (lookup.asked.first().or(lookup.answered.first()), lookup.record_type));
        Analysis {
            info,
            counts,
            tracked,
            orphan_fragments,
            dropped_fragments,
            dropped_names,
            evicted,
            arrivals,
            lookups,
            shards,
        }
    }

    /// Every flow, in order of its first packet.
    pub fn flows(&self) -> Vec<FlowView<'_>> {
        let mut flows: Vec<FlowView<'_>> = Vec::with_capacity(self.shards.iter().map(Shard::len).sum());
        flows.extend(self.shards.iter().flat_map(Shard::flows));
        flows.sort_unstable_by_key(|flow| flow.first().frame);
        flows
    }

    /// How many flows there are, and were given up.
    pub fn flow_count(&self) -> u64 {
        self.shards.iter().map(|shard| shard.len() as u64).sum::<u64>() + self.evicted.flows
    }

    /// The time of the last packet: what was not answered until then was not answered in this capture.
    pub fn horizon(&self) -> Timestamp {
        self.info.last_time.unwrap_or_default()
    }

    /// Whether any packet reached `address`.
    pub fn reached(&self, address: IpAddr) -> bool {
        self.arrivals.reached(address)
    }
}
