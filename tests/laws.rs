//! What holds of every capture, whatever is in it: one that ends earlier, doubles its packets, holds one direction only or has
//! neighbours out of order never accuses a tunnel that works; one that begins later or lost packets accuses no service that works.
//!
//! The captures are the cases', and the laboratory's where `PORTPROOF_CORPUS` names them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test's helpers are tests")]

mod util;

use std::io::Cursor;
use std::net::IpAddr;

use portproof::capture::{Capture, LinkType, Options, Window};
use portproof::engine::{self, Resources};
use portproof::profile::{Profile, Site};
use portproof::report::{Confidence, Report, Service, Verdict};
use portproof::verdict::{self, Scope};
use util::captures::{Known, cases, in_parallel, laboratory};

const SERVICE: &str = "ipsec-vpn";

/// Captures of more packets hold a browser's traffic: it adds minutes and no new step of a tunnel.
const MOST_PACKETS: usize = 150;

/// How much later a mirror port gives its second copy.
const SECOND_COPY: i64 = 10_000;

/// Queues of a network card are emptied this far apart at most; what is in another order by more is no neighbour.
const REORDERED: i64 = 5_000_000;

/// One packet in this many is lost: more than the capture of a busy machine, and enough to meet every step of a handshake in turn.
const LOSS: usize = 10;

/// What is told by the order of packets of one flow alone: an ICMP error that comes before the packet which it quotes has no flow to
/// belong to, and ESP has nothing but its order to say what answers what.
const ORDER_TELLS: [&str; 3] = ["vpn-ike-fragments-lost-too-big", "vpn-large-packets-lost", "vpn-path-lost-data-only"];

/// Where the source stands in an IP header.
const IPV4_SOURCE: std::ops::Range<usize> = 12..16;
const IPV6_SOURCE: std::ops::Range<usize> = 8..24;

#[test]
fn a_capture_that_ends_earlier_accuses_no_tunnel_that_works() {
    holds(|subject| {
        if !subject.works {
            return Vec::new();
        }
        let cut = |len: usize| (format!("cut after frame {len}"), subject.judge(&subject.packets[..len]));
        let accuses = |said: &Said| matches!(said.verdict, Verdict::Blocked | Verdict::Failed | Verdict::Interrupted);
        (1..subject.packets.len()).map(cut).filter(|(_, said)| accuses(said)).collect()
    });
}

#[test]
fn a_mirror_that_doubles_every_packet_changes_no_verdict() {
    holds(|subject| {
        let copies = subject.packets.iter().map(|packet| Packet { time: packet.time + SECOND_COPY, ..packet.clone() });
        let mut doubled: Vec<Packet> = subject.packets.iter().cloned().chain(copies).collect();
        doubled.sort_by_key(|packet| packet.time);
        subject.changed("doubled", &doubled)
    });
}

#[test]
fn without_the_gateways_packets_nothing_is_blocked() {
    holds(|subject| {
        if !subject.works {
            return Vec::new();
        }
        let kept: Vec<Packet> =
            subject.packets.iter().filter(|packet| !packet.is_from(&subject.servers)).cloned().collect();
        let said = subject.judge(&kept);
        if said.verdict == Verdict::Blocked { vec![("one-sided".to_owned(), said)] } else { Vec::new() }
    });
}

#[test]
fn neighbours_out_of_order_change_no_verdict() {
    holds(|subject| {
        let near = |at: &usize| subject.packets[*at].time - subject.packets[at - 1].time <= REORDERED;
        if ORDER_TELLS.contains(&subject.name.as_str()) {
            return Vec::new();
        }
        let swaps = (1..subject.packets.len()).filter(near).flat_map(|at| {
            let mut swapped = subject.packets.clone();
            swapped.swap(at - 1, at);
            subject.changed(&format!("frames {at} and {} swapped", at + 1), &swapped)
        });
        swaps.collect()
    });
}

#[test]
fn a_capture_that_begins_later_accuses_nothing_that_works() {
    holds_of(everything, |subject| {
        (1..subject.packets.len())
            .flat_map(|at| subject.accused(&format!("from frame {at} on"), &subject.packets[at..]))
            .collect()
    });
}

#[test]
fn a_capture_that_lost_packets_accuses_nothing_that_works() {
    holds_of(everything, |subject| {
        let without = |lost: usize| -> Vec<Packet> {
            let packets = subject.packets.iter().enumerate();
            packets.filter(|(at, _)| at % LOSS != lost).map(|(_, packet)| packet.clone()).collect()
        };
        (0..LOSS)
            .flat_map(|lost| subject.accused(&format!("without frames {} + {LOSS} n", lost + 1), &without(lost)))
            .collect()
    });
}

fn everything(_: &Known) -> bool {
    true
}

/// Puts every capture of a tunnel to a law, which gives what breaks it.
fn holds(law: impl Fn(&Subject) -> Vec<(String, Said)> + Sync) {
    holds_of(|known| known.accepted.contains_key(SERVICE), law);
}

/// The same of other captures too.
fn holds_of(wanted: impl Fn(&Known) -> bool, law: impl Fn(&Subject) -> Vec<(String, Said)> + Sync) {
    let mut known = cases();
    known.extend(laboratory());
    known.retain(wanted);
    // Cases that were taken from the laboratory are the same bytes.
    let mut seen = std::collections::BTreeSet::new();
    known.retain(|one| seen.insert(one.bytes()));
    let subjects: Vec<Subject> = known.iter().filter_map(Subject::of).collect();
    let broken = in_parallel(&subjects, |subject| {
        let broken = law(subject).into_iter();
        broken
            .map(|(what, said)| format!("{}: {what}: {said:?}, whole {:?}", subject.name, subject.whole))
            .collect::<Vec<_>>()
    })
    .concat();
    assert!(broken.is_empty(), "{} captures, {} times broken:\n{}", subjects.len(), broken.len(), broken.join("\n"));
}

