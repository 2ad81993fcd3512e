//! What each direction of a flow lost, and how long its round trips were: measured from one place, in one pass, in
//! bounded memory.
//!
//! Every datagram with data has a number of its own (`snCoded`, `DataSeqNum`) that grows by one, and the number of
//! its data (`snSourceStart`, `ChannelSeqNum`), which a repeat keeps. A number that never came is a datagram that was
//! lost before the capture point; one whose data came again, or that the other end reports missing, was lost behind
//! it; one that was reported received is not lost, whatever the capture shows of it. So the sum is right at either
//! end and between.

mod histogram;
#[cfg(test)]
mod tests;
mod window;

use std::ops::Range;

pub use histogram::Histogram;
pub(super) use window::nearest;
use window::{Fate, READINGS, Window};

use crate::base::{Stamp, Timestamp};
use crate::protocol::rdpeudp::{AckState, AckVector};
use crate::protocol::rdpeudp2::{self, AckStates};
use crate::session::Repeats;

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
    /// All data below arrived.
    settled: u64,
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

/// Datagrams that were never reported received, though the other end was there: the same data again and again, or
/// several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The datagrams.
    pub all: Repeats,
    /// Length of the smallest of their IP packets in bytes.
    pub ip_len: u16,
    /// Length of the largest IP packet of this direction that did arrive after the first of them; 0 where none is
    /// known.
    pub largest: u16,
}

/// What was decided.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    /// Lost behind the capture point, by reading.
    lost: [u64; READINGS],
    /// Never seen, and not reported received, by reading.
    holes: [u64; READINGS],
    /// Never seen and reported received, by reading: lost by the capture.
    missed: [u64; READINGS],
    /// Seen, reported missing, and received in the end without having been sent again, by reading.
    mended: [u64; READINGS],
    /// Seen, and nobody tells what became of it, by reading.
    idle: [u64; READINGS],
}

impl Totals {
    fn add(&mut self, fate: Fate) {
        for reading in 0..READINGS {
            self.idle[reading] += u64::from(fate.is_idle(reading));
            if fate.is_received(reading) {
                self.missed[reading] += u64::from(!fate.is_seen());
                self.mended[reading] +=
                    u64::from(fate.is_seen() && fate.is_missing(reading) && !fate.is_repeated());
            } else if !fate.is_seen() {
                self.holes[reading] += 1;
            } else if fate.is_repeated() || fate.is_missing(reading) {
                self.lost[reading] += 1;
            }
        }
    }
}

/// What is known at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Numbered datagrams that were sent, seen or not.
    pub sent: u64,
    /// Of those, how many were lost on the way.
    pub lost: u64,
    /// Whether more may have been lost: error correction mended it before anybody reported it.
    pub at_least: bool,
    /// Datagrams that the capture lacks though the other end has them.
    pub missed: u64,
    /// Datagrams that carried data again.
    pub repeats: u64,
    /// Datagrams that carried error correction, or nothing (dummies).
    pub extra: u64,
    /// Round trip from the capture point to the receiver and back, in nanoseconds.
    pub rtt: Option<i64>,
}

impl Measured {
    /// Loss in per cent; `None` where nothing was numbered, or where it is not known.
    pub fn loss_pct(&self) -> Option<f64> {
        (self.sent > 0 && !self.at_least).then(|| self.lost as f64 * 100.0 / self.sent as f64)
    }

    /// Ten lost, and two per cent: what users feel.
    pub const fn is_lossy(&self) -> bool {
        self.lost >= 10 && self.lost.saturating_mul(50) >= self.sent
    }
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
            settled: 0,
            floor: 0,
            repeats: 0,
            extra: 0,
            rtt: Histogram::default(),
            fastest: i64::MAX,
            last: None,
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
    pub(super) fn sent(&mut self, number: u32, data: Option<u32>, ip_len: u32, stamp: Stamp) {
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
        self.last = Some(stamp);
        transmission.time = stamp.time;
        transmission.ip_len = u16::try_from(ip_len).unwrap_or(u16::MAX);
        transmission.fate.see();
        if known && !transmission.fate.is_missing(0) {
            transmission.fate.receive_all();
        }
        match data {
            Some(data) => self.carried(data, number, ip_len, stamp),
            None => self.extra += 1,
        }
        self.settle();
    }

