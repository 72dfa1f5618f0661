//! A flow as a reader of the analysis sees it: by client and server, not by side.

use std::net::IpAddr;

use super::{App, Body, Detail, EspLog, Flow, FragmentLog, IcmpRecord, Mark, State, Tcp, Udp};
use crate::decode::{Endpoints, Side};
use crate::proto::sniff::Spoken;

/// A flow with its addresses.
#[derive(Clone, Copy, Debug)]
pub struct FlowView<'a> {
    pub(super) flow: &'a Flow,
    pub(super) detail: Option<&'a Detail>,
    /// Its endpoints.
    pub endpoints: Endpoints,
}

impl<'a> FlowView<'a> {
    /// The side of the client: the sender of the SYN or of the first IKE message, else the side that does not use a port that
    /// matters, else the sender of the first packet.
    pub fn client_side(&self) -> Side {
        self.flow.state.client()
    }

    /// Whether the client is known from the protocol, not guessed from ports.
    pub fn client_is_certain(&self) -> bool {
        self.flow.state.client_is_certain()
    }

    /// Address and port of the client.
    pub fn client(&self) -> (IpAddr, u16) {
        self.endpoints.side(self.client_side())
    }

    /// Address and port of the server.
    pub fn server(&self) -> (IpAddr, u16) {
        self.endpoints.side(self.client_side().other())
    }

    /// The IP protocol.
    pub fn protocol(&self) -> u8 {
        self.endpoints.protocol
    }

    /// Packets from a side.
    pub fn packets(&self, side: Side) -> u64 {
        u64::from(self.flow.packets[side.index()])
    }

    /// Packets both ways.
    pub fn packets_total(&self) -> u64 {
        self.packets(Side::Low) + self.packets(Side::High)
    }

    /// Bytes of whole frames from a side.
    pub fn bytes(&self, side: Side) -> u64 {
        let carry = self.detail.map_or(0, |detail| detail.bytes_carry[side.index()]);
        u64::from(carry) << 32 | u64::from(self.flow.bytes[side.index()])
    }

    /// Whether packets went both ways.
    pub fn is_two_way(&self) -> bool {
        self.flow.packets.iter().all(|packets| *packets > 0)
    }

    /// The first packet.
    pub fn first(&self) -> Mark {
        Mark { frame: u64::from(self.flow.first_frame), time: self.flow.first_time }
    }

    /// The last packet.
    pub fn last(&self) -> Mark {
        Mark { frame: u64::from(self.flow.last_frame), time: self.flow.last_time }
    }

    /// The interface of its first packet, capped at 255.
    pub fn interface(&self) -> u8 {
        self.flow.interface
    }

    /// TCP flags seen from a side.
    pub fn flags(&self, side: Side) -> u8 {
        self.flow.flags[side.index()]
    }

    /// Whether IP fragments belong to it.
    pub fn has_fragments(&self) -> bool {
        self.flow.state.0 & State::FRAGMENTS != 0
    }

    /// The datagrams that came in IP fragments; none where all packets were whole.
    pub fn fragments(&self) -> Option<&'a FragmentLog> {
        self.detail?.fragments.as_deref()
    }

    /// Time to live of the first packet of a side that was no reset.
    pub fn ttl(&self, side: Side) -> Option<u8> {
        self.detail.map(|detail| detail.ttl[side.index()]).filter(|ttl| *ttl != 0)
    }

    /// ICMP errors that quote it: the first ones.
    pub fn icmp(&self) -> &'a [IcmpRecord] {
        self.detail.and_then(|detail| detail.icmp.as_ref()).map_or(&[], |log| &log.kept)
    }

    /// How many ICMP errors quote it.
    pub fn icmp_total(&self) -> u64 {
        self.detail.and_then(|detail| detail.icmp.as_ref()).map_or(0, |log| log.total)
    }

    /// What TCP showed.
    pub fn tcp(&self) -> Option<&'a Tcp> {
        match &self.detail?.body {
            Body::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    /// What UDP showed.
    pub fn udp(&self) -> Option<&'a Udp> {
        match &self.detail?.body {
            Body::Udp(udp) => Some(udp),
            _ => None,
        }
    }

    /// What native ESP showed.
    pub fn esp(&self) -> Option<&'a EspLog> {
        match &self.detail?.body {
            Body::Esp(esp) => Some(esp),
            _ => None,
        }
    }

    /// What the payload is, as far as it was read.
    pub fn app(&self) -> Option<&'a App> {
        match &self.detail?.body {
            Body::Tcp(tcp) => tcp.app(),
            Body::Udp(udp) => udp.app(),
            _ => None,
        }
    }

    /// What a side's first payload looks like; none where it sent none, or was not looked at.
    pub fn spoken(&self, side: Side) -> Option<Spoken> {
        match self.app() {
            Some(app) => app.spoken(side),
            None => self.detail?.spoken[side.index()],
        }
    }
}
