//! TCP (RFC 9293): attempts, answers, acknowledgements, repetitions, resets.

use super::head::App;
use super::{Mark, Marks};
use crate::decode::{Item, Side, TcpHeader};
use crate::proto::dns::Message;
use crate::time::Span;

/// Resets kept per connection: enough for a client that answers each of three forged ones.
const KEPT_RESETS: usize = 8;

/// What one side of a connection showed.
#[derive(Debug, Default)]
pub struct Half {
    /// Its SYNs, or its SYN-ACKs.
    pub opening: Marks,
    /// Segments with payload, repetitions included.
    pub data_packets: u64,
    /// Payload bytes, repetitions included.
    pub payload_bytes: u64,
    /// Segments that repeat bytes seen before; a SYN sent again counts.
    pub retransmitted: u64,
    /// Those among them that repeat only what the other side had acknowledged in the capture: nothing was lost but time or an
    /// acknowledgement (RFC 3522).
    pub spurious: u64,
    /// Where the others are; those of a SYN left out.
    pub sent_again: Marks,
    /// Bytes that the capture lacks in front of a segment.
    pub gap_bytes: u64,
    /// The first segment with payload.
    pub first_data: Option<Mark>,
    /// The last segment with payload.
    pub last_data: Option<Mark>,
    /// The first segment with payload since the other side last acknowledged something new; none where all is acknowledged.
    pub pending: Option<Mark>,
    /// Repetitions since then.
    pub repeats: Marks,
    /// Payload of the last of these in bytes.
    pub repeated_len: u32,
    /// Where it last sent less of what it had repeated, as a stack does that suspects the path's MTU (RFC 4821).
    pub shrunk: Option<Box<Shrunk>>,
    /// The other side's packet that acknowledges something behind what is repeated (RFC 2018): small segments pass.
    pub sacked: Option<Mark>,
    /// Its FIN.
    pub fin: Option<Mark>,
    /// Its last packet that was no reset.
    pub last: Option<Mark>,
    /// Its packets that acknowledge bytes of the other side which the capture lacks.
    pub acks_of_unseen: Marks,
    /// Payload of its largest segment in bytes.
    pub largest_segment: u32,
    /// Its packets after a reset in its name that were no resets: proof that it did not send that one.
    pub after_reset: Marks,
    /// Its receive window, where it was last closed: what is sent to it then is not lost.
    pub closed: Option<Box<ClosedWindow>>,
    /// Whether its SYN or SYN-ACK offered timestamps (RFC 7323).
    timestamps: bool,
    /// The sequence number of the last repetition.
    repeated_from: Option<u32>,
    initial: Option<u32>,
    next: Option<u32>,
    acked: Option<u32>,
}

/// A receive window of 0: the program behind it does not read. The other side may only probe it (RFC 9293, 3.8.6.1).
#[derive(Debug, Default)]
pub struct ClosedWindow {
    /// Packets that say so.
    pub said: Marks,
    /// The first one behind them that says otherwise.
    pub reopened: Option<Mark>,
    /// Whether the other side sent data since the last of them: what follows without an answer is no probe of a live end.
    probed: bool,
}

/// Data that was sent again and again, and then in a smaller segment.
#[derive(Debug)]
pub struct Shrunk {
    /// Payload of the large segment in bytes.
    pub large: u32,
    /// Its repetitions.
    pub repeats: Marks,
    /// Payload of the smaller segment in bytes.
    pub small: u32,
    /// Where that is.
    pub mark: Mark,
    /// The first acknowledgement of something new since then.
    pub acknowledged: Option<Mark>,
}

/// A packet with RST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Where it stands.
    pub mark: Mark,
    /// In whose name it was sent.
    pub side: Side,
    /// Time to live.
    pub ttl: u8,
    /// IPv4 identification.
    pub ip_id: Option<u16>,
    /// Whether it acknowledges nothing: what a host sends for a connection that it does not know (RFC 9293, 3.10.7.1).
    pub bare: bool,
    /// Whether it answers a SYN: RST and ACK before anything else of that side.
    pub to_syn: bool,
    /// Whether timestamps were negotiated and it has none. Stacks leave them out of some resets, so this is only a sign.
    pub lacks_timestamps: bool,
    /// Time since the last packet of the other side.
    pub after_other: Option<Span>,
    /// Whether its sequence number is the next one expected of that side; none where that is not known.
    pub at_edge: Option<bool>,
}

