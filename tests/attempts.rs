//! Attempts and patterns over scripted sessions: what belongs together, what decides, who fails alike.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;

use rdpwhy::analyzer::{Diagnosed, Overview};
use rdpwhy::base::{Dir, FrameRef, PerDir, Seen, Span, Stamp, Timestamp};
use rdpwhy::capture::{Capture, CaptureInfo};
use rdpwhy::diagnosis::{Confidence, Diagnosis, Evidence, Outcome, Side, Verdict};
use rdpwhy::protocol::negotiation::{ConnectionRequest, NegotiationRequest, Protocols, RequestFlags};
use rdpwhy::report::build::{Collected, Options, build};
use rdpwhy::report::choose::Choice;
use rdpwhy::report::model::{self, Attempt, PatternKind, Report};
use rdpwhy::report::{View, markdown, table};
use rdpwhy::session::{Facts, Inside, Phase, Session};
use rdpwhy::transport::{Closing, DirFacts, Ended, Repeats, TcpFacts};

/// One session of a script. Times in seconds.
#[derive(Clone, Debug)]
struct Script {
    client: &'static str,
    server: &'static str,
    from: f64,
    to: f64,
    code: &'static str,
    outcome: Outcome,
    phase: Phase,
    cookie: Option<&'static str>,
    token: Option<&'static str>,
    asked: Protocols,
    closed: Option<f64>,
    unanswered: Option<f64>,
    capture: u16,
}

const S: &str = "10.0.0.1:3389";
const S2: &str = "10.0.0.11:3389";
const A: &str = "10.0.0.2";
const B: &str = "10.0.0.3";
const C: &str = "10.0.0.4";

fn script(code: &'static str, outcome: Outcome, phase: Phase, from: f64) -> Script {
    Script {
        client: A,
        server: S,
        from,
        to: from + 1.0,
        code,
        outcome,
        phase,
        cookie: None,
        token: None,
        asked: Protocols::SSL,
        closed: None,
        unanswered: None,
        capture: 0,
    }
}

fn failed(from: f64) -> Script {
    script("negotiation-ssl-not-allowed", Outcome::Failed, Phase::X224Negotiation, from)
}

fn refused(from: f64) -> Script {
    script("tcp-connection-refused", Outcome::Failed, Phase::TcpConnect, from)
}

fn late(from: f64) -> Script {
    script("tls-alert", Outcome::Failed, Phase::Nla, from)
}

fn healthy(from: f64) -> Script {
    script("healthy", Outcome::Healthy, Phase::Active, from)
}

fn left(from: f64) -> Script {
    script("client-left-after-tls", Outcome::Aborted, Phase::Nla, from)
}

fn unclear(phase: Phase, from: f64) -> Script {
    script("inconclusive", Outcome::Inconclusive, phase, from)
}

fn probe(from: f64) -> Script {
    script("tcp-probe", Outcome::Probe, Phase::TcpConnect, from)
}

fn declined(from: f64) -> Script {
    script("negotiation-declined-by-client", Outcome::Failed, Phase::X224Negotiation, from)
}

impl Script {
    fn to(self, to: f64) -> Self {
        Script { to, ..self }
    }
    fn user(self, cookie: &'static str) -> Self {
        Script { cookie: Some(cookie), ..self }
    }
    fn token(self, token: &'static str) -> Self {
        Script { token: Some(token), ..self }
    }
    fn by(self, client: &'static str) -> Self {
        Script { client, ..self }
    }
    fn at(self, server: &'static str) -> Self {
        Script { server, ..self }
    }
    fn asking(self, asked: Protocols) -> Self {
        Script { asked, ..self }
    }
    fn closed(self, at: f64) -> Self {
        Script { closed: Some(at), ..self }
    }

