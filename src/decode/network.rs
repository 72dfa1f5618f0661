//! IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200).
//!
//! ```text
//! IPv4  version 4 bits, header words 4 bits | DSCP 1 | total length 2 | identification 2 | flags 3 bits, fragment offset 13 bits
//!       | TTL 1 | protocol 1 | checksum 2 | source 4 | destination 4 | options
//! IPv6  version 4 bits, class, flow label | payload length 2 | next header 1 | hop limit 1 | source 16 | destination 16
//! ```
//! A total length of 0 is what a sender's segmentation offload leaves in the header: the packet reaches to the end of the frame.

use super::item::{Item, Kind, Reason};
use super::key::{Key, Seed};
use super::{icmp, transport};

/// Extension headers are followed this far: real chains have two or three, longer ones are made to exhaust a reader.
const MAX_EXTENSION_HEADERS: usize = 16;

pub(super) const ICMP: u8 = 1;
pub(super) const ICMPV6: u8 = 58;
const AUTHENTICATION_HEADER: u8 = 51;
const FRAGMENT: u8 = 44;

/// Reads a packet from its IP header on.
#[inline(always)]
pub(super) fn read<'a>(packet: &'a [u8], seed: Seed, item: &mut Item<'a>) {
    match packet.first().map(|byte| byte >> 4) {
        Some(4) => read_v4(packet, seed, item),
        Some(6) => read_v6(packet, seed, item),
        Some(_) => item.kind = Kind::Undecoded(Reason::IpHeaderBogus),
        None => item.kind = Kind::Undecoded(Reason::IpHeaderCut),
    }
}

#[inline(always)]
fn read_v4<'a>(packet: &'a [u8], seed: Seed, item: &mut Item<'a>) {
    let Some(ip) = packet.first_chunk::<20>() else {
        item.kind = Kind::Undecoded(Reason::IpHeaderCut);
        return;
    };
    let header = usize::from(ip[0] & 15) * 4;
    let claimed = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let total = if claimed == 0 { packet.len() } else { claimed };
    item.protocol = ip[9];
    if header < 20 || total < header {
        item.ip = packet;
        item.kind = Kind::Undecoded(Reason::IpHeaderBogus);
        return;
    }
    item.cut = packet.len() < total;
    item.ip = packet.get(..total).unwrap_or(packet);
    if item.ip.len() < header {
        item.kind = Kind::Undecoded(Reason::IpHeaderCut);
        return;
    }
    let fragment = u16::from_be_bytes([ip[6], ip[7]]);
    item.first_fragment = fragment & 0x3fff == 0x2000;
    item.fragment_id = u32::from(u16::from_be_bytes([ip[4], ip[5]]));
    let source = u32::from_be_bytes([ip[12], ip[13], ip[14], ip[15]]);
    let destination = u32::from_be_bytes([ip[16], ip[17], ip[18], ip[19]]);
    if fragment & 0x1fff != 0 {
        (item.key, item.side) = Key::v4((source, 0), (destination, 0), item.protocol);
        item.kind = Kind::LaterFragment;
        return;
    }
    if item.protocol == AUTHENTICATION_HEADER {
        read_behind_extensions(header, total - header, seed, item);
        return;
    }
    if item.protocol == ICMP && icmp::read(header, seed, item) {
        return;
    }
    if transport::read(header, total - header, item) {
        (item.key, item.side) = Key::v4((source, item.ports.0), (destination, item.ports.1), item.protocol);
    }
}

#[inline(never)]
fn read_v6<'a>(packet: &'a [u8], seed: Seed, item: &mut Item<'a>) {
    let Some(ip) = packet.first_chunk::<40>() else {
        item.kind = Kind::Undecoded(Reason::IpHeaderCut);
        return;
    };
    let claimed = usize::from(u16::from_be_bytes([ip[4], ip[5]]));
    let total = if claimed == 0 { packet.len() } else { claimed + 40 };
    item.protocol = ip[6];
    item.cut = packet.len() < total;
    item.ip = packet.get(..total).unwrap_or(packet);
    read_behind_extensions(40, total - 40, seed, item);
}

/// Follows a chain of extension headers (IPv6, or an Authentication Header in IPv4) from `at`, where `item.protocol` says what
/// stands there, and reads what is behind. `left` are the bytes from `at` on that the IP header claims.
fn read_behind_extensions(mut at: usize, mut left: usize, seed: Seed, item: &mut Item<'_>) {
    let mut later_fragment = false;
    for _ in 0..MAX_EXTENSION_HEADERS {
        if !is_extension(item.protocol) || later_fragment {
            break;
        }
        let Some(header) = item.ip.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
            item.kind = Kind::Undecoded(Reason::ExtensionHeaderCut);
            return;
        };
        let len = extension_len(item.protocol, header[1]);
        if item.protocol == FRAGMENT {
            let offset = u16::from_be_bytes([header[2], header[3]]);
            later_fragment = offset & 0xfff8 != 0;
            item.first_fragment = !later_fragment && offset & 1 != 0;
            item.fragment_id = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        }
        if len > left {
            item.kind = Kind::Undecoded(Reason::IpHeaderBogus);
            return;
        }
        item.protocol = header[0];
        (at, left) = (at + len, left - len);
    }
    let Some((source, destination)) = item.addresses() else {
        item.kind = Kind::Undecoded(Reason::IpHeaderCut);
        return;
    };
    if later_fragment {
        (item.key, item.side) = Key::of((source, 0), (destination, 0), item.protocol, seed);
        item.kind = Kind::LaterFragment;
        return;
    }
    if item.ip.len() < at {
        item.kind = Kind::Undecoded(Reason::ExtensionHeaderCut);
        return;
    }
    if matches!(item.protocol, ICMP | ICMPV6) && icmp::read(at, seed, item) {
        return;
    }
    if transport::read(at, left, item) {
        (item.key, item.side) = Key::of((source, item.ports.0), (destination, item.ports.1), item.protocol, seed);
    }
}

/// Where the data of an IPv6 fragment start, behind its fragment header, and that header's field of offset and M flag.
pub(super) fn fragment_header(ip: &[u8]) -> Option<(usize, u16)> {
    let (mut protocol, mut at) = (*ip.get(6)?, 40);
    for _ in 0..MAX_EXTENSION_HEADERS {
        let header = ip.get(at..)?.first_chunk::<8>()?;
        at += extension_len(protocol, header[1]);
        match protocol {
            FRAGMENT => return Some((at, u16::from_be_bytes([header[2], header[3]]))),
            _ if is_extension(protocol) => protocol = header[0],
            _ => return None,
        }
    }
    None
}

/// Bytes of an extension header, `len` being its second byte.
fn extension_len(protocol: u8, len: u8) -> usize {
    match protocol {
        FRAGMENT => 8,
        AUTHENTICATION_HEADER => (usize::from(len) + 2) * 4,
        _ => (usize::from(len) + 1) * 8,
    }
}

/// Hop-by-hop, routing, fragment, authentication, destination options, mobility, HIP, shim6 (IANA's list of IPv6 extension headers).
pub(super) fn is_extension(protocol: u8) -> bool {
    matches!(protocol, 0 | 43 | FRAGMENT | AUTHENTICATION_HEADER | 60 | 135 | 139 | 140)
}
