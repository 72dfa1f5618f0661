//! Fragmented datagrams laid out by hand, through the whole pipeline.

use super::{Resources, analyse};
use crate::analysis::Analysis;
use crate::capture::{Capture, Options};
use crate::decode::{Fate, Side};
use crate::flow::{FlowView, PortHints};

fn analysis(packets: &[Vec<u8>]) -> Analysis {
    analysis_every(10_000, packets)
}

/// A pcap of raw IP packets (link type 101), one every so many microseconds.
fn analysis_every(interval: u32, packets: &[Vec<u8>]) -> Analysis {
    analysis_within(Resources::default().memory, interval, packets)
}

/// The same within so many bytes.
fn analysis_within(memory: usize, interval: u32, packets: &[Vec<u8>]) -> Analysis {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 4, 0, 101, 0, 0, 0];
    for (at, packet) in (0u32..).zip(packets) {
        let len = (packet.len() as u32).to_le_bytes();
        file.extend([1u32.to_le_bytes(), (at * interval).to_le_bytes(), len, len].concat());
        file.extend(packet);
    }
    let capture = Capture::from_reader(Box::new(std::io::Cursor::new(file)), "test", &Options::default()).unwrap();
    let mut hints = PortHints::default();
    hints.add_tcp(443, 443);
    analyse(capture, &hints, Resources { threads: 2, memory }, &|_| ())
}

/// What stands behind an IPv4 header, as packets from 10.0.0.1 to 10.0.0.2 or back, in fragments of at most `unit` bytes.
fn fragments(back: bool, protocol: u8, id: u8, payload: &[u8], unit: usize) -> Vec<Vec<u8>> {
    let (from, to) = if back { (2, 1) } else { (1, 2) };
    let count = payload.chunks(unit).count();
    let part = |(at, data): (usize, &[u8])| {
        let total = (20 + data.len() as u16).to_be_bytes();
        let field = ((at * unit / 8) as u16 | u16::from(at + 1 < count) << 13).to_be_bytes();
        let mut packet = vec![0x45, 0, total[0], total[1], 0, id, field[0], field[1], 64, protocol, 0, 0];
        packet.extend([10, 0, 0, from, 10, 0, 0, to]);
        packet.extend(data);
        packet
    };
    payload.chunks(unit).enumerate().map(part).collect()
}

fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let len = 8 + payload.len() as u16;
    [&[ports.0, ports.1, len, 0].map(u16::to_be_bytes).concat()[..], payload].concat()
}

/// An IKE_AUTH request of 3,000 bytes: SPIs, next payload 46 (encrypted), version 2.0, exchange 35, initiator, message 1. In front of
/// the encrypted payload stand notifications, the last one behind the first two fragments of 1,480 bytes.
fn ike_auth() -> Vec<u8> {
    let mut message = vec![1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18];
    message.extend([41, 0x20, 35, 0x08, 0, 0, 0, 1]);
    message.extend(3000u32.to_be_bytes());
    // N, 2,960 bytes, notification 16384 with data; then N, 12 bytes, notification 16430 with data.
    message.extend([41, 0, 0x0b, 0x90, 0, 0, 0x40, 0]);
    message.extend((0..2952).map(|at| (at % 253) as u8));
    message.extend([0, 0, 0, 12, 0, 0, 0x40, 0x2e, 0, 0, 0, 0]);
    assert_eq!(message.len(), 3000);
    message
}

fn only_flow(analysis: &Analysis) -> FlowView<'_> {
    let flows = analysis.flows();
    assert_eq!(flows.len(), 1);
    flows[0]
}

fn frames(marks: &crate::flow::Marks) -> Vec<u64> {
    marks.cited().map(|mark| mark.frame).collect()
}

#[test]
fn an_ike_message_in_fragments_is_read_whole_and_counted_once() {
    for (port, marker) in [(500, &[][..]), (4500, &[0; 4][..])] {
        let payload = udp((port, port), &[marker, &ike_auth()].concat());
        let analysis = analysis(&fragments(false, 17, 9, &payload, 1480));
        let flow = only_flow(&analysis);
        assert_eq!(
            (flow.packets_total(), flow.bytes(Side::Low), analysis.tracked.ike),
            (3, 60 + payload.len() as u64, 1)
        );
        let udp = flow.udp().unwrap();
        assert_eq!((udp.half(Side::Low).packets.count(), udp.half(Side::Low).largest), (1, payload.len() as u32 - 8));
        let [message] = udp.ike.as_ref().unwrap().messages() else { panic!("one message") };
        assert_eq!(message.clear.notifies, [16384, 16430], "the second one stands in the last fragment");
        assert!(message.ip_fragmented);
        let log = flow.fragments().unwrap();
        assert_eq!((log.total(Fate::Whole), log.total(Fate::Incomplete)), (1, 0));
        let whole = log.datagrams(Fate::Whole).next().unwrap();
        assert_eq!((frames(&whole.fragments), whole.length), (vec![1, 2, 3], Some(payload.len() as u32)));
        assert_eq!((analysis.orphan_fragments, analysis.dropped_fragments), (0, 0));
    }
}

