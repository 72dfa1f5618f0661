//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each section in its own byte order.
//!
//! ```text
//! block:            type 4 | total length 4 | body, padded to 4 | total length 4
//! section header:   0x0a0d0d0a | length | byte-order mark 4 | major 2 | minor 2 | section length 8 | options | length
//! enhanced packet:  6 | length | interface 4 | time high 4 | low 4 | captured 4 | on the wire 4 | bytes | options | length
//! packet (old):     2 | length | interface 2 | drops 2 | time high 4 | low 4 | captured 4 | on the wire 4 | ...
//! simple packet:    3 | length | on the wire 4 | bytes | length
//! ```

use super::clock::Clock;
use super::content::SECTION_HEADER;
use super::damage::Flaw;
use super::order::Order;
use super::section;
use super::window::{MAX_PACKET, Record, Step};
use super::{CaptureInfo, Direction, LinkType};

const SECTION: u32 = u32::from_be_bytes(SECTION_HEADER);
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAMES: u32 = 4;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MARK: u32 = 0x1a2b_3c4d;

/// Bytes of a section header without options.
const SECTION_LEN: u32 = 28;

/// 16 MiB: the longest block that libpcap (`INITIAL_MAX_BLOCKSIZE`) and Wireshark (`MAX_BLOCK_SIZE`) take. It bounds
/// what is held; blocks that are passed over are not held.
const MAX_BLOCK: u32 = 16 << 20;

/// 10,000: far more than a host has, and room for a ring of files that was put together with `cat`, where each
/// brings its own. Each costs memory until the end.
const MAX_INTERFACES: usize = 10_000;

/// Where the walk is in a pcapng file.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    /// The interfaces of this section.
    interfaces: Vec<Described>,
    /// How many interfaces the sections before have described.
    base: u32,
    passing: Option<Passing>,
}

/// What it takes to read the packets of an interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described {
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    pub(super) clock: Clock,
}

/// A block that is passed over, piece by piece as it comes.
#[derive(Clone, Copy, Debug)]
struct Passing {
    total: u32,
    passed: u64,
}

/// A block that stands whole in the window.
struct Block<'a> {
    /// What stands between the two lengths and the type.
    body: &'a [u8],
    /// With its padding.
    len: usize,
}

impl Pcapng {
    /// Reads the fixed part of the first section header, or says what is wrong with it. The walk reads it again.
    pub(super) fn parse(head: &[u8]) -> Result<Pcapng, String> {
        if head.len() < SECTION_LEN as usize {
            return Err(format!("the file ends inside its section header, after {} bytes", head.len()));
        }
        let order = section_order(head).transpose().map_err(|flaw| flaw.to_string())?.unwrap_or(Order::Little);
        Ok(Pcapng { order, interfaces: Vec::new(), base: 0, passing: None })
    }

    /// The block at the beginning of `bytes`, or what of it is there.
    #[inline]
    pub(super) fn step(&mut self, bytes: &[u8], info: &mut CaptureInfo) -> Result<Step, Flaw> {
        if let Some(passing) = self.passing {
            return self.pass(bytes, passing);
        }
        let Some(([kind, total], _)) = self.order.words::<2>(bytes) else { return Ok(Step::More) };
        match kind {
            ENHANCED_PACKET => self.enhanced_packet(bytes, total, info),
            PACKET => self.packet(bytes, total, info),
            SIMPLE_PACKET => self.simple_packet(bytes, total),
            SECTION | INTERFACE | NAMES | STATISTICS => self.description(bytes, kind, total, info),
            _ if total < 12 => Err(Flaw::BlockTooShort(total)),
            _ => self.pass(bytes, Passing { total, passed: 0 }),
        }
    }

    /// How many bytes of an unfinished block were passed already.
    pub(super) fn begun(&self) -> u64 {
        self.passing.map_or(0, |passing| passing.passed)
    }

