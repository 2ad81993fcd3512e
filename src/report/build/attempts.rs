//! Attempts and patterns as the report shows them: which of them, their numbers and their stories.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::analyzer::Told;
use crate::diagnosis::{Asked, Attempts, Brief, Decided, Group, Ledger, Outcome, Scope, groups};
use crate::report::choose::Choice;
use crate::report::model::{Attempt, Host, Pattern, PatternKind, Server, Summary, Time, Unlisted};
use crate::report::source::Place;
use crate::report::summary;
use crate::report::text::{count, duration, number};
use crate::session::Phase;

/// The attempts of all sessions, and those of them that are shown.
#[derive(Debug)]
pub(super) struct Formed<'a> {
    attempts: Attempts<'a>,
    /// Attempts with a listed session, in order.
    shown: Vec<Shown>,
    summary: Summary,
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    /// Its number, from 0.
    attempt: u32,
    /// Rank of its first session that is listed.
    rank: u32,
    decided: Decided,
}

const fn id(rank: u32) -> u64 {
    rank as u64 + 1
}

const fn rank(id: u64) -> u32 {
    id.saturating_sub(1) as u32
}

impl<'a> Formed<'a> {
    /// Forms them, shown or not.
    pub(super) fn of(ledger: &'a Ledger, separate: bool) -> Self {
        let attempts = Attempts::form(ledger, separate);
        Formed { attempts, shown: Vec::new(), summary: Summary::default() }
    }

    /// The id of the session whose first packet has this place.
    pub(super) fn id(&self, order: u64) -> u64 {
        id(self.attempts.rank(order))
    }

    /// The id of the session with this number in the ledger.
    pub(super) fn id_of(&self, number: u32) -> u64 {
        id(self.attempts.rank_of(number))
    }

    /// A session by its id.
    pub(super) fn session(&self, id: u64) -> Option<Brief> {
        self.attempts.session(rank(id))
    }

    /// Shows the attempts of these sessions (ids in order), and counts them, also those of the sessions that
    /// were chosen and are only counted. Patterns are shown whose server or client has a session here.
    pub(super) fn choose(&mut self, choice: &Choice, listed: impl Iterator<Item = u64> + Clone) {
        let attempts = &self.attempts;
        let mut shown: Vec<(u32, u32)> = listed.clone().map(|id| (attempts.of(rank(id)), rank(id))).collect();
        shown.sort_unstable();
        shown.dedup_by_key(|(attempt, _)| *attempt);
        let decided = |(attempt, rank)| Shown { attempt, rank, decided: attempts.decided(rank) };
        let shown: Vec<Shown> = shown.into_iter().map(decided).collect();
        let mut counted = Vec::new();
        let mut outcomes = Outcomes::default();
        let mut by_code: BTreeMap<&'static str, u64> = BTreeMap::new();
        for session in listed.filter_map(|id| attempts.session(rank(id))) {
            *outcomes.entry(session.outcome).or_default() += 1;
            *by_code.entry(session.code).or_default() += 1;
        }
        for (rank, start, end, outcome) in attempts.counted() {
            if choice.takes_time(id(rank), start, end) {
                *outcomes.entry(outcome).or_default() += 1;
                counted.push(rank);
            }
        }
        let groups = groups(attempts, &counted);
        for group in &groups {
            *by_code.entry(group.code).or_default() += group.count;
        }
        // Each attempt is looked at once: one may have a million sessions.
        let mut seen = vec![false; attempts.sessions() as usize];
        let mut of_attempts = Outcomes::default();
        for rank in shown.iter().map(|shown| shown.rank).chain(counted) {
            let seen = seen.get_mut(attempts.of(rank) as usize);
            if seen.is_some_and(|seen| !std::mem::replace(seen, true)) {
                *of_attempts.entry(attempts.decided(rank).outcome).or_default() += 1;
            }
        }
        self.shown = shown;
        let mut patterns: Vec<Pattern> = crate::diagnosis::patterns(attempts).iter().map(pattern).collect();
        if !choice.takes_all() {
            let mut ends = Vec::new();
            for session in self.shown.iter().filter_map(|shown| attempts.session(shown.rank)) {
                ends.push((session.client, session.server));
            }
            patterns.retain(|pattern| {
                ends.iter().any(|(client, server)| {
                    pattern.client.is_some_and(|host| host.ip == *client)
                        || pattern.server.is_some_and(|s| SocketAddr::new(s.ip, s.port) == *server)
                })
            });
        }
        self.summary = Summary {
            by_outcome: by_name(outcomes),
            by_code,
            attempts_by_outcome: by_name(of_attempts),
            unlisted: groups.iter().map(unlisted).collect(),
            patterns,
            gateways_udp: Vec::new(),
        };
    }

    /// Counts over what [`Self::choose`] chose.
    pub(super) fn summary(&self) -> Summary {
        self.summary.clone()
    }

