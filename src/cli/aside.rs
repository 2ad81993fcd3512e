//! What is told while a view has the terminal: it is kept, the view shows the last of it, and stderr gets all of it
//! when the terminal is a terminal again.

use std::collections::VecDeque;
use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};

/// Lines kept; the oldest go.
const MOST: usize = 200;

static ASIDE: Mutex<Option<VecDeque<String>>> = Mutex::new(None);

fn with<T>(of: impl FnOnce(&mut Option<VecDeque<String>>) -> T) -> T {
    of(&mut ASIDE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// From now on what is told is kept, if it would be told on the terminal.
pub(crate) fn begin() {
    if stderr().is_terminal() {
        with(|aside| *aside = Some(VecDeque::new()));
    }
}

/// Tells what was kept.
pub(crate) fn end() {
    for line in with(Option::take).unwrap_or_default() {
        super::tell(&line);
    }
}

/// Takes a line, if lines are kept.
pub(super) fn takes(line: &str) -> bool {
    with(|aside| {
        let Some(lines) = aside else { return false };
        if lines.len() >= MOST {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
        true
    })
}

/// The last line that was kept.
pub(crate) fn last() -> Option<String> {
    with(|aside| aside.as_ref()?.back().cloned())
}
