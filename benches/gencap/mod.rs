//! gencap: writes captures for benchmarks. The same arguments give the same bytes on every machine.
//!
//! | shape | what |
//! |---|---|
//! | `mix` | an office of endpoints: web, VPN tunnels, DNS, some of it refused or lost; about 700 bytes a packet |
//! | `branch` | `mix` with few flows open, so that most of them also end in a small file |
//! | `small` | frames of 64 to 100 bytes in many flows: the most packets for the bytes |
//! | `flood` | every packet opens a flow of its own: a port scan, or an attack on the reader's memory |
//!
//! All IPv4, TCP, UDP and ICMP checksums are right.

mod conversation;
mod flow;
mod ike;
mod payload;
mod random;
mod sink;
mod wire;

use std::io::{self, Write};

pub(crate) use sink::Container;

use conversation::Speaker;
use flow::{CLIENT, Flow, Kind, SERVER};
use random::Random;
use sink::Sink;
use wire::{SYN, Wire};

/// What a capture is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Mix,
    Branch,
    Small,
    Flood,
}

/// A capture to write.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) shape: Shape,
    pub(crate) container: Container,
    /// Bytes of the file, overshot by less than a packet.
    pub(crate) size: u64,
    pub(crate) seed: u64,
    /// Seconds after the clock's start at which the capture begins.
    pub(crate) begins_s: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

/// Writes the capture to `out`, which should be buffered.
///
/// # Errors
/// Where writing fails.
pub(crate) fn write<W: Write>(order: Order, out: W) -> io::Result<(W, Written)> {
    // The least Ethernet frame is 60 bytes without its check sequence, 64 with it.
    let (mean_gap_ns, min_frame) = match order.shape {
        Shape::Mix => (400_000.0, 60),
        Shape::Branch => (1_000_000.0, 60),
        Shape::Small => (30_000.0, 64),
        Shape::Flood => (5_000.0, 60),
    };
    let mut sink = Sink::new(out, order.container);
    sink.wait(order.begins_s * 1_000_000_000);
    let wire = Wire::new(Random::new(order.seed), sink, mean_gap_ns, min_frame);
    let mut speaker = Speaker::new(wire);
    match order.shape {
        Shape::Mix => converse(&mut speaker, order.size, 600, office),
        Shape::Branch => converse(&mut speaker, order.size, 40, office),
        Shape::Small => converse(&mut speaker, order.size, 60_000, small),
        Shape::Flood => flood(&mut speaker.wire, order.size),
    }
    let sink = speaker.wire.sink;
    let written = Written { packets: sink.packets, bytes: sink.bytes };
    Ok((sink.finish()?, written))
}

/// Lets `open_flows` flows at a time speak in turn, by chance.
fn converse<W: Write>(speaker: &mut Speaker<W>, size: u64, open_flows: usize, kind: fn(&mut Random) -> Kind) {
    let mut open: Vec<Flow> = Vec::with_capacity(open_flows);
    while speaker.wire.sink.bytes < size && !speaker.wire.sink.failed() {
        let random = &mut speaker.wire.random;
        // Flows start one after the other, not all at the first instant.
        if open.len() < open_flows && (open.is_empty() || random.below(4) == 0) {
            let kind = kind(random);
            open.push(Flow::start(kind, random));
        }
        let mut flow = open.swap_remove(random.below(open.len() as u32) as usize);
        if speaker.step(&mut flow) {
            open.push(flow);
        }
    }
}

/// What the endpoints of an office start, in thousandths.
fn office(random: &mut Random) -> Kind {
    match random.below(1000) {
        0..=479 => Kind::Dns,
        480..=694 => Kind::Tls,
        695..=724 => Kind::Http,
        725..=729 => Kind::Smtp,
        730..=759 => Kind::OtherTcp,
        760..=789 => Kind::SynLost,
        790..=809 => Kind::SynReset,
        810..=829 => Kind::Quic,
        830..=844 => Kind::Syslog,
        845..=864 => Kind::RatingUdp,
        865..=894 => Kind::Ntp,
        895..=909 => Kind::Mdns,
        910..=929 => Kind::UdpRefused,
        930..=939 => Kind::Echo,
        940..=953 => Kind::TunnelNatT,
        954..=961 => Kind::TunnelEsp,
        962..=965 => Kind::IkeLost,
        966 => Kind::IkeTcp,
        _ => Kind::Arp,
    }
}

fn small(random: &mut Random) -> Kind {
    if random.below(3) == 0 { Kind::SmallTcp } else { Kind::SmallUdp }
}

/// Every packet a new flow, a SYN and a datagram in turn.
fn flood<W: Write>(wire: &mut Wire<W>, size: u64) {
    let mut flow = Flow::start(Kind::SynLost, &mut wire.random);
    (flow.v6, flow.vlan, flow.window_scale) = (false, 0, false);
    let mut n = 0u32;
    while wire.sink.bytes < size && !wire.sink.failed() {
        // An odd multiplier permutes 32 bits: no pair of addresses and ports comes twice.
        let x = n.wrapping_mul(0x9E37_79B1);
        flow.addr[CLIENT][..4].copy_from_slice(&[10, 20, (n >> 21) as u8, 7]);
        flow.addr[SERVER][..4].copy_from_slice(&[198, 18 + (x >> 31) as u8, (x >> 24) as u8, (x >> 16) as u8]);
        flow.port = [40_000 + (n as u16 & 0x0FFF), x as u16];
        flow.seq[CLIENT] = x ^ 0x5555;
        if n.is_multiple_of(2) {
            wire.tcp(&mut flow, CLIENT, SYN, &[]);
        } else {
            wire.udp(&mut flow, CLIENT, &[0xff; 18]);
        }
        n = n.wrapping_add(1);
    }
}
