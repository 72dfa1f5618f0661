//! Frames become a capture file.

use std::io::{self, Write};

/// The container to write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// Classic pcap, little-endian, microseconds.
    Pcap,
    /// pcapng, little-endian, nanoseconds, one interface.
    Pcapng,
}

/// 2026-01-01T00:00:00Z in nanoseconds since 1970: where the clock of every capture starts.
const START_NS: u64 = 1_767_225_600_000_000_000;

const SNAPLEN: u32 = 262_144;
const ETHERNET: u32 = 1;

/// Writes frames and counts them. The first error is kept and ends the capture; [`Sink::finish`] gives it.
pub(crate) struct Sink<W> {
    out: W,
    container: Container,
    failure: Option<io::Error>,
    now_ns: u64,
    /// Bytes of the file so far.
    pub(crate) bytes: u64,
    /// Frames so far.
    pub(crate) packets: u64,
}

impl<W: Write> Sink<W> {
    /// Writes the header of the file.
    pub(crate) fn new(out: W, container: Container) -> Self {
        let mut sink = Sink { out, container, failure: None, now_ns: START_NS, bytes: 0, packets: 0 };
        match container {
            Container::Pcap => sink.words(&[0xA1B2_C3D4, 0x0004_0002, 0, 0, SNAPLEN, ETHERNET]),
            Container::Pcapng => {
                // Section header: byte-order magic, version 1.0, section length not given.
                sink.words(&[0x0A0D_0D0A, 28, 0x1A2B_3C4D, 1, u32::MAX, u32::MAX, 28]);
                // Interface description: option 9 (if_tsresol) of length 1 is 9 (nanoseconds), end of options.
                sink.words(&[1, 32, ETHERNET, SNAPLEN, 0x0001_0009, 9, 0, 32]);
            }
        }
        sink
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, ns: u64) {
        self.now_ns += ns;
    }

    /// Writes one frame, at the present time.
    pub(crate) fn frame(&mut self, frame: &[u8]) {
        let len = frame.len() as u32;
        match self.container {
            Container::Pcap => {
                let micros = (self.now_ns % 1_000_000_000) / 1000;
                self.words(&[(self.now_ns / 1_000_000_000) as u32, micros as u32, len, len]);
                self.write(frame);
            }
            Container::Pcapng => {
                // Enhanced packet block, padded to 32 bits.
                let padding = frame.len().next_multiple_of(4) - frame.len();
                let total = 32 + len + padding as u32;
                self.words(&[6, total, 0, (self.now_ns >> 32) as u32, self.now_ns as u32, len, len]);
                self.write(frame);
                self.write(&[0; 3][..padding]);
                self.words(&[total]);
            }
        }
        self.packets += 1;
    }

    /// Whether nothing more can be written.
    pub(crate) fn failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Flushes what is buffered.
    ///
    /// # Errors
    /// The first error that writing met.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.failure.map_or(Ok(()), Err)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Writes little-endian words; at most eight of them.
    fn words(&mut self, words: &[u32]) {
        let mut bytes = [0; 32];
        for (slot, word) in bytes.chunks_exact_mut(4).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        self.write(&bytes[..4 * words.len()]);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if self.failure.is_none() {
            self.failure = self.out.write_all(bytes).err();
        }
    }
}
