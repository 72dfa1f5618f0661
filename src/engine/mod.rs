//! The pipeline: a capture's windows are decoded, pass the control stage in capture order, and are applied to the shards of
//! the flow table, each again in capture order.
//!
//! Each thread carries a window the whole way. What a window alone decides (decoding, to which shard a packet goes) the threads do side by
//! side. What depends on the packets before it stands at a `Station`, which windows pass in their order, whoever carries them:
//! the next one enters the first shard while this one is in the second. So nothing is merged, no tracker knows of threads, and the result
//! does not depend on their number.
//!
//! ```text
//! read, walk        one at a time: a record begins where the one before it ends
//! decode            side by side
//! control           in order: fragments find each other
//! sort by shard     side by side
//! shard 0 ... 7     each in order: flows and their trackers
//! arrivals          in order: whom packets reached
//! ```

mod control;
mod line;
mod station;

use crate::analysis::Analysis;
use crate::capture::Capture;
use crate::flow::PortHints;

use line::Line;

/// The flow table has this many shards, whatever the number of threads: what a bounded table gives up must not depend on it.
pub const SHARDS: usize = 8;

/// What reading a capture may use.
#[derive(Clone, Copy, Debug)]
pub struct Resources {
    /// Threads. The analysis does not depend on them.
    pub threads: usize,
    /// Bytes for flows and what is known of them. Beyond, flows are given up, those without evidence first.
    pub memory: usize,
}

impl Default for Resources {
    fn default() -> Self {
        Resources { threads: 1, memory: 192_000_000 }
    }
}

/// Reads a capture to its end, or to its damage, and gives all that it shows. `progress` is told the bytes of the file as given that
/// were read so far, once a window.
pub fn analyse(capture: Capture, hints: &PortHints, resources: Resources, progress: &(dyn Fn(u64) + Sync)) -> Analysis {
    let line = Line::new(capture, hints, resources.memory, progress);
    let counts = std::thread::scope(|scope| {
        let others: Vec<_> = (1..resources.threads).map(|_| scope.spawn(|| line.work())).collect();
        let mut counts = line.work();
        for other in others {
            match other.join() {
                Ok(more) => counts.add_all(&more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        counts
    });
    line.finish(counts)
}

#[cfg(test)]
mod tests;
