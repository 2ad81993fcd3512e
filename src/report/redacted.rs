//! A report from which is taken out what names people, hosts and networks. Nothing else of it changes, so that
//! every format shows it as it shows any other.

use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use super::community_id::{self, community_id};
use super::model::{
    Attempt, Capture, Diagnosis, Endpoint, Event, Host, Server, Session, Summary, Text, Tls, Transport,
};
use super::personal::all_tls;
use super::source::{Place, Source};
use super::text::hex;
use crate::redact::{Kinds, Names, Redactor};

/// Facts of RDP that are words of the protocol, and name nobody.
const PLAIN: [&str; 10] = [
    "authentication",
    "client_capability_sets",
    "client_os",
    "client_version",
    "direction",
    "mechanisms",
    "message",
    "product",
    "server_capability_sets",
    "server_version",
];
/// Where the names of static channels stand, and those that many clients have; others may name a company.
const CHANNELS: &str = "channels";
const USUAL_CHANNELS: [&str; 10] =
    ["cliprdr", "drdynvc", "encomsp", "rail", "rail_ri", "rail_wi", "rdpdr", "rdpsnd", "remdesk", "tsmf"];

/// A report without names.
#[derive(Debug)]
pub struct Redacted<'a, S> {
    source: &'a S,
    redactor: &'a Redactor,
    names: Names<'a>,
    captures: Vec<Capture>,
    summary: Summary,
    nothing: String,
}

impl<'a, S: Source> Redacted<'a, S> {
    /// Looks for names in all sessions first: a sentence on one may tell of another.
    pub fn new(source: &'a S, redactor: &'a Redactor) -> Self {
        let mut names = Names::new(redactor);
        for (capture, number) in source.captures().iter().zip(1..) {
            if redactor.kinds().contains(Kinds::FILES) {
                let now = file(capture, number);
                let short = super::story::file_name(&capture.file);
                names.add(&capture.file, now.clone());
                names.add(short, now);
            }
        }
        for session in source.sessions() {
            learn(&session, redactor, &mut names);
        }
        let captures = source.captures().iter().zip(1..).map(|(capture, number)| Capture {
            file: if redactor.kinds().contains(Kinds::FILES) {
                file(capture, number)
            } else {
                capture.file.clone()
            },
            warnings: capture.warnings.iter().map(|warning| names.replace(warning)).collect(),
            ..capture.clone()
        });
        let captures = captures.collect();
        let mut summary = source.summary().clone();
        let nothing = names.replace(source.nothing());
        for gateway in &mut summary.gateways_udp {
            server(redactor, &mut gateway.server);
        }
        for unlisted in &mut summary.unlisted {
            server(redactor, &mut unlisted.server);
        }
        for pattern in &mut summary.patterns {
            pattern.server.iter_mut().for_each(|it| server(redactor, it));
            pattern.client.iter_mut().for_each(|it| host(redactor, it));
            pattern.text = names.replace(&pattern.text);
        }
        Redacted { source, redactor, names, captures, summary, nothing }
    }

    /// The names that were found.
    pub fn names(&self) -> &Names<'a> {
        &self.names
    }

    fn attempt_without(&self, mut attempt: Attempt) -> Attempt {
        host(self.redactor, &mut attempt.client);
        server(self.redactor, &mut attempt.server);
        attempt.story = self.names.replace(&attempt.story);
        attempt
    }

    fn without(&self, mut session: Session) -> Session {
        let this = self.redactor;
        ends(this, &mut session.client, &mut session.server, session.transport, &mut session.community_id);
        self.diagnosis(&mut session.diagnosis);
        session.other_diagnoses.iter_mut().for_each(|other| self.diagnosis(other));
        self.events(&mut session.timeline);
        if let Some(saw) = &mut session.saw {
            saw.why = self.names.replace(&saw.why);
        }
        let negotiation = &mut session.negotiation;
        if this.kinds().contains(Kinds::USERS) {
            name(this, &mut negotiation.cookie);
            name(this, &mut negotiation.routing_token);
        }
        id(this, &mut negotiation.correlation_id);
        tls(this, &mut session.tls);
        if let Some(gateway) = &mut session.gateway {
            tls(this, &mut gateway.tls);
            gateway.target.iter_mut().for_each(|target| target.host = this.host(&target.host));
            host_name(this, &mut gateway.client_name);
        }
        for (key, value) in &mut session.rdp {
            value_without(this, key, value);
        }
        for flow in &mut session.udp {
            ends(this, &mut flow.client, &mut flow.server, flow.transport, &mut flow.community_id);
            self.diagnosis(&mut flow.diagnosis);
            flow.other_diagnoses.iter_mut().for_each(|other| self.diagnosis(other));
            self.events(&mut flow.timeline);
            tls(this, &mut flow.tls);
            id(this, &mut flow.metrics.correlation_id);
        }
        if let Some(metrics) = &mut session.metrics {
            id(this, &mut metrics.correlation_id);
        }
        session
    }

    /// What comes from our own pages names nobody, and is borrowed.
    fn text(&self, text: &mut Text) {
        if let Text::Owned(text) = text {
            *text = self.names.replace(text);
        }
    }

    fn diagnosis(&self, diagnosis: &mut Diagnosis) {
        for text in [&mut diagnosis.title, &mut diagnosis.summary, &mut diagnosis.explanation] {
            self.text(text);
        }
        for evidence in &mut diagnosis.evidence {
            evidence.text = self.names.replace(&evidence.text);
        }
        for rival in &mut diagnosis.rivals {
            self.text(&mut rival.cause);
            self.text(&mut rival.tell_apart);
        }
        for remedy in &mut diagnosis.remedies {
            self.text(&mut remedy.text);
            remedy.command.iter_mut().for_each(|command| self.text(command));
        }
    }

    fn events(&self, timeline: &mut [Event]) {
        for event in timeline {
            self.text(&mut event.summary);
            for value in event.details.values_mut() {
                *value = self.names.replace(value);
            }
        }
    }
}

