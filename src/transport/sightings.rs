//! One packet seen several times: at a mirror port, on `any`, on both sides of a router.

use crate::base::Timestamp;

/// What two sightings of one packet have in common, within one direction of one connection.
///
/// The time to live and the link header differ between sightings. The checksum may differ too where
/// one of them was taken before an offload engine filled it in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Print {
    pub time: Timestamp,
    pub seq: u32,
    pub ack: u32,
    /// Payload bytes on the wire.
    pub len: u32,
    /// TSval, where `timestamped`.
    pub timestamp: u32,
    /// IPv4 identification, 0 where there is none.
    pub ip_id: u16,
    pub checksum: u16,
    pub interface: u16,
    pub flags: u8,
    pub timestamped: bool,
}

const _: () = assert!(size_of::<Print>() == 32);

const RST: u8 = 0x04;

impl Print {
    /// The same for every sighting, and hardly ever for another packet.
    #[inline]
    fn hint(&self) -> u32 {
        self.seq ^ self.ack.rotate_left(13) ^ self.len.rotate_left(24) ^ u32::from(self.ip_id)
    }

    /// Whether both are the same packet. `within` is [`crate::base::Limits::sighting`].
    pub(super) fn same(&self, other: &Print, within: i64) -> bool {
        let apart = self.time.since(other.time).saturating_abs();
        if (self.seq, self.ack, self.len, self.flags) != (other.seq, other.ack, other.len, other.flags)
            || apart > within
            || self.ip_id != other.ip_id
        {
            return false;
        }
        if self.ip_id != 0 {
            return true;
        }
        // Without an identification, a fast retransmission on a LAN looks like a second sighting;
        // senders without timestamps are believed to need a millisecond for one.
        self.checksum == other.checksum
            && (self.timestamped, self.timestamp) == (other.timestamped, other.timestamp)
            && (self.timestamped
                || self.flags & RST != 0
                || self.interface != other.interface
                || apart <= Timestamp::MILLISECOND)
    }
}

/// The last packets of a direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    /// [`Print::hint`] of each of `prints`, in one place to look through.
    hints: [u32; Self::KEPT],
    prints: [Print; Self::KEPT],
    /// How many were remembered so far.
    count: u64,
}

impl Recent {
    /// Sightings of one packet may have a burst of others between them.
    const KEPT: usize = 8;

    /// Whether the packet was seen before; remembers it where it was not.
    #[inline(always)]
    pub(super) fn seen(&mut self, print: Print, within: i64) -> bool {
        if self.may_have_seen(&print) && self.has(print, within) {
            return true;
        }
        self.remember(print);
        false
    }

    /// Whether the packet may have been seen before; hardly ever where it was not.
    #[inline(always)]
    pub(super) fn may_have_seen(&self, print: &Print) -> bool {
        self.hints.contains(&print.hint())
    }

    /// Remembers a packet that cannot have been seen before.
    #[inline(always)]
    pub(super) fn remember(&mut self, print: Print) {
        let at = self.count as usize % Self::KEPT;
        self.hints[at] = print.hint();
        self.prints[at] = print;
        self.count += 1;
    }

    #[cold]
    fn has(&self, print: Print, within: i64) -> bool {
        self.prints.iter().take(self.count as usize).any(|old| old.same(&print, within))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: i64 = 5 * Timestamp::MILLISECOND;

    fn print(ms: i64) -> Print {
        Print {
            time: Timestamp(ms * Timestamp::MILLISECOND),
            seq: 1,
            ack: 2,
            len: 10,
            timestamp: 0,
            ip_id: 77,
            checksum: 5,
            interface: 0,
            flags: 0x18,
            timestamped: false,
        }
    }

    #[test]
    fn the_identification_decides() {
        assert!(print(0).same(&Print { checksum: 9, ..print(4) }, WITHIN));
        assert!(!print(0).same(&Print { ip_id: 78, ..print(4) }, WITHIN));
        assert!(!print(0).same(&print(6), WITHIN));
        assert!(!print(0).same(&Print { seq: 3, ..print(1) }, WITHIN));
    }

    #[test]
    fn without_identification_timestamps_decide() {
        let bare = |ms, timestamp: Option<u32>| {
            let (timestamped, timestamp) = (timestamp.is_some(), timestamp.unwrap_or(0));
            Print { ip_id: 0, timestamp, timestamped, ..print(ms) }
        };
        assert!(bare(0, Some(4)).same(&bare(4, Some(4)), WITHIN));
        assert!(!bare(0, Some(4)).same(&bare(4, Some(8)), WITHIN));
        assert!(!bare(0, Some(4)).same(&Print { checksum: 9, ..bare(4, Some(4)) }, WITHIN));
        assert!(!bare(0, None).same(&bare(4, None), WITHIN), "may be a retransmission");
        assert!(bare(0, None).same(&Print { interface: 1, ..bare(4, None) }, WITHIN));
        let rst = |ms| Print { flags: RST, len: 0, ..bare(ms, None) };
        assert!(rst(0).same(&rst(4), WITHIN));
        assert!(!rst(0).same(&rst(6), WITHIN));
    }

    #[test]
    fn remembers_the_last_eight() {
        let mut recent = Recent::default();
        let n = |n: u16| Print { ip_id: n + 1, seq: u32::from(n), ..print(0) };
        for i in 0..20 {
            assert!(!recent.seen(n(i), WITHIN));
            assert!(recent.seen(n(i), WITHIN));
        }
        for i in 12..20 {
            assert!(recent.seen(n(i), WITHIN));
        }
        assert!(!recent.seen(n(11), WITHIN));
    }
}
