//! The pipeline: a capture's windows are decoded, pass the control stage in capture order, and are applied to the shards of
//! the flow table, each again in capture order.
//!
//! One thread does all of it today. What each stage may touch is laid out for several: decoding knows only its window, the
//! control stage only what spans flows, a shard only its own flows.

mod control;

use crate::analysis::Analysis;
use crate::capture::{Capture, Window};
use crate::decode::{Decoder, Fragmented, Kind, Seed};
use crate::flow::{PortHints, Shard};
use crate::time::Timestamp;

use control::Control;

/// The flow table has this many shards, whatever the number of threads: what a bounded table gives up must not depend on it.
pub const SHARDS: usize = 8;

/// Reads a capture to its end, or to its damage, and gives all that it shows. `progress` is told the bytes of the file as given
/// that were read so far, once a window.
pub fn analyse(mut capture: Capture, hints: &PortHints, progress: &dyn Fn(u64)) -> Analysis {
    let mut pipeline = Pipeline::new(Seed::random());
    while let Some(window) = capture.next_window() {
        pipeline.window(window, hints);
        progress(capture.consumed());
    }
    pipeline.finish(hints);
    let info = capture.finish();
    let fragments = &pipeline.control.fragments;
    Analysis::new(
        info,
        pipeline.decoder.counts().clone(),
        (fragments.orphans, fragments.dropped),
        pipeline.control.arrivals,
        pipeline.shards,
    )
}

struct Pipeline {
    seed: Seed,
    decoder: Decoder,
    control: Control,
    shards: Vec<Shard>,
    /// The time of the last frame that had one, for those that have none.
    clock: Timestamp,
}

impl Pipeline {
    fn new(seed: Seed) -> Self {
        Pipeline {
            seed,
            decoder: Decoder::new(seed),
            control: Control::default(),
            shards: (0..SHARDS).map(|_| Shard::new(seed)).collect(),
            clock: Timestamp::default(),
        }
    }

    fn window(&mut self, window: Window<'_>, hints: &PortHints) {
        let mut routed: [Vec<_>; SHARDS] = Default::default();
        // What became of fragmented datagrams, each with the number of items before it.
        let mut settled: [Vec<(usize, Fragmented)>; SHARDS] = Default::default();
        for mut frame in window {
            self.clock = *frame.time.get_or_insert(self.clock);
            let mut item = self.decoder.decode(&frame);
            match item.kind {
                Kind::Packet if !item.first_fragment => {}
                Kind::IcmpError => {}
                _ => {
                    self.control.pass(&mut item);
                    for datagram in self.control.fragments.settled() {
                        let shard = datagram.key.shard(SHARDS);
                        if let (Some(items), Some(settled)) = (routed.get(shard), settled.get_mut(shard)) {
                            // The fragment that settled it stands before it.
                            settled.push((items.len() + usize::from(item.key.shard(SHARDS) == shard), datagram));
                        }
                    }
                }
            }
            if matches!(item.kind, Kind::Packet | Kind::LaterFragment | Kind::IcmpError)
                && let Some(items) = routed.get_mut(item.key.shard(SHARDS))
            {
                items.push(item);
            }
        }
        for ((shard, items), settled) in self.shards.iter_mut().zip(&routed).zip(&settled) {
            let mut items = &items[..];
            let mut passed = 0;
            for (at, datagram) in settled {
                let (before, behind) = items.split_at_checked(at - passed).unwrap_or((items, &[]));
                shard.apply(before, hints);
                shard.settle(datagram, &datagram.item(self.seed), hints);
                (items, passed) = (behind, *at);
            }
            shard.apply(items, hints);
        }
    }

    /// The capture has ended.
    fn finish(&mut self, hints: &PortHints) {
        for datagram in self.control.fragments.finish() {
            if let Some(shard) = self.shards.get_mut(datagram.key.shard(SHARDS)) {
                shard.settle(&datagram, &datagram.item(self.seed), hints);
            }
        }
    }
}

#[cfg(test)]
mod tests;