/// What a TCP connection showed.
#[derive(Debug, Default)]
pub struct Tcp {
    halves: [Half; 2],
    resets: Vec<Reset>,
    /// How many resets there were.
    pub resets_total: u64,
    /// From the last SYN to the acknowledgement of the SYN-ACK.
    pub rtt: Option<Span>,
    /// Whether it was followed only from its first data on.
    joined_late: bool,
    app: Option<Box<App>>,
}

impl Tcp {
    /// What a side showed.
    pub fn half(&self, side: Side) -> &Half {
        &self.halves[side.index()]
    }

    /// The first resets.
    pub fn resets(&self) -> &[Reset] {
        &self.resets
    }

    /// What the payload is, as far as it was read.
    pub fn app(&self) -> Option<&App> {
        self.app.as_deref()
    }

    /// Whether the connection was opened: SYN, SYN-ACK and an answer to that, or data both ways where the set-up was missed.
    pub fn is_open(&self) -> bool {
        self.rtt.is_some() || self.halves.iter().all(|half| half.data_packets > 0)
    }

    /// Whether the capture lacks some of the connection: bytes behind which a segment stands, or that the other side acknowledged. Then
    /// nothing follows from what is not there.
    pub fn has_gaps(&self) -> bool {
        self.halves.iter().any(|half| half.gap_bytes > 0 || !half.acks_of_unseen.is_empty())
    }

    /// Whether a SYN of the client and no SYN-ACK was seen.
    pub fn saw_opening(&self) -> bool {
        self.halves.iter().any(|half| !half.opening.is_empty())
    }

    /// Whether it is TLS and all that its server says in clear was read.
    pub(super) fn has_greeted(&self) -> bool {
        self.app.as_ref().is_some_and(|app| app.has_greeted())
    }

    /// Forgets the bytes that were kept for reading on.
    pub(super) fn stop_reading(&mut self) {
        if let Some(app) = &mut self.app {
            app.stop_reading();
        }
    }

    /// IKE messages in it, repetitions included.
    pub(super) fn ike_total(&self) -> u64 {
        self.app().and_then(|app| app.ike.as_ref()).map_or(0, |ike| ike.total)
    }

    /// DNS messages that came with the last segment, given away.
    pub(super) fn take_dns(&mut self) -> Vec<Message> {
        self.app.as_mut().map_or_else(Vec::new, |app| app.take_dns())
    }

    /// Whether `item` is the SYN of another connection that reuses the ports of this one.
    pub(super) fn is_reopened_by(&self, item: &Item<'_>) -> bool {
        item.flags.opens()
            && self.is_open()
            && self.half(item.side).initial.is_some_and(|initial| initial != item.sequence)
    }

    /// Makes up for a SYN that went by before the connection was followed.
    /// The answer to it went by too: what is acknowledged first is nothing that the capture lacks.
    pub(super) fn opened_before(&mut self, side: Side, syn: Mark) {
        self.halves[side.index()].opening.push(syn);
        self.joined_late = true;
    }

    /// Takes in one packet.
    pub(super) fn track(&mut self, item: &Item<'_>) {
        // It may have been a SYN, a reset, or anything.
        if !item.has_tcp_flags() {
            return;
        }
        let mark = Mark::of(item);
        let side = item.side;
        if item.flags.rst() {
            self.reset(item, mark);
            return;
        }
        let header = item.tcp();
        if item.flags.syn() {
            self.open(item, mark, header.map_or(&[], |header| header.options));
        }
        if item.flags.ack()
            && let Some(header) = header
        {
            self.acknowledge(item, header, mark);
        }
        let reset_before = self.resets.iter().any(|reset| reset.side == side);
        let [half, other] = both(&mut self.halves, side);
        half.last = Some(mark);
        if reset_before && !item.flags.syn() {
            half.after_reset.push(mark);
        }
        if item.payload_len > 0 || item.flags.fin() {
            half.advance(item, mark, other);
        }
        if item.payload_len > 0 {
            self.read(item);
        }
    }

