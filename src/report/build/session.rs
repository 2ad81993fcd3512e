//! One session as the report shows it.

use std::net::{IpAddr, SocketAddr};

use super::{Lost, diagnosis, udp};
use crate::analyzer::Told;
use crate::base::{PerDir, Seen, Span, Stamp, Timestamp};
use crate::knowledge::codes;
use crate::protocol::ja;
use crate::protocol::negotiation::{NegotiationResponse, Protocols};
use crate::protocol::tls::{Version, cipher_name};
use crate::report::community_id::{self, community_id};
use crate::report::model::{
    Alert, Bits, Certificate, ClosedBy, Coded, Direction, Endpoint, Event, Gateway, Health, How, Key,
    Negotiation, PerDirection, Phase, Rtt, Session, Span as Length, Target, Tcp, Time, Tls, Transport,
    Vantage,
};
use crate::report::text::hex;
use crate::session::{self, DirFacts, SeriesSpan, Session as Happened};

/// Makes the model of one session.
pub(super) fn session(diagnosed: &Told<'_>, id: u64, attempt: u64, lost: &Lost<'_>) -> Session {
    let happened: &Happened = &diagnosed.session;
    let tcp = &happened.tcp;
    let (start, end) = bounds(happened);
    let [client_name, server_name] = names(happened);
    let make = |verdict| diagnosis::diagnosis(verdict, happened.into(), lost);
    Session {
        id,
        attempt,
        transport: Transport::Tcp,
        client: endpoint(tcp.client, client_name),
        server: endpoint(tcp.server, server_name),
        community_id: community_id(tcp.client, tcp.server, community_id::TCP),
        start: Time(start),
        end: Time(end),
        duration_s: Length::seconds(end.since(start)),
        phase: phase(happened.phase()),
        outcome: diagnosis::outcome(diagnosed.diagnosis.verdict.outcome),
        diagnosis: make(&diagnosed.diagnosis.verdict),
        other_diagnoses: diagnosed.diagnosis.others.iter().map(make).collect(),
        saw: None,
        timeline: timeline(session::timeline(happened), tcp.first),
        negotiation: negotiation(happened),
        tls: happened.facts.tls.as_deref().or(outer(happened)).map_or_else(Tls::default, tls),
        gateway: happened.facts.gateway.as_deref().map(gateway),
        rdp: super::rdp::rdp(happened),
        tcp: self::tcp(happened),
        udp: diagnosed.udp.iter().map(|flow| udp::flow(flow, server_name, lost)).collect(),
        metrics: None,
    }
}

/// First and last time; a capture's time may run backwards.
pub(super) fn bounds(happened: &Happened) -> (Timestamp, Timestamp) {
    let (first, last) = (happened.tcp.first.time, happened.tcp.last.time);
    (first, last.max(first))
}

/// Names of client and server, where a message told them.
pub(super) fn names(happened: &Happened) -> [Option<&str>; 2] {
    let inside = happened.facts.inside.as_deref();
    let client =
        inside.and_then(|s| s.client.as_ref()).and_then(|client| client.value.client_name.as_deref());
    let client = client.or(happened.facts.gateway.as_deref().and_then(session::Gateway::client_name));
    let hello = outer(happened).or(happened.facts.tls.as_deref()).and_then(|tls| tls.client_hello.as_ref());
    let server = hello.and_then(|hello| hello.value.sni.as_deref());
    // Some clients put the address there.
    [client, server].map(|name| name.filter(|name| !name.is_empty() && name.parse::<IpAddr>().is_err()))
}

pub(super) fn endpoint(address: SocketAddr, hostname: Option<&str>) -> Endpoint {
    Endpoint { ip: address.ip(), port: address.port(), hostname: hostname.map(str::to_owned) }
}

/// Seconds from the session's first frame.
pub(super) fn since(first: Stamp, stamp: Stamp) -> Length {
    Length::seconds(stamp.time.since(first.time))
}

/// Capture, first and last frame of a span. Where the packets are in different captures, only the first.
pub(super) fn frames(span: Span) -> (u16, u64, u64) {
    let (first, last) = (span.first.at, span.last.at);
    let end =
        if last.capture() == first.capture() { last.number().max(first.number()) } else { first.number() };
    (first.capture(), first.number(), end)
}

