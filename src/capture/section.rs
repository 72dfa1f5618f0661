//! What a pcapng section says of itself: options, interfaces, statistics, names.
//!
//! ```text
//! option:               code 2 | length 2 | value, padded to 4
//! interface:            link 2 | 0 2 | snaplen 4 | options
//! name resolution:      records (type 2 | length 2 | address, names that end in 0, padded to 4) | options
//! interface statistics: interface 4 | time 8 | options
//! ```
//!
//! All of it is read as far as it makes sense: no packet is given up because a comment is damaged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::clock::Clock;
use super::order::Order;
use super::pcapng::Described;
use super::{CaptureInfo, Direction, Interface, LinkType};
use crate::text;

/// 64: what a person reads of a capture's own notes.
const MAX_NOTES: usize = 64;

/// 10,000: names that Wireshark writes are those of the addresses it has met; more than that is no one's list of
/// gateways, and each costs memory until the end.
const MAX_NAMES: usize = 10_000;

/// 1,000: people comment a few packets; tools that comment every packet (etl2pcapng) say the same each time.
const MAX_COMMENTS: usize = 1_000;

/// 1 KiB of a note or comment, which a report would not show longer.
const MAX_TEXT: usize = 1 << 10;

/// 255 bytes of a name: the longest that DNS has (RFC 1035), and no interface name is longer.
const MAX_NAME: usize = 255;

/// What `opt_endofopt` and `nrb_record_end` are.
const END: u16 = 0;
/// `opt_comment`.
const COMMENT: u16 = 1;

/// Notes of the section header.
pub(super) fn section_options(options: &[u8], order: Order, info: &mut CaptureInfo) {
    for (code, value) in BlockOptions::new(options, order) {
        let what = match code {
            COMMENT => "comment",
            2 => "hardware",
            3 => "operating system",
            4 => "application",
            _ => continue,
        };
        let note = format!("{what}: {}", shown(value, MAX_TEXT));
        // Sections put together from one machine say the same of it each time.
        if info.section_notes.len() < MAX_NOTES && !info.section_notes.contains(&note) {
            info.section_notes.push(note);
        }
    }
}

/// An interface; none where the block is too short for one.
pub(super) fn interface(body: &[u8], order: Order) -> Option<(Described, Interface)> {
    let ([_, snaplen], options) = order.words::<2>(body)?;
    let link = LinkType(order.u16(*body.first_chunk::<2>()?));
    let mut interface = Interface { link, snaplen, name: None, description: None, filter: None, dropped: None };
    let mut hardware = None;
    let mut resolution = None;
    let mut offset = 0;
    for (code, value) in BlockOptions::new(options, order) {
        match (code, value) {
            (2, _) => interface.name = Some(shown(value, MAX_NAME)),
            (3, _) => interface.description = Some(shown(value, MAX_NAME)),
            (9, [octet, ..]) => resolution = Some(*octet),
            // A string, as opposed to BPF instructions.
            (11, [0, filter @ ..]) => interface.filter = Some(shown(filter, MAX_TEXT)),
            (14, _) => offset = value.first_chunk().map_or(0, |bytes| order.u64(*bytes) as i64),
            (15, _) => hardware = Some(shown(value, MAX_NAME)),
            _ => {}
        }
    }
    interface.description = interface.description.or(hardware);
    let clock = Clock::new(resolution.unwrap_or(6), offset);
    Some((Described { link, snaplen, clock }, interface))
}

/// What an interface has lost. The counts are since the capture began: the last block is the one that holds.
pub(super) fn statistics(body: &[u8], order: Order, base: u32, info: &mut CaptureInfo) {
    let Some(([interface, _, _], options)) = order.words::<3>(body) else { return };
    let Some(interface) = info.interfaces.get_mut((base as usize).saturating_add(interface as usize)) else { return };
    let dropped = BlockOptions::new(options, order)
        // isb_ifdrop: by the interface; isb_osdrop: by the operating system.
        .filter(|(code, _)| matches!(code, 5 | 7))
        .filter_map(|(_, value)| value.first_chunk().map(|bytes| order.u64(*bytes)))
        .reduce(u64::saturating_add);
    interface.dropped = dropped.or(interface.dropped);
}

/// Names of addresses.
pub(super) fn names(body: &[u8], order: Order, info: &mut CaptureInfo) {
    // The records are laid out as options are.
    for (kind, value) in BlockOptions::new(body, order) {
        let (address, names): (IpAddr, _) = match kind {
            1 => match value.split_first_chunk::<4>() {
                Some((octets, names)) => (Ipv4Addr::from(*octets).into(), names),
                None => continue,
            },
            2 => match value.split_first_chunk::<16>() {
                Some((octets, names)) => (Ipv6Addr::from(*octets).into(), names),
                None => continue,
            },
            _ => continue,
        };
        for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            if info.names.len() >= MAX_NAMES {
                return;
            }
            info.names.push((address, shown(name, MAX_NAME)));
        }
    }
}

/// Keeps the comments of a packet, and tells its direction.
pub(super) fn packet_options(options: &[u8], order: Order, number: u64, info: &mut CaptureInfo) -> Direction {
    let mut direction = Direction::Unknown;
    for (code, value) in BlockOptions::new(options, order) {
        match code {
            COMMENT if info.packet_comments.len() < MAX_COMMENTS => {
                info.packet_comments.push((number, shown(value, MAX_TEXT)));
            }
            // epb_flags, pack_flags: the two lowest bits.
            2 => {
                direction = match value.first_chunk().map(|bytes| order.u32(*bytes) & 3) {
                    Some(1) => Direction::Inbound,
                    Some(2) => Direction::Outbound,
                    _ => Direction::Unknown,
                }
            }
            _ => {}
        }
    }
    direction
}

/// Options up to their end mark, the end of the block, or the first that does not fit into it.
struct BlockOptions<'a> {
    rest: &'a [u8],
    order: Order,
}

impl<'a> BlockOptions<'a> {
    fn new(rest: &'a [u8], order: Order) -> Self {
        BlockOptions { rest, order }
    }
}

impl<'a> Iterator for BlockOptions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[code_0, code_1, length_0, length_1], rest) = self.rest.split_first_chunk::<4>()?;
        let code = self.order.u16([code_0, code_1]);
        let length = usize::from(self.order.u16([length_0, length_1]));
        if code == END {
            return None;
        }
        let value = rest.get(..length)?;
        // The last may lack its padding.
        self.rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}

/// Text of the file, without the zeros that some writers put behind it.
fn shown(value: &[u8], max: usize) -> String {
    let end = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    text::from_packet(value.get(..end.min(max)).unwrap_or_default())
}
