//! Link type (2 bytes, as in a file's header) and frame -> item.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::capture::{Direction, Frame, LinkType};
use portproof::decode::{Decoder, IcmpMessage, Item, Kind, Reason, Seed, Side};
use portproof_fuzz::{assert_inside, prefixes};

fuzz_target!(|input: &[u8]| {
    let Some((link, frame)) = input.split_first_chunk::<2>() else { return };
    let link = LinkType(u16::from_be_bytes(*link));
    let item = decode(link, frame, frame.len());
    check(&item, frame);
    for prefix in prefixes(frame) {
        let cut = decode(link, prefix, frame.len());
        check(&cut, prefix);
        if (cut.kind, item.kind) == (Kind::Packet, Kind::Packet) {
            assert_eq!((cut.key, cut.side, cut.ports), (item.key, item.side, item.ports), "another flow when cut");
        }
    }
});

fn decode(link: LinkType, data: &[u8], wire_len: usize) -> Item<'_> {
    let mut decoder = Decoder::new(Seed::fixed(1));
    let item = decoder.decode(&Frame {
        number: 7,
        time: None,
        interface: 0,
        link,
        wire_len: wire_len as u32,
        data,
        direction: Direction::Unknown,
    });
    let counts = decoder.counts();
    let no_network = [Reason::LinkType, Reason::LinkHeaderCut].map(|reason| counts.undecoded[reason as usize].count);
    assert_eq!(counts.packets, 1);
    assert_eq!(counts.ip + counts.arp + counts.not_ip + no_network.iter().sum::<u64>(), 1, "counted in one place");
    assert!(counts.undecoded_total() <= 1);
    assert!(counts.undecoded.iter().all(|tally| tally.first_frame == 7 * tally.count));
    item
}

fn check(item: &Item<'_>, frame: &[u8]) {
    assert_inside(item.ip, frame);
    assert_inside(item.transport(), item.ip);
    assert_inside(item.payload(), item.ip);
    assert_inside(item.tcp().unwrap_or_default().options, item.ip);
    let with_flow = matches!(item.kind, Kind::Packet | Kind::IcmpError);
    if with_flow {
        let (low, high) = item.key.ports();
        let (from, to) = if item.side == Side::Low { (low, high) } else { (high, low) };
        assert_eq!((from, to), item.ports, "key and side say the ports");
        assert_eq!(item.key.protocol(), item.protocol);
    }
    if with_flow || item.kind == Kind::LaterFragment {
        assert!(item.addresses().is_some(), "a flow has addresses");
    }
    if item.kind == Kind::Packet {
        let captured = item.payload().len();
        assert!(captured <= item.payload_len as usize);
        assert!(item.cut || item.first_fragment || captured == item.payload_len as usize, "nothing is missing");
        assert!(item.payload().len() <= item.transport().len());
    }
    if item.kind == Kind::IcmpError {
        assert!(IcmpMessage::of(item).is_some());
    }
    if let Some(message) = IcmpMessage::of(item) {
        let _ = message.meaning();
    }
}
