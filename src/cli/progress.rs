//! How far the reading got, on stderr, where a person waits for it.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter work needs no progress.
const PATIENCE: Duration = Duration::from_secs(1);
/// Frames between looks at the clock.
const EVERY: u64 = 1 << 14;

/// Shows itself once the work has taken a second, if stderr is a terminal.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    shown: bool,
    frames: u64,
}

impl Progress {
    /// `total` is the size of the files in bytes, where known.
    pub(crate) fn new(total: Option<u64>, quiet: bool) -> Self {
        let bar = (!quiet && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
            let template =
                if total.is_some() { "{percent} % of {total_bytes}, {eta} left" } else { "{bytes} read" };
            match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Progress { bar, begun: Instant::now(), shown: false, frames: 0 }
    }

    /// Another frame was read; `position` tells how many bytes of the files are behind.
    pub(crate) fn frame(&mut self, position: impl FnOnce() -> u64) {
        self.frames = self.frames.wrapping_add(1);
        let Some(bar) = self.bar.as_ref().filter(|_| self.frames.is_multiple_of(EVERY)) else { return };
        if !self.shown && self.begun.elapsed() > PATIENCE {
            self.shown = true;
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if self.shown {
            bar.set_position(position());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
