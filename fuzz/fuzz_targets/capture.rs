//! Bytes of a file -> frames. However the bytes come, and wherever they end.

#![no_main]

use std::io::{self, Cursor, Read};

use libfuzzer_sys::fuzz_target;
use portproof::capture::{Capture, CaptureInfo, Compression, Direction, LinkType, Options, Window};
use portproof::time::Timestamp;
use portproof_fuzz::{assert_begins, assert_visible};

/// 8 MiB: small files that unpack to more only make the fuzzer slow.
const MAX_EXPAND: u64 = 8 << 20;
/// The longest packet that is taken.
const MAX_PACKET: usize = 256 << 10;

fuzz_target!(|file: &[u8]| {
    let Some((frames, info)) = read(Box::new(Cursor::new(file.to_vec())), file.len()) else { return };
    check_info(&info, file.len());
    assert_eq!(info.packets, frames.len() as u64);

    let pieces = Pieces { rest: Cursor::new(file.to_vec()), len: 1 };
    let (again, again_info) = read(Box::new(pieces), file.len()).expect("it was read before");
    assert_eq!(frames, again, "reads of another length give other frames");
    assert_eq!((info.damage, info.interfaces), (again_info.damage, again_info.interfaces));

    for cut in [file.len() / 2, file.len().saturating_sub(1)] {
        if let Some((fewer, _)) = read(Box::new(Cursor::new(file[..cut].to_vec())), cut) {
            assert_begins(&frames, &fewer);
        }
    }
});

#[derive(Debug, PartialEq)]
struct Owned {
    number: u64,
    time: Option<Timestamp>,
    interface: u32,
    link: LinkType,
    wire_len: u32,
    data: Vec<u8>,
    direction: Direction,
}

fn read(reader: Box<dyn Read + Send>, size: usize) -> Option<(Vec<Owned>, CaptureInfo)> {
    let options = Options { hash: true, max_expand: MAX_EXPAND };
    let mut capture = match Capture::from_reader(reader, "fuzz", &options) {
        Ok(capture) => capture,
        Err(error) => {
            assert_visible(&error.to_string());
            return None;
        }
    };
    let mut frames: Vec<Owned> = Vec::new();
    let mut bytes = 0;
    let mut window = Window::default();
    while capture.read(&mut window) {
        for frame in window.frames() {
            assert_eq!(frame.number, frames.len() as u64 + 1, "frame numbers rise by one");
            assert!(frame.data.len() <= MAX_PACKET);
            bytes += frame.data.len();
            frames.push(Owned {
                number: frame.number,
                time: frame.time,
                interface: frame.interface,
                link: frame.link,
                wire_len: frame.wire_len,
                data: frame.data.to_vec(),
                direction: frame.direction,
            });
        }
        assert!(capture.consumed() <= size as u64);
    }
    let unpacked = match capture.info().compression {
        Some(Compression::Gzip) => MAX_EXPAND as usize + MAX_PACKET,
        None => size,
    };
    assert!(bytes <= unpacked, "frames hold more than the file");
    for frame in &frames {
        assert_eq!(capture.info().interfaces[frame.interface as usize].link, frame.link);
    }
    Some((frames, capture.finish()))
}

/// What is told of the file fits it, and what it can make grow is bounded.
fn check_info(info: &CaptureInfo, size: usize) {
    assert!(info.first_time <= info.last_time);
    assert!(info.truncated_packets <= info.packets && info.disordered_packets <= info.packets);
    assert!(info.first_disordered.is_none_or(|frame| (2..=info.packets).contains(&frame)));
    assert!(info.damage.len() <= 1);
    for damage in &info.damage {
        assert_eq!(damage.frame, info.packets + 1);
        assert!(info.compression.is_some() || damage.offset <= size as u64);
        assert_visible(&damage.message);
    }
    assert_eq!(info.sha256.as_ref().map(String::len), Some(64));
    let notes = info.section_notes.iter();
    let names = info.names.iter().map(|(_, name)| name);
    let comments = info.packet_comments.iter().map(|(frame, comment)| {
        assert!((1..=info.packets).contains(frame));
        comment
    });
    let interfaces = info.interfaces.iter().flat_map(|one| [&one.name, &one.description, &one.filter]).flatten();
    notes.chain(names).chain(comments).chain(interfaces).for_each(|text| assert_visible(text));
}

/// Gives one byte, then two, three, ... up to twelve, and again one.
struct Pieces {
    rest: Cursor<Vec<u8>>,
    len: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.len.min(buffer.len());
        self.len = self.len % 12 + 1;
        self.rest.read(&mut buffer[..len])
    }
}
