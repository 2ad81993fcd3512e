//! A connection before its first payload byte: the header fields of a few packets, from which the facts
//! are made when somebody wants them. A scan of a million sources is a million of these.

use super::options::Options;
use super::sightings::Print;
use super::table::Class;
use crate::base::{Seen, Stamp, Timestamp};
use crate::packet::{IcmpError, Meta, Segment, TcpFlags};
use crate::transport::Marks;

/// The header of one packet, from the wire or from a [`Record`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub marks: Marks,
    pub seq: u32,
    pub ack: u32,
    pub flags: TcpFlags,
    pub mss: Option<u16>,
    pub sack: bool,
    /// Payload bytes on the wire.
    pub len: u32,
}

impl Head {
    #[inline(always)]
    pub(super) fn of(meta: &Meta, segment: &Segment<'_>, options: &Options) -> Self {
        Head {
            marks: marks(meta, segment, options),
            seq: segment.seq,
            ack: segment.ack,
            flags: segment.flags,
            mss: options.mss,
            sack: options.sack,
            len: segment.payload_len,
        }
    }

    pub(super) fn has(&self, flags: TcpFlags) -> bool {
        self.flags.contains(flags)
    }
}

#[inline(always)]
pub(super) fn marks(meta: &Meta, segment: &Segment<'_>, options: &Options) -> Marks {
    Marks {
        stamp: meta.stamp,
        ttl: meta.ttl,
        ip_id: meta.ip_id,
        window: segment.window,
        timestamps: options.timestamps.is_some(),
        interface: interface(meta),
    }
}

#[inline(always)]
pub(super) fn print(meta: &Meta, segment: &Segment<'_>, options: &Options) -> Print {
    Print {
        time: meta.stamp.time,
        seq: segment.seq,
        ack: segment.ack,
        len: segment.payload_len,
        timestamp: options.timestamps.map_or(0, |(val, _)| val),
        ip_id: meta.ip_id.unwrap_or(0),
        checksum: segment.checksum,
        interface: interface(meta),
        flags: segment.flags.0,
        timestamped: options.timestamps.is_some(),
    }
}

fn interface(meta: &Meta) -> u16 {
    u16::try_from(meta.interface).unwrap_or(u16::MAX)
}

/// Packets of one direction without payload that are alike in flags, sequence and acknowledgement number.
#[derive(Clone, Copy, Debug)]
struct Record {
    first: Stamp,
    last: Stamp,
    count: u32,
    seq: u32,
    ack: u32,
    last_timestamp: u32,
    window: u16,
    /// 0: not offered.
    mss: u16,
    first_ip_id: u16,
    last_ip_id: u16,
    last_checksum: u16,
    interface: u16,
    duplicate_frames: u8,
    ttl: u8,
    flags: TcpFlags,
    bits: u8,
}

const FROM_A: u8 = 1;
const SACK: u8 = 2;
const TIMESTAMPS: u8 = 4;
const V4: u8 = 8;

impl Record {
    fn new(head: &Head, print: &Print, from_a: bool) -> Self {
        let bit = |on, bit| if on { bit } else { 0 };
        Record {
            first: head.marks.stamp,
            last: head.marks.stamp,
            count: 1,
            seq: head.seq,
            ack: head.ack,
            last_timestamp: print.timestamp,
            window: head.marks.window,
            mss: head.mss.unwrap_or(0),
            first_ip_id: print.ip_id,
            last_ip_id: print.ip_id,
            last_checksum: print.checksum,
            interface: print.interface,
            duplicate_frames: 0,
            ttl: head.marks.ttl,
            flags: head.flags,
            bits: bit(from_a, FROM_A)
                | bit(head.sack, SACK)
                | bit(head.marks.timestamps, TIMESTAMPS)
                | bit(head.marks.ip_id.is_some(), V4),
        }
    }

    fn by_a(&self) -> bool {
        self.bits & FROM_A != 0
    }

    fn has(&self, flags: TcpFlags) -> bool {
        self.flags.contains(flags)
    }

    fn last_print(&self) -> Print {
        Print {
            time: self.last.time,
            seq: self.seq,
            ack: self.ack,
            len: 0,
            timestamp: self.last_timestamp,
            ip_id: self.last_ip_id,
            checksum: self.last_checksum,
            interface: self.interface,
            flags: self.flags.0,
            timestamped: self.bits & TIMESTAMPS != 0,
        }
    }

    fn head(&self, stamp: Stamp, ip_id: u16) -> Head {
        Head {
            marks: Marks {
                stamp,
                ttl: self.ttl,
                ip_id: (self.bits & V4 != 0).then_some(ip_id),
                window: self.window,
                timestamps: self.bits & TIMESTAMPS != 0,
                interface: self.interface,
            },
            seq: self.seq,
            ack: self.ack,
            flags: self.flags,
            mss: (self.mss != 0).then_some(self.mss),
            sack: self.bits & SACK != 0,
            len: 0,
        }
    }
}

/// One record and those that came after it: each a box of its own, so that nothing is set aside.
#[derive(Debug)]
struct Node {
    record: Record,
    more: Option<Box<Node>>,
}

/// See the module. Never empty.
#[derive(Debug)]
pub(super) struct Embryo {
    node: Box<Node>,
    pub icmp: Option<Box<Seen<IcmpError>>>,
}

/// One packet, or several alike, for the facts.
pub(super) struct Replay {
    pub from_a: bool,
    pub head: Head,
    /// The packets after the first, where there are any.
    pub repeats: Option<(Head, u32)>,
    pub last_print: Print,
    pub duplicate_frames: u8,
}

