//! How one direction of a connection fared over time, in a few spans of equal length that grow with the
//! connection: what a plot needs, and no more.

use crate::base::Timestamp;

/// Spans of a series; twice as long, two in one, whenever they are full.
const SPANS: usize = 32;
/// Nanoseconds of a span at first.
const STEP: i64 = 8 * Timestamp::MILLISECOND;

/// Losses and round trips by time.
#[derive(Clone, Debug)]
pub struct Series {
    start: Timestamp,
    /// How often the length of a span was doubled.
    doubled: u32,
    spans: [Span; SPANS],
}

/// One span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Segments that had to be sent again ([`super::DirFacts::lost`]).
    pub lost: u32,
    /// Microseconds of the shortest time from a packet sent once to its acknowledgement.
    rtt: u32,
}

impl Span {
    const EMPTY: Span = Span { lost: 0, rtt: u32::MAX };

    /// Nanoseconds from a packet to its acknowledgement, where there was such a packet.
    pub fn rtt(&self) -> Option<i64> {
        (self.rtt < u32::MAX).then(|| i64::from(self.rtt) * 1000)
    }

    fn with(self, other: Span) -> Span {
        Span { lost: self.lost.saturating_add(other.lost), rtt: self.rtt.min(other.rtt) }
    }
}

impl Series {
    /// Of a connection that began at `start` and had lost so many segments by `now`.
    pub(super) fn new(start: Timestamp, now: Timestamp, lost: u64) -> Self {
        let mut series = Series { start, doubled: 0, spans: [Span::EMPTY; SPANS] };
        let span = series.span(now);
        span.lost = u32::try_from(lost).unwrap_or(u32::MAX);
        series
    }

    /// Nanoseconds of a span.
    pub fn step(&self) -> i64 {
        STEP << self.doubled
    }

    /// The spans, from the connection's first packet on, each of `step` nanoseconds, which is [`Series::step`] or
    /// a longer one's.
    pub fn spans(&self, step: i64) -> impl Iterator<Item = Span> {
        let together = usize::try_from(step / self.step()).unwrap_or(1).max(1);
        self.spans.chunks(together).map(|spans| spans.iter().copied().fold(Span::EMPTY, Span::with))
    }

    pub(super) fn lost(&mut self, at: Timestamp) {
        let span = self.span(at);
        span.lost = span.lost.saturating_add(1);
    }

    /// What was counted as lost at `at` was not.
    pub(super) fn not_lost(&mut self, at: Timestamp) {
        let span = self.span(at);
        span.lost = span.lost.saturating_sub(1);
    }

    pub(super) fn answered(&mut self, at: Timestamp, after: i64) {
        let Ok(rtt) = u32::try_from(after / 1000) else { return };
        let span = self.span(at);
        span.rtt = span.rtt.min(rtt);
    }

    fn span(&mut self, at: Timestamp) -> &mut Span {
        // A capture's time may run backwards.
        let steps = at.since(self.start).max(0) / STEP;
        while steps >> self.doubled >= SPANS as i64 {
            for i in 0..SPANS {
                self.spans[i] = match self.spans.get(2 * i..2 * i + 2) {
                    Some(&[one, two]) => one.with(two),
                    _ => Span::EMPTY,
                };
            }
            self.doubled += 1;
        }
        &mut self.spans[(steps >> self.doubled) as usize % SPANS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = Timestamp::MILLISECOND;

    #[test]
    fn spans_grow_and_nothing_is_lost() {
        let mut series = Series::new(Timestamp(0), Timestamp(0), 0);
        for at in [0, 7, 8, 255, 256, 70_000] {
            series.lost(Timestamp(at * MS));
        }
        series.answered(Timestamp(9 * MS), 3 * MS);
        series.answered(Timestamp(70_000 * MS), 2 * MS);
        series.answered(Timestamp(70_001 * MS), 5 * MS);
        let step = series.step();
        assert_eq!(step, 8 * 512 * MS, "70 s in 32 spans of 4.096 s");
        let spans: Vec<Span> = series.spans(step).collect();
        assert_eq!((spans[0].lost, spans[17].lost), (5, 1));
        assert_eq!((spans[0].rtt(), spans[1].rtt(), spans[17].rtt()), (Some(3 * MS), None, Some(2 * MS)));
        let halves: Vec<Span> = series.spans(2 * step).collect();
        assert_eq!((halves.len(), halves[8].lost, halves[8].rtt()), (16, 1, Some(2 * MS)));
    }

    #[test]
    fn any_time_has_its_place() {
        let mut series = Series::new(Timestamp(1000 * MS), Timestamp(1000 * MS), 0);
        for at in [0, i64::MAX, i64::MIN, 1000 * MS] {
            series.lost(Timestamp(at));
            series.answered(Timestamp(at), i64::MAX);
        }
        series.not_lost(Timestamp(0));
        assert_eq!(series.spans(series.step()).map(|span| span.lost).sum::<u32>(), 3);
        assert!(series.spans(series.step()).all(|span| span.rtt().is_none()));
    }
}