    fn open(&mut self, item: &Item<'_>, mark: Mark, options: &[u8]) {
        // Its acknowledgement stood before it in the file: nothing is missing.
        let [half, other] = both(&mut self.halves, item.side);
        if half.opening.is_empty() && half.next == Some(item.sequence.wrapping_add(1)) {
            other.acks_of_unseen.clear();
        }
        let half = &mut self.halves[item.side.index()];
        if !half.opening.is_empty() {
            half.retransmitted += 1;
        }
        half.opening.push(mark);
        half.timestamps |= has_option(options, TIMESTAMPS);
        half.initial = Some(item.sequence);
        let next = item.sequence.wrapping_add(1);
        if half.next.is_none_or(|known| is_before(known, next) || half.data_packets == 0) {
            half.next = Some(next);
        }
    }

    fn acknowledge(&mut self, item: &Item<'_>, header: TcpHeader<'_>, mark: Mark) {
        let [own, other] = both(&mut self.halves, item.side);
        let acknowledgement = header.acknowledgement;
        if self.rtt.is_none()
            && !item.flags.syn()
            && !other.opening.is_empty()
            && let Some(syn) = own.opening.last()
            && other.initial.is_some_and(|initial| initial.wrapping_add(1) == acknowledgement)
        {
            self.rtt = Some(mark.time - syn.time);
        }
        match other.next {
            Some(next) if is_before(next, acknowledgement) => {
                own.acks_of_unseen.push(mark);
                other.gap_bytes += u64::from(acknowledgement.wrapping_sub(next));
                other.next = Some(acknowledgement);
            }
            // The SYN went by before the connection was followed, or the set-up before the capture began.
            None if !other.opening.is_empty() || own.opening.is_empty() || self.joined_late => {
                other.next = Some(acknowledgement);
                if item.flags.accepts() {
                    other.initial = Some(acknowledgement.wrapping_sub(1));
                }
            }
            None => {
                own.acks_of_unseen.push(mark);
                other.next = Some(acknowledgement);
            }
            _ => {}
        }
        if other.acked.is_none_or(|acked| is_before(acked, acknowledgement)) {
            other.acked = Some(acknowledgement);
            if let Some(shrunk) = &mut other.shrunk {
                shrunk.acknowledged.get_or_insert(mark);
            }
            other.repeats.clear();
            other.sacked = None;
            if other.next == Some(acknowledgement) {
                other.pending = None;
            } else if other.pending.is_some() {
                other.pending = other.last_data;
            }
        }
        if other.pending.is_some() && has_option(header.options, SACK) {
            other.sacked = Some(mark);
        }
        if header.window == 0 && !item.flags.syn() {
            own.close_window(mark);
            other.repeats.clear();
        } else if let Some(closed) = &mut own.closed {
            closed.reopened.get_or_insert(mark);
        }
    }

    fn reset(&mut self, item: &Item<'_>, mark: Mark) {
        self.resets_total += 1;
        if self.resets.len() == KEPT_RESETS {
            return;
        }
        let [own, other] = both(&mut self.halves, item.side);
        let to_syn = item.flags.ack() && own.last.is_none() && !other.opening.is_empty() && other.data_packets == 0;
        self.resets.push(Reset {
            mark,
            side: item.side,
            ttl: item.ttl(),
            ip_id: item.ip_id(),
            bare: !item.flags.ack(),
            to_syn,
            lacks_timestamps: own.timestamps
                && other.timestamps
                && item.tcp().is_some_and(|tcp| !tcp.options_cut && !has_option(tcp.options, TIMESTAMPS)),
            after_other: other.last.map(|last| mark.time - last.time),
            at_edge: own.next.map(|next| next == item.sequence),
        });
    }

    fn read(&mut self, item: &Item<'_>) {
        let initial = self.halves[item.side.index()].initial;
        let app = self.app.get_or_insert_default();
        app.tcp_segment(item, initial.map(|initial| initial.wrapping_add(1)));
    }
}

impl Half {
    /// Whether the other side acknowledged any payload of this one.
    pub fn was_acknowledged(&self) -> bool {
        match (self.acked, self.initial) {
            (Some(acked), Some(initial)) => acked.wrapping_sub(initial) > 1 && is_before(initial, acked),
            (Some(_), None) => self.pending.is_none(),
            _ => false,
        }
    }

    fn close_window(&mut self, mark: Mark) {
        if self.closed.as_ref().is_none_or(|closed| closed.reopened.is_some()) {
            self.closed = Some(Box::default());
        }
        if let Some(closed) = &mut self.closed {
            closed.said.push(mark);
            closed.probed = false;
        }
    }

