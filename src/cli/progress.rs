//! A progress bar on stderr, by bytes, for work that takes a while.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that is done by then needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// How far reading has come.
pub(super) struct Progress {
    started: Instant,
    total: u64,
    done: AtomicU64,
    bar: OnceLock<ProgressBar>,
    terminal: bool,
}

impl Progress {
    /// Progress over these files; standard input has no size and counts for nothing.
    pub(super) fn over<'p>(paths: impl Iterator<Item = &'p PathBuf>) -> Self {
        let total = paths.filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum();
        Progress {
            started: Instant::now(),
            total,
            done: AtomicU64::new(0),
            bar: OnceLock::new(),
            terminal: io::stderr().is_terminal(),
        }
    }

    /// Adds bytes that were read.
    pub(super) fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if self.terminal && self.total > 0 && self.started.elapsed() >= PATIENCE {
            self.bar.get_or_init(|| bar(self.total)).set_position(done.min(self.total));
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {eta} left") {
        bar.set_style(style);
    }
    bar
}
