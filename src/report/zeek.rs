//! As Zeek writes its logs in JSON: a `rdpwhy.log` that stands beside `conn.log`, `ssl.log` and `rdp.log`.
//!
//! A field that one of these logs has too has its name, and its values where Zeek has names for them; as in all of
//! Zeek's logs, what is unset is absent. `_path` tells the log that a line is of.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde_json::Value;

use super::fields::{Fields, established, known, uid};
use super::model::{Capture, Endpoint, Server, Session, Summary, Time, Transport, Unlisted};
use super::ndjson::PhaseChange;

/// Writes a session that is over.
pub fn session<W: Write>(session: &Session, mut out: W) -> io::Result<()> {
    let mut fields = Fields::default();
    let address = |end: &Endpoint| SocketAddr::new(end.ip, end.port);
    let ends = [address(&session.client), address(&session.server)];
    connection(&mut fields, "rdpwhy", session.start, session.start, ends, &session.community_id);
    // conn.log
    fields.put("proto", session.transport);
    fields.put("duration", session.duration_s);
    let bytes = session.metrics.as_ref().map_or(session.tcp.bytes, |udp| udp.bytes);
    fields.put("orig_bytes", bytes.client_to_server);
    fields.put("resp_bytes", bytes.server_to_client);
    if let Some(udp) = &session.metrics {
        fields.put("orig_pkts", udp.datagrams.client_to_server);
        fields.put("resp_pkts", udp.datagrams.server_to_client);
    }
    rdp(&mut fields, session);
    tls(&mut fields, session);

    let diagnosis = &session.diagnosis;
    fields.put("session", session.id);
    fields.put("attempt", session.attempt);
    fields.put("phase", session.phase);
    fields.put("outcome", session.outcome);
    fields.put("code", diagnosis.code);
    fields.put("title", &diagnosis.title);
    fields.put("side", diagnosis.side);
    fields.put("owner", diagnosis.owner);
    fields.put("confidence", diagnosis.confidence);
    fields.put("explanation", &diagnosis.explanation);
    fields.put("other_codes", session.other_diagnoses.iter().map(|d| d.code).collect::<Vec<_>>());
    fields.put("udp_codes", session.udp.iter().map(|flow| flow.diagnosis.code).collect::<Vec<_>>());
    fields.put("ja3", &session.tls.ja3);
    fields.put("ja4", &session.tls.ja4);
    fields.write(&mut out)
}

/// Writes one change of a session that runs.
pub fn phase<W: Write>(change: &PhaseChange, mut out: W) -> io::Result<()> {
    let mut fields = Fields::default();
    let ends = [change.client, change.server].map(|end| SocketAddr::new(end.ip, end.port));
    connection(&mut fields, "rdpwhy_phase", change.time, change.start, ends, &change.community_id);
    fields.put("proto", Transport::Tcp);
    fields.put("session", change.id);
    fields.put("phase", change.phase);
    fields.put("previous_phase", change.previous);
    fields.write(&mut out)
}

/// Writes what was only counted.
pub fn unlisted<W: Write>(unlisted: &Unlisted, mut out: W) -> io::Result<()> {
    let mut fields = Fields::default();
    fields.put("_path", "rdpwhy_unlisted");
    fields.put("ts", epoch(unlisted.first));
    let Server { ip, port } = unlisted.server;
    fields.put("id.resp_h", ip);
    fields.put("id.resp_p", port);
    fields.put("code", unlisted.code);
    fields.put("count", unlisted.count);
    fields.put("clients", unlisted.clients);
    fields.put("last_ts", epoch(unlisted.last));
    fields.write(&mut out)
}

/// Writes counts, as `stats.log` names them; nothing, where no packet came.
pub fn summary<W: Write>(captures: &[Capture], summary: &Summary, mut out: W) -> io::Result<()> {
    let Some(last) = captures.iter().filter_map(|capture| capture.last).max() else { return Ok(()) };
    let mut fields = Fields::default();
    fields.put("_path", "rdpwhy_stats");
    fields.put("ts", epoch(last));
    fields.put("pkts_proc", captures.iter().map(|capture| capture.packets).sum::<u64>());
    fields.put("bytes_recv", captures.iter().map(|capture| capture.bytes).sum::<u64>());
    for (outcome, count) in &summary.by_outcome {
        fields.put(format!("sessions.{outcome}"), count);
    }
    fields.write(&mut out)
}

fn connection(
    fields: &mut Fields,
    path: &str,
    time: Time,
    start: Time,
    [client, server]: [SocketAddr; 2],
    community_id: &str,
) {
    fields.put("_path", path);
    fields.put("ts", epoch(time));
    fields.put("uid", uid(community_id, start));
    fields.put("id.orig_h", client.ip());
    fields.put("id.orig_p", client.port());
    fields.put("id.resp_h", server.ip());
    fields.put("id.resp_p", server.port());
    fields.put("community_id", community_id);
}

