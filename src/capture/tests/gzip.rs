//! Captures in gzip.

use std::io::{self, Read, Write as _};

use flate2::write::GzEncoder;

use super::*;

/// A pcap file with `count` records of 100 bytes that pack badly.
fn pcap(count: u32) -> Vec<u8> {
    let mut file = hex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000");
    let mut noise = 1u32;
    for number in 0..count {
        file.extend([number.to_le_bytes(), [0; 4], 100u32.to_le_bytes(), 100u32.to_le_bytes()].concat());
        file.extend((0..100).map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        }));
    }
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn one_member() {
    let plain = pcap(50);
    let (frames, info) = read(&gzip(&plain));
    assert_eq!((frames, info.damage.len()), (read(&plain).0, 0));
    assert_eq!((info.format, info.compression), (Some(Format::Pcap), Some(Compression::Gzip)));
}

#[test]
fn a_stored_block_laid_out_by_hand() {
    // Header with a name "a"; one stored block, final, of 24 bytes; CRC-32; length.
    let file = hex("1f8b 08 08 00000000 00 03 6100
                    01 1800 e7ff d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000 e1d7a111 18000000");
    let (frames, info) = read(&file);
    assert_eq!((frames.len(), &info.damage[..], info.packets), (0, &[][..], 0));
}

#[test]
fn members_may_end_anywhere() {
    let plain = pcap(50);
    for cut in [1, 24, 30, 100, plain.len() - 1] {
        let members = [gzip(&plain[..cut]), gzip(&[]), gzip(&plain[cut..])].concat();
        let (frames, info) = read(&members);
        assert_eq!((frames.len(), info.damage.len()), (50, 0), "{cut}");
    }
}

#[test]
fn zeros_behind_the_stream_are_padding() {
    let mut file = gzip(&pcap(50));
    file.resize(file.len() + 100_000, 0);
    let (frames, info) = read(&file);
    assert_eq!((frames.len(), info.damage.len()), (50, 0));
}

#[test]
fn other_bytes_behind_the_stream_are_told_and_cost_no_packet() {
    let plain = pcap(50);
    let (frames, info) = read(&[&gzip(&plain)[..], b"signature"].concat());
    assert_eq!(frames.len(), 50);
    assert_eq!(damage(&info), (DamageKind::CorruptCompression, plain.len() as u64, 51));
}

#[test]
fn cut_at_every_length() {
    let plain = pcap(5);
    let packed = gzip(&plain);
    let mut found = 0;
    for len in 1..packed.len() {
        if let Ok((frames, info)) = try_read(&packed[..len], WINDOW) {
            assert_eq!(info.damage[0].kind, DamageKind::CutShort);
            assert!(frames.len() >= found, "{len}");
            found = frames.len();
        }
    }
    assert_eq!(found, 5);
}

#[test]
fn what_unpacks_before_the_corruption_is_kept() {
    let plain = pcap(5_000);
    let mut packed = gzip(&plain);
    let middle = packed.len() / 2;
    packed[middle..middle + 64].fill(0xff);
    let (frames, info) = read(&packed);
    assert!(frames.len() > 2_400, "{}", frames.len());
    assert_eq!(frames[..2_400], read(&plain).0[..2_400]);
    assert_eq!(info.damage.len(), 1);
}

#[test]
fn a_wrong_checksum_is_told_after_all_packets() {
    let mut packed = gzip(&pcap(50));
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    let (frames, info) = read(&packed);
    assert_eq!((frames.len(), info.damage[0].kind), (50, DamageKind::CorruptCompression));
}

#[test]
fn damage_is_told_in_the_same_words_however_the_file_comes() {
    // A stored block of 24 bytes, then a fixed one that repeats bytes from 24,577 before.
    let file = hex("1f8b 08 00 00000000 00 03
                    00 1800 e7ff d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000 035e0000");
    for padding in [0, 600] {
        let file = [file.clone(), vec![0; padding]].concat();
        let (_, info) = read(&file);
        let bytes = file.iter().map(|byte| Cursor::new(vec![*byte]));
        let reader = bytes.fold(Box::new(io::empty()) as Box<dyn Read + Send>, |all, byte| Box::new(all.chain(byte)));
        let mut capture = Capture::from_reader(reader, "test", &Options::default()).unwrap();
        assert_eq!(frames(&mut capture), []);
        assert_eq!(capture.finish().damage, info.damage);
        assert_eq!(damage(&info), (DamageKind::CorruptCompression, 24, 1));
        assert!(info.damage[0].message.contains("(it is damaged, or its checksum"), "{}", info.damage[0].message);
    }
}

#[test]
fn expansion_is_bounded() {
    let packed = gzip(&pcap(50_000));
    let options = Options { max_expand: 1 << 20, ..Options::default() };
    let mut capture = Capture::from_reader(Box::new(Cursor::new(packed)), "test", &options).unwrap();
    let count = frames(&mut capture).len();
    let info = capture.finish();
    assert!((9_000..14_000).contains(&count), "{count}");
    assert_eq!(info.damage[0].kind, DamageKind::CorruptCompression);
    assert!(info.damage[0].message.contains("beyond the bound"), "{}", info.damage[0].message);
}

#[test]
fn no_capture_in_gzip_is_an_error() {
    for (packed, what) in [
        (gzip(&gzip(&pcap(1))), "gzip data in gzip"),
        (gzip(b"hello, world"), "text in gzip"),
        (gzip(b"snoop\0\0\0"), "snoop capture in gzip"),
        (gzip(b"\x80\x81\x82\x83"), "it is no capture"),
        (gzip(b""), "nothing unpacks"),
        (hex("1f8b08"), "nothing unpacks"),
        (hex("1f8b0800000000000003ffffffff"), "nothing unpacks"),
    ] {
        let message = open_error(&packed);
        assert!(message.contains(what), "{message}");
    }
}
