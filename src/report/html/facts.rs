//! What was offered beside what was chosen, the certificate, TCP's health: tables below a story.

use serde_json::Value;

use super::super::model::{Bits, Coded, Diagnosis, Metrics, Outcome, PerDirection, Session, Span, Transport};
use super::super::paint::View;
use super::super::text::{cell, number};
use super::health;

/// Cipher suites that are named; clients offer some 30.
const SUITES: usize = 80;

/// A table that can be folded.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) open: bool,
    pub(super) header: Vec<&'static str>,
    pub(super) rows: Vec<(String, Vec<String>)>,
    /// A picture above the table.
    pub(super) picture: Option<String>,
}

impl Group {
    /// Each cell of a row with its column's title, which stands before it where the page is narrow.
    pub(super) fn titled<'a>(&self, cells: &'a [String]) -> impl Iterator<Item = (&'static str, &'a String)> {
        let titles = self.header.clone().into_iter().chain(std::iter::repeat(""));
        titles.zip(cells)
    }
}

/// What is known of a session beside its story; without what the wire did not show.
pub(super) fn groups(session: &Session, view: &View) -> Vec<Group> {
    let groups = [offers(session), certificate(session, view), inside(session), udp(session), tcp(session)];
    let mut groups: Vec<Group> = groups.into_iter().filter(|group| !group.rows.is_empty()).collect();
    for shown in groups.iter_mut().flat_map(|group| &mut group.rows).flat_map(|(_, cells)| cells) {
        *shown = cell(shown).into_owned();
    }
    groups
}

fn coded(value: &Coded) -> String {
    value.name.map_or_else(|| format!("{:#x}", value.value), str::to_owned)
}

fn bits(value: &Bits) -> String {
    match value.names.as_slice() {
        [] if value.value == 0 => "none".to_owned(),
        [] => format!("{:#x}", value.value),
        names => names.join(", "),
    }
}

fn offers(session: &Session) -> Group {
    let (negotiation, tls) = (&session.negotiation, &session.tls);
    let mut rows = Vec::new();
    let mut add = |name: &str, offered: Option<String>, chosen: Option<String>| {
        if offered.is_some() || chosen.is_some() {
            let cells = [offered, chosen].map(|cell| cell.unwrap_or_else(|| "not shown".to_owned()));
            rows.push((name.to_owned(), cells.to_vec()));
        }
    };
    let chosen = negotiation.selected_protocol.as_ref().map(coded);
    let refused = negotiation.failure.as_ref().map(|failure| format!("refused: {}", coded(failure)));
    add("RDP security", negotiation.requested_protocols.as_ref().map(bits), chosen.or(refused));
    let list = |list: &[String]| (!list.is_empty()).then(|| list.join(", "));
    add("TLS version", list(&tls.offered_versions), tls.version.clone());
    let mut ciphers: Vec<String> = tls.offered_ciphers.iter().take(SUITES).map(coded).collect();
    match tls.offered_ciphers.len().saturating_sub(SUITES) {
        0 => {}
        more => ciphers.push(format!("{more} more")),
    }
    add("Cipher suite", list(&ciphers), tls.cipher.as_ref().map(coded));
    add("Application protocol (ALPN)", list(&tls.alpn), None);
    let mut rows: Vec<(String, Vec<String>)> = rows;
    let mut one = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            rows.push((name.to_owned(), vec![value.clone(), String::new()]));
        }
    };
    one("Cookie", &negotiation.cookie);
    one("Routing token", &negotiation.routing_token);
    one("Correlation ID", &negotiation.correlation_id);
    one("Server name asked for (SNI)", &tls.sni);
    one("JA4", &tls.ja4);
    Group {
        title: "What the client offered and the server chose",
        open: ["tls-", "negotiation-"].iter().any(|family| session.diagnosis.code.starts_with(family)),
        header: vec!["client", "server"],
        rows,
        picture: None,
    }
}

fn certificate(session: &Session, view: &View) -> Group {
    let mut rows = Vec::new();
    if let Some(certificate) = &session.tls.certificate {
        let mut add = |name: &str, value: &str| rows.push((name.to_owned(), vec![value.to_owned()]));
        add("Subject", &certificate.subject);
        add("Issuer", &certificate.issuer);
        let time = |time| format!("{} {}", view.zone.full(time), view.zone);
        add("Valid", &format!("{} to {}", time(certificate.not_before), time(certificate.not_after)));
        let key = &certificate.key;
        add(
            "Key",
            &format!("{}{}", key.kind, key.bits.map_or(String::new(), |bits| format!(", {bits} bits"))),
        );
        add("Self-signed", if certificate.self_signed { "yes" } else { "no" });
        add("SHA-256", &certificate.sha256);
    }
    Group { title: "Server's certificate", open: false, header: Vec::new(), rows, picture: None }
}

fn inside(session: &Session) -> Group {
    let mut rows = Vec::new();
    for (name, value) in &session.rdp {
        let name = name.replace('_', " ");
        match value {
            Value::Object(facts) if !is_coded(facts) => {
                rows.extend(facts.iter().map(|(fact, value)| {
                    (format!("{name}: {}", fact.replace('_', " ")), vec![fact_text(value)])
                }));
            }
            value => rows.push((name, vec![fact_text(value)])),
        }
    }
    Group { title: "Inside the session", open: false, header: Vec::new(), rows, picture: None }
}

