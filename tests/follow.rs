//! Sessions followed while they run: what is said of them on the way agrees with what is said at the end.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, HashMap};

use common::all_captures;
use common::talk::{C, Talk};
use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::base::Frame;
use rdpwhy::capture::{Capture, Source};
use rdpwhy::layers::Keys;
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

/// Who is still followed when all is over, by the order of the first packet: what seemed a session to the end, and
/// was not told as one.
fn left_behind<'a>(frames: impl IntoIterator<Item = Frame<'a>>, keys: Keys) -> BTreeMap<u64, String> {
    let mut analyzer = Analyzer::new(Options { follow: true, keys, ..Options::default() });
    let mut followed = BTreeMap::new();
    for frame in frames {
        analyzer.push(&frame);
        match analyzer.touched() {
            Some(touched) if touched.is_session() && !touched.is_udp() => {
                followed.insert(touched.first.order, touched.server.to_string());
            }
            Some(touched) => drop(followed.remove(&touched.first.order)),
            None => {}
        }
        while let Some(over) = analyzer.poll_over() {
            followed.remove(&over.brief.order);
        }
    }
    analyzer.finish();
    while let Some(over) = analyzer.poll_over() {
        followed.remove(&over.brief.order);
    }
    followed
}

#[test]
fn nobody_is_followed_for_good() {
    let (mut opened, mut gateways) = (0, 0);
    for capture in all_captures() {
        let mut reader = Capture::open(Source::Path(capture.path.clone()), 0).unwrap();
        while reader.next_frame().is_some() {}
        let keys = Keys::default();
        for secrets in &reader.info().secrets {
            opened += keys.add(&secrets.data).secrets;
        }
        gateways += usize::from(capture.name().contains("gateway") && !keys.is_empty());
        let frames = capture.frames.iter().zip(1..).map(|(frame, number)| frame.frame(number));
        assert_eq!(left_behind(frames, keys), BTreeMap::new(), "{}", capture.name());
    }
    assert!(opened > 16 && gateways > 0, "{opened} keys, {gateways} gateways");
}

/// Of our own bytes: no peer begins like a console, and goes on as something else.
#[test]
fn nobody_is_followed_who_turned_out_to_be_another() {
    // Version 1 of the preconnection PDU (MS-RDPEPS, section 2.2.1.1).
    let preconnection = [16, 0, 1, 7].map(u32::to_le_bytes).concat();
    let begun = Talk::between("10.0.0.2:50204", "10.0.0.1:2179").open().c(&preconnection);
    let http = begun.c(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").close(C);
    let frames = http.frames.iter().zip(1..).map(|(frame, number)| frame.frame(number));
    assert_eq!(left_behind(frames, Keys::default()), BTreeMap::new());
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
