//! Which flow an IP fragment belongs to: later fragments carry no ports, their first one does.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashMap;

use crate::decode::{Item, Key, Kind};

/// Fragmented packets that are remembered at a time. Reassembly takes at most 60 s (RFC 8200, 4.5); of what a capture shows,
/// the fragments of one packet follow each other within milliseconds.
const MAX_PACKETS: usize = 4096;

type PacketId = (IpAddr, IpAddr, u32, u8);

/// First fragments that were seen, the most recent ones.
#[derive(Debug, Default)]
pub struct Fragments {
    first: HashMap<PacketId, Key, foldhash::fast::RandomState>,
    order: VecDeque<PacketId>,
    /// Later fragments whose first was not seen before them.
    pub orphans: u64,
}

impl Fragments {
    /// Gives a later fragment the flow of its first one; remembers first fragments.
    pub fn assign(&mut self, item: &mut Item<'_>) {
        let Some((source, destination)) = item.addresses() else { return };
        let packet = (source, destination, item.fragment_id, item.protocol);
        match item.kind {
            Kind::LaterFragment => match self.first.get(&packet) {
                // The key differs from the fragment's own only in its ports; with equal addresses they decide the side.
                Some(key) if source == destination => item.key = *key,
                Some(key) => {
                    item.key = *key;
                    item.side = if source < destination { crate::decode::Side::Low } else { crate::decode::Side::High };
                }
                None => self.orphans += 1,
            },
            Kind::Packet if item.first_fragment => {
                if self.first.insert(packet, item.key).is_none() {
                    self.order.push_back(packet);
                }
                if self.order.len() > MAX_PACKETS
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.first.remove(&oldest);
                }
            }
            _ => {}
        }
    }
}
