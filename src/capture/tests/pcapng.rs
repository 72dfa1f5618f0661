//! pcapng, block by block.

use std::net::IpAddr;

use super::*;

/// A little-endian section without options.
const SECTION: &str = "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000";
/// The same, big-endian.
const BIG_SECTION: &str = "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c";
/// Ethernet, no snaplen, microseconds.
const ETHERNET: &str = "01000000 14000000 0100 0000 00000000 14000000";
/// Interface 0 at 3 us, 3 of 60 bytes.
const PACKET: &str = "06000000 24000000 00000000 00000000 03000000 03000000 3c000000 aabbcc00 24000000";

fn one_frame(interface: u32, link: u16, nanos: i64) -> Owned {
    Owned {
        number: 1,
        time: Some(Timestamp(nanos)),
        interface,
        link,
        wire_len: 60,
        data: vec![0xaa, 0xbb, 0xcc],
        direction: Direction::Unknown,
    }
}

#[test]
fn an_enhanced_packet_in_either_order() {
    let (frames, info) = read(&hex(&[SECTION, ETHERNET, PACKET].concat()));
    assert_eq!(frames, [one_frame(0, 1, 3_000)]);
    assert_eq!((info.format, info.packets, info.truncated_packets), (Some(Format::Pcapng), 1, 1));
    let big = "00000001 00000014 0071 0000 00000000 00000014
               00000006 00000024 00000000 00000000 00000003 00000003 0000003c aabbcc00 00000024";
    let (frames, info) = read(&hex(&[BIG_SECTION, big].concat()));
    assert_eq!(frames, [one_frame(0, 113, 3_000)]);
    assert!(info.damage.is_empty());
}

#[test]
fn interfaces_have_their_own_link_resolution_and_offset() {
    let file = [
        SECTION,
        ETHERNET,
        // Nanoseconds, offset 2 s.
        "01000000 28000000 6500 0000 00000000 0900 0100 09000000 0e00 0800 0200000000000000 28000000",
        // 2^-1 s, offset -1 s.
        "01000000 28000000 1401 0000 00000000 0900 0100 81000000 0e00 0800 ffffffffffffffff 28000000",
        // Picoseconds.
        "01000000 1c000000 0100 0000 00000000 0900 0100 0c000000 1c000000",
        "06000000 20000000 01000000 00000000 07000000 00000000 00000000 20000000",
        "06000000 20000000 02000000 00000000 05000000 00000000 00000000 20000000",
        "06000000 20000000 03000000 01000000 00000000 00000000 00000000 20000000",
    ]
    .concat();
    let (frames, info) = read(&hex(&file));
    let times: Vec<_> = frames.iter().map(|frame| (frame.interface, frame.link, frame.time.unwrap().0)).collect();
    assert_eq!(times, [(1, 101, 2_000_000_007), (2, 276, 1_500_000_000), (3, 1, 4_294_967)]);
    assert_eq!(info.interfaces.len(), 4);
}

#[test]
fn sections_may_change_the_byte_order_and_bring_their_own_interfaces() {
    let file = [
        SECTION,
        ETHERNET,
        PACKET,
        BIG_SECTION,
        "00000001 00000014 0065 0000 00000000 00000014",
        "00000006 00000024 00000000 00000000 00000003 00000003 0000003c aabbcc00 00000024",
        SECTION,
        ETHERNET,
        PACKET,
    ]
    .concat();
    let (frames, info) = read(&hex(&file));
    let seen: Vec<_> = frames.iter().map(|frame| (frame.number, frame.interface, frame.link)).collect();
    assert_eq!(seen, [(1, 0, 1), (2, 1, 101), (3, 2, 1)]);
    assert_eq!(info.interfaces.len(), 3);
}

#[test]
fn an_interface_of_the_section_before_is_unknown() {
    let (frames, info) = read(&hex(&[
        SECTION,
        ETHERNET,
        PACKET,
        BIG_SECTION,
        "00000006 00000020 00000000 00000000
        00000003 00000000 00000000 00000020",
    ]
    .concat()));
    assert_eq!(frames.len(), 1);
    assert_eq!(damage(&info), (DamageKind::UnknownInterface, 28 + 20 + 36 + 28, 2));
}

