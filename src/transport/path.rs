//! What a connection showed of the path that its packets took: what passed and what did not, pauses that
//! loss explains, probes, and how regular a sender's packets are.

use super::facts::{Marks, Rare, Repeats, Rst, TcpFacts};
use crate::base::{Dir, Seen, Span, Stamp, Timestamp};
use crate::packet::IcmpError;

/// A wait that users notice.
const STALL: i64 = Timestamp::SECOND;
/// Steps of the IPv4 identification from one packet of a sender to its next that are a running count: a
/// burst cut by offload takes one number a segment.
const ID_STEP: u16 = 64;
/// Routers before RFC 1191 name no size; every IPv4 path carries this (RFC 791, section 3.2).
const SMALLEST: u32 = 576;

/// How the packets of one end fared, and how they look.
#[derive(Clone, Debug, Default)]
pub struct PathFacts {
    /// Largest IP packet length in bytes of a packet with payload; above the MTU where offload was not
    /// done yet, or was undone.
    pub largest: u32,
    /// Whether the last packet with payload forbade fragmentation.
    pub dont_fragment: bool,
    /// Selective acknowledgements (RFC 2018) of bytes behind the oldest one that was not acknowledged.
    pub selective: Rare<Repeats>,
    /// Largest IP packet length in bytes that was acknowledged in that way.
    pub largest_selective: u32,
    /// Shortest time in nanoseconds, at the capture point, from a packet sent once to its acknowledgement.
    pub fastest: Option<i64>,
    /// Waits of more than a second that loss explains: from a byte's first sending to the acknowledgement
    /// of a repeat, or from the packet that showed a hole to the one that filled it.
    pub stalls: u32,
    /// Nanoseconds of those together.
    pub stalled: i64,
    /// The longest of them.
    pub longest_stall: Rare<Span>,
    /// The last of them.
    pub last_stall: Rare<Span>,
    /// Keep-alives and window probes since the other end's last packet.
    pub probes: Rare<Repeats>,
    /// Packets that repeated what the other end had already acknowledged.
    pub needless: Rare<Repeats>,
    /// Packets after this end's first RST that repeat bytes sent before it.
    pub repeats_after_rst: Rare<Repeats>,
    /// The hole that is open, or was when the connection ended.
    pub open_hole: Rare<OpenHole>,
    /// Packets without payload whose sequence numbers lie beyond all that was seen of their sender: it had sent
    /// bytes that never came. `None` where they came after all.
    pub ahead: Rare<Ahead>,
    /// Where this end closed its receive window, which it has not opened again.
    pub closed: Rare<Stamp>,
    /// The first RST of this end that the other took no notice of: the connection went on.
    pub ignored_rst: Rare<Stamp>,
    /// Packets whose IPv4 identification was a little above that of the packet before.
    pub id_steps: u32,
    /// Packets whose IPv4 identification was anything else.
    pub id_jumps: u32,
}

/// Bytes that never came, though later ones did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenHole {
    /// The packets with payload that came behind it.
    pub behind: Repeats,
    /// Largest IP packet length in bytes of those.
    pub largest: u32,
    /// How many bytes; filled in when the connection ends.
    pub len: u64,
}

/// See [`PathFacts::ahead`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// The packets.
    pub packets: Repeats,
    /// Stream offset that the last of them names.
    pub offset: u64,
}

/// A router said that a packet was too big for its next link (RFC 1191, RFC 8201).
#[derive(Clone, Debug)]
pub struct TooBig {
    /// What it said.
    pub error: Seen<IcmpError>,
    /// Of packets sent in this direction.
    pub dir: Dir,
    /// Repeats of older bytes, sent in that direction after it, that were still too big.
    pub ignored: Rare<Repeats>,
}

impl TooBig {
    /// Whether `error` is one.
    pub fn is(error: &IcmpError) -> bool {
        matches!((error.v6, error.kind, error.code), (false, 3, 4) | (true, 2, _))
    }

    /// Notes a repeat of older bytes.
    pub(super) fn repeated(&mut self, dir: Dir, ip_len: u32, stamp: Stamp) {
        if dir == self.dir && ip_len > self.error.value.mtu.unwrap_or(SMALLEST) {
            add(&mut self.ignored, stamp);
        }
    }
}

pub(super) fn add(repeats: &mut Rare<Repeats>, stamp: Stamp) {
    add_all(repeats, stamp, 1);
}

/// Adds `count` packets, the last of them at `stamp`.
pub(super) fn add_all(repeats: &mut Rare<Repeats>, stamp: Stamp, count: u32) {
    match repeats {
        Some(repeats) => {
            repeats.last = stamp;
            repeats.count = repeats.count.saturating_add(count);
        }
        None => *repeats = Some(Box::new(Repeats { first: stamp, last: stamp, count })),
    }
}

