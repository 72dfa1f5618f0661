//! The beginning of a conversation: the first bytes of each direction in order, until it is certain what they are.

use super::dns::is_dns;
use super::ike::{IkeLog, Seen};
use super::tls::{TlsFacts, Walk};
use super::{EspLog, Mark};
use crate::decode::{Item, Side};
use crate::proto::ike_tcp::{self, Frame};
use crate::proto::sniff::{self, Spoken};
use crate::proto::{dns, dtls, http, smtp};

/// Bytes of a direction that are looked at. A certificate chain of three with 4096-bit keys is about 6 KiB; whatever has not
/// shown itself within 16 KiB will not.
const MAX_HEAD: usize = 16 << 10;

/// With fewer bytes than this it is not certain what they are: a first segment may end within a word.
const TELLING: usize = 8;

/// Segments that are kept while one before them is missing.
const MAX_WAITING: usize = 8;

/// Refusals kept of a mail conversation: one ends it, a few recipients may be refused before.
const MAX_REFUSALS: usize = 4;

/// Datagrams of each side that are looked at: a DTLS handshake with a cookie has its hellos in the first two.
const MAX_DATAGRAMS: u8 = 4;

/// What the payload of a flow is, as far as it was read.
#[derive(Debug, Default)]
pub struct App {
    heads: [Head; 2],
    datagrams: [u8; 2],
    spoken: [Option<Spoken>; 2],
    walks: [Option<Box<Walk>>; 2],
    cut: [bool; 2],
    /// Messages of DNS over TCP that came with the last segment.
    dns: Vec<dns::Message>,
    /// What was readable of TLS or DTLS.
    pub tls: Option<Box<TlsFacts>>,
    /// What was readable of HTTP.
    pub http: Option<Box<Http>>,
    /// What was readable of mail submission.
    pub smtp: Option<Box<SmtpFacts>>,
    /// IKE messages in TCP (RFC 9329).
    pub ike: Option<Box<IkeLog>>,
    /// ESP in TCP (RFC 9329).
    pub esp: Option<Box<EspLog>>,
}

/// What was readable of mail submission.
#[derive(Debug, Default)]
pub struct SmtpFacts {
    /// The server's replies of 4xx and 5xx: code, text, where.
    pub refusals: Vec<(u16, String, Mark)>,
    /// Its replies in all.
    pub replies: usize,
    /// Whether it took a message: 354 (RFC 5321, 4.2.3).
    pub took_message: bool,
}

/// What was readable of HTTP.
#[derive(Debug, Default)]
pub struct Http {
    /// The first request.
    pub request: Option<(http::Request, Mark)>,
    /// The first response.
    pub response: Option<(http::Response, Mark)>,
}

impl App {
    /// What a side's first payload looks like; none where it sent none.
    pub fn spoken(&self, side: Side) -> Option<Spoken> {
        self.spoken[side.index()]
    }

    /// The name that the client asked for: SNI, else HTTP Host.
    pub fn server_name(&self) -> Option<&str> {
        let sni = self.tls.as_ref().and_then(|tls| tls.client_hello.as_ref()?.server_name.as_deref());
        sni.or_else(|| self.http.as_ref()?.request.as_ref()?.0.host.as_deref())
    }

    /// Takes in a TCP segment with payload; `start` is the first payload byte's sequence number, where the SYN was seen.
    pub(super) fn tcp_segment(&mut self, item: &Item<'_>, start: Option<u32>) {
        let at = item.side.index();
        if self.spoken[at].is_none() && start.is_none_or(|start| start == item.sequence) {
            self.spoken[at] = Some(sniff::tcp(item.payload()));
        }
        let is_cut = item.payload().len() < item.payload_len as usize;
        self.cut[at] |= is_cut;
        if is_cut && self.spoken.contains(&Some(Spoken::IkeTcp)) {
            self.read_cut_ike_tcp(item);
            return;
        }
        if is_cut && is_dns(item) {
            self.dns.extend(dns::parse_tcp(item.payload()));
            return;
        }
        if self.cut[at] && self.spoken[at] == Some(Spoken::Smtp) && smtp::is_reply(item.payload()) {
            self.smtp.get_or_insert_default().read_line(item.payload(), Mark::of(item));
        }
        if self.heads[at].done {
            self.walk(item);
            return;
        }
        if self.heads[at].push(item.sequence, start, item.payload()) {
            self.read(item);
        }
    }

