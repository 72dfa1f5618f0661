//! The link layer: what stands before the IP header.
//!
//! ```text
//! Ethernet  destination 6 | source 6 | EtherType 2, then any number of VLAN tags: TCI 2 | EtherType 2
//! SLL       packet type 2 | ARPHRD 2 | address length 2 | address 8 | EtherType 2
//! SLL2      EtherType 2 | reserved 2 | interface 4 | ARPHRD 2 | packet type 1 | address length 1 | address 8
//! NULL      address family 4, in the byte order of the capturing host; LOOP: in network order
//! RAW       nothing
//! ```
//! Layouts: the tcpdump project's list of link-layer header types; IEEE 802.1Q for VLAN tags, IEEE 802.2 for LLC.

use super::Reason;
use crate::capture::LinkType;

/// What follows the link layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// IPv4 or IPv6; the version nibble says which.
    Ip,
    /// Something else, by EtherType; 0 where the frame has none.
    Other(u16),
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad and the older QinQ tag.
const VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// Below this an EtherType field is an 802.3 length.
const FIRST_ETHER_TYPE: u16 = 0x0600;
/// An LLC header that says SNAP with an EtherType: DSAP, SSAP, control, organisation code 0.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];

type Stripped<'a> = Result<(Network, &'a [u8]), Reason>;

/// Takes the link-layer header off a frame.
#[inline(always)]
pub(super) fn strip(link: LinkType, frame: &[u8]) -> Stripped<'_> {
    if link == LinkType::ETHERNET {
        let (header, rest) = frame.split_first_chunk::<14>().ok_or(Reason::LinkHeaderCut)?;
        let ether_type = u16::from_be_bytes([header[12], header[13]]);
        if ether_type == IPV4 {
            return Ok((Network::Ip, rest));
        }
        return by_ether_type(ether_type, rest);
    }
    strip_rare(link, frame)
}

fn strip_rare(link: LinkType, frame: &[u8]) -> Stripped<'_> {
    match link {
        LinkType::LINUX_SLL => {
            let (header, rest) = frame.split_first_chunk::<16>().ok_or(Reason::LinkHeaderCut)?;
            by_ether_type(u16::from_be_bytes([header[14], header[15]]), rest)
        }
        LinkType::LINUX_SLL2 => {
            let (header, rest) = frame.split_first_chunk::<20>().ok_or(Reason::LinkHeaderCut)?;
            by_ether_type(u16::from_be_bytes([header[0], header[1]]), rest)
        }
        LinkType::NULL | LinkType::LOOP => {
            let (family, rest) = frame.split_first_chunk::<4>().ok_or(Reason::LinkHeaderCut)?;
            match family {
                [family, 0, 0, 0] | [0, 0, 0, family] if is_ip_family(*family) => Ok((Network::Ip, rest)),
                _ => Ok((Network::Other(0), rest)),
            }
        }
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            if frame.is_empty() { Err(Reason::LinkHeaderCut) } else { Ok((Network::Ip, frame)) }
        }
        _ => Err(Reason::LinkType),
    }
}

/// `AF_INET` is 2 everywhere; `AF_INET6` is 10 on Linux, 23 on Windows, 24, 28 or 30 on the BSDs and macOS.
fn is_ip_family(family: u8) -> bool {
    matches!(family, 2 | 10 | 23 | 24 | 28 | 30)
}

fn by_ether_type(mut ether_type: u16, mut rest: &[u8]) -> Stripped<'_> {
    loop {
        if ether_type == IPV4 || ether_type == IPV6 {
            return Ok((Network::Ip, rest));
        }
        if VLAN.contains(&ether_type) {
            let (tag, inner) = rest.split_first_chunk::<4>().ok_or(Reason::LinkHeaderCut)?;
            (ether_type, rest) = (u16::from_be_bytes([tag[2], tag[3]]), inner);
        } else if ether_type < FIRST_ETHER_TYPE {
            let Some((llc, inner)) = rest.split_first_chunk::<8>() else { return Ok((Network::Other(0), rest)) };
            if !llc.starts_with(&SNAP) {
                return Ok((Network::Other(0), rest));
            }
            let inner_type = u16::from_be_bytes([llc[6], llc[7]]);
            if inner_type < FIRST_ETHER_TYPE {
                return Ok((Network::Other(inner_type), inner));
            }
            (ether_type, rest) = (inner_type, inner);
        } else {
            return Ok((Network::Other(ether_type), rest));
        }
    }
}
