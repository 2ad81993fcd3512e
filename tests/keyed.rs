//! Captures of real peers that carry the TLS secrets of their sessions: every message is named, and each failure
//! is certain.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::Owned;
use common::golden::project;
use common::keyed::{key_log, keyed, keys, moved, name, run};
use common::made::Numbers;
use rdpwhy::analyzer::{Analyzer, Diagnosed, Options};
use rdpwhy::diagnosis::Confidence::{self, Certain, Likely, Possible};
use rdpwhy::diagnosis::Outcome;
use rdpwhy::layers::Keys;
use serde_json::Value;

fn first_session(path: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rdpwhy"));
    let output = command.args(["analyze", "--format", "json"]).arg(path).output().unwrap();
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["sessions"][0].take()
}

// ---- every message ----

/// One entry of a timeline.
struct Entry {
    kind: String,
    frame: u64,
    by_client: bool,
}

/// A timeline from Connect-Initial to Font Map.
fn sequence(session: &Value) -> Vec<Entry> {
    let events = session["timeline"].as_array().unwrap();
    let mut all: Vec<Entry> = events
        .iter()
        .filter(|event| event["phase"] != "tls-handshake")
        .map(|event| Entry {
            kind: event["kind"].as_str().unwrap().to_owned(),
            frame: event["frame"].as_u64().unwrap(),
            by_client: event["direction"] == "client_to_server",
        })
        .collect();
    let at =
        |kind: &str| all.iter().position(|entry| entry.kind == kind).unwrap_or_else(|| panic!("no {kind}"));
    let (begin, end) = (at("mcs-connect-initial"), at("font-map"));
    all.truncate(end + 1);
    all.split_off(begin)
}

#[test]
fn every_message_from_connect_initial_to_font_map_is_named_in_order() {
    let xrdp = &["license-request", "license-new-license-request", "license-error-alert"][..];
    let valid = &["license-error-alert"][..];
    let peers = [
        ("healthy/keyed-xrdp", xrdp),
        ("healthy/keyed-xrdp-tls12", xrdp),
        ("healthy/keyed-shadow-nla", valid),
        ("healthy/keyed-ironrdp", valid),
        ("healthy/keyed-ironrdp-nla", valid),
    ];
    for (capture, licensing) in peers {
        let session = first_session(&project(&format!("captures/{capture}.pcapng")));
        assert_eq!(session["tls"]["decrypted"], true, "{capture}");
        let rdp = &session["rdp"];
        let own = 2 + usize::from(!rdp["message_channel_id"].is_null());
        let joined = if capture.contains("ironrdp") {
            JOINS_SKIPPED
        } else {
            rdp["channels"].as_array().unwrap().len() + own
        };
        let mut expected = vec!["mcs-connect-initial", "mcs-connect-response", "mcs-erect-domain-request"];
        expected.extend(["mcs-attach-user-request", "mcs-attach-user-confirm"]);
        expected.extend(["mcs-channel-join-request", "mcs-channel-join-confirm"].repeat(joined));
        expected.push("client-info");
        expected.extend(licensing);
        expected.push("demand-active");
        let got = sequence(&session);
        let kinds: Vec<&str> = got.iter().map(|entry| entry.kind.as_str()).collect();
        assert_eq!(kinds[..expected.len()], expected, "{capture}: {kinds:?}");
        // From here on the ends speak without waiting for each other.
        let finalization = |by_client: bool| {
            let rest = got[expected.len()..].iter().filter(|entry| entry.by_client == by_client);
            rest.map(|entry| entry.kind.as_str()).collect::<Vec<_>>()
        };
        let client = ["confirm-active", "synchronize", "control-cooperate", "control-request", "font-list"];
        assert_eq!(finalization(true), client, "{capture}");
        let mut server = vec!["synchronize", "control-cooperate", "control-granted", "font-map"];
        if capture.contains("ironrdp") {
            server.insert(0, "monitor-layout");
        }
        assert_eq!(finalization(false), server, "{capture}");
        assert!(got.is_sorted_by_key(|entry| entry.frame), "{capture}");
        for event in session["timeline"].as_array().unwrap() {
            let told = format!("{} {}", event["kind"], event["summary"]).to_lowercase();
            for word in ["unknown", "malformed", "encrypted-pdu", "not readable", "encrypted record"] {
                assert!(!told.contains(word), "{capture}: {event}");
            }
        }
    }
}

