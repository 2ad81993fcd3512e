//! Attempts: which connections were one click of a user, and which of them decided how it went. A second
//! step over sessions that are over; it never changes what was said of one.
//!
//! Sessions of one client address at one server belong together if each starts within [`GAP`] after the one
//! before it ended, none overlaps another and no two carry different cookies. In doubt they stay apart:
//! where a session could go on two attempts, or another session of the two ends runs at the same time, only
//! the same cookie joins them.
//!
//! Probes, and [`DECLINED`] by a client that never goes further, are looks at a port. Three or more in a row
//! are a machine's checks and stay apart from what users do.

use std::collections::HashMap;

use super::Outcome;
use super::ledger::{self, Brief, Kept, Ledger, Row};
use crate::base::Timestamp;
use crate::session::Phase;

/// Longest time in nanoseconds from the end of a session to the start of the next of one attempt.
pub const GAP: i64 = 60 * Timestamp::SECOND;
/// So many looks in a row, or declined negotiations of one client, are checks.
const CHECKS: usize = 3;
/// Attempts of one client at one server that can go on at a time. Beyond it the oldest is over:
/// where that many run at once, nobody can tell whose the next session is.
const OPEN: usize = 64;
/// The code of a client that asked how the server secures connections, and left.
const DECLINED: &str = "negotiation-declined-by-client";

/// The code of a session that sent the client to another.
const REDIRECTED: &str = "redirected";

/// The attempts of a run. Sessions are named by rank: their place, from 0, in the order of first packets.
#[derive(Debug)]
pub struct Attempts<'a> {
    ledger: &'a Ledger,
    separate: bool,
    /// Number in the ledger, by rank.
    rows: Vec<u32>,
    /// Rank, by number in the ledger.
    ranks: Vec<u32>,
    /// Whether a session only looked, by rank.
    looks: Vec<bool>,
    /// Number of its attempt, from 0 in the order of first sessions, by rank.
    of: Vec<u32>,
    /// Attempt and rank of every session that is not alone in its attempt, sorted.
    several: Vec<(u32, u32)>,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Outcome of the attempt.
    pub outcome: Outcome,
    /// Rank of the session that decided it.
    pub by: u32,
}

impl<'a> Attempts<'a> {
    /// Forms the attempts of all sessions. `separate`: each capture was analyzed by itself, and no attempt
    /// goes on in another.
    pub fn form(ledger: &'a Ledger, separate: bool) -> Self {
        let rows = by_rank(ledger, separate);
        let mut ranks = vec![0; rows.len()];
        for (rank, &number) in (0..).zip(&rows) {
            if let Some(place) = ranks.get_mut(number as usize) {
                *place = rank;
            }
        }
        let looks = looks(ledger, &rows);
        let mut attempts = Attempts {
            ledger,
            separate,
            of: (0..rows.len() as u32).collect(),
            rows,
            ranks,
            looks,
            several: Vec::new(),
        };
        attempts.join();
        attempts.number();
        attempts
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> u32 {
        self.rows.len() as u32
    }

    /// Rank of the session whose first packet has this place ([`Brief::order`]).
    pub fn rank(&self, order: u64) -> u32 {
        let first = ledger::place(order, self.separate);
        let before = |&number: &u32| {
            self.ledger.row(number).is_some_and(|row| ledger::place(row.order, self.separate) < first)
        };
        self.rows.partition_point(before) as u32
    }

    /// Rank of the session with this number in the ledger ([`Ledger::add`]).
    pub fn rank_of(&self, number: u32) -> u32 {
        self.ranks.get(number as usize).copied().unwrap_or_default()
    }

    /// Ranks of the sessions that are counted and not listed, with their start, end and outcome.
    pub fn counted(&self) -> impl Iterator<Item = (u32, Timestamp, Timestamp, Outcome)> {
        let rows = (0..self.sessions()).filter_map(|rank| Some((rank, self.row(rank)?)));
        rows.filter(|(_, row)| row.kept == Kept::Counted)
            .map(|(rank, row)| (rank, row.start, row.end, row.outcome))
    }

    /// A session.
    pub fn session(&self, rank: u32) -> Option<Brief> {
        self.row(rank).map(|row| self.ledger.brief(row))
    }

    /// Number, from 0, of the attempt that a session belongs to.
    pub fn of(&self, rank: u32) -> u32 {
        self.of.get(rank as usize).copied().unwrap_or(rank)
    }

    /// The sessions of the attempt that `rank` belongs to, in order.
    pub fn together(&self, rank: u32) -> impl Iterator<Item = u32> + '_ {
        let attempt = self.of(rank);
        let from = self.several.partition_point(|(other, _)| *other < attempt);
        let several = self.several.iter().skip(from).take_while(move |(other, _)| *other == attempt);
        let alone = self.several.get(from).is_none_or(|(other, _)| *other != attempt);
        several.map(|(_, rank)| *rank).chain(alone.then_some(rank))
    }

    /// Whether a session only looked: a probe, or a check.
    pub fn looked(&self, rank: u32) -> bool {
        self.looks.get(rank as usize).copied().unwrap_or(false)
    }

