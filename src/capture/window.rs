//! The walk from record to record through what has been read.

use super::damage::{self, Flaw};
use super::pcap::Pcap;
use super::pcapng::Pcapng;
use super::source::End;
use super::{CaptureInfo, Frame};
use crate::time::Timestamp;

/// 256 KiB: the longest packet that libpcap (`MAXIMUM_SNAPLEN`) and Wireshark (`WTAP_MAX_PACKET_SIZE_STANDARD`) take
/// from links that carry IP. A longer one means that the walk has lost the records. The file's own snaplen is no
/// bound: writers that reassemble or pad exceed it, and both tools let them.
pub(super) const MAX_PACKET: u32 = 256 << 10;

/// A part of a capture: the frames that stand whole in what was read.
pub struct Window<'a> {
    rest: &'a [u8],
    walk: &'a mut Walk,
    /// What stands behind the bytes of the last window.
    end: Option<&'a End>,
}

impl<'a> Window<'a> {
    pub(super) fn new(bytes: &'a [u8], walk: &'a mut Walk, end: Option<&'a End>) -> Self {
        Window { rest: bytes, walk, end }
    }

    #[inline]
    fn pass(&mut self, len: usize) {
        self.rest = self.rest.get(len..).unwrap_or_default();
        self.walk.offset += len as u64;
    }
}

impl<'a> Iterator for Window<'a> {
    type Item = Frame<'a>;

    #[inline]
    fn next(&mut self) -> Option<Frame<'a>> {
        while !self.walk.ended {
            match self.walk.step(self.rest) {
                Ok(Step::Frame(frame, len)) => {
                    self.pass(len);
                    self.walk.count(&frame);
                    return Some(frame);
                }
                Ok(Step::Passed(len)) => self.pass(len),
                Ok(Step::More) => {
                    self.walk.hungry = true;
                    if let Some(end) = self.end {
                        self.walk.conclude(self.rest.len(), end);
                    }
                    return None;
                }
                Err(flaw) => self.walk.stop(&flaw),
            }
        }
        None
    }
}

/// One step from record to record.
pub(super) enum Step<'a> {
    /// A packet, and the length of its record.
    Frame(Frame<'a>, usize),
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
    previous: Timestamp,
    /// Whether the last step wanted more than the window held.
    hungry: bool,
    ended: bool,
}

impl Walk {
    pub(super) fn new(dialect: Dialect, info: CaptureInfo, offset: u64) -> Self {
        Walk { dialect, info, offset, previous: Timestamp(i64::MIN), hungry: false, ended: false }
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

    /// Whether the last window ended because a record did not stand whole in it; asked once a window.
    pub(super) fn take_hunger(&mut self) -> bool {
        std::mem::take(&mut self.hungry)
    }

    /// Whether no step can follow.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// The stream has ended, and `left` bytes behind the last whole record are no whole record.
    #[cold]
    pub(super) fn conclude(&mut self, left: usize, end: &End) {
        let present = self.begun() + left as u64;
        match end {
            End::Failed(flaw) => self.stop(flaw),
            End::Clean if present > 0 => self.stop(&Flaw::CutShort { present }),
            End::Clean => self.ended = true,
        }
    }

    #[inline]
    fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Flaw> {
        match &mut self.dialect {
            Dialect::Pcap(pcap) => pcap.step(bytes, self.info.packets + 1),
            Dialect::Pcapng(pcapng) => pcapng.step(bytes, &mut self.info),
        }
    }

    #[inline]
    fn count(&mut self, frame: &Frame<'_>) {
        let info = &mut self.info;
        info.packets = frame.number;
        info.wire_bytes = info.wire_bytes.saturating_add(u64::from(frame.wire_len));
        info.truncated_packets += u64::from(frame.data.len() < frame.wire_len as usize);
        let Some(time) = frame.time else { return };
        if info.first_time.is_none_or(|first| time < first) {
            info.first_time = Some(time);
        }
        if info.last_time.is_none_or(|last| time > last) {
            info.last_time = Some(time);
        }
        if time < self.previous {
            info.disordered_packets += 1;
            info.first_disordered.get_or_insert(frame.number);
        }
        self.previous = time;
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
