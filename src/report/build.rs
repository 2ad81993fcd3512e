//! From what the engine handed out to a report: which sessions, their numbers, and counts over them.

mod attempts;
mod diagnosis;
mod rdp;
pub mod running;
pub mod saved;
mod session;
mod udp;

pub(super) use rdp::ERROR_INFO;

use std::collections::HashMap;
use std::net::SocketAddr;

use super::choose::{Choice, Facts};
use super::model::{Attempt, Capture, GatewayUdp, Report, SCHEMA, Server, Session, Summary, Time};
use super::nothing;
use super::pcapng::Taken;
use super::saw;
use super::source::{Place, Source};
use crate::analyzer::{DiagnosedUdp, Over, Overview, Whole};
use crate::base::Stamp;
use crate::capture::CaptureInfo;
use crate::diagnosis::{Brief, Kept, Ledger};
use crate::knowledge::lookup::ClientCode;
use crate::session::Phase;
use attempts::Formed;

/// What is shown.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which sessions.
    pub choice: Choice,
    /// Whether each capture was analyzed by itself, so that packets of different captures have no order.
    pub separate: bool,
}

/// Takes sessions as the engine hands them out and keeps little of those that need not be listed: a scan
/// leaves a million of them.
#[derive(Debug)]
pub struct Collected {
    choice: Choice,
    listed: usize,
    /// Number in the ledger, and what can be listed.
    kept: Vec<(u32, Whole)>,
    /// Every session in short: ids count them, attempts are formed of them.
    ledger: Ledger,
    early: HashMap<(SocketAddr, &'static str), usize, ahash::RandomState>,
    udp: udp::Tried,
}

impl Collected {
    /// Lists up to `listed` sessions that ended before TLS for each server and code. Of `choice`, hosts,
    /// users and outcome are obeyed at once; ids and times are known only at the end.
    pub fn new(choice: Choice, listed: usize) -> Self {
        Collected {
            choice,
            listed,
            kept: Vec::new(),
            ledger: Ledger::default(),
            early: HashMap::default(),
            udp: udp::Tried::default(),
        }
    }

    /// Takes the next session.
    pub fn push(&mut self, session: impl Into<Over>) {
        let Over { mut brief, whole } = session.into();
        brief.kept = self.sort_out(&brief, &whole);
        self.udp.add(&brief, &whole);
        let number = self.ledger.add(&brief);
        if brief.kept == Kept::Listed {
            self.kept.push((number, whole));
        }
    }

    /// What is done with a session.
    fn sort_out(&mut self, brief: &Brief, whole: &Whole) -> Kept {
        if !self.choice.takes_timeless(&facts(brief, whole, 0)) {
            return Kept::Passed;
        }
        if brief.phase <= Phase::X224Negotiation || brief.phase == Phase::UdpConnect {
            let so_far = self.early.entry((brief.server, brief.code)).or_default();
            if *so_far >= self.listed {
                return Kept::Counted;
            }
            *so_far += 1;
        }
        Kept::Listed
    }
}

/// A report over sessions that the engine handed out.
#[derive(Debug)]
pub struct Built<'a> {
    collected: &'a Collected,
    captures: Vec<Capture>,
    dropped: Vec<u64>,
    /// Index in `kept` and id of each session that is listed.
    listed: Vec<(usize, u64)>,
    formed: Formed<'a>,
    summary: Summary,
    nothing: String,
    saw: Option<ClientCode>,
}

/// The whole report in memory. For many sessions, hand [`Built`] to a renderer instead.
pub fn build(
    captures: &[&CaptureInfo],
    collected: &Collected,
    overview: &Overview,
    options: &Options,
) -> Report {
    let built = Built::new(captures, collected, overview, options);
    Report {
        schema: SCHEMA,
        sessions: built.sessions().collect(),
        attempts: built.attempts().collect(),
        captures: built.captures,
        summary: built.summary,
    }
}

/// Packets that the capturing host lost, by capture.
pub(super) struct Lost<'a>(&'a [u64]);

impl Lost<'_> {
    /// In the captures that the session begins and ends in.
    fn of(&self, first: Stamp, last: Stamp) -> u64 {
        let captures = [first.at.capture(), last.at.capture()];
        let [first, last] = captures.map(|capture| self.0.get(usize::from(capture)).copied().unwrap_or(0));
        if captures[0] == captures[1] { first } else { first.saturating_add(last) }
    }
}

impl<'a> Built<'a> {
    /// Numbers, chooses and counts the sessions. Ids follow the order of first packets, whatever is chosen.
    pub fn new(
        captures: &[&CaptureInfo],
        collected: &'a Collected,
        overview: &Overview,
        options: &Options,
    ) -> Self {
        let mut formed = Formed::of(&collected.ledger, options.separate);
        let mut listed: Vec<(usize, u64)> = Vec::new();
        for (index, (number, whole)) in collected.kept.iter().enumerate() {
            let id = formed.id_of(*number);
            let takes = |session: Brief| options.choice.takes(&facts(&session, whole, id));
            if formed.session(id).is_some_and(takes) {
                listed.push((index, id));
            }
        }
        listed.sort_unstable_by_key(|(_, id)| *id);
        formed.choose(&options.choice, listed.iter().map(|(_, id)| *id));
        let dropped = captures.iter().map(|info| info.dropped).collect();
        let captures: Vec<Capture> = captures.iter().map(|info| capture(info)).collect();
        let nothing = if collected.ledger.is_empty() {
            nothing::found(&captures, overview)
        } else {
            format!("None of the {} sessions was asked for.", collected.ledger.len())
        };
        let mut summary = formed.summary();
        summary.gateways_udp = overview
            .gateways
            .iter()
            .map(|(server, &datagrams)| GatewayUdp {
                server: Server { ip: server.ip(), port: server.port() },
                datagrams,
            })
            .collect();
        summary.patterns.extend(collected.udp.patterns());
        Built { collected, captures, dropped, listed, formed, summary, nothing, saw: None }
    }

