//! From hash to slot: open addressing with linear probing, 8 bytes an entry.
//!
//! The keys stand in the slots, so an index of a million flows takes 16 MB, and a look-up touches one
//! line of it and one slot. Removal shifts the run back, so there are no graves to sweep.

/// Hash in the high half, slot + 1 in the low half; 0 is free.
#[derive(Debug)]
pub(super) struct Index {
    entries: Vec<u64>,
    used: usize,
}

const SMALLEST: usize = 64;

impl Index {
    pub(super) fn new() -> Self {
        Index { entries: vec![0; SMALLEST], used: 0 }
    }

    fn mask(&self) -> usize {
        self.entries.len() - 1
    }

    fn home(&self, entry: u64) -> usize {
        (entry >> 32) as usize & self.mask()
    }

    /// The slot with this hash for which `is` holds.
    pub(super) fn find(&self, hash: u32, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = hash as usize & self.mask();
        loop {
            let entry = self.entries[at];
            if entry == 0 {
                return None;
            }
            if (entry >> 32) as u32 == hash {
                let slot = entry as u32 - 1;
                if is(slot) {
                    return Some(slot);
                }
            }
            at = (at + 1) & self.mask();
        }
    }

    /// `slot` must not be in the index, and must be below `u32::MAX`.
    pub(super) fn insert(&mut self, hash: u32, slot: u32) {
        if (self.used + 1) * 4 > self.entries.len() * 3 {
            let old = std::mem::take(&mut self.entries);
            self.entries = vec![0; old.len() * 2];
            for entry in old.into_iter().filter(|&entry| entry != 0) {
                self.place(entry);
            }
        }
        self.place(u64::from(hash) << 32 | (u64::from(slot) + 1));
        self.used += 1;
    }

    fn place(&mut self, entry: u64) {
        let mut at = self.home(entry);
        while self.entries[at] != 0 {
            at = (at + 1) & self.mask();
        }
        self.entries[at] = entry;
    }

    pub(super) fn remove(&mut self, hash: u32, slot: u32) {
        let wanted = u64::from(hash) << 32 | (u64::from(slot) + 1);
        let mask = self.mask();
        let mut hole = self.home(wanted);
        while self.entries[hole] != wanted {
            if self.entries[hole] == 0 {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.used -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let entry = self.entries[at];
            if entry == 0 {
                break;
            }
            // An entry may move back to the hole unless its home lies behind the hole.
            let from_home = at.wrapping_sub(self.home(entry)) & mask;
            if from_home >= (at.wrapping_sub(hole) & mask) {
                self.entries[hole] = entry;
                hole = at;
            }
        }
        self.entries[hole] = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few hashes, so that runs collide and wrap around.
        #[test]
        fn behaves_as_a_set(steps in prop::collection::vec((0u32..24, any::<bool>()), 0..400), spread in any::<bool>()) {
            let mut index = Index::new();
            let mut model = HashSet::new();
            for (n, insert) in steps {
                let hash = if spread { n.wrapping_mul(0x9E37_79B9) } else { 60 + n % 5 };
                let found = index.find(hash, |slot| slot == n);
                prop_assert_eq!(found, model.get(&n).copied());
                match (insert, found) {
                    (true, None) => { index.insert(hash, n); model.insert(n); }
                    (false, Some(_)) => { index.remove(hash, n); model.remove(&n); }
                    _ => {}
                }
                prop_assert_eq!(index.used, model.len());
            }
        }
    }

    #[test]
    fn grows() {
        let mut index = Index::new();
        for n in 0..10_000u32 {
            index.insert(n.wrapping_mul(0x9E37_79B9), n);
        }
        for n in 0..10_000u32 {
            assert_eq!(index.find(n.wrapping_mul(0x9E37_79B9), |slot| slot == n), Some(n));
        }
        for n in 0..10_000u32 {
            index.remove(n.wrapping_mul(0x9E37_79B9), n);
        }
        assert!(index.entries.iter().all(|&entry| entry == 0));
    }
}
