//! A sliding window over numbers that wrap around on the wire, and what is known of each.

use std::collections::VecDeque;

/// How the runs of an ACK vector may be ordered: newest first, oldest first. Sources differ; a flow shows by itself
/// which of the two does not contradict itself.
pub(super) const READINGS: usize = 2;

/// What became of one number, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate(u8);

impl Fate {
    const SEEN: u8 = 1;
    const REPEATED: u8 = 2;
    const RECEIVED: [u8; READINGS] = [4, 8];
    const MISSING: [u8; READINGS] = [16, 32];
    const IDLE: [u8; READINGS] = [64, 128];

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    /// The capture shows it.
    pub(super) const fn is_seen(self) -> bool {
        self.has(Self::SEEN)
    }

    pub(super) fn see(&mut self) {
        self.0 |= Self::SEEN;
    }

    /// Its data was sent again.
    pub(super) const fn is_repeated(self) -> bool {
        self.has(Self::REPEATED)
    }

    pub(super) fn repeat(&mut self) {
        self.0 |= Self::REPEATED;
    }

    /// The other end said that it has it.
    pub(super) const fn is_received(self, reading: usize) -> bool {
        self.has(Self::RECEIVED[reading])
    }

    pub(super) fn receive(&mut self, reading: usize) {
        self.0 |= Self::RECEIVED[reading];
    }

    pub(super) fn receive_all(&mut self) {
        self.0 |= Self::RECEIVED[0] | Self::RECEIVED[1];
    }

    /// Whatever the reading, it arrived.
    pub(super) const fn is_settled(self) -> bool {
        self.is_received(0) && self.is_received(1)
    }

    /// Its data had arrived before it was sent, so that nobody tells what became of it.
    pub(super) const fn is_idle(self, reading: usize) -> bool {
        self.has(Self::IDLE[reading])
    }

    pub(super) fn idle(&mut self, reading: usize) {
        self.0 |= Self::IDLE[reading];
    }

    /// The other end said that it lacks it.
    pub(super) const fn is_missing(self, reading: usize) -> bool {
        self.has(Self::MISSING[reading])
    }

    pub(super) fn miss_all(&mut self) {
        self.0 |= Self::MISSING[0] | Self::MISSING[1];
    }

    pub(super) fn miss(&mut self, reading: usize) {
        self.0 |= Self::MISSING[reading];
    }
}

/// Numbers from `base` on.
#[derive(Clone, Debug)]
pub(super) struct Window<T> {
    base: u64,
    items: VecDeque<T>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        // So that there is room before the first number, and 0 is none.
        Window { base: 1 << 40, items: VecDeque::new() }
    }
}

impl<T: Default> Window<T> {
    /// Numbers followed at a time: some seconds of a fast flow, in which every one's fate is told.
    pub(super) const FOLLOWED: u64 = 2048;

    /// Makes room for a number, the oldest ones going where there is too little; whether that could be done.
    pub(super) fn cover(&mut self, number: u64) -> bool {
        if self.items.is_empty() && self.base != number && number.abs_diff(self.base) > Self::FOLLOWED {
            self.base = number;
        }
        if number < self.base {
            if self.end() - number > Self::FOLLOWED {
                return false;
            }
            while self.base > number {
                self.base -= 1;
                self.items.push_front(T::default());
            }
            return true;
        }
        if number >= self.end() + Self::FOLLOWED {
            self.start(number);
        }
        while self.end() <= number {
            self.items.push_back(T::default());
        }
        while self.items.len() as u64 > Self::FOLLOWED {
            self.pop();
        }
        true
    }
}

/// The number nearest to `reference` that ends in these bits.
pub(crate) fn nearest(low: u32, bits: u32, reference: u64) -> u64 {
    let modulus = 1_u64 << bits;
    let number = (reference & !(modulus - 1)) | u64::from(low) & (modulus - 1);
    if number > reference + modulus / 2 {
        number - modulus
    } else if number + modulus / 2 < reference {
        number + modulus
    } else {
        number
    }
}

impl<T> Window<T> {
    /// The number nearest to the newest one that ends in these bits.
    pub(super) fn unwrap(&self, low: u32, bits: u32) -> u64 {
        nearest(low, bits, self.end())
    }

    /// Begins anew, empty, at `base`.
    pub(super) fn start(&mut self, base: u64) {
        self.items.clear();
        self.base = base;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    /// One beyond the newest.
    pub(super) fn end(&self) -> u64 {
        self.base + self.items.len() as u64
    }

    pub(super) fn front(&self) -> Option<&T> {
        self.items.front()
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        self.base += 1;
        Some(item)
    }

    pub(super) fn get(&self, number: u64) -> Option<&T> {
        self.items.get(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.items.get_mut(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    /// From `number` on, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        (self.base..).zip(&self.items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap_both_ways() {
        let mut window: Window<()> = Window::default();
        let first = window.unwrap(0xFFFE, 16);
        window.start(first);
        for low in [0xFFFE_u32, 0xFFFF, 0, 1] {
            assert_eq!(window.unwrap(low, 16), window.end());
            assert!(window.cover(window.end()));
        }
        assert_eq!(window.unwrap(0xFFFE, 16), first);
        assert_eq!(window.unwrap(0x7000, 16), first + 2 + 0x7000);
        assert_eq!(window.unwrap(0x9000, 16), first - 0x6FFE);
        let mut wide: Window<()> = Window::default();
        let first = wide.unwrap(u32::MAX, 32);
        wide.start(first);
        wide.cover(first);
        assert_eq!(wide.unwrap(0, 32), first + 1);
    }
}