    /// Follows the records of a TLS connection behind what was in clear.
    fn walk(&mut self, item: &Item<'_>) {
        let at = item.side.index();
        let (Some(walk), Some(facts)) = (&mut self.walks[at], &mut self.tls) else { return };
        let by_client = self.spoken[at] == Some(Spoken::TlsClient);
        if walk.feed(item, facts, by_client) {
            self.walks[at] = None;
        }
    }

    /// Reads what has come in order on the side of `item`.
    fn read(&mut self, item: &Item<'_>) {
        let (side, mark) = (item.side, Mark::of(item));
        if is_dns(item) && self.read_dns(side) {
            return;
        }
        let other = self.spoken[side.other().index()];
        let head = &self.heads[side.index()];
        let Some(spoken) = &mut self.spoken[side.index()] else { return };
        if *spoken == Spoken::Unknown {
            *spoken = sniff::tcp(&head.bytes);
        }
        let spoken = *spoken;
        let done = match spoken {
            Spoken::TlsClient | Spoken::TlsServer | Spoken::TlsAlert => {
                let facts = self.tls.get_or_insert_default();
                let in_clear = match spoken {
                    Spoken::TlsClient => facts.read_client(&head.bytes, side, mark),
                    _ => facts.read_server(&head.bytes, side, mark),
                };
                if !in_clear {
                    self.walks[side.index()] = Walk::behind(&head.bytes, head.base).map(Box::new);
                }
                !in_clear
            }
            Spoken::HttpRequest => {
                let request = http::Request::parse(&head.bytes);
                let whole = request.as_ref().is_some_and(|request| request.complete);
                self.http.get_or_insert_default().request(request, mark);
                whole
            }
            Spoken::HttpResponse => {
                let response = http::Response::parse(&head.bytes);
                let whole = response.as_ref().is_some_and(|response| response.complete);
                self.http.get_or_insert_default().response(response, mark);
                whole
            }
            Spoken::Smtp | Spoken::Text if smtp::is_reply(&head.bytes) => {
                self.smtp.get_or_insert_default().read(&head.bytes, mark);
                false
            }
            Spoken::IkeTcp => {
                self.read_ike_tcp(item);
                false
            }
            _ if other == Some(Spoken::IkeTcp) => {
                self.read_ike_tcp(item);
                false
            }
            Spoken::Unknown => head.bytes.len() >= TELLING,
            _ => true,
        };
        if done {
            self.heads[side.index()].finish();
        }
    }

    /// Reads the messages of DNS that have come whole, and the start of one that is longer than what is looked at. Whether it is DNS.
    fn read_dns(&mut self, side: Side) -> bool {
        let head = &mut self.heads[side.index()];
        let mut read = 0;
        let start = loop {
            let rest = head.bytes.get(read..).unwrap_or(&[]);
            match dns::start_of(rest) {
                dns::Start::Whole(message, len) => {
                    self.dns.push(message);
                    read += len;
                }
                dns::Start::Partial if rest.len() == MAX_HEAD => {
                    self.dns.extend(dns::parse_tcp(rest));
                    break dns::Start::Other;
                }
                start => break start,
            }
        };
        let spoken = &mut self.spoken[side.index()];
        let is_dns = !self.dns.is_empty() || *spoken == Some(Spoken::Dns);
        if is_dns {
            *spoken = Some(Spoken::Dns);
        }
        match start {
            // What follows cannot be told apart any more.
            dns::Start::Other if is_dns => head.finish(),
            _ => head.consume(read),
        }
        is_dns || start == dns::Start::Partial
    }

    /// Gives away the DNS messages that came with the last segment.
    pub(super) fn take_dns(&mut self) -> Vec<dns::Message> {
        std::mem::take(&mut self.dns)
    }

    /// Reads the messages of RFC 9329 that have come whole.
    fn read_ike_tcp(&mut self, item: &Item<'_>) {
        let head = &mut self.heads[item.side.index()];
        let mut frames = ike_tcp::frames(&head.bytes);
        let mut whole = frames.consumed();
        while let Some(frame) = frames.next() {
            let len = frames.consumed() - whole;
            if len == 0 {
                break;
            }
            whole = frames.consumed();
            track(&mut self.ike, &mut self.esp, frame, u32::try_from(len).unwrap_or(0), item);
        }
        head.consume(whole);
    }