/// Seconds since 1970, to the microsecond.
fn epoch(time: Time) -> f64 {
    (time.0.0 / 1000) as f64 / 1e6
}

/// What `rdp.log` has.
fn rdp(fields: &mut Fields, session: &Session) {
    let negotiation = &session.negotiation;
    fields.put("cookie", &negotiation.cookie);
    let chosen = negotiation.selected_protocol.as_ref().map(|chosen| chosen.value);
    let result = match (&negotiation.failure, chosen) {
        (Some(failure), _) => {
            let unnamed = || format!("failure_code-{}", failure.value);
            Some(failure.name.map_or_else(unnamed, str::to_owned))
        }
        (None, Some(1..)) => Some("encrypted".to_owned()),
        (None, _) if session.rdp.contains_key("server_version") => Some("Success".to_owned()),
        (None, _) => None,
    };
    fields.put("result", result);
    fields.put("security_protocol", chosen.map(security_protocol));
    fields.put("client_channels", session.rdp.get("channels"));
    let number = |name| session.rdp.get(name).and_then(Value::as_u64);
    fields.put("keyboard_layout", number("keyboard_layout").map(|layout| format!("keyboard-{layout}")));
    fields.put("client_build", number("client_build").map(client_build));
    fields.put("client_name", session.rdp.get("client_name"));
    fields.put("desktop_width", number("desktop_width"));
    fields.put("desktop_height", number("desktop_height"));
    fields.put("requested_color_depth", number("color_depth").map(|depth| format!("{depth}bit")));
    let coded = |path: &[&'static str]| known(session, path).and_then(Value::as_u64);
    fields.put("encryption_method", coded(&["encryption_method", "value"]).map(encryption_method));
    fields.put("encryption_level", coded(&["encryption_level", "value"]).map(encryption_level));
    match coded(&["server_certificate", "version", "value"]) {
        Some(1) => {
            fields.put("cert_type", "RSA");
            fields.put("cert_count", 1);
        }
        Some(2) => fields.put("cert_type", "X.509"),
        _ => {}
    }
}

fn security_protocol(chosen: u32) -> String {
    match chosen {
        0 => "RDP".to_owned(),
        1 => "SSL".to_owned(),
        2 => "HYBRID".to_owned(),
        8 => "HYBRID_EX".to_owned(),
        other => format!("security_protocol-{other}"),
    }
}

fn client_build(build: u64) -> String {
    let version = match build {
        419 => "4.0",
        2195 | 2221 => "5.0",
        2600 => "5.1",
        3790 => "5.2",
        6000 => "6.0",
        6001 => "6.1",
        6002 => "6.2",
        7600 => "7.0",
        7601 => "7.1",
        9200 => "8.0",
        9600 => "8.1",
        25189 | 25282 => "8.0 (Mac)",
        other => return format!("client_build-{other}"),
    };
    format!("RDP {version}")
}

fn encryption_method(method: u64) -> String {
    match method {
        0 => "None".to_owned(),
        1 => "40bit".to_owned(),
        2 => "128bit".to_owned(),
        8 => "56bit".to_owned(),
        16 => "FIPS".to_owned(),
        other => format!("encryption_method-{other}"),
    }
}

fn encryption_level(level: u64) -> String {
    match level {
        0 => "None".to_owned(),
        1 => "Low".to_owned(),
        2 => "Client compatible".to_owned(),
        3 => "High".to_owned(),
        4 => "FIPS".to_owned(),
        other => format!("encryption_level-{other}"),
    }
}

/// What `ssl.log` and `x509.log` have.
fn tls(fields: &mut Fields, session: &Session) {
    let tls = &session.tls;
    // "TLSv12"
    fields.put("version", tls.version.as_ref().map(|version| version.replace(' ', "v").replace('.', "")));
    fields.put("cipher", tls.cipher.as_ref().and_then(|cipher| cipher.name));
    fields.put("server_name", &tls.sni);
    fields.put("last_alert", tls.alerts.last().and_then(|alert| alert.description.name));
    fields.put("established", established(session));
    let Some(certificate) = &tls.certificate else { return };
    fields.put("fingerprint", &certificate.sha256);
    fields.put("certificate.subject", &certificate.subject);
    fields.put("certificate.issuer", &certificate.issuer);
    fields.put("certificate.not_valid_before", epoch(certificate.not_before));
    fields.put("certificate.not_valid_after", epoch(certificate.not_after));
    let kind = if certificate.key.kind == "EC" { "ecdsa" } else { &certificate.key.kind };
    fields.put("certificate.key_type", kind.to_lowercase());
    fields.put("certificate.key_length", certificate.key.bits);
}
