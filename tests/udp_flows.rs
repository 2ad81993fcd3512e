//! RDP-UDP flows in the lab's captures as something happened to them: their session broke a minute after them, the capture
//! began late, their frames came twice or out of order.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "fuzz/udp.rs"]
mod script;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use common::made::{self, ACK, RST};
use common::{Owned, captures_below, read};
use proptest::prelude::*;
use proptest::sample::Index;
use rdpwhy::analyzer::{Analyzer, Diagnosed, DiagnosedUdp, Options, Whole};
use rdpwhy::base::{Dir, Limits, Timestamp};
use rdpwhy::diagnosis::Outcome;
use rdpwhy::packet::{Body, Decoder, Packet};

fn capture(name: &str) -> Vec<Owned> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name)).frames
}

/// All sessions, and the flows that are sessions of their own.
fn run(frames: &[Owned]) -> (Vec<Diagnosed>, Vec<DiagnosedUdp>) {
    let mut analyzer = Analyzer::new(Options::default());
    for (number, frame) in (1..).zip(frames) {
        analyzer.push(&frame.frame(number));
    }
    analyzer.finish();
    let (mut sessions, mut flows) = (Vec::new(), Vec::new());
    while let Some(over) = analyzer.poll_over() {
        match over.whole {
            Whole::Udp(flow) => flows.push(*flow),
            tcp => sessions.extend(tcp.into_told()),
        }
    }
    (sessions, flows)
}

