//! Files laid out by hand, as hexadecimal, by the format's description.

mod gzip;
mod pcap;
mod pcapng;
mod whole;

use std::io::Cursor;
use std::path::Path;

use super::*;
use crate::time::Timestamp;

/// A frame that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    number: u64,
    time: Option<Timestamp>,
    interface: u32,
    link: u16,
    wire_len: u32,
    data: Vec<u8>,
    direction: Direction,
}

fn read(bytes: &[u8]) -> (Vec<Owned>, CaptureInfo) {
    read_by(bytes, WINDOW)
}

/// Reads with windows of this size.
fn read_by(bytes: &[u8], window: usize) -> (Vec<Owned>, CaptureInfo) {
    try_read(bytes, window).unwrap()
}

fn try_read(bytes: &[u8], window: usize) -> Result<(Vec<Owned>, CaptureInfo), CaptureError> {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let mut capture = Capture::with_window(reader, Path::new("test"), &Options::default(), window)?;
    let frames = frames(&mut capture);
    Ok((frames, capture.finish()))
}

fn frames(capture: &mut Capture) -> Vec<Owned> {
    let mut frames = Vec::new();
    let mut window = Window::default();
    while capture.read(&mut window) {
        frames.extend(window.frames().map(|frame| Owned {
            number: frame.number,
            time: frame.time,
            interface: frame.interface,
            link: frame.link.0,
            wire_len: frame.wire_len,
            data: frame.data.to_vec(),
            direction: frame.direction,
        }));
    }
    frames
}

fn open_error(bytes: &[u8]) -> String {
    match Capture::from_reader(Box::new(Cursor::new(bytes.to_vec())), "test", &Options::default()) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

/// Bytes from hexadecimal; blanks, line breaks, and what stands between `|` and the end of a line do not count.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        text.lines().flat_map(|line| line.split('|').next().unwrap().chars()).filter_map(|c| c.to_digit(16)).collect();
    assert!(digits.len().is_multiple_of(2), "half a byte");
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// The only damage of a file: kind, offset, frame.
fn damage(info: &CaptureInfo) -> (DamageKind, u64, u64) {
    assert_eq!(info.damage.len(), 1, "{:?}", info.damage);
    let damage = &info.damage[0];
    assert!(damage.message.contains(&format!("at byte {}", damage.offset)), "{}", damage.message);
    (damage.kind, damage.offset, damage.frame)
}
