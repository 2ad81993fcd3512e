//! When packets were dropped, and how many: for the sessions that may lack them.

use std::collections::VecDeque;

use crate::base::Timestamp;

/// Drops by the time in which they happened, as exactly as the counters were read.
#[derive(Debug, Default)]
pub struct Losses {
    spans: VecDeque<Span>,
    read: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    from: Timestamp,
    to: Timestamp,
    dropped: u64,
}

impl Losses {
    /// Spans kept. Beyond it the oldest two become one, which may then concern more sessions than it did.
    const SPANS: usize = 4096;
    /// How far before the counters were read for the first time a drop may lie, in nanoseconds.
    const FIRST: i64 = Timestamp::SECOND;

    /// The counters were read at `now`, and `dropped` packets had come to them.
    pub fn add(&mut self, now: Timestamp, dropped: u64) {
        let from = self.read.unwrap_or(now.plus(-Self::FIRST));
        self.read = Some(now);
        if dropped == 0 {
            return;
        }
        self.spans.push_back(Span { from, to: now, dropped });
        if self.spans.len() > Self::SPANS
            && let Some(oldest) = self.spans.pop_front()
            && let Some(next) = self.spans.front_mut()
        {
            next.from = oldest.from;
            next.dropped += oldest.dropped;
        }
    }

    /// Packets that a session between these times may lack.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> u64 {
        let concerned = self.spans.iter().filter(|span| span.from <= to && span.to >= from);
        concerned.map(|span| span.dropped).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * Timestamp::SECOND)
    }

    #[test]
    fn only_sessions_of_that_time_are_concerned() {
        let mut losses = Losses::default();
        losses.add(at(10), 0);
        losses.add(at(11), 5);
        losses.add(at(20), 0);
        losses.add(at(21), 7);
        assert_eq!(losses.between(at(0), at(9)), 0);
        assert_eq!(losses.between(at(0), at(10)), 5);
        assert_eq!(losses.between(at(11), at(19)), 5);
        assert_eq!(losses.between(at(12), at(19)), 0);
        assert_eq!(losses.between(at(5), at(25)), 12);
    }

    #[test]
    fn what_is_kept_is_bounded_and_nothing_is_forgotten() {
        let mut losses = Losses::default();
        for second in 0..20_000 {
            losses.add(at(2 * second), 0);
            losses.add(at(2 * second + 1), 1);
        }
        assert!(losses.spans.len() <= Losses::SPANS);
        assert_eq!(losses.between(at(-10), at(50_000)), 20_000);
        assert_eq!(losses.between(at(39_990), at(39_999)), 5);
    }
}
