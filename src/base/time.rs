//! Points in time as captures give them.

/// Nanoseconds since 1970-01-01T00:00:00Z. Captures may run backwards; nothing here minds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Nanoseconds in a second.
    pub const SECOND: i64 = 1_000_000_000;
    /// Nanoseconds in a millisecond.
    pub const MILLISECOND: i64 = 1_000_000;

    /// Nanoseconds from `earlier` to this; negative where time ran backwards.
    pub const fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds from `earlier` to this; negative where time ran backwards.
    pub fn seconds_since(self, earlier: Timestamp) -> f64 {
        self.since(earlier) as f64 / Self::SECOND as f64
    }

    /// This plus `nanoseconds`.
    pub const fn plus(self, nanoseconds: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(nanoseconds))
    }
}
