//! Why a capture cannot be read at all.

use std::io;
use std::path::{Path, PathBuf};

use super::content::{Content, Foreign};
use super::{Compression, content};
use crate::text;

/// Why a capture cannot be read at all. The message names the file, what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the path is the file's")]
pub enum CaptureError {
    /// No such file.
    #[error("cannot open {}: there is no such file; check the path", shown(.path))]
    Missing { path: PathBuf },
    /// It cannot be opened, or not one byte of it be read.
    #[error("cannot read {}: {source}; check that you may read it, and the disk", shown(.path))]
    Unreadable { path: PathBuf, source: io::Error },
    /// A directory where a file was to be opened.
    #[error("cannot read {}: it is a directory; name the captures in it", shown(.path))]
    Directory { path: PathBuf },
    /// A file without bytes.
    #[error("cannot read {}: the file is empty; the capture was never written, capture again", shown(.path))]
    Empty { path: PathBuf },
    /// A capture, but cut within its header, or with a header that cannot be.
    #[error("cannot read {}: {wrong}; copy the file again, or capture again", shown(.path))]
    Header { path: PathBuf, wrong: String },
    /// Something that other tools turn into a capture.
    #[error("cannot read {}: it is {name}, no pcap or pcapng; {remedy}", shown(.path))]
    Foreign { path: PathBuf, name: String, remedy: String },
    /// Nothing that is known.
    #[error(
        "cannot read {}: it is no capture, its first bytes are {begins}; give a pcap or pcapng file \
         (Wireshark can save others as such)",
        shown(.path)
    )]
    NotACapture { path: PathBuf, begins: String },
    /// A directory in which no file is a capture.
    #[error("no capture in {}: none of its files is pcap or pcapng, plain or in gzip; check the path", shown(.path))]
    NoCaptures { path: PathBuf },
}

impl CaptureError {
    /// The file or directory that it is about.
    pub fn path(&self) -> &Path {
        match self {
            CaptureError::Missing { path }
            | CaptureError::Unreadable { path, .. }
            | CaptureError::Directory { path }
            | CaptureError::Empty { path }
            | CaptureError::Header { path, .. }
            | CaptureError::Foreign { path, .. }
            | CaptureError::NotACapture { path, .. }
            | CaptureError::NoCaptures { path } => path,
        }
    }

    pub(super) fn open(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => CaptureError::Missing { path: path.into() },
            _ => CaptureError::Unreadable { path: path.into(), source },
        }
    }

    pub(super) fn header(path: &Path, wrong: String) -> Self {
        CaptureError::Header { path: path.into(), wrong }
    }

    /// For a file whose (unpacked) content begins with `head` and is no capture.
    pub(super) fn content(path: &Path, head: &[u8], compression: Option<Compression>) -> Self {
        let path_buf = path.to_path_buf();
        match (Content::of(head), compression) {
            (_, None) if head.is_empty() => CaptureError::Empty { path: path_buf },
            (_, Some(Compression::Gzip)) if head.is_empty() => {
                CaptureError::header(path, "it is gzip data of which nothing unpacks".into())
            }
            (Content::Foreign(foreign), None) => CaptureError::foreign(path, foreign),
            (Content::Foreign(foreign), Some(Compression::Gzip)) => CaptureError::Foreign {
                path: path_buf,
                name: format!("{} in gzip", foreign.name),
                remedy: format!("unpack it with gzip -dc first, then {}", foreign.remedy(Path::new("unpacked"))),
            },
            (Content::Gzip, _) => CaptureError::Foreign {
                path: path_buf,
                name: "gzip data in gzip".into(),
                remedy: content::unpack_gzip(path),
            },
            _ if head.len() < 4 => {
                CaptureError::header(path, format!("it has {} bytes, too few for any capture", head.len()))
            }
            _ => CaptureError::NotACapture { path: path_buf, begins: hex(head) },
        }
    }

    fn foreign(path: &Path, foreign: Foreign) -> Self {
        CaptureError::Foreign { path: path.into(), name: foreign.name.into(), remedy: foreign.remedy(path) }
    }
}

fn shown(path: &Path) -> String {
    text::visible(&path.to_string_lossy()).into_owned()
}

fn hex(head: &[u8]) -> String {
    let bytes: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}
