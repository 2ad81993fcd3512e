//! Reports on sessions of a capture that goes on for weeks: each is told when it is over, and nothing grows.
//!
//! A session's id is the number of its first frame, so that it is known while the session runs. Ids of
//! attempts are those of their first sessions; which sessions belong together is found by the same rules as in
//! a file ([`Attempts`]), over the last sessions of each client and server.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::attempts::Formed;
use super::{Lost, diagnosis};
use crate::analyzer::{Over, Whole};
use crate::base::{Stamp, Timestamp};
use crate::diagnosis::{Attempts, Brief, GAP, Ledger};
use crate::report::choose::Choice;
use crate::report::model::{Attempt, Outcome, Server, Session, Summary, Time, Unlisted};
use crate::session::Phase;

/// A session to be told.
#[derive(Debug)]
pub struct Told {
    /// What is said of it.
    pub session: Session,
    /// Ids of the sessions of its attempt so far, itself included, in order.
    pub together: Vec<u64>,
    /// The attempt so far; here, its sessions are counted from 1.
    pub attempt: Attempt,
}

/// Counts of a capture that goes on, and what is needed to tell its sessions.
#[derive(Debug)]
pub struct Running {
    listed: usize,
    by_outcome: BTreeMap<&'static str, u64>,
    by_code: BTreeMap<&'static str, u64>,
    attempts: Recent,
    early: Early,
}

/// The id of the session that begins with this packet.
pub const fn id(first: Stamp) -> u64 {
    first.at.number()
}

/// The ids of what a session's frames are kept under: its own, a gateway's second connection, and its RDP-UDP flows.
pub fn parts(over: &Over) -> Vec<u64> {
    let mut parts = vec![over.brief.order];
    if let Whole::Told(told) = &over.whole {
        let gateway = told.session.facts.gateway.as_deref();
        parts.extend(gateway.and_then(|gateway| gateway.incoming).map(|seen| id(seen.span.first)));
        parts.extend(told.udp.iter().map(|flow| id(flow.session.udp.first)));
    }
    parts
}

impl Running {
    /// Tells up to `listed` sessions an hour that ended before TLS, for each server and code.
    pub fn new(listed: usize) -> Self {
        Running {
            listed,
            by_outcome: BTreeMap::new(),
            by_code: BTreeMap::new(),
            attempts: Recent::default(),
            early: Early::default(),
        }
    }

    /// Takes the next session that is over; `None` where it is only counted. `lost` tells how many packets were
    /// lost between two times.
    pub fn take(&mut self, over: &Over, lost: impl Fn(Timestamp, Timestamp) -> u64) -> Option<Told> {
        let brief = &over.brief;
        *self.by_outcome.entry(diagnosis::outcome(brief.outcome).as_str()).or_default() += 1;
        *self.by_code.entry(brief.code).or_default() += 1;
        let early = brief.phase <= Phase::X224Negotiation || brief.phase == Phase::UdpConnect;
        let listed = !early || self.early.lists(brief, self.listed);
        let together = self.attempts.add(brief);
        if !listed {
            return None;
        }
        let lost = lost(brief.start, over.whole.observed_until().max(brief.end));
        let ids: Vec<u64> = together.iter().map(|session| session.order).collect();
        let first = ids.first().copied().unwrap_or(brief.order);
        let session = super::one(&over.whole, brief.order, first, &Lost(&[lost]))?;
        let alone = ledger(&together);
        let mut formed = Formed::of(&alone, false);
        let place = formed.id(brief.order);
        formed.choose(&Choice::default(), 1..=ids.len() as u64);
        let attempt = formed.attempt(place, || super::single(&over.whole))?;
        Some(Told { session, together: ids, attempt })
    }

    /// What was only counted in the hour that is over by `now`.
    pub fn unlisted(&mut self, now: Timestamp) -> Vec<Unlisted> {
        self.early.over(now)
    }

    /// Counts since the start; of what was only counted, only what was not told yet.
    pub fn summary(&self) -> Summary {
        Summary {
            by_outcome: self.by_outcome.clone(),
            by_code: self.by_code.clone(),
            attempts_by_outcome: self.attempts.by_outcome.clone(),
            unlisted: self.early.unlisted(),
            ..Summary::default()
        }
    }
}

/// Sessions that ended before TLS, by server and code, in the hour that runs.
#[derive(Debug, Default)]
struct Early {
    until: Option<Timestamp>,
    counts: BTreeMap<(SocketAddr, &'static str), Count>,
    /// Client addresses kept in all counts together.
    clients: usize,
}

#[derive(Debug, Default)]
struct Count {
    listed: usize,
    unlisted: Option<Unlisted>,
    clients: HashSet<IpAddr, ahash::RandomState>,
}

impl Early {
    const HOUR: i64 = 3600 * Timestamp::SECOND;
    /// Servers and codes told apart. A scan of more servers is one entry, of no address.
    const APART: usize = 1024;
    /// Clients told apart; more of them are not counted.
    const CLIENTS: usize = 65_536;

