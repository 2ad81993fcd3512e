//! One direction of a connection: where its stream stands, and which segments were sent again.

use std::collections::VecDeque;

use super::assembler::Assembler;
use super::embryo::Head;
use super::facts::{DirFacts, Repeats};
use super::options::Options;
use super::path;
use crate::base::{FrameRef, Stamp, Timestamp};
use crate::packet::{Meta, TcpFlags};

/// Segments farther ahead than any window (RFC 7323: 1 GiB) belong to something else.
pub(super) const FARTHEST: u64 = 1 << 30;
/// Packets of the connection to wait for a segment that was already acknowledged: interfaces and the two
/// directions may reach the capture slightly out of order.
const PATIENCE: u8 = 4;
/// Runs of unacknowledged bytes told apart.
const FLIGHTS: usize = 32;
/// Time within which a segment that fills a hole is late rather than sent again, where nothing better is
/// known.
const REORDERING: i64 = 3 * Timestamp::MILLISECOND;
/// No path reorders by more.
const REORDERING_MOST: i64 = 20 * Timestamp::MILLISECOND;

/// Bytes sent and not yet acknowledged, and the packets that carried them.
#[derive(Clone, Copy, Debug)]
struct Flight {
    start: u64,
    end: u64,
    sent: Repeats,
    /// IP length of the last of them.
    ip_len: u32,
    /// IPv4 identification of the same, 0 where there is none.
    ip_id: u16,
}

impl Flight {
    const BLANK: Flight = Flight {
        start: 0,
        end: 0,
        sent: Repeats::once(Stamp { at: FrameRef::new(0, 0), time: Timestamp(0), order: 0 }),
        ip_len: 0,
        ip_id: 0,
    };
}

/// The last repeat counted as loss, until it is known whether it was needed.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    end: u64,
    time: Timestamp,
    tsval: Option<u32>,
}

/// A segment with payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Stream offset of its first byte; negative before the stream's beginning.
    pub start: i64,
    pub len: u32,
    pub stamp: Stamp,
    /// 0 where there is none.
    pub ip_id: u16,
    pub ip_len: u32,
    pub tsval: Option<u32>,
    /// Whether the receiver's packets are seen at all, and whether its window is closed.
    pub peer_seen: bool,
    pub peer_window_closed: bool,
    /// Round trip between both ends in nanoseconds.
    pub rtt: Option<i64>,
    pub dont_fragment: bool,
}

/// What of a segment belongs to the stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub start: u64,
    pub end: u64,
    /// Bytes not seen before.
    pub new: u64,
}

#[derive(Debug, Default)]
pub(super) struct Direction {
    /// Sequence number of stream offset 0.
    base: Option<u32>,
    /// From the SYN.
    pub syn: bool,
    /// From an own packet without payload, which may be a keep-alive.
    unsure: bool,
    pub has_data: bool,
    /// Handed on, or passed by.
    pub next: u64,
    /// After the highest byte known of.
    top: u64,
    /// Offset of the FIN.
    fin: Option<u64>,
    pub window_closed: bool,
    pub store: Assembler,
    flights: VecDeque<Flight>,
    doubt: Option<Doubt>,
    patience: Option<u8>,
}

impl Direction {
    pub(super) fn base(&self) -> Option<u32> {
        self.base
    }

    /// A SYN: the stream starts behind it, whatever was guessed before.
    pub(super) fn synchronize(&mut self, seq: u32) {
        if !self.has_data {
            self.base = Some(seq.wrapping_add(1));
            self.syn = true;
            self.unsure = false;
        }
    }

    /// The first packet of a direction whose SYN was not seen.
    pub(super) fn guess(&mut self, seq: u32, has_payload: bool) {
        if self.base.is_none() {
            self.base = Some(seq);
            self.unsure = !has_payload;
        }
    }

    /// Stream offset of a sequence number, the one nearest to the highest byte known.
    #[inline]
    pub(super) fn place(&self, seq: u32) -> Option<i64> {
        let near = self.base?.wrapping_add(self.top as u32);
        Some((self.top as i64).saturating_add(i64::from(seq.wrapping_sub(near) as i32)))
    }

