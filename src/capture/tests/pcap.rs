//! Classic pcap in each of its layouts.

use super::*;

/// Version 2.4, little-endian, microseconds, Ethernet, snaplen 65535.
const HEADER: &str = "d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000";
/// At 1.000002 s, 3 of 60 bytes; then at 2.000000 s, 2 of 2 bytes.
const RECORDS: &str = "01000000 02000000 03000000 3c000000 aabbcc
                       02000000 00000000 02000000 02000000 ddee";

fn two_frames(nanos: i64) -> [Owned; 2] {
    let frame = |number, time, wire_len, data: &[u8]| Owned {
        number,
        time: Some(Timestamp(time)),
        interface: 0,
        link: 1,
        wire_len,
        data: data.to_vec(),
        direction: Direction::Unknown,
    };
    [frame(1, 1_000_000_000 + nanos, 60, &[0xaa, 0xbb, 0xcc]), frame(2, 2_000_000_000, 2, &[0xdd, 0xee])]
}

#[test]
fn little_endian_microseconds() {
    let (frames, info) = read(&hex(&format!("{HEADER} {RECORDS}")));
    assert_eq!(frames, two_frames(2_000));
    assert_eq!(info.format, Some(Format::Pcap));
    assert_eq!((info.packets, info.wire_bytes, info.truncated_packets), (2, 62, 1));
    assert_eq!((info.first_time, info.last_time), (Some(Timestamp(1_000_002_000)), Some(Timestamp(2_000_000_000))));
    assert_eq!((info.interfaces.len(), info.interfaces[0].snaplen), (1, 65_535));
    assert!(info.damage.is_empty());
}

#[test]
fn a_fraction_is_less_than_a_second() {
    let broken = RECORDS.replace("02000000 03000000 3c000000", "00e1f505 03000000 3c000000");
    let (frames, _) = read(&hex(&format!("{HEADER} {broken}")));
    assert_eq!(frames[0].time, Some(Timestamp(1_999_999_999)));
}

#[test]
fn little_endian_nanoseconds() {
    let header = HEADER.replace("d4c3b2a1", "4d3cb2a1");
    assert_eq!(read(&hex(&format!("{header} {RECORDS}"))).0, two_frames(2));
}

#[test]
fn big_endian_in_both_resolutions() {
    for (magic, nanos) in [("a1b2c3d4", 2_000), ("a1b23c4d", 2)] {
        let file = hex(&format!(
            "{magic} 0002 0004 00000000 00000000 0000ffff 00000001
             00000001 00000002 00000003 0000003c aabbcc
             00000002 00000000 00000002 00000002 ddee"
        ));
        assert_eq!(read(&file).0, two_frames(nanos));
    }
}

#[test]
fn old_versions_store_the_wire_length_first() {
    for version in ["0200 0000", "0200 0100", "0200 0200", "1f02 0000"] {
        let header = HEADER.replace("0200 0400", version);
        let file =
            format!("{header} 01000000 02000000 3c000000 03000000 aabbcc 02000000 00000000 02000000 02000000 ddee");
        assert_eq!(read(&hex(&file)).0, two_frames(2_000), "{version}");
    }
}

#[test]
fn version_2_3_stores_the_lengths_either_way() {
    let header = HEADER.replace("0200 0400", "0200 0300");
    for lengths in ["3c000000 03000000", "03000000 3c000000"] {
        let file = format!("{header} 01000000 02000000 {lengths} aabbcc 02000000 00000000 02000000 02000000 ddee");
        assert_eq!(read(&hex(&file)).0, two_frames(2_000));
    }
}

