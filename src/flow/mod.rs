//! Packets become flows, and what a flow shows becomes facts: attempts, answers, resets, repetitions, each with its frames.
//!
//! Trackers know no table of required services. [`PortHints`] tells them which ports matter, to find the server's side and
//! to choose which flows deserve a [`Detail`]. Nothing here judges.

mod arrivals;
mod dns;
mod duplicates;
mod esp;
mod evidence;
mod fragments;
mod head;
mod hints;
mod ike;
mod shard;
mod table;
mod tcp;
mod tls;
mod udp;
mod view;

pub use arrivals::{Arrival, Arrivals, WITNESS_REACH};
pub use dns::{Lookup, NameSource, Names};
pub use esp::{EspLog, EspSide, SpiFacts};
pub use evidence::{KEPT_MARKS, Mark, Marks};
pub use fragments::{FragmentLog, FragmentedDatagram};
pub use head::{App, Http, SmtpFacts};
pub use hints::PortHints;
pub use ike::{IkeLog, IkeMessage};
pub use shard::{Shard, ShardCounts};
pub use table::{Evicted, FlowTable};
pub use tcp::{ClosedWindow, Half, Reset, Shrunk, Tcp};
pub use tls::{TlsEnd, TlsFacts};
pub use udp::{Udp, UdpHalf};
pub use view::FlowView;

use crate::decode::{IcmpMessage, Key, Side};
use crate::proto::sniff::Spoken;
use crate::time::Timestamp;

/// What every flow has: one cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub struct Flow {
    key: Key,
    first_time: Timestamp,
    last_time: Timestamp,
    first_frame: u32,
    last_frame: u32,
    /// By side.
    packets: [u32; 2],
    /// Bytes of whole frames by side, modulo 2^32; the rest is in the detail.
    bytes: [u32; 2],
    /// 1-based; 0 for none.
    detail: u32,
    /// TCP flags that were seen, by side.
    flags: [u8; 2],
    state: State,
    interface: u8,
}

/// Small facts of a flow, packed.
#[derive(Clone, Copy, Debug, Default)]
struct State(u8);

impl State {
    const CLIENT_HIGH: u8 = 1;
    const CLIENT_CERTAIN: u8 = 2;
    /// A packet came from this side within the current bucket of [`Arrivals`]: bits 2 and 3.
    const ARRIVED: u8 = 4;
    const FRAGMENTS: u8 = 16;
    /// The detail has nothing to learn from further packets of this side: bits 5 and 6.
    const SETTLED: u8 = 32;

    fn client(self) -> Side {
        if self.0 & Self::CLIENT_HIGH != 0 { Side::High } else { Side::Low }
    }

    fn set_client(&mut self, side: Side, certain: bool) {
        self.0 &= !(Self::CLIENT_HIGH | Self::CLIENT_CERTAIN);
        if side == Side::High {
            self.0 |= Self::CLIENT_HIGH;
        }
        if certain {
            self.0 |= Self::CLIENT_CERTAIN;
        }
    }

    /// Says that the detail takes in every packet from now on.
    fn unsettle(&mut self) {
        self.0 &= !(Self::SETTLED | Self::SETTLED << 1);
    }

    fn client_is_certain(self) -> bool {
        self.0 & Self::CLIENT_CERTAIN != 0
    }
}

/// What only some flows have: those that were answered, carry something worth reading, or use a port that matters.
#[derive(Debug, Default)]
pub struct Detail {
    /// What does not fit into [`Flow::bytes`], in units of 2^32 bytes, by side.
    bytes_carry: [u32; 2],
    /// Time to live of the first packet of each side that was no reset; 0 where none was seen.
    ttl: [u8; 2],
    /// What the first payload of each side looks like, where the flow is not followed any further.
    spoken: [Option<Spoken>; 2],
    icmp: Option<Box<IcmpLog>>,
    fragments: Option<Box<FragmentLog>>,
    body: Body,
}

/// ICMP errors that quote a flow: the first ones, and how many.
#[derive(Debug, Default)]
struct IcmpLog {
    kept: Vec<IcmpRecord>,
    total: u64,
}

/// What a flow's protocol adds.
#[derive(Debug, Default)]
enum Body {
    #[default]
    None,
    Tcp(Box<Tcp>),
    Udp(Box<Udp>),
    Esp(Box<EspLog>),
}

/// An ICMP error that quotes a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpRecord {
    /// Where it stands.
    pub mark: Mark,
    /// What it says.
    pub message: IcmpMessage,
    /// The side that sent the quoted packet.
    pub side: Side,
}

#[cfg(test)]
mod tests;
