//! One shard of the flow table: every packet of a flow comes here, in capture order.

use super::arrivals::{Arrival, bucket};
use super::dns::{DNS_PORT, Names, is_dns};
use super::duplicates::{Recent, digest};
use super::fragments::mark;
use super::tcp::Tcp;
use super::udp::{Datagram, Initiator, Udp, recognise};
use super::{Body, Evicted, Flow, FlowTable, FlowView, IcmpRecord, Mark, PortHints, State};
use crate::decode::{Fragmented, IcmpMessage, Item, Kind, Seed, Side};
use crate::proto::dns;
use crate::proto::esp::Esp;
use crate::proto::nat_t::NatT;
use crate::proto::sniff::{self, Spoken};

/// Packets are applied in batches of this many: first all their flows are looked up, then all are updated. The look-ups do not
/// depend on each other, so the processor overlaps their cache misses.
const BATCH: usize = 64;

/// ICMP errors kept per flow; a refused client is told each time.
const KEPT_ICMP: usize = 16;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ESP: u8 = 50;

/// Flows and names of one shard.
#[derive(Debug)]
pub struct Shard {
    table: FlowTable,
    recent: Recent,
    /// Look-ups.
    pub names: Names,
    /// What was counted.
    pub counts: ShardCounts,
}

/// What a shard counts besides its flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardCounts {
    /// Packets that repeat one just seen.
    pub duplicates: u64,
    /// Copies of ICMP errors among them.
    pub icmp_duplicates: u64,
    /// IKE messages in UDP and TCP.
    pub ike: u64,
    /// ESP in UDP.
    pub nat_t_esp: u64,
    /// NAT keepalives.
    pub nat_t_keepalives: u64,
    /// ICMP errors that quote no flow of the capture.
    pub stray_icmp: u64,
}

impl ShardCounts {
    /// Adds what another shard counted.
    pub fn add(&mut self, other: &ShardCounts) {
        self.duplicates += other.duplicates;
        self.icmp_duplicates += other.icmp_duplicates;
        self.ike += other.ike;
        self.nat_t_esp += other.nat_t_esp;
        self.nat_t_keepalives += other.nat_t_keepalives;
        self.stray_icmp += other.stray_icmp;
    }
}

impl Shard {
    /// An empty shard, of which the flows may take so many bytes.
    pub fn new(seed: Seed, memory: usize) -> Self {
        Shard {
            table: FlowTable::new(seed, memory),
            recent: Recent::new(),
            names: Names::default(),
            counts: ShardCounts::default(),
        }
    }