    /// How the attempt that `rank` belongs to went, and which session decided that: the last that worked; where
    /// others failed after it, the one of those that got furthest (the last of several). One that the client
    /// left, or whose end is not shown, decides only if it got further than the failure before it, or where
    /// none worked or failed. Looks decide nothing, unless there is nothing else; nor does a session that only
    /// sent the client on.
    pub fn decided(&self, rank: u32) -> Decided {
        let mut decided: Option<(Decided, Phase)> = None;
        let mut last = rank;
        for rank in self.together(rank) {
            last = rank;
            let Some(row) = self.row(rank).filter(|_| !self.looked(rank)) else { continue };
            let sent_on = |rank| self.row(rank).is_some_and(|row| self.ledger.code_of(row) == REDIRECTED);
            let takes = decided.is_none_or(|(before, phase)| match row.outcome {
                _ if sent_on(before.by) => true,
                Outcome::Healthy if sent_on(rank) => false,
                Outcome::Healthy | Outcome::Degraded => true,
                Outcome::Failed => before.outcome != Outcome::Failed || row.phase >= phase,
                Outcome::Aborted | Outcome::Inconclusive => match before.outcome {
                    Outcome::Healthy | Outcome::Degraded => false,
                    Outcome::Failed => row.phase > phase,
                    Outcome::Aborted | Outcome::Inconclusive | Outcome::Probe => row.phase >= phase,
                },
                Outcome::Probe => false,
            });
            if takes {
                decided = Some((Decided { outcome: row.outcome, by: rank }, row.phase));
            }
        }
        decided.map_or(Decided { outcome: Outcome::Probe, by: last }, |(decided, _)| decided)
    }

    pub(super) fn row(&self, rank: u32) -> Option<&'a Row> {
        self.ledger.row(*self.rows.get(rank as usize)?)
    }

    pub(super) fn ledger(&self) -> &'a Ledger {
        self.ledger
    }

    /// Gives each session the rank of the first of its attempt.
    fn join(&mut self) {
        let mut pairs: Vec<u128> = Vec::with_capacity(self.rows.len());
        for rank in 0..self.sessions() {
            // A flow without its TCP session says nothing of what its user tried.
            if let Some(row) = self.row(rank).filter(|row| row.phase < Phase::UdpConnect) {
                let (client, server) = (u128::from(row.client_key().0), u128::from(row.server_key().0));
                pairs.push((client << Row::SERVER_BITS | server) << Row::RANK_BITS | u128::from(rank));
            }
        }
        pairs.sort_unstable();
        let mut pair = Pair::default();
        for group in pairs.chunk_by(|a, b| a >> Row::RANK_BITS == b >> Row::RANK_BITS) {
            if group.len() > 1 {
                self.join_pair(&mut pair, group);
            }
        }
    }

    fn join_pair(&mut self, pair: &mut Pair, group: &[u128]) {
        pair.clear();
        pair.checks.extend(checks(self, group));
        for (i, &key) in group.iter().enumerate() {
            let rank = key as u32;
            let Some(row) = self.row(rank) else { continue };
            let capture = if self.separate { row.capture() } else { 0 };
            let next = Open {
                first: rank,
                alone: true,
                over: row.over(),
                end: row.end,
                capture,
                cookie: row.cookie,
                look: self.looked(rank),
                check: pair.checks.get(i).copied().unwrap_or(false),
                crowded: false,
            };
            if let Some(before) = pair.take(next, row.start) {
                if before.alone {
                    self.several.push((before.first, before.first));
                }
                self.several.push((before.first, rank));
                if let Some(first) = self.of.get_mut(rank as usize) {
                    *first = before.first;
                }
            }
        }
    }

    /// Turns the first sessions' ranks into numbers without gaps.
    fn number(&mut self) {
        let mut next = 0;
        for rank in 0..self.of.len() {
            let first = self.of.get(rank).copied().unwrap_or_default() as usize;
            // An earlier session has its number by now.
            let number = if first == rank {
                next += 1;
                next - 1
            } else {
                self.of.get(first).copied().unwrap_or_default()
            };
            if let Some(of) = self.of.get_mut(rank) {
                *of = number;
            }
        }
        for (first, _) in &mut self.several {
            *first = self.of.get(*first as usize).copied().unwrap_or_default();
        }
        self.several.sort_unstable();
    }
}

/// Indexes of the ledger's rows in the order of first packets.
fn by_rank(ledger: &Ledger, separate: bool) -> Vec<u32> {
    let rows = ledger.rows().zip(0..);
    let mut orders: Vec<(u64, u32)> =
        rows.map(|(row, index)| (ledger::place(row.order, separate), index)).collect();
    orders.sort_unstable();
    orders.into_iter().map(|(_, index)| index).collect()
}