    fn made(&self, number: u64) -> Diagnosed {
        let stamp = |seconds: f64, order: u64| Stamp {
            at: FrameRef::new(self.capture, order),
            time: Timestamp((seconds * 1e6).round() as i64 * 1000),
            order,
        };
        let (first, last) = (stamp(self.from, number * 10), stamp(self.to, number * 10 + 9));
        let mut dir = PerDir { client_to_server: DirFacts::default(), server_to_client: DirFacts::default() };
        if let Some(at) = self.unanswered {
            let first = stamp(at, number * 10 + 5);
            dir[Dir::ServerToClient].unanswered = Some(Box::new(Repeats { first, last, count: 3 }));
        }
        let tcp = TcpFacts {
            client: SocketAddr::new(self.client.parse().unwrap(), 1000 + (number % 60_000) as u16),
            server: self.server.parse().unwrap(),
            first,
            last,
            syn: Some(Repeats { first, last: first, count: 1 }),
            syn_ack: None,
            handshake_ack: (self.phase > Phase::TcpConnect).then_some(first),
            refused: None,
            icmp: None,
            last_icmp: None,
            too_big: None,
            pause: None,
            dir,
            closing: self.closed.map(|at| Closing {
                dir: Dir::ClientToServer,
                reset: false,
                stamp: stamp(at, number * 10 + 6),
            }),
            rtt_server: None,
            rtt_client: None,
            ended: Ended::Closed,
            observed_until: last.time,
        };
        let mut facts = Facts::default();
        if self.phase >= Phase::X224Negotiation {
            let request = ConnectionRequest {
                cookie: self.cookie.map(str::to_owned),
                routing_token: self.token.map(str::to_owned),
                negotiation: Some(NegotiationRequest { flags: RequestFlags(0), protocols: self.asked }),
                ..ConnectionRequest::default()
            };
            facts.request = Some(Seen::new(request, first));
        }
        if self.phase > Phase::X224Negotiation {
            let mut inside = Inside::default();
            inside.phases.push((self.phase, Span::from(first)));
            inside.active = (self.phase == Phase::Active).then(|| Span::from(first));
            facts.inside = Some(Box::new(inside));
        }
        let evidence = Evidence::seen(first, "scripted");
        let verdict = Verdict::new(self.code, self.outcome, Side::Unknown, Confidence::Likely, evidence);
        Diagnosed {
            session: Session::new(tcp, facts),
            diagnosis: Diagnosis { verdict, others: Vec::new() },
            udp: Vec::new(),
        }
    }
}

fn info() -> CaptureInfo {
    let header: Vec<u8> =
        [0xa1b2_c3d4_u32, 4 << 16 | 2, 0, 0, 65535, 1].iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut capture = Capture::from_reader("a.pcap", std::io::Cursor::new(header), 0).unwrap();
    assert!(capture.next_frame().is_none());
    capture.into_info()
}

/// The report over sessions in the order of their starts, handed in backwards: order must not matter.
fn chosen(scripts: &[Script], choice: Choice, listed: usize, separate: bool) -> Report {
    let mut collected = Collected::new(choice.clone(), listed);
    let mut scripts: Vec<(usize, &Script)> = scripts.iter().enumerate().collect();
    scripts.sort_by(|a, b| a.1.to.total_cmp(&b.1.to));
    for (at, script) in scripts.into_iter().rev() {
        collected.push(script.made(at as u64 + 1));
    }
    build(&[&info()], &collected, &Overview::default(), &Options { choice, separate })
}

fn report(scripts: &[Script]) -> Report {
    chosen(scripts, Choice::default(), usize::MAX, false)
}

/// Sessions of each attempt.
fn together(scripts: &[Script]) -> Vec<Vec<u64>> {
    let report = report(scripts);
    for session in &report.sessions {
        let attempt = &report.attempts[session.attempt as usize - 1];
        assert!(attempt.id == session.attempt && attempt.sessions.contains(&session.id));
    }
    report.attempts.into_iter().map(|attempt| attempt.sessions).collect()
}

fn only(report: &Report) -> &Attempt {
    let [attempt] = report.attempts.as_slice() else { panic!("{:#?}", report.attempts) };
    attempt
}

#[test]
fn a_fallback_is_one_attempt_that_worked() {
    let report = report(&[
        failed(0.0).user("alice").asking(Protocols(3)),
        healthy(3.4).to(600.0).user("alice").asking(Protocols::RDP),
    ]);
    let attempt = only(&report);
    assert_eq!(attempt.sessions, [1, 2]);
    assert_eq!((attempt.outcome, attempt.decided_by), (model::Outcome::Healthy, 2));
    assert_eq!(
        attempt.story,
        "Asked with NLA (session 1): the server allows only old-style Remote Desktop encryption. Came back after \
         2.400 s with Standard RDP Security (session 2): it worked."
    );
    assert_eq!(report.summary.by_outcome["failed"], 1, "sessions are counted as they are");
    assert_eq!(report.summary.attempts_by_outcome, [("healthy", 1)].into());
    assert!(report.summary.patterns.is_empty());
}