/// What is known of one side's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// Sequence number of the first byte.
    pub seq: u32,
    /// From its SYN.
    pub syn: bool,
}

/// SYN, RST, SYN-ACK and the acknowledgement; or SYN, SYN-ACK, acknowledgement and the first FIN.
const RECORDS: usize = 4;

impl Embryo {
    pub(super) fn new(head: &Head, print: &Print, from_a: bool) -> Self {
        Embryo { node: Box::new(Node { record: Record::new(head, print, from_a), more: None }), icmp: None }
    }

    /// Takes a packet without payload; false where there is no room for it.
    pub(super) fn add(&mut self, head: &Head, print: &Print, from_a: bool, within: i64) -> bool {
        let mut node = &mut self.node;
        for _ in 0..RECORDS {
            let record = &mut node.record;
            if (record.by_a(), record.flags, record.seq, record.ack)
                == (from_a, head.flags, head.seq, head.ack)
            {
                if record.last_print().same(print, within) {
                    record.duplicate_frames = record.duplicate_frames.saturating_add(1);
                } else {
                    record.count = record.count.saturating_add(1);
                    record.last = head.marks.stamp;
                    record.last_ip_id = print.ip_id;
                    record.last_checksum = print.checksum;
                    record.last_timestamp = print.timestamp;
                }
                return true;
            }
            if node.more.is_none() {
                break;
            }
            // The borrow checker wants the test and the step apart.
            let Some(more) = &mut node.more else { break };
            node = more;
        }
        if self.records().count() >= RECORDS {
            return false;
        }
        let mut end = &mut self.node.more;
        while let Some(node) = end {
            end = &mut node.more;
        }
        *end = Some(Box::new(Node { record: Record::new(head, print, from_a), more: None }));
        true
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        std::iter::successors(Some(&self.node), |node| node.more.as_ref()).map(|node| &node.record)
    }

    pub(super) fn first(&self) -> Stamp {
        self.node.record.first
    }

    pub(super) fn last(&self) -> Timestamp {
        self.records().map(|record| record.last.time).max().unwrap_or_default()
    }

    pub(super) fn replay(&self) -> impl Iterator<Item = Replay> {
        self.records().map(|record| Replay {
            from_a: record.by_a(),
            head: record.head(record.first, record.first_ip_id),
            repeats: (record.count > 1)
                .then(|| (record.head(record.last, record.last_ip_id), record.count - 1)),
            last_print: record.last_print(),
            duplicate_frames: record.duplicate_frames,
        })
    }

    /// Whether either side's SYN was seen.
    pub(super) fn has_syn(&self) -> bool {
        self.records().any(|record| record.has(TcpFlags::SYN))
    }

    pub(super) fn base(&self, of_a: bool) -> Option<Base> {
        let mut guess = None;
        for record in self.records().filter(|record| !record.has(TcpFlags::RST)) {
            if record.by_a() == of_a {
                if record.has(TcpFlags::SYN) {
                    return Some(Base { seq: record.seq.wrapping_add(1), syn: true });
                }
                guess = guess.or(Some(record.seq));
            } else if record.has(TcpFlags::ACK) {
                guess = guess.or(Some(record.ack));
            }
        }
        guess.map(|seq| Base { seq, syn: false })
    }

    pub(super) fn class(&self, client_is_a: bool) -> Class {
        let client = self.base(client_is_a);
        let (mut syn_ack, mut refused, mut fins) = (false, false, [false; 2]);
        for record in self.records() {
            let from_client = record.by_a() == client_is_a;
            if record.has(TcpFlags::RST) {
                if !from_client && !syn_ack && refuses(client, record.flags, record.seq, record.ack) {
                    refused = true;
                } else if self.base(record.by_a()).is_none_or(|base| plausible_reset(record.seq, base.seq)) {
                    return Class::ClosedHalfOpen;
                }
            } else if record.has(TcpFlags::SYN) {
                syn_ack |= !from_client && record.has(TcpFlags::ACK);
            } else if record.has(TcpFlags::FIN) {
                fins[usize::from(from_client)] = true;
            }
        }
        match (fins, refused && !syn_ack) {
            ([true, true], _) => Class::ClosedHalfOpen,
            (_, true) => Class::Refused,
            _ => Class::HalfOpen,
        }
    }
}

/// Whether a server's RST, before any SYN-ACK, answers the SYN (RFC 9293, section 3.10.7.1).
pub(super) fn refuses(client: Option<Base>, flags: TcpFlags, seq: u32, ack: u32) -> bool {
    client
        .is_some_and(|base| base.syn && (seq == 0 || flags.contains(TcpFlags::ACK) && answers(base.seq, ack)))
}

/// Whether an acknowledgement is one of a SYN, and of what may have come with it (RFC 7413).
pub(super) fn answers(base: u32, ack: u32) -> bool {
    u16::try_from(ack.wrapping_sub(base)).is_ok()
}

/// Whether a RST can belong to a sender whose stream starts at `base` and has carried nothing yet, rather
/// than to an older connection between the same ports. Windows reach 16 MiB in handshakes at most.
pub(super) fn plausible_reset(seq: u32, base: u32) -> bool {
    (-1..=1 << 24).contains(&(seq.wrapping_sub(base) as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_open_flows_are_small() {
        assert!(size_of::<Node>() <= 88, "{}", size_of::<Node>());
        let slot = size_of::<super::super::table::Slot<super::super::flows::Body<()>>>();
        assert!(slot <= 88, "{slot}");
    }
}
