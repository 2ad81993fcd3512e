//! What each direction of a flow lost, and how long its round trips were: measured from one place, in one pass, in
//! bounded memory.
//!
//! Every datagram with data has a number of its own (`snCoded`, `DataSeqNum`) that grows by one, and the number of
//! its data (`snSourceStart`, `ChannelSeqNum`), which a repeat keeps. A number that never came is a datagram that was
//! lost before the capture point; one whose data came again, or that the other end reports missing, was lost behind
//! it; one that was reported received is not lost, whatever the capture shows of it. So the sum is right at either
//! end and between.

mod acknowledged;
mod histogram;
mod measured;
mod stuck;
#[cfg(test)]
mod tests;
mod window;

use histogram::Histogram;
pub use measured::Measured;
use measured::Totals;
pub use stuck::Stuck;
pub(super) use window::nearest;
use window::{Fate, READINGS, Window};

use crate::base::{Stamp, Timestamp};

/// How far beyond what the capture shows an acknowledgement is taken at its word.
const UNSEEN: u64 = 64;
/// A jump of the numbers beyond this is a hole of the capture (or nonsense), no loss.
const JUMP: u64 = Window::<Transmission>::FOLLOWED - 1;
/// Round trips from which a percentile is taken rather than the opening's.
const ENOUGH: u32 = 5;

/// What numbers look like, and what acknowledgements name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    /// 32 bits; acknowledgements name data (versions 1 and 2).
    Data,
    /// 16 bits; acknowledgements name transmissions (version 3).
    Transmissions,
}

impl Numbering {
    const fn bits(self) -> u32 {
        match self {
            Numbering::Data => 32,
            Numbering::Transmissions => 16,
        }
    }
}

/// What one end sent, and what became of it.
#[derive(Debug)]
pub(super) struct Sent {
    numbering: Numbering,
    /// Transmissions by their own number.
    numbers: Window<Transmission>,
    /// Data by its number: which transmission carried it last.
    data: Window<Carried>,
    /// Where the numbers begin; 0 where nothing was sent.
    first: u64,
    /// Numbers that were jumped over: neither lost nor sent.
    passed_by: u64,
    /// What was decided so far.
    totals: Totals,
    /// How often a reading of the other end's vectors contradicted itself.
    contradictions: [u64; READINGS],
    /// All below was acknowledged in one piece.
    acknowledged: u64,
    /// All data below that is followed arrived, by reading.
    arrived: [u64; READINGS],
    /// Below it the other end need not report any more.
    floor: u64,
    repeats: u64,
    /// Error correction and dummies.
    extra: u64,
    rtt: Histogram,
    /// Shortest round trip in nanoseconds.
    fastest: i64,
    /// The last numbered datagram.
    last: Option<Stamp>,
    /// Length of the largest IP packet of all in bytes.
    largest: u16,
    /// When data was last sent again.
    repeated: Option<Timestamp>,
    /// When data last came after later data.
    mended: Option<Timestamp>,
    stuck: Option<(u64, Stuck)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Transmission {
    time: Timestamp,
    /// Length of its IP packet in bytes.
    ip_len: u16,
    fate: Fate,
}

/// Data; its fate is "seen" where a transmission was, and "repeated" where two were.
#[derive(Clone, Copy, Debug, Default)]
struct Carried {
    /// Low bits of the last transmission's number.
    last: u32,
    /// And of the one before.
    before: u32,
    fate: Fate,
}

impl Sent {
    pub(super) fn new(numbering: Numbering) -> Self {
        Sent {
            numbering,
            numbers: Window::default(),
            data: Window::default(),
            first: 0,
            passed_by: 0,
            totals: Totals::default(),
            contradictions: [0; READINGS],
            acknowledged: 0,
            arrived: [0; READINGS],
            floor: 0,
            repeats: 0,
            extra: 0,
            rtt: Histogram::default(),
            fastest: i64::MAX,
            last: None,
            largest: 0,
            repeated: None,
            mended: None,
            stuck: None,
        }
    }

