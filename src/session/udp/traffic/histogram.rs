//! Times in buckets of three per cent, so that percentiles need no list of all of them.

/// Buckets for each doubling.
const STEPS: u32 = 16;
/// Nanoseconds of the first bucket: what is shorter is no round trip that a capture can time.
const SHORTEST: u64 = 1024;
/// Doublings: up to two minutes.
const DOUBLINGS: u32 = 27;

/// See the module's description.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    buckets: Vec<u32>,
    count: u32,
}

impl Histogram {
    /// Adds a time in nanoseconds; one that is not positive tells nothing.
    pub fn add(&mut self, nanoseconds: i64) {
        let Some(time) = u64::try_from(nanoseconds).ok().filter(|time| *time > 0) else { return };
        let time = time.clamp(SHORTEST, (SHORTEST << DOUBLINGS) - 1);
        let doubling = (time / SHORTEST).ilog2();
        let step = (time - (SHORTEST << doubling)) * u64::from(STEPS) / (SHORTEST << doubling);
        let at = (doubling * STEPS) as usize + step as usize;
        if self.buckets.len() <= at {
            self.buckets.resize(at + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket = bucket.saturating_add(1);
            self.count = self.count.saturating_add(1);
        }
    }

    /// How many there are.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The time in nanoseconds that `per_cent` of all do not exceed.
    pub fn percentile(&self, per_cent: u32) -> Option<i64> {
        let wanted = (u64::from(self.count) * u64::from(per_cent)).div_ceil(100).max(1);
        let mut so_far = 0;
        for (at, bucket) in (0_u32..).zip(&self.buckets) {
            so_far += u64::from(*bucket);
            if so_far >= wanted {
                let base = SHORTEST << (at / STEPS);
                // The middle of the bucket.
                let middle = base + base * (2 * u64::from(at % STEPS) + 1) / (2 * u64::from(STEPS));
                return i64::try_from(middle).ok();
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_three_per_cent() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50), None);
        for ms in 1..=100 {
            histogram.add(ms * 1_000_000);
        }
        for per_cent in [1_u32, 10, 50, 90, 100] {
            let got = histogram.percentile(per_cent).unwrap() as f64;
            let want = f64::from(per_cent) * 1e6;
            assert!((got / want - 1.0).abs() < 0.035, "{per_cent}: {got}");
        }
        for extreme in [0, -5, 1, i64::MAX] {
            histogram.add(extreme);
        }
        assert_eq!(histogram.count(), 102);
        assert!(histogram.buckets.len() <= (DOUBLINGS * STEPS) as usize);
    }
}
