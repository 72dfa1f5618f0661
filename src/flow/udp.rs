//! UDP (RFC 768): requests and replies, and what stands inside: IKE and ESP in UDP (RFC 3948), DTLS, and the rest by its
//! first payload.

use super::head::App;
use super::ike::{IkeLog, Seen, digest};
use super::{EspLog, Mark, Marks};
use crate::decode::{Item, Side};
use crate::proto::ike::exchange::v1;
use crate::proto::ike::payload::kind;
use crate::proto::ike::{Header, Payload, payloads};
use crate::proto::nat_t::{self, NatT};

/// Bytes by which a datagram is compared with the one before: requests count or are encrypted from their start.
const COMPARED: usize = 64;

/// What one side of a UDP flow sent.
#[derive(Debug, Default)]
pub struct UdpHalf {
    /// Its datagrams.
    pub packets: Marks,
    /// Its datagrams since the other side last sent one.
    pub unanswered: Marks,
    /// Its datagrams with the payload of the one before.
    pub same: Marks,
    /// Payload of its largest datagram in bytes.
    pub largest: u32,
    digest: u64,
}

/// What a UDP flow showed.
#[derive(Debug, Default)]
pub struct Udp {
    halves: [UdpHalf; 2],
    /// IKE messages.
    pub ike: Option<Box<IkeLog>>,
    /// ESP in UDP.
    pub esp: Option<Box<EspLog>>,
    /// NAT keepalives, by side.
    pub keepalives: [Marks; 2],
    /// Datagrams on a NAT-T port that are neither IKE, ESP nor keepalives, by side.
    pub junk: [Marks; 2],
    app: Option<Box<App>>,
}

/// What a datagram turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datagram {
    /// An IKE message, and whether its sender started the IKE SA, where the header says.
    Ike(Option<Initiator>),
    Esp,
    Keepalive,
    Other,
}

/// Whether the sender of an IKE message is the initiator of its IKE SA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Initiator {
    Sender,
    Receiver,
}

impl Udp {
    /// What a side sent.
    pub fn half(&self, side: Side) -> &UdpHalf {
        &self.halves[side.index()]
    }

    /// What the payload is, as far as it was read.
    pub fn app(&self) -> Option<&App> {
        self.app.as_deref()
    }

    /// Makes up for datagrams that went by before the flow was followed.
    pub(super) fn sent_before(&mut self, side: Side, first: Mark) {
        self.halves[side.index()].packets.push(first);
        self.halves[side.index()].unanswered.push(first);
    }

    /// Whether anything of IPsec was in it.
    pub fn is_ipsec(&self) -> bool {
        self.ike.is_some() || self.esp.is_some() || self.keepalives.iter().any(|marks| !marks.is_empty())
    }

    /// Takes in one datagram. `ipsec` says that IKE or ESP in UDP is spoken on its port.
    pub(super) fn track(&mut self, item: &Item<'_>, ipsec: bool) -> Datagram {
        let mark = Mark::of(item);
        let datagram = if ipsec || self.ike.is_some() {
            self.ipsec(item, mark)
        } else {
            self.plain(item);
            Datagram::Other
        };
        // A keepalive is never answered (RFC 3948): it is no request.
        if datagram != Datagram::Keepalive {
            let [own, other] = match item.side {
                Side::Low => [0, 1],
                Side::High => [1, 0],
            };
            self.halves[own].packets.push(mark);
            self.halves[own].unanswered.push(mark);
            if datagram == Datagram::Other {
                let payload = item.payload();
                let digest = digest(payload.get(..COMPARED).unwrap_or(payload)) ^ u64::from(item.payload_len);
                if self.halves[own].packets.count() > 1 && digest == self.halves[own].digest {
                    self.halves[own].same.push(mark);
                }
                self.halves[own].digest = digest;
            }
            self.halves[own].largest = self.halves[own].largest.max(item.payload_len);
            if !self.halves[other].unanswered.is_empty() {
                self.halves[other].unanswered.clear();
            }
        }
        datagram
    }

    /// Takes in a whole datagram of which the first fragment, at `begun`, was taken in before: only what that did not show is new.
    pub(super) fn complete(&mut self, item: &Item<'_>, ipsec: bool, begun: Mark) -> Datagram {
        if (ipsec || self.ike.is_some())
            && let NatT::Ike(header, message) = recognise(item.payload(), item.payload_len as usize, item.ports)
        {
            let mut seen = seen(item, header, message, begun);
            seen.ip_fragmented = true;
            let log = self.ike.get_or_insert_default();
            if !log.complete(&seen, begun) {
                log.track(seen);
                return Datagram::Ike(initiator(&header, message));
            }
        } else if let Some(app) = &mut self.app {
            app.complete_datagram(item);
        }
        Datagram::Other
    }

    fn ipsec(&mut self, item: &Item<'_>, mark: Mark) -> Datagram {
        match recognise(item.payload(), item.payload_len as usize, item.ports) {
            NatT::Ike(header, message) => self.ike(item, header, message, mark),
            NatT::Esp(esp) => {
                self.esp.get_or_insert_default().track(esp, item.side, item.payload_len, mark);
                Datagram::Esp
            }
            NatT::Keepalive => {
                self.keepalives[item.side.index()].push(mark);
                Datagram::Keepalive
            }
            NatT::Junk => {
                self.junk[item.side.index()].push(mark);
                self.plain(item);
                Datagram::Other
            }
        }
    }

    fn ike(&mut self, item: &Item<'_>, header: Header, message: &[u8], mark: Mark) -> Datagram {
        self.ike.get_or_insert_default().track(seen(item, header, message, mark));
        Datagram::Ike(initiator(&header, message))
    }

    fn plain(&mut self, item: &Item<'_>) {
        self.app.get_or_insert_default().datagram(item);
    }
}

fn seen<'a>(item: &Item<'a>, header: Header, message: &'a [u8], mark: Mark) -> Seen<'a> {
    Seen {
        header,
        bytes: message,
        side: item.side,
        mark,
        len: header.length,
        ip_fragmented: item.first_fragment,
        marker: message.len() < item.payload().len(),
    }
}

fn initiator(header: &Header, message: &[u8]) -> Option<Initiator> {
    match (header.is_v2(), header.from_initiator()) {
        (true, true) => Some(Initiator::Sender),
        (true, false) => Some(Initiator::Receiver),
        (false, _) if header.responder_spi == 0 => Some(Initiator::Sender),
        // The SA payload stands in the first message of each side, and the responder's has both cookies (RFC 2409, 5).
        (false, _) if matches!(header.exchange, v1::MAIN | v1::AGGRESSIVE) => {
            let offers = |payload: Payload<'_>| payload.kind == kind::v1::SA && !payload.encrypted;
            payloads(header, message).any(offers).then_some(Initiator::Receiver)
        }
        (false, _) => None,
    }
}

/// What a datagram is where IKE and ESP in UDP are spoken. On port 500 there is no marker and no ESP (RFC 7296, 2.23): what
/// is no IKE message there is junk.
pub(super) fn recognise(payload: &[u8], wire_len: usize, ports: (u16, u16)) -> NatT<'_> {
    if let Some(header) = Header::parse(payload, wire_len) {
        return NatT::Ike(header, payload);
    }
    match nat_t::classify(payload, wire_len) {
        NatT::Esp(_) | NatT::Keepalive if ports.0 == 500 || ports.1 == 500 => NatT::Junk,
        other => other,
    }
}
