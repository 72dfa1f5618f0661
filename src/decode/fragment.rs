//! IP reassembly: RFC 791 and RFC 815 for IPv4, RFC 8200 (4.5) for IPv6.
//!
//! ```text
//! IPv4  identification 2 | reserved 1 bit, DF 1 bit, MF 1 bit, fragment offset 13 bits, in units of 8 bytes   (bytes 4 to 7)
//! IPv6  next header 1 | reserved 1 | fragment offset 13 bits, reserved 2 bits, M 1 bit | identification 4
//! ```
//! Fragments come in any order and more than once: the same bytes at the same place are a copy and change nothing. Fragments that
//! overlap otherwise condemn the whole datagram, in IPv6 because RFC 5722 asks for it, in IPv4 because receivers differ
//! on whose bytes win and overlaps are made to deceive them (RFC 1858, RFC 3128): nobody can say what the receiver read.
//!
//! What never becomes whole is told as well: a lost fragment is evidence. A fragment that was captured short has arrived all the same: its
//! datagram is whole on the wire and readable up to there, as any packet that the snaplen cut.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use hashbrown::HashMap;

use super::network;
use super::{Item, Key, Kind, Seed, Side};
use crate::capture::{Direction, Frame, LinkType};
use crate::time::{Span, Timestamp};

/// How long IPv4 fragments wait for each other: what Linux and the BSDs give them. RFC 1122 (3.3.2) would have 60 s or more, in
/// which a busy sender comes round to the same 16-bit identification (RFC 4963).
const MAX_AGE_V4: Span = Span::from_secs(30);

/// How long IPv6 fragments wait for each other (RFC 8200, 4.5).
const MAX_AGE_V6: Span = Span::from_secs(60);

/// Datagrams that are remembered at a time, whole ones included. The fragments of one follow each other within milliseconds;
/// even at 10,000 fragmented datagrams a second this is most of a second.
const MAX_DATAGRAMS: usize = 4096;

/// Memory for fragments in bytes: what Linux reserves for a host (`ipfrag_high_thresh`).
const MAX_BYTES: usize = 4 << 20;

/// Fragments of one datagram: the largest takes 119 at the MTU of 576 that every IPv4 host must receive (RFC 791).
const MAX_FRAGMENTS: usize = 128;

/// The largest datagram (RFC 791, 3.1; RFC 8200, 3).
const MAX_LENGTH: usize = 65_535;

/// A fragment of a datagram that is whole already is a copy within this time. Mirrors and routers repeat it within milliseconds; no
/// sender uses an identification again that soon.
const COPIES_WITHIN: Span = Span::from_secs(1);

/// A datagram that came in fragments, as far as they came.
#[derive(Clone, Debug)]
pub struct Fragmented {
    /// The flow of its first fragment; where that was not seen, one without ports.
    pub key: Key,
    /// The side that sent it.
    pub side: Side,
    /// What became of it.
    pub fate: Fate,
    /// The frames of its fragments in order of arrival, copies left out.
    pub frames: Vec<(u64, Timestamp)>,
    /// The frame of its first fragment, the one with the ports; none where it was not seen.
    pub first: Option<(u64, Timestamp)>,
    /// Bytes in that fragment behind the IP header.
    pub first_len: u32,
    /// Bytes of the whole behind the IP header; none where the last fragment was not seen.
    pub length: Option<u32>,
    /// Repetitions of its fragments, byte for byte the same.
    pub copies: u32,
    interface: u32,
    direction: Direction,
    /// The IP packet, as far as it is in order.
    packet: Vec<u8>,
}

/// What became of a datagram that came in fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All fragments were seen.
    Whole,
    /// Not all were seen within the time that a receiver waits, or before the capture ended.
    Incomplete,
    /// They overlap, contradict each other, or are more than any sender makes, and a sound receiver discards them.
    Contradictory,
}

