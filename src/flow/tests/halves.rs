//! What each side of TCP and UDP showed: what was sent again, what was acknowledged, what stayed without an answer.

use super::{datagram, followed, only_flow, opened, segment};

/// NOP, NOP, SACK of 1008 to 1108.
const SACK: [u8; 12] = [1, 1, 5, 10, 0, 0, 3, 0xf0, 0, 0, 4, 0x54];

fn client(at: u32, payload: &[u8]) -> Vec<u8> {
    segment(443, false, 0x18, (at, 101), &[], payload)
}

fn server_acks(to: u32, options: &[u8]) -> Vec<u8> {
    segment(443, true, 0x10, (101, to), options, &[])
}

#[test]
fn what_is_acknowledged_behind_a_gap_is_told_until_the_gap_is_closed() {
    let mut packets = opened(443);
    packets.extend([client(8, &[1; 1000]), client(1008, &[2; 100]), server_acks(8, &SACK), client(8, &[1; 1000])]);
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let half = flow.tcp().unwrap().half(flow.client_side());
    assert_eq!(half.sacked.map(|mark| mark.frame), Some(6));
    assert_eq!((half.repeats.count(), half.repeated_len, half.retransmitted), (1, 1000, 1));
    assert!(!half.was_acknowledged());

    packets.push(server_acks(1108, &[]));
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let half = flow.tcp().unwrap().half(flow.client_side());
    assert_eq!((half.sacked, half.pending, half.repeats.count()), (None, None, 0));
    assert!(half.was_acknowledged());
    assert_eq!((half.retransmitted, half.largest_segment), (1, 1000));
}

#[test]
fn the_same_data_again_is_a_repetition_and_a_keep_alive_is_none() {
    let mut packets = opened(443);
    packets.extend([client(8, b"hello"), client(8, b"hello"), client(8, b"hello")]);
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let half = flow.tcp().unwrap().half(flow.client_side());
    let repeated: Vec<u64> = half.repeats.cited().map(|mark| mark.frame).collect();
    assert_eq!((half.pending.map(|mark| mark.frame), repeated), (Some(4), vec![5, 6]));

    // All is acknowledged; the last byte again, and none at all one before what comes next, are keep-alives.
    packets.extend([server_acks(13, &[]), client(12, b"o"), client(12, b"")]);
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let half = flow.tcp().unwrap().half(flow.client_side());
    assert_eq!((half.data_packets, half.retransmitted, half.pending), (3, 2, None));
    assert_eq!((half.spurious, half.sent_again.count()), (0, 2));

    // What was acknowledged in the capture is not lost, whatever made the sender repeat it.
    packets.extend([client(8, b"hello")]);
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let half = flow.tcp().unwrap().half(flow.client_side());
    assert_eq!((half.retransmitted, half.spurious, half.sent_again.count()), (3, 1, 2));
}

#[test]
fn a_segment_behind_a_gap_is_new_and_the_one_that_fills_it_is_counted_as_sent_again() {
    let mut packets = opened(443);
    packets.extend([client(13, b"world"), client(8, b"hello")]);
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let half = flow.tcp().unwrap().half(flow.client_side());
    assert_eq!((half.gap_bytes, half.data_packets, half.retransmitted), (5, 2, 1));
}

#[test]
fn sequence_numbers_wrap_between_segments() {
    let start = u32::MAX - 2;
    let packets = [
        segment(443, false, 0x02, (start.wrapping_sub(1), 0), &[], &[]),
        segment(443, true, 0x12, (100, start), &[], &[]),
        client(start, b"hello"),
        client(2, b"world"),
        client(start, b"hello"),
        server_acks(7, &[]),
    ];
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let half = flow.tcp().unwrap().half(flow.client_side());
    assert_eq!((half.gap_bytes, half.retransmitted, half.pending), (0, 1, None));
    assert!(half.was_acknowledged());
}

#[test]
fn datagrams_with_the_payload_of_the_one_before_are_the_same() {
    let packets =
        [datagram(false, b"ask 1"), datagram(false, b"ask 1"), datagram(false, b"ask 2"), datagram(false, b"ask 1")];
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let half = flow.udp().unwrap().half(flow.client_side());
    assert_eq!((half.packets.count(), half.same.count(), half.unanswered.count(), half.largest), (4, 1, 4, 5));
}

#[test]
fn an_answer_ends_what_is_unanswered_and_not_what_is_the_same() {
    let packets = [
        datagram(false, b"ask"),
        datagram(true, b"yes"),
        datagram(false, b"ask"),
        datagram(true, b"yes"),
        datagram(false, b"ask"),
    ];
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let (ours, theirs) = (flow.client_side(), flow.client_side().other());
    let udp = flow.udp().unwrap();
    assert_eq!((udp.half(ours).same.count(), udp.half(ours).unanswered.count()), (2, 1));
    assert_eq!((udp.half(theirs).same.count(), udp.half(theirs).unanswered.count()), (1, 0));
}

#[test]
fn what_was_sent_in_vain_and_then_in_a_smaller_segment() {
    let mut packets = opened(443);
    packets.extend([client(8, &[1; 1300]), client(8, &[1; 1300]), client(8, &[1; 1300]), client(8, &[1; 1024])]);
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let shrunk = flow.tcp().unwrap().half(flow.client_side()).shrunk.as_ref().unwrap();
    assert_eq!((shrunk.large, shrunk.small, shrunk.repeats.count(), shrunk.mark.frame), (1300, 1024, 2, 7));
    assert_eq!(shrunk.acknowledged, None);

    packets.extend([server_acks(1032, &[]), client(1032, &[1; 276])]);
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let shrunk = flow.tcp().unwrap().half(flow.client_side()).shrunk.as_ref().unwrap();
    assert_eq!((shrunk.small, shrunk.acknowledged.map(|mark| mark.frame)), (1024, Some(8)));
}

#[test]
fn a_short_segment_that_is_sent_again_beside_a_large_one_is_not_the_same_data() {
    let mut packets = opened(443);
    packets.extend([client(8, &[1; 1300]), client(1308, &[2; 100]), client(8, &[1; 1300]), client(1308, &[2; 100])]);
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    assert!(flow.tcp().unwrap().half(flow.client_side()).shrunk.is_none());
}

#[test]
fn a_flow_that_is_followed_from_its_first_data_on_lacks_nothing() {
    // IKE in TCP on a port that nobody named: "IKETCP", a length and the marker (RFC 9329, 3.1 and 4).
    let mut packets = opened(8443);
    let first = [b"IKETCP".as_slice(), &[0, 0x22, 0, 0, 0, 0], &[0x11; 28]].concat();
    packets.push(segment(8443, false, 0x18, (8, 101), &[], &first));
    let shard = followed(&packets);
    let flow = only_flow(&shard);
    let half = flow.tcp().unwrap().half(flow.client_side());
    assert!(half.acks_of_unseen.is_empty() && half.data_packets == 1);
}