    /// Id of the first listed session of each attempt that is shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = u64> + '_ {
        self.shown.iter().map(|shown| id(shown.rank))
    }

    /// Id of the attempt that a session belongs to.
    pub(super) fn attempt_id(&self, session: u64) -> u64 {
        id(self.attempts.of(rank(session)))
    }

    fn decided(&self, session: u64) -> Option<Decided> {
        let attempt = self.attempts.of(rank(session));
        let at = self.shown.binary_search_by_key(&attempt, |shown| shown.attempt).ok()?;
        self.shown.get(at).map(|shown| shown.decided)
    }

    /// The place of a session.
    pub(super) fn place(&self, session: u64) -> Option<Place> {
        let decided = self.decided(session)?;
        Some(Place {
            outcome: super::diagnosis::outcome(self.session(session)?.outcome),
            attempt: self.attempt_id(session),
            in_the_end: super::diagnosis::outcome(decided.outcome),
            decided_by: id(decided.by),
            decides: id(decided.by) == session,
            several: self.attempts.together(rank(session)).nth(1).is_some(),
        })
    }

    /// The attempt of a session; `single` is the session's story where it is alone.
    pub(super) fn attempt(&self, session: u64, single: impl FnOnce() -> String) -> Option<Attempt> {
        let decided = self.decided(session)?;
        let ranks: Vec<u32> = self.attempts.together(rank(session)).collect();
        let Brief { client, server, outcome, .. } = self.session(session)?;
        Some(Attempt {
            id: self.attempt_id(session),
            client: Host { ip: client },
            server: Server { ip: server.ip(), port: server.port() },
            outcome: super::diagnosis::outcome(decided.outcome),
            decided_by: id(decided.by),
            story: match ranks.as_slice() {
                [alone] => {
                    let check = if self.attempts.looked(*alone) && outcome != Outcome::Probe {
                        " This client does so again and again and never goes further: a health check or a scanner, no user."
                    } else {
                        ""
                    };
                    single() + check
                }
                several => self.story(several, decided),
            },
            sessions: ranks.into_iter().map(id).collect(),
        })
    }

    fn story(&self, ranks: &[u32], decided: Decided) -> String {
        let sessions = |looked: bool| -> Vec<(u64, Brief)> {
            let ranks = ranks.iter().filter(|rank| self.attempts.looked(**rank) == looked);
            ranks.filter_map(|&rank| Some((id(rank), self.attempts.session(rank)?))).collect()
        };
        let (real, looks) = (sessions(false), sessions(true));
        let Some((last, _)) = real.last() else { return checks(&looks) };
        let mut story = tries(&real);
        if *last != id(decided.by) {
            // Writing to a String cannot fail.
            let _ = write!(story, " What counts is session {}.", id(decided.by));
        }
        if real.windows(2).any(|pair| matches!(pair, [(_, before), (_, after)] if stopped(before, after))) {
            story.push_str(
                " The service took no more connections right after that: most likely it had stopped.",
            );
        }
        match looks.len() as u64 {
            0 => {}
            1 => story.push_str(" One more connection only looked."),
            more => {
                let _ = write!(story, " {} more connections only looked.", number(more));
            }
        }
        story
    }
}

type Outcomes = BTreeMap<Outcome, u64>;

fn by_name(outcomes: Outcomes) -> BTreeMap<&'static str, u64> {
    outcomes.into_iter().map(|(outcome, count)| (outcome.as_str(), count)).collect()
}

fn unlisted(group: &Group) -> Unlisted {
    Unlisted {
        server: Server { ip: group.server.ip(), port: group.server.port() },
        code: group.code,
        count: group.count,
        clients: group.clients,
        first: Time(group.first),
        last: Time(group.last),
    }
}

fn pattern(pattern: &crate::diagnosis::Pattern) -> Pattern {
    let (kind, server, client) = match pattern.scope {
        Scope::Server(server) => {
            (PatternKind::Server, Some(Server { ip: server.ip(), port: server.port() }), None)
        }
        Scope::Client(ip) => (PatternKind::Client, None, Some(Host { ip })),
    };
    let mut pattern = Pattern {
        kind,
        server,
        client,
        code: pattern.code,
        every: pattern.every,
        sessions: pattern.sessions,
        clients: pattern.clients,
        servers: pattern.servers,
        since: Time(pattern.since),
        last_good: pattern.last_good.map(Time),
        text: String::new(),
    };
    pattern.text = summary::pattern(&pattern, |time| time.to_string());
    pattern
}

/// The story of a TCP session that is alone in its attempt.
pub(super) fn single(diagnosed: &Told<'_>) -> String {
    let happened = &diagnosed.session;
    let verdict = &diagnosed.diagnosis.verdict;
    let title = verdict.title.as_deref().unwrap_or_else(|| title(verdict.code));
    let (start, end) = super::session::bounds(happened);
    format!(
        "{} connected to {} and got as far as {} within {}. {title}.",
        happened.tcp.client,
        happened.tcp.server,
        happened.phase().as_str(),
        duration(end.seconds_since(start)),
    )
}

