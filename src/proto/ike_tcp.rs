//! IKE and ESP in a TCP stream, RFC 9329 (before: RFC 8229).

use crate::bytes::Reader;
use crate::proto::esp::Esp;
use crate::proto::ike;

/// What the side that opened the connection sends first, once.
pub const PREFIX: &[u8; 6] = b"IKETCP";

/// Bytes of the length field, which counts itself.
pub const LENGTH_LEN: usize = 2;

/// One message of the stream.
///
/// ```text
/// +-------------------------------+
/// |  length, these 2 bytes incl.  |
/// +-------------------------------+-------------------------------+
/// |    IKE: four zero bytes, header, payloads  /  ESP: SPI, ...   |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// An IKE message, from its header on; of the last one the end may still be missing.
    Ike(ike::Header, &'a [u8]),
    /// An ESP packet.
    Esp(Esp),
    /// A message of which too little is there to say more. Nothing follows.
    Partial,
    /// Neither of them: this stream is something else, or does not start at a message. Nothing follows.
    Junk,
}

/// The messages of one direction, read from the in-order start of its stream.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: Reader<'a>,
    len: usize,
    ended: bool,
}

/// Reads a direction from its first byte; the [`PREFIX`] is skipped where it stands.
pub fn frames(stream: &[u8]) -> Frames<'_> {
    let after_prefix = stream.strip_prefix(PREFIX).unwrap_or(stream);
    let cut_prefix = stream.len() < PREFIX.len() && !stream.is_empty() && PREFIX.starts_with(stream);
    Frames { rest: Reader::new(if cut_prefix { &[] } else { after_prefix }), len: stream.len(), ended: false }
}

impl Frames<'_> {
    /// Bytes of the stream before the first message that is not wholly there: prefix and whole messages. They need
    /// not be kept, but what follows must then be read on without the prefix.
    pub fn consumed(&self) -> usize {
        self.len.saturating_sub(self.rest.rest().len())
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        if self.ended || self.rest.is_empty() {
            return None;
        }
        let mut ahead = self.rest;
        let Some(length) = ahead.u16() else { return self.end(Frame::Partial) };
        let Some(len) = usize::from(length).checked_sub(LENGTH_LEN) else { return self.end(Frame::Junk) };
        let message = ahead.take_available(len);
        let whole = message.len() == len;
        match frame(message, len) {
            Some(frame) if whole => {
                self.rest = ahead;
                Some(frame)
            }
            Some(frame) => self.end(frame),
            None if whole => self.end(Frame::Junk),
            None => self.end(Frame::Partial),
        }
    }
}

impl<'a> Frames<'a> {
    fn end(&mut self, frame: Frame<'a>) -> Option<Frame<'a>> {
        self.ended = true;
        Some(frame)
    }
}

fn frame(message: &[u8], len: usize) -> Option<Frame<'_>> {
    match message.strip_prefix(&[0; 4]) {
        Some(ike) => ike::Header::parse(ike, len.checked_sub(4)?).map(|header| Frame::Ike(header, ike)),
        None => Esp::parse(message).map(Frame::Esp),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Frame, frames};
    use crate::proto::esp::Esp;
    use crate::proto::laid_out::{at_every_cut, hex};

    const IKE: &str =
        "0026 | marker | 00000000 | header | 0102030405060708 1112131415161718 2e 20 23 08 00000001 00000020
        | SK | 23000004";
    const ESP: &str = "000c | SPI | c1c2c3c4 | 5 | 00000005 | ciphertext | 9999";

    #[test]
    fn prefix_ike_and_esp() {
        let stream = [b"IKETCP".to_vec(), hex(IKE), hex(ESP)].concat();
        let mut seen = frames(&stream);
        assert!(
            matches!(seen.next(), Some(Frame::Ike(header, message)) if header.exchange == 35 && message.len() == 32)
        );
        assert_eq!(seen.next(), Some(Frame::Esp(Esp { spi: 0xc1c2_c3c4, sequence: 5 })));
        assert_eq!(seen.next(), None);
        assert_eq!(seen.consumed(), stream.len());
    }

    #[test]
    fn the_answering_side_has_no_prefix() {
        assert!(matches!(frames(&hex(IKE)).next(), Some(Frame::Ike(..))));
    }

    #[test]
    fn another_protocol_is_junk() {
        for stream in [b"\x00\x01more".as_slice(), b"\x00\x04ab", b"\x00\x00"] {
            assert_eq!(frames(stream).collect::<Vec<_>>(), [Frame::Junk]);
        }
    }

    #[test]
    fn cut_at_every_length() {
        let stream = [b"IKETCP".to_vec(), hex(IKE), hex(ESP)].concat();
        at_every_cut(&stream, |cut| {
            let mut frames = frames(cut);
            let seen: Vec<_> = frames.by_ref().collect();
            let wanted = match cut.len() {
                0..=6 => "",
                7..40 => "P",
                40..=44 => "I",
                45..54 => "IP",
                _ => "IE",
            };
            let told: String = seen
                .iter()
                .map(|frame| match frame {
                    Frame::Ike(..) => 'I',
                    Frame::Esp(_) => 'E',
                    Frame::Partial => 'P',
                    Frame::Junk => 'J',
                })
                .collect();
            assert_eq!(told, wanted, "at {}", cut.len());
            assert!(frames.consumed() <= cut.len());
        });
    }

    proptest! {
        #[test]
        fn any_bytes(stream: Vec<u8>) {
            let mut frames = frames(&stream);
            prop_assert!(frames.by_ref().count() <= stream.len() / 10 + 1, "whole messages have ten bytes and more");
            prop_assert!(frames.consumed() <= stream.len());
        }
    }
}
