//! The record layer.

use crate::bytes::Reader;

/// Longest record on the wire: 2^14 bytes of plaintext and 2048 of what protection adds (RFC 5246 section 6.2.3).
const MAX_LENGTH: u16 = (1 << 14) + 2048;

/// Content types.
pub mod content {
    /// What follows is encrypted (up to 1.2), or nothing at all (1.3).
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    /// Alert.
    pub const ALERT: u8 = 21;
    /// Handshake.
    pub const HANDSHAKE: u8 = 22;
    /// Application data; in 1.3 everything encrypted.
    pub const APPLICATION_DATA: u8 = 23;
    /// Heartbeat (RFC 6520).
    pub const HEARTBEAT: u8 = 24;
}

/// The head of a record.
///
/// ```text
/// +---------------+-------------------------------+-------------------------------+
/// | content type  |       version (03 0x)         |     length of what follows    |
/// +---------------+-------------------------------+-------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHead {
    /// See [`content`].
    pub kind: u8,
    /// Frozen at 0x0301 or 0x0303 nowadays: says nothing of the version negotiated.
    pub version: u16,
    /// Bytes that follow the head.
    pub length: u16,
}

impl RecordHead {
    /// Bytes of the head.
    pub const LEN: usize = 5;

    /// Reads a head; `None` if these bytes cannot be one, or are too few.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Option<RecordHead> {
        let mut reader = Reader::new(bytes);
        let head = RecordHead { kind: reader.u8()?, version: reader.u16()?, length: reader.u16()? };
        let fits = matches!(head.kind, content::CHANGE_CIPHER_SPEC..=content::HEARTBEAT)
            && matches!(head.version, 0x0300..=0x0304)
            && head.length <= MAX_LENGTH
            && (head.length > 0 || head.kind == content::APPLICATION_DATA);
        fits.then_some(head)
    }
}

/// A record, as far as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its head.
    pub head: RecordHead,
    /// What is there of its content.
    pub body: &'a [u8],
}

impl Record<'_> {
    /// Whether all of it is there.
    pub fn is_complete(&self) -> bool {
        self.body.len() == usize::from(self.head.length)
    }
}

/// The records of one direction, from the in-order start of its stream.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: Reader<'a>,
}

/// Reads the records at the start of `stream`; ends where a head is cut, or is none.
pub fn records(stream: &[u8]) -> Records<'_> {
    Records { rest: Reader::new(stream) }
}

impl Records<'_> {
    /// Whether the records ended at bytes that are no record head.
    pub fn met_junk(&self) -> bool {
        let rest = self.rest.rest();
        let next_kind_is_known = rest.first().is_none_or(|kind| (20..=24).contains(kind));
        !next_kind_is_known || (rest.len() >= RecordHead::LEN && RecordHead::parse(rest).is_none())
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let head = RecordHead::parse(self.rest.rest())?;
        self.rest.take(RecordHead::LEN)?;
        Some(Record { head, body: self.rest.take_available(usize::from(head.length)) })
    }
}

/// Follows the record boundaries of one direction through a whole connection without keeping its bytes, for what
/// only sizes tell: the 19-byte record or the encrypted alert with which a side says goodbye.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordWalk {
    head: [u8; RecordHead::LEN],
    head_len: u8,
    /// Bytes of the current record's body that have not gone by.
    body_left: usize,
    lost: bool,
}

