//! RDP-UDP flows as the report shows them: in their session's list, or as sessions of their own.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::diagnosis::{self, About};
use super::session::{endpoint, timeline, tls};
use super::{Lost, attempts, session};
use crate::analyzer::{DiagnosedUdp, Whole};
use crate::base::{PerDir, Timestamp};
use crate::diagnosis::Brief;
use crate::report::community_id::{self, community_id};
use crate::report::model::{
    self, Metrics, Mode, Negotiation, Pattern, PatternKind, Session, Span, Tcp, Time, Transport, UdpFlow,
};
use crate::report::summary;
use crate::report::text::{duration, hex};
use crate::session::{Measured, UdpSession, udp_timeline};

/// A flow of a session whose server is called `server_name`.
pub(super) fn flow(diagnosed: &DiagnosedUdp, server_name: Option<&str>, lost: &Lost<'_>) -> UdpFlow {
    let happened = &diagnosed.session;
    let udp = &happened.udp;
    let server_name = self::server_name(happened).or(server_name);
    let about =
        About { first: udp.first, last: udp.last, client: udp.client, server: udp.server, server_name };
    let make = |verdict| diagnosis::diagnosis(verdict, about, lost);
    let end = udp.last.time.max(udp.first.time);
    UdpFlow {
        transport: Transport::Udp,
        client: endpoint(udp.client, None),
        server: endpoint(udp.server, server_name),
        community_id: community_id(udp.client, udp.server, community_id::UDP),
        joined_by: happened.joined.map(crate::session::Joined::as_str),
        start: Time(udp.first.time),
        end: Time(end),
        duration_s: Span::seconds(end.since(udp.first.time)),
        phase: session::phase(happened.phase()),
        outcome: diagnosis::outcome(diagnosed.diagnosis.verdict.outcome),
        diagnosis: make(&diagnosed.diagnosis.verdict),
        other_diagnoses: diagnosed.diagnosis.others.iter().map(make).collect(),
        timeline: timeline(udp_timeline(happened), udp.first),
        tls: tls(&happened.flow.inside.tls),
        metrics: metrics(happened),
    }
}

/// A flow whose TCP session is not in the capture.
pub(super) fn alone(diagnosed: &DiagnosedUdp, id: u64, attempt: u64, lost: &Lost<'_>) -> Session {
    let flow = flow(diagnosed, None, lost);
    Session {
        id,
        attempt,
        transport: flow.transport,
        client: flow.client,
        server: flow.server,
        community_id: flow.community_id,
        start: flow.start,
        end: flow.end,
        duration_s: flow.duration_s,
        phase: flow.phase,
        outcome: flow.outcome,
        diagnosis: flow.diagnosis,
        other_diagnoses: flow.other_diagnoses,
        saw: None,
        timeline: flow.timeline,
        negotiation: Negotiation::default(),
        tls: flow.tls,
        gateway: None,
        rdp: BTreeMap::new(),
        tcp: Tcp::default(),
        udp: Vec::new(),
        metrics: Some(flow.metrics),
    }
}

/// The story of such a flow.
pub(super) fn story(diagnosed: &DiagnosedUdp) -> String {
    let (udp, verdict) = (&diagnosed.session.udp, &diagnosed.diagnosis.verdict);
    let title = verdict.title.as_deref().unwrap_or_else(|| attempts::title(verdict.code));
    format!(
        "{} tried UDP to {} and got as far as {} within {}; its TCP session is not in the capture. {title}.",
        udp.client,
        udp.server,
        diagnosed.session.phase().as_str(),
        duration(udp.last.time.max(udp.first.time).seconds_since(udp.first.time)),
    )
}

/// The server's name, where a message told it.
pub(super) fn server_name(happened: &UdpSession) -> Option<&str> {
    let hello = happened.flow.inside.tls.client_hello.as_ref()?;
    hello.value.sni.as_deref().filter(|name| !name.is_empty() && name.parse::<IpAddr>().is_err())
}