#[test]
fn simple_packets_have_no_time_and_end_at_the_snaplen() {
    let file = [
        SECTION,
        "01000000 14000000 0100 0000 02000000 14000000",
        "03000000 14000000 3c000000 aabb0000 14000000",
        "03000000 14000000 01000000 aa000000 14000000",
    ]
    .concat();
    let (frames, info) = read(&hex(&file));
    assert_eq!(frames[0], Owned { time: None, data: vec![0xaa, 0xbb], ..one_frame(0, 1, 0) });
    assert_eq!((frames[1].data.as_slice(), frames[1].wire_len), (&[0xaa][..], 1));
    assert_eq!((info.packets, info.first_time, info.truncated_packets), (2, None, 1));
    let beyond = [SECTION, ETHERNET, "03000000 14000000 3c000000 aabb0000 14000000"].concat();
    assert_eq!(damage(&read(&hex(&beyond)).1), (DamageKind::CorruptBlock, 48, 1));
    let unknown = [SECTION, "03000000 14000000 01000000 aa000000 14000000"].concat();
    assert_eq!(damage(&read(&hex(&unknown)).1), (DamageKind::UnknownInterface, 28, 1));
}

#[test]
fn old_packet_blocks_tell_what_was_lost() {
    let file = [
        SECTION,
        ETHERNET,
        ETHERNET,
        "02000000 24000000 0100 0500 00000000 03000000 03000000 3c000000 aabbcc00 24000000",
        "02000000 20000000 0100 0200 00000000 03000000 00000000 00000000 20000000",
        "02000000 20000000 0100 ffff 00000000 03000000 00000000 00000000 20000000",
    ]
    .concat();
    let (frames, info) = read(&hex(&file));
    assert_eq!(frames[0], one_frame(1, 1, 3_000));
    assert_eq!((info.interfaces[0].dropped, info.interfaces[1].dropped), (None, Some(7)));
    let big = "00000001 00000014 0001 0000 00000000 00000014
               00000002 00000024 0000 0005 00000000 00000003 00000003 0000003c aabbcc00 00000024";
    let (frames, info) = read(&hex(&[BIG_SECTION, big].concat()));
    assert_eq!(frames, [one_frame(0, 1, 3_000)]);
    assert_eq!(info.dropped_packets(), Some(5));
}

#[test]
fn a_length_without_its_padding_is_rounded_up() {
    // As NTAR wrote it: 0x23 for a block of 0x24 bytes.
    let packet = "02000000 23000000 0000 ffff 00000000 03000000 03000000 3c000000 aabbcc00 23000000";
    let (frames, info) = read(&hex(&[SECTION, ETHERNET, packet, PACKET].concat()));
    assert_eq!((frames.len(), &frames[0]), (2, &one_frame(0, 1, 3_000)));
    assert!(info.damage.is_empty());
}

#[test]
fn statistics_say_what_was_dropped() {
    let ifdrop = "0500 0800 0300000000000000";
    let osdrop = "0700 0800 0400000000000000";
    let file = [
        SECTION,
        ETHERNET,
        ETHERNET,
        &format!("05000000 30000000 00000000 00000000 00000000 {ifdrop} {osdrop} 30000000"),
        // Counts are since the capture began: a later block holds.
        "05000000 24000000 00000000 00000000 00000000 0500 0800 0900000000000000 24000000",
        // Neither a block without counts nor one of an unknown interface changes anything.
        "05000000 18000000 00000000 00000000 00000000 18000000",
        "05000000 24000000 09000000 00000000 00000000 0500 0800 0900000000000000 24000000",
    ];
    let (_, info) = read(&hex(&file[..4].concat()));
    assert_eq!((info.interfaces[0].dropped, info.interfaces[1].dropped), (Some(7), None));
    let (_, info) = read(&hex(&file.concat()));
    assert_eq!(info.dropped_packets(), Some(9));
    assert!(info.damage.is_empty());
}

