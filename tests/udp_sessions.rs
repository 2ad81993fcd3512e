//! RDP-UDP flows beside their TCP sessions, in the lab's captures: whose they are, and what they change.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn sessions(capture: &str) -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(capture);
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .args(["analyze", "--format", "json"])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{capture}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["sessions"].as_array().unwrap().clone()
}

/// What an end said of a flow or session, by the name of the detail.
fn detail<'a>(session: &'a Value, name: &str) -> Option<&'a Value> {
    session["timeline"].as_array().unwrap().iter().find_map(|event| event["details"].get(name))
}

#[test]
fn correlation_ids_say_whose_a_flow_is() {
    let found = sessions("healthy/udp-correlated.pcapng.gz");
    assert_eq!(found.len(), 2);
    for session in &found {
        let flows = session["udp"].as_array().unwrap();
        assert_eq!(flows.len(), 1);
        let id = &session["negotiation"]["correlation_id"];
        assert!(id.is_string());
        assert_eq!(detail(&flows[0], "correlation_id"), Some(id));
    }
    // The flow that began first is the later session's.
    let start = |session: &Value| session["udp"][0]["start"].as_str().unwrap().to_owned();
    assert!(found[0]["start"].as_str() < found[1]["start"].as_str());
    assert!(start(&found[0]) > start(&found[1]));
}

#[test]
fn a_reliable_and_a_lossy_flow_belong_to_one_session() {
    let found = sessions("healthy/udp-two-flows.pcapng.gz");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["udp"].as_array().unwrap().len(), 2);
}

#[test]
fn blocked_udp_degrades_a_working_session() {
    for (capture, flows) in [("udp-blocked/beside-tcp.pcapng", 1), ("udp-blocked/both-beside-tcp.pcapng", 2)]
    {
        let found = sessions(capture);
        assert_eq!(found.len(), 1, "{capture}");
        let session = &found[0];
        assert_eq!(
            (&session["transport"], &session["phase"]),
            (&"tcp".into(), &"active".into()),
            "{capture}"
        );
        assert_eq!(
            (&session["outcome"], &session["diagnosis"]["code"]),
            (&"degraded".into(), &"udp-blocked".into()),
            "{capture}"
        );
        let udp = session["udp"].as_array().unwrap();
        assert_eq!(udp.len(), flows, "{capture}");
        for flow in udp {
            assert_eq!(
                (&flow["outcome"], &flow["diagnosis"]["code"]),
                (&"failed".into(), &"udp-blocked".into()),
                "{capture}"
            );
            assert_eq!(flow["phase"], "udp-connect");
        }
    }
}

#[test]
fn who_refuses_is_named() {
    for (capture, side) in
        [("rejected", "network"), ("closed", "server"), ("closed-ipv6", "server"), ("dropped", "unknown")]
    {
        let found = sessions(&format!("udp-blocked/{capture}.pcapng"));
        assert_eq!(found[0]["diagnosis"]["side"], side, "{capture}");
        assert_eq!(found[0]["transport"], "udp", "{capture}");
    }
}