#[test]
fn the_patched_format_has_longer_record_headers() {
    let little = "34cdb2a1 0200 0400 00000000 00000000 ffff0000 01000000
                  01000000 02000000 03000000 3c000000 07000000 0800 04 00 aabbcc
                  02000000 00000000 02000000 02000000 07000000 0800 00 00 ddee";
    let big = "a1b2cd34 0002 0004 00000000 00000000 0000ffff 00000001
               00000001 00000002 00000003 0000003c 00000007 0008 04 00 aabbcc
               00000002 00000000 00000002 00000002 00000007 0008 00 00 ddee";
    assert_eq!(read(&hex(little)).0, two_frames(2_000));
    assert_eq!(read(&hex(big)).0, two_frames(2_000));
}

#[test]
fn the_link_type_is_the_low_half_of_its_field() {
    // Bit 26: the frame check sequence has the length of the upper 4 bits.
    let file = hex(&format!("{} {RECORDS}", HEADER.replace("ffff0000 01000000", "ffff0000 14010024")));
    assert_eq!(read(&file).1.interfaces[0].link, LinkType::LINUX_SLL2);
}

#[test]
fn a_snaplen_binds_no_record() {
    for snaplen in ["00000000", "01000000"] {
        let file = hex(&format!("{} {RECORDS}", HEADER.replace("ffff0000", snaplen)));
        assert_eq!(read(&file).0, two_frames(2_000));
    }
}

#[test]
fn more_captured_than_on_the_wire_is_kept() {
    let (frames, info) = read(&hex(&format!("{HEADER} 01000000 02000000 03000000 01000000 aabbcc")));
    assert_eq!((frames[0].data.len(), frames[0].wire_len), (3, 1));
    assert_eq!(info.truncated_packets, 0);
}

#[test]
fn times_that_run_backwards_are_counted() {
    let record = |second: &str| format!("{second}000000 00000000 00000000 00000000");
    let file = [HEADER, &record("05"), &record("03"), &record("04"), &record("04"), &record("02")].join(" ");
    let (_, info) = read(&hex(&file));
    assert_eq!((info.disordered_packets, info.first_disordered), (2, Some(2)));
    assert_eq!((info.first_time, info.last_time), (Some(Timestamp(2_000_000_000)), Some(Timestamp(5_000_000_000))));
}

#[test]
fn a_length_that_cannot_be_ends_the_reading() {
    let (frames, info) = read(&hex(&format!("{HEADER} {RECORDS} 03000000 00000000 01000400 01000400 ff")));
    assert_eq!(frames, two_frames(2_000));
    assert_eq!(damage(&info), (DamageKind::BadLength, 61, 3));
    let message = &info.damage[0].message;
    assert!(message.contains("262145") && message.contains("the 2 packets before it were read"), "{message}");
}

#[test]
fn the_longest_packet_is_read() {
    let mut file = hex(&format!("{HEADER} 01000000 02000000 00000400 00000400"));
    file.resize(file.len() + (256 << 10), 7);
    let (frames, info) = read(&file);
    assert_eq!((frames.len(), frames[0].data.len()), (1, 256 << 10));
    assert!(info.damage.is_empty());
}

#[test]
fn cut_at_every_length() {
    let file = hex(&format!("{HEADER} {RECORDS}"));
    for len in 0..=file.len() {
        let result = try_read(&file[..len], WINDOW);
        if len < 24 {
            let message = result.unwrap_err().to_string();
            let why = match len {
                0 => "empty",
                1..4 => "too few",
                _ => "inside its pcap header",
            };
            assert!(message.contains(why), "{len}: {message}");
            continue;
        }
        let (frames, info) = result.unwrap();
        assert_eq!(frames, two_frames(2_000)[..usize::from(len >= 43) + usize::from(len >= 61)], "{len}");
        match len {
            24 | 43 | 61 => assert!(info.damage.is_empty()),
            25..43 => assert_eq!(damage(&info), (DamageKind::CutShort, 24, 1)),
            _ => assert_eq!(damage(&info), (DamageKind::CutShort, 43, 2)),
        }
    }
}

#[test]
fn an_unknown_version_is_an_error() {
    let message = open_error(&hex(&HEADER.replace("0200 0400", "0100 0400")));
    assert!(message.contains("version 1.4"), "{message}");
}