/// Channels that an IronRDP pair joins one by one: none, since both can skip that.
const JOINS_SKIPPED: usize = 0;

/// What Wireshark calls a message.
const WIRESHARK: [(&str, &str); 21] = [
    ("mcs-connect-initial", "ClientData"),
    // It fails at how IronRDP writes a length.
    ("mcs-connect-initial", "T.124 [Malformed Packet]"),
    ("monitor-layout", "Monitor Layout"),
    ("mcs-connect-response", "ServerData"),
    ("mcs-erect-domain-request", "erectDomainRequest"),
    ("mcs-attach-user-request", "attachUserRequest"),
    ("mcs-attach-user-confirm", "attachUserConfirm"),
    ("mcs-channel-join-request", "channelJoinRequest"),
    ("mcs-channel-join-confirm", "channelJoinConfirm"),
    ("client-info", "ClientInfo"),
    ("license-request", "License Request"),
    ("license-new-license-request", "New License Request"),
    ("license-error-alert", "Error Alert"),
    ("demand-active", "Demand Active PDU"),
    ("confirm-active", "Confirm Active PDU"),
    ("synchronize", "RDP PDU Type: Synchronize"),
    ("control-cooperate", "Action: Cooperate"),
    ("control-request", "Action: Request control"),
    ("control-granted", "Action: Granted control"),
    ("font-list", "FontList"),
    ("font-map", "FontMap"),
];

#[test]
fn frames_are_those_that_tshark_names() {
    if Command::new("tshark").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: frames were not compared with tshark's, because it is not installed");
        return;
    }
    // It takes the Early User Authorization Result for a part of what follows.
    let read = |path: &PathBuf| name(path).starts_with("healthy/") && !name(path).ends_with("ironrdp-nla");
    for path in keyed().into_iter().filter(read) {
        // Wireshark does not see that TLS follows the negotiation, nor that RDP is in it.
        let output = Command::new("tshark")
            .args(["-d", "tcp.port==3389,tls", "-d", "tls.port==3389,tpkt", "-r"])
            .arg(&path)
            .args(["-T", "fields", "-e", "frame.number", "-e", "_ws.col.Protocol", "-e", "_ws.col.Info"])
            .output()
            .unwrap();
        let listed = String::from_utf8(output.stdout).unwrap();
        let theirs: BTreeMap<u64, String> = listed
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(number, shown)| (number.parse().unwrap(), shown.replace('\t', " ")))
            .collect();
        let session = first_session(&path);
        let ours = sequence(&session);
        let (first, last) = (ours.first().unwrap().frame, ours.last().unwrap().frame);
        for Entry { kind, frame, .. } in &ours {
            let shown = theirs.get(frame).map_or("", String::as_str);
            let agree = WIRESHARK.iter().any(|(known, info)| known == kind && shown.contains(info));
            assert!(agree, "{}: frame {frame} is {kind}, tshark says {shown:?}", name(&path));
        }
        for (frame, info) in theirs.range(first..=last) {
            let named = WIRESHARK.iter().any(|(_, known)| info.contains(known));
            let told = ours.iter().any(|entry| entry.frame == *frame);
            assert_eq!(named, told, "{}: frame {frame} is {info:?} for tshark", name(&path));
        }
    }
}

/// Builds that programs other than Windows' own call themselves by, as they really sent them.
#[test]
fn real_clients_have_the_builds_that_the_table_says() {
    for (capture, build, program) in [
        ("healthy/keyed-xrdp.pcapng", 18363, "FreeRDP"),
        ("mcs-refused/standard-security.pcapng", 2600, "rdesktop"),
    ] {
        let session = first_session(&project(&format!("captures/{capture}")));
        assert_eq!(session["rdp"]["client_build"], build, "{capture}");
        assert!(session["rdp"]["client_os"].as_str().unwrap().contains(program), "{capture}");
    }
}

// ---- verdicts, with keys and without ----

