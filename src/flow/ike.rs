//! IKE messages of a flow, each once, with its repetitions.

use super::{Mark, Marks};
use crate::decode::Side;
use crate::proto::ike::{Clear, Header};

/// Distinct messages kept per flow. A tunnel needs ten; a day of liveness checks on one flow is beyond, and then the first
/// ones tell how it came up and the last ones how it ended.
const MAX_FIRST: usize = 192;
const MAX_LAST: usize = 64;

/// How far back a repetition is looked for: messages of one window (RFC 7296, 2.3) in their fragments, both ways.
const REPEAT_DEPTH: usize = 48;

/// Bytes of a message that it is known again by: as many as a first fragment holds at the smallest usual MTU, 576 bytes.
const DIGESTED: usize = 512;

/// The IKE messages of a flow.
#[derive(Debug, Default)]
pub struct IkeLog {
    messages: Vec<IkeMessage>,
    /// Every message, repetitions included.
    pub total: u64,
    /// Distinct messages that were not kept.
    pub dropped: u64,
}

/// One distinct message and its repetitions, which are byte for byte the same (RFC 7296, 2.1).
#[derive(Debug)]
pub struct IkeMessage {
    /// Its header.
    pub header: Header,
    /// The side that sent it.
    pub side: Side,
    /// Where it stands, repetitions included.
    pub sent: Marks,
    /// Bytes of the message on the wire.
    pub len: u32,
    /// Whether it was sent in IP fragments at least once.
    pub ip_fragmented: bool,
    /// Whether the non-ESP marker stood before it.
    pub marker: bool,
    /// What is readable without keys; none where the headers alone were captured.
    pub clear: Clear,
    digest: u64,
    /// Bytes of it that were read.
    read: usize,
}

/// A message that was just seen.
pub(super) struct Seen<'a> {
    pub(super) header: Header,
    pub(super) bytes: &'a [u8],
    pub(super) side: Side,
    pub(super) mark: Mark,
    pub(super) len: u32,
    pub(super) ip_fragmented: bool,
    pub(super) marker: bool,
}

impl IkeLog {
    /// Takes in one message.
    pub(super) fn track(&mut self, seen: Seen<'_>) {
        self.total += 1;
        let digest = digest(seen.bytes);
        let repeated = self
            .messages
            .iter_mut()
            .rev()
            .take(REPEAT_DEPTH)
            .find(|message| message.digest == digest && message.header == seen.header && message.side == seen.side);
        if let Some(message) = repeated {
            message.sent.push(seen.mark);
            message.ip_fragmented |= seen.ip_fragmented;
            message.read_more(&seen);
            return;
        }
        if self.messages.len() == MAX_FIRST + MAX_LAST {
            self.messages.remove(MAX_FIRST);
            self.dropped += 1;
        }
        self.messages.push(IkeMessage {
            clear: Clear::read(&seen.header, seen.bytes),
            header: seen.header,
            side: seen.side,
            sent: [seen.mark].into_iter().collect(),
            len: seen.len,
            ip_fragmented: seen.ip_fragmented,
            marker: seen.marker,
            digest,
            read: seen.bytes.len(),
        });
    }

    /// Completes a message whose first fragment, at `begun`, was taken in before. Whether there was one: else the first fragment
    /// did not show that it was IKE.
    pub(super) fn complete(&mut self, seen: &Seen<'_>, begun: Mark) -> bool {
        let known = self.messages.iter_mut().rev().find(|message| {
            message.side == seen.side && message.header == seen.header && message.sent.cited().any(|mark| mark == begun)
        });
        known.map(|message| message.read_more(seen)).is_some()
    }

    /// The messages kept, in order of their first sending.
    pub fn messages(&self) -> &[IkeMessage] {
        &self.messages
    }
}

impl IkeMessage {
    /// Whether the original initiator of the IKE SA sent it. IKEv1 does not say after its first message: there the sender of
    /// the first one is meant, whom the flow knows as its client.
    pub fn opens_sa(&self) -> bool {
        self.header.responder_spi == 0 && !self.header.is_response()
    }

    /// Reads it again where more of it is there than before.
    fn read_more(&mut self, seen: &Seen<'_>) {
        if seen.bytes.len() > self.read {
            self.clear = Clear::read(&self.header, seen.bytes);
            self.read = seen.bytes.len();
            self.digest = digest(seen.bytes);
        }
    }
}

/// A message is known again by its header and its first bytes, which hold nonces or what encryption made of them: the
/// same message may come whole, cut, or in fragments.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let bytes = bytes.get(..DIGESTED).unwrap_or(bytes);
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}
