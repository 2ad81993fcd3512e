//! Where lines go: a thread that writes them, so that a slow reader or disk does not stop the capture before much
//! waits, and never the end.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
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
/// So long a pipe that lost its reader, or has none yet, is waited for. After that lines are lost, and counted, as
/// those for a file that can't be written.
const PATIENCE: Duration = Duration::from_secs(2);

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
            Some(path) => {
                let file = match append(path) {
                    Err(error) if error.kind() == ErrorKind::NotConnected => None,
                    opened => Some(whole_lines(path, opened?)?),
                };
                Target::File { path: path.to_owned(), file, patience: PATIENCE, lost: 0 }
            }
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
    /// `file` is `None` while it can't be written; then lines are counted, once a pipe was waited for.
    File {
        path: PathBuf,
        file: Option<BufWriter<File>>,
        patience: Duration,
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
            Target::File { path, file, patience, lost } => {
                if self.reopen.swap(false, Ordering::Relaxed) || file.is_none() {
                    *file = None;
                    match append_patiently(path, std::mem::take(patience))
                        .and_then(|out| whole_lines(path, out))
                    {
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
                        (*patience, *lost) = (PATIENCE, 0);
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

/// Ends a line that a full disk or a crash cut, so that the next one is not lost with it.
fn whole_lines(path: &Path, mut out: BufWriter<File>) -> io::Result<BufWriter<File>> {
    if out.get_ref().metadata()?.is_file() {
        let mut last = [b'\n'];
        if let Ok(mut file) = File::open(path)
            && file.seek(SeekFrom::End(-1)).is_ok()
        {
            // What cannot be read is taken as whole.
            let _ = file.read(&mut last);
        }
        if last != *b"\n" {
            out.write_all(b"\n")?;
        }
    }
    Ok(out)
}

fn append_patiently(path: &Path, patience: Duration) -> io::Result<BufWriter<File>> {
    let until = Instant::now() + patience;
    loop {
        match append(path) {
            Err(error) if error.kind() == ErrorKind::NotConnected && Instant::now() < until => {
                thread::sleep(Duration::from_millis(50));
            }
            opened => return opened,
        }
    }
}

/// Opens the file, or a pipe if somebody reads it; it waits for nobody.
fn append(path: &Path) -> io::Result<BufWriter<File>> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::{OFlags, fcntl_setfl};
        options.custom_flags(OFlags::NONBLOCK.bits() as i32);
        let file = options.open(path).map_err(|error| match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => {
                io::Error::new(ErrorKind::NotConnected, "nobody reads this pipe")
            }
            _ => error,
        })?;
        // Writing may take its time.
        fcntl_setfl(&file, OFlags::APPEND)?;
        Ok(BufWriter::new(file))
    }
    #[cfg(not(target_os = "linux"))]
    options.open(path).map(BufWriter::new)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    #[test]
    fn a_line_that_was_cut_does_not_take_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        for (before, after) in [("", "whole\n"), ("one\n", "one\nwhole\n"), ("one\ncu", "one\ncu\nwhole\n")] {
            std::fs::write(&path, before).unwrap();
            let mut sink = Sink::open(Some(&path)).unwrap();
            sink.line(b"whole\n".to_vec(), || false);
            sink.close(Instant::now() + PATIENCE);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    fn a_pipe_may_get_its_reader_late_and_lose_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let sink = Sink::open(Some(&path)).unwrap();
        let line = |n: u32| sink.line(format!("{n}\n").into_bytes(), || false);
        (0..10).for_each(line);
        let mut reader = BufReader::new(File::open(&path).unwrap()).lines();
        let first: Vec<String> = reader.by_ref().take(10).map(Result::unwrap).collect();
        assert_eq!((first.len(), first[9].as_str()), (10, "9"));
        drop(reader);
        // More than may wait: nobody is held up for longer than the patience, and who comes then gets what comes then.
        let begun = Instant::now();
        (10..20_000).for_each(line);
        assert!(begun.elapsed() < 4 * PATIENCE);
        let reader = thread::spawn(move || {
            let mut lines = BufReader::new(File::open(&path).unwrap()).lines();
            lines.find(|line| line.as_deref().is_ok_and(|line| line == "late")).is_some()
        });
        while !reader.is_finished() {
            assert!(begun.elapsed() < 12 * PATIENCE, "the new reader gets nothing");
            sink.line(b"late\n".to_vec(), || false);
            thread::sleep(Duration::from_millis(10));
        }
        assert!(reader.join().unwrap());
        assert_eq!(sink.reader(), Reader::Reads);
    }
}
