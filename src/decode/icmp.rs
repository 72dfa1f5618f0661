//! ICMP (RFC 792, RFC 4884) and ICMPv6 (RFC 4443) errors, with the packet that they quote.
//!
//! ```text
//! type 1 | code 1 | checksum 2 | depends on the type 4 (MTU of 3/4 in its last two bytes, of v6 2/0 in all four)
//! | IP header of the quoted packet | at least eight bytes of what followed it: ports, or SPI and sequence number of ESP
//! ```

use std::net::IpAddr;

use super::item::{Item, Kind};
use super::key::{Key, Seed};
use super::network::{ICMPV6, is_extension};
use crate::bytes::Reader;

/// An ICMP error, read again by the tracker that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpMessage {
    /// Who sent it.
    pub from: IpAddr,
    /// Whether type and code are ICMPv6's.
    pub v6: bool,
    /// The type.
    pub kind: u8,
    /// The code.
    pub code: u8,
    /// The next hop's MTU in bytes, for "fragmentation needed" and "packet too big".
    pub mtu: Option<u32>,
    /// The quoted SPI, for ESP.
    pub spi: Option<u32>,
}

/// What an ICMP error says, whatever its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unreachable {
    /// No route to the network.
    Net,
    /// The host does not answer its last router.
    Host,
    /// The host or a filter does not take the protocol.
    Protocol,
    /// Nothing listens on the port, or a filter says so.
    Port,
    /// A filter forbids it.
    AdminProhibited,
    /// The packet is too big for the next link and must not be fragmented.
    TooBig,
    /// The packet went round too long.
    TtlExceeded,
    /// Fragments of the packet did not arrive.
    ReassemblyTimeout,
    /// Anything else.
    Other,
}

impl Unreachable {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Unreachable::Net => "network unreachable",
            Unreachable::Host => "host unreachable",
            Unreachable::Protocol => "protocol unreachable",
            Unreachable::Port => "port unreachable",
            Unreachable::AdminProhibited => "administratively prohibited",
            Unreachable::TooBig => "packet too big",
            Unreachable::TtlExceeded => "time to live exceeded",
            Unreachable::ReassemblyTimeout => "reassembly time exceeded",
            Unreachable::Other => "unreachable",
        }
    }
}

impl IcmpMessage {
    /// Reads the error that `item` is, with its sender.
    pub fn of(item: &Item<'_>) -> Option<IcmpMessage> {
        let (from, _) = item.addresses()?;
        let mut reader = Reader::new(item.transport());
        let (kind, code, _, word) = (reader.u8()?, reader.u8()?, reader.u16()?, reader.u32()?);
        let v6 = item.is_v6();
        let mtu = match (v6, kind, code) {
            (false, 3, 4) => Some(word & 0xffff).filter(|mtu| *mtu != 0),
            (true, 2, _) => Some(word),
            _ => None,
        };
        let spi = Quote::read(reader.rest()).filter(|quote| quote.protocol == 50).and_then(|quote| quote.first_word);
        Some(IcmpMessage { from, v6, kind, code, mtu, spi })
    }

    /// What it says.
    pub fn meaning(&self) -> Unreachable {
        match (self.v6, self.kind, self.code) {
            (false, 3, 0 | 6 | 11) | (true, 1, 0) => Unreachable::Net,
            (false, 3, 1 | 7 | 12) | (true, 1, 3) => Unreachable::Host,
            (false, 3, 2) | (true, 4, 1) => Unreachable::Protocol,
            (false, 3, 3) | (true, 1, 4) => Unreachable::Port,
            (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => Unreachable::AdminProhibited,
            (false, 3, 4) | (true, 2, _) => Unreachable::TooBig,
            (_, 11, 0) if !self.v6 => Unreachable::TtlExceeded,
            (_, 11, 1) if !self.v6 => Unreachable::ReassemblyTimeout,
            (true, 3, 0) => Unreachable::TtlExceeded,
            (true, 3, 1) => Unreachable::ReassemblyTimeout,
            _ => Unreachable::Other,
        }
    }
}

/// Whether `item` is an ICMP error, and if so all that is known of it; `at` is where its header starts.
pub(super) fn read(at: usize, seed: Seed, item: &mut Item<'_>) -> bool {
    let Some(header) = item.ip.get(at..) else { return false };
    let Some(kind) = header.first() else { return false };
    let is_error = if item.protocol == ICMPV6 { (1..=4).contains(kind) } else { matches!(kind, 3 | 11 | 12) };
    if !is_error {
        return false;
    }
    item.transport_at = u16::try_from(at).unwrap_or(u16::MAX);
    item.payload_at = u16::try_from(at + 8).unwrap_or(u16::MAX);
    item.kind = Kind::BareIcmpError;
    if let Some(quote) = header.get(8..).and_then(Quote::read)
        && let Some(ports) = quote.ports()
    {
        let (source, destination) = quote.addresses;
        (item.key, item.side) = Key::of((source, ports.0), (destination, ports.1), quote.protocol, seed);
        item.ports = ports;
        item.protocol = quote.protocol;
        item.kind = Kind::IcmpError;
    }
    true
}

/// The head of the packet that an error quotes.
struct Quote {
    addresses: (IpAddr, IpAddr),
    protocol: u8,
    /// The first four bytes behind the IP header: both ports, or an SPI.
    first_word: Option<u32>,
    later_fragment: bool,
}

impl Quote {
    fn read(bytes: &[u8]) -> Option<Quote> {
        match bytes.first()? >> 4 {
            4 => Self::read_v4(bytes),
            6 => Self::read_v6(bytes),
            _ => None,
        }
    }

    fn read_v4(bytes: &[u8]) -> Option<Quote> {
        let ip = bytes.first_chunk::<20>()?;
        let mut behind = Reader::new(bytes.get(usize::from(ip[0] & 15) * 4..)?);
        Some(Quote {
            addresses: (IpAddr::from([ip[12], ip[13], ip[14], ip[15]]), IpAddr::from([ip[16], ip[17], ip[18], ip[19]])),
            protocol: ip[9],
            first_word: behind.u32(),
            later_fragment: u16::from_be_bytes([ip[6], ip[7]]) & 0x1fff != 0,
        })
    }

    fn read_v6(bytes: &[u8]) -> Option<Quote> {
        let mut reader = Reader::new(bytes);
        reader.take(6)?;
        let mut protocol = reader.u8()?;
        reader.u8()?;
        let (source, destination) = (reader.array::<16>()?, reader.array::<16>()?);
        let mut later_fragment = false;
        // A quote holds at most 1,232 bytes (RFC 4443), so the chain ends by itself.
        while is_extension(protocol) && !later_fragment {
            let mut header = reader;
            let (next, len) = (header.u8()?, header.u8()?);
            let len = match protocol {
                44 => {
                    later_fragment = header.u16()? & 0xfff8 != 0;
                    8
                }
                51 => (usize::from(len) + 2) * 4,
                _ => (usize::from(len) + 1) * 8,
            };
            reader.take(len)?;
            protocol = next;
        }
        Some(Quote {
            addresses: (IpAddr::from(source), IpAddr::from(destination)),
            protocol,
            first_word: reader.u32(),
            later_fragment,
        })
    }

    /// The ports of the quoted flow: (0, 0) for protocols without; none where the quote does not tell.
    fn ports(&self) -> Option<(u16, u16)> {
        match self.protocol {
            _ if self.later_fragment => None,
            6 | 17 => self.first_word.map(|word| ((word >> 16) as u16, word as u16)),
            _ => Some((0, 0)),
        }
    }
}
