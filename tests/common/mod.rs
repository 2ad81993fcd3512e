//! What several of these tests share: captures as frames, a way to run the engine, and made captures.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rdpwhy::analyzer::{Analyzer, Diagnosed, DiagnosedUdp, Options, Over, Told, Whole};
use rdpwhy::base::{Frame, FrameRef, LinkType, Timestamp};
use rdpwhy::capture::{Capture, Source};
use rdpwhy::diagnosis::{Confidence, Diagnosis, Outcome};
use rdpwhy::session::Phase;

pub mod golden;
pub mod keyed;
pub mod made;
pub mod messages;
pub mod pcap;
pub mod script;
pub mod talk;

/// A frame with bytes of its own.
#[derive(Clone, Debug)]
pub struct Owned {
    pub time: Timestamp,
    pub link: LinkType,
    pub interface: u32,
    pub data: Vec<u8>,
    pub wire_len: u32,
}

impl Owned {
    /// The same as the engine takes it, as frame `number` of the first capture.
    pub fn frame(&self, number: u64) -> Frame<'_> {
        Frame {
            at: FrameRef::new(0, number),
            time: self.time,
            link: self.link,
            interface: self.interface,
            data: &self.data,
            wire_len: self.wire_len,
        }
    }
}

/// A capture read into memory.
#[derive(Clone, Debug)]
pub struct Frames {
    pub path: PathBuf,
    pub frames: Vec<Owned>,
}

impl Frames {
    /// The path from the project's folder, or the file's name.
    pub fn name(&self) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let name = self.path.strip_prefix(root).ok().or_else(|| self.path.file_name().map(Path::new));
        name.unwrap_or(&self.path).display().to_string()
    }
}

/// Reads a capture; panics where it can't be read.
pub fn read(path: &Path) -> Frames {
    let mut capture = Capture::open(Source::Path(path.to_owned()), 0).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = capture.next_frame() {
        frames.push(Owned {
            time: frame.time,
            link: frame.link,
            interface: frame.interface,
            data: frame.data.to_vec(),
            wire_len: frame.wire_len,
        });
    }
    Frames { path: path.to_owned(), frames }
}

/// Every capture below `folder`, in order of name.
pub fn captures_below(folder: &Path) -> Vec<PathBuf> {
    const ENDINGS: [&str; 6] = [".pcap", ".pcapng", ".pcap.gz", ".pcapng.gz", ".pcap.zst", ".pcapng.zst"];
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The project's own captures, and those of `RDPWHY_PEER_CAPTURES` where it is set.
pub fn all_captures() -> Vec<Frames> {
    let mut paths = captures_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"));
    match std::env::var_os("RDPWHY_PEER_CAPTURES") {
        Some(folder) => {
            let peers = captures_below(Path::new(&folder));
            assert!(!peers.is_empty(), "RDPWHY_PEER_CAPTURES={} holds no capture", folder.display());
            paths.extend(peers);
        }
        None => eprintln!("SKIPPED: the peers' captures, because RDPWHY_PEER_CAPTURES is not set"),
    }
    paths.iter().map(|path| read(path)).collect()
}

/// What a session came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub client: SocketAddr,
    pub server: SocketAddr,
    pub code: &'static str,
    pub outcome: Outcome,
    pub phase: Phase,
    pub confidence: Confidence,
    pub others: Vec<&'static str>,
}

impl Verdict {
    pub fn ends(&self) -> (SocketAddr, SocketAddr) {
        (self.client, self.server)
    }

    /// The outcome as a person would tell it.
    pub fn told(&self) -> (SocketAddr, SocketAddr, &'static str, Outcome, Phase) {
        (self.client, self.server, self.code, self.outcome, self.phase)
    }
}

impl From<&Diagnosed> for Verdict {
    fn from(done: &Diagnosed) -> Self {
        let verdict = &done.diagnosis.verdict;
        let mut others: Vec<_> = done.diagnosis.others.iter().map(|other| other.code).collect();
        others.sort_unstable();
        Verdict {
            client: done.session.tcp.client,
            server: done.session.tcp.server,
            code: verdict.code,
            outcome: verdict.outcome,
            phase: done.session.phase(),
            confidence: verdict.confidence,
            others,
        }
    }
}

impl From<&DiagnosedUdp> for Verdict {
    fn from(done: &DiagnosedUdp) -> Self {
        let verdict = &done.diagnosis.verdict;
        let mut others: Vec<_> = done.diagnosis.others.iter().map(|other| other.code).collect();
        others.sort_unstable();
        Verdict {
            client: done.session.udp.client,
            server: done.session.udp.server,
            code: verdict.code,
            outcome: verdict.outcome,
            phase: done.session.phase(),
            confidence: verdict.confidence,
            others,
        }
    }
}

