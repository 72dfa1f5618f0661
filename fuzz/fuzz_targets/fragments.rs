//! IP packets, each behind its length (2 bytes) -> fragments put together.
//!
//! Where the fragments' bytes do not contradict each other, what they make lies in them byte for byte.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::capture::{Direction, Frame, LinkType};
use portproof::decode::{Decoder, Fate, Fragmented, Item, Kind, Reassembly, Seed};
use portproof::time::Timestamp;
use portproof_fuzz::assert_inside;

fuzz_target!(|input: &[u8]| {
    let packets = packets(input);
    let told = reassemble(&packets);
    for datagram in &told {
        check(datagram, packets.len() as u64);
    }
    let summary =
        |told: &[Fragmented]| told.iter().map(|one| (one.fate, one.frames.clone(), one.copies)).collect::<Vec<_>>();
    assert_eq!(summary(&told), summary(&reassemble(&packets)), "two runs");
    // Each fragment belongs to one datagram at most, as one of its frames or as a copy.
    let frames: u64 = told.iter().map(|one| one.frames.len() as u64 + u64::from(one.copies)).sum();
    assert!(frames <= packets.len() as u64);
});

fn packets(mut input: &[u8]) -> Vec<&[u8]> {
    let mut packets = Vec::new();
    while let Some((len, rest)) = input.split_first_chunk::<2>() {
        let (packet, rest) = rest.split_at(usize::from(u16::from_be_bytes(*len)).min(rest.len()));
        packets.push(packet);
        input = rest;
    }
    packets
}

fn reassemble(packets: &[&[u8]]) -> Vec<Fragmented> {
    let seed = Seed::fixed(1);
    let (mut decoder, mut reassembly) = (Decoder::new(seed), Reassembly::default());
    let mut told = Vec::new();
    for (number, packet) in (1..).zip(packets) {
        let mut item = decoder.decode(&Frame {
            number,
            // Some seconds apart, so that some datagrams grow too old.
            time: Some(Timestamp::from_parts(number as i64 * 3, 0)),
            interface: 0,
            link: LinkType::RAW,
            wire_len: packet.len() as u32,
            data: packet,
            direction: Direction::Unknown,
        });
        if !(item.kind == Kind::LaterFragment || item.kind == Kind::Packet && item.first_fragment) {
            continue;
        }
        let before: Item<'_> = item;
        reassembly.pass(&mut item);
        assert_inside(item.ip, packet);
        assert_eq!((item.frame, item.payload_len), (before.frame, before.payload_len));
        assert!(
            item.key == before.key || before.kind == Kind::LaterFragment,
            "only a later fragment is given its flow"
        );
        told.extend(reassembly.settled());
    }
    told.extend(reassembly.finish());
    assert_eq!(reassembly.finish().count(), 0, "all is told once");
    told
}

fn check(datagram: &Fragmented, packets: u64) {
    // A single fragment that no sender makes is none of its own datagram.
    assert!(!datagram.frames.is_empty() || datagram.fate == Fate::Contradictory);
    assert!(datagram.frames.len() <= 128);
    assert!(datagram.frames.iter().all(|(frame, _)| (1..=packets).contains(frame)));
    assert!(datagram.frames.is_sorted(), "in order of arrival");
    assert!(datagram.first.is_none_or(|first| datagram.frames.contains(&first)));
    let item = datagram.item(Seed::fixed(1));
    assert_eq!(item.key, datagram.key, "it stays in its flow");
    assert_inside(item.payload(), item.ip);
    if datagram.fate == Fate::Whole {
        assert!(datagram.first.is_some() && datagram.length.is_some());
    }
    match item.kind {
        Kind::Packet => assert!(item.payload().len() <= item.payload_len as usize),
        kind => {
            assert_eq!(kind, Kind::LaterFragment);
            assert!(item.payload().is_empty() && item.payload_len == 0);
        }
    }
}