impl Fragmented {
    /// The datagram as a packet of its flow, with the frame and the time of the fragment that came last. Where it is not whole, or
    /// cannot be decoded, it is a [`Kind::LaterFragment`] without payload.
    pub fn item(&self, seed: Seed) -> Item<'_> {
        let last = self.frames.last().copied();
        let mut item = Item::of(&Frame {
            number: last.map_or(0, |(frame, _)| frame),
            time: last.map(|(_, time)| time),
            interface: self.interface,
            link: LinkType::RAW,
            wire_len: 0,
            data: &[],
            direction: self.direction,
        });
        if self.fate == Fate::Whole {
            network::read(&self.packet, seed, &mut item);
        }
        if item.kind != Kind::Packet || item.key != self.key {
            item.kind = Kind::LaterFragment;
            (item.key, item.side) = (self.key, self.side);
            item.ip = &self.packet;
            item.payload_at = u16::MAX;
            item.payload_len = 0;
        }
        item
    }
}

/// Puts fragments together. It needs them in capture order.
#[derive(Debug, Default)]
pub struct Reassembly {
    partials: HashMap<Id, Partial, foldhash::fast::RandomState>,
    /// Every datagram in order of its beginning; one that another took the place of is known by its serial number.
    order: VecDeque<(Id, u64)>,
    serial: u64,
    bytes: usize,
    /// The time of the fragment that came last. Time may run backwards: the latest time so far could be one wrong frame's.
    clock: Timestamp,
    settled: Vec<Fragmented>,
    /// Fragments of which the first fragment was not seen.
    pub orphans: u64,
    /// Fragments given up for lack of memory, or because they contradict each other.
    pub dropped: u64,
}

/// What fragments of one datagram have in common: addresses, identification, and for IPv4 the protocol.
type Id = (IpAddr, IpAddr, u32, u8);

impl Reassembly {
    /// Takes in a fragment, and gives a later fragment the flow of its first one where that came before it.
    #[cold]
    pub fn pass(&mut self, item: &mut Item<'_>) {
        let Some(fragment) = Fragment::read(item) else { return };
        self.clock = item.time;
        self.make_room();
        let id = fragment.id;
        let is_past = |partial: &Partial| {
            partial.is_over(self.clock) || partial.fate == Some(Fate::Whole) && !partial.has_copy_of(&fragment)
        };
        if self.partials.get(&id).is_some_and(is_past) {
            self.close(&id, true);
        }
        let (order, serial) = (&mut self.order, &mut self.serial);
        let partial = self.partials.entry(id).or_insert_with(|| {
            *serial += 1;
            order.push_back((id, *serial));
            Partial::new(*serial, item)
        });
        partial.assign(item);
        let before = partial.bytes();
        let fate = partial.add(&fragment);
        self.bytes = (self.bytes + partial.bytes()).saturating_sub(before);
        if partial.fate == Some(Fate::Contradictory) {
            self.dropped += if fate.is_some() { partial.pieces.len() as u64 + 1 } else { 1 };
        }
        if let Some(fate) = fate {
            self.settled.push(partial.tell(fate));
            self.bytes = self.bytes.saturating_sub(partial.forget_bytes());
        }
    }

    /// What has become of datagrams since this was last asked.
    pub fn settled(&mut self) -> impl Iterator<Item = Fragmented> {
        self.settled.drain(..)
    }

    /// The capture has ended: what is not whole will not be.
    pub fn finish(&mut self) -> impl Iterator<Item = Fragmented> {
        while let Some((id, serial)) = self.order.pop_front() {
            if self.partials.get(&id).is_some_and(|partial| partial.serial == serial) {
                self.close(&id, true);
            }
        }
        self.settled.drain(..)
    }

    /// Closes what is too old, and the oldest while there is too much.
    fn make_room(&mut self) {
        while let Some((id, serial)) = self.order.front().copied() {
            let Some(partial) = self.partials.get(&id).filter(|partial| partial.serial == serial) else {
                self.order.pop_front();
                continue;
            };
            let is_over = partial.is_over(self.clock);
            if !is_over && self.order.len() <= MAX_DATAGRAMS && self.bytes <= MAX_BYTES {
                break;
            }
            self.order.pop_front();
            self.close(&id, is_over);
        }
    }

    /// Forgets a datagram. `in_time` says that it had the time to become whole.
    fn close(&mut self, id: &Id, in_time: bool) {
        let Some(mut partial) = self.partials.remove(id) else { return };
        self.bytes = self.bytes.saturating_sub(partial.bytes());
        if partial.fate.is_some() {
            return;
        }
        let fragments = partial.pieces.len() as u64;
        if !in_time {
            self.dropped += fragments;
            return;
        }
        if partial.first.is_none() {
            self.orphans += fragments;
        }
        self.settled.push(partial.tell(Fate::Incomplete));
    }
}