#[test]
fn interfaces_and_sections_describe_themselves() {
    let file = [
        // Hardware "x86", operating system "Lin", application "cap", comment "hi".
        "0a0d0d0a 40000000 4d3c2b1a 0100 0000 ffffffffffffffff",
        "0200 0300 78383600 0300 0300 4c696e00 0400 0400 63617000 0100 0200 68690000 0000 0000 40000000",
        // Name "eth0", description "LAN", filter "udp" as text.
        "01000000 2c000000 0100 0000 00000400 0200 0400 65746830 0300 0300 4c414e00 0b00 0400 00756470 2c000000",
        // Hardware "NIC", a filter as instructions.
        "01000000 28000000 0100 0000 00000000 0f00 0300 4e494300 0b00 0500 0106000000000000 28000000",
    ]
    .concat();
    let (_, info) = read(&hex(&file));
    assert!(info.damage.is_empty(), "{:?}", info.damage);
    assert_eq!(info.section_notes, ["hardware: x86", "operating system: Lin", "application: cap", "comment: hi"]);
    let [first, second] = &info.interfaces[..] else { panic!("{:?}", info.interfaces) };
    assert_eq!(
        (first.name.as_deref(), first.description.as_deref(), first.filter.as_deref(), first.snaplen),
        (Some("eth0"), Some("LAN"), Some("udp"), 262_144)
    );
    assert_eq!((second.description.as_deref(), second.filter.as_deref()), (Some("NIC"), None));
}

#[test]
fn names_are_read_from_both_families() {
    let block = "04000000 38000000
                 0100 0a00 c0000201 6100 62620000 0000           | two names, and padding
                 0200 1400 20010db8000000000000000000000001 766e00 00
                 0000 0000 38000000";
    let (_, info) = read(&hex(&[SECTION, block].concat()));
    assert!(info.damage.is_empty(), "{:?}", info.damage);
    let four: IpAddr = "192.0.2.1".parse().unwrap();
    let six: IpAddr = "2001:db8::1".parse().unwrap();
    assert_eq!(info.names, [(four, "a".into()), (four, "bb".into()), (six, "vn".into())]);
}

#[test]
fn packet_options_give_direction_and_comments() {
    let packet = |options: &str, length: &str| {
        format!("06000000 {length} 00000000 00000000 03000000 03000000 3c000000 aabbcc00 {options} {length}")
    };
    let file = [
        SECTION.into(),
        ETHERNET.into(),
        packet("0200 0400 01000000 0000 0000", "30000000"),
        packet("0100 0300 61621b00 0200 0400 0e000000", "34000000"),
        packet("0200 0400 03000000 0000 0000", "30000000"),
        // The second option reaches beyond the block: what stands before it counts.
        packet("0200 0400 02000000 0100 ff00", "30000000"),
    ]
    .concat();
    let (frames, info) = read(&hex(&file));
    let directions: Vec<_> = frames.iter().map(|frame| frame.direction).collect();
    use Direction::{Inbound, Outbound, Unknown};
    assert_eq!(directions, [Inbound, Outbound, Unknown, Outbound]);
    assert_eq!(info.packet_comments, [(2, "ab\\u{1b}".into())]);
    assert!(info.damage.is_empty());
}

#[test]
fn other_blocks_are_passed_over_whatever_their_length() {
    let mut file = hex(&[SECTION, "ad0b0000 10000000 00007ed9 10000000", ETHERNET].concat());
    // A custom block of 1 MiB: nothing of it is held.
    let len = (1u32 << 20).to_le_bytes();
    file.extend([0xad, 0x0b, 0, 0]);
    file.extend(len);
    file.resize(file.len() + (1 << 20) - 12, 0x55);
    file.extend(len);
    file.extend(hex(PACKET));
    let mut capture =
        Capture::with_window(Box::new(Cursor::new(file)), Path::new("test"), &Options::default(), 4096).unwrap();
    let mut window = Window::default();
    assert!(capture.read(&mut window));
    assert_eq!((window.frames().len(), window.bytes.len()), (1, 4096));
    assert!(!capture.read(&mut window));
    assert!(capture.info().damage.is_empty());
}

