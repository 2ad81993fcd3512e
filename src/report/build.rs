//! From what the engine handed out to a report: which sessions, their numbers, and counts over them.

mod diagnosis;
mod rdp;
mod session;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::choose::{Choice, Facts};
use super::model::{
    Attempt, Capture, Host, Outcome, Report, SCHEMA, Server, Session, Summary, Time, Unlisted,
};
use super::nothing;
use super::source::Source;
use crate::analyzer::{Diagnosed, Overview};
use crate::base::Limits;
use crate::capture::CaptureInfo;
use crate::session::Phase;

/// What is shown.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which sessions.
    pub choice: Choice,
    /// Sessions that ended before TLS listed one by one, for each server and code.
    pub listed: usize,
    /// Whether each capture was analyzed by itself, so that packets of different captures have no order.
    pub separate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { choice: Choice::default(), listed: Limits::default().listed, separate: false }
    }
}

/// A report over sessions that the engine handed out.
#[derive(Debug)]
pub struct Built<'a> {
    diagnosed: &'a [Diagnosed],
    captures: Vec<Capture>,
    dropped: Vec<u64>,
    /// Index in `diagnosed` and id of each session that is listed.
    listed: Vec<(usize, u64)>,
    summary: Summary,
    nothing: String,
}

/// The whole report in memory. For many sessions, hand [`Built`] to a renderer instead.
pub fn build(
    captures: &[&CaptureInfo],
    diagnosed: &[Diagnosed],
    overview: &Overview,
    options: &Options,
) -> Report {
    let built = Built::new(captures, diagnosed, overview, options);
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
    fn of(&self, session: &crate::session::Session) -> u64 {
        let captures = [session.tcp.first.at.capture(), session.tcp.last.at.capture()];
        let [first, last] = captures.map(|capture| self.0.get(usize::from(capture)).copied().unwrap_or(0));
        if captures[0] == captures[1] { first } else { first.saturating_add(last) }
    }
}

impl<'a> Built<'a> {
    /// Numbers, chooses and counts the sessions. Ids follow the order of first packets, whatever is chosen.
    pub fn new(
        captures: &[&CaptureInfo],
        diagnosed: &'a [Diagnosed],
        overview: &Overview,
        options: &Options,
    ) -> Self {
        let mut order: Vec<usize> = (0..diagnosed.len()).collect();
        order.sort_by_key(|&index| {
            diagnosed.get(index).map(|diagnosed| {
                let first = diagnosed.session.tcp.first;
                (if options.separate { first.at.capture() } else { 0 }, first.order)
            })
        });
        let mut listed = Vec::new();
        let mut count = Count::new(options.listed);
        for (id, &index) in (1_u64..).zip(&order) {
            let Some(diagnosed) = diagnosed.get(index) else { continue };
            if options.choice.takes(&facts(diagnosed, id)) && count.lists(diagnosed) {
                listed.push((index, id));
            }
        }
        let dropped = captures.iter().map(|info| info.dropped).collect();
        let captures: Vec<Capture> = captures.iter().map(|info| capture(info)).collect();
        let nothing = if diagnosed.is_empty() {
            nothing::found(&captures, overview)
        } else {
            format!("None of the {} sessions was asked for.", diagnosed.len())
        };
        Built { diagnosed, captures, dropped, listed, summary: count.summary(), nothing }
    }

    fn at(&self, index: usize) -> Option<(&Diagnosed, u64)> {
        let &(at, id) = self.listed.get(index)?;
        Some((self.diagnosed.get(at)?, id))
    }
}

impl Source for Built<'_> {
    fn captures(&self) -> &[Capture] {
        &self.captures
    }

    fn len(&self) -> usize {
        self.listed.len()
    }

    fn outcome(&self, index: usize) -> Option<Outcome> {
        self.at(index).map(|(diagnosed, _)| outcome(diagnosed))
    }

    fn session(&self, index: usize) -> Option<Session> {
        self.at(index).map(|(diagnosed, id)| session::session(diagnosed, id, &Lost(&self.dropped)))
    }

    fn attempts(&self) -> impl Iterator<Item = Attempt> {
        (0..self.len()).filter_map(|index| self.at(index)).map(|(diagnosed, id)| attempt(diagnosed, id))
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }

    fn nothing(&self) -> &str {
        &self.nothing
    }
}

