//! What a capture gives: frames, and facts about the file they stand in.

use std::fmt;
use std::net::IpAddr;

use crate::time::Timestamp;

/// One record of a capture. Borrows the read window: it must be used before the window moves on.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// 1-based, counting every packet record in the file, as Wireshark does.
    pub number: u64,
    /// When it was captured; a simple packet block has no time.
    pub time: Option<Timestamp>,
    /// Index into [`CaptureInfo::interfaces`].
    pub interface: u32,
    /// What the bytes begin with.
    pub link: LinkType,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// The bytes captured.
    pub data: &'a [u8],
    /// Which way it went, where the capture says so.
    pub direction: Direction,
}

/// Which way a frame went at the capturing interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Direction {
    #[default]
    Unknown,
    Inbound,
    Outbound,
}

/// A LINKTYPE number as files carry it (see the tcpdump project's list of link-layer header types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u16);

#[allow(missing_docs, reason = "the names are the list's own")]
impl LinkType {
    pub const NULL: LinkType = LinkType(0);
    pub const ETHERNET: LinkType = LinkType(1);
    pub const RAW_BSD: LinkType = LinkType(12);
    pub const RAW_OPENBSD: LinkType = LinkType(14);
    pub const RAW: LinkType = LinkType(101);
    pub const LOOP: LinkType = LinkType(108);
    pub const LINUX_SLL: LinkType = LinkType(113);
    pub const IPV4: LinkType = LinkType(228);
    pub const IPV6: LinkType = LinkType(229);
    pub const LINUX_SLL2: LinkType = LinkType(276);
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            LinkType::NULL => "null",
            LinkType::ETHERNET => "ethernet",
            LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => "raw",
            LinkType::LOOP => "loop",
            LinkType::LINUX_SLL => "linux-sll",
            LinkType::IPV4 => "ipv4",
            LinkType::IPV6 => "ipv6",
            LinkType::LINUX_SLL2 => "linux-sll2",
            LinkType(number) => return write!(f, "linktype-{number}"),
        };
        f.write_str(name)
    }
}

/// The container of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Format {
    Pcap,
    Pcapng,
}

/// What a capture was packed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Compression {
    Gzip,
}

/// An interface that packets were captured on. A classic pcap file has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// What its frames begin with.
    pub link: LinkType,
    /// Longest captured length; 0 for no limit.
    pub snaplen: u32,
    /// Its name, `eth0`.
    pub name: Option<String>,
    /// Its description, or the hardware's.
    pub description: Option<String>,
    /// The capture filter.
    pub filter: Option<String>,
    /// Packets that the interface statistics say were lost.
    pub dropped: Option<u64>,
}

/// What is known of a capture once it was read, or as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct CaptureInfo {
    /// The container; none while no byte was read.
    pub format: Option<Format>,
    /// What it was packed with.
    pub compression: Option<Compression>,
    /// Its interfaces, in the order of the file, over all sections.
    pub interfaces: Vec<Interface>,
    /// Packet records read.
    pub packets: u64,
    /// Bytes on the wire of these.
    pub wire_bytes: u64,
    /// The earliest time.
    pub first_time: Option<Timestamp>,
    /// The latest time.
    pub last_time: Option<Timestamp>,
    /// Packets captured shorter than they were on the wire.
    pub truncated_packets: u64,
    /// Packets whose time is earlier than that of the packet before them, and the first such frame.
    pub disordered_packets: u64,
    /// The first packet whose time is earlier than that of the one before.
    pub first_disordered: Option<u64>,
    /// Hardware, operating system and application of the section header, and its comments.
    pub section_notes: Vec<String>,
    /// Names that the file itself gives to addresses (pcapng name resolution blocks), capped.
    pub names: Vec<(IpAddr, String)>,
    /// Comments on packets, by frame number, capped.
    pub packet_comments: Vec<(u64, String)>,
    /// Where the file is damaged.
    pub damage: Vec<Damage>,
    /// SHA-256 of the file as given, in hexadecimal, where it was asked for.
    pub sha256: Option<String>,
}

impl CaptureInfo {
    /// What the capture itself reports as lost; none where no interface says.
    pub fn dropped_packets(&self) -> Option<u64> {
        self.interfaces.iter().filter_map(|interface| interface.dropped).reduce(u64::saturating_add)
    }

    /// What the file says of where it was taken: its section's notes, and the names and descriptions of its interfaces.
    pub fn origin_words(&self) -> impl Iterator<Item = &str> {
        let interfaces = self.interfaces.iter().flat_map(|interface| [&interface.name, &interface.description]);
        self.section_notes.iter().chain(interfaces.flatten()).map(String::as_str)
    }
}

/// A place where a file is damaged. What stood before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Byte offset in the decompressed file.
    pub offset: u64,
    /// The number that the unreadable record would have had.
    pub frame: u64,
    /// What is wrong.
    pub kind: DamageKind,
    /// What is wrong, where, and what to do, in one sentence.
    pub message: String,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// The file ends in the middle of a record.
    CutShort,
    /// A record claims a length that cannot be.
    BadLength,
    /// A block's two lengths differ, or its body does not parse.
    CorruptBlock,
    /// A packet names an interface that the file does not describe.
    UnknownInterface,
    /// The packed data does not unpack.
    CorruptCompression,
    /// The file could not be read to its end.
    ReadError,
}

impl DamageKind {
    /// The stable word in reports.
    pub fn code(self) -> &'static str {
        match self {
            DamageKind::CutShort => "cut-short",
            DamageKind::BadLength => "bad-length",
            DamageKind::CorruptBlock => "corrupt-block",
            DamageKind::UnknownInterface => "unknown-interface",
            DamageKind::CorruptCompression => "corrupt-compression",
            DamageKind::ReadError => "read-error",
        }
    }
}
