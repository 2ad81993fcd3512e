//! What the table and the Markdown list say of all sessions together: which rows, which stories, counts.

use std::collections::{BTreeMap, HashMap};

use super::model::{Attempt, GatewayUdp, Outcome, Pattern, PatternKind, Session, Time, Unlisted};
use super::paint::View;
use super::saw;
use super::source::{Place, Source};
use super::story::{self, Depth, file_name};
use super::text::{count, number};

/// Rows of healthy attempts before they fold.
const HEALTHY_ROWS: usize = 10;
/// Rows of attempts that only looked before they fold.
const PROBE_ROWS: usize = 3;
/// Ids of an attempt's sessions that are named.
const NAMED: usize = 8;
/// Stories told in full. A capture with more failures of different kinds is a scan.
pub(super) const STORIES: usize = 50;
/// Sessions that are named as like an earlier one, for each story.
const ALIKE: usize = 10;

/// Indexes of the sessions in the order of the table: failed attempts first, the sessions of one attempt
/// together. `folded` counts the rest.
pub(super) struct Rows {
    pub(super) shown: Vec<usize>,
    folded: Vec<Fold>,
}

/// Rows that are not shown.
struct Fold {
    outcome: Outcome,
    sessions: u64,
    attempts: u64,
}

pub(super) fn rows(source: &impl Source) -> Rows {
    let mut by_outcome: Vec<Vec<(u64, usize)>> = vec![Vec::new(); Outcome::ALL.len()];
    for index in 0..source.len() {
        let Some(Place { attempt, in_the_end, .. }) = source.place(index) else { continue };
        let place = Outcome::ALL.iter().position(|known| *known == in_the_end);
        if let Some(list) = place.and_then(|place| by_outcome.get_mut(place)) {
            list.push((attempt, index));
        }
    }
    let mut rows = Rows { shown: Vec::new(), folded: Vec::new() };
    for (&outcome, list) in Outcome::ALL.iter().zip(&mut by_outcome) {
        list.sort_unstable();
        let most = match outcome {
            Outcome::Healthy => HEALTHY_ROWS,
            Outcome::Probe => PROBE_ROWS,
            _ => usize::MAX,
        };
        let mut fold = Fold { outcome, sessions: 0, attempts: 0 };
        let mut taken = 0;
        for attempt in list.chunk_by(|a, b| a.0 == b.0) {
            if taken < most {
                taken += attempt.len();
                rows.shown.extend(attempt.iter().map(|(_, index)| *index));
            } else {
                fold.attempts += 1;
                fold.sessions += attempt.len() as u64;
            }
        }
        if fold.attempts > 0 {
            rows.folded.push(fold);
        }
    }
    saw::arrange(source, &mut rows.shown);
    rows
}

impl Rows {
    /// "... and 12 more healthy", one a line.
    pub(super) fn folds(&self) -> impl Iterator<Item = String> {
        self.folded.iter().map(|Fold { outcome, sessions, attempts }| {
            let what = match outcome {
                Outcome::Probe => "that only looked (probes and checks)".to_owned(),
                _ if attempts == sessions => outcome.as_str().to_owned(),
                other => format!("sessions of {} {} attempts", number(*attempts), other.as_str()),
            };
            format!("... and {} more {what} (--format json lists every session)", number(*sessions))
        })
    }

    /// The attempt to sum up below the row at this place in `shown`: where it is the last row of an attempt of
    /// several sessions.
    pub(super) fn ends(&self, source: &impl Source, at: usize) -> Option<Attempt> {
        let index = *self.shown.get(at)?;
        let place = source.place(index).filter(|place| place.several)?;
        let next = self.shown.get(at + 1).and_then(|&next| source.place(next));
        if next.is_some_and(|next| next.attempt == place.attempt) { None } else { source.attempt(index) }
    }
}

/// "Attempt 2, sessions 3 and 4: healthy in the end. Asked with NLA ...".
pub(super) fn attempt(attempt: &Attempt) -> String {
    let went = match attempt.outcome {
        Outcome::Failed => "failed",
        Outcome::Degraded => "worked in the end, with a fault",
        Outcome::Aborted => "left by the client in the end",
        Outcome::Inconclusive => "its end is not shown",
        Outcome::Healthy => "healthy in the end",
        Outcome::Probe => "only looked",
    };
    format!("Attempt {}, {}: {went}. {}", attempt.id, ids(&attempt.sessions), attempt.story)
}

