//! Where the bytes come from: counted and hashed as they stand in the file, unpacked where they are packed.

use std::io::{self, Read};

use super::content::{self, Content};
use super::damage::Flaw;
use super::digest::Digest;
use super::inflate::Inflate;
use super::{Compression, Options};

/// A stream of unpacked bytes, and why it ended.
pub(super) struct Source {
    stream: Stream,
    end: Option<End>,
}

enum Stream {
    Plain(Raw),
    Gzip(Box<Inflate>),
}

/// How a stream of bytes ended.
pub(super) enum End {
    Clean,
    Failed(Flaw),
}

impl Source {
    /// A source, and the first bytes of its unpacked content: enough to see what it is.
    pub(super) fn new(reader: Box<dyn Read + Send>, options: &Options) -> io::Result<(Source, Vec<u8>)> {
        let mut source = Source { stream: Stream::Plain(Raw::new(reader, options.hash)), end: None };
        let head = source.head()?;
        if !matches!(Content::of(&head), Content::Gzip) {
            return Ok((source, head));
        }
        let Stream::Plain(raw) = source.stream else { return Ok((source, head)) };
        let inflate = Inflate::new(head, raw, options.max_expand);
        let mut source = Source { stream: Stream::Gzip(Box::new(inflate)), end: None };
        let head = source.head()?;
        Ok((source, head))
    }

    /// Fills `room` unless the stream ends before, and says how much was filled.
    pub(super) fn fill(&mut self, room: &mut [u8]) -> usize {
        let mut filled = 0;
        while self.end.is_none()
            && let Some(rest) = room.get_mut(filled..)
            && !rest.is_empty()
        {
            let read = match &mut self.stream {
                Stream::Plain(raw) => raw.read(rest),
                Stream::Gzip(inflate) => inflate.read(rest),
            };
            match read {
                Ok(0) => self.end = Some(End::Clean),
                Ok(len) => filled += len.min(rest.len()),
                Err(error) => self.end = Some(End::Failed(self.flaw(&error))),
            }
        }
        filled
    }

    /// How the stream ended, where it has.
    pub(super) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    pub(super) fn compression(&self) -> Option<Compression> {
        match self.stream {
            Stream::Plain(_) => None,
            Stream::Gzip(_) => Some(Compression::Gzip),
        }
    }

    /// Bytes of the file as given that were read.
    pub(super) fn consumed(&self) -> u64 {
        self.raw().consumed
    }

    /// The SHA-256 of the whole file, where it was asked for. Reads what is left of the file.
    pub(super) fn digest(&mut self) -> io::Result<Option<String>> {
        let raw = match &mut self.stream {
            Stream::Plain(raw) => raw,
            Stream::Gzip(inflate) => inflate.raw_mut(),
        };
        if raw.hash.is_none() || raw.failed {
            return Ok(None);
        }
        io::copy(raw, &mut io::sink())?;
        Ok(raw.hash.take().and_then(Digest::finish))
    }

    fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut head = vec![0; content::HEAD_LEN];
        let len = self.fill(&mut head);
        head.truncate(len);
        match &self.end {
            Some(End::Failed(Flaw::Unread(why))) if len == 0 => Err(io::Error::other(why.clone())),
            _ => Ok(head),
        }
    }

    fn raw(&self) -> &Raw {
        match &self.stream {
            Stream::Plain(raw) => raw,
            Stream::Gzip(inflate) => inflate.raw(),
        }
    }

    fn flaw(&self, error: &io::Error) -> Flaw {
        if self.raw().failed {
            Flaw::Unread(error.to_string())
        } else if error.kind() == io::ErrorKind::UnexpectedEof {
            Flaw::GzipCutShort
        } else {
            Flaw::Unpack(error.to_string())
        }
    }
}

/// The file as given.
pub(super) struct Raw {
    reader: Box<dyn Read + Send>,
    consumed: u64,
    hash: Option<Digest>,
    failed: bool,
}

impl Raw {
    fn new(reader: Box<dyn Read + Send>, hash: bool) -> Self {
        Raw { reader, consumed: 0, hash: hash.then(Digest::new), failed: false }
    }

    /// Bytes that were read.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Ok(len) => {
                    self.consumed = self.consumed.saturating_add(len as u64);
                    if let Some(hash) = &mut self.hash {
                        hash.update(buffer.get(..len).unwrap_or_default());
                    }
                    return Ok(len);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }
}
