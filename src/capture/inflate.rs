//! Gzip, member by member (RFC 1952): rotated captures are often several gzip files one behind the other.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::source::Raw;

/// Deflate packs at most 1032:1. Real captures pack 2 to 50:1, and zero-filled frames of full size some 50:1 again.
/// More than 500:1 is a file made to keep a reader busy.
const MAX_RATIO: u64 = 500;

/// 1 GiB: the ratio is not looked at before that, since so much is unpacked in a second or two.
const FREE: u64 = 1 << 30;

/// 64 KiB of packed bytes at a time unpack to about a window.
const PACKED: usize = 64 << 10;

/// 2^15 bytes: the window of deflate, as a power of two.
const WINDOW_BITS: u8 = 15;

/// An unpacked gzip file.
///
/// flate2's own readers lose what a call has unpacked before it meets an error, up to a whole buffer of sound packets.
/// So this calls the decompressor itself.
pub(super) struct Inflate {
    /// What was read ahead, then the rest of the file.
    packed: BufReader<Chain<Cursor<Vec<u8>>, Raw>>,
    decompress: Decompress,
    /// What stands after the bytes that were given out last.
    next: Next,
    unpacked: u64,
    max_expand: u64,
}

enum Next {
    More,
    EndOfMember,
    End,
    Error(String),
}

impl Inflate {
    /// Unpacks `head`, then what `raw` gives, to at most `max_expand` bytes.
    pub(super) fn new(head: Vec<u8>, raw: Raw, max_expand: u64) -> Self {
        let packed = BufReader::with_capacity(PACKED, Cursor::new(head).chain(raw));
        let decompress = Decompress::new_gzip(WINDOW_BITS);
        Inflate { packed, decompress, next: Next::More, unpacked: 0, max_expand }
    }

    pub(super) fn raw(&self) -> &Raw {
        self.packed.get_ref().get_ref().1
    }

    pub(super) fn raw_mut(&mut self) -> &mut Raw {
        self.packed.get_mut().get_mut().1
    }

    /// Unpacks a piece, and says how long it is. A member's end checks its length and CRC.
    fn piece(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let input = self.packed.fill_buf()?;
        let (total_in, total_out) = (self.decompress.total_in(), self.decompress.total_out());
        let result = self.decompress.decompress(input, buffer, FlushDecompress::None);
        let taken = usize::try_from(self.decompress.total_in() - total_in).unwrap_or(usize::MAX);
        let given = usize::try_from(self.decompress.total_out() - total_out).unwrap_or(usize::MAX);
        self.packed.consume(taken);
        match result {
            Ok(Status::StreamEnd) => self.next = Next::EndOfMember,
            // It wants more, and there is no more.
            Ok(Status::Ok | Status::BufError) if taken == 0 && given == 0 => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Status::Ok | Status::BufError) => {}
            // What the decompressor calls it depends on how much of the file it was given at once.
            Err(_) => self.next = Next::Error("it is damaged, or its checksum does not fit".into()),
        }
        Ok(given)
    }

    /// Goes on to the next member. As gzip does, takes zeros behind the last one (tapes and some devices pad files to
    /// full blocks) for its end.
    fn next_member(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.packed.fill_buf()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            match bytes.get(zeros) {
                Some(0x1f) => {
                    self.packed.consume(zeros);
                    self.decompress = Decompress::new_gzip(WINDOW_BITS);
                    self.next = Next::More;
                    return Ok(());
                }
                Some(_) => {
                    self.next = Next::Error("what follows the complete gzip stream is no gzip".into());
                    return Ok(());
                }
                None if bytes.is_empty() => {
                    self.next = Next::End;
                    return Ok(());
                }
                None => self.packed.consume(zeros),
            }
        }
    }

    /// Stops where the file has unpacked to more than it may.
    fn check_bound(&mut self) {
        let packed = self.raw().consumed();
        let dense = self.unpacked > FREE && self.unpacked / MAX_RATIO > packed;
        if dense || self.unpacked > self.max_expand {
            self.next = Next::Error(format!(
                "{packed} packed bytes unpack to {} bytes and more, which is beyond the bound",
                self.unpacked
            ));
        }
    }
}

impl Read for Inflate {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match &self.next {
                Next::More => {}
                Next::EndOfMember => {
                    self.next_member()?;
                    continue;
                }
                Next::End => return Ok(0),
                Next::Error(why) => return Err(io::Error::other(why.clone())),
            }
            let len = self.piece(buffer)?;
            if len > 0 {
                self.unpacked = self.unpacked.saturating_add(len as u64);
                self.check_bound();
                return Ok(len);
            }
        }
    }
}
