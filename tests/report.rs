//! Every format of the report, from a model made by hand: golden outputs in `tests/golden/report/`, each
//! JSON checked against the schema in `docs/schema/`.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::golden::golden;
use rdpwhy::base::Timestamp;
use rdpwhy::report::model::*;
use rdpwhy::report::{View, html, json, markdown, ndjson, schema, table};

const START: i64 = common::pcap::NINE as i64 * Timestamp::SECOND;

fn time(millis: i64) -> Time {
    Time(Timestamp(START + millis * Timestamp::MILLISECOND))
}

fn diagnosis(code: &'static str, title: &'static str) -> Diagnosis {
    Diagnosis {
        code,
        title: title.into(),
        summary: "The remote computer hung up. Something there must be repaired.".into(),
        side: Side::Server,
        owner: Owner::Certificate,
        confidence: Confidence::Likely,
        explanation: "The server answered the ClientHello with RST after 1.4 ms.".into(),
        evidence: Vec::new(),
        rivals: Vec::new(),
        remedies: Vec::new(),
        client_error: Vec::new(),
        references: Vec::new(),
    }
}

fn event(
    frame: u64,
    millis: i64,
    direction: Direction,
    phase: Phase,
    kind: &'static str,
    summary: &'static str,
) -> Event {
    Event {
        capture: 0,
        frame,
        last_frame: frame,
        time_s: Span::seconds(millis * Timestamp::MILLISECOND),
        direction: Some(direction),
        phase,
        kind: kind.into(),
        inferred: false,
        summary: summary.into(),
        details: [].into(),
    }
}

fn tcp() -> Tcp {
    Tcp {
        segments: PerDirection { client_to_server: 3, server_to_client: 2 },
        bytes: PerDirection { client_to_server: 300, server_to_client: 19 },
        retransmitted: PerDirection::default(),
        lost: PerDirection::default(),
        out_of_order: PerDirection::default(),
        duplicate_frames: PerDirection::default(),
        zero_window: PerDirection::default(),
        gaps: PerDirection::default(),
        mss: PerDirection { client_to_server: Some(1460), server_to_client: None },
        ttl: PerDirection { client_to_server: Some(128), server_to_client: Some(64) },
        rtt_ms: Rtt { to_server: Some(Span::millis(1_400_000)), to_client: None },
        vantage: Vantage::Unknown,
        closed_by: Some(ClosedBy { direction: Direction::ServerToClient, how: How::Rst }),
        health: None,
    }
}

fn session(id: u64, outcome: Outcome, phase: Phase, diagnosis: Diagnosis) -> Session {
    use Direction::{ClientToServer as C, ServerToClient as S};
    Session {
        id,
        attempt: id,
        transport: Transport::Tcp,
        client: Endpoint {
            ip: [10, 0, 0, 2].into(),
            port: 50_200 + id as u16,
            hostname: Some("WS-17".into()),
        },
        server: Endpoint { ip: [10, 0, 0, 1].into(), port: 3389, hostname: None },
        community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=".into(),
        start: time(1000 * id as i64),
        end: time(1000 * id as i64 + 250),
        duration_s: Span::seconds(250 * Timestamp::MILLISECOND),
        phase,
        outcome,
        diagnosis,
        other_diagnoses: Vec::new(),
        saw: None,
        timeline: vec![
            event(1, 0, C, Phase::TcpConnect, "tcp-syn", "SYN"),
            event(2, 1, S, Phase::TcpConnect, "tcp-syn-ack", "SYN-ACK"),
            event(4, 2, C, Phase::X224Negotiation, "x224-connection-request", "X.224 Connection Request"),
        ],
        negotiation: Negotiation::default(),
        tls: Tls::default(),
        gateway: None,
        rdp: [].into(),
        tcp: tcp(),
        udp: Vec::new(),
        metrics: None,
    }
}