    /// Reads a segment of which the capture holds only the start. It is believed where it holds exactly one message, as it mostly does.
    fn read_cut_ike_tcp(&mut self, item: &Item<'_>) {
        let prefix = if item.payload().starts_with(ike_tcp::PREFIX) { ike_tcp::PREFIX.len() } else { 0 };
        let length = item.payload().get(prefix..).and_then(|message| message.first_chunk::<2>());
        if length.map(|length| usize::from(u16::from_be_bytes(*length)) + prefix) != Some(item.payload_len as usize) {
            return;
        }
        if let Some(frame) = ike_tcp::frames(item.payload()).next() {
            track(&mut self.ike, &mut self.esp, frame, item.payload_len, item);
        }
    }

    /// Whether it is TLS and all that its server says in clear was read, be it what it may.
    pub(super) fn has_greeted(&self) -> bool {
        let Some(client) = self.spoken.iter().position(|spoken| *spoken == Some(Spoken::TlsClient)) else {
            return false;
        };
        match self.spoken[1 - client] {
            None => false,
            Some(Spoken::TlsServer) => {
                self.heads[1 - client].done || self.tls.as_ref().is_some_and(|tls| tls.certificate.is_some())
            }
            Some(_) => true,
        }
    }

    /// Forgets the bytes that were kept for reading on.
    pub(super) fn stop_reading(&mut self) {
        self.heads.iter_mut().for_each(Head::finish);
        self.walks = [None, None];
    }

    /// Whether the capture lacks the end of a segment of that side.
    pub fn is_cut(&self, side: Side) -> bool {
        self.cut[side.index()]
    }

    /// Whether a side's stream could not be read on behind a gap, so that what is missing in it proves nothing.
    pub fn is_stuck(&self, side: Side) -> bool {
        self.heads[side.index()].is_stuck()
    }

    /// Takes in a UDP datagram.
    pub(super) fn datagram(&mut self, item: &Item<'_>) {
        let at = item.side.index();
        if self.datagrams[at] == MAX_DATAGRAMS {
            return;
        }
        self.datagrams[at] += 1;
        let spoken = sniff::udp(item.payload(), item.payload_len as usize);
        self.spoken[at].get_or_insert(spoken);
        if spoken == Spoken::Dtls {
            self.dtls(item.payload(), item);
        }
    }

    /// Takes in a whole UDP datagram of which the first fragment was taken in before.
    pub(super) fn complete_datagram(&mut self, item: &Item<'_>) {
        if sniff::udp(item.payload(), item.payload_len as usize) != Spoken::Dtls {
            return;
        }
        if let Some(facts) = &mut self.tls
            && facts.client_hello.as_ref().is_some_and(|hello| !hello.complete)
        {
            facts.client_hello = None;
        }
        self.dtls(item.payload(), item);
    }

    fn dtls(&mut self, payload: &[u8], item: &Item<'_>) {
        let facts = self.tls.get_or_insert_default();
        match dtls::parse(payload, item.payload_len as usize) {
            Some(dtls::Dtls::ClientHello(hello)) => {
                facts.client_hello.get_or_insert(hello);
            }
            Some(dtls::Dtls::ServerHello(hello)) => {
                facts.server_hello.get_or_insert(hello);
            }
            Some(dtls::Dtls::Alert(alert)) => {
                facts.alert.get_or_insert((alert, item.side, Mark::of(item)));
            }
            _ => {}
        }
    }
}

/// Takes in a message of RFC 9329, of which the last byte stands in `item`; `len` counts its length field too.
fn track(ike: &mut Option<Box<IkeLog>>, esp: &mut Option<Box<EspLog>>, frame: Frame<'_>, len: u32, item: &Item<'_>) {
    let (side, mark) = (item.side, Mark::of(item));
    match frame {
        Frame::Ike(header, bytes) => ike.get_or_insert_default().track(Seen {
            header,
            bytes,
            side,
            mark,
            len: header.length,
            ip_fragmented: false,
            marker: true,
        }),
        Frame::Esp(packet) => {
            esp.get_or_insert_default().track(packet, side, len.saturating_sub(ike_tcp::LENGTH_LEN as u32), mark);
        }
        Frame::Partial | Frame::Junk => {}
    }
}

