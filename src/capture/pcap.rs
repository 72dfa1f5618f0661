//! Classic pcap: a file header, then records.
//!
//! ```text
//! magic 4 | major 2 | minor 2 | zone 4 | accuracy 4 | snaplen 4 | network 4
//!     seconds 4 | fraction 4 | captured 4 | on the wire 4 [ | interface 4 | protocol 2 | type 1 | 0 1 ] | bytes
//! ```
//!
//! The part in brackets is that of Alexey Kuznetsov's patch, which some routers write. Zone and accuracy are zero in
//! practice, and libpcap and Wireshark ignore them.

use super::damage::Flaw;
use super::order::Order;
use super::window::{MAX_PACKET, Record, Step};
use super::{Direction, Interface, LinkType};
use crate::time::Timestamp;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Bytes of the file header.
pub(super) const HEADER_LEN: usize = 24;

const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;
const KUZNETZOV: u32 = 0xa1b2_cd34;

/// How the records of a pcap file are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pcap {
    order: Order,
    lengths: Lengths,
    nanos_per_fraction: i64,
    /// Bytes of a record header behind the two lengths.
    extra: usize,
    link: LinkType,
}

/// The order of a record's two lengths, which changed over the years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    /// Version 2.4: captured, then on the wire.
    CapturedFirst,
    /// Up to version 2.2: on the wire, then captured.
    WireFirst,
    /// Version 2.3 was written both ways: the lesser is the captured length.
    LesserIsCaptured,
}

/// Whether a file begins as pcap does.
pub(super) fn is_pcap(head: &[u8]) -> bool {
    magic(head).is_some()
}

fn magic(head: &[u8]) -> Option<(Order, u32)> {
    let bytes = head.first_chunk::<4>()?;
    [Order::Little, Order::Big]
        .into_iter()
        .map(|order| (order, order.u32(*bytes)))
        .find(|(_, magic)| matches!(*magic, MICROS | NANOS | KUZNETZOV))
}

impl Pcap {
    /// Reads the file header, or says what is wrong with it.
    pub(super) fn parse(head: &[u8]) -> Result<(Pcap, Interface), String> {
        let cut = || format!("the file ends inside its pcap header, after {} of {HEADER_LEN} bytes", head.len());
        let (order, magic) = magic(head).ok_or_else(cut)?;
        let ([_, _, _, _, snaplen, network], _) = order.words::<6>(head).ok_or_else(cut)?;
        let &[_, _, _, _, major_0, major_1, minor_0, minor_1] = head.first_chunk::<8>().ok_or_else(cut)?;
        let lengths = match (order.u16([major_0, major_1]), order.u16([minor_0, minor_1])) {
            (2, 0..=2) => Lengths::WireFirst,
            (2, 3) => Lengths::LesserIsCaptured,
            (2, _) => Lengths::CapturedFirst,
            // Written by a probe of NetScout's; libpcap takes it so.
            (543, 0) => Lengths::WireFirst,
            (major, minor) => return Err(format!("its pcap header says version {major}.{minor}, only 2.x is known")),
        };
        // The upper half of the field holds the length of the frame check sequence and bits of other tools.
        let link = LinkType(network as u16);
        let pcap = Pcap {
            order,
            lengths,
            nanos_per_fraction: if magic == NANOS { 1 } else { 1_000 },
            extra: if magic == KUZNETZOV { 8 } else { 0 },
            link,
        };
        Ok((pcap, Interface { link, snaplen, name: None, description: None, filter: None, dropped: None }))
    }

    /// The record at the beginning of `bytes`.
    #[inline]
    pub(super) fn step(&self, bytes: &[u8]) -> Result<Step, Flaw> {
        let Some(([seconds, fraction, first, second], rest)) = self.order.words::<4>(bytes) else {
            return Ok(Step::More);
        };
        let (captured, wire_len) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::LesserIsCaptured => (first.min(second), first.max(second)),
        };
        if captured > MAX_PACKET {
            return Err(Flaw::PacketTooLong(captured));
        }
        let len = self.extra + captured as usize;
        if rest.len() < len {
            return Ok(Step::More);
        }
        // A fraction of a second is less than one; broken writers have stored minutes there.
        let nanos = (i64::from(fraction) * self.nanos_per_fraction).min(NANOS_PER_SECOND - 1);
        let record = Record {
            at: 16 + self.extra as u32,
            captured,
            wire_len,
            interface: 0,
            time: Some(Timestamp::from_parts(i64::from(seconds), nanos)),
            link: self.link,
            direction: Direction::Unknown,
        };
        Ok(Step::Packet(record, 16 + len))
    }
}
