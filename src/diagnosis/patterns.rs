//! What many attempts have in common: everybody fails alike at one server, or one client fails at every
//! server. A second step over sessions that are over; it never changes what was said of one.
//!
//! Attempts count, not sessions: a refusal that the client got over in a moment is no pattern. Looks at a port
//! and attempts that the capture does not show enough of are left out.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::Outcome;
use super::attempts::{Attempts, Decided};
use super::ledger::{ClientKey, Row, ServerKey};
use crate::base::Timestamp;

/// Patterns of each kind: the largest. Who has more reads none of them.
const MOST: usize = 20;
/// Clients, or sessions of a single one, that make a server's pattern.
const CLIENTS: usize = 2;
/// See [`CLIENTS`].
const SESSIONS: u64 = 3;
/// Servers that make a client's pattern.
const SERVERS: usize = 2;

/// Whom a pattern is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody fails at this server.
    Server(SocketAddr),
    /// This client fails everywhere, and others do not.
    Client(IpAddr),
}

/// Attempts that failed alike, none since having worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Whom it is about.
    pub scope: Scope,
    /// The code of most; `None` where a client fails in several ways.
    pub code: Option<&'static str>,
    /// Whether all attempts since then failed so; else at least three of four.
    pub every: bool,
    /// Sessions with that code in those attempts.
    pub sessions: u64,
    /// Client addresses.
    pub clients: u64,
    /// Servers.
    pub servers: u64,
    /// Start of the first of these sessions.
    pub since: Timestamp,
    /// Start of the last session before it that worked.
    pub last_good: Option<Timestamp>,
}

/// Finds the patterns, those of servers first, the largest of each kind first.
pub fn patterns(attempts: &Attempts<'_>) -> Vec<Pattern> {
    let ends = ends(attempts);
    let at_clients = clients(attempts, &ends);
    let blamed: Vec<ClientKey> = at_clients.iter().map(|(client, _)| *client).collect();
    let at_servers = servers(attempts, ends, &blamed);
    let mut found = largest(at_servers);
    found.extend(largest(at_clients.into_iter().map(|(_, pattern)| pattern).collect()));
    found
}

fn largest(mut patterns: Vec<Pattern>) -> Vec<Pattern> {
    // Stable, so that those of one size stay in the order of their addresses.
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.sessions));
    patterns.truncate(MOST);
    patterns
}

/// An attempt that worked, failed, or was left by the client: its server and the rank of the session that
/// decided it.
type End = (ServerKey, u32);

fn ends(attempts: &Attempts<'_>) -> Vec<End> {
    let mut ends = Vec::new();
    let mut next = 0;
    for rank in 0..attempts.sessions() {
        if attempts.of(rank) != next {
            continue;
        }
        next += 1;
        let Decided { outcome, by } = attempts.decided(rank);
        if matches!(outcome, Outcome::Probe | Outcome::Inconclusive) {
            continue;
        }
        ends.extend(attempts.row(by).map(|row| (row.server_key(), by)));
    }
    ends
}

const fn worked(row: &Row) -> bool {
    matches!(row.outcome, Outcome::Healthy | Outcome::Degraded)
}

/// The attempts after the last one that worked.
#[derive(Debug, Default)]
struct Since {
    /// Ranks of the sessions that decided them.
    ranks: Vec<u32>,
    last_good: Option<Timestamp>,
}

impl Since {
    /// `ranks` in order.
    fn of(attempts: &Attempts<'_>, ranks: impl Iterator<Item = u32>) -> Self {
        let mut since = Since::default();
        for rank in ranks {
            let Some(row) = attempts.row(rank) else { continue };
            if worked(row) {
                since.ranks.clear();
                since.last_good = Some(row.start);
            } else {
                since.ranks.push(rank);
            }
        }
        since
    }

    /// The code of at least three quarters, and whether it is that of all.
    fn code(&self, attempts: &Attempts<'_>) -> Option<(&'static str, bool)> {
        let mut counts: Vec<(&'static str, usize)> = Vec::new();
        for row in self.failed(attempts).map(|(_, row)| row) {
            let code = attempts.ledger().code_of(row);
            match counts.iter_mut().find(|(known, _)| *known == code) {
                Some((_, count)) => *count += 1,
                None => counts.push((code, 1)),
            }
        }
        let (code, count) = counts.into_iter().max_by_key(|(code, count)| (*count, *code))?;
        let all = self.ranks.len();
        (count * 4 >= all * 3).then_some((code, count == all))
    }

    fn failed<'a>(&'a self, attempts: &'a Attempts<'_>) -> impl Iterator<Item = (u32, &'a Row)> {
        let rows = self.ranks.iter().filter_map(|&rank| Some((rank, attempts.row(rank)?)));
        rows.filter(|(_, row)| row.outcome == Outcome::Failed)
    }

