//! Captures of real peers that carry the TLS secrets of their sessions: every message is named, each failure is
//! certain, and nothing secret is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::golden::project;
use common::{Owned, captures_below};
use rdpwhy::analyzer::{Analyzer, Diagnosed, Options};
use rdpwhy::base::{Chunk, Dir, Limits, PerDir, Seen, Stamp};
use rdpwhy::capture::{Capture, Source};
use rdpwhy::diagnosis::Confidence::{self, Certain, Likely, Possible};
use rdpwhy::layers::{Hides, Keys, Security, SecurityRecord, TlsStream};
use rdpwhy::packet::{Body, Decoder};
use rdpwhy::protocol::tls::ContentType;
use serde_json::Value;

/// What the lab's users typed.
const PASSWORDS: [&str; 2] = ["Seerosenblatt", "Fl0ckenwirbel"];

fn keyed() -> Vec<PathBuf> {
    let mut found = captures_below(&project("captures"));
    found.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with("keyed-"));
    assert!(found.len() >= EXPECTED.len(), "{found:#?}");
    found
}

/// "healthy/keyed-xrdp".
fn name(path: &Path) -> String {
    let name = path.strip_prefix(project("captures")).unwrap().display().to_string();
    name.split(".pcap").next().unwrap().to_owned()
}

/// The key log in a capture.
fn key_log(path: &Path) -> String {
    let mut capture = Capture::open(Source::Path(path.to_owned()), 0).unwrap();
    while capture.next_frame().is_some() {}
    let log: Vec<u8> = capture.info().secrets.iter().flat_map(|secrets| secrets.data.clone()).collect();
    assert!(!log.is_empty(), "{} carries no secrets", path.display());
    String::from_utf8(log).unwrap()
}

fn keys(path: &Path) -> Keys {
    let keys = Keys::default();
    assert_eq!(keys.add(key_log(path).as_bytes()).unknown, 0);
    keys
}

fn run(args: &[&str], file: &Path) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rdpwhy"));
    let output = command.args(args).arg(file).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?} {}: {told}", file.display());
    assert!(!told.contains("warning"), "{args:?} {}: {told}", file.display());
    [output.stdout, output.stderr].concat()
}

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

/// A capture with its block of secrets moved to another place: before the frame of this number.
fn moved(path: &Path, before: usize) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let mut blocks: Vec<&[u8]> = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some(length) = rest.get(4..8) {
        let (block, after) = rest.split_at(u32::from_le_bytes(length.try_into().unwrap()) as usize);
        blocks.push(block);
        rest = after;
    }
    let kind = |block: &[u8]| u32::from_le_bytes(block[..4].try_into().unwrap());
    let at = blocks.iter().position(|block| kind(block) == 10).unwrap();
    let secrets = blocks.remove(at);
    let packets = blocks.iter().enumerate().filter(|(_, block)| kind(block) == 6).map(|(at, _)| at);
    let at = packets.chain([blocks.len()]).nth(before - 1).unwrap();
    blocks.insert(at, secrets);
    blocks.concat()
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

// ---- nothing secret ----

type Stream = (TlsStream, PerDir<Option<u32>>, PerDir<Vec<u8>>);

/// What was sealed in the sessions of a capture, each direction by itself.
fn clear(path: &Path) -> Vec<Vec<u8>> {
    let frames = common::read(path).frames;
    let mut decoder = Decoder::new(&Limits::default());
    let mut streams: BTreeMap<u16, Stream> = BTreeMap::new();
    for (frame, number) in frames.iter().zip(1..) {
        let frame = frame.frame(number);
        let Ok(packet) = decoder.decode(&frame, number) else { continue };
        let Body::Tcp(segment) = packet.body else { continue };
        let (dir, port) = if segment.dst_port == 3389 {
            (Dir::ClientToServer, segment.src_port)
        } else {
            (Dir::ServerToClient, segment.dst_port)
        };
        let (stream, next, clear) = streams.entry(port).or_insert_with(|| {
            (TlsStream::new(&Limits::default(), keys(path)), PerDir::default(), PerDir::default())
        });
        // The negotiation is in one segment each way; then TLS. Repeats are left out.
        let begins = next[dir].is_none() && TlsStream::begins(segment.payload);
        if segment.payload.is_empty() || !begins && next[dir] != Some(segment.seq) {
            continue;
        }
        next[dir] = Some(segment.seq.wrapping_add(segment.payload_len));
        let stamp = Stamp { at: frame.at, time: frame.time, order: number };
        let len = segment.payload.len() as u64;
        let chunk = Chunk { offset: u64::from(segment.seq), data: segment.payload, len, stamp };
        let show = |shown: Seen<Security<'_>>| {
            if let Security::Record(SecurityRecord {
                hides: Hides::Opened(ContentType::application_data, opened),
                ..
            }) = shown.value
            {
                clear[dir].extend_from_slice(opened);
            }
        };
        stream.push(dir, &chunk, show).unwrap();
    }
    streams.into_values().flat_map(|(_, _, clear)| [clear.client_to_server, clear.server_to_client]).collect()
}

