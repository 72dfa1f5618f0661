//! Which captures an argument means.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::content::Content;
use super::source::Source;
use super::{CaptureError, Options};

/// The captures that `argument` means: a file means itself; a directory means the captures in it and below it, by
/// their content, sorted by path, each once.
///
/// What in a directory cannot be looked into is listed too, so that opening it tells why.
///
/// # Errors
/// Where there is no such file or directory, the directory cannot be read, or holds no capture.
pub fn discover(argument: &Path) -> Result<Vec<PathBuf>, CaptureError> {
    let metadata = fs::metadata(argument).map_err(|source| CaptureError::open(argument, source))?;
    if !metadata.is_dir() {
        return Ok(vec![argument.into()]);
    }
    fs::read_dir(argument).map_err(|source| CaptureError::open(argument, source))?;
    let mut search = Search::default();
    search.directory(argument);
    // Links come last, so that what is also there under its own name is listed under that.
    while let Some(link) = search.links.pop() {
        search.look_at(link);
    }
    search.found.sort();
    if search.found.is_empty() {
        return Err(CaptureError::NoCaptures { path: argument.into() });
    }
    Ok(search.found)
}

#[derive(Default)]
struct Search {
    found: Vec<PathBuf>,
    links: Vec<PathBuf>,
    /// Files and directories by their real paths: a link may lead anywhere, its own directory included.
    seen: HashSet<PathBuf>,
}

impl Search {
    fn directory(&mut self, path: &Path) {
        let mut pending = vec![path.to_path_buf()];
        while let Some(directory) = pending.pop() {
            if !self.first_visit(&directory) {
                continue;
            }
            let Ok(entries) = fs::read_dir(&directory) else {
                self.found.push(directory);
                continue;
            };
            for entry in entries.flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_symlink() => self.links.push(entry.path()),
                    Ok(kind) if kind.is_dir() => pending.push(entry.path()),
                    // Never a pipe or a device: opening it could wait forever.
                    Ok(kind) if kind.is_file() => self.file(entry.path()),
                    _ => {}
                }
            }
        }
        // Popped from the end: then the first by name is the one that is listed.
        self.links.sort_by(|a, b| b.cmp(a));
    }

    fn look_at(&mut self, link: PathBuf) {
        match fs::metadata(&link) {
            Ok(target) if target.is_dir() => self.directory(&link),
            Ok(target) if target.is_file() => self.file(link),
            // It leads nowhere, or to a device.
            _ => {}
        }
    }

    fn file(&mut self, path: PathBuf) {
        if is_capture(&path).unwrap_or(true) && self.first_visit(&path) {
            self.found.push(path);
        }
    }

    fn first_visit(&mut self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|real| self.seen.insert(real))
    }
}

fn is_capture(path: &Path) -> io::Result<bool> {
    let (_, head) = Source::new(Box::new(File::open(path)?), &Options::default())?;
    Ok(matches!(Content::of(&head), Content::Capture(_)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::PathBuf;

    use flate2::write::GzEncoder;

    use super::{CaptureError, discover};

    const PCAP: &[u8] = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0";

    #[test]
    fn a_file_means_itself_whatever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        fs::write(&file, "hello").unwrap();
        assert_eq!(discover(&file).unwrap(), [file]);
    }

    #[test]
    fn a_directory_means_its_captures_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/deep")).unwrap();
        fs::write(at("z.txt"), PCAP).unwrap();
        fs::write(at("b/deep/ring"), b"\x0a\x0d\x0d\x0a\0\0\0\x1c").unwrap();
        fs::write(at("fake.pcap"), "no capture").unwrap();
        fs::write(at("empty.pcap"), "").unwrap();
        let mut gzip = GzEncoder::new(fs::File::create(at("a.gz")).unwrap(), flate2::Compression::fast());
        gzip.write_all(PCAP).unwrap();
        gzip.finish().unwrap();
        let mut gzip = GzEncoder::new(fs::File::create(at("text.gz")).unwrap(), flate2::Compression::fast());
        gzip.write_all(b"no capture").unwrap();
        gzip.finish().unwrap();
        assert_eq!(discover(folder.path()).unwrap(), [at("a.gz"), at("b/deep/ring"), at("z.txt")]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once_and_never_in_circles() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("real.pcap"), PCAP).unwrap();
        fs::write(elsewhere.path().join("other.pcap"), PCAP).unwrap();
        symlink(folder.path(), at("circle")).unwrap();
        symlink(at("real.pcap"), at("latest")).unwrap();
        symlink(elsewhere.path(), at("linked")).unwrap();
        symlink(elsewhere.path(), at("linked-again")).unwrap();
        symlink(at("gone"), at("dangling")).unwrap();
        assert_eq!(discover(folder.path()).unwrap(), [at("linked/other.pcap"), at("real.pcap")]);
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(discover(folder.path()), Err(CaptureError::NoCaptures { .. })));
        let missing: PathBuf = folder.path().join("missing");
        assert!(matches!(discover(&missing), Err(CaptureError::Missing { .. })));
    }
}
