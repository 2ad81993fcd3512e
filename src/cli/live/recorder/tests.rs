//! What is saved, against what `report` takes out of the same captures.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::base::FrameRef;
use rdpwhy::capture::{Capture as Reader, Source};
use rdpwhy::layers::Keys;
use rdpwhy::report::build::running::Running;
use rdpwhy::report::build::{self, Built, Collected};
use rdpwhy::report::choose::Choice;
use rdpwhy::report::pcapng::Wanted;
use serde_json::Value;

use super::*;

fn open(path: &Path) -> (Reader, Keys) {
    let mut capture = Reader::open(Source::Path(path.to_owned()), 0).unwrap();
    let keys = Keys::default();
    let more = keys.clone();
    capture.on_secrets(move |secrets| {
        more.add(&secrets.data);
    });
    (capture, keys)
}

/// Every capture of the project.
fn captures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("captures");
    let folders =
        std::fs::read_dir(folder).unwrap().filter_map(|entry| entry.unwrap().path().read_dir().ok());
    let files = folders.flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().contains(".pcap")).collect();
    files.sort();
    files
}

/// What `analyze` says of a capture, and the numbers of the frames that `report` takes out of it.
fn analyzed(path: &Path) -> (Value, Vec<u64>) {
    let (mut capture, keys) = open(path);
    let mut analyzer = Analyzer::new(Options { keys, ..Options::default() });
    let mut collected = Collected::new(Choice::default(), usize::MAX);
    while let Some(frame) = capture.next_frame() {
        analyzer.push(&frame);
    }
    analyzer.finish();
    std::iter::from_fn(|| analyzer.poll_over()).for_each(|over| collected.push(over));
    let options = build::Options { choice: Choice::default(), separate: false };
    let info = capture.into_info();
    let built = Built::new(&[&info], &collected, analyzer.overview(), &options);
    let mut wanted = Wanted::of(built.taken());
    let (mut capture, _) = open(path);
    let mut numbers = Vec::new();
    while let Some(frame) = capture.next_frame() {
        if wanted.takes(&frame, frame.at.number()) {
            numbers.push(frame.at.number());
        }
    }
    let mut report = Vec::new();
    json::write(&built, &mut report).unwrap();
    (serde_json::from_slice(&report).unwrap(), numbers)
}

/// Numbers of the frames that the recorder saves of it; none twice.
fn saved(path: &Path) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { bytes: 1 << 30, files: 1000 };
    let mut recorder = Recorder::start(
        folder.path(),
        bounds,
        BufferBounds { head: 16 << 20, ..BufferBounds::default() },
        true,
    )
    .unwrap();
    let (mut capture, keys) = open(path);
    let mut analyzer = Analyzer::new(Options { keys, follow: true, ..Options::default() });
    let mut running = Running::new(usize::MAX);
    let mut sent = Vec::new();
    while let Some(frame) = capture.next_frame() {
        sent.push((frame.time, frame.data.to_vec()));
        analyzer.push(&frame);
        recorder.take(&analyzer, &frame);
    }
    analyzer.finish();
    let interfaces = capture.into_info().interfaces;
    for over in std::iter::from_fn(|| analyzer.poll_over()) {
        let told = running.take(&over, |_, _| 0).unwrap();
        recorder.over(&over, &told, &interfaces, 0);
    }
    recorder.close(Instant::now() + Duration::from_secs(20));
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|ending| ending != "pcapng") {
            continue;
        }
        let (mut kept, _) = open(&file);
        // Of the same frames the same is said again, with their numbers in this file.
        if TOLD_AGAIN.iter().any(|told| path.to_string_lossy().contains(told)) {
            let report = std::fs::read(file.with_extension("json")).unwrap();
            let report: Value = serde_json::from_slice(&report).unwrap();
            assert_eq!(report["sessions"], analyzed(&file).0["sessions"], "{}", path.display());
        }
        let mut at = 0;
        while let Some(frame) = kept.next_frame() {
            at += sent[at..]
                .iter()
                .position(|(time, data)| (*time, &data[..]) == (frame.time, frame.data))
                .unwrap()
                + 1;
            numbers.push(at as u64);
        }
    }
    numbers.sort_unstable();
    numbers
}

/// Captures whose sessions have several connections, and of which nothing is left out that their reports rest on.
const TOLD_AGAIN: [&str; 5] = [
    "healthy/udp-two-flows",
    "udp-blocked/both-beside-tcp",
    "udp-lossy/beside-tcp",
    "udp-lost/beside-tcp",
    "udp-security-failed/beside-tcp",
];

#[test]
fn what_is_saved_is_what_a_report_takes() {
    let all = captures();
    assert!(TOLD_AGAIN.iter().all(|told| all.iter().any(|path| path.to_string_lossy().contains(told))));
    for path in all {
        let (reported, mut saved) = (analyzed(&path).1, saved(&path));
        // It came three seconds after the session's last packet: a report takes what came within two.
        if path.ends_with("tcp-unreachable/host-unreachable.pcapng") {
            saved.retain(|number| *number != 14);
        }
        assert_eq!(saved, reported, "{}", path.display());
    }
}

#[test]
fn an_attempt_larger_than_what_may_wait_is_taken_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { bytes: 100 << 20, files: 30 };
    let mut recorder = Recorder::start(folder.path(), bounds, BufferBounds::default(), false).unwrap();
    let large = |second: u32| {
        let name = format!("2026-11-21T05-33-{second:02}.044Z_a_b_tls-alert");
        Job::Save(Files { name, contents: [Vec::new(), Vec::new(), vec![0; WAITING_BYTES + 1]] }, None)
    };
    assert!(recorder.job(large(1)));
    let second = recorder.job(large(2));
    recorder.close(Instant::now() + Duration::from_secs(30));
    let saved = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!((saved, recorder.waiting()), (if second { 6 } else { 3 }, 0));
    assert!(!recorder.job(large(3)), "it is closed");
}

#[test]
fn attempts_that_fail_at_once_are_all_saved() {
    const ATTEMPTS: u8 = 150;
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { bytes: 1 << 30, files: 1000 };
    let mut recorder = Recorder::start(folder.path(), bounds, BufferBounds::default(), false).unwrap();
    let path = captures().into_iter().find(|path| path.ends_with("tls-cipher-mismatch/xrdp-tls12.pcapng"));
    let (mut capture, keys) = open(&path.unwrap());
    let mut analyzer = Analyzer::new(Options { keys, follow: true, ..Options::default() });
    let mut number = 0;
    while let Some(frame) = capture.next_frame() {
        for client in 0..ATTEMPTS {
            number += 1;
            let mut data = frame.data.to_vec();
            // The third byte of both IPv4 addresses.
            (data[28], data[32]) = (client, client);
            let frame = Frame { at: FrameRef::new(0, number), data: &data, ..frame };
            analyzer.push(&frame);
            recorder.take(&analyzer, &frame);
        }
    }
    analyzer.finish();
    let interfaces = capture.into_info().interfaces;
    let mut running = Running::new(usize::MAX);
    for over in std::iter::from_fn(|| analyzer.poll_over()) {
        recorder.over(&over, &running.take(&over, |_, _| 0).unwrap(), &interfaces, 0);
    }
    recorder.close(Instant::now() + Duration::from_mins(1));
    assert_eq!(recorder.take_unsaved(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3 * usize::from(ATTEMPTS));
}