#[test]
fn corrupt_blocks_end_the_reading() {
    let start = [SECTION, ETHERNET, PACKET].concat();
    let at = 28 + 20 + 36;
    for (block, kind, what) in [
        ("06000000 08000000", DamageKind::CorruptBlock, "too short"),
        ("06000000 1c000000 00000000 00000000 03000000 00000000 1c000000", DamageKind::CorruptBlock, "too short"),
        ("77000000 0b000000 00000000", DamageKind::CorruptBlock, "a block of 11 bytes is too short"),
        ("77000000 0c000000 10000000", DamageKind::CorruptBlock, "12 and 16"),
        ("01000000 0c000000 0c000000", DamageKind::CorruptBlock, "too short"),
        ("05000000 04000001 00000000", DamageKind::BadLength, "16777220"),
        (
            "06000000 20000000 00000000 00000000 03000000 00000000 00000000 24000000",
            DamageKind::CorruptBlock,
            "32 and 36",
        ),
        (
            "06000000 20000000 00000000 00000000 03000000 01000000 01000000 20000000",
            DamageKind::CorruptBlock,
            "a packet of 1 bytes does not fit",
        ),
        ("06000000 20000000 00000000 00000000 03000000 01000400 01000400 20000000", DamageKind::BadLength, "262145"),
        (
            "06000000 20000000 01000000 00000000 03000000 00000000 00000000 20000000",
            DamageKind::UnknownInterface,
            "interface 1",
        ),
        ("0a0d0d0a 1c000000 4d3c2b00 0100 0000", DamageKind::CorruptBlock, "0x4d3c2b00"),
        ("0a0d0d0a 1c000000 4d3c2b1a 0200 0000", DamageKind::CorruptBlock, "version 2.0"),
    ] {
        let (frames, info) = read(&hex(&[&start, block].concat()));
        assert_eq!(frames, [one_frame(0, 1, 3_000)]);
        assert_eq!(damage(&info), (kind, at, 2), "{block}");
        assert!(info.damage[0].message.contains(what), "{}", info.damage[0].message);
    }
}

#[test]
fn a_damaged_first_section_is_an_error() {
    for (file, what) in [
        (&hex(SECTION)[..27], "inside its section header"),
        (&hex(&SECTION.replace("4d3c2b1a", "4d3c2b00")), "0x4d3c2b00"),
        (&hex(&SECTION.replace("0100 0000", "0200 0000")), "version 2.0"),
    ] {
        let message = open_error(file);
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn interfaces_are_bounded() {
    let mut file = hex(SECTION);
    for _ in 0..10_001 {
        file.extend(hex(ETHERNET));
    }
    let (_, info) = read(&file);
    assert_eq!(info.interfaces.len(), 10_000);
    assert_eq!(damage(&info), (DamageKind::CorruptBlock, 28 + 20 * 10_000, 1));
}

#[test]
fn cut_at_every_length() {
    let blocks = [
        hex(SECTION),
        hex(ETHERNET),
        hex(PACKET),
        hex("ad0b0000 14000000 00007ed9 00000000 14000000"),
        hex("05000000 18000000 00000000 00000000 00000000 18000000"),
        hex(PACKET),
        hex("03000000 14000000 02000000 aabb0000 14000000"),
        hex(BIG_SECTION),
    ];
    let starts: Vec<usize> =
        blocks.iter().scan(0, |at, block| Some(std::mem::replace(at, *at + block.len()))).collect();
    let file = blocks.concat();
    for len in 28..=file.len() {
        let (frames, info) = read_by(&file[..len], 16);
        let packets = [84, 164, 184].iter().filter(|end| **end <= len).count();
        assert_eq!(frames.len(), packets, "{len}");
        let start = *starts.iter().rfind(|start| **start < len).unwrap();
        if starts.contains(&len) || len == file.len() {
            assert!(info.damage.is_empty(), "{len}");
        } else {
            assert_eq!(damage(&info), (DamageKind::CutShort, start as u64, packets as u64 + 1), "{len}");
        }
    }
}
