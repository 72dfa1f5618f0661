//! The line that windows are carried along.

use std::sync::{Mutex, PoisonError};

use super::SHARDS;
use super::control::Control;
use super::station::Station;
use crate::analysis::Analysis;
use crate::capture::{Capture, Window};
use crate::decode::{Counts, Decoder, Fragmented, Item, Kind, Seed};
use crate::flow::{Arrival, Arrivals, PortHints, Shard};

/// A capture on its way to an analysis.
pub(super) struct Line<'a> {
    seed: Seed,
    hints: &'a PortHints,
    progress: &'a (dyn Fn(u64) + Sync),
    /// The capture, and how many windows were read of it.
    source: Mutex<(Capture, u64)>,
    control: Station<Control>,
    shards: [Station<Shard>; SHARDS],
    arrivals: Station<Arrivals>,
}

/// What a thread keeps from window to window, so that the memory is asked for once.
#[derive(Default)]
struct Hands<'w> {
    items: Vec<Item<'w>>,
    /// The places of items that pass the control stage.
    special: Vec<u32>,
    /// What became of fragmented datagrams, each with the place of the item that settled it.
    settled: Vec<(u32, Fragmented)>,
    /// The places of items, by shard.
    routed: [Vec<u32>; SHARDS],
    /// The datagrams that were settled, by shard, each with the number of routed items before it.
    settled_in: [Vec<(usize, Fragmented)>; SHARDS],
    reached: Vec<Arrival>,
}

impl<'a> Line<'a> {
    pub(super) fn new(
        capture: Capture,
        hints: &'a PortHints,
        memory: usize,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        let seed = Seed::random();
        Line {
            seed,
            hints,
            progress,
            source: Mutex::new((capture, 0)),
            control: Station::new(Control::default()),
            shards: std::array::from_fn(|_| Station::new(Shard::new(seed, memory / SHARDS))),
            arrivals: Station::new(Arrivals::default()),
        }
    }

    /// Carries windows until the capture ends, and gives what was counted in them.
    pub(super) fn work(&self) -> Counts {
        let mut decoder = Decoder::new(self.seed);
        let mut window = Window::default();
        let mut hands = Hands::default();
        while let Some(number) = self.take(&mut window) {
            hands = self.carry(number, &window, &mut decoder, hands);
        }
        decoder.into_counts()
    }

    /// Reads the next window, and says which one it is.
    fn take(&self, window: &mut Window) -> Option<u64> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let (capture, windows) = &mut *source;
        if !capture.read(window) {
            return None;
        }
        (self.progress)(capture.consumed());
        *windows += 1;
        Some(*windows - 1)
    }

    fn carry<'w>(&self, number: u64, window: &'w Window, decoder: &mut Decoder, hands: Hands<'_>) -> Hands<'static> {
        let mut hands: Hands<'w> = hands.emptied();
        hands.decode(window, decoder);
        self.control.pass(number, |control| hands.pass(control));
        hands.route();
        for (shard, (routed, settled)) in self.shards.iter().zip(hands.routed.iter().zip(&hands.settled_in)) {
            shard.pass(number, |shard| {
                let mut rest = &routed[..];
                let mut passed = 0;
                for (at, datagram) in settled {
                    let (before, behind) = rest.split_at_checked(at - passed).unwrap_or((rest, &[]));
                    shard.apply(&hands.items, before, self.hints, &mut hands.reached);
                    shard.settle(datagram, &datagram.item(self.seed), self.hints);
                    (rest, passed) = (behind, *at);
                }
                shard.apply(&hands.items, rest, self.hints, &mut hands.reached);
            });
        }
        self.arrivals.pass(number, |arrivals| hands.reached.iter().for_each(|arrival| arrivals.record(arrival)));
        hands.emptied()
    }

    /// The capture has ended.
    pub(super) fn finish(self, counts: Counts) -> Analysis {
        let mut control = self.control.into_inner();
        let mut shards = self.shards.map(Station::into_inner);
        for datagram in control.fragments.finish() {
            if let Some(shard) = shards.get_mut(datagram.key.shard(SHARDS)) {
                shard.settle(&datagram, &datagram.item(self.seed), self.hints);
            }
        }
        let (capture, _) = self.source.into_inner().unwrap_or_else(PoisonError::into_inner);
        Analysis::new(
            capture.finish(),
            counts,
            (control.fragments.orphans, control.fragments.dropped),
            self.arrivals.into_inner(),
            shards.into(),
        )
    }
}

impl<'w> Hands<'w> {
    fn decode(&mut self, window: &'w Window, decoder: &mut Decoder) {
        let mut clock = window.clock().unwrap_or_default();
        for mut frame in window.frames() {
            clock = *frame.time.get_or_insert(clock);
            let item = decoder.decode(&frame);
            if item.kind != Kind::Packet && item.kind != Kind::IcmpError || item.first_fragment {
                self.special.push(self.items.len() as u32);
            }
            self.items.push(item);
        }
    }

    /// Passes the control stage.
    fn pass(&mut self, control: &mut Control) {
        for &at in &self.special {
            let Some(item) = self.items.get_mut(at as usize) else { continue };
            control.pass(item, &mut self.reached);
            self.settled.extend(control.fragments.settled().map(|datagram| (at, datagram)));
        }
    }

    /// Tells which items go to which shard, now that the control stage has given later fragments their flow.
    fn route(&mut self) {
        let mut settled = self.settled.drain(..).peekable();
        for (at, item) in (0..).zip(&self.items) {
            if matches!(item.kind, Kind::Packet | Kind::LaterFragment | Kind::IcmpError)
                && let Some(routed) = self.routed.get_mut(item.key.shard(SHARDS))
            {
                routed.push(at);
            }
            while let Some((_, datagram)) = settled.next_if(|(by, _)| *by == at) {
                let shard = datagram.key.shard(SHARDS);
                if let (Some(routed), Some(settled)) = (self.routed.get(shard), self.settled_in.get_mut(shard)) {
                    settled.push((routed.len(), datagram));
                }
            }
        }
    }

    /// The same memory for another window. Items borrow their window, so the type changes; `collect` takes over the vector that it
    /// iterates over.
    fn emptied<'b>(mut self) -> Hands<'b> {
        self.items.clear();
        self.special.clear();
        self.settled.clear();
        self.routed.iter_mut().for_each(Vec::clear);
        self.settled_in.iter_mut().for_each(Vec::clear);
        self.reached.clear();
        Hands { items: self.items.into_iter().map_while(|_| None).collect(), ..self }
    }
}
