use super::{Fate, Fragmented, MAX_BYTES, MAX_DATAGRAMS, MAX_FRAGMENTS, Reassembly};
use crate::capture::{Direction, Frame, LinkType};
use crate::decode::{Decoder, Item, Kind, Seed};
use crate::time::{Span, Timestamp};

const SEED: u64 = 42;

/// An IPv4 fragment from 10.0.0.1 to 10.0.0.2; `offset` in bytes.
fn v4(id: u16, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + data.len()).unwrap().to_be_bytes();
    let field = (u16::try_from(offset / 8).unwrap() | u16::from(more) << 13).to_be_bytes();
    let id = id.to_be_bytes();
    let mut packet = vec![0x45, 0, total[0], total[1], id[0], id[1], field[0], field[1], 64, 17, 0, 0];
    packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(data);
    packet
}

/// An IPv6 fragment from 2001:db8::1 to 2001:db8::2, with an empty hop-by-hop header before the fragment header.
fn v6(id: u32, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(16 + data.len()).unwrap().to_be_bytes());
    packet.extend([0, 64]);
    for host in [1, 2] {
        packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    packet.extend([44, 0, 1, 4, 0, 0, 0, 0]);
    packet.extend([17, 0]);
    packet.extend((u16::try_from(offset).unwrap() | u16::from(more)).to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend(data);
    packet
}

/// UDP from 500 to 500 with `len` bytes that differ.
fn udp(len: usize) -> Vec<u8> {
    let mut datagram = vec![0x01, 0xf4, 0x01, 0xf4];
    datagram.extend(u16::try_from(8 + len).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend((0..len).map(|at| (at % 251) as u8));
    datagram
}

/// Passes fragments at the given milliseconds as frames from 1 on; what is settled by them, and by the end.
fn pass(reassembly: &mut Reassembly, frames: &[(i64, &[u8])]) -> (Vec<Fragmented>, Vec<Fragmented>) {
    let mut decoder = Decoder::new(Seed::fixed(SEED));
    let mut settled = Vec::new();
    for (number, (at, data)) in (1..).zip(frames) {
        let mut item = decode(&mut decoder, number, *at, data);
        if item.kind == Kind::LaterFragment || item.kind == Kind::Packet && item.first_fragment {
            reassembly.pass(&mut item);
        }
        settled.extend(reassembly.settled());
    }
    (settled, reassembly.finish().collect())
}

fn decode<'a>(decoder: &mut Decoder, number: u64, at: i64, data: &'a [u8]) -> Item<'a> {
    decoder.decode(&Frame {
        number,
        time: Some(Timestamp(0) + Span::from_millis(at)),
        interface: 0,
        link: LinkType::RAW,
        wire_len: data.len() as u32,
        data,
        direction: Direction::Unknown,
    })
}

fn fates(frames: &[(i64, &[u8])]) -> (Vec<Fate>, Vec<Fate>) {
    let (during, after) = pass(&mut Reassembly::default(), frames);
    let fates = |settled: Vec<Fragmented>| settled.iter().map(|one| one.fate).collect();
    (fates(during), fates(after))
}

type Build = fn(u32, usize, bool, &[u8]) -> Vec<u8>;

const VERSIONS: [Build; 2] = [|id, offset, more, data| v4(id as u16, offset, more, data), v6];

/// A 3,000-byte payload in three fragments.
fn three(build: Build, id: u32) -> [Vec<u8>; 3] {
    let whole = udp(3000);
    [(0, 1480, true), (1480, 2960, true), (2960, 3008, false)]
        .map(|(start, end, more)| build(id, start, more, &whole[start..end]))
}