    /// Stream offset of a sequence number that lies beyond all that was seen, by more than a FIN and no more than a
    /// receive window; and where that ends.
    pub(super) fn ahead(&self, seq: u32) -> Option<(u64, u64)> {
        const WINDOW: u64 = 1 << 20;
        let offset = u64::try_from(self.place(seq)?).ok()?;
        (2..=WINDOW).contains(&offset.checked_sub(self.top)?).then_some((offset, self.top))
    }

    /// A FIN at this offset.
    pub(super) fn finish_at(&mut self, offset: i64) {
        if self.fin.is_none()
            && let Ok(offset) = u64::try_from(offset)
            && (self.top..=self.top.saturating_add(FARTHEST)).contains(&offset)
        {
            self.fin = Some(offset);
        }
    }

    /// The other end acknowledges up to `ack`, believed up to `ahead` bytes beyond what was seen. `rtt`: between the
    /// capture point and the other end.
    #[inline(always)]
    pub(super) fn acknowledged(
        &mut self,
        facts: &mut DirFacts,
        ack: u32,
        ahead: u64,
        stamp: Stamp,
        options: &Options,
        rtt: Option<i64>,
    ) {
        let Some(offset) = self.place(ack) else {
            self.base = Some(ack);
            return;
        };
        if self.unsure && !self.has_data && offset == 1 {
            self.base = self.base.map(|base| base.wrapping_add(1));
            self.unsure = false;
            return;
        }
        let Ok(mut offset) = u64::try_from(offset) else { return };
        if offset > self.top.saturating_add(ahead) {
            return;
        }
        if let Some(fin) = self.fin {
            offset = offset.min(fin);
        }
        if offset > facts.acked {
            (facts.path.selective, facts.path.largest_selective) = (None, 0);
            // A duplicate SACK says that a repeat was not needed.
            let needless = options.block.is_some_and(|(_, right)| ack.wrapping_sub(right) as i32 >= 0);
            self.land(facts, offset, stamp, needless);
            self.settle_doubt(facts, offset, stamp, options, rtt);
        }
        if let Some((left, right)) = options.block {
            self.selective(facts, left, right, stamp);
        }
        // A duplicate SACK reports below the acknowledgement what came twice (RFC 2883, section 4).
        if let (Some(doubt), Some((left, right))) = (self.doubt, options.block)
            && ack.wrapping_sub(right) as i32 >= 0
            && self.place(left).is_some_and(|left| left < doubt.end as i64)
        {
            facts.uncount_lost(doubt.time);
            facts.path.needless_repeat(stamp);
            self.doubt = None;
        }
    }

    /// The other end has all up to `offset`, which it did not say before. `needless`: and what was repeated it had
    /// already.
    #[inline(always)]
    fn land(&mut self, facts: &mut DirFacts, offset: u64, stamp: Stamp, needless: bool) {
        facts.acked = offset;
        facts.acked_at = Some(stamp);
        while let Some(flight) = self.flights.front_mut() {
            if flight.end > offset {
                flight.start = flight.start.max(offset);
                break;
            }
            facts.largest_acked = facts.largest_acked.max(flight.ip_len);
            let Repeats { first, count, .. } = flight.sent;
            if count == 1 {
                let rtt = stamp.time.since(first.time);
                facts.path.answered(rtt);
                if let Some(series) = &mut facts.series {
                    series.answered(stamp.time, rtt);
                }
            } else if !needless {
                facts.path.waited(first, stamp);
            }
            self.flights.pop_front();
        }
        if self.flights.is_empty() {
            // Begins where it began: that is still in the cache.
            self.flights.clear();
        }
    }

