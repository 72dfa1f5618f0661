//! Memory for captures that are read at the same time.

use std::sync::{Condvar, Mutex, PoisonError};

/// Bytes of memory that a byte of a capture can cost: a record of 76 bytes may open a connection whose every trait is kept.
const COST: u64 = 16;

/// Bytes of a packed capture unpack to about so many.
const UNPACKED: u64 = 8;

/// What all captures that are being read may take together. Few large ones or many small ones have room; a single one always has.
pub(super) struct Room {
    total: u64,
    free: Mutex<u64>,
    freed: Condvar,
}

/// Room for one capture, given back when this goes.
pub(super) struct Taken<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Room {
    /// Room for one capture that takes all that a capture may.
    pub(super) fn new(total: u64) -> Self {
        Room { total, free: Mutex::new(total), freed: Condvar::new() }
    }

    /// Waits until there is room for a capture of `size` bytes; one of unknown size may take all. Who has room must not wait for other
    /// work of a thread pool, which would take up the next capture on this thread.
    pub(super) fn take(&self, size: Option<u64>, packed: bool) -> Taken<'_> {
        let unpacked = size.map(|size| size.saturating_mul(if packed { UNPACKED } else { 1 }));
        let bytes = unpacked.map_or(self.total, |size| size.saturating_mul(COST).min(self.total));
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free < bytes).unwrap_or_else(PoisonError::into_inner);
        *free -= bytes;
        Taken { room: self, bytes }
    }
}

impl Taken<'_> {
    /// How many of `threads` this capture should have: as many as have no other capture to read meanwhile.
    pub(super) fn threads(&self, threads: usize) -> usize {
        let share = self.bytes.saturating_mul(threads as u64).div_ceil(self.room.total.max(1));
        usize::try_from(share).unwrap_or(threads).clamp(1, threads.max(1))
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.room.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::{COST, Room};

    #[test]
    fn a_large_capture_has_all_threads_and_waits_for_the_small_ones() {
        let room = Room::new(64 * COST);
        let small = room.take(Some(8), false);
        assert_eq!((small.threads(8), small.threads(1)), (1, 1));
        assert_eq!(room.take(Some(2), true).threads(8), 2);
        std::thread::scope(|scope| {
            let large = scope.spawn(|| room.take(Some(1 << 40), false).threads(8));
            drop(small);
            assert_eq!(large.join().unwrap(), 8);
        });
        assert_eq!(room.take(None, false).threads(3), 3);
        assert_eq!(room.take(Some(0), false).threads(3), 1);
    }
}