#[test]
fn sixty_seconds_and_no_more() {
    assert_eq!(together(&[failed(0.0), healthy(61.0)]), [vec![1, 2]]);
    assert_eq!(together(&[failed(0.0), healthy(61.000_001)]), [[1], [2]]);
    let chain: Vec<Script> = (0..10).map(|n| refused(f64::from(n) * 50.0)).collect();
    assert_eq!(together(&chain), [(1..=10).collect::<Vec<u64>>()], "each after the one before it");
}

#[test]
fn other_ends_are_other_attempts() {
    assert_eq!(together(&[failed(0.0), healthy(2.0).by(B)]), [[1], [2]]);
    assert_eq!(together(&[failed(0.0), healthy(2.0).at(S2)]), [[1], [2]]);
    assert_eq!(together(&[failed(0.0), healthy(2.0).at("10.0.0.1:3390")]), [[1], [2]]);
    let v6 = |script: Script| script.by("2001:db8::2").at("[2001:db8::1]:3389");
    assert_eq!(together(&[v6(failed(0.0)), v6(healthy(2.0)), failed(3.0)]), [vec![1, 2], vec![3]]);
}

#[test]
fn sessions_at_the_same_time_are_apart() {
    assert_eq!(together(&[failed(0.0).to(5.0), healthy(4.0)]), [[1], [2]]);
    // The last packets of a connection that was closed come late: it was over before.
    assert_eq!(together(&[failed(0.0).to(5.0).closed(3.9), healthy(4.0)]), [[1, 2]]);
    let lost = Script { unanswered: Some(3.0), ..late(0.0).to(30.0) };
    assert_eq!(together(&[lost, healthy(12.0)]), [[1, 2]], "the server repeats what nobody answers");
}

#[test]
fn two_users_behind_one_address_are_apart() {
    assert_eq!(together(&[failed(0.0).user("alice"), healthy(2.0).user("bob")]), [[1], [2]]);
    // Each goes on their own attempt, though they run at the same time.
    let crowd = [
        failed(0.0).to(2.0).user("alice"),
        failed(1.0).to(3.0).user("bob"),
        healthy(4.0).to(90.0).user("alice"),
        healthy(5.0).to(90.0).user("bob"),
    ];
    assert_eq!(together(&crowd), [[1, 3], [2, 4]]);
    // Without cookies nobody can tell.
    let nobody: Vec<Script> = crowd.iter().map(|s| Script { cookie: None, ..s.clone() }).collect();
    assert_eq!(together(&nobody), [[1], [2], [3], [4]]);
    // Nor where one of two that ran side by side goes on.
    let doubt = [healthy(0.0).to(100.0), failed(10.0).to(12.0), failed(101.0)];
    assert_eq!(together(&doubt), [[1], [2], [3]]);
}

#[test]
fn what_carries_no_cookie_fits_any_user() {
    assert_eq!(together(&[refused(0.0), failed(2.0).user("alice"), healthy(4.0)]), [[1, 2, 3]]);
    let token = healthy(4.0).token("tsv://MS Terminal Services Plugin.1.Pool");
    assert_eq!(together(&[failed(2.0).user("alice"), token]), [[1, 2]]);
    // The cookie of the whole attempt counts, not of its last session.
    let three = [failed(0.0).user("alice"), refused(2.0), healthy(4.0).user("bob")];
    assert_eq!(together(&three), [vec![1, 2], vec![3]]);
}

/// Outcome of one attempt of these sessions, two seconds apart, and who decided.
fn decided(made: &[fn(f64) -> Script]) -> (&'static str, u64) {
    let scripts: Vec<Script> = made.iter().enumerate().map(|(i, make)| make(i as f64 * 3.0)).collect();
    let report = report(&scripts);
    (only(&report).outcome.as_str(), only(&report).decided_by)
}

