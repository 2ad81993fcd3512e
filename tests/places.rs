//! One failure, captured at the client, on both legs of the router and at the server at the same time
//! (`tests/lab/run places`): what the captures are told to show may differ, but never contradicts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use rdpwhy::analyzer::{Analyzer, Diagnosed, Options};
use rdpwhy::diagnosis::{Confidence, Outcome, Side, Verdict};
use rdpwhy::knowledge;

/// The failures: what a capture at the client shows, and what one at the server does.
const FAILURES: &[(&str, &str, &str)] = &[
    ("black-hole", "path-mtu-black-hole", "path-mtu-black-hole"),
    ("nla-refused", "nla-authentication-failed", "nla-authentication-failed"),
    // The client sees acknowledgements, and in the end one that stands behind what never came.
    ("one-way", "setup-silent", "path-stalled"),
    ("reset-injected", "path-reset-injected", "path-reset-injected"),
    ("server-reset", "session-reset", "session-reset"),
    ("server-silent", "negotiation-silent", "negotiation-silent"),
    ("session-lost", "session-lost", "session-lost"),
    // Nobody owes anything at the server's end: the client's turn never came there.
    ("stalled", "path-stalled", "inconclusive"),
    ("syn-ack-lost", "tcp-syn-unanswered", "tcp-handshake-incomplete"),
    ("syn-dropped", "tcp-syn-unanswered", "tcp-syn-unanswered"),
];
const PLACES: [&str; 4] = ["client", "router-client", "router-server", "server"];

/// What in the rivals of a verdict names another code.
fn names(code: &str) -> &'static [&'static str] {
    match code {
        "path-stalled" => &["on the way", "on its way", "the path"],
        "tcp-handshake-incomplete" => &["SYN-ACK"],
        "tcp-syn-unanswered" => &["SYN-ACK does not arrive"],
        _ => &[],
    }
}

/// The TCP connections of a capture, by client.
fn told(failure: &str, place: &str) -> BTreeMap<SocketAddr, Verdict> {
    let name = format!("tests/places/{failure}-{place}.pcapng");
    let capture = common::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    let mut analyzer = Analyzer::new(Options::default());
    for (index, frame) in capture.frames.iter().enumerate() {
        analyzer.push(&frame.frame(index as u64 + 1));
    }
    analyzer.finish();
    let verdict = |done: Diagnosed| (done.session.tcp.client, done.diagnosis.verdict);
    std::iter::from_fn(|| analyzer.poll()).map(verdict).collect()
}

/// What contradicts in two verdicts on one connection.
fn contradiction(one: &Verdict, other: &Verdict) -> Option<&'static str> {
    let sure = |verdict: &Verdict| verdict.side != Side::Unknown && verdict.confidence >= Confidence::Likely;
    if sure(one) && sure(other) && one.side != other.side {
        return Some("both are sure, and blame different sides");
    }
    if one.code == other.code {
        return None;
    }
    let rank = |verdict: &Verdict| match (verdict.outcome, verdict.side) {
        (Outcome::Inconclusive, _) => 0,
        (_, Side::Unknown) => 1,
        _ => 2,
    };
    let (less, more) = if rank(one) <= rank(other) { (one, other) } else { (other, one) };
    if rank(less) == 2 {
        return Some("both blame a side, by different codes");
    }
    let page = knowledge::page(less.code).unwrap();
    let mut rivals: Vec<&str> = page.rivals.iter().flat_map(|r| [r.cause, r.tell_apart]).collect();
    rivals.extend(less.rivals.iter().flat_map(|r| [r.cause.as_str(), r.tell_apart.as_str()]));
    let named = rivals.iter().any(|text| names(more.code).iter().any(|name| text.contains(name)));
    (rank(less) > 0 && !named).then_some("the one that knows less does not name the other among its rivals")
}

#[test]
fn captures_of_one_failure_at_several_places_do_not_contradict_each_other() {
    let mut wrong = Vec::new();
    for (failure, at_client, at_server) in FAILURES {
        let told = PLACES.map(|place| (place, told(failure, place)));
        for (place, verdicts) in &told {
            let code = if ["client", "router-client"].contains(place) { at_client } else { at_server };
            assert!(!verdicts.is_empty(), "{failure} at {place}: no session");
            for verdict in verdicts.values().filter(|verdict| verdict.code != *code) {
                wrong.push(format!("{failure} at {place}: {}", verdict.code));
            }
        }
        for (place, verdicts) in &told {
            for (elsewhere, others) in &told {
                assert_eq!(verdicts.len(), others.len(), "{failure}: the same connections everywhere");
                for (client, one) in verdicts {
                    if let Some(why) = contradiction(one, &others[client]) {
                        wrong.push(format!(
                            "{failure} at {place} and {elsewhere}: {why}\n{one:?}\n{:?}",
                            others[client]
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let files = common::captures_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/places"));
    assert_eq!(files.len(), FAILURES.len() * PLACES.len(), "a capture that nobody looks at");
}

#[test]
fn the_test_can_tell() {
    let verdict = |code, side, confidence| {
        let stamp = rdpwhy::base::Stamp {
            at: rdpwhy::base::FrameRef::new(0, 1),
            time: rdpwhy::base::Timestamp(0),
            order: 1,
        };
        Verdict::failed(code, side, confidence, rdpwhy::diagnosis::Evidence::seen(stamp, "it"))
    };
    let server = verdict("setup-reset", Side::Server, Confidence::Likely);
    assert!(contradiction(&server, &verdict("setup-reset", Side::Client, Confidence::Likely)).is_some());
    assert!(contradiction(&server, &verdict("setup-reset", Side::Client, Confidence::Possible)).is_none());
    assert!(contradiction(&server, &verdict("path-stalled", Side::Network, Confidence::Possible)).is_some());
    let unknown = verdict("tcp-probe", Side::Unknown, Confidence::Likely);
    assert!(contradiction(&unknown, &verdict("path-stalled", Side::Network, Confidence::Likely)).is_some());
}
