//! Sessions by way of a Remote Desktop Gateway, with all TLS secrets in the capture: real FreeRDP clients, and a
//! gateway of our own (`tests/lab/peers/gateway.py`).

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::golden::project;
use common::keyed::moved;
use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::capture::{Capture, Source};
use serde_json::Value;

const CAPTURES: [&str; 7] = [
    "gateway-refused/connection-policy",
    "gateway-refused/resource-policy",
    "gateway-refused/session-timeout",
    "gateway-refused/wrong-password",
    "healthy/gateway-http",
    "healthy/gateway-websocket",
    "nla-authentication-failed/gateway",
];

fn path(name: &str) -> PathBuf {
    project("captures").join(format!("{name}.pcapng"))
}

fn run(args: &[&str], file: &std::path::Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy")).args(args).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn session(name: &str) -> Value {
    let report: Value = serde_json::from_str(&run(&["analyze", "--format", "json"], &path(name))).unwrap();
    let sessions = report["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 1, "{name}");
    sessions[0].clone()
}

#[test]
fn without_secrets_nothing_is_said_of_them() {
    for name in CAPTURES {
        let mut analyzer = Analyzer::new(Options::default());
        let mut capture = Capture::open(Source::Path(path(name)), 0).unwrap();
        while let Some(frame) = capture.next_frame() {
            analyzer.push(&frame);
            assert!(analyzer.poll().is_none(), "{name}");
        }
        analyzer.finish();
        assert!(analyzer.poll().is_none(), "{name}");
        let counted: u64 = analyzer
            .overview()
            .conversations
            .iter()
            .map(|c| c.packets.client_to_server + c.packets.server_to_client)
            .sum();
        assert!(counted >= 20, "{name}: {counted}");
    }
}

#[test]
fn a_tunnel_is_one_session_however_it_is_carried() {
    for (name, transport, incoming) in
        [("healthy/gateway-http", "http", true), ("healthy/gateway-websocket", "websocket", false)]
    {
        let session = session(name);
        let gateway = &session["gateway"];
        assert_eq!(gateway["transport"], transport);
        assert_eq!(gateway["target"]["host"], "desk.lab.test");
        assert_eq!(
            (gateway["status"]["value"].as_u64(), gateway["incoming_port"].is_u64()),
            (Some(0), incoming)
        );
        assert_eq!(
            (session["phase"].as_str(), session["server"]["port"].as_u64()),
            (Some("active"), Some(443))
        );
        // The session inside, in TLS of its own.
        assert_eq!(session["negotiation"]["cookie"], "\\lab");
        assert_eq!(session["rdp"]["user_name"], "lab");
        assert_ne!(session["tls"]["certificate"], gateway["tls"]["certificate"]);
        let events = session["timeline"].as_array().unwrap();
        let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
        let at =
            |kind| kinds.iter().position(|have| *have == kind).unwrap_or_else(|| panic!("{name}: no {kind}"));
        let order = [
            "gateway-http-request",
            "gateway-tunnel-create",
            "gateway-channel-response",
            "x224-connection-request",
            "mcs-connect-initial",
            "client-info",
            "font-map",
        ];
        assert!(order.map(at).is_sorted(), "{kinds:?}");
    }
}

#[test]
fn secrets_may_stand_behind_the_packets() {
    let folder = tempfile::tempdir().unwrap();
    for name in CAPTURES {
        let file = folder.path().join("moved.pcapng");
        std::fs::write(&file, moved(&path(name), usize::MAX)).unwrap();
        let report: Value = serde_json::from_str(&run(&["analyze", "--format", "json"], &file)).unwrap();
        assert_eq!(report["sessions"].as_array().unwrap().len(), 1, "{name}");
        assert!(report["sessions"][0] == session(name), "{name}");
    }
}

#[test]
fn it_is_one_session_on_a_port_of_rdp_too() {
    for (name, code) in
        [("healthy/gateway-http", "healthy"), ("gateway-refused/wrong-password", "gateway-refused")]
    {
        let told = run(&["analyze", "--port", "443", "--format", "json"], &path(name));
        let report: Value = serde_json::from_str(&told).unwrap();
        let codes: Vec<&Value> = report["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|session| &session["diagnosis"]["code"])
            .collect();
        assert_eq!(codes, [code], "{name}");
    }
}

#[test]
fn what_the_gateway_says_is_certain_and_owned() {
    for (name, code, owner, phase) in [
        ("gateway-refused/connection-policy", 0x8007_59DB_u64, "server", "tls-handshake"),
        ("gateway-refused/resource-policy", 0x8007_59DA, "server", "tls-handshake"),
        ("gateway-refused/session-timeout", 0x8007_59F6, "nobody", "active"),
        ("gateway-refused/wrong-password", 401, "identity", "tls-handshake"),
    ] {
        let session = session(name);
        let gateway = &session["gateway"];
        let said = if code == 401 { &gateway["http_status"] } else { &gateway["status"]["value"] };
        assert_eq!(said.as_u64(), Some(code), "{name}");
        let diagnosis = &session["diagnosis"];
        let told = ["code", "confidence", "side", "owner"].map(|field| diagnosis[field].as_str().unwrap());
        assert_eq!(told, ["gateway-refused", "certain", "server", owner], "{name}");
        assert_eq!((session["outcome"].as_str(), session["phase"].as_str()), (Some("failed"), Some(phase)));
    }
}

#[test]
fn a_capture_of_a_tunnel_has_the_frames_of_both_connections() {
    let folder = tempfile::tempdir().unwrap();
    for name in CAPTURES {
        let to = folder.path().join("made.pcapng");
        run(&["report", "--with-secrets", "--force", "-o", to.to_str().unwrap()], &path(name));
        let report: Value = serde_json::from_str(&run(&["analyze", "--format", "json"], &to)).unwrap();
        let again = &report["sessions"][0];
        let before = session(name);
        for field in ["phase", "outcome", "gateway", "rdp"] {
            assert_eq!(again[field], before[field], "{name}: {field}");
        }
    }
}

#[test]
fn names_are_redacted_and_secrets_never_told() {
    for name in CAPTURES {
        let mut capture = Capture::open(Source::Path(path(name)), 0).unwrap();
        while capture.next_frame().is_some() {}
        let log: Vec<u8> = capture.info().secrets.iter().flat_map(|secrets| secrets.data.clone()).collect();
        let log = String::from_utf8(log).unwrap();
        for format in ["table", "json", "ndjson", "markdown"] {
            let told = run(&["analyze", "--timeline", "--session", "1", "--format", format], &path(name));
            let secrets = log.lines().filter_map(|line| line.split(' ').nth(2));
            assert!(secrets.into_iter().all(|secret| !told.contains(&secret[..16])), "{name}, {format}");
            assert!(!told.contains("TlRMTVNT"), "{name}, {format}: an NTLM token");
            let redacted = run(&["analyze", "--redact", "--timeline", "--format", format], &path(name));
            for word in ["desk.lab.test", "lab.test", "10.77."] {
                assert!(!redacted.contains(word), "{name}, {format}: {word}");
            }
        }
    }
}
