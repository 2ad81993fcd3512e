//! Elastic Common Schema: one event a line, for Elasticsearch and what feeds it.
//!
//! What ECS has a field for stands there; the rest is under `rdpwhy`, as ECS asks of custom fields. Field names
//! and types are those of the ECS field reference.

use std::io::{self, Write};
use std::net::IpAddr;

use serde_json::{Value, json};

use super::fields::{Fields, established, known, uid};
use super::line;
use super::model::{
    Capture, Coded, Diagnosis, Endpoint, Outcome, Server, Session, Summary, Time, Tls, Transport, UdpFlow,
    Unlisted,
};
use super::ndjson::PhaseChange;
use super::zone::Zone;

/// The version of ECS whose fields these are.
const VERSION: &str = "8.17.0";

/// Writes a session that is over; `captures` are the names of those that its frames are in.
pub fn session<W: Write>(session: &Session, captures: &[&str], mut out: W) -> io::Result<()> {
    let mut fields = Fields::default();
    let diagnosis = &session.diagnosis;
    let mut category = vec!["network"];
    if diagnosis.code == "nla-authentication-failed" {
        category.push("authentication");
    }
    event(&mut fields, "session", session.end, "event", &category, &["connection", "protocol", "end"]);
    fields.put("message", line::session(session, &Zone::utc()));
    fields.put("event.action", "rdp-session-ended");
    fields.put("event.id", uid(&session.community_id, session.start));
    fields.put("event.outcome", outcome(session.outcome));
    fields.put("event.code", diagnosis.code);
    fields.put("event.reason", &diagnosis.title);
    fields.put("event.start", session.start);
    fields.put("event.end", session.end);
    fields.put("event.duration", session.end.0.since(session.start.0));
    if session.outcome == Outcome::Failed {
        fields.put("error.code", diagnosis.code);
        fields.put("error.message", &diagnosis.title);
    }

    network(&mut fields, session.transport, session.client.ip, &session.community_id);
    let bytes = match &session.metrics {
        Some(udp) => {
            let packets = udp.datagrams;
            fields.put("network.packets", packets.client_to_server + packets.server_to_client);
            fields.put("source.packets", packets.client_to_server);
            fields.put("destination.packets", packets.server_to_client);
            udp.bytes
        }
        None => session.tcp.bytes,
    };
    fields.put("network.bytes", bytes.client_to_server + bytes.server_to_client);
    end(&mut fields, ["source", "client"], &session.client, bytes.client_to_server);
    end(&mut fields, ["destination", "server"], &session.server, bytes.server_to_client);

    // The name in the cookie is what was typed, cut after nine characters by some clients.
    let user = known(session, &["nla", "user_name"]).and_then(Value::as_str);
    let user = user.or(session.negotiation.cookie.as_deref());
    fields.put("user.name", user);
    fields.put("source.user.name", user);
    fields.put("user.domain", known(session, &["nla", "domain_name"]));
    tls(&mut fields, session);
    fields.put("related.ip", [session.client.ip, session.server.ip]);
    fields.put("related.hosts", [&session.client.hostname, &session.server.hostname]);
    fields.put("related.user", [user]);

    fields.put("rdpwhy.id", session.id);
    fields.put("rdpwhy.attempt", session.attempt);
    fields.put("rdpwhy.captures", captures);
    fields.put("rdpwhy.phase", session.phase);
    fields.put("rdpwhy.outcome", session.outcome);
    fields.put("rdpwhy.diagnosis", cause(diagnosis));
    fields.put("rdpwhy.other_codes", session.other_diagnoses.iter().map(|d| d.code).collect::<Vec<_>>());
    fields.put("rdpwhy.negotiation", &session.negotiation);
    fields.put("rdpwhy.tls.ja4", &session.tls.ja4);
    fields.put("rdpwhy.rdp", &session.rdp);
    if session.transport == Transport::Tcp {
        fields.put("rdpwhy.tcp", &session.tcp);
    }
    fields.put("rdpwhy.metrics", &session.metrics);
    let flow = |flow: &UdpFlow| {
        json!({"phase": flow.phase, "outcome": flow.outcome, "diagnosis": cause(&flow.diagnosis),
               "client": flow.client, "server": flow.server, "metrics": flow.metrics})
    };
    fields.put("rdpwhy.udp", session.udp.iter().map(flow).collect::<Vec<_>>());
    fields.write_nested(&mut out)
}