fn is_coded(facts: &serde_json::Map<String, Value>) -> bool {
    facts.contains_key("value") && (facts.contains_key("name") || facts.contains_key("names"))
}

fn fact_text(value: &Value) -> String {
    let list =
        |values: &[Value], between: &str| values.iter().map(fact_text).collect::<Vec<_>>().join(between);
    match value {
        Value::Null => "not known".to_owned(),
        Value::Bool(is) => if *is { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) if values.iter().any(Value::is_object) => list(values, "; "),
        Value::Array(values) => list(values, ", "),
        Value::Object(coded) => match (coded.get("name"), coded.get("names"), coded.get("value")) {
            (Some(Value::String(name)), _, Some(_)) => name.clone(),
            (_, Some(Value::Array(names)), _) if !names.is_empty() => list(names, ", "),
            (.., Some(Value::Number(number))) => number.to_string(),
            _ => {
                let facts = coded
                    .iter()
                    .map(|(fact, value)| format!("{} {}", fact.replace('_', " "), fact_text(value)));
                facts.collect::<Vec<_>>().join(", ")
            }
        },
        Value::Number(number) => number.to_string(),
    }
}

/// RDP-UDP flows: those of a session, or the session itself.
fn udp(session: &Session) -> Group {
    let columns = |metrics: &Metrics| {
        let shown = |value: Option<String>| value.unwrap_or_else(|| "not shown".to_owned());
        let both = |client: Option<String>, server: Option<String>| {
            if client == server { shown(client) } else { format!("{} / {}", shown(client), shown(server)) }
        };
        let (loss, rtt, sent) = (&metrics.loss_pct, &metrics.rtt_ms, &metrics.datagrams);
        let version = metrics.version.map(|version| version.to_string());
        let mode = metrics.mode.map_or(String::new(), |mode| format!(", {}", mode.as_str()));
        let percent = |loss: f64| format!("{loss} %");
        let millis = |rtt: Span| format!("{:.1} ms", rtt.0);
        [
            format!("{}{mode}", shown(version)),
            both(loss.client_to_server.map(percent), loss.server_to_client.map(percent)),
            both(rtt.client_to_server.map(millis), rtt.server_to_client.map(millis)),
            both(Some(number(sent.client_to_server)), Some(number(sent.server_to_client))),
        ]
    };
    let row = |name: String, began: f64, told: String, metrics: &Metrics| {
        let mut cells = vec![format!("{began:.3} s"), told];
        cells.extend(columns(metrics));
        (name, cells)
    };
    let told = |outcome: Outcome, diagnosis: &Diagnosis| match outcome {
        Outcome::Healthy => "it worked".to_owned(),
        _ => format!("{} ({})", diagnosis.title, diagnosis.code),
    };
    let flows = session.udp.iter().map(|flow| {
        let began = flow.start.0.seconds_since(session.start.0);
        let name = format!("from port {}", flow.client.port);
        row(name, began, told(flow.outcome, &flow.diagnosis), &flow.metrics)
    });
    let itself = session
        .metrics
        .as_ref()
        .map(|metrics| row("this flow".to_owned(), 0.0, told(session.outcome, &session.diagnosis), metrics));
    Group {
        title: if session.transport == Transport::Udp { "The UDP flow" } else { "UDP beside TCP" },
        open: session.udp.iter().any(|flow| flow.outcome != Outcome::Healthy),
        header: vec![
            "began",
            "what came of it",
            "version",
            "lost (client's / server's)",
            "round trip",
            "datagrams",
        ],
        rows: flows.chain(itself).collect(),
        picture: None,
    }
}

fn tcp(session: &Session) -> Group {
    let mut rows = Vec::new();
    if session.transport == Transport::Tcp {
        let tcp = &session.tcp;
        let mut counts = |name: &str, of: &PerDirection<u64>| {
            rows.push((name.to_owned(), vec![number(of.client_to_server), number(of.server_to_client)]));
        };
        counts("Data segments", &tcp.segments);
        counts("Bytes", &tcp.bytes);
        counts("Retransmitted", &tcp.retransmitted);
        counts("Lost", &tcp.lost);
        counts("Out of order", &tcp.out_of_order);
        counts("Zero window", &tcp.zero_window);
        counts("Gaps in the capture", &tcp.gaps);
        let shown = |value: Option<u64>| value.map_or_else(|| "not shown".to_owned(), number);
        let mut known = |name: &str, client: Option<u64>, server: Option<u64>| {
            rows.push((name.to_owned(), vec![shown(client), shown(server)]));
        };
        let (mss, ttl) = (&tcp.mss, &tcp.ttl);
        known("MSS offered", mss.client_to_server.map(u64::from), mss.server_to_client.map(u64::from));
        known("TTL", ttl.client_to_server.map(u64::from), ttl.server_to_client.map(u64::from));
        let millis = |span: Option<Span>| {
            span.map_or_else(|| "not shown".to_owned(), |span| format!("{:.3} ms", span.0))
        };
        let rtt = vec![millis(tcp.rtt_ms.to_client), millis(tcp.rtt_ms.to_server)];
        rows.push(("Round trip from the capture point".to_owned(), rtt));
    }
    Group {
        title: "Health of the TCP connection",
        open: session.tcp.lost != PerDirection::default(),
        header: vec!["client's packets", "server's packets"],
        rows,
        picture: health::plot(session),
    }
}