    /// Judges every session by the error that the user saw.
    #[must_use]
    pub fn saw(self, error: Option<ClientCode>) -> Self {
        Built { saw: error, ..self }
    }

    /// Where the packets of the listed sessions are, and those of their UDP flows.
    pub fn taken(&self) -> impl Iterator<Item = Taken> {
        (0..self.listed.len()).filter_map(|index| self.at(index)).flat_map(|(whole, _)| taken(whole))
    }

    fn at(&self, index: usize) -> Option<(&Whole, u64)> {
        let &(at, id) = self.listed.get(index)?;
        Some((&self.collected.kept.get(at)?.1, id))
    }
}

impl Source for Built<'_> {
    fn captures(&self) -> &[Capture] {
        &self.captures
    }

    fn len(&self) -> usize {
        self.listed.len()
    }

    fn place(&self, index: usize) -> Option<Place> {
        self.at(index).and_then(|(_, id)| self.formed.place(id))
    }

    fn attempt(&self, index: usize) -> Option<Attempt> {
        let (whole, id) = self.at(index)?;
        self.formed.attempt(id, || single(whole))
    }

    fn session(&self, index: usize) -> Option<Session> {
        let (whole, id) = self.at(index)?;
        let attempt = self.formed.attempt_id(id);
        let lost = Lost(&self.dropped);
        let mut session = one(whole, id, attempt, &lost)?;
        session.saw = self.saw.map(|error| saw::judge(error, &session));
        Some(session)
    }

    fn attempts(&self) -> impl Iterator<Item = Attempt> {
        // Each is made of the first of its sessions that is listed.
        self.formed.shown().filter_map(|id| {
            let at = self.listed.binary_search_by_key(&id, |(_, id)| *id).ok()?;
            self.attempt(at)
        })
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }

    fn nothing(&self) -> &str {
        &self.nothing
    }
}

fn taken(whole: &Whole) -> Vec<Taken> {
    let udp = |flow: &DiagnosedUdp| {
        let udp = &flow.session.udp;
        Taken { udp: true, client: udp.client, server: udp.server, first: udp.first, last: udp.last }
    };
    if let Whole::Udp(flow) = whole {
        return vec![udp(flow)];
    }
    let Some(told) = whole.told_in_short() else { return Vec::new() };
    let tcp = &told.session.tcp;
    let tcp = Taken { udp: false, client: tcp.client, server: tcp.server, first: tcp.first, last: tcp.last };
    let incoming = told.session.facts.gateway.as_ref().and_then(|gateway| gateway.incoming);
    let incoming = incoming.map(|seen| Taken { client: seen.value, first: seen.span.first, ..tcp });
    std::iter::once(tcp).chain(incoming).chain(told.udp.iter().map(udp)).collect()
}

/// One session, TCP or UDP.
fn one(whole: &Whole, id: u64, attempt: u64, lost: &Lost<'_>) -> Option<Session> {
    Some(match whole {
        Whole::Udp(flow) => udp::alone(flow, id, attempt, lost),
        tcp => session::session(&tcp.told()?, id, attempt, lost),
    })
}

/// The story of a session that is alone in its attempt.
fn single(whole: &Whole) -> String {
    match whole {
        Whole::Udp(flow) => udp::story(flow),
        tcp => tcp.told_in_short().map_or_else(String::new, |told| attempts::single(&told)),
    }
}

fn capture(info: &CaptureInfo) -> Capture {
    Capture {
        file: info.name.clone(),
        format: info.format.as_str(),
        compression: info.compression.map(crate::capture::Compression::as_str),
        packets: info.packets,
        bytes: info.bytes,
        first: info.first.map(Time),
        last: info.last.map(Time),
        warnings: info.warnings.clone(),
    }
}

fn facts<'a>(brief: &Brief, whole: &'a Whole, id: u64) -> Facts<'a> {
    let tcp = |happened: &'a crate::session::Session| {
        let request = happened.facts.request.as_ref();
        (session::names(happened), request.and_then(|request| request.value.cookie.as_deref()))
    };
    let (names, user) = match whole {
        Whole::Told(told) => tcp(&told.session),
        Whole::Early(session) => tcp(session),
        Whole::Bare(_) => ([None; 2], None),
        Whole::Udp(flow) => ([None, udp::server_name(&flow.session)], None),
    };
    Facts {
        id,
        ips: [brief.client, brief.server.ip()],
        names,
        user,
        start: brief.start,
        end: brief.end,
        outcome: diagnosis::outcome(brief.outcome),
    }
}