/// "sessions 3, 4 and 5", "sessions 3, 4 ... and 20 more".
fn ids(ids: &[u64]) -> String {
    let text = |ids: &[u64]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match ids.split_last() {
        None => String::new(),
        Some((only, [])) => format!("session {only}"),
        Some((last, others)) if others.len() < NAMED => format!("sessions {} and {last}", text(others)),
        Some(_) => {
            let (named, more) = ids.split_at_checked(NAMED).unwrap_or((ids, &[]));
            format!("sessions {} and {} more", text(named), number(more.len() as u64))
        }
    }
}

/// "Session 3 failed, but its attempt (2) was healthy in the end ...", below a story that is told in brief.
pub(super) fn in_brief(place: &Place, id: u64) -> String {
    let Place { attempt, decided_by, .. } = place;
    let went = match place.in_the_end {
        Outcome::Healthy => {
            format!("This was not the end: session {decided_by} of the same attempt ({attempt}) worked.")
        }
        Outcome::Degraded => format!(
            "This was not the end: session {decided_by} of the same attempt ({attempt}) worked, with a fault."
        ),
        Outcome::Failed => format!("What made the attempt ({attempt}) fail is told of session {decided_by}."),
        Outcome::Aborted => {
            format!(
                "This was not the end: in session {decided_by} of the same attempt ({attempt}) the client left."
            )
        }
        Outcome::Inconclusive => {
            format!("This was not the end: session {decided_by} of the same attempt ({attempt}) got further.")
        }
        Outcome::Probe => {
            "The same client does so again and again and never goes further: a health check or a \
                           scanner, no user."
                .to_owned()
        }
    };
    format!("{went} The same command with --session {id} tells this one in full.")
}

/// "Every connection to 10.0.0.1:3389 fails alike since ...".
pub(super) fn pattern(pattern: &Pattern, time: impl Fn(Time) -> String) -> String {
    let Pattern { kind, server, client, code, every, sessions, clients, servers, since, last_good, .. } =
        pattern;
    let (since, sessions) = (time(*since), count(*sessions, "session"));
    let code = code.unwrap_or("in several ways");
    match kind {
        PatternKind::Server => {
            let server =
                server.map_or_else(String::new, |s| std::net::SocketAddr::new(s.ip, s.port).to_string());
            let who = if *every { "Every attempt" } else { "Most attempts" };
            let before = match last_good {
                Some(good) => format!("The last that worked began at {}.", time(*good)),
                None => "None worked in this capture.".to_owned(),
            };
            format!(
                "{who} at {server} since {since} failed alike ({code}): {sessions} from {}. {before}",
                count(*clients, "client")
            )
        }
        PatternKind::UdpUnanswered => {
            let server =
                server.map_or_else(String::new, |s| std::net::SocketAddr::new(s.ip, s.port).to_string());
            format!(
                "UDP to {server} was never answered, in none of {sessions} from {} that tried it since {since} ({code}). \
                 Sessions go on over TCP without it.",
                count(*clients, "client")
            )
        }
        PatternKind::Client => {
            let client = client.map_or_else(String::new, |host| host.ip.to_string());
            let before = match last_good {
                Some(good) => format!(" Its last session that worked began at {}.", time(*good)),
                None => String::new(),
            };
            format!(
                "{client} failed at each of the {} that it tried since {since} ({code}): {sessions}. Others work \
                 there, so look at this client first.{before}",
                count(*servers, "server")
            )
        }
    }
}

/// The patterns, one a paragraph.
pub(super) fn patterns<'a>(source: &'a impl Source, view: &'a View) -> impl Iterator<Item = String> + 'a {
    let time = |time| format!("{} {}", view.zone.full(time), view.zone);
    source.summary().patterns.iter().map(move |found| pattern(found, time))
}