    /// Notes which transmission carries which data.
    fn carried(&mut self, data: u32, number: u64, ip_len: u32, stamp: Stamp) {
        let data = self.data.unwrap(data, self.numbering.bits());
        if self.data.is_empty() {
            self.data.start(data);
        }
        if !self.data.cover(data) {
            return;
        }
        let Some(carried) = self.data.get_mut(data) else { return };
        let known = *carried;
        let before = self.numbers.unwrap(known.last, 32);
        if known.fate.is_seen() {
            // An older transmission may come late.
            let (old, new) = (before.min(number), before.max(number));
            (carried.before, carried.last) = (old as u32, new as u32);
            carried.fate.repeat();
            self.repeats += 1;
            if let Some(old) = self.numbers.get_mut(old) {
                old.fate.repeat();
            }
            self.again(data, before, ip_len, stamp);
        } else {
            carried.last = number as u32;
            carried.fate.see();
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

    /// Data was sent again: the one that this happens to most often before it arrives is kept in mind.
    fn again(&mut self, data: u64, before: u64, ip_len: u32, stamp: Stamp) {
        match &mut self.stuck {
            Some((known, stuck)) if *known == data => {
                stuck.all.last = stamp;
                stuck.all.count = stuck.all.count.saturating_add(1);
            }
            Some((known, _)) if !self.data.get(*known).is_none_or(|carried| carried.fate.is_received(0)) => {}
            stuck => {
                let Some(first) = self.numbers.get(before).filter(|first| !first.fate.is_received(0)) else {
                    return;
                };
                // The first sending has no frame any more; its time is enough.
                let first = Stamp { time: first.time, ..stamp };
                let ip_len = u16::try_from(ip_len).unwrap_or(u16::MAX);
                let all = Repeats { first, last: stamp, count: 2 };
                *stuck = Some((data, Stuck { all, ip_len, largest: 0 }));
            }
        }
    }

    /// What never arrived, though it was sent again and again, or long before the other end was last heard.
    pub(super) fn stuck(&self, heard: Option<Timestamp>) -> Option<Stuck> {
        let stuck = self.repeated_in_vain().or_else(|| self.waited_in_vain(heard?))?;
        let after = |sent: &&Transmission| sent.time > stuck.all.first.time;
        let arrived =
            self.numbers.iter().map(|(_, sent)| sent).filter(after).filter(|sent| sent.fate.is_received(0));
        Some(Stuck { largest: arrived.map(|sent| sent.ip_len).max().unwrap_or(0), ..stuck })
    }

    fn repeated_in_vain(&self) -> Option<Stuck> {
        let (data, stuck) = self.stuck?;
        let carried = self.data.get(data)?;
        let last = self.numbers.get(self.numbers.unwrap(carried.last, 32));
        let arrived = carried.fate.is_received(0) || last.is_none_or(|sent| sent.fate.is_received(0));
        (!arrived).then_some(stuck)
    }

    /// Some senders never repeat what is stuck.
    fn waited_in_vain(&self, heard: Timestamp) -> Option<Stuck> {
        const LONG: i64 = 5 * Timestamp::SECOND;
        let stuck = |sent: &&Transmission| {
            let fate = sent.fate;
            fate.is_seen() && !fate.is_received(0) && !fate.is_repeated() && heard.since(sent.time) >= LONG
        };
        let waiting = || self.numbers.iter().map(|(_, sent)| sent).filter(stuck);
        let first = waiting().next()?;
        let last = self.last?;
        let count = u32::try_from(waiting().count()).unwrap_or(u32::MAX);
        let all = Repeats { first: Stamp { time: first.time, ..last }, last, count };
        Some(Stuck { all, ip_len: waiting().map(|sent| sent.ip_len).min()?, largest: 0 })
    }

    /// The other end's acknowledgement, versions 1 and 2: the vector ends at `newest`, a number of data. `in_order`:
    /// the other end takes nothing while something before it is missing.
    pub(super) fn acknowledged_by_vector(
        &mut self,
        newest: u32,
        vector: AckVector<'_>,
        in_order: bool,
        delayed: bool,
        time: Timestamp,
    ) {
        if self.data.is_empty() {
            return;
        }
        let newest = self.data.unwrap(newest, 32);
        let once = |carried: &&Carried| {
            carried.fate.is_seen() && !carried.fate.is_repeated() && !carried.fate.is_received(0)
        };
        let timed = self.data.get(newest).filter(once).map(|carried| self.numbers.unwrap(carried.last, 32));
        // Newest run first, as real peers have it; and the other way round, as some read the document.
        let mut end = newest + 1;
        // A receiver that wants everything has all that it does not speak of any more.
        let covered: u64 = vector.runs().map(|run| u64::from(run.count)).sum();
        let lowest = end.saturating_sub(covered);
        if in_order && covered > 0 && self.settled < lowest {
            for reading in 0..READINGS {
                self.report(reading, self.settled..lowest, AckState::DATAGRAM_RECEIVED, time);
            }
            self.settled = lowest;
        }
        for run in vector.runs() {
            let start = end.saturating_sub(u64::from(run.count));
            self.report(0, start..end, run.state, time);
            end = start;
        }
        for run in vector.runs() {
            let next = end + u64::from(run.count);
            self.report(1, end..next, run.state, time);
            end = next;
        }
        if let Some(number) = timed.filter(|_| !delayed)
            && let Some(sent) = self.numbers.get(number).filter(|sent| sent.fate.is_received(0))
        {
            self.took(time.since(sent.time));
        }
        self.settle();
    }

    /// What a run of a vector says of data, under one reading.
    fn report(&mut self, reading: usize, run: Range<u64>, state: AckState, time: Timestamp) {
        let received = match state {
            AckState::DATAGRAM_RECEIVED => true,
            AckState::DATAGRAM_NOT_YET_RECEIVED => false,
            _ => return,
        };
        for data in run.start.max(self.data.base())..run.end.min(self.data.end()) {
            let Some(carried) = self.data.get_mut(data) else { continue };
            if carried.fate.is_received(reading) {
                self.contradictions[reading] += u64::from(!received);
                continue;
            }
            let known = *carried;
            if received {
                carried.fate.receive(reading);
                self.totals.missed[reading] += u64::from(!known.fate.is_seen());
            }
            let last = self.numbers.unwrap(known.last, 32);
            let Some(transmission) = self.numbers.get_mut(last).filter(|_| known.fate.is_seen()) else {
                continue;
            };
            if !received {
                transmission.fate.miss(reading);
                continue;
            }
            transmission.fate.receive(reading);
            // Too soon for the repeat: the answer is to what was sent first, which was not lost.
            let soon = self.fastest != i64::MAX && time.since(transmission.time) < self.fastest / 10 * 9;
            let before = self.numbers.unwrap(known.before, 32);
            if soon
                && known.fate.is_repeated()
                && let Some(first) = self.numbers.get_mut(before)
            {
                first.fate.receive(reading);
            }
        }
    }

    /// The other end's acknowledgement, version 3: of `ack.seq`, those named beside it, and all before them that are
    /// not known to be missing.
    pub(super) fn acknowledged_by(&mut self, ack: &rdpeudp2::Ack<'_>, time: Timestamp) {
        let newest = self.numbers.unwrap(u32::from(ack.seq), 16);
        // What the capture lacks is acknowledged all the same.
        let end = self.numbers.end();
        if self.first != 0 && newest >= end && newest - end < UNSEEN {
            self.settle_to((newest - JUMP).min(end));
            self.numbers.cover(newest);
        }
        let Some(sent) = self.numbers.get(newest) else { return };
        if sent.fate.is_seen() && !sent.fate.is_settled() {
            let held = i64::from(ack.send_ack_time_gap) * Timestamp::MILLISECOND;
            self.took(time.since(sent.time).saturating_sub(held));
        }
        let named = newest.saturating_sub(ack.delayed.len() as u64);
        for number in self.acknowledged.max(self.numbers.base())..named {
            let floor = self.floor;
            if let Some(sent) = self.numbers.get_mut(number) {
                let fate = &mut sent.fate;
                // What is below the floor may have been given up rather than received.
                let doubtful = fate.is_missing(0) || fate.is_repeated();
                if fate.is_seen() && !(doubtful && number < floor) {
                    fate.receive_all();
                }
            }
        }
        for number in named.max(self.numbers.base())..=newest {
            if let Some(sent) = self.numbers.get_mut(number) {
                sent.fate.receive_all();
            }
        }
        self.acknowledged = self.acknowledged.max(newest + 1);
        self.settle();
    }

    /// The other end's acknowledgement with holes, version 3.
    pub(super) fn acknowledged_with_holes(&mut self, vector: rdpeudp2::AckVec<'_>, time: Timestamp) {
        if self.numbers.is_empty() {
            return;
        }
        let base = self.numbers.unwrap(u32::from(vector.base_seq), 16);
        let reports = || {
            let each = vector.elements().flat_map(|element| {
                let (count, bits) = match element.states {
                    AckStates::Bitmap(bits) => (7, u64::from(bits)),
                    AckStates::Run { received, count } => (count, if received { u64::MAX } else { 0 }),
                };
                (0..count).map(move |at| bits >> at & 1 == 1)
            });
            (base..).zip(each)
        };
        // What is behind the last one that came says nothing.
        let Some(last) = reports().filter(|(_, received)| *received).map(|(number, _)| number).last() else {
            return;
        };
        for (number, received) in reports().take_while(|(number, _)| *number <= last) {
            let Some(sent) = self.numbers.get_mut(number) else { continue };
            if !received {
                sent.fate.miss_all();
                continue;
            }
            let newly = number == last && sent.fate.is_seen() && !sent.fate.is_settled();
            let sent_at = sent.time;
            sent.fate.receive_all();
            // 255: not told.
            if newly && let Some((_, gap)) = vector.time.filter(|(_, gap)| *gap != u8::MAX) {
                let held = i64::from(gap) * Timestamp::MILLISECOND;
                self.took(time.since(sent_at).saturating_sub(held));
            }
        }
        self.settle();
    }

    /// The sender says from where on it wants reports.
    pub(super) fn wants_reports_from(&mut self, number: u16) {
        if !self.numbers.is_empty() {
            self.floor = self.floor.max(self.numbers.unwrap(u32::from(number), 16));
        }
    }

    fn took(&mut self, nanoseconds: i64) {
        if nanoseconds > 0 {
            self.rtt.add(nanoseconds);
            self.fastest = self.fastest.min(nanoseconds);
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

    /// What is known, where the other end's last datagram came at `heard`: what was sent later met a dead path or a
    /// capture that ended, and nothing is known of it.
    pub(super) fn measure(&self, heard: Option<Timestamp>) -> Measured {
        let mut totals = self.totals;
        let late = |sent: &Transmission| sent.fate.is_seen() && heard.is_some_and(|heard| sent.time > heard);
        let mut cut = self.numbers.end();
        for (number, sent) in self.numbers.iter() {
            if late(sent) {
                cut = number;
                break;
            }
            totals.add(sent.fate);
        }
        let reports_data = self.numbering == Numbering::Data;
        let reading = usize::from(self.contradictions[1] < self.contradictions[0]);
        let sent = if self.first == 0 { 0 } else { (cut - self.first).saturating_sub(self.passed_by) };
        let missed = totals.missed[reading];
        // With error correction, what arrived may have been lost on its way all the same.
        let known = if reports_data && self.extra == 0 { missed } else { 0 };
        let holes = totals.holes[reading].saturating_sub(known);
        let mended = reports_data && self.extra > 0;
        // What error correction mended was lost all the same.
        let behind = totals.lost[reading] + if mended { totals.mended[reading] } else { 0 };
        // What nobody reports is taken to be lost as often as the rest: error correction, and repeats of what had
        // arrived.
        let unknown = totals.idle[reading] + if mended { self.extra } else { 0 };
        let seen = sent.saturating_sub(holes);
        let behind = behind * seen / seen.saturating_sub(unknown).max(1);
        // Acknowledgements that are not marked as delayed may be delayed all the same.
        let percentile = if reports_data { 10 } else { 50 };
        let at_least = mended && behind > 0;
        Measured {
            at_least,
            sent,
            lost: (holes + behind).min(sent),
            missed,
            repeats: self.repeats,
            extra: self.extra,
            rtt: self.rtt.percentile(percentile).filter(|_| self.rtt.count() >= ENOUGH),
        }
    }
}
