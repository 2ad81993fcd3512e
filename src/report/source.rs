//! Where renderers take a report from: sessions one at a time, since a scan leaves tens of thousands.

use super::model::{Attempt, Capture, Outcome, Report, Session, Summary};

/// What a list needs to know of a session, which is not made for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its outcome.
    pub outcome: Outcome,
    /// Id of its attempt.
    pub attempt: u64,
    /// Outcome of its attempt.
    pub in_the_end: Outcome,
    /// Id of the session that decided that.
    pub decided_by: u64,
    /// Whether it decided that.
    pub decides: bool,
    /// Whether the attempt has other sessions, shown or not.
    pub several: bool,
}

/// A report whose sessions are made when they are asked for.
pub trait Source {
    /// The captures.
    fn captures(&self) -> &[Capture];
    /// How many sessions there are.
    fn len(&self) -> usize;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The place of a session by its index in the list.
    fn place(&self, index: usize) -> Option<Place>;
    /// The attempt of a session by the session's index in the list.
    fn attempt(&self, index: usize) -> Option<Attempt>;
    /// A session by its index in the list.
    fn session(&self, index: usize) -> Option<Session>;
    /// All sessions, one at a time.
    fn sessions(&self) -> impl Iterator<Item = Session> {
        (0..self.len()).filter_map(|index| self.session(index))
    }
    /// All attempts, one at a time.
    fn attempts(&self) -> impl Iterator<Item = Attempt>;
    /// Counts.
    fn summary(&self) -> &Summary;
    /// What was taken out of it, in words; `None` where nothing was.
    fn redacted(&self) -> Option<String> {
        None
    }
    /// What people are told where there is no session.
    #[allow(clippy::unnecessary_literal_bound)]
    fn nothing(&self) -> &str {
        "No session."
    }
}

fn attempt<'a>(report: &'a Report, session: &Session) -> Option<&'a Attempt> {
    let at = report.attempts.binary_search_by_key(&session.attempt, |attempt| attempt.id).ok()?;
    report.attempts.get(at)
}

impl Source for Report {
    fn captures(&self) -> &[Capture] {
        &self.captures
    }

    fn len(&self) -> usize {
        self.sessions.len()
    }

    fn place(&self, index: usize) -> Option<Place> {
        let session = self.sessions.get(index)?;
        let attempt = attempt(self, session);
        Some(Place {
            outcome: session.outcome,
            attempt: session.attempt,
            in_the_end: attempt.map_or(session.outcome, |attempt| attempt.outcome),
            decided_by: attempt.map_or(session.id, |attempt| attempt.decided_by),
            decides: attempt.is_none_or(|attempt| attempt.decided_by == session.id),
            several: attempt.is_some_and(|attempt| attempt.sessions.len() > 1),
        })
    }

    fn attempt(&self, index: usize) -> Option<Attempt> {
        attempt(self, self.sessions.get(index)?).cloned()
    }

    fn session(&self, index: usize) -> Option<Session> {
        self.sessions.get(index).cloned()
    }

    fn attempts(&self) -> impl Iterator<Item = Attempt> {
        self.attempts.iter().cloned()
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }
}
