//! Bytes on disk or standard input become [`Frame`]s.
//!
//! A [`Capture`] is read window by window in constant memory, whatever the length of the file:
//!
//! ```no_run
//! # use portproof::capture::{Capture, CaptureError, Options, Window};
//! # fn main() -> Result<(), CaptureError> {
//! let mut capture = Capture::open("office.pcapng".as_ref(), &Options::default())?;
//! let mut window = Window::default();
//! while capture.read(&mut window) {
//!     for frame in window.frames() {
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
    /// What was read already and not walked: the beginning of the next window.
    rest: Vec<u8>,
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
        let rest = head.get(header_len..).unwrap_or_default().to_vec();
        let walk = Walk::new(dialect, info, header_len as u64);
        Ok(Capture { source, rest, window, walk, size: None })
    }

    /// Reads the next part of the capture into `window`. False at the end of the file, or at damage, which [`Capture::info`] then
    /// tells.
    pub fn read(&mut self, window: &mut Window) -> bool {
        let Window { bytes, records, before, clock } = window;
        records.clear();
        (*before, *clock) = (self.walk.info().packets, self.walk.clock());
        if self.walk.ended() {
            return false;
        }
        let mut filled = self.rest.len();
        let needed = self.window.max(filled);
        if bytes.len() != needed {
            bytes.resize(needed, 0);
            bytes.shrink_to_fit();
        }
        if let Some(front) = bytes.get_mut(..filled) {
            front.copy_from_slice(&self.rest);
        }
        self.rest.clear();
        loop {
            if let Some(room) = bytes.get_mut(filled..) {
                filled += self.source.fill(room);
            }
            let walked = self.walk.over(bytes.get(..filled).unwrap_or_default(), self.source.end(), records);
            if self.walk.ended() {
                return !records.is_empty();
            }
            if !records.is_empty() {
                self.rest.extend_from_slice(bytes.get(walked..filled).unwrap_or_default());
                return true;
            }
            bytes.copy_within(walked..filled, 0);
            filled -= walked;
            if filled == bytes.len() {
                // One record fills it. It grows by what has arrived, not by what a length field claims; the
                // longest record that the dialects accept bounds it.
                bytes.resize(filled.saturating_mul(2), 0);
            }
        }
    }

    /// What is known so far.
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
        match self.source.digest() {
            Ok(sha256) => info.sha256 = sha256,
            Err(error) => damage::add(&mut info, offset, &Flaw::Unread(error.to_string())),
        }
        info
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
