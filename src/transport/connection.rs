//! One connection kept in full: its facts, both directions, and the reader of its payload.

use std::net::SocketAddr;

use super::assembler::{Piece, cut};
use super::direction::{Arrival, Direction, FARTHEST, Sent, is_earlier};
use super::embryo::{Base, Embryo, Head, plausible_reset, print, refuses};
use super::facts::{Closing, DirFacts, Ended, Interest, Reader, Repeats, Rst, TcpFacts};
use super::options::Options;
use super::path::{self, TooBig};
use super::series::Series;
use super::sightings::Recent;
use crate::base::{Chunk, Dir, Gap, Limits, PerDir, Seen, Span, Stamp, Timestamp};
use crate::packet::{IcmpError, Meta, Segment, TcpFlags};

/// How far an acknowledgement is believed before its sender answered the SYN: it may belong to an older
/// connection between the same ports (a challenge ACK, RFC 5961).
const UNANSWERED_AHEAD: u64 = 64 * 1024;

/// Quiet time worth noting: firewalls and keep-alives count in tens of seconds and more.
const PAUSE: i64 = 10 * Timestamp::SECOND;

/// Bounds that hold for all connections together.
pub(super) struct Bounds<'a> {
    pub limits: &'a Limits,
    /// Bytes that other connections keep out of order.
    pub others: usize,
}

#[derive(Debug)]
pub(super) struct Connection<R> {
    pub facts: TcpFacts,
    pub reader: Option<R>,
    /// What the reader wants; nothing until there is one.
    pub interest: Interest,
    /// Whether the server's port is one of RDP's.
    on_port: bool,
    dirs: PerDir<Direction>,
    recent: PerDir<Recent>,
    reset: bool,
}

fn add(repeats: &mut Option<Repeats>, stamp: Stamp, count: u32) {
    match repeats {
        Some(repeats) => {
            repeats.last = stamp;
            repeats.count = repeats.count.saturating_add(count);
        }
        None => *repeats = Some(Repeats { first: stamp, last: stamp, count }),
    }
}

impl<R: Reader> Connection<R> {
    pub(super) fn new(client: SocketAddr, server: SocketAddr, on_port: bool, first: Stamp) -> Self {
        Connection {
            facts: TcpFacts {
                client,
                server,
                first,
                last: first,
                syn: None,
                syn_ack: None,
                handshake_ack: None,
                refused: None,
                icmp: None,
                last_icmp: None,
                too_big: None,
                pause: None,
                dir: PerDir::default(),
                closing: None,
                rtt_server: None,
                rtt_client: None,
                ended: Ended::CaptureEnded,
                observed_until: first.time,
            },
            reader: None,
            interest: Interest::Ignore,
            on_port,
            dirs: PerDir::default(),
            recent: PerDir::default(),
            reset: false,
        }
    }

    /// What a compact record stood for.
    pub(super) fn grown(
        client: SocketAddr,
        server: SocketAddr,
        on_port: bool,
        client_is_a: bool,
        embryo: &Embryo,
    ) -> Self {
        let mut this = Connection::new(client, server, on_port, embryo.first());
        for replay in embryo.replay() {
            let dir = if replay.from_a == client_is_a { Dir::ClientToServer } else { Dir::ServerToClient };
            for (head, count) in std::iter::once((replay.head, 1)).chain(replay.repeats) {
                this.header(dir, &head, count, &Options::default());
            }
            this.facts.dir[dir].duplicate_frames += u64::from(replay.duplicate_frames);
        }
        if let Some(icmp) = &embryo.icmp {
            this.icmp(icmp.value, icmp.span.first);
        }
        this
    }

    /// Remembers the packets of a compact record, so that the next sighting of one is recognized.
    pub(super) fn sighted(&mut self, client_is_a: bool, embryo: &Embryo, limits: &Limits) {
        for replay in embryo.replay() {
            let dir = if replay.from_a == client_is_a { Dir::ClientToServer } else { Dir::ServerToClient };
            self.recent[dir].seen(&replay.last_print, limits.sighting);
        }
    }

