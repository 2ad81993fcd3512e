//! Datagrams of one end that never arrive, however often they are sent.

use super::{Carried, Sent, Transmission};
use crate::base::{Stamp, Timestamp};
use crate::session::Repeats;

/// Datagrams that were never reported received, though the other end was there: the same data again and again, or
/// several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The datagrams; of those that the capture does not show, how many there were, and when others came meanwhile.
    pub all: Repeats,
    /// Whether the capture shows them; at their receiver, only that they are missing shows.
    pub shown: bool,
    /// Length of the smallest of their IP packets in bytes; where they are not shown, of the largest that came before.
    pub ip_len: u16,
    /// Length of the largest IP packet of this direction that did arrive after the first of them; 0 where none is
    /// known.
    pub largest: u16,
}

impl Sent {
    /// Data was sent again: the one that this happens to most often before it arrives is kept in mind.
    pub(super) fn again(&mut self, data: u64, before: u64, ip_len: u32, stamp: Stamp) {
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
                *stuck = Some((data, Stuck { all, shown: true, ip_len, largest: 0 }));
            }
        }
    }

    /// What never arrived, though it was sent again and again, or long before the other end was last heard.
    pub(in super::super) fn stuck(&self, heard: Option<Timestamp>) -> Option<Stuck> {
        let kinds = [self.repeated_in_vain(), heard.and_then(|heard| self.waited_in_vain(heard))];
        let Some(stuck) = kinds.into_iter().flatten().max_by_key(|stuck| stuck.all.count) else {
            return self.never_came();
        };
        let after = |sent: &&Transmission| sent.time > stuck.all.first.time;
        let arrived =
            self.numbers.iter().map(|(_, sent)| sent).filter(after).filter(|sent| sent.fate.is_received(0));
        Some(Stuck { largest: arrived.map(|sent| sent.ip_len).max().unwrap_or(0), ..stuck })
    }

    /// Whether this end went on for a second after `time` and had to send nothing again: it got acknowledgements.
    pub(in super::super) fn is_calm_after(&self, time: Timestamp) -> bool {
        let went_on = self.last.is_some_and(|last| last.time.since(time) >= Timestamp::SECOND);
        went_on && self.repeated.is_none_or(|repeated| repeated < time)
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
        Some(Stuck { all, shown: true, ip_len: waiting().map(|sent| sent.ip_len).min()?, largest: 0 })
    }

    /// At the receiver's end: several data that never came, repeats included, while smaller ones came all the time. With
    /// mere loss a repeat gets through now and then.
    fn never_came(&self) -> Option<Stuck> {
        const SEVERAL: usize = 3;
        const LONG: i64 = 5 * Timestamp::SECOND;
        let lacks = |carried: &Carried| !carried.fate.is_seen() && !carried.fate.is_received(0);
        let first = self.data.iter().find(|(_, carried)| lacks(carried))?.0;
        let behind = || self.data.iter().skip_while(|(data, _)| *data < first).map(|(_, carried)| carried);
        let next = behind().find(|carried| carried.fate.is_seen())?.last;
        let next = self.numbers.unwrap(next, 32);
        let (since, last) = (self.numbers.get(next)?.time, self.last?);
        let (mut holes, mut largest) = (0, 0);
        for (_, sent) in self.numbers.iter().skip_while(|(number, _)| *number < next) {
            if sent.fate.is_seen() {
                largest = largest.max(sent.ip_len);
            } else if !sent.fate.is_received(0) {
                holes += 1;
            }
        }
        let data = behind().filter(|carried| lacks(carried)).count();
        let none_mended = self.mended.is_none_or(|mended| mended < since);
        let repeated = holes as usize > data;
        let all = Repeats { first: Stamp { time: since, ..last }, last, count: holes };
        (data >= SEVERAL && repeated && none_mended && last.time.since(since) >= LONG).then_some(Stuck {
            all,
            shown: false,
            ip_len: self.largest,
            largest,
        })
    }
}