/// Writes one change of a session that runs.
pub fn phase<W: Write>(change: &PhaseChange, mut out: W) -> io::Result<()> {
    let mut fields = Fields::default();
    let kinds = if change.previous.is_none() { ["connection", "start"] } else { ["protocol", "info"] };
    event(&mut fields, "phase", change.time, "event", &["network"], &kinds);
    fields.put("message", line::phase(change, &Zone::utc()));
    fields.put("event.action", "rdp-phase-entered");
    fields.put("event.start", change.start);
    network(&mut fields, Transport::Tcp, change.client.ip, &change.community_id);
    for (names, server) in [(["source", "client"], change.client), (["destination", "server"], change.server)]
    {
        address(&mut fields, names, server);
    }
    fields.put("related.ip", [change.client.ip, change.server.ip]);
    fields.put("rdpwhy.id", change.id);
    fields.put("rdpwhy.phase", change.phase);
    fields.put("rdpwhy.previous_phase", change.previous);
    fields.write_nested(&mut out)
}

/// Writes what was only counted.
pub fn unlisted<W: Write>(unlisted: &Unlisted, mut out: W) -> io::Result<()> {
    let mut fields = Fields::default();
    event(&mut fields, "unlisted", unlisted.last, "metric", &["network"], &["connection", "info"]);
    fields.put("message", line::unlisted(unlisted, &Zone::utc()));
    fields.put("event.code", unlisted.code);
    fields.put("event.start", unlisted.first);
    fields.put("event.end", unlisted.last);
    address(&mut fields, ["destination", "server"], unlisted.server);
    fields.put("rdpwhy.count", unlisted.count);
    fields.put("rdpwhy.clients", unlisted.clients);
    fields.write_nested(&mut out)
}

/// Writes counts; nothing, where no packet came.
pub fn summary<W: Write>(captures: &[Capture], summary: &Summary, mut out: W) -> io::Result<()> {
    let Some(last) = captures.iter().filter_map(|capture| capture.last).max() else { return Ok(()) };
    let mut fields = Fields::default();
    event(&mut fields, "summary", last, "metric", &["network"], &["info"]);
    fields.put("event.start", captures.iter().filter_map(|capture| capture.first).min());
    fields.put("event.end", last);
    fields.put("rdpwhy.captures", captures.iter().map(|capture| &capture.file).collect::<Vec<_>>());
    fields.put("rdpwhy.warnings", captures.iter().flat_map(|capture| &capture.warnings).collect::<Vec<_>>());
    fields.put("rdpwhy.packets", captures.iter().map(|capture| capture.packets).sum::<u64>());
    fields.put("rdpwhy.bytes", captures.iter().map(|capture| capture.bytes).sum::<u64>());
    fields.put("rdpwhy.by_outcome", &summary.by_outcome);
    fields.put("rdpwhy.by_code", &summary.by_code);
    fields.put("rdpwhy.attempts_by_outcome", &summary.attempts_by_outcome);
    fields.put("rdpwhy.patterns", summary.patterns.iter().map(|pattern| &pattern.text).collect::<Vec<_>>());
    fields.write_nested(&mut out)
}

fn event(fields: &mut Fields, dataset: &str, time: Time, kind: &str, category: &[&str], types: &[&str]) {
    fields.put("@timestamp", time);
    fields.put("ecs.version", VERSION);
    fields.put("event.kind", kind);
    fields.put("event.category", category);
    fields.put("event.type", types);
    fields.put("event.module", "rdpwhy");
    fields.put("event.dataset", format!("rdpwhy.{dataset}"));
    fields.put("observer.type", "sensor");
    fields.put("observer.product", "rdpwhy");
    fields.put("observer.version", env!("CARGO_PKG_VERSION"));
}

