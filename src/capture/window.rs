//! The walk from record to record through what has been read.

use super::damage::{self, Flaw};
use super::pcap::Pcap;
use super::pcapng::Pcapng;
use super::source::End;
use super::{CaptureInfo, Direction, Frame, LinkType};
use crate::time::Timestamp;

/// 256 KiB: the longest packet that libpcap (`MAXIMUM_SNAPLEN`) and Wireshark (`WTAP_MAX_PACKET_SIZE_STANDARD`) take
/// from links that carry IP. A longer one means that the walk has lost the records. The file's own snaplen is no
/// bound: writers that reassemble or pad exceed it, and both tools let them.
pub(super) const MAX_PACKET: u32 = 256 << 10;

/// A part of a capture: bytes, and the packets that stand whole in them. It owns them, so that it may go to another thread, and what
/// is read into it next takes over its memory.
#[derive(Debug, Default)]
pub struct Window {
    /// What was read fills it up to where the records end.
    pub(super) bytes: Vec<u8>,
    pub(super) records: Vec<Record>,
    /// Packets before it.
    pub(super) before: u64,
    /// The time of the last packet before it that has one.
    pub(super) clock: Option<Timestamp>,
}

impl Window {
    /// Its packets, in the order of the file.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = Frame<'_>> {
        self.records.iter().enumerate().map(|(at, record)| {
            let start = record.at as usize;
            Frame {
                number: self.before + at as u64 + 1,
                time: record.time,
                interface: record.interface,
                link: record.link,
                wire_len: record.wire_len,
                data: self.bytes.get(start..start + record.captured as usize).unwrap_or_default(),
                direction: record.direction,
            }
        })
    }

    /// The time of the last packet before this window that has one; none where none has.
    pub fn clock(&self) -> Option<Timestamp> {
        self.clock
    }
}

/// A packet that stands whole in a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// Where its bytes begin: behind the beginning of its record at first, then in the window.
    pub(super) at: u32,
    pub(super) captured: u32,
    pub(super) wire_len: u32,
    pub(super) interface: u32,
    pub(super) time: Option<Timestamp>,
    pub(super) link: LinkType,
    pub(super) direction: Direction,
}

/// One step from record to record.
pub(super) enum Step {
    /// A packet, and the length of its record.
    Packet(Record, usize),
    /// So many bytes of something else.
    Passed(usize),
    /// The record does not stand whole in the window.
    More,
}

/// How the records of a file are laid out.
pub(super) enum Dialect {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Where the walk is, and what it has met.
pub(super) struct Walk {
    dialect: Dialect,
    info: CaptureInfo,
    /// Where in the unpacked file the next step begins.
    offset: u64,
    clock: Option<Timestamp>,
    ended: bool,
}

impl Walk {
    pub(super) fn new(dialect: Dialect, info: CaptureInfo, offset: u64) -> Self {
        Walk { dialect, info, offset, clock: None, ended: false }
    }

    pub(super) fn info(&self) -> &CaptureInfo {
        &self.info
    }

    pub(super) fn into_info(self) -> CaptureInfo {
        self.info
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The time of the last packet that has one.
    pub(super) fn clock(&self) -> Option<Timestamp> {
        self.clock
    }

    /// Whether no step can follow.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Walks over `bytes`, behind which stands `end` or what was not read yet, and adds what it meets to `records`. How far it
    /// came: there a record begins that does not stand whole in `bytes`.
    pub(super) fn over(&mut self, bytes: &[u8], end: Option<&End>, records: &mut Vec<Record>) -> usize {
        let mut walked = 0;
        while !self.ended {
            let rest = bytes.get(walked..).unwrap_or_default();
            let passed = match self.step(rest) {
                Ok(Step::Packet(mut record, len)) => {
                    self.count(&record);
                    record.at += walked as u32;
                    records.push(record);
                    len
                }
                Ok(Step::Passed(len)) => len,
                Ok(Step::More) => {
                    if let Some(end) = end {
                        self.conclude(rest.len(), end);
                    }
                    break;
                }
                Err(flaw) => {
                    self.stop(&flaw);
                    break;
                }
            };
            walked += passed;
            self.offset += passed as u64;
        }
        walked
    }

    /// The stream has ended, and `left` bytes behind the last whole record are no whole record.
    #[cold]
    fn conclude(&mut self, left: usize, end: &End) {
        let present = self.begun() + left as u64;
        match end {
            End::Failed(flaw) => self.stop(flaw),
            End::Clean if present > 0 => self.stop(&Flaw::CutShort { present }),
            End::Clean => self.ended = true,
        }
    }

    #[inline]
    fn step(&mut self, bytes: &[u8]) -> Result<Step, Flaw> {
        match &mut self.dialect {
            Dialect::Pcap(pcap) => pcap.step(bytes),
            Dialect::Pcapng(pcapng) => pcapng.step(bytes, &mut self.info),
        }
    }

    #[inline]
    fn count(&mut self, record: &Record) {
        let info = &mut self.info;
        info.packets += 1;
        info.wire_bytes = info.wire_bytes.saturating_add(u64::from(record.wire_len));
        info.truncated_packets += u64::from(record.captured < record.wire_len);
        let Some(time) = record.time else { return };
        if info.first_time.is_none_or(|first| time < first) {
            info.first_time = Some(time);
        }
        if info.last_time.is_none_or(|last| time > last) {
            info.last_time = Some(time);
        }
        if self.clock.is_some_and(|before| time < before) {
            info.disordered_packets += 1;
            info.first_disordered.get_or_insert(info.packets);
        }
        self.clock = Some(time);
    }

    #[cold]
    fn stop(&mut self, flaw: &Flaw) {
        let begun = self.begun();
        damage::add(&mut self.info, self.offset.saturating_sub(begun), flaw);
        self.ended = true;
    }

    /// How much of an unfinished record was passed already.
    fn begun(&self) -> u64 {
        match &self.dialect {
            Dialect::Pcap(_) => 0,
            Dialect::Pcapng(pcapng) => pcapng.begun(),
        }
    }
}