pub(super) fn title(code: &'static str) -> &'static str {
    crate::knowledge::page(code).map_or(code, |page| page.title)
}

/// The story of sessions that only looked.
fn checks(looks: &[(u64, Brief)]) -> String {
    let declined = looks.iter().any(|(_, look)| look.outcome != Outcome::Probe);
    let what =
        if declined { "asked how the server secures connections" } else { "looked whether the port is open" };
    let times = times(looks.len());
    format!("The client {what}, and left, {times} {}: a health check or a scan, no user.", within(looks))
}

/// Whether the server refused a connection right after one that had got further failed.
fn stopped(before: &Brief, after: &Brief) -> bool {
    const SOON: f64 = 5.0;
    before.outcome == Outcome::Failed
        && before.phase > Phase::TcpConnect
        && !before.code.starts_with("path-")
        && after.code == "tcp-connection-refused"
        && after.start.seconds_since(before.end) < SOON
}

/// "twice", "3 times".
fn times(n: usize) -> String {
    if n == 2 { "twice".to_owned() } else { count(n as u64, "time") }
}

/// "within 12.5 s".
fn within(sessions: &[(u64, Brief)]) -> String {
    let times = sessions.first().zip(sessions.last());
    let seconds = times.map_or(0.0, |((_, first), (_, last))| last.end.seconds_since(first.start));
    format!("within {}", duration(seconds.max(0.0)))
}

/// Kinds of tries that are told one by one.
const TOLD: usize = 4;

/// The story of sessions that tried: what was asked, how it went, and what came after.
fn tries(sessions: &[(u64, Brief)]) -> String {
    let runs: Vec<&[(u64, Brief)]> =
        sessions.chunk_by(|(_, a), (_, b)| a.code == b.code && a.asked == b.asked).collect();
    let Some((first, rest)) = runs.split_first() else { return String::new() };
    let asked = |run: &[(u64, Brief)]| run.first().map_or("", |(_, session)| asked(session.asked));
    let went = |run: &[(u64, Brief)]| run.first().map_or_else(String::new, |(_, session)| went(session));
    if rest.is_empty() {
        let worked = first.first().is_some_and(|(_, session)| session.outcome == Outcome::Healthy);
        let verb = if worked { "Connected" } else { "Tried" };
        let times = times(first.len());
        return format!("{verb} {times}{} {}, each time: {}.", asked(first), within(first), went(first));
    }
    let start = if asked(first).is_empty() { "Connected" } else { "Asked" };
    let told = format!("{start}{} ({}): {}.", asked(first), named(first), went(first));
    if rest.len() < TOLD {
        let mut before = *first;
        let mut clauses = Vec::new();
        for &run in rest {
            let pause = pause(before, run);
            clauses.push(format!("{pause}{} ({}): {}", asked(run), named(run), went(run)));
            before = run;
        }
        return format!("{told} Came back {}.", clauses.join("; "));
    }
    let more: usize = rest.iter().map(|run| run.len()).sum();
    let last = rest.last().copied().unwrap_or_default();
    format!(
        "{told} Came back {} more, with changing results; in the end{} ({}): {}.",
        times(more),
        asked(last),
        named(last),
        went(last)
    )
}

/// "after 2.400 s", "at once".
fn pause(before: &[(u64, Brief)], after: &[(u64, Brief)]) -> String {
    let ends = before.last().zip(after.first());
    let seconds = ends.map_or(0.0, |((_, before), (_, after))| after.start.seconds_since(before.end));
    if seconds < 0.01 { "at once".to_owned() } else { format!("after {}", duration(seconds)) }
}

/// "session 3", "5 times, sessions 3 to 9".
fn named(run: &[(u64, Brief)]) -> String {
    match run {
        [(only, _)] => format!("session {only}"),
        [(first, _), .., (last, _)] => format!("{}, sessions {first} to {last}", times(run.len())),
        [] => String::new(),
    }
}

const fn asked(asked: Asked) -> &'static str {
    match asked {
        Asked::Nothing => "",
        Asked::Rdp => " with Standard RDP Security",
        Asked::Tls => " with TLS",
        Asked::Nla => " with NLA",
        Asked::Rdstls => " with RDSTLS",
        Asked::Rdsaad => " with Entra ID sign-in",
        Asked::Other => " with a protocol that is not known",
    }
}

/// How a session went, as the end of a sentence.
fn went(session: &Brief) -> String {
    let title = title(session.code);
    match session.outcome {
        Outcome::Healthy if session.code == "redirected" => lower(title),
        Outcome::Healthy => "it worked".to_owned(),
        Outcome::Degraded => format!("it worked, but {}", lower(title)),
        Outcome::Inconclusive => "how that went on is not shown".to_owned(),
        Outcome::Failed | Outcome::Aborted | Outcome::Probe => lower(title),
    }
}

/// With a small first letter, unless it begins an abbreviation or a name.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() && !text.starts_with("Remote Desktop") => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