    /// The sessions with `code` (all that failed where there is none) in the attempts that failed so.
    fn count(
        &self,
        attempts: &Attempts<'_>,
        scope: Scope,
        code: Option<(&'static str, bool)>,
    ) -> Option<Pattern> {
        let is = |row: &Row| code.is_none_or(|(code, _)| attempts.ledger().code_of(row) == code);
        let (mut clients, mut servers) = (Vec::new(), Vec::new());
        let (mut sessions, mut since) = (0, None);
        for (by, row) in self.failed(attempts).filter(|(_, row)| is(row)) {
            clients.push(row.client_key());
            servers.push(row.server_key());
            for row in attempts.together(by).filter_map(|rank| attempts.row(rank)) {
                if row.outcome == Outcome::Failed && is(row) {
                    sessions += 1;
                    since.get_or_insert(row.start);
                }
            }
        }
        Some(Pattern {
            scope,
            code: code.map(|(code, _)| code),
            every: code.is_none_or(|(_, every)| every),
            sessions,
            clients: distinct(clients) as u64,
            servers: distinct(servers) as u64,
            since: since?,
            last_good: self.last_good,
        })
    }
}

fn distinct<T: Ord>(mut keys: Vec<T>) -> usize {
    keys.sort_unstable();
    keys.dedup();
    keys.len()
}

/// Servers where everybody fails alike.
fn servers(attempts: &Attempts<'_>, mut ends: Vec<End>, blamed: &[ClientKey]) -> Vec<Pattern> {
    ends.sort_unstable();
    let mut found = Vec::new();
    for group in ends.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1 || tries(attempts, group)) {
        let ranks = || group.iter().map(|(_, rank)| *rank);
        let since = Since::of(attempts, ranks());
        let Some(code) = since.code(attempts) else { continue };
        let Some(server) = ranks().next().and_then(|rank| attempts.session(rank)) else { continue };
        let Some(pattern) = since.count(attempts, Scope::Server(server.server), Some(code)) else { continue };
        if pattern.clients >= CLIENTS as u64 {
            found.push(pattern);
            continue;
        }
        // A single client says little of the server where others got in.
        let client = since.failed(attempts).next().map(|(_, row)| row.client_key());
        let others = ranks()
            .filter_map(|rank| attempts.row(rank))
            .any(|row| worked(row) && Some(row.client_key()) != client);
        let blamed = client.is_some_and(|client| blamed.binary_search(&client).is_ok());
        if pattern.sessions >= SESSIONS && !others && !blamed {
            found.push(pattern);
        }
    }
    found
}

/// Whether the only attempt at a server has sessions enough for a pattern.
fn tries(attempts: &Attempts<'_>, group: &[End]) -> bool {
    group.first().is_some_and(|(_, rank)| attempts.together(*rank).count() as u64 >= SESSIONS)
}

/// Until when a server worked: the latest end of a session of one client, and of another.
#[derive(Debug, Default)]
struct Working([Option<(ClientKey, Timestamp)>; 2]);

impl Working {
    fn add(&mut self, client: ClientKey, end: Timestamp) {
        let [first, second] = self.0;
        self.0 = match first {
            Some((known, until)) if known == client => [Some((client, until.max(end))), second],
            Some((_, until)) if until < end => [Some((client, end)), first],
            Some(_) => [first, second.filter(|(_, until)| *until >= end).or(Some((client, end)))],
            None => [Some((client, end)), None],
        };
    }

    /// Whether anybody but `client` was at work there then or later.
    fn for_others(&self, client: ClientKey, since: Timestamp) -> bool {
        self.0.iter().flatten().any(|(known, until)| *known != client && *until >= since)
    }
}

/// Clients that fail at each of several servers while another client works at one of them; in the order of
/// their keys.
fn clients(attempts: &Attempts<'_>, ends: &[End]) -> Vec<(ClientKey, Pattern)> {
    let mut working: HashMap<ServerKey, Working, ahash::RandomState> = HashMap::default();
    for (server, rank) in ends {
        if let Some(row) = attempts.row(*rank).filter(|row| worked(row)) {
            working.entry(*server).or_default().add(row.client_key(), row.end);
        }
    }
    if working.is_empty() {
        return Vec::new();
    }
    let key = |(server, rank): &End| Some((attempts.row(*rank)?.client_key(), *server, *rank));
    let mut keys: Vec<(ClientKey, ServerKey, u32)> = ends.iter().filter_map(key).collect();
    keys.sort_unstable();
    let mut found = Vec::new();
    for group in keys.chunk_by(|a, b| a.0 == b.0) {
        let Some((client, ..)) = group.first() else { continue };
        let lasts: Vec<(ServerKey, u32)> = group
            .chunk_by(|a, b| a.1 == b.1)
            .filter_map(|at_one| at_one.last().map(|(_, server, last)| (*server, *last)))
            .collect();
        let failed = |last: u32| attempts.row(last).is_some_and(|row| row.outcome == Outcome::Failed);
        if lasts.len() < SERVERS || !lasts.iter().all(|(_, last)| failed(*last)) {
            continue;
        }
        let mut ranks: Vec<u32> = group.iter().map(|(.., rank)| *rank).collect();
        ranks.sort_unstable();
        let since = Since::of(attempts, ranks.iter().copied());
        let Some(ip) = ranks.first().and_then(|rank| attempts.session(*rank)) else { continue };
        let pattern = since.count(attempts, Scope::Client(ip.client), since.code(attempts));
        // Where it got in somewhere in between, the servers differ.
        let Some(pattern) = pattern.filter(|pattern| pattern.servers >= SERVERS as u64) else { continue };
        let others = |server: &ServerKey| {
            working.get(server).is_some_and(|working| working.for_others(*client, pattern.since))
        };
        if lasts.iter().any(|(server, _)| others(server)) {
            found.push((*client, pattern));
        }
    }
    found
}
