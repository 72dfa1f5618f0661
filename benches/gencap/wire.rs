//! Payloads become frames: Ethernet, VLAN, IPv4, IPv6, TCP, UDP, ESP and ICMP, with every checksum right.

use std::io::Write;

use super::flow::{CLIENT, Flow, SERVER};
use super::random::Random;
use super::sink::Sink;

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;

pub(crate) const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ESP: u8 = 50;
pub(crate) const ICMP_V6: u8 = 58;

/// What a fragment of a datagram carries over a link of 1500 bytes.
const FRAGMENT: usize = 1480;

/// Builds frames and gives them to the sink, with random gaps between.
pub(crate) struct Wire<W> {
    pub(crate) random: Random,
    pub(crate) sink: Sink<W>,
    /// Mean time between two frames.
    pub(crate) mean_gap_ns: f64,
    /// Shorter frames are padded to this, as Ethernet does.
    pub(crate) min_frame: usize,
    frame: Vec<u8>,
}

impl<W: Write> Wire<W> {
    pub(crate) fn new(random: Random, sink: Sink<W>, mean_gap_ns: f64, min_frame: usize) -> Self {
        Wire { random, sink, mean_gap_ns, min_frame, frame: Vec::with_capacity(4096) }
    }

    /// A segment; advances the sender's sequence number.
    pub(crate) fn tcp(&mut self, flow: &mut Flow, from: usize, flags: u8, payload: &[u8]) {
        // Maximum segment size 1460, SACK permitted; window scale 7.
        const OPTIONS: [u8; 12] = [2, 4, 5, 0xb4, 4, 2, 1, 1, 1, 3, 3, 7];
        let options = match (flags & SYN != 0, flow.window_scale) {
            (true, true) => &OPTIONS[..],
            (true, false) => &OPTIONS[..8],
            (false, _) => &[],
        };
        let header = 20 + options.len();
        self.network(flow, from, TCP, header + payload.len());
        let at = self.frame.len();
        let ack = if flags & ACK != 0 { flow.seq[1 - from] } else { 0 };
        let window: u16 = if flags & RST != 0 { 0 } else { 64_000 };
        self.ports(flow, from);
        self.frame.extend_from_slice(&flow.seq[from].to_be_bytes());
        self.frame.extend_from_slice(&ack.to_be_bytes());
        self.frame.extend_from_slice(&[(header as u8 / 4) << 4, flags]);
        self.frame.extend_from_slice(&window.to_be_bytes());
        self.frame.extend_from_slice(&[0; 4]);
        self.frame.extend_from_slice(options);
        self.frame.extend_from_slice(payload);
        let advance = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        flow.seq[from] = flow.seq[from].wrapping_add(advance);
        self.seal(flow, TCP, at, 16);
    }

    /// A datagram; over IPv4 in fragments where it is long.
    pub(crate) fn udp(&mut self, flow: &mut Flow, from: usize, payload: &[u8]) {
        let len = 8 + payload.len();
        if len > FRAGMENT && !flow.v6 {
            return self.udp_in_fragments(flow, from, payload);
        }
        self.network(flow, from, UDP, len);
        let at = self.frame.len();
        self.ports(flow, from);
        self.frame.extend_from_slice(&(len as u16).to_be_bytes());
        self.frame.extend_from_slice(&[0, 0]);
        self.frame.extend_from_slice(payload);
        if flow.port[SERVER] == 4500 && !flow.v6 {
            // ESP in UDP over IPv4 goes out with a zero checksum (RFC 3948 section 2.1).
            return self.send();
        }
        self.seal(flow, UDP, at, 6);
    }

    /// An ESP packet with `len` bytes behind its sequence number.
    pub(crate) fn esp(&mut self, flow: &mut Flow, from: usize, len: usize) {
        self.network(flow, from, ESP, 8 + len);
        append_esp(&mut self.frame, flow, from, len, &mut self.random);
        self.send();
    }