/// A datagram of which some fragments were seen.
#[derive(Debug)]
struct Partial {
    serial: u64,
    opened: Timestamp,
    key: Key,
    side: Side,
    interface: u32,
    direction: Direction,
    /// The IP header, in IPv6 up to the fragment header: of the first fragment, where it was seen.
    head: Box<[u8]>,
    first: Option<(u64, Timestamp)>,
    /// By place; they do not overlap.
    pieces: Vec<Piece>,
    /// Bytes in the pieces, as their headers claim.
    covered: u32,
    length: Option<u32>,
    copies: u32,
    /// None while it is open.
    fate: Option<Fate>,
}

#[derive(Debug)]
struct Piece {
    start: u32,
    end: u32,
    /// What was captured of it.
    bytes: Box<[u8]>,
    digest: u64,
    frame: u64,
    time: Timestamp,
}

impl Partial {
    fn new(serial: u64, item: &Item<'_>) -> Self {
        Partial {
            serial,
            opened: item.time,
            key: item.key,
            side: item.side,
            interface: u32::from(item.interface),
            direction: item.direction,
            head: Box::default(),
            first: None,
            pieces: Vec::new(),
            covered: 0,
            length: None,
            copies: 0,
            fate: None,
        }
    }

    fn is_over(&self, clock: Timestamp) -> bool {
        (clock - self.opened).abs() > if self.key.is_v6() { MAX_AGE_V6 } else { MAX_AGE_V4 }
    }

    fn has_copy_of(&self, fragment: &Fragment<'_>) -> bool {
        self.pieces.iter().any(|piece| piece.is_copy(fragment) && (fragment.time - piece.time).abs() <= COPIES_WITHIN)
    }

    /// Learns the flow from the first fragment, and tells it to later ones.
    fn assign(&mut self, item: &mut Item<'_>) {
        match (item.first_fragment, self.first.is_some()) {
            (true, false) => (self.key, self.side) = (item.key, item.side),
            (false, true) => (item.key, item.side) = (self.key, self.side),
            _ => {}
        }
    }

    /// Adds a fragment. What becomes of the datagram by it, if anything does.
    fn add(&mut self, fragment: &Fragment<'_>) -> Option<Fate> {
        if self.pieces.iter().any(|piece| piece.is_copy(fragment)) {
            self.copies = self.copies.saturating_add(1);
            return None;
        }
        if self.fate.is_some() {
            return None;
        }
        let Fragment { start, end, .. } = *fragment;
        let at = self.pieces.partition_point(|piece| piece.start < start);
        let overlaps =
            at.checked_sub(1).and_then(|before| self.pieces.get(before)).is_some_and(|piece| piece.end > start)
                || self.pieces.get(at).is_some_and(|piece| piece.start < end);
        let furthest = self.pieces.last().map_or(0, |piece| piece.end).max(end);
        let length = if fragment.more { self.length } else { Some(end) };
        let contradicts =
            length.is_some_and(|length| length < furthest || self.length.is_some_and(|known| known != length));
        if overlaps || contradicts || !fragment.is_sound() || self.pieces.len() == MAX_FRAGMENTS {
            self.fate = Some(Fate::Contradictory);
            return self.fate;
        }
        if start == 0 {
            self.first = Some((fragment.frame, fragment.time));
        }
        if start == 0 || self.head.is_empty() {
            self.head = fragment.head.into();
        }
        self.length = length;
        self.covered += end - start;
        self.pieces.insert(at, fragment.piece());
        self.fate = (length == Some(self.covered)).then_some(Fate::Whole);
        self.fate
    }

    /// What is known of it now.
    fn tell(&mut self, fate: Fate) -> Fragmented {
        let mut frames: Vec<_> = self.pieces.iter().map(|piece| (piece.frame, piece.time)).collect();
        frames.sort_unstable();
        Fragmented {
            key: self.key,
            side: self.side,
            fate,
            frames,
            first: self.first,
            first_len: self.pieces.first().filter(|piece| piece.start == 0).map_or(0, |piece| piece.end),
            length: self.length,
            copies: self.copies,
            interface: self.interface,
            direction: self.direction,
            packet: if fate == Fate::Whole { self.whole() } else { self.head.to_vec() },
        }
    }