impl<S: Source> Source for Redacted<'_, S> {
    fn captures(&self) -> &[Capture] {
        &self.captures
    }

    fn len(&self) -> usize {
        self.source.len()
    }

    fn place(&self, index: usize) -> Option<Place> {
        self.source.place(index)
    }

    fn attempt(&self, index: usize) -> Option<Attempt> {
        self.source.attempt(index).map(|attempt| self.attempt_without(attempt))
    }

    fn session(&self, index: usize) -> Option<Session> {
        self.source.session(index).map(|session| self.without(session))
    }

    fn attempts(&self) -> impl Iterator<Item = Attempt> {
        self.source.attempts().map(|attempt| self.attempt_without(attempt))
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }

    fn nothing(&self) -> &str {
        &self.nothing
    }

    fn redacted(&self) -> Option<String> {
        Some(self.redactor.kinds().words())
    }
}

/// The strings of a session that may stand in sentences.
fn learn(session: &Session, redactor: &Redactor, names: &mut Names<'_>) {
    let kinds = redactor.kinds();
    let (negotiation, shown) = (&session.negotiation, || all_tls(session));
    let users = [&negotiation.cookie, &negotiation.routing_token];
    let hosts =
        [&session.client.hostname, &session.server.hostname].into_iter().chain(shown().map(|tls| &tls.sni));
    for name in users.into_iter().flatten().filter(|_| kinds.contains(Kinds::USERS)) {
        names.add(name, redactor.name(name));
    }
    let gateway = session
        .gateway
        .iter()
        .flat_map(|gateway| gateway.target.iter().map(|target| &target.host).chain(&gateway.client_name));
    let before = session.timeline.iter().filter(|event| event.kind == "preamble");
    for name in hosts.flatten().chain(gateway).chain(before.flat_map(|event| event.details.values())) {
        names.add(name, redactor.host(name));
    }
    for tls in shown() {
        for certificate in tls.certificate.iter().filter(|_| kinds.contains(Kinds::CERTIFICATES)) {
            for whose in [&certificate.subject, &certificate.issuer] {
                names.add(whose, distinguished(redactor, whose));
                for value in values(whose) {
                    names.add(value, redactor.name(value));
                }
            }
            names.add(&certificate.sha256, id_text(redactor, &certificate.sha256));
        }
    }
    if kinds.contains(Kinds::IDS) {
        let udp = session.udp.iter().map(|flow| &flow.metrics).chain(&session.metrics);
        let ids = udp.filter_map(|metrics| metrics.correlation_id.as_ref());
        for id in ids.chain(&session.negotiation.correlation_id) {
            names.add(id, id_text(redactor, id));
        }
    }
    for (key, value) in &session.rdp {
        each_name(key, value, &mut |text| names.add(text, fact(redactor, text)));
    }
}

/// Shows each text of a fact that names somebody.
fn each_name<'v>(key: &str, value: &'v Value, show: &mut impl FnMut(&'v str)) {
    match value {
        Value::String(text) if names_somebody(key, text) => show(text),
        Value::Array(values) => values.iter().for_each(|value| each_name(key, value, show)),
        Value::Object(fields) if !is_coded(fields) => {
            fields.iter().for_each(|(key, value)| each_name(key, value, show));
        }
        _ => {}
    }
}