/// The verdict on a session, and the order of its first packet.
pub fn verdict(over: Over) -> (Verdict, u64) {
    match over.whole {
        Whole::Udp(flow) => (Verdict::from(&*flow), flow.session.udp.first.order),
        tcp => {
            let done = tcp.into_told().unwrap();
            (Verdict::from(&done), done.session.tcp.first.order)
        }
    }
}

/// Runs the engine over frames, checks what must hold of any outcome, and sorts the verdicts by ends and
/// first frame.
pub fn run<'a>(frames: impl IntoIterator<Item = &'a Owned>) -> Vec<Verdict> {
    let mut analyzer = Analyzer::new(Options::default());
    let mut number = 0;
    for frame in frames {
        number += 1;
        analyzer.push(&frame.frame(number));
    }
    finish(analyzer, number)
}

/// The sessions of frames, in the order in which they ended.
pub fn run_all(frames: &[Owned]) -> Vec<Over> {
    let mut analyzer = Analyzer::new(Options::default());
    let mut done = Vec::new();
    for (frame, number) in frames.iter().zip(1..) {
        analyzer.push(&frame.frame(number));
        done.extend(std::iter::from_fn(|| analyzer.poll_over()));
    }
    analyzer.finish();
    done.extend(std::iter::from_fn(|| analyzer.poll_over()));
    done
}

/// Ends the run of an engine that took `frames` frames.
pub fn finish(mut analyzer: Analyzer, frames: u64) -> Vec<Verdict> {
    analyzer.finish();
    let mut done = Vec::new();
    while let Some(over) = analyzer.poll_over() {
        let short = (over.brief.code, over.brief.outcome);
        match &over.whole {
            Whole::Udp(flow) => {
                check_verdicts(&flow.diagnosis, frames);
                check_udp(flow);
            }
            tcp => {
                let told = tcp.told().unwrap();
                let title = tcp.told_in_short().unwrap().diagnosis.verdict.title.clone();
                assert_eq!(title, told.diagnosis.verdict.title, "counted as told");
                check(&told, frames);
            }
        }
        let (told, first) = verdict(over);
        assert_eq!(short, (told.code, told.outcome), "counted as it is told");
        done.push((told, first));
    }
    assert!(done.len() as u64 <= frames, "{} sessions from {frames} frames", done.len());
    assert_eq!(analyzer.overview().frames, frames);
    done.sort_by_key(|(verdict, first)| (verdict.client, verdict.server, *first));
    done.into_iter().map(|(verdict, _)| verdict).collect()
}

/// What must hold of every session, whatever the frames were.
fn check(done: &Told<'_>, frames: u64) {
    check_verdicts(&done.diagnosis, frames);
    for flow in done.udp {
        check_verdicts(&flow.diagnosis, frames);
        check_udp(flow);
    }
    let tcp = &done.session.tcp;
    assert!(tcp.first.order <= tcp.last.order, "ends before it begins");
    let timeline = rdpwhy::session::timeline(&done.session);
    assert!(timeline.len() <= 256, "{} timeline entries", timeline.len());
    let exists = |at: FrameRef| (1..=frames).contains(&at.number());
    for entry in &timeline {
        assert!(exists(entry.span.first.at) && exists(entry.span.last.at), "no such frame: {entry:?}");
    }
}

fn check_udp(flow: &DiagnosedUdp) {
    let udp = &flow.session.udp;
    assert!(udp.first.order <= udp.last.order, "ends before it begins");
    assert!(rdpwhy::session::udp_timeline(&flow.session).len() <= 256);
    assert!(flow.session.phase() >= Phase::UdpConnect);
}

fn check_verdicts(diagnosis: &Diagnosis, frames: u64) {
    let exists = |at: FrameRef| (1..=frames).contains(&at.number());
    for verdict in std::iter::once(&diagnosis.verdict).chain(&diagnosis.others) {
        assert!(!verdict.evidence.is_empty(), "{}: no evidence", verdict.code);
        for evidence in &verdict.evidence {
            let span = evidence.span;
            assert!(
                exists(span.first.at) && exists(span.last.at),
                "{}: no such frame: {evidence:?}",
                verdict.code
            );
        }
        assert!(
            !verdict.evidence.iter().any(|e| e.absence) || verdict.confidence < Confidence::Certain,
            "{}: certain though inferred from an absence",
            verdict.code
        );
    }
}