/// Calls `see` with what a frame is.
fn decoded<T>(frame: &Owned, see: impl FnOnce(&Packet<'_>) -> Option<T>) -> Option<T> {
    let mut decoder = Decoder::new(&Limits::default());
    let frame = frame.frame(1);
    let packet = decoder.decode(&frame, 1).ok()?;
    see(&packet)
}

fn is_udp(frame: &Owned) -> bool {
    decoded(frame, |packet| matches!(packet.body, Body::Udp(_)).then_some(())).is_some()
}

/// The server's last segment without its data, as a RST that follows it at `time`.
fn reset_after(frames: &[Owned], time: Timestamp) -> Owned {
    let of_server = |frame: &&Owned| {
        let next = decoded(frame, |packet| match &packet.body {
            Body::Tcp(segment) if segment.src_port == 3389 => {
                Some(segment.seq.wrapping_add(segment.payload_len))
            }
            _ => None,
        });
        next.map(|next| ((*frame).clone(), next))
    };
    let (mut frame, next) = frames.iter().rev().find_map(|frame| of_server(&frame)).unwrap();
    let header = usize::from(frame.data[34 + 12] >> 4) * 4;
    frame.data.truncate(34 + header);
    frame.data[16..18].copy_from_slice(&(20 + header as u16).to_be_bytes());
    let id = u16::from_be_bytes([frame.data[18], frame.data[19]]).wrapping_add(1);
    frame.data[18..20].copy_from_slice(&id.to_be_bytes());
    frame.data[38..42].copy_from_slice(&next.to_be_bytes());
    frame.data[34 + 13] = RST | ACK;
    Owned { time, wire_len: frame.data.len() as u32, ..frame }
}

/// A working session whose UDP flow the path cuts; TCP goes on for two seconds and is reset so long after the cut.
fn reset_later(seconds: i64) -> Diagnosed {
    let mut frames = capture("udp-lost/beside-tcp.pcapng");
    let died = frames
        .iter()
        .filter(|frame| {
            decoded(frame, |packet| match &packet.body {
                Body::Udp(datagram) => (datagram.src_port == 3389).then_some(()),
                _ => None,
            })
            .is_some()
        })
        .map(|frame| frame.time)
        .max()
        .unwrap();
    let after = |frame: &Owned| frame.time.since(died);
    frames.retain(|frame| is_udp(frame) || after(frame) < 2 * Timestamp::SECOND);
    let tcp: Vec<Owned> = frames.iter().filter(|frame| !is_udp(frame)).cloned().collect();
    frames.push(reset_after(&tcp, died.plus(seconds * Timestamp::SECOND)));
    frames.sort_by_key(|frame| frame.time);
    let (mut sessions, flows) = run(&frames);
    assert_eq!((sessions.len(), flows.len()), (1, 0));
    sessions.remove(0)
}

#[test]
fn a_tunnel_that_died_a_minute_before_the_session_is_told() {
    for (seconds, told) in [(60, true), (17, true), (3, false), (200, false)] {
        let session = reset_later(seconds);
        let verdict = &session.diagnosis.verdict;
        assert_eq!((verdict.code, verdict.outcome), ("session-reset", Outcome::Failed), "{seconds} s");
        let others: Vec<_> = session.diagnosis.others.iter().map(|other| other.code).collect();
        assert_eq!(others.contains(&"udp-lost"), seconds > 5, "{seconds} s: {others:?}");
        assert_eq!(
            verdict.explanation.contains("UDP flow had died"),
            told,
            "{seconds} s: {}",
            verdict.explanation
        );
        let shown =
            verdict.evidence.iter().filter(|evidence| evidence.text.contains("session's UDP flow")).count();
        assert_eq!(shown, usize::from(told), "{seconds} s");
    }
}

#[test]
fn a_flow_that_works_is_not_blamed_for_a_reset() {
    let mut frames = capture("healthy/udp.pcapng.gz");
    let end = frames.last().unwrap().time;
    frames.retain(|frame| is_udp(frame) || end.since(frame.time) > Timestamp::SECOND);
    let tcp: Vec<Owned> = frames.iter().filter(|frame| !is_udp(frame)).cloned().collect();
    frames.push(reset_after(&tcp, end.plus(Timestamp::MILLISECOND)));
    let (sessions, _) = run(&frames);
    let verdict = &sessions[0].diagnosis.verdict;
    assert_eq!((verdict.code, sessions[0].udp.len()), ("session-reset", 1));
    assert!(!verdict.explanation.contains("UDP"), "{}", verdict.explanation);
    assert!(sessions[0].diagnosis.others.iter().all(|other| !other.code.starts_with("udp")));
}

/// The same frames from another client, so much later.
fn moved(frames: &[Owned], last_octet: u8, seconds: i64) -> Vec<Owned> {
    let client = [10, 77, 1, 10];
    frames
        .iter()
        .cloned()
        .map(|mut frame| {
            frame.time = frame.time.plus(seconds * Timestamp::SECOND);
            for at in [26, 30] {
                if frame.data.get(at..at + 4) == Some(&client) {
                    frame.data[at + 3] = last_octet;
                }
            }
            frame
        })
        .collect()
}

/// What the program says of these frames.
fn said(frames: &[Owned], format: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pcap");
    std::fs::write(&file, made::pcap(frames)).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .args(["analyze", "--format", format])
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_server_that_never_answers_udp_is_told_once() {
    let one = capture("udp-blocked/beside-tcp.pcapng");
    let patterns = |frames: &[Owned]| {
        let report: serde_json::Value = serde_json::from_str(&said(frames, "json")).unwrap();
        let patterns = report["summary"]["patterns"].as_array().unwrap().clone();
        patterns.into_iter().filter(|pattern| pattern["kind"] == "udp-unanswered").collect::<Vec<_>>()
    };
    assert!(patterns(&one).is_empty(), "one session is no pattern");
    let mut all: Vec<Owned> =
        [10, 11, 12].iter().zip(0..).flat_map(|(&host, at)| moved(&one, host, at * 60)).collect();
    let found = patterns(&all);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["sessions"], &found[0]["clients"]), (&3.into(), &3.into()));
    assert_eq!(found[0]["server"]["ip"], "10.77.2.20");
    let text = found[0]["text"].as_str().unwrap();
    let table = said(&all, "table").split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = text.split(" since ").next().unwrap();
    assert_eq!(table.matches(sentence).count(), 1, "{sentence}\n{table}");
    // One session over UDP, and it is no habit of the server's.
    all.extend(moved(&capture("healthy/udp.pcapng.gz"), 13, 240));
    assert!(patterns(&all).is_empty());
}

#[test]
fn a_correlation_id_that_differs_joins_nothing() {
    let frames = capture("healthy/udp-correlated.pcapng.gz");
    let (sessions, flows) = run(&frames);
    assert_eq!((sessions.len(), flows.len()), (2, 0));
    let mut other = frames;
    let mut changed = 0;
    for frame in &mut other {
        // The id of a SYN stands 16 bytes into its payload.
        if is_udp(frame) && frame.data.get(42..46) == Some(&[0xFF; 4]) {
            frame.data[42 + 16] ^= 1;
            changed += 1;
        }
    }
    assert_eq!(changed, 2);
    let (sessions, flows) = run(&other);
    assert_eq!((sessions.len(), flows.len()), (2, 2));
    assert!(
        sessions.iter().all(|session| session.udp.is_empty() && session.diagnosis.verdict.code == "healthy")
    );
    assert!(flows.iter().all(|flow| flow.diagnosis.verdict.code == "udp-healthy"));
}

/// Captures with a sound flow.
fn sound() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut paths = captures_below(&root.join("udp-healthy"));
    paths.extend(
        ["udp.pcapng.gz", "udp-correlated.pcapng.gz", "udp-two-flows.pcapng.gz"]
            .map(|name| root.join("healthy").join(name)),
    );
    assert!(paths.len() > 15);
    paths
}

