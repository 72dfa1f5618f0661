//! The ladder of one IKE SA: its exchanges in order, over every port and way that it moved to.

use std::collections::BTreeMap;

use super::conversation::Sent;
use super::sizes;
use crate::flow::{Mark, Marks};
use crate::profile::Speaks;
use crate::proto::ike::Suite;
use crate::proto::ike::exchange::{v1, v2};
use crate::proto::ike::payload::kind;
use crate::verdict::tcp;

/// All messages under one initiator SPI. A repetition keeps the SPI, a new attempt has a new one (RFC 7296, 2.6).
pub(super) struct IkeSa<'a> {
    /// In order of their first sending.
    pub(super) messages: Vec<Sent<'a>>,
}

/// One IKEv2 request with its answer (RFC 7296, 2.1 and 2.2). Both may come in fragments.
pub(super) struct Exchange<'a> {
    pub(super) kind: u8,
    pub(super) id: u32,
    pub(super) by_client: bool,
    pub(super) requests: Vec<Sent<'a>>,
    pub(super) responses: Vec<Sent<'a>>,
}

impl<'a> IkeSa<'a> {
    /// The SAs of messages that stand in order.
    pub(super) fn all(messages: &[Sent<'a>]) -> Vec<IkeSa<'a>> {
        let mut all: Vec<IkeSa<'a>> = Vec::new();
        let mut places: BTreeMap<u64, usize> = BTreeMap::new();
        for sent in messages {
            let place = *places.entry(sent.message.header.initiator_spi).or_insert(all.len());
            match all.get_mut(place) {
                Some(sa) => sa.messages.push(*sent),
                None => all.push(IkeSa { messages: vec![*sent] }),
            }
        }
        all
    }

    pub(super) fn is_v2(&self) -> bool {
        self.messages.first().is_some_and(|sent| sent.message.header.is_v2())
    }

    /// Whether the gateway ever answered.
    pub(super) fn is_answered(&self) -> bool {
        self.messages.iter().any(|sent| !sent.from_client)
    }

    /// Whether its set-up was captured: the client's first message, which has no responder SPI.
    pub(super) fn begins_here(&self) -> bool {
        self.messages.iter().any(|sent| sent.from_client && sent.message.header.responder_spi == 0)
    }

    /// Whether any of its set-up was captured, so that it can be asked how far that came.
    pub(super) fn shows_set_up(&self) -> bool {
        self.messages.iter().any(|sent| {
            let header = &sent.message.header;
            if header.is_v2() {
                matches!(header.exchange, v2::IKE_SA_INIT | v2::IKE_AUTH)
            } else {
                matches!(header.exchange, v1::MAIN | v1::AGGRESSIVE | v1::TRANSACTION | v1::QUICK)
            }
        })
    }

    /// IKEv2: the client's own DELETE, where the SA ends with it.
    pub(super) fn deleted_by_client(&self) -> Option<Marks> {
        let exchanges = if self.is_v2() { self.exchanges() } else { Vec::new() };
        let last = exchanges.last()?;
        (last.by_client && last.kind == v2::INFORMATIONAL && last.asks() == Some(kind::v2::DELETE)).then(|| last.sent())
    }

    /// The algorithms that the gateway chose.
    pub(super) fn suite(&self) -> Option<Suite> {
        self.messages.iter().filter(|sent| !sent.from_client).find_map(|sent| sent.message.clear.suite)
    }

    /// Its messages from one end.
    pub(super) fn from(&self, client: bool) -> impl Iterator<Item = &Sent<'a>> {
        self.messages.iter().filter(move |sent| sent.from_client == client)
    }

    /// The ports that the client sent it from.
    pub(super) fn client_ports(&self) -> impl Iterator<Item = u16> {
        self.from(true).map(|sent| sent.client_port)
    }

    /// Its last packet, repetitions included.
    pub(super) fn last(&self) -> Option<Mark> {
        self.messages.iter().filter_map(|sent| sent.marks().last()).max()
    }

    /// IKEv2: its exchanges, in order of their first request. The first exchange may have several rounds (cookie, another
    /// group); it counts as one here.
    pub(super) fn exchanges(&self) -> Vec<Exchange<'a>> {
        let mut all: Vec<Exchange<'a>> = Vec::new();
        for sent in &self.messages {
            let header = &sent.message.header;
            let by_client = sent.from_client != header.is_response();
            let known = all.iter_mut().find(|exchange| {
                (exchange.kind, exchange.id, exchange.by_client) == (header.exchange, header.message_id, by_client)
            });
            let exchange = match known {
                Some(exchange) => exchange,
                None => {
                    all.push(Exchange {
                        kind: header.exchange,
                        id: header.message_id,
                        by_client,
                        requests: Vec::new(),
                        responses: Vec::new(),
                    });
                    let Some(exchange) = all.last_mut() else { continue };
                    exchange
                }
            };
            let list = if header.is_response() { &mut exchange.responses } else { &mut exchange.requests };
            list.push(*sent);
        }
        all
    }
}

