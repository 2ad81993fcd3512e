//! The streams of a capture, learned in a first reading: what of each byte may stay is known only where it lies
//! in its message, and that may come in several packets, out of order, or twice.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::Redactor;
use super::messages;
use crate::packet::{Segment, TcpFlags};

/// Bytes of one direction that are learned: of what comes later nothing stays but headers of records that begin
/// a packet. Setting up a session takes some 20 kB.
const LEARNED: usize = 1 << 20;
/// Bytes of all directions.
const LEARNED_OF_ALL: usize = 1 << 28;
/// Directions that are known; of a scan's that come later nothing stays but headers.
const STREAMS: usize = 1 << 18;

/// One direction of a connection.
#[derive(Debug)]
struct Stream {
    /// Where it begins in the order of reading.
    order: u64,
    /// Sequence number of the first byte.
    base: u32,
    bytes: Vec<u8>,
    /// What came early.
    early: BTreeMap<usize, Vec<u8>>,
    early_bytes: usize,
    rewritten: bool,
}

/// The streams by who sent them to whom.
#[derive(Debug, Default)]
pub(super) struct Streams {
    of: HashMap<(SocketAddr, SocketAddr), Vec<Stream>, ahash::RandomState>,
    learned: usize,
    count: usize,
}

impl Streams {
    /// A segment, in the order of reading.
    pub(super) fn learn(&mut self, from: SocketAddr, to: SocketAddr, segment: &Segment<'_>, order: u64) {
        let syn = segment.flags.contains(TcpFlags::SYN);
        let base = segment.seq.wrapping_add(u32::from(syn));
        if self.count >= STREAMS && !self.of.contains_key(&(from, to)) {
            return;
        }
        let streams = self.of.entry((from, to)).or_default();
        if streams.last().is_none_or(|last| syn && last.base != base) {
            if self.count >= STREAMS {
                return;
            }
            self.count += 1;
            streams.push(Stream {
                order,
                base,
                bytes: Vec::new(),
                early: BTreeMap::new(),
                early_bytes: 0,
                rewritten: false,
            });
        }
        if self.learned < LEARNED_OF_ALL
            && let Some(stream) = streams.last_mut()
        {
            self.learned += stream.learn(base, segment.payload);
        }
    }

    /// Puts what may stay in place of a segment's payload.
    pub(super) fn rewrite(
        &mut self,
        redactor: &Redactor,
        (from, to, seq): (SocketAddr, SocketAddr, u32),
        order: u64,
        payload: &mut [u8],
    ) {
        let begins = record_header(payload);
        let streams = self.of.get_mut(&(from, to));
        let stream = streams.and_then(|streams| {
            let begun = streams.partition_point(|stream| stream.order <= order);
            streams.get_mut(begun.checked_sub(1)?)
        });
        let Some(stream) = stream else {
            payload.fill(0);
            return;
        };
        if !std::mem::replace(&mut stream.rewritten, true) {
            stream.bytes = messages::rewrite(redactor, &stream.bytes);
        }
        let at = seq.wrapping_sub(stream.base) as usize;
        let known = stream.bytes.get(at..).unwrap_or_default();
        if known.is_empty() && at < 1 << 31 {
            payload.fill(0);
            if let (Some(header), Some(place)) = (begins, payload.first_chunk_mut::<5>()) {
                *place = header;
            }
            return;
        }
        let both = known.len().min(payload.len());
        let (one, other) = payload.split_at_mut(both);
        one.copy_from_slice(known.get(..both).unwrap_or_default());
        other.fill(0);
    }
}

impl Stream {
    /// How many bytes more are held now.
    fn learn(&mut self, seq: u32, payload: &[u8]) -> usize {
        let before = self.bytes.len() + self.early_bytes;
        let expected = self.base.wrapping_add(self.bytes.len() as u32);
        let ahead = seq.wrapping_sub(expected) as i32;
        if ahead <= 0 {
            let known = ahead.unsigned_abs() as usize;
            self.extend(payload.get(known..).unwrap_or_default());
            while let Some((&at, _)) = self.early.first_key_value()
                && at <= self.bytes.len()
                && let Some(early) = self.early.remove(&at)
            {
                self.early_bytes -= early.len();
                let known = self.bytes.len() - at;
                self.extend(early.get(known..).unwrap_or_default());
            }
        } else if !payload.is_empty() && self.early_bytes + payload.len() <= LEARNED {
            let at = self.bytes.len() + ahead as usize;
            if at < LEARNED && !self.early.contains_key(&at) {
                self.early_bytes += payload.len();
                self.early.insert(at, payload.to_vec());
            }
        }
        (self.bytes.len() + self.early_bytes).saturating_sub(before)
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LEARNED.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

/// The header of a record of TLS.
fn record_header(payload: &[u8]) -> Option<[u8; 5]> {
    let header = *payload.first_chunk::<5>()?;
    matches!(header, [20..=23, 3, 0..=4, 0..=0x48, _]).then_some(header)
}