impl RecordWalk {
    /// Takes the next bytes of the stream and calls `begins` for every record whose head is completed by them.
    pub fn feed(&mut self, mut bytes: &[u8], mut begins: impl FnMut(RecordHead)) {
        while !self.lost && !bytes.is_empty() {
            let passed = bytes.len().min(self.body_left);
            self.body_left = self.body_left.saturating_sub(passed);
            bytes = bytes.get(passed..).unwrap_or_default();
            let Some((byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            if let Some(head) = self.push(*byte) {
                begins(head);
            }
        }
    }

    /// Passes over `count` bytes that the capture does not hold. Within a record's body that does no harm; where a
    /// head is among them the boundaries are lost for good.
    pub fn skip(&mut self, count: usize) {
        match self.body_left.checked_sub(count) {
            Some(left) => self.body_left = left,
            None => self.lost = true,
        }
    }

    /// Whether the boundaries are lost: the stream is no TLS, or a gap swallowed a head.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// One byte of a head; gives the head when it is whole.
    fn push(&mut self, byte: u8) -> Option<RecordHead> {
        if let Some(place) = self.head.get_mut(usize::from(self.head_len)) {
            *place = byte;
        }
        self.head_len = self.head_len.saturating_add(1);
        if usize::from(self.head_len) < RecordHead::LEN {
            return None;
        }
        self.head_len = 0;
        let head = RecordHead::parse(&self.head);
        self.lost = head.is_none();
        self.body_left = head.map_or(0, |head| usize::from(head.length));
        head
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{RecordHead, RecordWalk, content, records};
    use crate::proto::laid_out::{at_every_cut, hex};

    const STREAM: &str = "14 0303 0001 01 | data | 17 0303 0004 aabbccdd | alert | 15 0303 0002 0230";

    #[test]
    fn records_in_order() {
        let stream = hex(STREAM);
        let seen: Vec<_> = records(&stream).map(|record| (record.head.kind, record.body.len())).collect();
        assert_eq!(seen, [(content::CHANGE_CIPHER_SPEC, 1), (content::APPLICATION_DATA, 4), (content::ALERT, 2)]);
    }

    #[test]
    fn what_is_no_record() {
        for head in ["13 0303 0001", "19 0303 0001", "16 0305 0001", "16 0203 0001", "16 0303 4801", "16 0303 0000"] {
            assert_eq!(RecordHead::parse(&hex(head)), None, "{head}");
        }
        assert!(RecordHead::parse(&hex("17 0303 0000")).is_some(), "empty application data is allowed");
    }

    #[test]
    fn junk_is_told_from_a_cut() {
        for (stream, junk) in [("", false), ("16", false), ("16 0303", false), ("48", true), ("48 54 54 50 2f", true)] {
            let bytes = hex(stream);
            let mut records = records(&bytes);
            assert_eq!(records.by_ref().count(), 0);
            assert_eq!(records.met_junk(), junk, "{stream}");
        }
    }

    #[test]
    fn cut_at_every_length() {
        at_every_cut(&hex(STREAM), |cut| {
            let mut records = records(cut);
            let complete = records.by_ref().filter(|record| record.is_complete()).count();
            assert_eq!(complete, [6, 15, 22].iter().filter(|end| cut.len() >= **end).count(), "at {}", cut.len());
            assert!(!records.met_junk());
        });
    }

    #[test]
    fn the_walk_sees_the_same_records_however_the_stream_is_cut() {
        let stream = hex(STREAM);
        let wanted: Vec<_> = records(&stream).map(|record| record.head).collect();
        for first in 0..=stream.len() {
            let (mut walk, mut seen) = (RecordWalk::default(), vec![]);
            walk.feed(&stream[..first], |head| seen.push(head));
            walk.feed(&stream[first..], |head| seen.push(head));
            assert_eq!(seen, wanted, "cut at {first}");
        }
    }

    #[test]
    fn the_walk_survives_a_gap_within_a_body_only() {
        let mut walk = RecordWalk::default();
        walk.feed(&hex("17 0303 0064 aabb"), |_| {});
        walk.skip(98);
        let mut seen = vec![];
        walk.feed(&hex("15 0303 001a"), |head| seen.push(head.length));
        assert_eq!((seen, walk.is_lost()), (vec![26], false));
        walk.skip(27);
        assert!(walk.is_lost());
    }

    proptest! {
        #[test]
        fn any_bytes(stream: Vec<u8>, gap in 0usize..100) {
            let _ = records(&stream).count();
            let mut walk = RecordWalk::default();
            walk.feed(&stream, |_| {});
            walk.skip(gap);
            walk.feed(&stream, |_| {});
        }
    }
}
