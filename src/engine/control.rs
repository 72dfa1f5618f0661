//! What spans flows, in capture order: IP fragments find each other and the flow of their first one, ARP replies witness that a host is
//! heard.

use std::net::IpAddr;

use crate::bytes::Reader;
use crate::decode::{ARP, Item, Kind, Reassembly};
use crate::flow::{Arrivals, Mark};

#[derive(Debug, Default)]
pub(super) struct Control {
    pub(super) fragments: Reassembly,
    /// What reached an address outside any flow.
    pub(super) arrivals: Arrivals,
}

impl Control {
    /// Passes an item that is not a plain packet.
    pub(super) fn pass(&mut self, item: &mut Item<'_>) {
        match item.kind {
            Kind::Packet | Kind::LaterFragment => self.fragments.pass(item),
            Kind::BareIcmpError => {
                if let Some((_, destination)) = item.addresses() {
                    self.arrivals.record(destination, item.interface, Mark::of(item));
                }
            }
            Kind::NotIp(ARP) => {
                if let Some(target) = arp_reply_target(item.ip) {
                    self.arrivals.record(target, item.interface, Mark::of(item));
                }
            }
            _ => {}
        }
    }
}

/// Whom an ARP reply for IPv4 over Ethernet is addressed to (RFC 826): operation 2, target protocol address.
fn arp_reply_target(arp: &[u8]) -> Option<IpAddr> {
    let mut reader = Reader::new(arp);
    let (_, protocol, _, operation) = (reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?);
    reader.take(6 + 4 + 6)?;
    let target = reader.array::<4>()?;
    (protocol == 0x0800 && operation == 2).then(|| target.into())
}
