//! Captures of other projects' real peers: read from `RDPWHY_PEER_CAPTURES`, never copied into this one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// Code and phase of each session, in order; `None` where the captures are not there.
fn verdicts(file: &str) -> Option<Vec<(String, String)>> {
    let Some(folder) = std::env::var_os("RDPWHY_PEER_CAPTURES") else {
        eprintln!("SKIPPED: RDPWHY_PEER_CAPTURES is unset, so {file} was not read");
        return None;
    };
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .args(["analyze", "--format", "json"])
        .arg(PathBuf::from(folder).join(file))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
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