    /// An echo request of the client, or the server's reply.
    pub(crate) fn echo(&mut self, flow: &mut Flow, from: usize, sequence: u16) {
        let (protocol, kind) = match (flow.v6, from) {
            (true, CLIENT) => (ICMP_V6, 128),
            (true, _) => (ICMP_V6, 129),
            (false, CLIENT) => (ICMP, 8),
            (false, _) => (ICMP, 0),
        };
        self.network(flow, from, protocol, 64);
        let at = self.frame.len();
        self.frame.extend_from_slice(&[kind, 0, 0, 0]);
        self.frame.extend_from_slice(&flow.port[CLIENT].to_be_bytes());
        self.frame.extend_from_slice(&sequence.to_be_bytes());
        self.frame.extend_from_slice(&[b'a'; 56]);
        self.seal(flow, protocol, at, 2);
    }

    /// Port unreachable from the server, quoting a datagram of the client with this payload: its IP header and eight
    /// bytes (RFC 792), or as much as fits (RFC 4443 section 3.1).
    pub(crate) fn port_unreachable(&mut self, flow: &mut Flow, payload: &[u8]) {
        let len = 8 + payload.len();
        self.network(flow, CLIENT, UDP, len);
        let link = if flow.vlan != 0 { 18 } else { 14 };
        let mut quote = self.frame[link..].to_vec();
        let at = quote.len();
        quote.extend_from_slice(&flow.port[CLIENT].to_be_bytes());
        quote.extend_from_slice(&flow.port[SERVER].to_be_bytes());
        quote.extend_from_slice(&(len as u16).to_be_bytes());
        quote.extend_from_slice(&[0, 0]);
        let mut whole = quote[at..].to_vec();
        whole.extend_from_slice(payload);
        let sum = fold(ones_sum(&whole) + pseudo_header(flow, UDP, len));
        quote[at + 6..].copy_from_slice(&sum.to_be_bytes());
        if flow.v6 {
            quote.extend_from_slice(payload);
        }
        let (protocol, kind, code) = if flow.v6 { (ICMP_V6, 1, 4) } else { (ICMP, 3, 3) };
        self.network(flow, SERVER, protocol, 8 + quote.len());
        let at = self.frame.len();
        self.frame.extend_from_slice(&[kind, code, 0, 0, 0, 0, 0, 0]);
        self.frame.extend_from_slice(&quote);
        self.seal(flow, protocol, at, 2);
    }

