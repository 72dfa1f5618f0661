//! What spans flows, in capture order: IP fragments find each other and the flow of their first one, ARP replies witness that a host is
//! heard.

use std::net::IpAddr;

use crate::bytes::Reader;
use crate::decode::{ARP, Item, Kind, Reassembly};
use crate::flow::Arrival;

#[derive(Debug, Default)]
pub(super) struct Control {
    pub(super) fragments: Reassembly,
}

impl Control {
    /// Passes an item that is not a plain packet, and adds whom it reached outside any flow.
    pub(super) fn pass(&mut self, item: &mut Item<'_>, reached: &mut Vec<Arrival>) {
        match item.kind {
            Kind::Packet | Kind::LaterFragment => self.fragments.pass(item),
            Kind::BareIcmpError => reached.extend(Arrival::of(item)),
            Kind::NotIp(ARP) => reached.extend(arp_reply_target(item.ip).map(|target| Arrival::at(target, item))),
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