    /// The first number, where the opening told it.
    pub(super) fn begins_at(&mut self, number: Option<u32>) {
        if let Some(number) = number.filter(|_| self.first == 0) {
            self.first = self.numbers.unwrap(number, self.numbering.bits());
            self.numbers.start(self.first);
        }
    }

    /// A datagram was sent. `data` is `None` for error correction and dummies.
    pub(super) fn sent(&mut self, number: u32, data: Option<u32>, ip_len: u32, stamp: &Stamp) {
        let number = self.numbers.unwrap(number, self.numbering.bits());
        if self.first == 0 {
            self.first = number;
            self.numbers.start(number);
        }
        let (base, end) = (self.numbers.base(), self.numbers.end());
        if number > end + JUMP {
            // Whatever was sent meanwhile, nobody here saw it.
            self.settle_to(end);
            self.passed_by += number - end;
            self.numbers.start(number);
        } else if number >= end {
            self.settle_to((number - JUMP).min(end));
        } else if number < self.first && base == self.first {
            // The first to come was not the first to be sent.
            self.first = number;
        }
        if number < self.first || !self.numbers.cover(number) {
            return;
        }
        let known = number < self.acknowledged;
        let Some(transmission) = self.numbers.get_mut(number) else { return };
        if transmission.fate.is_seen() {
            return;
        }
        transmission.time = stamp.time;
        transmission.ip_len = u16::try_from(ip_len).unwrap_or(u16::MAX);
        self.largest = self.largest.max(transmission.ip_len);
        transmission.fate.see();
        if known && !transmission.fate.is_missing(0) {
            transmission.fate.receive_all();
        }
        match data {
            Some(data) => self.carried(data, number, ip_len, stamp),
            None => self.extra += 1,
        }
        self.last = Some(*stamp);
        self.settle();
    }

    /// Notes which transmission carries which data.
    fn carried(&mut self, data: u32, number: u64, ip_len: u32, stamp: &Stamp) {
        let data = self.data.unwrap(data, self.numbering.bits());
        if self.data.is_empty() {
            self.data.start(data);
        }
        if !self.data.cover(data) {
            return;
        }
        let Some(carried) = self.data.get_mut(data) else { return };
        let known = *carried;
        for (reading, arrived) in self.arrived.iter_mut().enumerate() {
            if !known.fate.is_received(reading) {
                *arrived = data.min(*arrived);
            }
        }
        let before = self.numbers.unwrap(known.last, 32);
        if known.fate.is_seen() {
            // An older transmission may come late.
            let (old, new) = (before.min(number), before.max(number));
            (carried.before, carried.last) = (old as u32, new as u32);
            carried.fate.repeat();
            self.repeats += 1;
            self.repeated = Some(stamp.time);
            if let Some(old) = self.numbers.get_mut(old) {
                old.fate.repeat();
            }
            self.again(data, before, ip_len, *stamp);
        } else {
            carried.last = number as u32;
            carried.fate.see();
            if data + 1 < self.data.end() {
                self.mended = Some(stamp.time);
            }
        }
        // A repeat of what had arrived is no loss; nor is what arrived before the capture showed it. In version 3
        // every transmission is reported by itself.
        for reading in (0..READINGS).filter(|&reading| known.fate.is_received(reading)) {
            if !known.fate.is_seen() {
                self.totals.missed[reading] = self.totals.missed[reading].saturating_sub(1);
            }
            if let Some(transmission) = self.numbers.get_mut(number) {
                transmission.fate.receive(reading);
                if known.fate.is_seen() {
                    transmission.fate.idle(reading);
                }
            }
            if let Some(transmission) = self.numbers.get_mut(before) {
                transmission.fate.receive(reading);
            }
        }
    }
    /// Lets go of what arrived at the front.
    fn settle(&mut self) {
        while let Some(front) =
            self.numbers.front().filter(|front| front.fate.is_seen() && front.fate.is_settled())
        {
            let fate = front.fate;
            self.totals.add(fate);
            self.numbers.pop();
        }
    }

    /// Decides on all numbers below `end`.
    fn settle_to(&mut self, end: u64) {
        while self.numbers.base() < end {
            let Some(front) = self.numbers.pop() else { return };
            self.totals.add(front.fate);
        }
    }
}
