//! What IP fragments tell of a flow: which datagrams came in fragments, and which of them never became whole.
//!
//! A datagram is tracked when its first fragment comes, as far as that shows it, because a request whose other fragments are lost was
//! sent all the same. The whole, where it comes about, then only completes what was read. TCP segments are the exception: one
//! whose fragments are lost is sent again, so only whole ones count.

use super::{Mark, Marks};
use crate::decode::{Fate, Fragmented, Side};

/// Fragmented datagrams kept per flow and [`Fate`]: a client repeats a request some five times, both ways and twice over.
const KEPT: usize = 16;

/// The datagrams of a flow that came in fragments: the first ones of each fate, and how many there were.
#[derive(Debug, Default)]
pub struct FragmentLog {
    kept: Vec<FragmentedDatagram>,
    totals: [u64; 3],
}

/// A datagram that came in fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragmentedDatagram {
    /// The side that sent it.
    pub side: Side,
    /// What became of it.
    pub fate: Fate,
    /// Its fragments in order of arrival, copies left out.
    pub fragments: Marks,
    /// Its first fragment, which alone has the ports; none where it was not seen.
    pub first: Option<Mark>,
    /// Bytes of the whole behind the IP header; none where the last fragment was not seen.
    pub length: Option<u32>,
    /// Repetitions of its fragments, byte for byte the same.
    pub copies: u32,
}

impl FragmentLog {
    pub(super) fn record(&mut self, datagram: &Fragmented) {
        let total = &mut self.totals[datagram.fate as usize];
        *total += 1;
        if *total > KEPT as u64 {
            return;
        }
        self.kept.push(FragmentedDatagram {
            side: datagram.side,
            fate: datagram.fate,
            fragments: datagram.frames.iter().copied().map(mark).collect(),
            first: datagram.first.map(mark),
            length: datagram.length,
            copies: datagram.copies,
        });
    }

    /// The first ones of a fate, in the order in which it was certain.
    pub fn datagrams(&self, fate: Fate) -> impl Iterator<Item = &FragmentedDatagram> {
        self.kept.iter().filter(move |datagram| datagram.fate == fate)
    }

    /// How many had a fate, kept or not.
    pub fn total(&self, fate: Fate) -> u64 {
        self.totals[fate as usize]
    }
}

impl FragmentedDatagram {
    /// Whether its last fragment was seen.
    pub fn has_last(&self) -> bool {
        self.length.is_some()
    }
}

pub(super) fn mark((frame, time): (u64, crate::time::Timestamp)) -> Mark {
    Mark { frame, time }
}