/// What is told after the table.
pub(super) enum Tale {
    /// This session's story, and its place where that is told instead of the rest.
    Story(Box<Session>, Depth, Option<Place>),
    /// "Sessions 7, 8 and 12 more have the same diagnosis" below the story before it.
    Alike(String),
    /// Sessions with stories beyond the bound.
    More(u64),
}

/// Which stories are told: for each code, title, phase and server the first in full, and then who else has
/// the same. What is told in brief comes last.
pub(super) fn plan<S: Source>(source: &S, rows: &Rows, view: &View) -> Plans {
    let most = if view.every_story { usize::MAX } else { STORIES };
    let mut plans = Plans { stories: Vec::new(), more: 0 };
    if view.no_story {
        return plans;
    }
    let mut known: HashMap<_, usize> = HashMap::new();
    for brief in [false, true] {
        for &index in &rows.shown {
            let Some(place) = source.place(index) else { continue };
            let depth = story::depth(&place, view.every_story);
            if (depth == Depth::Brief) != brief || (depth == Depth::None && !view.timeline) {
                continue;
            }
            let place = brief.then_some(place);
            if view.every_story || view.timeline {
                plans.add(Plan { index, depth, place, alike: Vec::new() }, most);
                continue;
            }
            let Some(session) = source.session(index) else { continue };
            let server = (session.server.ip, session.server.port);
            let in_the_end = place.map(|place| place.in_the_end);
            let fit = session.saw.map(|saw| saw.fit);
            let key =
                (session.diagnosis.code, session.diagnosis.title, session.phase, server, in_the_end, fit);
            if let Some(plan) = known.get(&key).and_then(|&at| plans.stories.get_mut(at)) {
                plan.alike.push(session.id);
                continue;
            }
            let at = plans.stories.len();
            if plans.add(Plan { index, depth, place, alike: Vec::new() }, most) {
                known.insert(key, at);
            }
        }
    }
    plans
}

/// The stories to tell, and how many sessions have one that is not told.
pub(super) struct Plans {
    stories: Vec<Plan>,
    more: u64,
}

impl Plans {
    /// Whether there was room.
    fn add(&mut self, plan: Plan, most: usize) -> bool {
        let room = self.stories.len() < most;
        if room {
            self.stories.push(plan);
        } else {
            self.more += 1;
        }
        room
    }
}

impl Plans {
    /// By session: the one whose story tells of it.
    pub(super) fn links(&self, source: &impl Source) -> HashMap<u64, u64> {
        let mut links = HashMap::new();
        for plan in &self.stories {
            let Some(id) = source.session(plan.index).map(|session| session.id) else { continue };
            links.extend(plan.alike.iter().chain([&id]).map(|other| (*other, id)));
        }
        links
    }
}

/// One story and the sessions that have the same.
pub(super) struct Plan {
    index: usize,
    depth: Depth,
    place: Option<Place>,
    alike: Vec<u64>,
}

/// The tales of the plans, their sessions made one at a time.
pub(super) fn tell<'a, S: Source>(source: &'a S, plans: &'a Plans) -> impl Iterator<Item = Tale> + 'a {
    let told = plans.stories.iter().flat_map(move |plan| {
        let story =
            source.session(plan.index).map(|session| Tale::Story(Box::new(session), plan.depth, plan.place));
        story.into_iter().chain(alike(&plan.alike).map(Tale::Alike))
    });
    told.chain((plans.more > 0).then_some(Tale::More(plans.more)))
}

fn alike(ids: &[u64]) -> Option<String> {
    let (first, rest) = ids.split_first()?;
    if rest.is_empty() {
        return Some(format!("Session {first} has the same diagnosis."));
    }
    let shown: Vec<String> = ids.iter().take(ALIKE).map(ToString::to_string).collect();
    let more = match ids.len().saturating_sub(ALIKE) {
        0 => String::new(),
        more => format!(" and {} more", number(more as u64)),
    };
    Some(format!(
        "Sessions {}{more} have the same diagnosis. The same command with --session ID tells one's own story.",
        shown.join(", ")
    ))
}