    /// Whether both ends closed, or one reset it.
    pub(super) fn closed(&self) -> bool {
        self.reset || Dir::BOTH.iter().all(|&dir| self.facts.dir[dir].fin.is_some())
    }

    /// Whether any packet but noise was seen: a SYN, or payload.
    pub(super) fn is_real(&self) -> bool {
        self.facts.syn.is_some() || self.facts.syn_ack.is_some() || self.reader.is_some()
    }

    pub(super) fn base(&self, dir: Dir) -> Option<Base> {
        let this = &self.dirs[dir];
        this.base().map(|seq| Base { seq, syn: this.syn })
    }

    pub(super) fn has_data(&self, dir: Dir) -> bool {
        self.dirs[dir].has_data
    }

    /// Bytes kept out of order.
    pub(super) fn buffered(&self) -> usize {
        self.dirs.client_to_server.store.bytes() + self.dirs.server_to_client.store.bytes()
    }

    pub(super) fn icmp(&mut self, error: IcmpError, stamp: Stamp) {
        let facts = &mut self.facts;
        let error = Seen::new(error, stamp);
        if TooBig::is(&error.value) {
            let from_client =
                (error.value.src, error.value.src_port) == (facts.client.ip(), facts.client.port());
            let dir = if from_client { Dir::ClientToServer } else { Dir::ServerToClient };
            facts.too_big.get_or_insert_with(|| Box::new(TooBig { error, dir, ignored: None }));
        } else if facts.icmp.is_some() {
            facts.last_icmp = Some(Box::new(error));
        } else {
            facts.icmp = Some(Box::new(error));
        }
    }

    pub(super) fn segment(
        &mut self,
        dir: Dir,
        meta: &Meta,
        segment: &Segment<'_>,
        bounds: &Bounds<'_>,
        make: &mut impl FnMut(&TcpFacts) -> R,
    ) {
        let options = Options::read(segment.options.0);
        if self.recent[dir].seen(&print(meta, segment, &options), bounds.limits.sighting) {
            self.facts.dir[dir].duplicate_frames += 1;
            return;
        }
        // A keep-alive as the first packet seen of a direction carries no byte of the stream.
        if segment.payload_len == 1 && matches!(segment.payload, [0] | []) {
            self.dirs[dir].guess(segment.seq.wrapping_add(1), true);
        }
        let head = Head::of(meta, segment, &options);
        self.header(dir, &head, 1, &options);
        if segment.payload_len > 0 && !head.has(TcpFlags::RST) {
            self.payload(dir, meta, segment, &options, bounds, make);
        }
        for dir in Dir::BOTH {
            if self.dirs[dir].impatient(self.facts.dir[dir].acked) {
                // Elsewhere, nothing but payload can tell that it is RDP.
                if self.reader.is_none() && self.on_port {
                    self.reader = Some(make(&self.facts));
                    self.interest = Interest::WatchSetup;
                }
                self.pass_acknowledged(dir, meta.stamp);
            }
        }
    }

