//! From what the engine handed out to a report: which sessions, their numbers, and counts over them.

mod attempts;
mod diagnosis;
mod rdp;
mod session;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::choose::{Choice, Facts};
use super::model::{Attempt, Capture, Outcome, Report, SCHEMA, Server, Session, Summary, Time, Unlisted};
use super::nothing;
use super::saw;
use super::source::{Place, Source};
use crate::analyzer::{Diagnosed, Overview};
use crate::base::{Stamp, Timestamp};
use crate::capture::CaptureInfo;
use crate::diagnosis::{Kept, Ledger};
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
    /// Boxed, so that growing moves pointers.
    #[allow(clippy::vec_box)]
    kept: Vec<Box<Diagnosed>>,
    count: Count,
    /// Sessions that are counted only where their id or time is one of those asked for.
    counted: Vec<Counted>,
    /// Every session in short: ids count them, attempts are formed of them.
    ledger: Ledger,
    early: HashMap<(SocketAddr, &'static str), usize, ahash::RandomState>,
}

/// A session that is counted and not listed.
#[derive(Debug)]
struct Counted {
    first: Stamp,
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
            ledger: Ledger::default(),
            early: HashMap::default(),
        }
    }

    /// Takes the next session.
    pub fn push(&mut self, diagnosed: Diagnosed) {
        let kept = self.sort_out(&diagnosed);
        self.ledger.add(&diagnosed.session, &diagnosed.diagnosis.verdict, kept);
        if kept == Kept::Listed {
            self.kept.push(Box::new(diagnosed));
        }
    }

    /// Whether a session is kept to be listed; counts it where that is all.
    fn sort_out(&mut self, diagnosed: &Diagnosed) -> Kept {
        let tcp = &diagnosed.session.tcp;
        if !self.choice.takes_timeless(&facts(diagnosed, 0)) {
            return Kept::Passed;
        }
        let code = diagnosed.diagnosis.verdict.code;
        if diagnosed.session.phase() <= Phase::X224Negotiation {
            let so_far = self.early.entry((tcp.server, code)).or_default();
            if *so_far >= self.listed {
                let (start, end) = session::bounds(&diagnosed.session);
                let (client, server, outcome) = (tcp.client.ip(), tcp.server, outcome(diagnosed));
                let counted = Counted { first: tcp.first, start, end, client, server, code, outcome };
                if self.choice.is_timeless() {
                    self.count.unlisted(&counted);
                } else {
                    self.counted.push(counted);
                }
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
        let mut formed = Formed::of(&collected.ledger, options.separate);
        let mut count = collected.count.clone();
        let mut listed: Vec<(usize, u64)> = Vec::new();
        for (index, diagnosed) in collected.kept.iter().enumerate() {
            let id = formed.id(diagnosed.session.tcp.first);
            if options.choice.takes(&facts(diagnosed, id)) {
                count.one(outcome(diagnosed), diagnosed.diagnosis.verdict.code);
                listed.push((index, id));
            }
        }
        listed.sort_unstable_by_key(|(_, id)| *id);
        for counted in &collected.counted {
            if options.choice.takes_time(formed.id(counted.first), counted.start, counted.end) {
                count.unlisted(counted);
            }
        }
        formed.choose(&options.choice, listed.iter().map(|(_, id)| *id));
        let dropped = captures.iter().map(|info| info.dropped).collect();
        let captures: Vec<Capture> = captures.iter().map(|info| capture(info)).collect();
        let nothing = if collected.ledger.is_empty() {
            nothing::found(&captures, overview)
        } else {
            format!("None of the {} sessions was asked for.", collected.ledger.len())
        };
        let summary = Summary {
            attempts_by_outcome: formed.by_outcome(),
            patterns: formed.patterns(),
            ..count.summary()
        };
        Built { collected, captures, dropped, listed, formed, summary, nothing, saw: None }
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

    fn place(&self, index: usize) -> Option<Place> {
        self.at(index).and_then(|(diagnosed, id)| self.formed.place(id, outcome(diagnosed)))
    }

    fn attempt(&self, index: usize) -> Option<Attempt> {
        self.at(index).and_then(|(diagnosed, id)| self.formed.attempt(id, diagnosed))
    }

    fn session(&self, index: usize) -> Option<Session> {
        let (diagnosed, id) = self.at(index)?;
        let attempt = self.formed.attempt_id(id);
        let mut session = session::session(diagnosed, id, attempt, &Lost(&self.dropped));
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
        Summary { by_outcome: self.by_outcome, by_code: self.by_code, unlisted, ..Summary::default() }
    }
}