    /// Whether data that comes now meets a closed window, and nothing has come since it was last said to be closed.
    fn is_probed(&mut self) -> bool {
        let closed = self.closed.as_mut().filter(|closed| closed.reopened.is_none());
        closed.is_some_and(|closed| !std::mem::replace(&mut closed.probed, true))
    }

    fn advance(&mut self, item: &Item<'_>, mark: Mark, other: &mut Half) {
        let len = item.payload_len.wrapping_add(u32::from(item.flags.fin()));
        let start = item.sequence.wrapping_add(u32::from(item.flags.syn()));
        let end = start.wrapping_add(len);
        if item.flags.fin() && self.fin.is_none() {
            self.fin = Some(mark);
        }
        let is_new = self.next.is_none_or(|next| is_before(next, end));
        // A keep-alive (RFC 9293, 3.8.4) repeats the last byte of what was acknowledged, or sends none: it is no repetition.
        if !is_new && item.payload_len <= 1 && self.acked.is_some() && self.acked == self.next {
            return;
        }
        if other.is_probed() && !is_new {
            return;
        }
        if is_new {
            if let Some(gap) = self.next.map(|next| start.wrapping_sub(next)).filter(|gap| *gap as i32 > 0) {
                self.gap_bytes += u64::from(gap);
            }
            self.next = Some(end);
        }
        if item.payload_len == 0 {
            return;
        }
        self.data_packets += 1;
        self.payload_bytes += u64::from(item.payload_len);
        self.largest_segment = self.largest_segment.max(item.payload_len);
        self.first_data.get_or_insert(mark);
        self.last_data = Some(mark);
        if is_new {
            self.pending.get_or_insert(mark);
        } else {
            self.retransmitted += 1;
            if self.acked.is_some_and(|acked| !is_before(acked, end)) {
                self.spurious += 1;
            } else {
                self.sent_again.push(mark);
                let is_smaller = self.repeated_from == Some(start) && item.payload_len < self.repeated_len;
                if is_smaller && !self.repeats.is_empty() {
                    self.shrunk = Some(Box::new(Shrunk {
                        large: self.repeated_len,
                        repeats: std::mem::take(&mut self.repeats),
                        small: item.payload_len,
                        mark,
                        acknowledged: None,
                    }));
                }
                self.repeats.push(mark);
                self.repeated_from = Some(start);
                self.repeated_len = item.payload_len;
            }
        }
    }
}

/// Whether sequence number `a` comes before `b` (RFC 9293, 3.4: modulo 2^32).
fn is_before(a: u32, b: u32) -> bool {
    (b.wrapping_sub(a) as i32) > 0
}

/// The half of `side` and the other one.
fn both(halves: &mut [Half; 2], side: Side) -> [&mut Half; 2] {
    let [low, high] = halves;
    match side {
        Side::Low => [low, high],
        Side::High => [high, low],
    }
}

/// Option kinds: selective acknowledgement (RFC 2018), timestamps (RFC 7323).
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;

/// Whether the options hold one of that kind.
fn has_option(mut options: &[u8], wanted: u8) -> bool {
    while let Some((&kind, rest)) = options.split_first() {
        options = match kind {
            0 => return false,
            1 => rest,
            _ if kind == wanted => return true,
            _ => match rest.first() {
                Some(&len) if len >= 2 => rest.get(usize::from(len) - 1..).unwrap_or(&[]),
                _ => return false,
            },
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{SACK, TIMESTAMPS, has_option};

    #[test]
    fn options_are_found_behind_others() {
        let mss_nop_timestamps = [2, 4, 5, 0xb4, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
        assert!(has_option(&mss_nop_timestamps, TIMESTAMPS));
        assert!(!has_option(&mss_nop_timestamps, SACK));
        assert!(has_option(&[1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2], SACK));
        assert!(!has_option(&[4, 2], SACK), "SACK permitted is no SACK");
        assert!(!has_option(&[0, 5, 10], SACK), "behind the end of options");
        assert!(!has_option(&[2, 4, 5, 5], SACK), "within another option");
    }

    #[test]
    fn options_that_are_cut_or_damaged_end_the_search() {
        let options = [2, 4, 5, 0xb4, 1, 5, 10];
        for cut in 0..options.len() {
            assert_eq!(has_option(&options[..cut], SACK), cut > 5, "cut at {cut}");
        }
        for damaged in [&[2, 0, 5][..], &[2, 1, 5], &[2], &[2, 40, 5]] {
            assert!(!has_option(damaged, SACK), "{damaged:?}");
        }
    }
}
