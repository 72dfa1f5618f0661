//! A place on the line that windows pass in their order.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// State that every window changes in its turn, on whichever thread it comes.
#[derive(Debug)]
pub(super) struct Station<T> {
    state: Mutex<State<T>>,
    turned: Condvar,
}

#[derive(Debug)]
struct State<T> {
    /// The window whose turn it is.
    turn: u64,
    value: T,
}

impl<T> Station<T> {
    pub(super) fn new(value: T) -> Self {
        Station { state: Mutex::new(State { turn: 0, value }), turned: Condvar::new() }
    }

    /// Does `work` when all windows before `window` have passed.
    pub(super) fn pass<R>(&self, window: u64, work: impl FnOnce(&mut T) -> R) -> R {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_early = |state: &mut State<T>| state.turn != window;
        let state = self.turned.wait_while(state, is_early).unwrap_or_else(PoisonError::into_inner);
        let mut turn = Turn { state, turned: &self.turned };
        work(&mut turn.state.value)
    }

    /// The state after the last window.
    pub(super) fn into_inner(self) -> T {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).value
    }
}

/// A window's turn. It ends when this goes, after a panic too: who waits must not wait for ever.
struct Turn<'a, T> {
    state: MutexGuard<'a, State<T>>,
    turned: &'a Condvar,
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.state.turn += 1;
        self.turned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::Station;

    #[test]
    fn windows_pass_in_their_order_whoever_carries_them() {
        let station = Station::new(Vec::new());
        std::thread::scope(|scope| {
            for first in [3, 2, 1, 0] {
                let station = &station;
                scope.spawn(move || {
                    for window in (first..400).step_by(4) {
                        station.pass(window, |passed| passed.push(window));
                    }
                });
            }
        });
        assert_eq!(station.into_inner(), (0..400).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_ends_its_turn() {
        let station = Station::new(0);
        std::thread::scope(|scope| {
            let failing = scope.spawn(|| station.pass(0, |_| panic!("on purpose")));
            assert!(failing.join().is_err());
            assert_eq!(station.pass(1, |passed| std::mem::replace(passed, 7)), 0);
        });
        assert_eq!(station.into_inner(), 7);
    }
}