#[test]
fn being_sent_on_decides_nothing() {
    let sent_on = |from| script("redirected", Outcome::Healthy, Phase::Licensing, from);
    assert_eq!(decided(&[sent_on, healthy]), ("healthy", 2));
    assert_eq!(decided(&[sent_on, failed]), ("failed", 2));
    assert_eq!(decided(&[sent_on, left]), ("aborted", 2));
    assert_eq!(decided(&[sent_on, |from| unclear(Phase::TcpConnect, from)]), ("inconclusive", 2));
    assert_eq!(decided(&[failed, sent_on]), ("failed", 1));
    assert_eq!(decided(&[sent_on]), ("healthy", 1));
}

#[test]
fn the_last_that_worked_or_failed_decides() {
    let degraded = |from| Script { outcome: Outcome::Degraded, code: "healthy", ..healthy(from) };
    let early = |from| unclear(Phase::TcpConnect, from);
    let far = |from| unclear(Phase::Capabilities, from);
    assert_eq!(decided(&[failed, healthy]), ("healthy", 2));
    assert_eq!(decided(&[failed, degraded]), ("degraded", 2));
    assert_eq!(decided(&[healthy, failed]), ("failed", 2));
    assert_eq!(decided(&[failed, late]), ("failed", 2));
    assert_eq!(decided(&[failed, failed]), ("failed", 2));
    assert_eq!(decided(&[late, refused]), ("failed", 1), "who was let in no more had got furthest before");
    assert_eq!(decided(&[late, healthy, refused]), ("failed", 3));
    assert_eq!(decided(&[left, refused]), ("failed", 2));
    // mstsc leaves to ask for credentials, and comes back.
    assert_eq!(decided(&[left, healthy]), ("healthy", 2));
    assert_eq!(decided(&[left, late]), ("failed", 2));
    // What failed was got over, and then the user cancelled; or nothing was got over.
    assert_eq!(decided(&[failed, left]), ("aborted", 2));
    assert_eq!(decided(&[late, left]), ("failed", 1));
    assert_eq!(decided(&[late, left, left]), ("failed", 1));
    // The capture ends.
    assert_eq!(decided(&[failed, far]), ("inconclusive", 2));
    assert_eq!(decided(&[failed, early]), ("failed", 1));
    assert_eq!(decided(&[healthy, early]), ("healthy", 1));
    assert_eq!(decided(&[healthy, left]), ("healthy", 1));
    assert_eq!(decided(&[left, early]), ("aborted", 1));
    assert_eq!(decided(&[early, left]), ("aborted", 2));
    // Looks decide nothing.
    assert_eq!(decided(&[probe, failed]), ("failed", 2));
    assert_eq!(decided(&[failed, probe]), ("failed", 1));
    assert_eq!(decided(&[probe, healthy]), ("healthy", 2));
    assert_eq!(decided(&[probe, probe]), ("probe", 2));
}

#[test]
fn checks_stay_apart_from_users() {
    let mut scripts: Vec<Script> = (0..5).map(|n| probe(f64::from(n) * 10.0)).collect();
    scripts.push(failed(45.0).user("alice"));
    scripts.push(probe(50.0));
    scripts.push(healthy(52.0).user("alice"));
    let report = report(&scripts);
    let found: Vec<(&[u64], &str)> =
        report.attempts.iter().map(|a| (a.sessions.as_slice(), a.outcome.as_str())).collect();
    assert_eq!(found, [(&[1, 2, 3, 4, 5, 7][..], "probe"), (&[6, 8], "healthy")]);
    assert_eq!(
        report.attempts[0].story,
        "The client looked whether the port is open, and left, 6 times within 51.0 s: a health check or a scan, \
         no user."
    );
    assert!(!report.attempts[1].story.contains("looked"));
    let text = text(&report);
    assert!(
        text.contains("8 sessions in a.pcap: 1 failed, 1 healthy, 6 probe (2 attempts: 1 healthy, 1 probe)"),
        "{text}"
    );
}

#[test]
fn one_look_before_a_session_is_part_of_the_click() {
    let report = report(&[probe(0.0), healthy(5.0)]);
    assert_eq!(only(&report).sessions, [1, 2]);
    assert!(only(&report).story.ends_with("One more connection only looked."), "{}", only(&report).story);
}

