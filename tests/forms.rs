//! The forms for other tools' pipelines: names and types of fields are those of the Elastic Common Schema and of Zeek's
//! logs, whatever the captures hold.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::golden::{golden, project};
use common::{Frames, all_captures, read, run_all};
use rdpwhy::analyzer::Overview;
use rdpwhy::base::Timestamp;
use rdpwhy::report::Lines;
use rdpwhy::report::build::{Built, Collected, Options};
use rdpwhy::report::choose::Choice;
use rdpwhy::report::model::{Phase, Server, Time, Unlisted};
use rdpwhy::report::ndjson::PhaseChange;
use serde_json::Value;

/// Fields of ECS 8.17 (`generated/csv/fields.csv` of elastic/ecs; the same in 9.4), with their types.
const ECS: &str = "
    @timestamp date             client.address keyword       client.bytes long          client.domain keyword
    client.ip ip                client.port long             destination.address keyword
    destination.bytes long      destination.domain keyword   destination.ip ip          destination.packets long
    destination.port long       ecs.version keyword          error.code keyword         error.message text
    event.action keyword        event.category keyword[]     event.code keyword         event.dataset keyword
    event.duration long         event.end date               event.id keyword           event.kind keyword
    event.module keyword        event.outcome keyword        event.reason keyword       event.start date
    event.type keyword[]        message text                 network.bytes long         network.community_id keyword
    network.packets long        network.protocol keyword     network.transport keyword  network.type keyword
    observer.product keyword    observer.type keyword        observer.version keyword   related.hash keyword[]
    related.hosts keyword[]     related.ip ip[]              related.user keyword[]     server.address keyword
    server.bytes long           server.domain keyword        server.ip ip               server.port long
    source.address keyword      source.bytes long            source.domain keyword      source.ip ip
    source.packets long         source.port long             source.user.name keyword   tls.cipher keyword
    tls.client.ja3 keyword      tls.client.server_name keyword    tls.client.supported_ciphers keyword[]
    tls.established boolean     tls.server.hash.sha256 keyword    tls.server.issuer keyword
    tls.server.not_after date   tls.server.not_before date        tls.server.subject keyword
    tls.server.x509.issuer.distinguished_name keyword             tls.server.x509.not_after date
    tls.server.x509.not_before date                               tls.server.x509.public_key_algorithm keyword
    tls.server.x509.public_key_size long                          tls.server.x509.subject.distinguished_name keyword
    tls.version keyword         tls.version_protocol keyword      user.name keyword";

/// Fields of Zeek's conn.log (with `policy/protocols/conn/community-id-logging`), rdp.log, ssl.log, x509.log and
/// stats.log, with their types; intervals and times are numbers of seconds.
const ZEEK: &str = "
    ts time                     uid string                   id.orig_h addr             id.orig_p port
    id.resp_h addr              id.resp_p port               proto string               duration interval
    orig_bytes count            resp_bytes count             orig_pkts count            resp_pkts count
    community_id string         cookie string                result string              security_protocol string
    client_channels string[]    keyboard_layout string       client_build string        client_name string
    desktop_width count         desktop_height count         requested_color_depth string    cert_type string
    cert_count count            encryption_level string      encryption_method string   version string
    cipher string               server_name string           last_alert string          established bool
    fingerprint string          certificate.subject string   certificate.issuer string
    certificate.not_valid_before time                        certificate.not_valid_after time
    certificate.key_type string certificate.key_length count pkts_proc count            bytes_recv count";

/// Ours beside them.
const ZEEK_OWN: &str = "
    _path string                session count                attempt count              phase string
    previous_phase string       outcome string               code string                title string
    side string                 owner string                 confidence string          explanation string
    other_codes string[]        udp_codes string[]           ja3 string                 ja4 string
    count count                 clients count                last_ts time               sessions.aborted count
    sessions.degraded count     sessions.failed count        sessions.healthy count     sessions.inconclusive count
    sessions.probe count";