    /// The facts of one packet, or of `count` alike.
    #[inline(always)]
    fn header(&mut self, dir: Dir, head: &Head, count: u32, options: &Options) {
        let stamp = head.marks.stamp;
        let facts = &mut self.facts;
        if facts.last.before(&stamp) {
            let quiet = stamp.time.since(facts.last.time);
            let longest = facts.pause.map_or(PAUSE, |pause| pause.last.time.since(pause.first.time));
            if quiet >= longest {
                facts.pause = Some(Span { first: facts.last, last: stamp });
            }
            facts.last = stamp;
        }
        facts.dir[dir.flip()].path.probes = None;
        if self.dirs[dir].is_probe(head) {
            path::add(&mut facts.dir[dir].path.probes, stamp);
        }
        let this = &mut facts.dir[dir];
        this.packets += u64::from(count);
        this.ttl.get_or_insert(head.marks.ttl);
        if this.last_packet.is_none_or(|last| last.before(&stamp)) {
            this.last_packet = Some(stamp);
        }
        if head.has(TcpFlags::RST) {
            self.rst(dir, *head, count);
            return;
        }
        this.path.identification(this.marks, &head.marks);
        this.marks = Some(head.marks);
        if head.has(TcpFlags::SYN) {
            this.mss = this.mss.or(head.mss);
            this.sack |= head.sack;
            self.dirs[dir].synchronize(head.seq);
        } else {
            let closed = head.marks.window == 0;
            if closed && !self.dirs[dir].window_closed {
                this.zero_window += 1;
            }
            self.dirs[dir].window_closed = closed;
            this.path.window(closed, stamp);
            self.dirs[dir].guess(head.seq, head.len > 0);
            if head.len == 0
                && let Some((offset, seen)) = self.dirs[dir].ahead(head.seq)
            {
                this.path.stands_ahead(offset, seen, stamp);
            }
        }
        if head.has(TcpFlags::ACK) {
            self.acknowledgement(dir, head, options);
        }
        self.handshake(dir, head, count);
        if head.has(TcpFlags::FIN) {
            self.facts.dir[dir].fin.get_or_insert(stamp);
            self.facts.closing.get_or_insert(Closing { dir, reset: false, stamp });
            let extra = i64::from(head.len) + i64::from(head.has(TcpFlags::SYN));
            if let Some(offset) = self.dirs[dir].place(head.seq) {
                self.dirs[dir].finish_at(offset.saturating_add(extra));
            }
        }
    }

    #[inline(always)]
    fn acknowledgement(&mut self, dir: Dir, head: &Head, options: &Options) {
        let peer = dir.flip();
        let ahead = if self.dirs[peer].syn && !self.dirs[dir].syn { UNANSWERED_AHEAD } else { FARTHEST };
        let rtt = match dir {
            Dir::ClientToServer => self.facts.rtt_client,
            Dir::ServerToClient => self.facts.rtt_server,
        };
        let stamp = head.marks.stamp;
        let before = self.facts.dir[peer].acked;
        self.dirs[peer].acknowledged(&mut self.facts.dir[peer], head.ack, ahead, stamp, options, rtt);
        if self.reset && self.facts.dir[peer].acked > before && path::outlives_reset(&self.facts, dir, stamp)
        {
            self.reset = false;
            path::forget_resets(&mut self.facts);
        }
    }

    #[inline(always)]
    fn handshake(&mut self, dir: Dir, head: &Head, count: u32) {
        let stamp = head.marks.stamp;
        let (syn, ack) = (head.has(TcpFlags::SYN), head.has(TcpFlags::ACK));
        let facts = &mut self.facts;
        match (dir, syn, ack) {
            (Dir::ClientToServer, true, false) => add(&mut facts.syn, stamp, count),
            (Dir::ServerToClient, true, true) => {
                let client = &self.dirs.client_to_server;
                if !client.syn || client.base() == Some(head.ack) || client.has_data {
                    add(&mut facts.syn_ack, stamp, count);
                }
            }
            (Dir::ClientToServer, false, true)
                if facts.syn_ack.is_some() && facts.handshake_ack.is_none() =>
            {
                if self.dirs.server_to_client.place(head.ack).is_some_and(|offset| offset >= 0) {
                    facts.handshake_ack = Some(stamp);
                }
            }
            _ => return,
        }
        let once =
            |repeats: Option<Repeats>| repeats.filter(|repeats| repeats.count == 1).map(|r| r.first.time);
        let trip = |from: Option<Timestamp>, to: Option<Timestamp>| {
            Some(to?.since(from?)).filter(|&nanoseconds| nanoseconds >= 0)
        };
        let answer = once(facts.syn_ack);
        facts.rtt_server = trip(once(facts.syn), answer);
        facts.rtt_client = trip(answer, facts.handshake_ack.map(|stamp| stamp.time));
    }

