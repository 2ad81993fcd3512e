//! What is told while others have to go on. While a view has the terminal it is kept, the view shows the last of it,
//! and stderr gets all of it when the terminal is a terminal again. While packets are captured a thread tells it, as
//! nobody may read stderr.

use std::collections::VecDeque;
use std::io::{IsTerminal, stderr};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Lines kept; the oldest go. As many wait for who reads stderr; more are lost.
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

/// Takes lines for the thread that tells them, and hears when all are told.
type Teller = (SyncSender<String>, Receiver<()>);

static TELLER: Mutex<Option<Teller>> = Mutex::new(None);

/// From now on a thread tells what is told.
pub(crate) fn begin_teller() {
    let (lines, incoming) = sync_channel::<String>(MOST);
    let (finished, done) = sync_channel(1);
    let spawned = thread::Builder::new().name("stderr".to_owned()).spawn(move || {
        for line in incoming {
            super::tell_now(&line);
        }
        let _ = finished.send(());
    });
    if spawned.is_ok() {
        *TELLER.lock().unwrap_or_else(PoisonError::into_inner) = Some((lines, done));
    }
}

/// Waits for the last lines, but not for long.
pub(crate) fn end_teller() {
    const LONG: Duration = Duration::from_millis(100);
    let teller = TELLER.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((lines, done)) = teller {
        drop(lines);
        let _ = done.recv_timeout(LONG);
    }
}

/// Takes a line, if lines are kept or told by a thread.
pub(super) fn takes(line: &str) -> bool {
    keeps(line) || tells(line)
}

fn tells(line: &str) -> bool {
    let teller = TELLER.lock().unwrap_or_else(PoisonError::into_inner);
    teller.as_ref().inspect(|(lines, _)| drop(lines.try_send(line.to_owned()))).is_some()
}

fn keeps(line: &str) -> bool {
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
