//! Bytes on disk or standard input become [`Frame`]s.
//!
//! A [`Capture`] is read window by window in constant memory, whatever the length of the file:
//!
//! ```no_run
//! # use portproof::capture::{Capture, CaptureError, Options};
//! # fn main() -> Result<(), CaptureError> {
//! let mut capture = Capture::open("office.pcapng".as_ref(), &Options::default())?;
//! while let Some(window) = capture.next_window() {
//!     for frame in window {
//!         // `frame.data` borrows the window
//!     }
//! }
//! let info = capture.finish();
//! # Ok(())
//! # }
//! ```
//!
//! What a file is, its content says, never its name. A file that is damaged is read up to the damage, and
//! [`CaptureInfo::damage`] says where that is; an error is only what leaves nothing to read.

mod clock;
mod content;
mod damage;
mod digest;
mod discover;
mod error;
mod frame;
mod inflate;
mod order;
mod pcap;
mod pcapng;
mod section;
mod source;
mod window;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use discover::discover;
pub use error::CaptureError;
pub use frame::*;
pub use window::Window;

use content::{Container, Content};
use damage::Flaw;
use pcap::Pcap;
use pcapng::Pcapng;
use source::Source;
use window::{Dialect, Walk};

/// 256 KiB: larger windows leave the second-level cache and lose, smaller ones cost more system calls.
const WINDOW: usize = 256 << 10;

/// 64 GiB: what a packed capture may unpack to. Memory does not depend on it; it bounds the time that a small
/// file can cost, a minute or two, and no capture that a person packs and sends is larger.
const MAX_EXPAND: u64 = 64 << 30;

/// How a capture is to be read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether [`Capture::finish`] gives the SHA-256 of the file. Hashing costs more than the reading itself.
    pub hash: bool,
    /// The most bytes that a packed file may unpack to; beyond, it counts as damaged.
    pub max_expand: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { hash: false, max_expand: MAX_EXPAND }
    }
}

/// A capture that is being read.
pub struct Capture {
    source: Source,
    buffer: Vec<u8>,
    /// How much of the buffer, from its beginning, was filled.
    filled: usize,
    /// Where in the unpacked file the buffer begins.
    base: u64,
    window: usize,
    walk: Walk,
    size: Option<u64>,
}

impl Capture {
    /// Opens the file at `path` and reads its header.
    ///
    /// # Errors
    /// Where the file is missing, unreadable, empty, or no capture that portproof reads.
    pub fn open(path: &Path, options: &Options) -> Result<Capture, CaptureError> {
        let file = File::open(path).map_err(|source| CaptureError::open(path, source))?;
        let metadata = file.metadata().map_err(|source| CaptureError::open(path, source))?;
        if metadata.is_dir() {
            return Err(CaptureError::Directory { path: path.into() });
        }
        let mut capture = Capture::with_window(Box::new(file), path, options, WINDOW)?;
        capture.size = metadata.is_file().then_some(metadata.len());
        Ok(capture)
    }

    /// Reads a capture from standard input, memory or a pipe; errors call it `name`.
    ///
    /// # Errors
    /// As [`Capture::open`].
    pub fn from_reader(reader: Box<dyn Read + Send>, name: &str, options: &Options) -> Result<Capture, CaptureError> {
        Capture::with_window(reader, Path::new(name), options, WINDOW)
    }

    fn with_window(
        reader: Box<dyn Read + Send>,
        path: &Path,
        options: &Options,
        window: usize,
    ) -> Result<Capture, CaptureError> {
        let (source, head) =
            Source::new(reader, options).map_err(|source| CaptureError::Unreadable { path: path.into(), source })?;
        let compression = source.compression();
        let Content::Capture(container) = Content::of(&head) else {
            return Err(CaptureError::content(path, &head, compression));
        };
        let mut info = CaptureInfo { compression, ..CaptureInfo::default() };
        let (dialect, header_len) = match container {
            Container::Pcap => {
                info.format = Some(Format::Pcap);
                let (pcap, interface) = Pcap::parse(&head).map_err(|wrong| CaptureError::header(path, wrong))?;
                info.interfaces.push(interface);
                (Dialect::Pcap(pcap), pcap::HEADER_LEN)
            }
            Container::Pcapng => {
                info.format = Some(Format::Pcapng);
                (Dialect::Pcapng(Pcapng::parse(&head).map_err(|wrong| CaptureError::header(path, wrong))?), 0)
            }
        };
        // The head was read ahead to see what the file is: it is the beginning of the first window.
        let filled = head.len();
        let mut buffer = head;
        buffer.resize(window.max(filled), 0);
        let walk = Walk::new(dialect, info, header_len as u64);
        Ok(Capture { source, buffer, filled, base: 0, window, walk, size: None })
    }

    /// Reads on. None at the end of the file, or at damage, which [`Capture::info`] then tells.
    ///
    /// Frames of the last window that were not taken come again.
    pub fn next_window(&mut self) -> Option<Window<'_>> {
        if self.walk.ended() {
            return None;
        }
        let walked = usize::try_from(self.walk.offset() - self.base).unwrap_or(usize::MAX).min(self.filled);
        self.refill(walked);
        let bytes = self.buffer.get(..self.filled).unwrap_or_default();
        let end = self.source.end();
        if bytes.is_empty()
            && let Some(end) = end
        {
            self.walk.conclude(0, end);
            return None;
        }
        Some(Window::new(bytes, &mut self.walk, end))
    }

    /// What is known so far. Up to date after each window was iterated.
    pub fn info(&self) -> &CaptureInfo {
        self.walk.info()
    }

    /// Bytes of the file as given that were read so far, for progress.
    pub fn consumed(&self) -> u64 {
        self.source.consumed()
    }

    /// The size in bytes of the file as given, where it is a regular file.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// What is known of the capture. Where the hash was asked for, reads the rest of the file, so that it is the
    /// hash of the whole file as given, damaged or not; it stays none where the file cannot be read to its end.
    pub fn finish(mut self) -> CaptureInfo {
        let offset = self.walk.offset();
        let mut info = self.walk.into_info();
        match self.source.digest(&mut self.buffer) {
            Ok(sha256) => info.sha256 = sha256,
            Err(error) => damage::add(&mut info, offset, &Flaw::Unread(error.to_string())),
        }
        info
    }

    /// Moves what was not walked to the front, and fills what is behind it.
    fn refill(&mut self, walked: usize) {
        self.buffer.copy_within(walked..self.filled, 0);
        self.filled -= walked;
        self.base += walked as u64;
        let hungry = self.walk.take_hunger();
        if hungry && self.filled == self.buffer.len() {
            // One record fills it. It grows by what has arrived, not by what a length field claims; the
            // longest record that the dialects accept bounds it.
            self.buffer.resize(self.filled.saturating_mul(2).max(self.window), 0);
        } else if self.buffer.len() > self.window && self.filled <= self.window / 2 {
            self.buffer.truncate(self.window);
            self.buffer.shrink_to_fit();
        }
        if let Some(room) = self.buffer.get_mut(self.filled..) {
            self.filled += self.source.fill(room);
        }
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("offset", &self.walk.offset())
            .field("info", self.info())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
