//! One connection kept in full: its facts, both directions, and the reader of its payload.

use super::assembler::{Piece, cut};
use super::direction::{Arrival, Sent, is_earlier};
use super::embryo::{Embryo, Head, print};
use super::facts::{DirFacts, Ended, Interest, Reader, TcpFacts};
use super::headers::Headers;
use super::options::Options;
use super::path;
use super::series::Series;
use super::sightings::Recent;
use crate::base::{Chunk, Dir, Gap, Limits, PerDir, Stamp, Timestamp};
use crate::packet::{Meta, Segment, TcpFlags};

/// Bounds that hold for all connections together.
pub(super) struct Bounds<'a> {
    pub limits: &'a Limits,
    /// Bytes that other connections keep out of order.
    pub others: usize,
}

#[derive(Debug)]
pub(super) struct Connection<R> {
    pub headers: Headers,
    pub reader: Option<Box<R>>,
    /// What the reader wants; nothing until there is one.
    pub interest: Interest,
    /// Whether the server's port is one of RDP's.
    on_port: bool,
    /// Whether the last packet left it on its plain course (see [`super::steady`]).
    pub(super) steady: bool,
    pub(super) recent: PerDir<Recent>,
}

impl<R: Reader> Connection<R> {
    /// Without payload so far.
    pub(super) fn new(headers: Headers, on_port: bool) -> Self {
        let recent = PerDir::default();
        Connection { headers, reader: None, interest: Interest::Ignore, on_port, steady: false, recent }
    }

    /// Remembers the packets of a compact record, so that the next sighting of one is recognized.
    pub(super) fn sighted(&mut self, client_is_a: bool, embryo: &Embryo, limits: &Limits) {
        for replay in embryo.replay() {
            let dir = if replay.from_a == client_is_a { Dir::ClientToServer } else { Dir::ServerToClient };
            self.recent[dir].seen(replay.last_print, limits.sighting);
        }
    }

    /// Whether any packet but noise was seen: a SYN, or payload.
    pub(super) fn is_real(&self) -> bool {
        self.headers.facts.syn.is_some() || self.headers.facts.syn_ack.is_some() || self.reader.is_some()
    }

    /// Bytes kept out of order.
    pub(super) fn buffered(&self) -> usize {
        self.headers.dirs.client_to_server.store.bytes() + self.headers.dirs.server_to_client.store.bytes()
    }

    /// Takes any packet.
    #[inline(never)]
    pub(super) fn segment(
        &mut self,
        dir: Dir,
        meta: &Meta,
        segment: &Segment<'_>,
        bounds: &Bounds<'_>,
        make: &mut impl FnMut(&TcpFacts) -> R,
    ) {
        let options = Options::read(segment.options.0);
        if self.recent[dir].seen(print(meta, segment, &options), bounds.limits.sighting) {
            self.headers.facts.dir[dir].duplicate_frames += 1;
            return;
        }
        // A keep-alive as the first packet seen of a direction carries no byte of the stream.
        if segment.payload_len == 1 && matches!(segment.payload, [0] | []) {
            self.headers.dirs[dir].guess(segment.seq.wrapping_add(1), true);
        }
        let head = Head::of(meta, segment, &options);
        self.headers.header(dir, &head, 1, &options);
        if segment.payload_len > 0 && !head.has(TcpFlags::RST) {
            self.payload(dir, meta, segment, &options, bounds, make);
        }
        for dir in Dir::BOTH {
            if self.headers.dirs[dir].impatient(self.headers.facts.dir[dir].acked) {
                // Elsewhere, nothing but payload can tell that it is RDP.
                if self.reader.is_none() && self.on_port {
                    self.reader = Some(Box::new(make(&self.headers.facts)));
                    self.interest = Interest::WatchSetup;
                }
                self.pass_acknowledged(dir, meta.stamp);
            }
        }
    }