    /// Applies those of `items` at the places `order`, which is capture order, and adds whom they reached.
    pub fn apply(&mut self, items: &[Item<'_>], order: &[u32], hints: &PortHints, reached: &mut Vec<Arrival>) {
        let mut found = [None; BATCH];
        let mut digests = [0; BATCH];
        for batch in order.chunks(BATCH) {
            let batch = || batch.iter().filter_map(|at| items.get(*at as usize));
            let retired = self.table.retired();
            for (slot, item) in found.iter_mut().zip(batch()) {
                *slot = self.table.find(item);
            }
            for (slot, item) in digests.iter_mut().zip(batch()) {
                *slot = digest(item);
            }
            for ((&found, &digest), item) in found.iter().zip(&digests).zip(batch()) {
                if self.recent.is_copy(item, digest) {
                    self.copy(item, hints);
                } else {
                    // A flow retired earlier in the batch may be the one that was found.
                    let found = found.filter(|_| self.table.retired() == retired);
                    self.apply_one(item, found, hints, reached);
                }
            }
        }
    }

    #[inline]
    fn apply_one(&mut self, item: &Item<'_>, found: Option<u32>, hints: &PortHints, reached: &mut Vec<Arrival>) {
        if item.kind == Kind::IcmpError {
            self.icmp_error(item, reached);
            return;
        }
        // One that was not found may have been opened earlier in the batch.
        let mut number = match found.or_else(|| self.table.find(item)) {
            Some(number) => number,
            None => self.open(item, hints),
        };
        if item.flags.opens() && item.protocol == TCP && self.is_reopened(number, item) {
            self.table.retire(number);
            number = self.open(item, hints);
        }
        self.update(number, item, hints, reached);
    }

    #[cold]
    fn copy(&mut self, item: &Item<'_>, hints: &PortHints) {
        self.counts.duplicates += 1;
        if item.kind == Kind::IcmpError {
            self.counts.icmp_duplicates += 1;
        }
        // A copy is a packet all the same: totals count it.
        if item.protocol == UDP && item.kind == Kind::Packet && is_ipsec_port(item, hints) {
            match recognise(item.payload(), item.payload_len as usize, item.ports) {
                NatT::Ike(..) => self.counts.ike += 1,
                NatT::Esp(_) => self.counts.nat_t_esp += 1,
                NatT::Keepalive => self.counts.nat_t_keepalives += 1,
                NatT::Junk => {}
            }
        }
    }

    fn is_reopened(&self, number: u32, item: &Item<'_>) -> bool {
        match self.table.flow(number).and_then(|flow| self.table.detail(flow)).map(|detail| &detail.body) {
            Some(Body::Tcp(tcp)) => tcp.is_reopened_by(item),
            _ => false,
        }
    }

    fn open(&mut self, item: &Item<'_>, hints: &PortHints) -> u32 {
        if self.table.is_full() {
            self.table.sweep(|flow| uses_port_that_matters(flow.key.protocol(), flow.key.ports(), hints));
        }
        let mut state = State::default();
        let (client, certain) = first_guess(item, hints);
        state.set_client(client, certain);
        let flow = Flow {
            key: item.key,
            first_time: item.time,
            last_time: item.time,
            first_frame: short(item.frame),
            state,
            interface: u8::try_from(item.interface).unwrap_or(u8::MAX),
            ..Flow::default()
        };
        self.table.open(flow, item)
    }

    #[inline]
    fn update(&mut self, number: u32, item: &Item<'_>, hints: &PortHints, reached: &mut Vec<Arrival>) {
        let Some(flow) = self.table.flow_mut(number) else { return };
        let side = item.side.index();
        let arrived = State::ARRIVED << side;
        if bucket(flow.last_time) != bucket(item.time) {
            flow.state.0 &= !(State::ARRIVED | State::ARRIVED << 1);
        }
        let news = flow.state.0 & arrived == 0;
        flow.state.0 |= arrived;
        flow.last_time = item.time;
        flow.last_frame = short(item.frame);
        flow.packets[side] = flow.packets[side].saturating_add(1);
        let (bytes, carry) = flow.bytes[side].overflowing_add(item.wire_len);
        flow.bytes[side] = bytes;
        flow.flags[side] |= item.flags.0;
        let settled = flow.state.0 & State::SETTLED << side != 0;
        let needs_detail = carry || !settled && (flow.detail != 0 || deserves_detail(flow, item, hints));
        if item.first_fragment || item.kind == Kind::LaterFragment {
            flow.state.0 |= State::FRAGMENTS;
        }
        if news {
            reached.extend(Arrival::of(item));
        }
        if needs_detail {
            self.track(number, item, carry, hints);
        }
        if item.protocol == UDP && is_dns(item) && item.kind == Kind::Packet {
            self.read_dns(item, None);
        }
    }

    #[cold]
    fn read_dns(&mut self, item: &Item<'_>, begun: Option<Mark>) {
        if let Some(message) = dns::parse(item.payload()) {
            self.names.track(item, message, begun);
        }
    }

    /// Takes in what became of a datagram in fragments, which were applied one by one. `item` is what it tells as a packet.
    #[cold]
    pub fn settle(&mut self, datagram: &Fragmented, item: &Item<'_>, hints: &PortHints) {
        let Some(number) = self.table.find(item) else { return };
        let Some((_, detail)) = self.table.with_detail(number) else { return };
        detail.fragments.get_or_insert_default().record(datagram);
        let (Kind::Packet, Some(begun)) = (item.kind, datagram.first.map(mark)) else { return };
        if item.protocol == TCP {
            self.track(number, item, false, hints);
            return;
        }
        if item.protocol == UDP && is_dns(item) {
            self.read_dns(item, Some(begun));
        }
        let Some((flow, detail)) = self.table.with_detail(number) else { return };
        match &mut detail.body {
            Body::Udp(udp) => {
                let is_ike = detail.spoken[item.side.index()] == Some(Spoken::Ike);
                let datagram = udp.complete(item, is_ipsec_port(item, hints) || is_ike, begun);
                count_datagram(&mut self.counts, flow, item.side, datagram);
            }
            Body::Esp(log) => {
                if let Some(esp) = Esp::head(item.payload()) {
                    log.complete(esp, item.side, datagram.first_len, item.payload_len);
                }
            }
            Body::Tcp(_) | Body::None => {}
        }
    }

    fn track(&mut self, number: u32, item: &Item<'_>, carry: bool, hints: &PortHints) {
        let Some((flow, detail)) = self.table.with_detail(number) else { return };
        let side = item.side.index();
        detail.bytes_carry[side] += u32::from(carry);
        if detail.ttl[side] == 0 && !(item.protocol == TCP && item.flags.rst()) {
            detail.ttl[side] = item.ttl();
        }
        if item.kind == Kind::LaterFragment || item.first_fragment && item.protocol == TCP {
            return;
        }
        let first = Mark { frame: u64::from(flow.first_frame), time: flow.first_time };
        let sender = flow.state.client();
        let ipsec = item.protocol == UDP && is_ipsec_port(item, hints);
        let is_bare = matches!(detail.body, Body::None);
        if is_bare && !(ipsec || is_followed(item, hints)) {
            match sniff_first(item, &mut detail.spoken[side]) {
                Some(spoken) if is_worth_following(spoken, item) => {
                    let mut tcp = Box::<Tcp>::default();
                    tcp.opened_before(sender, first);
                    detail.body = Body::Tcp(tcp);
                    flow.state.unsettle();
                }
                Some(Spoken::Ike) if item.protocol == UDP => {
                    let mut udp = Box::<Udp>::default();
                    if first.frame < item.frame {
                        udp.sent_before(sender, first);
                    }
                    detail.body = Body::Udp(udp);
                    flow.state.unsettle();
                }
                spoken => {
                    if spoken.is_some() && detail.ttl[side] != 0 {
                        flow.state.0 |= State::SETTLED << side;
                    }
                    return;
                }
            }
        }
        match detail.body.of(item.protocol) {
            Body::Tcp(tcp) => {
                let before = tcp.ike_total();
                tcp.track(item);
                self.counts.ike += tcp.ike_total() - before;
                if is_dns(item) {
                    tcp.take_dns().into_iter().for_each(|message| self.names.track(item, message, None));
                }
                if item.flags.opens() {
                    flow.state.set_client(item.side, true);
                } else if item.flags.accepts() {
                    flow.state.set_client(item.side.other(), true);
                }
                // On a port that does not matter only the server's certificate does: it may be the gateway's.
                if !is_followed(item, hints) && tcp.has_greeted() {
                    tcp.stop_reading();
                    flow.state.0 |= State::SETTLED | State::SETTLED << 1;
                }
            }
            Body::Udp(udp) => {
                let datagram = udp.track(item, ipsec || detail.spoken[side] == Some(Spoken::Ike));
                count_datagram(&mut self.counts, flow, item.side, datagram);
            }
            Body::Esp(log) => match Esp::head(item.payload()) {
                Some(esp) => log.track(esp, item.side, item.payload_len, Mark::of(item)),
                None => log.track_cut(item.side, item.payload_len, Mark::of(item)),
            },
            Body::None => return,
        }
        if is_bare {
            self.table.charge_body();
        }
    }

    #[cold]
    fn icmp_error(&mut self, item: &Item<'_>, reached: &mut Vec<Arrival>) {
        reached.extend(Arrival::of(item));
        let flow = self.table.find(item);
        let (Some(number), Some(message)) = (flow, IcmpMessage::of(item)) else {
            self.counts.stray_icmp += 1;
            return;
        };
        let Some((_, detail)) = self.table.with_detail(number) else { return };
        let log = detail.icmp.get_or_insert_default();
        log.total += 1;
        if log.kept.len() < KEPT_ICMP {
            log.kept.push(IcmpRecord { mark: Mark::of(item), message, side: item.side });
        }
    }

    /// Every flow, in order of its first packet within the shard.
    pub fn flows(&self) -> impl Iterator<Item = FlowView<'_>> {
        self.table.iter().map(|(number, flow)| FlowView {
            flow,
            detail: self.table.detail(flow),
            endpoints: flow.key.endpoints(self.table.v6_addresses(number)),
        })
    }

