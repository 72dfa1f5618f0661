//! A frame becomes an [`Item`]: what the flow table needs to know of a packet, in little more than a cache line.
//!
//! Decoding is total. What cannot be decoded becomes an item too, with the reason; it is counted with the first frame
//! that shows it. Lengths lie, so three are told apart: what was captured, what the IP header claims, and the padding
//! that the link layer adds behind it.

mod counts;
mod fragment;
mod icmp;
mod item;
mod key;
mod link;
mod network;
mod transport;

pub(crate) use counts::ARP;
pub use counts::{Counts, Tally};
pub use fragment::{Fate, Fragmented, Reassembly};
pub use icmp::{IcmpMessage, Unreachable};
pub use item::{Item, Kind, Reason, TcpFlags, TcpHeader};
pub use key::{Endpoints, Key, Seed, Side};

use crate::capture::Frame;

/// Turns frames into items and counts what it saw.
#[derive(Clone, Debug)]
pub struct Decoder {
    seed: Seed,
    counts: Counts,
}

impl Decoder {
    /// A decoder whose keys and hashes depend on `seed`.
    pub fn new(seed: Seed) -> Self {
        Decoder { seed, counts: Counts::default() }
    }

    /// Decodes one frame.
    #[inline]
    pub fn decode<'a>(&mut self, frame: &Frame<'a>) -> Item<'a> {
        let mut item = Item::of(frame);
        match link::strip(frame.link, frame.data) {
            Ok((link::Network::Ip, packet)) => network::read(packet, self.seed, &mut item),
            Ok((link::Network::Other(ether_type), packet)) => {
                item.kind = Kind::NotIp(ether_type);
                item.ip = packet;
            }
            Err(reason) => item.kind = Kind::Undecoded(reason),
        }
        self.counts.add(&item);
        item
    }

    /// What was decoded so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What was decoded.
    pub fn into_counts(self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests;
