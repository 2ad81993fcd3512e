//! Redirected sessions: what counts as coming back, and what does not. Forged in code, none captured.

mod common;

use common::made::connection_confirm;
use common::talk::*;
use rdpwhy::diagnosis::{Confidence, Outcome};

/// Up to licensing, in TLS 1.3 without NLA; then the client leaves.
fn left(ms: f64) -> Talk {
    Talk::new().wait(ms).negotiated(1).setup13().data(S, 51 + 60).data(C, 19).close(C)
}

/// The same client, with a Connection Request of these bytes.
fn back(server: &str, ms: f64, request: &[u8]) -> Talk {
    Talk::between("10.0.0.2:50300", server)
        .wait(ms)
        .open()
        .c(request)
        .s(&connection_confirm(1))
        .setup13()
        .active()
}

fn asked(token: &str, protocols: u8) -> Vec<u8> {
    let mut variable = if token.is_empty() { Vec::new() } else { format!("{token}\r\n").into_bytes() };
    variable.extend([1, 0, 8, 0, protocols, 0, 0, 0]);
    let li = variable.len() as u8 + 6;
    [vec![3, 0, 0, li + 5, li, 0xe0, 0, 0, 0, 0, 0], variable].concat()
}

fn told(talks: &[Talk]) -> Vec<Told> {
    let mut frames: Vec<Made> = talks.iter().flat_map(|talk| talk.frames.clone()).collect();
    frames.sort_by_key(|frame| frame.time);
    analyze(&frames)
}

const SAME: &str = "10.0.0.1:3389";
const OTHER: &str = "10.0.0.9:3389";

#[test]
fn a_client_that_leaves_for_good_was_not_redirected() {
    left(0.0).told().is("setup-reset").phase("licensing");
    left(0.0).wait(60_000.0).elsewhere().told().is("setup-reset");
}

#[test]
fn a_token_rdstls_or_another_server_tells() {
    let at = 500.0;
    for (back, confidence) in [
        (back(SAME, at, &asked("Cookie: msts=3640205228.15629.0000", 3)), Confidence::Likely),
        (back(SAME, at, &asked("tsv://MS Terminal Services Plugin.1.Lab", 3)), Confidence::Likely),
        (back(SAME, at, &asked("", 5)), Confidence::Likely),
        (back(OTHER, at, &asked("", 3)), Confidence::Likely),
        (back(OTHER, 9_000.0, &asked("", 3)), Confidence::Possible),
    ] {
        let told = told(&[left(0.0), back]);
        assert_eq!(told.len(), 2, "{told:#?}");
        told[0].is("redirected").sure(confidence).phase("licensing").says("the client came back");
        assert_eq!(told[0].outcome, Outcome::Healthy);
        told[1].is("healthy");
    }
}

#[test]
fn the_same_again_too_late_or_by_another_is_no_return() {
    let alice = |ms| {
        let request = asked("Cookie: mstshash=alice", 3);
        Talk::new().wait(ms).open().c(&request).s(&connection_confirm(1)).setup13().data(C, 19).close(C)
    };
    let token = asked("Cookie: msts=3640205228.15629.0000", 3);
    for talks in [
        // As before.
        [left(0.0), back(SAME, 500.0, &asked("", 3))],
        // With its user's name only.
        [left(0.0), back(SAME, 500.0, &asked("Cookie: mstshash=bob", 3))],
        // Too late.
        [left(0.0), back(SAME, 10_500.0, &token)],
        // Before it left.
        [left(500.0), back(OTHER, 0.0, &token)],
        // Another user of the same address.
        [alice(0.0), back(OTHER, 500.0, &asked("Cookie: mstshash=bob", 3))],
    ] {
        let told = told(&talks);
        assert!(told.iter().all(|told| told.code != "redirected"), "{told:#?}");
        assert!(told.iter().any(|told| told.code == "setup-reset"), "{told:#?}");
    }
    // Another client.
    let told = told(&[left(0.0), Talk::between("10.0.0.3:50300", OTHER).wait(500.0).open().c(&token)]);
    assert_eq!(told[0].code, "setup-reset", "{told:#?}");
}

#[test]
fn only_who_left_the_setup_by_itself_was_redirected() {
    let back = back(OTHER, 500.0, &asked("Cookie: msts=3640205228.15629.0000", 3));
    let begin = || Talk::new().negotiated(1);
    for (first, code) in [
        (begin().setup13().data(S, 51 + 60).data(S, 19).close(S), "setup-reset"),
        (begin().setup13().data(S, 26).data(C, 19).close(C), "server-disconnected"),
        (begin().setup13().active().data(C, 19).close(C), "healthy"),
        (begin().flight13().finish13().close(C), "client-left-after-tls"),
        (begin().close(C), "negotiation-declined-by-client"),
    ] {
        let told = told(&[first, back.clone()]);
        assert_eq!(told[0].code, code, "{told:#?}");
    }
}

/// A stream that waits for its next frame comes to the same as a file.
#[test]
fn it_is_held_back_no_longer_than_it_must() {
    use rdpwhy::analyzer::{Analyzer, Options};
    use rdpwhy::base::Timestamp;
    let mut analyzer = Analyzer::new(Options::default());
    let first = left(0.0);
    for (number, frame) in first.frames.iter().enumerate() {
        analyzer.push(&frame.frame(number as u64 + 1));
    }
    let end = first.frames.last().unwrap().time;
    analyzer.advance(Timestamp(end.0 + 9 * Timestamp::SECOND));
    assert!(analyzer.poll().is_none());
    let mut late = analyzer;
    late.advance(Timestamp(end.0 + 11 * Timestamp::SECOND));
    assert_eq!(late.poll().unwrap().diagnosis.verdict.code, "setup-reset");
    assert!(late.poll().is_none());
}