impl Http {
    /// Takes in the first request as far as it has come; its mark is that of the segment that it ends in.
    fn request(&mut self, request: Option<http::Request>, mark: Mark) {
        self.request = request.map(|request| (request, mark));
    }

    /// The same of the first response.
    fn response(&mut self, response: Option<http::Response>, mark: Mark) {
        self.response = response.map(|response| (response, mark));
    }
}

impl SmtpFacts {
    /// Takes in a reply of which the start is there, where the stream before it was cut.
    fn read_line(&mut self, line: &[u8], mark: Mark) {
        if let Some(reply) = smtp::replies(line).next() {
            self.take(reply, mark);
        }
    }

    /// Takes in the server's stream, which has grown by the segment at `mark`.
    fn read(&mut self, stream: &[u8], mark: Mark) {
        let known = self.replies;
        for reply in smtp::replies(stream).skip(known) {
            self.replies += 1;
            self.take(reply, mark);
        }
    }

    fn take(&mut self, reply: smtp::Reply, mark: Mark) {
        self.took_message |= reply.code == 354;
        if reply.code >= 400 && self.refusals.len() < MAX_REFUSALS {
            self.refusals.push((reply.code, reply.text, mark));
        }
    }
}

/// The first bytes of one direction, in order.
#[derive(Debug, Default)]
struct Head {
    bytes: Vec<u8>,
    /// The sequence number of the first byte.
    base: Option<u32>,
    waiting: Vec<(u32, Box<[u8]>)>,
    done: bool,
}

impl Head {
    /// Takes in a segment. Whether more bytes stand in order than before. Of overlapping bytes the first ones count.
    fn push(&mut self, sequence: u32, start: Option<u32>, payload: &[u8]) -> bool {
        let base = *self.base.get_or_insert(start.unwrap_or(sequence));
        let before = self.bytes.len();
        self.append(sequence.wrapping_sub(base), payload);
        if self.bytes.len() > before {
            while let Some(at) = self.waiting.iter().position(|(offset, _)| *offset as usize <= self.bytes.len()) {
                let (offset, bytes) = self.waiting.swap_remove(at);
                self.append(offset, &bytes);
            }
        }
        self.bytes.len() > before
    }

    fn append(&mut self, offset: u32, payload: &[u8]) {
        let offset = offset as usize;
        if offset > MAX_HEAD {
            return;
        }
        match self.bytes.len().checked_sub(offset) {
            Some(known) => {
                let new = payload.get(known..).unwrap_or(&[]);
                let room = MAX_HEAD - self.bytes.len();
                self.bytes.extend_from_slice(new.get(..room).unwrap_or(new));
            }
            None if self.waiting.len() < MAX_WAITING => self.waiting.push((offset as u32, payload.into())),
            None => {}
        }
    }

    /// Forgets bytes that were read: a stream of messages has no end.
    fn consume(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
        let passed = u32::try_from(count).unwrap_or(0);
        self.base = self.base.map(|base| base.wrapping_add(passed));
        self.waiting.iter_mut().for_each(|(offset, _)| *offset = offset.wrapping_sub(passed));
    }

    /// Whether segments wait for one that does not come.
    fn is_stuck(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    fn finish(&mut self) {
        *self = Head { done: true, ..Head::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn segments_come_in_order_whatever_their_order() {
        let mut head = Head::default();
        assert!(!head.push(1006, Some(1000), b"world"));
        assert!(head.push(1000, Some(1000), b"hello "));
        assert_eq!(head.bytes, b"hello world");
        assert!(!head.push(1000, Some(1000), b"HELLO "), "the first bytes count");
        assert!(head.push(1009, Some(1000), b"ld!"));
        assert_eq!(head.bytes, b"hello world!");
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut head = Head::default();
        assert!(head.push(u32::MAX, Some(u32::MAX), b"ab"));
        assert!(head.push(1, Some(u32::MAX), b"c"));
        assert_eq!(head.bytes, b"abc");
    }

    #[test]
    fn the_bound_holds() {
        let mut head = Head::default();
        for at in 0..100u32 {
            head.push(at * 1000, Some(0), &[0; 1000]);
        }
        assert_eq!(head.bytes.len(), super::MAX_HEAD);
        for at in 0..100u32 {
            head.push(1_000_000 + at * 2000, Some(0), &[0; 1000]);
        }
        assert!(head.waiting.len() <= super::MAX_WAITING);
    }
}
