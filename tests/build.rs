//! What a report makes of the engine's sessions: ids, choosing, counts, pages joined to verdicts.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;

use rdpwhy::analyzer::{Diagnosed, Overview};
use rdpwhy::base::{Absence, FrameRef, Stamp, Timestamp, Until};
use rdpwhy::capture::{Capture, CaptureInfo};
use rdpwhy::diagnosis::{Confidence, Diagnosis, Evidence, Side, Verdict};
use rdpwhy::report::build::{Collected, Options, build};
use rdpwhy::report::choose::Choice;
use rdpwhy::report::model::{self, Report};
use rdpwhy::session::{Facts, Session};
use rdpwhy::transport::{Ended, Repeats, TcpFacts};

fn stamp(order: u64) -> Stamp {
    Stamp { at: FrameRef::new(0, order), time: Timestamp(order as i64 * Timestamp::SECOND), order }
}

/// A SYN of `client` that nobody answered.
fn unanswered(client: &str, order: u64) -> Diagnosed {
    let server: SocketAddr = "10.0.0.1:3390".parse().unwrap();
    let syn = stamp(order);
    let mut tcp = TcpFacts::new(client.parse().unwrap(), server, syn);
    tcp.syn = Some(Repeats { first: syn, last: syn, count: 1 });
    tcp.rtt_server = Some(1_500_000);
    (tcp.ended, tcp.observed_until) = (Ended::Idle, syn.time.plus(Timestamp::SECOND * 10));
    let absence = Absence { after: syn, until: tcp.observed_until, ended: Until::CaptureEnded };
    let evidence = Evidence::absent(&absence, "no answer");
    let verdict = Verdict::failed("tcp-syn-unanswered", Side::Unknown, Confidence::Likely, evidence)
        .explain("Nobody answered.")
        .rival("first rival", "by looking");
    let session = Session::new(tcp, Facts::default());
    Diagnosed { session, diagnosis: Diagnosis { verdict, others: Vec::new() }, udp: Vec::new() }
}

/// What is known of an empty pcap, but for its drops.
fn info(dropped: u64) -> CaptureInfo {
    let header: Vec<u8> =
        [0xa1b2_c3d4_u32, 4 << 16 | 2, 0, 0, 65535, 1].iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut capture = Capture::from_reader("a.pcap", std::io::Cursor::new(header), 0).unwrap();
    assert!(capture.next_frame().is_none());
    let mut info = capture.into_info();
    info.dropped = dropped;
    info
}

fn report(sessions: Vec<Diagnosed>, dropped: u64, choice: Choice, listed: usize) -> Report {
    let mut collected = Collected::new(choice.clone(), listed);
    for session in sessions {
        collected.push(session);
    }
    let options = Options { choice, separate: false };
    build(&[&info(dropped)], &collected, &Overview::default(), &options)
}

#[test]
fn ids_follow_first_packets_whatever_is_chosen() {
    let sessions =
        || vec![unanswered("10.0.0.4:4", 9), unanswered("10.0.0.2:2", 1), unanswered("10.0.0.3:3", 5)];
    let all = report(sessions(), 0, Choice::default(), 10);
    let found: Vec<(u64, u16)> = all.sessions.iter().map(|s| (s.id, s.client.port)).collect();
    assert_eq!(found, [(1, 2), (2, 3), (3, 4)]);
    let hosts = vec!["10.0.0.4".parse().unwrap()];
    let one = report(sessions(), 0, Choice { hosts, ..Choice::default() }, 10);
    assert_eq!(one.sessions.iter().map(|s| s.id).collect::<Vec<_>>(), [3]);
    assert_eq!(one.summary.by_outcome["failed"], 1);
    assert_eq!(one.attempts[0].sessions, [3]);
}

#[test]
fn early_failures_beyond_the_bound_are_counted() {
    let sessions = (0..5).map(|n| unanswered(&format!("10.0.0.{}:1000", 2 + n % 2), n + 1)).collect();
    let report = report(sessions, 0, Choice::default(), 2);
    assert_eq!(report.sessions.len(), 2);
    assert_eq!(report.attempts.len(), 2);
    assert_eq!(report.summary.by_code["tcp-syn-unanswered"], 5);
    let [unlisted] = report.summary.unlisted.as_slice() else { panic!("{:?}", report.summary.unlisted) };
    assert_eq!((unlisted.count, unlisted.clients, unlisted.server.port), (3, 2, 3390));
    assert_eq!(
        (unlisted.first.to_string(), unlisted.last.to_string()),
        ("1970-01-01T00:00:03.000000Z".to_owned(), "1970-01-01T00:00:05.000000Z".to_owned(),)
    );
}

#[test]
fn verdict_and_page_become_one() {
    let report = report(vec![unanswered("10.0.0.2:1000", 7)], 0, Choice::default(), 10);
    let diagnosis = &report.sessions[0].diagnosis;
    let page = rdpwhy::knowledge::page("tcp-syn-unanswered").unwrap();
    assert_eq!(diagnosis.title, page.title);
    assert_eq!(diagnosis.rivals[0].cause, "first rival");
    assert_eq!(diagnosis.rivals.len(), page.rivals.len() + 1);
    assert_eq!(diagnosis.confidence, model::Confidence::Likely);
    assert_eq!((diagnosis.evidence[0].frame, diagnosis.evidence[0].last_frame), (7, 7));
    let commands: Vec<&str> = diagnosis.remedies.iter().filter_map(|r| r.command.as_deref()).collect();
    assert!(commands.iter().any(|command| command.contains("10.0.0.1 -Port 3390")), "{commands:?}");
    assert!(commands.iter().all(|command| !command.contains("HOST")), "{commands:?}");
    assert_eq!(report.sessions[0].tcp.rtt_ms.to_server, Some(model::Span(1.5)));
    assert_eq!(report.sessions[0].phase, model::Phase::TcpConnect);
}

#[test]
fn drops_lower_what_rests_on_absence() {
    let report = report(vec![unanswered("10.0.0.2:1000", 7)], 1234, Choice::default(), 10);
    let diagnosis = &report.sessions[0].diagnosis;
    assert_eq!(diagnosis.confidence, model::Confidence::Possible);
    assert!(diagnosis.explanation.starts_with("Nobody answered. The capturing host lost 1,234 packets"));
}
