//! What can be wrong inside a capture, and how it is told.

use std::fmt;

use super::{CaptureInfo, Damage, DamageKind};

/// Why reading cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The file ends in the middle of a record; so many of its bytes are there.
    CutShort { present: u64 },
    /// A packet of so many captured bytes.
    PacketTooLong(u32),
    /// A pcapng block that must be held as a whole, of so many bytes.
    BlockTooLong(u32),
    /// A pcapng block too short for what it must hold.
    BlockTooShort(u32),
    /// The length at the end of a pcapng block differs from that at its beginning.
    LengthsDiffer { first: u32, last: u32 },
    /// A packet longer than the block that holds it.
    PacketBeyondBlock { captured: u32, block: u32 },
    /// A section header without byte-order mark.
    NoByteOrder(u32),
    /// A section of a version that is not known.
    Version { major: u16, minor: u16 },
    /// More interfaces than are kept.
    TooManyInterfaces(usize),
    /// A packet of an interface that its section does not describe; it describes so many.
    UnknownInterface { interface: u32, described: usize },
    /// The gzip stream ends early.
    GzipCutShort,
    /// The packed data does not unpack, and why.
    Unpack(String),
    /// The file cannot be read, and why.
    Unread(String),
}

impl Flaw {
    fn kind(&self) -> DamageKind {
        match self {
            Flaw::CutShort { .. } | Flaw::GzipCutShort => DamageKind::CutShort,
            Flaw::PacketTooLong(_) | Flaw::BlockTooLong(_) => DamageKind::BadLength,
            Flaw::BlockTooShort(_)
            | Flaw::LengthsDiffer { .. }
            | Flaw::PacketBeyondBlock { .. }
            | Flaw::NoByteOrder(_)
            | Flaw::Version { .. }
            | Flaw::TooManyInterfaces(_) => DamageKind::CorruptBlock,
            Flaw::UnknownInterface { .. } => DamageKind::UnknownInterface,
            Flaw::Unpack(_) => DamageKind::CorruptCompression,
            Flaw::Unread(_) => DamageKind::ReadError,
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Flaw::CutShort { .. } | Flaw::GzipCutShort => {
                "copy the file again once the capture has ended, or capture again"
            }
            Flaw::PacketTooLong(_)
            | Flaw::BlockTooLong(_)
            | Flaw::BlockTooShort(_)
            | Flaw::LengthsDiffer { .. }
            | Flaw::PacketBeyondBlock { .. }
            | Flaw::NoByteOrder(_) => "copy the file again, repair it with pcapfix, or capture again",
            Flaw::Version { .. } => "convert the file with a current editcap -F pcapng",
            Flaw::TooManyInterfaces(_) => "split the file with editcap -c",
            Flaw::UnknownInterface { .. } => "write the file again with the tool that made it, or capture again",
            Flaw::Unpack(_) => "copy the file again, or unpack what can be unpacked with gzip -dc",
            Flaw::Unread(_) => "check the disk or the connection, then read again",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::CutShort { present: 1 } => f.write_str("the file ends one byte into the record that begins there"),
            Flaw::CutShort { present } => {
                write!(f, "the file ends {present} bytes into the record that begins there")
            }
            Flaw::PacketTooLong(length) => {
                write!(f, "a packet claims {length} captured bytes, more than any capture holds")
            }
            Flaw::BlockTooLong(length) => write!(f, "a block claims {length} bytes, more than any capture holds"),
            Flaw::BlockTooShort(length) => write!(f, "a block of {length} bytes is too short for its kind"),
            Flaw::LengthsDiffer { first, last } => write!(f, "the two lengths of a block differ, {first} and {last}"),
            Flaw::PacketBeyondBlock { captured, block } => {
                write!(f, "a packet of {captured} bytes does not fit into its block of {block} bytes")
            }
            Flaw::NoByteOrder(mark) => write!(f, "a section header has {mark:#010x} for its byte-order mark"),
            Flaw::Version { major, minor } => {
                write!(f, "a section is of pcapng version {major}.{minor}, and only 1.x is known")
            }
            Flaw::TooManyInterfaces(kept) => write!(f, "the file describes more than {kept} interfaces"),
            Flaw::UnknownInterface { interface, described } => {
                write!(f, "a packet names interface {interface}, and its section describes {described}, counted from 0")
            }
            Flaw::GzipCutShort => f.write_str("the gzip stream ends before its end mark"),
            Flaw::Unpack(why) => write!(f, "the packed data does not unpack further ({why})"),
            Flaw::Unread(why) => write!(f, "the file cannot be read further ({why})"),
        }
    }
}

/// Records damage at `offset` in the unpacked file, behind the packets that were read.
#[cold]
pub(super) fn add(info: &mut CaptureInfo, offset: u64, flaw: &Flaw) {
    let message = format!("at byte {offset}: {flaw}; {}; {}", packets_before(info.packets), flaw.remedy());
    info.damage.push(Damage { offset, frame: info.packets.saturating_add(1), kind: flaw.kind(), message });
}

fn packets_before(packets: u64) -> String {
    match packets {
        0 => "no packet before it could be read".into(),
        1 => "the packet before it was read".into(),
        count => format!("the {count} packets before it were read"),
    }
}
