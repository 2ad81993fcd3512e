//! What the table and the Markdown list say of all sessions together: which rows, which stories, counts.

use std::collections::HashMap;

use super::model::{Outcome, Session, Time, Unlisted};
use super::paint::View;
use super::saw;
use super::source::Source;
use super::story::{self, Depth, file_name};
use super::text::{count, number};

/// Rows of healthy sessions (and of probes) before they fold.
const HEALTHY_ROWS: usize = 10;
/// Stories told in full. A capture with more failures of different kinds is a scan.
const STORIES: usize = 50;
/// Sessions that are named as like an earlier one, for each story.
const ALIKE: usize = 10;

/// Indexes of the sessions in the order of the table: failed first. `folded` counts the rest.
pub(super) struct Rows {
    pub(super) shown: Vec<usize>,
    pub(super) folded: Vec<(Outcome, u64)>,
}

pub(super) fn rows(source: &impl Source) -> Rows {
    let mut by_outcome: Vec<Vec<usize>> = vec![Vec::new(); Outcome::ALL.len()];
    for index in 0..source.len() {
        let outcome = source.outcome(index);
        let place = Outcome::ALL.iter().position(|known| Some(*known) == outcome);
        if let Some(list) = place.and_then(|place| by_outcome.get_mut(place)) {
            list.push(index);
        }
    }
    let mut rows = Rows { shown: Vec::new(), folded: Vec::new() };
    for (&outcome, list) in Outcome::ALL.iter().zip(&by_outcome) {
        let most = match outcome {
            Outcome::Healthy | Outcome::Probe => HEALTHY_ROWS,
            _ => usize::MAX,
        };
        rows.shown.extend(list.iter().take(most));
        let more = list.len().saturating_sub(most);
        if more > 0 {
            rows.folded.push((outcome, more as u64));
        }
    }
    saw::arrange(source, &mut rows.shown);
    rows
}

impl Rows {
    /// "and 12 more healthy", one a line.
    pub(super) fn folds(&self) -> impl Iterator<Item = String> {
        self.folded.iter().map(|(outcome, more)| {
            let what = match outcome {
                Outcome::Probe => "probes",
                other => other.as_str(),
            };
            format!("... and {} more {what} (--format json lists every session)", number(*more))
        })
    }
}

/// What is told after the table.
pub(super) enum Tale {
    /// This session's story.
    Story(Box<Session>, Depth),
    /// "The same: sessions 7, 8 and 12 more" below the story before it.
    Alike(String),
    /// Sessions with stories beyond the bound.
    More(u64),
}

/// Which stories are told: for each code, title, phase and server the first in full, and then who else has
/// the same.
pub(super) fn plan<S: Source>(source: &S, rows: &Rows, view: &View) -> Plans {
    let most = if view.every_story { usize::MAX } else { STORIES };
    let mut plans = Plans { stories: Vec::new(), more: 0 };
    let mut known: HashMap<_, usize> = HashMap::new();
    for &index in &rows.shown {
        let Some(outcome) = source.outcome(index) else { continue };
        let depth = story::depth(outcome, view.every_story);
        if depth == Depth::None && !view.timeline {
            continue;
        }
        if view.every_story || view.timeline {
            plans.add(Plan { index, depth, alike: Vec::new() }, most);
            continue;
        }
        let Some(session) = source.session(index) else { continue };
        let server = (session.server.ip, session.server.port);
        let fit = session.saw.map(|saw| saw.fit);
        let key = (session.diagnosis.code, session.diagnosis.title, session.phase, server, fit);
        if let Some(plan) = known.get(&key).and_then(|&at| plans.stories.get_mut(at)) {
            plan.alike.push(session.id);
            continue;
        }
        let at = plans.stories.len();
        if plans.add(Plan { index, depth, alike: Vec::new() }, most) {
            known.insert(key, at);
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

/// One story and the sessions that have the same.
pub(super) struct Plan {
    index: usize,
    depth: Depth,
    alike: Vec<u64>,
}

/// The tales of the plans, their sessions made one at a time.
pub(super) fn tell<'a, S: Source>(source: &'a S, plans: &'a Plans) -> impl Iterator<Item = Tale> + 'a {
    let told = plans.stories.iter().flat_map(move |plan| {
        let story = source.session(plan.index).map(|session| Tale::Story(Box::new(session), plan.depth));
        story.into_iter().chain(alike(&plan.alike).map(Tale::Alike))
    });
    told.chain((plans.more > 0).then_some(Tale::More(plans.more)))
}

fn alike(ids: &[u64]) -> Option<String> {
    let (first, rest) = ids.split_first()?;
    if rest.is_empty() {
        return Some(format!("The same happened in session {first}."));
    }
    let shown: Vec<String> = ids.iter().take(ALIKE).map(ToString::to_string).collect();
    let more = match ids.len().saturating_sub(ALIKE) {
        0 => String::new(),
        more => format!(" and {} more", number(more as u64)),
    };
    Some(format!(
        "The same happened in sessions {}{more}. --session ID tells one's own story.",
        shown.join(", ")
    ))
}

/// "3 sessions in a.pcapng: 1 failed, 2 healthy.".
pub(super) fn headline(source: &impl Source) -> String {
    let summary = source.summary();
    let total: u64 = summary.by_outcome.values().sum();
    let files: Vec<&str> = source.captures().iter().map(|capture| file_name(&capture.file)).collect();
    let files = match files.as_slice() {
        [] => String::new(),
        [one] => format!(" in {one}"),
        [first, .., last] => format!(" in {} files ({first} to {last})", files.len()),
    };
    let counts: Vec<String> = Outcome::ALL
        .iter()
        .filter_map(|outcome| Some((outcome, *summary.by_outcome.get(outcome.as_str())?)))
        .filter(|(_, n)| *n > 0)
        .map(|(outcome, n)| format!("{} {}", number(n), outcome.as_str()))
        .collect();
    format!("{}{files}: {}", count(total, "session"), counts.join(", "))
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
    ["#", "start", "client", "server", "reached", "outcome", "diagnosis", "duration"];

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
    format!("{} more, of other servers or codes. --session ID tells one's own story.", count(more, "session"))
}
