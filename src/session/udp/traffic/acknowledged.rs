//! What the other end's acknowledgements say of what was sent.

use std::ops::Range;

use super::window::READINGS;
use super::{Carried, JUMP, Sent, UNSEEN};
use crate::base::Timestamp;
use crate::protocol::rdpeudp::{AckRun, AckState, AckVector};
use crate::protocol::rdpeudp2::{self, AckStates};

impl Sent {
    /// The other end's acknowledgement, versions 1 and 2: the vector ends at `newest`, a number of data. `in_order`:
    /// the other end takes nothing while something before it is missing.
    pub(in super::super) fn acknowledged_by_vector(
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
        let whole = in_order && self.arrived[0] == self.arrived[1];
        let mut runs = vector.runs();
        if let (true, Some(AckRun { state: AckState::DATAGRAM_RECEIVED, .. }), None) =
            (whole, runs.next(), runs.next())
        {
            self.all_arrived(end, time);
        } else {
            if in_order && covered > 0 {
                for reading in 0..READINGS {
                    self.report(reading, self.arrived[reading]..lowest, AckState::DATAGRAM_RECEIVED, time);
                }
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
        }
        if let Some(number) = timed.filter(|_| !delayed)
            && let Some(sent) = self.numbers.get(number).filter(|sent| sent.fate.is_received(0))
        {
            self.took(time.since(sent.time));
        }
        self.settle();
    }

    /// All data below `end` arrived, however one reads it: nearly every vector says so.
    fn all_arrived(&mut self, end: u64, time: Timestamp) {
        let from = self.arrived[0].max(self.data.base());
        for data in from..end.min(self.data.end()) {
            let Some(carried) = self.data.get_mut(data) else { continue };
            if carried.fate.is_repeated() || !carried.fate.is_seen() {
                (0..READINGS).for_each(|reading| self.learn(reading, data..data + 1, true, time));
                continue;
            }
            carried.fate.receive_all();
            let last = self.numbers.unwrap(carried.last, 32);
            if let Some(transmission) = self.numbers.get_mut(last) {
                transmission.fate.receive_all();
            }
        }
        self.arrived = [from.max(end.min(self.data.end())); READINGS];
    }

    /// What a run of a vector says of data, under one reading.
    #[inline(always)]
    fn report(&mut self, reading: usize, run: Range<u64>, state: AckState, time: Timestamp) {
        let received = match state {
            AckState::DATAGRAM_RECEIVED => true,
            AckState::DATAGRAM_NOT_YET_RECEIVED => false,
            _ => return,
        };
        // Of most of what it names, most acknowledgements say what others said before.
        let (base, end) = (self.data.base(), run.end.min(self.data.end()));
        let arrived = self.arrived[reading].max(base);
        let start = run.start.max(base);
        if received && start <= arrived {
            self.arrived[reading] = arrived.max(end);
        }
        if !received {
            self.contradictions[reading] += arrived.min(end).saturating_sub(start);
        }
        if start.max(arrived) < end {
            self.learn(reading, start.max(arrived)..end, received, time);
        }
    }

    /// What is reported of data that had not all arrived.
    #[inline(never)]
    fn learn(&mut self, reading: usize, run: Range<u64>, received: bool, time: Timestamp) {
        for data in run {
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
    pub(in super::super) fn acknowledged_by(&mut self, ack: &rdpeudp2::Ack<'_>, time: Timestamp) {
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
    pub(in super::super) fn acknowledged_with_holes(
        &mut self,
        vector: rdpeudp2::AckVec<'_>,
        time: Timestamp,
    ) {
        if self.numbers.is_empty() {
            return;
        }
        let base = self.numbers.unwrap(u32::from(vector.base_seq), 16);
        let reports = || {
            let mut next = base;
            vector.elements().map(move |element| {
                let (count, bits) = match element.states {
                    AckStates::Bitmap(bits) => (7, u64::from(bits)),
                    AckStates::Run { received, count } => {
                        (count, if received { (1_u64 << count) - 1 } else { 0 })
                    }
                };
                let first = next;
                next += u64::from(count);
                (first..next, bits)
            })
        };
        // What is behind the last one that came says nothing.
        let newest = reports().filter_map(|(run, bits)| Some(run.start + u64::from(bits.checked_ilog2()?)));
        let Some(last) = newest.last() else { return };
        let each = reports().flat_map(|(run, bits)| {
            let first = run.start;
            run.map(move |number| (number, bits >> (number - first) & 1 == 1))
        });
        for (number, received) in each.take_while(|(number, _)| *number <= last) {
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
    pub(in super::super) fn wants_reports_from(&mut self, number: u16) {
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
}
