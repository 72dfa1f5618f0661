//! What one frame amounts to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Key, Side};
use crate::capture::{Direction, Frame};
use crate::time::Timestamp;

/// One frame, decoded. Borrows the read window.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The flow: for an ICMP error the one that it quotes.
    pub key: Key,
    /// When it was captured; the time of the frame before it where a capture gives none.
    pub time: Timestamp,
    /// The innermost IP packet as captured, link-layer padding cut off. Empty where there is none.
    pub ip: &'a [u8],
    /// The frame's number.
    pub frame: u64,
    /// TCP sequence number.
    pub sequence: u32,
    /// IP identification of a fragment: 16 bits in IPv4, 32 in IPv6.
    pub fragment_id: u32,
    /// Bytes of the whole frame on the wire.
    pub wire_len: u32,
    /// Bytes of payload behind the transport header, as the headers claim; fewer may have been captured.
    pub payload_len: u32,
    /// Source and destination port.
    pub ports: (u16, u16),
    /// Where the transport header starts in `ip`.
    pub transport_at: u16,
    /// Where the payload starts in `ip`.
    pub payload_at: u16,
    /// The capturing interface, capped at 65,535.
    pub interface: u16,
    /// TCP flags.
    pub flags: TcpFlags,
    /// The IP protocol of the innermost packet; for an ICMP error that of the packet that it quotes.
    pub protocol: u8,
    /// The side of `key` that the packet comes from; for an ICMP error the side that sent the quoted packet.
    pub side: Side,
    /// What it is.
    pub kind: Kind,
    /// Whether its headers or its payload were captured incompletely.
    pub cut: bool,
    /// Whether it is the first of several IP fragments.
    pub first_fragment: bool,
    /// Which way it went, where the capture says so.
    pub direction: Direction,
}

/// What an item is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A whole packet or a first fragment.
    #[default]
    Packet,
    /// An IP fragment but the first: it has no ports.
    LaterFragment,
    /// An ICMP error with the flow that it quotes.
    IcmpError,
    /// An ICMP error whose quote names no flow.
    BareIcmpError,
    /// No IP: the EtherType, or 0 where the frame has none.
    NotIp(u16),
    /// Something that could not be decoded.
    Undecoded(Reason),
}

/// Why a frame could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The link type is none that is read here.
    LinkType,
    /// The frame ends inside the link-layer header.
    LinkHeaderCut,
    /// The frame ends inside the IP header.
    IpHeaderCut,
    /// The IP header contradicts itself.
    IpHeaderBogus,
    /// The frame ends inside the IPv6 extension headers.
    ExtensionHeaderCut,
    /// The frame ends before the ports.
    TransportHeaderCut,
    /// The transport header contradicts itself.
    TransportHeaderBogus,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 7] = [
        Reason::LinkType,
        Reason::LinkHeaderCut,
        Reason::IpHeaderCut,
        Reason::IpHeaderBogus,
        Reason::ExtensionHeaderCut,
        Reason::TransportHeaderCut,
        Reason::TransportHeaderBogus,
    ];

    /// The stable word in reports.
    pub fn code(self) -> &'static str {
        match self {
            Reason::LinkType => "link-type",
            Reason::LinkHeaderCut => "link-header-cut",
            Reason::IpHeaderCut => "ip-header-cut",
            Reason::IpHeaderBogus => "ip-header-bogus",
            Reason::ExtensionHeaderCut => "extension-header-cut",
            Reason::TransportHeaderCut => "transport-header-cut",
            Reason::TransportHeaderBogus => "transport-header-bogus",
        }
    }
}

/// The flag byte of a TCP header (RFC 9293).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN.
    pub const FIN: u8 = 0x01;
    /// SYN.
    pub const SYN: u8 = 0x02;
    /// RST.
    pub const RST: u8 = 0x04;
    /// ACK.
    pub const ACK: u8 = 0x10;

    /// Whether the sender has no more to send.
    pub fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }
    /// Whether it is a SYN without ACK.
    pub fn opens(self) -> bool {
        self.0 & (Self::SYN | Self::ACK | Self::RST) == Self::SYN
    }
    /// Whether it is a SYN with ACK.
    pub fn accepts(self) -> bool {
        self.0 & (Self::SYN | Self::ACK | Self::RST) == Self::SYN | Self::ACK
    }
    /// Whether it takes up a sequence number of its own.
    pub fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }
    /// Whether it resets.
    pub fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }
    /// Whether its acknowledgement number counts.
    pub fn ack(self) -> bool {
        self.0 & Self::ACK != 0
    }
}