    #[inline]
    fn enhanced_packet(&self, bytes: &[u8], total: u32, info: &mut CaptureInfo) -> Result<Step, Flaw> {
        let Some(block) = self.whole(bytes, total, 32)? else { return Ok(Step::More) };
        let Some((fields, rest)) = self.order.words::<5>(block.body) else { return Err(Flaw::BlockTooShort(total)) };
        let record = self.timed(total, fields, rest, info)?;
        Ok(Step::Packet(record, block.len))
    }

    /// The obsolete packet block, which counts what was lost before it.
    #[cold]
    fn packet(&self, bytes: &[u8], total: u32, info: &mut CaptureInfo) -> Result<Step, Flaw> {
        let Some(block) = self.whole(bytes, total, 32)? else { return Ok(Step::More) };
        let Some((&[interface_0, interface_1, drops_0, drops_1], _)) = block.body.split_first_chunk::<4>() else {
            return Err(Flaw::BlockTooShort(total));
        };
        let Some(([_, rest @ ..], data)) = self.order.words::<5>(block.body) else {
            return Err(Flaw::BlockTooShort(total));
        };
        let [high, low, captured, wire_len] = rest;
        let interface = u32::from(self.order.u16([interface_0, interface_1]));
        let record = self.timed(total, [interface, high, low, captured, wire_len], data, info)?;
        let drops = self.order.u16([drops_0, drops_1]);
        // All ones: the writer does not know.
        if drops != u16::MAX
            && let Some(interface) = info.interfaces.get_mut(record.interface as usize)
        {
            interface.dropped = Some(interface.dropped.unwrap_or(0).saturating_add(u64::from(drops)));
        }
        Ok(Step::Packet(record, block.len))
    }

    /// The packet that the fields of an (enhanced) packet block describe; `rest` begins with its bytes.
    #[inline]
    fn timed(
        &self,
        total: u32,
        [interface, high, low, captured, wire_len]: [u32; 5],
        rest: &[u8],
        info: &mut CaptureInfo,
    ) -> Result<Record, Flaw> {
        let described = self.described(interface)?;
        if captured > MAX_PACKET {
            return Err(Flaw::PacketTooLong(captured));
        }
        let len = captured as usize;
        if rest.len() < len {
            return Err(Flaw::PacketBeyondBlock { captured, block: total });
        }
        let mut record = Record {
            at: 28,
            captured,
            wire_len,
            interface: self.base + interface,
            time: Some(described.clock.time(u64::from(high) << 32 | u64::from(low))),
            link: described.link,
            direction: Direction::Unknown,
        };
        if let Some(options) = rest.get(len.next_multiple_of(4)..)
            && !options.is_empty()
        {
            record.direction = section::packet_options(options, self.order, info.packets + 1, info);
        }
        Ok(record)
    }

    /// A packet without time of the section's first interface, cut at its snaplen.
    #[cold]
    fn simple_packet(&self, bytes: &[u8], total: u32) -> Result<Step, Flaw> {
        let Some(block) = self.whole(bytes, total, 16)? else { return Ok(Step::More) };
        let Some(([wire_len], rest)) = self.order.words::<1>(block.body) else {
            return Err(Flaw::BlockTooShort(total));
        };
        let described = self.described(0)?;
        let captured = if described.snaplen == 0 { wire_len } else { wire_len.min(described.snaplen) };
        if captured > MAX_PACKET {
            return Err(Flaw::PacketTooLong(captured));
        }
        if rest.len() < captured as usize {
            return Err(Flaw::PacketBeyondBlock { captured, block: total });
        }
        let record = Record {
            at: 12,
            captured,
            wire_len,
            interface: self.base,
            time: None,
            link: described.link,
            direction: Direction::Unknown,
        };
        Ok(Step::Packet(record, block.len))
    }

