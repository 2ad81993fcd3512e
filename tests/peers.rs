//! Captures of other projects' real peers: read from `RDPWHY_PEER_CAPTURES`, never copied into this one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// The report on a capture; `None` where the captures are not there.
fn report(file: &str) -> Option<Value> {
    report_with(file, &[])
}

fn report_with(file: &str, args: &[&str]) -> Option<Value> {
    let Some(folder) = std::env::var_os("RDPWHY_PEER_CAPTURES") else {
        eprintln!("SKIPPED: RDPWHY_PEER_CAPTURES is unset, so {file} was not read");
        return None;
    };
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .args(["analyze", "--format", "json"])
        .args(args)
        .arg(PathBuf::from(folder).join(file))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Code and phase of each session, in order.
fn verdicts(file: &str) -> Option<Vec<(String, String)>> {
    let report = report(file)?;
    let text = |value: &Value| value.as_str().unwrap_or("null").to_owned();
    let sessions = report["sessions"].as_array().unwrap().iter();
    Some(sessions.map(|s| (text(&s["diagnosis"]["code"]), text(&s["phase"]))).collect())
}

fn expect(file: &str, want: &[(&str, &str)]) {
    if let Some(got) = verdicts(file) {
        let got: Vec<(&str, &str)> =
            got.iter().map(|(code, phase)| (code.as_str(), phase.as_str())).collect();
        assert_eq!(got, want, "{file}");
    }
}

/// One click each: the client's second connection, 34 s and 2.4 s after the first, with the same cookie.
#[test]
fn what_was_got_over_is_one_attempt_that_worked() {
    for file in ["rdp-to-ssl.pcap", "rdp-proprietary-encryption.pcap"] {
        // That it ends with 0 is checked there.
        let Some(report) = report_with(file, &["--exit-code"]) else { continue };
        let [attempt] = report["attempts"].as_array().unwrap().as_slice() else { panic!("{report:#}") };
        assert_eq!(attempt["sessions"], serde_json::json!([1, 2]), "{file}");
        assert_eq!((&attempt["outcome"], &attempt["decided_by"]), (&"healthy".into(), &2.into()), "{file}");
        assert_eq!(
            report["sessions"][0]["negotiation"]["cookie"],
            report["sessions"][1]["negotiation"]["cookie"]
        );
        assert_eq!(report["summary"]["attempts_by_outcome"], serde_json::json!({"healthy": 1}), "{file}");
    }
}

#[test]
fn rdp_to_ssl_is_left_by_the_client_and_then_healthy() {
    expect("rdp-to-ssl.pcap", &[("client-left-after-tls", "nla"), ("healthy", "active")]);
}

#[test]
fn a_refused_negotiation_is_followed_by_standard_rdp_security() {
    expect(
        "rdp-proprietary-encryption.pcap",
        &[("negotiation-ssl-not-allowed", "x224-negotiation"), ("healthy", "active")],
    );
}

#[test]
fn a_mirror_port_that_shows_every_frame_twice_changes_nothing() {
    expect("rdp-no-cookie-mstshash.pcap", &[("client-left-after-tls", "tls-handshake")]);
}

#[test]
fn captures_that_stop_early_are_never_called_broken() {
    expect("ndpi-rdp.pcap", &[("inconclusive", "nla")]);
    expect("ndpi-rdp3.pcap", &[("inconclusive", "capabilities")]);
    expect("rdp-invalid-length.pcap", &[("inconclusive", "x224-negotiation")]);
    expect("rdp-unknown-keyboard.pcap", &[("inconclusive", "mcs-connect")]);
}

#[test]
fn rdp_inside_socks5_is_recognized_on_its_port() {
    expect("arkime-socks5-rdp.pcap", &[("inconclusive", "x224-negotiation")]);
}

#[test]
fn udp_that_nobody_answers_is_blocked() {
    expect("rdpeudp-handshake-fail.pcap", &[("udp-blocked", "udp-connect")]);
    let Some(report) = report("rdpeudp-handshake-fail.pcap") else { return };
    let session = &report["sessions"][0];
    assert_eq!((&session["transport"], &session["outcome"]), (&"udp".into(), &"failed".into()));
    let metrics = &session["metrics"];
    assert_eq!((&metrics["version"], &metrics["mode"]), (&Value::Null, &"reliable".into()));
    assert_eq!(metrics["datagrams"], serde_json::json!({"client_to_server": 3, "server_to_client": 0}));
    assert_eq!(metrics["loss_pct"]["client_to_server"], Value::Null, "SYNs are not counted");
}

/// Version 1 negotiated down from 3, whose data packets other tools misread.
#[test]
fn rdp_udp_is_read_down_to_tls() {
    expect("rdpeudp-handshake-success.pcap", &[("udp-healthy", "udp-active")]);
    expect("rdpeudp2-handshake-success.pcap", &[("inconclusive", "udp-security")]);
    let Some(report) = report("rdpeudp-handshake-success.pcap") else { return };
    let session = &report["sessions"][0];
    assert_eq!(session["tls"]["version"], "TLS 1.2");
    assert_eq!(session["metrics"]["version"], 2);
    assert_eq!(
        session["metrics"]["loss_pct"],
        serde_json::json!({"client_to_server": 0.0, "server_to_client": 0.0})
    );
    let kinds: Vec<&str> =
        session["timeline"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    for kind in [
        "udp-syn",
        "udp-syn-ack",
        "tls-client-hello",
        "tls-certificate",
        "tls-established",
        "emt-create-response",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let Some(report) = self::report("rdpeudp2-handshake-success.pcap") else { return };
    let session = &report["sessions"][0];
    assert_eq!((&session["metrics"]["version"], &session["tls"]["version"]), (&3.into(), &"TLS 1.0".into()));
    assert_eq!(session["other_diagnoses"], serde_json::json!([]));
}
