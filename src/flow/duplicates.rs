//! Packets that a mirror port or an `any` interface shows twice.
//!
//! Two copies agree in addresses, IP identification, transport header and length; TTL, VLAN and MAC may differ. They come
//! within microseconds on a mirror and within the forwarding time on a router, while no stack sends the same bytes again
//! that soon.

use crate::decode::Item;
use crate::time::{Span, Timestamp};

/// Copies are looked for within this time. Measured: 20 microseconds on mirrors, below a millisecond through a router; the
/// fastest retransmission clock in use (200 ms) is far off.
const WINDOW: Span = Span::from_millis(5);

/// Recent packets that are remembered, a power of two: at a million packets a second some 8,000 arrive within the window
/// over all shards.
const SLOTS: usize = 1024;

/// The most recent packets of a shard, by digest.
#[derive(Debug)]
pub(super) struct Recent {
    slots: Box<[(u64, Timestamp); SLOTS]>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Recent { slots: Box::new([(0, Timestamp(i64::MIN)); SLOTS]) }
    }

    /// Whether `item` repeats a packet that was just seen. A copy does not renew the memory: the third copy is measured
    /// against the first.
    #[inline]
    pub(super) fn is_copy(&mut self, item: &Item<'_>) -> bool {
        let digest = digest(item);
        let Some(slot) = self.slots.get_mut(digest as usize % SLOTS) else { return false };
        if slot.0 == digest && (item.time - slot.1).abs() <= WINDOW {
            return true;
        }
        *slot = (digest, item.time);
        false
    }
}

#[inline]
fn digest(item: &Item<'_>) -> u64 {
    let identification = u64::from(item.ip_id().unwrap_or(0));
    // An echo or a syslog line may be repeated at once; what differs then is the identification, which IPv4 has.
    let mut digest = mix(item.key.hash(crate::decode::Seed::fixed(1)), identification << 32 | item.ip.len() as u64);
    digest = mix(digest, item.side.index() as u64 | u64::from(item.payload_len) << 1 | u64::from(item.protocol) << 40);
    for word in item.transport().chunks(8).take(8) {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(word) {
            *to = *from;
        }
        digest = mix(digest, u64::from_le_bytes(bytes));
    }
    digest
}

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0x243f_6a88_85a3_08d3);
    product as u64 ^ (product >> 64) as u64
}
