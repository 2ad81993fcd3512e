//! Sessions followed while they run: what is said of them on the way agrees with what is said at the end.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::HashMap;

use common::all_captures;
use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::session::Phase;

#[test]
fn phases_on_the_way_end_where_the_session_did() {
    let mut sessions = 0;
    let mut ways: Vec<Vec<Phase>> = Vec::new();
    for capture in all_captures() {
        let mut analyzer = Analyzer::new(Options { follow: true, ..Options::default() });
        let mut reached: HashMap<u64, Vec<Phase>> = HashMap::new();
        let mut done = Vec::new();
        for (frame, number) in capture.frames.iter().zip(1..) {
            analyzer.push(&frame.frame(number));
            if let Some(touched) = analyzer.touched().filter(|touched| !touched.is_udp()) {
                let phases = reached.entry(touched.first.order).or_default();
                let phase = touched.phase();
                if touched.is_session() && phases.last() != Some(&phase) {
                    phases.push(phase);
                }
            }
            done.extend(std::iter::from_fn(|| analyzer.poll()));
        }
        analyzer.finish();
        done.extend(std::iter::from_fn(|| analyzer.poll()));
        for diagnosed in done {
            let session = diagnosed.session;
            let phases = reached.remove(&session.tcp.first.order).unwrap_or_default();
            assert_eq!(phases.last(), Some(&session.phase()), "{}: {:?}", capture.name(), session.tcp.client);
            ways.push(phases);
            sessions += 1;
        }
    }
    assert!(sessions > 50, "{sessions}");
    assert!(ways.iter().any(|way| way.len() >= 8), "nobody got through phase by phase");
}

#[test]
fn nothing_is_followed_that_nobody_asked_for() {
    let capture = &all_captures()[0];
    let mut analyzer = Analyzer::new(Options::default());
    for (frame, number) in capture.frames.iter().zip(1..) {
        analyzer.push(&frame.frame(number));
        assert!(analyzer.touched().is_none());
    }
}