pub(super) const fn phase(phase: session::Phase) -> Phase {
    match phase {
        session::Phase::TcpConnect => Phase::TcpConnect,
        session::Phase::X224Negotiation => Phase::X224Negotiation,
        session::Phase::TlsHandshake => Phase::TlsHandshake,
        session::Phase::Nla => Phase::Nla,
        session::Phase::McsConnect => Phase::McsConnect,
        session::Phase::ChannelJoin => Phase::ChannelJoin,
        session::Phase::SecurityExchange => Phase::SecurityExchange,
        session::Phase::ClientInfo => Phase::ClientInfo,
        session::Phase::Licensing => Phase::Licensing,
        session::Phase::Capabilities => Phase::Capabilities,
        session::Phase::Active => Phase::Active,
        session::Phase::UdpConnect => Phase::UdpConnect,
        session::Phase::UdpSecurity => Phase::UdpSecurity,
        session::Phase::UdpTunnel => Phase::UdpTunnel,
        session::Phase::UdpActive => Phase::UdpActive,
    }
}

impl From<session::Phase> for Phase {
    fn from(entered: session::Phase) -> Self {
        phase(entered)
    }
}

pub(super) fn timeline(entries: Vec<session::Entry>, first: Stamp) -> Vec<Event> {
    let event = |entry: session::Entry| {
        let (capture, frame, last_frame) = frames(entry.span);
        Event {
            capture,
            frame,
            last_frame,
            time_s: since(first, entry.span.first),
            direction: entry.dir.map(Direction::from),
            phase: phase(entry.phase),
            kind: entry.kind.into(),
            inferred: entry.inferred,
            summary: entry.summary,
            details: entry.details.into_iter().collect(),
        }
    };
    entries.into_iter().map(event).collect()
}

fn negotiation(happened: &Happened) -> Negotiation {
    let mut negotiation = Negotiation::default();
    if let Some(Seen { value: request, .. }) = &happened.facts.request {
        negotiation.cookie.clone_from(&request.cookie);
        negotiation.routing_token.clone_from(&request.routing_token);
        negotiation.correlation_id = request.correlation_id.map(|id| hex(&id));
        if let Some(asked) = request.negotiation {
            negotiation.requested_protocols = Some(protocols(asked.protocols));
            negotiation.request_flags = Some(Bits::new(asked.flags.0, asked.flags.names()));
        }
    }
    match happened.facts.confirm.as_ref().and_then(|confirm| confirm.value.negotiation) {
        Some(NegotiationResponse::Response { flags, selected }) => {
            let name = protocols(selected).names;
            let name = if let [one] = name.as_slice() { Some(*one) } else { None };
            negotiation.selected_protocol = Some(Coded::new(selected.0, name));
            negotiation.response_flags = Some(Bits::new(flags.0, flags.names()));
        }
        Some(NegotiationResponse::Failure { code }) => {
            negotiation.failure = Some(Coded::new(code.0, code.name()));
        }
        Some(NegotiationResponse::Unknown { .. }) | None => {}
    }
    negotiation
}

/// No bit at all is Standard RDP Security, and has a name.
pub(super) fn protocols(protocols: Protocols) -> Bits {
    let names = if protocols == Protocols::RDP { vec!["RDP"] } else { protocols.names() };
    Bits::new(protocols.0, names)
}

/// TLS to a gateway.
fn outer(happened: &Happened) -> Option<&session::Tls> {
    happened.facts.gateway.as_deref()?.tls.as_deref()
}

fn gateway(gateway: &session::Gateway) -> Gateway {
    let status = gateway.last_status().map(|status| status.value.1);
    let name = |code| codes::gateway_status(code).and_then(|row| row.name);
    Gateway {
        transport: gateway.transport.as_str(),
        target: gateway.target().map(|Seen { value, .. }| Target { host: value.host, port: value.port }),
        client_name: gateway.client_name().map(str::to_owned),
        status: status.map(|code| Coded::new(code, name(code))),
        http_status: gateway.last_http_status(),
        incoming_port: gateway.incoming.map(|incoming| incoming.value.port()),
        tls: gateway.tls.as_deref().map_or_else(Tls::default, tls),
    }
}

