//! Where lines go: a thread that writes them, so that a slow reader or disk stops neither the capture nor the
//! end.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::tell;

/// Lines that wait to be written. While as many wait, the capture waits too, and the kernel counts what it
/// can't keep.
const WAITING: usize = 4096;
/// Their bytes: a session has some kilobytes.
const WAITING_BYTES: usize = 8 << 20;

/// Takes lines.
pub(crate) struct Sink {
    lines: Option<SyncSender<Vec<u8>>>,
    /// Bytes of the lines that wait.
    waiting: Arc<AtomicUsize>,
    reopen: Arc<AtomicBool>,
    state: Arc<AtomicU8>,
    done: Receiver<()>,
}

/// What became of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// It reads.
    Reads,
    /// It has seen enough.
    Left,
    /// Nothing can be written to it.
    Failed,
}

impl Sink {
    /// Writes to the file, or to standard output.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let target = match path {
            Some(path) => Target::File { path: path.to_owned(), file: Some(append(path)?), lost: 0 },
            None => Target::Stdout(io::stdout()),
        };
        let (lines, incoming) = sync_channel(WAITING);
        let (finished, done) = sync_channel(1);
        let reopen = Arc::new(AtomicBool::new(false));
        let state = Arc::new(AtomicU8::new(0));
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            target,
            incoming,
            waiting: waiting.clone(),
            reopen: reopen.clone(),
            state: state.clone(),
        };
        thread::Builder::new().name("output".to_owned()).spawn(move || {
            writer.run();
            let _ = finished.send(());
        })?;
        Ok(Sink { lines: Some(lines), waiting, reopen, state, done })
    }

    /// The file is opened anew before the next line; its name may mean another by then.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    /// Takes a line. Waits while too many wait, unless `stop` says that there is no time.
    pub(crate) fn line(&self, line: Vec<u8>, stop: impl Fn() -> bool) {
        let Some(lines) = &self.lines else { return };
        let mut line = line;
        let bytes = line.len();
        loop {
            // Counted before it is taken.
            let fits = self.waiting.fetch_add(bytes, Ordering::Relaxed) < WAITING_BYTES;
            let sent = if fits { lines.try_send(line) } else { Err(TrySendError::Full(line)) };
            if sent.is_err() {
                self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            }
            match sent {
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(back)) if !stop() => {
                    line = back;
                    thread::sleep(Duration::from_millis(5));
                }
                Err(TrySendError::Full(_)) => return,
            }
        }
    }

    /// Bytes that wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether anybody reads.
    pub(crate) fn reader(&self) -> Reader {
        match self.state.load(Ordering::Relaxed) {
            0 => Reader::Reads,
            LEFT => Reader::Left,
            _ => Reader::Failed,
        }
    }

    /// Waits for the last lines, but not longer than `until`.
    pub(crate) fn close(&mut self, until: Instant) {
        self.lines = None;
        let rest = until.saturating_duration_since(Instant::now());
        if self.done.recv_timeout(rest) == Err(RecvTimeoutError::Timeout) {
            tell("the last lines could not be written in time");
        }
    }
}

const LEFT: u8 = 1;
const FAILED: u8 = 2;

enum Target {
    Stdout(io::Stdout),
    /// `file` is `None` while it can't be written; then lines are counted.
    File {
        path: PathBuf,
        file: Option<BufWriter<File>>,
        lost: u64,
    },
}

struct Writer {
    target: Target,
    incoming: Receiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    reopen: Arc<AtomicBool>,
    state: Arc<AtomicU8>,
}

impl Writer {
    fn run(mut self) {
        while let Ok(line) = self.incoming.recv() {
            let more: Vec<Vec<u8>> = self.incoming.try_iter().take(WAITING).collect();
            let bytes = line.len() + more.iter().map(Vec::len).sum::<usize>();
            let written = self.write(&line, &more);
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            if let Err(error) = written {
                let left = error.kind() == ErrorKind::BrokenPipe;
                if !left {
                    tell(&format!("cannot write: {error}"));
                }
                self.state.store(if left { LEFT } else { FAILED }, Ordering::Relaxed);
                return;
            }
        }
    }

    fn write(&mut self, line: &[u8], more: &[Vec<u8>]) -> io::Result<()> {
        let lines = || std::iter::once(line).chain(more.iter().map(Vec::as_slice));
        match &mut self.target {
            Target::Stdout(stdout) => {
                let mut out = stdout.lock();
                lines().try_for_each(|line| out.write_all(line))?;
                out.flush()
            }
            Target::File { path, file, lost } => {
                if self.reopen.swap(false, Ordering::Relaxed) || file.is_none() {
                    *file = None;
                    match append(path) {
                        Ok(opened) => *file = Some(opened),
                        Err(error) if *lost == 0 => tell(&format!("cannot open {}: {error}", path.display())),
                        Err(_) => {}
                    }
                }
                let written = file.as_mut().map(|out| {
                    lines().try_for_each(|line| out.write_all(line))?;
                    out.flush()
                });
                match written {
                    Some(Ok(())) => {
                        if *lost > 0 {
                            tell(&format!("{} can be written again; {lost} lines were lost", path.display()));
                        }
                        *lost = 0;
                    }
                    failed => {
                        if let (Some(Err(error)), 0) = (failed, *lost) {
                            tell(&format!("cannot write {}: {error}", path.display()));
                        }
                        // What is half written must not be written again in front of the next line.
                        if let Some(file) = file.take() {
                            drop(file.into_parts());
                        }
                        *lost += 1 + more.len() as u64;
                    }
                }
                Ok(())
            }
        }
    }
}

fn append(path: &Path) -> io::Result<BufWriter<File>> {
    OpenOptions::new().create(true).append(true).open(path).map(BufWriter::new)
}
