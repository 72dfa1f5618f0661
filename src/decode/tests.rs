use std::net::IpAddr;

use proptest::prelude::*;

use super::{Decoder, IcmpMessage, Item, Key, Kind, Reason, Seed, Unreachable};
use crate::capture::{Direction, Frame, LinkType};
use crate::time::Timestamp;

const SEED: u64 = 42;

/// 10.0.0.1:40000 to 198.51.100.20:443, SYN, no options.
const TCP_SYN: [u8; 40] = [
    0x45, 0, 0, 40, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 198, 51, 100, 20, // IPv4
    0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 7, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0, // TCP
];

/// 10.0.0.1:500 to 198.51.100.20:500, four bytes of payload.
const UDP: [u8; 32] = [
    0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 198, 51, 100, 20, // IPv4
    0x01, 0xf4, 0x01, 0xf4, 0, 12, 0, 0, b'd', b'a', b't', b'a', // UDP
];

fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(ether_type.to_be_bytes());
    frame.extend(payload);
    frame
}

fn decode(link: LinkType, data: &[u8]) -> Item<'_> {
    let frame = Frame {
        number: 1,
        time: Some(Timestamp(5)),
        interface: 0,
        link,
        wire_len: data.len() as u32,
        data,
        direction: Direction::Unknown,
    };
    Decoder::new(Seed::fixed(SEED)).decode(&frame)
}