/// What of a TCP header is read only when a tracker asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpHeader<'a> {
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Window, not scaled.
    pub window: u16,
    /// Options, as captured.
    pub options: &'a [u8],
    /// Whether some of the options were not captured: one that is missing may have been there.
    pub options_cut: bool,
}

impl<'a> Item<'a> {
    /// An item that knows of its frame only what stands outside it.
    #[inline]
    pub(super) fn of(frame: &Frame<'a>) -> Self {
        Item {
            key: Key::default(),
            time: frame.time.unwrap_or_default(),
            ip: &[],
            frame: frame.number,
            sequence: 0,
            fragment_id: 0,
            wire_len: frame.wire_len,
            payload_len: 0,
            ports: (0, 0),
            transport_at: 0,
            payload_at: 0,
            interface: u16::try_from(frame.interface).unwrap_or(u16::MAX),
            flags: TcpFlags::default(),
            protocol: 0,
            side: Side::Low,
            kind: Kind::Packet,
            cut: false,
            first_fragment: false,
            direction: frame.direction,
        }
    }

    /// The payload behind the transport header, as captured.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.ip.get(usize::from(self.payload_at)..).unwrap_or(&[])
    }

    /// The transport header and what follows it, as captured.
    pub fn transport(&self) -> &'a [u8] {
        self.ip.get(usize::from(self.transport_at)..).unwrap_or(&[])
    }

    /// Source and destination address of the innermost IP packet.
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match self.ip.first()? >> 4 {
            4 => {
                let [a, b, c, d, e, f, g, h] = *self.ip.get(12..)?.first_chunk::<8>()?;
                Some((Ipv4Addr::new(a, b, c, d).into(), Ipv4Addr::new(e, f, g, h).into()))
            }
            6 => self.v6_addresses().map(|(source, destination)| (source.into(), destination.into())),
            _ => None,
        }
    }

    /// Source and destination of an IPv6 packet.
    pub fn v6_addresses(&self) -> Option<(Ipv6Addr, Ipv6Addr)> {
        let (source, rest) = self.ip.get(8..)?.split_first_chunk::<16>()?;
        Some((Ipv6Addr::from(*source), Ipv6Addr::from(*rest.first_chunk::<16>()?)))
    }

    /// Time to live, or hop limit.
    pub fn ttl(&self) -> u8 {
        let at = if self.is_v6() { 7 } else { 8 };
        self.ip.get(at).copied().unwrap_or(0)
    }

    /// The IPv4 identification; none for IPv6.
    pub fn ip_id(&self) -> Option<u16> {
        if self.is_v6() {
            return None;
        }
        self.ip.get(4..)?.first_chunk::<2>().map(|id| u16::from_be_bytes(*id))
    }

    /// Whether the innermost packet is IPv6.
    pub fn is_v6(&self) -> bool {
        self.ip.first().is_some_and(|byte| byte >> 4 == 6)
    }

    /// Whether the TCP flags were captured; with them the sequence number was.
    #[inline]
    pub fn has_tcp_flags(&self) -> bool {
        !self.cut || self.transport().len() >= 14
    }

    /// The rest of the TCP header; none where its twenty fixed bytes were not all captured.
    #[inline]
    pub fn tcp(&self) -> Option<TcpHeader<'a>> {
        let header = self.transport();
        let options_end = usize::from(self.payload_at.saturating_sub(self.transport_at));
        let fixed = header.first_chunk::<20>()?;
        Some(TcpHeader {
            acknowledgement: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            window: u16::from_be_bytes([fixed[14], fixed[15]]),
            options: header.get(20..options_end.min(header.len())).unwrap_or(&[]),
            options_cut: header.len() < options_end,
        })
    }
}