fn metrics(happened: &UdpSession) -> Metrics {
    let (udp, flow) = (&happened.udp, &happened.flow);
    let mode = |lossy| if lossy { Mode::Lossy } else { Mode::Reliable };
    let id = flow.syn.as_ref().and_then(|syn| syn.correlation_id).filter(|id| *id != [0; 16]);
    let measured = happened.measured();
    let numbered = |field: fn(&Measured) -> u64| {
        let one = |one: &Measured| (one.sent > 0).then(|| field(one));
        measured.map(one).into()
    };
    Metrics {
        version: happened.version(),
        mode: happened.lossy().map(mode),
        correlation_id: id.map(|id| hex(&id)),
        mtu: happened.mtu(),
        loss_pct: PerDir::from_fn(|dir| happened.loss_pct(dir).map(hundredths)).into(),
        rtt_ms: PerDir::from_fn(|dir| happened.rtt(dir).map(Span::micros)).into(),
        retransmitted: numbered(|one| one.repeats),
        fec_or_dummies: numbered(|one| one.extra),
        missed_by_capture: numbered(|one| one.missed),
        datagrams: udp.dir.map(|dir| dir.datagrams).into(),
        bytes: udp.dir.map(|dir| dir.bytes).into(),
        silence_s: udp
            .dir
            .map(|dir| dir.silence.map(|gap| Span::seconds(gap.last.time.since(gap.first.time))))
            .into(),
    }
}

/// Two digits after the point.
fn hundredths(per_cent: f64) -> f64 {
    (per_cent * 100.0).round() / 100.0
}

/// Which servers never answered UDP, however many sessions tried: told once, not session by session.
#[derive(Debug, Default)]
pub(super) struct Tried {
    servers: BTreeMap<SocketAddr, Server>,
}

#[derive(Debug)]
struct Server {
    sessions: u64,
    answered: bool,
    since: Timestamp,
    clients: HashSet<IpAddr, ahash::RandomState>,
}

impl Tried {
    /// Servers kept; a capture with more is a scan.
    const SERVERS: usize = 4096;
    /// Sessions that make it a habit.
    const SEVERAL: u64 = 2;
    const BLOCKED: &str = "udp-blocked";

    /// Takes a session's flows.
    pub(super) fn add(&mut self, brief: &Brief, whole: &Whole) {
        let flows = match whole {
            Whole::Told(diagnosed) => diagnosed.udp.as_slice(),
            Whole::Udp(flow) => std::slice::from_ref(&**flow),
            Whole::Bare(_) | Whole::Early(_) => return,
        };
        let known = self.servers.len() < Self::SERVERS || self.servers.contains_key(&brief.server);
        if flows.is_empty() || !known {
            return;
        }
        let blocked = |flow: &DiagnosedUdp| flow.diagnosis.verdict.code == Self::BLOCKED;
        let server = self.servers.entry(brief.server).or_insert_with(|| Server {
            sessions: 0,
            answered: false,
            since: brief.start,
            clients: HashSet::default(),
        });
        server.sessions += 1;
        server.answered |= !flows.iter().all(blocked);
        server.since = server.since.min(brief.start);
        if server.clients.len() < Self::SERVERS {
            server.clients.insert(brief.client);
        }
    }

    /// Servers that never answered in several sessions.
    pub(super) fn patterns(&self) -> impl Iterator<Item = Pattern> + '_ {
        let never =
            self.servers.iter().filter(|(_, server)| !server.answered && server.sessions >= Self::SEVERAL);
        never.map(|(address, server)| {
            let mut pattern = Pattern {
                kind: PatternKind::UdpUnanswered,
                server: Some(model::Server { ip: address.ip(), port: address.port() }),
                client: None,
                code: Some(Self::BLOCKED),
                every: true,
                sessions: server.sessions,
                clients: server.clients.len() as u64,
                servers: 1,
                since: Time(server.since),
                last_good: None,
                text: String::new(),
            };
            pattern.text = summary::pattern(&pattern, |time| time.to_string());
            pattern
        })
    }
}