    /// Whether the acknowledgement up to `offset` shows that the repeat in doubt was not needed.
    #[inline(always)]
    fn settle_doubt(
        &mut self,
        facts: &mut DirFacts,
        offset: u64,
        stamp: Stamp,
        options: &Options,
        rtt: Option<i64>,
    ) {
        let Some(doubt) = self.doubt.filter(|doubt| offset >= doubt.end) else { return };
        let older = matches!((doubt.tsval, options.timestamps),
            (Some(sent), Some((_, echo))) if (echo.wrapping_sub(sent) as i32) < 0);
        let too_soon = rtt.is_some_and(|rtt| {
            rtt >= Timestamp::MILLISECOND && (0..rtt / 2).contains(&stamp.time.since(doubt.time))
        });
        if older || too_soon {
            facts.uncount_lost(doubt.time);
            facts.path.needless_repeat(stamp);
            self.doubt = None;
        }
    }

    /// Whether the stream is complete so far; `acked` is what the other end acknowledged.
    pub(super) fn is_complete(&self, acked: u64) -> bool {
        self.base.is_some()
            && self.has_data
            && acked <= self.top
            && !self.unsure
            && !self.window_closed
            && self.next == self.top
            && self.fin.is_none()
            && self.patience.is_none()
    }

    /// Whether `seq` is what comes next in a stream that [is complete](Self::is_complete).
    #[inline(always)]
    pub(super) fn is_next(&self, seq: u32) -> bool {
        self.base.is_some_and(|base| base.wrapping_add(self.top as u32) == seq)
    }

    /// Takes the acknowledgement of a stream that is complete. `false` where it is of bytes that were not seen.
    #[inline(always)]
    pub(super) fn confirmed(
        &mut self,
        facts: &mut DirFacts,
        ack: u32,
        stamp: Stamp,
        options: &Options,
        rtt: Option<i64>,
    ) -> bool {
        let Some(offset) = self.place(ack) else { return false };
        if offset > self.top as i64 {
            return false;
        }
        if let Ok(offset) = u64::try_from(offset)
            && offset > facts.acked
        {
            self.land(facts, offset, stamp, false);
            self.settle_doubt(facts, offset, stamp, options, rtt);
        }
        true
    }

    /// Takes payload that comes next in a stream that is complete, and gives where it begins.
    #[inline(always)]
    pub(super) fn went_on(&mut self, facts: &mut DirFacts, meta: &Meta, len: u32) -> u64 {
        let start = self.top;
        let end = start.saturating_add(u64::from(len));
        facts.segments += 1;
        facts.path.largest = facts.path.largest.max(meta.ip_len);
        facts.path.dont_fragment = meta.dont_fragment;
        self.note_flight(start, end, meta.stamp, meta.ip_len, meta.ip_id.unwrap_or(0));
        (self.top, self.next) = (end, end);
        facts.bytes = facts.bytes.saturating_add(u64::from(len));
        facts.last_data = Some(meta.stamp);
        facts.sent = facts.sent.max(end);
        start
    }

    /// The other end has `left..right`, behind bytes that it lacks (RFC 2018).
    fn selective(&self, facts: &mut DirFacts, left: u32, right: u32, stamp: Stamp) {
        let (Some(left), Some(right)) = (self.place(left), self.place(right)) else { return };
        let (Ok(left), Ok(right)) = (u64::try_from(left), u64::try_from(right)) else { return };
        if left <= facts.acked || right > self.top {
            return;
        }
        path::add(&mut facts.path.selective, stamp);
        let within = self.flights.iter().filter(|flight| flight.start >= left && flight.end <= right);
        let largest = within.map(|flight| flight.ip_len).max().unwrap_or(0);
        facts.path.largest_selective = facts.path.largest_selective.max(largest);
    }

    /// Whether a packet carries nothing but asks for an acknowledgement: a keep-alive or a window probe,
    /// whose sequence number is one behind (RFC 9293, section 3.8.4).
    #[inline(always)]
    pub(super) fn is_probe(&self, head: &Head) -> bool {
        const OTHER: u8 = TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0;
        head.len <= 1
            && head.flags.0 & OTHER == 0
            && self.place(head.seq).is_some_and(|offset| offset.saturating_add(1) == self.top as i64)
    }