fn named(list: &str) -> BTreeMap<&str, &str> {
    let words: Vec<&str> = list.split_whitespace().collect();
    words.chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

/// What each capture comes to in a form, line by line.
fn lines(form: Lines) -> Vec<Value> {
    let mut all = Vec::new();
    for capture in all_captures() {
        all.extend(parsed(&written(&capture, form)));
    }
    all.extend(parsed(&running(form)));
    all
}

fn written(capture: &Frames, form: Lines) -> Vec<u8> {
    let mut collected = Collected::new(Choice::default(), usize::MAX);
    for over in run_all(&capture.frames) {
        collected.push(over);
    }
    let options = Options { choice: Choice::default(), separate: false };
    let built = Built::new(&[], &collected, &Overview::default(), &options);
    let mut out = Vec::new();
    form.write(&built, &mut out).unwrap();
    out
}

fn parsed(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    assert!(!text.contains(|c| c != '\n' && rdpwhy::report::text::is_unsafe(c)), "{text:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines that only a live capture has.
fn running(form: Lines) -> Vec<u8> {
    let end = |port| Server { ip: [10, 0, 0, 2].into(), port };
    let time = |seconds: i64| Time(Timestamp((1_795_165_200 + seconds) * Timestamp::SECOND));
    let mut out = Vec::new();
    for previous in [None, Some(Phase::TcpConnect)] {
        let change = PhaseChange {
            id: 17,
            time: time(1),
            start: time(0),
            client: end(50_204),
            server: end(3389),
            community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=".to_owned(),
            phase: Phase::X224Negotiation,
            previous,
        };
        form.phase(change, &mut out).unwrap();
    }
    let (first, last) = (time(0), time(60));
    let unlisted = Unlisted { server: end(3389), code: "tcp-probe", count: 1234, clients: 7, first, last };
    form.unlisted(&unlisted, &mut out).unwrap();
    let capture = rdpwhy::report::model::Capture {
        file: "eth0".to_owned(),
        format: "live",
        compression: None,
        packets: 20,
        bytes: 4652,
        first: Some(first),
        last: Some(last),
        warnings: vec!["eth0: 3 packets were lost while capturing".to_owned()],
    };
    let outcomes = ["aborted", "degraded", "failed", "healthy", "inconclusive", "probe"];
    let summary = rdpwhy::report::model::Summary {
        by_outcome: outcomes.into_iter().zip(1..).collect(),
        by_code: [("tcp-probe", 6)].into(),
        ..Default::default()
    };
    form.summary(&[capture], &summary, &mut out).unwrap();
    form.summary(&[], &summary, &mut out).unwrap();
    out
}

fn is(value: &Value, kind: &str) -> bool {
    if let Some(of) = kind.strip_suffix("[]") {
        return value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|one| is(one, of)));
    }
    let text = value.as_str();
    match kind {
        "keyword" | "text" | "string" => text.is_some_and(|text| !text.is_empty()),
        "ip" | "addr" => text.is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok()),
        "date" => text.is_some_and(|text| text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()),
        "long" | "count" => value.is_u64(),
        "port" => value.as_u64().is_some_and(|port| port <= 65_535),
        "time" | "interval" => value.is_number(),
        "boolean" | "bool" => value.is_boolean(),
        other => panic!("{other}"),
    }
}

/// Fields by their full names, those below `rdpwhy` left out.
fn flat<'a>(fields: &'a Value, before: &str, found: &mut Vec<(String, &'a Value)>) {
    for (name, value) in fields.as_object().unwrap() {
        let name = format!("{before}{name}");
        match value {
            _ if name == "rdpwhy" => {}
            Value::Object(_) => flat(value, &format!("{name}."), found),
            _ => found.push((name, value)),
        }
    }
}

fn check(lines: &[Value], known: &BTreeMap<&str, &str>) {
    let mut used = BTreeSet::new();
    for line in lines {
        let mut fields = Vec::new();
        flat(line, "", &mut fields);
        for (name, value) in fields {
            let (name, kind) =
                known.get_key_value(name.as_str()).unwrap_or_else(|| panic!("no field {name}: {line}"));
            assert!(is(value, kind), "{name} is no {kind}: {value}");
            used.insert(*name);
        }
    }
    let unused: Vec<_> = known.keys().filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "never seen: {unused:?}");
}

#[test]
fn ecs_has_only_fields_of_ecs_outside_its_own_object() {
    let lines = lines(Lines::Ecs);
    check(&lines, &named(ECS));
    for line in &lines {
        // What ECS asks of every event, and the values that it allows.
        let event = &line["event"];
        assert!(line["@timestamp"].is_string() && line["ecs"]["version"] == "8.17.0");
        assert!(["event", "metric"].contains(&event["kind"].as_str().unwrap()));
        let types = ["connection", "protocol", "start", "end", "info"];
        assert!(event["type"].as_array().unwrap().iter().all(|kind| types.contains(&kind.as_str().unwrap())));
        let of = ["network", "authentication"];
        assert!(event["category"].as_array().unwrap().iter().all(|c| of.contains(&c.as_str().unwrap())));
        if event["dataset"] == "rdpwhy.session" {
            let failed = line["rdpwhy"]["outcome"] == "failed";
            assert_eq!(
                (event["outcome"] == "failure", line.get("error").is_some()),
                (failed, failed),
                "{line}"
            );
            assert_eq!(line["source"]["bytes"], line["client"]["bytes"]);
        }
    }
}

#[test]
fn zeek_has_the_names_of_zeeks_logs() {
    let lines = lines(Lines::Zeek);
    check(&lines, &named(&format!("{ZEEK}\n{ZEEK_OWN}")));
    let logs: BTreeSet<_> = lines.iter().map(|line| line["_path"].as_str().unwrap()).collect();
    assert_eq!(logs, ["rdpwhy", "rdpwhy_phase", "rdpwhy_stats", "rdpwhy_unlisted"].into());
}

#[test]
fn both_call_a_connection_the_same() {
    let ids = |form, name: fn(&Value) -> &Value| {
        let all = lines(form).iter().filter_map(|line| name(line).as_str().map(str::to_owned)).collect();
        BTreeSet::from_iter::<Vec<String>>(all)
    };
    let ecs = ids(Lines::Ecs, |line| &line["event"]["id"]);
    let zeek = ids(Lines::Zeek, |line| if line["_path"] == "rdpwhy" { &line["uid"] } else { &Value::Null });
    assert!(ecs == zeek && ecs.len() > 100, "{}", ecs.len());
}

#[test]
fn lines_look_like_this() {
    let capture = read(&project("captures/tls-certificate-expired/openssl-tls12.pcapng"));
    for (form, file) in
        [(Lines::Ecs, "tests/golden/forms/ecs.ndjson"), (Lines::Zeek, "tests/golden/forms/zeek.ndjson")]
    {
        let mut out = written(&capture, form);
        out.extend(running(form));
        golden(file, std::str::from_utf8(&out).unwrap());
    }
}
