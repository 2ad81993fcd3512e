//! Where renderers take a report from: sessions one at a time, since a scan leaves tens of thousands.

use super::model::{Attempt, Capture, Outcome, Report, Session, Summary};

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
    /// The outcome of a session by its index in the list, without making the session.
    fn outcome(&self, index: usize) -> Option<Outcome>;
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
    /// What people are told where there is no session.
    #[allow(clippy::unnecessary_literal_bound)]
    fn nothing(&self) -> &str {
        "No session."
    }
}

impl Source for Report {
    fn captures(&self) -> &[Capture] {
        &self.captures
    }

    fn len(&self) -> usize {
        self.sessions.len()
    }

    fn outcome(&self, index: usize) -> Option<Outcome> {
        self.sessions.get(index).map(|session| session.outcome)
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