#[test]
fn a_lost_fragment_is_evidence_and_the_request_was_sent_all_the_same() {
    let payload = udp((500, 500), &ike_auth());
    let mut packets = fragments(false, 17, 1, &payload, 1480);
    packets.extend(fragments(false, 17, 2, &payload, 1480).drain(..2));
    packets.extend(fragments(false, 17, 3, &payload, 1480));
    let analysis = analysis(&packets);
    let flow = only_flow(&analysis);
    let [message] = flow.udp().unwrap().ike.as_ref().unwrap().messages() else { panic!("one message, repeated") };
    assert_eq!((frames(&message.sent), message.clear.notifies.len()), (vec![1, 4, 6], 2));
    let log = flow.fragments().unwrap();
    assert_eq!((log.total(Fate::Whole), log.total(Fate::Incomplete)), (2, 1));
    let lost = log.datagrams(Fate::Incomplete).next().unwrap();
    assert_eq!((frames(&lost.fragments), lost.has_last(), lost.first.unwrap().frame), (vec![4, 5], false, 4));
}

#[test]
fn an_ike_header_behind_the_first_fragment_counts_when_it_comes() {
    let crumbs = analysis(&fragments(false, 17, 9, &udp((500, 500), &ike_auth()), 16));
    assert_eq!(crumbs.tracked.ike, 0, "more fragments than any sender makes");
    let analysis = analysis(&fragments(false, 17, 9, &udp((500, 500), &ike_auth()), 24));
    let flow = only_flow(&analysis);
    assert_eq!((analysis.tracked.ike, flow.packets_total()), (1, 126));
    assert!(flow.client_is_certain());
}

#[test]
fn a_fragmented_dns_answer_gives_all_its_addresses() {
    // Header, question vpn.example A, then 40 answers that point to it.
    let mut query = vec![0xbe, 0xef, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(b"\x03vpn\x07example\0\0\x01\0\x01");
    let mut answer = query.clone();
    (answer[2], answer[7]) = (0x81, 30);
    for host in 0..30 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, host]);
    }
    let asked = fragments(false, 17, 1, &udp((40_000, 53), &query), 1480);
    let answered = fragments(true, 17, 2, &udp((53, 40_000), &answer), 264);
    for order in [[0, 1, 2], [0, 2, 1]] {
        let packets = [&asked[0], &answered[0], &answered[1]];
        let analysis = analysis(&order.map(|at| packets[at].clone()));
        let [lookup] = &analysis.lookups[..] else { panic!("one look-up") };
        assert_eq!((lookup.addresses.len(), lookup.answered.count()), (30, 1));
    }
}

#[test]
fn esp_in_fragments_is_one_packet_of_its_whole_size() {
    let mut esp = vec![0xc0, 0xff, 0xee, 1, 0, 0, 0, 7];
    esp.resize(2000, 0x5a);
    let analysis = analysis(&fragments(false, 50, 9, &esp, 1480));
    let [spi] = only_flow(&analysis).esp().unwrap().spis() else { panic!("one SPI") };
    assert_eq!((spi.packets.count(), spi.bytes, spi.largest), (1, 2000, 2000));
}

