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

    /// Whether `item`, whose [`digest`] is given, repeats a packet that was just seen. A copy does not renew the memory: the
    /// third copy is measured against the first.
    #[inline]
    pub(super) fn is_copy(&mut self, item: &Item<'_>, digest: u64) -> bool {
        let Some(slot) = self.slots.get_mut(digest as usize % SLOTS) else { return false };
        // Records without a clock all have time zero: nothing follows from their distance.
        if slot.0 == digest && (item.time - slot.1).abs() <= WINDOW && item.time != Timestamp(0) {
            return true;
        }
        *slot = (digest, item.time);
        false
    }
}

/// Bytes behind the IP header in which two packets of a flow must agree to be copies: the largest TCP header.
const COMPARED: usize = 64;

/// What copies of a packet have in common. The parts are multiplied independently of each other, for the processor to overlap
/// them: this is done for every packet.
#[inline]
pub(super) fn digest(item: &Item<'_>) -> u64 {
    let identification = u64::from(item.ip_id().unwrap_or(0));
    // An echo or a syslog line may be repeated at once; what differs then is the identification, which IPv4 has.
    let flow = mix(item.key.hash(crate::decode::Seed::fixed(1)), identification << 32 | item.ip.len() as u64);
    let sizes = item.side.index() as u64 | u64::from(item.payload_len) << 1 | u64::from(item.protocol) << 40;
    let transport = item.transport();
    let head = transport.first_chunk::<COMPARED>().map_or(transport, |head| head);
    let (whole, _) = head.as_chunks::<16>();
    let mut digest = 0;
    for (at, part) in (1..).zip(whole) {
        digest ^= mix_part(part, at);
    }
    // The last sixteen bytes overlap the part before them, unless there are not so many.
    digest ^= match head.last_chunk::<16>() {
        Some(last) => mix_part(last, 0),
        None => {
            let mut last = [0; 16];
            last.iter_mut().zip(head).for_each(|(to, from)| *to = *from);
            mix_part(&last, 0)
        }
    };
    mix(mix(flow, sizes), digest)
}

#[inline]
fn mix_part(part: &[u8; 16], at: u64) -> u64 {
    let part = u128::from_le_bytes(*part);
    mix((part as u64).wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)), (part >> 64) as u64)
}

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0x243f_6a88_85a3_08d3);
    product as u64 ^ (product >> 64) as u64
}
