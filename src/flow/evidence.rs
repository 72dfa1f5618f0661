//! Frames that bear on a statement, capped: the first ones, the last one, and how many there were.

use crate::decode::Item;
use crate::time::{Span, Timestamp};

/// How many of the first frames are kept. A finding cites at most this many and the last one: enough to see the rhythm
/// of repetitions, few enough to read.
pub const KEPT_MARKS: usize = 8;

/// A frame and its time. Ordered by time: a card with several queues, or a merged file, has frames in another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The frame's number.
    pub frame: u64,
    /// When it was captured.
    pub time: Timestamp,
}

impl Ord for Mark {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.frame).cmp(&(other.time, other.frame))
    }
}

impl PartialOrd for Mark {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Mark {
    /// The mark of a packet.
    #[inline]
    pub fn of(item: &Item<'_>) -> Self {
        Mark { frame: item.frame, time: item.time }
    }
}

/// A capped list of frames in capture order. One frame takes no allocation: most lists have none or one.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    first: Option<Mark>,
    /// Empty where the list was started again.
    more: Option<Box<More>>,
}

/// The frames behind the first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct More {
    kept: Vec<Mark>,
    last: Mark,
    count: u64,
}

impl Marks {
    /// Adds a frame.
    pub fn push(&mut self, mark: Mark) {
        if self.first.is_none() {
            self.first = Some(mark);
            return;
        }
        let more = self.more.get_or_insert_with(|| Box::new(More { kept: Vec::new(), last: mark, count: 0 }));
        if more.kept.len() + 1 < KEPT_MARKS {
            more.kept.push(mark);
        }
        more.last = mark;
        more.count += 1;
    }

    /// Adds frames from elsewhere, as far as both lists kept them.
    pub fn extend(&mut self, other: &Marks) {
        let mut all: Vec<Mark> = self.cited().chain(other.cited()).collect();
        all.sort_unstable();
        let kept = all.len();
        all.dedup();
        let count = self.count() + other.count() - (kept - all.len()) as u64;
        *self = all.iter().copied().collect();
        if let (Some(more), Some(last)) = (&mut self.more, all.last()) {
            more.last = *last;
            more.count = count.saturating_sub(1);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Marks::default();
    }

    /// Forgets all, and keeps the memory for a list that soon fills again.
    pub fn restart(&mut self) {
        self.first = None;
        if let Some(more) = &mut self.more {
            more.kept.clear();
            more.count = 0;
        }
    }

    fn more(&self) -> Option<&More> {
        self.more.as_deref().filter(|more| more.count > 0)
    }

    /// How many frames there were, cited or not.
    pub fn count(&self) -> u64 {
        u64::from(self.first.is_some()) + self.more().map_or(0, |more| more.count)
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The first frame.
    pub fn first(&self) -> Option<Mark> {
        self.first
    }

    /// The last frame.
    pub fn last(&self) -> Option<Mark> {
        self.more().map(|more| more.last).or(self.first)
    }

    /// The time from the first to the last.
    pub fn span(&self) -> Span {
        match (self.first(), self.last()) {
            (Some(first), Some(last)) => last.time - first.time,
            _ => Span::default(),
        }
    }

    /// The frames kept, in order, each once: the first ones and the last.
    pub fn cited(&self) -> impl Iterator<Item = Mark> + '_ {
        let (kept, last): (&[Mark], _) = match self.more() {
            Some(more) => (&more.kept, Some(more.last).filter(|last| more.kept.last() != Some(last))),
            None => (&[], None),
        };
        self.first.into_iter().chain(kept.iter().copied()).chain(last)
    }
}

impl PartialEq for Marks {
    fn eq(&self, other: &Self) -> bool {
        (self.first, self.more()) == (other.first, other.more())
    }
}

impl Eq for Marks {}

impl FromIterator<Mark> for Marks {
    fn from_iter<I: IntoIterator<Item = Mark>>(marks: I) -> Self {
        let mut all = Marks::default();
        marks.into_iter().for_each(|mark| all.push(mark));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_MARKS, Mark, Marks};
    use crate::time::{Span, Timestamp};

    fn mark(frame: u64) -> Mark {
        Mark { frame, time: Timestamp(frame as i64) + Span::from_secs(frame as i64) }
    }

    #[test]
    fn the_first_and_the_last_are_kept() {
        let marks: Marks = (1..=20).map(mark).collect();
        assert_eq!(marks.count(), 20);
        let frames: Vec<u64> = marks.cited().map(|mark| mark.frame).collect();
        assert_eq!(frames, [1, 2, 3, 4, 5, 6, 7, 8, 20]);
        assert_eq!(frames.len(), KEPT_MARKS + 1);
        let mut cleared = marks.clone();
        cleared.restart();
        assert_eq!((cleared.count(), cleared.last(), &cleared), (0, None, &Marks::default()));
        cleared.push(mark(4));
        assert_eq!((cleared.count(), cleared.last()), (1, Some(mark(4))));
        let one: Marks = [mark(3)].into_iter().collect();
        assert_eq!(one.cited().count(), 1);
    }

    #[test]
    fn joined_lists_are_in_order() {
        let mut odd: Marks = [1, 3, 5].map(mark).into_iter().collect();
        odd.extend(&[2, 4, 6].map(mark).into_iter().collect());
        assert_eq!(odd.cited().map(|mark| mark.frame).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!((odd.count(), odd.last()), (6, Some(mark(6))));
        odd.extend(&[6, 7].map(mark).into_iter().collect());
        assert_eq!((odd.count(), odd.last()), (7, Some(mark(7))), "a frame in both lists counts once");
    }
}