    #[inline(always)]
    fn payload(
        &mut self,
        dir: Dir,
        meta: &Meta,
        segment: &Segment<'_>,
        options: &Options,
        bounds: &Bounds<'_>,
        make: &mut impl FnMut(&TcpFacts) -> R,
    ) {
        let Some(offset) = self.headers.dirs[dir].place(segment.seq) else { return };
        let rtt = match (self.headers.facts.rtt_server, self.headers.facts.rtt_client) {
            (Some(server), Some(client)) => Some(server.saturating_add(client)),
            _ => None,
        };
        let peer = dir.flip();
        let sent = Sent {
            start: offset.saturating_add(i64::from(segment.flags.contains(TcpFlags::SYN))),
            len: segment.payload_len,
            stamp: meta.stamp,
            ip_id: meta.ip_id.unwrap_or(0),
            ip_len: meta.ip_len,
            tsval: options.timestamps.map(|(val, _)| val),
            peer_seen: self.headers.facts.dir[peer].packets > 0,
            peer_window_closed: self.headers.dirs[peer].window_closed,
            rtt,
            dont_fragment: meta.dont_fragment,
        };
        let facts = &mut self.headers.facts.dir[dir];
        let Some(arrival) = self.headers.dirs[dir].arrived(facts, &sent) else { return };
        after_rst(facts, &sent, arrival.new == 0);
        if arrival.new == 0 {
            if let Some(too_big) = &mut self.headers.facts.too_big {
                too_big.repeated(dir, meta.ip_len, meta.stamp);
            }
            return;
        }
        if self.reader.is_none() {
            self.reader = Some(Box::new(make(&self.headers.facts)));
            self.interest = Interest::WatchSetup;
        }
        // Bytes in front of the stream's known beginning are not part of it.
        let before = usize::try_from(sent.start.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let data = segment.payload.get(before..).unwrap_or(&[]);
        self.place(dir, arrival, data, &sent, bounds);
    }

    /// Hands on what is in order of a segment, and keeps the rest.
    #[inline]
    fn place(&mut self, dir: Dir, arrival: Arrival, data: &[u8], sent: &Sent, bounds: &Bounds<'_>) {
        let Arrival { start, end, .. } = arrival;
        let stamp = sent.stamp;
        if start > self.headers.dirs[dir].next {
            let kept = if self.watched() { data } else { &[] };
            self.headers.dirs[dir].store.insert(start, end - start, kept, stamp, sent.ip_id);
            self.headers.facts.dir[dir].path.behind_hole(stamp, sent.ip_len);
            self.relieve(dir, stamp, bounds);
            return;
        }
        let Some(first) = self.headers.dirs[dir].store.first() else {
            // Nearly always: nothing waits behind a hole.
            let next = self.headers.dirs[dir].next;
            if next < end {
                self.headers.dirs[dir].next = end;
                let data = cut(data, start, next, end);
                self.hand(dir, Chunk { offset: next, data, len: end - next, stamp });
            }
            return;
        };
        if first.offset <= end {
            let since = first.stamp;
            let path = &mut self.headers.facts.dir[dir].path;
            path.waited(since, stamp);
            path.open_hole = None;
        }
        while self.headers.dirs[dir].next < end {
            let next = self.headers.dirs[dir].next;
            let stop = self.headers.dirs[dir].store.first().map_or(end, |piece| piece.offset.min(end));
            if stop > next {
                self.headers.dirs[dir].next = stop;
                let data = cut(data, start, next, stop);
                self.hand(dir, Chunk { offset: next, data, len: stop - next, stamp });
            }
            self.drain(dir);
        }
        self.drain(dir);
    }

    /// Hands on what was kept and is in order now.
    #[inline]
    fn drain(&mut self, dir: Dir) {
        while self.headers.dirs[dir]
            .store
            .first()
            .is_some_and(|piece| piece.offset <= self.headers.dirs[dir].next)
        {
            let Some(piece) = self.headers.dirs[dir].store.pop() else { return };
            // Pieces never begin before `next`: what was passed by ends where they start.
            self.headers.dirs[dir].next = self.headers.dirs[dir].next.max(piece.end());
            let Piece { offset, len, ref data, stamp, .. } = piece;
            self.hand(dir, Chunk { offset, data, len, stamp });
        }
    }

    #[inline(always)]
    pub(super) fn hand(&mut self, dir: Dir, chunk: Chunk<'_>) {
        if self.watched()
            && let Some(reader) = &mut self.reader
        {
            let interest = reader.data(&self.headers.facts, dir, chunk);
            let is_session = matches!(interest, Interest::Watch | Interest::WatchSecured);
            if is_session && self.headers.facts.dir[dir].series.is_none() {
                self.plot(chunk.stamp.time);
            }
            self.wants(interest);
        }
    }

    /// Begins to note how it fares, once there is a course: what a scan leaves costs nothing.
    fn plot(&mut self, now: Timestamp) {
        const COURSE: u64 = 16;
        let facts = &mut self.headers.facts;
        let first = facts.first.time;
        let dirs = &mut facts.dir;
        if dirs.client_to_server.segments + dirs.server_to_client.segments < COURSE {
            return;
        }
        for dir in Dir::BOTH {
            let lost = dirs[dir].lost;
            dirs[dir].series.get_or_insert_with(|| Box::new(Series::new(first, now, lost)));
        }
    }

    fn wants(&mut self, interest: Interest) {
        self.interest = interest;
        if interest == Interest::Ignore {
            for dir in Dir::BOTH {
                self.headers.dirs[dir].store.forget_bytes();
            }
        }
    }

    /// Whether the reader takes payload.
    pub(super) fn watched(&self) -> bool {
        self.interest != Interest::Ignore
    }

    /// Gives up on holes until the bounds are kept.
    fn relieve(&mut self, dir: Dir, stamp: Stamp, bounds: &Bounds<'_>) {
        let limits = bounds.limits;
        loop {
            let total = bounds.others.saturating_add(self.buffered());
            let store = &self.headers.dirs[dir].store;
            let fits = store.pieces() <= limits.out_of_order_segments
                && store.bytes() <= limits.out_of_order_bytes
                && (store.bytes() == 0 || total <= limits.reassembly_bytes);
            let Some(first) = store.first().filter(|_| !fits).map(|piece| piece.offset) else { return };
            self.headers.facts.dir[dir].gaps += 1;
            self.pass(dir, first, stamp);
        }
    }

    /// Gives up on bytes that the other end acknowledged and that were never seen.
    fn pass_acknowledged(&mut self, dir: Dir, stamp: Stamp) {
        while let Some(end) = self.headers.dirs[dir].hole(self.headers.facts.dir[dir].acked) {
            self.headers.facts.dir[dir].gaps += 1;
            self.pass(dir, end, stamp);
        }
    }

    /// Declares the bytes up to `end` missing, and hands on what follows them.
    fn pass(&mut self, dir: Dir, end: u64, stamp: Stamp) {
        let offset = self.headers.dirs[dir].next;
        let gap = Gap {
            offset,
            len: end.saturating_sub(offset),
            acknowledged: self.headers.facts.dir[dir].acked >= end,
            stamp,
        };
        self.headers.dirs[dir].skip_to(end);
        if self.watched()
            && let Some(reader) = &mut self.reader
        {
            let interest = reader.gap(&self.headers.facts, dir, gap);
            self.wants(interest);
        }
        self.drain(dir);
    }

    /// Nothing more comes: holes are declared, and what was kept is handed on.
    pub(super) fn finish(&mut self, ended: Ended, until: Timestamp) {
        self.headers.facts.ended = ended;
        self.headers.facts.observed_until = until;
        let last = self.headers.facts.last;
        for dir in Dir::BOTH {
            self.headers.dirs[dir].finish(&mut self.headers.facts.dir[dir]);
        }
        for dir in Dir::BOTH {
            self.pass_acknowledged(dir, last);
            if self.headers.dirs[dir].store.first().is_none() {
                self.headers.facts.dir[dir].path.open_hole = None;
            }
            while let Some(first) = self.headers.dirs[dir].store.first().map(|piece| piece.offset) {
                let facts = &mut self.headers.facts.dir[dir];
                facts.holes += 1;
                if let Some(hole) = &mut facts.path.open_hole
                    && hole.len == 0
                {
                    hole.len = first.saturating_sub(self.headers.dirs[dir].next);
                }
                facts.hole_bytes =
                    facts.hole_bytes.saturating_add(first.saturating_sub(self.headers.dirs[dir].next));
                self.pass(dir, first, last);
            }
            // A FIN, or any packet behind it, says how much its sender had sent.
            let facts = &mut self.headers.facts.dir[dir];
            let reached = self.headers.dirs[dir].next;
            facts.path.ahead.take_if(|ahead| ahead.offset <= reached);
            let ahead = facts.path.ahead.as_ref().map_or(0, |ahead| ahead.offset - reached);
            let untold = self.headers.dirs[dir].before_fin().max(ahead);
            if untold > 0 {
                facts.holes += 1;
                facts.hole_bytes = facts.hole_bytes.saturating_add(untold);
            }
        }
    }
}

/// Data after the same sender's RST.
#[inline]
fn after_rst(facts: &mut DirFacts, sent: &Sent, repeat: bool) {
    let Some(rst) = &facts.rst else { return };
    if repeat && sent.stamp.time > rst.stamp.time {
        path::add(&mut facts.path.repeats_after_rst, sent.stamp);
    }
    let beyond = rst.offset.is_some_and(|offset| sent.start >= offset)
        && sent.stamp.time >= rst.stamp.time
        && !is_earlier(sent.ip_id, sent.stamp, rst.ip_id.unwrap_or(0), rst.stamp, sent.rtt);
    path::add(&mut facts.data_after_rst, sent.stamp);
    if beyond {
        facts.beyond_rst.get_or_insert_with(|| Box::new(sent.stamp));
    }
}