/// Capture; code and confidence with keys; the same without.
type Expected = (&'static str, (&'static str, Confidence), (&'static str, Confidence));

const EXPECTED: [Expected; 16] = [
    ("healthy/keyed-ironrdp", ("healthy", Certain), ("healthy", Likely)),
    ("healthy/keyed-ironrdp-nla", ("healthy", Certain), ("healthy", Likely)),
    ("healthy/keyed-shadow-nla", ("healthy", Certain), ("healthy", Likely)),
    ("healthy/keyed-xrdp", ("healthy", Certain), ("healthy", Likely)),
    ("healthy/keyed-xrdp-tls12", ("healthy", Certain), ("healthy", Likely)),
    ("licensing-failed/keyed-no-license-server", ("licensing-failed", Certain), ("setup-reset", Possible)),
    ("mcs-refused/keyed-too-many-users", ("mcs-refused", Certain), ("setup-reset", Possible)),
    (
        "nla-authentication-failed/keyed-account-locked",
        ("nla-authentication-failed", Certain),
        ("nla-authentication-failed", Likely),
    ),
    (
        "nla-authentication-failed/keyed-not-authorized",
        ("nla-authentication-failed", Certain),
        ("nla-authentication-failed", Likely),
    ),
    (
        "nla-authentication-failed/keyed-password-expired",
        ("nla-authentication-failed", Certain),
        ("nla-authentication-failed", Likely),
    ),
    // This server closes without a word, so nobody can know more.
    (
        "nla-authentication-failed/keyed-shadow",
        ("nla-authentication-failed", Likely),
        ("nla-authentication-failed", Likely),
    ),
    (
        "nla-authentication-failed/keyed-wrong-password",
        ("nla-authentication-failed", Certain),
        ("client-left-after-tls", Possible),
    ),
    (
        "server-denied-connection/keyed-ironrdp",
        ("server-denied-connection", Certain),
        ("server-error-info", Likely),
    ),
    ("server-error-info/keyed-idle-timeout", ("server-error-info", Certain), ("server-error-info", Likely)),
    ("server-error-info/keyed-no-privileges", ("server-error-info", Certain), ("server-error-info", Likely)),
    (
        "tls-certificate-rejected/keyed-unknown-issuer",
        ("tls-certificate-rejected", Certain),
        ("tls-certificate-rejected", Likely),
    ),
];

/// The first session.
fn diagnosed(frames: &[Owned], keys: Keys) -> Diagnosed {
    let mut analyzer = Analyzer::new(Options { keys, ..Options::default() });
    for (frame, number) in frames.iter().zip(1..) {
        analyzer.push(&frame.frame(number));
    }
    analyzer.finish();
    let mut all: Vec<Diagnosed> = std::iter::from_fn(|| analyzer.poll()).collect();
    all.sort_by_key(|session| session.session.tcp.first.order);
    all.remove(0)
}

#[test]
fn failures_are_certain_with_keys_and_honest_without() {
    let mut wrong = Vec::new();
    for (capture, with, without) in EXPECTED {
        let path = project(&format!("captures/{capture}.pcapng"));
        let frames = common::read(&path).frames;
        for (keys, (code, confidence)) in [(keys(&path), with), (Keys::default(), without)] {
            let got = diagnosed(&frames, keys.clone()).diagnosis.verdict;
            if (got.code, got.confidence) != (code, confidence) {
                wrong.push(format!(
                    "{capture} with {keys:?}: {} {:?}: {}",
                    got.code, got.confidence, got.explanation
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(keyed().len(), EXPECTED.len(), "each is expected");
}

#[test]
fn keys_that_do_not_fit_change_no_verdict_and_are_said() {
    let path = project("captures/nla-authentication-failed/keyed-shadow.pcapng");
    let frames = common::read(&path).frames;
    let plain = diagnosed(&frames, Keys::default()).diagnosis.verdict;
    let others = diagnosed(&frames, keys(&project("captures/healthy/keyed-xrdp.pcapng")));
    let wrong = Keys::default();
    let log = key_log(&path);
    let spoiled = log.lines().map(|line| {
        let (kept, last) = line.split_at(line.len() - 1);
        format!("{kept}{}\n", if last == "0" { "1" } else { "0" })
    });
    wrong.add(spoiled.collect::<String>().as_bytes());
    let wrong = diagnosed(&frames, wrong);
    for (done, says) in [(others, "No key that was given is of this connection"), (wrong, "they are wrong")] {
        let verdict = done.diagnosis.verdict;
        assert_eq!((verdict.code, verdict.confidence), (plain.code, plain.confidence));
        assert!(verdict.explanation.starts_with(&plain.explanation), "{}", verdict.explanation);
        assert!(verdict.explanation.contains(says), "{}", verdict.explanation);
        assert!(!done.session.facts.tls.unwrap().decrypted);
    }
}

#[test]
fn secrets_may_stand_anywhere_in_a_file_and_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = project("captures/server-denied-connection/keyed-ironrdp.pcapng");
    let frames = common::read(&path).frames.len();
    let sessions = |files: &[&Path]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rdpwhy"));
        let output = command.args(["analyze", "--format", "json"]).args(files).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (report["sessions"].clone(), String::from_utf8(output.stderr).unwrap())
    };
    let (expected, _) = sessions(&[&path]);
    for before in [1, 5, 9, 15, frames + 1] {
        let file = folder.path().join("moved.pcapng");
        std::fs::write(&file, moved(&path, before)).unwrap();
        let (got, told) = sessions(&[&file]);
        assert!(got == expected, "before frame {before}: {}", got[0]["diagnosis"]["code"]);
        assert_eq!(told, "", "before frame {before}");
        let input = std::fs::File::open(&file).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rdpwhy"));
        let piped = command.args(["--format", "json", "-"]).stdin(input).output().unwrap();
        let late = String::from_utf8(piped.stderr).unwrap().contains("secrets came after packets");
        assert_eq!(late, before > 9, "what is piped is read once; before frame {before}");
    }
    // The packets in one file, the secrets in another, which has a session of its own.
    let bare = folder.path().join("bare.pcapng");
    std::fs::write(&bare, moved(&path, 1)).unwrap();
    let without = Command::new("editcap").arg("--discard-all-secrets").args([&bare, &bare]).status();
    if !without.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: secrets of another file, because editcap is not installed");
    }
    let log = folder.path().join("keys.txt");
    std::fs::write(&log, key_log(&path)).unwrap();
    let output = run(&["analyze", "--format", "json", "--keylog", log.to_str().unwrap()], &bare);
    let report: Value = serde_json::from_slice(&output).unwrap();
    assert!(report["sessions"] == expected);
}

// ---- what a capture lacks, or has spoiled ----

#[test]
fn a_missing_frame_makes_no_failure_of_a_healthy_session() {
    let mut wrong = Vec::new();
    for path in keyed().into_iter().filter(|path| name(path).starts_with("healthy/")) {
        let (frames, keys) = (common::read(&path).frames, keys(&path));
        for missing in 0..frames.len() {
            let mut left = frames.clone();
            left.remove(missing);
            let verdict = diagnosed(&left, keys.clone()).diagnosis.verdict;
            if matches!(verdict.outcome, Outcome::Failed | Outcome::Aborted) {
                wrong.push(format!("{} without frame {}: {}", name(&path), missing + 1, verdict.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn spoiled_bytes_do_no_harm() {
    let mut numbers = Numbers::new(1);
    let mut next = |end| numbers.below(end);
    for path in keyed() {
        let (frames, keys) = (common::read(&path).frames, keys(&path));
        for _ in 0..20 {
            let mut spoiled = frames.clone();
            for frame in &mut spoiled {
                match next(12) {
                    0 => {
                        let at = next(frame.data.len());
                        frame.data[at] = next(256) as u8;
                    }
                    1 => frame.data.truncate(next(frame.data.len()).max(1)),
                    _ => {}
                }
            }
            let at = next(spoiled.len());
            let frame = spoiled.remove(at);
            spoiled.insert(next(spoiled.len()), frame);
            let mut analyzer = Analyzer::new(Options { keys: keys.clone(), ..Options::default() });
            for (frame, number) in spoiled.iter().zip(1..) {
                analyzer.push(&frame.frame(number));
            }
            // It checks what must hold of any outcome.
            common::finish(analyzer, spoiled.len() as u64);
        }
    }
}