impl<'a> Exchange<'a> {
    pub(super) fn is_answered(&self) -> bool {
        !self.responses.is_empty()
    }

    /// Whether the first exchange was answered with a wish (a cookie, another group), and the request that fulfils it was not.
    pub(super) fn awaits_another_round(&self) -> bool {
        let answered = self.responses.iter().filter_map(|sent| sent.marks().last()).max();
        let again = |at: Mark| self.requests.last().is_some_and(|sent| sent.is_after(at));
        self.kind == v2::IKE_SA_INIT && answered.is_some_and(again)
    }

    /// The kind of the request's first encrypted payload.
    pub(super) fn asks(&self) -> Option<u8> {
        self.requests.iter().find_map(Sent::inner)
    }

    /// The kind of the answer's first encrypted payload.
    pub(super) fn answers(&self) -> Option<u8> {
        self.responses.iter().find_map(Sent::inner)
    }

    /// The most bytes of payloads that the answer may hold.
    pub(super) fn answer_content(&self, suite: &Suite) -> Option<usize> {
        sizes::content_at_most(&self.responses, suite)
    }

    /// Every sending of the request, of its first fragment where it has several.
    pub(super) fn sent(&self) -> Marks {
        sendings(&self.requests, self.kind)
    }

    /// Every sending of the answer, likewise.
    pub(super) fn answered(&self) -> Marks {
        sendings(&self.responses, self.kind)
    }

    /// The request's way: that of its last sending.
    pub(super) fn way(&self) -> Option<Speaks> {
        self.requests.iter().max_by_key(|sent| sent.marks().last()).map(|sent| sent.speaks)
    }

    /// The answer's first packet.
    pub(super) fn answered_at(&self) -> Option<Mark> {
        self.responses.iter().filter_map(|sent| sent.marks().first()).min()
    }

    /// The request's first packet.
    pub(super) fn began(&self) -> Option<Mark> {
        self.requests.iter().filter_map(|sent| sent.marks().first()).min()
    }

    /// Whether the answer is a lone notify: refused, or told to ask otherwise.
    pub(super) fn is_answered_by_notify(&self) -> bool {
        self.answers() == Some(kind::v2::NOTIFY)
    }

    /// `IKE_AUTH request`.
    pub(super) fn label(&self) -> String {
        self.requests.first().map_or_else(|| "request".to_owned(), Sent::label)
    }
}

fn sendings(messages: &[Sent<'_>], kind: u8) -> Marks {
    if kind == v2::IKE_SA_INIT {
        // The rounds of the first exchange differ; the last is what waits for an answer.
        return messages.last().map(|sent| sent.marks().clone()).unwrap_or_default();
    }
    let first_fragments =
        messages.iter().filter(|sent| sent.message.clear.fragment.is_none_or(|part| part.number == 1));
    let sent = tcp::merge(first_fragments.map(Sent::marks));
    if sent.is_empty() { tcp::merge(messages.iter().take(1).map(Sent::marks)) } else { sent }
}
