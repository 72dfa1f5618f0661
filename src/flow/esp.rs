//! ESP (RFC 4303): which security associations carried traffic each way, and how much of it the capture holds.

use super::{Mark, Marks};
use crate::decode::Side;
use crate::proto::esp::Esp;
use crate::time::Span;

/// Security associations kept per flow: a tunnel has two, each rekey adds two, and a day of hourly rekeys fits.
const MAX_SPIS: usize = 64;

/// A packet of this many bytes of ESP is one that a path for small packets only loses: with IP, UDP and link headers it is
/// near a full Ethernet frame, and above the least MTU of IPv6 (1,280).
const LARGE: u32 = 1_200;

/// Packets of one side within this time are one burst: what is sent again comes later, by the inner connection's clock (200 ms at
/// least; RFC 6298 asks for 1 s).
const BURST: Span = Span::from_millis(200);

/// ESP between two hosts, or inside one UDP flow.
#[derive(Debug, Default)]
pub struct EspLog {
    spis: Vec<SpiFacts>,
    sides: [EspSide; 2],
    /// Packets of which the SPI and the number are cut, by side.
    cut: [Marks; 2],
    /// Packets of security associations beyond those kept.
    pub beyond: u64,
}

/// What one side sent, whatever the security association.
#[derive(Debug, Default)]
pub struct EspSide {
    /// Packets since the other side last sent one.
    pub unanswered: Marks,
    /// Bursts with a large packet that a packet of the other side followed.
    pub large_answered: u64,
    /// Large packets that only another burst of the same side followed.
    pub large_unanswered: Marks,
    /// The last large packet of the burst that goes on.
    pending: Option<Mark>,
}

/// One security association: one direction of one tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpiFacts {
    /// Security parameter index.
    pub spi: u32,
    /// The side that sends under it.
    pub side: Side,
    /// Its packets.
    pub packets: Marks,
    /// Bytes of ESP.
    pub bytes: u64,
    /// The lowest and the highest sequence number.
    pub sequence: (u32, u32),
    /// Packets that repeat or fall behind the highest sequence number.
    pub behind: u64,
    /// Its largest packet in bytes of ESP.
    pub largest: u32,
}

impl SpiFacts {
    /// Whether the SPI is one that no security association may have.
    pub fn is_reserved(&self) -> bool {
        Esp { spi: self.spi, sequence: 0 }.is_reserved()
    }

    /// Sequence numbers between the lowest and the highest that the capture lacks.
    pub fn missing(&self) -> u64 {
        let span = u64::from(self.sequence.1 - self.sequence.0) + 1;
        span.saturating_sub(self.packets.count())
    }
}

impl EspLog {
    /// Takes in one packet of `len` bytes of ESP.
    pub(super) fn track(&mut self, esp: Esp, side: Side, len: u32, mark: Mark) {
        self.turn(side, len, mark);
        let known = self.spis.iter().rposition(|known| known.spi == esp.spi && known.side == side);
        let at = match known {
            Some(at) => at,
            None if self.spis.len() == MAX_SPIS => {
                self.beyond += 1;
                return;
            }
            None => {
                self.spis.push(SpiFacts {
                    spi: esp.spi,
                    side,
                    packets: Marks::default(),
                    bytes: 0,
                    sequence: (esp.sequence, esp.sequence),
                    behind: 0,
                    largest: 0,
                });
                self.spis.len() - 1
            }
        };
        let Some(facts) = self.spis.get_mut(at) else { return };
        if esp.sequence > facts.sequence.1 || facts.packets.is_empty() {
            facts.sequence.1 = esp.sequence;
        } else {
            facts.behind += 1;
            facts.sequence.0 = facts.sequence.0.min(esp.sequence);
        }
        facts.packets.push(mark);
        facts.bytes += u64::from(len);
        facts.largest = facts.largest.max(len);
    }

    /// Takes in one packet of `len` bytes of ESP that is cut before its sequence number.
    pub(super) fn track_cut(&mut self, side: Side, len: u32, mark: Mark) {
        self.turn(side, len, mark);
        self.cut[side.index()].push(mark);
    }

    fn turn(&mut self, side: Side, len: u32, mark: Mark) {
        let other = &mut self.sides[side.other().index()];
        other.unanswered.restart();
        other.large_answered += u64::from(other.pending.take().is_some());
        let own = &mut self.sides[side.index()];
        own.unanswered.push(mark);
        if let Some(before) = own.pending.take_if(|before| mark.time - before.time >= BURST) {
            own.large_unanswered.push(before);
        }
        if len >= LARGE {
            own.pending = Some(mark);
        }
    }

    /// What a side sent, whatever the security association.
    pub fn side(&self, side: Side) -> &EspSide {
        &self.sides[side.index()]
    }

    /// A packet of which the first fragment was taken in with `begun` bytes has turned out to be `len` bytes long.
    pub(super) fn complete(&mut self, esp: Esp, side: Side, begun: u32, len: u32) {
        if let Some(facts) = self.spis.iter_mut().rfind(|known| known.spi == esp.spi && known.side == side) {
            facts.bytes += u64::from(len.saturating_sub(begun));
            facts.largest = facts.largest.max(len);
        }
    }

    /// Every security association, in order of its first packet.
    pub fn spis(&self) -> &[SpiFacts] {
        &self.spis
    }

    /// The packets of a side, by security association, and last those that are cut before its index.
    pub fn packets(&self, side: Side) -> impl Iterator<Item = &Marks> {
        self.from(side).map(|facts| &facts.packets).chain([self.cut(side)])
    }

    /// Packets of a side of which the SPI and the number are cut.
    pub fn cut(&self, side: Side) -> &Marks {
        &self.cut[side.index()]
    }

    /// How many packets a side sent under security associations that are known.
    pub fn packets_from(&self, side: Side) -> u64 {
        self.from(side).map(|facts| facts.packets.count()).sum()
    }

    /// The security associations of a side.
    pub fn from(&self, side: Side) -> impl Iterator<Item = &SpiFacts> {
        self.spis.iter().filter(move |facts| facts.side == side)
    }
}