/// "3 sessions in a.pcapng: 1 failed, 2 healthy (2 attempts: 2 healthy)"; attempts only where they are
/// fewer.
pub(super) fn headline(source: &impl Source) -> String {
    let summary = source.summary();
    let total: u64 = summary.by_outcome.values().sum();
    let files: Vec<&str> = source.captures().iter().map(|capture| file_name(&capture.file)).collect();
    let files = match files.as_slice() {
        [] => String::new(),
        [one] => format!(" in {one}"),
        [first, .., last] => format!(" in {} files ({first} to {last})", files.len()),
    };
    let attempts: u64 = summary.attempts_by_outcome.values().sum();
    let attempts = match attempts {
        fewer if fewer > 0 && fewer < total => {
            format!(" ({}: {})", count(fewer, "attempt"), outcomes(&summary.attempts_by_outcome))
        }
        _ => String::new(),
    };
    format!("{}{files}: {}{attempts}", count(total, "session"), outcomes(&summary.by_outcome))
}

/// "1 failed, 2 healthy".
fn outcomes(counts: &BTreeMap<&'static str, u64>) -> String {
    let counts: Vec<String> = Outcome::ALL
        .iter()
        .filter_map(|outcome| Some((outcome, *counts.get(outcome.as_str())?)))
        .filter(|(_, n)| *n > 0)
        .map(|(outcome, n)| format!("{} {}", number(n), outcome.as_str()))
        .collect();
    counts.join(", ")
}

/// "3,000 more tcp-probe sessions at 10.0.0.1:3389 from 12 clients ...".
pub(super) fn unlisted(unlisted: &Unlisted, view: &View) -> String {
    let server = std::net::SocketAddr::new(unlisted.server.ip, unlisted.server.port);
    format!(
        "... and {} more {} at {server} from {}, {} to {} {} (--all-sessions lists them)",
        number(unlisted.count),
        unlisted.code,
        count(unlisted.clients, "client"),
        view.zone.full(unlisted.first),
        view.zone.full(unlisted.last),
        view.zone,
    )
}

/// The cells of a session's row; the date is left out where `day` says it for all.
pub(super) fn cells(session: &Session, view: &View, one_day: bool) -> [String; 8] {
    let time = view.zone.second(session.start, !one_day);
    let diagnosis = match session.outcome {
        Outcome::Healthy if session.diagnosis.code == "healthy" => "healthy".to_owned(),
        _ => format!("{}: {}", session.diagnosis.code, session.diagnosis.title),
    };
    let diagnosis = match &session.saw {
        Some(saw) => format!("{} {diagnosis}", saw.fit.mark()),
        None => diagnosis,
    };
    [
        session.id.to_string(),
        time,
        session.client.ip.to_string(),
        std::net::SocketAddr::new(session.server.ip, session.server.port).to_string(),
        session.phase.as_str().to_owned(),
        session.outcome.as_str().to_owned(),
        diagnosis,
        super::text::duration(session.duration_s.0),
    ]
}

/// Titles of [`cells`].
pub(super) const HEADER: [&str; 8] =
    ["#", "start", "client", "server", "ended in", "outcome", "diagnosis", "duration"];

/// The date of all captures, if it is one.
pub(super) fn one_day(source: &impl Source, view: &View) -> Option<String> {
    let mut dates = source.captures().iter().flat_map(|capture| [capture.first, capture.last]).flatten();
    let first: Time = dates.next()?;
    let day = view.zone.date(first);
    dates.all(|time| view.zone.date(time) == day).then_some(day)
}

/// "Times are of 2026-11-20 in UTC.".
pub(super) fn times(day: Option<&str>, view: &View) -> String {
    match day {
        Some(day) => format!("Times are of {day}, {}.", view.zone),
        None => format!("Times are in {}.", view.zone),
    }
}

/// What stands in place of stories beyond the bound.
pub(super) fn more_stories(more: u64) -> String {
    format!(
        "{} more, of other servers or codes. The same command with --session ID tells one's own story.",
        count(more, "session")
    )
}

/// "DTLS to the UDP port of 10.0.0.5:3391 ...".
pub(super) fn gateway(gateway: &GatewayUdp) -> String {
    let server = std::net::SocketAddr::new(gateway.server.ip, gateway.server.port);
    format!(
        "{} of DTLS to and from {server}, the UDP port of a Remote Desktop Gateway: sessions inside show only behind it.",
        count(gateway.datagrams, "datagram")
    )
}