#[test]
fn clients_that_only_ask_are_checks() {
    let outcomes = |scripts: &[Script]| -> Vec<&'static str> {
        report(scripts).attempts.iter().map(|attempt| attempt.outcome.as_str()).collect()
    };
    let hourly = |n: i32| declined(f64::from(n) * 3600.0);
    let three: Vec<Script> = (0..3).map(hourly).collect();
    assert_eq!(outcomes(&three), ["probe", "probe", "probe"]);
    assert_eq!(outcomes(&three[..2]), ["failed", "failed"]);
    // One that gets further is no check; elsewhere it may be a user.
    let mut further = three.clone();
    further.push(healthy(99_999.0));
    assert_eq!(outcomes(&further), ["failed", "failed", "failed", "healthy"]);
    further[3].server = S2;
    assert_eq!(outcomes(&further), ["probe", "probe", "probe", "healthy"]);
    // One look at each server.
    let servers = ["10.0.0.11:3389", "10.0.0.12:3389", "10.0.0.13:3389"];
    let sweep: Vec<Script> = three.iter().cloned().zip(servers).map(|(s, at)| s.at(at)).collect();
    assert_eq!(outcomes(&sweep), ["probe", "probe", "probe"]);
    let three = report(&three);
    assert_eq!(three.summary.by_outcome["failed"], 3, "what is said of the sessions stays");
    assert!(three.attempts[0].story.contains("a health check or a scanner, no user"));
    assert!(!text(&three).contains("What to do"), "no alarm");
}

#[test]
fn counting_changes_no_attempt() {
    // Failures at one server: some got over, some not; the one at the end only counted.
    let mut scripts = Vec::new();
    for n in 0..20 {
        let start = f64::from(n) * 1000.0;
        scripts.push(failed(start).user("alice"));
        if n != 19 {
            scripts.push(healthy(start + 2.0).user("alice"));
        }
    }
    let all = chosen(&scripts, Choice::default(), usize::MAX, false);
    for bound in [0, 1, 5] {
        let some = chosen(&scripts, Choice::default(), bound, false);
        assert_eq!(some.summary.by_outcome, all.summary.by_outcome);
        assert_eq!(some.summary.attempts_by_outcome, all.summary.attempts_by_outcome);
        assert_eq!(some.summary.attempts_by_outcome, [("failed", 1), ("healthy", 19)].into());
        assert_eq!(some.summary.patterns, all.summary.patterns);
        // The sessions that worked are all listed, and their attempts tell of what was counted.
        assert_eq!(some.attempts[..19], all.attempts[..19]);
        for session in &some.sessions {
            assert_eq!(session, all.sessions.iter().find(|other| other.id == session.id).unwrap());
        }
    }
}