    /// Counts a segment with payload, before it is put in its place. `None`: no bytes of the stream.
    #[inline(always)]
    pub(super) fn arrived(&mut self, facts: &mut DirFacts, sent: &Sent) -> Option<Arrival> {
        let end = sent.start.saturating_add(i64::from(sent.len));
        let quiet = facts.acked >= self.top || !sent.peer_seen || sent.peer_window_closed;
        if sent.len == 1 && end == self.top as i64 && quiet {
            return None;
        }
        if sent.start < self.top as i64 && self.is_seen_again(sent, end) {
            facts.duplicate_frames += 1;
            return None;
        }
        facts.segments += 1;
        let end = u64::try_from(end).ok().filter(|&end| end > 0)?;
        let start = u64::try_from(sent.start).unwrap_or(0);
        if start > self.top.saturating_add(FARTHEST) {
            return None;
        }
        self.has_data = true;
        facts.first_data.get_or_insert(sent.stamp);
        facts.path.largest = facts.path.largest.max(sent.ip_len);
        facts.path.dont_fragment = sent.dont_fragment;

        let old_end = end.min(self.top);
        let fills = self.unseen(start, old_end);
        let new = fills + end.saturating_sub(start.max(self.top));
        if start < old_end {
            if old_end - start > fills {
                facts.retransmitted += 1;
            }
            if fills > 0 {
                if end <= facts.acked || self.is_late(start, sent) {
                    facts.out_of_order += 1;
                } else {
                    facts.count_lost(sent.stamp.time);
                }
            } else if old_end > facts.acked {
                facts.count_lost(sent.stamp.time);
                self.doubt = Some(Doubt { end: old_end, time: sent.stamp.time, tsval: sent.tsval });
            } else {
                path::add(&mut facts.path.needless, sent.stamp);
            }
        }
        self.note_flight(start.max(facts.acked), end, sent.stamp, sent.ip_len, sent.ip_id);
        self.top = self.top.max(end);
        if self.fin.is_some_and(|fin| fin < self.top) {
            self.fin = None;
        }
        if new > 0 {
            facts.bytes = facts.bytes.saturating_add(new);
            facts.last_data = Some(sent.stamp);
            facts.sent = facts.sent.max(end);
        }
        Some(Arrival { start, end, new })
    }

    /// Whether a repeat is the same packet as before, seen on the other side of a slow router: what is sent again
    /// has a new identification.
    fn is_seen_again(&self, sent: &Sent, end: i64) -> bool {
        /// Half of the shortest retransmission timers.
        const SLOW: i64 = 100 * Timestamp::MILLISECOND;
        let (Ok(start), Ok(end)) = (u64::try_from(sent.start), u64::try_from(end)) else { return false };
        sent.ip_id != 0
            && self.flights.iter().any(|flight| {
                flight.ip_id == sent.ip_id
                    && (flight.start..flight.end).contains(&start)
                    && end == flight.end
                    && flight.ip_len == sent.ip_len
                    && sent.stamp.time.since(flight.sent.last.time) <= SLOW
            })
    }

    #[inline(always)]
    fn unseen(&self, start: u64, end: u64) -> u64 {
        let start = start.max(self.next);
        if start < end { self.store.unseen(start, end) } else { 0 }
    }

    /// Whether a segment that fills a hole was sent before what follows the hole.
    fn is_late(&self, start: u64, sent: &Sent) -> bool {
        self.store
            .after(start)
            .is_some_and(|after| is_earlier(sent.ip_id, sent.stamp, after.ip_id, after.stamp, sent.rtt))
    }