impl PathFacts {
    /// A wait that loss explains; several bytes may wait at the same time.
    // Inlined, so that no stamp is written down for it to read.
    #[inline(always)]
    pub(super) fn waited(&mut self, from: Stamp, until: Stamp) {
        let time = until.time.since(from.time);
        if time <= STALL || self.last_stall.as_ref().is_some_and(|last| from.before(&last.last)) {
            return;
        }
        let span = Span { first: from, last: until };
        self.stalls = self.stalls.saturating_add(1);
        self.stalled = self.stalled.saturating_add(time);
        self.last_stall = Some(Box::new(span));
        if self.longest_stall.as_ref().is_none_or(|span| span.last.time.since(span.first.time) < time) {
            self.longest_stall = Some(Box::new(span));
        }
    }

    /// The other end says at `now` that it had what was repeated: what was just counted was no loss.
    #[inline(always)]
    pub(super) fn needless_repeat(&mut self, now: Stamp) {
        const SOON: i64 = STALL / 2;
        if let Some(span) = self.last_stall.take_if(|span| now.time.since(span.last.time) <= SOON) {
            self.stalls = self.stalls.saturating_sub(1);
            self.stalled = self.stalled.saturating_sub(span.last.time.since(span.first.time));
            self.longest_stall.take_if(|longest| *longest == span);
        }
    }

    /// A packet came behind a hole.
    pub(super) fn behind_hole(&mut self, stamp: Stamp, ip_len: u32) {
        if let Some(hole) = &mut self.open_hole {
            hole.behind.last = stamp;
            hole.behind.count = hole.behind.count.saturating_add(1);
            hole.largest = hole.largest.max(ip_len);
        } else {
            self.open_hole =
                Some(Box::new(OpenHole { behind: Repeats::once(stamp), largest: ip_len, len: 0 }));
        }
    }

    /// A packet without payload stands at `offset`, beyond `seen`, which is all that was seen of its sender.
    pub(super) fn stands_ahead(&mut self, offset: u64, seen: u64, stamp: Stamp) {
        match &mut self.ahead {
            Some(ahead) if ahead.offset > seen => {
                ahead.offset = offset;
                ahead.packets.last = stamp;
                ahead.packets.count = ahead.packets.count.saturating_add(1);
            }
            _ => self.ahead = Some(Box::new(Ahead { packets: Repeats::once(stamp), offset })),
        }
    }

    /// The receive window is closed, or open.
    pub(super) fn window(&mut self, closed: bool, stamp: Stamp) {
        match (closed, &self.closed) {
            (true, None) => self.closed = Some(Box::new(stamp)),
            (false, Some(_)) => self.closed = None,
            _ => {}
        }
    }

    /// A packet sent once was acknowledged after `time` nanoseconds.
    pub(super) fn answered(&mut self, time: i64) {
        if time >= 0 && self.fastest.is_none_or(|fastest| time < fastest) {
            self.fastest = Some(time);
        }
    }

    /// The identification of a packet and of the one before.
    #[inline(always)]
    pub(super) fn identification(&mut self, before: Option<Marks>, now: &Marks) {
        let (Some(before), Some(now)) = (before.and_then(|marks| marks.ip_id), now.ip_id) else { return };
        if (1..=ID_STEP).contains(&now.wrapping_sub(before)) {
            self.id_steps = self.id_steps.saturating_add(1);
        } else {
            self.id_jumps = self.id_jumps.saturating_add(1);
        }
    }

    /// Whether the identifications count up packet by packet.
    pub fn counts_identifications(&self) -> bool {
        const ENOUGH: u32 = 8;
        self.id_steps >= ENOUGH && self.id_jumps.saturating_mul(8) <= self.id_steps
    }
}

impl Rst {
    /// How far the identification is from that of its sender's packet before, where both have one.
    pub fn identification_off_by(&self) -> Option<u16> {
        let step = self.ip_id?.wrapping_sub(self.prior?.ip_id?);
        Some(step.min(step.wrapping_neg()))
    }
}

/// Whether an acknowledgement of new payload, sent in `dir`, shows that no RST ended the connection: the RST's
/// receiver has what came after it, or its sender has what the receiver sent long after it.
pub(super) fn outlives_reset(facts: &TcpFacts, dir: Dir, now: Stamp) -> bool {
    const LONG: i64 = Timestamp::SECOND;
    let (own, peer) = (&facts.dir[dir], &facts.dir[dir.flip()]);
    let received = peer.rst.as_ref().is_some_and(|rst| peer.acked > rst.sent && rst.stamp.time <= now.time);
    let sent = own.rst.as_ref().is_some_and(|rst| {
        peer.acked >= peer.sent && peer.last_data.is_some_and(|data| data.time.since(rst.stamp.time) > LONG)
    });
    peer.acked <= peer.sent && (received || sent)
}

/// The RSTs so far ended nothing.
pub(super) fn forget_resets(facts: &mut TcpFacts) {
    facts.closing.take_if(|closing| closing.reset);
    for dir in Dir::BOTH {
        let facts = &mut facts.dir[dir];
        if let Some(rst) = facts.rst.take() {
            facts.path.ignored_rst.get_or_insert_with(|| Box::new(rst.stamp));
        }
        (facts.data_after_rst, facts.beyond_rst, facts.path.repeats_after_rst) = (None, None, None);
    }
}
