//! The flight recorder: frames of sessions that run wait in memory, and those of an attempt that failed are saved
//! with its report.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use rdpwhy::analyzer::{Analyzer, Over};
use rdpwhy::base::{Frame, Timestamp};
use rdpwhy::capture::{Buffer, BufferBounds, Interface, Packet, Section, Statistics, Worth, Writer};
use rdpwhy::report::build::running::{Told, id, parts};
use rdpwhy::report::build::saved;
use rdpwhy::report::comments::{self, Comments};
use rdpwhy::report::model::{Attempt, Capture, Outcome, Session, Time};
use rdpwhy::report::{View, json, markdown};

use super::fragments::Fragments;
use super::store::{Bounds, Files, Store};
use crate::cli::tell;

/// Attempts that wait to be written: when a server fails, all its clients do at once, and a disk may take some tens of
/// attempts a second. One that is slower than failures come for long loses some, and says so.
const WAITING: usize = 1024;
/// Their bytes; one attempt alone may have more. A short session and its report have some 20 kilobytes; frames of a
/// long one have a megabyte at most.
const WAITING_BYTES: usize = 16 << 20;
/// Sessions that are over, and attempts that were saved, which are remembered in case the attempt goes on.
const REMEMBERED: usize = 1024;
/// How many of them are remembered where memory is short.
pub(crate) const LEAST_REMEMBERED: usize = 64;

/// What the thread that writes is told.
enum Job {
    /// Writes these; the files of this name, if any, are of the same attempt and go.
    Save(Files, Option<String>),
    /// The attempt did not fail after all.
    Remove(String),
}

impl Job {
    fn bytes(&self) -> usize {
        match self {
            Job::Save(files, _) => files.contents.iter().map(Vec::len).sum(),
            Job::Remove(_) => 0,
        }
    }
}

/// A session that is over.
struct Ended {
    session: Session,
    /// What its frames are kept under.
    parts: Vec<u64>,
}

/// Keeps frames until it is known whether they are wanted.
pub(crate) struct Recorder {
    buffer: Buffer,
    /// Whether attempts that did not fail are wanted too.
    all: bool,
    fragments: Fragments,
    /// Sessions that are over, whose attempt may go on, by id; and until when, the first first.
    over: HashMap<u64, Ended>,
    until: VecDeque<(Timestamp, u64)>,
    /// Names of what was saved, by the id of the attempt's first session.
    saved: BTreeMap<u64, String>,
    jobs: Option<SyncSender<Job>>,
    waiting: Arc<AtomicUsize>,
    /// Attempts that were not saved since too many waited.
    unsaved: u64,
    done: Receiver<()>,
}