    /// Notes that `start..end` is on its way, once more where it was already.
    #[inline(always)]
    fn note_flight(&mut self, start: u64, end: u64, stamp: Stamp, ip_len: u32, ip_id: u16) {
        // Nearly always something new.
        let new = self.flights.back().is_none_or(|last| last.end <= start);
        let mut at = if new { self.flights.len() } else { self.flights.partition_point(|f| f.end <= start) };
        let mut pos = start;
        if new && pos < end && at < FLIGHTS {
            if self.flights.capacity() == 0 {
                // Most that a scan leaves never sends more than one.
                self.flights.reserve_exact(1);
            }
            // Filled in where it lies, which is quicker than to move it there.
            self.flights.push_back(Flight::BLANK);
            if let Some(flight) = self.flights.back_mut() {
                (flight.start, flight.end) = (start, end);
                (flight.sent.first, flight.sent.last) = (stamp, stamp);
                (flight.ip_len, flight.ip_id) = (ip_len, ip_id);
            }
            return;
        }
        while pos < end {
            let room = self.flights.len() < FLIGHTS;
            let next = self.flights.get(at).copied();
            match next {
                Some(flight) if flight.start < pos && room => {
                    self.flights.insert(at, Flight { end: pos, ..flight });
                    at += 1;
                    self.flights[at].start = pos;
                }
                Some(flight) if flight.start <= pos => {
                    if flight.end > end && room {
                        self.flights.insert(at + 1, Flight { start: end, ..flight });
                        self.flights[at].end = end;
                    }
                    let flight = &mut self.flights[at];
                    flight.sent.last = stamp;
                    flight.sent.count = flight.sent.count.saturating_add(1);
                    flight.ip_len = ip_len;
                    flight.ip_id = ip_id;
                    pos = flight.end;
                    at += 1;
                }
                next => {
                    let stop = next.map_or(end, |next| next.start.min(end));
                    if room {
                        let sent =
                            Flight { start: pos, end: stop, sent: Repeats::once(stamp), ip_len, ip_id };
                        self.flights.insert(at, sent);
                        at += 1;
                    } else if at > 0 {
                        self.flights[at - 1].end = stop;
                    } else {
                        self.flights[0].start = pos;
                    }
                    pos = stop;
                }
            }
        }
    }

    /// The end of the hole at `next`, where the other end acknowledged bytes that were not seen.
    pub(super) fn hole(&self, acked: u64) -> Option<u64> {
        if acked <= self.next {
            return None;
        }
        let seen = self.store.first().map_or(u64::MAX, |piece| piece.offset);
        // One byte behind everything seen: the acknowledgement of a FIN that was not.
        let fin = seen == u64::MAX && acked == self.next + 1 && acked > self.top && self.fin.is_none();
        (!fin).then_some(acked.min(seen))
    }

    /// Counts the packets of the connection while there is a hole; true when it is time to give up on it.
    pub(super) fn impatient(&mut self, acked: u64) -> bool {
        if self.hole(acked).is_none() {
            self.patience = None;
            return false;
        }
        match &mut self.patience {
            None => self.patience = Some(PATIENCE - 1),
            Some(0) => {
                self.patience = None;
                return true;
            }
            Some(left) => *left -= 1,
        }
        false
    }

    /// Bytes between what is known of and the FIN.
    pub(super) fn before_fin(&self) -> u64 {
        self.fin.map_or(0, |fin| fin.saturating_sub(self.next))
    }

    /// Passes by the bytes up to `end`.
    pub(super) fn skip_to(&mut self, end: u64) {
        self.next = self.next.max(end);
        self.top = self.top.max(end);
    }

    /// Fills in what is known once nothing more comes.
    pub(super) fn finish(&self, facts: &mut DirFacts) {
        if let Some(oldest) = self.flights.front() {
            facts.unanswered = Some(Box::new(oldest.sent));
            facts.unanswered_ip_len = oldest.ip_len;
        }
    }
}

/// Whether the packet `one`, seen after `other`, was sent before it: by IP identifications that count up,
/// else by how soon it came. `rtt`: round trip between both ends.
pub(super) fn is_earlier(one_id: u16, one: Stamp, other_id: u16, other: Stamp, rtt: Option<i64>) -> bool {
    if one_id != 0 && other_id != 0 {
        match other_id.wrapping_sub(one_id) as i16 {
            1..=1000 => return true,
            -1000..=-1 => return false,
            _ => {}
        }
    }
    let within = rtt.map_or(REORDERING, |rtt| rtt.min(REORDERING_MOST));
    one.time.since(other.time).saturating_abs() < within
}
