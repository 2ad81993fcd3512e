//! Reassembly of IPv4 (RFC 791, section 3.2) and IPv6 (RFC 8200, section 4.5) fragments.
//!
//! A fragment that says again what is known is a second sighting. One that contradicts (a partial
//! overlap, another end, other bytes) belongs to another datagram under a reused identification, or is
//! hostile: what was there is dropped and the datagram starts anew with it, so a datagram is never made
//! of contradicting parts (RFC 5722 has receivers drop such ones).

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::net::IpAddr;

use super::bytes::Bytes;
use super::decoder::{Context, Whole};
use super::{Meta, Undecoded};
use crate::base::{Limits, Timestamp};

/// The largest payload of an IP datagram, in bytes.
const MAX_DATAGRAM: usize = 65_535;

/// What the fragments of one datagram share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) id: u32,
    /// 0 for IPv6, where it does not count.
    pub(super) protocol: u8,
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    pub(super) key: Key,
    /// In bytes.
    pub(super) offset: usize,
    /// Whether others follow.
    pub(super) more: bool,
    /// IP protocol of the payload; for IPv6 the next header.
    pub(super) protocol: u8,
    pub(super) bytes: Bytes<'a>,
    pub(super) meta: Meta,
    pub(super) context: Context,
}

/// The datagrams under reassembly.
#[derive(Debug)]
pub(super) struct Fragments {
    datagrams: HashMap<Key, Datagram, ahash::RandomState>,
    /// Every key of `datagrams` once, the oldest first.
    order: VecDeque<Key>,
    limit: usize,
    timeout: i64,
    /// For how long fragments of a finished datagram are further sightings of it.
    sighting: i64,
}

impl Fragments {
    pub(super) fn new(limits: &Limits) -> Self {
        Fragments {
            datagrams: HashMap::default(),
            order: VecDeque::new(),
            limit: limits.fragment_datagrams,
            timeout: limits.fragment_timeout,
            sighting: limits.sighting,
        }
    }

    /// Takes a fragment; gives the datagram if that completes it. `now` is the highest time seen.
    pub(super) fn add(&mut self, fragment: Fragment<'_>, now: Timestamp) -> Result<Whole, Undecoded> {
        let length = fragment.bytes.wire;
        let end = fragment.offset.saturating_add(length);
        if length == 0 || end > MAX_DATAGRAM || (fragment.more && !length.is_multiple_of(8)) {
            return Err(Undecoded::Malformed);
        }
        if self.limit == 0 {
            return Err(Undecoded::Fragment);
        }
        self.drop_old(now, &fragment.key);
        let datagram = match self.datagrams.entry(fragment.key) {
            Entry::Occupied(entry) => {
                let datagram = entry.into_mut();
                let age = now.since(datagram.since);
                if datagram.done {
                    if age <= self.sighting {
                        return Err(Undecoded::Fragment);
                    }
                    *datagram = Datagram::new(now);
                } else if age > self.timeout {
                    *datagram = Datagram::new(now);
                }
                datagram
            }
            Entry::Vacant(entry) => {
                self.order.push_back(fragment.key);
                entry.insert(Datagram::new(now))
            }
        };
        if datagram.insert(&fragment).is_err() {
            *datagram = Datagram::new(now);
            datagram.insert(&fragment).map_err(|Contradiction| Undecoded::Malformed)?;
        }
        let whole = datagram.whole(&fragment).ok_or(Undecoded::Fragment)?;
        *datagram = Datagram { done: true, ..Datagram::new(now) };
        Ok(whole)
    }

    /// Drops what is too old, and the oldest where `wanted` needs room.
    fn drop_old(&mut self, now: Timestamp, wanted: &Key) {
        let full = self.datagrams.len() >= self.limit && !self.datagrams.contains_key(wanted);
        let mut room = usize::from(full);
        while let Some(oldest) = self.order.front() {
            let expired = self.datagrams.get(oldest).is_none_or(|datagram| {
                now.since(datagram.since) > if datagram.done { self.sighting } else { self.timeout }
            });
            if !expired && room == 0 {
                break;
            }
            room = room.saturating_sub(1);
            self.datagrams.remove(oldest);
            self.order.pop_front();
        }
    }
}