    /// Whether the session is told by itself; counts it where it is not.
    fn lists(&mut self, session: &Brief, most: usize) -> bool {
        self.until.get_or_insert(session.end.plus(Self::HOUR));
        let (mut server, code) = (session.server, session.code);
        if self.counts.len() >= Self::APART && !self.counts.contains_key(&(server, code)) {
            server = SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), 0);
        }
        let count = self.counts.entry((server, code)).or_default();
        if count.listed < most {
            count.listed += 1;
            return true;
        }
        let start = Time(session.start);
        let unlisted = count.unlisted.get_or_insert_with(|| Unlisted {
            server: Server { ip: server.ip(), port: server.port() },
            code,
            count: 0,
            clients: 0,
            first: start,
            last: start,
        });
        unlisted.count += 1;
        unlisted.first = unlisted.first.min(start);
        unlisted.last = unlisted.last.max(start);
        if self.clients < Self::CLIENTS && count.clients.insert(session.client) {
            self.clients += 1;
            unlisted.clients += 1;
        }
        false
    }

    fn over(&mut self, now: Timestamp) -> Vec<Unlisted> {
        if self.until.is_none_or(|until| now < until) {
            return Vec::new();
        }
        let over = std::mem::take(self);
        over.counts.into_values().filter_map(|count| count.unlisted).collect()
    }

    fn unlisted(&self) -> Vec<Unlisted> {
        self.counts.values().filter_map(|count| count.unlisted.clone()).collect()
    }
}

/// The last sessions, by client and server.
#[derive(Debug, Default)]
struct Recent {
    pairs: HashMap<(IpAddr, SocketAddr), Pair, ahash::RandomState>,
    by_outcome: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct Pair {
    /// In the order of first packets.
    sessions: Vec<Brief>,
    /// Outcome of each attempt so far, by the id of its first session.
    attempts: Vec<(u64, Outcome)>,
    last: Timestamp,
}

impl Recent {
    /// Pairs kept: a session may run for hours before it ends as a part of an attempt. With more of them, what is
    /// older than an attempt can wait for goes.
    const PAIRS: usize = 4096;
    /// Sessions kept of a pair. One that has more without a minute's rest is no person.
    const SESSIONS: usize = 64;

    /// Adds a session; returns the sessions of its attempt so far, in order.
    fn add(&mut self, session: &Brief) -> Vec<Brief> {
        let key = (session.client, session.server);
        if self.pairs.len() >= Self::PAIRS && !self.pairs.contains_key(&key) {
            self.make_room(session.end);
        }
        let pair = self.pairs.entry(key).or_default();
        if pair.sessions.len() >= Self::SESSIONS || session.start.since(pair.last) > GAP {
            *pair = Pair::default();
        }
        pair.last = pair.last.max(session.end);
        let at = pair.sessions.partition_point(|known| known.order < session.order);
        pair.sessions.insert(at, *session);
        let ledger = ledger(&pair.sessions);
        let attempts = Attempts::form(&ledger, false);
        let rank = attempts.rank(session.order);
        let of = |rank: u32| pair.sessions.get(rank as usize).copied();
        let together: Vec<Brief> = attempts.together(rank).filter_map(of).collect();
        let outcome = diagnosis::outcome(attempts.decided(rank).outcome);
        // A session may join two attempts into one, or change what its attempt came to.
        pair.attempts.retain(|(first, before)| {
            let joined = together.iter().any(|session| session.order == *first);
            if joined && let Some(count) = self.by_outcome.get_mut(before.as_str()) {
                *count = count.saturating_sub(1);
            }
            !joined
        });
        *self.by_outcome.entry(outcome.as_str()).or_default() += 1;
        pair.attempts.push((together.first().map_or(session.order, |first| first.order), outcome));
        together
    }

    /// Forgets pairs, at least half of them: so many are a scan, in which nobody clicks twice.
    fn make_room(&mut self, now: Timestamp) {
        self.pairs.retain(|_, pair| now.since(pair.last) <= GAP);
        if self.pairs.len() > Self::PAIRS / 2 {
            let mut lasts: Vec<Timestamp> = self.pairs.values().map(|pair| pair.last).collect();
            let middle = lasts.len() / 2;
            let (_, middle, _) = lasts.select_nth_unstable(middle);
            let middle = *middle;
            self.pairs.retain(|_, pair| pair.last > middle);
        }
    }
}

fn ledger(sessions: &[Brief]) -> Ledger {
    let mut ledger = Ledger::default();
    for session in sessions {
        ledger.add(session);
    }
    ledger
}