pub(super) fn tls(tls: &session::Tls) -> Tls {
    let cipher = |id: u16| Coded::new(id, cipher_name(id));
    let hello = tls.client_hello.as_ref().map(|hello| &hello.value);
    let server = tls.server_hello.as_ref().map(|hello| &hello.value);
    let certificate = tls.certificates.as_ref().and_then(|chain| chain.value.first());
    Tls {
        version: server.map(|hello| hello.version.to_string()),
        offered_versions: hello
            .map_or_else(Vec::new, |h| h.versions().iter().map(Version::to_string).collect()),
        cipher: server.map(|hello| cipher(hello.cipher)),
        offered_ciphers: hello.map_or_else(Vec::new, |h| h.suites().into_iter().map(cipher).collect()),
        sni: hello.and_then(|hello| hello.sni.clone()),
        alpn: hello.map_or_else(Vec::new, |h| {
            h.alpn.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
        }),
        ja3: hello.map(ja::ja3),
        ja4: hello.map(ja::ja4),
        certificate: certificate.map(|certificate| Certificate {
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            not_before: Time(certificate.not_before),
            not_after: Time(certificate.not_after),
            self_signed: certificate.self_signed,
            key: Key { kind: certificate.key.algorithm.clone(), bits: certificate.key.bits },
            sha256: hex(&certificate.sha256),
        }),
        certificate_visible: certificate.is_some(),
        alerts: tls.alerts.iter().map(alert).collect(),
        decrypted: tls.decrypted,
    }
}

fn alert(seen: &Seen<session::Alert>) -> Alert {
    let Seen { value, span } = seen;
    Alert {
        frame: span.first.at.number(),
        direction: value.dir.into(),
        level: Coded::new(value.level.0, value.level.name()),
        description: Coded::new(value.description.0, value.description.name()),
    }
}

fn tcp(happened: &Happened) -> Tcp {
    let facts = &happened.tcp;
    let dir = &facts.dir;
    Tcp {
        segments: each(dir, |d| d.segments),
        bytes: each(dir, |d| d.bytes),
        retransmitted: each(dir, |d| d.retransmitted),
        lost: each(dir, |d| d.lost),
        out_of_order: each(dir, |d| d.out_of_order),
        duplicate_frames: each(dir, |d| d.duplicate_frames),
        zero_window: each(dir, |d| d.zero_window),
        gaps: each(dir, |d| d.gaps),
        mss: each(dir, |d| d.mss),
        ttl: each(dir, |d| d.ttl),
        rtt_ms: Rtt {
            to_server: facts.rtt_server.map(Length::millis),
            to_client: facts.rtt_client.map(Length::millis),
        },
        vantage: vantage(happened.vantage()),
        closed_by: facts.closing.map(|closing| ClosedBy {
            direction: closing.dir.into(),
            how: if closing.reset { How::Rst } else { How::Fin },
        }),
        health: health(dir),
    }
}

/// Both directions in spans of the same length.
fn health(dir: &PerDir<DirFacts>) -> Option<Health> {
    let (client, server) = (dir.client_to_server.series.as_ref()?, dir.server_to_client.series.as_ref()?);
    let step = client.step().max(server.step());
    let both = PerDir { client_to_server: client, server_to_client: server };
    let rtt = |span: SeriesSpan| span.rtt().map(|nanoseconds| nanoseconds as f64 / 1e6);
    Some(Health {
        step_s: step as f64 / 1e9,
        lost: both.map(|series| series.spans(step).map(|span| span.lost).collect()).into(),
        rtt_ms: both.map(|series| series.spans(step).map(rtt).collect()).into(),
    })
}

const fn vantage(vantage: session::Vantage) -> Vantage {
    match vantage {
        session::Vantage::Client => Vantage::Client,
        session::Vantage::Server => Vantage::Server,
        session::Vantage::Between => Vantage::Between,
        session::Vantage::Unknown => Vantage::Unknown,
    }
}

fn each<T>(dir: &PerDir<DirFacts>, field: impl FnMut(&DirFacts) -> T) -> PerDirection<T> {
    dir.map(field).into()
}