/// The NT and LM responses and the session key of each AUTHENTICATE_MESSAGE (MS-NLMP, section 2.2.1.3).
fn responses(clear: &[u8]) -> Vec<Vec<u8>> {
    const HEAD: &[u8] = b"NTLMSSP\0\x03\0\0\0";
    let starts = clear.windows(HEAD.len()).enumerate().filter(|(_, window)| *window == HEAD);
    let mut found = Vec::new();
    for (at, _) in starts {
        let message = &clear[at..];
        for field in [12, 20, 52] {
            let number = |at: usize, len: usize| {
                message[at..at + len].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
            };
            let (len, offset) = (number(field, 2), number(field + 4, 4));
            found.push(message[offset..offset + len].to_vec());
        }
    }
    // An LM response may be nothing but zeros.
    found.retain(|response| response.iter().any(|byte| *byte != 0));
    found
}

/// How bytes may stand in a text or a capture.
fn forms(secret: &[u8]) -> [Vec<u8>; 3] {
    let hex = rdpwhy::report::text::hex(secret);
    [secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()]
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn no_secret_stands_in_any_output() {
    let folder = tempfile::tempdir().unwrap();
    let (mut passwords, mut answers) = (0, 0);
    for path in keyed() {
        let mut secrets: Vec<Vec<u8>> = Vec::new();
        let log = key_log(&path);
        for word in log.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split(' ').skip(2))
        {
            let unhex = |at: usize| u8::from_str_radix(&word[at..at + 2], 16).unwrap();
            let secret: Vec<u8> = (0..word.len()).step_by(2).map(unhex).collect();
            assert!(matches!(secret.len(), 32 | 48));
            secrets.extend(forms(&secret));
        }
        let clear = clear(&path);
        for password in PASSWORDS.into_iter().chain(["password"]) {
            let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
            passwords += usize::from(clear.iter().any(|clear| holds(clear, &wide)));
            // Our own sentences speak of passwords.
            secrets.extend((password != "password").then(|| password.as_bytes().to_vec()));
            secrets.push(wide);
        }
        for response in clear.iter().flat_map(|clear| responses(clear)) {
            answers += 1;
            // Of a long one the proof is the beginning.
            secrets.extend(forms(&response[..response.len().min(16)]));
        }
        let mut outputs: Vec<(String, Vec<u8>)> = Vec::new();
        for format in ["table", "json", "ndjson", "markdown"] {
            for redact in [&[][..], &["--redact"]] {
                let args = [&["analyze", "--timeline", "--format", format], redact].concat();
                outputs.push((format!("{args:?}"), run(&args, &path)));
            }
        }
        for ending in ["html", "md", "txt", "json", "pcapng"] {
            for redact in [&[][..], &["--redact"]] {
                let to = folder.path().join(format!("report{}.{ending}", redact.len()));
                let to = to.to_str().unwrap();
                outputs.push((
                    "what it tells".to_owned(),
                    run(&[&["report", "--force", "-o", to], redact].concat(), &path),
                ));
                outputs.push((format!("{ending} {redact:?}"), std::fs::read(to).unwrap()));
            }
        }
        for (format, output) in &outputs {
            for secret in &secrets {
                assert!(
                    !holds(output, secret),
                    "{} in {format} of {}",
                    String::from_utf8_lossy(secret),
                    name(&path)
                );
            }
        }
        // The search finds what is there.
        let with = folder.path().join("with.pcapng");
        run(&["report", "--force", "--with-secrets", "-o", with.to_str().unwrap()], &path);
        let with = std::fs::read(with).unwrap();
        assert!(secrets.iter().any(|secret| holds(&with, secret)), "{}", name(&path));
    }
    assert!(passwords >= 4, "only {passwords} passwords were said");
    assert!(answers >= 10, "only {answers} responses of NTLM were said");
}