fn v6(next: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((body.len() as u16).to_be_bytes());
    packet.extend([next, 64]);
    packet.extend("2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
    packet.extend("2001:db8::2".parse::<std::net::Ipv6Addr>().unwrap().octets());
    packet.extend(body);
    packet
}

#[test]
fn tcp_over_ethernet() {
    let frame = ethernet(0x0800, &TCP_SYN);
    let item = decode(LinkType::ETHERNET, &frame);
    assert_eq!(item.kind, Kind::Packet);
    assert_eq!((item.protocol, item.ports, item.sequence, item.payload_len), (6, (40000, 443), 7, 0));
    assert!(item.flags.opens() && !item.flags.accepts());
    assert_eq!((item.ttl(), item.ip_id()), (64, Some(0x1234)));
    assert_eq!(item.tcp().map(|tcp| tcp.window), Some(0xffff));
    let ends = item.key.endpoints(None);
    assert_eq!(ends.side(item.side), ("10.0.0.1".parse().unwrap(), 40000));
}

#[test]
fn every_link_type_leads_to_the_same_flow() {
    let key = decode(LinkType::RAW, &UDP).key;
    let mut vlan = vec![0, 7, 0x81, 0, 0, 8, 0x08, 0];
    vlan.extend(UDP);
    let mut snap = vec![0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    snap.extend(UDP);
    let mut sll = vec![0, 4, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0];
    sll.extend(UDP);
    let mut sll2 = vec![8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 0, 0, 0, 0, 0, 0, 0, 0];
    sll2.extend(UDP);
    let with = |head: &[u8]| [head, &UDP].concat();
    for (link, frame) in [
        (LinkType::ETHERNET, ethernet(0x0800, &UDP)),
        (LinkType::ETHERNET, ethernet(0x88a8, &vlan)),
        (LinkType::ETHERNET, ethernet(40, &snap)),
        (LinkType::LINUX_SLL, sll),
        (LinkType::LINUX_SLL2, sll2),
        (LinkType::NULL, with(&[2, 0, 0, 0])),
        (LinkType::NULL, with(&[0, 0, 0, 2])),
        (LinkType::LOOP, with(&[0, 0, 0, 2])),
        (LinkType::IPV4, UDP.to_vec()),
    ] {
        let item = decode(link, &frame);
        assert_eq!((item.kind, item.key), (Kind::Packet, key), "{link}");
        assert_eq!(item.payload(), b"data");
    }
}

#[test]
fn padding_behind_the_packet_is_no_payload() {
    let mut frame = ethernet(0x0800, &UDP);
    frame.extend([0; 14]);
    assert_eq!(decode(LinkType::ETHERNET, &frame).payload(), b"data");
}

#[test]
fn a_total_length_of_zero_reaches_to_the_end_of_the_frame() {
    let mut packet = TCP_SYN.to_vec();
    packet[3] = 0;
    packet.extend(b"segmentation offload");
    let item = decode(LinkType::RAW, &packet);
    assert_eq!((item.kind, item.payload_len, item.payload()), (Kind::Packet, 20, &b"segmentation offload"[..]));
}

#[test]
fn contradicting_lengths_are_bogus_not_trusted() {
    let mut short_ip = UDP;
    short_ip[3] = 19;
    let mut short_udp = UDP;
    short_udp[25] = 7;
    let mut long_udp = UDP;
    long_udp[25] = 13;
    let mut short_tcp = TCP_SYN;
    short_tcp[32] = 0x40;
    for (packet, reason) in [
        (&short_ip[..], Reason::IpHeaderBogus),
        (&short_udp[..], Reason::TransportHeaderBogus),
        (&long_udp[..], Reason::TransportHeaderBogus),
        (&short_tcp[..], Reason::TransportHeaderBogus),
        (&[0x00, 0x01][..], Reason::IpHeaderBogus),
    ] {
        assert_eq!(decode(LinkType::RAW, packet).kind, Kind::Undecoded(reason));
    }
    assert_eq!(decode(LinkType(147), &UDP).kind, Kind::Undecoded(Reason::LinkType));
}

#[test]
fn a_cut_header_still_gives_the_ports() {
    let item = decode(LinkType::RAW, &TCP_SYN[..28]);
    assert_eq!((item.kind, item.cut, item.ports, item.sequence), (Kind::Packet, true, (40000, 443), 7));
    assert_eq!(item.key, decode(LinkType::RAW, &TCP_SYN).key);
    let item = decode(LinkType::RAW, &UDP[..30]);
    assert_eq!((item.cut, item.payload(), item.payload_len), (true, &b"da"[..], 4));
}

#[test]
fn what_of_a_tcp_header_was_not_captured_is_not_told() {
    // 40 bytes of TCP: the header of SYN_TCP with its length set to ten words, and timestamps behind ten NOPs.
    let mut syn = TCP_SYN.to_vec();
    (syn[3], syn[32]) = (60, 0xa0);
    syn.extend([1; 10]);
    syn.extend([8, 10, 0, 0, 0, 1, 0, 0, 0, 0]);
    for len in 24..=syn.len() {
        let item = decode(LinkType::RAW, &syn[..len]);
        assert_eq!((item.kind, item.payload_len), (Kind::Packet, 0), "{len}");
        assert_eq!(item.has_tcp_flags(), len >= 34, "{len}");
        assert_eq!(item.flags.opens(), len >= 34, "{len}");
        assert_eq!(item.tcp().map(|tcp| tcp.options_cut), (len >= 40).then_some(len < 60), "{len}");
    }
}

#[test]
fn every_cut_decodes_to_something() {
    let quoted = icmp(3, 3, &UDP);
    let extended = v6(0, &[&[60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0], &UDP[20..]].concat());
    for whole in [&TCP_SYN[..], &UDP, &quoted, &extended] {
        for len in 0..whole.len() {
            let frame = ethernet(if whole[0] == 0x60 { 0x86dd } else { 0x0800 }, &whole[..len]);
            decode(LinkType::ETHERNET, &frame);
            for cut in 0..14 {
                assert_eq!(decode(LinkType::ETHERNET, &frame[..cut]).kind, Kind::Undecoded(Reason::LinkHeaderCut));
            }
        }
    }
}

#[test]
fn fragments_are_told_apart() {
    let mut first = UDP;
    first[6] = 0x20;
    first[24..26].copy_from_slice(&2000u16.to_be_bytes());
    let item = decode(LinkType::RAW, &first);
    assert_eq!((item.kind, item.first_fragment, item.payload_len), (Kind::Packet, true, 1992));
    let mut later = UDP;
    later[7] = 100;
    let item = decode(LinkType::RAW, &later);
    assert_eq!((item.kind, item.ports), (Kind::LaterFragment, (0, 0)));
}

#[test]
fn extension_headers_are_followed() {
    let body =
        [&[43, 0, 1, 4, 0, 0, 0, 0][..], &[44, 0, 0, 0, 0, 0, 0, 0], &[17, 0, 0, 1, 0, 0, 0, 9], &UDP[20..]].concat();
    let packet = v6(0, &body);
    let item = decode(LinkType::RAW, &packet);
    assert_eq!((item.kind, item.ports, item.first_fragment), (Kind::Packet, (500, 500), true));
    assert_eq!(item.payload(), b"data");
    let later = v6(44, &[17, 0, 0, 9, 0, 0, 0, 9, 1, 2, 3, 4]);
    assert_eq!(decode(LinkType::RAW, &later).kind, Kind::LaterFragment);
    let endless = v6(0, &[0u8; 8 * 40]);
    assert_ne!(decode(LinkType::RAW, &endless).kind, Kind::NotIp(0));
}

#[test]
fn extension_headers_agree_with_etherparse() {
    let body =
        [&[60, 0, 1, 4, 0, 0, 0, 0][..], &[17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &UDP[20..]].concat();
    let packet = v6(0, &body);
    let (oracle, _) = etherparse::LaxIpSlice::from_slice(&packet).unwrap();
    let item = decode(LinkType::RAW, &packet);
    assert_eq!(oracle.payload().payload, item.transport());
    assert_eq!(oracle.payload().ip_number.0, item.protocol);
}

#[test]
fn an_authentication_header_is_no_end() {
    let mut packet = UDP[..20].to_vec();
    packet[9] = 51;
    packet[3] = 56;
    packet.extend([17, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    packet.extend(&UDP[20..]);
    let item = decode(LinkType::RAW, &packet);
    assert_eq!((item.protocol, item.ports, item.payload()), (17, (500, 500), &b"data"[..]));
}

fn icmp(kind: u8, code: u8, quote: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, (28 + quote.len()) as u8, 0, 0, 0, 0, 63, 1, 0, 0, 192, 0, 2, 1, 10, 0, 0, 1];
    packet.extend([kind, code, 0, 0, 0, 0, 0x05, 0x14]);
    packet.extend(quote);
    packet
}

#[test]
fn an_icmp_error_has_the_flow_that_it_quotes() {
    let packet = icmp(3, 3, &UDP[..28]);
    let item = decode(LinkType::RAW, &packet);
    let sent = decode(LinkType::RAW, &UDP);
    assert_eq!((item.kind, item.key, item.side), (Kind::IcmpError, sent.key, sent.side));
    let message = IcmpMessage::of(&item).unwrap();
    assert_eq!(message.from, "192.0.2.1".parse::<IpAddr>().unwrap());
    assert_eq!((message.meaning(), message.mtu), (Unreachable::Port, None));
    let too_big = icmp(3, 4, &UDP[..28]);
    let message = IcmpMessage::of(&decode(LinkType::RAW, &too_big)).unwrap();
    assert_eq!((message.meaning(), message.mtu), (Unreachable::TooBig, Some(1300)));
    assert_eq!(decode(LinkType::RAW, &icmp(3, 3, &UDP[..20])).kind, Kind::BareIcmpError);
    assert_eq!(decode(LinkType::RAW, &icmp(8, 0, &UDP)).kind, Kind::Packet);
}

#[test]
fn an_icmpv6_error_has_the_flow_that_it_quotes() {
    let sent = v6(17, &UDP[20..]);
    let mut body = vec![1, 1, 0, 0, 0, 0, 0, 0];
    body.extend(&sent);
    let packet = v6(58, &body);
    let item = decode(LinkType::RAW, &packet);
    assert_eq!((item.kind, item.key), (Kind::IcmpError, decode(LinkType::RAW, &sent).key));
    assert_eq!(IcmpMessage::of(&item).unwrap().meaning(), Unreachable::AdminProhibited);
}

#[test]
fn a_quoted_esp_packet_gives_its_spi() {
    let mut esp = UDP;
    esp[9] = 50;
    esp[20..28].copy_from_slice(&[0xc0, 0xff, 0xee, 0x01, 0, 0, 0, 9]);
    let packet = icmp(3, 2, &esp[..28]);
    let item = decode(LinkType::RAW, &packet);
    assert_eq!(item.key, Key::v4((0x0a00_0001, 0), (0xc633_6414, 0), 50).0);
    let message = IcmpMessage::of(&item).unwrap();
    assert_eq!((message.meaning(), message.spi), (Unreachable::Protocol, Some(0xc0ff_ee01)));
}

#[test]
fn counts_add_up() {
    let mut decoder = Decoder::new(Seed::fixed(SEED));
    let arp = ethernet(0x0806, &[0; 28]);
    let tcp = ethernet(0x0800, &TCP_SYN);
    let error = ethernet(0x0800, &icmp(11, 0, &UDP));
    let junk = [1, 2, 3];
    for (number, data) in [&arp[..], &tcp, &error, &junk].into_iter().enumerate() {
        decoder.decode(&Frame {
            number: number as u64 + 1,
            time: None,
            interface: 0,
            link: LinkType::ETHERNET,
            wire_len: 60,
            data,
            direction: Direction::Unknown,
        });
    }
    let counts = decoder.counts();
    assert_eq!((counts.packets, counts.ip, counts.tcp, counts.icmp_errors, counts.arp), (4, 2, 1, 1, 1));
    assert_eq!(counts.undecoded_total(), 1);
    assert_eq!(counts.undecoded[Reason::LinkHeaderCut as usize].first_frame, 4);
}

/// Frames with a sound beginning: bytes without form are seldom more than a cut header.
fn frames() -> impl Strategy<Value = (LinkType, Vec<u8>)> {
    let link = prop::sample::select(vec![0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 147]).prop_map(LinkType);
    let begin = prop::sample::select(vec![
        vec![],
        ethernet(0x0800, &TCP_SYN),
        ethernet(0x86dd, &v6(44, &[17, 0, 0, 1, 0, 0, 0, 9])),
        UDP.to_vec(),
        icmp(3, 3, &UDP[..28]),
        v6(0, &[60, 0, 0, 0, 0, 0, 0, 0]),
    ]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (link, begin, any::<Vec<u8>>(), changes).prop_map(|(link, mut frame, rest, changes)| {
        frame.extend(rest);
        for (at, byte) in changes {
            if let len @ 1.. = frame.len() {
                frame[at.index(len)] = byte;
            }
        }
        (link, frame)
    })
}

proptest! {
    #[test]
    fn whatever_the_frame_an_item_stays_within_it((link, frame) in frames()) {
        let within = |part: &[u8], whole: &[u8]| {
            let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
            part.is_empty() || (whole.start <= part.start && part.end <= whole.end)
        };
        let item = decode(link, &frame);
        prop_assert!(within(item.ip, &frame) && within(item.payload(), item.ip) && within(item.transport(), item.ip));
        if item.kind == Kind::Packet {
            prop_assert!(item.addresses().is_some());
            prop_assert!(item.payload().len() <= item.payload_len as usize);
            prop_assert!(item.cut || item.first_fragment || item.payload().len() == item.payload_len as usize);
        }
        prop_assert!(item.kind != Kind::IcmpError || IcmpMessage::of(&item).is_some());
    }
}
