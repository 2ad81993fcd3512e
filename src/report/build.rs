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
use super::saw;
use super::source::Source;
use crate::analyzer::{Diagnosed, Overview};
use crate::base::{Stamp, Timestamp};
use crate::capture::CaptureInfo;
use crate::knowledge::lookup::ClientCode;
use crate::session::Phase;

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
    /// Boxed, so that growing moves pointers.
    #[allow(clippy::vec_box)]
    kept: Vec<Box<Diagnosed>>,
    count: Count,
    /// Sessions that are counted only where their id or time is one of those asked for.
    counted: Vec<Counted>,
    /// First packet of each session that is not kept: ids count them.
    passed: Vec<Order>,
    early: HashMap<(SocketAddr, &'static str), usize, ahash::RandomState>,
}

/// Place of a session's first packet: its capture, and the order in that run of the engine.
type Order = (u16, u64);

fn order(stamp: Stamp) -> Order {
    (stamp.at.capture(), stamp.order)
}

/// A session that is counted and not listed.
#[derive(Debug)]
struct Counted {
    first: Order,
    start: Timestamp,
    end: Timestamp,
    client: IpAddr,
    server: SocketAddr,
    code: &'static str,
    outcome: Outcome,
}

impl Collected {
    /// Lists up to `listed` sessions that ended before TLS for each server and code. Of `choice`, hosts,
    /// users and outcome are obeyed at once; ids and times are known only at the end.
    pub fn new(choice: Choice, listed: usize) -> Self {
        Collected {
            choice,
            listed,
            kept: Vec::new(),
            count: Count::default(),
            counted: Vec::new(),
            passed: Vec::new(),
            early: HashMap::default(),
        }
    }

    /// Takes the next session.
    pub fn push(&mut self, diagnosed: Diagnosed) {
        let tcp = &diagnosed.session.tcp;
        if !self.choice.takes_timeless(&facts(&diagnosed, 0)) {
            self.passed.push(order(tcp.first));
            return;
        }
        let code = diagnosed.diagnosis.verdict.code;
        if diagnosed.session.phase() <= Phase::X224Negotiation {
            let so_far = self.early.entry((tcp.server, code)).or_default();
            if *so_far >= self.listed {
                let (start, end) = session::bounds(&diagnosed.session);
                let (client, server, outcome) = (tcp.client.ip(), tcp.server, outcome(&diagnosed));
                let first = order(tcp.first);
                let counted = Counted { first, start, end, client, server, code, outcome };
                self.passed.push(first);
                if self.choice.is_timeless() {
                    self.count.unlisted(&counted);
                } else {
                    self.counted.push(counted);
                }
                return;
            }
            *so_far += 1;
        }
        self.kept.push(Box::new(diagnosed));
    }

    fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.passed.is_empty()
    }

    /// The place of every session's first packet, in order: a session's id is its rank here.
    fn orders(&self, separate: bool) -> Vec<Order> {
        let kept = self.kept.iter().map(|diagnosed| order(diagnosed.session.tcp.first));
        let mut orders: Vec<Order> =
            kept.chain(self.passed.iter().copied()).map(|order| key(order, separate)).collect();
        orders.sort_unstable();
        orders
    }
}

/// Captures that were analyzed as one share one order.
fn key((capture, order): Order, separate: bool) -> Order {
    (if separate { capture } else { 0 }, order)
}

/// A report over sessions that the engine handed out.
#[derive(Debug)]
pub struct Built<'a> {
    collected: &'a Collected,
    captures: Vec<Capture>,
    dropped: Vec<u64>,
    /// Index in `kept` and id of each session that is listed.
    listed: Vec<(usize, u64)>,
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
        collected: &'a Collected,
        overview: &Overview,
        options: &Options,
    ) -> Self {
        let orders = collected.orders(options.separate);
        let id =
            |first: Order| orders.partition_point(|order| *order < key(first, options.separate)) as u64 + 1;
        let mut count = collected.count.clone();
        let mut listed: Vec<(usize, u64)> = Vec::new();
        for (index, diagnosed) in collected.kept.iter().enumerate() {
            let id = id(order(diagnosed.session.tcp.first));
            if options.choice.takes(&facts(diagnosed, id)) {
                count.one(outcome(diagnosed), diagnosed.diagnosis.verdict.code);
                listed.push((index, id));
            }
        }
        listed.sort_unstable_by_key(|(_, id)| *id);
        for counted in &collected.counted {
            if options.choice.takes_time(id(counted.first), counted.start, counted.end) {
                count.unlisted(counted);
            }
        }
        let dropped = captures.iter().map(|info| info.dropped).collect();
        let captures: Vec<Capture> = captures.iter().map(|info| capture(info)).collect();
        let nothing = if collected.is_empty() {
            nothing::found(&captures, overview)
        } else {
            format!("None of the {} sessions was asked for.", orders.len())
        };
        Built { collected, captures, dropped, listed, summary: count.summary(), nothing, saw: None }
    }

    /// Judges every session by the error that the user saw.
    #[must_use]
    pub fn saw(self, error: Option<ClientCode>) -> Self {
        Built { saw: error, ..self }
    }

    fn at(&self, index: usize) -> Option<(&Diagnosed, u64)> {
        let &(at, id) = self.listed.get(index)?;
        Some((self.collected.kept.get(at)?, id))
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
        let (diagnosed, id) = self.at(index)?;
        let mut session = session::session(diagnosed, id, &Lost(&self.dropped));
        session.saw = self.saw.map(|error| saw::judge(error, &session));
        Some(session)
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

/// Counts the sessions that were chosen.
#[derive(Clone, Debug, Default)]
struct Count {
    by_outcome: BTreeMap<&'static str, u64>,
    by_code: BTreeMap<&'static str, u64>,
    unlisted: BTreeMap<(SocketAddr, &'static str), (Unlisted, Clients)>,
}

type Clients = HashSet<IpAddr, ahash::RandomState>;

impl Count {
    fn one(&mut self, outcome: Outcome, code: &'static str) {
        *self.by_outcome.entry(outcome.as_str()).or_default() += 1;
        *self.by_code.entry(code).or_default() += 1;
    }

    fn unlisted(&mut self, counted: &Counted) {
        let Counted { code, .. } = *counted;
        self.one(counted.outcome, code);
        let start = Time(counted.start);
        let (unlisted, clients) = self.unlisted.entry((counted.server, code)).or_insert_with(|| {
            let server = Server { ip: counted.server.ip(), port: counted.server.port() };
            (Unlisted { server, code, count: 0, clients: 0, first: start, last: start }, Clients::default())
        });
        unlisted.count += 1;
        unlisted.first = unlisted.first.min(start);
        unlisted.last = unlisted.last.max(start);
        clients.insert(counted.client);
        unlisted.clients = clients.len() as u64;
    }

    fn summary(self) -> Summary {
        let unlisted = self.unlisted.into_values().map(|(unlisted, _)| unlisted).collect();
        Summary { by_outcome: self.by_outcome, by_code: self.by_code, unlisted, patterns: Vec::new() }
    }
}