/// A fragment does not fit to those before.
struct Contradiction;

#[derive(Debug)]
struct Datagram {
    /// When its first fragment was seen, or when it was done, by the highest time seen.
    since: Timestamp,
    /// Handed out.
    done: bool,
    data: Vec<u8>,
    /// Where the first byte is missing because the capture cut a fragment.
    cut: usize,
    /// What was seen on the wire: start and end, in order, with a hole between any two.
    seen: Vec<(usize, usize)>,
    /// Length on the wire, once the last fragment told.
    end: Option<usize>,
    /// Of the first fragment, with the length of the header alone.
    head: Option<(Meta, Context, u8)>,
}

impl Datagram {
    fn new(since: Timestamp) -> Self {
        Datagram {
            since,
            done: false,
            data: Vec::new(),
            cut: usize::MAX,
            seen: Vec::new(),
            end: None,
            head: None,
        }
    }

    fn insert(&mut self, fragment: &Fragment<'_>) -> Result<(), Contradiction> {
        let start = fragment.offset;
        let end = start + fragment.bytes.wire;
        let kept_end = start + fragment.bytes.kept.len();
        let seen_end = self.seen.last().map_or(0, |last| last.1);
        match (self.end, fragment.more) {
            (None, true) => {}
            (None, false) if seen_end <= end => {}
            (Some(known), true) if end <= known => {}
            (Some(known), false) if end == known => {}
            _ => return Err(Contradiction),
        }
        let place = self.seen.partition_point(|range| range.1 <= start);
        if let Some(&(from, to)) = self.seen.get(place)
            && from < end
        {
            // Bytes that the capture cut are zero here; a cut sighting is compared as far as it goes.
            let compared = kept_end.min(self.cut.max(start));
            let same = compared == start
                || self.data.get(start..compared) == fragment.bytes.kept.get(..compared - start);
            return if from <= start && end <= to && same { Ok(()) } else { Err(Contradiction) };
        }
        if self.data.len() < kept_end {
            self.data.resize(kept_end, 0);
        }
        if let Some(room) = self.data.get_mut(start..kept_end) {
            room.copy_from_slice(fragment.bytes.kept);
        }
        if kept_end < end {
            self.cut = self.cut.min(kept_end);
        }
        // Joined with the range before, the one behind, both or none.
        let before =
            place.checked_sub(1).filter(|at| self.seen.get(*at).is_some_and(|range| range.1 == start));
        let behind = self.seen.get(place).filter(|range| range.0 == end).map(|range| range.1);
        match (before, behind) {
            (Some(at), Some(to)) => {
                self.seen[at].1 = to;
                self.seen.remove(place);
            }
            (Some(at), None) => self.seen[at].1 = end,
            (None, Some(_)) => self.seen[place].0 = start,
            (None, None) => self.seen.insert(place, (start, end)),
        }
        if !fragment.more {
            self.end = Some(end);
        }
        if start == 0 {
            // The datagram's own header: without this payload, and without IPv6's 8-byte fragment header.
            let extension = if fragment.meta.src.is_ipv6() { 8 } else { 0 };
            let mut meta = fragment.meta;
            meta.ip_len = meta.ip_len.saturating_sub(fragment.bytes.wire as u32 + extension);
            self.head = Some((meta, fragment.context, fragment.protocol));
        }
        Ok(())
    }

    /// The datagram, if nothing is missing; `last` is the fragment that came last.
    fn whole(&mut self, last: &Fragment<'_>) -> Option<Whole> {
        let wire = self.end?;
        if self.seen.as_slice() != [(0, wire)] {
            return None;
        }
        let (mut meta, mut context, protocol) = self.head?;
        let mut data = std::mem::take(&mut self.data);
        data.truncate(self.cut.min(wire));
        meta.stamp = last.meta.stamp;
        meta.dont_fragment = false;
        meta.interface = last.meta.interface;
        context.stamp = last.context.stamp;
        context.interface = last.context.interface;
        meta.ip_len = meta.ip_len.saturating_add(wire as u32);
        Some(Whole { meta, context, protocol, data, wire })
    }
}