/// Whatever a capture lacks at its start: a sound flow is never called broken or lossy.
#[test]
fn a_flow_that_began_before_the_capture_is_not_called_broken() {
    let mut wrong = Vec::new();
    let mut recognized = 0;
    for path in sound() {
        let frames = read(&path).frames;
        for begin in
            (1..20).chain((20..frames.len()).step_by(frames.len() / 30 + 1)).filter(|&at| at < frames.len())
        {
            let (sessions, flows) = run(&frames[begin..]);
            let all = sessions.iter().flat_map(|session| &session.udp).chain(&flows);
            for flow in all {
                recognized += 1;
                let verdict = &flow.diagnosis.verdict;
                if matches!(verdict.outcome, Outcome::Failed | Outcome::Degraded) {
                    wrong.push(format!("{} from frame {}: {}", path.display(), begin + 1, verdict.code));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(recognized > 100, "only {recognized} flows");
}

/// What is measured of a flow, times apart.
fn measures(frames: &[Owned]) -> Vec<(SocketAddr, &'static str, [u64; 5], [u64; 5])> {
    let (sessions, flows) = run(frames);
    let all = sessions.into_iter().flat_map(|session| session.udp).chain(flows);
    let mut told: Vec<_> = all
        .map(|flow| {
            let measured = flow.session.measured();
            let of = |dir: Dir| {
                let one = measured[dir];
                [one.sent, one.lost, one.missed, one.extra, flow.session.udp.dir[dir].datagrams]
            };
            (
                flow.session.udp.client,
                flow.diagnosis.verdict.code,
                of(Dir::ClientToServer),
                of(Dir::ServerToClient),
            )
        })
        .collect();
    told.sort_unstable();
    told
}

/// Captures with and without loss, of each version.
const MEASURED: [&str; 6] = [
    "udp-lossy/v2.pcapng",
    "udp-lossy/v3.pcapng",
    "udp-lossy/dtls.pcapng",
    "udp-healthy/v1.pcapng",
    "udp-healthy/v3-dummies.pcapng",
    "udp-healthy/v2-ironrdp.pcapng",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Datagrams with whatever numbers, in whatever order: the fuzz target on made-up scripts.
    #[test]
    fn no_script_of_datagrams_does_harm(script in prop::collection::vec(any::<u8>(), 0..1500)) {
        script::udp_flow(&script);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A frame seen twice, as at a mirror port: the same measures.
    #[test]
    fn doubled_frames_change_no_measure(
        which in 0..MEASURED.len(),
        doubled in prop::collection::vec(any::<Index>(), 0..30),
    ) {
        let frames = capture(MEASURED[which]);
        let mut changed = frames.clone();
        let mut doubles: Vec<usize> = doubled.iter().map(|index| index.index(changed.len())).collect();
        doubles.sort_unstable();
        for at in doubles.into_iter().rev() {
            let mut again = changed[at].clone();
            again.time = again.time.plus(1000);
            changed.insert(at + 1, again);
        }
        prop_assert_eq!(measures(&frames), measures(&changed), "{}", MEASURED[which]);
    }

    /// Neighbours of one direction in another order: nothing more is lost. Where something is, which of two repeats
    /// was one too many may be told by times alone, and each swap may turn one or two of them.
    #[test]
    fn swapped_frames_are_no_loss(
        which in 0..MEASURED.len(),
        swapped in prop::collection::vec(any::<Index>(), 0..30),
    ) {
        let frames = capture(MEASURED[which]);
        let mut changed = frames.clone();
        for index in swapped {
            let at = index.index(changed.len() - 1);
            let source = |frame: &Owned| frame.data[26..30].to_vec();
            let both = [at, at + 1].map(|at| source(&changed[at]));
            // Not the opening: data that comes before it is another story.
            if at > 12 && is_udp(&changed[at]) && is_udp(&changed[at + 1]) && both[0] == both[1] {
                let (one, other) = (changed[at].time, changed[at + 1].time);
                changed.swap(at, at + 1);
                (changed[at].time, changed[at + 1].time) = (one, other);
            }
        }
        for (before, after) in measures(&frames).into_iter().zip(measures(&changed)) {
            prop_assert_eq!((before.0, before.1), (after.0, after.1));
            for (before, after) in [(before.2, after.2), (before.3, after.3)] {
                prop_assert_eq!((before[0], before[3], before[4]), (after[0], after[3], after[4]));
                let apart = before[1].abs_diff(after[1]);
                prop_assert!(apart * 20 <= before[0] && (apart == 0 || before[1] > 0), "{before:?}, then {after:?}");
            }
        }
    }
}
