//! The story of a session, derived from its facts: one entry a message or event, in the order that the
//! packets came.

mod gateway;
mod inside;

use std::borrow::Cow;

use super::{Phase, Session, Tls, protocols_text};
use crate::base::{Dir, Seen, Span};
use crate::protocol::negotiation::NegotiationResponse;
use crate::protocol::tls::cipher_name;
use crate::transport::Repeats;

/// One message or event.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The packets.
    pub span: Span,
    /// Who sent it.
    pub dir: Option<Dir>,
    /// The phase it belongs to.
    pub phase: Phase,
    /// What it is, for scripts.
    pub kind: &'static str,
    /// Whether it rests on sizes and order rather than on readable bytes.
    pub inferred: bool,
    /// What it is, for people.
    pub summary: Cow<'static, str>,
    /// Fields.
    pub details: Vec<(&'static str, String)>,
}

/// A timeline in the making.
#[derive(Default)]
pub(super) struct Timeline(Vec<Entry>);

impl Timeline {
    /// Entries of most sessions.
    const USUAL: usize = 32;

    pub(super) fn add(
        &mut self,
        span: impl Into<Span>,
        dir: Dir,
        phase: Phase,
        kind: &'static str,
        summary: impl Into<Cow<'static, str>>,
    ) -> &mut Entry {
        self.0.push(Entry {
            span: span.into(),
            dir: Some(dir),
            phase,
            kind,
            inferred: false,
            summary: summary.into(),
            details: Vec::new(),
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    pub(super) fn repeats(
        &mut self,
        repeats: Repeats,
        dir: Dir,
        phase: Phase,
        kind: &'static str,
        what: impl Into<Cow<'static, str>>,
    ) {
        let what = what.into();
        let span = Span { first: repeats.first, last: repeats.last };
        let summary: Cow<'static, str> =
            if repeats.count > 1 { format!("{what}, {} times", repeats.count).into() } else { what };
        self.add(span, dir, phase, kind, summary).details.push(("count", repeats.count.to_string()));
    }

    pub(super) fn last(&mut self) -> Option<&mut Entry> {
        self.0.last_mut()
    }

    /// In the order that the packets came.
    pub(super) fn sorted(self) -> Vec<Entry> {
        let mut entries = self.0;
        entries.sort_by_key(|entry| entry.span.first.order);
        entries
    }
}

/// Derives the timeline. Bounded, since every list of facts is.
pub fn timeline(session: &Session) -> Vec<Entry> {
    let mut timeline = Timeline(Vec::with_capacity(Timeline::USUAL));
    connect(session, &mut timeline);
    if let Some(gateway) = &session.facts.gateway {
        timeline.gateway(gateway);
    }
    negotiation(session, &mut timeline);
    if let Some(tls) = &session.facts.tls {
        handshake(tls, Phase::TlsHandshake, session.phase(), &mut timeline);
        data(session, tls, &mut timeline);
    }
    inside(session, &mut timeline);
    too_big(session, &mut timeline);
    oddities(session, &mut timeline);
    ending(session, &mut timeline);
    timeline.sorted()
}

fn connect(session: &Session, timeline: &mut Timeline) {
    use Dir::{ClientToServer as C, ServerToClient as S};
    let tcp = &session.tcp;
    let phase = Phase::TcpConnect;
    if let Some(syn) = tcp.syn {
        timeline.repeats(syn, C, phase, "tcp-syn", "SYN");
    }
    if let Some(syn_ack) = tcp.syn_ack {
        timeline.repeats(syn_ack, S, phase, "tcp-syn-ack", "SYN-ACK");
    }
    if let Some(ack) = tcp.handshake_ack {
        timeline.add(ack, C, phase, "tcp-established", "TCP connection established");
    }
    if let Some(refused) = tcp.refused.as_deref() {
        timeline.repeats(*refused, S, phase, "tcp-refused", "RST in answer to the SYN");
    }
    if let Some(icmp) = tcp.icmp.as_deref() {
        let error = icmp.value;
        let summary = format!("ICMP error from {}: type {} code {}", error.from, error.kind, error.code);
        let entry = timeline.add(icmp.span, S, phase, "icmp-error", summary);
        entry.dir = None;
        entry.details.push(("from", error.from.to_string()));
        if let Some(mtu) = error.mtu {
            entry.details.push(("mtu", mtu.to_string()));
        }
    }
}

fn too_big(session: &Session, timeline: &mut Timeline) {
    let Some(too_big) = session.tcp.too_big.as_deref() else { return };
    let error = too_big.error.value;
    let mtu = error.mtu.map_or(String::new(), |mtu| format!(": its next link takes {mtu} bytes"));
    let summary = format!("ICMP \"packet too big\" from {} to the {}{mtu}", error.from, too_big.dir.sender());
    let entry = timeline.add(too_big.error.span, too_big.dir, session.phase(), "icmp-too-big", summary);
    entry.dir = None;
    entry.details.push(("from", error.from.to_string()));
    if let Some(mtu) = error.mtu {
        entry.details.push(("mtu", mtu.to_string()));
    }
}

fn negotiation(session: &Session, timeline: &mut Timeline) {
    use Dir::{ClientToServer as C, ServerToClient as S};
    let facts = &session.facts;
    let phase = Phase::X224Negotiation;
    for preamble in &facts.preambles {
        let entry = timeline.add(preamble.span, C, Phase::TcpConnect, "preamble", preamble.value.to_string());
        entry.dir = None;
        entry.details.extend(preamble.value.names.iter().map(|name| ("target", name.clone())));
    }
    if let Some(request) = &facts.request {
        let asked = request
            .value
            .negotiation
            .map_or("no negotiation".to_owned(), |n| format!("asks for {}", protocols_text(n.protocols)));
        let cookie =
            request.value.cookie.as_ref().map_or(String::new(), |cookie| format!(", cookie {cookie}"));
        let entry = timeline.add(
            request.span,
            C,
            phase,
            "x224-connection-request",
            format!("X.224 Connection Request: {asked}{cookie}"),
        );
        if let Some(negotiation) = request.value.negotiation {
            entry.details.push(("requested_protocols", protocols_text(negotiation.protocols)));
        }
        if let Some(token) = &request.value.routing_token {
            entry.details.push(("routing_token", token.clone()));
        }
    }
    if let Some(confirm) = &facts.confirm {
        let says = match confirm.value.negotiation {
            None => "no negotiation (Standard RDP Security)".to_owned(),
            Some(NegotiationResponse::Response { selected, .. }) => {
                format!("chooses {}", protocols_text(selected))
            }
            Some(NegotiationResponse::Failure { code }) => format!("refuses with {code}"),
            Some(NegotiationResponse::Unknown { kind, value, .. }) => {
                format!("unknown answer of type {kind:#04x}, value {value:#x}")
            }
        };
        timeline.add(
            confirm.span,
            S,
            phase,
            "x224-connection-confirm",
            format!("X.224 Connection Confirm: {says}"),
        );
    }
    if let Some(foreign) = facts.foreign {
        let name = foreign.value.name.unwrap_or("no RDP, and nothing else that is known");
        let summary = format!("first bytes of the {}: {name}", foreign.value.dir.sender());
        timeline.add(foreign.span, foreign.value.dir, phase, "foreign-protocol", summary);
    }
}

/// `reached` is how far the session got, beyond the security handshake of `phase`.
pub(super) fn handshake(tls: &Tls, phase: Phase, reached: Phase, timeline: &mut Timeline) {
    use Dir::{ClientToServer as C, ServerToClient as S};
    if let Some(hello) = &tls.client_hello {
        let versions: Vec<String> = hello.value.versions().iter().map(ToString::to_string).collect();
        let split = hello.span.last.order != hello.span.first.order;
        let entry = timeline.add(
            hello.span,
            C,
            phase,
            "tls-client-hello",
            format!(
                "TLS ClientHello: offers {} with {} cipher suites{}",
                versions.join(", "),
                hello.value.suites().len(),
                if split { ", in several segments" } else { "" }
            ),
        );
        if let Some(sni) = &hello.value.sni {
            entry.details.push(("sni", sni.clone()));
        }
    }
    if let Some(retry) = &tls.retry {
        timeline.add(
            retry.span,
            S,
            phase,
            "tls-hello-retry-request",
            "TLS HelloRetryRequest: asks for another key share",
        );
    }
    if let Some(span) = tls.second_client_hello {
        timeline.add(span, C, phase, "tls-client-hello", "TLS ClientHello, second");
    }
    if let Some(hello) = &tls.server_hello {
        let cipher = cipher_name(hello.value.cipher)
            .map_or_else(|| format!("{:#06x}", hello.value.cipher), str::to_owned);
        let summary = format!("TLS ServerHello: chooses {} with {cipher}", hello.value.version);
        timeline.add(hello.span, S, phase, "tls-server-hello", summary);
    }
    if let Some(chain) = &tls.certificates {
        let whose = chain.value.first().map_or("none".to_owned(), |certificate| certificate.subject.clone());
        let entry =
            timeline.add(chain.span, S, phase, "tls-certificate", format!("TLS Certificate: {whose}"));
        entry.details.push(("certificates", chain.value.len().to_string()));
    }
    if let Some(span) = tls.certificate_request {
        timeline.add(
            span,
            S,
            phase,
            "tls-certificate-request",
            "TLS CertificateRequest: server wants a client certificate",
        );
    }
    if let Some(span) = tls.server_hello_done {
        timeline.add(span, S, phase, "tls-server-hello-done", "TLS ServerHelloDone");
    }
    if let Some(span) = tls.client_key_exchange {
        timeline.add(span, C, phase, "tls-client-key-exchange", "TLS ClientKeyExchange");
    }
    for dir in Dir::BOTH {
        if let Some(span) = tls.finished[dir] {
            let server_13 = tls.is_13() && dir == S;
            let (kind, summary) = if server_13 {
                ("tls-encrypted-handshake", "TLS encrypted extensions, certificate and Finished")
            } else {
                ("tls-finished", "TLS Finished")
            };
            timeline.add(span, dir, phase, kind, summary).inferred = !tls.decrypted;
        }
    }
    if let Some(span) = tls.hidden_refusal.filter(|span| !tls.alert_at(C, span)) {
        let summary = "encrypted record of an alert's size in place of Finished";
        timeline.add(span, C, phase, "tls-hidden-alert", summary).inferred = true;
    }
    for alert in &tls.alerts {
        let Seen { value, span } = alert;
        let name =
            value.description.name().map_or_else(|| value.description.0.to_string(), str::to_lowercase);
        let level = if value.is_fatal() { "fatal" } else { "warning" };
        let late = tls.established.is_some_and(|end| end.first.before(&span.first));
        let phase = if late { reached } else { phase };
        timeline.add(*span, value.dir, phase, "tls-alert", format!("TLS alert: {level} {name}"));
    }
}

fn data(session: &Session, tls: &Tls, timeline: &mut Timeline) {
    if let Some(span) = tls.established {
        timeline
            .add(span, Dir::ServerToClient, Phase::TlsHandshake, "tls-established", "TLS handshake over")
            .dir = None;
    }
    if !tls.decrypted {
        hidden_data(session, tls, timeline);
    }
    for dir in Dir::BOTH {
        let unread = |span: &Span| tls.hidden_refusal.is_none() && !tls.alert_at(dir, span);
        if let Some(span) = tls.hidden_alert[dir].filter(unread) {
            let summary = "encrypted TLS alert (close_notify or an error, not readable)";
            timeline.add(span, dir, session.phase(), "tls-hidden-alert", summary).inferred = true;
        }
    }
}

fn hidden_data(session: &Session, tls: &Tls, timeline: &mut Timeline) {
    /// Runs told one by one: a connection sequence has about twenty.
    const FLIGHTS: usize = 24;
    for (phase, span) in &session.shape.entered {
        if *phase != Phase::Active {
            let entry = timeline.add(
                *span,
                Dir::ClientToServer,
                *phase,
                "phase",
                format!("{} begins", phase.title()),
            );
            entry.dir = None;
            entry.inferred = true;
        }
    }
    for flight in tls.flights().iter().take(FLIGHTS) {
        let entered =
            session.shape.entered.iter().rfind(|(_, span)| span.first.order <= flight.span.first.order);
        // Session tickets follow the TLS handshake unasked.
        let unknown = session.phase().clamp(Phase::TlsHandshake, Phase::McsConnect);
        let phase = entered.map_or(unknown, |(phase, _)| *phase);
        let summary = match flight.records {
            1 => format!("encrypted record, {} bytes", flight.bytes),
            n => format!("{n} encrypted records, {} bytes", flight.bytes),
        };
        timeline.add(flight.span, flight.dir, phase, "tls-application-data", summary).inferred = true;
    }
}

fn inside(session: &Session, timeline: &mut Timeline) {
    if let Some(inside) = &session.facts.inside {
        timeline.messages(inside, session.phase());
    }
    if let Some(ultimatum) = session.facts.clear_ultimatum {
        let summary = "MCS Disconnect Provider Ultimatum, in clear on a TLS connection";
        timeline.add(
            ultimatum.span,
            ultimatum.value,
            session.phase(),
            "mcs-disconnect-provider-ultimatum",
            summary,
        );
    }
    if let Some(span) = session.active_since() {
        let inferred = session.facts.inside.as_ref().is_none_or(|inside| inside.active_inferred);
        let entry =
            timeline.add(span, Dir::ServerToClient, Phase::Active, "session-active", "session is active");
        entry.inferred = inferred;
    }
}

fn oddities(session: &Session, timeline: &mut Timeline) {
    let phase = session.phase();
    for hole in &session.facts.holes {
        let summary =
            format!("the capture lacks {} bytes of the {}", hole.value.len, hole.value.dir.sender());
        timeline.add(hole.span, hole.value.dir, phase, "capture-gap", summary);
    }
    for odd in &session.facts.malformed {
        timeline.add(odd.span, Dir::ClientToServer, phase, "malformed", odd.value.clone()).dir = None;
    }
    for dir in Dir::BOTH {
        if let Some(unanswered) = session.tcp.dir[dir].unanswered.as_deref() {
            timeline.repeats(
                *unanswered,
                dir,
                phase,
                "tcp-unanswered",
                "bytes repeated without an acknowledgement",
            );
        }
    }
}

fn ending(session: &Session, timeline: &mut Timeline) {
    let phase = session.phase();
    for dir in Dir::BOTH {
        let facts = &session.tcp.dir[dir];
        if let Some(&rst) = facts.path.ignored_rst.as_deref() {
            let summary = format!("RST in the {}'s name that ended nothing: both ends went on", dir.sender());
            timeline.add(rst, dir, phase, "tcp-rst-ignored", summary);
        }
        if let Some(fin) = facts.fin {
            timeline.add(fin, dir, phase, "tcp-fin", format!("{} closes the connection (FIN)", dir.sender()));
        }
        if let Some(rst) =
            facts.rst.as_ref().filter(|_| session.tcp.refused.is_none() || session.tcp.syn_ack.is_some())
        {
            let times = if facts.rsts > 1 { format!(", {} times", facts.rsts) } else { String::new() };
            let summary = format!("RST from the {}'s side{times}", dir.sender());
            timeline.add(rst.stamp, dir, phase, "tcp-rst", summary);
        }
    }
}