    #[cold]
    fn rst(&mut self, dir: Dir, head: Head, count: u32) {
        let stamp = head.marks.stamp;
        let offset = self.dirs[dir].place(head.seq);
        let peer = &self.facts.dir[dir.flip()];
        let after_peer_fin = peer.fin.is_some();
        let heard = peer.last_data.map(|stamp| (stamp, peer.sent));
        let acknowledged = self.dirs[dir.flip()].place(head.ack).filter(|_| head.has(TcpFlags::ACK));
        let this = &mut self.facts.dir[dir];
        this.rsts = this.rsts.saturating_add(count);
        let (sent, prior, after_own_fin) = (this.sent, this.marks, this.fin.is_some());
        this.rst.get_or_insert_with(|| {
            Box::new(Rst {
                stamp,
                seq: head.seq,
                offset,
                sent,
                ack: head.has(TcpFlags::ACK).then_some(head.ack),
                ttl: head.marks.ttl,
                ip_id: head.marks.ip_id,
                window: head.marks.window,
                marks: head.marks,
                prior,
                heard,
                acknowledged,
                after_own_fin,
                after_peer_fin,
            })
        });
        let client = self.base(Dir::ClientToServer);
        let opening = dir == Dir::ServerToClient && self.facts.syn.is_some() && self.facts.syn_ack.is_none();
        if opening && !self.dirs[dir].has_data && refuses(client, head.flags, head.seq, head.ack) {
            add(&mut self.facts.refused, stamp, count);
            return;
        }
        // Before any payload a RST may belong to the older connection that a challenge ACK spoke of.
        if self.dirs[dir].has_data || self.base(dir).is_none_or(|base| plausible_reset(head.seq, base.seq)) {
            self.reset = true;
            self.facts.closing.get_or_insert(Closing { dir, reset: true, stamp });
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
        let Some(offset) = self.dirs[dir].place(segment.seq) else { return };
        let rtt = match (self.facts.rtt_server, self.facts.rtt_client) {
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
            peer_seen: self.facts.dir[peer].packets > 0,
            peer_window_closed: self.dirs[peer].window_closed,
            rtt,
            dont_fragment: meta.dont_fragment,
        };
        let facts = &mut self.facts.dir[dir];
        let Some(arrival) = self.dirs[dir].arrived(facts, &sent) else { return };
        after_rst(facts, &sent, arrival.new == 0);
        if arrival.new == 0 {
            if let Some(too_big) = &mut self.facts.too_big {
                too_big.repeated(dir, meta.ip_len, meta.stamp);
            }
            return;
        }
        if self.reader.is_none() {
            self.reader = Some(make(&self.facts));
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
        if start > self.dirs[dir].next {
            let kept = if self.watched() { data } else { &[] };
            self.dirs[dir].store.insert(start, end - start, kept, stamp, sent.ip_id);
            self.facts.dir[dir].path.behind_hole(stamp, sent.ip_len);
            self.relieve(dir, stamp, bounds);
            return;
        }
        if let Some(first) = self.dirs[dir].store.first().filter(|first| first.offset <= end) {
            let since = first.stamp;
            let path = &mut self.facts.dir[dir].path;
            path.waited(since, stamp);
            path.open_hole = None;
        }
        while self.dirs[dir].next < end {
            let next = self.dirs[dir].next;
            let stop = self.dirs[dir].store.first().map_or(end, |piece| piece.offset.min(end));
            if stop > next {
                self.dirs[dir].next = stop;
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
        while self.dirs[dir].store.first().is_some_and(|piece| piece.offset <= self.dirs[dir].next) {
            let Some(piece) = self.dirs[dir].store.pop() else { return };
            // Pieces never begin before `next`: what was passed by ends where they start.
            self.dirs[dir].next = self.dirs[dir].next.max(piece.end());
            let Piece { offset, len, ref data, stamp, .. } = piece;
            self.hand(dir, Chunk { offset, data, len, stamp });
        }
    }

    fn hand(&mut self, dir: Dir, chunk: Chunk<'_>) {
        if self.watched()
            && let Some(reader) = &mut self.reader
        {
            let interest = reader.data(&self.facts, dir, chunk);
            if interest == Interest::Watch && self.facts.dir[dir].series.is_none() {
                self.plot(chunk.stamp.time);
            }
            self.wants(interest);
        }
    }

    /// Begins to note how it fares, once there is a course: what a scan leaves costs nothing.
    fn plot(&mut self, now: Timestamp) {
        const COURSE: u64 = 16;
        let first = self.facts.first.time;
        let dirs = &mut self.facts.dir;
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
                self.dirs[dir].store.forget_bytes();
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
            let store = &self.dirs[dir].store;
            let fits = store.pieces() <= limits.out_of_order_segments
                && store.bytes() <= limits.out_of_order_bytes
                && (store.bytes() == 0 || total <= limits.reassembly_bytes);
            let Some(first) = store.first().filter(|_| !fits).map(|piece| piece.offset) else { return };
            self.facts.dir[dir].gaps += 1;
            self.pass(dir, first, stamp);
        }
    }

    /// Gives up on bytes that the other end acknowledged and that were never seen.
    fn pass_acknowledged(&mut self, dir: Dir, stamp: Stamp) {
        while let Some(end) = self.dirs[dir].hole(self.facts.dir[dir].acked) {
            self.facts.dir[dir].gaps += 1;
            self.pass(dir, end, stamp);
        }
    }

    /// Declares the bytes up to `end` missing, and hands on what follows them.
    fn pass(&mut self, dir: Dir, end: u64, stamp: Stamp) {
        let offset = self.dirs[dir].next;
        let gap = Gap {
            offset,
            len: end.saturating_sub(offset),
            acknowledged: self.facts.dir[dir].acked >= end,
            stamp,
        };
        self.dirs[dir].skip_to(end);
        if self.watched()
            && let Some(reader) = &mut self.reader
        {
            let interest = reader.gap(&self.facts, dir, gap);
            self.wants(interest);
        }
        self.drain(dir);
    }

    /// Nothing more comes: holes are declared, and what was kept is handed on.
    pub(super) fn finish(&mut self, ended: Ended, until: Timestamp) {
        self.facts.ended = ended;
        self.facts.observed_until = until;
        let last = self.facts.last;
        for dir in Dir::BOTH {
            self.dirs[dir].finish(&mut self.facts.dir[dir]);
        }
        for dir in Dir::BOTH {
            self.pass_acknowledged(dir, last);
            if self.dirs[dir].store.first().is_none() {
                self.facts.dir[dir].path.open_hole = None;
            }
            while let Some(first) = self.dirs[dir].store.first().map(|piece| piece.offset) {
                let facts = &mut self.facts.dir[dir];
                facts.holes += 1;
                if let Some(hole) = &mut facts.path.open_hole
                    && hole.len == 0
                {
                    hole.len = first.saturating_sub(self.dirs[dir].next);
                }
                facts.hole_bytes = facts.hole_bytes.saturating_add(first.saturating_sub(self.dirs[dir].next));
                self.pass(dir, first, last);
            }
            // A FIN, or any packet behind it, says how much its sender had sent.
            let facts = &mut self.facts.dir[dir];
            let reached = self.dirs[dir].next;
            facts.path.ahead.take_if(|ahead| ahead.offset <= reached);
            let ahead = facts.path.ahead.as_ref().map_or(0, |ahead| ahead.offset - reached);
            let untold = self.dirs[dir].before_fin().max(ahead);
            if untold > 0 {
                facts.holes += 1;
                facts.hole_bytes = facts.hole_bytes.saturating_add(untold);
            }
        }
    }
}

/// Data after the same sender's RST.
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
        facts.beyond_rst.get_or_insert(sent.stamp);
    }
}