    /// A block that describes the capture.
    #[cold]
    fn description(&mut self, bytes: &[u8], kind: u32, mut total: u32, info: &mut CaptureInfo) -> Result<Step, Flaw> {
        if kind == SECTION {
            // It may change the byte order, that of its own length included.
            let Some(order) = section_order(bytes) else { return Ok(Step::More) };
            let order = order?;
            let Some(([_, length], _)) = order.words::<2>(bytes) else { return Ok(Step::More) };
            self.order = order;
            total = length;
        }
        let least = if kind == SECTION { SECTION_LEN } else { 12 };
        let Some(block) = self.whole(bytes, total, least)? else { return Ok(Step::More) };
        match kind {
            SECTION => {
                self.interfaces.clear();
                self.base = u32::try_from(info.interfaces.len()).unwrap_or(u32::MAX);
                let options = block.body.get(16..).unwrap_or_default();
                section::section_options(options, self.order, info);
            }
            INTERFACE => {
                if info.interfaces.len() >= MAX_INTERFACES {
                    return Err(Flaw::TooManyInterfaces(MAX_INTERFACES));
                }
                let (described, interface) =
                    section::interface(block.body, self.order).ok_or(Flaw::BlockTooShort(total))?;
                self.interfaces.push(described);
                info.interfaces.push(interface);
            }
            NAMES => section::names(block.body, self.order, info),
            _ => section::statistics(block.body, self.order, self.base, info),
        }
        Ok(Step::Passed(block.len))
    }

    /// Passes over what is there of a block, and compares its lengths at its end.
    #[cold]
    fn pass(&mut self, bytes: &[u8], mut passing: Passing) -> Result<Step, Flaw> {
        let left = u64::from(passing.total).next_multiple_of(4) - 4 - passing.passed;
        if left > 0 {
            let len = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            passing.passed += len as u64;
            self.passing = Some(passing);
            return Ok(if len > 0 { Step::Passed(len) } else { Step::More });
        }
        let Some(last) = bytes.first_chunk::<4>() else { return Ok(Step::More) };
        self.check_lengths(passing.total, *last)?;
        self.passing = None;
        Ok(Step::Passed(4))
    }

    /// The block of `total` bytes at the beginning of `bytes`; none while it does not stand there whole.
    #[inline]
    fn whole<'a>(&self, bytes: &'a [u8], total: u32, least: u32) -> Result<Option<Block<'a>>, Flaw> {
        if total < least {
            return Err(Flaw::BlockTooShort(total));
        }
        if total > MAX_BLOCK {
            return Err(Flaw::BlockTooLong(total));
        }
        // Blocks are multiples of 4; an old writer (NTAR) padded them, and left the padding out of the length.
        let len = (total as usize).next_multiple_of(4);
        let Some((body, last)) = bytes.get(8..len).and_then(|rest| rest.split_last_chunk::<4>()) else {
            return Ok(None);
        };
        self.check_lengths(total, *last)?;
        Ok(Some(Block { body, len }))
    }

    #[inline]
    fn check_lengths(&self, first: u32, last: [u8; 4]) -> Result<(), Flaw> {
        let last = self.order.u32(last);
        if first == last { Ok(()) } else { Err(Flaw::LengthsDiffer { first, last }) }
    }

    #[inline]
    fn described(&self, interface: u32) -> Result<&Described, Flaw> {
        let described = self.interfaces.len();
        self.interfaces.get(interface as usize).ok_or(Flaw::UnknownInterface { interface, described })
    }
}

/// The byte order of the section whose header begins `bytes`; none while its fixed part does not stand there.
fn section_order(bytes: &[u8]) -> Option<Result<Order, Flaw>> {
    let &[_, _, _, _, _, _, _, _, m0, m1, m2, m3, major_0, major_1, minor_0, minor_1] = bytes.first_chunk::<16>()?;
    let mark = [m0, m1, m2, m3];
    let Some(order) = [Order::Little, Order::Big].into_iter().find(|order| order.u32(mark) == BYTE_ORDER_MARK) else {
        return Some(Err(Flaw::NoByteOrder(u32::from_be_bytes(mark))));
    };
    Some(match (order.u16([major_0, major_1]), order.u16([minor_0, minor_1])) {
        (1, _) => Ok(order),
        (major, minor) => Err(Flaw::Version { major, minor }),
    })
}
