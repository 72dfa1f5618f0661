//! Flows speak: one packet at a time, so that many flows interleave.

use std::io::Write;

use super::flow::{CLIENT, Flow, Kind, SERVER};
use super::wire::{self, ACK, FIN, PSH, RST, SYN, Wire};
use super::{ike, payload};

/// What a full segment carries.
const SEGMENT: usize = 1440;

/// Speaks for one flow after the other.
pub(crate) struct Speaker<W> {
    pub(crate) wire: Wire<W>,
    payload: Vec<u8>,
}

impl<W: Write> Speaker<W> {
    pub(crate) fn new(wire: Wire<W>) -> Self {
        Speaker { wire, payload: Vec::with_capacity(4096) }
    }

    /// Sends the next packet of a flow; false when it was the last.
    pub(crate) fn step(&mut self, flow: &mut Flow) -> bool {
        let step = flow.step;
        let side = step as usize % 2;
        flow.step += 1;
        match flow.kind {
            Kind::Tls | Kind::Http | Kind::Smtp | Kind::OtherTcp | Kind::IkeTcp => return self.bulk(flow, step),
            Kind::SmallTcp => return self.small_segments(flow, step),
            Kind::TunnelNatT | Kind::TunnelEsp => return self.tunnel(flow, step),
            Kind::SynLost => {
                let seq = flow.seq[CLIENT];
                self.bare(flow, CLIENT, SYN);
                flow.seq[CLIENT] = seq;
                return step + 1 < flow.data_packets;
            }
            Kind::SynReset if step == 0 => self.bare(flow, CLIENT, SYN),
            Kind::SynReset => {
                flow.seq[SERVER] = 0;
                self.bare(flow, SERVER, RST | ACK);
            }
            Kind::Dns => {
                payload::dns(&mut self.payload, flow.spi[CLIENT] as u16, flow.name, side == SERVER);
                self.wire.udp(flow, side, &self.payload);
            }
            Kind::Mdns => {
                payload::dns(&mut self.payload, 0, flow.name, false);
                self.wire.udp(flow, CLIENT, &self.payload);
                return false;
            }
            Kind::Ntp => {
                let head = if side == CLIENT { &[0x23, 0, 6, 0xec] } else { &[0x24, 1, 6, 0xec] };
                self.opaque(head, 44);
                self.wire.udp(flow, side, &self.payload);
            }
            Kind::Quic => {
                self.quic(flow, step);
                return step < flow.data_packets;
            }
            Kind::Syslog => {
                payload::syslog(&mut self.payload, flow.name, step, flow.spi[CLIENT]);
                self.wire.udp(flow, CLIENT, &self.payload);
                return step < flow.data_packets;
            }
            Kind::RatingUdp => {
                let len = self.wire.random.range(60, 220) as usize;
                self.opaque(&[0xff; 4], len);
                self.wire.udp(flow, side, &self.payload);
                return step + 1 < 2 * flow.data_packets;
            }
            Kind::UdpRefused => {
                const REQUEST: [u8; 80] = [0xff; 80];
                match side {
                    CLIENT => self.wire.udp(flow, CLIENT, &REQUEST),
                    _ => self.wire.port_unreachable(flow, &REQUEST),
                }
            }
            Kind::Echo => {
                self.wire.echo(flow, side, (step / 2) as u16);
                return step + 1 < 2 * flow.data_packets;
            }
            Kind::IkeLost => {
                ike::sa_init(&mut self.payload, &mut self.wire.random, flow, false);
                self.wire.udp(flow, CLIENT, &self.payload);
                return step + 1 < flow.data_packets;
            }
            Kind::Arp => self.wire.arp(flow, side),
            Kind::SmallUdp => {
                let room = if flow.v6 { 0 } else { 20 };
                let len = self.wire.random.range(18, 35) + room * self.wire.random.below(2);
                self.opaque(&[0xff; 4], len as usize);
                let from = if step != 0 && self.wire.random.chance(0.5) { SERVER } else { CLIENT };
                self.wire.udp(flow, from, &self.payload);
                return step < flow.data_packets;
            }
        }
        // A question and its answer.
        side == CLIENT
    }

    /// A connection that asks for something and gets much of it: two full segments, then an acknowledgement.
    fn bulk(&mut self, flow: &mut Flow, step: u32) -> bool {
        let (takes, gives) = if flow.upload { (SERVER, CLIENT) } else { (CLIENT, SERVER) };
        match step {
            0 => self.bare(flow, CLIENT, SYN),
            1 => self.bare(flow, SERVER, SYN | ACK),
            2 => self.bare(flow, CLIENT, ACK),
            3 => {
                self.request(flow);
                self.wire.tcp(flow, CLIENT, ACK | PSH, &self.payload);
            }
            4 => {
                self.answer(flow);
                self.wire.tcp(flow, SERVER, ACK | PSH, &self.payload);
            }
            _ if step < 5 + flow.data_packets && step % 3 == 2 => self.bare(flow, takes, ACK),
            _ if step < 5 + flow.data_packets => {
                self.data(flow);
                self.wire.tcp(flow, gives, ACK, &self.payload);
            }
            _ => match step - 5 - flow.data_packets {
                // One in ten is aborted by the client.
                0 if flow.name % 10 == 3 => {
                    self.bare(flow, CLIENT, RST | ACK);
                    return false;
                }
                0 => self.bare(flow, CLIENT, FIN | ACK),
                1 => self.bare(flow, SERVER, FIN | ACK),
                _ => {
                    self.bare(flow, CLIENT, ACK);
                    return false;
                }
            },
        }
        true
    }