impl Recorder {
    /// Opens the folder, and begins.
    pub(crate) fn start(
        folder: &Path,
        bounds: Bounds,
        frames: BufferBounds,
        all: bool,
    ) -> std::io::Result<Self> {
        let store = Store::open(folder, bounds)?;
        let (jobs, incoming) = sync_channel(WAITING);
        let (finished, done) = sync_channel(1);
        let waiting = Arc::new(AtomicUsize::new(0));
        let written = waiting.clone();
        thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            write_all(store, &incoming, &written);
            let _ = finished.send(());
        })?;
        Ok(Recorder {
            buffer: Buffer::new(frames),
            fragments: Fragments::default(),
            all,
            over: HashMap::new(),
            until: VecDeque::new(),
            saved: BTreeMap::new(),
            jobs: Some(jobs),
            waiting,
            unsaved: 0,
            done,
        })
    }

    /// A frame that the engine took: it is kept where it is of a session that runs, or of one of its RDP-UDP flows.
    pub(crate) fn take(&mut self, analyzer: &Analyzer, frame: &Frame<'_>) {
        let Some(touched) = analyzer.touched() else {
            if analyzer.awaits_fragments()
                && let Some(datagram) = self.fragments.begin(frame)
            {
                self.buffer.add(datagram, Worth::Unknown, frame);
                self.forget_fragments(frame.time);
            }
            return;
        };
        let worth = match (touched.is_session(), touched.has_spoken()) {
            (false, _) => Worth::Unknown,
            (true, false) => Worth::HalfOpen,
            (true, true) => Worth::Session,
        };
        let session = id(touched.first);
        if let Some(datagram) = self.fragments.complete(frame) {
            self.buffer.join(datagram, session, worth);
        }
        self.buffer.add(session, worth, frame);
    }

    /// Bytes of the frames that are kept.
    pub(crate) fn frames(&self) -> usize {
        self.buffer.bytes()
    }

    /// Bytes that wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// A session is over, and is not told: nobody wants it.
    pub(crate) fn forget(&mut self, over: &Over) {
        for part in parts(over) {
            self.buffer.forget(part);
        }
    }

    /// A session is over. `lost` packets may be missing from it.
    pub(crate) fn over(&mut self, over: &Over, told: &Told, interfaces: &[Interface], lost: u64) {
        let session = told.session.id;
        let Some(&first) = told.together.first() else { return };
        self.over.insert(session, Ended { session: told.session.clone(), parts: parts(over) });
        let until = told.session.end.0.plus(rdpwhy::diagnosis::GAP);
        self.until.push_back((until, session));
        while self.until.len() > REMEMBERED {
            self.let_go(0);
        }
        if !self.all && told.attempt.outcome != Outcome::Failed {
            // What failed was only a part of what worked.
            if let Some(name) = self.saved.remove(&first) {
                self.job(Job::Remove(name));
            }
            return;
        }
        // What would not be taken need not be made.
        if self.waiting() >= WAITING_BYTES {
            self.unsaved += 1;
            return;
        }
        // What is not kept any more of an attempt stays as it was saved.
        let whole =
            told.together.iter().all(|id| self.over.contains_key(id) && self.buffer.get(*id).is_some());
        let sessions = if whole { told.together.as_slice() } else { &[session] };
        let Some(files) = self.files(sessions, told, interfaces, lost) else { return };
        let key = if whole { first } else { session };
        let (name, before) = (files.name.clone(), self.saved.get(&key).cloned());
        if !self.job(Job::Save(files, before)) {
            self.unsaved += 1;
            return;
        }
        self.saved.insert(key, name);
        if self.saved.len() > REMEMBERED {
            self.saved.pop_first();
        }
    }

    /// Lets go of sessions whose attempt can't go on any more.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.forget_fragments(now);
        while self.until.front().is_some_and(|&(until, _)| until < now) {
            self.let_go(0);
        }
    }

    fn forget_fragments(&mut self, now: Timestamp) {
        while let Some(datagram) = self.fragments.expired(now) {
            self.buffer.forget(datagram);
        }
    }

    /// Lets go of the session that has been over for the longest time, unless there are no more than `least`.
    pub(crate) fn let_go(&mut self, least: usize) -> bool {
        if self.until.len() <= least {
            return false;
        }
        let ended = self.until.pop_front().and_then(|(_, session)| self.over.remove(&session));
        for part in ended.into_iter().flat_map(|ended| ended.parts) {
            self.buffer.forget(part);
        }
        true
    }

    /// Waits for the last files, but not longer than `until`.
    pub(crate) fn close(&mut self, until: Instant) {
        self.jobs = None;
        let rest = until.saturating_duration_since(Instant::now());
        if self.done.recv_timeout(rest) == Err(RecvTimeoutError::Timeout) {
            tell("the last attempts could not be saved in time");
        }
    }

    /// How many attempts were not saved since the last call, as the disk is slower than they come.
    pub(crate) fn take_unsaved(&mut self) -> u64 {
        std::mem::take(&mut self.unsaved)
    }

    /// Hands a job over; whether it is taken.
    fn job(&mut self, job: Job) -> bool {
        let Some(jobs) = &self.jobs else { return false };
        let bytes = job.bytes();
        // Counted before it is taken.
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let taken = (before == 0 || before + bytes <= WAITING_BYTES) && jobs.try_send(job).is_ok();
        if !taken {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    /// The files of these sessions, which are of one attempt.
    fn files(&self, ids: &[u64], told: &Told, interfaces: &[Interface], lost: u64) -> Option<Files> {
        let ended: Vec<&Ended> = ids.iter().filter_map(|id| self.over.get(id)).collect();
        let sessions: Vec<Session> = ended.iter().map(|ended| ended.session.clone()).collect();
        let parts = ended.iter().flat_map(|ended| &ended.parts);
        let kept: Vec<_> = parts.filter_map(|part| self.buffer.get(*part)).collect();
        let mut frames: Vec<Frame<'_>> = kept.iter().flat_map(|kept| kept.frames()).collect();
        if frames.is_empty() {
            return None;
        }
        frames.sort_unstable_by_key(|frame| frame.at);
        let attempt = match ids {
            [_] => Attempt { sessions: vec![1], decided_by: 1, ..told.attempt.clone() },
            _ => told.attempt.clone(),
        };
        let decisive = sessions.get(attempt.decided_by.saturating_sub(1) as usize).or(sessions.last())?;
        let name = name(sessions.first()?, decisive.diagnosis.code);
        let mut comments = Comments::new();
        let mut title = "rdpwhy:".to_owned();
        for (session, number) in sessions.iter().zip(1..) {
            comments::add(session, number, &mut comments);
            title = format!("{title}\n{}", comments::verdict(session, number));
        }
        for (left_out, after) in kept.iter().filter_map(|kept| kept.left_out()) {
            let text = format!("rdpwhy: {left_out} frames of this session after this one were not kept");
            comments.entry((0, after.number())).or_default().push(text);
        }
        let pcapng = pcapng(&frames, &comments, interfaces, title, lost).ok()?;
        let numbers: Vec<u64> = frames.iter().map(|frame| frame.at.number()).collect();
        let report = saved::report(capture(&name, &frames), &sessions, &attempt, &numbers);
        let (mut json, mut markdown) = (Vec::new(), Vec::new());
        json::write(&report, &mut json).ok()?;
        let view = View { timeline: true, every_story: true, ..View::default() };
        markdown::write(&report, &view, &mut markdown).ok()?;
        Some(Files { name, contents: [json, markdown, pcapng] })
    }
}

fn write_all(mut store: Store, jobs: &Receiver<Job>, waiting: &AtomicUsize) {
    let mut failing = false;
    while let Ok(job) = jobs.recv() {
        let bytes = job.bytes();
        let result = match job {
            Job::Save(files, before) => {
                let saved =
                    store.save(&files).map_err(|error| format!("cannot save {}: {error}", files.name));
                match before.filter(|before| *before != files.name) {
                    Some(before) if saved.is_ok() => {
                        store.remove(&before).map_err(|error| format!("cannot remove {before}: {error}"))
                    }
                    _ => saved,
                }
            }
            Job::Remove(name) => {
                store.remove(&name).map_err(|error| format!("cannot remove {name}: {error}"))
            }
        };
        waiting.fetch_sub(bytes, Ordering::Relaxed);
        match result {
            Ok(()) => failing = false,
            // A full disk is told once.
            Err(why) => {
                if !failing {
                    tell(&why);
                }
                failing = true;
            }
        }
    }
}

/// "2026-11-21T05-33-46.044Z_10.0.0.2-50000_10.0.0.1-3389_tls-alert": in the order of time, and harmless in a shell.
fn name(first: &Session, code: &str) -> String {
    let time: String = first.start.to_string().chars().take("2026-11-21T05:33:46.044".len()).collect();
    let end = |ip: std::net::IpAddr, port: u16| format!("{ip}-{port}");
    let (client, server) = (end(first.client.ip, first.client.port), end(first.server.ip, first.server.port));
    format!("{time}Z_{client}_{server}_{code}").replace(':', "-")
}

fn pcapng(
    frames: &[Frame<'_>],
    comments: &Comments,
    interfaces: &[Interface],
    title: String,
    lost: u64,
) -> std::io::Result<Vec<u8>> {
    let section = Section {
        comment: Some(title),
        hardware: None,
        os: Some(std::env::consts::OS.to_owned()),
        application: Some(format!("rdpwhy {}", env!("CARGO_PKG_VERSION"))),
    };
    let bytes: usize = frames.iter().map(|frame| frame.data.len() + 64).sum();
    let mut writer = Writer::new(Vec::with_capacity(bytes + 4096), &section)?;
    let mut written = BTreeMap::new();
    for frame in frames {
        if !written.contains_key(&frame.interface)
            && let Some(interface) = interfaces.get(frame.interface as usize)
        {
            written.insert(frame.interface, writer.interface(interface)?);
        }
    }
    for frame in frames {
        let Some(&interface) = written.get(&frame.interface) else { continue };
        writer.packet(&Packet {
            interface,
            time: frame.time,
            data: frame.data,
            wire_len: frame.wire_len,
            comments: comments.get(&(0, frame.at.number())).map_or(&[], Vec::as_slice),
            dropped: 0,
        })?;
    }
    if lost > 0
        && let Some(last) = frames.last()
    {
        let counts = Statistics { system_dropped: Some(lost), ..Statistics::default() };
        writer.statistics(0, last.time, &counts)?;
    }
    Ok(writer.into_inner())
}

fn capture(name: &str, frames: &[Frame<'_>]) -> Capture {
    Capture {
        file: format!("{name}.pcapng"),
        format: "pcapng",
        compression: None,
        packets: frames.len() as u64,
        bytes: frames.iter().map(|frame| frame.data.len() as u64).sum(),
        first: frames.iter().map(|frame| frame.time).min().map(Time),
        last: frames.iter().map(|frame| frame.time).max().map(Time),
        warnings: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
