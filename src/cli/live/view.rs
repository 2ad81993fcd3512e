//! The live table: who is connected, what became of the last sessions, and what happens at all.
//!
//! The capture keeps a short list ([`Board`]) and hands a picture of it over a few times a second. Keys are read, and
//! the screen is drawn, on a thread of its own ([`screen`]), so that a terminal that is slow, or stopped, holds nothing
//! up.

mod board;
mod screen;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdpwhy::analyzer::Touched;
use rdpwhy::base::Frame;
use rdpwhy::capture::live::Live;
use rdpwhy::report::Zone;
use rdpwhy::report::model::Session;

use board::{Board, Picture};

use crate::cli::{aside, tell};

/// How often there is a new picture.
const EVERY: Duration = Duration::from_millis(250);
/// How long the screen may take to be what it was.
const CLOSING: Duration = Duration::from_millis(300);

/// The picture that both sides know.
type Shared = Arc<Mutex<Arc<Picture>>>;

/// The view, as the capture knows it.
pub(crate) struct View {
    board: Board,
    shared: Shared,
    closing: Arc<AtomicBool>,
    closed: Receiver<()>,
    drawn: Option<Instant>,
}

impl View {
    /// Takes the terminal. `stop` is set where the user has seen enough.
    pub(crate) fn open(name: &str, zone: Zone, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let shared = Shared::default();
        let closing = Arc::new(AtomicBool::new(false));
        let (finished, closed) = sync_channel(1);
        let mut terminal = ratatui::try_init()?;
        aside::begin();
        let mut screen = screen::Screen::new(name.to_owned(), zone);
        let (theirs, end) = (shared.clone(), closing.clone());
        let spawned = thread::Builder::new().name("view".to_owned()).spawn(move || {
            let shown = screen.run(&mut terminal, &theirs, &end);
            ratatui::restore();
            if let Err(error) = shown {
                tell(&format!("cannot use the terminal any more: {error}"));
            }
            stop.store(true, Ordering::Relaxed);
            let _ = finished.send(());
        });
        if let Err(error) = spawned {
            ratatui::restore();
            aside::end();
            return Err(error);
        }
        Ok(View { board: Board::default(), shared, closing, closed, drawn: None })
    }

    /// A frame of a session that runs.
    pub(crate) fn touch(&mut self, touched: &Touched<'_>, frame: &Frame<'_>) {
        self.board.touch(touched, frame.time, u64::from(frame.wire_len));
    }

    /// The session that began with the packet of this place is over.
    pub(crate) fn over(&mut self, order: u64, outcome: &'static str, told: Option<&Session>) {
        self.board.over(order, outcome, told);
    }

    /// Shows how it stands, if it is time for that.
    pub(crate) fn look(&mut self, live: &Live) {
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < EVERY) {
            return;
        }
        self.drawn = Some(Instant::now());
        let (packets, bytes) = live.handed_out();
        let lost = live.counts().map(|counts| counts.kernel_dropped + counts.interface_dropped).sum();
        let picture = Arc::new(self.board.picture(packets, bytes, lost, Instant::now()));
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = picture;
    }

    /// Gives the terminal back, and tells what was to be told meanwhile.
    pub(crate) fn close(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        if self.closed.recv_timeout(CLOSING).is_err() {
            // A terminal that takes nothing would hold up whoever writes to it; this only sets it right.
            let _ = ratatui::crossterm::terminal::disable_raw_mode();
        }
        aside::end();
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.close();
    }
}