    /// The client asks for its router's MAC address, or is told (RFC 826).
    pub(crate) fn arp(&mut self, flow: &Flow, from: usize) {
        const ROUTER: &[u8] = &[10, 20, 0, 1];
        let (operation, source, target) = match from {
            CLIENT => (1, flow.address(CLIENT), ROUTER),
            _ => (2, ROUTER, flow.address(CLIENT)),
        };
        self.frame.clear();
        self.frame.extend_from_slice(if from == CLIENT { &[0xff; 6] } else { &flow.mac[CLIENT] });
        self.frame.extend_from_slice(&flow.mac[from]);
        self.frame.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, operation]);
        self.frame.extend_from_slice(&flow.mac[from]);
        self.frame.extend_from_slice(source);
        self.frame.extend_from_slice(if from == CLIENT { &[0; 6] } else { &flow.mac[CLIENT] });
        self.frame.extend_from_slice(target);
        self.send();
    }

    fn udp_in_fragments(&mut self, flow: &mut Flow, from: usize, payload: &[u8]) {
        let len = 8 + payload.len();
        let mut datagram = Vec::with_capacity(len);
        datagram.extend_from_slice(&flow.port[from].to_be_bytes());
        datagram.extend_from_slice(&flow.port[1 - from].to_be_bytes());
        datagram.extend_from_slice(&(len as u16).to_be_bytes());
        datagram.extend_from_slice(&[0, 0]);
        datagram.extend_from_slice(payload);
        let sum = fold(ones_sum(&datagram) + pseudo_header(flow, UDP, len));
        datagram[6..8].copy_from_slice(&never_zero(sum).to_be_bytes());
        let ident = flow.ident;
        for (i, part) in datagram.chunks(FRAGMENT).enumerate() {
            // All fragments bear the same identification.
            flow.ident = ident;
            self.network(flow, from, UDP, part.len());
            let more = if (i + 1) * FRAGMENT < len { 0x2000 } else { 0 };
            let field = (i * FRAGMENT / 8) as u16 | more;
            let ip = self.frame.len() - 20;
            let header = &mut self.frame[ip..];
            header[6..8].copy_from_slice(&field.to_be_bytes());
            header[10..12].copy_from_slice(&[0, 0]);
            let sum = fold(ones_sum(header));
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            self.frame.extend_from_slice(part);
            self.send();
        }
    }

    /// Begins a frame: link and network header for `len` bytes of `protocol`.
    fn network(&mut self, flow: &mut Flow, from: usize, protocol: u8, len: usize) {
        let hops = if from == CLIENT { 64 } else { 55 };
        let frame = &mut self.frame;
        frame.clear();
        frame.extend_from_slice(&flow.mac[1 - from]);
        frame.extend_from_slice(&flow.mac[from]);
        if flow.vlan != 0 {
            frame.extend_from_slice(&[0x81, 0x00]);
            frame.extend_from_slice(&flow.vlan.to_be_bytes());
        }
        if flow.v6 {
            frame.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
            frame.extend_from_slice(&[protocol, hops]);
            frame.extend_from_slice(flow.address(from));
            frame.extend_from_slice(flow.address(1 - from));
        } else {
            frame.extend_from_slice(&[0x08, 0x00]);
            let at = frame.len();
            flow.ident = flow.ident.wrapping_add(1);
            frame.extend_from_slice(&[0x45, 0]);
            frame.extend_from_slice(&((20 + len) as u16).to_be_bytes());
            frame.extend_from_slice(&flow.ident.to_be_bytes());
            frame.extend_from_slice(&[0x40, 0, hops, protocol, 0, 0]);
            frame.extend_from_slice(flow.address(from));
            frame.extend_from_slice(flow.address(1 - from));
            let sum = fold(ones_sum(&frame[at..]));
            frame[at + 10..at + 12].copy_from_slice(&sum.to_be_bytes());
        }
    }

    fn ports(&mut self, flow: &Flow, from: usize) {
        self.frame.extend_from_slice(&flow.port[from].to_be_bytes());
        self.frame.extend_from_slice(&flow.port[1 - from].to_be_bytes());
    }

    /// Fills in the checksum of the transport header that stands at `at`, `field` bytes behind its beginning, and sends.
    fn seal(&mut self, flow: &Flow, protocol: u8, at: usize, field: usize) {
        let len = self.frame.len() - at;
        let pseudo = if protocol == ICMP { 0 } else { pseudo_header(flow, protocol, len) };
        let sum = fold(ones_sum(&self.frame[at..]) + pseudo);
        let sum = if protocol == UDP { never_zero(sum) } else { sum };
        self.frame[at + field..at + field + 2].copy_from_slice(&sum.to_be_bytes());
        self.send();
    }

    fn send(&mut self) {
        if self.frame.len() < self.min_frame {
            self.frame.resize(self.min_frame, 0);
        }
        self.sink.wait(self.random.exponential(self.mean_gap_ns) as u64 + 1);
        self.sink.frame(&self.frame);
    }
}

/// SPI, sequence number and `len` bytes that look encrypted; counts the sender's sequence number up.
pub(crate) fn append_esp(out: &mut Vec<u8>, flow: &mut Flow, from: usize, len: usize, random: &mut Random) {
    out.extend_from_slice(&flow.spi[from].to_be_bytes());
    out.extend_from_slice(&flow.esp_seq[from].to_be_bytes());
    flow.esp_seq[from] += 1;
    random.append(out, len);
}

/// The sum over the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1).
fn pseudo_header(flow: &Flow, protocol: u8, len: usize) -> u64 {
    ones_sum(flow.address(CLIENT)) + ones_sum(flow.address(SERVER)) + u64::from(protocol) + len as u64
}

/// The sum of 32-bit words, to be folded.
fn ones_sum(bytes: &[u8]) -> u64 {
    let word = |bytes: &[u8]| {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from(u32::from_be_bytes(word))
    };
    bytes.chunks(4).map(word).sum()
}

/// The Internet checksum of such a sum (RFC 1071).
fn fold(mut sum: u64) -> u16 {
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

/// A UDP checksum of zero would mean none (RFC 768).
fn never_zero(sum: u16) -> u16 {
    if sum == 0 { 0xFFFF } else { sum }
}