    fn request(&mut self, flow: &Flow) {
        let (out, random) = (&mut self.payload, &mut self.wire.random);
        match flow.kind {
            Kind::Tls => payload::client_hello(out, random, flow.name),
            Kind::Http => payload::http_request(out, flow.name),
            Kind::Smtp => payload::text(out, "EHLO endpoint.example\r\n"),
            Kind::IkeTcp => payload::text(out, "IKETCP"),
            _ => payload::session_message(out, random, 120),
        }
    }

    fn answer(&mut self, flow: &Flow) {
        let (out, random) = (&mut self.payload, &mut self.wire.random);
        match flow.kind {
            Kind::Tls => payload::server_hello(out, random, SEGMENT),
            Kind::Http => payload::http_response(out, flow.data_packets * SEGMENT as u32),
            Kind::Smtp => payload::text(out, "250 mail.example\r\n"),
            _ => payload::session_message(out, random, 160),
        }
    }

    fn data(&mut self, flow: &Flow) {
        let (out, random) = (&mut self.payload, &mut self.wire.random);
        match flow.kind {
            Kind::Tls => payload::tls_data(out, random, SEGMENT),
            Kind::Http => payload::opaque(out, random, &[], SEGMENT),
            Kind::Smtp => payload::text(out, "NOOP\r\n"),
            _ => {
                let len = if random.chance(0.6) { SEGMENT } else { random.range(40, 1400) as usize };
                payload::session_message(out, random, len);
            }
        }
    }

    fn small_segments(&mut self, flow: &mut Flow, step: u32) -> bool {
        match step {
            0 => self.bare(flow, CLIENT, SYN),
            1 => self.bare(flow, SERVER, SYN | ACK),
            2 => self.bare(flow, CLIENT, ACK),
            _ if step < 3 + flow.data_packets => {
                let from = if self.wire.random.chance(0.5) { SERVER } else { CLIENT };
                let len = self.wire.random.range(5, if flow.v6 { 25 } else { 45 }) as usize;
                self.opaque(&[], len);
                self.wire.tcp(flow, from, ACK | PSH, &self.payload);
            }
            _ => {
                let from = (step - 3 - flow.data_packets) as usize % 2;
                self.bare(flow, from, FIN | ACK);
                return from == CLIENT;
            }
        }
        true
    }

    fn quic(&mut self, flow: &mut Flow, step: u32) {
        let random = &mut self.wire.random;
        let (from, head, len) = match step {
            0 => (CLIENT, 0x40, 1199),
            _ if random.chance(0.75) => (SERVER, 0x41, random.range(900, 1250)),
            _ => (CLIENT, 0x41, random.range(25, 60)),
        };
        self.opaque(&[head], len as usize);
        self.wire.udp(flow, from, &self.payload);
    }

    /// IKE_SA_INIT, two rounds of IKE_AUTH, then ESP: in UDP 4500 with a keepalive now and then, or native.
    fn tunnel(&mut self, flow: &mut Flow, step: u32) -> bool {
        let nat_t = flow.kind == Kind::TunnelNatT;
        let side = step as usize % 2;
        match step {
            0 | 1 => {
                ike::sa_init(&mut self.payload, &mut self.wire.random, flow, side == SERVER);
                self.wire.udp(flow, side, &self.payload);
            }
            2..=5 => {
                if step == 2 && nat_t {
                    flow.port = [if flow.port[CLIENT] == 500 { 4500 } else { flow.port[CLIENT] ^ 1 }, 4500];
                }
                // Certificates make the first message large: one client in eight sends it in IP fragments.
                let large = step == 2 && flow.name.is_multiple_of(8);
                let len = if large { 1800 } else { 200 + (flow.name as usize % 40) * 4 };
                let len = if flow.v6 { len.min(1300) } else { len };
                ike::encrypted(&mut self.payload, &mut self.wire.random, flow, nat_t, side == SERVER, step / 2, len);
                self.wire.udp(flow, side, &self.payload);
            }
            _ => {
                let from = if self.wire.random.chance(0.55) { SERVER } else { CLIENT };
                let len = self.esp_len();
                if !nat_t {
                    self.wire.esp(flow, from, len);
                } else if step.is_multiple_of(97) {
                    self.wire.udp(flow, CLIENT, &[0xff]);
                } else {
                    self.payload.clear();
                    wire::append_esp(&mut self.payload, flow, from, len, &mut self.wire.random);
                    self.wire.udp(flow, from, &self.payload);
                }
            }
        }
        step < 6 + flow.data_packets
    }

    /// Acknowledgements, something between, or full packets; a multiple of four as RFC 4303 wants.
    fn esp_len(&mut self) -> usize {
        let random = &mut self.wire.random;
        4 * match random.below(100) {
            0..=43 => random.range(18, 34),
            44..=55 => random.range(34, 230),
            _ => random.range(310, 350),
        } as usize
    }

    /// A segment without data.
    fn bare(&mut self, flow: &mut Flow, from: usize, flags: u8) {
        self.wire.tcp(flow, from, flags, &[]);
    }

    fn opaque(&mut self, head: &[u8], len: usize) {
        payload::opaque(&mut self.payload, &mut self.wire.random, head, len);
    }
}
