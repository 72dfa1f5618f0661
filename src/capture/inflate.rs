//! Gzip, member by member (RFC 1952): rotated captures are often several gzip files one behind the other.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;

use super::source::Raw;

/// Deflate packs at most 1032:1. Real captures pack 2 to 50:1, and zero-filled frames of full size some 50:1 again.
/// More than 500:1 is a file made to keep a reader busy.
const MAX_RATIO: u64 = 500;

/// 1 GiB: the ratio is not looked at before that, since so much is unpacked in a second or two.
const FREE: u64 = 1 << 30;

/// 64 KiB of packed bytes at a time unpack to about a window.
const PACKED_BUFFER: usize = 64 << 10;

/// The packed bytes: what was read ahead, then the rest of the file.
type Packed = BufReader<Chain<Cursor<Vec<u8>>, Raw>>;

/// An unpacked gzip file.
pub(super) struct Inflate {
    decoder: GzDecoder<Packed>,
    unpacked: u64,
    max_expand: u64,
}

impl Inflate {
    /// Unpacks `head`, then what `raw` gives.
    pub(super) fn new(head: Vec<u8>, raw: Raw, max_expand: u64) -> Self {
        Inflate { decoder: GzDecoder::new(packed(PACKED_BUFFER, head, raw)), unpacked: 0, max_expand }
    }

    pub(super) fn raw(&self) -> &Raw {
        self.decoder.get_ref().get_ref().get_ref().1
    }

    pub(super) fn raw_mut(&mut self) -> &mut Raw {
        self.decoder.get_mut().get_mut().get_mut().1
    }

    /// Whether another member follows. As gzip does, takes zeros behind the last one (tapes and some devices pad
    /// files to full blocks) for its end.
    fn next_member(&mut self) -> io::Result<bool> {
        let behind = self.decoder.get_mut();
        loop {
            let bytes = behind.fill_buf()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            match bytes.get(zeros).copied() {
                Some(0x1f) => {
                    behind.consume(zeros);
                    break;
                }
                Some(_) => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "what follows the complete gzip stream is no gzip",
                    ));
                }
                None if bytes.is_empty() => return Ok(false),
                None => behind.consume(zeros),
            }
        }
        let packed = self.decoder.reset(packed(0, Vec::new(), Raw::nothing()));
        self.decoder.reset(packed);
        Ok(true)
    }

    /// An error where the file has unpacked to more than it may.
    fn check_bound(&self) -> io::Result<()> {
        let packed = self.raw().consumed();
        let ratio = self.unpacked > FREE && self.unpacked / MAX_RATIO > packed;
        if ratio || self.unpacked > self.max_expand {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "{packed} packed bytes unpack to more than {} bytes, which is beyond the bound; \
                     if the file is trusted, unpack it with gzip -dc and check the result",
                    self.unpacked
                ),
            ));
        }
        Ok(())
    }
}

impl Read for Inflate {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let len = self.decoder.read(buffer)?;
            if len > 0 || buffer.is_empty() {
                self.unpacked = self.unpacked.saturating_add(len as u64);
                self.check_bound()?;
                return Ok(len);
            }
            if !self.next_member()? {
                return Ok(0);
            }
        }
    }
}

fn packed(capacity: usize, head: Vec<u8>, raw: Raw) -> Packed {
    BufReader::with_capacity(capacity, Cursor::new(head).chain(raw))
}