#[test]
fn choosing_changes_no_attempt() {
    let scripts = [failed(0.0), healthy(3.0), late(100.0), failed(200.0).by(B)];
    let all = report(&scripts);
    let choice = Choice { failed: true, ..Choice::default() };
    let failed = chosen(&scripts, choice, usize::MAX, false);
    assert_eq!(failed.sessions.iter().map(|s| s.id).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(failed.attempts, all.attempts);
    let one = chosen(&scripts, Choice { ids: vec![1], ..Choice::default() }, usize::MAX, false);
    assert_eq!(one.attempts, all.attempts[..1]);
    assert_eq!(one.summary.attempts_by_outcome, [("healthy", 1)].into(), "the one shown did not fail");
}

#[test]
fn captures_read_one_by_one_share_no_attempt() {
    let scripts = [failed(0.0), Script { capture: 1, ..healthy(2.0) }];
    assert_eq!(chosen(&scripts, Choice::default(), 9, true).attempts.len(), 2);
    assert_eq!(chosen(&scripts, Choice::default(), 9, false).attempts.len(), 1);
}

#[test]
fn many_tries_are_told_in_two_sentences() {
    let story = |scripts: &[Script]| only(&report(scripts)).story.clone();
    let refusals: Vec<Script> = (0..30).map(|n| refused(f64::from(n) * 10.0)).collect();
    assert_eq!(
        story(&refusals),
        "Tried 30 times within 4 min 51 s, each time: nothing accepts Remote Desktop connections at this address \
         and port."
    );
    let mut changing: Vec<Script> = Vec::new();
    for n in 0..12 {
        changing.push(if n % 2 == 0 { refused(f64::from(n) * 9.0) } else { failed(f64::from(n) * 9.0) });
    }
    let told = story(&changing);
    assert!(
        told.contains("Came back 11 times more, with changing results; in the end with TLS (session 12)"),
        "{told}"
    );
    let back = story(&[refused(0.0), failed(2.0), left(4.0).asking(Protocols(2)), healthy(6.0)]);
    assert_eq!(back.matches(". ").count() + 1, 2, "{back}");
    let undecided = story(&[late(0.0), left(2.0)]);
    assert!(undecided.ends_with(" What counts is session 1."), "{undecided}");
}

fn text(report: &Report) -> String {
    let mut out = Vec::new();
    table::write(report, &View::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn failed_attempts_come_first_and_what_was_got_over_is_told_in_brief() {
    let report =
        report(&[failed(0.0), healthy(2.4), late(100.0), refused(200.0).by(B), healthy(210.0).by(B)]);
    let text = text(&report);
    let order: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("10.0.0.1:3389 ") && !line.starts_with("Session"))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(order, ["3", "1", "2", "4", "5"], "{text}");
    assert!(
        text.contains("5 sessions in a.pcap: 3 failed, 2 healthy (3 attempts: 1 failed, 2 healthy)."),
        "{text}"
    );
    let group = text.find("└ Attempt 1, sessions 1 and 2: healthy in the end. Asked with TLS").unwrap();
    assert!(
        text.find(" 2  1970-01-01 00:00:02").unwrap() < group
            && group < text.find(" 4  1970-01-01 00:03:20").unwrap(),
        "{text}"
    );
    assert_eq!(text.matches("How far it got").count(), 1, "only the failure that counts: {text}");
    assert!(text.find("Session 3 failed").unwrap() < text.find("Session 1 failed").unwrap());
    assert!(text.contains("This was not the end: session 2 of the same attempt (1) worked."), "{text}");
    let mut out = Vec::new();
    markdown::write(&report, &View::default(), &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("\nAttempt 1, sessions 1 and 2: healthy in the end."), "{out}");
    assert_eq!(out.matches("How far it got").count(), 1, "{out}");
}

#[test]
fn a_failed_attempt_tells_each_of_its_failures_once() {
    let text = text(&report(&[refused(0.0), refused(2.0), late(4.0), left(6.0)]));
    assert_eq!(text.matches("How far it got").count(), 2, "{text}");
    assert!(text.contains("Session 2 has the same diagnosis."), "{text}");
    assert!(text.contains("What made the attempt (1) fail is told of session 3."), "{text}");
}

/// Kind, server or client, code, counts of sessions, clients and servers, and start in seconds.
type Found = (PatternKind, String, Option<&'static str>, [u64; 3], i64);

fn patterns(scripts: &[Script]) -> Vec<Found> {
    let found = report(scripts).summary.patterns.into_iter().map(|pattern| {
        let end = match (pattern.server, pattern.client) {
            (Some(server), None) => SocketAddr::new(server.ip, server.port).to_string(),
            (None, Some(client)) => client.ip.to_string(),
            both => panic!("{both:?}"),
        };
        let counts = [pattern.sessions, pattern.clients, pattern.servers];
        (pattern.kind, end, pattern.code, counts, pattern.since.0.0 / Timestamp::SECOND)
    });
    found.collect()
}

#[test]
fn everybody_fails_at_one_server() {
    let scripts = [
        healthy(0.0).by(A),
        healthy(100.0).by(B),
        late(200.0).by(A),
        left(300.0).by(C),
        late(310.0).by(B),
        late(400.0).by(C),
        healthy(500.0).at(S2),
    ];
    let want = (PatternKind::Server, S.to_owned(), Some("tls-alert"), [3, 3, 1], 200);
    assert_eq!(patterns(&scripts), [want]);
    let report = report(&scripts);
    let pattern = &report.summary.patterns[0];
    assert_eq!(pattern.last_good.map(|time| time.0.0), Some(100 * Timestamp::SECOND));
    assert!(!pattern.every, "one client left");
    assert_eq!(
        pattern.text,
        "Most attempts at 10.0.0.1:3389 since 1970-01-01T00:03:20.000000Z failed alike (tls-alert): 3 sessions from \
         3 clients. The last that worked began at 1970-01-01T00:01:40.000000Z."
    );
    let text = text(&report);
    assert!(
        text.contains("\n! Most attempts at 10.0.0.1:3389 since 1970-01-01 00:03:20.000 UTC failed alike"),
        "{text}"
    );
}

#[test]
fn who_gets_in_later_ends_a_pattern() {
    let two = [late(0.0).by(A), late(100.0).by(B)];
    assert_eq!(patterns(&two).len(), 1);
    assert_eq!(patterns(&[&two[..], &[healthy(200.0).by(C)]].concat()), []);
    assert_eq!(patterns(&two[..1]), [], "a single failure is no pattern");
    assert_eq!(patterns(&[late(0.0).by(A), refused(100.0).by(B)]), [], "not alike");
    // Refusals that were got over are none.
    let over = [failed(0.0).by(A), healthy(2.0).by(A), failed(100.0).by(B), healthy(102.0).by(B)];
    assert_eq!(patterns(&over), []);
    assert_eq!(patterns(&[probe(0.0).by(A), probe(1.0).by(B), probe(2.0).by(C)]), []);
}

#[test]
fn a_single_client_needs_three_sessions_and_nobody_who_gets_in() {
    let three: Vec<Script> = (0..3).map(|n| refused(f64::from(n) * 3.0)).collect();
    assert_eq!(
        patterns(&three),
        [(PatternKind::Server, S.to_owned(), Some("tcp-connection-refused"), [3, 1, 1], 0)]
    );
    assert_eq!(patterns(&three[..2]), []);
    let mut others = vec![healthy(0.0).by(B)];
    others.extend(three.iter().map(|s| Script { from: s.from + 50.0, to: s.to + 50.0, ..s.clone() }));
    assert_eq!(patterns(&others), []);
}

#[test]
fn one_client_fails_at_every_server() {
    let scripts = [
        healthy(0.0).to(900.0).by(B),
        healthy(10.0).to(900.0).by(C).at(S2),
        healthy(20.0).by(A),
        late(200.0).by(A),
        late(300.0).by(A).at(S2),
        late(400.0).by(A).at(S2),
    ];
    assert_eq!(patterns(&scripts), [(PatternKind::Client, A.to_owned(), Some("tls-alert"), [3, 1, 2], 200)]);
    let text = report(&scripts).summary.patterns[0].text.clone();
    assert!(
        text.starts_with("10.0.0.2 failed at each of the 2 servers that it tried since 1970-01-01T00:03:20"),
        "{text}"
    );
    // Where it got in somewhere, or nobody else works any more, it is not the client.
    assert_eq!(patterns(&[&scripts[..], &[healthy(500.0).by(A)]].concat()), []);
    let gone: Vec<Script> =
        scripts.iter().map(|s| Script { to: s.to.min(s.from + 1.0), ..s.clone() }).collect();
    assert_eq!(patterns(&gone), []);
    // In several ways.
    let mut ways = scripts.to_vec();
    ways[3].code = "tls-version-mismatch";
    ways.truncate(5);
    assert_eq!(patterns(&ways), [(PatternKind::Client, A.to_owned(), None, [2, 1, 2], 200)]);
}

#[test]
fn patterns_follow_what_was_chosen() {
    let scripts = [late(0.0).by(A), late(100.0).by(B), healthy(200.0).by(C).at(S2)];
    let of = |host: &str| {
        let hosts = vec![host.parse().unwrap()];
        chosen(&scripts, Choice { hosts, ..Choice::default() }, 9, false).summary.patterns
    };
    assert_eq!(of("10.0.0.2").len(), 1);
    assert_eq!(of("10.0.0.4").len(), 0);
}

#[test]
fn many_sessions_of_two_ends_take_no_quadratic_time() {
    let started = std::time::Instant::now();
    let sessions = |step: f64| -> Vec<Script> { (0..60_000).map(|n| refused(f64::from(n) * step)).collect() };
    // One after the other, and all at once.
    for (step, attempts) in [(10.0, 1), (1e-6, 60_000)] {
        let report = chosen(&sessions(step), Choice::default(), 10, false);
        assert_eq!(report.summary.attempts_by_outcome, [("failed", attempts)].into());
        assert_eq!(report.sessions.len(), 10);
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