#[test]
fn fragments_in_any_order_become_the_packet_that_was_sent() {
    for build in VERSIONS {
        let parts = three(build, 9);
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
            let frames = order.map(|part| (part as i64, &parts[part][..]));
            let (during, after) = pass(&mut Reassembly::default(), &frames);
            assert!(after.is_empty());
            let [whole] = &during[..] else { panic!("{order:?}: {during:?}") };
            assert_eq!((whole.fate, whole.length, whole.first_len, whole.copies), (Fate::Whole, Some(3008), 1480, 0));
            let item = whole.item(Seed::fixed(SEED));
            assert_eq!((item.kind, item.ports, item.payload_len, item.cut), (Kind::Packet, (500, 500), 3000, false));
            assert_eq!(item.payload(), &udp(3000)[8..]);
            assert_eq!((item.frame, item.key, item.first_fragment), (3, whole.key, false));
            assert_eq!(whole.frames.iter().map(|frame| frame.0).collect::<Vec<_>>(), [1, 2, 3]);
            let place = order.iter().position(|part| *part == 0).unwrap() as u64;
            assert_eq!(whole.first.map(|first| first.0), Some(place + 1));
        }
    }
}

#[test]
fn later_fragments_get_the_flow_of_their_first_one() {
    for build in VERSIONS {
        let parts = three(build, 9);
        let mut decoder = Decoder::new(Seed::fixed(SEED));
        let mut reassembly = Reassembly::default();
        let mut items = [0, 1, 2].map(|part| decode(&mut decoder, 1, 0, &parts[part]));
        items.iter_mut().for_each(|item| reassembly.pass(item));
        assert_eq!(items[1].key, items[0].key);
        assert_eq!((items[2].key, items[2].side), (items[0].key, items[0].side));
        assert_eq!(items[0].key.ports(), (500, 500));
    }
}

#[test]
fn datagrams_do_not_mix() {
    for build in VERSIONS {
        let (a, b) = (three(build, 1), three(build, 2));
        let frames: Vec<(i64, &[u8])> = [&a[0], &b[1], &b[0], &a[2], &b[2], &a[1]].map(|part| (0, &part[..])).into();
        let (during, after) = pass(&mut Reassembly::default(), &frames);
        assert_eq!((during.len(), after.len()), (2, 0));
        assert!(during.iter().all(|one| one.item(Seed::fixed(SEED)).payload() == &udp(3000)[8..]));
        assert_eq!(during.iter().map(|one| one.first.unwrap().0).collect::<Vec<_>>(), [3, 1]);
    }
}

#[test]
fn a_lost_fragment_is_told() {
    for build in VERSIONS {
        let parts = three(build, 9);
        for (missing, first, length) in [(0, None, Some(3008)), (1, Some(1), Some(3008)), (2, Some(1), None)] {
            let frames: Vec<(i64, &[u8])> =
                (0..3).filter(|part| *part != missing).map(|part| (0, &parts[part][..])).collect();
            let mut reassembly = Reassembly::default();
            let (during, after) = pass(&mut reassembly, &frames);
            assert!(during.is_empty());
            let [lost] = &after[..] else { panic!("{after:?}") };
            assert_eq!((lost.fate, lost.frames.len(), lost.length), (Fate::Incomplete, 2, length));
            assert_eq!(lost.first.map(|first| first.0), first);
            assert_eq!((reassembly.orphans, reassembly.dropped), (if missing == 0 { 2 } else { 0 }, 0));
            let item = lost.item(Seed::fixed(SEED));
            assert_eq!((item.kind, item.key, item.payload()), (Kind::LaterFragment, lost.key, &[][..]));
        }
    }
}

#[test]
fn copies_are_no_overlaps() {
    for build in VERSIONS {
        let parts = three(build, 9);
        let order = [0, 0, 1, 1, 2, 2, 0, 1, 2];
        let frames: Vec<(i64, &[u8])> = order.iter().map(|part| (0, &parts[*part][..])).collect();
        let mut reassembly = Reassembly::default();
        let (during, after) = pass(&mut reassembly, &frames);
        assert_eq!((during.len(), after.len(), during[0].copies, during[0].frames.len()), (1, 0, 2, 3));
        assert_eq!((reassembly.orphans, reassembly.dropped), (0, 0));
    }
}

#[test]
fn an_identification_may_be_used_again() {
    for build in VERSIONS {
        let parts = three(build, 9);
        let again = [0, 1, 2, 0, 1, 2];
        let at = [0, 0, 0, 2000, 2000, 2000];
        let frames: Vec<(i64, &[u8])> = again.iter().zip(at).map(|(part, at)| (at, &parts[*part][..])).collect();
        assert_eq!(fates(&frames), (vec![Fate::Whole; 2], vec![]));
    }
}