/// Which sessions only looked. A client that declined often enough, at one server or anywhere, and there
/// never got further, is no user.
fn looks(ledger: &Ledger, rows: &[u32]) -> Vec<bool> {
    let row = |number: &u32| ledger.row(*number);
    let declined = |row: &Row| ledger.code_of(row) == DECLINED;
    // How often each client declined, and whether it ever got further.
    let mut anywhere: HashMap<_, (usize, bool), ahash::RandomState> = HashMap::default();
    let mut at_one: HashMap<_, (usize, bool), ahash::RandomState> = HashMap::default();
    for row in rows.iter().filter_map(row).filter(|row| declined(row)) {
        anywhere.entry(row.client_key()).or_default().0 += 1;
        at_one.entry((row.client_key(), row.server_key())).or_default().0 += 1;
    }
    if !anywhere.is_empty() {
        for row in rows.iter().filter_map(row).filter(|row| row.phase > Phase::X224Negotiation) {
            if let Some(client) = anywhere.get_mut(&row.client_key()) {
                client.1 = true;
                if let Some(pair) = at_one.get_mut(&(row.client_key(), row.server_key())) {
                    pair.1 = true;
                }
            }
        }
    }
    let is_check = |row: &Row| {
        let checks = |(count, further): &(usize, bool)| *count >= CHECKS && !further;
        declined(row)
            && (anywhere.get(&row.client_key()).is_some_and(checks)
                || at_one.get(&(row.client_key(), row.server_key())).is_some_and(checks))
    };
    rows.iter()
        .map(|index| row(index).is_some_and(|row| row.outcome == Outcome::Probe || is_check(row)))
        .collect()
}

/// Which of a pair's sessions are looks in a row of three or more.
fn checks(attempts: &Attempts<'_>, group: &[u128]) -> Vec<bool> {
    let mut checks = vec![false; group.len()];
    let mut run: Vec<usize> = Vec::new();
    let mut end = None;
    let mut close = |run: &mut Vec<usize>| {
        let enough = run.len() >= CHECKS;
        for i in run.drain(..).filter(|_| enough) {
            if let Some(check) = checks.get_mut(i) {
                *check = true;
            }
        }
    };
    for (i, &key) in group.iter().enumerate() {
        let rank = key as u32;
        let Some(row) = attempts.row(rank).filter(|_| attempts.looked(rank)) else { continue };
        let capture = if attempts.separate { row.capture() } else { 0 };
        if end.is_some_and(|(end, other)| row.start.since(end) > GAP || other != capture) {
            close(&mut run);
        }
        end = Some((end.map_or(row.end, |(end, _)| row.end.max(end)), capture));
        run.push(i);
    }
    close(&mut run);
    checks
}

/// The attempts of one client at one server that can go on.
#[derive(Debug, Default)]
struct Pair {
    open: Vec<Open>,
    checks: Vec<bool>,
}

/// An attempt by its last session.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Rank of its first session.
    first: u32,
    /// Whether that is its only one.
    alone: bool,
    over: Timestamp,
    end: Timestamp,
    capture: u16,
    /// The cookie that its sessions carry; 0 for none so far.
    cookie: u32,
    look: bool,
    check: bool,
    /// Whether another session ran at the same time as the last.
    crowded: bool,
}

impl Pair {
    fn clear(&mut self) {
        self.open.clear();
        self.checks.clear();
    }

    /// Takes the next session: the attempt that it goes on, as that was; `None` where it begins one.
    fn take(&mut self, mut next: Open, start: Timestamp) -> Option<Open> {
        self.open.retain(|open| start.since(open.end) <= GAP && open.capture == next.capture);
        if !next.look {
            for other in self.open.iter_mut().filter(|open| !open.look && open.over > start) {
                other.crowded = true;
                next.crowded = true;
            }
        }
        let at = self.before(&next, start);
        if let Some(open) = at.and_then(|at| self.open.get_mut(at)) {
            let before = *open;
            let cookie = if next.cookie == 0 { before.cookie } else { next.cookie };
            *open = Open { first: before.first, alone: false, cookie, ..next };
            return Some(before);
        }
        if self.open.len() >= OPEN {
            self.open.remove(0);
        }
        self.open.push(next);
        None
    }

    /// The attempt that a session can only belong to.
    fn before(&self, next: &Open, start: Timestamp) -> Option<usize> {
        let fits = |open: &Open| {
            let cookies = open.cookie == 0 || next.cookie == 0 || open.cookie == next.cookie;
            open.over <= start && open.check == next.check && cookies
        };
        let mut same = Only::default();
        let mut any = Only::default();
        for (at, open) in self.open.iter().enumerate().filter(|(_, open)| fits(open)) {
            any.see(at);
            if next.cookie != 0 && open.cookie == next.cookie {
                same.see(at);
            }
        }
        match same {
            Only::One(at) => Some(at),
            Only::Many => None,
            Only::None => {
                any.one().filter(|at| !next.crowded && self.open.get(*at).is_some_and(|open| !open.crowded))
            }
        }
    }
}

/// Something that counts only while it is the only one.
#[derive(Clone, Copy, Debug, Default)]
enum Only {
    #[default]
    None,
    One(usize),
    Many,
}

impl Only {
    fn see(&mut self, at: usize) {
        *self = if matches!(self, Only::None) { Only::One(at) } else { Only::Many };
    }

    fn one(self) -> Option<usize> {
        if let Only::One(at) = self { Some(at) } else { None }
    }
}