/// A failed session in which every field says something.
fn failed() -> Session {
    use Direction::{ClientToServer as C, ServerToClient as S};
    let mut diagnosis =
        diagnosis("tls-reset-after-client-hello", "The server hung up when encryption was to start");
    diagnosis.evidence = vec![
        Evidence {
            capture: 0,
            frame: 9,
            last_frame: 9,
            time_s: Span::seconds(94_000_000),
            text: "server sent RST 1.4 ms after the ClientHello".into(),
        },
        Evidence {
            capture: 0,
            frame: 7,
            last_frame: 8,
            time_s: Span::seconds(92_600_000),
            text: "client sent the ClientHello".into(),
        },
    ];
    diagnosis.rivals = (1..=5)
        .map(|n| Rival {
            cause: format!("cause {n}").into(),
            tell_apart: format!("event {n} in the server's log").into(),
        })
        .collect();
    diagnosis.remedies = vec![
        Remedy {
            who: "server admin".into(),
            text: "Read what the server logged at that second:".into(),
            command: Some(
                "Get-WinEvent -FilterHashtable @{LogName='System'; Id=36870} | Format-List *".into(),
            ),
        },
        Remedy {
            who: "network admin".into(),
            text: "Exempt Remote Desktop from inspection.".into(),
            command: None,
        },
    ];
    diagnosis.client_error = vec![
        ClientError { code: "0x904".into(), extended: Some("0x7".into()), fit: Fit::Consistent },
        ClientError { code: "0x404".into(), extended: None, fit: Fit::Expected },
    ];
    diagnosis.references = vec!["Schannel events <https://learn.microsoft.com/en-us/x>".into()];
    let mut session = session(2, Outcome::Failed, Phase::TlsHandshake, diagnosis);
    session.other_diagnoses = vec![self::diagnosis("tls-alert", "The server sent an alert")];
    session.timeline.extend([
        event(
            5,
            90,
            S,
            Phase::X224Negotiation,
            "x224-connection-confirm",
            "X.224 Connection Confirm: chooses SSL",
        ),
        Event {
            last_frame: 8,
            ..event(7, 92, C, Phase::TlsHandshake, "tls-client-hello", "TLS ClientHello")
        },
        Event {
            inferred: true,
            ..event(9, 94, S, Phase::TlsHandshake, "tcp-rst", "RST from the server's side")
        },
    ]);
    session.timeline[2].details = [("cookie", "alice".into())].into();
    session.negotiation = Negotiation {
        cookie: Some("alice".into()),
        routing_token: None,
        requested_protocols: Some(Bits::new(11_u32, vec!["SSL", "HYBRID", "HYBRID_EX"])),
        selected_protocol: Some(Coded::new(1_u32, Some("SSL"))),
        failure: None,
        request_flags: Some(Bits::new(0_u32, Vec::new())),
        response_flags: Some(Bits::new(0x40_u32, Vec::new())),
        correlation_id: Some("00112233445566778899aabbccddeeff".into()),
    };
    session.tls = Tls {
        version: Some("TLS 1.2".into()),
        offered_versions: vec!["TLS 1.3".into(), "TLS 1.2".into()],
        cipher: Some(Coded::new(0xc02f_u32, Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"))),
        offered_ciphers: vec![
            Coded::new(0xc02f_u32, Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")),
            Coded::new(0xfefe_u32, None),
        ],
        sni: Some("host.example.com".into()),
        alpn: vec!["rdp".into()],
        ja3: Some("4d7a28d6f2263ed61de88ca66eb011e3".into()),
        ja4: Some("t12d0909h2_cb3cdef5a7a1_e7c285222651".into()),
        certificate: Some(Certificate {
            subject: "CN=host".into(),
            issuer: "CN=host".into(),
            not_before: time(-1000),
            not_after: time(1_000_000),
            self_signed: true,
            key: Key { kind: "RSA".into(), bits: Some(2048) },
            sha256: "ab".repeat(32),
        }),
        certificate_visible: true,
        alerts: vec![Alert {
            frame: 9,
            direction: S,
            level: Coded::new(2_u32, Some("fatal")),
            description: Coded::new(80_u32, Some("internal_error")),
        }],
        decrypted: false,
    };
    session.rdp = [("client_build", 2600.into())].into();
    session
}

/// A session whose every text came from somebody who wants to harm the reader.
fn hostile() -> Session {
    let evil = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}*x* <b>| `y`\r\nfake: line";
    let mut diagnosis = diagnosis("client-left-after-tls", evil);
    for text in [&mut diagnosis.summary, &mut diagnosis.explanation] {
        *text = evil.into();
    }
    diagnosis.evidence =
        vec![Evidence { capture: 0, frame: 1, last_frame: 1, time_s: Span(0.0), text: evil.into() }];
    diagnosis.rivals = vec![Rival { cause: evil.into(), tell_apart: evil.into() }];
    diagnosis.remedies =
        vec![Remedy { who: evil.into(), text: evil.into(), command: Some(format!("{evil}\n```\n").into()) }];
    diagnosis.references = vec![format!("{evil} <https://x>").into(), evil.into()];
    let mut session = session(3, Outcome::Failed, Phase::TlsHandshake, diagnosis);
    session.client.hostname = Some(evil.into());
    session.server.hostname = Some(evil.into());
    session.server.ip = "2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap();
    session.negotiation.cookie = Some(evil.into());
    for event in &mut session.timeline {
        event.summary = evil.into();
    }
    session
}

fn capture(file: &str) -> Capture {
    Capture {
        file: file.into(),
        format: "pcapng",
        compression: None,
        packets: 20,
        bytes: 4652,
        first: Some(time(0)),
        last: Some(time(60_000)),
        warnings: vec![format!("{file}: 3 packets were lost while capturing")],
    }
}

fn report(sessions: Vec<Session>) -> Report {
    let mut summary = Summary::default();
    for session in &sessions {
        *summary.by_outcome.entry(session.outcome.as_str()).or_default() += 1;
        *summary.by_code.entry(session.diagnosis.code).or_default() += 1;
    }
    let attempts = sessions.iter().map(|session| Attempt {
        id: session.id,
        client: Host { ip: session.client.ip },
        server: Server { ip: session.server.ip, port: session.server.port },
        sessions: vec![session.id],
        outcome: session.outcome,
        decided_by: session.id,
        story: "The server hung up.".into(),
    });
    Report {
        schema: SCHEMA,
        captures: vec![capture("dir/a.pcapng")],
        attempts: attempts.collect(),
        sessions,
        summary,
    }
}

/// One failed session, one that the client left, and more healthy ones than fit in the table.
fn mixed() -> Report {
    let healthy =
        |id| session(id, Outcome::Healthy, Phase::Active, diagnosis("healthy", "The session worked"));
    let mut sessions = vec![healthy(1), failed()];
    let left = diagnosis("client-left-after-tls", "The client left after encryption was set up");
    sessions.extend([3, 4].map(|id| session(id, Outcome::Aborted, Phase::TlsHandshake, left.clone())));
    sessions.extend((5..17).map(healthy));
    let mut report = report(sessions);
    report.summary.unlisted = vec![Unlisted {
        server: Server { ip: [10, 0, 0, 1].into(), port: 3389 },
        code: "tcp-probe",
        count: 3000,
        clients: 12,
        first: time(0),
        last: time(59_000),
    }];
    *report.summary.by_outcome.entry("probe").or_default() += 3000;
    report
}

fn table_text(report: &Report, view: &View) -> String {
    let mut out = Vec::new();
    table::write(report, view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn markdown_text(report: &Report, view: &View) -> String {
    let mut out = Vec::new();
    markdown::write(report, view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn page(report: &Report, view: &View) -> String {
    let mut out = Vec::new();
    let made = html::Made { version: "0.0.0", options: "--session 1".into(), digests: vec!["00ff".into()] };
    html::write(report, &made, view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn lines(report: &Report) -> String {
    let mut out = Vec::new();
    ndjson::write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn validate(schema: &schemars::Schema, instance: &str) {
    let validator = jsonschema::validator_for(schema.as_value()).unwrap();
    let instance: serde_json::Value = serde_json::from_str(instance).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&instance).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn schemas_are_the_published_ones() {
    for (file, schema) in [
        ("rdpwhy-1.json", schema::document()),
        ("rdpwhy-1-line.json", schema::line()),
        ("rdpwhy-1-explain.json", schema::explanation()),
    ] {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        golden(&format!("docs/schema/{file}"), &text);
    }
}

#[test]
fn table() {
    golden("tests/golden/report/table.txt", &table_text(&mixed(), &View::default()));
}

/// A copy of a report that judges its sessions by what the user saw.
fn saw(mut report: Report) -> Report {
    for session in &mut report.sessions {
        let (fit, why) = match session.outcome {
            Outcome::Healthy => (SawFit::Excluded, "the session worked, and the client itself ended it"),
            Outcome::Failed => (SawFit::Consistent, "mstsc may show it here"),
            _ => (SawFit::Unlikely, "the client itself ended this one"),
        };
        session.saw = Some(Saw { code: "0x904".into(), extended: Some("0x7".into()), fit, why: why.into() });
    }
    report
}

#[test]
fn table_by_the_error_that_was_seen() {
    golden("tests/golden/report/saw.txt", &table_text(&saw(mixed()), &View::default()));
    validate(&schema::document(), &json::to_string(&saw(mixed())).unwrap());
}

#[test]
fn one_session_in_full() {
    let view = View {
        timeline: true,
        every_story: true,
        width: 80,
        zone: "+02:00".parse().unwrap(),
        ..View::default()
    };
    golden("tests/golden/report/session.txt", &table_text(&report(vec![failed()]), &view));
}

#[test]
fn markdown_for_tickets() {
    golden(
        "tests/golden/report/markdown.md",
        &markdown_text(&mixed(), &View { timeline: true, picture: true, ..View::default() }),
    );
}

#[test]
fn one_page_with_everything() {
    golden("tests/golden/report/page.html", &page(&mixed(), &View::default()));
}

#[test]
fn a_page_has_the_titles_and_words_of_the_other_formats() {
    let mut session = failed();
    let view = View { every_story: true, ..View::default() };
    for (confidence, title) in [
        (Confidence::Likely, "What else it could be, and how to tell"),
        (Confidence::Certain, "What may lie behind it, and how to tell"),
    ] {
        session.diagnosis.confidence = confidence;
        let mut report = mixed();
        report.sessions = vec![session.clone()];
        let mut text = Vec::new();
        table::write(&report, &view, &mut text).unwrap();
        let (text, page) = (String::from_utf8(text).unwrap(), page(&report, &view));
        assert!(text.contains(title) && page.contains(&format!("{title}</h3>")), "{title}");
        for words in ["RST", "ClientHello"] {
            assert!(text.contains(&format!("{words}: ")), "{words}");
            assert!(page.contains(&format!("<dt>{words}</dt>")), "{words}");
        }
        // The picture's words are explained, too.
        assert!(page.contains("<dt>Connection Confirm</dt>"));
    }
}

#[test]
fn json_document() {
    let text = json::to_string(&report(vec![failed()])).unwrap();
    golden("tests/golden/report/report.json", &text);
    validate(&schema::document(), &text);
    validate(&schema::document(), &json::to_string(&mixed()).unwrap());
    validate(&schema::document(), &json::to_string(&report(Vec::new())).unwrap());
}

#[test]
fn json_streamed_is_json_serialized() {
    let report = mixed();
    let streamed: serde_json::Value = serde_json::from_str(&json::to_string(&report).unwrap()).unwrap();
    assert_eq!(streamed, serde_json::to_value(&report).unwrap());
}

#[test]
fn json_keys_stand_in_the_promised_order() {
    let text = json::to_string(&report(vec![failed()])).unwrap();
    let order = [
        "schema",
        "captures",
        "sessions",
        "attempt",
        "community_id",
        "diagnosis",
        "evidence",
        "rivals",
        "remedies",
        "client_error",
        "references",
        "other_diagnoses",
        "saw",
        "timeline",
        "negotiation",
        "tls",
        "rdp",
        "tcp",
        "udp",
        "attempts",
        "summary",
        "by_outcome",
        "by_code",
        "unlisted",
        "patterns",
    ];
    let mut rest = text.as_str();
    for key in order {
        let at = rest.find(&format!("\"{key}\":"));
        rest = &rest[at.unwrap_or_else(|| panic!("{key} comes too early, or never"))..];
    }
}

#[test]
fn ndjson_lines() {
    let text = lines(&mixed());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 17);
    for line in &lines {
        validate(&schema::line(), line);
    }
    let first: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert!(
        lines[0].starts_with(r#"{"schema":"rdpwhy/1","captures":["dir/a.pcapng"],"id":1,"#),
        "{}",
        lines[0]
    );
    assert_eq!(first["transport"], "tcp");
    let last: serde_json::Value = serde_json::from_str(lines[16]).unwrap();
    assert_eq!(last["type"], "summary");
    assert_eq!(last["by_outcome"]["probe"], 3000);
    assert_eq!(last["attempts"].as_array().unwrap().len(), 16);
    assert!(last.get("transport").is_none());
}

/// The characters that a terminal or a reader could be fooled with.
fn harmful(text: &str) -> Option<char> {
    text.chars().find(|c| *c != '\n' && rdpwhy::report::text::is_unsafe(*c))
}

#[test]
fn no_control_character_reaches_a_terminal() {
    let report = report(vec![hostile()]);
    let view = View { timeline: true, every_story: true, ..View::default() };
    let json = json::to_string(&report).unwrap();
    for text in [table_text(&report, &view), markdown_text(&report, &view), json.clone(), lines(&report)] {
        assert_eq!(harmful(&text), None, "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("fake")), "{text}");
    }
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed, serde_json::to_value(&report).unwrap(), "JSON keeps the text as it was");
}

#[test]
fn nothing_from_a_packet_is_markup_in_the_page() {
    let view = View { timeline: true, every_story: true, ..View::default() };
    let (harmless, text) = (page(&report(vec![failed()]), &view), page(&report(vec![hostile()]), &view));
    assert_eq!(harmful(&text), None, "{text}");
    assert!(!text.contains("<b>"), "{text}");
    assert_eq!(text.matches("<script").count(), harmless.matches("<script").count());
    // The policy lets run only what has these hashes, and fetches nothing.
    let policy = |text: &str| {
        let meta = text.lines().find(|line| line.contains("Content-Security-Policy")).unwrap_or_default();
        meta.to_owned()
    };
    assert_eq!(policy(&text), policy(&harmless));
    assert!(policy(&text).contains("default-src 'none'"));
    for fetched in ["src=", "<link", "url(", "@import", "<img", "<iframe", "javascript:"] {
        assert!(!text.contains(fetched), "{fetched}");
    }
}

#[test]
fn markdown_cannot_be_broken_out_of() {
    let view = View { timeline: true, every_story: true, ..View::default() };
    let text = markdown_text(&report(vec![hostile()]), &view);
    let (before, rest) = text.split_once("   ```\n").unwrap();
    let (command, after) = rest.split_once("   ```\n").unwrap();
    assert_eq!(command.lines().count(), 1, "{text}");
    for text in [before, after] {
        assert!(!text.contains("<b>|") && !text.contains("```"), "{text}");
    }
}

#[test]
fn colours_only_where_asked_for() {
    let report = mixed();
    let plain = table_text(&report, &View::default());
    let coloured = table_text(&report, &View { color: true, ..View::default() });
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[1;31mfailed\u{1b}[0m"));
    let mut stripped = coloured;
    for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[1;31m", "\u{1b}[33m", "\u{1b}[32m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn several_captures_are_told_apart() {
    let mut session = failed();
    let mut report = report(vec![session.clone()]);
    report.captures.push(capture("other/b.pcapng"));
    let text = table_text(&report, &View::default());
    assert!(text.contains("0.250 s from first to last packet, in a.pcapng\n"), "{text}");
    assert!(text.contains("broke at frame 9"), "{text}");
    session.diagnosis.evidence[0].capture = 1;
    report.sessions = vec![session];
    let text = table_text(&report, &View::default());
    assert!(text.contains("broke at b.pcapng frame 9"), "{text}");
    assert!(text.contains("a.pcapng frames 7–8"), "{text}");
}

#[test]
fn a_scan_stays_readable() {
    let refused = |id: u64| {
        let mut session =
            session(id, Outcome::Failed, Phase::TcpConnect, diagnosis("tcp-connection-refused", "Refused"));
        session.server.ip = [10, 1, (id >> 8) as u8, id as u8].into();
        session
    };
    let mut sessions: Vec<Session> = (1..=2500).map(refused).collect();
    sessions.push(Session { server: sessions[0].server.clone(), ..refused(2501) });
    let report = report(sessions);
    for text in [table_text(&report, &View::default()), markdown_text(&report, &View::default())] {
        assert_eq!(text.matches("How far it got").count(), 50);
        assert!(text.contains("Session 2501 has the same diagnosis."), "the first server's");
        assert!(text.contains("2,450 sessions more, of other servers or codes."));
        assert_eq!(
            text.lines().filter(|line| line.contains("tcp-connect ") && line.contains("0.250 s")).count(),
            2501
        );
        assert_eq!(text.matches("outcome").count(), 1, "one header");
    }
}

#[test]
fn lines_fit_the_width_but_for_commands() {
    for width in [80, 100, 120] {
        let mut report = mixed();
        report.sessions.retain(|session| session.outcome != Outcome::Healthy);
        let text = table_text(&report, &View { width, ..View::default() });
        for line in text.lines().filter(|line| !line.contains("Get-WinEvent")) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn a_long_conversation_folds_but_for_what_decides() {
    use Direction::{ClientToServer as C, ServerToClient as S};
    let mut long = failed();
    let hidden = |n: i64| Event {
        inferred: true,
        ..event(
            n as u64,
            n,
            if n % 2 == 0 { C } else { S },
            Phase::Active,
            "tls-application-data",
            "encrypted record",
        )
    };
    let seen = |n: i64| event(n as u64, n, C, Phase::Active, "share", "Share PDU");
    long.timeline.truncate(3);
    long.timeline.extend((100..110).map(hidden));
    long.timeline.extend((200..300).map(seen));
    long.phase = Phase::Active;
    for (evidence, frame) in long.diagnosis.evidence.iter_mut().zip([250, 105]) {
        (evidence.frame, evidence.last_frame) = (frame, frame);
    }
    let view = View { picture: true, ..View::default() };
    let text = markdown_text(&report(vec![long]), &view);
    let picture = text.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let rows = picture.lines().filter(|line| line.contains(" s  |")).count();
    assert!((40..=50).contains(&rows), "{rows} rows\n{picture}");
    let row = |frame: &str| picture.lines().find(|line| line.ends_with(frame)).unwrap_or_default();
    assert!(row("| frame 250").contains("===X|") && row("| frame 105").contains("|<=="), "{picture}");
    assert!(row("| frame 101").contains("|<..") && row("| frame 299").contains("-->|"), "{picture}");
    assert!(picture.contains("more, not shown here") && !picture.contains("frame 104"), "{picture}");
    assert!(picture.lines().all(|line| line.chars().count() <= 80), "{picture}");
}
