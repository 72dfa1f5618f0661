//! A capture as a whole: windows, hash, errors, progress.

use std::io::{self, Read};

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

const PCAP_HEADER: &str = "d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000";

fn pcap_of(lengths: &[usize]) -> Vec<u8> {
    let mut file = hex(PCAP_HEADER);
    for (number, len) in lengths.iter().enumerate() {
        let len_bytes = u32::try_from(*len).unwrap().to_le_bytes();
        file.extend([u32::try_from(number).unwrap().to_le_bytes(), [0; 4], len_bytes, len_bytes].concat());
        file.resize(file.len() + len, number as u8);
    }
    file
}

fn pcapng_of(lengths: &[usize]) -> Vec<u8> {
    let mut file = hex("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000
                        01000000 14000000 0100 0000 00000000 14000000");
    for (number, len) in lengths.iter().enumerate() {
        // Every third is a block that is passed over.
        let kind = if number % 3 == 2 { 0x0bad_u32 } else { 6 };
        let total = u32::try_from(32 + len.next_multiple_of(4)).unwrap().to_le_bytes();
        let len_bytes = u32::try_from(*len).unwrap().to_le_bytes();
        file.extend([kind.to_le_bytes(), total, [0; 4], [0; 4], [number as u8; 4], len_bytes, len_bytes].concat());
        file.resize(file.len() + len.next_multiple_of(4), number as u8);
        file.extend(total);
    }
    file
}

/// All that must not depend on the window.
fn all(bytes: &[u8], window: usize) -> Option<(Vec<Owned>, u64, Vec<Damage>)> {
    let (frames, info) = try_read(bytes, window).ok()?;
    Some((frames, info.wire_bytes, info.damage))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_window_changes_nothing(
        lengths in prop::collection::vec(0usize..400, 0..12),
        window in 1usize..700,
        cut in 0usize..100,
    ) {
        for mut file in [pcap_of(&lengths), pcapng_of(&lengths)] {
            file.truncate(file.len().saturating_sub(cut));
            prop_assert_eq!(all(&file, window), all(&file, WINDOW));
        }
    }

    #[test]
    fn whatever_the_bytes_the_window_changes_nothing(
        lengths in prop::collection::vec(0usize..60, 1..8),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        window in 1usize..300,
    ) {
        for mut file in [pcap_of(&lengths), pcapng_of(&lengths)] {
            for (index, byte) in &flips {
                let at = index.index(file.len());
                file[at] = *byte;
            }
            prop_assert_eq!(all(&file, window), all(&file, WINDOW));
        }
    }
}

#[test]
fn a_capture_may_go_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Capture>();
    is_send::<Window>();
}

#[test]
fn the_buffer_grows_for_a_long_block_and_shrinks_again() {
    let file = pcapng_of(&[10, 200_000, 10, 10, 10]);
    let mut capture =
        Capture::with_window(Box::new(Cursor::new(file)), Path::new("test"), &Options::default(), 4096).unwrap();
    let mut window = Window::default();
    let mut largest = 0;
    while capture.read(&mut window) {
        largest = largest.max(window.bytes.len());
    }
    assert!((200_000..600_000).contains(&largest), "{largest}");
    let mut file = pcapng_of(&[200_000]);
    file.extend(&pcapng_of(&[1_000; 400])[48..]);
    let mut capture =
        Capture::with_window(Box::new(Cursor::new(file)), Path::new("test"), &Options::default(), 4096).unwrap();
    let mut packets = 0;
    while capture.read(&mut window) {
        packets += window.frames().len();
    }
    assert_eq!((packets, window.bytes.len()), (1 + 267, 4096));
}

#[test]
fn a_claimed_length_costs_no_memory() {
    let mut file = pcapng_of(&[]);
    file.extend(hex("06000000 00000001 00000000"));
    let mut capture = Capture::from_reader(Box::new(Cursor::new(file)), "test", &Options::default()).unwrap();
    let mut window = Window::default();
    assert!(!capture.read(&mut window));
    assert_eq!(window.bytes.len(), WINDOW);
    assert_eq!(damage(capture.info()), (DamageKind::CutShort, 48, 1));
}

#[test]
fn the_hash_is_of_the_whole_file_damaged_or_not() {
    let sound = pcap_of(&[1_000; 600]);
    let mut damaged = pcap_of(&[10, 20]);
    damaged.extend([0xff; 300_000]);
    for file in [sound, damaged] {
        let expected: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
        let options = Options { hash: true, ..Options::default() };
        let mut capture = Capture::from_reader(Box::new(Cursor::new(file.clone())), "test", &options).unwrap();
        // Even where nothing was read but the header.
        assert!(capture.read(&mut Window::default()));
        assert_eq!(capture.finish().sha256, Some(expected));
    }
}

#[test]
fn progress_is_in_bytes_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pcap");
    let file = pcap_of(&[1_000; 600]);
    std::fs::write(&path, &file).unwrap();
    let mut capture = Capture::open(&path, &Options::default()).unwrap();
    assert_eq!(capture.size(), Some(file.len() as u64));
    assert!(capture.read(&mut Window::default()));
    assert!((1..file.len() as u64).contains(&capture.consumed()), "{}", capture.consumed());
    frames(&mut capture);
    assert_eq!(capture.consumed(), file.len() as u64);
}

/// Gives one byte at a time, is interrupted before each, and fails at the end.
struct Rough {
    bytes: Vec<u8>,
    at: usize,
    interrupted: bool,
}

impl Read for Rough {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let byte = self.bytes.get(self.at).ok_or_else(|| io::Error::other("the disk is gone"))?;
        buffer[0] = *byte;
        self.at += 1;
        Ok(1)
    }
}

#[test]
fn a_read_error_keeps_what_was_read() {
    let bytes = [&pcap_of(&[10, 20, 30])[..], &[1, 2, 3]].concat();
    let options = Options { hash: true, ..Options::default() };
    let mut capture =
        Capture::from_reader(Box::new(Rough { bytes, at: 0, interrupted: false }), "test", &options).unwrap();
    assert_eq!(frames(&mut capture).len(), 3);
    let info = capture.finish();
    assert_eq!(damage(&info), (DamageKind::ReadError, 24 + 48 + 60, 4));
    assert!(info.damage[0].message.contains("the disk is gone"));
    assert_eq!(info.sha256, None);
    let gone = Rough { bytes: Vec::new(), at: 0, interrupted: false };
    let error = Capture::from_reader(Box::new(gone), "test", &Options::default()).err().unwrap();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
}

#[test]
fn errors_name_the_file_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &Path| Capture::open(path, &Options::default()).err().unwrap().to_string();
    let missing = folder.path().join("none.pcap");
    assert_eq!(error(&missing), format!("cannot open {}: there is no such file; check the path", missing.display()));
    assert!(error(folder.path()).contains("is a directory"));
    for (bytes, what) in [
        (&b""[..], "the file is empty"),
        (b"\xd4", "it has 1 bytes, too few"),
        (b"\xd4\xc3\xb2\xa1\x02", "after 5 of 24 bytes"),
        (b"\x80\x81\x82\x83\x84", "its first bytes are 80 81 82 83 84"),
        (b"\x28\xb5\x2f\xfd", "it is zstd data, no pcap or pcapng; unpack it: zstd -dc test | portproof check -"),
        (b"GMBU", "editcap -F pcapng test converted.pcapng"),
        (b"interfaces=[any]\n", "fgt2eth.pl -in test"),
    ] {
        let message = open_error(bytes);
        assert!(message.starts_with("cannot read test: ") && message.contains(what), "{message}");
    }
}