    /// Flows given up for lack of memory.
    pub fn evicted(&self) -> Evicted {
        self.table.evicted
    }

    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no flow.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

/// Counts a datagram; the first message of IKE tells who the client is.
#[inline]
fn count_datagram(counts: &mut ShardCounts, flow: &mut Flow, side: Side, datagram: Datagram) {
    match datagram {
        Datagram::Ike(initiator) => {
            counts.ike += 1;
            match initiator {
                Some(Initiator::Sender) => flow.state.set_client(side, true),
                Some(Initiator::Receiver) => flow.state.set_client(side.other(), true),
                None => {}
            }
        }
        Datagram::Esp => counts.nat_t_esp += 1,
        Datagram::Keepalive => counts.nat_t_keepalives += 1,
        Datagram::Other => {}
    }
}

/// Who the client is, as the first packet tells, and whether that is certain.
fn first_guess(item: &Item<'_>, hints: &PortHints) -> (Side, bool) {
    if item.protocol == TCP && item.flags.opens() {
        return (item.side, true);
    }
    if item.protocol == TCP && item.flags.accepts() {
        return (item.side.other(), true);
    }
    let (source, destination) = item.ports;
    let matters = |port| hints.matters(item.protocol, port) || port == DNS_PORT && item.protocol == UDP;
    match (matters(source), matters(destination)) {
        (true, false) => (item.side.other(), false),
        (false, true) => (item.side, false),
        // Both or none: a well-known port is the server's, else who spoke first is the client.
        _ if source < 1024 && destination >= 1024 => (item.side.other(), false),
        _ => (item.side, false),
    }
}

/// Whether a flow without a detail should get one now.
#[inline]
fn deserves_detail(flow: &Flow, item: &Item<'_>, hints: &PortHints) -> bool {
    let is_answered = flow.packets[0] > 0 && flow.packets[1] > 0;
    match item.protocol {
        TCP => is_answered || item.payload_len > 0 || is_followed(item, hints),
        UDP if is_dns(item) => false,
        UDP => {
            is_answered
                || flow.packets[0] + flow.packets[1] > 1
                || is_followed(item, hints)
                || is_ipsec_port(item, hints)
        }
        ESP => true,
        _ => is_answered,
    }
}

/// Whether the flow uses a port that matters, so that all it shows is kept.
#[inline]
fn is_followed(item: &Item<'_>, hints: &PortHints) -> bool {
    uses_port_that_matters(item.protocol, item.ports, hints)
}

/// Whether one of the ports matters; ESP has none and always does.
#[inline]
fn uses_port_that_matters(protocol: u8, ports: (u16, u16), hints: &PortHints) -> bool {
    protocol == ESP || hints.matters(protocol, ports.0) || hints.matters(protocol, ports.1)
}

/// Whether what a TCP connection begins with matters on any port: a proxy's tunnel, IKE, or TLS, for the certificate may be a gateway's.
fn is_worth_following(spoken: Spoken, item: &Item<'_>) -> bool {
    let is_tunnel = || item.payload().starts_with(b"CONNECT ");
    item.protocol == TCP
        && (matches!(spoken, Spoken::IkeTcp | Spoken::TlsClient) || spoken == Spoken::HttpRequest && is_tunnel())
}

#[inline]
fn is_ipsec_port(item: &Item<'_>, hints: &PortHints) -> bool {
    hints.is_ike(item.ports.0) || hints.is_ike(item.ports.1)
}

/// Looks at the first payload of a side.
fn sniff_first(item: &Item<'_>, spoken: &mut Option<Spoken>) -> Option<Spoken> {
    if spoken.is_none() && item.payload_len > 0 {
        *spoken = match item.protocol {
            TCP => Some(sniff::tcp(item.payload())),
            UDP => Some(sniff::udp(item.payload(), item.payload_len as usize)),
            _ => None,
        };
    }
    *spoken
}

/// Frame numbers take four bytes in a flow: 4 G frames of at least 16 bytes each are a file of 64 GiB.
fn short(frame: u64) -> u32 {
    u32::try_from(frame).unwrap_or(u32::MAX)
}

impl Body {
    /// The body, made for the protocol where there is none.
    fn of(&mut self, protocol: u8) -> &mut Body {
        if matches!(self, Body::None) {
            *self = match protocol {
                TCP => Body::Tcp(Box::default()),
                UDP => Body::Udp(Box::default()),
                ESP => Body::Esp(Box::default()),
                _ => Body::None,
            };
        }
        self
    }
}