#[test]
fn overlaps_condemn_the_whole_datagram() {
    for build in VERSIONS {
        let whole = udp(3000);
        let [first, middle, last] = three(build, 9);
        let overlaps = [
            build(9, 1472, true, &whole[1472..2960]),
            build(9, 1480, true, &[0; 1480]),
            build(9, 1488, true, &whole[1488..1496]),
            build(9, 0, true, &whole[..16]),
            build(9, 0, true, &[0; 1480]),
        ];
        for overlap in &overlaps {
            let mut reassembly = Reassembly::default();
            let frames = [(0, &first[..]), (0, &middle), (0, overlap), (0, &last), (0, &middle)];
            let (during, after) = pass(&mut reassembly, &frames);
            assert_eq!((during.len(), after.len()), (1, 0));
            assert_eq!((during[0].fate, during[0].frames.len()), (Fate::Contradictory, 2));
            assert_eq!((during[0].first.unwrap().0, reassembly.dropped), (1, 5));
        }
    }
}

#[test]
fn contradicting_lengths_condemn_the_whole_datagram() {
    for build in VERSIONS {
        let [first, middle, last] = three(build, 9);
        let beyond = build(9, 3200, true, &[7; 8]);
        let other_end = build(9, 4000, false, &[7; 3]);
        let no_unit = build(9, 1480, true, &[7; 9]);
        let empty = build(9, 1480, true, &[]);
        let giant = build(9, 65_528, false, &[7; 100]);
        for bad in [&beyond, &other_end] {
            assert_eq!(fates(&[(0, &first), (0, &last), (0, bad), (0, &middle)]).0, [Fate::Contradictory]);
        }
        for bad in [&no_unit, &empty, &giant] {
            assert_eq!(fates(&[(0, &first), (0, bad), (0, &middle), (0, &last)]).0, [Fate::Contradictory]);
        }
    }
}

#[test]
fn an_atomic_fragment_is_a_whole_packet() {
    let packet = v6(9, 0, false, &udp(4));
    let mut decoder = Decoder::new(Seed::fixed(SEED));
    let item = decode(&mut decoder, 1, 0, &packet);
    assert_eq!((item.kind, item.first_fragment, item.ports), (Kind::Packet, false, (500, 500)));
}

#[test]
fn the_largest_datagram_is_put_together() {
    for (build, len) in VERSIONS.into_iter().zip([65_535 - 20 - 8, 65_535 - 8 - 8]) {
        let whole = udp(len);
        let parts: Vec<_> = whole
            .chunks(1024)
            .enumerate()
            .map(|(at, data)| build(9, at * 1024, (at + 1) * 1024 < whole.len(), data))
            .collect();
        let frames: Vec<(i64, &[u8])> = parts.iter().map(|part| (0, &part[..])).collect();
        let (during, _) = pass(&mut Reassembly::default(), &frames);
        assert_eq!(during[0].item(Seed::fixed(SEED)).payload(), &whole[8..]);
    }
}

#[test]
fn what_comes_too_late_is_another_datagram() {
    for (build, age) in VERSIONS.into_iter().zip([30_000, 60_000]) {
        let [first, middle, last] = three(build, 9);
        assert_eq!(fates(&[(0, &first), (age, &middle), (age, &last)]), (vec![Fate::Whole], vec![]));
        let late = [(0, &first[..]), (age + 1, &middle), (age + 1, &last)];
        assert_eq!(fates(&late), (vec![Fate::Incomplete], vec![Fate::Incomplete]));
    }
    // An old IPv6 datagram at the front of the queue keeps no IPv4 one alive.
    let (six, [first, middle, last]) = (three(v6, 1), three(VERSIONS[0], 9));
    let late = [(0, &six[0][..]), (1, &first), (30_002, &middle), (30_002, &last)];
    assert_eq!(fates(&late), (vec![Fate::Incomplete], vec![Fate::Incomplete; 2]));
}