/// ECS asks for the producer's view of the whole event: whether it went as it should, though a broker sent the client on.
const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Healthy | Outcome::Degraded => "success",
        Outcome::Failed => "failure",
        Outcome::Aborted | Outcome::Inconclusive | Outcome::Probe => "unknown",
    }
}

fn network(fields: &mut Fields, transport: Transport, ip: IpAddr, community_id: &str) {
    fields.put("network.protocol", "rdp");
    fields.put("network.transport", transport);
    fields.put("network.type", if ip.is_ipv4() { "ipv4" } else { "ipv6" });
    fields.put("network.community_id", community_id);
}

/// ECS wants source and destination filled always, and client and server beside them.
fn address(fields: &mut Fields, names: [&str; 2], end: Server) {
    for name in names {
        fields.put(format!("{name}.address"), end.ip);
        fields.put(format!("{name}.ip"), end.ip);
        fields.put(format!("{name}.port"), end.port);
    }
}

fn end(fields: &mut Fields, names: [&str; 2], end: &Endpoint, bytes: u64) {
    address(fields, names, Server { ip: end.ip, port: end.port });
    for name in names {
        fields.put(format!("{name}.domain"), &end.hostname);
        fields.put(format!("{name}.bytes"), bytes);
    }
}

fn tls(fields: &mut Fields, session: &Session) {
    let Tls { version, cipher, offered_ciphers, sni, ja3, certificate, .. } = &session.tls;
    if let Some((protocol, version)) = version.as_deref().and_then(|version| version.split_once(' ')) {
        fields.put("tls.version_protocol", protocol.to_lowercase());
        fields.put("tls.version", version);
    }
    fields.put("tls.established", established(session));
    fields.put("tls.cipher", cipher.as_ref().map(suite));
    fields.put("tls.client.server_name", sni);
    fields.put("tls.client.ja3", ja3);
    fields.put("tls.client.supported_ciphers", offered_ciphers.iter().map(suite).collect::<Vec<_>>());
    let Some(certificate) = certificate else { return fields.put("related.hash", [ja3]) };
    let sha256 = certificate.sha256.to_uppercase();
    fields.put("related.hash", [ja3.as_ref(), Some(&sha256)]);
    fields.put("tls.server.hash.sha256", &sha256);
    fields.put("tls.server.subject", &certificate.subject);
    fields.put("tls.server.issuer", &certificate.issuer);
    fields.put("tls.server.x509.subject.distinguished_name", &certificate.subject);
    fields.put("tls.server.x509.issuer.distinguished_name", &certificate.issuer);
    for name in ["tls.server", "tls.server.x509"] {
        fields.put(format!("{name}.not_before"), certificate.not_before);
        fields.put(format!("{name}.not_after"), certificate.not_after);
    }
    fields.put("tls.server.x509.public_key_algorithm", &certificate.key.kind);
    fields.put("tls.server.x509.public_key_size", certificate.key.bits);
}

fn suite(suite: &Coded) -> String {
    suite.name.map_or_else(|| format!("0x{:04x}", suite.value), str::to_owned)
}

/// The diagnosis without its frames, which stand in the other forms.
fn cause(diagnosis: &Diagnosis) -> Value {
    let remedies = diagnosis.remedies.iter().map(|remedy| {
        let command = remedy.command.iter().flat_map(|command| [" ", command]).collect::<String>();
        format!("{}: {}{command}", remedy.who, remedy.text)
    });
    json!({
        "code": diagnosis.code,
        "title": diagnosis.title,
        "summary": diagnosis.summary,
        "explanation": diagnosis.explanation,
        "side": diagnosis.side,
        "owner": diagnosis.owner,
        "confidence": diagnosis.confidence,
        "remedies": remedies.collect::<Vec<_>>(),
    })
}