fn outcome(diagnosed: &Diagnosed) -> Outcome {
    diagnosis::outcome(diagnosed.diagnosis.verdict.outcome)
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

fn facts(diagnosed: &Diagnosed, id: u64) -> Facts<'_> {
    let happened = &diagnosed.session;
    let (start, end) = session::bounds(happened);
    Facts {
        id,
        ips: [happened.tcp.client.ip(), happened.tcp.server.ip()],
        names: session::names(happened).into_iter().flatten().collect(),
        user: happened.facts.request.as_ref().and_then(|request| request.value.cookie.as_deref()),
        start,
        end,
        outcome: outcome(diagnosed),
    }
}

/// Each session is an attempt of its own.
fn attempt(diagnosed: &Diagnosed, id: u64) -> Attempt {
    let happened = &diagnosed.session;
    let (client, server) = (happened.tcp.client, happened.tcp.server);
    let verdict = &diagnosed.diagnosis.verdict;
    let page = crate::knowledge::page(verdict.code);
    let title = verdict.title.as_deref().or(page.map(|page| page.title)).unwrap_or(verdict.code);
    let (start, end) = session::bounds(happened);
    let story = format!(
        "{client} connected to {server} and got as far as {} within {}. {title}.",
        happened.phase().as_str(),
        super::text::duration(end.seconds_since(start)),
    );
    Attempt {
        id,
        client: Host { ip: client.ip() },
        server: Server { ip: server.ip(), port: server.port() },
        sessions: vec![id],
        outcome: outcome(diagnosed),
        decided_by: id,
        story,
    }
}

/// Counts the sessions that were chosen, and decides which of them are listed.
struct Count {
    most: usize,
    by_outcome: BTreeMap<&'static str, u64>,
    by_code: BTreeMap<&'static str, u64>,
    early: HashMap<(SocketAddr, &'static str), Early>,
}

/// Sessions of one server and code that ended before TLS.
#[derive(Default)]
struct Early {
    listed: usize,
    rest: Option<(Unlisted, HashSet<IpAddr>)>,
}

impl Count {
    fn new(most: usize) -> Self {
        Count { most, by_outcome: BTreeMap::new(), by_code: BTreeMap::new(), early: HashMap::new() }
    }

    fn lists(&mut self, diagnosed: &Diagnosed) -> bool {
        let code = diagnosed.diagnosis.verdict.code;
        *self.by_outcome.entry(outcome(diagnosed).as_str()).or_default() += 1;
        *self.by_code.entry(code).or_default() += 1;
        if diagnosed.session.phase() > Phase::X224Negotiation {
            return true;
        }
        let tcp = &diagnosed.session.tcp;
        let early = self.early.entry((tcp.server, code)).or_default();
        if early.listed < self.most {
            early.listed += 1;
            return true;
        }
        let start = Time(tcp.first.time);
        let (unlisted, clients) = early.rest.get_or_insert_with(|| {
            let server = Server { ip: tcp.server.ip(), port: tcp.server.port() };
            (Unlisted { server, code, count: 0, clients: 0, first: start, last: start }, HashSet::new())
        });
        unlisted.count += 1;
        unlisted.first = unlisted.first.min(start);
        unlisted.last = unlisted.last.max(start);
        clients.insert(tcp.client.ip());
        unlisted.clients = clients.len() as u64;
        false
    }

    fn summary(self) -> Summary {
        let mut unlisted: Vec<Unlisted> =
            self.early.into_values().filter_map(|early| early.rest).map(|(unlisted, _)| unlisted).collect();
        unlisted.sort_by_key(|unlisted| (unlisted.server.ip, unlisted.server.port, unlisted.code));
        Summary { by_outcome: self.by_outcome, by_code: self.by_code, unlisted, patterns: Vec::new() }
    }
}