fn value_without(redactor: &Redactor, key: &str, value: &mut Value) {
    match value {
        Value::String(text) if names_somebody(key, text) => *text = fact(redactor, text),
        Value::Array(values) => values.iter_mut().for_each(|value| value_without(redactor, key, value)),
        Value::Object(fields) if !is_coded(fields) => {
            fields.iter_mut().for_each(|(key, value)| value_without(redactor, key, value));
        }
        _ => {}
    }
}

fn names_somebody(key: &str, text: &str) -> bool {
    if key == CHANNELS {
        return !USUAL_CHANNELS.iter().any(|usual| text.eq_ignore_ascii_case(usual));
    }
    !PLAIN.contains(&key)
}

/// The substitute of a name or of an address.
fn fact(redactor: &Redactor, text: &str) -> String {
    // Whether a name is a user's or a host's is not known of each.
    if redactor.kinds().contains(Kinds::USERS) && text.parse::<IpAddr>().is_err() {
        redactor.name(text)
    } else {
        redactor.host(text)
    }
}

/// A number and the specification's name of it.
fn is_coded(fields: &serde_json::Map<String, Value>) -> bool {
    fields.contains_key("value") && (fields.contains_key("name") || fields.contains_key("names"))
}

fn file(capture: &Capture, number: u32) -> String {
    match capture.file.as_str() {
        "-" => "-".to_owned(),
        _ => format!("capture-{number}.{}", capture.format),
    }
}

fn host(redactor: &Redactor, host: &mut Host) {
    if redactor.kinds().contains(Kinds::ADDRESSES) {
        host.ip = redactor.ip(host.ip);
    }
}

fn server(redactor: &Redactor, server: &mut Server) {
    if redactor.kinds().contains(Kinds::ADDRESSES) {
        server.ip = redactor.ip(server.ip);
    }
}

fn ends(
    redactor: &Redactor,
    client: &mut Endpoint,
    server: &mut Endpoint,
    transport: Transport,
    community: &mut String,
) {
    for end in [&mut *client, &mut *server] {
        if redactor.kinds().contains(Kinds::ADDRESSES) {
            end.ip = redactor.ip(end.ip);
        }
        host_name(redactor, &mut end.hostname);
    }
    let protocol = match transport {
        Transport::Tcp => community_id::TCP,
        Transport::Udp => community_id::UDP,
    };
    let address = |end: &Endpoint| SocketAddr::new(end.ip, end.port);
    *community = community_id(address(client), address(server), protocol);
}

fn tls(redactor: &Redactor, tls: &mut Tls) {
    host_name(redactor, &mut tls.sni);
    if redactor.kinds().contains(Kinds::HOSTS) {
        for protocol in &mut tls.alpn {
            *protocol = String::from_utf8_lossy(&redactor.protocol(protocol.as_bytes())).into_owned();
        }
    }
    if let Some(certificate) = &mut tls.certificate
        && redactor.kinds().contains(Kinds::CERTIFICATES)
    {
        certificate.subject = distinguished(redactor, &certificate.subject);
        certificate.issuer = distinguished(redactor, &certificate.issuer);
        certificate.sha256 = id_text(redactor, &certificate.sha256);
    }
}

fn name(redactor: &Redactor, name: &mut Option<String>) {
    if let Some(name) = name {
        *name = redactor.name(name);
    }
}

fn host_name(redactor: &Redactor, name: &mut Option<String>) {
    if let Some(name) = name {
        *name = redactor.host(name);
    }
}

fn id(redactor: &Redactor, id: &mut Option<String>) {
    if let Some(id) = id
        && redactor.kinds().contains(Kinds::IDS)
    {
        *id = id_text(redactor, id);
    }
}

/// An id in hexadecimal.
fn id_text(redactor: &Redactor, id: &str) -> String {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = id.as_bytes().chunks(2).map(byte).collect();
    hex(&redactor.id(&bytes.unwrap_or_else(|| id.as_bytes().to_vec())))
}

/// "CN=lab, O=Example": what the values are of is left.
fn distinguished(redactor: &Redactor, name: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((kind, value)) => format!("{kind}={}", redactor.name(value)),
        None => redactor.name(part),
    };
    name.split(", ").map(part).collect::<Vec<_>>().join(", ")
}

fn values(name: &str) -> impl Iterator<Item = &str> {
    name.split(", ").map(|part| part.split_once('=').map_or(part, |(_, value)| value))
}