/// A capture of a VPN and what is said of it.
struct Subject {
    name: String,
    link: LinkType,
    packets: Vec<Packet>,
    scope: Scope,
    whole: Said,
    /// Whether it is known to work.
    works: bool,
    /// Every service that is known to work.
    working: Vec<String>,
    servers: Vec<IpAddr>,
}

/// A packet of a capture.
#[derive(Clone, Debug)]
struct Packet {
    /// Nanoseconds since 1970.
    time: i64,
    wire_len: u32,
    data: Vec<u8>,
}

/// What is said of the service.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    verdict: Verdict,
    cause: Option<String>,
    confidence: Option<Confidence>,
}

impl Subject {
    /// None where the file is of a kind that these tests do not write, or too long.
    fn of(known: &Known) -> Option<Self> {
        let (link, packets) = read(&known.folder.join(&known.capture))?;
        if packets.len() > MOST_PACKETS {
            return None;
        }
        let profile = Profile::builtin(Profile::DEFAULT).unwrap();
        let site = match &known.site {
            Some(site) => Site::load(&known.folder.join(site), &profile).unwrap(),
            None => Site::default(),
        };
        let scope = Scope::new(profile, site);
        let report = report(&scope, link, &packets);
        let working: Vec<String> =
            known.accepted.iter().filter(|(_, accepted)| **accepted == ["seen"]).map(|(id, _)| id.clone()).collect();
        let works = working.iter().any(|id| id == SERVICE);
        let service = service(&report, SERVICE);
        let servers = service.pairs.iter().filter_map(|pair| pair.server).collect();
        Some(Subject { name: known.name.clone(), link, whole: said(service), servers, packets, scope, works, working })
    }

    fn judge(&self, packets: &[Packet]) -> Said {
        said(service(&report(&self.scope, self.link, packets), SERVICE))
    }

    /// Services that are known to work and that these packets accuse.
    fn accused(&self, what: &str, packets: &[Packet]) -> Vec<(String, Said)> {
        if self.working.is_empty() {
            return Vec::new();
        }
        let report = report(&self.scope, self.link, packets);
        let said = self.working.iter().map(|id| (format!("{id} {what}"), said(service(&report, id))));
        said.filter(|(_, said)| matches!(said.verdict, Verdict::Blocked | Verdict::Failed | Verdict::Interrupted))
            .collect()
    }

    /// The verdict over these packets, where it is not that over the capture's.
    fn changed(&self, what: &str, packets: &[Packet]) -> Vec<(String, Said)> {
        let said = self.judge(packets);
        let same = (said.verdict, &said.cause) == (self.whole.verdict, &self.whole.cause);
        if same { Vec::new() } else { vec![(what.to_owned(), said)] }
    }
}

impl Packet {
    /// Whether one of the addresses sent it, without any tunnel around.
    fn is_from(&self, addresses: &[IpAddr]) -> bool {
        let ip = match self.data.get(12..14) {
            Some([0x08, 0x00] | [0x86, 0xdd]) => self.data.get(14..).unwrap_or_default(),
            _ => &self.data,
        };
        let source = |at: std::ops::Range<usize>| ip.get(at).unwrap_or_default().to_vec();
        addresses.iter().any(|address| match address {
            IpAddr::V4(v4) => source(IPV4_SOURCE) == v4.octets(),
            IpAddr::V6(v6) => source(IPV6_SOURCE) == v6.octets(),
        })
    }
}

fn read(path: &std::path::Path) -> Option<(LinkType, Vec<Packet>)> {
    let mut capture = Capture::open(path, &Options::default()).ok()?;
    let (mut link, mut packets) = (None, Vec::new());
    let mut window = Window::default();
    while capture.read(&mut window) {
        for frame in window.frames() {
            if *link.get_or_insert(frame.link) != frame.link {
                return None;
            }
            packets.push(Packet { time: frame.time?.0, wire_len: frame.wire_len, data: frame.data.to_vec() });
        }
    }
    Some((link?, packets))
}

/// A classic capture file with nanoseconds:
///
/// ```text
/// magic a1b23c4d | version 2.4 | zone 0 | accuracy 0 | snap length | link type
/// then each packet: seconds | nanoseconds | captured length | length on the wire | bytes
/// ```
fn written(link: LinkType, packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d, 0x0004_0002, 0, 0, 0x0004_0000, u32::from(link.0)] {
        file.extend(word.to_le_bytes());
    }
    for packet in packets {
        let (seconds, nanoseconds) = (packet.time / 1_000_000_000, packet.time % 1_000_000_000);
        for word in [seconds as u32, nanoseconds as u32, packet.data.len() as u32, packet.wire_len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&packet.data);
    }
    file
}

fn report(scope: &Scope, link: LinkType, packets: &[Packet]) -> Report {
    let file = Cursor::new(written(link, packets));
    let capture = Capture::from_reader(Box::new(file), "packets", &Options::default()).unwrap();
    let analysis = engine::analyse(capture, &scope.hints(), Resources::default(), &|_| {});
    verdict::join(scope, Vec::new(), vec![verdict::judge(scope, &analysis, 0)])
}

fn service<'r>(report: &'r Report, id: &str) -> &'r Service {
    report.services.iter().find(|service| service.id == id).unwrap()
}

fn said(service: &Service) -> Said {
    Said {
        verdict: service.verdict,
        cause: service.cause.map(|cause| format!("{cause:?}")),
        confidence: service.confidence,
    }
}