    /// The packet that was sent: the first fragment's header, which says now that nothing follows, and all data up to where
    /// the capture cut it. An IPv6 fragment header may stay: offset 0 and no more is a whole packet (RFC 6946).
    fn whole(&self) -> Vec<u8> {
        let mut packet = self.head.to_vec();
        let is_v6 = self.key.is_v6();
        let before = if is_v6 { packet.len().saturating_sub(40) } else { packet.len() };
        // IPv6 counts without the fragment header, so eight bytes may be too many: then to the end (RFC 2675's length of 0).
        let total = u16::try_from(before + self.covered as usize).unwrap_or(0).to_be_bytes();
        let (length_at, offset_at) = if is_v6 { (4, packet.len().saturating_sub(6)) } else { (2, 6) };
        if let Some(length) = packet.get_mut(length_at..).and_then(|rest| rest.first_chunk_mut()) {
            *length = total;
        }
        if let Some(offset) = packet.get_mut(offset_at..).and_then(|rest| rest.first_chunk_mut()) {
            *offset = [0, 0];
        }
        for piece in &self.pieces {
            packet.extend_from_slice(&piece.bytes);
            if piece.bytes.len() < (piece.end - piece.start) as usize {
                break;
            }
        }
        packet
    }

    /// Memory in bytes.
    fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.bytes.len() + size_of::<Piece>()).sum()
    }

    /// Drops the data; digests are enough to know copies by. How many bytes it gives back.
    fn forget_bytes(&mut self) -> usize {
        let before = self.bytes();
        self.head = Box::default();
        for piece in &mut self.pieces {
            piece.bytes = Box::default();
        }
        before - self.bytes()
    }
}

impl Piece {
    fn is_copy(&self, fragment: &Fragment<'_>) -> bool {
        (self.start, self.end, self.digest) == (fragment.start, fragment.end, fragment.digest)
    }
}

/// One fragment, as its headers tell.
struct Fragment<'a> {
    id: Id,
    /// The IP header, in IPv6 up to the fragment header.
    head: &'a [u8],
    data: &'a [u8],
    /// Where its data stand in the datagram, whether captured or not.
    start: u32,
    end: u32,
    more: bool,
    digest: u64,
    frame: u64,
    time: Timestamp,
}

impl<'a> Fragment<'a> {
    /// Reads the headers again: an [`Item`] has no room for what so few packets need.
    fn read(item: &Item<'a>) -> Option<Fragment<'a>> {
        let ip = item.ip;
        let (source, destination) = item.addresses()?;
        let (data_at, total, start, more) = if item.is_v6() {
            let total = usize::from(u16::from_be_bytes(*ip.get(4..)?.first_chunk()?)) + 40;
            let (data_at, field) = network::fragment_header(ip)?;
            (data_at, total, u32::from(field & !7), field & 1 != 0)
        } else {
            let fixed = ip.first_chunk::<20>()?;
            let claimed = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
            let field = u16::from_be_bytes([fixed[6], fixed[7]]);
            let total = if claimed == 0 { ip.len() } else { claimed };
            (usize::from(fixed[0] & 15) * 4, total, u32::from(field & 0x1fff) * 8, field & 0x2000 != 0)
        };
        let (head, data) = ip.split_at_checked(data_at)?;
        let mut hasher = foldhash::fast::FixedState::default().build_hasher();
        hasher.write(data);
        Some(Fragment {
            id: (source, destination, item.fragment_id, if item.is_v6() { 0 } else { item.protocol }),
            head,
            data,
            start,
            end: start + u32::try_from(total.checked_sub(data_at)?).ok()?,
            more,
            digest: hasher.finish(),
            frame: item.frame,
            time: item.time,
        })
    }

    /// Whether it has data, within the largest datagram, and in units of eight bytes if more follow.
    fn is_sound(&self) -> bool {
        // The IPv6 header does not count, and the fragment header is not in the whole.
        let uncounted = if self.id.0.is_ipv6() { 40 + 8 } else { 0 };
        let whole = self.head.len() + self.end as usize;
        self.end > self.start && whole <= MAX_LENGTH + uncounted && (!self.more || self.end.is_multiple_of(8))
    }

    fn piece(&self) -> Piece {
        let Fragment { start, end, digest, frame, time, .. } = *self;
        Piece { start, end, bytes: self.data.into(), digest, frame, time }
    }
}

#[cfg(test)]
mod tests;
