//! Why a profile or a site file could not be had.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Mistakes;
use crate::text::visible;

/// No file that a person writes comes near 1 MiB: a larger one is a capture given by mistake, or a device without end.
const MAX_BYTES: u64 = 1 << 20;

/// Why a profile or a site file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("cannot read {name}: {source}")]
    Read {
        /// The path as given.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is too large to be one.
    #[error("{name} is larger than 1 MiB: it is no profile and no site file")]
    TooLarge {
        /// The path as given.
        name: String,
    },
    /// The file is not text.
    #[error("{name} is not UTF-8 text: byte {offset} (line {line}) is part of no character")]
    NotText {
        /// The path as given.
        name: String,
        /// Of the first byte that is not UTF-8.
        offset: usize,
        /// The line it is on, from 1.
        line: usize,
    },
    /// Neither a built-in profile nor a file.
    #[error("no built-in profile and no file is called `{name}`; {hint}")]
    Unknown {
        /// As given.
        name: String,
        /// The nearest identifier, or all of them.
        hint: String,
    },
    /// The file was read, and has mistakes.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
}

/// Reads a profile or a site file, of at most 1 MiB, as text.
pub fn read_text(path: &Path) -> Result<String, ProfileError> {
    let name = visible(&path.display().to_string()).into_owned();
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)) {
        Ok(read) if read as u64 > MAX_BYTES => Err(ProfileError::TooLarge { name }),
        Ok(_) => String::from_utf8(bytes).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count();
            ProfileError::NotText { name, offset, line }
        }),
        Err(source) => Err(ProfileError::Read { name, source }),
    }
}
