//! Packets laid out by hand, through the decoder and a shard.

mod halves;
mod heads;

use super::{FlowView, PortHints, Shard};
use crate::capture::{Direction, Frame, LinkType};
use crate::decode::{Decoder, Item, Seed};
use crate::time::{Span, Timestamp};

const SEED: u64 = 3;

/// The frames as items, numbered from 1, at the given milliseconds.
fn items<'a>(frames: &[(i64, &'a [u8])]) -> Vec<Item<'a>> {
    let mut decoder = Decoder::new(Seed::fixed(SEED));
    let numbered = (1..).zip(frames);
    let frames = numbered.map(|(number, &(at, data))| Frame {
        number,
        time: Some(Timestamp(0) + Span::from_millis(at)),
        interface: 0,
        link: LinkType::RAW,
        wire_len: data.len() as u32,
        data,
        direction: Direction::Unknown,
    });
    frames.map(|frame| decoder.decode(&frame)).collect()
}

/// What a shard makes of frames.
fn shard(frames: &[(i64, &[u8])]) -> Shard {
    let mut shard = Shard::new(Seed::fixed(SEED), usize::MAX);
    let mut hints = PortHints::default();
    hints.add_tcp(443, 443);
    hints.add_tcp(25, 25);
    hints.add_udp(8888, 8888);
    let order: Vec<u32> = (0..).take(frames.len()).collect();
    shard.apply(&items(frames), &order, &hints, &mut Vec::new());
    shard
}

fn only_flow(shard: &Shard) -> FlowView<'_> {
    assert_eq!(shard.len(), 1);
    shard.flows().next().unwrap()
}

/// TCP from 10.0.0.1:40000 to 10.0.0.2:443, or back, with timestamps or ten NOPs in their place.
fn tcp(back: bool, flags: u8, numbers: (u32, u32), timestamps: bool) -> Vec<u8> {
    let (from, to) = if back { (2, 1) } else { (1, 2) };
    let mut packet = vec![0x45, 0, 0, 52, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to];
    let ports: [u8; 4] = if back { [1, 0xbb, 0x9c, 0x40] } else { [0x9c, 0x40, 1, 0xbb] };
    packet.extend(ports);
    packet.extend(numbers.0.to_be_bytes());
    packet.extend(numbers.1.to_be_bytes());
    packet.extend([0x80, flags, 0xff, 0xff, 0, 0, 0, 0, 1, 1]);
    packet.extend(if timestamps { [8, 10, 0, 0, 0, 1, 0, 0, 0, 1] } else { [1; 10] });
    packet
}

#[test]
fn a_reset_whose_options_were_cut_does_not_lack_timestamps() {
    let (syn, accept) = (tcp(false, 0x02, (7, 0), true), tcp(true, 0x12, (100, 8), true));
    let reset = tcp(true, 0x14, (101, 8), false);
    let lacks = |cut: usize| {
        let shard = shard(&[(0, &syn), (10, &accept), (20, &reset[..cut])]);
        only_flow(&shard).tcp().unwrap().resets()[0].lacks_timestamps
    };
    assert!(lacks(52));
    for cut in 34..52 {
        assert!(!lacks(cut), "{cut} bytes captured");
    }
}

#[test]
fn an_acknowledgement_that_was_cut_acknowledges_nothing() {
    let (syn, accept) = (tcp(false, 0x02, (7, 0), true), tcp(true, 0x12, (100, 8), true));
    let ack = tcp(false, 0x10, (8, 101), true);
    for cut in 24..52 {
        let shard = shard(&[(0, &syn), (10, &accept), (20, &ack[..cut])]);
        let flow = only_flow(&shard);
        let client = flow.tcp().unwrap().half(flow.client_side());
        assert!(client.acks_of_unseen.is_empty(), "{cut} bytes captured");
        assert_eq!(flow.tcp().unwrap().rtt.is_some(), cut >= 40, "{cut} bytes captured");
        assert_eq!((flow.packets(flow.client_side()), client.data_packets), (2, 0));
    }
}

/// TCP from 10.0.0.1:40000 to `port` of 10.0.0.2, or back, with options in multiples of four bytes.
fn segment(port: u16, back: bool, flags: u8, numbers: (u32, u32), options: &[u8], payload: &[u8]) -> Vec<u8> {
    let ports = if back { (port, 40_000) } else { (40_000, port) };
    let header = 20 + options.len();
    let mut packet = ip(6, back, header + payload.len());
    packet.extend(ports.0.to_be_bytes());
    packet.extend(ports.1.to_be_bytes());
    packet.extend(numbers.0.to_be_bytes());
    packet.extend(numbers.1.to_be_bytes());
    packet.extend([(header as u8 / 4) << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend(options);
    packet.extend(payload);
    packet
}

/// UDP from 10.0.0.1:40000 to 10.0.0.2:8888, or back.
fn datagram(back: bool, payload: &[u8]) -> Vec<u8> {
    let mut packet = ip(17, back, 8 + payload.len());
    packet.extend(if back { [0x22, 0xb8, 0x9c, 0x40] } else { [0x9c, 0x40, 0x22, 0xb8] });
    packet.extend((8 + payload.len() as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    packet
}

fn ip(protocol: u8, back: bool, carried: usize) -> Vec<u8> {
    let (from, to) = if back { (2, 1) } else { (1, 2) };
    let [high, low] = (20 + carried as u16).to_be_bytes();
    vec![0x45, 0, high, low, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, to]
}

/// The set-up of a connection to `port`: the client's bytes begin at 8, the server's at 101.
fn opened(port: u16) -> Vec<Vec<u8>> {
    vec![
        segment(port, false, 0x02, (7, 0), &[], &[]),
        segment(port, true, 0x12, (100, 8), &[], &[]),
        segment(port, false, 0x10, (8, 101), &[], &[]),
    ]
}

/// What a shard makes of packets, each ten milliseconds after the one before.
fn followed(packets: &[Vec<u8>]) -> Shard {
    let frames: Vec<(i64, &[u8])> = (0..).step_by(10).zip(packets.iter().map(Vec::as_slice)).collect();
    shard(&frames)
}