/// A segment from 10.0.0.1:40000 to port 443.
fn segment(flags: u8, numbers: (u32, u32), payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![0x9c, 0x40, 1, 0xbb];
    segment.extend([numbers.0.to_be_bytes(), numbers.1.to_be_bytes()].concat());
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

#[test]
fn a_tcp_segment_counts_when_it_is_whole() {
    let syn = fragments(false, 6, 1, &segment(0x02, (7, 0), &[]), 8);
    let data = fragments(false, 6, 2, &segment(0x18, (8, 1), &[7; 2000]), 1480);
    let half = |packets: &[Vec<u8>]| {
        let analysis = analysis(packets);
        let flow = only_flow(&analysis);
        assert_eq!(flow.packets_total(), packets.len() as u64);
        flow.tcp().map(|tcp| {
            let half = tcp.half(Side::Low);
            (frames(&half.opening), half.payload_bytes, half.gap_bytes, half.retransmitted)
        })
    };
    let again = fragments(false, 6, 3, &segment(0x18, (8, 1), &[7; 2000]), 1480);
    assert_eq!(half(&syn), Some((vec![3], 0, 0, 0)));
    assert_eq!(half(&[&syn[..], &data].concat()), Some((vec![3], 2000, 0, 0)));
    assert_eq!(half(&[&syn[..], &data[..1], &again].concat()), Some((vec![3], 2000, 0, 0)));
}

#[test]
fn a_first_fragment_that_comes_last_completes_the_message() {
    let mut parts = fragments(false, 17, 9, &udp((500, 500), &ike_auth()), 1480);
    parts.reverse();
    let analysis = analysis(&parts);
    let flows = analysis.flows();
    let ike = flows.iter().find_map(|flow| flow.udp()?.ike.as_ref()).unwrap();
    let [message] = ike.messages() else { panic!("one message") };
    assert_eq!((frames(&message.sent), message.clear.notifies.len()), (vec![3], 2));
    // Their flow was not known when they came, so the first two count for the hosts.
    assert_eq!(flows.iter().map(FlowView::packets_total).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((analysis.orphan_fragments, analysis.tracked.ike), (0, 1));
}

#[test]
fn a_datagram_without_its_first_fragment_is_told_of_its_hosts() {
    let parts = fragments(false, 17, 9, &udp((500, 500), &ike_auth()), 1480);
    let analysis = analysis(&parts[1..]);
    let lost = only_flow(&analysis).fragments().unwrap().datagrams(Fate::Incomplete).next().unwrap();
    assert_eq!((frames(&lost.fragments), lost.first, lost.length), (vec![1, 2], None, Some(3008)));
    assert_eq!((analysis.orphan_fragments, analysis.tracked.ike), (2, 0));
}

#[test]
fn fragments_of_different_windows_find_each_other() {
    let parts = fragments(false, 17, 9, &udp((500, 500), &ike_auth()), 1480);
    let filler = fragments(true, 17, 1, &udp((9, 9), &[0; 1400]), 1480);
    let mut packets = vec![parts[0].clone(), parts[1].clone()];
    packets.extend(std::iter::repeat_n(filler[0].clone(), 2000));
    packets.push(parts[2].clone());
    let analysis = analysis(&packets);
    let flows = analysis.flows();
    let ike = flows.iter().find_map(|flow| flow.udp()?.ike.as_ref()).unwrap();
    assert_eq!(ike.messages()[0].clear.notifies.len(), 2);
}

#[test]
fn mirrored_fragments_are_duplicates() {
    let parts = fragments(false, 17, 9, &udp((500, 500), &ike_auth()), 1480);
    let mut file = Vec::new();
    for part in &parts {
        file.extend([part.clone(), part.clone()]);
    }
    // Ten milliseconds apart they are no mirror's copies to the shards, but the same bytes to the reassembly.
    for (interval, packets) in [(100, 3), (10_000, 6)] {
        let analysis = analysis_every(interval, &file);
        let flow = only_flow(&analysis);
        assert_eq!((flow.packets_total(), analysis.tracked.duplicates), (packets, 6 - packets));
        let log = flow.fragments().unwrap();
        let totals = [Fate::Whole, Fate::Incomplete, Fate::Contradictory].map(|fate| log.total(fate));
        assert_eq!(totals, [1, 0, 0]);
        assert_eq!(log.datagrams(Fate::Whole).next().unwrap().copies, 2, "the last one's copy came when all was there");
    }
}

/// A SYN to port 443, then `count` packets that open flows to another port each, then the SYN again.
fn scan_between_syns(count: u16, port: impl Fn(u16) -> u16) -> Vec<Vec<u8>> {
    let syn = fragments(false, 6, 1, &segment(0x02, (7, 0), &[]), 1480);
    let scan = (0..count).flat_map(|at| fragments(false, 17, 1, &udp((at, port(at)), &[0; 20]), 1480));
    [syn.clone(), scan.collect(), syn].concat()
}

#[test]
fn a_scan_is_given_up_before_what_a_verdict_may_rest_on() {
    let packets = scan_between_syns(5_000, |at| 10_000 + at);
    let analysis = analysis_within(400_000, 10_000, &packets);
    let flows = analysis.flows();
    let syn = flows.iter().find(|flow| flow.server().1 == 443).unwrap();
    assert_eq!((syn.first().frame, frames(&syn.tcp().unwrap().half(Side::Low).opening)), (1, vec![1, 5_002]));
    let evicted = analysis.evicted;
    assert!(evicted.flows > 2_500 && evicted.packets == evicted.flows && evicted.evidence == 0, "{evicted:?}");
    assert_eq!(evicted.flows + flows.len() as u64, 5_001);
    let numbers: Vec<u64> = flows.iter().map(|flow| flow.first().frame).collect();
    assert!(numbers.is_sorted() && numbers.ends_with(&[5_000, 5_001]), "the newest stay");
}

#[test]
fn where_evidence_is_given_up_that_is_told() {
    let analysis = analysis_within(400_000, 10_000, &scan_between_syns(5_000, |_| 500));
    assert!(analysis.evicted.evidence > 1_000, "{:?}", analysis.evicted);
    assert_eq!(analysis.evicted.flows + analysis.flows().len() as u64, analysis.flow_count());
}
