//! TCP (RFC 9293) and UDP (RFC 768) headers.
//!
//! ```text
//! TCP  source port 2 | destination port 2 | sequence 4 | acknowledgement 4 | header words 4 bits, reserved | flags 1 | window 2
//!      | checksum 2 | urgent 2 | options
//! UDP  source port 2 | destination port 2 | length 2 | checksum 2
//! ```
//! A header that a short snaplen cut still gives what is there: the ports stand in its first four bytes.

use super::item::{Item, Kind, Reason, TcpFlags};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Reads the transport header at `at` in the IP packet; `claimed` are the bytes from there on that the IP header claims.
/// Whether the item has a flow: its ports are known, or its protocol has none.
#[inline(always)]
pub(super) fn read(at: usize, claimed: usize, item: &mut Item<'_>) -> bool {
    item.transport_at = u16::try_from(at).unwrap_or(u16::MAX);
    let Some(bytes) = item.ip.get(at..) else {
        item.kind = Kind::Undecoded(Reason::TransportHeaderCut);
        return false;
    };
    let (header, payload) = match item.protocol {
        TCP => match bytes.first_chunk::<20>() {
            Some(tcp) => {
                item.ports = (u16::from_be_bytes([tcp[0], tcp[1]]), u16::from_be_bytes([tcp[2], tcp[3]]));
                item.sequence = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
                item.flags = TcpFlags(tcp[13]);
                let header = usize::from(tcp[12] >> 4) * 4;
                if header < 20 || header > claimed && !item.first_fragment {
                    item.kind = Kind::Undecoded(Reason::TransportHeaderBogus);
                    return false;
                }
                (header, claimed.saturating_sub(header))
            }
            None => return read_cut(bytes, claimed, 20, item),
        },
        UDP => match bytes.first_chunk::<8>() {
            Some(udp) => {
                item.ports = (u16::from_be_bytes([udp[0], udp[1]]), u16::from_be_bytes([udp[2], udp[3]]));
                let len = usize::from(u16::from_be_bytes([udp[4], udp[5]]));
                // 0 stands for a jumbogram (RFC 2675) or for offload; the length of a first fragment is that of the whole.
                let payload = match len {
                    0 => claimed.saturating_sub(8),
                    _ if len >= 8 && (len <= claimed || item.first_fragment) => len - 8,
                    _ => {
                        item.kind = Kind::Undecoded(Reason::TransportHeaderBogus);
                        return false;
                    }
                };
                if let Some(end) = item.ip.get(..at + 8 + payload) {
                    item.ip = end;
                }
                (8, payload)
            }
            None => return read_cut(bytes, claimed, 8, item),
        },
        _ => (0, claimed),
    };
    item.payload_at = u16::try_from(at + header).unwrap_or(u16::MAX);
    item.payload_len = u32::try_from(payload).unwrap_or(u32::MAX);
    true
}

/// A TCP or UDP header of which not all was captured, or which does not fit into the packet.
#[cold]
fn read_cut(bytes: &[u8], claimed: usize, header: usize, item: &mut Item<'_>) -> bool {
    if claimed < header && !item.first_fragment {
        item.kind = Kind::Undecoded(Reason::TransportHeaderBogus);
        return false;
    }
    let Some(ports) = bytes.first_chunk::<4>() else {
        item.kind = Kind::Undecoded(Reason::TransportHeaderCut);
        return false;
    };
    item.ports = (u16::from_be_bytes([ports[0], ports[1]]), u16::from_be_bytes([ports[2], ports[3]]));
    item.cut = true;
    item.payload_at = u16::try_from(item.ip.len()).unwrap_or(u16::MAX);
    item.payload_len = u32::try_from(claimed.saturating_sub(header)).unwrap_or(u32::MAX);
    if item.protocol == TCP {
        // Without the header's length nobody knows what is options and what is payload.
        item.payload_len = 0;
        if let Some(fixed) = bytes.first_chunk::<8>() {
            item.sequence = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        }
        if let Some(flags) = bytes.get(13) {
            item.flags = TcpFlags(*flags);
            let words = bytes.get(12).map_or(5, |byte| byte >> 4);
            item.payload_len = u32::try_from(claimed.saturating_sub(usize::from(words) * 4)).unwrap_or(u32::MAX);
        }
    }
    true
}