#[test]
fn one_wrong_time_does_not_make_all_others_late() {
    for build in VERSIONS {
        let (wrong, [first, middle, last]) = (three(build, 1), three(build, 9));
        let frames = [(1_000_000_000, &wrong[0][..]), (0, &first), (1, &middle), (2, &last)];
        assert_eq!(fates(&frames), (vec![Fate::Incomplete, Fate::Whole], vec![]));
    }
}

#[test]
fn what_the_snaplen_cut_is_not_made_up() {
    for build in VERSIONS {
        let parts = three(build, 9);
        let head = parts[0].len() - 1480;
        for cut in [head + 8, head + 100, head + 1479] {
            let frames = [(0, &parts[0][..cut]), (0, &parts[1][..cut]), (0, &parts[2][..])];
            let (during, _) = pass(&mut Reassembly::default(), &frames);
            assert_eq!(during[0].fate, Fate::Whole, "all fragments arrived");
            let item = during[0].item(Seed::fixed(SEED));
            assert_eq!((item.kind, item.cut, item.payload_len), (Kind::Packet, true, 3000));
            assert_eq!(item.payload(), &udp(3000)[8..cut - head]);
        }
        let frames = [(0, &parts[0][..]), (0, &parts[1][..head + 20]), (0, &parts[2][..])];
        let (during, _) = pass(&mut Reassembly::default(), &frames);
        assert_eq!(during[0].item(Seed::fixed(SEED)).payload(), &udp(3000)[8..1500]);
    }
}

#[test]
fn every_cut_is_survived() {
    for build in VERSIONS {
        let parts = three(build, 9);
        for part in &parts {
            for cut in 0..part.len().min(120) {
                pass(&mut Reassembly::default(), &[(0, &parts[0]), (0, &part[..cut]), (0, &parts[2])]);
            }
        }
    }
}

#[test]
fn a_first_fragment_without_ports_gives_no_flow() {
    // Only a destination options header; RFC 7112 forbids it.
    let mut first = v6(9, 0, true, &[17, 0, 1, 4, 0, 0, 0, 0]);
    first[48] = 60;
    let mut last = v6(9, 8, false, &udp(4));
    last[48] = 60;
    let mut reassembly = Reassembly::default();
    let (during, after) = pass(&mut reassembly, &[(0, &first), (0, &last)]);
    assert_eq!((during.len(), after.len(), reassembly.orphans), (0, 1, 1));
    assert_eq!(after[0].key.ports(), (0, 0));
}

#[test]
fn the_bounds_hold() {
    let whole = udp(3000);
    let firsts: Vec<_> = (0..MAX_DATAGRAMS + 100).map(|id| v4(id as u16, 0, true, &whole[..8])).collect();
    let frames: Vec<(i64, &[u8])> = firsts.iter().map(|first| (0, &first[..])).collect();
    let mut reassembly = Reassembly::default();
    let (during, after) = pass(&mut reassembly, &frames);
    // Room is made before a fragment is taken in, so one more may be there.
    assert_eq!((during.len(), after.len(), reassembly.dropped), (0, MAX_DATAGRAMS + 1, 99));

    let large: Vec<_> = (0..400).map(|id| v4(id, 0, true, &udp(65_496))).collect();
    let frames: Vec<(i64, &[u8])> = large.iter().map(|first| (0, &first[..])).collect();
    let mut reassembly = Reassembly::default();
    let (_, after) = pass(&mut reassembly, &frames);
    assert!(after.len() * 65_504 <= MAX_BYTES + 65_600 && after.len() > 60, "{}", after.len());
    assert_eq!(reassembly.dropped as usize, 400 - after.len());
    assert_eq!(reassembly.bytes, 0);

    let crumbs: Vec<_> = (0..=MAX_FRAGMENTS).map(|at| v4(9, at * 8, true, &whole[at * 8..at * 8 + 8])).collect();
    let frames: Vec<(i64, &[u8])> = crumbs.iter().map(|crumb| (0, &crumb[..])).collect();
    let mut reassembly = Reassembly::default();
    let (during, _) = pass(&mut reassembly, &frames);
    assert_eq!((during[0].fate, reassembly.dropped as usize), (Fate::Contradictory, MAX_FRAGMENTS + 1));
}
